#!/usr/bin/perl
# Certificates by the API and by paas: what is taken, what is refused, and
# that a private key is seen nowhere again.  Against a manager of its own;
# handshakes are in t/module/certs.t and t/e2e/certs.t.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IPC::Run qw(run);
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $manager = "$build/libexec/paas-manager";
die "$manager is not built: make programs\n" if !-x $manager;
die "needs root\n" if $> != 0;

my $dir = tempdir('paas-certs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $pid;
END { stop_manager() if $pid }
delete @ENV{qw(PAAS_APP PAAS_SOCKET)};

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh>;
}

sub wait_for {
    my ($seconds, $sub) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        my $got = $sub->();
        return $got if $got;
        sleep 0.02;
    }
    return;
}

sub start_manager {
    mkdir "$dir/$_" for qw(state run);
    open my $conf, '>', "$dir/paas.conf" or die "paas.conf: $!";
    print {$conf} "state_dir = $dir/state\nrun_dir = $dir/run\ndomain = paas.localhost\n";
    close $conf or die "paas.conf: $!";
    $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>>', "$dir/log" or POSIX::_exit(1);
        exec $manager, '--conf', "$dir/paas.conf" or POSIX::_exit(1);
    }
    wait_for(30, sub { call('GET', '/health')->{status} == 200 })
        or BAIL_OUT("the manager does not start:\n" . slurp("$dir/log"));
}

sub stop_manager {
    my $status = $?;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    undef $pid;
    $? = $status;
}

