#!/usr/bin/perl
# paas-routedb: what load takes, dump gives; bad input changes nothing.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open3;
use Test::More;
use Time::HiRes qw(time);

my $build = $ENV{PAAS_BUILD} // 'build';
my $tool = "$build/bin/paas-routedb";
die "$tool is not built: make programs\n" unless -x $tool;

my $dir = tempdir(CLEANUP => 1);
my $count = 0;

# (exit status, standard output, standard error)
sub run {
    my ($input, @args) = @_;
    open my $err, '+>', undef or die $!;
    my $pid = open3(my $in, my $out, '>&' . fileno $err, $tool, @args);
    local $SIG{PIPE} = 'IGNORE';
    print $in $input;
    close $in;
    my $stdout = do { local $/; <$out> } // '';
    waitpid $pid, 0;
    my $status = $? >> 8;
    seek $err, 0, 0;
    my $stderr = do { local $/; <$err> } // '';
    return ($status, $stdout, $stderr);
}

# A new database with these routes.
sub loaded {
    my $db = "$dir/db" . ++$count;
    my ($status, $out, $err) = run($_[0], 'load', $db);
    is("$status$out$err", '0', 'loaded') or diag $err;
    return $db;
}

sub write_file {
    my ($name, $text) = @_;
    open my $fh, '>', "$dir/$name" or die;
    print {$fh} $text;
    close $fh;
    return "$dir/$name";
}

sub dump_of { my (undef, $out) = run('', 'dump', $_[0]); return $out }

my $keys = '7:' . '0123456789abcdef' x 4 . ' 1:' . 'f' x 64;
my $all = <<"END";
revision 42
pool 1 app=hello type=web home=hello.example.com
instance 1 1099511627777 127.0.0.1:9001 number=1
instance 1 1099511627778 [2001:db8::1]:9002 weight=50 number=2 since=1800000000 draining
pool 2 app=hello type=web state=crashed protocol=h2c balance=hash hash=cookie:sid concurrency=1 queue=2 slow_start=3 hold=4 retry_budget=30 home=[::1] sticky retry_put no_retry name_instance
pool 18446744073709551615
host * pool=2
host *.example.com path=/shop/cart pool=1:90,2:10 strip
host *.example.com path=/shop pool=2
host *.example.com pool=1
host [::1] pool=2:7
host example.com to=www.example.com https
host hello.example.com pool=1
pattern 7 pr-(?<n>\\d+)\\.test path=/x pool=1 strip
pattern 7 pr-(?<n>\\d+)\\.test pool=2
pattern 4294967295 [ab]+ to=www.example.com
keys $keys
END

my $db = loaded($all);
is(dump_of($db), $all, 'dump gives what was loaded');
is(dump_of(loaded(dump_of($db))), $all, 'and load takes what was dumped');

my ($status, $out, $err) = run('', 'verify', $db);
is($status, 0, 'verify');
is($out, "ok: 5 hosts, 3 pools, 2 patterns, 0 names of 0 certificates, generation 1, revision 42\n", 'and counts');

is(dump_of(loaded(<<'END')), <<'END', 'any order, any spelling');
# a comment

host   B.Example.com.:80 pool=0x0a
  host *.A.example.com	pool=10
pool 11
pool 10
instance 11 5 127.0.0.1:1
instance 10 4 127.0.0.1:2
instance 11 3 127.0.0.1:3
END
pool 10 home=*.a.example.com
instance 10 4 127.0.0.1:2
pool 11
instance 11 5 127.0.0.1:1
instance 11 3 127.0.0.1:3
host *.a.example.com pool=10
host b.example.com pool=10
END

# ---- get

($status, $out) = run('', 'get', $db, 'A.B.example.com:80', '/shop/cart/1');
is($status, 0, 'get');
like($out, qr{\Ahost \*\.example\.com path=/shop/cart pool=1:90,2:10 strip\n},
    'the path');
like($out, qr/\npool 1 .*\ninstance 1 .*\npool 2 /s, 'its pools');
($status, $out) = run('', 'get', $db, 'hello.example.com', '/shop');
like($out, qr/\Ahost hello\.example\.com pool=1\n/, 'exact before wildcard');
($status, $out) = run('', 'get', $db, 'PR-12.test', '/x/y');
like($out, qr/\Apattern 7 \S+ path=\/x pool=1 strip\npool 1 /, 'a pattern');
for (qw(xpr-12.test pr-12.testx pr-.test example.org)) {
    ($status, $out) = run('', 'get', $db, $_);
    like($out, qr/\Ahost \* pool=2\npool 2 /, 'the default route');
}
($status, undef, $err) = run('', 'get', loaded('host a.b to=c.d'), 'c.d');
is($status, 1, 'get of no route');
is($err, "paas-routedb: c.d: no route: see paas-routedb dump\n",
    'and says so');
