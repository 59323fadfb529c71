#!/usr/bin/perl
# The timeline as events, gone on with behind the last one that was seen, the
# death of the manager between or not.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use Manager;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $m = Manager->new;
my @nginx = (Socket => 'api.sock');
my @sse = (Accept => 'text/event-stream');
my $path = '/apps/shop/timeline';
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
$m->good('another', 201, 'POST', '/apps', { name => 'other' });

sub happen { $m->good("N=$_", 200, 'PATCH', '/apps/shop/config-vars', { N => "$_" }) for @_ }

# [id, text] of so many events, and what came beside them.
my $beside;
sub events {
    my ($at, $want) = @_;
    my ($text, $end) = ('', time + 20);
    while (time < $end) {
        my @all = $text =~ /^id: (\S+)\ndata: (.*)\n\n/mg;
        if (@all / 2 >= $want) {
            ($beside = $text) =~ s/^id: .*\ndata: .*\n\n//mg;
            return map { [@all[2 * $_, 2 * $_ + 1]] } 0 .. $#all / 2;
        }
        IO::Select->new($at)->can_read($end - time) or last;
        sysread $at, $text, 65536, length $text or last;
    }
    return "only: $text";
}

happen(1 .. 3);
my $list = $m->good('the list', 200, 'GET', $path);
is(@$list, 4, 'four so far');

my $at = $m->send('GET', "$path?limit=2", undef, @sse);
my @seen = events($at, 2);
is_deeply([map { $_->[0] } @seen], [map { $_->{id} } @$list[2, 3]], 'the latest two, by their ids');
is_deeply(JSON::PP::decode_json($seen[1][1]), $list->[3], 'as the list has them');
like($beside, qr{^HTTP/1.1 200.*^Content-Type: text/event-stream\r$}ms, 'of that type');
like($beside, qr{^X-Accel-Buffering: no\r$}m, 'held back by no nginx');
$m->good('another app', 200, 'PATCH', '/apps/other/config-vars', { A => 'b' });
happen(4, 5);
push @seen, events($at, 2);
is(@seen, 4, 'two more as they happen, and none of another app');
close $at;

for my $n (0 .. 2) {
    $at = $m->send('GET', $path, undef, @sse, 'Last-Event-ID' => $seen[$n][0]);
    is_deeply([events($at, 3 - $n)], [@seen[$n + 1 .. 3]], "behind event $n");
    unlike($beside, qr/^event: gap/m, 'without a gap');
    close $at;
}

$at = $m->send('GET', $path, undef, @sse, 'Last-Event-ID' => $seen[3][0]);
happen(6);
push @seen, events($at, 1);
is(@seen, 5, 'behind the last one is the next');
$m->stop('KILL');
ok(!defined IO::Select->new($at)->can_read(20) || !sysread($at, my $rest, 1), 'the manager is killed');
close $at;
$m->start;
happen(7);
$at = $m->send('GET', $path, undef, @sse, 'Last-Event-ID' => $seen[3][0]);
my @again = events($at, 2);
is_deeply($again[0], $seen[4], 'nothing is told otherwise');
is(@again, 2, 'none is lost, none is there twice');
close $at;

