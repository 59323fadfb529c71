#!/usr/bin/perl
# Commands beside an app's processes: each runs once, with its own instance,
# however often the manager is killed, and how it ended is known.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $p = Platform->new;
my $app = 'tasks';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/procfile", '--app', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
$p->paas('config:set', 'COLOUR=green', '--app', $app);
ok($p->wait_up($app, 1), 'one is up');

sub detached {
    my @command = @_;
    my ($status, $text) = $p->paas('run:detached', '--app', $app, @command);
    diag $text if $status;
    return $text =~ /^(run\.\d+) of / ? $1 : undef;
}

sub dyno {
    my ($name) = @_;
    return $p->api('GET', "/apps/$app/dynos/$name")->{json};
}

# Its record once it has ended.
sub ended {
    my ($name, $seconds) = @_;
    return Platform::wait_for($seconds // 20, sub {
        my $dyno = dyno($name);
        return $dyno && $dyno->{status} eq 'ended' ? $dyno : undef;
    });
}

sub logs {
    my ($name) = @_;
    my ($status, $text) = $p->paas('logs', '--app', $app, '-n', 1000, $name ? ('-p', $name) : ());
    return $text;
}

# ---- detached ------------------------------------------------------------

($rc, $out) = $p->paas('run:detached', '--app', $app,
    'echo "I am $DYNO, $COLOUR, $(id -u), $(cat /proc/sys/kernel/hostname)"; exit 3');
is($rc, 0, 'detached: exit status 0') or diag $out;
like($out, qr/^run\.1 of tasks runs: .*\nfollow it with: paas logs -f -p run\.1 -a tasks\n$/,
    'it tells how to follow it');
my $one = ended('run.1');
is($one->{exit_status}, 3, 'its exit status is known');
is($one->{state}, 'crashed', 'and says that it failed');
is($one->{reason}, 'exited with status 3', 'in words, too');
is($one->{release}{version}, 2, 'of the release that serves');
like(logs('run.1'), qr/I am run\.1, green, 19\d{8}, [0-9a-f]{16}$/m, 'its lines are logged as run.1');
unlike(logs('web.1'), qr/I am run/, 'and not as any other');
is(scalar(grep { $_->{type} eq 'run' } $p->dynos($app)), 0, 'ended ones are not listed');
is(ended(detached('true'))->{state}, 'complete', 'status 0 is complete');
is(ended(detached('kill -SEGV $$'))->{exit_status}, 139, 'a signal is 128 and more');
is(ended(detached('worker-that-is-not-there'))->{exit_status}, 127, 'no such command: 127');

my $long = detached('trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.1; done');
ok(Platform::wait_for(10, sub { logs($long) =~ /^.*\bup$/m }), 'one that goes on');
my ($listed) = grep { $_->{name} eq $long } $p->dynos($app);
is($listed->{state}, 'up', 'is listed');
like(($p->paas('ps', '--app', $app))[1], qr/^\Q$long\E\s+up\b.*\bv2\b/m, 'by ps, too');
is($p->api('DELETE', "/apps/$app/dynos/$long")->{status}, 202, 'it is stopped');
is(ended($long)->{exit_status}, 9, 'by SIGTERM first');
like(logs($long), qr/\bbye$/m, 'which it heard');
is($p->api('DELETE', "/apps/$app/dynos/$long")->{status}, 404, 'what has ended can not be stopped');
my $short = detached('--ttl', '1s', 'sleep 60');
like(ended($short)->{reason}, qr/after the time that it had$/, 'one that had its time');
like(($p->paas('timeline', '-n', 50, '--app', $app))[1],
    qr/run\.1 ended after [\d.]+ s: exited with status 3/, 'the timeline has it');

