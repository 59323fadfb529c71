# A server of a bench: its configuration, its life, and what it uses.  Each
# listens on a loopback port of its own, runs on one core and has one worker;
# none is a service of the system's.
package Bench::Server;

use strict;
use warnings;
use IO::Socket::INET;
use Platform;
use POSIX ();
use Time::HiRes qw(sleep);

our $dir;      # the bench's own folder
our %all;      # those that run, by name

END { local $?; $_->stop for values %all }

# Servers on the one core, what asks and answers them on the other.
my $cores = `nproc`;
sub core { my ($n) = @_; return $cores > 1 ? ('taskset', '-c', $n) : () }

# name => NAME, conf => TEXT, command => [with FILE for the configuration's name]
sub new {
    my ($class, %opt) = @_;
    return bless { port => Platform::free_port(), core => 0, %opt }, $class;
}

# nginx with one worker; main and http are lines of those blocks.
sub nginx {
    my ($class, %opt) = @_;
    $opt{command} = ['nginx', '-p', $dir, '-e', 'stderr', '-c', 'FILE'];
    my $self = $class->new(%opt);
    $self->{conf} = <<EOT;
${\($self->{main} // '')}
user www-data;
daemon off;
worker_processes 1;
pid $dir/$self->{name}.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
    ${\($self->{http} // '')}
}
EOT
    $self->{conf} =~ s/PORT/$self->{port}/g;
    return $self;
}

# under => [COMMAND...] runs it under another program, nginx without a master.
sub start {
    my ($self, %opt) = @_;
    my ($name, $conf) = @$self{qw(name conf)};
    $conf =~ s/^worker_processes.*/master_process off;/m if $opt{under};
    my $file = "$dir/$name" . ($self->{suffix} // '.conf');
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $conf;
    close $fh;
    my @command = map { $_ eq 'FILE' ? $file : $_ } @{ $self->{command} };
    my $id = fork // die "fork: $!";
    if (!$id) {
        open STDOUT, '>', "$dir/$name.out";
        open STDERR, '>&', \*STDOUT;
        exec core($self->{core}), @{ $opt{under} // [] }, @command or POSIX::_exit(127);
    }
    $self->{pid} = $id;
    $all{$name} = $self;
    return $self if $opt{quick};
    Platform::wait_for(120, sub { waitpid($id, POSIX::WNOHANG()) == 0 or $self->failed; $self->connect })
        or $self->failed;
    return $self;
}

sub failed {
    my ($self) = @_;
    die "$self->{name} does not start:\n" . `tail -n 20 $dir/$self->{name}.out`;
}

sub connect { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]{port}) }

# A signal that comes before the first wait for events is lost: said again.
sub stop {
    my ($self, $signal) = @_;
    my $id = delete $self->{pid} or return;
    delete $all{ $self->{name} };
    do { kill $signal // 'TERM', $id; sleep 0.05 } until waitpid $id, POSIX::WNOHANG();
}

# Who serves: nginx's workers, or the process itself.
sub pids {
    my ($self) = @_;
    my @workers = split ' ', `ps -o pid= --ppid $self->{pid}`;
    return @workers ? @workers : $self->{pid};
}

# Microseconds of CPU time so far, all threads.
sub cpu {
    my ($self) = @_;
    my $sum = 0;
    for my $file (map { glob "/proc/$_/task/*/schedstat" } $self->pids) {
        open my $fh, '<', $file or next;
        $sum += (split ' ', <$fh>)[0] / 1e3;
    }
    return $sum;
}

# KiB that are this process's alone.
sub private_dirty {
    my ($self) = @_;
    my $sum = 0;
    for my $pid ($self->pids) {
        open my $fh, '<', "/proc/$pid/smaps_rollup" or next;
        while (my $line = <$fh>) { $sum += $1 if $line =~ /^Private_Dirty:\s+(\d+)/ }
    }
    return $sum;
}

1;
