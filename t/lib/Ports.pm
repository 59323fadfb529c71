package Ports;

# Ports that nobody else has: files that run at the same time each claim
# blocks of their own, below those that the kernel gives to clients.  What
# marks a block is a socket in the abstract namespace: it ends with the test.

use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

my ($first, $size, $blocks) = (10_240, 64, 350);
my ($next, $end, @claims) = (0, 0);

sub claim {
    for my $try (0 .. $blocks - 1) {
        my $block = ($$ + $try) % $blocks;
        my $mark = IO::Socket::UNIX->new(Listen => 1, Local => "\0paas-test-ports-$block") or next;
        push @claims, $mark;
        $next = $first + $block * $size;
        $end = $next + $size;
        return;
    }
    die "no block of ports is free\n";
}

# One that nothing listens on; it is not given out again.
sub free_port {
    while (1) {
        claim() if $next == $end;
        my $port = $next++;
        return $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0', LocalPort => $port, ReuseAddr => 1);
    }
}

1;
