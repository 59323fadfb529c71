package Manager;

# A manager of a test's own, with neither launcher nor router, and requests
# to its sockets.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Schema;
use Test::More;
use Time::HiRes qw(sleep time);

my $build = $ENV{PAAS_BUILD} // 'build';

# new(setting => value, ...): started, and ended with the test.
sub new {
    my ($class, %set) = @_;
    my $manager = "$build/libexec/paas-manager";
    die "$manager is not built: make programs\n" if !-x $manager;
    die "needs root\n" if $> != 0;
    my $dir = tempdir('paas-manager-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    mkdir "$dir/$_" for qw(state run);
    %set = (state_dir => "$dir/state", run_dir => "$dir/run", domain => 'paas.localhost',
        libexec_dir => abs_path("$build/libexec"), %set);
    open my $conf, '>', "$dir/paas.conf" or die "paas.conf: $!";
    print {$conf} map { "$_ = $set{$_}\n" } sort keys %set;
    close $conf or die "paas.conf: $!";
    my $self = bless { dir => $dir, program => $manager, owner => $$ }, $class;
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;
    my @wrapper = split ' ', $ENV{PAAS_WRAPPER} // '';
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        open STDERR, '>>', "$self->{dir}/log" or POSIX::_exit(1);
        exec @wrapper, $self->{program}, '--conf', "$self->{dir}/paas.conf" or POSIX::_exit(1);
    }
    for (1 .. 600) {
        my $r = eval { $self->call('GET', '/health') };
        return if $r && $r->{status} == 200;
        waitpid($self->{pid}, POSIX::WNOHANG()) == 0 or last;
        sleep 0.05;
    }
    diag($self->log);
    BAIL_OUT('the manager does not start');
}

# The exit status that waitpid tells.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} // return;
    my $status = $?;
    kill $signal, $pid;
    waitpid $pid, 0;
    (my $left, $?) = ($?, $status);
    return $left;
}

sub DESTROY {
    my ($self) = @_;
    $self->stop('KILL') if $self->{owner} == $$;
}

sub log {
    my ($self) = @_;
    open my $fh, '<', "$self->{dir}/log" or return '';
    local $/;
    return scalar <$fh>;
}

# send(method, path, body, header => value, ...) -> a connection with the
# request under way.  The header Socket names another socket of run_dir.
sub send {
    my ($self, $method, $path, $body, %headers) = @_;
    my $socket = delete $headers{Socket} // 'manager.sock';
    my $s = IO::Socket::UNIX->new(Peer => "$self->{dir}/run/$socket") or die "$socket: $!";
    $body = encode_json($body) if ref $body;
    $headers{'Content-Length'} //= length $body if defined $body;
    my $text = "$method $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n" . ($body // '');
    for (my $off = 0; $off < length $text;) {
        $off += syswrite($s, $text, length($text) - $off, $off) // last;
    }
    return $s;
}

# The answer on such a connection: {status, headers, body, json}.
sub answer {
    my ($self, $s, $seconds) = @_;
    my $end = time + ($seconds // 10);
    my $text = '';
    while ((my $left = $end - time) > 0) {
        last if !IO::Select->new($s)->can_read($left);
        last if !sysread $s, $text, 65536, length $text;
    }
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    return { status => 0, headers => {}, body => '' } if !defined $body;
    my ($line, @lines) = split /\r\n/, $head;
    my %h = map { /^([^:]+):\s*(.*)$/ ? (lc $1, $2) : () } @lines;
    if (($h{'transfer-encoding'} // '') eq 'chunked') {
        my $plain = '';
        while ($body =~ s/\A([0-9a-fA-F]+)\r\n//) {
            my $n = hex $1 or last;
            $plain .= substr $body, 0, $n, '';
            $body =~ s/\A\r\n//;
        }
        $body = $plain;
    }
    my ($status) = $line =~ m{^HTTP/1\.1 (\d+)};
    return { status => $status, headers => \%h, body => $body, json => scalar eval { decode_json($body) } };
}

# Whatever it answers is held against its own description.
sub call {
    my ($self, @request) = @_;
    my $r = $self->answer($self->send(@request));
    fail($_) for $self->schema->answer(@request[0, 1], $r);
    return $r;
}

sub schema {
    my ($self) = @_;
    return $self->{schema} //= Schema->new($self->answer($self->send('GET', '/schema'))->{json});
}

# good(what, status, method, path, body, header => value) -> the JSON
sub good {
    my ($self, $what, $status, @request) = @_;
    my $r = $self->call(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

# bad(what, status, pattern of the message, method, ...) -> the answer
sub bad {
    my ($self, $what, $status, $pattern, @request) = @_;
    my $r = $self->call(@request);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{json}{message} // '', $pattern, "$what: the message");
    return $r;
}

1;
