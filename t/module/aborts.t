# Clients that go away, at random moments of thousands of requests: nobody's
# failure, and nothing of them is left.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Reactor;
use PaasTest::Router;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep time);

*wait_for = \&PaasTest::Router::wait_for;

my $requests = $ENV{PAAS_LONG} ? 100_000 : 3_000;
my $seed = $ENV{PAAS_SEED} // 1;
srand $seed;

my %app = map { $_ => PaasTest::Reactor->new($_) } qw(a b);

# Nobody accepts here, and the queue is full: connecting takes for ever.
my $deaf = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
my @fill = map {
    IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $deaf->sockport, Blocking => 0)
} 1 .. 8;

new_routes(<<EOT);
pool 1 app=plain type=web
instance 1 1 127.0.0.1:$app{a}{port}
instance 1 2 127.0.0.1:$app{b}{port}
pool 2 app=turns type=web balance=round_robin
instance 2 3 127.0.0.1:$app{a}{port}
instance 2 4 127.0.0.1:$app{b}{port}
pool 3 app=queue type=web concurrency=2 queue=1000 hold=20000
instance 3 5 127.0.0.1:$app{a}{port}
pool 4 app=asleep type=web state=asleep hold=20000
pool 5 app=deaf type=web
instance 5 6 127.0.0.1:@{[ $deaf->sockport ]}
host plain.test pool=1
host turns.test pool=2
host queue.test pool=3
host asleep.test pool=4
host deaf.test pool=5
EOT
my $r = PaasTest::Router->new(workers => 2, http => <<EOT);
paas_hold pool=1000 total=2000;
server {
    listen 127.0.0.1:$ENV{B1};
    location / {
        paas on;
        proxy_pass http://apps;
        include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
        proxy_buffering off;
        proxy_request_buffering off;
    }
}
EOT

my @hosts = qw(plain.test plain.test turns.test queue.test asleep.test deaf.test);
my @paths = qw(/ /wait /large /half /never);

sub pick { return $_[rand @_] }

# Starts one; what is done with it next, and when, is drawn as well.
sub begin {
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => pick($r->{port}, $ENV{B1})) or die "nginx: $!";
    my $body = rand() < 0.3 ? 'x' x pick(1, 1000, 50_000) : '';
    my $text = pick(qw(GET POST PUT)) . ' ' . pick(@paths) . ' HTTP/1.1' . "\r\nHost: " . pick(@hosts) . "\r\n"
        . ($body ne '' ? 'Content-Length: ' . length($body) . "\r\n" : '')
        . (rand() < 0.1 ? "Upgrade: websocket\r\nConnection: Upgrade\r\n" : '') . "\r\n$body";
    # Most send it whole, some only a part of it.
    syswrite $s, rand() < 0.8 ? $text : substr $text, 0, rand length $text;
    return [$s, time + (rand() < 0.5 ? rand 0.001 : rand 0.03)];
}

# A reset or a plain close, with some of the answer read or none.
sub leave {
    my ($s) = @_;
    if (rand() < 0.3) { $s->blocking(0); sysread $s, my $some, 1 + rand 100_000 }
    setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if rand() < 0.5;
    close $s;
}

my ($done, @open) = (0);
while ($done < $requests) {
    push @open, begin() while @open < 40;
    my $now = time;
    my @stay;
    for my $one (@open) {
        if ($one->[1] > $now) { push @stay, $one; next }
        leave($one->[0]);
        $done++;
    }
    sleep 0.0005 if @stay == @open;
    @open = @stay;
}
leave($_->[0]) for @open;

my $state;
ok(wait_for(10, sub { $state = $r->state; $state && !$state->{totals}{in_flight} && !$state->{held}{requests} }),
    "$requests aborts: none is in flight or waits") or diag explain $state->{totals}, $state->{held};
cmp_ok($state->{totals}{requests}, '>', $requests / 10, 'many of them were passed on');
cmp_ok($state->{held}{total}, '>', $requests / 20, 'and many had to wait');
is($state->{totals}{$_}, 0, "$_: 0") for qw(failures ejections);
for my $i (@{ $state->{instances} }) {
    is("$i->{in_flight} $i->{failures} $i->{ejections}", '0 0 0', "$i->{app} $i->{id}: the same") or diag "seed $seed";
}
for my $host (qw(plain.test turns.test queue.test)) {
    my %who = map { $r->get($host, '/')->{body} => 1 } 1 .. 20;
    is_deeply([sort keys %who], $host eq 'queue.test' ? ["a\n"] : ["a\n", "b\n"], "$host: each instance is asked again");
}
is(scalar(grep { $_->{active} } @{ $r->state->{workers} }), 0, 'the rows of the workers say so, too');
unlike($r->log, qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
