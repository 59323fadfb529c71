# Whose X-Forwarded-* count, and what else of a request's header is passed on.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

my ($friend, $stranger) = ('127.0.0.2', '127.0.0.1');
my ($proxied, $real, $two, $off, $under) = map { free_port() } 1 .. 5;

my $a = PaasTest::Backend->new('a');
new_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
host a.test pool=1
host s.test pool=1 https
host old.test to=new.test
host olds.test to=new.test https
EOT

sub location {
    my ($more) = @_;
    return "location / { paas on; proxy_pass http://apps;"
        . " include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; $more }";
}
my $unix = "$PaasTest::dir/trust.sock";
my $r = PaasTest::Router->new(
    location => "paas_trust $friend 10.0.0.0/8 unix:;",
    http => <<EOT);
server {
    listen 127.0.0.1:$proxied proxy_protocol;
    set_real_ip_from $friend;
    real_ip_header proxy_protocol;
    paas_trust $friend 10.0.0.0/8;
    @{[location('')]}
}
server {
    listen 127.0.0.1:$real;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    paas_trust $friend;
    @{[location('add_header X-Remote $remote_addr;')]}
}
server { listen 127.0.0.1:$two http2; paas_trust $friend; paas_https_port 8443; @{[location('')]} }
server { listen 127.0.0.1:$off; paas_trust $friend; @{[location('paas_trust off;')]} }
server {
    listen 127.0.0.1:$under;
    underscores_in_headers on;
    paas_trust $friend;
    @{[location('')]}
}
server { listen unix:$unix; paas_trust unix:; @{[location('')]} }
EOT

# The header that the app got, as "name: value" lines in small letters' order.
sub got {
    my (%opt) = @_;
    my $text = $r->get($opt{host} || 'a.test', '/headers', %opt)->{body};
    $text =~ s/\r//g;
    return $text;
}

my @said = ('X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2, 3.3.3.3', 'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 8443', 'X-Forwarded-Host: shop.test', 'Forwarded: for=1.1.1.1;proto=https',
    'X-Forwarded-Prefix: /shop', 'X-Request-Id: short.1', 'X-Request-Start: t=1700000000.123');

my $head = got(from => $stranger, headers => \@said);
like($head, qr/^X-Forwarded-For: $stranger$/m, 'a stranger says nothing about where it comes from');
like($head, qr/^X-Forwarded-Proto: http$/m, 'nor how');
like($head, qr/^X-Forwarded-Port: $r->{port}$/m, 'nor to which port');
like($head, qr/^X-Request-Id: [0-9a-f]{32}$/m, 'its X-Request-Id is not fit');
like($head, qr/^X-Request-Start: \d{13}$/m, 'its X-Request-Start does not count');
unlike($head, qr/1\.1\.1\.1|2\.2\.2\.2|shop|8443/, 'and nothing of it is left');
for my $name (qw(For Proto Port)) {
    is(() = $head =~ /^X-Forwarded-$name:/mg, 1, "one X-Forwarded-$name");
}

$head = got(from => $friend, headers => \@said);
like($head, qr/^X-Forwarded-For: 1\.1\.1\.1, 2\.2\.2\.2, 3\.3\.3\.3, $friend$/m,
    'a trusted proxy does, and is put behind');
like($head, qr/^X-Forwarded-Proto: https$/m, 'its X-Forwarded-Proto');
like($head, qr/^X-Forwarded-Port: 8443$/m, 'its X-Forwarded-Port');
like($head, qr/^X-Forwarded-Host: shop\.test$/m, 'its X-Forwarded-Host');
like($head, qr/^X-Forwarded-Prefix: \/shop$/m, 'and others of that kind');
like($head, qr/^Forwarded: for=1\.1\.1\.1;proto=https$/m, 'its Forwarded');
like($head, qr/^X-Request-Id: short\.1$/m, 'its X-Request-Id');
like($head, qr/^X-Request-Start: t=1700000000\.123$/m, 'its X-Request-Start');
for my $name (qw(For Proto Port Host)) {
    is(() = $head =~ /^X-Forwarded-$name:/mg, 1, "one X-Forwarded-$name of a trusted proxy");
}

$head = got(from => $friend);
like($head, qr/^X-Forwarded-For: $friend$/m, 'a trusted proxy that says nothing is a client');
like($head, qr/^X-Forwarded-Proto: http$/m, 'with its scheme');
like($head, qr/^X-Forwarded-Port: $r->{port}$/m, 'and port');
unlike($head, qr/^(?:Forwarded|X-Forwarded-Host)/m, 'and no more');

