#!/usr/bin/perl
# up is idempotent, says what is in the way, and down --purge leaves nothing.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new(suffix => 'p');

# What the platform has on this machine; others may come and go beside it.
my %conf = do {
    open my $fh, '<', $p->{conf} or die "$p->{conf}: $!";
    map { /^(\w+) = (.*)$/ ? ($1 => $2) : () } <$fh>;
};

sub traces {
    my $name = $p->{name};
    my @found;
    push @found, map { "link $_" } grep { /^\d+: \Q$conf{if_prefix}\E/ } split /\n/, (Platform::run('ip', '-o', 'link'))[1];
    push @found, map { "table $_" } grep { /\b\Q$conf{nft_table}\E$/ } split /\n/, (Platform::run('nft', 'list', 'tables'))[1];
    open my $fh, '<', '/proc/self/mounts' or die;
    push @found, map { "mount $_" } grep { /paas-\Q$name\E/ } <$fh>;
    push @found, map { "cgroup $_" } grep { -d } map { "/sys/fs/cgroup$_/$conf{cgroup}" } '', map { s{^/sys/fs/cgroup}{}r } glob '/sys/fs/cgroup/*';
    push @found, map { "file $_" } map { glob "$_/paas-$name*" } qw(/run /var/lib /var/log /etc/paas /opt);
    push @found, map { "process $_" } grep { /^\s*(\d+)/ && $1 >= $conf{uid_base} && $1 < $conf{uid_base} + 65536 }
        split /\n/, (Platform::run('ps', '-eo', 'uid=,pid=,args='))[1];
    return sort @found;
}

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
($rc, $out) = Platform::run("$Platform::top/scripts/up", '--name', "q$$", '--port', $taken->sockport);
isnt($rc, 0, 'a port that is taken is refused');
like($out, qr/port \d+ is taken by perl.*--port/, 'and says by whom, and the way out') or diag $out;
for my $bad (['--port', 'x'], ['--port', '70000'], ['--https-port', 'x'], ['--https-port', '70000'], ['--state', 'here'], ['--prefix', '../here'], ['--domain', 'A B'], ['--name', '../x'], ['--what']) {
    ($rc, $out) = Platform::run("$Platform::top/scripts/up", @$bad);
    isnt($rc, 0, "up @$bad is refused");
    ok(length $out, 'with a reason');
}

my $kinds = join ' ', sort keys %{ { map { /^(\w+)/ ? ($1 => 1) : () } traces() } };
is($kinds, 'cgroup file link process table', 'it has left its traces');
($rc, $out) = $p->down;
is($rc, 0, 'down --purge succeeds') or diag $out;
is_deeply([traces()], [], 'and leaves nothing behind');

done_testing();
