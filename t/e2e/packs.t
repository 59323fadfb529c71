#!/usr/bin/perl
# An app for each pack, pushed as it is and asked at its own host: what builds
# and runs outside of the sandbox (t/packs.t) does so within.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new;
my $fixtures = "$Platform::top/t/fixtures";
my $tmp = tempdir('packs.XXXXXX', TMPDIR => 1, CLEANUP => 1);

# What bundle writes depends on which gems Debian has.
sub with_lock {
    my ($name) = @_;
    is((Platform::run('cp', '-r', "$fixtures/$name", $tmp))[0], 0, "$name: copied");
    my ($rc, $out) = Platform::run('env', "HOME=$tmp", 'sh', '-c',
        'cd "$1" && bundle lock --local', 'sh', "$tmp/$name");
    is($rc, 0, "$name: bundle lock") or diag $out;
    return "$tmp/$name";
}

# [fixture, what the output says, what it answers]
my @apps = (
    ['c',     qr/Running make/,             qr/"pack":"c"/],
    ['cmake', qr/Building with CMake/,      qr/"pack":"cmake"/],
    ['express-generator', qr/npm ci/,       qr/Welcome to Express/],
    ['pnpm',  qr/pnpm install/,             qr/"pack":"pnpm".*"dev":false/],
    ['yarn',  qr/yarn install/,             qr/"pack":"yarn".*"dev":false/],
    ['flask', qr/met by the system/,        qr/"pack":"flask"/],
    ['asgi',  qr/met by the system/,        qr/"pack":"asgi"/],
    ['go',    qr/Running go install/,       qr/"pack":"go"/],
    ['java',  qr/BUILD SUCCESS/,            qr/"pack":"java"/],
    ['php',   qr/optimized autoload files/, qr/"pack":"php"/],
    ['ruby',  qr/Gems are met by/,          qr/"pack":"ruby"/, with_lock('ruby')],
);

# Two pushes at a time; each says how long it took until the first 200.
sub push_app {
    my ($app) = @_;
    my ($name, $says, $answers, $dir) = @$app;
    my $start = time;
    my ($rc, $out) = $p->paas('push', $dir // "$fixtures/$name", '--app', $name, '--create');
    my $r = $p->get($name);
    return { rc => $rc, out => $out, status => $r->{status}, body => $r->{body},
        took => time - $start };
}

my @left = @apps;
my (%pid, %result);
while (@left || %pid) {
    while (@left && keys %pid < 2) {
        my $app = shift @left;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $got = push_app($app);
            open my $fh, '>', "$tmp/$app->[0].result" or die;
            print {$fh} join "\0", @$got{qw(rc out status body took)};
            close $fh;
            POSIX::_exit(0);
        }
        $pid{$pid} = $app;
    }
    my $app = delete $pid{ waitpid -1, 0 } or next;
    my ($name, $says, $answers) = @$app;
    open my $fh, '<', "$tmp/$name.result" or die "$name: no result";
    my ($rc, $out, $status, $body, $took) = split /\0/, do { local $/; <$fh> };
    is($rc, 0, "$name: pushed") or diag $out;
    like($out, $says, "$name: built by its own tools");
    like($out, qr/^-----> Live in [\d.]+s \(receive [\d.]+s, build [\d.]+s, slug [\d.]+s, start [\d.]+s, ready [\d.]+s\)$/m,
        "$name: says what the time went to");
    is($status, 200, "$name: answers at its own host");
    like($body, $answers, "$name: what it has to say");
    diag sprintf '%s: %.2f s from push to the first 200', $name, $took;
}

done_testing();
