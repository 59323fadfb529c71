#!/usr/bin/perl
# The stream of an app: what its processes print, the requests to it, what the
# platform does; who may see which part of it, and what comes of a flood.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Select;
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new(conf => { log_rate => 1_000_000_000, log_max => '256M' });

# Says what it is told to, as often as it is told to.
my $dir = tempdir(CLEANUP => 1);
sub write_file {
    my ($name, $text) = @_;
    open my $fh, '>', "$dir/$name" or die "$name: $!";
    print {$fh} $text;
    close $fh;
}
write_file('Procfile', "web: node server.js\n");
write_file('package.json', '{"name":"talk","version":"1.0.0"}');
write_file('server.js', <<'END');
const url = require('url');
require('http').createServer((q, r) => {
    const { pathname, query } = url.parse(q.url, true);
    const out = pathname === '/err' ? process.stderr : process.stdout;
    if (pathname === '/flood') {
        const all = Number(query.lines), wide = 'x'.repeat(Number(query.wide));
        let n = 0;
        const more = () => {
            while (n < all)
                if (!out.write(`line ${n++} ${wide}\n`)) return out.once('drain', more);
            r.end(`${all}\n`);
        };
        more();
        return;
    }
    out.write((query.say || 'hello') + '\n', () => r.end('said\n'));
}).listen(process.env.PORT);
END
my ($rc, $out) = $p->paas('push', $dir, '--app', 'talk', '--create');
is($rc, 0, 'an app') or diag $out;

sub logs {
    my (@words) = @_;
    my ($status, $text) = $p->paas('logs', '-a', 'talk', @words);
    return $status ? "logs @words: $status $text" : $text;
}
sub logged {
    my ($like, @words) = @_;
    my $text = '';
    Platform::wait_for(20, sub { ($text = logs(@words)) =~ $like })
        or diag "no $like in:\n" . substr $text, -2000;
    return $text =~ $like;
}

# ---- no terminal is at its mercy -------------------------------------------

