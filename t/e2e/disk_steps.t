#!/usr/bin/perl
# The disk is full at each step of a push: the error says so, the app that
# runs goes on, nothing is left and nothing is lost, and with room again the
# next push works.  The state directory is a small file system of its own.
use strict;
use warnings;
use lib 't/lib';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Git;
use Platform;
use Test::More;

my $tmp = tempdir('paas-disk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $state = "/var/lib/paas-t$$";
my $mounted;

# Before the platform is purged: what it has open goes with it.
END {
    my $status = $?;
    system('umount', '-l', $state) if $mounted;
    $? = $status;
}

sub must { my ($rc, $out) = Platform::run(@_); $rc == 0 or BAIL_OUT("@_: $out") }
must('truncate', '-s', '192M', "$tmp/disk");
must('mkfs.ext4', '-q', '-F', '-m', '0', "$tmp/disk");
make_path($state);
must('mount', '-o', 'loop', "$tmp/disk", $state);
$mounted = 1;
must('rmdir', "$state/lost+found");
my $p = Platform->new(conf => { disk_reserve => '1M' });
is($p->{state}, $state, 'a state directory of 192 MiB');

sub spill {
    my ($path, $text, $mode) = @_;
    make_path($path =~ s{/[^/]*$}{}r);
    open my $fh, '>:raw', $path or die "$path: $!";
    print {$fh} $text;
    close $fh;
    chmod $mode // 0644, $path;
}

# All of the disk but so many KiB.
sub fill {
    my ($leave) = @_;
    my ($free) = (Platform::run('df', '-Pk', $state))[1] =~ /\s(\d+)\s+\d+%/;
    Platform::run('fallocate', '-l', ($free - $leave) . 'K', "$state/ballast") if $free > $leave;
}
sub room { unlink "$state/ballast" }

my $app = 'full';
my $content = 0;
my $dir = "$tmp/app";
spill("$dir/Procfile", "web: exec python3 -m http.server \$PORT\n");
spill("$dir/pack/bin/detect", "#!/bin/sh\n[ ! -e /cache/at-detect ] || cat /dev/zero > /app/fill\necho Disk\n", 0755);
spill("$dir/pack/bin/compile", "#!/bin/sh\n[ ! -e /cache/at-compile ] || exec cat /dev/zero > /app/fill\n"
    . "[ ! -e /cache/at-slug ] || { cat /dev/zero > /cache/fill; sync; }\nexit 0\n", 0755);
sub push_next { spill("$dir/index.html", ++$content . "\n"); return $p->paas('push', $dir, '-a', $app) }
is(($p->paas('apps:create', $app))[0], 0, 'an app');
is(($p->paas('config:set', 'KEPT=yes', '-a', $app))[0], 0, 'with a config var');
is(($p->paas('buildpacks:set', './pack', '-a', $app))[0], 0, 'and a pack of its own');
my ($rc, $out) = push_next();
is($rc, 0, 'pushed') or BAIL_OUT($out);
my ($cache) = glob "$state/caches/*";
my $served = $content;

sub after {
    my ($step, $code, $said) = @_;
    isnt($code, 0, "$step: refused");
    like($said, qr/disk|space/i, "$step: it says why") or diag $said;
    is($p->get($app)->{body}, "$served\n", "$step: what ran goes on");
    room();
    # No slug is large: one that goes later would make room in a later step.
    unlink "$dir/noise", "$dir/zeros", glob "$cache/fill $cache/at-*";
    ok(Platform::wait_for(20, sub { !(my @left = glob "$state/{uploads/*.tar,builds/*}") }), "$step: nothing is left")
        or diag join ' ', glob "$state/{uploads/*.tar,builds/*}";
    is_deeply($p->json('config', '-a', $app), { KEPT => 'yes' }, "$step: nothing is lost");
    my ($again, $words) = push_next();
    is($again, 0, "$step: with room again, a push works") or diag $words;
    $served = $content;
    ok(Platform::wait_for(10, sub { $p->get($app)->{body} eq "$served\n" }), "$step: and serves");
}

# Bytes that no compression makes fewer.
my $noise = do { open my $fh, '<:raw', '/dev/urandom' or die; read $fh, my $text, 8 << 20; $text };

spill("$dir/noise", $noise);
fill(2048);
after('receive', push_next());

spill("$dir/zeros", "\0" x (48 << 20));
fill(6 * 1024);
after('unpack', push_next());

for my $step (qw(detect compile slug)) {
    spill("$cache/at-$step", '');
    fill(16 * 1024);
    after($step, push_next());
}

# No byte is left before a push begins.
fill(0);
after('at once', push_next());

# What is committed while the disk is full is there as a whole or not at all.
fill(0);
my $big = 'x' x 60_000;
my $set = 0;
for my $n (1 .. 4) {
    my $r = $p->api('PATCH', "/apps/$app/config-vars", { "BIG$n" => $big });
    $set++ if $r->{status} == 200;
    ok($r->{status} == 200 || ($r->{json}{message} // '') =~ /full|space|room/i, "config var $n: taken, or told why")
        or diag $r->{body}, Platform::run('tail', '-n', 20, "$p->{logs}/manager/current");
}
my $vars = $p->json('config', '-a', $app);
is(scalar(grep { /^BIG/ } keys %$vars), $set, 'those that were taken are there');
is($vars->{KEPT}, 'yes', 'and what was there before');
room();
is($p->api('PATCH', "/apps/$app/config-vars", { map { ("BIG$_" => undef) } 1 .. 4 })->{status}, 200, 'taken out again');
is((push_next())[0], 0, 'a push works');
$served = $content;

# With git.
my $git = Git->new;
my $token = $p->json('tokens:create', '-a', $app)->{token};
$git->write('index.html' => "git\n", Procfile => "web: exec python3 -m http.server \$PORT\n");
$git->commit;
is(($p->paas('buildpacks:clear', '-a', $app))[0], 0, 'none of its own any more');
my $url = "http://git:$token\@127.0.0.1:$p->{port}/$app.git";
my @git = ('-c', "http.extraHeader=Host: git.$p->{domain}", 'push', $url, 'main:main');
is(($git->git(@git))[0], 0, 'a push by git') or diag(($git->git(@git))[1]);
$git->write(noise => $noise);
$git->commit;
fill(1024);
($rc, $out) = $git->git(@git);
isnt($rc, 0, 'by git: refused');
like($out, qr/disk|space/i, 'by git: it says why') or diag $out;
is($p->get($app)->{body}, "git\n", 'by git: what ran goes on');
room();
($rc, $out) = $git->git(@git);
is($rc, 0, 'by git: with room again, it works') or diag $out;
ok(Platform::wait_for(20, sub { !(my @left = glob "$state/{uploads/*.tar,builds/*}") }), 'by git: nothing is left');

done_testing();
