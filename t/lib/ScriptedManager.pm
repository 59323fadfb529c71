package ScriptedManager;

# A small HTTP server on a unix socket that gives the answers a test wrote
# down, so that the command line is tested against exactly those bytes.
#
#   my $m = ScriptedManager->new($dir, {
#       'GET /apps' => [200, '[]'],
#       'POST /apps/a/builds' => sub { my ($req, $out) = @_; ... },
#   });
#
# '*' answers what is not written down.  A code reference gets the request ({method, path, headers, body, file}) and
# a function that writes raw bytes, and the connection; what it returns is sent
# as an answer unless it is empty.  A body is kept in a file, so that its size does not matter.
# requests() tells what has been asked so far.

use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();

sub new {
    my ($class, $dir, $answers) = @_;
    my $self = bless {
        socket => "$dir/manager.sock",
        log    => "$dir/requests",
        dir    => $dir,
        owner  => $$,
    }, $class;

    unlink $self->{socket};
    open my $log, '>', $self->{log} or die "$self->{log}: $!";
    close $log;
    my $listener = IO::Socket::UNIX->new(
        Local => $self->{socket}, Listen => 64) or die "listen: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        $self->{answers} = $answers;
        $SIG{PIPE} = 'IGNORE';
        $SIG{TERM} = 'DEFAULT';
        # a request that hangs must not hold up the next connection
        $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $conn = $listener->accept or next;
            my $child = fork // die "fork: $!";
            if ($child == 0) {
                close $listener;
                1 while $self->_serve($conn);
                POSIX::_exit(0);
            }
            close $conn;
        }
    }
    close $listener;
    $self->{pid} = $pid;
    return $self;
}

sub socket { return $_[0]{socket} }

sub requests {
    my ($self) = @_;
    open my $log, '<', $self->{log} or die "$self->{log}: $!";
    return map { decode_json($_) } <$log>;
}

sub forget {
    my ($self) = @_;
    truncate $self->{log}, 0;
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local $?;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
}

sub _body {
    my ($self, $conn, $headers, $file) = @_;

    open my $to, '>:raw', $file or die "$file: $!";
    if (($headers->{'transfer-encoding'} // '') eq 'chunked') {
        my $ended = 0;
        while (defined(my $size = <$conn>)) {
            my $left = hex $size =~ s/\s+$//r;
            if ($left == 0) { $ended = 1; last }
            while ($left > 0) {
                my $n = read $conn, my $buf, $left > 65536 ? 65536 : $left;
                return 0 unless $n;
                print $to $buf;
                $left -= $n;
            }
            <$conn>;
        }
        return 0 unless $ended;
        <$conn>;
    }
    elsif (my $left = $headers->{'content-length'}) {
        read($conn, my $buf, $left) == $left or return 0;
        print $to $buf;
    }
    close $to;
    return 1;
}

sub _serve {
    my ($self, $conn) = @_;
    my $first = <$conn> // return 0;
    my ($method, $path) = $first =~ m{^(\S+) (\S+) HTTP/1\.1\r?$} or return 0;
    my %headers;

    while (defined(my $line = <$conn>)) {
        last if $line =~ /^\r?$/;
        $headers{lc $1} = $2 if $line =~ /^([^:]+):\s*(.*?)\r?$/;
    }
    my $file = "$self->{dir}/body.$$";
    my $write = sub { print {$conn} @_; $conn->flush };
    $write->("HTTP/1.1 100 Continue\r\n\r\n")
        if ($headers{expect} // '') =~ /100-continue/i;
    my $whole = $self->_body($conn, \%headers, $file);
    my %req = (method => $method, path => $path, headers => \%headers,
        file => $file, whole => $whole ? 1 : 0);
    if (-s $file < 65536) {
        open my $from, '<:raw', $file or die "$file: $!";
        local $/;
        $req{body} = unpack 'H*', <$from> // '';
    }
    open my $log, '>>', $self->{log} or die "$self->{log}: $!";
    syswrite $log, encode_json(\%req) . "\n";
    close $log;
    return 0 unless $whole;

    my $answer = $self->{answers}{"$method $path"} // $self->{answers}{'*'}
        // [404, '{"id":"not_found","message":"there is nothing at that path"}'];
    $answer = $answer->(\%req, $write, $conn) if ref $answer eq 'CODE';
    return 0 unless $answer;
    my ($status, $body, $type) = @$answer;
    $type //= 'application/json';
    $write->("HTTP/1.1 $status X\r\nContent-Type: $type\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
    return 1;
}

1;
