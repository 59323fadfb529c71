# From a commit until it is obeyed, measured by the program route_change, which
# commits itself: a route that changes, and requests that wait for an instance.
package Bench::Changes;

use strict;
use warnings;
use Bench::Measure;
use Bench::Rivals;

my ($host, $held) = ('change.example.net', 'held.example.net');
my ($one, $other, $waits) = (20_000_001, 20_000_002, 20_000_003);    # pools

# What the database has to have beside its million routes.
sub routes {
    my ($port) = @_;
    return join('', map { "pool $_ app=change$_ type=web\ninstance $_ $_ 127.0.0.1:$port\n" } $one, $other)
        . "host $host pool=$one\npool $waits app=held type=web state=starting hold=20000 home=$held\nhost $held pool=$waits\n";
}

sub paas {
    my ($routes) = @_;
    return Bench::Rivals::paas(routes => $routes, workers => 2, name => 'change',
        location => 'add_header X-Pid $pid; add_header X-Pool $paas_pool;')->start;
}

sub row {
    my ($report, $what, $bar, @us) = @_;
    $report->row("$what, median", sprintf '%.3f ms', median(@us) / 1e3);
    my $p99 = quantile(0.99, @us) / 1e3;
    $report->row("$what, p99", sprintf('%.3f ms', $p99), defined $bar ? (is => $p99, bar => $bar) : (),
        note => scalar @us . ' times, longest ' . sprintf '%.2f ms', quantile(1, @us) / 1e3);
}

sub change {
    my ($report, $routes, $rounds) = @_;
    my $paas = paas($routes);
    my @us = run_lines("$ENV{PAAS_BUILD}/bench/route_change", 'change', $routes, $paas->{port}, $host, 2, $rounds,
        $one, $other);
    $paas->stop;
    $report->section('from a commit to the route database on');
    row($report, 'obeyed by both workers', 0.5, map { $_->[0] } @us);
    row($report, 'both have answered', undef, map { $_->[1] } @us);
}

sub hold {
    my ($report, $routes, $rounds) = @_;
    my $paas = paas($routes);
    my $instance = 30_000_000 + $$ * 10_000;
    $report->section('from the commit of an instance on');
    for my $n (1, 16) {
        my @us = run_lines("$ENV{PAAS_BUILD}/bench/route_change", 'hold', $routes, $paas->{port}, $held, $n,
            $rounds / 5, $waits, $instance);
        row($report, "$n waiting, at the instance", 2, map { $_->[0] } @us);
        row($report, "$n waiting, answered", undef, map { $_->[1] } @us);
        $instance += 5000;
    }
    $paas->stop;
}

1;
