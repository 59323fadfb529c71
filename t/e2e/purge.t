#!/usr/bin/perl
# up is idempotent, says what is in the way, and down --purge leaves nothing.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time);

# Everything a platform could leave behind.
sub traces {
    my @found;
    push @found, map { "link $_" } grep { !/^\d+: (?:lo|eth\d|ifb\d|ens|enp)/ } split /\n/, (Platform::run('ip', '-o', 'link'))[1];
    push @found, map { "table $_" } split /\n/, (Platform::run('nft', 'list', 'tables'))[1];
    open my $fh, '<', '/proc/self/mounts' or die;
    push @found, map { "mount $_" } grep { /paas/ } <$fh>;
    push @found, map { "cgroup $_" } map { glob "/sys/fs/cgroup$_/paas*" } '', '/*';
    push @found, map { "file $_" } map { glob "$_/paas*" } qw(/run /var/lib /var/log /etc/paas /etc/systemd/system /opt);
    return sort @found;
}

my @before = traces();
my $p = Platform->new(suffix => 'p');
is(($p->paas('push', "$Platform::top/t/fixtures/static", '--app', 'one', '--create'))[0], 0, 'pushed');
is($p->get('one')->{status}, 200, 'it answers');
my ($instance) = map { $_->{instance} } $p->dynos('one');

my $start = time;
my ($rc, $out) = $p->up;
is($rc, 0, 'a second up succeeds') or diag $out;
cmp_ok(time - $start, '<', 60, 'and is soon ready');
diag sprintf 'second up: %.1f s', time - $start;
unlike($out, qr/error|fail|warn|cannot/i, 'nothing alarming in it');
is($p->get('one')->{status}, 200, 'the app still answers');
is((map { $_->{instance} } $p->dynos('one'))[0], $instance, 'by the same instance');

my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0') or die;
($rc, $out) = Platform::run("$Platform::top/scripts/up", '--name', "q$$", '--port', $taken->sockport,
    '--prefix', $p->{prefix});
isnt($rc, 0, 'a port that is taken is refused');
like($out, qr/port \d+ is taken by perl.*--port/, 'and says by whom, and the way out') or diag $out;
for my $bad (['--port', 'x'], ['--port', '70000'], ['--state', 'here'], ['--domain', 'A B'], ['--name', '../x'], ['--what']) {
    ($rc, $out) = Platform::run("$Platform::top/scripts/up", @$bad);
    isnt($rc, 0, "up @$bad is refused");
    ok(length $out, 'with a reason');
}

($rc, $out) = $p->down;
is($rc, 0, 'down --purge succeeds') or diag $out;
is_deeply([traces()], \@before, 'and leaves nothing behind');

done_testing();
