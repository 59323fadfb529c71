#!/usr/bin/perl
# Commands beside an app's processes: each runs once, with its own instance,
# however often the manager is killed, and how it ended is known.
use strict;
use warnings;
use lib 't/lib';
use IO::Pty;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use MIME::Base64;
use IPC::Open3;
use Platform;
use POSIX ();
use Symbol qw(gensym);
use Test::More;
use Time::HiRes qw(time sleep);

my $p = Platform->new;
my $app = 'tasks';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/procfile", '--app', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
$p->paas('config:set', 'COLOUR=green', '--app', $app);
ok(Platform::wait_for(30, sub { $p->api('GET', "/apps/$app/releases/2")->{json}{current} }), 'the second release serves');
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
like(($p->paas('ps', '--app', $app))[1], qr/^\Q$long\E\s+running\b.*\bv2\b/m, 'by ps, too');
is($p->api('DELETE', "/apps/$app/dynos/$long")->{status}, 202, 'it is stopped');
is(ended($long)->{exit_status}, 9, 'by SIGTERM first');
like(logs($long), qr/\bbye$/m, 'which it heard');
is($p->api('DELETE', "/apps/$app/dynos/$long")->{status}, 404, 'what has ended can not be stopped');
my $short = detached('--ttl', '1s', 'sleep 60');
like(ended($short)->{reason}, qr/after the time that it had$/, 'one that had its time');
like(($p->paas('timeline', '-n', 50, '--app', $app))[1],
    qr/run\.1 ended after [\d.]+ s: exited with status 3/, 'the timeline has it');

# They have limits of their own, and nobody else's are touched.
my ($serving) = map { $_->{instance} } grep { $_->{type} eq 'web' } $p->dynos($app);
($rc, $out) = $p->paas('ps:limits', 'run', 'memory=48M', 'files=128', '--app', $app);
is($rc, 0, 'limits of one-off processes') or diag $out;
like($out, qr/^run\s+48M\s.*\s128\s/m, 'are shown');
like(($p->paas('ps:limits', 'run', '--app', $app))[1], qr/^run\s+48M\s.*\s128\s/m, 'again');
my $bounded = detached('ulimit -n; echo $MEMORY_LIMIT; exec perl -e \'my $x = "x" x (150 << 20)\'');
like(ended($bounded)->{reason}, qr/^out of memory \(48 MiB\)/, 'what needs more memory is ended');
like(logs($bounded), qr/\b128\n.*\b48m$/m, 'the others hold inside, too');
is(($p->paas('ps:limits', 'run', 'memory=default', 'files=default', '--app', $app))[0], 0, 'without');
ended($bounded = detached('ulimit -n'));
unlike(logs($bounded), qr/\b128$/m, 'has the usual ones');
is((map { $_->{instance} } grep { $_->{type} eq 'web' } $p->dynos($app))[0], $serving, 'web is the same all the while');
is($p->api('PATCH', "/apps/$app/formation/walk/limits", { pids => 64 })->{status}, 404, 'a type that there is not has none');

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
refused({ command => 'true', env => { A => JSON::PP::true } }, qr/^env\.A has to be/, 'a boolean');
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

# ---- attached, without a terminal ----------------------------------------

