# Consistent hashing: which instance a key has, what moves and what does not,
# and that no instance gets too much.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use POSIX qw(ceil);
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;
*answer = \&PaasTest::Router::answer;

my $a = PaasTest::Backend->new('a');
my $b = PaasTest::Backend->new('b');

# All instances are one app; it is $paas_instance that tells them apart.
sub pool {
    my ($pool, $host, $hash, @instances) = @_;
    return "pool $pool app=$host type=web balance=hash hash=$hash\n"
        . join('', map { "instance $pool " . (/ / ? s/ / 127.0.0.1:$a->{port} /r : "$_ 127.0.0.1:$a->{port}") . "\n" }
            @instances)
        . "host $host.test pool=$pool\n";
}

sub routes {
    my ($header) = @_;
    return $header
        . pool(2, 'cookie', 'cookie:sid', 21 .. 28)
        . pool(3, 'address', 'address', 31 .. 38)
        . pool(4, 'weights', 'header:X-User', (map { "4$_" } 1 .. 6), '47 weight=300', '48 weight=1')
        . pool(5, 'bound', 'header:X-User', 51 .. 54)
        . pool(7, 'one', 'header:X-User', 71)
        . <<EOT;
pool 6 app=dies type=web balance=hash hash=header:X-User
instance 6 61 127.0.0.1:$a->{port}
instance 6 62 127.0.0.1:$b->{port}
instance 6 63 127.0.0.1:$a->{port}
host dies.test pool=6
EOT
}
my @ten = 101 .. 110;
new_routes(routes(pool(1, 'header', 'header:X-User', @ten)));
my $r = PaasTest::Router->new(workers => 2);

sub instance {
    my ($host, @headers) = @_;
    my $got = $r->get("$host.test", '/', headers => \@headers);
    return $got->{headers}{'x-which'} =~ /^0*([0-9a-f]+) / ? hex $1 : $got->{raw};
}
sub users { my ($host, $n) = @_; return { map { $_ => instance($host, "X-User: user$_") } 1 .. $n } }
sub moved { my ($old, $new) = @_; return grep { $old->{$_} != $new->{$_} } sort keys %$old }
sub counts { my %n; $n{$_}++ for values %{ $_[0] }; return \%n }

# ---- a header ---------------------------------------------------------------

my $first = users('header', 200);
is(scalar(keys %{ counts($first) }), 10, 'a header: all ten instances have some of 200 users');
is(scalar moved($first, users('header', 200)), 0, 'each stays where it is, in both workers');
$r->reload;

my %at = %$first;
delete @at{ grep { $_ > 60 } keys %at };
is(scalar moved(\%at, users('header', 60)), 0, 'new workers after a reload agree');

change_routes(routes(pool(1, 'header', 'header:X-User', grep { $_ != 104 } @ten)));
my $less = users('header', 200);
is_deeply([moved($first, $less)], [grep { $first->{$_} == 104 } sort keys %$first],
    'an instance goes: its users move, and nobody else');
cmp_ok(scalar(keys %{ counts({ map { $_ => $less->{$_} } moved($first, $less) }) }), '>', 3, 'to several others');

change_routes(routes(pool(1, 'header', 'header:X-User', (reverse @ten), 111)));
my $more = users('header', 200);
my @moved = moved($first, $more);
is_deeply([grep { $more->{$_} != 111 } @moved], [], 'one comes: users move to it, and nowhere else');
cmp_ok(scalar @moved, '>', 3, 'some do');
cmp_ok(scalar @moved, '<', 50, 'and not too many');

change_routes(routes(pool(1, 'header', 'header:X-User', map { $_ == 104 ? '104 draining' : $_ } @ten)));
is(scalar moved($less, users('header', 200)), 0, 'a draining instance is as good as gone');

my %none;
$none{ instance('header') }++ for 1 .. 60;
cmp_ok(scalar keys %none, '>', 4, 'without the header a request may go anywhere');
%none = ();
$none{ instance('header', 'X-User:') }++ for 1 .. 60;
cmp_ok(scalar keys %none, '>', 4, 'or with an empty one');
is(instance('one', 'X-User: x'), 71, 'where there is one instance, it is that');

# ---- weights -----------------------------------------------------------------

my $n = counts(users('weights', 360));
cmp_ok($n->{47}, '>', 80, 'weights: 300 of 900 gets about a third of 360');
cmp_ok($n->{47}, '<', 160, 'and no more');
cmp_ok($n->{48} // 0, '<', 12, 'one of 900 next to nothing');
cmp_ok($n->{$_}, '>', 15, "$_: a ninth") for 41 .. 46;

# ---- a cookie ------------------------------------------------------------------

my %cookie = map { $_ => instance('cookie', "Cookie: sid=s$_") } 1 .. 40;
cmp_ok(scalar(keys %{ counts(\%cookie) }), '>', 4, 'a cookie: spread');
is(instance('cookie', "Cookie: other=1; sid=s$_; last=2"), $cookie{$_}, "user $_ among other cookies") for 1 .. 4;
is(instance('cookie', 'Cookie: xsid=no; sidx=no;   sid=s5  ;', 'Cookie: sid=second'), $cookie{5},
    'the first one of exactly that name');
is(instance('cookie', 'Cookie: a=b', 'Cookie: sid=s6'), $cookie{6}, 'in a second line of cookies');
%none = ();
$none{ instance('cookie', 'Cookie: SID=s7; sid') }++ for 1 .. 60;
cmp_ok(scalar keys %none, '>', 3, 'another name, or no value, is none');

# ---- the address --------------------------------------------------------------------

sub from {
    my ($address) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $r->{port}, LocalAddr => $address) or die $!;
    print {$s} "GET / HTTP/1.0\r\nHost: address.test\r\nX-User: ignored$$\r\n\r\n";
    return answer($s)->{headers}{'x-which'} =~ s/ .*//r;
}
my %from = map { $_ => from("127.0.1.$_") } 1 .. 40;
cmp_ok(scalar(keys %{ { reverse %from } }), '>', 4, 'the address: spread');
is_deeply({ map { $_ => from("127.0.1.$_") } 1 .. 40 }, \%from, 'and always the same, whatever the port');

# ---- bounded load -----------------------------------------------------------------

my $home = instance('bound', 'X-User: hot');
my (@busy, @over);
select undef, undef, undef, 0.05;    # sums are of the same millisecond
for my $m (1 .. 24) {
    push @busy, $r->send('bound.test', '/slow', headers => ['X-User: hot']);
    wait_for(10, sub { $r->state->{totals}{in_flight} == $m });
    for (51 .. 54) {
        my $has = $r->in_flight($_);
        push @over, "$_ has $has of $m" if $has > ceil(1.25 * $m / 4);
    }
}
is_deeply(\@over, [], 'a hot key: none ever has more than 1.25 times its share, rounded up');
is($r->in_flight($home), 8, 'its own instance has as many as it may');
$a->release;
is(scalar(grep { answer($_)->{status} == 200 } @busy), 24, 'all are answered');
wait_for(10, sub { $r->state->{totals}{in_flight} == 0 });
is(instance('bound', 'X-User: hot'), $home, 'and then it is at home again');

# ---- an instance that dies -----------------------------------------------------------

my $before = users('dies', 60);
$b->kill;
my $after = users('dies', 60);
is_deeply([moved($before, $after)], [grep { $before->{$_} == 62 } sort keys %$before],
    'an instance dies: its users are served by others, and only they move');
$b->start;
ok(wait_for(20, sub { !moved($before, users('dies', 60)) }), 'they come back to it');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
