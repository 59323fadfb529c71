# More instances in use than the zone has counters for: each has its own while
# it has requests, and nothing that was counted is lost.
use strict;
use warnings;
use lib 't/lib';
use List::Util qw(sum shuffle);
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

my $hosts = 6000;    # 1m has room for about 1,500
my $slow = PaasTest::Backend->new('a');
new_routes(join('', map {
    "pool $_ app=app$_ type=web\ninstance $_ $_ 127.0.0.1:$ENV{B1}\nhost host$_.test pool=$_\n"
} 1 .. $hosts) . <<EOT);
pool 10001 app=slow type=web
instance 10001 10001 127.0.0.1:$slow->{port}
host slow.test pool=10001
EOT
# Who waits for all the others may have to do so for long.
my $patient = free_port();
my $r = PaasTest::Router->new(workers => 2, zone => 'paas 1m', http => 'keepalive_requests 100000;' . PaasTest::backends() . <<EOT);
server {
    listen 127.0.0.1:$patient;
    location / { paas on; proxy_pass http://apps; proxy_read_timeout 900s; }
}
EOT

my @waiting = map { $r->send('slow.test', '/slow', port => $patient) } 1 .. 3;
PaasTest::Router::wait_for(15, sub { $r->in_flight(10001) == 3 });

# Twice, so that the second time all slots are somebody's, in use a moment ago.
my ($asked, $failed) = (0, 0);
my $s = $r->connect;
for my $host (shuffle(1 .. $hosts), shuffle(1 .. $hosts)) {
    syswrite $s, "GET / HTTP/1.1\r\nHost: host$host.test\r\n\r\n";
    $failed++ if PaasTest::Router::read_until($s, qr/\r\n\r\n.+/s) !~ m{^HTTP/1\.1 200};
    $asked++;
}
close $s;
is($failed, 0, "$asked requests for $hosts instances are answered");

my $state = $r->state;
my @instances = @{ $state->{instances} };
cmp_ok(scalar @instances, '<', $hosts, 'with fewer slots than instances');
is($r->in_flight(10001), 3, 'who has requests in flight keeps the count of them');
is(sum(map { $_->{in_flight} } @instances), 3, 'and nobody else has any');
my ($i) = grep { $_->{app} eq 'slow' } @instances;
is($i->{id}, sprintf('%016x', 10001), 'under its own name');

$slow->release;
PaasTest::Router::answer($_) for @waiting;
PaasTest::Router::wait_for(15, sub { $r->in_flight(10001) == 0 });
is($r->in_flight(10001), 0, 'they end where they began');
is($r->state->{totals}{requests}, $asked + 3, 'the totals have every request');
unlike($r->log, qr/too small|\[alert\]/, 'no word about it in the log');

done_testing();
