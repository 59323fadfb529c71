#!/usr/bin/perl
# Runs as root of a machine with cgroup v2 alone and systemd, for cgroup_v2.t:
# paas-launcher under its own unit, with memory, cpu and pids delegated.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(time sleep);

$| = 1;
my ($top, $build) = @ARGV;
my $dir = '/disk';
my ($run, $state) = ('/run/paas-v2', "$dir/state");
my $scope = '/sys/fs/cgroup/paas-instances.scope';

sub slurp { my ($file) = @_; open my $fh, '<', $file or return ''; local $/; return scalar <$fh> // '' }
sub spill { my ($file, $text) = @_; open my $fh, '>', $file or die "$file: $!"; print {$fh} $text; close $fh }
sub wait_for { my ($do) = @_; my $end = time + 60; my $r; until ($r = $do->()) { return if time > $end; sleep 0.05 } return $r }
sub ctl { open my $out, '-|', "$build/t/launchctl", "$run/launcher.sock", @_ or die; local $/; return scalar <$out> // '' }
sub log_of { return slurp("$state/log/0000000000000001/$_[0].log") }
sub exit_of { my ($id) = @_; return wait_for(sub { slurp("$run/exit/$id") =~ /^\S+ (.*) time=\d+$/ ? $1 : undef }) // 'none' }
sub main_pid { return `systemctl show -P MainPID paas-launcher` + 0 }
sub up { return wait_for(sub { -S "$run/launcher.sock" && `$build/t/launchctl $run/launcher.sock list 2> /dev/null` =~ /^ok$/m }) }

system('mount', '/dev/vda', $dir) == 0 or die "no disk\n";
system("cp -r $build/libexec $top/scripts/buildpacks $dir && $top/scripts/lib/users") == 0 or die;
# As lo has no address of its own before somebody brings it up.
system('ip link set lo up');
spill("$dir/paas.conf", "state_dir = $state\nrun_dir = $run\nlibexec_dir = $dir/libexec\nbuildpack_dir = $dir/buildpacks\n");
my $unit = slurp("$top/manager/etc/systemd/paas-launcher.service");
$unit =~ s{\@PREFIX\@/libexec/paas/}{$dir/libexec/}g;
$unit =~ s{\@CONF\@}{$dir/paas.conf}g;
spill('/etc/systemd/system/paas-launcher.service', $unit =~ s/^\[Unit\]\n/[Unit]\nDefaultDependencies=no\n/r);
is(system('systemctl daemon-reload && systemctl start paas-launcher'), 0, 'the unit starts')
    or diag `systemctl status --no-pager paas-launcher; journalctl -n 30 --no-pager`;
ok(up(), 'and answers');
like(slurp('/proc/1/comm'), qr/^systemd$/, 'systemd is there');
for my $controller (qw(memory cpu pids)) {
    like(slurp("$scope/inst/cgroup.controllers"), qr/\b$controller\b/, "$controller is delegated to the scope of the instances");
    like(slurp("$scope/inst/cgroup.subtree_control"), qr/\b$controller\b/, 'and passed on');
}
ok(!-d '/sys/fs/cgroup/memory', 'there is no hierarchy of v1');

my $hash = sha256_hex('v2');
make_path("$state/slugs/$hash");
system('chown', '-R', 'paas-slug:paas-slug', "$state/slugs/$hash");
my $last = 0;
sub instance {
    my ($keys, @argv) = @_;
    my $id = sprintf '%016x', ++$last;
    my $reply = ctl('start', "id=$id", "slug=$hash", 'cwd=/app', 'env=PATH=/usr/bin:/bin', 'slot=' . ($last + 1), @$keys, '--', @argv);
    like($reply, qr/^ok/, "instance $id starts: @$keys");
    return ($id, $reply =~ /pid=(\d+)/);
}
sub gone { my ($id) = @_; ctl('kill', $id); ok(wait_for(sub { ctl('clean', $id) =~ /^ok/ }), "$id is cleaned"); ok(!-e "$scope/inst/$id", 'with its cgroup') }

# ---- limits, as they are written and as they are run into ---------------

my ($id, $shim) = instance(['memory=67108864', 'swap=0', 'pids=16', 'cpu=20', 'weight=50'], 'perl', '-e',
    '$| = 1; my @c; for (1 .. 40) { my $c = fork; last if !defined $c; if (!$c) { sleep 600; exit } push @c, $c }
     print scalar(@c), " processes: $!\n"; 1 while 1');
my %is = ('memory.max' => 67108864, 'memory.swap.max' => 0, 'pids.max' => 16, 'cpu.max' => '20000 100000', 'cpu.weight' => 50);
for my $file (sort keys %is) {
    my $text = slurp("$scope/inst/$id/$file");
    chomp $text;
    next if $file eq 'memory.swap.max' && $text eq '' && pass('swap is not accounted for by this kernel');
    is($text, $is{$file}, "$file is $is{$file}");
}
like(slurp("/proc/$shim/cgroup"), qr{^0::/paas-instances\.scope/shims$}m, 'its shim is beside');
ok(wait_for(sub { log_of($id) =~ /o (?:\d|1[0-5]) processes: Resource temporarily unavailable/ }), 'pids: no more than 16');
ok(wait_for(sub { slurp("$scope/inst/$id/cpu.stat") =~ /^nr_throttled [1-9]\d/m }), 'cpu: held back');
my ($used, $from) = (slurp("$scope/inst/$id/cpu.stat") =~ /^usage_usec (\d+)/m, time);
sleep 3;
my $share = ((slurp("$scope/inst/$id/cpu.stat") =~ /^usage_usec (\d+)/m)[0] - $used) / 1e6 / (time - $from);
cmp_ok($share, '<', 0.26, sprintf 'to %.0f %% of one', 100 * $share);
my ($hog) = instance(['memory=33554432'], 'perl', '-e', 'my $x = "x" x (200 << 20)');
like(exit_of($hog), qr/status=9 oom=1/, 'memory: out of it is recorded');
like(slurp("$scope/inst/$hog/memory.events"), qr/^oom_kill [1-9]/m, 'as the kernel counts it');
gone($hog);
my ($parent) = instance(['memory=33554432'], 'perl', '-e',
    '$| = 1; if (!fork) { my @x; push @x, "x" x (1 << 20) for 1 .. 200; exit } wait; print "child $?\n"; sleep 600');
ok(wait_for(sub { log_of($parent) =~ / o child 9$/m && log_of($parent) =~ / p out of memory: 1 process of this instance was ended$/m }),
    'of a child of the app, its log tells') or diag log_of($parent);
gone($parent);

# ---- the launcher under its unit ----------------------------------------

my @members = sort split /\n/, slurp("$scope/inst/$id/cgroup.procs");
my $pid = main_pid();
is(system('systemctl restart paas-launcher'), 0, 'its unit is restarted, with an instance there');
ok(up(), 'and answers again');
isnt(main_pid(), $pid, 'as another process');
like(ctl('list'), qr/^record id=$id .* state=2 pid=$shim$/m, 'the instance is adopted');
is_deeply([sort split /\n/, slurp("$scope/inst/$id/cgroup.procs")], \@members, 'each of its processes is the same');
for my $time (1 .. 3) {
    my $before = main_pid();
    mkdir "$scope/inst/dddddddddddddddd";
    kill 'KILL', $before;
    ok(wait_for(sub { my $now = main_pid(); $now && $now != $before }) && up(), "killed, it comes back ($time)");
    like(ctl('list'), qr/^record id=$id .* state=2 pid=$shim$/m, 'and adopts');
    ok(!-d "$scope/inst/dddddddddddddddd", 'what has no record is removed');
}
is_deeply([sort split /\n/, slurp("$scope/inst/$id/cgroup.procs")], \@members, 'none of its processes has changed');
is(system('systemctl stop paas-launcher'), 0, 'its unit is stopped');
is_deeply([sort split /\n/, slurp("$scope/inst/$id/cgroup.procs")], \@members, 'the instance goes on');
is(system('systemctl start paas-launcher'), 0, 'and started');
ok(up(), 'it answers');

# ---- an end -------------------------------------------------------------

like(ctl('kill', $id), qr/^ok/, 'kill');
like(exit_of($id), qr/^how=killed status=9/, 'ends it');
is(slurp("$scope/inst/$id/cgroup.procs"), '', 'with all of its processes, at once');
gone($id);
($id) = instance([], 'sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done');
ok(wait_for(sub { log_of($id) =~ /up/ }), 'one that handles a signal');
ctl('signal', $id, 15);
is(exit_of($id), 'how=exited status=7 oom=0 dropped=0', 'gets it');
gone($id);
is(system('systemctl stop paas-launcher'), 0, 'stopped');
is(system("$dir/libexec/paas-launcher --conf $dir/paas.conf --purge"), 0, 'purged');
ok(!-d "$scope/inst", 'nothing is left');
done_testing();
