#!/usr/bin/perl
# The life of an instance as people have it: what it is checked by, that
# readiness only takes the route away and liveness restarts, that the times are
# obeyed, and that each change is one event of the timeline.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);

my $p = Platform->new;
my $app = 'life';
my $dir = tempdir('paas-life-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub spill {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print {$fh} $text;
    close $fh;
}

# Answers by files: sick at GET /up while /tmp/sick is there, slow at the end
# while /tmp/stay is.
spill("$dir/Procfile", "web: exec python3 serve.py\nworker: exec sleep 100000\n");
spill("$dir/serve.py", <<'EOT');
import http.server, os, signal, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = self.path == '/up' and os.path.exists('/tmp/sick')
        told = self.headers.get('X-Check', '')
        self.send_response(503 if sick else 207 if told == 'yes' else 200)
        self.end_headers()
        self.wfile.write(b'%d\n' % os.getpid())
    def log_message(self, *a): pass
def end(*a):
    if not os.path.exists('/tmp/stay'): sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('up')
sys.stdout.flush()
http.server.ThreadingHTTPServer(('', int(os.environ['PORT'])), Answer).serve_forever()
EOT
my ($rc, $out) = $p->paas('push', $dir, '-a', $app, '--create');
is($rc, 0, 'pushed') or BAIL_OUT($out);

