package Platform;

# A whole platform for a test: brought up by scripts/up under a name, a port
# and a prefix of its own, and purged when the test ends, however it ends.

use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha1_base64);
use File::Basename qw(dirname);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Ports;
use Schema;
use Time::HiRes qw(time sleep);

our $top = abs_path(dirname(__FILE__) . '/../..');
my @live;

sub free_port { return Ports::free_port() }

# run(@command) -> (status, output of both streams)
sub run {
    my @command = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    local $/;
    my $text = <$out> // '';
    close $out;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $text);
}

sub new {
    my ($class, %o) = @_;
    my $name = sprintf 't%d%s', $$, $o{suffix} // '';
    my $self = bless {
        name   => $name,
        port   => free_port(),
        domain => 'paas.localhost',
        run    => "/run/paas-$name",
        state  => "/var/lib/paas-$name",
        logs   => "/var/log/paas-$name",
        conf   => "/etc/paas/paas-$name.conf",
        prefix => "/opt/paas-$name",
        owner  => $$,
    }, $class;
    push @live, $self;
    my ($rc, $text) = $self->up;
    die "scripts/up failed ($rc):\n$text" if $rc;
    if ($o{conf}) {
        $self->configure(%{ $o{conf} });
        ($rc, $text) = $self->up;
        die "scripts/up failed ($rc):\n$text" if $rc;
    }
    $self->{said} = $text;
    return $self;
}

sub up {
    my ($self, @more) = @_;
    return run("$top/scripts/up", '--name', $self->{name},
        '--port', $self->{port}, '--no-sample', @more);
}

# In place of what was set before.
sub configure {
    my ($self, %set) = @_;
    open my $fh, '+<', $self->{conf} or die "$self->{conf}: $!";
    my @kept = grep { !(/^\s*(\w+)\s*=/ && exists $set{$1}) } <$fh>;
    seek $fh, 0, 0;
    truncate $fh, 0;
    print {$fh} @kept, map { "$_ = $set{$_}\n" } sort keys %set;
    close $fh;
}

sub down {
    my ($self) = @_;
    return if $self->{gone}++;
    my ($rc, $text) = run("$top/scripts/down", '--purge', '--name',
        $self->{name});
    return ($rc, $text);
}

END {
    my $status = $?;
    for my $p (@live) {
        next if $p->{owner} != $$;
        my ($rc, $text) = $p->down;
        print STDERR "# scripts/down failed:\n$text" if $rc;
    }
    $? = $status;
}

# paas(@words) -> (exit status, output)
sub paas {
    my ($self, @words) = @_;
    return run("$self->{prefix}/bin/paas", '--socket',
        "$self->{run}/manager.sock", @words);
}

# The same, with its JSON decoded; dies when the command fails.
sub json {
    my ($self, @words) = @_;
    my ($rc, $text) = $self->paas(@words, '--json');
    die "paas @words: $rc\n$text" if $rc;
    return decode_json($text);
}

sub read_response {
    my ($s, $deadline) = @_;
    my $buf = '';
    my $sel = IO::Select->new($s);
    while (1) {
        my $left = $deadline - time;
        last if $left <= 0 || !$sel->can_read($left);
        my $n = sysread $s, $buf, 65536, length $buf;
        last if !$n;
    }
    return $buf;
}

