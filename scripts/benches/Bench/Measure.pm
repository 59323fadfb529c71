# How things are measured: instructions, CPU time and latency a request, times
# of a start and of a reload.
package Bench::Measure;

use strict;
use warnings;
use Bench::Server;
use Exporter 'import';
use Platform;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(median quantile instructions load start_time reload_time lua_script run_lines);

sub quantile {
    my ($q, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    my $n = int($q * @sorted);
    return $sorted[$n > $#sorted ? $#sorted : $n];
}

sub median { return quantile(0.5, @_) }

# ---- instructions -------------------------------------------------------------

# n requests on one connection, one after the other.
sub requests {
    my ($server, $n, $host) = @_;
    my $s = $server->connect or die "$server->{name}: $!";
    for my $i (1 .. $n) {
        syswrite $s, 'GET / HTTP/1.1' . "\r\nHost: " . $host->() . "\r\n\r\n";
        my $got = '';
        sysread($s, $got, 4096, length $got) or die "$server->{name}: connection lost" until $got =~ /hello$/;
        die $got if $got !~ m{^HTTP/1\.1 200};
    }
}

# Of a worker that served n requests and left.
sub total {
    my ($server, $n, $host) = @_;
    my $file = "$Bench::Server::dir/callgrind";
    srand 1;
    $server->start(under => ['valgrind', '--tool=callgrind', "--callgrind-out-file=$file", '-q']);
    requests($server, $n, $host);
    $server->stop('QUIT');
    open my $fh, '<', $file or die "$file: $!";
    while (my $line = <$fh>) { return $1 if $line =~ /^(?:summary|totals): (\d+)/ }
    die "$server->{name}: callgrind gives no total";
}

# A request's, from the difference of two runs: what a start costs, and the
# first look at everything, is in both.
sub instructions {
    my ($server, $few, $many, $host) = @_;
    return (total($server, $many, $host) - total($server, $few, $host)) / ($many - $few);
}

# ---- CPU time and latency -------------------------------------------------------

# A script for wrk that asks for the host that an expression in Lua gives.
sub lua_script {
    my ($name, $host) = @_;
    my $file = "$Bench::Server::dir/$name.lua";
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} <<EOT;
init = function() math.randomseed(os.time() + tonumber(tostring({}):sub(-5), 16)) end
request = function() return wrk.format('GET', '/', {Host = $host}) end
EOT
    close $fh;
    return $file;
}

my %unit = (us => 1, ms => 1e3, s => 1e6);

# A short run of wrk: microseconds of CPU a request, and of the latency of
# half of them and of all but a hundredth.
sub load {
    my ($server, $script, $seconds) = @_;
    my $before = $server->cpu;
    my ($rc, $text) = Platform::run(Bench::Server::core(1), 'wrk', '-t1', '-c32', "-d${seconds}s", '--latency',
        '-s', $script, "http://127.0.0.1:$server->{port}/");
    my $cpu = $server->cpu - $before;
    my ($n) = $text =~ /(\d+) requests in/ or die "$server->{name}: $text";
    die "$server->{name}: $text" if $text =~ /Non-2xx|Socket errors/;
    my %got = (cpu => $cpu / $n, n => $n);
    for my $p (50, 99) {
        $got{"p$p"} = $1 * $unit{$2} if $text =~ /^\s+$p%\s+([\d.]+)(us|ms|s)$/m;
    }
    return \%got;
}

# ---- starts and reloads -----------------------------------------------------------

# The pid of the worker that answers, or nothing.
sub which {
    my ($server) = @_;
    my $s = $server->connect or return;
    print {$s} "GET /which HTTP/1.0\r\nHost: host1.example.com\r\n\r\n";
    local $/;
    my ($pid) = (<$s> // '') =~ /^X-Pid: (\d+)/m;
    return $pid;
}

# Milliseconds from the start of the program to its first answer.
sub start_time {
    my ($server) = @_;
    my $from = time;
    $server->start(quick => 1);
    until (which($server)) {
        die "$server->{name} does not start" if time - $from > 30;
        sleep 0.0002;
    }
    return (time - $from) * 1e3;
}

# Milliseconds from the signal to the first answer of a new worker; waits for
# the old one to end.
sub reload_time {
    my ($server) = @_;
    my ($old) = $server->pids;
    my $from = time;
    kill 'HUP', $server->{pid};
    my $new = $old;
    while ($new == $old) {
        die "$server->{name} does not reload" if time - $from > 30;
        sleep 0.0002;
        $new = which($server) // $old;
    }
    my $took = (time - $from) * 1e3;
    Platform::wait_for(30, sub { !kill 0, $old });
    return $took;
}

# The numbers that a program prints, a list for each line.
sub run_lines {
    my ($rc, $text) = Platform::run(@_);
    die "$_[0]: $text" if $rc;
    return map { [split] } grep { /^[\d. ]+$/ } split /\n/, $text;
}

1;
