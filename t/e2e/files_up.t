#!/usr/bin/perl
# No file descriptors are left, in one process of the platform after the other:
# what runs goes on and is routed to, the error is clear, nobody spins, and with
# descriptors again all goes on by itself.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP;
use lib 't/lib';
use Platform;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

my $p = Platform->new;
my $app = 'shop';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/rollout", '--app', $app, '--create');
is($rc, 0, 'an app') or BAIL_OUT($out);
# Quick to find one sick, and to restart it.
is(($p->paas('ps:health', 'port', 'interval=1', 'failures=1', 'restart=2', '-a', $app))[0], 0, 'looked at each second');
is(($p->paas('ps:scale', 'web=2', '-a', $app))[0], 0, 'two of it');
is(($p->paas('restart', '-a', $app))[0], 0, 'from now on');
ok($p->wait_up($app, 2), 'both are up');

sub timeline { return join "\n", reverse map { $_->{text} } @{ $p->api('GET', "/apps/$app/timeline?limit=1000")->{json} // [] } }
sub instance {
    my ($dyno) = @_;
    return Platform::wait_for(20, sub { my $r = decode_json($p->get($app)->{body}); return $r->{dyno} eq $dyno && $r->{instance} });
}
sub slurp { my ($path) = @_; open my $fh, '<', $path or return ''; local $/; return <$fh> // '' }
sub ticks { my ($pid) = @_; my @f = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr; return $f[11] + $f[12] }

# A process may have descriptors below this one, or below the first that it has
# not, and so no more than it has.
sub limit {
    my ($pid, $least) = @_;
    my %used = map { s{.*/}{}r => 1 } glob "/proc/$pid/fd/*";
    ($least) = grep { !$used{$_} } 0 .. 65536 if !$least;
    my ($was, $hard) = slurp("/proc/$pid/limits") =~ /^Max open files\s+(\d+)\s+(\d+)/m;
    # As its own user: not each root may do so to others.
    my ($uid) = slurp("/proc/$pid/status") =~ /^Uid:\s+(\d+)/m;
    my ($gid) = slurp("/proc/$pid/status") =~ /^Gid:\s+(\d+)/m;
    my @set = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups', 'prlimit', "--pid=$pid");
    my ($rc, $out) = Platform::run(@set, "--nofile=$least:$hard");
    die $out if $rc;
    return sub { Platform::run(@set, "--nofile=$was:$hard") };
}

# Somebody who asks all the time, until there is a file of that name, and then
# says how it went.  A signal would break off the request that it is at.
my $dir = tempdir(CLEANUP => 1);
sub client {
    my $pid = open(my $from, '-|') // die $!;
    return $from if $pid;
    my ($n, %bad) = (0);
    while (!-e "$dir/enough") {
        my $got = $p->get($app);
        $n++;
        $bad{"$got->{status}:" . ($got->{headers}{'x-paas-error'} // '')}++ if $got->{status} != 200;
        sleep 0.01;
    }
    print "$n ", join(' ', map {"$_=$bad{$_}"} sort keys %bad), "\n";
    close STDOUT;
    POSIX::_exit(0);
}
my $said = client();

# Ends the app of one of its instances, and says which that was.
sub crash {
    my ($dyno) = @_;
    for my $dir (glob '/proc/[0-9]*') {
        next if slurp("$dir/cgroup") !~ /$p->{name}.*inst/s || slurp("$dir/comm") !~ /^python/;
        my ($pid) = $dir =~ /(\d+)$/;
        return $dyno if slurp("$dir/environ") =~ /(?:^|\0)DYNO=\Q$dyno\E(?:\0|$)/ && kill 'KILL', $pid;
    }
    return '';
}

sub lines { return scalar(() = slurp("$p->{logs}/$_[0]/current") =~ /\n/g) }

# ---- the manager --------------------------------------------------------------------

# Connections that say nothing take all that there are.
my $before = instance('web.1');
my $pid = $p->service_pid('manager');
my $lift = limit($pid, 60);
my @idle = map { IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") } 1 .. 60;
my ($ticks, $lines) = (ticks($pid), lines('manager'));
my $answer = $p->api('GET', "/apps/$app/dynos");
is($answer->{status}, 503, 'the manager has no descriptor for one who asks');
like($answer->{json}{message} // '', qr/no file descriptors left: raise its limit/, 'and says so') or diag $answer->{body};
is(crash('web.2'), 'web.2', 'an instance ends meanwhile');
sleep 4;
cmp_ok(ticks($pid) - $ticks, '<', 100, 'it does not spin');
cmp_ok(lines('manager') - $lines, '<', 60, 'nor fill its log');
$lift->();
is($p->api('GET', '/health')->{status}, 200, 'it answers again');
is($p->service_pid('manager'), $pid, 'and has never ended');
ok($p->wait_up($app, 2), 'both are up');
is(instance('web.1'), $before, 'the other is the one from before') or diag timeline();
like(timeline(), qr/web\.2 crashed: killed by signal 9/, 'how it ended is known');
like(slurp("$p->{logs}/manager/current"), qr/Too many open files/, 'the log says what was used up');
unlike(timeline(), qr/does not answer|health check failed/, 'nobody was taken for sick');

# ---- the launcher -------------------------------------------------------------------

$pid = $p->service_pid('launcher');
$lift = limit($pid);
($ticks, $lines) = (ticks($pid), lines('launcher'));
is(($p->paas('ps:scale', 'web=3', '-a', $app))[0], 0, 'the launcher has none: a third');
ok(Platform::wait_for(20, sub { timeline() =~ /web\.3 cannot be started now: .*Too many open files/ }), 'why it is not there') or diag timeline();
sleep 2;
cmp_ok(ticks($pid) - $ticks, '<', 100, 'it does not spin');
cmp_ok(lines('launcher') - $lines, '<', 60, 'nor fill its log');
is($p->api('GET', '/health')->{json}{status}, 'ok', 'all else is well');
$lift->();
ok($p->wait_up($app, 3), 'it is, as soon as there are some');
is($p->service_pid('launcher'), $pid, 'the launcher has never ended');

# ---- the logger ----------------------------------------------------------------------

$pid = $p->service_pid('logger');
$lift = limit($pid);
$ticks = ticks($pid);
$p->get($app, '/while-there-are-none');
sleep 2;
cmp_ok(ticks($pid) - $ticks, '<', 100, 'the logger has none, and does not spin');
$lift->();
$p->get($app, '/after-it');
ok(Platform::wait_for(20, sub { ($p->paas('logs', '-a', $app, '--source', 'router', '-n', '1000'))[1] =~ m{/after-it} }), 'it tells of what comes after');
is($p->service_pid('logger'), $pid, 'and has never ended');

# ---- and all the while ------------------------------------------------------------------

open my $enough, '>', "$dir/enough" or die $!;
my ($n, @bad) = split ' ', <$said> // '0 nothing';
cmp_ok($n, '>', 100, "$n requests");
is("@bad", '', 'none of them failed') or diag grep { !/" 200 / } split /^/, slurp("$p->{logs}/access.log");
my ($differ, $what) = Platform::run("$p->{prefix}/libexec/paas/paas-manager", '--conf', $p->{conf}, '--check');
is($differ, 0, 'what is, is what should be') or diag $what;

done_testing();
