#!/usr/bin/perl
# What the platform is for: real apps are pushed as they are, answer at their
# own hosts, and are scaled.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $p = Platform->new;
my $fixtures = "$Platform::top/t/fixtures";

like($p->{said}, qr{http://APP\.paas\.localhost:$p->{port}/}, 'up says where apps answer');

# Pushes a fixture and says how long it took until the first 200.
sub push_app {
    my ($app, $dir) = @_;
    my $start = time;
    my ($rc, $out) = $p->paas('push', "$fixtures/$dir", '--app', $app, '--create');
    is($rc, 0, "$app: pushed") or diag $out;
    my $r = $p->get($app);
    is($r->{status}, 200, "$app: answers at its own host") or diag $r->{body};
    diag sprintf '%s: %.2f s from push to the first 200', $app, time - $start;
    return ($out, $r);
}

# The instances that are seen in the answers of n requests.
sub seen {
    my ($app, $n, $pattern) = @_;
    my %seen;
    for (1 .. $n) {
        my $r = $p->get($app);
        $seen{$1}++ if $r->{status} == 200 && $r->{body} =~ $pattern;
    }
    return \%seen;
}

my $named = qr/"dyno":\s*"(web\.\d+)"/;

for my $case (['express', 'express', qr/Node\.js/],
    ['django', 'django', qr/Python/]) {
    my ($app, $dir, $pack) = @$case;
    my ($out) = push_app($app, $dir);
    like($out, $pack, "$app: its pack was found and said so");
    my ($rc) = $p->paas('ps:scale', 'web=3', '--app', $app);
    is($rc, 0, "$app: scaled to 3");
    ok($p->wait_up($app, 3), "$app: three are up");
    my $seen = seen($app, 60, $named);
    is_deeply([sort keys %$seen], [qw(web.1 web.2 web.3)],
        "$app: all three answer") or diag explain $seen;
}

my ($out) = push_app('site', 'static');
my $start = time;
$p->paas('ps:scale', 'web=10', '--app', 'site');
ok($p->wait_up('site', 10), 'static: ten are up');
diag sprintf 'static: %.2f s from 1 to 10', time - $start;

push_app('proc', 'procfile');
is(($p->paas('ps:scale', 'worker=2', '--app', 'proc'))[0], 0, 'a worker is scaled');
ok($p->wait_up('proc', 2, 'worker'), 'two workers are up');

# A second push replaces the first without a request failing.
my $failed = 0;
my $pid = fork // die;
if (!$pid) {
    my $bad = 0;
    for (1 .. 150) {
        $bad++ if $p->get('proc')->{status} != 200;
        sleep 0.02;
    }
    POSIX::_exit($bad > 250 ? 250 : $bad);
}
my ($rc, $text) = $p->paas('push', "$fixtures/procfile", '--app', 'proc');
is($rc, 0, 'pushed again') or diag $text;
waitpid $pid, 0;
is($? >> 8, 0, 'no request failed meanwhile');

# Stop, start, restart.
is(($p->paas('stop', '--app', 'proc'))[0], 0, 'stopped');
ok(Platform::wait_for(20, sub { $p->get('proc')->{status} == 503 }), 'a stopped app is 503');
is($p->get('proc')->{headers}{'x-paas-error'}, 'app_stopped', 'and says app_stopped');
is(($p->paas('start', '--app', 'proc'))[0], 0, 'started');
ok(Platform::wait_for(20, sub { $p->get('proc')->{status} == 200 }), 'it answers again');
my ($before) = map { $_->{instance} } grep { $_->{name} eq 'web.1' } $p->dynos('proc');
is(($p->paas('ps:restart', 'web.1', '--app', 'proc'))[0], 0, 'restarted');
ok(Platform::wait_for(20, sub {
    my ($now) = map { $_->{instance} } grep { $_->{name} eq 'web.1' && $_->{state} eq 'up' } $p->dynos('proc');
    return $now && $now ne $before;
}), 'a restart gives another instance');

# Config makes a release and reaches the process.
is(($p->paas('config:set', 'GREETING=hallo', '--app', 'proc'))[0], 0, 'config set');
ok(Platform::wait_for(20, sub { $p->get('proc')->{body} =~ /"greeting": "hallo"/ }),
    'the process sees it');
like(($p->paas('config', '--app', 'proc'))[1], qr/GREETING.*hallo/, 'config lists it');
is(($p->paas('config:unset', 'GREETING', '--app', 'proc'))[0], 0, 'config unset');
ok(Platform::wait_for(20, sub { my $r = $p->get('proc');
    $r->{status} == 200 && $r->{body} =~ /"greeting": ""/ }), 'and it is gone');

# Domains and outside routes.
is(($p->paas('domains:add', 'shop.example.com', '--app', 'site'))[0], 0, 'a domain is added');
ok(Platform::wait_for(5, sub { $p->http('GET', 'shop.example.com', '/')->{status} == 200 }),
    'and serves the app');
isnt(($p->paas('domains:add', 'shop.example.com', '--app', 'proc'))[0], 0, 'a domain has one owner');
is(($p->paas('domains:remove', 'shop.example.com', '--app', 'site'))[0], 0, 'it is removed');
ok(Platform::wait_for(5, sub { $p->http('GET', 'shop.example.com', '/')->{status} == 404 }),
    'and is 404 again');
my $backend = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $child = fork // die;
if (!$child) {
    while (my $c = $backend->accept) {
        sysread $c, my $buf, 65536;
        print {$c} "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\noutside";
        close $c;
    }
    POSIX::_exit(0);
}
my $address = '127.0.0.1:' . $backend->sockport;
is(($p->paas('routes:add', 'old.example.com', $address))[0], 0, 'an outside backend gets a route');
ok(Platform::wait_for(5, sub { $p->http('GET', 'old.example.com', '/')->{body} eq 'outside' }),
    'and is served');
like(($p->paas('routes'))[1], qr/old\.example\.com.*\Q$address\E/, 'routes lists it');
is(($p->paas('routes:remove', 'old.example.com'))[0], 0, 'it is removed');
ok(Platform::wait_for(5, sub { $p->http('GET', 'old.example.com', '/')->{status} == 404 }), 'and gone');
kill 'TERM', $child;
waitpid $child, 0;

# Logs: every process's lines, with their names; -f goes on.
my $log = ($p->paas('logs', '-n', '200', '--app', 'proc'))[1];
like($log, qr/app\[web\.1\]: /, 'logs has lines of web.1');
my $follow = open(my $fh, '-|', "$p->{prefix}/bin/paas", '--socket',
    "$p->{run}/manager.sock", 'logs', '-f', '--app', 'proc') // die;
sleep 0.5;
$p->get('proc', '/say?followed-line');
my $got = '';
my $found = Platform::wait_for(10, sub {
    my $sel = IO::Select->new($fh);
    sysread $fh, $got, 65536, length $got if $sel->can_read(0.1);
    return $got =~ /followed-line/;
});
ok($found, 'logs -f shows a line as it is written') or diag $got;
kill 'TERM', $follow;
close $fh;

unlike(($p->paas('logs', '-n', '1000', '--app', 'proc'))[1], qr/ConnectionReset/,
    'health checks leave no complaint in the log');

# Destroy leaves nothing.
is(($p->paas('apps:destroy', 'proc', '--confirm', 'proc'))[0], 0, 'destroyed');
ok(Platform::wait_for(30, sub { $p->get('proc')->{status} == 404 }), 'its host is 404');
ok(Platform::wait_for(60, sub { $p->api('GET', '/apps/proc')->{status} == 404 }), 'it is gone');
ok(Platform::wait_for(60, sub { ($p->paas('apps:create', 'proc'))[0] == 0 }), 'its name is free again');

done_testing();
