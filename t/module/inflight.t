# In-flight counts: exact to the end of a response or tunnel, whoever leaves,
# through reloads and a worker's kill -9.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;

my $a = PaasTest::Backend->new('a');
new_routes(<<EOT);
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
host a.test pool=1
EOT
my $r = PaasTest::Router->new(workers => 2, upstream => 'paas_keepalive 4;',
    location => 'proxy_buffering off;');

sub reaches {
    my ($n, $what) = @_;
    my $got = -2;
    wait_for(15, sub { ($got = $r->in_flight(1)) == $n });
    is($got, $n, $what);
}

is($r->in_flight(1), 0, 'none before');

my @s = map { $r->send('a.test', '/slow') } 1 .. 5;
reaches(5, 'five wait for a header');
$a->release;
PaasTest::Router::answer($_) for @s;
reaches(0, 'none after');

$a->hold;
my $s = $r->send('a.test', '/stream');
like(PaasTest::Router::read_until($s, qr/half/), qr/half/, 'half of a response comes');
is($r->in_flight(1), 1, 'after the header it is still in flight');
$a->release;
like(PaasTest::Router::answer($s)->{raw}, qr/done$/, 'the rest comes');
reaches(0, 'and ends');

$a->hold;
@s = map { $r->send('a.test', '/slow') } 1 .. 20;
reaches(20, 'twenty wait');
close $_ for @s;
reaches(0, 'clients that leave take theirs with them');
my ($i) = grep { $_->{app} eq 'a' } @{ $r->state->{instances} };
is($i->{failures}, 0, 'which is no failure of the app');
is($i->{ejections}, 0, 'and ejects nobody');

my $up = "Upgrade: websocket";
my $ws = $r->send('a.test', '/ws', keep => 1, headers => [$up, 'Connection: Upgrade',
    'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAA']);
sub echo {
    my ($text) = @_;
    syswrite $ws, $text;
    return PaasTest::Router::read_until($ws, qr/\Q$text\E$/);
}
like(echo('hello'), qr{^HTTP/1.1 101 .*a: hello$}s, 'a websocket');
is($r->in_flight(1), 1, 'counts as long as it lasts');

$r->reload;
is($r->in_flight(1), 1, 'after a reload, too, in the old worker');
is(echo('still'), 'a: still', 'it still echoes');
@s = map { $r->send('a.test', '/slow') } 1 .. 6;
reaches(7, 'old and new workers are summed up');

my $state = $r->state;
my @busy = grep { $_->{active} } @{ $state->{workers} };
is(eval { my $n = 0; $n += $_->{active} for @busy; $n }, 7, 'the rows say the same');
close $ws;
reaches(6, 'the websocket ends');

kill 9, $_->{pid} for @busy;
reaches(0, 'killed workers take their counts with them');
is($r->get('a.test', '/')->{status}, 200, 'and are replaced');

@s = map { $r->send('a.test', '/slow') } 1 .. 3;
reaches(3, 'counting goes on');
$a->release;
is(scalar(grep { PaasTest::Router::answer($_)->{status} == 200 } @s), 3, 'all answered');
reaches(0, 'none left');

# Aborts at every stage, then nothing may be left over.
$a->hold;
for (1 .. 200) {
    my $s = $r->send('a.test', (qw(/slow /stream /events /))[rand 4]);
    select undef, undef, undef, rand 0.003;
    close $s;
}
reaches(0, 'two hundred aborts leave nothing');
is($r->state->{totals}{in_flight}, 0, 'in the totals either');
$a->release;
is($r->get('a.test', '/')->{status}, 200, 'the app is well');
is((grep { $_->{app} eq 'a' } @{ $r->state->{instances} })[0]{ejections}, 0, 'and was never ejected');

# A zone can't change under the workers that count in it.
$r->configure(zone => 'paas 3m');
$r->signal('HUP');
ok(wait_for(10, sub { $r->log =~ /name and size of paas_zone "paas" can't be changed/ }),
    'another size is refused');
is($r->get('a.test', '/')->{status}, 200, 'and nothing else happens');
unlike($r->log, qr/\[crit\]|open socket .* left in connection/, 'nothing bad in the log');

done_testing();