# port => what the app gets, by what a trusted proxy says.
for (['https', '443'], ['HTTPS', '443'], ['wss', '443'], ['http', '80'], ['ws', '80'], ['ftp', $r->{port}],
    ['https, http', $r->{port}], ['', $r->{port}]) {
    my ($proto, $port) = @$_;
    $head = got(from => $friend, headers => ["X-Forwarded-Proto: $proto"]);
    like($head, qr/^X-Forwarded-Port: $port$/m, "X-Forwarded-Proto '$proto' means port $port");
    my $scheme = $port eq '443' ? 'https' : 'http';
    like($head, qr/^X-Forwarded-Proto: $scheme$/m, "and $scheme");
}
for my $port (0, 65536, '99999999999999999999', 'x', '80x', '-1', '') {
    $head = got(from => $friend, headers => ['X-Forwarded-Proto: https', "X-Forwarded-Port: $port"]);
    like($head, qr/^X-Forwarded-Port: 443$/m, "X-Forwarded-Port '$port' is none");
}
$head = got(from => $friend, headers => ['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https']);
like($head, qr/^X-Forwarded-Proto: https$/m, 'the last X-Forwarded-Proto counts');
for my $bad ('soon', 't=', '12', 't=1700000000.123x', '1' x 21) {
    like(got(from => $friend, headers => ["X-Request-Start: $bad"]), qr/^X-Request-Start: \d{13}$/m,
        "X-Request-Start '$bad' is no time");
}
for my $bad ('a b', 'x"y', 'a' x 201, 'ä') {
    like(got(from => $friend, headers => ["X-Request-Id: $bad"]), qr/^X-Request-Id: [0-9a-f]{32}$/m,
        'an X-Request-Id that is not fit for a log is replaced: ' . substr $bad, 0, 10);
}

$head = got(port => $off, from => $friend, headers => \@said);
like($head, qr/^X-Forwarded-For: $friend$/m, 'paas_trust off');
unlike($head, qr/1\.1\.1\.1|shop|8443/, 'and nothing of what it said');

# By a UNIX socket.
my $s = IO::Socket::UNIX->new(Peer => $unix) or die "$unix: $!";
print {$s} "GET /headers HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n";
like(PaasTest::Router::answer($s)->{body}, qr/^X-Forwarded-For: 1\.1\.1\.1, unix:\r$/m, 'unix: is trusted');

# realip changes what $remote_addr is, not who the peer is.
my $x = $r->get('a.test', '/headers', port => $real, from => $friend,
    headers => ['X-Forwarded-For: 9.9.9.9', 'X-Forwarded-Proto: https']);
is($x->{headers}{'x-remote'}, '9.9.9.9', 'realip takes the address');
like($x->{body}, qr/^X-Forwarded-For: 9\.9\.9\.9, $friend\r$/m, 'the peer behind it is trusted still');
like($x->{body}, qr/^X-Forwarded-Proto: https\r$/m, 'with its X-Forwarded-Proto');
$x = $r->get('a.test', '/headers', port => $real, from => $stranger,
    headers => ["X-Forwarded-For: $friend", 'X-Forwarded-Proto: https']);
is($x->{headers}{'x-remote'}, $friend, 'realip alone is not what makes a peer trusted:');
like($x->{body}, qr/^X-Forwarded-Proto: http\r$/m, 'the address it says is not the peer');
like($x->{body}, qr/^X-Forwarded-For: $friend\r$/m, 'X-Forwarded-For is what realip found');

# The PROXY protocol, versions 1 and 2.
sub v1 { my ($from, $port) = @_; return "PROXY TCP4 $from 192.0.2.1 5555 $port\r\n" }

