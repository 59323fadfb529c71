# What is tried again and what is not, the retry budget, and ejection.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;

my %b = (ok => PaasTest::Backend->new('ok'),
    map({ $_ => PaasTest::Backend->new($_, does => '/close') } qw(bad1 bad2 bad3)));
$b{dead1}{port} = free_port();
$b{dead2}{port} = free_port();
$b{dead3}{port} = free_port();

my ($pools, %pool) = ('');

# A pool of these backends, in turn; host NAME.test, ids 100 * pool + 1 on.
sub pool {
    my ($name, $fields, @at) = @_;
    my $n = $pool{$name} = 1 + keys %pool;
    my $i = 100 * $n;
    $pools .= "pool $n app=$name type=web balance=round_robin $fields\n"
        . join('', map { "instance $n " . ++$i . " 127.0.0.1:$b{$_}{port}\n" } @at)
        . "host $name.test pool=$n\n";
}
# A new one for each test, as an instance that fails is ejected.
pool("usual$_", 'retry-budget=100', qw(ok bad1)) for 1 .. 11;
pool("put$_", 'retry-budget=100 retry_put', qw(ok bad1)) for 1 .. 3;
pool('never', 'no-retry', qw(ok bad1));
pool('neverdead', 'no-retry', qw(ok dead1));
pool('budget', '', qw(bad1 bad2 bad3));
pool('more', 'retry-budget=100', qw(bad1 bad2 bad3));
pool('deadones', 'retry-budget=1', qw(ok dead1 dead2 dead3));
pool('stream', 'retry-budget=100', qw(ok bad1));
pool('streamdead', '', qw(ok dead1));
pool('half', 'no-retry', qw(ok bad1 bad2 bad3));
pool('probe', 'no-retry', qw(ok bad1));
pool('time', 'retry-budget=100', qw(ok bad1));
new_routes($pools);

my $r = PaasTest::Router->new(workers => 1, http => <<EOT);
server {
    listen 127.0.0.1:$ENV{B2};
    location / {
        paas on;
        proxy_pass http://apps;
        proxy_set_header Host \$paas_host;
        proxy_next_upstream error timeout non_idempotent;
        proxy_read_timeout 1s;
        add_header X-Which "\$paas_instance \$paas_attempts" always;
    }
}
server {
    listen 127.0.0.1:$ENV{B1};
    location / {
        paas on;
        proxy_pass http://apps;
        include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
        proxy_request_buffering off;
        add_header X-Which "\$paas_instance \$paas_attempts" always;
    }
}
EOT

sub stats {
    my ($name, $field) = @_;
    my $n = 0;
    $n += $_->{$field} for grep { $_->{app} eq $name } @{ $r->state->{instances} };
    return $n;
}

# Status and the most attempts that any of ten requests took.
sub ten {
    my ($name, $method, @headers) = @_;
    my (%n, $most);
    $most = 0;
    for (1 .. 10) {
        my $got = $r->get("$name.test", '/', method => $method, headers => \@headers,
            $method =~ /^P/ ? (body => 'x') : ());
        $n{ $got->{status} }++;
        my ($tries) = $got->{headers}{'x-which'} =~ / (\d+)$/;
        $most = $tries if $tries > $most;
    }
    return join(' ', sort keys %n) . " in $most";
}

# ---- methods ------------------------------------------------------------------

my $n = 0;
is(ten('usual' . ++$n, $_), '200 in 2', "$_ is tried again") for qw(GET HEAD OPTIONS);
is(ten('usual' . ++$n, $_), '200 502 in 1', "$_ is not") for qw(POST PUT DELETE PATCH);
is(ten('usual' . ++$n, $_, 'Idempotency-Key: 1'), '200 in 2', "$_ with an Idempotency-Key is") for qw(POST PATCH DELETE);
is(ten('usual' . ++$n, 'POST', 'Idempotency-Key:'), '200 502 in 1', 'with an empty one it is not');
is(ten('put1', 'PUT'), '200 in 2', 'PUT is where the pool wants it');
is(ten('put2', 'DELETE'), '200 in 2', 'as is DELETE');
is(ten('put3', 'POST'), '200 502 in 1', 'POST is not even there');
is(ten('never', 'GET'), '200 502 in 1', 'nothing is where the pool wants none');
is(ten('neverdead', 'GET'), '200 502 in 1', 'not even what was not sent');
like(ten('deadones', 'POST'), qr/^200 in [34]$/, 'what was not sent is tried again, whatever it is');

