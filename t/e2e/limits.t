#!/usr/bin/perl
# What a process type may use is set by conf, CLI and API, and each limit is
# run into from inside an instance.
use strict;
use warnings;
use lib 't/lib';
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Platform;
use Test::More;

my $p = Platform->new(conf => { instance_memory => '64M', instance_tmp => '8M', instance_files => 200,
    instance_cpu_weight => 150, stop_timeout => 1, drain_timeout => 1 });
my $dir = tempdir(CLEANUP => 1);
copy("$Platform::top/t/fixtures/probe/probe.pl", "$dir/probe.pl") or die;
open my $procfile, '>', "$dir/Procfile" or die;
print {$procfile} <<'EOT';
web: exec perl probe.pl
hog: exec perl -e 'my $x = "x" x (200 << 20); sleep 1000'
shout: perl -e 'print "x" x 99, "\n" for 1 .. 5000; sleep 1000'
EOT
close $procfile;

# run(program in Perl) -> what it said
sub run {
    my ($code) = @_;
    return $p->http('POST', "probe.$p->{domain}", '/run', body => $code, timeout => 20)->{body};
}

my $id = sub { (map { $_->{instance} // '' } grep { $_->{name} eq 'web.1' && $_->{state} eq 'up' } $p->dynos('probe'))[0] // '' };

my ($scope) = do { open my $fh, '<', $p->{conf} or die; local $/; <$fh> =~ /^cgroup\s*=\s*(\S+)/m };

# The file of web.1's cgroup, by its name in v1 or v2.
sub cgroup_file {
    my ($v1, $v2) = @_;
    my ($file) = grep { -e } map { ("/sys/fs/cgroup/$v1->[0]/$_/$v1->[1]", "/sys/fs/cgroup/$_/$v2") } "$scope/inst/" . $id->();
    return '' if !defined $file;
    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh>;
}

my ($rc, $out) = $p->paas('push', $dir, '--app', 'probe', '--create');
is($rc, 0, 'an app is pushed') or diag $out;
ok($p->wait_up('probe', 1), 'and runs');

# ---- what is set, and where ---------------------------------------------

my $limits = sub { $p->api('GET', '/apps/probe/formation/web')->{json}{limits} };
my %usual = (memory => 64 << 20, swap => 0, disk => 8 << 20, cpu_weight => 150, cpu_quota => 0, pids => 512, files => 200,
    log_rate => 10 << 20);
is_deeply($limits->(), \%usual, 'without a word, paas.conf counts');
is(run('print `sh -c "ulimit -n"`'), "200\n", 'inside, too');
my $first = $id->();

my $patch = sub { $p->api('PATCH', '/apps/probe/formation/web/limits', shift) };
for my $bad (['memory', 1], ['memory', 1 << 50], ['disk', 0], ['cpu_weight', 0], ['cpu_quota', -1], ['pids', 1], ['files', '64'],
    ['log_rate', 1.5], ['swap', -1], ['colour', 1]) {
    my $r = $patch->({ $bad->[0] => $bad->[1] });
    is($r->{status}, 422, "$bad->[0]=$bad->[1] is refused");
    like($r->{json}{message}, qr/\b$bad->[0]\b/, 'by name');
}
is($patch->({})->{status}, 422, 'nothing at all, too');
is($p->api('PATCH', '/apps/probe/formation/none/limits', { pids => 64 })->{status}, 404, 'and a type that is not there');
for my $bad (['pids'], ['memory=much'], ['cpu_quota=x%'], ['files=1K']) {
    ($rc, $out) = $p->paas('ps:limits', 'web', @$bad, '-a', 'probe');
    is($rc, 2, "the command line does not take @$bad") or diag $out;
}
is_deeply($limits->(), \%usual, 'nothing has changed');

($rc, $out) = $p->paas('ps:limits', 'web', 'memory=48M', 'disk=4M', 'cpu_quota=20%', 'cpu_weight=50', 'pids=24', 'files=64',
    '-a', 'probe');
is($rc, 0, 'limits of its own') or diag $out;
like($out, qr/^web\s+48M\s+0\s+4M\s+50\s+20%\s+24\s+64\s+10M\s*$/m, 'are shown') or diag $out;
ok(Platform::wait_for(20, sub { run('print `sh -c "ulimit -n"`') eq "64\n" }), 'an instance of these takes over');
ok(Platform::wait_for(20, sub { (() = $p->dynos('probe')) == 1 && $id->() }), 'from the one before');
isnt($id->(), $first, 'which ends');
like(($p->paas('timeline', '-a', 'probe'))[1], qr/limits of web: .*cpu_quota=20.*/, 'the timeline says so');

# ---- each is run into ---------------------------------------------------

like(run('my @c; for (1 .. 100) { my $c = fork; if (!defined $c) { print scalar(@c), ": $!"; last } if (!$c) { sleep 20; exit } push @c, $c } kill 9, @c'),
    qr/^(?:[5-9]|1\d|2[0-3]): Resource temporarily unavailable/, 'pids: no more than 24 processes');
ok(Platform::wait_for(10, sub { run('print "on"') eq 'on' }), 'it goes on');
like(run('my @f; while (open my $f, "<", "/dev/null") { push @f, $f } print scalar(@f), ": $!"'),
    qr/^(?:5\d|6[0-4]): Too many open files/, 'files: no more than 64');
for my $place ('/app', '/tmp', '/dev/shm') {
    like(run("open my \$f, '>', '$place/f'; my \$n = 0; while (syswrite \$f, 'x' x 65536) { \$n++ } print \$n >> 4, ': \$!'; unlink '$place/f'"
        =~ s/print \$n >> 4, ': \$!'/print \$n >> 4, ": \$!"/r), qr/^[34]: No space left on device/, "disk: $place has 4 MiB");
}
like(run('my ($end, $wall) = (time + 2); use Time::HiRes "time"; my $t = time; 1 while time < $end; $wall = time - $t;
    my ($u, $s) = times; printf "%s %.2f of %.2f", $u + $s < 0.2 * ($wall + 0.2) + 0.05 ? "within" : "over", $u + $s, $wall'),
    qr/^within/, 'cpu_quota: a busy loop gets 20 % of a CPU') or diag run('print "?"');
like(cgroup_file(['cpu', 'cpu.stat'], 'cpu.stat'), qr/^nr_throttled [1-9]/m, 'the kernel held it back');
like(cgroup_file(['cpu', 'cpu.shares'], 'cpu.weight'), qr/^(?:512|50)$/, 'cpu_weight: half of the usual share');
like(run('my @x; push @x, "x" x (1 << 20) for 1 .. 100; print "all"'), qr/^$/, 'memory: what asks for more than 48 MiB is ended');
ok(Platform::wait_for(10, sub { run('print "on"') eq 'on' }), 'the rest goes on');

# Not the one that the instance is about: that goes on, and its log tells.
my $ended = sub {
    my ($n, $text) = (0, ($p->paas('logs', '-p', 'web.1', '-n', 200, '-a', 'probe'))[1]);
    $n += $1 while $text =~ /out of memory: (\d+) process(?:es)? of this instance w(?:as|ere) ended$/mg;
    return $n;
};
ok(Platform::wait_for(20, sub { $ended->() == 1 }), 'its log says that one was ended');
my $same = $id->();
for my $more (1, 2) {
    is(run('if (!fork) { my @x; push @x, "x" x (1 << 20) for 1 .. 100; exit } wait; print $? & 127'), 9, "so is a child of the app ($more)");
    ok(Platform::wait_for(20, sub { $ended->() == 1 + $more }), 'that, too');
}
is($id->(), $same, 'the instance is the same');

my ($swap) = cgroup_file(['memory', 'memory.memsw.limit_in_bytes'], 'memory.swap.max');
SKIP: {
    skip 'the kernel does not account for swap', 1 if $swap eq '';
    like($swap, qr/^(?:0|50331648)$/, 'swap: none');
}

# ---- out of memory, and floods ------------------------------------------

is(($p->paas('ps:limits', 'hog', 'memory=32M', '-a', 'probe'))[0], 0, 'a process that wants 200 MiB may have 32');
is(($p->paas('ps:limits', 'shout', 'log_rate=32K', '-a', 'probe'))[0], 0, 'and one that logs 500 KB, 32 KB a second');
is(($p->paas('ps:scale', 'hog=1', 'shout=1', '-a', 'probe'))[0], 0, 'both start');
ok(Platform::wait_for(30, sub { grep { $_->{type} eq 'hog' && $_->{state} eq 'crashed' && $_->{reason} =~ /out of memory/ } $p->dynos('probe') }),
    'the state is crashed, out of memory');
ok(Platform::wait_for(30, sub { ($rc, $out) = $p->paas('ps', '-a', 'probe'); $out =~ /^hog\.1\s+(?:crashed|backing off).*out of memory \(32 MiB\)/m }),
    'ps says so') or diag $out;
($rc, $out) = $p->paas('timeline', '-a', 'probe');
like($out, qr/hog\.1 crashed: out of memory \(32 MiB\)/, 'the timeline, too') or diag $out;
ok(Platform::wait_for(20, sub { ($p->paas('logs', '-n', '20000', '-p', 'shout.1', '-a', 'probe'))[1] =~ /\d+ lines dropped/ }),
    'log_rate: what goes beyond is left out, and told');

# ---- back to what is usual ----------------------------------------------

is(($p->paas('ps:limits', 'web', (map { "$_=default" } sort keys %usual), '-a', 'probe'))[0], 0, 'all as paas.conf says');
is_deeply($limits->(), \%usual, 'again');
ok(Platform::wait_for(20, sub { run('print `sh -c "ulimit -n"`') eq "200\n" }), 'also inside');
done_testing();
