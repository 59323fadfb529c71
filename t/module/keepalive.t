# Connections to instances: which request gets which, how many are kept, and
# when they are closed.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(sleep time);

*wait_for = \&PaasTest::Router::wait_for;

my %b = map { $_ => PaasTest::Backend->new($_) } qw(a b c);

sub routes {
    my (%at) = @_;
    my $text = '';
    for my $app (sort keys %at) {
        my $pool = ord $app;
        $text .= "pool $pool app=$app type=web\nhost $app.test pool=$pool\n";
        $text .= "instance $pool $_\n" for @{ $at{$app} };
    }
    return $text;
}

sub at { my ($id, $to, @more) = @_; return join ' ', $id, "127.0.0.1:$b{$to}{port}", @more }

my %plain = (a => [at(1, 'a')], b => [at(2, 'b')], c => [at(3, 'c')]);
new_routes(routes(%plain));

my $other = free_port();
sub other {
    my ($more) = @_;
    return "server { listen 127.0.0.1:$other; location / { paas on; proxy_pass http://apps; "
        . "include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; $more } }";
}

my $r = PaasTest::Router->new(workers => 1, upstream => 'paas_keepalive 4 timeout=60s;',
    location => 'proxy_request_buffering off; proxy_buffering off;', http => other('proxy_bind 127.0.0.2;'));