sub v2 {
    my ($from, $port, $command) = @_;
    my $v6 = $from =~ /:/;
    my $addr = join '', map { Socket::inet_pton($v6 ? Socket::AF_INET6() : Socket::AF_INET(), $_) }
        $from, $v6 ? '2001:db8::1' : '192.0.2.1';
    $addr .= pack 'nn', 5555, $port;
    return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', 0x20 | ($command // 1), $v6 ? 0x21 : 0x11, length $addr) . $addr;
}
for (['version 1', \&v1], ['version 2', \&v2]) {
    my ($name, $make) = @$_;
    $head = got(port => $proxied, from => $friend, first => $make->('5.5.5.5', 443), headers => \@said);
    like($head, qr/^X-Forwarded-For: 5\.5\.5\.5$/m, "PROXY $name: the client that the balancer names");
    like($head, qr/^X-Forwarded-Port: 443$/m, "PROXY $name: the port that it names");
    like($head, qr/^X-Forwarded-Proto: http$/m, "PROXY $name: what the client says does not count");
    unlike($head, qr/1\.1\.1\.1|shop|8443/, "PROXY $name: nothing of it");

    $head = got(port => $proxied, from => $friend, first => $make->('10.1.2.3', 443), headers => \@said);
    like($head, qr/^X-Forwarded-For: 1\.1\.1\.1, 2\.2\.2\.2, 3\.3\.3\.3, 10\.1\.2\.3$/m,
        "PROXY $name: a trusted proxy behind a trusted balancer");
    like($head, qr/^X-Forwarded-Proto: https$/m, "PROXY $name: is believed");

    $head = got(port => $proxied, from => $stranger, first => $make->('10.1.2.3', 443), headers => \@said);
    like($head, qr/^X-Forwarded-For: $stranger$/m, "PROXY $name: a stranger's header names nobody");
    like($head, qr/^X-Forwarded-Port: $proxied$/m, "PROXY $name: nor a port");
    unlike($head, qr/1\.1\.1\.1|shop|8443/, "PROXY $name: and makes it no friend");
}
$head = got(port => $proxied, from => $friend, first => v2('2001:db8::5', 443));
like($head, qr/^X-Forwarded-For: 2001:db8::5$/m, 'PROXY version 2 with IPv6');
for (['UNKNOWN', "PROXY UNKNOWN\r\n"], ['LOCAL', v2('10.1.2.3', 443, 0)]) {
    my ($name, $first) = @$_;
    $head = got(port => $proxied, from => $friend, first => $first, headers => \@said);
    like($head, qr/^X-Forwarded-For: $friend$/m, "PROXY $name: the balancer itself");
    unlike($head, qr/1\.1\.1\.1|shop|8443/, "PROXY $name: but nobody knows who speaks");
}
is($r->get('a.test', '/', port => $proxied, from => $friend)->{status}, 0, 'no PROXY header, no answer');
# Two requests of a connection have one PROXY header between them.
$s = $r->send('a.test', '/headers', port => $proxied, from => $friend, first => v1('5.5.5.5', 443), keep => 1);
PaasTest::Router::read_until($s, qr/X-Request-Start: \d+\s/);
print {$s} "GET /headers HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
like(PaasTest::Router::answer($s)->{body}, qr/^X-Forwarded-For: 5\.5\.5\.5\r$/m, 'the next request on it');

