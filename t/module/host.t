# What is a host, and what is refused as none.
use lib 't/lib';
use PaasTest;
use Test::Nginx::Socket 'no_plan';

# A table in place of blocks: nothing but the request line and Host differ.
our $label = 'a' x 63;
our $long = join '.', ($label) x 3, 'b' x 61;      # 253 bytes
our @hosts = (

    # sent                    status  what the app gets
    [ 'a.test',                 200, 'a.test' ],
    [ 'A.TeSt',                 200, 'a.test' ],
    [ 'a.test.',                200, 'a.test' ],
    [ 'a.test:8080',            200, 'a.test' ],
    [ 'a.test:',                200, 'a.test' ],
    [ 'A.test.:80',             200, 'a.test' ],
    [ 'with-dash_and.a.test',   200, 'with-dash_and.a.test' ],
    [ 'xn--bcher-kva.a.test',   200, 'xn--bcher-kva.a.test' ],
    [ '127.0.0.1',              404 ],
    [ '[::1]',                  200, '[::1]' ],
    [ '[::1]:80',               200, '[::1]' ],
    [ '[0:0:0::1]',             200, '[::1]' ],
    [ "$long",                  404 ],
    [ "c$long",                 400 ],
    [ "a$label.test",           400 ],
    [ 'x' x 7000,               400 ],
    [ 'a.test:80x',             400 ],
    [ 'a.test:-1',              400 ],
    [ 'a.test:65536',           400 ],
    [ 'a.test:80:80',           400 ],
    [ 'u@a.test',               400 ],
    [ 'a.test@b.test',          400 ],
    [ '*.a.test',               400 ],
    [ '.a.test',                400 ],
    [ 'a..test',                400 ],
    [ 'a.test..',               400 ],
    [ '<script>',               400 ],
    [ 'a%00.test',              400 ],
    [ "b\xc3\xbccher.test",     400 ],
    [ "a\xff.test",             400 ],
    [ '[::1',                   400 ],
    [ '[::1]x',                 400 ],
    [ '[::1].',                 400 ],
    [ '[::1].:80',              400 ],
    [ '[::g]',                  400 ],
    [ 'a,b.test',               400 ],
    [ 'a.test?',                400 ],
    [ 'a.test#',                400 ],
    [ 'a;b.test',               400 ],
    [ '-',                      404 ],
    [ 'a.test/..',              400 ],
    [ "a.test\tb",              400 ],
    [ '',                       400 ],
);

sub get {
    my ($host) = @_;
    return "GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
}

sub check {
    my ($name, $request, $status, $app) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}") or die $!;
    print {$s} $request;
    local $/;
    my $got = <$s> // '';
    my ($code) = $got =~ m{^HTTP/1\.1 (\d+)};
    is($code, $status, "$name: $status");
    like($got, qr/ host=\Q$app\E uri/, "$name: the app gets $app") if defined $app;
    return $got;
}

PaasTest::import_nginx();
run_tests();

for my $h (@hosts) {
    my ($host, $status, $app) = @$h;
    my $name = length $host > 80 ? substr($host, 0, 20) . '... of ' . length $host : $host;
    $name =~ s/([^\x21-\x7e])/sprintf '\x%02x', ord $1/ge;
    check("'$name'", get($host), $status, $app);
    check("'$name' again", get($host), $status, $app);
}

check('absolute form: the URI wins',
    "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n", 200, 'a.test');
check('absolute form with a port',
    "GET http://A.test:99/ HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n", 200, 'a.test');
check('absolute form with a port that is none',
    "GET http://a.test:65536/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", 400);
check('absolute form, not a host',
    "GET http://u\@a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", 400);
check('two hosts', "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 400);
check('none', "GET / HTTP/1.1\r\n\r\n", 400);
check('none in 1.0', "GET / HTTP/1.0\r\n\r\n", 400);
check('1.0 with one', "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", 200, 'a.test');
like(check('says why', get("a$label.test"), 400), qr/^X-Paas-Error: bad_host\r$/m, 'by name');

__DATA__

=== TEST 1: a host
--- routes
pool 1 app=one type=web
instance 1 1 127.0.0.1:$B1
host a.test pool=1
host *.a.test pool=1
host [::1] pool=1
--- host: a.test
--- request
GET /
--- response_body_like: ^one host=a.test
