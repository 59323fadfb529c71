# The access log in both of its formats: every field, for every way a request
# may end.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

my $a = PaasTest::Backend->new('a');
my ($dead, $soon) = (free_port(), free_port());
my $pools = <<EOT;
pool 1 app=a type=web
instance 1 1 127.0.0.1:$a->{port}
pool 2 app=two type=api balance=round_robin
instance 2 21 127.0.0.1:$a->{port}
instance 2 22 127.0.0.1:$dead
pool 3 app=gone type=web
instance 3 3 127.0.0.1:$dead
pool 4 app=stop type=web state=stopped
EOT
my $hosts = join '', map { "host $_->[0].test pool=$_->[1]\n" } ['a', 1], ['two', 2], ['gone', 3], ['stop', 4], ['wait', 5];
new_routes($pools . "pool 5 app=wait type=web state=starting hold=20000\n$hosts");
my $r = PaasTest::Router->new(http => <<EOT, location => 'access_log text.log paas; access_log json.log paas_json;');
include $ENV{PWD}/manager/etc/nginx/paas_log.conf;
EOT

my (%at);
sub line {
    my ($file) = @_;
    my $line = PaasTest::Router::wait_for(10, sub {
        open my $fh, '<', "$r->{prefix}/$file" or return;
        seek $fh, $at{$file} // 0, 0;
        my $text = <$fh> // return;
        return if $text !~ /\n\z/;
        $at{$file} = tell $fh;
        return $text;
    }) or die "nothing in $file:\n" . $r->log;
    return $line;
}

# What both formats say of the last request; they must not contradict.
sub both {
    my $text = line('text.log');
    my $json = decode_json(line('json.log'));
    my %text = $text =~ /(\w+)=(\S+)/g;
    my %name = (error => 'error', code => 'code', app => 'app', type => 'type', pool => 'pool',
        instance => 'instance', id => 'id', host => 'host', proto => 'scheme');
    for (sort keys %name) {
        my $said = $json->{ $name{$_} };
        is($text{$_}, length $said ? $said : '-', "$_ in both");
    }
    return ($json, $text, \%text);
}
my $time = qr/^\d+\.\d{3}$/;

my $id = 'abcdefgh-ABCDEFGH-01234567';
$r->get('a.test', '/x?y=1', headers => ["X-Request-Id: $id", 'User-Agent: "quoted\\"', 'Referer: http://r.test/']);
my ($json, $text, $said) = both();
is($json->{app}, 'a', 'app');
is($json->{type}, 'web', 'type');
is($json->{pool}, '0000000000000001', 'pool');
is($json->{instance}, '0000000000000001', 'instance');
is($json->{attempts}, 1, 'attempts');
is($json->{status}, 200, 'status');
is($json->{bytes}, 2, 'bytes');
cmp_ok($json->{received}, '>', 50, 'received');
is($json->{uri}, '/x?y=1', 'uri');
is($json->{agent}, '"quoted\\"', 'what has quotes in it');
is($json->{referer}, 'http://r.test/', 'referer');
is($json->{method}, 'GET', 'method');
is($json->{protocol}, 'HTTP/1.1', 'protocol');
is($json->{scheme}, 'http', 'scheme');
is($json->{address}, '127.0.0.1', 'address');
is($json->{id}, $id, 'request id');
is($json->{error}, '', 'no error');
is($json->{hold}, undef, 'not held');
like($said->{$_}, $time, "$_ time") for qw(connect response total);
cmp_ok($json->{response}, '>=', $json->{connect}, 'numbers are numbers');
is($said->{hold}, '-', 'not held');
like($text, qr{^127\.0\.0\.1 \[\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d\] "GET /x\?y=1 HTTP/1\.1" 200 2 host=a\.test }, 'its begin');

# A second attempt: the times are those of the last one, and no list.
my $seen = 0;
for (1 .. 4) {
    $r->get('two.test', '/');
    ($json, undef, $said) = both();
    is("$json->{app} $json->{type} $json->{status}", 'two api 200', 'an app with an instance that is gone');
    like($said->{$_}, $time, "$_ is one number") for qw(connect response);
    $seen++ if $json->{attempts} == 2;
}
cmp_ok($seen, '>=', 1, 'more than one attempt');

$r->get('gone.test', '/');
($json, undef, $said) = both();
is("$json->{status} $json->{error} $json->{code} $json->{attempts}", '502 connect_failed H21 1', 'nobody takes it');
is($json->{connect}, undef, 'never connected');
like($said->{response}, $time, 'but for how long it was tried');

$r->get('stop.test', '/');
($json) = both();
is("$json->{status} $json->{error} $json->{code} $json->{attempts} $json->{app}", '503 app_stopped H14 0 stop', 'stopped');
is_deeply([@$json{qw(connect response hold)}], [undef, undef, undef], 'no times');
is($json->{instance}, '', 'no instance');

$r->get('nobody.test', '/');
($json) = both();
is("$json->{status} $json->{error} $json->{app} $json->{pool}", '404 no_route  ', 'no route');

$r->get('a.test', '/close');
($json) = both();
is("$json->{status} $json->{error} $json->{code}", '502 closed H13', 'closed');

my $s = $r->send('wait.test', '/');
ok(PaasTest::Router::wait_for(10, sub { $r->state->{held}{requests} }), 'one waits');
change_routes("${pools}pool 5 app=wait type=web hold=20000\ninstance 5 5 127.0.0.1:$a->{port}\n$hosts");
is(PaasTest::Router::answer($s)->{status}, 200, 'and goes on');
($json, undef, $said) = both();
like($said->{hold}, $time, 'held');
cmp_ok($json->{hold}, '>', 0, 'for a time');
cmp_ok($json->{total}, '>=', $json->{hold}, 'within the whole');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
