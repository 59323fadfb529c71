# An app that has many requests at once, in one process: for tests of
# thousands, where PaasTest::Backend with its process a connection is too slow.
#
#   /            "NAME\n"
#   /wait        the same, after up to 20 ms
#   /large       256 KiB
#   /half        a header and a part of the body, the rest after up to 20 ms
#   /never       no answer
package PaasTest::Reactor;

use strict;
use warnings;
use IO::Socket::INET;
use PaasTest ();
use POSIX ();
use Time::HiRes qw(time);

my @all;
my $owner = $$;
END { local $?; if ($$ == $owner) { $_->kill for @all } }

sub new {
    my ($class, $name, %opt) = @_;
    my $self = bless { name => $name, port => $opt{port} || PaasTest::free_port() }, $class;
    push @all, $self;
    return $self->start;
}

sub start {
    my ($self) = @_;
    my $listen = IO::Socket::INET->new(Listen => 1024, LocalAddr => '127.0.0.1', LocalPort => $self->{port},
        ReuseAddr => 1, Blocking => 0) or die "port $self->{port}: $!";
    $self->{pid} = fork // die $!;
    return $self if $self->{pid};
    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = $SIG{INT} = 'DEFAULT';
    $self->loop($listen);
}

sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 9, $pid;
    waitpid $pid, 0;
}

# Each connection: s, in, out, later => [[time, bytes]...]
sub loop {
    my ($self, $listen) = @_;
    my %conn;
    while (1) {
        my ($in, $out, $now, $next) = ('', '', time, 1);
        vec($in, fileno $listen, 1) = 1;
        for my $c (values %conn) {
            my $later = $c->{later};
            while (@$later && $later->[0][0] <= $now) { $c->{out} .= (shift @$later)->[1] }
            $next = $later->[0][0] - $now if @$later && $later->[0][0] - $now < $next;
            vec($in, fileno $c->{s}, 1) = 1;
            vec($out, fileno $c->{s}, 1) = 1 if $c->{out} ne '';
        }
        select($in, $out, undef, $next) > 0 or next;
        for my $fd (keys %conn) {
            my $c = $conn{$fd};
            if (vec($out, $fd, 1)) {
                my $n = syswrite $c->{s}, $c->{out};
                if (!defined $n && !$!{EAGAIN}) { delete $conn{$fd}; next }
                substr($c->{out}, 0, $n // 0, '');
            }
            next if !vec($in, $fd, 1);
            my $n = sysread $c->{s}, $c->{in}, 65536, length $c->{in};
            if (!$n && !(!defined $n && $!{EAGAIN})) { delete $conn{$fd}; next }
            $self->request($c) while $self->whole($c);
        }
        next if !vec($in, fileno $listen, 1);
        while (my $s = $listen->accept) {
            $s->blocking(0);
            $conn{ fileno $s } = { s => $s, in => '', out => '', later => [] };
        }
    }
}

# Takes a request off the input, with its body.
sub whole {
    my ($self, $c) = @_;
    $c->{in} =~ /\A\w+ (\S+).*?\r\n\r\n/s or return;
    my ($path, $head) = ($1, $&);
    my $length = $head =~ /^Content-Length: *(\d+)/mi ? $1 : 0;
    return if length $c->{in} < length($head) + $length;
    substr($c->{in}, 0, length($head) + $length, '');
    $c->{path} = $path;
    return 1;
}

sub request {
    my ($self, $c) = @_;
    my ($path, $soon) = ($c->{path}, time + rand 0.02);
    return if $path =~ m{^/never};
    my $body = $path =~ m{^/large} ? 'x' x (1 << 18) : "$self->{name}\n";
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($body) . "\r\n\r\n";
    if ($path =~ m{^/wait}) { push @{ $c->{later} }, [$soon, "$head$body"] }
    elsif ($path =~ m{^/half}) { $c->{out} .= $head . substr($body, 0, 1); push @{ $c->{later} }, [$soon, substr $body, 1] }
    else { $c->{out} .= "$head$body" }
}

1;
