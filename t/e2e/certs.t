#!/usr/bin/perl
# Https from a platform: certificates that are added are served on the next
# handshake, nothing is reloaded, and what is open stays so.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Platform;
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = Platform->new;
my $dir = tempdir(CLEANUP => 1);
my $tls = Platform::free_port();

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh>;
}

# A certificate in DIR/NAME.crt and its key in DIR/NAME.key, by a CA of ours.
Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj),
    '/CN=Test CA', '-keyout', "$dir/ca.key", '-out', "$dir/ca.crt");

sub make {
    my ($name, @hosts) = @_;
    my ($rc, $out) = Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90),
        '-CA', "$dir/ca.crt", '-CAkey', "$dir/ca.key", '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt",
        '-subj', "/CN=$name", '-addext', 'basicConstraints=critical,CA:FALSE',
        '-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @hosts));
    die $out if $rc;
    return ("$dir/$name.crt", "$dir/$name.key");
}

# The common name that a host's next handshake is served, or nothing.
sub served {
    my ($host, @args) = @_;
    my ($rc, $out) = Platform::run('openssl', 's_client', '-connect', "127.0.0.1:$tls",
        defined $host ? ('-servername', $host) : '-noservername', @args);
    return $out =~ /^ 0 s:.*CN ?= ?(.+)$/m ? $1 : '';
}

# A request as a client makes it that trusts our CA and nobody else.
sub get {
    my ($host, @args) = @_;
    return (Platform::run('curl', '-s', '--max-time', 20, '--cacert', "$dir/ca.crt",
        '--resolve', "$host:$tls:127.0.0.1", @args, "https://$host:$tls/"))[1];
}

sub workers {
    my $pid = $p->service_pid('router');
    return join ' ', $pid, sort split ' ', (Platform::run('ps', '-o', 'pid=', '--ppid', $pid))[1];
}

# ---- without, and with it -------------------------------------------------

unlike(slurp("$p->{state}/router/nginx.conf"), qr/ssl|443/, 'plain http: nothing of TLS in nginx.conf');
ok(!-e "$p->{state}/router/default.pem", 'nor a certificate');
my ($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'up --https-port') or diag $out;
unlike($out, qr/warn|emerg/i, 'without a complaint');
ok(Platform::wait_for(10, sub { served('any.paas.localhost') eq 'paas.localhost' }), 'the self-made certificate is served');
is((stat "$p->{state}/router/default.pem")[2] & 07777, 0600, 'whose key is for root');
is($p->get('none')->{status}, 404, 'http is as before');
my $before = slurp("$p->{state}/router/default.pem");
my $master = $p->service_pid('router');
is(($p->up)[0], 0, 'up once more');
is(slurp("$p->{state}/router/default.pem"), $before, 'keeps the certificate');
is($p->service_pid('router'), $master, 'and nginx');
ok(Platform::wait_for(10, sub { served('any.paas.localhost') eq 'paas.localhost' }), 'and the port');

# ---- an app's ---------------------------------------------------------------

is(($p->paas('push', "$Platform::top/t/fixtures/express", '--app', 'shop', '--create'))[0], 0, 'pushed');
is(($p->paas('domains:add', 'www.example.com', '--app', 'shop'))[0], 0, 'a domain');
my @pids = workers();

# A websocket over TLS, through the whole of it.
sub tunnel {
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0) or die $!;
    my $pid = fork // die;
    if (!$pid) {
        open STDIN, '<&', $theirs;
        open STDOUT, '>&', $theirs;
        open STDERR, '>', '/dev/null';
        close $ours;
        exec 'openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$tls", '-servername', 'shop.paas.localhost';
    }
    close $theirs;
    $ours->autoflush;
    return ($ours, $pid);
}
my ($under, $client) = tunnel();
my $ws = $p->ws_open('shop', '/ws', $under);
ok($ws, 'a websocket by wss');
ok(Platform::ws_echo($ws, 'before'), 'echoes');

($rc, $out) = $p->paas('certs:add', make('one', 'www.example.com', 'shop.paas.localhost'), '--name', 'one', '-a', 'shop');
is($rc, 0, 'certs:add') or diag $out;
is(served('www.example.com'), 'one', 'is served on the next handshake');
is(served('shop.paas.localhost'), 'one', "for the app's own host, too");
is(served('other.paas.localhost'), 'paas.localhost', 'and for no other');
like(get('www.example.com'), qr/Express|dyno/, 'a client that trusts its CA alone gets the app');
is(get('www.example.com', '-o', '/dev/null', '-w', '%{http_version} %{ssl_verify_result}'), '2 0', 'by HTTP/2');
is(served('www.example.com', $_), 'one', "with $_") for '-tls1_2', '-tls1_3';
is(served('www.example.com', '-tls1_1'), '', 'not with TLS 1.1');
like(($p->paas('certs', '-a', 'shop'))[1], qr/^one +P-256 +in \d+ days +www\.example\.com, shop\.paas\.localhost$/m,
    'certs lists it');