# ---- time and bytes -------------------------------------------------------------

sub at { my ($port, @request) = @_; local $r->{port} = $port; return $r->get(@request) }
my $got;
ok(wait_for(20, sub { $got = at($ENV{B2}, 'time.test', '/slow'); $got->{status} == 504 }), 'it takes too long');
like("$got->{status} $got->{headers}{'x-paas-error'} $got->{headers}{'x-which'}", qr/^504 timeout \S+ [12]$/,
    'what took too long is not tried again');
$got = $r->get('time.test', '/half');
$got = $r->get('time.test', '/half') if $got->{body} ne 'half';
is($got->{body}, 'half', 'nor what has begun to answer');

# ---- a body that is not buffered ----------------------------------------------------

sub stream {
    my ($host, @headers) = @_;
    my $got = at($ENV{B1}, $host, '/length', method => 'PUT', body => 'x' x 300_000, headers => \@headers);
    return "$got->{status} " . ($got->{headers}{'x-which'} =~ s/.* //r) . ' ' . $got->{body} =~ s/\s.*//sr;
}
my %seen;
$seen{ stream('stream.test', 'Idempotency-Key: 1') =~ s/ <.*//r }++ for 1 .. 4;
is_deeply(\%seen, { '200 1 300000' => 2, '502 1' => 2 }, 'a part of an unbuffered body was sent: no second try');
%seen = ();
$seen{ stream('streamdead.test') }++ for 1 .. 4;
is($seen{'200 1 300000'} + $seen{'200 2 300000'}, 4, 'nothing was sent: another one gets all of it');
ok($seen{'200 2 300000'}, 'at the second try');

# ---- the budget ----------------------------------------------------------------------

$r->get('budget.test', '/') for 1 .. 3;
cmp_ok(stats('budget', 'retries'), '>=', 3, 'a few retries are always allowed');
my $began = time;
$r->get('budget.test', '/') for 1 .. 297;
my $beside = 100 + 10 * (time - $began + 1);    # ten a second
my $retries = stats('budget', 'retries');
cmp_ok($retries, '>=', 140, 'a fifth of three hundred requests, and ten a second');
cmp_ok($retries, '<=', 70 + $beside, 'and not many more');
cmp_ok(stats('budget', 'retries_denied'), '>=', 100, 'the others were denied');
cmp_ok($r->state->{totals}{retries_denied}, '>=', 100, 'which the totals say as well');
$began = time;
$r->get('more.test', '/') for 1 .. 150;
$beside = 100 + 10 * (time - $began + 1);
$retries = stats('more', 'retries');
cmp_ok($retries, '>=', 230, 'a budget of 100 %: as many as requests');
cmp_ok($retries, '<=', 160 + $beside, 'and not many more');

is_deeply($r->spread(60, 'deadones.test', '/'), { ok => 60 }, 'three of four can not be reached: no request fails');
is(stats('deadones', 'retries_denied'), 0, 'as trying another one costs nothing then');
cmp_ok(stats('deadones', 'failures'), '<', 40, 'and they are left alone');

# ---- ejection ------------------------------------------------------------------------------

$r->get('half.test', '/') for 1 .. 200;
$n = $r->spread(60, 'half.test', '/');
cmp_ok($n->{502} // 0, '>=', 15, 'three of four close: only half of the pool is ever ejected');
cmp_ok($n->{ok}, '>=', 15, 'the others share the requests');

ok(wait_for(30, sub { $r->get('probe.test', '/'); stats('probe', 'failures') >= 6 }), 'one fails again and again');
$b{bad1}->kill;
my $slow = PaasTest::Backend->new('slow', port => $b{bad1}{port});
my $id = 100 * $pool{probe} + 2;
my @s;
ok(wait_for(30, sub { push @s, $r->send('probe.test', '/stream'); select undef, undef, undef, 0.02; $r->in_flight($id) }),
    'then a request tries it');
push @s, $r->send('probe.test', '/stream') for 1 .. 10;
ok(wait_for(10, sub { $r->state->{totals}{in_flight} >= @s }), 'ten more come');
is($r->in_flight($id), 1, 'and nobody else does until it has answered');

unlike($r->log, qr/\[(alert|crit|emerg)\]/, 'nothing bad in the log');

done_testing();
