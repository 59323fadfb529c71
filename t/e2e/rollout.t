#!/usr/bin/perl
# Releases that follow each other: a few at a time, all at once, by a canary;
# after a release process; back again when they go wrong; and all of it with
# requests that go on, whoever kills the manager when.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

my $rounds = $ENV{PAAS_LONG} ? 100 : 3;
my $p = Platform->new(conf => { start_timeout => 4, drain_timeout => 60 });
my $app = 'roll';
my $health = "/apps/$app/formation/web/health";

sub rollout { return $p->api('GET', "/apps/$app/rollout")->{json} // {} }

# Sets config vars, which makes a release: its version.
sub release {
    my (%set) = @_;
    my $r = $p->api('PATCH', "/apps/$app/config-vars", \%set);
    is($r->{status}, 200, 'a release by ' . join ' ', map { "$_=" . ($set{$_} // '-') } sort keys %set)
        or diag $r->{body};
    my $last = 0;
    for (@{ $p->api('GET', "/apps/$app/releases")->{json} }) {
        $last = $_->{version} if $_->{version} > $last;
    }
    return $last;
}

sub info { return $p->api('GET', "/apps/$app/releases/$_[0]")->{json} }

sub waits_for_state {
    my ($version, $state, $seconds) = @_;
    return Platform::wait_for($seconds // 30, sub {
        my $now = rollout();
        return ($now->{target}{version} // 0) == $version && $now->{state} eq $state;
    }) || do { diag explain rollout(); 0 };
}

sub is_live {
    my ($version, $seconds) = @_;
    ok(waits_for_state($version, 'live', $seconds), "v$version is live");
}

# Where web processes of which releases are up: "web.1 v2, web.2 v2".
sub up {
    return join ', ', sort map { "$_->{name} v$_->{release}{version}" }
        grep { $_->{type} eq 'web' && $_->{state} eq 'up' } $p->dynos($app);
}

sub all_of { my ($v, $n) = @_; return join ', ', map { "web.$_ v$v" } 1 .. $n }

sub settles {
    my ($version, $n, $what) = @_;
    ok(Platform::wait_for(20, sub { up() eq all_of($version, $n) }), $what)
        or diag up();
}

sub set_up {
    my (%set) = @_;
    my $r = $p->api('PATCH', "/apps/$app/rollout", \%set);
    is($r->{status}, 200, 'rollout:set ' . join ' ', map { "$_=" . ($set{$_} // '-') } sort keys %set)
        or diag $r->{body};
}

# The timeline, the last thousand lines of it.
sub events {
    my $r = $p->api('GET', "/apps/$app/timeline?limit=1000");
    return join '', map { "$_->{text}\n" } @{ $r->{json} // [] };
}

# ---- load ---------------------------------------------------------------------

my @gos; # what every process of ours but one has to let go of

# A process that does something again and again -> (failed, all) when stopped.
sub again {
    my ($do) = @_;
    pipe my $from, my $to or die;
    pipe my $hold, my $go or die; # closed by us, it says stop: no signal cuts a wait short
    my $pid = fork // die;
    if (!$pid) {
        my ($failed, $all) = (0, 0);
        my $told = IO::Select->new($hold);
        close $_ for @gos, $go;
        srand $$;
        while (!$told->can_read(0)) {
            $all++;
            $failed++ if !$do->();
        }
        syswrite $to, "$failed $all\n";
        POSIX::_exit(0);
    }
    close $to;
    close $hold;
    push @gos, $go;
    return sub {
        @gos = grep { $_ != $go } @gos;
        close $go;
        my $text = <$from> // '1 0';
        waitpid $pid, 0;
        return split ' ', $text;
    };
}

# Opened, used for up to three seconds, and closed by us alone.
sub websocket {
    my $s = $p->ws_open($app, '/ws') or return 0;
    my $end = time + rand 3;
    do {
        return 0 if !Platform::ws_echo($s, 'still there');
        select undef, undef, undef, 0.1;
    } while time < $end;
    close $s;
    return 1;
}

# Requests one after the other on a connection that is kept, without haste.
sub visit {
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}) or return 0;
    my $sel = IO::Select->new($s);
    for (1 .. 50) {
        syswrite $s, "GET / HTTP/1.1\r\nHost: $app.$p->{domain}\r\n\r\n";
        my $got = '';
        while ($got !~ /\r\n\r\n\{.*\}$/s) {
            return 0 if !$sel->can_read(10) || !sysread $s, $got, 65536, length $got;
        }
        return 0 if $got !~ m{^HTTP/1\.1 200 };
        select undef, undef, undef, 0.005;
    }
    return 1;
}

sub slow { return $p->get($app, '/slow?ms=1500')->{status} == 200 }

sub everything {
    my %all = (map({ ("fifty $_" => again(\&visit)) } 1 .. 4),
        map({ ("websocket $_" => again(\&websocket)) } 1 .. 4), map { ("slow $_" => again(\&slow)) } 1 .. 2);
    return sub {
        my ($what) = @_;
        my (%failed, %count);
        for my $name (sort keys %all) {
            my ($failed, $n) = $all{$name}->();
            my ($kind) = $name =~ /(\w+)/;
            $failed{$kind} += $failed;
            $count{$kind} += $n;
        }
        for my $kind (sort keys %count) {
            cmp_ok($count{$kind}, '>', 0, "$what: $kind there were");
            is($failed{$kind}, 0, "$what: no failed $kind of $count{$kind}");
        }
    };
}

# ---- a release process, and the first release --------------------------------

my $dir = "$Platform::top/t/fixtures/rollout";
my ($rc, $out) = $p->paas('push', $dir, '--app', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
like($out, qr/Running its release process.*migrating for v1.*migrated.*web\.1 is (?:starting|ready)/s,
    'the release process ran first, and said so to who pushed');
is_deeply([@{ info('v1') }{qw(status current eligible_for_rollback)}],
    ['succeeded', JSON::PP::true, JSON::PP::true], 'v1 succeeded and is current');
$p->paas('ps:scale', 'web=3', 'worker=2', '--app', $app);
ok($p->wait_up($app, 3) && $p->wait_up($app, 2, 'worker'), 'three web and two worker processes are up');

# ---- rolling, under load -------------------------------------------------------

my $stop = everything();
my $began = time;
my $version;
for my $i (1 .. $rounds) {
    $version = release(ROUND => "$i");
    last if !ok(waits_for_state($version, 'live', 60), "round $i: v$version is live");
}
note sprintf '%d roll-outs of three in %.1f s', $rounds, time - $began;
diag sprintf '%d roll-outs of three in %.1f s', $rounds, time - $began if $ENV{PAAS_LONG};
$stop->("$rounds roll-outs of three");
settles($version, 3, 'only the last release is left');
like(events(), qr/web\.1 of v$version in service\n(?:.*\n)*web\.2 of v$version in service\n/, 'one after the other');

$p->paas('ps:scale', 'web=1', 'worker=0', '--app', $app);
ok($p->wait_up($app, 1), 'one is left');
$stop = everything();
$began = time;
for my $i (1 .. $rounds) {
    $version = release(ROUND => "one $i");
    last if !ok(waits_for_state($version, 'live', 60), "round $i: v$version is live");
}
diag sprintf '%d roll-outs of one in %.1f s', $rounds, time - $began if $ENV{PAAS_LONG};
$stop->("$rounds roll-outs of one");

# ---- an old instance is there until its last request has ended -------------------

my $ws = $p->ws_open($app, '/ws');
ok($ws && Platform::ws_echo($ws, 'before'), 'a websocket to the old instance');
my $old = $version;
$version = release(ROUND => 'slow');
is_live($version);
sleep 1;
ok(Platform::ws_echo($ws, 'after'), 'it still echoes');
ok((grep { $_->{release}{version} == $old } $p->dynos($app)), 'and its instance is there');
close $ws;
ok(Platform::wait_for(10, sub { !grep { $_->{release}{version} == $old } $p->dynos($app) }),
    'which is gone with it');
$p->paas('ps:scale', 'web=3', '--app', $app);
ok($p->wait_up($app, 3), 'three again');

# ---- a release process that fails ------------------------------------------------

$old = $version;
$version = release(STATUS => '3');
ok(waits_for_state($version, 'failed'), 'its failure is that of the release');
my $info = info($version);
is_deeply([@{$info}{qw(status current reason)}],
    ['failed', JSON::PP::false, 'its release process exited with status 3'], 'the API says why');
is($info->{log}[-1], 'migrated', 'with its last lines');
is($info->{eligible_for_rollback}, JSON::PP::false, 'and there is no way back to it');
($rc, $out) = $p->paas('rollback', "v$version", '-a', $app);
like($out, qr/v$version failed \(its release process .*choose one that succeeded/, 'as one is told');
is(info('current')->{version}, $old, 'the one before is current');
is(up(), all_of($old, 3), 'and goes on');
($rc, $out) = $p->paas('push', $dir, '--app', $app);
isnt($rc, 0, 'a push whose release process fails is refused');
like($out, qr/migrating for v\d+\n.*migrated\n.*release process exited with status 3/s, 'and says why');
set_up(release_timeout => 1);
$version = release(STATUS => undef, TAKES => '30');
ok(waits_for_state($version, 'failed'), 'one that has no more time fails');
like(info($version)->{reason}, qr/after the time that it had/, 'and says so');
($rc, $out) = $p->paas('releases:info', "v$version", '-a', $app);
like($out, qr/^Status   failed\nWhy      its release process.*^    migrating for v$version$/ms, 'paas releases:info, too');
set_up(release_timeout => undef);
is_live(release(TAKES => undef));

# ---- one that goes wrong on its way -----------------------------------------------

$old = rollout()->{live}{version};
$stop = everything();
$version = release(BREAKS => 'web.2');
ok(waits_for_state($version, 'failed'), 'web.2 does not come up');
settles($old, 3, 'all of the old ones are back');
$stop->('back half-way');
$info = info($version);
like($info->{reason}, qr/^web\.2: exited with status 4/, 'the reason names the process');
is($info->{process}, 'web.2', 'and so does a field of its own');
is($info->{log}[-1], "can't find the database", 'with its last line');
like(events(), qr/web\.1 of v$version in service\n(?:.*\n)*release v$version failed: web\.2: /, 'the timeline has it');

is($p->api('PUT', $health, { path => '/health' })->{status}, 200, 'a health check');
$version = release(BREAKS => undef, UNWELL => '1');
ok(waits_for_state($version, 'failed'), 'one that is unwell is never ready');
like(info($version)->{reason}, qr/GET \/health was not well within 4 s: it answered 503: "no database"/,
    'the reason has the answer');
is_deeply(info($version)->{log}, ['starting as web.1', 'listening'], 'the log its last lines');
$p->api('PATCH', "/apps/$app/config-vars", { UNWELL => '1', AGAIN => '1' });
($rc, $out) = $p->paas('push', $dir, '--app', $app);
isnt($rc, 0, 'a push of it is refused');
like($out, qr/web\.1: starting as web\.1\n.*web\.1: listening\n.*it answered 503: "no database"/s,
    'with the last lines and the answer');
is($p->get($app)->{status}, 200, 'and requests go on');
is_live(release(UNWELL => undef, AGAIN => undef));

# ---- blue-green --------------------------------------------------------------------

set_up(strategy => 'blue-green');
$old = rollout()->{live}{version};
$version = release(LATE => '0.7');
my %seen;
Platform::wait_for(20, sub {
    my $now = rollout();
    my ($web) = grep { $_->{type} eq 'web' } @{ $now->{processes} };
    $seen{ $web->{in_service} } = 1 if ($now->{target}{version} // 0) == $version;
    return $now->{state} eq 'live' && $now->{live}{version} == $version;
});
is_deeply([sort keys %seen], [0, 3], 'none serves until all do');

# ---- canary -----------------------------------------------------------------------

set_up(strategy => 'canary', canary_weight => 25);
$old = $version;
$version = release(LATE => undef);
ok(waits_for_state($version, 'canary'), 'a canary');
my %by;
for (1 .. 200) {
    $by{$1}++ if $p->get($app)->{body} =~ /"release": "(v\d+)"/;
}
cmp_ok($by{"v$version"} // 0, '>', 20, 'it gets a share');
cmp_ok($by{"v$version"} // 0, '<', 90, 'of about a quarter') or diag explain \%by;
is(info($version)->{status}, 'pending', 'and is not decided');
is(($p->paas('rollout:abort', '-a', $app))[0], 0, 'aborted');
ok(waits_for_state($version, 'failed'), 'it failed');
like(info($version)->{reason}, qr/^root aborted it/, 'who did it');
settles($old, 3, 'the old ones are left');
isnt(($p->paas('rollout:abort', '-a', $app))[0], 0, 'there is nothing to abort now');
isnt(($p->paas('rollout:promote', '-a', $app))[0], 0, 'nor to promote');
$version = release(ROUND => 'promoted');
ok(waits_for_state($version, 'canary'), 'another one');
is(($p->paas('rollout:promote', '-a', $app))[0], 0, 'promoted');
is_live($version);
settles($version, 3, 'all are of it');

# ---- kill -9 of the manager in each state ---------------------------------------------

sub kill_manager {
    my $pid = $p->service_pid('manager');
    kill 'KILL', $pid;
    Platform::wait_for(20, sub { ($p->service_pid('manager') // $pid) != $pid
        && $p->api('GET', '/health')->{status} == 200 }) or diag 'no manager';
}

my @deaths = (
    # strategy, state, what makes the release, what becomes of it
    ['rolling', 'releasing', { TAKES => '2' }, 'live'],
    ['rolling', 'releasing', { TAKES => '2', STATUS => '1' }, 'failed'],
    ['rolling', 'moving', { TAKES => undef, STATUS => undef, LATE => '0.7' }, 'live'],
    ['blue-green', 'moving', { ROUND => 'blue' }, 'live'],
    ['canary', 'raising', { ROUND => 'raising' }, 'canary'],
    ['canary', 'canary', { ROUND => 'canary' }, 'canary'],
    ['rolling', 'failed', { BREAKS => 'web.2' }, 'failed'],
);
$stop = everything();
for my $death (@deaths) {
    my ($strategy, $state, $set, $then) = @$death;
    set_up(strategy => $strategy);
    $old = rollout()->{live}{version};
    $version = release(%$set);
    ok(waits_for_state($version, $state), "$strategy: $state") or next;
    kill_manager();
    ok(waits_for_state($version, $then, 40), "$strategy: killed while $state: $then");
    settles($then eq 'live' ? $version : $old, 3, 'as it should be') if $then ne 'canary';
    is(($p->paas('rollout:abort', '-a', $app))[0], 0, 'the canary is aborted') if $then eq 'canary';
}
$stop->('the manager killed in each state');
my ($told, %started) = events();
$started{$1}++ while $told =~ /^(release\.\d+) has started$/mg;
cmp_ok(scalar keys %started, '>=', @deaths, 'release processes ran');
ok(!(grep { $_ > 1 } values %started), 'no release process ran twice') or diag explain \%started;

# ---- settings, and what is none ---------------------------------------------------------

for my $case (['strategy=sideways', qr/strategy has to be rolling, blue-green or canary/],
    ['max_surge=101%', qr/max_surge has to be 0 to 1000, or 0% to 100%/],
    ['max_surge=0', qr/can't both be 0/], ['surge=1', qr/surge is not a field of this request/],
    ['canary_weight=100', qr/canary_weight has to be 1 to 99/]) {
    my ($status, $text) = $p->paas('rollout:set', $case->[0], '-a', $app);
    isnt($status, 0, "$case->[0] is refused");
    like($text, $case->[1], 'and says why');
}
($rc, $out) = $p->paas('rollout:set', 'strategy=rolling', 'max_surge=0', 'max_unavailable=1', '-a', $app);
is($rc, 0, 'none more, one fewer');
like($out, qr/^max_surge\s+0\nmax_unavailable\s+1$/m, 'is shown');
is_live(release(BREAKS => undef, LATE => undef));

# Another app of the same name begins with nothing.
is(($p->paas('apps:destroy', $app, '--confirm', $app))[0], 0, 'destroyed');
ok(Platform::wait_for(30, sub { ($p->paas('apps:create', $app))[0] == 0 }), 'made anew');
is(rollout()->{state}, 'none', 'it has no roll-out');

done_testing;
