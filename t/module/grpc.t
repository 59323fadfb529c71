# Pools that speak HTTP/2: gRPC with a server and a client of its makers, and
# what else may ask such a pool.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(sleep time);

my $python = '/usr/bin/python3';
my $echo = "$ENV{PWD}/t/lib/grpc_echo.py";
my @pids;
my $owner = $$;
END { local $?; if ($$ == $owner) { kill 'KILL', @pids; waitpid $_, 0 for @pids } }

sub serve {
    my ($name, $port) = @_;
    my $pid = fork // die $!;
    if (!$pid) { exec $python, $echo, 'serve', $port, $name or POSIX::_exit(1) }
    push @pids, $pid;
    PaasTest::Router::wait_for(20, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) })
        or die 'no gRPC server; is python3-grpcio there?';
    return $pid;
}

my ($one, $two, $dead, $late, $h1, $h2, $alone) = map { free_port() } 1 .. 7;
my $web = PaasTest::Backend->new('web');
my %pid = (one => serve('one', $one), two => serve('two', $two));

my $pools = <<EOT;
pool 1 app=g type=web protocol=h2c
instance 1 1 127.0.0.1:$one
pool 2 app=pair type=web protocol=h2c balance=round_robin
instance 2 21 127.0.0.1:$one
instance 2 22 127.0.0.1:$two
pool 3 app=w type=web
instance 3 3 127.0.0.1:$web->{port}
pool 4 app=half type=web protocol=h2c balance=round_robin
instance 4 41 127.0.0.1:$one
instance 4 42 127.0.0.1:$dead
pool 5 app=gone type=web protocol=h2c
instance 5 5 127.0.0.1:$dead
pool 6 app=stop type=web protocol=h2c state=stopped
EOT
my $held = "pool 7 app=held type=web protocol=h2c state=starting hold=20000\n";
my $few = "pool 8 app=few type=web protocol=h2c concurrency=2 queue=50\ninstance 8 8 127.0.0.1:$two\n";
my $hosts = join '', map { "host $_->[0].test pool=$_->[1]\n" } ['g', 1], ['pair', 2], ['w', 3], ['half', 4],
    ['gone', 5], ['stop', 6], ['held', 7], ['few', 8];
$hosts .= "host paths.test pool=3\nhost paths.test pool=1 path=/test.Echo\nhost s.test pool=1 https\n"
    . "pattern 1 (?<branch>[a-z]+)\\.branch\\.test pool=1\n";
new_routes("$pools$held$few$hosts");

my $locations = <<EOT;
location / {
    paas on;
    proxy_pass http://apps;
    include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
}
location \@paas_h2c {
    grpc_pass grpc://apps;
    include $ENV{PWD}/manager/etc/nginx/paas_grpc.conf;
    grpc_set_header X-Branch \$paas_branch;
    add_header X-Which "\$paas_app \$paas_instance \$paas_attempts";
}
EOT
my $r = PaasTest::Router->new(workers => 2, http => <<EOT);
log_format which '\$paas_app \$paas_attempts \$paas_error \$status';
server { listen 127.0.0.1:$h2 http2; access_log access.log which; $locations }
server { listen 127.0.0.1:$h1; $locations }
server {
    listen 127.0.0.1:$alone http2;
    paas_trust 127.0.0.1;
    location / {
        paas on;
        grpc_pass grpc://apps;
        include $ENV{PWD}/manager/etc/nginx/paas_grpc.conf;
    }
}
EOT