# Starts paas with these words, and gives {pid, in, out, err}.
sub start {
    my @command = @_;
    my %of;
    my $in = gensym;
    my $out = gensym;
    my $err = gensym;
    $of{pid} = open3($in, $out, $err, "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @command);
    @of{qw(in out err)} = ($in, $out, $err);
    return \%of;
}

# All that it says until it ends, with the exit status.
sub finish {
    my ($run, $seconds) = @_;
    my %text = (out => '', err => '');
    my $select = IO::Select->new($run->{out}, $run->{err});
    my $end = time + ($seconds // 30);
    while ($select->count && time < $end) {
        for my $fh ($select->can_read(0.5)) {
            my $which = $fh == $run->{out} ? 'out' : 'err';
            $select->remove($fh) if !sysread $fh, $text{$which}, 65536, length $text{$which};
        }
    }
    kill 'KILL', $run->{pid} if $select->count;
    waitpid $run->{pid}, 0;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, @text{qw(out err)});
}

sub attached {
    my ($input, @command) = @_;
    my $run = start(@command);
    # Written by somebody else, since its output has to be read meanwhile.
    my $writer = defined $input ? fork : undef;
    if (defined $writer && !$writer) {
        $SIG{PIPE} = 'IGNORE';
        print { $run->{in} } $input;
        close $run->{in};
        POSIX::_exit(0);
    }
    close $run->{in};
    my @got = finish($run);
    waitpid $writer, 0 if $writer;
    return @got;
}

sub until_seen {
    my ($run, $like) = @_;
    my $seen = '';
    my $select = IO::Select->new($run->{out});
    while ($seen !~ $like) {
        return if !$select->can_read(20) || !sysread $run->{out}, $seen, 1, length $seen;
    }
    return $seen;
}

my @run = ('run', '-a', $app);
my $err;
($rc, $out, $err) = attached(undef, @run, 'echo out; echo err >&2; [ -t 0 ] || echo pipe; exit 5');
is($rc, 5, 'attached: its exit status is that of the command');
is($out, "out\npipe\n", 'its output, of pipes');
is($err, "err\n", 'and its errors apart');
my $megabyte = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 262144;
($rc, $out) = attached($megabyte, @run, 'cat');
is($rc, 0, 'cat ends with its input');
ok($out eq $megabyte, 'a megabyte of any bytes comes back') or diag length $out;
is((attached($megabyte, @run, 'head -c 10 > /dev/null; exit 4'))[0], 4, 'input that nobody reads is no harm');
is((attached(undef, @run, 'kill -SEGV $$'))[0], 139, 'a signal is 128 and more');
is((attached(undef, @run, '-e', 'ONE=a b;TWO=c', 'test "$ONE$TWO$COLOUR$HOME" = "a bcgreen/app"'))[0], 0,
    'with more variables');
is((attached("a\0b\n", @run, 'od', '-An', '-c'))[1], "   a  \\0   b  \\n\n", 'a NUL in the input');
($rc, undef, $err) = attached(undef, @run, 'exhaust() { x=$x$x$x; exhaust; }; x=xxxxxxxx; exhaust');
isnt($rc, 0, 'out of memory: it fails');

my $run = start(@run, 'trap "echo INT; exit 8" INT; echo up; while :; do sleep 0.1; done');
ok(until_seen($run, qr/up\n/), 'one that goes on');
kill 'INT', $run->{pid};
is((finish($run))[0], 8, 'Ctrl-C goes to the command');
$run = start(@run, 'trap "" INT; echo up; while :; do sleep 0.1; done');
until_seen($run, qr/up\n/);
kill('INT', $run->{pid}), sleep 0.2 for 1 .. 3;
is((finish($run))[0], 130, 'the third one ends the client');

sub oneoffs {
    return grep { $_->{type} eq 'run' } $p->dynos($app);
}
ok(Platform::wait_for(20, sub { !oneoffs() }), 'and the command with it, though it heeds none');

# The client is killed.
$run = start(@run, 'trap "echo hup > /tmp/x" HUP; echo up $DYNO; cat; sleep 600');
my ($gone) = until_seen($run, qr/up .*\n/) =~ /up (run\.\d+)/;
kill 'KILL', $run->{pid};
finish($run);
ok(ended($gone, 20), 'a command ends with its client');

# The manager is killed: it is not between the two.
$run = start(@run, 'echo up; read line; echo "got $line"; exit 6');
until_seen($run, qr/up\n/);
kill 'KILL', $p->service_pid('manager');
Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 });
kill 'KILL', $p->service_pid('launcher');
print { $run->{in} } "on\n";
$run->{in}->flush;
($rc, $out) = finish($run);
is($rc, 6, 'an attached one outlives the manager and the launcher');
is($out, "got on\n", 'with its client');
ok(Platform::wait_for(20, sub { !oneoffs() }), 'and its end is seen afterwards');
Platform::wait_for(20, sub { $p->api('GET', '/health')->{json}{launcher} });

# It is stopped from elsewhere.
$run = start(@run, 'echo up $DYNO; exec sleep 600');
my ($stopped) = until_seen($run, qr/up .*\n/) =~ /up (run\.\d+)/;
$p->paas('ps:stop', $stopped, '-a', $app);
is((finish($run))[0], 143, 'ps:stop ends an attached one');

# ---- attached, at a terminal ---------------------------------------------

# The same with a terminal of so many rows and columns.
sub at_terminal {
    my ($rows, $columns, @command) = @_;
    my $pty = IO::Pty->new;
    $pty->set_winsize($rows, $columns);
    my $pid = fork // die;
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        my $slave = $pty->slave;
        open STDIN, '<&', $slave;
        open STDOUT, '>&', $slave;
        open STDERR, '>&', $slave;
        $ENV{TERM} = 'xterm-test';
        exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @command
            or POSIX::_exit(127);
    }
    $pty->close_slave;
    return { pid => $pid, out => $pty, err => $pty, in => $pty };
}

