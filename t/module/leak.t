# Requests of all kinds by the hundred thousand: a worker's memory does not grow.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Router;
use Test::More;

my $requests = $ENV{PAAS_LONG} ? 1_000_000 : 60_000;
my $hosts = 20_000;    # more than the cache has room for
my $dead = free_port();
my $text = join '', map {
    "pool $_ app=app$_ type=web\ninstance $_ $_ 127.0.0.1:$ENV{B1}\nhost host$_.test pool=$_\n"
} 1 .. $hosts;
$text .= <<EOT;
pool 50001 app=one type=web
instance 50001 50001 127.0.0.1:$ENV{B1}
instance 50001 50002 127.0.0.1:$ENV{B2}
pool 50003 app=retry type=web balance=round_robin
instance 50003 50003 127.0.0.1:$dead
instance 50003 50004 127.0.0.1:$ENV{B2}
pool 50005 app=turns type=web concurrency=2 queue=100 hold=5000
instance 50005 50005 127.0.0.1:$ENV{B3}
pool 50006 app=stopped type=web state=stopped
pool 50007 app=dead type=web
instance 50007 50007 127.0.0.1:$dead
host one.test pool=50001
host *.one.test pool=50001
host one.test pool=50001 path=/strip strip
host split.test pool=50001:9,50003:1
host retry.test pool=50003
host turns.test pool=50005
host stopped.test pool=50006
host dead.test pool=50007
host to.test to=one.test
EOT
new_routes($text);
# What fills slowly, by hosts that are asked for again, is bounded below what is looked for.
my $r = PaasTest::Router->new(workers => 1, routes => PaasTest::routes_dir() . ' cache=128k', zone => 'paas 32m', http => 'keepalive_requests 1000;' . PaasTest::backends());

open my $file, '>', "$PaasTest::dir/mix.lua" or die $!;
print {$file} <<EOT;
local kinds = {
    function() return wrk.format('GET', '/', {Host = 'one.test'}) end,
    function() return wrk.format('GET', '/', {Host = 'host' .. math.random($hosts) .. '.test'}) end,
    function() return wrk.format('GET', '/', {Host = 'host' .. math.random($hosts) .. '.test'}) end,
    function() return wrk.format('GET', '/strip/x?y', {Host = 'ONE.test.:80'}) end,
    function() return wrk.format('GET', '/', {Host = 'x' .. math.random(1e9) .. '.one.test'}) end,
    function() return wrk.format('GET', '/', {Host = 'x' .. math.random(1e9) .. '.nobody.test'}) end,
    function() return wrk.format('POST', '/', {Host = 'split.test'}, string.rep('x', math.random(30000))) end,
    function() return wrk.format('GET', '/headers', {Host = 'retry.test', ['X-Paas-Foo'] = 'x'}) end,
    function() return wrk.format('GET', '/', {Host = 'turns.test', Upgrade = 'websocket', Connection = 'Upgrade'}) end,
    function() return wrk.format('GET', '/404', {Host = 'turns.test'}) end,
    function() return wrk.format('GET', '/close', {Host = 'one.test'}) end,
    function() return wrk.format('GET', '/', {Host = 'stopped.test', Accept = 'application/json'}) end,
    function() return wrk.format('GET', '/', {Host = 'dead.test'}) end,
    function() return wrk.format('GET', '/x', {Host = 'to.test'}) end,
    function() return wrk.format('GET', '/', {Host = 'no host'}) end
}
request = function() return kinds[math.random(#kinds)]() end
EOT
close $file;

# KiB that the one worker has to itself.
sub memory {
    my ($pid) = $r->workers;
    open my $smaps, '<', "/proc/$pid/smaps_rollup" or die $!;
    while (my $line = <$smaps>) { return $1 if $line =~ /^Private_Dirty:\s+(\d+)/ }
    die 'no Private_Dirty';
}

sub load {
    my $out = `wrk -t1 -c16 -d1s -s $PaasTest::dir/mix.lua http://127.0.0.1:$r->{port}/ 2>&1`;
    my ($n) = $out =~ /(\d+) requests in/ or die $out;
    return $n;
}

# The first tenth fills caches and pools.
my ($worker) = $r->workers;
my ($done, @memory) = (0);
$done += load() while $done < $requests / 10 || $done < 10_000;
push @memory, memory();
while ($done < $requests) {
    $done += load();
    push @memory, memory();
    change_routes("revision $done\n$text") if @memory == 3;
}
is_deeply([$r->workers], [$worker], 'the worker is the same');
is($r->state->{totals}{in_flight}, 0, 'nothing is in flight');
note "Private_Dirty in KiB: @memory";

# Caches fill, and a new generation stands beside the old one for a while;
# after that it is what leaks that would grow, request by request.
my $half = $memory[@memory / 2];
cmp_ok($memory[-1] - $memory[0], '<', 2048, "$done requests: its memory grows by less than 2 MiB") or diag "@memory";
cmp_ok($memory[-1] - $half, '<', 192, 'and hardly at all in the second half') or diag "@memory";
unlike($r->log, qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