($rc, $out) = $p->paas('certs:update', make('two', 'www.example.com'), '-a', 'shop');
is($rc, 0, 'certs:update') or diag $out;
is(served('www.example.com'), 'two', 'the next handshake has it');
is(served('shop.paas.localhost'), 'paas.localhost', 'and the name that it has no more is the default');

# By the API, as Heroku's clients do it; then by a domain that comes later.
make('star', '*.example.org', 'late.example.com');
my $r = $p->api('POST', '/apps/shop/sni-endpoints',
    { certificate_chain => slurp("$dir/star.crt"), private_key => slurp("$dir/star.key") });
is($r->{status}, 201, 'by the API') or diag $r->{body};
is(served('a.example.org'), 'paas.localhost', 'without a domain it is not served');
is(($p->paas('domains:add', $_, '--app', 'shop'))[0], 0, "$_ is added") for 'a.example.org', 'late.example.com';
is(served('a.example.org'), 'star', 'a wildcard for a domain');
is(served('late.example.com'), 'star', 'and a name');
is(served('b.example.org'), 'paas.localhost', 'but not for what is not the app\'s');
is(($p->paas('domains:remove', 'a.example.org', '--app', 'shop'))[0], 0, 'the domain goes');
is(served('a.example.org'), 'paas.localhost', 'and with it the certificate');

# ---- the platform's ---------------------------------------------------------

($rc, $out) = $p->paas('certs:add', '--platform', make('own', '*.paas.localhost', 'paas.localhost'));
is($rc, 0, 'a wildcard of the platform') or diag $out;
is(served('other.paas.localhost'), 'own', 'is for every app');
($rc, $out) = $p->paas('certs:add', '--platform', '--default', '--name', 'rest', make('rest', 'rest.example'));
is($rc, 0, 'a default') or diag $out;
is(served('whatever.example.net'), 'rest', 'is for all others');
is(served(undef), 'rest', 'and for who asks for none');
is(($p->paas('certs:remove', 'rest', '--platform'))[0], 0, 'it goes');
is(served('whatever.example.net'), 'paas.localhost', 'and the self-made one is back');

# ---- what is open, and who is dead -----------------------------------------------

ok(Platform::ws_echo($ws, 'after'), 'the websocket has noticed nothing');
is(workers(), $pids[0], 'nginx was not reloaded');
my $file = "$dir/session";
for my $v ('-tls1_2', '-tls1_3') {
    unlink $file;
    my $ask = "printf 'GET / HTTP/1.0\\r\\nHost: www.example.com\\r\\n\\r\\n' | openssl s_client -ign_eof -connect 127.0.0.1:$tls $v";
    Platform::run('sh', '-c', "$ask -servername www.example.com -sess_out $file");
    like((Platform::run('sh', '-c', "$ask -servername www.example.com -sess_in $file"))[1], qr/^Reused/m, "$v: a session is resumed");
    like((Platform::run('sh', '-c', "$ask -servername late.example.com -sess_in $file"))[1], qr/^New/m, "$v: for its name alone");
}
my $manager = $p->service_pid('manager');
kill 'KILL', $manager;
is(served('www.example.com'), 'two', 'the manager is dead: certificates are served');
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'it is back');
($rc, $out) = $p->paas('certs:update', make('three', 'www.example.com'), '--name', 'one', '-a', 'shop');
is($rc, 0, 'and takes a change') or diag $out;
ok(Platform::wait_for(10, sub { served('www.example.com') eq 'three' }), 'which is served');

# ---- the end --------------------------------------------------------------------

my @secrets = map { (split /\n/, slurp($_))[2] } glob "$dir/*.key";
my $said = join '', map { slurp($_) } glob("$p->{logs}/*/current"), "$p->{logs}/access.log";
is(scalar(grep { index($said, $_) >= 0 } @secrets), 0, 'no key in any log');
is((stat "$p->{state}/certs/data.mdb")[2] & 07777, 0640, 'nor for others in the database');
my ($uid, $gid) = (stat "$p->{state}/certs/data.mdb")[4, 5];
is((getpwuid $uid) . ':' . (getgrgid $gid), 'paas:www-data', "it is the manager's, and nginx may read it");
close $ws;
kill 'TERM', $client;
waitpid $client, 0;
is(($p->paas('apps:destroy', 'shop', '--confirm', 'shop'))[0], 0, 'the app is destroyed');
ok(Platform::wait_for(10, sub { served('www.example.com') eq 'paas.localhost' }), 'and its certificate no longer served');
is(($p->up('--https-port', 0))[0], 0, 'up --https-port 0');
ok(Platform::wait_for(10, sub { served('any.paas.localhost') eq '' }), 'and nobody listens there');

done_testing();
