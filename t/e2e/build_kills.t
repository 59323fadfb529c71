#!/usr/bin/perl
# kill -9 at each step of a build: of the manager, the launcher, the shim and
# the sandbox.  What ran goes on, the build ends one way or the other, the next
# push works, and of the one before nothing is left: no file, record, process,
# cgroup or interface.  Each step is held until the kill, or watched for.
use strict;
use warnings;
use lib 't/lib';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Leftovers;
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $tmp = tempdir('paas-kills-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $p = Platform->new;
my $app = 'steps';
my $after = Leftovers->new($p);

sub spill {
    my ($path, $text, $mode) = @_;
    make_path($path =~ s{/[^/]*$}{}r);
    open my $fh, '>', $path or die "$path: $!";
    print {$fh} $text;
    close $fh;
    chmod $mode // 0644, $path;
}

# A pack that waits where it is told to, for a file in the cache to come.
my $dir = "$tmp/app";
spill("$dir/index.html", "0\n");
spill("$dir/Procfile", "web: exec python3 -m http.server \$PORT\n");
my $wait = 'touch /cache/at-$step; i=0; while [ -e "/cache/hold-$step" ] && [ $i -lt 600 ]; do sleep 0.05; i=$((i + 1)); done';
spill("$dir/pack/bin/detect", "#!/bin/sh\nstep=detect\n$wait\necho Steps\n", 0755);
spill("$dir/pack/bin/compile", "#!/bin/sh\nstep=compile\n$wait\ncp \"\$1/index.html\" \"\$1/copy\"\n"
    . "[ ! -e /cache/large ] || truncate -s 600M \"\$1/large\"\n", 0755);
is(($p->paas('apps:create', $app))[0], 0, 'an app');
is(($p->paas('buildpacks:set', './pack', '-a', $app))[0], 0, 'with a pack of its own');
my ($rc, $out) = $p->paas('push', $dir, '-a', $app);
is($rc, 0, 'pushed') or BAIL_OUT($out);
my ($cache) = glob "$p->{state}/caches/*";

sub records {
    my ($kind) = @_;
    my @found;
    for my $path (glob "$p->{run}/inst/*") {
        open my $fh, '<', $path or next;
        my $text = <$fh> // '';
        push @found, { id => $path =~ s{.*/}{}r, pid => $text =~ /pid=(\d+)/ } if $text =~ / kind=$kind /;
    }
    return @found;
}

sub shim { my ($kind) = @_; my ($record) = records($kind); return $record && $record->{pid} }

sub sandbox {
    my $shim = shim($_[0]) or return;
    open my $fh, '<', "/proc/$shim/cmdline" or return;
    local $/;
    return (split /\0/, <$fh> // '')[5];
}

sub healthy {
    return Platform::wait_for(20, sub {
        my $r = $p->api('GET', '/health');
        $r->{status} == 200 && $r->{json}{launcher};
    });
}

sub idle {
    return Platform::wait_for(60, sub {
        my $builds = $p->api('GET', "/apps/$app/builds")->{json} || return;
        ref $builds eq 'ARRAY' && !grep { $_->{status} =~ /pending|running/ } @$builds;
    });
}

my $content = 0;
sub push_next {
    spill("$dir/index.html", ++$content . "\n");
    return $p->paas('push', $dir, '-a', $app);
}

# How a step is held, how it is known to be reached, and what goes on then.
my %steps = (
    detect  => { kind => 2, hold => ['hold-detect'], reached => sub { -e "$cache/at-detect" } },
    compile => { kind => 2, hold => ['hold-compile'], reached => sub { -e "$cache/at-compile" } },
    slug    => { kind => 3, hold => ['large'], reached => sub { shim(3) } },
);
my %victims = (
    manager  => sub { $p->service_pid('manager') },
    launcher => sub { $p->service_pid('launcher') },
    shim     => sub { shim($_[0]) },
    sandbox  => sub { sandbox($_[0]) },
);

sub start_push {
    spill("$dir/index.html", ++$content . "\n");
    my $pid = fork // die;
    return $pid if $pid;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'push', $dir, '-a', $app or POSIX::_exit(127);
}

sub check_after {
    my ($name, $served) = @_;
    is($p->get($app)->{body}, "$served\n", "$name: what ran goes on");
    ok(healthy(), "$name: all is up again");
    ok(idle(), "$name: the build has ended") or diag explain $p->api('GET', "/apps/$app/builds")->{json};
    unlink glob "$cache/*";
    my ($code, $said) = push_next();
    is($code, 0, "$name: the next push works") or diag $said;
    ok(Platform::wait_for(10, sub { $p->get($app)->{body} eq "$content\n" }), "$name: and serves");
    ok(Platform::wait_for(30, sub { !$after->of(1) }), "$name: nothing is left") or diag join "\n", $after->of(1);
}

sub one_kill {
    my ($step, $victim) = @_;
    my $s = $steps{$step};
    my $served = $content;
    unlink glob "$cache/*";
    spill("$cache/$_", '') for @{ $s->{hold} };
    my $pusher = start_push();
    my $reached = Platform::wait_for(30, $s->{reached});
    my $target = $victims{$victim}->($s->{kind});
    my $killed = $target && kill 'KILL', $target;
    unlink map { "$cache/$_" } @{ $s->{hold} };
    waitpid $pusher, 0;
    ok($reached && $killed, "$victim at $step: killed");
    # The push may have come through: then its content is what ran.
    my $now = $p->get($app)->{body};
    check_after("$victim at $step", $now eq "$content\n" ? $content : $served);
}

# All of them with PAAS_LONG, else each step and each victim.
for my $step (qw(detect compile slug)) {
    my @who = $ENV{PAAS_LONG} || $step eq 'compile' ? qw(manager launcher shim sandbox) : qw(manager sandbox);
    one_kill($step, $_) for @who;
}

# ---- receiving: half an upload is there -----------------------------------------

sub half_push {
    my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or die;
    print {$s} "POST /apps/$app/builds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\n"
        . "Content-Length: 1000000\r\n\r\n", "\0" x 500_000;
    return $s;
}
for my $victim ($ENV{PAAS_LONG} ? qw(manager launcher) : 'manager') {
    local $SIG{PIPE} = 'IGNORE';
    my $s = half_push();
    ok(Platform::wait_for(10, sub { grep { -s } glob "$p->{state}/uploads/*.tar" }), "$victim at receive: half of it is there");
    kill 'KILL', $victims{$victim}->();
    ok(healthy(), "$victim at receive: killed, and up again");
    close $s;
    check_after("$victim at receive", $content);
}

# ---- two at once, over HTTP ------------------------------------------------------

{
    my $s = half_push();
    ok(Platform::wait_for(10, sub { grep { -s } glob "$p->{state}/uploads/*.tar" }), 'a push is under way');
    my ($code, $said) = push_next();
    isnt($code, 0, 'another one to the same app loses');
    like($said, qr/Another push to $app is under way/, 'and is told');
    close $s;
    ok(Platform::wait_for(10, sub { !glob "$p->{state}/uploads/*.tar" }), 'the first one is given up');
    is((push_next())[0], 0, 'and the next one wins');
}

# ---- unpacking: many small files --------------------------------------------------

{
    my $many = "$tmp/many";
    spill("$many/index.html", "many\n");
    spill("$many/Procfile", "web: exec python3 -m http.server \$PORT\n");
    for my $n (1 .. 8000) { mkdir "$many/" . $n % 100; spill("$many/" . $n % 100 . "/$n", $n) }
    system('cp', '-r', "$dir/pack", $many) == 0 or die;
    for my $victim ($ENV{PAAS_LONG} ? qw(manager sandbox) : 'manager') {
        system('tar', '-C', $many, '-czf', "$tmp/many.tgz", '.') == 0 or die;
        open my $fh, '<:raw', "$tmp/many.tgz" or die;
        my $text = do { local $/; <$fh> };
        my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or die;
        print {$s} "POST /apps/$app/builds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\nContent-Length: "
            . length($text) . "\r\n\r\n$text";
        ok(Platform::wait_for(20, sub { my @made = glob "$p->{state}/builds/*/app/*"; @made }), "$victim at unpack: some is there");
        my $target = $victims{$victim}->(2);
        ok($target && kill('KILL', $target), "$victim at unpack: killed");
        close $s;
        ok(healthy() && idle(), "$victim at unpack: the build has ended");
        check_after("$victim at unpack", $p->get($app)->{body} =~ s/\n//r);
    }
}

# ---- sealing and committing -------------------------------------------------------

{
    my $served = $content;
    spill("$cache/hold-compile", '');
    my $pusher = start_push();
    ok(Platform::wait_for(30, sub { -e "$cache/at-compile" }), 'manager at commit: it is built');
    my %before = map { $_ => 1 } glob "$p->{state}/slugs/*";
    my $manager = $p->service_pid('manager');
    unlink "$cache/hold-compile";
    # The slug is there: its release is being committed.
    my $end = time + 30;
    my $sealed = 0;
    until ($sealed || time > $end) { $sealed = grep { !$before{$_} } glob "$p->{state}/slugs/*" }
    ok($sealed, 'manager at commit: the slug is there');
    kill 'KILL', $manager;
    waitpid $pusher, 0;
    ok(healthy() && idle(), 'manager at commit: the build has ended');
    ok(Platform::wait_for(30, sub { $p->get($app)->{body} =~ /^(?:$served|$content)\n/ }), 'manager at commit: one of both serves');
    check_after('manager at commit', $p->get($app)->{body} =~ s/\n//r);
}
{
    # The launcher stands still while it is asked to seal.
    my $served = $content;
    spill("$cache/large", '');
    my $pusher = start_push();
    ok(Platform::wait_for(30, sub { shim(3) }), 'manager at seal: it is inspected');
    my $launcher = $p->service_pid('launcher');
    kill 'STOP', $launcher;
    my $inspect = shim(3);
    Platform::wait_for(30, sub { !-e "/proc/$inspect" });
    sleep 0.5;
    kill 'KILL', $p->service_pid('manager');
    kill 'CONT', $launcher;
    waitpid $pusher, 0;
    ok(healthy() && idle(), 'manager at seal: the build has ended');
    check_after('manager at seal', $p->get($app)->{body} =~ s/\n//r);
}

done_testing();