$p->get('talk', '/?say=' . join '', map { sprintf '%%%02x', ord } split //, "evil \e[31mred\e[0m \e[2Jx\a\x7f\xc2\x9by\tz");
ok(logged(qr/evil red \\x1b\[2Jx\\x07\\x7f\\u009by\tz$/m), 'paas logs shows control bytes as text');
# Heroku's clients print what comes.
my $stream = $p->api('POST', '/apps/talk/log-sessions', { lines => 100 })->{json}{logplex_url};
like($p->api('GET', $stream =~ s{^\w+://[^/]+}{}r)->{body}, qr/evil \e\[31mred\e\[0m \?\[2Jx\?\?\?\?y\tz$/m, 'and a log session colours alone');

# ---- one stream -----------------------------------------------------------

my $begin = time;
is($p->get('talk', '/?say=first')->{status}, 200, 'it answers');
$p->get('talk', '/err?say=second');
my $stamp = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00/m;
ok(logged(qr/$stamp app\[web\.1\]: first$/m), 'standard output');
ok(logged(qr/$stamp app\[web\.1\]: second$/m), 'standard error');
ok(logged(qr{$stamp router\[web\.1\]: at=info method=GET path="/\?say=first" host=talk\.\S+ request_id=\w+ fwd="127\.0\.0\.1" dyno=web\.1 connect=\d+ms service=\d+ms status=200 bytes=5 protocol=http$}m),
    'the request');
ok(logged(qr/$stamp paas\[build\]: build started by \w+$/m), 'the build');
ok(logged(qr/$stamp paas\[build\]: .*Node\.js/m), 'what it prints');
ok(logged(qr/$stamp paas\[build\]: built with .*, release v1/m), 'its end');
ok(logged(qr/$stamp paas\[release\]: release v1 is live$/m), 'the release');
ok(logged(qr/$stamp paas\[web\.1\]: web\.1 is ready/m), 'the health');
my @times = logs('-n', 1000) =~ /^(\S+) /mg;
is_deeply(\@times, [sort @times], 'in order of time');

my $only = logs('--source', 'router');
like($only, qr/path="\/err\?say=second"/, 'requests alone');
unlike($only, qr/ (?:app|paas)\[/, 'and nothing else');
is(logs('--source', 'app', '-n', 1), (logs('--source', 'app') =~ /^(.*\n)\z/m)[0], 'one line of one source');
like(logs('--filter', 'second', '--source', 'app'), qr/\A\S+ app\[web\.1\]: second\n\z/, 'a text alone');
is(logs('--since', '2026-01-01T00:00:00+01:00'), logs('-n', 1000), 'since a time');
is(logs('--since', '2100-01-01T00:00:00Z'), '', 'since a time to come');
like(logs('--ps', 'web.1', '--since', '1h'), qr/router\[web\.1\].*app\[web\.1\]/s, 'a process has its requests');
is(logs('--ps', 'worker'), '', 'another one has not');

# The same by a URL of a log session, through nginx.
my $token = $p->api('POST', '/tokens', { scope => 'read' })->{json}{token};
my $session = $p->http('POST', "api.$p->{domain}", '/apps/talk/log-sessions',
    headers => { Authorization => "Bearer $token" }, body => '{"lines":1000,"dyno":"web.1"}');
my ($path) = $session->{body} =~ m{"logplex_url": *"http://api\.\Q$p->{domain}\E(/streams/[^"\s]+)"} or diag $session->{body};
my $lines_of = $p->get('api', $path)->{body};
like($lines_of, qr/$stamp $_/m, 'a log session')
    for qr/app\[web\.1\]: first$/m, qr/heroku\[web\.1\]: web\.1 is ready/, qr{heroku\[router\]: at=info method=GET path="/\?say=first"};
for (['--since', 'often'], ['--since', '2026-11-22T'], ['--source', 'all'], ['--ps', '../x']) {
    my ($status, $said) = $p->paas('logs', '-a', 'talk', @$_);
    isnt($status, 0, "@$_ is refused");
    like($said, qr/since|source|ps/, 'by name');
}

# A reader that follows sees a build from its first line on.
{
    my $pid = open my $follow, '-|', "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'logs', '-f',
        '-n', 1, '--source', 'paas', '-a', 'talk' or die "paas logs -f: $!";
    my $sel = IO::Select->new($follow);
    my $text = '';
    $sel->can_read(20) and sysread $follow, $text, 65536;
    ($rc, $out) = $p->paas('push', $dir, '--app', 'talk');
    is($rc, 0, 'another build') or diag $out;
    while (!($text =~ /release v2 is live/ && $text =~ /web\.1 is stopping/) && $sel->can_read(20)) { sysread $follow, $text, 65536, length $text or last }
    kill 'TERM', $pid;
    close $follow;
    my @said = $out =~ /^(?:-----> |       )(\S.*)$/mg;
    cmp_ok(scalar @said, '>', 2, 'it says something');
    like($text, qr/^\S+ paas\[build\]: .*\Q$_\E$/m, "the follower has: $_") for @said[0 .. 2];
    like($text, qr/paas\[build\]: built with .*paas\[release\]: release v2 is live/s, 'the build, then the release');
    like($text, qr/paas\[web\.1\]: web\.1 is stopping/, 'and the end of the one before');
}

# A request that nobody answers is told as well, with what went wrong.
$p->paas('stop', '-a', 'talk');
Platform::wait_for(20, sub { $p->get('talk')->{status} == 503 });
ok(logged(qr/router\[-\]: at=error code=H14 desc="app_stopped" method=GET .* dyno= connect= service=\d+ms status=503/),
    'an error of the router');
$p->paas('start', '-a', 'talk');
ok($p->wait_up('talk', 1), 'it runs again');

# The one who tells of requests may die at any time.
for my $round (1 .. 3) {
    my $pid = Platform::wait_for(20, sub { $p->service_pid('logger') });
    $p->get('talk', "/?say=kill$round") for 1 .. 5;
    kill 'KILL', $pid;
    $p->get('talk', "/?say=dead$round") for 1 .. 5;
    ok(Platform::wait_for(20, sub { my $q = $p->service_pid('logger'); $q && $q != $pid }), 'it comes back');
}
for my $word (map { ("kill$_", "dead$_") } 1 .. 3) {
    my $n = 0;
    Platform::wait_for(20, sub { $n = () = logs('--filter', "say=$word\"", '-n', 1000) =~ /^/mg; $n >= 5 });
    cmp_ok($n, '>=', 5, "all of $word");
}

# ---- a reader that follows ----------------------------------------------

# From the line's own time, which is that of the write, to the reader.  What
# that takes is asserted where nothing else runs beside it.
{
    my @late;
    my $pid = open my $follow, '-|', "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'logs', '-f',
        '-n', 1, '--source', 'app', '-a', 'talk' or die "paas logs -f: $!";
    my $sel = IO::Select->new($follow);
    my $want = $ENV{PAAS_LONG} ? 500 : 50;
    my $text = '';
    ok($sel->can_read(20), 'it follows');
    for my $n (1 .. $want) {
        $p->get('talk', "/?say=late$n");
        while (1) {
            if ($text =~ s/.*^\S+T(\d+):(\d+):(\d+\.\d+)\+00:00 app\[web\.1\]: late$n\n//ms) {
                my $at = time;
                push @late, 1000 * ($at - int($at / 86400) * 86400 - ($1 * 3600 + $2 * 60 + $3));
                last;
            }
            last if !$sel->can_read(20) || !sysread $follow, $text, 65536, length $text;
        }
    }
    kill 'TERM', $pid;
    close $follow;
    is(scalar @late, $want, 'each line comes to a reader that follows');
    @late = sort { $a <=> $b } @late;
    diag sprintf 'from write to reader: median %.1f ms, p95 %.1f ms', @late[$#late / 2, $#late * 0.95];
    cmp_ok($late[$#late * 0.95], '<=', 50, 'within 50 ms at p95') if $ENV{PAAS_LONG};
}

# ---- a flood --------------------------------------------------------------

# Reads the files themselves: [kind, text] of each line of the last instance.
sub newest { return (sort { $b cmp $a } grep { !/ffffffffffffffff/ } glob "$p->{state}/log/*/*.log")[0] }
sub printed {
    my $log = newest();
    my @lines;
    for my $file (grep { -e } "$log.1", $log) {
        open my $fh, '<', $file or die "$file: $!";
        while (<$fh>) {
            /^\S+Z ([oep]) (.*)\n\z/ or die "$file: half a line: $_";
            push @lines, [$1, $2];
        }
    }
    return @lines;
}
my $end = 0;
sub flood {
    my ($lines, $wide) = @_;
    my $t0 = time;
    my $got = $p->get('talk', "/flood?lines=$lines&wide=$wide", timeout => 300);
    is($got->{body}, "$lines\n", 'it has said all of it');
    $p->get('talk', '/?say=end' . ++$end);
    Platform::wait_for(20, sub { grep { $_->[1] eq "end$end" } printed() });
    diag sprintf '%d lines of %d bytes in %.1f s', $lines, $wide + 12, time - $t0;
    return printed();
}
my $lines = $ENV{PAAS_LONG} ? 1_000_000 : 20_000;
my @all = flood($lines, 10);
my $wrong = 0;
my $next = 0;
for (@all) {
    next if $_->[1] !~ /^line/;
    $wrong++ if $_->[1] ne "line $next " . 'x' x 10;
    $next++;
}
is($next, $lines, "$lines lines at full speed: none is lost");
is($wrong, 0, 'none is split or out of place');
is(scalar(grep { $_->[0] eq 'p' } @all), 0, 'nothing was dropped');

# Beyond the rate whole lines go, and it is said how many.
$p->configure(log_rate => 100_000, log_max => '1M');
($rc, $out) = $p->up;
is($rc, 0, 'smaller bounds') or diag $out;
my $old = newest();
$p->paas('restart', '-a', 'talk');
ok(Platform::wait_for(60, sub { $p->get('talk', '/?say=anew'); newest() ne $old && grep { $_->[1] eq 'anew' } printed() }),
    'it runs with them');
@all = flood(50_000, 100);
my ($kept, $dropped, $broken) = (0, 0, 0);
for (@all) {
    if ($_->[0] eq 'p') { $dropped += $1 if $_->[1] =~ /^(\d+) lines dropped/ }
    elsif ($_->[1] =~ /^line/) { $kept++; $broken++ if $_->[1] !~ /^line \d+ x{100}\z/ }
}
cmp_ok($dropped, '>', 0, 'lines are dropped');
is($kept + $dropped, 50_000, 'it says how many');
is($broken, 0, 'whole ones');
my $size = 0;
$size += -s for grep { -e } newest(), newest() . '.1';
cmp_ok($size, '<=', 1 << 20, 'the disk has a bound');

# ---- what the app may have in all -------------------------------------------

is_deeply([map { $p->json('logs:limits', '-a', 'talk')->{$_} } qw(disk rate)], [256 << 20, 40 << 20], 'limits of an app');
for (['disk=1K', 'disk'], ['rate=1', 'rate'], ['speed=1M', 'speed'], ['disk', 'LIMIT=VALUE'], ['rate=much', 'rate']) {
    my ($status, $said) = $p->paas('logs:limits', $_->[0], '-a', 'talk');
    isnt($status, 0, "$_->[0] is refused");
    like($said, qr/\Q$_->[1]\E/, 'by name');
}
# Nothing restarts: it holds for what runs.
my $runs = newest();
($rc, $out) = $p->paas('logs:limits', 'disk=1M', '-a', 'talk');
is($rc, 0, 'a bound on disk') or diag $out;
like($out, qr/1M +40M/, 'is shown');
# Files that change between two looks have no sum: until two looks agree.
sub on_disk {
    my ($was, @now) = ('');
    for (1 .. 10_000) {
        @now = map { -s // 0 } glob "$p->{state}/log/*/*.log*";
        last if "@now" eq $was;
        $was = "@now";
    }
    my $all = 0;
    $all += $_ for @now;
    return $all;
}
my ($before) = grep { !/\Q$runs\E|ffffffffffffffff/ } glob "$p->{state}/log/*/*.log";
ok(-e $before, 'there are logs of before');
sub flood_until {
    my ($name, $seen, @set) = @_;
    ok(Platform::wait_for(60, sub {
        $p->get('talk', '/flood?lines=2000&wide=200');
        $seen->();
    }), $name);
}
$p->configure(log_rate => 1_000_000_000, log_max => '16M');
($rc, $out) = $p->up;
is($rc, 0, 'an instance may have more') or diag $out;
$p->paas('restart', '-a', 'talk');
ok(Platform::wait_for(60, sub { newest() ne $runs && $p->get('talk')->{status} == 200 }), 'and does so');
my ($most, $files) = (0, '');
flood_until('the oldest lines go', sub { my $is = on_disk(); ($most, $files) = ($is, scalar `ls -lR $p->{state}/log`) if $is > $most; !-e $before && logs('-n', 10000) =~ /older lines dropped: the logs of the app may have 1048576 bytes/ });
cmp_ok($most, '<=', 1 << 20, 'never more than that on disk') or diag $files;
$p->paas('logs:limits', 'disk=16M', 'rate=100K', '-a', 'talk');
flood_until('a bound of its rate', sub { logs('-n', 10000) =~ /(\d+) lines dropped: more than 102400 bytes a second of all processes of the app/ });
like(($p->paas('timeline', '-a', 'talk'))[1], qr/limits of the log: disk=16777216 rate=102400/, 'both are in the timeline');
$p->paas('logs:limits', 'disk=default', 'rate=default', '-a', 'talk');
is($p->json('logs:limits', '-a', 'talk')->{rate}, 40 << 20, 'as it was');

done_testing();