# Redirects.
sub location_of { return $r->get(@_)->{headers}{location} // 'none' }
is(location_of('s.test', '/x?y=1'), 'https://s.test/x?y=1', 'to https');
is(location_of("s.test:$r->{port}", '/x'), 'https://s.test/x', 'without the port of http');
is($r->get('s.test', '/', from => $friend, headers => ['X-Forwarded-Proto: https'])->{body}, "a\n",
    'not where a trusted proxy says that it is https');
is(location_of('s.test', '/', from => $friend, headers => ['X-Forwarded-Proto: http']), 'https://s.test/',
    'but where it says http');
is(location_of('s.test', '/', headers => ['X-Forwarded-Proto: https']), 'https://s.test/', 'nobody else may');
is(location_of("old.test:$r->{port}", '/x?y'), "http://new.test:$r->{port}/x?y", 'to a host, with the port');
is(location_of('old.test', '/'), 'http://new.test/', 'or without');
is(location_of('OLD.test.:8080', '/'), 'http://new.test:8080/', 'or with that of some way round');
is(location_of('old.test:', '/'), 'http://new.test/', 'or with an empty one');
is(location_of("old.test:$r->{port}", '/', from => $friend, headers => ['X-Forwarded-Proto: https']),
    "https://new.test:$r->{port}/", 'to a host, by https');
is(location_of("olds.test:$r->{port}", '/'), 'https://new.test/', 'both at once');
is($r->get('old.test', '/', method => 'POST', body => 'x')->{status}, 308, 'with the method and the body');

# HTTP/2, without TLS.
sub curl {
    my ($url, @words) = @_;
    open my $fh, '-|', 'curl', '-s', '--http2-prior-knowledge', '--max-time', 20, '-D', '-',
        '--resolve', '*:' . $two . ':127.0.0.1', (map { ('-H', $_) } @words), $url or die "curl: $!";
    local $/;
    my $text = <$fh>;
    $text =~ s/\r//g;
    return $text;
}
like(curl("http://s.test:$two/x?y"), qr{^HTTP/2 308.*^location: https://s\.test:8443/x\?y$}ms,
    'HTTP/2 and paas_https_port');
like(curl("http://old.test:$two/x"), qr{^location: http://new\.test:$two/x$}m, 'HTTP/2, to a host with the port');
$head = curl("http://a.test:$two/headers", @said, 'X-Paas-App: evil', 'x-paas-app: evil', 'Proxy: evil');
like($head, qr{^HTTP/2 200}, 'HTTP/2');
like($head, qr/^X-Forwarded-For: 127\.0\.0\.1$/m, 'HTTP/2: a stranger');
unlike($head, qr/1\.1\.1\.1|shop|8443|evil/, 'HTTP/2: nothing of what it says');
open my $fh, '-|', 'curl', '-s', '--http2-prior-knowledge', '--max-time', 20, '--interface', $friend,
    '-H', 'Host: a.test', (map { ('-H', $_) } @said), "http://127.0.0.1:$two/headers" or die "curl: $!";
$head = do { local $/; <$fh> };
like($head, qr/^X-Forwarded-For: 1\.1\.1\.1, 2\.2\.2\.2, 3\.3\.3\.3, $friend\r$/m, 'HTTP/2: a trusted proxy');

# Names that are ours, in all their spellings.
my @ours = ('X-Paas-App: evil', 'x-paas-app: evil', 'X-PAAS-Instance-Id: evil', 'X-Paas-: evil');
unlike(got(headers => \@ours), qr/evil/, 'X-Paas-*');
unlike(got(headers => \@ours, from => $friend), qr/evil/, 'of a trusted proxy, too');
my @underscores = ('X_Paas_App: evil', 'x_PAAS-app: evil', 'X_Forwarded_For: evil', 'X-Forwarded_Proto: evil',
    'X_Request_Id: evil-evil-evil-evil-evil', 'X_Request-Start: evil', 'X_Real_IP: evil', 'X_Other: kept');
for my $from ($stranger, $friend) {
    $head = got(port => $under, from => $from, headers => \@underscores);
    unlike($head, qr/evil/, "with underscores, from $from");
    like($head, qr/^X_Other: kept$/m, "and not those of others, from $from");
}
unlike(got(headers => \@underscores), qr/evil|_/, 'nginx drops names with underscores if nobody wants them');

# Headers of the connection.
$head = got(headers => ['Connection: close, X-Mine ,,x-more', 'X-Mine: evil', 'x-mine: evil', 'X-MORE: evil',
    'X-Other: kept', 'Keep-Alive: evil', 'TE: trailers', 'Proxy-Connection: evil', 'Proxy-Authorization: evil',
    'Proxy: evil', 'X-Real-Ip: evil']);
unlike($head, qr/evil/, 'what Connection names, and what is of the connection');
unlike($head, qr/^TE:/mi, 'TE');
unlike(got(headers => ["Connection: $_", 'X-Hop: evil', 'Connection: close']), qr/evil/, "short: $_")
    for 'X-Hop', 'close,X-Hop';
like($head, qr/^X-Other: kept$/m, 'not the rest');
$head = got(headers => ['Connection: close, Host, Content-Length, Cookie, Authorization', 'Cookie: a=b'],
    method => 'POST', body => 'four');
like($head, qr/^Host: a\.test$/m, 'a client can\'t take away Host');
like($head, qr/^Content-Length: 4$/m, 'nor what frames the request');
unlike($head, qr/^Cookie/m, 'but what is its own');
$head = got(from => $friend, headers => ['Connection: X-Forwarded-For, x-forwarded-proto', @said]);
like($head, qr/^X-Forwarded-For: 1\.1\.1\.1, .*$friend$/m, 'nor X-Forwarded-For');
$head = got(headers => ['Connection: ' . join(',', map { "x-$_" } 1 .. 1000), 'X-16: evil', 'X-Other: kept']);
like($head, qr/^X-Other: kept$/m, 'a Connection that names thousands');
unlike($head, qr/evil/, 'the first of which are obeyed');

# An app's own.
$x = $r->get('a.test', '/offer');
is($x->{status}, 200, 'an app that offers an upgrade');
ok(!exists $x->{headers}{upgrade}, 'which is between it and us');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