# Which connection served it; nothing but a number if all went well.
sub who {
    my ($host, $path, @more) = @_;
    my $got = $r->get($host, $path // '/who', @more);
    my ($pid) = $got->{body} =~ /^\w+ (\d+)\n$/;
    return $pid // "$got->{status} $got->{raw}";
}

# The connection is another one than $first, and is the first from now on.
my $first;

sub renewed {
    my ($what) = @_;
    my $pid = who('a.test');
    isnt($pid, $first, $what);
    $first = $pid;
}

sub open_at {
    my ($n, $what, @apps) = @_;
    my $got;
    wait_for(15, sub { $got = 0; $got += () = $_->children for @b{ @apps ? @apps : 'a' }; $got == $n });
    is($got, $n, $what);
}

# As many at once as asked for, all on connections of their own.
sub burst {
    my ($n, $app, $host) = @_;
    $b{$app}->hold;
    my @s = map { $r->send($host // "$app.test", '/slow') } 1 .. $n;
    open_at($n, "$n at once at $app", $app);
    $b{$app}->release;
    PaasTest::Router::answer($_) for @s;
    $b{$app}->hold;
}

sub afresh {
    my ($upstream, %opt) = @_;
    $r->configure(upstream => $upstream, %opt);
    $r->reload;
    open_at(0, "nothing is left after the reload to: $upstream", keys %b);
}

# ---- reuse

$first = who('a.test');
like($first, qr/^\d+$/, 'a request');
is(who('a.test'), $first, 'the next one gets its connection') for 1 .. 3;
is(who('a.test', '/who', method => 'POST', body => 'x' x 100000), $first, 'so does one with a body');
isnt(who('b.test'), $first, 'not that of another instance');
is(who('a.test'), $first, 'which changes nothing');

is(who('a.test', '/late'), $first, 'an instance that says what nobody asked for');
open_at(0, 'loses the connection');
renewed('and gets a new one');

kill 'KILL', $first;
open_at(0, 'a connection that was closed while idle');
renewed('is forgotten');
my $which = $r->get('a.test', '/who')->{headers}{'x-which'};
like($which, qr/ 1$/, 'at the cost of no attempt');

is($r->get('a.test', '/half')->{body}, 'half', 'a response that was cut off');
renewed('takes its connection with it');

my $s = $r->send('a.test', '/early', method => 'PUT', headers => ['Content-Length: 1000000'], keep => 1);
like(PaasTest::Router::read_until($s, qr/a \d+\n/), qr/^HTTP\/1.1 200.*a $first\n/s,
    'an answer before the request was sent');
close $s;
open_at(0, 'ends its connection');
renewed('and the rest is sent to nobody');

$b{a}->hold;
$s = $r->send('a.test', '/slow');
ok(wait_for(10, sub { $r->in_flight(1) == 1 }), 'a client that leaves');
close $s;
ok(wait_for(10, sub { $r->in_flight(1) == 0 }), 'is not counted any more');
$b{a}->release;
open_at(0, 'and takes its connection along');

# The first byte of a request may find that it is closed: then the next try.
$first = who('a.test');
$which = $r->get('a.test', '/close');
is($which->{headers}{'x-paas-error'}, 'closed', 'an instance that closes a kept connection, and the next one');
like($which->{headers}{'x-which'}, qr/ 2$/, 'was asked a second time, as nobody knows why it closed the first');
is($r->get('a.test', '/close')->{headers}{'x-which'} =~ s/.* //r, 1, 'but a new one only once');

# ---- what makes a connection another one

$first = who('a.test');
{
    local $r->{port} = $other;
    isnt(who('a.test'), $first, 'another local address: another connection');
    my $bound = who('a.test');
    is(who('a.test'), $bound, 'which is kept as well');
    isnt($bound, $first, 'beside the first');
}
is(who('a.test'), $first, 'that is still there');
afresh('paas_keepalive 4 timeout=60s;', http => other('proxy_socket_keepalive on;'));
$first = who('a.test');
{
    local $r->{port} = $other;
    isnt(who('a.test'), $first, 'with proxy_socket_keepalive, too');
}

# ---- bounds

afresh('paas_keepalive 4 timeout=60s;', http => '');
burst(6, 'a');
open_at(4, 'four of six are kept');
burst(2, 'b');
open_at(4, 'four in all, whosever they are', qw(a b));
open_at(2, 'the latest two', 'b');

afresh('paas_keepalive 2 timeout=60s;');
my %at = map { $_ => who("$_.test") } qw(a b);
is(who('a.test'), $at{a}, 'used again: b is the oldest');
$at{c} = who('c.test');
open_at(0, 'and goes for c', 'b');
is(who('a.test'), $at{a}, 'a is kept');
is(who('c.test'), $at{c}, 'c is kept');

afresh('paas_keepalive 6 per_instance=2 timeout=60s;');
burst(4, 'a');
open_at(2, 'two an instance');
burst(4, 'b');
open_at(2, 'of each', 'b');
open_at(2, 'without harm to others', 'a');

afresh('paas_keepalive 4 timeout=60s requests=3;');
my %n;
$n{ who('a.test') }++ for 1 .. 7;
is_deeply([sort values %n], [1, 3, 3], 'three requests a connection');

afresh('paas_keepalive 4 timeout=1s;');
my $start = time;
who('a.test');
open_at(0, 'closed after the timeout');
cmp_ok(time - $start, '>', 0.9, 'not before');

afresh('paas_keepalive 4 timeout=60s time=3s;');
$first = who('a.test');
sleep 3.2;
is(who('a.test'), $first, 'older than its time, a connection is used once more');
open_at(0, 'and closed then');

afresh('paas_keepalive off;');
isnt(who('a.test'), who('a.test'), 'off: none is kept');
open_at(0, 'at all');

# ---- instances that go

my $on = 'paas_keepalive 16 timeout=60s;';
afresh($on);
who("$_.test") for qw(a b c);
open_at(3, 'a connection each', qw(a b c));
change_routes(routes(%plain, a => []));
open_at(0, 'an instance that is gone: closed, without a request', 'a');
change_routes(routes(%plain, b => [at(2, 'b', 'draining')]));
open_at(0, 'draining: the same', 'b');
open_at(1, 'others keep theirs', 'c');
my $c = who('c.test');
change_routes(routes(%plain, c => [at(3, 'a')]));
open_at(0, 'at another address: closed at the old one', 'c');
isnt(who('c.test'), $c, 'and asked at the new one');

# At once after the commit, whether or not the worker had time for a look.
for my $id (11 .. 15) {
    $first = who('a.test');
    is(who('a.test'), $first, 'kept');
    change_routes(routes(%plain, a => [at($id, 'a')]));
    isnt(who('a.test'), $first, "instance $id at the address of another: no old connection");
}

# A response that outlives its instance: nobody may get what comes after.
$b{a}->hold;
$s = $r->send('a.test', '/stream');
PaasTest::Router::read_until($s, qr/half/);
change_routes(routes(%plain, a => [at(21, 'a')]));
open_at(1, 'a connection that is in use');
my ($old) = $b{a}->children;
$b{a}->release;
like(PaasTest::Router::answer($s)->{raw}, qr/done$/, 'a response that outlives its instance');
isnt(who('a.test'), $old, 'its connection is not used again');
open_at(1, 'and closed');

change_routes(routes(%plain, c => [at(31, 'a')]));
open_at(0, 'a new beginning', 'b');
$first = who('a.test');
is(who('c.test'), $first, 'two instances that share an address share its connections');
is(who('a.test'), $first, 'in both directions');
change_routes(routes(%plain, a => [], c => [at(31, 'a')]));
is(who('c.test'), who('c.test'), 'until one is gone');

# ---- the worker goes

change_routes(routes(%plain));
afresh($on);
burst(3, 'a');
my ($worker) = $r->workers;
$r->reload;
ok(wait_for(10, sub { !kill 0, $worker }), 'a worker that leaves does not wait for idle connections');
open_at(0, 'and closes them');
$b{a}->hold;
$s = $r->send('a.test', '/slow');
ok(wait_for(10, sub { $r->in_flight(1) == 1 }), 'a request in flight');
($worker) = $r->workers;
$r->reload;
$b{a}->release;
like(PaasTest::Router::answer($s)->{raw}, qr/ 200 /, 'is answered by the worker that leaves');
ok(wait_for(10, sub { !kill 0, $worker }), 'which leaves then');
open_at(0, 'and keeps no connection');
unlike($r->log, qr/\[(?:alert|crit|emerg)\]|open socket .* left in connection/, 'nothing bad in the log');

done_testing();