sub finish_terminal {
    my ($run) = @_;
    my ($text, $closed) = ('', 0);
    my $select = IO::Select->new($run->{out});
    while (!$closed && $select->can_read(20)) {
        $closed = !sysread $run->{out}, $text, 65536, length $text;
    }
    kill 'KILL', $run->{pid} if !$closed;
    waitpid $run->{pid}, 0;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $text);
}

$run = at_terminal(33, 101, @run, 'tty; stty size; echo "$TERM"; read x; stty size; printf "\e[31mred\e[0m\n"; exit 12');
my $seen = until_seen($run, qr/xterm-test\r\n/);
like($seen // '', qr{run\.\d+ of tasks runs: .*/dev/pts/0\r\n33 101\r\n}s, 'a terminal of its size');
$run->{out}->set_winsize(44, 55);
kill 'WINCH', $run->{pid};
sleep 0.3;
syswrite $run->{in}, "\n";
($rc, $text) = finish_terminal($run);
is($rc, 12, 'its exit status');
like($text, qr/44 55\r\n/, 'its size changes with ours');
like($text, qr/\e\[31mred\e\[0m/, 'and its colours are its own');

$run = at_terminal(24, 80, @run, 'bash', '--norc', '-i');
syswrite $run->{in}, "PS1='\$ '; trap 'echo in\"\"terrupted' INT; echo rea\"\"dy\n";
until_seen($run, qr/ready\r\n/);
syswrite $run->{in}, "sleep 600\n";
sleep 0.5;
syswrite $run->{in}, "\x03";
syswrite $run->{in}, "echo on; sleep 600 & jobs; exit 13\n";
($rc, $text) = finish_terminal($run);
is($rc, 13, 'a shell with jobs: Ctrl-C ended what it ran, not itself');
like($text, qr/\[1\]\+? .*sleep 600/, 'which has control of jobs');
$run = at_terminal(24, 80, @run, 'echo up; cat; exit 14');
until_seen($run, qr/\bup\r\n/);
syswrite $run->{in}, "one\n\x04";
is((finish_terminal($run))[0], 14, 'Ctrl-D ends the input');
$run = at_terminal(24, 80, @run, 'trap "" HUP; echo up $DYNO; sleep 600');
($gone) = until_seen($run, qr/up run\.\d+\r/) =~ /up (run\.\d+)/;
kill 'KILL', $run->{pid};
finish_terminal($run);
ok(ended($gone, 20), 'a terminal that is gone ends it, whatever it traps');
$run = at_terminal(24, 80, 'run', '--no-tty', '-a', $app, '[ -t 1 ] || echo "no" terminal');
like((finish_terminal($run))[1], qr/^no terminal\r?$/m, 'without one, if asked for');

# ---- inside a running process --------------------------------------------

my @exec = ('ps:exec', '-a', $app);
($rc, $out) = attached(undef, @exec, 'web.1', 'id -u; tr "\0" "\n" < /proc/1/cmdline | head -1; echo $DYNO; exit 3');
is($rc, 3, 'exec: its exit status');
my ($web) = grep { $_->{name} eq 'web.1' } $p->dynos($app);
my ($uid, $init, $dyno) = split /\n/, $out;
my ($cgroup) = grep { -d } map { "$_/paas-instances-$p->{name}.scope/inst/$web->{instance}" }
    '/sys/fs/cgroup', glob '/sys/fs/cgroup/*';
ok($cgroup, 'its cgroup') or diag $web->{instance};
is($dyno, 'web.1', 'it is web.1 as well');
is($init, '/.paas/paas-init', 'with the same first process');
($rc, $out) = attached($megabyte, @exec, 'cat');
ok($rc == 0 && $out eq $megabyte, 'a megabyte through web.1, which need not be named');
like((attached(undef, @exec, 'web.1', '--', 'ps', '-e'))[1] // '', qr/python3/, 'it sees the process');

# What is left of it ends with it; it counts in the instance's cgroup.
$run = start(@exec, 'web.1', 'setsid -f sleep 7321; echo up; cat');
until_seen($run, qr/up\n/);
sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or return '';
    local $/;
    return <$fh> // '';
}

sub sleeper {
    return grep { slurp("/proc/$_/cmdline") =~ /^sleep\x007321/ } split /\n/, slurp("$cgroup/cgroup.procs");
}
# "up" is said before setsid's child has become what it is to be.
ok(Platform::wait_for(20, sub { 1 == (my @all = sleeper()) }), 'it counts in the cgroup of the instance');
close $run->{in};
is((finish($run))[0], 0, 'it ends');
ok(Platform::wait_for(5, sub { !sleeper() }), 'and what it left in the background');
$run = start(@exec, 'web.1', 'setsid -f sleep 7321; trap "" HUP; echo up; sleep 600');
until_seen($run, qr/up\n/);
kill 'KILL', $run->{pid};
finish($run);
ok(Platform::wait_for(15, sub { !sleeper() }), 'it ends with its client');

$run = at_terminal(30, 90, @exec);
syswrite $run->{in}, "stty size; exit 21\n";
($rc, $text) = finish_terminal($run);
is($rc, 21, 'a shell, if nothing is named');
like($text, qr/30 90\r\n/, 'at a terminal');
like((attached(undef, 'timeline', '-a', $app, '-n', 5))[1], qr/a terminal in web\.1 by root: bash/,
    'the timeline says who went in');

$run = start(@exec, 'web.1', 'echo up; sleep 600');
until_seen($run, qr/up\n/);
$p->paas('ps:restart', 'web.1', '-a', $app);
my $began = time;
isnt((finish($run, 60))[0], 0, 'it does not outlive the instance');
ok(time - $began < 50, 'but goes with it');
ok($p->wait_up($app, 1, 'web', 60), 'another one is up')
    or diag +($p->paas('ps', '-a', $app))[1], ($p->paas('timeline', '-a', $app))[1];
($rc, undef, $err) = attached(undef, @exec, 'web.7', 'true');
is($rc, 1, 'no such process');
like($err, qr/^paas: no web\.7 of tasks runs now$/, 'it says so');

# Many at once: a bound, and a word.
my @many = map { start(@exec, 'web.1', 'echo up; cat > /dev/null') } 1 .. 16;
until_seen($_, qr/up\n/) for @many;
($rc, undef, $err) = attached(undef, @exec, 'web.1', 'true');
like($err, qr/too many are attached already/, 'the seventeenth is told');
close $_->{in} for @many;
is(scalar(grep { (finish($_))[0] != 0 } @many), 0, 'the others end well');

# ---- what is no session --------------------------------------------------

sub talk {
    my ($request, $after) = @_;
    my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or return '';
    syswrite $s, $request;
    my $text = '';
    my $select = IO::Select->new($s);
    while ($select->can_read(5)) {
        last if !sysread $s, $text, 1, length $text;
        next if $text !~ /\r\n\r\n/ || !defined $after;
        syswrite $s, $after;
        undef $after;
    }
    return $text;
}

my $body = '{"command": "cat", "force_no_tty": true}';
my $ask = "POST /apps/$app/dynos/web.1/exec HTTP/1.1\r\nHost: x\r\nContent-Length: " . length($body) . "\r\n";
like(talk("$ask\r\n$body"), qr{^HTTP/1\.1 426 .*\r\nUpgrade: paas-session\r\n}s, 'no Upgrade: 426');
like(talk("${ask}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n$body"), qr{^HTTP/1\.1 426 }, 'another one: 426');
my $good = "${ask}Connection: Upgrade\r\nUpgrade: paas-session\r\n\r\n$body";
like(talk($good, "d\0\0\3abcz\0\0\0"), qr{^HTTP/1\.1 101 .*\r\n\r\nd\x00\x00\x03abcx\x00\x00\x02\x00\x00$}s, 'a session by hand');

sub once {
    my ($command, $key) = (@_, 'once');
    my $body = qq({"command": "$command", "force_no_tty": true});
    return "POST /apps/$app/dynos/web.1/exec HTTP/1.1\r\nHost: x\r\nContent-Length: " . length($body)
        . "\r\nConnection: Upgrade\r\nUpgrade: paas-session\r\nIdempotency-Key: $key\r\n\r\n$body";
}
like(talk(once('cat; : once'), "d\0\0\3abcz\0\0\0"), qr{^HTTP/1\.1 101 .*abc}s, 'a session with an Idempotency-Key');
like(talk(once('cat; : once')), qr{^HTTP/1\.1 409 .*a command was begun with this Idempotency-Key}s, 'which begins one command');
like(talk(once('cat; : twice')), qr{^HTTP/1\.1 422 .*another body}s, 'and never another');
is_deeply([map { $_->{text} =~ /: (cat; .*)/ } grep { $_->{kind} eq 'exec' } @{ $p->api('GET', "/apps/$app/timeline?limit=20")->{json} }], ['cat; : once'],
    'the timeline has the one');
like(talk(once('cat; : early', 'early') . "d\0\0\3abc"), qr{^HTTP/1\.1 101 .*the first frame came before the answer}s, 'a command that is not begun');
ok(Platform::wait_for(20, sub { talk(once('cat; : early', 'early'), "d\0\0\3abcz\0\0\0") =~ qr{^HTTP/1\.1 101 .*abc}s }), 'leaves its key for another try');
like(talk($good, "d\1\377\377"), qr{^HTTP/1\.1 101 [^\x00]*$}s, 'a frame that is none ends it');
like(talk($good, "x" x 100_000), qr{^HTTP/1\.1 101 }s, 'garbage ends it');
is($p->get($app)->{status}, 200, 'the process serves as before');
like(talk("GET /apps/$app/dynos/$names[0]/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    . "Upgrade: paas-session\r\n\r\n"), qr{^HTTP/1\.1 4\d\d .*"id"}s, 'a detached one can not be attached to');
ok(Platform::wait_for(20, sub { !oneoffs() }), 'nothing runs any more');

# ---- who may not any more ---------------------------------------------------

# A session by nginx, of a token: [socket, what came], once it has said so.
sub session_of {
    my ($token, $method, $path, $body) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}) or die "nginx: $!";
    print {$s} join "\r\n", "$method $path HTTP/1.1", "Host: api.$p->{domain}", "Authorization: Bearer $token",
        'Content-Length: ' . length $body, 'Connection: Upgrade', 'Upgrade: paas-session', '', $body;
    my $run = [$s, ''];
    ok(!read_on($run, qr/up\n/), "$method $path by a token") or diag $run->[1];
    return $run;
}

# Reads until it is said, or nothing more comes: 1 at the end.
sub read_on {
    my ($run, $like) = @_;
    my $until = time + 30;
    while ($run->[1] !~ $like) {
        IO::Select->new($run->[0])->can_read($until - time) or return 0;
        sysread $run->[0], $run->[1], 65536, length $run->[1] or return 1;
    }
    return 0;
}

# By a new user's name -> a token of theirs, and its id.
my %token_id;
sub token_of {
    my ($name) = @_;
    my $email = "$name\@example.com";
    $p->api('POST', '/users', { email => $email, password => "secret of $name" });
    $p->api('POST', "/apps/$app/collaborators", { user => $email, role => 'deployer' });
    my $made = decode_json($p->http('POST', "api.$p->{domain}", '/oauth/authorizations', body => '{}',
        headers => { Authorization => 'Basic ' . encode_base64("$email:secret of $name", '') })->{body});
    $token_id{$name} = $made->{id};
    return $made->{access_token}{token};
}

my %token = map { ($_ => token_of($_)) } qw(rita connie dee rex);
my $sleeper = '{"command": "trap \"\" HUP; setsid -f sleep 7321; echo up; sleep 600", "force_no_tty": true}';
my %session = map { ($_ => session_of($token{$_}, 'POST', "/apps/$app/dynos/web.1/exec", $sleeper)) } qw(connie dee rex);
my $asked = $p->http('POST', "api.$p->{domain}", "/apps/$app/dynos", body => '{"command": "echo up; sleep 600", "attach": true, "force_no_tty": true}',
    headers => { Authorization => "Bearer $token{rita}" });
my $attached = decode_json($asked->{body})->{name};
$session{rita} = session_of($token{rita}, 'GET', "/apps/$app/dynos/$attached/attach", '');
my $beside = start(@exec, 'web.1', 'echo up; read line; exit 7');
until_seen($beside, qr/up\n/);
is($p->api('DELETE', "/users/rita\@example.com")->{status}, 200, 'a user goes');
is($p->api('DELETE', "/apps/$app/collaborators/connie\@example.com")->{status}, 200, 'a role goes');
is($p->api('PATCH', "/apps/$app/collaborators/dee\@example.com", { role => 'viewer' })->{status}, 200, 'another one is less than it was');
is($p->http('DELETE', "api.$p->{domain}", "/oauth/authorizations/$token_id{rex}", headers => { Authorization => "Bearer $token{rex}" })->{status},
    200, 'a token is revoked');
ok(read_on($session{$_}, qr/never/), "the session of $_ ends") for sort keys %session;
ok(ended($attached), 'the one-off process with it');
ok(Platform::wait_for(20, sub { !sleeper() }), 'and the command in the process, with all that it left');
like((attached(undef, 'timeline', '-a', $app, '-n', 20))[1], qr/the session of connie\@example\.com with web\.1 was ended: what it was asked for/,
    'the timeline tells of it');
print { $beside->{in} } "on\n";
$beside->{in}->flush;
is((finish($beside))[0], 7, 'others go on');

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