sub call {
    my ($method, $path, $body) = @_;
    my @data = defined $body ? ('--data-binary', '@-', '-H', 'Content-Type: application/json') : ();
    my ($in, $out, $err) = defined $body ? encode_json($body) : '';
    run ['curl', '-s', '-g', '--max-time', 10, '--unix-socket', "$dir/run/manager.sock", '-X', $method,
        '-w', "\n%{http_code}", @data, "http://paas$path"], \$in, \$out, \$err;
    my ($text, $status) = ($out // '') =~ /\A(.*)\n(\d+)\z/s or return { status => 0, body => '' };
    return { status => $status, body => $text, json => scalar eval { decode_json($text) } };
}

# good(what, status, method, path, body) -> the answer's JSON
sub good {
    my ($what, $status, @request) = @_;
    my $r = call(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

sub bad {
    my ($what, $status, $pattern, @request) = @_;
    my $r = call(@request);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{json}{message} // '', $pattern, "$what: the message");
}

sub paas {
    my (@args) = @_;
    my ($in, $out, $err) = '';
    run ["$build/bin/paas", '--socket', "$dir/run/manager.sock", @args], \$in, \$out, \$err;
    return ($? >> 8, $out, $err);
}

sub openssl {
    my ($in, $out, $err) = '';
    run ['openssl', @_], \$in, \$out, \$err or die "openssl @_: $err";
    return $out;
}

# A certificate by itself; its two files are DIR/NAME.crt and .key.
sub self_signed {
    my ($name, $hosts, @more) = @_;
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt", '-subj', "/CN=$name",
        '-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @$hosts), '-days', 90, @more);
    return { certificate_chain => slurp("$dir/$name.crt"), private_key => slurp("$dir/$name.key") };
}

start_manager();
good("the app $_", 201, 'POST', '/apps', { name => $_ }) for 'shop', 'other';
good("the domain $_->[1]", 201, 'POST', "/apps/$_->[0]/domains", { hostname => $_->[1] })
    for ['shop', 'www.example.com'], ['shop', 'a.wild.org'], ['shop', 'b.a.wild.org'], ['shop', '*.deep.org'],
    ['other', 'api.example.com'], ['other', 'taken.deep.org'];

# ---- an app's -----------------------------------------------------------

is_deeply(good('none yet', 200, 'GET', '/apps/shop/sni-endpoints'), [], 'none');
my $pair = self_signed('one', ['www.example.com', 'api.example.com', 'shop.paas.localhost']);
my $c = good('add', 201, 'POST', '/apps/shop/sni-endpoints', $pair);
like($c->{id}, qr/^[0-9a-f-]{36}$/, 'an id');
like($c->{name}, qr/^[a-z][a-z0-9-]{2,29}$/, 'a name');
is($c->{cname}, 'shop.paas.localhost', 'cname');
is($c->{app}{name}, 'shop', 'app');
is($c->{certificate_chain}, $pair->{certificate_chain}, 'the chain');
is_deeply($c->{ssl_cert}{cert_domains}, ['www.example.com', 'api.example.com', 'shop.paas.localhost'], 'cert_domains');
is_deeply($c->{hostnames}, ['www.example.com', 'shop.paas.localhost'], "not what is another app's");
is(scalar @{ $c->{domains} }, 2, 'two domains');
is($c->{domains}[0], good('a domain', 200, 'GET', '/apps/shop/domains/www.example.com')->{id}, 'by their ids');
is($c->{ssl_cert}{issuer}, '/CN=one', 'issuer');
is($c->{ssl_cert}{subject}, '/CN=one', 'subject');
ok($c->{ssl_cert}{'self_signed?'}, 'self-signed');
ok(!$c->{ssl_cert}{'ca_signed?'}, 'by no authority');
like($c->{ssl_cert}{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, $_) for 'starts_at', 'expires_at';
is($c->{key_type}, 'P-256', 'key_type');
is($c->{warnings}, undef, 'no warning');
is_deeply(good('info by name', 200, 'GET', "/apps/shop/sni-endpoints/$c->{name}"), $c, 'the same');
is_deeply(good('info by id', 200, 'GET', "/apps/shop/sni-endpoints/$c->{id}"), $c, 'the same');
is_deeply(good('list', 200, 'GET', '/apps/shop/sni-endpoints'), [$c], 'one');
bad('the same again', 422, qr/that of the certificate \Q$c->{name}\E already/, 'POST', '/apps/shop/sni-endpoints', $pair);
bad("another app's", 404, qr/other has no certificate/, 'GET', "/apps/other/sni-endpoints/$c->{name}");
bad("another app's, by id", 404, qr/other has no certificate/, 'DELETE', "/apps/other/sni-endpoints/$c->{id}");

my $wild = self_signed('wild', ['*.wild.org', '*.deep.org', 'x.deep.org', 'taken.deep.org', 'y.x.deep.org']);
my $w = good('a wildcard', 201, 'POST', '/apps/shop/sni-endpoints', { %$wild, name => 'wild' });
is($w->{name}, 'wild', 'with a name');
is_deeply([sort @{ $w->{hostnames} }], [sort qw(a.wild.org *.deep.org x.deep.org y.x.deep.org)],
    'is for one label, and not for what is taken');
my $stray = good('one for no domain', 201, 'POST', '/apps/shop/sni-endpoints', self_signed('stray', ['stray.net']));
like($stray->{warnings}{ssl_cert}, qr/no domain of the app/, 'warns');
is_deeply($stray->{hostnames}, [], 'no host');
good('its domain', 201, 'POST', '/apps/shop/domains', { hostname => 'stray.net' });
$stray = good('again', 200, 'GET', "/apps/shop/sni-endpoints/$stray->{name}");
is_deeply($stray->{hostnames}, ['stray.net'], 'is served now');

my $next = self_signed('next', ['www.example.com']);
my $u = good('update', 200, 'PATCH', "/apps/shop/sni-endpoints/$c->{name}", $next);
is($u->{id}, $c->{id}, 'keeps its id');
is($u->{created_at}, $c->{created_at}, 'and its time');
is($u->{ssl_cert}{subject}, '/CN=next', 'is another one');
isnt($u->{ssl_cert}{id}, $c->{ssl_cert}{id}, 'with another id inside');

# ---- which one a domain has ----------------------------------------------

sub cert_of {
    my ($host) = @_;
    return call('GET', "/apps/shop/domains/$host")->{json}{sni_endpoint}{name} // '-';
}
is(cert_of('www.example.com'), $c->{name}, 'the domain names its certificate');
is(cert_of('a.wild.org'), 'wild', 'one by a wildcard');
is(cert_of('b.a.wild.org'), '-', 'or none');
is(cert_of('shop.paas.localhost'), '-', 'its own host has none any more');
my $later = good('another one for it', 201, 'POST', '/apps/shop/sni-endpoints',
    { %{ self_signed('later', ['www.example.com'], '-days', 99) }, name => 'later' });
is(cert_of('www.example.com'), 'later', 'the one that expires last');
for my $by ($c->{name}, $c->{id}) {
    my $d = good("choose by $by", 200, 'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => $by });
    is_deeply($d->{sni_endpoint}, { id => $c->{id}, name => $c->{name} }, 'is answered');
    is(cert_of('www.example.com'), $c->{name}, 'and so it is');
    good('choose no more', 200, 'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => undef });
    is(cert_of('www.example.com'), 'later', 'the best again');
}
bad('choose what is for another host', 422, qr/sni_endpoint "wild" is not for www\.example\.com/,
    'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => 'wild' });
bad('choose what is not there', 422, qr/sni_endpoint "none" is no certificate of shop/,
    'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => 'none' });
bad('choose nothing', 422, qr/sni_endpoint is missing/, 'PATCH', '/apps/shop/domains/www.example.com', {});
bad('choose for its own', 422, qr/for being there/, 'PATCH', '/apps/shop/domains/shop.paas.localhost',
    { sni_endpoint => 'wild' });
is(good('a domain that chooses', 201, 'POST', '/apps/shop/domains', { hostname => 'c.wild.org', sni_endpoint => 'wild' })
    ->{sni_endpoint}{name}, 'wild', 'from the start');
bad('one that chooses badly', 422, qr/is not for/, 'POST', '/apps/shop/domains',
    { hostname => 'd.example.com', sni_endpoint => 'wild' });
like((paas('domains', '-a', 'shop'))[1], qr/^www\.example\.com +custom +\S.*later$/m, 'paas domains shows it');
good('remove', 200, 'DELETE', "/apps/shop/$_") for 'sni-endpoints/later', 'domains/c.wild.org';

# ---- what nginx gets -----------------------------------------------------

sub hosts {
    my ($in, $out, $err) = '';
    run ["$build/bin/paas-routedb", 'dump', "$dir/state/certs"], \$in, \$out, \$err;
    return join ' ', sort $out =~ /^certhost (\S+) /mg;
}
my $want = join ' ', sort qw(www.example.com *.deep.org a.wild.org taken.deep.org x.deep.org y.x.deep.org stray.net);
ok(wait_for(10, sub { hosts() eq $want }), 'the hosts are in the database') or diag hosts();

# A second one with a key of another kind, beside the first.
sub served_by {
    my ($host) = @_;
    my ($in, $out, $err) = '';
    run ["$build/bin/paas-routedb", 'get', "$dir/state/certs", $host], \$in, \$out, \$err;
    return $out =~ /^certhost \S+ (.*)$/m ? scalar(split ' ', $1) : 0;
}
is(served_by('www.example.com'), 1, 'one for a host');
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$dir/rsa.key", '-out', "$dir/rsa.crt",
    '-subj', '/CN=rsa', '-addext', 'subjectAltName=DNS:www.example.com', '-days', 50);
is((paas('certs:add', "$dir/rsa.crt", "$dir/rsa.key", '--name', 'rsa', '-a', 'shop'))[0], 0, 'certs:add of one with RSA');
ok(wait_for(10, sub { served_by('www.example.com') == 2 }), 'and both are served');
is(cert_of('www.example.com'), $c->{name}, 'the domain names the better one');
good('choose one', 200, 'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => 'rsa' });
ok(wait_for(10, sub { served_by('www.example.com') == 1 }), 'a domain that chooses has that one alone');
good('choose no more', 200, 'PATCH', '/apps/shop/domains/www.example.com', { sni_endpoint => undef });
ok(wait_for(10, sub { served_by('www.example.com') == 2 }), 'both again');
is((paas('certs:remove', 'rsa', '-a', 'shop'))[0], 0, 'certs:remove');
ok(wait_for(10, sub { served_by('www.example.com') == 1 }), 'leaves the other one');

is((stat "$dir/state/certs/data.mdb")[2] & 07777, 0640, 'which is for its group alone');
is((stat "$dir/state/certs/lock.mdb")[2] & 07777, 0600, 'and its lock for nobody');

# ---- refused ------------------------------------------------------------

my $post = '/apps/shop/sni-endpoints';
bad('nothing', 422, qr/certificate_chain is missing/, 'POST', $post, {});
bad('no key', 422, qr/private_key is missing/, 'POST', $post, { certificate_chain => 'x' });
bad('a number', 422, qr/private_key has to be a string/, 'POST', $post, { %$pair, private_key => 1 });
bad('too much', 422, qr/certificate_chain has to be 1 to 65536 bytes/, 'POST', $post,
    { %$pair, certificate_chain => 'x' x 65537 });
bad('rubbish', 422, qr/certificate_chain is not PEM/, 'POST', $post, { %$pair, certificate_chain => 'x' });
bad('a key that is none', 422, qr/private_key is not PEM/, 'POST', $post, { %$pair, private_key => 'x' });
bad('the key of another one', 422, qr/private_key is not the key/, 'POST', $post,
    { %$pair, private_key => $next->{private_key} });
bad('the key in the chain', 422, qr/the key goes into private_key/, 'POST', $post,
    { %$pair, certificate_chain => $pair->{certificate_chain} . $pair->{private_key} });
bad("the name '$_'", 422, qr/name ".*" is not right/, 'POST', $post, { %$pair, name => $_ })
    for 'A', '1a', 'a b', '../x', 'a' x 31;
bad('a name that is taken', 422, qr/name "wild" is taken/, 'POST', $post, { %$pair, name => 'wild' });
bad('default', 422, qr/default is not a field/, 'POST', $post, { %$pair, default => JSON::PP::true });
bad('half an update', 422, qr/private_key is missing/, 'PATCH', "$post/wild", { certificate_chain => 'x' });
bad('no such one', 404, qr/shop has no certificate none/, $_, "$post/none") for 'GET', 'DELETE';
bad('no such app', 404, qr/no app/, 'GET', '/apps/none/sni-endpoints');
is(scalar @{ good('list', 200, 'GET', $post) }, 3, 'nothing was added');

# ---- the platform's ------------------------------------------------------

my $p = good('a platform certificate', 201, 'POST', '/certificates',
    { %{ self_signed('platform', ['*.paas.localhost', 'paas.localhost']) }, name => 'own', default => JSON::PP::true });
ok($p->{default}, 'is the default');
is($p->{app}, undef, 'of no app');
is_deeply($p->{hostnames}, ['*.paas.localhost', 'paas.localhost'], 'its hosts');
my $q = good('another one', 201, 'POST', '/certificates', { %{ self_signed('second', ['corp.example']) }, name => 'corp' });
ok(!$q->{default}, 'is none');
ok(good('make it one', 200, 'PATCH', '/certificates/corp', { default => JSON::PP::true })->{default}, 'it is');
ok(!good('the first', 200, 'GET', '/certificates/own')->{default}, 'and the first is no longer');
is(scalar @{ good('both', 200, 'GET', '/certificates') }, 2, 'are there');
bad('half an update', 422, qr/certificate_chain is missing/, 'PATCH', '/certificates/own', { private_key => 'x' });
good('remove', 200, 'DELETE', '/certificates/corp');
bad('it is gone', 404, qr/the platform has no certificate corp/, 'GET', '/certificates/corp');

# ---- paas ------------------------------------------------------------------

my ($rc, $out, $err) = paas('certs', '-a', 'shop');
is($rc, 0, 'paas certs');
like($out, qr/^wild +P-256 +in (?:89|90) days +a\.wild\.org, \*\.deep\.org/m, 'says when it expires and where it is served');
($rc, $out) = paas('certs:info', 'wild', '-a', 'shop');
like($out, qr/^Hosts     \*\.wild\.org, \*\.deep\.org, /m, 'certs:info');
like($out, qr/^Trusted   by nobody: it is self-signed$/m, 'and whom it is trusted by');
($rc, $out, $err) = paas('certs:info', '-a', 'shop');
is($rc, 2, 'which one has to be said');
like($err, qr/shop has 3 certificates: which one\?/, 'where there are more');
($rc, $out, $err) = paas('certs:info', '-a', 'other');
like($err, qr/other has no certificate: add one/, 'or none');
self_signed('cli', ['api.example.com']);
($rc, $out, $err) = paas('certs:add', "$dir/cli.crt", "$dir/cli.key", '--name', 'cli', '-a', 'other');
is($rc, 0, 'certs:add') or diag $err;
like($out, qr/^Served at api\.example\.com$/m, 'shows it');
self_signed('newer', ['api.example.com']);
($rc, $out, $err) = paas('certs:update', "$dir/newer.crt", "$dir/newer.key", '-a', 'other');
is($rc, 0, 'certs:update') or diag $err;
like($out, qr{^Subject   /CN=newer$}m, 'changes the only one');
($rc, $out, $err) = paas('certs:update', "$dir/newer.key", "$dir/newer.crt", '-a', 'other');
is($rc, 1, 'files that changed places');
like($err, qr/certificate_chain has a block "PRIVATE KEY"/, 'are named');
($rc, $out, $err) = paas('certs:add', "$dir/none", "$dir/newer.key", '-a', 'other');
like($err, qr{\Q$dir\E/none: No such file}, 'a file that is not there');
is((paas('certs:remove', 'cli', '-a', 'other'))[1], "Removed the certificate cli\n", 'certs:remove');
like((paas('certs', '-a', 'other'))[1], qr/^No certificates\.$/m, 'and it is gone');
like((paas('certs', '--platform'))[1], qr/^own +P-256 +in (?:89|90) days/m, 'certs --platform');
is((paas('certs', '--platform', '-a', 'shop'))[0], 2, 'not of an app, too');
is((paas('certs:add', "$dir/cli.crt", "$dir/cli.key", '--default', '-a', 'shop'))[0], 2, '--default is not for apps');

# ---- keys stay where they are ---------------------------------------------

my @secrets = map { my $k = slurp($_); $k =~ s/-----[^\n]*\n//g; substr $k, 40, 40 } glob "$dir/*.key";
my $seen = join '', slurp("$dir/log"), map { call('GET', $_)->{body} } '/apps/shop/timeline', '/apps/other/timeline',
    '/apps/shop/logs', '/apps/shop/sni-endpoints', '/certificates', '/apps/shop', '/apps/shop/config-vars';
is(scalar(grep { index($seen, $_) >= 0 } @secrets), 0, 'no private key in what is shown');
my $timeline = join "\n", map { $_->{text} } @{ call('GET', '/apps/shop/timeline')->{json} };
like($timeline, qr/^added certificate \Q$c->{name}\E for www\.example\.com, api\.example\.com, shop\.paas\.localhost$/m,
    'the timeline tells of an addition');
like($timeline, qr/^updated certificate \Q$c->{name}\E for www\.example\.com$/m, 'and of an update');
for my $file (glob "$dir/state/store/*.mdb") {
    is((stat $file)[2] & 077, 0, "$file is the manager's alone");
}

# ---- an app that goes --------------------------------------------------------

good('destroy', 200, 'DELETE', '/apps/shop');
ok(wait_for(20, sub { call('POST', '/apps', { name => 'shop' })->{status} == 201 }), 'the name is free again');
is_deeply(good('its certificates', 200, 'GET', '/apps/shop/sni-endpoints'), [], 'went with it');

done_testing();
