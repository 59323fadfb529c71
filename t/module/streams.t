# What must not wait in a buffer, and all versions of HTTP that clients speak.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

my $a = PaasTest::Backend->new('a');
my $two = free_port();
new_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
pool 2 app=booting type=web state=starting
pool 3 app=stopped type=web state=stopped
pool 4 app=maint type=web state=maintenance
host a.test pool=1
host booting.test pool=2
host stopped.test pool=3
host maint.test pool=4
EOT
my $location = "paas on; proxy_pass http://apps; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;";
my $r = PaasTest::Router->new(workers => 1, location => 'proxy_request_buffering off;', http => <<EOT);
server { listen 127.0.0.1:$two http2; location / { $location } }
EOT

# 1 GiB: the app has the first half before the second one is sent, and nothing
# of it is ever in a file or in the worker's memory.
my ($worker) = $r->workers;
sub private { local (@ARGV, $/) = ("/proc/$worker/smaps_rollup"); return <> =~ /^Private_Dirty: *(\d+)/m ? $1 : 0 }
my ($half, $part) = (1 << 29, 'x' x (1 << 20));
my $before = private();
my $s = $r->connect;
print {$s} "POST /count HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: @{[2 * $half]}\r\n\r\n";
print {$s} $part for 1 .. $half / length $part;
ok(PaasTest::Router::wait_for(60, sub { $a->counted >= $half - (1 << 25) }), 'the app gets what was sent so far');
cmp_ok(private() - $before, '<', 4096, 'which is not in memory');
my @files = glob "$r->{prefix}/body/* /proc/$worker/fd/*";
is(scalar(grep { (readlink($_) // $_) =~ m{^\Q$r->{prefix}\E/body/} } @files), 0, 'nor in a file');
print {$s} $part for 1 .. $half / length $part;
is(PaasTest::Router::answer($s)->{body}, 2 * $half . "\n", '1 GiB');

# Versions of HTTP.
$s = $r->connect;
print {$s} "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n";
my $x = PaasTest::Router::answer($s);
is("$x->{status} $x->{body}", "200 a\n", 'HTTP/1.0');
$s = $r->connect;
print {$s} "GET / HTTP/1.0\r\n\r\n";
is(PaasTest::Router::answer($s)->{headers}{'x-paas-error'}, 'bad_host', 'HTTP/1.0 without a host');
$s = $r->connect;
print {$s} "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n";
like(PaasTest::Router::read_until($s, qr/\r\n\r\na\n/), qr/^Connection: keep-alive\r$/m, 'HTTP/1.0 with keepalive');
print {$s} "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n";
is(PaasTest::Router::answer($s)->{body}, "a\n", 'and another request on it');
$s = $r->connect;
print {$s} "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
is(() = PaasTest::Router::answer($s)->{raw} =~ m{^HTTP/1\.1 200}mg, 2, 'HTTP/1.1, one behind the other');
sub curl {
    open my $fh, '-|', 'curl', '-sN', '--http2-prior-knowledge', '--max-time', 30, '-H', 'Host: a.test', @_ or die $!;
    return $fh;
}
my $fh = curl('-w', '%{http_version}', "http://127.0.0.1:$two/");
is(do { local $/; <$fh> }, "a\n2", 'HTTP/2');
$fh = curl('--data-binary', 'x' x 100_000, "http://127.0.0.1:$two/length");
is(do { local $/; <$fh> }, "100000\n", 'HTTP/2 with a body');

# An event comes when it is sent, by HTTP/2 as well.
$fh = curl("http://127.0.0.1:$two/events");
is(scalar <$fh>, "data: 1\n", 'an event by HTTP/2, while the next one is held back');
$a->release;
like(do { local $/; <$fh> }, qr/^data: 2$/m, 'and then that');

# When to come again.
for (['booting', 5], ['maint', 60], ['stopped', undef]) {
    my ($name, $seconds) = @$_;
    $x = $r->get("$name.test", '/');
    is($x->{headers}{'retry-after'}, $seconds, "$name: Retry-After");
    is($x->{headers}{'cache-control'}, 'no-cache, no-store', "$name: never cached");
}
$x = $r->get('stopped.test', '/', headers => ['Accept: application/vnd.heroku+json; version=3']);
is($x->{headers}{'content-type'}, 'application/json', 'JSON by any of its names');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
