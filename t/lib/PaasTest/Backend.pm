# An app as the router sees it: a process that listens, and a child for each
# connection.  What it does depends on the path:
#
#   /            "NAME\n"
#   /slow        answers once release() was called
#   /close       reads the request, and closes
#   /half        half of a response, then closes
#   /stream      a header and a first part; the rest after release()
#   /garbage     a header that is none
#   /raw/HOW     bytes in front of which nobody asked for
#   /length      how long the request's body was
#   /count       the same of any size; counted() says how far it is
#   /404         a page with that status
#   /unbuffered  as /stream, with X-Accel-Buffering: no
#   /headers     the request's header as it came
#   /offer       would rather speak another protocol
#   /who         "NAME PID", of the child that has this connection
#   /late        the same, and a bit later what belongs to no request
#   /early       the same, without a look at the request's body
#   /ws          switches protocols and echoes lines
#   /events      a server-sent event; the second one after release()
#
# new(NAME, port => N, keep => 0, delay => SECONDS before each answer,
#   does => PATH in place of all paths)
package PaasTest::Backend;

use strict;
use warnings;
use IO::Socket::INET;
use PaasTest ();
use POSIX ();
use Time::HiRes qw(sleep);

my @all;
my $owner = $$;
END { local $?; if ($$ == $owner) { $_->kill for @all } }

sub new {
    my ($class, $name, %opt) = @_;
    my $self = bless { name => $name, port => $opt{port} || PaasTest::free_port(),
        base => "$PaasTest::dir/$name", keep => $opt{keep} // 1,
        delay => $opt{delay}, does => $opt{does} }, $class;
    push @all, $self;
    return $self->start;
}

sub start {
    my ($self) = @_;
    my $listen = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, ReuseAddr => 1) or die "port $self->{port}: $!";
    $self->{pid} = fork // die $!;
    if (!$self->{pid}) {
        setpgrp;
        $SIG{CHLD} = 'IGNORE';
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        while (1) {
            my $s = $listen->accept or next;
            my $child = fork // next;
            next if $child;
            close $listen;
            $self->serve($s);
            POSIX::_exit(0);
        }
    }
    return $self;
}

# kill -9, with all connections.
sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill -9, $pid;
    kill 9, $pid;
    waitpid $pid, 0;
}

sub release { my ($self) = @_; open my $fh, '>', "$self->{base}.go" or die $! }
sub hold    { my ($self) = @_; unlink "$self->{base}.go" }

# Children, that is, open connections.
sub children {
    my ($self) = @_;
    return grep { $_ } split ' ', `ps -o pid= --ppid $self->{pid}`;
}

# Lines "METHOD PATH" of the requests that were read in full.
sub seen {
    my ($self) = @_;
    open my $fh, '<', "$self->{base}.log" or return;
    chomp(my @lines = <$fh>);
    return @lines;
}

sub serve {
    my ($self, $s) = @_;
    $s->autoflush(1);
    while (1) {
        my $head = '';
        while ($head !~ /\r\n\r\n/) { sysread($s, $head, 65536, length $head) or return }
        $head =~ s/\r\n\r\n(.*)\z//s;
        my $body = $1;
        my ($method, $path) = $head =~ m{^(\w+) (\S+)};
        my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
        $length = 0 if $path =~ m{^/early};
        if ($path =~ m{^/count}) { $self->count($s, $length // 0, length $body); return }
        while (length $body < ($length // 0)) { sysread($s, $body, 65536, length $body) or return }
        open my $log, '>>', "$self->{base}.log" or die $!;
        syswrite $log, "$method $path\n";
        close $log;
        $self->reply($s, $path, $head, $body) or return;
    }
}

# Reads a body without keeping it, and says how far it is.
sub count {
    my ($self, $s, $length, $got) = @_;
    my $next = 0;
    while (1) {
        if ($got >= $next || $got == $length) {
            open my $fh, '>', "$self->{base}.got" or die $!;
            syswrite $fh, $got;
            $next = $got + (1 << 24);
        }
        last if $got >= $length;
        $got += sysread($s, my $bytes, 1 << 20) || return;
    }
    $self->text($s, "$got\n");
}

sub counted {
    my ($self) = @_;
    open my $fh, '<', "$self->{base}.got" or return 0;
    return <$fh> // 0;
}

sub text {
    my ($self, $s, $text, @headers) = @_;
    push @headers, 'Connection: close' if !$self->{keep};
    print {$s} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ", length $text,
        "\r\n", (map { "$_\r\n" } @headers), "\r\n$text";
    return $self->{keep};
}

sub wait_release {
    my ($self) = @_;
    sleep 0.01 until -e "$self->{base}.go";
}

sub reply {
    my ($self, $s, $path, $head, $body) = @_;
    my $name = $self->{name};
    sleep $self->{delay} if $self->{delay};
    $path = $self->{does} if $self->{does};
    if ($path =~ m{^/close}) { return }
    if ($path =~ m{^/garbage}) { print {$s} "HTTP/1.1 200 OK\r\n\0: x\r\n\r\n"; return }
    if ($path =~ m{^/raw/(\w+)}) {
        my %raw = (nine => '', switch => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            . "Connection: Upgrade\r\n\r\n", continue => "HTTP/1.1 100 Continue\r\n\r\n",
            hints => "HTTP/1.1 103 Early Hints\r\n\r\n", zero => "HTTP/1.1 000 x\r\n\r\n");
        print {$s} "$raw{$1}FTTP/1.1 200 OK\r\nX-Paas-App: forged\r\nContent-Length: 6\r\n\r\npoison";
        return;
    }
    if ($path =~ m{^/half}) { print {$s} "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"; return }
    if ($path =~ m{^/length}) { return $self->text($s, length($body) . "\n") }
    if ($path =~ m{^/headers}) { return $self->text($s, "$head\n") }
    if ($path =~ m{^/offer}) { return $self->text($s, "$name\n", 'Upgrade: h2,h2c', 'X-Paas-App: forged') }
    if ($path =~ m{^/(?:who|early)}) { return $self->text($s, "$name $$\n") }
    if ($path =~ m{^/late}) {
        $self->text($s, "$name $$\n");
        sleep 0.1;
        print {$s} "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
        return 1;
    }
    if ($path =~ m{^/slow}) { $self->wait_release; return $self->text($s, "$name\n") }
    if ($path =~ m{^/404}) {
        print {$s} "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n";
        return 1;
    }
    if ($path =~ m{^/unbuffered}) {
        print {$s} "HTTP/1.1 200 OK\r\nX-Accel-Buffering: no\r\nContent-Length: 8\r\n\r\nhalf";
        $self->wait_release;
        print {$s} 'done';
        return 1;
    }
    if ($path =~ m{^/ssi}) {
        my $include = '<!--# include virtual="/slow?1" --><!--# include virtual="/slow?2" -->';
        return $self->text($s, "first $include last", 'X-Type: html');
    }
    if ($path =~ m{^/stream}) {
        print {$s} "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf";
        $self->wait_release;
        print {$s} 'done';
        return 1;
    }
    if ($path =~ m{^/events}) {
        print {$s} "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n\n";
        $self->wait_release;
        print {$s} "data: 2\n\n";
        return;
    }
    if ($path =~ m{^/ws}) {
        print {$s} "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        my $bytes;
        while (sysread $s, $bytes, 4096) { syswrite $s, "$name: $bytes" }
        return;
    }
    return $self->text($s, "$name\n");
}

1;
