# Sticky sessions: a signed cookie, as long as its instance is there.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;
*answer = \&PaasTest::Router::answer;

my $a = PaasTest::Backend->new('a');
my $b = PaasTest::Backend->new('b');
my @key = map { sprintf('%02x', $_) x 32 } 0 .. 9;

# What is told apart by $paas_instance may be one backend.
sub instances {
    my ($pool, @ids) = @_;
    return join '', map { my ($id, $more) = split / /, $_, 2; "instance $pool $id 127.0.0.1:$a->{port} " . ($more // '') . "\n" } @ids;
}

sub routes {
    my (%with) = @_;
    my $keys = $with{keys} // "1:$key[1]";
    return ($keys ? "keys $keys\n" : '')
        . 'pool 1 app=shop type=web ' . ($with{shop} // 'sticky') . "\n"
        . instances(1, @{ $with{instances} // [11 .. 16] })
        . "pool 2 app=shop type=canary sticky\n" . instances(2, 21, 22)
        . 'pool 3 app=busy type=web sticky concurrency=1 queue=10' . "\n" . instances(3, 31, 32, 33)
        . "pool 4 app=dies type=web sticky retry-budget=100\n"
        . "instance 4 41 127.0.0.1:$a->{port}\ninstance 4 42 127.0.0.1:$b->{port}\n"
        . "pool 5 app=plain type=web\n" . instances(5, 51, 52)
        . "pool 6 app=hash type=web sticky balance=hash hash=header:X-User\n" . instances(6, 61 .. 66)
        . <<EOT;
host shop.test pool=1
host other.test pool=2
host split.test pool=1:9999,2:1
host busy.test pool=3
host dies.test pool=4
host plain.test pool=5
host hash.test pool=6
host path.test pool=1
host path.test pool=2 path=/shop
host path.test pool=5 path=/api
host path.test pool=2 path=/a;b strip
EOT
}
new_routes(routes());
my $r = PaasTest::Router->new(workers => 2, location => 'paas_trust 127.0.0.1;');

# Who answered, and what cookie came with that.
sub ask {
    my ($host, $cookie, %opt) = @_;
    my $got = $r->get("$host.test", $opt{path} // '/', headers => [
        (defined $cookie ? "Cookie: $cookie" : ()), @{ $opt{headers} // [] }]);
    my ($id) = ($got->{headers}{'x-which'} // '') =~ /^0*([0-9a-f]+) /;
    my @set = $got->{raw} =~ /^Set-Cookie: (.*?)\r$/mg;
    return (hex($id // 0), @set);
}
sub value { my ($set) = @_; return $set =~ /^(paas_sticky=[^;]+)/ ? $1 : $set }

# The cookie as documented, made by somebody else's BLAKE2b.
sub token {
    my ($key_id, $key, $pool, $instance) = @_;
    my $made = `python3 -c '
import base64, hashlib, struct, sys
key_id, key, pool, instance = sys.argv[1:]
data = struct.pack("<QQ", int(pool), int(instance))
mac = hashlib.blake2b(data, key=bytes.fromhex(key), digest_size=16).digest()
print(base64.urlsafe_b64encode(struct.pack("<I", int(key_id)) + data + mac).decode())
' $key_id $key $pool $instance`;
    chomp $made;
    die 'python3 made no cookie' if length $made != 48;
    return "paas_sticky=$made";
}

# ---- the cookie -----------------------------------------------------------------

my ($first, $set, @more) = ask('shop');
like($set, qr/^paas_sticky=[A-Za-z0-9_-]{48}; Path=\/; HttpOnly; SameSite=Lax$/, 'a first response sets it');
is(scalar @more, 0, 'once');
is(value($set), token(1, $key[1], 1, $first), 'it is what the manual says');
my $cookie = value($set);
is_deeply([ask('shop', $cookie)], [$first], 'it leads back, and is not set again') for 1 .. 20;
is_deeply([ask('shop', "a=b; $cookie; c=d")], [$first], 'among others');
is_deeply([ask('shop', "paas_sticky=x; $cookie")], [$first], 'behind a bad one');
is_deeply([ask('shop', undef, headers => ['Cookie: a=b', "Cookie: $cookie"])], [$first], 'in a second line');
is(scalar(my @plain = ask('plain', $_)), 1, 'a pool that is not sticky sets none') for undef, $cookie;
like((ask('shop', undef, headers => ['X-Forwarded-Proto: https']))[1], qr/; SameSite=Lax; Secure$/, 'Secure by https');
my %spread;
$spread{ (ask('shop'))[0] }++ for 1 .. 60;
cmp_ok(scalar keys %spread, '>', 3, 'new clients are spread');

# ---- scaling, draining --------------------------------------------------------------

change_routes(routes(instances => [$first, 101 .. 120]));
is_deeply([ask('shop', $cookie)], [$first], 'it survives scaling') for 1 .. 5;
change_routes(routes(instances => ["$first draining", 101 .. 120]));
my ($next, $new) = ask('shop', $cookie);
isnt($next, $first, 'it ends with draining');
is(value($new // ''), token(1, $key[1], 1, $next), 'and there is a new one');
is_deeply([ask('shop', value($new))], [$next], 'which leads to the other one');
change_routes(routes(instances => [101 .. 120]));
is(scalar(my @gone = ask('shop', $cookie)), 2, 'it ends with the instance');
change_routes(routes(instances => [101]));
is_deeply([ask('shop', $cookie)], [101, (ask('shop'))[1]], 'also where only one is left');
change_routes(routes(shop => ''));
is(scalar(my @off = ask('shop', $cookie)), 1, 'and when the pool wants none');

# ---- keys -------------------------------------------------------------------------------

change_routes(routes(keys => "2:$key[2] 1:$key[1]"));
my ($same, $signed) = ask('shop', $cookie);
is($same, $first, 'a new key: the old one verifies');
is(value($signed // ''), token(2, $key[2], 1, $first), 'and the cookie is signed again');
is_deeply([ask('shop', value($signed))], [$first], 'once');
change_routes(routes(keys => "3:$key[3] 2:$key[2]"));
my ($lost, $again) = ask('shop', $cookie);
is(value($again // ''), token(3, $key[3], 1, $lost), 'an expired key: as without a cookie');
change_routes(routes(keys => "3:$key[4]"));
is(scalar(my @other = ask('shop', token(3, $key[3], 1, 11))), 2, 'nor does a number help');
change_routes(routes(keys => ''));
is_deeply([scalar(my @no = ask('shop', $cookie))], [1], 'no keys: no cookies');
change_routes(routes());
is_deeply([ask('shop', $cookie)], [$first], 'the same key again');

# ---- what is not ours -------------------------------------------------------------------

my $good = token(1, $key[1], 1, 11);
my %bad = (
    'a key that is not there' => token(9, $key[1], 1, 11),
    'another key' => token(1, $key[2], 1, 11),
    'another pool' => token(1, $key[1], 2, 21),
    'an instance that was never there' => token(1, $key[1], 1, 999),
    'too short' => substr($good, 0, -1),
    'too long' => "${good}A",
    'no base64' => substr($good, 0, -4) . '!!!!',
    'empty' => 'paas_sticky=',
    'in quotes' => $good =~ s/=(.*)/="$1"/r,
    'another name' => "x$good",
    'another case' => $good =~ s/paas/PAAS/r,
);
for my $what (sort keys %bad) {
    my %at;
    for (1 .. 12) {
        my ($id, $set) = ask('shop', $bad{$what});
        $at{$id}++;
        $at{'no cookie'}++ if !$set;
    }
    ok(keys %at > 1 && !$at{'no cookie'}, "$what: ignored, a new one is set") or diag explain \%at;
}
my ($flip, $ignored) = (0, 0);
for my $at (map { 4 * $_ } 0 .. 11) {
    my $forged = $good;
    substr($forged, 12 + $at, 1) =~ tr/A-Za-z0-9_-/B-Za-z0-9_A-/;
    $flip++;
    my @got = ask('shop', $forged);
    $ignored++ if @got == 2;
}
is($ignored, $flip, 'whatever is changed in it');

# ---- splits and paths ---------------------------------------------------------------------

my $canary = token(1, $key[1], 2, 22);
is_deeply([ask('split', $canary)], [22], 'it beats a split') for 1 .. 5;
is_deeply([ask('split', token(1, $key[1], 1, 12))], [12], 'either way');
$r->reload;
is_deeply([ask('split', $canary)], [22], 'in a new worker, too');
change_routes(routes(shop => '') =~ s/(app=shop type=canary) sticky/$1/r);
cmp_ok((ask('split', $canary))[0], '<', 20, 'not if its pool wants no cookies any more');
change_routes(routes());

like((ask('path', undef, path => '/shop/x'))[1], qr/; Path=\/shop; /, 'the path of the route');
like((ask('path', undef, path => '/a;b/x'))[1], qr/; Path=\/a%3Bb; /, 'as in a URL');
my $shop = token(1, $key[1], 1, 13);
is_deeply([ask('path', "$canary; $shop", path => '/x')], [13], 'two cookies: of two, that of the route');
is_deeply([ask('path', "$shop; $canary", path => '/shop')], [22], 'whatever their order');

# ---- instances that are busy, ejected or dead ----------------------------------------------

my $busy = token(1, $key[1], 3, 31);
my $slow = $r->send('busy.test', '/slow', headers => ["Cookie: $busy"]);
ok(wait_for(10, sub { $r->in_flight(31) == 1 }), 'one is busy');
my ($meanwhile, @set) = ask('busy', $busy);
isnt($meanwhile, 31, 'another one helps out');
is(scalar @set, 0, 'but the client stays with its own');
my $older = routes(keys => "2:$key[2] 1:$key[1]");
change_routes($older);
($meanwhile, @set) = ask('busy', $busy);
is(value($set[0] // ''), token(2, $key[2], 3, 31), 'even if the key is a new one');
change_routes(routes());
$a->release;
is(answer($slow)->{status}, 200, 'it answers');
ok(wait_for(10, sub { $r->in_flight(31) == 0 }), 'and is free');
is_deeply([ask('busy', $busy)], [31], 'the client is back');

$b->kill;
my ($saved, $moved) = ask('dies', token(1, $key[1], 4, 42));
is($saved, 41, 'one dies: the client goes to another one');
is(value($moved // ''), token(1, $key[1], 4, 41), 'and stays there');

# ---- beside other things ---------------------------------------------------------------

my ($home) = ask('hash', undef, headers => ['X-User: x']);
my ($away) = grep { $_ != $home } 61 .. 66;
is_deeply([ask('hash', token(1, $key[1], 6, $away), headers => ['X-User: x'])], [$away], 'it beats a hash');
is_deeply([ask('shop', $cookie, headers => ['X-Paas-Instance: ' . sprintf '%016x', 12])], [12],
    'X-Paas-Instance beats it, and changes nothing');
my $ws = $r->send('shop.test', '/ws', keep => 1, headers => ["Cookie: $good", 'Upgrade: websocket', 'Connection: Upgrade']);
like(PaasTest::Router::read_until($ws, qr/\r\n\r\n/), qr{^HTTP/1.1 101 }, 'a websocket');
is($r->in_flight(11), 1, 'goes to its instance');
close $ws;
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
