#!/usr/bin/perl
# An app with a single instance is restarted, and killed, while requests come:
# none of them fails.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my ($restarts, $least) = $ENV{PAAS_LONG} ? (50, 10_000) : (6, 400);
my $p = Platform->new;
my $app = 'single';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/static", '--app', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
ok($p->wait_up($app, 1), 'one instance is up');
is($p->get($app)->{status}, 200, 'it answers');

# Four clients ask until they are told to stop; each tells what went wrong.
my $go = "$p->{run}/hold.go";
open my $fh, '>', $go or die $!;
close $fh;
my @clients = map {
    my $pid = open(my $from, '-|') // die $!;
    if (!$pid) {
        my ($n, @bad) = (0);
        while (-e $go || $n < $least / 4) {
            my $got = $p->get($app, '/', timeout => 40);
            push @bad, "$got->{status} " . ($got->{headers}{'x-paas-error'} // '') if $got->{status} != 200;
            $n++;
            sleep 0.01;
        }
        print "$n @bad\n";
        close STDOUT;
        POSIX::_exit(0);
    }
    $from;
} 1 .. 4;

sub instance { return ($p->dynos($app))[0]{instance} // '' }

for my $n (1 .. $restarts) {
    my $before = instance();
    is(($p->paas('ps:restart', '--app', $app))[0], 0, "restart $n");
    ok(Platform::wait_for(60, sub { instance() ne $before && $p->wait_up($app, 1, 'web', 0) }),
        'another instance is up') or diag explain [$p->dynos($app)];
}

# The whole instance at once, as the kernel does it when memory is short.
my $conf = do { open my $file, '<', $p->{conf} or die $!; local $/; <$file> };
my ($cgroup) = $conf =~ /^cgroup = (\S+)/m;

sub pids {
    my ($instance) = @_;
    for my $top ('/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory') {
        open my $procs, '<', "$top/$cgroup/inst/$instance/cgroup.procs" or next;
        chomp(my @pids = <$procs>);
        return @pids if @pids;
    }
    return;
}

for my $n (1 .. 2) {
    my $before = instance();
    my @pids = pids($before);
    ok(@pids > 0, "kill $n") or diag "$before: no processes";
    kill 'KILL', @pids;
    ok(Platform::wait_for(60, sub { instance() ne $before && $p->wait_up($app, 1, 'web', 0) }),
        'it starts again') or diag explain [$p->dynos($app)];
}

unlink $go;
my ($all, @bad) = (0);
for my $from (@clients) {
    my ($n, @more) = split ' ', <$from> // '0 nothing';
    $all += $n;
    push @bad, @more;
}
cmp_ok($all, '>=', $least, "$all requests through $restarts restarts and two kills");
is("@bad", '', 'none failed');

# An app that is stopped says so at once, and sleeps on.
is(($p->paas('stop', '--app', $app))[0], 0, 'stopped');
ok(Platform::wait_for(30, sub { !$p->dynos($app) || !grep { $_->{state} eq 'up' } $p->dynos($app) }), 'none is up');
my $from = time;
my $got = $p->get($app);
is("$got->{status} $got->{headers}{'x-paas-error'}", '503 app_stopped', 'a stopped app is refused');
cmp_ok(time - $from, '<', 2, 'at once');

# One that is started is waited for.
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', '/dev/null';
    exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'start', '--app', $app
        or POSIX::_exit(127);
}
ok(Platform::wait_for(20, sub {
    my $r = $p->get($app);
    return $r->{status} == 200 ? 1 : ($r->{headers}{'x-paas-error'} // '') eq 'app_stopped' ? 0 : die "$r->{status}";
}), 'after a start the first answer that is not "stopped" is the app\'s');
waitpid $pid, 0;

# Nobody waits for what nobody starts; after a push or more of them one does.
sub refused_at_once {
    my ($of, $why) = @_;
    $from = time;
    $got = $p->get($of);
    is("$got->{status} " . ($got->{headers}{'x-paas-error'} // ''), '503 no_instance', $why);
    cmp_ok(time - $from, '<', 2, 'at once');
    return;
}
is(($p->paas('apps:create', 'empty'))[0], 0, 'an app without a release');
ok(Platform::wait_for(5, sub { $p->get('empty')->{status} == 503 }), 'is known');
refused_at_once('empty', 'it has nothing to wait for');
is(($p->paas('ps:scale', 'web=0', '--app', $app))[0], 0, 'scaled to none');
ok(Platform::wait_for(30, sub { !$p->dynos($app) }), 'none runs');
refused_at_once($app, 'nor has that one');
is(($p->paas('ps:scale', 'web=1', '--app', $app))[0], 0, 'scaled to one');
is($p->get($app, '/', timeout => 30)->{status}, 200, 'which is waited for');

done_testing();
