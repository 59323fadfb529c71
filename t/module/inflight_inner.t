# In-flight counts where one request of a client is several, or none, for the
# app: redirects, subrequests, caches, streams that are reset.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;
*answer = \&PaasTest::Router::answer;

my $a = PaasTest::Backend->new('a');
new_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
host a.test pool=1
EOT
my $paas = "paas on; proxy_pass http://apps; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;";
my $r = PaasTest::Router->new(workers => 1, http => <<EOT);
proxy_cache_path cache keys_zone=c:1m;
server {
    listen 127.0.0.1:$ENV{B1};
    listen 127.0.0.1:$ENV{B2} http2;
    location / { $paas }
    location = /404 { $paas proxy_intercept_errors on; error_page 404 = /headers; }
    location = /404named { rewrite ^ /404 break; $paas proxy_intercept_errors on; error_page 404 = \@again; }
    location \@again { rewrite ^ /headers break; $paas }
    location /mirrored { rewrite ^ / break; mirror /mirror; $paas }
    location = /mirror { internal; rewrite ^ /slow break; $paas }
    location /private { rewrite ^ / break; auth_request /auth; $paas }
    location = /auth { internal; rewrite ^ /slow break; $paas proxy_pass_request_body off; proxy_set_header Content-Length ''; }
    location /ssi { ssi on; ssi_types *; $paas }
    location /cached { rewrite ^ /slow break; $paas
        proxy_cache c; proxy_cache_key \$paas_host\$uri; proxy_cache_valid 200 1s;
        proxy_cache_use_stale updating error; proxy_cache_background_update on;
        add_header X-Cache \$upstream_cache_status; }
    location /stale { rewrite ^ /length break; $paas
        proxy_cache c; proxy_cache_key \$paas_host\$uri; proxy_cache_valid 200 1s;
        proxy_cache_use_stale error; add_header X-Cache \$upstream_cache_status; }
}
EOT
$r->{port} = $ENV{B1};

sub reaches {
    my ($n, $what) = @_;
    my $got = -2;
    wait_for(15, sub { ($got = $r->in_flight(1)) == $n });
    is($got, $n, $what);
}
sub requests { my ($i) = @{ $r->state->{instances} }; return $i->{requests} }

# ---- redirected inside nginx --------------------------------------------------

my $got = $r->get('a.test', '/404');
like($got->{body}, qr{^GET /headers }, 'an error page of the same app is asked of the same instance');
$got = $r->get('a.test', '/404named');
like($got->{body}, qr{^GET /headers }, 'by a named location as well');
reaches(0, 'none left');
is(requests(), 4, 'each time it was two requests');

# ---- subrequests -----------------------------------------------------------------

$a->hold;
my $s = $r->send('a.test', '/mirrored');
like(PaasTest::Router::read_until($s, qr/\na\n/), qr/\r\n\r\na\n/, 'a request that is mirrored');
reaches(1, 'the mirrored one lasts on');
$a->release;
reaches(0, 'and ends');

$a->hold;
$s = $r->send('a.test', '/private');
reaches(1, 'auth_request waits');
close $s;
reaches(0, 'and ends with its client');
$s = $r->send('a.test', '/private');
reaches(1, 'another one');
$a->release;
is(answer($s)->{body}, "a\n", 'lets the request pass');
reaches(0, 'none left');

$a->hold;
$s = $r->send('a.test', '/ssi');
reaches(2, 'a page with two parts');
close $s;
reaches(0, 'ends with its client');
$s = $r->send('a.test', '/ssi');
reaches(2, 'another one');
$a->release;
like(answer($s)->{raw}, qr/first.*a\n.*a\n.*last/s, 'is put together');
reaches(0, 'none left');

# ---- a cache --------------------------------------------------------------------------

$got = $r->get('a.test', '/cached');
is("$got->{headers}{'x-cache'} $got->{body}", "MISS a\n", 'a response is cached');
my $n = requests();
is($r->get('a.test', '/cached')->{headers}{'x-cache'}, 'HIT', 'and used');
is(requests(), $n, 'which is no request of the app');
reaches(0, 'none left');
$a->hold;
my @open;
ok(wait_for(10, sub {
    push @open, $r->send('a.test', '/cached');
    PaasTest::Router::read_until($open[-1], qr/\r\n\r\na\n/) =~ /X-Cache: STALE/;
}), 'when it is stale it is used, too');
reaches(1, 'while another one is fetched');
$a->release;
reaches(0, 'which ends');
is($r->get('a.test', '/stale')->{headers}{'x-cache'}, 'MISS', 'another one is cached');
$a->kill;
ok(wait_for(10, sub { $got = $r->get('a.test', '/stale'); $got->{headers}{'x-cache'} eq 'STALE' }), 'the app is dead');
is("$got->{status} " . ($got->{headers}{'x-paas-error'} // '-'), '200 -', 'the stale one is used, and no error');
reaches(0, 'none left');
$a->start;
ok(wait_for(10, sub { $r->get('a.test', '/')->{status} == 200 }), 'it is back');

# ---- provisional responses, and unbuffered ones ------------------------------------------

$r->get('a.test', "/raw/$_") for qw(nine switch continue hints zero), qw(nine switch continue hints zero);
reaches(0, 'answers that are none leave nothing');

$a->hold;
$s = $r->send('a.test', '/unbuffered');
like(PaasTest::Router::read_until($s, qr/half/), qr/half/, 'the app asks for no buffering');
is($r->in_flight(1), 1, 'half of it: still in flight');
close $s;
reaches(0, 'the client leaves');

# ---- HTTP/2 ----------------------------------------------------------------------------------

sub frame { my ($type, $flags, $stream, $data) = @_; return substr(pack('N', length $data), 1) . pack('CCN', $type, $flags, $stream) . $data }
sub literal { my ($index, $value) = @_; return pack('C', $index) . pack('C', length $value) . $value }
sub h2 {
    my (@streams) = @_;
    my $h2 = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ENV{B2}) or die $!;
    syswrite $h2, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '') . join '', map {
        frame(1, 5, $_, "\x82\x86" . literal(4, '/slow') . literal(1, 'a.test')) } @streams;
    return $h2;
}
my ($before) = map { $_->{failures} } @{ $r->state->{instances} };
my $h2 = h2(1, 3, 5, 7, 9);
reaches(5, 'HTTP/2: five streams');
syswrite $h2, join '', map { frame(3, 0, $_, pack 'N', 8) } 1, 5, 9;
reaches(2, 'three are reset');
syswrite $h2, frame(1, 5, 11, "\x82\x86" . literal(4, '/stream') . literal(1, 'a.test'));
reaches(3, 'one more');
syswrite $h2, frame(3, 0, 11, pack 'N', 8);
reaches(2, 'is reset in its body');
close $h2;
reaches(0, 'the connection ends');
my ($after) = map { $_->{failures} } @{ $r->state->{instances} };
is($after, $before, 'none of it is held against the app');
is($r->state->{totals}{in_flight}, 0, 'nor in the totals');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
