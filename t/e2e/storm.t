#!/usr/bin/perl
# The manager and the launcher are killed at random moments of pushes, scalings,
# roll-outs and stops; what was asked for comes to be, nothing is orphaned, and
# an app that nobody touches is neither restarted nor without its route.
#
# After each kill all is as it was within 5 s of that kill, the second that
# runsv waits before it starts a service again among them: the manager answers,
# has its launcher and has adopted the app that nobody touches.  Only what the
# two spent runnable and waiting for a CPU that others had (the kernel's figure,
# /proc/PID/schedstat) is taken off, so that a loaded machine fails nobody.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

# Of the manager, and beside them of the launcher.
my ($kills, $others) = $ENV{PAAS_LONG} ? (1000, 300) : (10, 3);
srand($ENV{PAAS_SEED} // 1);
my $p = Platform->new;
my $dir = "$Platform::top/t/fixtures/static";
my $app = 'storm';
is(($p->paas('push', $dir, '--app', $app, '--create'))[0], 0, 'pushed');

is(($p->paas('push', $dir, '--app', 'calm', '--create'))[0], 0, 'another one, that is left alone');
ok($p->wait_up('calm', 1), 'is up');
my ($calm) = map { $_->{instance} } $p->dynos('calm');

# With the launcher killed as well, nobody answers for a moment.
sub converged {
    my $r = $p->api('GET', '/health');
    return if $r->{status} != 200 || !$r->{json}{launcher};
    my @now = map { "$_->{instance} $_->{status}" } $p->dynos('calm');
    return "@now" eq "$calm ready" && $p->get('calm')->{status} == 200;
}

# Seconds that a service's process was kept from a CPU.
sub waited {
    my $pid = $p->service_pid($_[0]) // return 0;
    open my $fh, '<', "/proc/$pid/schedstat" or return 0;
    return (split ' ', <$fh> // '0 0')[1] / 1e9;
}

my @work = (
    sub { my $n = 1 + int rand 6; ['ps:scale', "web=$n", '--app', $app] },
    sub { ['stop', '--app', $app] },
    sub { ['start', '--app', $app] },
    sub { ['push', $dir, '--app', $app] },
    sub { ['restart', '--app', $app] },
);

my ($slowest, $lost) = (0, 0);
my %launcher = map { $_ => 1 } map { int($_ * ($kills + $others) / $others) } 1 .. $others;
for my $n (1 .. $kills + $others) {
    my $words = $work[rand @work]->();
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @$words
            or POSIX::_exit(127);
    }
    sleep rand 0.8;
    my $service = $launcher{$n} ? 'launcher' : 'manager';
    my ($other) = grep { $_ ne $service } 'manager', 'launcher';
    my $before = waited($other);
    my $victim = $p->service_pid($service);
    my $start = time;
    kill 'KILL', $victim if $victim;
    $lost++ if $p->get('calm')->{status} != 200;
    my $up = Platform::wait_for(20, sub { converged() && ($p->service_pid($service) // 0) != ($victim // 0) });
    my $took = time - $start;
    my $waits = waited($service) + waited($other) - $before;
    $slowest = $took if $took > $slowest;
    waitpid $pid, 0;
    ok($up, "kill $n, of the $service during $words->[0]") or last;
    cmp_ok($took - $waits, '<=', 5, 'within 5 s') or diag(sprintf '%.1f s, %.1f s of them without a CPU', $took, $waits);
    $lost++ if $p->get('calm')->{status} != 200;
}
diag(sprintf 'slowest to converge: %.1f s', $slowest);
is($lost, 0, 'the other app answered after each kill');
is_deeply([map { $_->{instance} } $p->dynos('calm')], [$calm], 'and was never restarted');
is(($p->paas('apps:destroy', 'calm', '--confirm', 'calm'))[0], 0, 'it goes');

is(($p->paas('start', '--app', $app))[0], 0, 'started');
# A build that was under way when the last kill came may still end.
Platform::wait_for(60, sub {
    !grep { $_->{status} =~ /pending|running/ } @{ $p->api('GET', "/apps/$app/builds")->{json} || [] };
});
is(($p->paas('ps:scale', 'web=4', '--app', $app))[0], 0, 'scaled to 4');
ok($p->wait_up($app, 4, 'web', 60), 'four are up, and only those') or diag explain [$p->dynos($app)];
# A manager that has just started leaves the routes alone for 2 s: a worker may
# be reading pages that the one before freed.
ok(Platform::wait_for(5, sub { $p->get($app)->{status} == 200 }), 'it answers');

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

# A last word that came late is taken away with the next list.
my ($differ, $said);
ok(Platform::wait_for(70, sub {
    ($differ, $said) = Platform::run("$p->{prefix}/libexec/paas/paas-manager", '--conf', $p->{conf}, '--check');
    $differ == 0
}), 'nothing differs from what should be') or diag $said;

is(($p->paas('stop', '--app', $app))[0], 0, 'stopped');
ok(Platform::wait_for(60, sub { count("$p->{run}/inst/*") == 0 }), 'no record is left');
my ($status, $ps) = Platform::run('ps', '-eo', 'uid=,pid=,args=');
my ($base) = $conf =~ /^uid_base = (\d+)/m;
my @orphans = grep { /^\s*(\d+)/ && $1 >= $base && $1 < $base + 65536 } split /\n/, $ps;
is(scalar @orphans, 0, 'no process is left') or diag join "\n", @orphans;

done_testing();
