#!/usr/bin/perl
# The manager is killed at random moments of pushes, scalings and stops; what
# was asked for comes to be, and nothing is orphaned.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $kills = $ENV{PAAS_LONG} ? 100 : 12;
srand($ENV{PAAS_SEED} // 1);
my $p = Platform->new;
my $dir = "$Platform::top/t/fixtures/static";
my $app = 'storm';
is(($p->paas('push', $dir, '--app', $app, '--create'))[0], 0, 'pushed');

my @work = (
    sub { my $n = 1 + int rand 6; ['ps:scale', "web=$n", '--app', $app] },
    sub { ['stop', '--app', $app] },
    sub { ['start', '--app', $app] },
    sub { ['push', $dir, '--app', $app] },
    sub { ['restart', '--app', $app] },
);

for my $n (1 .. $kills) {
    my $words = $work[rand @work]->();
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @$words
            or POSIX::_exit(127);
    }
    sleep rand 0.8;
    my $manager = $p->service_pid('manager');
    kill 'KILL', $manager if $manager;
    waitpid $pid, 0;
    ok(Platform::wait_for(10, sub { $p->api('GET', '/health')->{status} == 200 }), "kill $n, during $words->[0]")
        or last;
}

is(($p->paas('start', '--app', $app))[0], 0, 'started');
# A build that was under way when the last kill came may still end.
Platform::wait_for(60, sub {
    !grep { $_->{status} =~ /pending|running/ } @{ $p->api('GET', "/apps/$app/builds")->{json} || [] };
});
is(($p->paas('ps:scale', 'web=4', '--app', $app))[0], 0, 'scaled to 4');
ok($p->wait_up($app, 4, 'web', 60), 'four are up, and only those') or diag explain [$p->dynos($app)];
is($p->get($app)->{status}, 200, 'it answers');

# What is there is what is known.
sub count {
    my ($pattern) = @_;
    my @found = glob $pattern;
    return scalar @found;
}
my ($rc, $links) = Platform::run('ip', '-o', 'link');
my $conf = do { open my $fh, '<', $p->{conf} or die; local $/; <$fh> };
my ($prefix) = $conf =~ /^if_prefix = (\S+)/m;
my ($cgroup) = $conf =~ /^cgroup = (\S+)/m;
ok(Platform::wait_for(15, sub { count("$p->{run}/inst/*") == 4 }), 'four records');
my @veth = $links =~ /^\d+: (\Q$prefix\E[^:@]*)@/mg;
ok(Platform::wait_for(15, sub {
    my @now = (Platform::run('ip', '-o', 'link'))[1] =~ /^\d+: (\Q$prefix\E[^:@]*)@/mg;
    @now == 4
}), 'four interfaces') or diag "@veth";
my ($root) = grep { -d } map { "$_/$cgroup" } '/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory';
is(count("$root/inst/*/cgroup.procs"), 4, "four cgroups below $root");
is(count("$p->{state}/uploads/*.tar"), 0, 'no upload is left');
is(count("$p->{state}/builds/*"), 0, 'no build is left');
my ($dumped, $routes) = Platform::run("$p->{prefix}/bin/paas-routedb", 'dump', "$p->{state}/routes");
is(scalar(() = $routes =~ /^instance /mg), 4, 'four instances in the route database') or diag $routes;

is(($p->paas('stop', '--app', $app))[0], 0, 'stopped');
ok(Platform::wait_for(60, sub { count("$p->{run}/inst/*") == 0 }), 'no record is left');
my ($status, $ps) = Platform::run('ps', '-eo', 'uid=,pid=,args=');
my ($base) = $conf =~ /^uid_base = (\d+)/m;
my @orphans = grep { /^\s*(\d+)/ && $1 >= $base && $1 < $base + 65536 } split /\n/, $ps;
is(scalar @orphans, 0, 'no process is left') or diag join "\n", @orphans;

done_testing();
