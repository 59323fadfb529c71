package WebFiles;

# A web server on loopback, or at another address, for a test: git repositories by git http-backend,
# and files with an ETag.  It ends with the test.

use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use IO::Socket::INET;
use POSIX ();

# new(folder, address): serves what is in it.
sub new {
    my ($class, $dir, $address) = @_;
    $address //= '127.0.0.1';
    my $listener = IO::Socket::INET->new(
        LocalAddr => $address, Listen => 16, ReuseAddr => 1) or die "listen: $!";
    my $self = bless { dir => $dir, port => $listener->sockport, owner => $$ }, $class;
    $self->{url} = "http://$address:$self->{port}";
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $s = $listener->accept or next;
            my $pid = fork // next;
            if (!$pid) {
                $SIG{CHLD} = 'DEFAULT';
                eval { answer($dir, $s) };
                POSIX::_exit(0);
            }
            close $s;
        }
    }
    close $listener;
    return $self;
}

# Nobody listens any more.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    my $status = $?;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $? = $status;
}

sub DESTROY {
    my ($self) = @_;
    $self->stop if $self->{owner} == $$;
}

sub asked {
    my ($self) = @_;
    open my $log, '<', "$self->{dir}/.asked" or return;
    return map { chomp; $_ } <$log>;
}

sub answer {
    my ($dir, $s) = @_;
    my ($method, $target) = (readline($s) // '') =~ /^(\S+) (\S+)/ or return;
    my %h;
    while (defined(my $line = readline $s)) {
        last if $line =~ /^\r?$/;
        $h{lc $1} = $2 if $line =~ /^([^:]+):\s*(.*?)\r?$/;
    }
    my $body = '';
    read $s, $body, $h{'content-length'} if $h{'content-length'};
    my ($path, $query) = split /\?/, $target, 2;
    open my $log, '>>', "$dir/.asked";
    syswrite $log, "$method $path\n";
    close $log;
    return file($s, "$dir$path", $h{'if-none-match'} // '') if -f "$dir$path" && $path !~ m{\.git/};
    return git($s, $dir, $method, $path, $query // '', \%h, $body) if $path =~ m{\.git/};
    print {$s} "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";
}

sub file {
    my ($s, $path, $known) = @_;
    open my $fh, '<:raw', $path or return;
    local $/;
    my $text = <$fh>;
    my $tag = '"' . sha1_hex($text) . '"';
    if ($known eq $tag) { print {$s} "HTTP/1.0 304 Not Modified\r\nETag: $tag\r\n\r\n" }
    else { print {$s} "HTTP/1.0 200 OK\r\nETag: $tag\r\nContent-Length: " . length($text) . "\r\n\r\n$text" }
}

sub git {
    my ($s, $dir, $method, $path, $query, $h, $body) = @_;
    local %ENV = (PATH => $ENV{PATH}, HOME => $dir, GIT_PROJECT_ROOT => $dir, GIT_HTTP_EXPORT_ALL => 1,
        GIT_CONFIG_COUNT => 1, GIT_CONFIG_KEY_0 => 'safe.directory', GIT_CONFIG_VALUE_0 => '*',
        REQUEST_METHOD => $method, PATH_INFO => $path, QUERY_STRING => $query,
        CONTENT_TYPE => $h->{'content-type'} // '', CONTENT_LENGTH => length $body,
        HTTP_CONTENT_ENCODING => $h->{'content-encoding'} // '', GIT_PROTOCOL => $h->{'git-protocol'} // '');
    open my $in, '+>', undef or return;
    syswrite $in, $body;
    sysseek $in, 0, 0;
    my $pid = open(my $out, '-|') // return;
    if (!$pid) {
        open STDIN, '<&', $in;
        open STDERR, '>', '/dev/null';
        exec 'git', 'http-backend' or POSIX::_exit(127);
    }
    local $/;
    my $text = <$out>;
    my $status = $text =~ s/^Status: ([^\r]*)\r\n//m ? $1 : '200 OK';
    print {$s} "HTTP/1.0 $status\r\n$text";
}

1;
