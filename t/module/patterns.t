# Hosts that no record is for: patterns, what they capture, and the default.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Router;
use Test::More;
use Time::HiRes qw(time);

sub pools {
    return join '', map { "pool $_ app=app$_ type=web\ninstance $_ $_ 127.0.0.1:\$B$_\n" } 1 .. 4;
}

# What the apps say, by nginx itself.
my @location = (
    location => 'add_header X-Got "$paas_app|$paas_1|$paas_2|$paas_9|$paas_branch|$paas_Branch|$paas_none" always;'
        . ' proxy_set_header X-Branch $paas_branch;',
    http => PaasTest::backends());

new_routes(pools() . <<'EOT');
host exact.example.com pool=1
host *.wild.example.com pool=2
pattern 30 .*\.example\.com pool=4
pattern 10 pr-(\d+)\.(?<app>[a-z]+)\.example\.com pool=3
pattern 20 (?<branch>[a-z]+)--(?:x(y)?)\.example\.com pool=1
pattern 20 (?<branch>[a-z]+)--(?:x(y)?)\.example\.com pool=2 path=/api
EOT
my $r = PaasTest::Router->new(workers => 1, @location);

# who(host, path) -> "app, what was captured"
sub who {
    my $x = $r->get(@_);
    return $x->{status} == 200 ? $x->{headers}{'x-got'} : $x->{headers}{'x-paas-error'};
}

is(who('exact.example.com', '/'), 'app1||||||', 'an exact host goes before patterns');
is(who('a.wild.example.com', '/'), 'app2||||||', 'and so does a wildcard');
is(who('pr-42.shop.example.com', '/'), 'app3|42|shop||||', 'the first pattern by number, and what it captures');
is(who('PR-42.Shop.Example.COM.:8080', '/'), 'app3|42|shop||||', 'of the canonical host');
is(who('main--x.example.com', '/'), 'app1|main|||main|main|', 'a name');
is(who('main--xy.example.com', '/'), 'app1|main|y||main|main|', 'a group that may be there');
is(who('main--xy.example.com', '/api/x'), 'app2|main|y||main|main|', 'a path of a pattern');
is(who('other.example.com', '/'), 'app4||||||', 'the last pattern');
is(who('example.com', '/'), 'no_route', 'a pattern is matched whole: too short');
is(who('pr-42.shop.example.com.evil.org', '/'), 'no_route', 'and too long');
is(who('xpr-42.shop.example.org', '/'), 'no_route', 'and something else in front');
for (1 .. 3) { is(who('main--xy.example.com', '/'), 'app1|main|y||main|main|', "from the cache, $_") }
is(who('exact.example.com', '/'), 'app1||||||', 'nothing of it is left for others');

my $state = $r->state->{routes};
is($state->{patterns}, 3, 'the status page counts them');
is($state->{bad_patterns}, 0, 'none is bad');