($status, undef, $err) = run('', 'get', $db, 'a b');
is($err, "paas-routedb: HOST: must be a host name or an address\n",
    'get of no host');

# ---- what is wrong, and where

my @wrong = (
    ["pool x", qr/:1: pool 'x': must be a number/],
    ["pool 0", qr/:1: pool '0': must be/],
    ["pool 18446744073709551616",
        qr/:1: pool '18446744073709551616': must be/],
    ["pool 1 colour=red", qr/:1: colour: no such field/],
    ["pool 1 app", qr/:1: app: needs '='/],
    ["pool 1 sticky=1", qr/:1: sticky: stands alone/],
    ["pool 1 app=a app=b", qr/:1: app: given twice/],
    ["pool 1 app=<b>", qr/:1: app=<b>: must be at most 64 letters/],
    ["pool 1 state=runing", qr/:1: state=runing: must be running, starting/],
    ["pool 1 hash=cookie", qr/:1: hash=cookie: must be address, header:NAME/],
    ["pool 1 queue=-1", qr/:1: queue=-1: must be a number/],
    ["pool 1 queue=4294967296", qr/:1: queue=4294967296: must be a number/],
    ["pool 1 home=A.com", qr/:1: home=A.com: must be a host name/],
    ["pool 1\n\npool 1", qr/:3: pool 1: already on line 1/],
    ["instance 1 1 127.0.0.1:1", qr/:1: instance of pool 1: no such pool/],
    ["pool 1\ninstance 1 0 127.0.0.1:1", qr/:2: instance: must begin/],
    ["pool 1\ninstance 1 1 localhost:1", qr/:2: address 'localhost:1': must/],
    ["pool 1\ninstance 1 1 127.0.0.1", qr/:2: address '127.0.0.1': must/],
    ["pool 1\ninstance 1 1 127.0.0.1:0", qr/:2: address/],
    ["pool 1\ninstance 1 1 [::1]:65536", qr/:2: address/],
    ["pool 1\ninstance 1 1 127.0.0.1:1 weight=0", qr/:2: weight=0: must be 1/],
    ["pool 1\ninstance 1 1 127.0.0.1:1\ninstance 1 1 127.0.0.1:2",
        qr/:1: pool 1: two instances have one number/],
    ["host a..b pool=1", qr/:1: host 'a\.\.b': must be a host name/],
    ["host a.b", qr/:1: host a.b: needs pool=NUMBER, or to=HOST/],
    ["host a.b pool=1", qr/:1: pool=1: no such pool: add a line 'pool 1'/],
    ["pool 1\nhost a.b pool=1:1,2:1", qr/:2: pool=2: no such pool/],
    ["pool 1\nhost a.b pool=1,1", qr/:2: pool=1,1: must be a pool's number/],
    ["pool 1\nhost a.b pool=1:0", qr/:2: pool=1:0: must be/],
    ["pool 1\nhost a.b pool=1:10001", qr/:2: pool=1:10001: must be/],
    ["pool 1\nhost a.b pool=1 path=x", qr{:2: path=x: must be / or a path}],
    ["pool 1\nhost a.b pool=1 path=/x/", qr{:2: path=/x/: must be}],
    ["pool 1\nhost a.b pool=1 to=*.c", qr/:2: to=\*\.c: must be a host/],
    ["pool 1\nhost a.b pool=1\nhost A.b pool=1",
        qr/:3: host a\.b: the same path as on line 2/],
    ["pool 1 retry_budget=101", qr/:1: retry_budget=101: must be 0 to 100/],
    ["pool 1\ninstance 1 1 127.0.0.1:1 number=65536",
        qr/:2: number=65536: must be 0 to 65535/],
    ["pattern x a pool=1", qr/:1: pattern 'x': must begin with its place/],
    ["pattern 1", qr/:1: pattern 1: must be 1 to 512 letters/],
    ["pattern 1 a", qr/:1: pattern 1: needs pool=NUMBER/],
    ["pattern 1 a( to=b.c", qr/:1: pattern 1: missing closing parenth.* at byte 2/],
    ["pattern 1 a to=b.c\npattern 1 b to=b.c path=/x",
        qr/:2: pattern 1: another one than on line 1/],
    ["pattern 1 a to=b.c\npattern 1 a to=b.c",
        qr/:2: pattern 1: the same path as on line 1/],
    ["pattern 1 a pool=1", qr/:1: pool=1: no such pool/],
    [join("\n", map { "pattern $_ a to=b.c" } 1 .. 257),
        qr/:257: pattern: there are 257: the most is 256/],
    ["host *.* to=a.b", qr/:1: host '\*\.\*': must be a host name/],
    ["pool 1 home=*a.b", qr/:1: home=\*a.b: must be a host name/],
    ["keys", qr/:1: keys: needs at least one NUMBER:HEX/],
    ["keys 1:abc", qr/:1: keys: number 1 must be as NUMBER:HEX, with 64/],
    ["keys $keys 2:" . 'g' x 64, qr/:1: keys: number 3 must be as/],
    ["keys $keys 7:" . '0' x 64, qr/:1: keys: two have one number/],
    ["keys " . join(' ', map { "$_:" . '0' x 64 } 1 .. 9),
        qr/:1: keys: the most is 8/],
    ["keys $keys\nkeys $keys", qr/:2: keys: given twice/],
    ["revision 1 2", qr/:1: revision: must be one number/],
    ["route a b", qr/:1: 'route': a line begins with pool/],
    ["pool 1 app=\e[31m", qr/:1: app=\?\[31m: must/],
    ["\0", qr/:1: '/],
);
for (@wrong) {
    my ($text, $message) = @$_;
    my $new = "$dir/wrong";
    ($status, $out, $err) = run($text, 'load', $new);
    is($status, 1, 'refused: ' . ($text =~ s/[^ -~]+/; /gr));
    like($err, qr/\Apaas-routedb: standard input$message/, 'says why');
    ok(!-e $new, 'leaves nothing');
}
($status, undef, $err) = run("pool 2\npool x\n", 'load', $db);
is($status, 1, 'a wrong file for a database that is there');
is(dump_of($db), $all, 'changes nothing');

# ---- adding, replacing

my $start = time;
($status, undef, $err) = run(<<'END', 'load', '--add', $db);
pool 1 app=hello type=web retry-budget=7 no-retry
instance 1 1099511627779 127.0.0.1:9003
host new.example.com pool=2
END
is("$status$err", '0', 'load --add');
cmp_ok(time - $start, '>=', 1.9, 'waits out the grace of what is there');
my $added = $all =~ s/^instance 1 .*?(?=^pool 2)/
    "instance 1 1099511627779 127.0.0.1:9003\n"/emsr;
$added =~ s/^pool 1 .*/pool 1 app=hello type=web retry_budget=7 no_retry/m;
$added =~ s/^(pool 2 .*)$/$1 home=new.example.com/m;
like(dump_of($db), qr/^host new\.example\.com pool=2$/m, 'what is new');
my $dump = dump_of($db) =~ s/^host new.*\n//mr;
is($dump =~ s/ home=\S+//gr, $added =~ s/ home=\S+//gr, 'the rest stays');
($status, undef, $err) = run('host x.com pool=77', 'load', '--add', $db);
like($err, qr/:1: pool=77: no such pool/, 'a pool that is in neither');
run('', 'load', $db);
is(dump_of($db), '', 'an empty file is no routes');

# ---- one after the other

{
    open my $said, '+>', undef or die $!;
    my $pid = open3(my $in, my $out, '>&' . fileno $said, $tool, 'follow', $db);
    my $tell = sub {
        my ($text, $file) = @_;
        $file //= write_file('followed', $text);
        print $in "$file\n";
        return scalar <$out>;
    };
    is($tell->("pool 1 app=one type=web\nhost one.test pool=1\n"), "ok\n", 'follow takes a file');
    $start = time;
    is($tell->("pool 1 app=one type=web\nhost n$_.test pool=1\n"), "ok\n", "and another one, $_") for 1 .. 5;
    cmp_ok(time - $start, '<', 8, 'which does not wait: each by itself takes two seconds');
    is($tell->("host x.test pool=9\n"), "failed\n", 'a wrong one changes nothing');
    is($tell->('', "$dir/none"), "failed\n", 'nor one that is not there');
    like(dump_of($db), qr/^host n5\.test pool=1 *$/m, 'the last good one is what there is');
    like((run('', 'load', $db))[2], qr/another writer has it open/, 'nobody else writes meanwhile');
    is($tell->("pool 2 app=two type=web\nhost two.test pool=2\n"), "ok\n", 'and it goes on');
    close $in;
    waitpid $pid, 0;
    is($?, 0, 'to the end of its input');
    unlike(dump_of($db), qr/n5/, 'each in place of all before');
    seek $said, 0, 0;
    like(do { local $/; <$said> }, qr{followed:1: pool=9: no such pool.*none: No such file}s, 'what failed is said');
}
run('', 'load', $db);

# ---- certificates

my $pem = write_file('a.pem', 'CHAIN' x 1000);
my $key = write_file('a.key', 'KEY');
write_file('b.pem', 'B');
write_file('b.key', 'C' x 65535);
my $certs = loaded(<<END);
certhost *.example.com 7
certhost Example.com 18446744073709551615 7
certhost * 7
cert 18446744073709551615 chain=$dir/b.pem key=$dir/b.key
cert 7 chain=$pem key=$key
END
my $names = "certhost * 7\ncerthost *.example.com 7\ncerthost example.com 18446744073709551615 7\n";
like(dump_of($certs), qr/\A\Q$names\E# cert 7: with a FOLDER.*\n# cert 1844\d+: .*\n\z/, 'dump without a folder');
($status, $out, $err) = run('', 'dump', $certs, "$dir/out");
is("$status$err", '0', 'dump with a folder');
is($out, $names . join('', map { "cert $_ chain=$dir/out/$_.pem key=$dir/out/$_.key\n" } 7, '18446744073709551615'), 'names its files');
is((stat "$dir/out/7.key")[2] & 0777, 0600, 'which others cannot read');
is((run('', 'dump', loaded($out), "$dir/out"))[1], $out, 'and load takes what was dumped');
is(-s "$dir/out/18446744073709551615.key", 65535, 'of the largest size');
($status, $out) = run('', 'verify', $certs);
like($out, qr/\Aok: 0 hosts, 0 pools, 0 patterns, 3 names of 2 certificates, /, 'verify counts them');
is((run('', 'get', $certs, 'a.example.com'))[1], "certhost a.example.com 7\n", 'get of one');
for (
    ["cert 0 chain=$pem key=$key", qr/:1: cert '0': must be a number/],
    ["cert 1 chain=$pem", qr/:1: cert 1: needs chain=FILE and key=FILE/],
    ["cert 1 chain=$dir/none key=$key", qr/:1: chain=.*none: No such file/],
    ["cert 1 chain=$pem key=/dev/null", qr/:1: key=.*: is empty/],
    ["cert 1 chain=$pem key=$dir/b.key", qr/:1: cert 1: chain and key are more than 65536/],
    ["cert 1 chain=$dir/out/7.pem key=$key\ncert 1 chain=$pem key=$key", qr/:2: cert 1: already on line 1/],
    ["certhost a..b 1", qr/:1: certhost 'a..b': must be a host/],
    ["certhost a.b x", qr/:1: certhost a.b: must end with the number/],
    ["certhost a.b 1", qr/:1: certhost a.b: no cert 1: add/],
    ["cert 1 chain=$pem key=$key\ncerthost a.b 1 2", qr/:2: certhost a.b: no cert 2: add/],
    (map { ["certhost a.b $_", qr/:1: certhost a.b: must end with the number of a cert, or of two/] } '1 1', '1 0', '1 x', '1 2 3'),
    ["cert 1 chain=$pem key=$key\ncerthost a.b 1\ncerthost A.b 1", qr/:3: certhost a.b: already on line 2/],
) {
    my ($text, $message) = @$_;
    ($status, $out, $err) = run($text, 'load', "$dir/wrong");
    is($status, 1, 'refused: ' . ($text =~ s/[^ -~]+/; /gr));
    like($err, qr/\Apaas-routedb: standard input$message/, 'says why');
    ok(!-e "$dir/wrong", 'leaves nothing');
}

# ---- files that are none

($status, undef, $err) = run('', 'dump', "$dir/none");
is($status, 1, 'no database');
is($err, "paas-routedb: $dir/none: there is no database\n", 'says so');
($status, undef, $err) = run('', 'load', "$dir/x", "$dir/none.txt");
is($err, "paas-routedb: $dir/none.txt: No such file or directory\n",
    'no file');
ok(!-e "$dir/x", 'and nothing made');

my $cut = loaded($all);
truncate "$cut/data.mdb", 8192;
($status, undef, $err) = run('', 'verify', $cut);
is($status, 1, 'a truncated database');
like($err, qr/\Apaas-routedb: .*(truncated|damaged)/, 'is told of');

for ([], ['eat'], ['dump'], ['dump', 1, 2, 3], ['load'], ['get', $db]) {
    ($status, undef, $err) = run('', @$_);
    is($status, 2, "usage: @$_");
    like($err, qr/\Ausage: /, 'is shown');
}
($status, $out) = run('', '--help');
is($status, 0, '--help');
like($out, qr/\Ausage: .*host hello\.example\.com/s, 'with an example');

done_testing();
