# Requests that wait: for an instance that is to come, and for their turn.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::UNIX;
use List::Util ();
use PaasTest;
use PaasTest::Backend;
use PaasTest::Router;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(sleep time);

*wait_for = \&PaasTest::Router::wait_for;
*answer = \&PaasTest::Router::answer;

my $a = PaasTest::Backend->new('a');
my $b = PaasTest::Backend->new('b');
my $dead = PaasTest::free_port();

my $wake = "$PaasTest::dir/wake.sock";
my $heard = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $wake) or die $!;
chmod 0777, $wake;

# The lines of pool 1, and the rest as it always is.
sub routes {
    my ($pool) = @_;
    return <<EOT;
$pool
pool 2 app=stopped type=web state=stopped hold=5000
pool 3 app=crashed type=web state=crashed hold=5000
pool 4 app=maint type=web state=maintenance hold=5000
instance 4 4 127.0.0.1:$b->{port}
pool 5 app=short type=web state=starting hold=300
pool 6 app=never type=web state=starting
pool 7 app=drained type=web hold=300
instance 7 7 127.0.0.1:$b->{port} draining
pool 8 app=dead type=web hold=60000
instance 8 8 127.0.0.1:$dead
pool 9 app=other type=web
instance 9 9 127.0.0.1:$b->{port}
host a.test pool=1
host stopped.test pool=2
host crashed.test pool=3
host maint.test pool=4
host short.test pool=5
host never.test pool=6
host drained.test pool=7
host dead.test pool=8
host b.test pool=9
EOT
}

my $starting = "pool 1 app=a type=web state=starting hold=60000";
my $asleep = "pool 1 app=a type=web state=asleep hold=60000";
my $id = 1;
sub ready { return "pool 1 app=a type=web hold=60000\ninstance 1 $id 127.0.0.1:$a->{port}" }