sub start_call {
    my ($port, @words) = @_;
    open my $fh, '-|', $python, $echo, 'call', "127.0.0.1:$port", @words or die $!;
    return $fh;
}
sub ended { my ($fh) = @_; local $/; return scalar <$fh> // '' }
sub call { return ended(start_call($h2, @_)) }

like(call('g.test', 'Unary', 'hello'), qr/^one:hello\ntrailer: x-trail=end\n.*^status: OK $/ms, 'a call, and its trailers');
like(call('g.test', 'Unary', 'x'), qr/^header: x-which=g 0{15}1 1$/m, 'routed and counted');
unlike(call('g.test', 'Unary', 'x'), qr/forged/, 'an app\'s X-Paas-* is removed from trailers, too');
like(call('g.test', 'Fail', 'x'), qr/^trailer: x-trail=end\n.*^status: FAILED_PRECONDITION not like this$/ms,
    'an error is the app\'s, with its trailers');
like(call('g.test', 'List', 'n'), qr/^one:n0\n.*one:n9\ntrailer: x-trail=end\n.*status: OK/s, 'a stream from the server');
like(call('g.test', 'Sum', map { "big:$_" } 100_000, 200_000, 300_000), qr/^3 600000\n/, 'a stream from the client');
like(call('g.test', 'Chat', 'a' .. 'e'), qr/^one:a\none:b\none:c\none:d\none:e\ntrailer/, 'a stream in both directions');
like(call('g.test', 'Big', 20_000_000), qr/^20000000\n/, 'a large answer');
like(call('g.test', 'Sum', ('big:1000000') x 30), qr/^30 30000000\n/, 'a large request');
like(call('g.test', 'None', 'x'), qr/^status: UNIMPLEMENTED/m, 'a method that is not there');
like(call('paths.test', 'Unary', 'x'), qr/^one:x\n/, 'by path');
like(call('main.branch.test', 'Headers', 'x'), qr/^x-branch: main$/m, 'what a pattern has captured');

# Messages of a stream come as they are sent, not when a buffer is full.
my $fh = start_call($h2, 'g.test', 'List', 'n');
my $begin = time;
like(scalar <$fh>, qr/^one:n0/, 'the first message of a stream');
ended($fh);

my $head = call('g.test', 'Headers', 'x', '--header', 'x-paas-app:evil', '--header', 'x-forwarded-for:6.6.6.6',
    '--header', 'x-forwarded-proto:https', '--header', 'x-forwarded-host:evil', '--header', 'x-mine:kept');
unlike($head, qr/evil|6\.6\.6\.6/, 'what a client must not say is removed');
like($head, qr/^x-forwarded-for: 127\.0\.0\.1$/m, 'X-Forwarded-For');
like($head, qr/^x-forwarded-proto: http$/m, 'X-Forwarded-Proto');
like($head, qr/^x-request-id: [0-9a-f]{32}$/m, 'X-Request-Id');
like($head, qr/^x-mine: kept$/m, 'the rest is not');
$head = ended(start_call($alone, 'g.test', 'Headers', 'x', '--header', 'x-forwarded-for:6.6.6.6'));
like($head, qr/^x-forwarded-for: 6\.6\.6\.6, 127\.0\.0\.1$/m, 'a trusted proxy, and a location that speaks gRPC itself');

# Balancing, retries and errors.
my %seen;
call('pair.test', 'Unary', 'x') =~ /^(\w+):x$/m and $seen{$1}++ for 1 .. 8;
is_deeply([sort keys %seen], ['one', 'two'], 'balanced');
is(scalar(grep { call('half.test', 'Unary', 'x') =~ /^one:x\n/ } 1 .. 6), 6, 'an instance that is gone is passed by');
like(call('gone.test', 'Unary', 'x'), qr/^trailer: x-paas-error=connect_failed$/m, 'nobody is there');
like(call('gone.test', 'Unary', 'x'), qr/^status: UNAVAILABLE /m, 'which is UNAVAILABLE');
like(call('stop.test', 'Unary', 'x'), qr/^trailer: x-paas-error=app_stopped\n/m, 'stopped');
like(call('nobody.test', 'Unary', 'x'), qr/^trailer: x-paas-error=no_route\n/m, 'no route');
is($r->in_flight(1), 0, 'none is in flight');
my ($i) = grep { $_->{id} =~ /1$/ && $_->{app} eq 'g' } @{ $r->state->{instances} };
cmp_ok($i->{requests}, '>=', 15, 'all were counted');
is($i->{failures}, 0, 'and none failed');
$fh = start_call($h2, 'g.test', 'Slow', '1');
ok(PaasTest::Router::wait_for(10, sub { $r->in_flight(1) == 1 }), 'a call in flight is counted');
like(ended($fh), qr/^one\n/, 'and comes to its end');
is($r->in_flight(1), 0, 'not counted any more');

# A limit, and a wait.
my @calls = map { start_call($h2, 'few.test', 'Slow', '0.2') } 1 .. 6;
my $max = 0;
PaasTest::Router::wait_for(20, sub { my $n = $r->in_flight(8); $max = $n if $n > $max;
    my ($s) = grep { $_->{app} eq 'few' } @{ $r->state->{instances} }; ($s->{requests} // 0) == 6 });
is(scalar(grep { ended($_) =~ /^two\n/ } @calls), 6, 'six calls of an instance that takes two at once');
cmp_ok($max, '<=', 2, 'never more than two');
$fh = start_call($h2, 'held.test', 'Sum', 'one', 'more');
ok(PaasTest::Router::wait_for(10, sub { $r->state->{held}{requests} }), 'a call waits for an app that starts');
set_routes(routes_dir(), $pools . "pool 7 app=held type=web protocol=h2c hold=20000\ninstance 7 7 127.0.0.1:$one\n$few$hosts");
like(ended($fh), qr/^2 7\n/, 'and goes on, with all of its messages');

# Others that ask such a pool, and pools that speak HTTP/1.1 in the same place.
my $x = $r->get('g.test', '/test.Echo/Unary', port => $h1);
is($x->{status}, 200, 'HTTP/1.1 to an HTTP/2 pool') or diag $x->{raw};
is($r->get('w.test', '/', port => $h1)->{body}, "web\n", 'HTTP/1.1 to an HTTP/1.1 pool');
is(`curl -s --http2-prior-knowledge --max-time 20 -H 'Host: w.test' http://127.0.0.1:$h2/`, "web\n", 'HTTP/2 to it');
is($r->get('s.test', '/x', port => $h1)->{headers}{location}, 'https://s.test/x', 'a redirect goes first');

# Connections are kept, and those that died are noticed.
kill 'KILL', $pid{one};
waitpid $pid{one}, 0;
sleep 0.2;
serve('one', $one);
like(call('g.test', 'Unary', 'again'), qr/^one:again\n/, 'a server that was started again');
like(do { open my $log, '<', "$r->{prefix}/access.log" or die $!; local $/; <$log> }, qr/^g 1 -? 200$/m, 'the access log');
unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
