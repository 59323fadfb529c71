# An nginx with the module, for tests in which more happens than requests:
# signals, reloads, databases that break.  Ends with the test.
package PaasTest::Router;

use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP ();
use PaasTest ();
use POSIX ();
use Time::HiRes qw(sleep time);

my @all;
END { $_->stop for @all }

# workers => N, upstream => TEXT, location => TEXT, http => TEXT
sub new {
    my ($class, %opt) = @_;
    my $self = bless {
        port => PaasTest::free_port(), status => PaasTest::free_port(),
        prefix => "$PaasTest::dir/nginx" . @all, routes => PaasTest::routes_dir(), %opt,
    }, $class;
    mkdir $self->{prefix};
    push @all, $self;
    $self->configure;
    system($ENV{TEST_NGINX_BINARY}, '-p', $self->{prefix}, '-c', 'nginx.conf',
        '-e', "$self->{prefix}/error.log") == 0
        or die "nginx does not start:\n" . $self->log;
    wait_for(10, sub { $self->state }) or die "no status:\n" . $self->log;
    return $self;
}

sub configure {
    my ($self, %opt) = @_;
    %$self = (%$self, %opt);
    my ($workers, $upstream, $location, $http, $zone) = map { $self->{$_} // '' }
        qw(workers upstream location http zone);
    $workers ||= 2;
    $zone ||= 'paas 2m';
    open my $fh, '>', "$self->{prefix}/nginx.conf" or die $!;
    print {$fh} PaasTest::module(), <<EOT;
user $ENV{TEST_NGINX_WORKER_USER};
worker_processes $workers;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 1024; accept_mutex off; }
http {
    access_log off;
    client_max_body_size 0;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    paas_routes $self->{routes};
    paas_zone $zone;
    upstream apps { paas; $upstream }
    $http
    server {
        listen 127.0.0.1:$self->{port};
        location / {
            paas on;
            proxy_pass http://apps;
            include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
            add_header X-Which "\$paas_instance \$paas_attempts" always;
            $location
        }
    }
    server { listen 127.0.0.1:$self->{status}; location / { paas_status; } }
}
EOT
    close $fh;
}

sub pid {
    my ($self) = @_;
    open my $fh, '<', "$self->{prefix}/nginx.pid" or return;
    chomp(my $pid = <$fh> // '');
    return $pid;
}

sub workers {
    my ($self) = @_;
    return grep { $_ } split ' ', `ps -o pid= --ppid @{[$self->pid]}`;
}

sub signal {
    my ($self, $name) = @_;
    kill $name, $self->pid or die "nginx is gone:\n" . $self->log;
}

# Comes back when new workers answer, and no old one.
sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->workers;
    $self->signal('HUP');
    wait_for(10, sub { my $s = $self->state; $s && grep { !$old{ $_->{pid} } } @{ $s->{workers} } })
        or die "no reload:\n" . $self->log;
    my $old = join ',', keys %old;
    wait_for(10, sub { `ps -o args= -p $old` !~ /worker process\s*$/m }) or die "old workers go on:\n" . $self->log;
}

sub stop {
    my ($self) = @_;
    my $pid = $self->pid or return;
    kill 'TERM', $pid;
    wait_for(10, sub { !kill 0, $pid });
    my @found = $self->log =~ /^.*(?:runtime error|Sanitizer).*$/mg or return;
    Test::More::diag(join "\n", @found);
    $? = 1;
}

sub log {
    my ($self) = @_;
    open my $fh, '<', "$self->{prefix}/error.log" or return '';
    local $/;
    return scalar <$fh>;
}

# port => another one of its ports, from => ADDRESS of the client
sub connect {
    my ($self, %opt) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $opt{port} || $self->{port},
        $opt{from} ? (LocalAddr => $opt{from}) : ()) || die "nginx: $!";
}

# Sends a request and leaves the answer to somebody else; first => bytes that
# go in front of it.
sub send {
    my ($self, $host, $path, %opt) = @_;
    my $s = $self->connect(%opt);
    print {$s} $opt{first} if defined $opt{first};
    my $method = $opt{method} || 'GET';
    my $headers = join '', map { "$_\r\n" } @{ $opt{headers} || [] };
    my $body = $opt{body} // '';
    $headers .= 'Content-Length: ' . length($body) . "\r\n" if length $body || $method eq 'POST';
    $headers .= "Connection: close\r\n" if !$opt{keep};
    print {$s} "$method $path HTTP/1.1\r\nHost: $host\r\n$headers\r\n$body";
    return $s;
}

# What comes until it is like that, or the end; dies if nothing comes.
sub read_until {
    my ($s, $like) = @_;
    my $raw = '';
    while ($raw !~ $like) {
        my $in = '';
        vec($in, fileno $s, 1) = 1;
        select($in, undef, undef, 20) or die "nothing comes after '$raw'\n";
        sysread $s, $raw, 65536, length $raw or last;
    }
    return $raw;
}

# The answer until the connection closes: { status, headers, body, raw }.
sub answer {
    my ($s) = @_;
    my $raw = read_until($s, qr/\z(?!)/);
    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my %h;
    while (($head // '') =~ /^([\w-]+): *(.*?)\r?$/mg) { $h{ lc $1 } = $2 }
    my ($status) = ($head // '') =~ m{^HTTP/1\.\d (\d+)};
    return { status => $status // 0, headers => \%h, body => $body // '', raw => $raw };
}

sub get {
    my ($self, @request) = @_;
    return answer($self->send(@request));
}

# N requests one after the other: who answered, in order, by what is in the
# body, or else the status.
sub ask {
    my ($self, $n, @request) = @_;
    return map {
        my $got = $self->get(@request);
        $got->{status} == 200 ? $got->{body} =~ s/\s+//gr : $got->{status};
    } 1 .. $n;
}

# The same as a count of each.
sub spread {
    my ($self, @ask) = @_;
    my %n;
    $n{$_}++ for $self->ask(@ask);
    return \%n;
}

# The status page as data, or nothing.
sub state {
    my ($self, $query) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{status}) or return;
    print {$s} 'GET /status' . ($query // '') . " HTTP/1.0\r\n\r\n";
    my ($body) = read_until($s, qr/\z(?!)/) =~ /\r\n\r\n(.*)/s or return;
    return eval { JSON::PP::decode_json($body) };
}

sub in_flight {
    my ($self, $id) = @_;
    my $s = $self->state(sprintf '?instance=%016x', $id) or return -1;
    return $s->{instances}[0]{in_flight};
}

# Until something is true; nothing here depends on how long that takes.
sub wait_for {
    my ($seconds, $what) = @_;
    my $end = time + $seconds * ($ENV{PAAS_SLOW} // 1);
    while (1) {
        my $got = $what->();
        return $got if $got;
        return if time > $end;
        sleep 0.01;
    }
}

1;
