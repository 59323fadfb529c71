#!/usr/bin/perl
# Whatever dies, requests go on: kill -9 of an instance, of the manager, of
# the launcher, of an nginx worker, and a reload, under load and with a
# websocket open; only what was killed is another one afterwards.
use strict;
use warnings;
use lib 't/lib';
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $times = $ENV{PAAS_LONG} ? 10 : 3;
my $p = Platform->new;
my $app = 'kills';
my ($rc, $out) = $p->paas('push', "$Platform::top/t/fixtures/express", '--app', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);
$p->paas('ps:scale', 'web=3', '--app', $app);
ok($p->wait_up($app, 3), 'three are up');

# The app's own pids, as it tells them: many requests at once, for one after
# the other would never go to the instance that has the websocket.
sub pids {
    my %of;
    for (1 .. 5) {
        my @sockets = map {
            my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port});
            print {$s} "GET /slow?ms=100 HTTP/1.1\r\nHost: $app.$p->{domain}\r\nConnection: close\r\n\r\n";
            $s;
        } 1 .. 24;
        for my $s (@sockets) {
            my $text = Platform::read_response($s, time + 10);
            $of{$1} = $2 if $text =~ /"dyno":\s*"(web\.\d)".*"pid":\s*(\d+)/s;
        }
        last if keys %of == 3;
    }
    return \%of;
}

# Kills the app's process of an instance, found by its environment.
sub kill_instance {
    my ($dyno) = @_;
    my ($status, $text) = Platform::run('ps', '-eo', 'pid,uid,comm');
    my @node = map { /^\s*(\d+)\s+(\d+)\s+node/ && host_dyno($1, $dyno) ? $1 : () } split /\n/, $text;
    kill 'KILL', @node;
    return scalar @node;
}

sub host_dyno {
    my ($pid, $dyno) = @_;
    open my $fh, '<', "/proc/$pid/environ" or return;
    local $/;
    my $env = <$fh>;
    return $env =~ /(?:^|\0)DYNO=\Q$dyno\E\0/ && $env =~ /(?:^|\0)PAAS_APP=\Q$app\E\0/;
}

# Load with wrk while something is done; gives the count of failed requests.
sub under_load {
    my ($seconds, $do) = @_;
    my $pid = open(my $wrk, '-|') // die;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec 'wrk', '-t1', '-c16', "-d${seconds}s", '-H', "Host: $app.$p->{domain}",
            "http://127.0.0.1:$p->{port}/" or POSIX::_exit(127);
    }
    sleep 0.5;
    $do->();
    my $text = join '', <$wrk>;
    close $wrk;
    my ($requests) = $text =~ /(\d+) requests in/;
    my $failed = 0;
    $failed += $1 if $text =~ /Non-2xx or 3xx responses: (\d+)/;
    $failed += $1 + $2 + $3 + $4
        if $text =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
    return ($failed, $requests // 0, $text);
}

my $ws = $p->ws_open($app, '/ws');
ok($ws && Platform::ws_echo($ws, 'before'), 'a websocket is open');
my $start = pids();
is(scalar keys %$start, 3, 'three pids');

for my $service (qw(manager launcher)) {
    my ($failed, $requests, $text) = under_load(2 * $times, sub {
        for (1 .. $times) {
            my $pid = $p->service_pid($service) or next;
            kill 'KILL', $pid;
            ok(Platform::wait_for(10, sub {
                my $now = $p->service_pid($service);
                $now && $now != $pid
            }), "$service: killed, and there again");
            sleep 0.5;
        }
    });
    is($failed, 0, "$service: no failed request of $requests") or diag $text;
    ok(Platform::wait_for(10, sub { $p->api('GET', '/health')->{status} == 200 }), "$service: healthy");
    is_deeply(pids(), $start, "$service: the same app processes as before");
    ok(Platform::ws_echo($ws, "after $service"), "$service: the websocket still echoes");
}

my ($failed, $requests, $text) = under_load(2 * $times, sub {
    for (1 .. $times) {
        Platform::run('nginx', '-p', "$p->{state}/router", '-c', "$p->{state}/router/nginx.conf", '-s', 'reload');
        sleep 1;
    }
});
is($failed, 0, "reload: no failed request of $requests") or diag $text;
ok(Platform::ws_echo($ws, 'after reload'), 'reload: the websocket still echoes');
is_deeply(pids(), $start, 'reload: the same app processes as before');

# web.1 holds the websocket or not; killing the others must not touch it.
my ($mine) = grep { $_ ne 'web.1' } sort keys %$start;
my $killed = 0;
($failed, $requests, $text) = under_load(3 * $times, sub {
    for (1 .. $times) {
        my ($was) = map { $_->{instance} } grep { $_->{name} eq 'web.1' } $p->dynos($app);
        $killed += kill_instance('web.1') ? 1 : 0;
        ok(Platform::wait_for(20, sub {
            my ($now) = grep { $_->{name} eq 'web.1' } $p->dynos($app);
            $now && $now->{state} eq 'up' && $now->{instance} ne $was
        }), 'instance: killed, and another is up');
        # After three crashes it would back off: somebody restarts it.
        next if $killed % 3 || $_ == $times;
        $p->paas('ps:restart', 'web.1', '--app', $app);
        Platform::wait_for(20, sub {
            my @all = grep { $_->{name} eq 'web.1' } $p->dynos($app);
            @all == 1 && $all[0]{state} eq 'up' && $all[0]{restarts} == 0
        });
    }
});
is($failed, 0, "instance: no failed request of $requests") or diag $text;
ok($killed, "instance: $killed were killed");
my $after = pids();
is($after->{$_}, $start->{$_}, "instance: $_ is the same as before") for grep { $_ ne 'web.1' } keys %$start;

# A killed worker takes its own requests along, and nothing else.
for (1 .. $times) {
    my $master = $p->service_pid('router');
    my ($status, $children) = Platform::run('ps', '-o', 'pid=', '--ppid', $master);
    my ($worker) = $children =~ /(\d+)/;
    kill 'KILL', $worker;
    ok(Platform::wait_for(10, sub { $p->get($app)->{status} == 200 }), 'worker: killed, and requests go on');
}
# The master alone: its workers are told to go by the next one.
my $master = $p->service_pid('router');
kill 'KILL', $master;
ok(Platform::wait_for(15, sub {
    my $now = $p->service_pid('router');
    $now && $now != $master && $p->get($app)->{status} == 200
        && $p->http('GET', 'status', '/status', socket => "$p->{run}/status.sock")->{status} == 200
}), 'nginx master: killed, and there is another with its sockets');
my $status = $p->http('GET', 'status', '/status', socket => "$p->{run}/status.sock");
my $json = eval { JSON::PP::decode_json($status->{body}) };
ok(Platform::wait_for(5, sub {
    my $s = $p->http('GET', 'status', '/status', socket => "$p->{run}/status.sock");
    my $j = JSON::PP::decode_json($s->{body});
    !grep { $_->{app} eq $app && $_->{in_flight} > 1 } @{ $j->{instances} };
}), 'worker: no request is counted that is not there') or diag $status->{body};

done_testing();
