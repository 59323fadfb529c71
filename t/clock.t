#!/usr/bin/perl
# The clock of a manager is set a year ahead, and back: what is due by it is
# seen to once, and nothing else notices.
use strict;
use warnings;
$SIG{PIPE} = "IGNORE";
use File::Temp qw(tempdir);
use lib 't/lib';
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = tempdir('paas-clock-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $lib = "$dir/clock.so";
system('cc', '-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', $lib, 't/fixtures/clock/clock.c') == 0
    or BAIL_OUT('clock.c does not compile');
my $ahead = 0;

# The clock is to be so many seconds ahead of this one's.
sub set {
    ($ahead) = @_;
    open my $fh, '>', "$dir/new" or die $!;
    print {$fh} "$ahead\n";
    close $fh or die $!;
    rename "$dir/new", "$dir/offset" or die $!;
}

# Three seconds before a minute, `ahead` from now.
sub near { my ($seconds) = @_; my $t = time + $seconds; return int($seconds + 57 - $t % 60) }

set(near(0));
$ENV{PAAS_WRAPPER} = "env LD_PRELOAD=$lib CLOCK_OFFSET=$dir/offset";
require Manager;
my $m = Manager->new;

sub wait_for {
    my ($seconds, $sub) = @_;
    my $end = time + $seconds;
    while (!$sub->()) { return 0 if time > $end; sleep 0.05 }
    return 1;
}

# When something was left out, by the manager's clock.
sub seen {
    my $r = $m->call('GET', '/apps/shop/timeline');
    return map { $_->{at} } grep { $_->{text} =~ /is left out this time/ } @{ $r->{json} // [] };
}
sub stamp { return strftime('%Y-%m-%dT%H:%M', gmtime(time + $ahead)) }

# There is nothing that it could run: the timeline tells of each time.
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
$m->good('to sleep', 200, 'PUT', '/apps/shop/sleep', { after => '1h' });
$m->good('each minute', 201, 'POST', '/apps/shop/cron', { schedule => '* * * * *', command => 'x' });
$m->good('once a year', 201, 'POST', '/apps/shop/cron', { schedule => '0 0 1 1 *', command => 'x' });

my $year = 366 * 86400;
my $n = 0;
for my $to (0, $year, -$year) {
    set(near($to)) if $to || $n;
    my $from = stamp();
    ok(wait_for(40, sub { seen() > $n }), "seen to at $from");
    # Neither again in this minute, nor for all those between.
    sleep 1.5;
    cmp_ok(scalar(seen()), '<=', $n + 2, 'once, or once in each of the two minutes');
    my ($last) = sort { $b cmp $a } grep { substr($_, 0, 4) eq substr($from, 0, 4) } seen();
    like($last // '', qr/^\d{4}-\d\d-\d\dT/, 'by its own clock');
    $n = seen();
}
is($m->call('GET', '/health')->{status}, 200, 'it goes on');
my $entries = $m->good('entries', 200, 'GET', '/apps/shop/cron');
like($entries->[0]{next_at}, qr/^${\strftime('%Y-%m', gmtime(time + $ahead))}/, 'due again in this month');

# What was due while it was dead is not made up for.
$m->stop('KILL');
set($ahead + 3 * 3600);
$m->start;
ok(wait_for(20, sub { seen() > $n }), 'the minute that it starts in is seen to');
sleep 1;
cmp_ok(scalar(seen()), '<=', $n + 2, 'those before are not');
# What is kept for an Idempotency-Key: told again just before a day is over, and
# gone from the store a day later, whoever has asked for anything meanwhile.
sub kept {
    my $dump = do { open my $from, '-|', 'mdb_dump', '-p', '-a', glob "$m->{dir}/state/store*" or die "mdb_dump: $!"; local $/; <$from> };
    return () = $dump =~ m{^ (?:\S*)idem/\d{10}/[0-9a-f]{16}/[0-9a-f]{32}}mg;
}
my @keep = ('POST', '/apps/shop/log-sessions', { lines => 1 });
$m->good("answer $_", 201, @keep, 'Idempotency-Key' => "key-$_") for 1 .. 70;
is(scalar(kept()), 70, 'kept') or diag explain [kept()];
set($ahead + 23 * 3600 + 1800);
is($m->call(@keep, 'Idempotency-Key' => 'key-1')->{headers}{'idempotency-replayed'}, 'true', 'most of a day later');
$m->stop('KILL');
set($ahead + 3 * 3600);
$m->start;
ok(wait_for(20, sub { !kept() }), 'and not for ever') or diag scalar kept();
is($m->call(@keep, 'Idempotency-Key' => 'key-1')->{headers}{'idempotency-replayed'}, undef, 'the key is free again');

unlike($m->log, qr/fatal|assert/i, 'it has nothing to complain of');

done_testing();
