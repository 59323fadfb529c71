# Peak EWMA: the faster instance gets more, a new one gets no rush.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(sleep);

*wait_for = \&PaasTest::Router::wait_for;

my $fast = PaasTest::Backend->new('fast');
my $slow = PaasTest::Backend->new('slow', delay => 0.15);
my $new = PaasTest::Backend->new('new');

sub routes {
    my ($more) = @_;
    return <<EOT;
pool 1 app=shop type=web balance=ewma
instance 1 1 127.0.0.1:$fast->{port}
instance 1 2 127.0.0.1:$slow->{port}
$more
pool 2 app=cold type=web balance=ewma
instance 2 11 127.0.0.1:$fast->{port}
instance 2 12 127.0.0.1:$new->{port}
host shop.test pool=1
host cold.test pool=2
EOT
}
new_routes(routes(''));
my $r = PaasTest::Router->new(workers => 2);

sub ewma { my ($n, $host) = @_; return $r->spread($n, $host, '/') }

my $n = ewma(60, 'shop.test');
cmp_ok($n->{slow} // 0, '>=', 1, 'the slow one is tried');
cmp_ok($n->{slow} // 0, '<=', 6, 'and then left alone, by all workers');

change_routes(routes("instance 1 3 127.0.0.1:$new->{port}"));
$n = ewma(60, 'shop.test');
cmp_ok($n->{new} // 0, '>=', 5, 'a new one is found out about');
cmp_ok($n->{slow} // 0, '<=', 4, 'and does not change what is known of the others');

# While the first request at a cold instance has no answer, the known one
# gets all others.
ok(wait_for(10, sub { $r->get('cold.test', '/')->{body} eq "fast\n" && !$r->in_flight(12) }), 'one is known');
my $cold = 12;
if (grep { $_->{id} =~ /0c$/ && $_->{requests} } @{ $r->state->{instances} }) {
    $cold = 13;    # it was asked already: another one
    change_routes(routes('') =~ s/instance 2 12/instance 2 13/r);
}
my @s = map {
    my $n = $_;
    my $s = $r->send('cold.test', '/slow');
    wait_for(10, sub { $r->state->{totals}{in_flight} == $n });
    $s;
} 1 .. 20;
is($r->in_flight($cold), 1, 'one request tries a cold instance, no more');
is($r->in_flight(11), 19, 'the others are at the known one');
$_->release for $fast, $new;
is(scalar(grep { PaasTest::Router::answer($_)->{status} == 200 } @s), 20, 'all are answered');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