# One request on a connection of its own -> {status, headers, body}; status
# is 0 when no answer came.
sub http {
    my ($self, $method, $host, $path, %o) = @_;
    # Who is asked may be killed in this moment.
    local $SIG{PIPE} = 'IGNORE';
    my $s = $o{socket}
        ? IO::Socket::UNIX->new(Peer => $o{socket})
        : IO::Socket::INET->new(
            PeerAddr => '127.0.0.1', PeerPort => $self->{port});
    return { status => 0, body => "connect: $!", headers => {} } if !$s;
    my $body = $o{body} // '';
    my $head = "$method $path HTTP/1.1\r\nHost: $host\r\n";
    $head .= "Connection: close\r\n" if !$o{headers}{Connection};
    $head .= "$_: $o{headers}{$_}\r\n" for sort keys %{ $o{headers} // {} };
    $head .= 'Content-Length: ' . length($body) . "\r\n"
        if length $body || $method =~ /^(?:POST|PUT|PATCH)$/;
    syswrite $s, "$head\r\n$body";
    my $text = read_response($s, time + ($o{timeout} // 30));
    my ($h, $b) = split /\r\n\r\n/, $text, 2;
    return { status => 0, body => '', headers => {} } if !defined $b;
    my ($line, @lines) = split /\r\n/, $h;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1, $2) : () } @lines;
    if (($headers{'transfer-encoding'} // '') eq 'chunked') {
        my $plain = '';
        while ($b =~ s/^([0-9a-f]+)[^\r]*\r\n//i) {
            my $n = hex $1 or last;
            $plain .= substr $b, 0, $n, '';
            $b =~ s/^\r\n//;
        }
        $b = $plain;
    }
    my ($status) = $line =~ m{^HTTP/1\.\d (\d+)};
    return { status => $status // 0, headers => \%headers, body => $b };
}

# GET / of an app by its name.
sub get {
    my ($self, $app, $path, %o) = @_;
    return $self->http('GET', "$app.$self->{domain}", $path // '/', %o);
}

sub api {
    my ($self, $method, $path, $body, %o) = @_;
    my $r = $self->http($method, 'localhost', $path,
        socket => "$self->{run}/manager.sock", %o,
        defined $body ? (body => ref $body ? encode_json($body) : $body) : ());
    $r->{json} = eval { decode_json($r->{body}) };
    return $r;
}

# The description of the API.
sub schema {
    my ($self) = @_;
    return $self->{schema} if $self->{schema};
    my $r = $self->http('GET', 'localhost', '/schema', socket => "$self->{run}/manager.sock");
    die "GET /schema: $r->{status} $r->{body}\n" if $r->{status} != 200;
    return $self->{schema} = Schema->new(decode_json($r->{body}));
}

# wait_for(seconds, sub) -> what the sub gives once it is true
sub wait_for {
    my ($seconds, $sub) = @_;
    my $end = time + $seconds;
    while (1) {
        my $got = $sub->();
        return $got if $got;
        return if time > $end;
        sleep 0.02;
    }
}

sub dynos {
    my ($self, $app) = @_;
    my $r = $self->api('GET', "/apps/$app/dynos");
    return ref $r->{json} eq 'ARRAY' ? @{ $r->{json} } : ();
}

# Waits until a type has exactly n instances, and all of them are up.
sub wait_up {
    my ($self, $app, $n, $type, $seconds) = @_;
    $type //= 'web';
    return wait_for($seconds // 30, sub {
        my @all = grep { $_->{type} eq $type } $self->dynos($app);
        return @all == $n && !grep { $_->{state} ne 'up' } @all;
    });
}

sub service_pid {
    my ($self, $service) = @_;
    if ($service eq 'router') {
        open my $fh, '<', "$self->{run}/nginx.pid" or return;
        my $pid = <$fh>;
        chomp $pid;
        return $pid;
    }
    my ($rc, $text) = run('sv', 'status', "$self->{run}/sv/$service");
    return $text =~ /\(pid (\d+)\)/ ? $1 : undef;
}

# A websocket that is open already: ws_echo says a word and hears it back.
# Over a connection of its own, or over one that is there.
sub ws_open {
    my ($self, $app, $path, $s) = @_;
    $s //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}) or return;
    syswrite $s, "GET $path HTTP/1.1\r\nHost: $app.$self->{domain}\r\n"
        . "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        . "Sec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    my $head = '';
    my $sel = IO::Select->new($s);
    while ($head !~ /\r\n\r\n/) {
        return if !$sel->can_read(10);
        sysread($s, $head, 1, length $head) or return;
    }
    return $head =~ m{^HTTP/1.1 101 } ? $s : undef;
}

sub ws_echo {
    my ($s, $word) = @_;
    my $mask = 'abcd';
    my $masked = $word ^ substr($mask x (1 + length($word) / 4), 0, length $word);
    syswrite $s, pack('CC', 0x81, 0x80 | length $word) . $mask . $masked;
    my $got = '';
    my $sel = IO::Select->new($s);
    while (length $got < 2 + length $word) {
        return if !$sel->can_read(10);
        sysread($s, $got, 4096, length $got) or return;
    }
    return substr($got, 2) eq $word;
}

1;
