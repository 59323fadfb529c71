# Upgrades, events, and what is passed on of a request's header.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

my $a = PaasTest::Backend->new('a');
new_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
host a.test pool=1
EOT
my %pages;
my $h2 = free_port();
my $r = PaasTest::Router->new(upstream => 'paas_keepalive 4;', http => <<EOT);
server { listen 127.0.0.1:$h2 http2; location / { paas on; proxy_pass http://apps; proxy_set_header Host \$paas_host; } }
EOT

*until_like = \&PaasTest::Router::read_until;

my @ws = ('Upgrade: WebSocket', 'Connection: keep-alive, Upgrade', 'Sec-WebSocket-Version: 13');
my $s = $r->send('a.test', '/ws', keep => 1, headers => \@ws);
like(until_like($s, qr/\r\n\r\n/), qr{^HTTP/1.1 101 }, 'switched');
for my $n (1 .. 3) {
    syswrite $s, "line $n";
    is(until_like($s, qr/\d$/), "a: line $n", "echo $n");
}
close $s;

my $head = $r->get('a.test', '/headers', headers => \@ws)->{body};
like($head, qr/^Upgrade: websocket\r$/m, 'Upgrade is passed on for a websocket');
like($head, qr/^Connection: upgrade\r$/m, 'with its Connection');
is($r->get('a.test', '/', headers => \@ws)->{body}, "a\n", 'an app may decline');

$head = $r->get('a.test', '/headers', headers => ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings',
    'HTTP2-Settings: x'])->{body};
unlike($head, qr/^Upgrade/mi, 'an upgrade to h2c is not');
unlike($head, qr/^Connection: *upgrade/mi, 'nor its Connection');
$head = $r->get('a.test', '/headers', method => 'POST', body => 'x', headers => \@ws)->{body};
unlike($head, qr/^Upgrade/mi, 'nor that of a POST');

$head = $r->get('a.test', '/headers', headers => ['X-Paas-App: evil', 'x-paas-instance: 0000000000000001', 'X-Paas-: kept',
    'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Host: evil', 'X-Forwarded-Proto: https', 'X-Real-IP: 6.6.6.6',
    'Forwarded: for=6.6.6.6', 'Proxy: evil', 'X-Other: kept'])->{body};
unlike($head, qr/evil|6\.6\.6\.6|^x-paas-instance/mi, 'what only a proxy may say is removed');
like($head, qr/^X-Other: kept\r?$/m, 'the rest is not');
like($head, qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'X-Forwarded-For');
like($head, qr/^X-Forwarded-Proto: http\r$/m, 'X-Forwarded-Proto');
like($head, qr/^X-Forwarded-Port: $r->{port}\r$/m, 'X-Forwarded-Port');
like($head, qr/^X-Request-Id: [0-9a-f]{32}\r$/m, 'X-Request-Id is made');
like($head, qr/^X-Request-Start: \d{13}\r$/m, 'X-Request-Start');
like($head, qr/^Host: a\.test\r$/m, 'Host');

my $id = 'abcdefgh-ABCDEFGH-01234567';
like($r->get('a.test', '/headers', headers => ["X-Request-Id: $id"])->{body},
    qr/^X-Request-Id: $id\r$/m, 'a fit X-Request-Id is kept');
like($r->get('a.test', '/headers', headers => ['X-Request-Id: too<short>but<evil>and<long>'])->{body},
    qr/^X-Request-Id: [0-9a-f]{32}\r$/m, 'an unfit one is not');

$s = $r->send('a.test', '/events');
like(until_like($s, qr/data: 1\n\n/), qr/data: 1\n\n/, 'a server-sent event comes at once');
$a->release;
like(PaasTest::Router::answer($s)->{raw}, qr/data: 2/, 'and so does the next');

# After these nginx would pass on whatever comes.
for my $how (qw(nine switch continue hints zero)) {
    my $got = $r->get('a.test', "/raw/$how");
    is($got->{status}, 502, "an app that answers with raw bytes ($how) gets nothing through");
    is($got->{headers}{'x-paas-error'}, 'bad_response', "and it is said why ($how)");
    unlike($got->{raw}, qr/poison|forged/, "with not a byte of it ($how)");
    my $said = `curl -si --max-time 20 --http2-prior-knowledge -H 'Host: a.test' http://127.0.0.1:$h2/raw/$how`;
    like($said, qr{^HTTP/2 502 .*^x-paas-error: bad_response\b}ms, "the same by HTTP/2 ($how)");
    unlike($said, qr/poison|forged/, "as little of it ($how)");
}
$s = $r->send('a.test', '/raw/switch', keep => 1, headers => \@ws);
like(until_like($s, qr/poison/), qr{^HTTP/1.1 101 .*poison}s, 'who asked for a websocket gets it');
close $s;
is($r->get('a.test', '/')->{body}, "a\n", 'and the app goes on');

# A page for the error that is routed in its turn, to nowhere and somewhere.
for my $path ('/raw', '/') {
    change_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
host a.test pool=1 path=$path
EOT
    my $pages = $pages{$path} = PaasTest::Router->new(location => 'error_page 502 /502.html;');
    my @workers = $pages->workers;
    is($pages->get('a.test', '/raw/switch')->{status}, $path eq '/' ? 502 : 404, "an error page at $path");
    is_deeply([$pages->workers], \@workers, 'the worker lives');
    is($pages->state->{totals}{in_flight}, 0, 'and nothing is in flight');
}

is($r->get('a.test', '/length', method => 'POST', body => 'x' x 3_000_000)->{body}, "3000000\n", 'a large body');

# Keepalive with the instance: connections are used again.
my %ports;
for (1 .. 20) { $r->get('a.test', '/') }
my ($i) = @{ $r->state->{instances} };
cmp_ok($i->{requests}, '>=', 20, 'requests are counted');
is($i->{failures}, 0, 'and none failed');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
