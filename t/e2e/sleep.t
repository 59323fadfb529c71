#!/usr/bin/perl
# Apps that nobody asks for fall asleep, and a request wakes them: none of many
# fails, and none waits much longer than the app's own start takes.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

my $wakes = $ENV{PAAS_LONG} ? 1000 : 20;
my $p = Platform->new;
my @apps = map {"nap$_"} 1 .. 4;

sub state { return $p->api('GET', "/apps/$_[0]/sleep")->{json}{state} // '' }
sub asleep { my ($app, $s) = @_; return Platform::wait_for($s // 60, sub { state($app) eq 'asleep' }) }
sub none { my ($app) = @_; return Platform::wait_for(60, sub { !grep { $_->{type} eq 'web' } $p->dynos($app) }) }

for my $app (@apps) {
    my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/rollout", '--app', $app, '--create');
    is($rc, 0, "$app is pushed") or BAIL_OUT($out);
}
my $app = $apps[0];
is(state($app), 'off', 'nothing is set');

# One that is due each minute, in an app that sleeps meanwhile.
is(($p->paas('cron:add', '* * * * *', 'echo from cron; exit 3', '-a', $apps[3]))[0], 0, 'an entry for each minute');
is(($p->paas('cron:add', '* * * * *', 'sleep 600', '--time-to-live', '2s', '-a', $apps[3]))[0], 0, 'and one that has two seconds');

# ---- a square wave ----------------------------------------------------------------

# Ten clients that all ask for three seconds, and are silent for three; also
# while the manager is killed below.
my $wave = 'wave';
my $waves = $ENV{PAAS_LONG} ? 100 : 4;
is(($p->paas('push', "$Platform::top/t/fixtures/rollout", '--app', $wave, '--create'))[0], 0, 'one more app');
ok($p->wait_up($wave, 1), 'runs');
my ($rc, $out) = $p->paas('autoscale:set', 'web', 'min=1', 'max=8', 'concurrency=2', 'window=15s', '-a', $wave);
is($rc, 0, 'is to have two requests at once in each instance') or diag $out;
my $began = time;
my @askers = map {
    my $asker = fork // die $!;
    if (!$asker) {
        my $bad = 0;
        while ((my $t = time - $began) < 6 * $waves) {
            if ($t / 6 - int($t / 6) < 0.5) { $bad++ if $p->get($wave, '/slow?ms=400', timeout => 30)->{status} != 200 }
            else { sleep 0.05 }
        }
        POSIX::_exit($bad > 0);
    }
    $asker;
} 1 .. 10;

# ---- what is refused --------------------------------------------------------

($rc, $out) = $p->paas('sleep:set', 'after=0s', '-a', $app);
is($rc, 1, 'no time at all');
like($out, qr/after has to be a time from 1s to 30d/, 'and says so');
($rc, $out) = $p->paas('sleep:set', 'whenever=1s', '-a', $app);
like($out, qr/whenever is not a field of this request, which takes after, all/, 'a setting that there is not');
is(state($app), 'off', 'nothing was changed');

# ---- a websocket, and a request that is long ----------------------------------

is(($p->paas('ps:scale', 'worker=1', '-a', $app))[0], 0, 'a worker');
ok($p->wait_up($app, 1, 'worker'), 'is up');
my $ws = $p->ws_open($app, '/ws');
ok($ws && Platform::ws_echo($ws, 'hello'), 'a websocket');
($rc, $out) = $p->paas('sleep:set', 'after=1s', '-a', $app);
is($rc, 0, 'to sleep after a second') or diag $out;
sleep 3;
is(state($app), 'awake', 'awake as long as the websocket is open');
ok(Platform::ws_echo($ws, 'still'), 'which works');
close $ws;
ok(asleep($app), 'it sleeps once that is closed');
ok(none($app), 'no web process is left');
ok(scalar(grep { $_->{type} eq 'worker' && $_->{state} eq 'up' } $p->dynos($app)), 'the worker is');
is($p->api('GET', "/apps/$app/formation/web")->{json}{quantity}, 1, 'the formation is as it was set');

# ---- the manager is not there, and the first wake is lost ------------------------

kill 'STOP', my $manager = $p->service_pid('manager');
my $pid = open(my $from, '-|') // die;
if (!$pid) {
    print $p->get($app, '/', timeout => 60)->{status};
    close STDOUT;
    POSIX::_exit(0);
}
sleep 0.5;
kill 'KILL', $manager;
is(<$from>, 200, 'a request that came while the manager was dead is answered');
like(join("\n", map { $_->{text} } @{ $p->api('GET', "/apps/$app/timeline")->{json} }),
    qr/it sleeps: no request and no connection for 1 s.*it wakes: a request waits for it/s, 'the timeline says why');

# ---- what else wakes ------------------------------------------------------------

ok(asleep($app), 'it sleeps again');
is(($p->paas('sleep:set', 'after=1s', 'all=on', '-a', $app))[0], 0, 'its workers, too');
ok(Platform::wait_for(60, sub { state($app) eq 'asleep' && !$p->dynos($app) }), 'nothing runs');
like(($p->paas('ps', '-a', $app))[1], qr/^No process runs\.\n\Q$app\E fell asleep (?:just now|\d+\w ago): the next request wakes it$/m, 'ps says so');
is(($p->paas('restart', '-a', $app))[0], 0, 'restarted');
ok(Platform::wait_for(60, sub { 2 == grep { $_->{state} eq 'up' } $p->dynos($app) }), 'is awake') or diag explain [$p->dynos($app)];
ok(asleep($app), 'it sleeps again');
is(($p->paas('sleep:off', '-a', $app))[0], 0, 'not to sleep');
ok($p->wait_up($app, 1), 'is awake');
is(state($app), 'off', 'and off');

# ---- many wakes -------------------------------------------------------------------

# Each of four clients lets its app sleep, and asks as soon as it does: half of
# the time while the last instance still ends.
is(($p->paas('sleep:set', 'after=1s', '-a', $_))[0], 0, "$_ is to sleep") for @apps;
my @clients = map {
    my $one = $_;
    my $client = open(my $fh, '-|') // die $!;
    if (!$client) {
        my ($n, @bad) = (0);
        while ($n < $wakes / @apps) {
            if (!asleep($one, 120)) { push @bad, 'awake'; last }
            none($one) if $n % 2;
            my $got = $p->get($one, '/', timeout => 60);
            push @bad, "$got->{status}:" . ($got->{headers}{'x-paas-error'} // '') if $got->{status} != 200;
            $n++;
        }
        print "$n @bad\n";
        close STDOUT;
        POSIX::_exit(0);
    }
    $fh;
} @apps;
my ($all, @bad) = (0);
for my $fh (@clients) {
    my ($n, @more) = split ' ', <$fh> // '0 nothing';
    $all += $n;
    push @bad, @more;
}
is($all, $wakes, "$all wakes");
is("@bad", '', 'no request failed');

# ---- what came of the wave ------------------------------------------------------------

# From the first to the last: [from, to, why].
sub steps {
    my @events = grep { $_->{kind} eq 'autoscale' } @{ $p->api('GET', "/apps/$wave/timeline?limit=1000")->{json} };
    return map { $_->{text} =~ /^(.*): web (\d+) to (\d+)$/ ? [$2, $3, $1] : () } sort { $a->{at} cmp $b->{at} } @events;
}
is(scalar(grep { waitpid $_, 0; $? != 0 } @askers), 0, 'each request of the wave is answered');
my @up = steps();
cmp_ok(scalar(@up), '>=', 1, 'a load that comes and goes had more instances started');
cmp_ok(scalar(@up), '<=', 4, 'in a few steps');
is(scalar(grep { $_->[1] < $_->[0] } @up), 0, "and none ended in $waves waves") or diag explain \@up;
is(scalar(grep { $_->[2] !~ /^\d+ requests at once, over 2 an instance$/ } @up), 0, 'each step has its reason') or diag explain \@up;
cmp_ok($up[-1][1], '>=', 2, 'there are more than one');
cmp_ok($up[-1][1], '<=', 5, 'and not more than its peaks ask for');
ok(Platform::wait_for(90, sub { my @now = steps(); $now[-1][1] == 1 }), 'once it is over, they end');
my @down = steps();
splice @down, 0, scalar @up;
is(scalar(grep { $_->[1] > $_->[0] } @down), 0, 'and none starts') or diag explain \@down;
like($down[-1][2], qr/^\d+ requests at once, and never more than 1 asked for in 15 s$/, 'as the timeline says');

# ---- what was due meanwhile ----------------------------------------------------------

sub timeline { return join "\n", map { $_->{text} } @{ $p->api('GET', "/apps/$_[0]/timeline?limit=1000")->{json} } }
ok(Platform::wait_for(90, sub { 2 <= (() = timeline($apps[3]) =~ /^cron\.\d+ ended/mg) }), 'both have run') or diag timeline($apps[3]);
like(timeline($apps[3]), qr/^cron\.\d+ of v1 asked for by cron entry 1: echo from cron; exit 3$/m, 'the timeline has it');
like(timeline($apps[3]), qr/^cron\.\d+ ended after [\d.]+ s: exited with status 3$/m, 'and how it ended');
like(timeline($apps[3]), qr/^cron\.\d+ ended after 2\.\d s: .*, after the time that it had$/m, 'and that time was over');
like(($p->paas('logs', '-a', $apps[3], '--ps', 'cron'))[1], qr/from cron/, 'its output is in the logs');
($rc, $out) = $p->paas('cron', '-a', $apps[3]);
like($out, qr/^ *1 .*exited with status 3/m, 'the list tells, too') or diag $out;
is(($p->paas('cron:remove', '1', '2', '-a', $apps[3]))[0], 0, 'removed');

done_testing();
