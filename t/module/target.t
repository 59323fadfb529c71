# One instance by its name: X-Paas-Instance in the request and the response.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;
*answer = \&PaasTest::Router::answer;

my %b = map { $_ => PaasTest::Backend->new($_) } qw(a b c d);
my $dead = free_port();

new_routes(<<EOT);
pool 1 app=shop type=web name_instance
instance 1 11 127.0.0.1:$b{a}{port} number=1
instance 1 12 127.0.0.1:$b{b}{port} number=2
instance 1 13 127.0.0.1:$b{c}{port} number=3
instance 1 14 127.0.0.1:$b{d}{port} number=4 draining
instance 1 15 127.0.0.1:$b{d}{port}
instance 1 16 127.0.0.1:$b{d}{port} number=3 draining
pool 2 app=shop type=canary name_instance
instance 2 21 127.0.0.1:$b{d}{port} number=1
pool 3 app=asleep type=web state=asleep hold=20000
pool 4 app=maint type=web state=maintenance
instance 4 41 127.0.0.1:$b{a}{port} number=1
pool 5 app=dead type=web name_instance
instance 5 51 127.0.0.1:$dead number=1
instance 5 52 127.0.0.1:$b{b}{port} number=2
pool 6 app=busy type=web concurrency=1 queue=10
instance 6 61 127.0.0.1:$b{a}{port} number=1
instance 6 62 127.0.0.1:$b{b}{port} number=2
pool 7 app=quiet type=web
instance 7 71 127.0.0.1:$b{a}{port} number=1
pool 8 app=deploy type=web
instance 8 81 127.0.0.1:$b{a}{port} number=1
instance 8 82 127.0.0.1:$b{b}{port} number=1
host shop.test pool=1
host split.test pool=1:9999,2:1
host asleep.test pool=3
host maint.test pool=4
host dead.test pool=5
host busy.test pool=6
host quiet.test pool=7
host deploy.test pool=8
host away.test to=shop.test
EOT
my $r = PaasTest::Router->new(workers => 2, http => <<EOT);
server {
    listen 127.0.0.1:$ENV{B1};
    location / { proxy_pass http://apps; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; }
}
EOT

# "BODY web.N", or "STATUS ERROR".
sub ask {
    my ($host, $name, %opt) = @_;
    my $got = $r->get("$host.test", '/', headers => [map { "X-Paas-Instance: $_" } ref $name ? @$name : $name], %opt);
    my $h = $got->{headers};
    return $got->{status} == 200 ? $got->{body} =~ s/\s//gr . ' ' . ($h->{'x-paas-instance'} // '-')
        : "$got->{status} " . ($h->{'x-paas-error'} // '');
}

# ---- by name and id -----------------------------------------------------------

for my $n (1 .. 5) {
    is(ask('shop', 'web.1'), 'a web.1', 'by name');
    is(ask('shop', 'web.3'), 'c web.3', 'always that one, not the draining one');
}
is(ask('shop', sprintf('%016x', 12)), 'b web.2', 'by id');
is(ask('shop', sprintf('%016X', 15)), 'd 000000000000000f', 'one without a number; capital digits');
is(ask('deploy', 'web.1'), 'b -', 'of two the newer one');
is($r->get('shop.test', '/headers', headers => ['x-PAAS-instance: web.1'])->{body} =~ /paas/i, '',
    'the app does not see it');

is(ask('shop', $_), '404 no_such_instance', "none: $_")
    for 'web.9', 'web.4', 'worker.1', 'WEB.1', sprintf('%016x', 14), sprintf('%016x', 21), 'f' x 16;
is(ask('asleep', 'web.1'), '404 no_such_instance', 'nobody is woken');
is(ask('maint', 'web.1'), '503 maintenance', 'maintenance comes first');
is(ask('nowhere', 'web.1'), '404 no_route', 'as does the route');

for ('', 'web', 'web.', '.1', 'web.0', 'web.01', 'web.-1', 'web.1x', 'web.65536', 'web.99999999999999999999', '0' x 16,
    '1' x 15, '1' x 17, 'g' x 16, 'x' x 65 . '.1', "web.1, web.2") {
    is(ask('shop', $_), '400 bad_instance', "no name: '$_'");
}
is(ask('shop', ['web.1', 'web.1']), '400 bad_instance', 'two of them');
my $got = $r->get('shop.test', '/', headers => ['X-Paas-Instance: x', 'Accept: application/json']);
is($got->{headers}{'content-type'}, 'application/json', 'errors as JSON');
like($got->{body}, qr/"id":"bad_instance","status":400/, 'with their name');
like($r->get('shop.test', '/', headers => ['X-Paas-Instance: web.7'])->{body}, qr/<title>No such instance/, 'or as a page');

# ---- splits, failures, limits ------------------------------------------------------

is(ask('split', 'canary.1'), 'd canary.1', 'in whatever pool of a split');
is(ask('split', 'web.2'), 'b web.2', 'the other one as well');
is(ask('split', 'canary.2'), '404 no_such_instance', 'in none of them');
is(ask('dead', 'web.1'), '502 connect_failed', 'it can not be reached: no other one is tried') for 1 .. 3;
is(ask('dead', 'web.2'), 'b web.2', 'the other one can');
# Once more at the same one, if it was by a kept connection.
like($r->get('dead.test', '/close', headers => ['X-Paas-Instance: web.2'])->{headers}{'x-which'}, qr/^0+34 [12]$/,
    'nor is it after a failure');

my $busy = $r->send('busy.test', '/slow', headers => ['X-Paas-Instance: web.1']);
ok(wait_for(10, sub { $r->in_flight(61) == 1 }), 'one is busy');
is(ask('busy', 'web.1'), '503 hold_full', 'who wants it does not wait, and stops nobody');
is(ask('busy', 'web.2'), 'b -', 'the other one is free');
is($r->get('busy.test', '/')->{body}, "b\n", 'for all');
$b{a}->release;
is(answer($busy)->{status}, 200, 'it answers');
ok(wait_for(10, sub { ask('busy', 'web.1') eq 'a -' }), 'and is free again');

{
    local $r->{port} = $ENV{B1};
    is(ask('shop', 'web.2'), 'b web.2', 'without "paas on"');
    is(ask('shop', 'web.9'), '404 no_such_instance', 'none there');
    is(ask('shop', 'web'), '400 bad_instance', 'no name there');
}

# ---- what the response says ---------------------------------------------------------

$got = $r->get('shop.test', '/');
is($got->{headers}{'x-paas-app'}, 'shop', 'the app');
like($got->{headers}{'x-paas-instance'}, qr/^(?:web\.[123]|0{15}f)$/, 'and the instance, where the pool says so');
$got = $r->get('quiet.test', '/');
is($got->{headers}{'x-paas-app'} // $got->{headers}{'x-paas-instance'}, undef, 'not where it does not');
is(scalar(() = $r->get('dead.test', '/')->{raw} =~ /^X-Paas-Instance: web\.2\r$/mg), 1, 'the one that answered');
is($r->get('away.test', '/', headers => ['X-Paas-Instance: web.1'])->{status}, 308, 'a redirect is one');
cmp_ok($r->state->{totals}{errors}{bad_instance}, '>', 10, 'counted as bad_instance');
cmp_ok($r->state->{totals}{errors}{no_such_instance}, '>', 5, 'and no_such_instance');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