# A change: only what is new is compiled, bad ones are skipped.
my $changed = <<'EOT';
pattern 5 pr-(\d+)\.(?<branch>[a-z]+)\.example\.com pool=1
pattern 10 (pr-\d+) pool=3
pattern 11 [z] pool=3
pattern 20 .*\.example\.com pool=2
EOT
change_routes(pools() . $changed);
is(who('pr-42.shop.example.com', '/'), 'app1|42|shop||shop|shop|', 'changed patterns count from the next request on');
rewrite(routes_dir(), 10, '(pr-\d+)', '(pr-\d+(');
rewrite(routes_dir(), 11, '[z]', '[z(');
$r->reload;
is(who('pr-42.shop.example.com', '/'), 'app1|42|shop||shop|shop|', 'bad ones are skipped');
is(who('new.example.com', '/'), 'app2||||||', 'those behind a bad one, too');
$state = $r->state->{routes};
is("$state->{patterns} $state->{bad_patterns}", '4 2', 'the status page counts bad ones');
like($r->get('a', '/metrics', port => $r->{status})->{raw}, qr/^paas_routes_bad_patterns 2$/m, 'and so do metrics');
my @lines = $r->log =~ /^.*pattern 1[01] .*is skipped: .* at byte \d+$/mg;
is(@lines, 2, 'the log has a line for each') or diag $r->log;
change_routes(pools() . $changed =~ s/^pattern 20.*//mr);
is(who('new.example.com', '/'), 'no_route', 'patterns that are gone');
is(who('pr-42.shop.example.com', '/'), 'app1|42|shop||shop|shop|', 'and one that is not');
change_routes(pools());
is(who('pr-42.shop.example.com', '/'), 'no_route', 'all gone');
is($r->state->{routes}{patterns}, 0, 'says the status page');

# The default route.
change_routes(pools() . <<'EOT');
host * pool=4
host * pool=3 path=/three
host exact.example.com pool=1 path=/one
pattern 1 (.*)\.example\.com pool=2
EOT
is(who('a.test', '/'), 'app4||||||', 'the default route');
is(who('a.test', '/three/x'), 'app3||||||', 'with a path');
is(who('b.example.com', '/'), 'app2|b|||||', 'a pattern goes before it');
is(who('exact.example.com', '/'), 'no_route', 'a host with a record is none for it');
is(who('exact.example.com', '/one'), 'app1||||||', 'whatever paths it has');
is(who('127.0.0.1', '/'), 'app4||||||', 'addresses, too');
is(who('a b', '/'), undef, 'no host is none');
is($r->get('u@a.test', '/')->{status}, 400, 'nor is what looks like one');
change_routes(pools() . "host a.test pool=1\n");
is(who('b.test', '/'), 'no_route', 'without a default again');
change_routes(pools() . "host * to=www.test\n");
is($r->get('b.test', '/x?y')->{headers}{location}, 'http://www.test/x?y', 'a default may redirect');

# Patterns that would take for ever.
my $long = 'a' x 60;
$long = join '.', ($long) x 4;
my $evil = join '', map { "pattern $_ (?:x{$_}|)([a.]+)+\$ pool=1\n" } 1 .. 40;
change_routes(pools() . "pattern 1 (a+)+\$ pool=1\n");
my $begin = time;
is(who('a' x 62 . 'b', '/'), 'no_route', 'a pattern without end is no match');
is(who('a' x 63, '/'), 'app1|' . 'a' x 63 . '|||||', 'and a match where there is one');
change_routes(pools() . $evil . "pattern 99 b.* pool=2\n");
is(who("$long.b", '/'), 'no_route', 'forty of them');
cmp_ok(time - $begin, '<', 5, 'in bounded time');
is(who('b.test', '/'), 'app2||||||', 'others are matched');
my $slow = () = $r->log =~ /takes too long on host/g;
is($slow, 9, 'the log says so, once for a pattern, and no more than eight are tried for a host');
who("$long.c$_", '/') for 1 .. 50;
is(() = $r->log =~ /takes too long on host/g, 9, 'however often it happens');
change_routes(pools() . $evil . "pattern 99 b.* pool=1\n");
who("$long.d", '/');
is(() = $r->log =~ /takes too long on host/g, 9, 'and whatever else has changed');

# As many as there may be, as long as they may be.
change_routes(pools() . join('', map { 'pattern ' . $_ . ' ' . "$_\\.(?:" . 'x?' x 240 . ")\\.test pool=1\n" } 1 .. 255)
    . "pattern 256 last\\.(?<branch>$_)\\.test pool=2\n") for 'b';
is(who('255.x.test', '/'), 'app1||||||', '256 patterns: the last but one');
is(who('last.b.test', '/'), 'app2|b|||b|b|', 'and the last');
is($r->state->{routes}{patterns}, 256, 'all of them');

# Groups beyond what variables can name, and names that are ours.
change_routes(pools() . 'pattern 1 ' . '(x?)' x 40 . '(?<branch>y)\.test pool=1' . "\n"
    . 'pattern 2 (?<host>[a-z]+)\.(?J)(?:(?<branch>p)|(?<branch>q))\.test pool=2' . "\n"
    . 'pattern 3 (?<app>evil)\.org pool=3' . "\n");
is(who('xxxxxxxxxxy.test', '/'), 'app1|x|x|x|||', 'forty groups');
is(who('a.p.test', '/'), 'app2|a|p||p|p|', 'a name twice');
is(who('a.q.test', '/'), 'app2|a|||q|q|', 'the one that is set');
is(who('evil.org', '/'), 'app3|evil|||||', 'our own names stay ours');

# Without "paas on", and by reload.
$r->configure(http => PaasTest::backends() . <<"EOT");
server {
    listen 127.0.0.1:$ENV{DEAD};
    location / {
        proxy_pass http://apps;
        include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
        proxy_set_header X-Branch \$paas_branch;
        add_header X-Got "\$paas_app|\$paas_1|\$paas_branch";
    }
}
EOT
$r->reload;
is(who('a.p.test', '/', port => $ENV{DEAD}), 'app2|a|p', 'by the balancer alone');

# Damage: a record that can't be read makes nobody's host vanish.
change_routes(pools() . "host a.test pool=1\npattern 1 damage-me\\.test pool=2\n");
is(who('damage-me.test', '/'), 'app2||||||', 'a pattern');
damage(routes_dir(), 'damage-me\.test');
is(who('a.test', '/'), 'app1||||||', 'hosts with a record go on when one is damaged');
$r->reload;
is(who('x.test', '/'), 'routes_unavailable', 'others get 503, not 404');
is(who('a.test', '/'), 'app1||||||', 'while hosts with a record go on');
is(() = $r->log =~ /patterns of ".*" can't be read/g, 1, 'one line of the log');
change_routes(pools() . "pattern 1 new\\.test pool=2\n");
ok(PaasTest::Router::wait_for(10, sub { who('new.test', '/') eq 'app2||||||' }), 'and it is well again by itself');
like($r->log, qr/patterns of ".*" are readable again/, 'says the log');

# A flood of hosts that are not there: bounded in memory, and others go on.
change_routes(pools() . "host hot.test pool=1\nhost hot2.test pool=2\n"
    . join '', map { "pattern $_ p$_-(\\d+)\\.test pool=3\n" } 1 .. 100);
my ($worker) = $r->workers;
sub private { local (@ARGV, $/) = ("/proc/$worker/smaps_rollup"); return <> =~ /^Private_Dirty: *(\d+)/m ? $1 : 0 }
flood(1000);
my $before = private();
flood(20000);
cmp_ok(private() - $before, '<', $ENV{PAAS_CHECKED} ? 1 << 20 : 2048, 'a flood of hosts leaves memory as it was');
is(who('hot.test', '/'), 'app1||||||', 'others go on');
# Nor are others driven out of a worker's cache: with the database gone, those
# that are in it go on, however long ago they were asked for.
my $small = PaasTest::Router->new(workers => 1, @location[0, 1], routes => routes_dir() . ' cache=64k');
$r = $small;
for (1 .. 2) { is(who($_, '/') =~ s/.*(app\d).*/$1/r, 'app1', $_) for 'hot.test' }
is(who('hot2.test', '/'), 'app2||||||', 'asked for but once');
is(who('p7-7.test', '/'), 'app3|7|||||', 'a pattern, twice') for 1 .. 2;
flood(5000);
truncate routes_dir() . '/data.mdb', 0 or die $!;
is(who('never.test', '/'), 'routes_unavailable', 'without a database');
is(who('hot.test', '/'), 'app1||||||', 'a host that was asked for twice goes on after a flood');
is(who('p7-7.test', '/'), 'app3|7|||||', 'and so does one that a pattern matches');
is(who('hot2.test', '/'), 'routes_unavailable', 'one that was asked for once had to go');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

sub flood {
    my ($n) = @_;
    my $s = $r->connect;
    my $i = 0;
    while ($i < $n) {
        my $text = join '', map { my $x = int rand 1e9; "GET / HTTP/1.1\r\nHost: h$x.p$x.test\r\n\r\n" } 1 .. 50;
        syswrite $s, $text;
        my $got = '';
        while ((() = $got =~ m{^HTTP/1.1 404}mg) < 50) { sysread $s, $got, 65536, length $got or last }
        $i += 50;
        $s = $r->connect if $i % 500 == 0;
    }
}

# Puts another text of the same length into a pattern's record, which
# paas-routedb would refuse: LMDB's node, then the key, then the value, whose
# first four bytes are a CRC-32C of both (FORMAT.md).
sub rewrite {
    my ($dir, $order, $from, $to) = @_;
    open my $fh, '+<:raw', "$dir/data.mdb" or die $!;
    my $data = do { local $/; <$fh> };
    my $key = pack 'CN', 4, $order;
    my $done = 0;
    while ($data =~ /\Q$from\E/g) {
        my $at = rindex $data, $key, pos $data;
        my ($low, $high, $flags, $len) = unpack 'vvvv', substr $data, $at - 8, 8;
        next if $at < 8 || $len != 5;
        my $value = substr $data, $at + 5, $low | $high << 16;
        $value =~ s/\Q$from\E/$to/ or next;
        substr $value, 0, 4, pack 'V', crc32c($key . substr $value, 4);
        seek $fh, $at + 5, 0;
        print {$fh} $value;
        $done++;
    }
    close $fh;
    die "no pattern $order '$from' in $dir" if !$done;
}

sub crc32c {
    my $crc = 0xffffffff;
    for my $byte (unpack 'C*', shift) {
        $crc ^= $byte;
        $crc = $crc & 1 ? $crc >> 1 ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
    }
    return $crc ^ 0xffffffff;
}

# Turns a byte of the text over, in the file.
sub damage {
    my ($dir, $text) = @_;
    open my $fh, '+<:raw', "$dir/data.mdb" or die $!;
    my $data = do { local $/; <$fh> };
    my $at = 0;
    while (($at = index $data, $text, $at) >= 0) {
        seek $fh, $at++, 0;
        print {$fh} 'D';
    }
    close $fh;
}

done_testing();
