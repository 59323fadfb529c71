# Weights, and slow start: what an instance gets of a pool's requests.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;

my %b = map { $_ => PaasTest::Backend->new($_) } qw(a b c);
my @methods = qw(two_choices round_robin least_conn ewma);
my $now = time;

# Pools from $first on, one for each method: host METHOD.NAME.test.
sub pools {
    my ($first, $name, $fields, %instances) = @_;
    my $text = '';
    for my $i (0 .. $#methods) {
        my $pool = $first + $i;
        $text .= "pool $pool app=$name type=web balance=$methods[$i] $fields\n"
            . join('', map { "instance $pool $pool" . (ord($_) - 96) . " 127.0.0.1:$b{$_}{port} $instances{$_}\n" }
                sort keys %instances)
            . "host $methods[$i].$name.test pool=$pool\n";
    }
    return $text;
}

sub within {
    my ($got, $low, $high, $what) = @_;
    ok($got >= $low && $got <= $high, $what) or diag "$got is not within $low and $high";
}

new_routes(join '',
    pools(10, 'weights', '', a => 'weight=300', b => 'weight=100'),
    pools(20, 'three', '', a => 'weight=300', b => '', c => ''),
    pools(30, 'new', 'slow_start=600000', a => '', b => "since=$now"),
    pools(40, 'allnew', 'slow_start=600000', map { $_ => "since=$now" } qw(a b c)),
    pools(50, 'old', 'slow_start=2000', a => '', b => 'since=' . ($now - 10)),
    pools(60, 'ahead', 'slow_start=2000', a => '', b => 'since=' . ($now + 86400)),
    pools(70, 'back', 'slow_start=600000', a => '', b => ''));
my $r = PaasTest::Router->new(workers => 1);

# ---- weights ----------------------------------------------------------------

is(join('', $r->ask(20, 'round_robin.three.test', '/')), 'abaca' x 4, 'round robin: smooth, by weight');
for my $method (qw(two_choices least_conn)) {
    within($r->spread(400, "$method.weights.test", '/')->{a}, 250, 350, "$method: three of four");
}
within($r->spread(400, 'ewma.weights.test', '/')->{b} // 0, 1, 250, 'ewma: by weight and latency');

for my $method (qw(least_conn two_choices)) {
    my $pool = $method eq 'least_conn' ? 12 : 10;
    my @busy = map { $r->send("$method.weights.test", '/slow') } 1 .. 8;
    ok(wait_for(10, sub { $r->state->{totals}{in_flight} == 8 }), "$method: eight in flight");
    is($r->in_flight(hex "${pool}1" =~ s/(\d+)/sprintf '%x', $1/er), 6, 'six of them at the heavy one')
        if $method eq 'least_conn';
    $_->release for values %b;
    PaasTest::Router::answer($_) for @busy;
    $_->hold for values %b;
    ok(wait_for(10, sub { $r->state->{totals}{in_flight} == 0 }), "$method: none left");
}

# ---- slow start ---------------------------------------------------------------

is(join('', sort { $a cmp $b } $r->ask(22, 'round_robin.new.test', '/')), 'a' x 20 . 'b' x 2,
    'round robin: a tenth for a new one');
for my $method (qw(two_choices least_conn)) {
    within($r->spread(300, "$method.new.test", '/')->{b} // 0, 5, 70, "$method: about a tenth");
}
within($r->spread(300, 'ewma.new.test', '/')->{b} // 0, 1, 120, 'ewma: not much');

for my $method (@methods) {
    my $n = $r->spread(150, "$method.allnew.test", '/');
    within($n->{$_} // 0, 1, 148, "$method: where all are new, $_ is not left out") for qw(a b c);
}
is_deeply($r->spread(30, 'round_robin.allnew.test', '/'), { a => 10, b => 10, c => 10 }, 'and they take turns');
is_deeply($r->spread(20, "round_robin.$_.test", '/'), { a => 10, b => 10 }, "$_: the whole weight")
    for qw(old ahead);

# ---- back from an ejection ----------------------------------------------------------

is_deeply($r->spread(20, 'round_robin.back.test', '/'), { a => 10, b => 10 }, 'two that are long there');
$b{b}->kill;
is_deeply($r->spread(20, 'round_robin.back.test', '/'), { a => 20 }, 'one dies');
$b{b}->start;
ok(wait_for(20, sub { $r->get('round_robin.back.test', '/')->{body} eq "b\n" }), 'and is back');
within($r->spread(100, 'round_robin.back.test', '/')->{b} // 0, 4, 20, 'with a tenth of the requests');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