new_routes(routes($starting));
my $r = PaasTest::Router->new(workers => 2, http => <<EOT,
paas_hold pool=40 total=60;
paas_wake unix:$wake;
log_format held '\$host \$paas_error \$status hold=\$paas_hold_time';
server {
    listen 127.0.0.1:$ENV{B1};
    location / { proxy_pass http://apps; include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf; }
}
EOT
    location => 'add_header X-Hold "<$paas_hold_time>" always; client_body_buffer_size 1k;'
        . 'access_log held.log held;');

sub held { my $s = $r->state; return $s ? $s->{held}{requests} : -1 }

sub holds {
    my ($n, $what) = @_;
    my $got;
    wait_for(15, sub { ($got = held()) == $n });
    is($got, $n, $what) or diag explain $r->state, (split /\n/, $r->log)[-20 .. -1];
}

sub all_ok {
    my ($what, @s) = @_;
    my @got = map { answer($_) } @s;
    is(scalar(grep { $_->{status} == 200 } @got), scalar @s, $what)
        or diag explain [grep { $_->{status} != 200 } @got];
    return @got;
}

# ---- until there is an instance ---------------------------------------------

is(held(), 0, 'nobody waits');
my $from = time;
my @s = map { $r->send('a.test', "/$_") } 1 .. 10;
holds(10, 'ten wait for an app that starts');
my $state = $r->state;
is_deeply($state->{held}{pools}, [{ id => '0000000000000001', app => 'a', type => 'web', requests => 10 }],
    'the status page says for what');
is($state->{totals}{in_flight}, 0, 'and that they are at no instance');
change_routes(routes(ready()));
my @got = all_ok('all go on when it is ready', @s);
my $took = time - $from;
my $longest = List::Util::max(map { $_->{headers}{'x-hold'} =~ /<(\d+\.\d\d\d)>/ } @got);
cmp_ok($longest, '>', 0.5, '$paas_hold_time is how long they have waited');
cmp_ok($longest, '<=', $took + 0.1, 'and no longer');
holds(0, 'none waits any more');
is($r->get('a.test', '/')->{headers}{'x-hold'}, '<>', 'who did not wait has no hold time');

# ---- who does not wait, or not for long --------------------------------------

for (['stopped', 503, 'app_stopped'], ['crashed', 503, 'app_crashed'], ['maint', 503, 'maintenance'],
    ['never', 503, 'booting']) {
    my ($app, $status, $error) = @$_;
    $from = time;
    my $got = $r->get("$app.test", '/');
    is("$got->{status} $got->{headers}{'x-paas-error'}", "$status $error", "$app: refused");
    is($got->{headers}{'x-hold'}, '<>', 'at once');
}

for my $app (qw(short drained)) {
    my $got = $r->get("$app.test", '/');
    is("$got->{status} $got->{headers}{'x-paas-error'}", '503 hold_timeout', "$app: the time ends");
    like($got->{headers}{'x-hold'}, qr/^<0\.(?:29|[3-9]).*>$/, 'after 0.3 s');
    like($got->{body}, qr/503 hold_timeout H20/, 'with the code beside it');
}
my $old = $r->get('short.test', '/', method => 'POST', body => 'x' x 100_000);
is($old->{headers}{'x-paas-error'}, 'hold_timeout', 'the same with a body that nobody reads');

# ---- bodies, connections, clients ----------------------------------------------

change_routes(routes($asleep));
1 while IO::Select->new($heard)->can_read(0) && defined $heard->recv(my $gone, 100);
@s = map { $r->send('a.test', '/length', method => 'POST', body => 'x' x (1000 * $_)) } 1, 10, 200;
holds(3, 'three wait for an app that sleeps');
my @words;
$from = time;
while (time - $from < 2.3) {
    next if !IO::Select->new($heard)->can_read(0.1);
    $heard->recv(my $word, 100);
    push @words, $word;
}
is_deeply([@words[0, 1]], [('a 0000000000000001') x 2], 'it is woken with its name and pool');
cmp_ok(scalar @words, '>=', 3, 'again each second');
cmp_ok(scalar @words, '<=', 4, 'and not more often');

my @leave = map { $r->send('a.test', '/left') } 1 .. 20;
holds(23, 'twenty more');
close $_ for @leave;
holds(3, 'leave, and are not counted any more');
$id = 2;
change_routes(routes(ready()));
@got = all_ok('the others go on', @s);
is(join(',', map { $_->{body} =~ /(\d+)/ } @got), '1000,10000,200000', 'with their bodies whole');
ok(!grep({ /left/ } $a->seen), 'those who left were never passed on');
open my $log, '<', "$r->{prefix}/held.log" or die $!;
is(scalar(grep { /^a\.test \S+ 499 hold=\d+\.\d{3}$/ } <$log>), 20, 'they are in the log with their hold time');

# ---- limits ----------------------------------------------------------------

change_routes(routes($starting));
@s = map { $r->send('a.test', '/') } 1 .. 40;
holds(40, 'forty may wait');
my $full = $r->get('a.test', '/');
is("$full->{status} $full->{headers}{'x-paas-error'}", '503 hold_full', 'one more may not');
like($full->{body}, qr/503 hold_full H11/, 'with the code beside it');

# ---- workers come and go ------------------------------------------------------

$r->reload;
is(held(), 40, 'a reload loses nobody');
my @new = map { $r->send('a.test', '/new') } 1 .. 1;
is(answer($new[0])->{headers}{'x-paas-error'}, 'hold_full', 'old and new workers share the limit');
$id = 3;
change_routes(routes(ready()));
all_ok('those in old workers go on', @s);
ok(wait_for(10, sub { @{ $r->state->{workers} } == 2 }), 'and the old workers leave');

change_routes(routes($starting));
@s = map { $r->send('a.test', '/') } 1 .. 20;
holds(20, 'twenty wait');
kill 9, $_ for $r->workers;
holds(0, 'killed workers take theirs with them');
close $_ for @s;
ok(wait_for(10, sub { $r->workers == 2 && @{ $r->state->{workers} } == 2 }), 'there are new ones');

# Somebody stops it meanwhile.
@s = map { $r->send('a.test', '/') } 1 .. 4;
holds(4, 'four wait');
change_routes(routes('pool 1 app=a type=web state=crashed hold=60000'));
is(join(',', map { answer($_)->{headers}{'x-paas-error'} } @s), join(',', ('app_crashed') x 4),
    'it crashes: they are told so at once');

# Another pool gets the host, which starts as well, and then is there.
change_routes(routes($starting));
@s = map { $r->send('a.test', '/') } 1 .. 4;
holds(4, 'four wait once more');
my $moved = routes($starting) =~ s/host a.test pool=1/host a.test pool=10/r;
change_routes("$moved\npool 10 app=ten type=web state=starting hold=60000\n");
ok(wait_for(10, sub { ($r->state->{held}{pools}[0]{app} // '') eq 'ten' }), 'for another pool now');
is(held(), 4, 'all of them');
change_routes("$moved\npool 10 app=ten type=web hold=60000\ninstance 10 10 127.0.0.1:$b->{port}\n");
@got = all_ok('and go to it', @s);
is($got[0]{body}, "b\n", 'which is another app');

# ---- a limit of concurrency, and order -----------------------------------------

$id = 4;
sub limited {
    my ($n, $queue, $more) = @_;
    return "pool 1 app=a type=web hold=60000 concurrency=$n queue=$queue\n"
        . "instance 1 $id 127.0.0.1:$a->{port}" . ($more // '');
}
change_routes(routes(limited(1, 30)));
$a->hold;
my $first = $r->send('a.test', '/slow');
wait_for(10, sub { $r->in_flight($id) == 1 });
my @order;
for (1 .. 30) {
    push @order, $r->send('a.test', "/n$_");
    holds($_, "$_ wait for their turn") if $_ % 10 == 0;
    wait_for(5, sub { held() == $_ });
}
is($r->in_flight($id), 1, 'one is at work');
is($r->get('a.test', '/')->{headers}{'x-paas-error'}, 'hold_full', 'the queue is bounded');
$a->release;
all_ok('all have their turn', $first, @order);
is(join(' ', grep { m{/n\d} } $a->seen), join(' ', map { "GET /n$_" } 1 .. 30),
    'in the order in which they came, whatever worker they were in');

$id = 5;
change_routes(routes(limited(3, 100, "\ninstance 1 50 127.0.0.1:$b->{port}")));
$a->hold;
$b->hold;
@s = map { $r->send('a.test', '/slow') } 1 .. 20;
my ($most, $all) = (0, 0);
holds(14, 'two instances with three each');
is($r->in_flight($id), 3, 'the one');
is($r->in_flight(50), 3, 'and the other');
my $pid = fork // die;
if (!$pid) { sleep 0.1; $_->release for $a, $b; POSIX::_exit(0) }
while ($all++ < 200 && held() > 0) {
    my $n = $r->in_flight($id);
    $most = $n if $n > $most;
}
waitpid $pid, 0;
all_ok('all are answered', @s);
cmp_ok($most, '<=', 4, 'the limit holds while they go on'); # a count that is about to be taken back

# ---- instances that die ----------------------------------------------------------

my $got = $r->get('dead.test', '/');
is("$got->{status} $got->{headers}{'x-paas-error'}", '502 connect_failed',
    'an instance that stays but can not be reached');
like($got->{headers}{'x-hold'}, qr/^<(?:0\.9|1\.)/, 'is waited for a second');

$id = 6;
change_routes(routes(ready()));
$a->hold;
@s = (map({ $r->send('a.test', '/slow') } 1 .. 5),
    $r->send('a.test', '/slow', method => 'PUT', body => 'x' x 5000, headers => ['Idempotency-Key: 1']));
my $post = $r->send('a.test', '/slow', method => 'POST', body => 'x');
ok(wait_for(10, sub { $r->in_flight($id) == 7 }), 'seven are at work');
my $soon = routes($starting);
$pid = fork // die;
if (!$pid) { change_routes($soon); POSIX::_exit(0) }
waitpid $pid, 0;
$a->kill;
is(answer($post)->{headers}{'x-paas-error'}, 'closed', 'a POST that it had is not made twice');
holds(6, 'but what may be waits for the next instance');
$a->start;
$a->release;
$id = 7;
change_routes(routes(ready()));
@got = all_ok('and gets its answer there', @s);

# Without "paas on" it is the balancer that finds nobody.
change_routes(routes($starting));
$s[0] = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ENV{B1}) or die $!;
print { $s[0] } "POST /length HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n", 'x' x 5000;
holds(1, 'one waits without "paas on"');
$id = 8;
change_routes(routes(ready()));
is(answer($s[0])->{body}, "5000\n", 'and goes on');

# ---- aborts ------------------------------------------------------------------------

$id = 9;
change_routes(routes(limited(2, 1000)));
for (1 .. 200) {
    my $s = $r->send('a.test', (qw(/slow / /events))[rand 3]);
    select undef, undef, undef, rand 0.003;
    close $s;
}
holds(0, 'two hundred aborts leave nobody waiting');
ok(wait_for(10, sub { $r->state->{totals}{in_flight} == 0 }), 'nor at work');
is($r->get('a.test', '/')->{status}, 200, 'and the app answers');
unlike($r->log, qr/\[(?:alert|crit|emerg)\](?!.* exited on signal 9)|no live upstreams/, 'nothing bad in the log');

# Its host leads elsewhere by the time that the instance dies.
change_routes(routes(ready()));
$a->hold;
$s[0] = $r->send('a.test', '/slow');
wait_for(10, sub { $r->in_flight($id) == 1 });
my @workers = $r->workers;
change_routes(routes(ready()) =~ s/^host a\.test pool=1$/host a.test to=b.test/mr);
$a->kill;
$got = answer($s[0]);
is("$got->{status} $got->{headers}{'x-paas-error'}", '502 closed', 'a host that is redirected meanwhile');
is_deeply([$r->workers], \@workers, 'is no harm to the worker');

done_testing();
