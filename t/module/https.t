# Instances that speak TLS: by the pool's protocol, with sessions, names and
# verification as nginx is told, and connections that are kept apart.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Certs;
use PaasTest::Router;
use Test::More;

my $plain = PaasTest::Backend->new('plain');
my ($tls, $other, $http, $named, $mute) = map { free_port() } 1 .. 5;
my $ca = PaasTest::Certs::make('ca', ca => 1, hosts => ['ca.test']);
my $cert = PaasTest::Certs::make('instance', hosts => ['tls.test'], by => $ca);
system('chmod', '644', values %$cert, values %$ca);

my $routes = <<EOT;
pool 1 app=tls type=web protocol=https
instance 1 1 127.0.0.1:$tls
pool 2 app=plain type=web
instance 2 2 127.0.0.1:$plain->{port}
pool 3 app=broken type=web protocol=https
instance 3 3 127.0.0.1:$mute
pool 4 app=two type=web protocol=https balance=round_robin
instance 4 41 127.0.0.1:$tls
instance 4 42 127.0.0.1:$other
host tls.test pool=1
host evil.test pool=1
host plain.test pool=2
host broken.test pool=3
host two.test pool=4
host split.test pool=1:50,2:50
EOT
new_routes($routes);

sub location {
    my ($pass, $more) = @_;
    return "location / { paas on; proxy_pass $pass; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; $more }";
}

# What the instances answer: which connection, whether it is resumed, the name.
my $says = 'return 200 "tls $connection $ssl_session_reused $ssl_server_name.\n";';
my $servers = <<EOT;
server {
    listen 127.0.0.1:$tls ssl;
    listen 127.0.0.1:$other ssl;
    ssl_certificate $cert->{chain};
    ssl_certificate_key $cert->{key};
    ssl_session_cache shared:tls:1m;
    location / { $says }
    location /bye { keepalive_timeout 0; $says }
}
server { listen 127.0.0.1:$mute; return 200; }
server { listen 127.0.0.1:$http; @{[ location('http://apps', '') ]} }
server {
    listen 127.0.0.1:$named;
    @{[ location('https://apps', "proxy_ssl_name \$paas_host; proxy_ssl_server_name on; proxy_ssl_verify on;
        proxy_ssl_trusted_certificate $ca->{chain};") ]}
}
EOT
my $r = PaasTest::Router->new(workers => 1, upstream => 'paas_keepalive 8 timeout=60s;', http => $servers);
my $conf = "$r->{prefix}/nginx.conf";
open my $fh, '<', $conf or die $!;
my $text = do { local $/; <$fh> };
$text =~ s{paas on;\s+proxy_pass http://apps;\s+include \S+;\s+add_header X-Which}{paas on; proxy_pass https://apps;
    include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; add_header X-Which} or die 'no such location';
open $fh, '>', $conf or die $!;
print {$fh} $text;
close $fh;
$r->reload;

sub body { my ($host, @more) = @_; return $r->get($host, @more ? @more : '/')->{body} }
sub connection { my ($said) = @_; return ($said =~ /^tls (\d+) /)[0] // "none: $said" }
sub at { my ($port, $sub) = @_; local $r->{port} = $port; return $sub->() }

my $first = body('tls.test');
like($first, qr/^tls \d+ \. \.$/, 'a pool of https: by TLS, nothing resumed yet, no name');
is(connection(body('tls.test')), connection($first), 'its connection is kept');
is(body('plain.test'), "plain\n", 'a pool of http in the same location: without');
my %n;
$n{ body('split.test') =~ /^(\w+)/ ? $1 : 'none' }++ for 1 .. 40;
is_deeply([sort keys %n], [qw(plain tls)], 'a split between the two');

my $got = $r->get('broken.test', '/');
is($got->{status}, 502, 'an instance that speaks no TLS: 502');
is($got->{headers}{'x-paas-error'}, 'connect_failed', 'by name');

# ---- sessions

body('tls.test', '/bye');    # takes the kept connection with it
isnt(connection(my $second = body('tls.test', '/bye')), connection($first), 'a new connection');
like($second, qr/^tls \d+ r \.$/, 'resumes the session');
like(body('tls.test', '/bye'), qr/^tls \d+ r /, 'and so does the next');
body('two.test', '/bye') for 1 .. 2;
like(body('two.test', '/bye'), qr/^tls \d+ r /, 'a session for each instance') for 1 .. 2;
change_routes($routes =~ s/^instance 1 1 /instance 1 11 /mr);
like(body('tls.test', '/bye'), qr/^tls \d+ \. /, 'another instance at the address: none of the old one');
change_routes($routes);

# ---- names and verification

my $unnamed = connection(body('tls.test'));
at($named, sub {
    my $said = body('tls.test');
    like($said, qr/^tls \d+ . tls\.test\.$/, 'with proxy_ssl_name: that name');
    isnt(connection($said), $unnamed, 'on a connection of its own');
    is(connection(body('tls.test')), connection($said), 'which is kept');
    my $evil = $r->get('evil.test', '/');
    is($evil->{status}, 502, 'a name that the certificate has not is refused');
    is(connection(body('tls.test')), connection($said), 'and does no harm to the other');
});

# ---- where nginx is not set up for it

at($http, sub {
    my $refused = $r->get('tls.test', '/');
    is($refused->{status}, 502, 'proxy_pass http: a pool of https is refused');
    is($refused->{headers}{'x-paas-error'}, 'protocol_mismatch', 'by name');
    is(body('plain.test'), "plain\n", 'a pool of http is not');
    is($r->in_flight(1), 0, 'nothing is counted');
});

my ($i) = grep { $_->{id} =~ /0+1$/ } @{ $r->state->{instances} };
is($i->{ejections}, 0, 'and nobody is to blame');
unlike($r->log, qr/\[(?:alert|emerg)\]/, 'nothing bad in the log');

done_testing();
