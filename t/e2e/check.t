#!/usr/bin/perl
# paas-manager --check: nothing to say of a platform that is as it should be,
# with the manager running and dead; what differs it names, and changes
# nothing.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;

my $p = Platform->new;
my $app = 'seen';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/static", '-a', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
$p->paas('ps:scale', 'web=2', '-a', $app);
ok($p->wait_up($app, 2), 'two are up');
is(($p->paas('domains:add', $_, '-a', $app))[0], 0, "the domain $_") for 'www.example.com', '*.example.org';

sub check { return Platform::run("$p->{prefix}/libexec/paas/paas-manager", '--conf', $p->{conf}, '--check') }

sub fine {
    my ($what) = @_;
    my ($status, $said) = check();
    is($status, 0, "$what: nothing differs") or diag $said;
    like($said, qr/web\.1 of $app\s+should run v\d+, is ready.*web\.2 of $app.*^all is as it should be$/ms, "$what: it tells what is")
        or diag $said;
    return $said;
}

sub differs {
    my ($what, @patterns) = @_;
    my ($status, $said) = check();
    is($status, 1, "$what: exit status 1") or diag $said;
    like($said, $_, "$what: it is named") for @patterns;
}

like(fine('running'), qr/^manager    at work\nlauncher   at work$/m, 'both are at work');

# Without a manager nothing mends anything: what is made to differ stays so.
Platform::run('sv', 'down', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 0 }), 'the manager is down');
my @files = ("$p->{state}/store/data.mdb", glob("$p->{run}/inst/*"), "$p->{state}/routes/data.mdb");
my $before = join "\n", map { join ' ', $_, (stat $_)[1, 4, 5, 7, 9, 10] } @files;
like(fine('dead'), qr/^manager    not there$/m, 'and that is told');
is(join("\n", map { join ' ', $_, (stat $_)[1, 4, 5, 7, 9, 10] } @files), $before, 'no file was changed');

my ($record) = glob "$p->{run}/inst/*";
my $text = do { open my $fh, '<', $record or die; local $/; <$fh> };
my ($pid) = $text =~ / pid=(\d+)/;
my ($id) = $record =~ m{([0-9a-f]{16})$};
kill 'KILL', $pid;
Platform::wait_for(10, sub { !-e "/proc/$pid" });
differs('a process was killed', qr/off: web\.\d of $app: instance $id should run; its process $pid has ended/);

my ($conf) = do { open my $fh, '<', $p->{conf} or die; local $/; <$fh> };
my ($cgroup) = $conf =~ /^cgroup = (\S+)/m;
my ($base) = $conf =~ /^uid_base = (\d+)/m;
my ($root) = grep { -d } map { "$_/$cgroup" } '/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory';
mkdir "$root/inst/00000000000000ff" or die "$root: $!";
open my $fh, '>', "$p->{run}/inst/00000000000000fe" or die;
print {$fh} $text =~ s/id=\w+/id=00000000000000fe/r =~ s{inst/\w+\n}{inst/00000000000000fe\n}r =~ s/slot=\d+/slot=4000/r;
close $fh;
my $stray = fork // die;
if (!$stray) { $) = $( = $base + 4001; $> = $< = $base + 4001; exec 'sleep', 60 or POSIX::_exit(1) }
mkdir "$p->{state}/builds/0000000000000abc" or die;
Platform::run("$p->{prefix}/bin/paas-routedb", 'dump', "$p->{state}/routes");
differs('leftovers and strangers', qr{off: the cgroup inst/00000000000000ff has no record},
    qr/off: instance 00000000000000fe \(process \d+, slot 4000\) belongs to nothing/,
    qr/off: process $stray \(uid @{[$base + 4001]}\) is of no instance/,
    qr{off: builds/0000000000000abc is of no build under way});
kill 'KILL', $stray;
waitpid $stray, 0;
rmdir "$root/inst/00000000000000ff";
unlink "$p->{run}/inst/00000000000000fe";
rmdir "$p->{state}/builds/0000000000000abc";

# The manager is back, and so is what was killed.
Platform::run('sv', 'up', "$p->{run}/sv/manager");
ok($p->wait_up($app, 2), 'two are up again');
fine('mended');

($rc, $out) = Platform::run("$p->{prefix}/libexec/paas/paas-manager", '--conf', $p->{conf}, '--check', 'more');
is($rc, 2, 'an argument too many: usage');

done_testing();