$at = $m->send('GET', $path, undef, @sse, 'Last-Event-ID' => '0' x 18);
events($at, 1);
like($beside, qr/^event: gap\ndata: \{"message":"[^"]+"\}\n\n/m, 'behind one that is not kept: a gap');
close $at;
for my $id ('f' x 18, 'x', '1', '../' x 6, 'F' x 18, '0' x 19, '0' x 300) {
    $at = $m->send('GET', "$path?limit=2", undef, @sse, 'Last-Event-ID' => $id);
    is_deeply([map { $_->[0] } events($at, 2)], [$again[0][0], $again[1][0]], "behind one that is none ($id): the latest");
    like($beside, qr/^event: gap\n/m, 'and a gap');
    close $at;
}
$m->bad("after $_", 400, qr/after/, 'GET', "$path?follow=1&after=$_") for 'x', '0' x 17;
$at = $m->send('GET', "$path?follow=1&limit=1&after=" . 'f' x 18);
{
    my ($text, $end) = ('', time + 20);
    while ($text !~ /N config/ && time < $end) { IO::Select->new($at)->can_read($end - time) or last; sysread $at, $text, 65536, length $text or last }
    like($text, qr/"id":null,"at":"[^"]+","kind":"gap","text":"[^"]+"\}\r?\n.*"kind":"config"/s, 'a gap is a line for who gets lines');
}
close $at;
$m->bad('limit', 422, qr/limit/, 'GET', "$path?limit=0", undef, @sse);
$m->bad('no app', 404, qr/nothing/, 'GET', '/apps/nothing/timeline', undef, @sse);
$m->bad('nobody', 401, qr/token/, 'GET', $path, undef, @sse, @nginx);

# Read late: all of it, in order.
my $token = $m->good('a token', 201, 'POST', '/tokens', { scope => 'read' })->{token};
$at = $m->send('GET', "$path?limit=1", undef, @sse, @nginx, Authorization => "Bearer $token");
events($at, 1);
happen(map { "late$_" } 1 .. 20);
my @late = events($at, 20);
is(@late, 20, 'a late reader gets all');
is_deeply([sort map { $_->[0] } @late], [map { $_->[0] } @late], 'in order');

# Not read at all: what is kept for it is bounded, and what is lost is told.
{
    sub rss { open my $fh, '<', "/proc/$m->{pid}/status" or return 0; local $/; return <$fh> =~ /^RssAnon:\s+(\d+) kB/m ? $1 : 0 }
    my $slow = $m->send('GET', "$path?limit=1", undef, @sse);
    events($slow, 1);
    my %long = map { ("LONG_NAME_OF_A_VARIABLE_${_}_" . 'X' x 60 => '1') } 1 .. 12;
    my ($before, $n) = (0, 0);
    for my $round (1 .. 2000) {
        my $r = $m->call('PATCH', '/apps/shop/config-vars', { map { ($_ => "$round") } keys %long });
        $n++ if $r->{status} == 200;
        $before = rss() if $round == 500;
    }
    is($n, 2000, 'two thousand events that it does not read');
    cmp_ok(rss() - $before, '<', 4096, 'take no memory: less than 4 MiB');
    my ($text, $end) = ('', time + 60);
    my ($last) = reverse @{ $m->call('GET', "$path?limit=1")->{json} };
    while ($text !~ /^id: $last->{id}$/m && time < $end) { IO::Select->new($slow)->can_read($end - time) or last; sysread $slow, $text, 1 << 20, length $text or last }
    my @ids = $text =~ /^id: (\S+)$/mg;
    is($ids[-1], $last->{id}, 'once it reads, it comes to the last one');
    is_deeply([sort @ids], \@ids, 'in order');
    cmp_ok(scalar @ids, '<', 2000, 'without those that are not kept any more');
    is(() = $text =~ /^event: gap$/mg, 1, 'of which it is told');
    close $slow;
}

# ---- by the CLI -----------------------------------------------------------------

my $pid = open my $cli, '-|', ($ENV{PAAS_BUILD} // 'build') . '/bin/paas', '--socket', "$m->{dir}/run/manager.sock", '--json', 'timeline', '-f', '-n', '1', '-a', 'shop' or die;
my $line = sub { my $end = IO::Select->new($cli)->can_read(20) or return ''; return <$cli> // '' };
like($line->(), qr/"id"/, 'paas timeline -f: the latest');
$m->stop('KILL');
$m->start;
happen('after');
like($line->(), qr/"kind": ?"config"/, 'and the next, though the manager died meanwhile');
$m->good('the app goes', 200, 'DELETE', '/apps/shop');
is($line->(), '', 'with the app it ends');
waitpid $pid, 0;
is($?, 0, 'without an error');
close $at;
is($m->stop('TERM'), 0, 'it stops in order');

done_testing();
