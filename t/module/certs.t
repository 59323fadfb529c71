# Certificates by SNI: who is served which, before and after the database
# changes, without a reload.  The handshakes are OpenSSL's and curl's own.
use strict;
use warnings;
use lib 't/lib';
use PaasTest;
use PaasTest::Backend;
use PaasTest::Certs;
use PaasTest::Router;
use Test::More;

*wait_for = \&PaasTest::Router::wait_for;
*make = \&PaasTest::Certs::make;
*s_client = \&PaasTest::Certs::s_client;
*leaf = \&PaasTest::Certs::leaf;
*slurp = \&PaasTest::Certs::slurp;

my $backend = PaasTest::Backend->new('app');
new_routes(<<EOT);
pool 1 app=app type=web
instance 1 1 127.0.0.1:$backend->{port}
host one.test pool=1
host two.test pool=1
EOT

my $static = make('static', kind => 'rsa');
my $ca = make('ca');
my %c = (
    one => make('one', by => $ca), two => make('two'), wild => make('wild'), other => make('other'),
    rsa => make('rsa', kind => 'rsa'), ed => make('ed', kind => 'ed25519'), default => make('default'),
);
my ($tls, $second) = (free_port(), free_port());

sub server {
    my ($port, $certs, %opt) = @_;
    my $listen = $opt{listen} || "127.0.0.1:$port ssl http2";
    my $cert = $opt{cert} // "ssl_certificate $static->{chain}; ssl_certificate_key $static->{key};";
    $certs = "paas_certs $certs;" if $certs;
    return <<EOT;
server {
    listen $listen;
    server_name @{[$opt{name} || '_']};
    $cert
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache @{[$opt{sessions} || 'off']};
    $certs
    @{[$opt{more} // '']}
    location / {
        paas on;
        proxy_pass http://apps;
        include $ENV{PWD}/manager/etc/nginx/paas_proxy.conf;
    }
}
EOT
}

my %names = ('one.test' => $c{one}, '*.wild.test' => $c{wild}, 'exact.wild.test' => $c{other},
    'rsa.test' => $c{rsa}, 'ed.test' => $c{ed});
my $dir = PaasTest::Certs::new_certs(%names);
my $r = PaasTest::Router->new(workers => 1,
    http => server($tls, "$dir cache=8") . server($second, "$dir cache=8", sessions => 'shared:x:1m'));

sub served_is {
    my ($name, $want, $what) = @_;
    is(leaf($tls, $name), $want, $what);
}

# Until the state is that; then what it says of certificates.
sub state_is {
    my ($want, $what) = @_;
    my $got;
    wait_for(15, sub { $got = $r->state->{certificates}; $got->{state} eq $want });
    is($got->{state}, $want, $what);
    return $got;
}

# ---- whose --------------------------------------------------------------

is(PaasTest::Certs::served(s_client($tls, 'one.test')), 'one ca', 'the whole chain is served');
served_is('ONE.Test', 'one', 'a name in capitals');
served_is('a.wild.test', 'wild', 'a wildcard is for one label');
served_is('a.b.wild.test', 'static', 'and not for two');
served_is('wild.test', 'static', 'nor for none');
served_is('exact.wild.test', 'other', 'an exact name goes first');
served_is('rsa.test', 'rsa', 'RSA');
served_is('ed.test', 'ed', 'Ed25519');
served_is('none.test', 'static', 'a name that is not there');
served_is(undef, 'static', 'no name');
served_is('127.0.0.1', 'static', 'an address for a name');
is(leaf($tls, 'one.test', $_), 'one', "with $_") for '-tls1_2', '-tls1_3';
unlike(s_client($tls, 'one.test', '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), qr/CN ?= ?static/,
    "a client that wants RSA is not served the server's own in its place");
my $s = state_is('ok', 'all is well');
is($s->{names}, 5, 'five names');
is($s->{certificates}, 5, 'of five certificates');
is($s->{cached}, 5, 'each of which is in the cache');
like($r->get('x', '/metrics', port => $r->{status})->{body}, qr/^paas_certificates_ok 1\n.*^paas_certificates 5\n/ms, 'metrics');

# ---- two of one name, by what the client can verify ---------------------------

my %either = ('-tls1_2 ECDSA' => ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    '-tls1_2 RSA' => ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'],
    '-tls1_3 ECDSA' => ['-tls1_3', '-sigalgs', 'ECDSA+SHA256'], '-tls1_3 RSA' => ['-tls1_3', '-sigalgs', 'RSA-PSS+SHA256']);
sub either_is {
    my ($ec, $rsa, $what) = @_;
    for my $how (sort keys %either) {
        my $want = $how =~ /RSA$/ ? $rsa : $ec;
        is(leaf($tls, 'one.test', @{ $either{$how} }) // 'none', $want, "$what: $how");
    }
}
my ($old_ec, $old_rsa) = (make('old-ec', expired => 1), make('old-rsa', kind => 'rsa', expired => 1));
PaasTest::Certs::change_certs($dir, %names, 'one.test' => [$c{rsa}, $c{one}]);
either_is('one', 'rsa', 'two');
served_is('one.test', 'one', 'who can both gets the one that it likes better');
PaasTest::Certs::change_certs($dir, %names, 'one.test' => [$c{one}, $old_rsa]);
either_is('one', 'none', 'RSA has expired');
PaasTest::Certs::change_certs($dir, %names, 'one.test' => [$old_ec, $c{rsa}]);
either_is('none', 'rsa', 'ECDSA has');
PaasTest::Certs::change_certs($dir, %names, 'one.test' => [$old_ec, $old_rsa]);
served_is('one.test', 'old-ec', 'both: the first one');
PaasTest::Certs::change_certs($dir, %names);
either_is('one', 'none', 'one again');

# ---- what is spoken over it ------------------------------------------------

sub curl {
    my (@args) = @_;
    my ($in, $out, $err) = '';
    IPC::Run::run(['curl', '-sk', '--max-time', 20, '--connect-to', "::127.0.0.1:$tls", @args], \$in, \$out, \$err);
    return $out;
}
is(curl("https://one.test:$tls/"), "app\n", 'a request');
is(curl('-o', '/dev/null', '-w', '%{http_version}', "https://one.test:$tls/"), 2, 'HTTP/2 by ALPN');

# ---- changes: the next handshake ---------------------------------------------

my $tunnel = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $r->{port});
print {$tunnel} "GET /ws HTTP/1.1\r\nHost: one.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n";
PaasTest::Router::read_until($tunnel, qr/\r\n\r\n/);
my @workers = $r->workers;

PaasTest::Certs::change_certs($dir, %names, 'one.test' => $c{other}, 'new.test' => $c{two}, '.' => $c{default});
served_is('one.test', 'other', 'replaced');
served_is('new.test', 'two', 'added');
served_is('none.test', 'default', "the database's default, although its absence was known");
served_is(undef, 'default', 'the same for no name');
PaasTest::Certs::change_certs($dir, %names);
served_is('one.test', 'one', 'put back');
served_is('new.test', 'static', 'removed');
served_is('none.test', 'static', 'and the default, too');
is_deeply([$r->workers], \@workers, 'by the same worker');
syswrite $tunnel, "still\n";
like(PaasTest::Router::read_until($tunnel, qr/still/), qr/still/, 'with its tunnels');
close $tunnel;

# ---- sessions ----------------------------------------------------------------

# The second handshake is with another name, if one is given.
sub resumed {
    my ($port, $version, $name, $then, @more) = @_;
    my $file = "$PaasTest::dir/session";
    unlink $file;
    s_client($port, $name, $version, '-sess_out', $file, @more);
    -s $file or return 'no session';
    my $said = s_client($port, $then // $name, $version, '-sess_in', $file, @more);
    return $said =~ /^(New|Reused), /m ? $1 : $said;
}
for my $version ('-tls1_2', '-tls1_3') {
    is(resumed($tls, $version, 'one.test'), 'Reused', "$version: a session is resumed");
    is(resumed($tls, $version, 'one.test', 'a.wild.test'), 'New', "$version: but not for another name");
    is(resumed($tls, $version, 'none.test', 'nine.test'), 'New', "$version: whosever certificate that has");
}
is(resumed($second, '-tls1_2', 'one.test', undef, '-no_ticket'), 'Reused', 'from the cache of sessions');
is(resumed($second, '-tls1_2', 'one.test', 'two.test', '-no_ticket'), 'New', 'and not for another name');
my $file = "$PaasTest::dir/session";
s_client($tls, 'one.test', '-tls1_3', '-sess_out', $file);
PaasTest::Certs::change_certs($dir, %names, 'one.test' => $c{two});
like(s_client($tls, 'one.test', '-tls1_3', '-sess_in', $file), qr/^Reused/m, 'a session outlives its certificate');
served_is('one.test', 'two', 'which is another one for those without');
PaasTest::Certs::change_certs($dir, %names);

# ---- bounds --------------------------------------------------------------------

my @many = map { make("m$_") } 1 .. 20;
PaasTest::Certs::change_certs($dir, %names, map { ("m$_.test" => $many[ $_ - 1 ]) } 1 .. 20);
for my $round (1, 2) {
    my $got = PaasTest::Certs::leaves($tls, map { "m$_.test" } 1 .. 20);
    is_deeply($got, { map { ("m$_.test" => "m$_") } 1 .. 20 }, 'each of more than fit gets its own') or diag explain $got;
    is($r->state->{certificates}{cached}, 8, 'and the cache keeps its bound');
}
my @flood = map { ("n$_.none.test", "w$_.wild.test") } 1 .. 500;
my $got = PaasTest::Certs::leaves($tls, @flood);
is(scalar(grep { $got->{"n$_.none.test"} eq 'static' } 1 .. 500), 500, 'a flood of names: what is not there');
is(scalar(grep { $got->{"w$_.wild.test"} eq 'wild' } 1 .. 500), 500, 'and what a wildcard is for');
served_is('one.test', 'one', 'and nobody else is hurt');
PaasTest::Certs::change_certs($dir, %names);

# ---- what is wrong with it -------------------------------------------------------

sub complaints {
    my @lines = grep { /certificate database/ && !/\[notice\]/ } split /\n/, $r->log;
    return scalar @lines;
}
served_is('one.test', 'one', 'well');
my $before = complaints();

# A record that is whole but no certificate.
my $junk = { chain => "$PaasTest::dir/junk", key => "$PaasTest::dir/junk" };
open my $fh, '>', $junk->{chain} or die;
print {$fh} "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
close $fh;
PaasTest::Certs::change_certs($dir, %names, 'one.test' => $junk, 'two.test' => { %{ $c{two} }, key => $c{one}{key} });
served_is('one.test', 'static', 'what is no certificate is not served') for 1, 2;
served_is('two.test', 'static', 'nor one with the key of another');
is(complaints() - $before, 2, 'which is told of once each');
like($r->log, qr/the certificate [0-9a-f]{16} for "one\.test" can't be used/, 'by its name');
PaasTest::Certs::change_certs($dir, %names);
served_is('one.test', 'one', 'and well again');

# Bytes that are in no other file: the first line is the same in many keys.
sub secret {
    my ($cert) = @_;
    return (split /\n/, slurp($cert->{key}))[2];
}

# A page of it is damaged: what is in the cache goes on.
sub damage {
    my ($file) = @_;
    my $part = secret($c{wild});
    my $bytes = slurp($file);
    my $at = index $bytes, $part;
    die 'nothing to damage' if $at < 0;
    while ($at >= 0) {
        open my $out, '+<', $file or die $!;
        seek $out, $at, 0;
        print {$out} '!';    # which base64 has not
        close $out;
        $at = index $bytes, $part, $at + 1;
    }
    return;
}
my $copy = "$PaasTest::dir/certs.copy";
system('cp', '-a', $dir, $copy) == 0 or die;
served_is('a.wild.test', 'wild', 'in the cache');
PaasTest::Certs::leaves($tls, map { "m$_.test" } 1 .. 20);
$before = complaints();
damage("$dir/data.mdb");
served_is('a.wild.test', 'wild', 'what is cached goes on');
$r->reload;
served_is('a.wild.test', 'static', "a new worker serves the server's own") for 1, 2;
served_is('one.test', 'one', 'and others what they have');
state_is('damaged', 'the state says so');
is(complaints() - $before, 1, 'and the log, once');

# Another file takes its place, without a reload.
rename $dir, "$dir.bad";
rename $copy, $dir;
ok(wait_for(15, sub { leaf($tls, 'a.wild.test') eq 'wild' }), 'one that is whole is taken');
state_is('ok', 'all is well');

# Truncated under the worker's hands.
$before = complaints();
truncate "$dir/data.mdb", 4096 or die $!;
served_is('one.test', 'one', 'a truncated file: what is cached goes on');
served_is('a.wild.test', 'wild', 'that as well');
served_is('ed.test', 'static', "others get the server's own");
state_is('damaged', 'the state says so');
is(complaints() - $before, 1, 'and the log, once');

# Gone, and there from the start of nothing.
rename $dir, "$dir.gone";
served_is('one.test', 'one', 'it goes: what is cached goes on');
$r->reload;
served_is('one.test', 'static', "a worker that starts without it serves the server's own");
state_is('missing', 'the state says so');
mkdir $dir;
PaasTest::set_routes($dir, PaasTest::Certs::text(%names));
ok(wait_for(15, sub { leaf($tls, 'one.test') eq 'one' }), 'it comes, without a reload');
state_is('ok', 'all is well');

# ---- no key in the log -----------------------------------------------------------

my $log = $r->log;
my $found = grep { index($log, secret($_)) >= 0 } values %c;
is($found, 0, 'no key in the log');

# ---- another server is the first of the address -----------------------------------

$r->configure(http => server($tls, '', name => 'first', cert => "ssl_certificate $c{two}{chain}; ssl_certificate_key $c{two}{key};")
        . server($tls, $dir, name => '*.test', sessions => 'shared:y:1m'));
$r->reload;
is(leaf($tls, 'one.test'), 'one', 'a server that is not the first of its address');
is(leaf($tls, 'first'), 'two', 'leaves the first alone');
is(resumed($tls, '-tls1_3', 'one.test', 'ed.test'), 'New', 'sessions are for one name there, too');
is(resumed($tls, '-tls1_3', 'one.test'), 'Reused', 'and resumed for that');

# ---- a server that knows its clients ------------------------------------------------

my ($mine, $trusted, $ticket) = (make('client', by => $ca), map { "$PaasTest::dir/$_" } qw(trusted.crt ticket.key));
my @with = ('-cert', $mine->{chain}, '-key', $mine->{key});
open $fh, '>', $ticket or die $!;
print {$fh} 'k' x 80;
close $fh;

# Sessions that outlive a reload, by a key for tickets or in a cache.
sub verifying {
    my ($by, $first) = @_;
    # Another file: nginx keeps what has the same inode and second of change.
    open my $out, '>', "$trusted.new" or die $!;
    print {$out} slurp($by->{chain});
    close $out;
    rename "$trusted.new", $trusted or die $!;
    my $mtls = "ssl_verify_client optional; ssl_client_certificate $trusted; add_header X-Client \$ssl_client_verify always;";
    my @servers = map { server($tls, $dir, name => $_, sessions => 'shared:z:1m', more => $_ eq 'one.test' ? $mtls : '') }
        $first ? ('first', 'one.test') : ('one.test', 'first');
    $r->configure(http => "ssl_session_ticket_key $ticket;" . join '', @servers);
    $r->reload;
}
sub again { my ($version, @more) = @_; return s_client($tls, 'one.test', $version, '-sess_in', $file, @with, @more) }

my $namesake = make('ca');
for my $first (1, 0) {
    my $which = $first ? 'behind another server' : 'as the first of its address';
    for my $way (['-tls1_3'], ['-tls1_2'], ['-tls1_2', '-no_ticket']) {
        verifying($ca, $first);
        unlink $file;
        my $said = s_client($tls, 'one.test', @$way, '-sess_out', $file, @with);
        like($said, qr/^X-Client: SUCCESS/m, "@$way, $which: the client is known");
        $said = again(@$way);
        like($said, qr/^Reused.*^X-Client: SUCCESS/ms, 'and its session is resumed');
        verifying($ca, $first);
        like(again(@$way), qr/^Reused/m, 'after a reload as well');
        verifying($namesake, $first);
        $said = again(@$way);
        like($said, qr/^New/m, 'but not with another CA of the same name');
        unlike($said, qr/^X-Client: SUCCESS/m, 'to which it is nobody');
    }
}

# ---- nonsense ----------------------------------------------------------------------

sub refused {
    my ($http, $why, $what) = @_;
    my $bad = bless { %$r, prefix => "$PaasTest::dir/bad" }, ref $r;
    mkdir $bad->{prefix};
    $bad->configure(http => $http);
    my $said = `$ENV{TEST_NGINX_BINARY} -t -p $bad->{prefix} -c nginx.conf -e stderr 2>&1`;
    isnt($?, 0, $what);
    like($said, $why, "$what: why");
}
refused(server($tls, $dir, listen => "127.0.0.1:$tls", cert => ''), qr/"paas_certs" needs "ssl_certificate" in the server in/,
    'no certificate of its own');
refused(server($tls, $dir, cert => "ssl_certificate $PaasTest::dir/\$ssl_server_name.crt; ssl_certificate_key $static->{key};"),
    qr/"paas_certs" and variables in "ssl_certificate" exclude each other/, 'variables');
refused(server($tls, $dir) . server($second, "$dir.other"), qr/has to name the same folder everywhere/, 'two folders');
refused(server($tls, "$dir cache=$_"), qr/"cache=$_", it may be "cache=NUMBER" of 1 to 100000/, "cache=$_") for 0, 'x', 100001;
refused(server($tls, "$dir x=1"), qr/invalid parameter "x=1"/, 'another parameter');
refused(server($tls, "$dir; paas_certs $dir"), qr/is duplicate/, 'twice');
refused(server($tls, '""'), qr/needs the folder/, 'no folder');

# In http{}, for all servers with TLS; "off" takes it away from one.
$r->configure(http => "paas_certs $dir;" . server($tls, '') . server($second, 'off'));
$r->reload;
is(leaf($tls, 'one.test'), 'one', 'inherited');
is(leaf($second, 'one.test'), 'static', 'off');

done_testing();
