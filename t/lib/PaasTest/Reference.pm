# What the manual says of hosts, wildcards and paths, in the plainest words
# that a program can have: no cache, no search, nothing shared with the module.
package PaasTest::Reference;

use strict;
use warnings;

# The eight groups of an IPv6 address, or nothing.
sub groups {
    my ($text) = @_;
    if ($text =~ s/:(\d+)\.(\d+)\.(\d+)\.(\d+)\z//) {
        my @octet = ($1, $2, $3, $4);
        return if grep { $_ > 255 || /^0\d/ } @octet;
        $text .= sprintf ':%x:%x', $octet[0] * 256 + $octet[1], $octet[2] * 256 + $octet[3];
    }
    return if $text =~ /::.*::|:::/ || $text !~ /\A[0-9a-f:]+\z/i;
    my ($left, $right) = split /::/, "$text ", 2;
    s/ //g for grep { defined } $left, $right;
    my @left = split /:/, $left, -1;
    my @right = defined $right ? split /:/, $right, -1 : ();
    return if grep { !/\A[0-9a-f]{1,4}\z/i } @left, @right;
    my $missing = 8 - @left - @right;
    return if defined $right ? $missing < 1 : $missing != 0;
    return map { hex } @left, (0) x $missing, @right;
}

# As RFC 5952 writes it: the longest run of zeros is left out, the first of
# several, and an IPv4 address in it is written as one.
sub ipv6 {
    my ($text) = @_;
    my @group = groups($text) or return;
    if ("@group[0 .. 5]" eq '0 0 0 0 0 65535') {
        return sprintf '::ffff:%d.%d.%d.%d', map { $_ >> 8, $_ & 255 } @group[6, 7];
    }
    my @hex = map { sprintf '%x', $_ } @group;
    for my $n (reverse 2 .. 8) {
        for my $at (0 .. 8 - $n) {
            next if grep { $_ } @group[$at .. $at + $n - 1];
            return join(':', @hex[0 .. $at - 1]) . '::' . join(':', @hex[$at + $n .. 7]);
        }
    }
    return join ':', @hex;
}

# The one form of a host, or nothing if it is none.
sub canonical {
    my ($text) = @_;
    return if $text !~ /\A(\[.*?\]|[^:]*)(?::([0-9]*))?\z/s;
    my ($name, $port) = ($1, $2);
    return if ($port // '') ne '' && $port > 65535;
    if ($name =~ /\A\[(.*)\]\z/s) {
        my $address = ipv6($1);
        return defined $address ? "[$address]" : undef;
    }
    $name =~ s/\.\z//;
    $name =~ tr/A-Z/a-z/;
    return if $name eq '' || length $name > 253;
    my @label = split /\./, $name, -1;
    return if grep { !/\A[a-z0-9_-]{1,63}\z/ } @label;
    return $name if $label[-1] !~ /\A[0-9]+\z/;
    return if @label != 4 || grep { !/\A(?:0|[1-9][0-9]{0,2})\z/ || $_ > 255 } @label;
    return $name;
}

# The pool that a host and path lead to, or nothing.  routes: canonical host or
# ".suffix" => { prefix => pool }, "*" for what no other one covers; patterns:
# [expression, the same] in their order, each for the whole host.
sub match {
    my ($routes, $patterns, $host, $path) = @_;
    my $paths = $routes->{$host};
    for (my $rest = $host; !$paths && $rest =~ s/\A[^.]+//; $rest =~ s/\A\.//) {
        $paths = $routes->{$rest};
    }
    for my $pattern (@$patterns) {
        my ($expression, $its) = @$pattern;
        $paths ||= $its if $host =~ /\A(?:$expression)\z/;
    }
    $paths ||= $routes->{'*'};
    my $best;
    for my $prefix (keys %{ $paths // {} }) {
        my $plain = $prefix =~ s{/\z}{}r;
        next if $path ne $plain && index($path, "$plain/") != 0;
        $best = $prefix if !defined $best || length $prefix > length $best;
    }
    return defined $best ? $paths->{$best} : undef;
}

1;
