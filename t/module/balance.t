# Who gets a request: spread, load, draining, weights, retries.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;

my %b = map { $_ => PaasTest::Backend->new($_) } qw(a b c);
my $dead = free_port();

sub instances {
    my ($pool, %at) = @_;
    return join '', map { "instance $pool $_ 127.0.0.1:$at{$_}\n" } sort keys %at;
}

new_routes(<<EOT);
pool 1 app=spread type=web
@{[ instances(1, 11 => $b{a}{port}, 12 => $b{b}{port}, 13 => $b{c}{port}) ]}
pool 2 app=turn type=web balance=round_robin
@{[ instances(2, 21 => $b{a}{port}, 22 => $b{b}{port}, 23 => $b{c}{port}) ]}
pool 3 app=drain type=web
instance 3 31 127.0.0.1:$b{a}{port}
instance 3 32 127.0.0.1:$b{b}{port} draining
pool 4 app=weights type=web
instance 4 41 127.0.0.1:$b{a}{port} weight=300
instance 4 42 127.0.0.1:$b{b}{port} weight=100
pool 5 app=retry type=web
@{[ instances(5, 51 => $b{a}{port}, 52 => $dead) ]}
pool 6 app=dead type=web
@{[ instances(6, 61 => $dead) ]}
pool 7 app=least type=web balance=least_conn
@{[ instances(7, 71 => $b{a}{port}, 72 => $b{b}{port}, 73 => $b{c}{port}) ]}
pool 8 app=six type=web
instance 8 81 [::1]:$b{a}{port}
pool 9 app=two type=web
@{[ instances(9, 91 => $b{a}{port}, 92 => $b{b}{port}) ]}
host spread.test pool=1
host turn.test pool=2
host drain.test pool=3
host weights.test pool=4
host retry.test pool=5
host dead.test pool=6
host least.test pool=7
host six.test pool=8
host two.test pool=9
host split.test pool=3:90,2:10
EOT

my $r = PaasTest::Router->new(workers => 1);

sub count {
    my ($n, $host, @request) = @_;
    my %n;
    for (1 .. $n) {
        my $got = $r->get($host, @request ? @request : '/');
        $n{ $got->{status} == 200 ? $got->{body} =~ s/\s+//r : $got->{status} }++;
    }
    return \%n;
}

my $n = count(300, 'spread.test');
cmp_ok($n->{$_} // 0, '>', 50, "two choices: $_ gets its share of 300") for qw(a b c);

is_deeply(count(30, 'turn.test'), { a => 10, b => 10, c => 10 }, 'round robin: in turn');
is_deeply(count(30, 'drain.test'), { a => 30 }, 'draining: nothing new');

$n = count(400, 'weights.test');
cmp_ok($n->{a} // 0, '>', $n->{b} * 2, 'weights: three times as many, more or less');

$n = count(300, 'split.test');
cmp_ok($n->{a} // 0, '>', 200, 'a split: nine of ten');
cmp_ok(($n->{b} // 0) + ($n->{c} // 0), '>', 2, 'and the others');

# Load counts: with requests stuck at two of three, the third gets the rest.
for my $host (qw(least.test two.test)) {
    my @busy = map { $r->send($host, '/slow') } 1 .. 4;
    ok(wait_for(10, sub { my $s = $r->state; $s && $s->{totals}{in_flight} == 4 }), "$host: four in flight");
    my %at;
    $at{ $_->{id} } = $_->{in_flight} for @{ $r->state->{instances} };
    my @used = grep { $_ } values %at;
    cmp_ok((sort { $b <=> $a } @used)[0], '<=', 2, "$host: no instance has more than two of them");
    $_->release for values %b;
    PaasTest::Router::answer($_) for @busy;
    $_->hold for values %b;
    ok(wait_for(10, sub { $r->state->{totals}{in_flight} == 0 }), "$host: none left");
}

# Retries.
is_deeply(count(40, 'retry.test'), { a => 40 }, 'a dead instance costs no GET');
my $dead_one = (grep { $_->{id} =~ /34$/ } @{ $r->state->{instances} })[0];    # 52
cmp_ok($dead_one->{failures}, '<', 10, 'and is left alone after a few attempts');
cmp_ok($dead_one->{failures}, '>', 0, 'which count as failures');
is_deeply(count(20, 'retry.test', '/', method => 'POST', body => 'x'), { a => 20 },
    'nor a POST, since nothing was sent');
is($r->get('dead.test', '/')->{headers}{'x-paas-error'}, 'connect_failed', 'the last instance is never ejected');
is($r->get('dead.test', '/')->{headers}{'x-paas-error'}, 'connect_failed', 'however often it fails');
$b{dead} = PaasTest::Backend->new('dead', port => $dead);
is($r->get('dead.test', '/')->{body}, "dead\n", 'and is there again at once');

my $got = $r->get('two.test', '/close');
is($got->{status}, 502, 'all instances close: 502');
is($got->{headers}{'x-paas-error'}, 'closed', 'by name');
like($got->{headers}{'x-which'}, qr/ [23]$/, 'a GET was tried at both; once more if a kept connection was used');

for my $backend (@b{qw(a b)}) { unlink "$backend->{base}.log" }
$got = $r->get('two.test', '/close', method => 'POST', body => 'buy');
is($got->{status}, 502, 'a POST that was sent: 502');
is(scalar(map { $_->seen } @b{qw(a b)}), 1, 'is not sent again');

for my $backend (@b{qw(a b)}) { unlink "$backend->{base}.log" }
$got = $r->get('two.test', '/close', method => 'POST', body => 'buy', headers => ['Idempotency-Key: 1']);
cmp_ok(scalar(map { $_->seen } @b{qw(a b)}), '>=', 2, 'unless it says that it may be');

$got = $r->get('two.test', '/half');
is($got->{body}, 'half', 'never after a byte of the response');
like($got->{headers}{'x-which'}, qr/ 1$/, 'one attempt');
is($r->get('two.test', '/garbage')->{headers}{'x-paas-error'}, 'bad_response', 'no HTTP: bad_response');

is($r->get('six.test', '/')->{headers}{'x-paas-error'}, 'connect_failed', 'an IPv6 address is connected to');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
