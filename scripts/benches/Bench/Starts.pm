# How long an instance takes to start, with a network namespace, the filter of
# system calls and all, and what it costs beside the app itself.
package Bench::Starts;

use strict;
use warnings;
use Bench::Measure;
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Platform;
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my $top = $Platform::top;
my $build = $ENV{PAAS_BUILD} // "$top/build";
my ($dir, $launcher, $slug, $last) = ('', 0, '', 0);

sub ctl { open my $out, '-|', "$build/t/launchctl", "$dir/run/launcher.sock", @_ or die "launchctl: $!\n"; local $/; return scalar <$out> // '' }
sub slurp { my ($file) = @_; open my $fh, '<', $file or return ''; local $/; return scalar <$fh> // '' }

# A launcher of our own, with one slug: the program that says when it began.
sub begin {
    my $n = $$ % 200;
    $dir = tempdir('paas-starts-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $dir;
    system("cp -r $build/libexec $top/scripts/buildpacks $dir && $top/scripts/lib/users") == 0 or die "no room\n";
    open my $conf, '>', "$dir/paas.conf" or die "$dir: $!\n";
    print {$conf} "state_dir = $dir/state\nrun_dir = $dir/run\nlibexec_dir = $dir/libexec\nbuildpack_dir = $dir/buildpacks\n"
        . "cgroup = paas-bench$n.scope\nnft_table = paas_bench$n\nif_prefix = be$n\nsubnet = 198.19.$n.0/24\n"
        . 'uid_base = ' . (1_970_000_000 + $n * 1000) . "\n";
    close $conf;
    $launcher = fork // die "fork: $!\n";
    if (!$launcher) {
        open STDERR, '>', "$dir/launcher.log";
        exec "$build/libexec/paas-launcher", '--conf', "$dir/paas.conf" or POSIX::_exit(127);
    }
    Platform::wait_for(10, sub { -S "$dir/run/launcher.sock" && ctl('list') =~ /^ok/m }) or die slurp("$dir/launcher.log");
    $slug = sha256_hex('first');
    make_path("$dir/state/slugs/$slug");
    system("cp $build/bench/first_instruction $dir/state/slugs/$slug/first && chown -R paas-slug:paas-slug $dir/state/slugs/$slug") == 0
        or die "no slug\n";
}

sub end {
    return if !$launcher;
    kill 'TERM', $launcher;
    waitpid $launcher, 0;
    $launcher = 0;
    system("$build/libexec/paas-launcher --conf $dir/paas.conf --purge 2> /dev/null");
}

END { my $status = $?; end(); $? = $status }

# One start: (id, pid of its shim, ms until it began)
sub start {
    my ($slot) = @_;
    my $id = sprintf '%016x', ++$last;
    my ($shim, $sent) = ctl('start', "id=$id", "slug=$slug", "slot=$slot", 'cwd=/app', '--', './first') =~ /^ok .*pid=(\d+) sent=(\d+)/
        or die "instance $id does not start: ", slurp("$dir/launcher.log");
    my $log = "$dir/state/log/0000000000000001/$id.log";
    my $began = Platform::wait_for(10, sub { slurp($log) =~ /began (\d+)/ ? $1 : 0 }) or die "instance $id says nothing\n";
    return ($id, $shim, ($began - $sent) / 1e6);
}

sub stop {
    my ($id) = @_;
    ctl('kill', $id);
    Platform::wait_for(10, sub { ctl('clean', $id) =~ /^ok/ }) or die "instance $id is not cleaned\n";
}

# KiB that are this process's alone.
sub private { my ($pid) = @_; my $n = 0; $n += $_ for slurp("/proc/$pid/smaps_rollup") =~ /^Private_\w+:\s+(\d+) kB/mg; return $n }

sub available { return slurp('/proc/meminfo') =~ /^MemAvailable:\s+(\d+)/m ? $1 : 0 }

# Of n instances beside each other, KiB each: of the three processes, of the
# kernel as accounted to its cgroup, and what the whole machine has less: of
# use only where nobody else is at work.
sub overhead {
    my ($n) = @_;
    sleep 1;
    my $before = available();
    my @all = map { [start($_ + 1)] } 1 .. $n;
    sleep 1;
    my $less = ($before - available()) / $n;
    my ($scope) = slurp("$dir/paas.conf") =~ /^cgroup = (\S+)/m;
    my (@own, @kernel);
    for (@all) {
        my ($id, $shim) = @$_;
        my ($tracked) = grep { -e } map { "/sys/fs/cgroup$_/$scope/inst/$id/cgroup.procs" } '/unified', '';
        my @beside = grep { slurp("/proc/$_/comm") !~ /^first/ } split /\n/, slurp($tracked);
        my $sum = 0;
        $sum += private($_) for $shim, @beside;
        push @own, $sum;
        my ($kmem) = map { /^kernel (\d+)/m ? $1 : /^(\d+)$/ ? $1 : () } slurp("/sys/fs/cgroup/$scope/inst/$id/memory.stat"),
            slurp("/sys/fs/cgroup/memory/$scope/inst/$id/memory.kmem.usage_in_bytes");
        push @kernel, ($kmem // 0) / 1024;
    }
    stop($_->[0]) for @all;
    return (median(@own), median(@kernel), $less);
}

# The same through a whole platform, from the moment at which somebody asks for
# one: check, commits, placer and agent included.  ms each
sub asked {
    my ($n) = @_;
    my $p = Platform->new(suffix => 's');
    my $app = tempdir('paas-first-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    system("cp $build/bench/first_instruction $app/first && echo 'worker: exec ./first' > $app/Procfile") == 0 or die "no app\n";
    my ($rc, $out) = $p->paas('push', $app, '-a', 'first', '--create');
    die $out if $rc;
    my @took;
    for (1 .. $n) {
        my $sent = clock_gettime(CLOCK_MONOTONIC);
        my $r = $p->api('PATCH', '/apps/first/formation/worker', { quantity => 1 });
        $r->{status} == 200 or die "scale: $r->{status}\n";
        my $began = Platform::wait_for(10, sub {
            my ($last) = sort { $b <=> $a } map { slurp($_) =~ /began (\d+)/ ? $1 / 1e9 : 0 } glob "$p->{state}/log/*/*.log";
            return $last && $last > $sent ? $last : 0;
        }) or die "it says nothing\n";
        push @took, ($began - $sent) * 1000;
        $p->api('PATCH', '/apps/first/formation/worker', { quantity => 0 });
        Platform::wait_for(60, sub { !$p->dynos('first') }) or die "it does not end\n";
    }
    $p->down;
    return @took;
}

sub run {
    my ($report, %opt) = @_;
    begin();
    $report->section('An instance');
    my @took = map { my ($id, undef, $ms) = start(2 + $_ % 200); stop($id); $ms } 1 .. $opt{starts} // 60;
    $report->row("from launcher's request to first instruction, p50", sprintf('%.1f ms', median(@took)), note => 'with network namespace and seccomp');
    $report->row('p99', sprintf '%.1f ms', quantile(0.99, @took));
    my @whole = asked($opt{starts} // 60);
    $report->row('from ps:scale to first instruction, p50', sprintf('%.1f ms', median(@whole)), is => median(@whole), bar => 30,
        note => 'and API, placer and agent');
    $report->row('p99', sprintf '%.1f ms', quantile(0.99, @whole));
    my ($own, $kernel, $less) = overhead($opt{instances} // 100);
    $report->row('shim, bwrap and paas-init, private', sprintf '%.0f KiB', $own);
    $report->row("the kernel's, of its cgroup", sprintf '%.0f KiB', $kernel);
    # Others come and go on the machine: no less than what is seen for sure.
    my $all = $less > $own + $kernel ? $less : $own + $kernel;
    $report->row('memory that the machine has less for each', sprintf('%.0f KiB', $less), is => $all / 1024, bar => 2.5,
        note => 'in MiB; with a tiny app');
    end();
}

1;
