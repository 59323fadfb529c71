#!/usr/bin/perl
# A 5 GB upload with the disk full: a clear error, nothing left, and all goes
# on.  The disk is a small tmpfs mounted where uploads go.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::UNIX;
use Platform;
use Test::More;

my $p = Platform->new(conf => { upload_max => '8G' });
is(($p->paas('apps:create', 'full'))[0], 0, 'an app');
my ($rc, $out) = Platform::run('mount', '-t', 'tmpfs', '-o',
    "size=16m,uid=$>,mode=700", 'tmpfs', "$p->{state}/uploads");
is($rc, 0, 'a disk of 16 MiB') or diag $out;
Platform::run('chown', 'paas:paas', "$p->{state}/uploads");
# The manager may have had the folder below open.
my $pid = $p->service_pid('manager');
kill 'KILL', $pid;
ok(Platform::wait_for(10, sub {
    my $now = $p->service_pid('manager');
    $now && $now != $pid && $p->api('GET', '/health')->{status} == 200
}), 'the manager sees it');

my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or die;
local $SIG{PIPE} = 'IGNORE';
print {$s} "POST /apps/full/builds HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Type: application/x-tar\r\nContent-Length: 5000000000\r\n\r\n";
my $block = "\0" x 65536;
my $sent = 0;
my $sel = IO::Select->new($s);
my $answer = '';
while ($sent < 200 << 20) {
    if ($sel->can_read(0)) {
        sysread($s, $answer, 65536, length $answer) or last;
        last if $answer =~ /\r\n\r\n./s;
    }
    my $n = syswrite $s, $block;
    last if !$n;
    $sent += $n;
}
$answer .= Platform::read_response($s, time + 5) if $answer !~ /\r\n\r\n./s;
like($answer, qr{^HTTP/1\.1 (?:507|503|413|500) }, 'an error is the answer') or diag $answer;
like($answer, qr/disk|space/i, 'it says that the disk is full');
close $s;
ok(Platform::wait_for(10, sub { my @left = glob "$p->{state}/uploads/*"; !@left }), 'nothing is left of it');
Platform::run('umount', '-l', "$p->{state}/uploads");
$pid = $p->service_pid('manager');
kill 'KILL', $pid;
Platform::wait_for(10, sub {
    my $now = $p->service_pid('manager');
    $now && $now != $pid && $p->api('GET', '/health')->{status} == 200
});
my ($code, $said) = $p->paas('push', "$Platform::top/t/fixtures/static", '--app', 'full');
is($code, 0, 'with room again, a push works') or diag $said;

# A build that writes without end is ended before the disk is full; here all
# of the disk, and more, is to be left free.
$p->configure(disk_reserve => '900000G');
is(($p->up)[0], 0, 'a reserve larger than the disk');
my $dir = "$Platform::top/t/fixtures/probe";
my $state = $p->get('full')->{status};
($code, $said) = $p->paas('push', $dir, '--app', 'full');
isnt($code, 0, 'a build is ended');
like($said, qr/disk_reserve/, 'and told why') or diag $said;
is($p->get('full')->{status}, $state, 'what was there goes on');
ok(Platform::wait_for(10, sub { my @left = glob "$p->{state}/{uploads/*.tar,builds/*}"; !@left }), 'nothing is left of it');

done_testing();