# A command of several words is those words.
my $words = detached('printf', '%s|', 'a b', q{it's}, '$HOME', '"x"', '-a', '*', '');
ended($words);
like(logs($words), qr/a b\|it's\|\$HOME\|"x"\|-a\|\*\|\|$/m, 'words stay words');
my $typed = detached('worker');
is(dyno($typed)->{command}, 'python3 worker.py', 'the name of a process type is its command');
$p->paas('ps:stop', $typed, '--app', $app);
ok(ended($typed), 'ps:stop ends one');

# ---- what is refused -----------------------------------------------------

sub refused {
    my ($body, $like, $name, $status) = @_;
    my $r = $p->api('POST', "/apps/$app/dynos", $body);
    is($r->{status}, $status // 422, "$name: refused");
    like($r->{json}{message} // '', $like, "$name: and why");
}

refused({}, qr/^command is missing/, 'no command');
refused({ command => '' }, qr/^command has to be 1 to 131071 bytes/, 'an empty one');
refused({ command => 'x' x 200_000 }, qr/^command has to be/, 'a huge one');
refused('{"command": "a\u0000b"}', qr/not JSON/, 'a NUL', 400);
refused({ command => 'true', env => { PORT => '1' } }, qr/^PORT is set by the platform/, 'a fixed name');
refused({ command => 'true', env => { "A\nB" => '1' } }, qr/is no name of a variable/, 'a bad name');
refused({ command => 'true', env => { A => 1 } }, qr/^A has to be a string/, 'a number');
refused({ command => 'true', time_to_live => 1e9 }, qr/^time_to_live has to be 1 to 86400/, 'too long');
refused({ command => 'true', size => 'huge' }, qr/^size "huge"/, 'a size');
refused({ command => 'true', colour => 1 }, qr/^colour is not a field/, 'an unknown field');
refused({ command => 'true', env => { map { ("V$_" => 'x' x 60_000) } 1 .. 12 } },
    qr/too much for one change/, 'huge variables', 413);
my $raw = $p->api('POST', "/apps/$app/dynos",
    { command => "printf '%s' \"\$A\" | od -An -c\necho two\r", env => { A => "x\ny\e[31m" } });
is($raw->{status}, 201, 'newlines are fine');
is(ended($raw->{json}{name})->{exit_status}, 0, 'and reach the command');
like(logs($raw->{json}{name}), qr/x\s+\\n\s+y\s+033\s+\[\s+3\s+1\s+m/, 'as they were sent');

# ---- the manager is killed -----------------------------------------------

# A file outside the sandbox would be the count; the log is as good.
my @names;
for my $i (1 .. 12) {
    my $name = detached(qq(echo "counted \$DYNO"; sleep 0.3; exit 7));
    push @names, $name if $name;
    sleep 0.02 * ($i % 4);
    my $pid = $p->service_pid('manager');
    kill 'KILL', $pid;
    Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 });
}
is(scalar @names, 12, 'a dozen were asked for');
my (%codes, %times);
$codes{ ended($_) ? dyno($_)->{exit_status} // dyno($_)->{reason} : 'never' }++ for @names;
is_deeply(\%codes, { 7 => 12 }, 'each has come to its end');
my $text = logs();
$times{$1}++ while $text =~ /counted (run\.\d+)/g;
is_deeply(\%times, { map { ($_ => 1) } @names }, 'each ran once');

# Nothing is left of any.
my $left = Platform::wait_for(20, sub {
    my @inst = glob "$p->{run}/inst/*";
    return @inst == 1 ? 1 : undef;
});
ok($left, 'of their instances nothing is left') or diag join ' ', glob "$p->{run}/inst/*";

# ---- limits, the end of the app ------------------------------------------

$p->configure(oneoff_max => 2);
$p->up;
my @two = map { detached('sleep 600') } 1 .. 2;
refused({ command => 'true' }, qr/runs 2 one-off processes, which is the most it may/, 'a third');
is(($p->paas('apps:destroy', $app, '--confirm', $app))[0], 0, 'the app goes');
ok(Platform::wait_for(20, sub { !glob "$p->{run}/inst/*" }), 'and what ran of it');
ok(Platform::wait_for(20, sub { ($p->paas('apps:create', $app))[0] == 0 }), 'its name is free again');
is_deeply([$p->dynos($app)], [], 'and nothing is left of the one before');

done_testing;
