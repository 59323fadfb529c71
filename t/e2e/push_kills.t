#!/usr/bin/perl
# kill -9 of the manager at each step of a push by manifest.yml, of two apps,
# and of one with --image: what ran goes on, the next push works, and of the
# one before nothing is left.  build_kills.t has the steps of a build and the
# other victims.
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

my $tmp = tempdir('paas-push-kills-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $p = Platform->new;
my $after = Leftovers->new($p);
my @apps = qw(front back);
my $content = 0;
my %served;

sub spill {
    my ($path, $text, $mode) = @_;
    make_path($path =~ s{/[^/]*$}{}r);
    open my $fh, '>', $path or die "$path: $!";
    print {$fh} $text;
    close $fh;
    chmod $mode // 0644, $path;
}

# Looks more often than anything here can come and go.
sub watch {
    my ($seconds, $for) = @_;
    my $end = time + $seconds;
    until ($for->()) {
        return 0 if time > $end;
        sleep 0.001;
    }
    return 1;
}

sub first_line { open my $fh, '<', $_[0] or return ''; return <$fh> // '' }
sub records { my ($kind) = @_; return grep { first_line($_) =~ / kind=$kind / } glob "$p->{run}/inst/*" }

sub healthy {
    return Platform::wait_for(30, sub { my $r = $p->api('GET', '/health'); $r->{status} == 200 && $r->{json}{launcher} });
}

sub idle {
    my (@of) = @_;
    return Platform::wait_for(60, sub {
        for my $app (@of) {
            for my $what (qw(builds releases)) {
                my $all = $p->api('GET', "/apps/$app/$what")->{json};
                return if ref $all ne 'ARRAY' || grep { $_->{status} =~ /pending|running/ } @$all;
            }
        }
        return 1;
    });
}

sub start {
    my (@words) = @_;
    my $pid = fork // die;
    return $pid if $pid;
    open STDOUT, '>', "$tmp/said";
    open STDERR, '>&', \*STDOUT;
    exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", @words or POSIX::_exit(127);
}

# One kill: while push goes on, once reached.
sub killed {
    my ($step, $of, $change, $push, $reached, $hold) = @_;
    my %before = map { $_ => $served{$_} } @$of;
    $change->(++$content);
    $hold->(1) if $hold;
    my $pusher = start(@$push);
    ok(watch(60, $reached), "$step: reached") or diag do { local (@ARGV, $/) = "$tmp/said"; <> };
    my $pid = $p->service_pid('manager');
    ok($pid && kill('KILL', $pid), "$step: the manager is killed");
    for my $app (@$of) {
        like($p->get($app)->{body}, qr/^(?:$before{$app}|$content)$/, "$step: $app goes on");
    }
    $hold->(0) if $hold;
    waitpid $pusher, 0;
    ok(healthy(), "$step: it is up again");
    ok(idle(@$of), "$step: no build and no roll-out goes on");
    for my $app (@$of) {
        ok(Platform::wait_for(20, sub { $p->get($app)->{body} =~ /^(?:$before{$app}|$content)$/ }), "$step: $app serves one or the other");
    }
    $change->(++$content);
    my ($rc, $out) = $p->paas(@$push);
    is($rc, 0, "$step: the next push works") or diag $out;
    for my $app (@$of) {
        ok(Platform::wait_for(20, sub { $p->get($app)->{body} eq "$content\n" }), "$step: $app serves it");
        $served{$app} = $content;
    }
    ok(Platform::wait_for(60, sub { !$after->of(scalar keys %served) }), "$step: nothing is left")
        or diag join "\n", $after->of(scalar keys %served);
}

# ---- manifest.yml -----------------------------------------------------------------

my $many = "$tmp/many";
my $wait = 'touch /cache/at-compile; i=0; while [ -e /cache/hold ] && [ $i -lt 1200 ]; do sleep 0.05; i=$((i + 1)); done';
spill("$many/manifest.yml", "applications:\n" . join '', map {
    "- name: $_\n  path: $_\n  memory: 64M\n  buildpacks: [./pack]\n  command: exec busybox httpd -f -p \$PORT\n  env: {OF: $_}\n" } @apps);
for my $app (@apps) {
    spill("$many/$app/pack/bin/detect", "#!/bin/sh\necho Steps\n", 0755);
    spill("$many/$app/pack/bin/compile", "#!/bin/sh\n$wait\n", 0755);
}
sub change_apps { my ($n) = @_; spill("$many/$_/index.html", "$n\n") for @apps }
my @push = ('push', $many);
change_apps(0);
my ($rc, $out) = $p->paas(@push);
is($rc, 0, 'two apps of a manifest') or BAIL_OUT($out);
%served = map { $_ => 0 } @apps;
my @caches = sort glob "$p->{state}/caches/*";
is(scalar @caches, 2, 'each with a cache');
# The first app is the first one that has got a number.
my %cache = (front => $caches[0], back => $caches[1]);

# What a build touches is that of the push before otherwise.
sub change_anew { unlink map { "$_/at-compile" } @caches; change_apps(@_) }

for my $app (@apps) {
    my $dir = $cache{$app};
    killed("manifest, compile of $app", \@apps, \&change_anew, \@push, sub { -e "$dir/at-compile" },
        sub { $_[0] ? spill("$dir/hold", '') : unlink "$dir/hold" });
    killed("manifest, roll-out of $app", \@apps, \&change_anew, \@push, sub {
        return -e "$dir/at-compile" && grep { $_->{status} eq 'pending' } @{ $p->api('GET', "/apps/$app/releases")->{json} // [] };
    });
}

# What a manifest says is kept for its build, whoever is killed in between.
my $settings = $p->api('POST', '/apps/front/settings', { file => 'manifest.yml', env => { OF => 'again' } });
is($settings->{status}, 201, 'what a manifest says is sent ahead') or diag $settings->{body};
kill 'KILL', $p->service_pid('manager');
ok(healthy(), 'manifest, before the upload: the manager is killed, and up again');
change_apps(++$content);
system('tar', '-C', "$many/front", '-cf', "$tmp/front.tar", '.') == 0 or die;
my $tar = do { open my $fh, '<:raw', "$tmp/front.tar" or die; local $/; <$fh> };
my $r = $p->api('POST', "/apps/front/builds?settings=$settings->{json}{id}", $tar, headers => { 'Content-Type' => 'application/x-tar' }, timeout => 60);
like($r->{body}, qr/"release":/, 'manifest, before the upload: it counts all the same') or diag $r->{body};
is($p->json('config', '-a', 'front')->{OF}, 'again', 'manifest, before the upload: with what it has set');
$served{front} = $content;

# ---- --image ----------------------------------------------------------------------

my $image = "$tmp/image";
sub cmd { my ($code, $text) = Platform::run(@_); die "@_: $text" if $code }
sub change_image {
    my ($n) = @_;
    spill("$tmp/www/index.html", "$n\n");
    cmd('umoci', 'insert', '--image', "$image:t", "$tmp/www/index.html", '/index.html');
}
make_path("$tmp/root/bin");
cmd('cp', '/bin/busybox', "$tmp/root/bin/busybox");
cmd('truncate', '-s', '300M', "$tmp/root/zeros");
cmd('umoci', 'init', '--layout', $image);
cmd('umoci', 'new', '--image', "$image:t");
cmd('umoci', 'insert', '--image', "$image:t", "$tmp/root", '/');
cmd('umoci', 'config', '--image', "$image:t", '--config.cmd', '/bin/busybox', '--config.cmd', 'httpd', '--config.cmd', '-f',
    '--config.cmd', '-p', '--config.cmd', '5000', '--config.cmd', '-h', '--config.cmd', '/');
@push = ('push', '--image', $image, '-a', 'image');
is(($p->paas('apps:create', 'image'))[0], 0, 'an app for an image');
change_image(++$content);
($rc, $out) = $p->paas(@push);
is($rc, 0, 'an image') or BAIL_OUT($out);
$served{image} = $content;

killed('image, unpacking', ['image'], \&change_image, \@push, sub { scalar records(2) });
killed('image, inspection', ['image'], \&change_image, \@push, sub { scalar records(3) });
killed('image, roll-out', ['image'], \&change_image, \@push, sub {
    return grep { $_->{status} eq 'pending' } @{ $p->api('GET', '/apps/image/releases')->{json} // [] };
});

# Half of it is there.
{
    local $SIG{PIPE} = 'IGNORE';
    my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or die;
    print {$s} "POST /apps/image/builds?image=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\n"
        . "Content-Length: 1000000\r\n\r\n", "\0" x 500_000;
    ok(Platform::wait_for(10, sub { grep { -s } glob "$p->{state}/uploads/*.tar" }), 'image, receiving: half of it is there');
    kill 'KILL', $p->service_pid('manager');
    is($p->get('image')->{body}, "$served{image}\n", 'image, receiving: the app goes on');
    ok(healthy(), 'image, receiving: the manager is killed, and up again');
    close $s;
    change_image(++$content);
    ($rc, $out) = $p->paas(@push);
    is($rc, 0, 'image, receiving: the next push works') or diag $out;
    ok(Platform::wait_for(20, sub { $p->get('image')->{body} eq "$content\n" }), 'image, receiving: and serves');
    ok(Platform::wait_for(30, sub { !$after->of(3) }), 'image, receiving: nothing is left') or diag join "\n", $after->of(3);
}

done_testing();
