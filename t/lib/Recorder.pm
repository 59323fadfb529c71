package Recorder;

# A socket in front of a manager's: passes requests on, one a connection, and
# keeps what was asked and answered, so that it can be asked again by a test.
#
#   my $r = Recorder->new("$dir/record.sock", '/run/paas/manager.sock');
#   run $paas, '--socket', $r->socket, ...;
#   $r->taken -> ({method, path, headers, body, status, answer}, ...)

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();

sub new {
    my ($class, $socket, $manager) = @_;
    my $self = bless { socket => $socket, log => "$socket.log", owner => $$ }, $class;
    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 64) or die "$socket: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        @SIG{qw(PIPE CHLD TERM)} = qw(IGNORE IGNORE DEFAULT);
        while (1) {
            my $near = $listener->accept or next;
            next if fork;
            my $far = IO::Socket::UNIX->new(Peer => $manager) or POSIX::_exit(1);
            $self->_pass($near, $far);
            POSIX::_exit(0);
        }
    }
    $self->{pid} = $pid;
    return $self;
}

# What is in an answer, but not which: {field => type}, of lists their first one.
sub shape {
    my ($value, $at, $into) = @_;
    ($at, $into) = ('', {}) if !$into;
    if (ref $value eq 'HASH') {
        $into->{$at} = 'object';
        shape($value->{$_}, "$at.$_", $into) for keys %$value;
    }
    elsif (ref $value eq 'ARRAY') {
        $into->{$at} = 'array';
        shape($value->[0], "$at\[]", $into) if @$value;
    }
    else {
        $into->{$at} = !defined $value ? 'null' : JSON::PP::is_bool($value) ? 'boolean'
            : $value =~ /^-?[0-9.]+$/ && encode_json([$value]) !~ /"/ ? 'number' : 'string';
    }
    return $into;
}

sub socket { return $_[0]{socket} }

# Each whole request, in the order in which their answers ended.
sub taken {
    my ($self) = @_;
    open my $log, '<', $self->{log} or return;
    my @taken = map { decode_json($_) } <$log>;
    close $log;
    unlink $self->{log};
    return @taken;
}

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local $?;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    unlink $self->{socket}, $self->{log};
}

# Both ways, as it comes.
sub _pass {
    my ($self, $near, $far) = @_;
    my %text = ($near => '', $far => '');
    my %other = ($near => $far, $far => $near);
    my $both = IO::Select->new($near, $far);
    while (my @ready = $both->can_read) {
        for my $from (@ready) {
            my $n = sysread $from, my $bytes, 65536;
            if (!$n) {
                $self->_keep($text{$near}, $text{$far});
                return;
            }
            $text{$from} .= $bytes;
            my $at = 0;
            while ($at < $n) {
                my $sent = syswrite $other{$from}, $bytes, $n - $at, $at;
                last if !$sent;
                $at += $sent;
            }
        }
    }
}

sub _parse {
    my ($text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    return if !defined $body;
    my ($line, @lines) = split /\r\n/, $head;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1, $2) : () } @lines;
    return ($line, \%headers, $body);
}

sub _keep {
    my ($self, $asked, $answered) = @_;
    my ($line, $headers, $body) = _parse($asked) or return;
    my ($method, $path) = split / /, $line;
    my ($status_line, $has, $answer) = _parse($answered);
    return if !defined $status_line;
    open my $log, '>>', $self->{log} or die "$self->{log}: $!";
    syswrite $log, encode_json({method => $method, path => $path, headers => $headers, body => $body,
        status => (split / /, $status_line)[1] + 0, type => $has->{'content-type'} // '', answer => $answer}) . "\n";
}

1;