sub events {
    my $list = $p->json('timeline', '-a', $app, '-n', 300);
    return @$list;
}
sub states { return map { $_->{kind} } grep { $_->{text} =~ /^\Q$_[0]\E / } events() }
sub dyno { my ($name) = @_; my ($d) = grep { $_->{name} eq $name } $p->dynos($app); return $d // {} }
sub in { my @words = @_; return ($p->paas('ps:exec', '-a', $app, '--no-tty', 'web.1', @words))[0] }
sub state_is {
    my ($name, $state, $what) = @_;
    ok(Platform::wait_for(30, sub { (dyno($name)->{status} // '') eq $state }), $what)
        or diag explain [dyno($name), map { "$_->{kind}: $_->{text}" } events()];
}

# ---- settings ---------------------------------------------------------------

sub refused {
    my ($what, $pattern, @words) = @_;
    my ($status, $said) = $p->paas(@words, '-a', $app);
    isnt($status, 0, "$what: refused");
    like($said, $pattern, "$what: why");
}
refused('a timeout of 0', qr/timeout has to be 1 to 3600 seconds/, 'ps:health', '/up', 'timeout=0');
refused('an unknown setting', qr/grace is not a field of this request/, 'ps:health', '/up', 'grace=3');
refused('a status', qr/status has to be statuses/, 'ps:health', '/up', 'status=2xx');
refused('a path for a worker', qr/worker" takes no requests/, 'ps:health', '/up', '--ps', 'worker');
refused('no such check', qr/neither a path/, 'ps:health', 'ping');
refused('restarts by readiness', qr/restart/, 'ps:readiness', '/up', 'restart=3');
refused('a time', qr/is not start=SECONDS/, 'ps:timeouts', 'kill=3');
refused('a time too long', qr/stop_timeout has to be 0 to 3600/, 'ps:timeouts', 'stop=9999');

($rc, $out) = $p->paas('ps:health', '/up', 'status=207', 'header=X-Check:yes', 'interval=1', 'failures=2',
    'restart=4', '-a', $app);
is($rc, 0, 'checked by a path, with a header and a status') or diag $out;
like($out, qr{GET /up.*status 207}s, 'it tells') or diag $out;
is(($p->paas('ps:timeouts', 'start=30', 'drain=5', 'stop=2', '-a', $app))[0], 0, 'times of its own');
my $shape = $p->api('GET', "/apps/$app/formation/web")->{json};
is_deeply([@$shape{qw(start_timeout drain_timeout stop_timeout)}], [30, 5, 2], 'the API has them');
is($shape->{health}{status}, '207', 'and the check');
is($shape->{health}{start_timeout}, 30, 'which has the first of them');
$p->paas('restart', '-a', $app);
ok($p->wait_up($app, 1), 'started again with all that') or diag explain [events()];

# ---- liveness: after failures no route, after more of them a restart -------------

my $first = dyno('web.1')->{instance};
my $pid = $p->get($app)->{body};
is(in('touch', '/tmp/sick'), 0, 'it falls sick');
state_is('web.1', 'unhealthy', 'it is unhealthy');
like(dyno('web.1')->{reason} // '', qr/it answered 503/, 'with the reason');
ok(Platform::wait_for(20, sub { (dyno('web.1')->{instance} // $first) ne $first }), 'then it is another');
ok($p->wait_up($app, 1), 'which is up');
isnt($p->get($app)->{status}, 503, 'and gets requests');
my ($crash) = grep { $_->{kind} eq 'crashed' } events();
like($crash->{text} // '', qr/its health check failed 4 times in a row: it answered 503/, 'the timeline says why');

# ---- readiness: only the route ---------------------------------------------------

is(($p->paas('ps:health', 'default', '-a', $app))[0], 0, 'health by its port');
is(($p->paas('ps:readiness', '/up', 'interval=1', 'failures=1', '-a', $app))[0], 0, 'and readiness by a path');
$p->paas('restart', '-a', $app);
ok($p->wait_up($app, 1), 'started again');
my $same = dyno('web.1')->{instance};
in('touch', '/tmp/sick');
state_is('web.1', 'unhealthy', 'not ready: no route');
sleep 3;
is(dyno('web.1')->{instance}, $same, 'it is not restarted, however often it fails');
in('rm', '/tmp/sick');
state_is('web.1', 'ready', 'ready again');
is(dyno('web.1')->{instance}, $same, 'the same one');
is(($p->paas('ps:readiness', 'off', '-a', $app))[0], 0, 'off');
ok(!defined $p->api('GET', "/apps/$app/formation/web")->{json}{readiness}, 'is off');

# ---- a command --------------------------------------------------------------------

is(($p->paas('ps:health', 'command=test ! -e /tmp/sick && echo fine', 'interval=1', 'failures=1', 'restart=0', '-a', $app))[0],
    0, 'checked by a command');
$p->paas('restart', '-a', $app);
ok($p->wait_up($app, 1), 'ready by it');
in('touch', '/tmp/sick');
state_is('web.1', 'unhealthy', 'its status counts');
like(dyno('web.1')->{reason} // '', qr/exited with status 1/, 'and is told');
in('rm', '/tmp/sick');
state_is('web.1', 'ready', 'well again');
$p->paas('ps:scale', 'worker=1', '-a', $app);
is(($p->paas('ps:health', 'command=test -d /app', '--ps', 'worker', '-a', $app))[0], 0, 'of a worker, too');
ok($p->wait_up($app, 1, 'worker'), 'the worker is up');
is(($p->paas('ps:health', 'process', '-a', $app))[0], 0, 'by its process');
$p->paas('restart', '-a', $app);
ok($p->wait_up($app, 1), 'ready while it runs');

# ---- the end: SIGTERM, its time, SIGKILL ---------------------------------------------

in('touch', '/tmp/stay');
my $start = time;
$p->paas('ps:scale', 'web=0', '-a', $app);
ok(Platform::wait_for(30, sub { !grep { $_->{type} eq 'web' } $p->dynos($app) }), 'it is stopped, whatever it does with SIGTERM');
cmp_ok(time - $start, '>=', 1.9, 'not before its time');

# ---- one event a change ----------------------------------------------------------------

$p->paas('ps:scale', 'web=1', '-a', $app);
ok($p->wait_up($app, 1), 'one more');
my ($victim) = grep { defined } map { /^\s*(\d+) python3 serve\.py/ && host_app($1) ? $1 : undef }
    split /\n/, (Platform::run('ps', '-eo', 'pid=,args='))[1];
my $before = () = states('web.1');
kill 'KILL', $victim if $victim;
ok(Platform::wait_for(20, sub { (dyno('web.1')->{restarts} // 0) == 1 && dyno('web.1')->{status} eq 'ready' }), 'killed, and again');
is_deeply([(states('web.1'))[-3 .. -1]], [qw(crashed starting ready)], 'crashed, starting, ready: an event each')
    or diag explain [events()];
is((() = states('web.1')) - $before, 3, 'and no more');
ok((grep { $_->{text} =~ /crashed: killed by signal 9 \(SIGKILL\)/ } events()), 'with its signal');

sub host_app {
    my ($is) = @_;
    open my $fh, '<', "/proc/$is/environ" or return;
    local $/;
    return (<$fh> // '') =~ /(?:^|\0)PAAS_APP=\Q$app\E\0/;
}

done_testing();
