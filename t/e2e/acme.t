#!/usr/bin/perl
# paas-acme with certbot and a real ACME server, Let's Encrypt's pebble, on
# loopback: by HTTP through the platform's nginx, by DNS with a hook, renewed.
# Its authority looks names up at pebble-challtestsrv, where the hook sets them.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Platform;
use Test::More;

my $p = Platform->new;
my $dir = tempdir(CLEANUP => 1);
my ($tls, $acme, $dns, $manage) = map { Platform::free_port() } 1 .. 4;
my ($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'up --https-port') or BAIL_OUT($out);

sub spew {
    my ($file, $text, $mode) = @_;
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die "$file: $!";
    chmod $mode, $file if $mode;
}

# ---- the authority ------------------------------------------------------------

Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=localhost),
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', "$dir/acme.key", '-out', "$dir/acme.crt");
spew("$dir/pebble.json", encode_json({ pebble => { listenAddress => "127.0.0.1:$acme", certificate => "$dir/acme.crt",
    privateKey => "$dir/acme.key", httpPort => $p->{port}, tlsPort => $tls } }));
my @pids;

sub start {
    my (@command) = @_;
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', "$dir/" . (split m{/}, $command[0])[-1] . '.log';
        open STDERR, '>&', \*STDOUT;
        @ENV{qw(PEBBLE_VA_NOSLEEP PEBBLE_WFE_NONCEREJECT PEBBLE_AUTHZREUSE)} = (1, 0, 0);
        exec @command;
    }
    push @pids, $pid;
}
my $owner = $$;
END {
    if ($$ == ($owner // 0)) {
        my $status = $?;
        for (@pids) { kill 'KILL', $_; waitpid $_, 0 }
        $? = $status;
    }
}
start('pebble-challtestsrv', '-dns01', "127.0.0.1:$dns", '-http01', '', '-https01', '', '-tlsalpn01', '',
    '-management', "127.0.0.1:$manage", '-defaultIPv4', '127.0.0.1', '-defaultIPv6', '');
start('pebble', '-config', "$dir/pebble.json", '-dnsserver', "127.0.0.1:$dns");
$ENV{REQUESTS_CA_BUNDLE} = "$dir/acme.crt";
ok(Platform::wait_for(30, sub { (Platform::run('curl', '-sf', '--cacert', "$dir/acme.crt", "https://localhost:$acme/dir"))[0] == 0 }),
    'the authority is up');

sub acme {
    my (@args) = @_;
    return Platform::run("$p->{prefix}/bin/paas-acme", '--conf', $p->{conf}, '--certbot', "$dir/certbot", '--server', "https://localhost:$acme/dir", @args);
}

# Who has signed what the next handshake gets, and its number.
sub served {
    my ($host) = @_;
    my (undef, $text) = Platform::run('sh', '-c',
        "openssl s_client -connect 127.0.0.1:$tls -servername $host </dev/null 2>/dev/null | openssl x509 -noout -issuer -serial -ext subjectAltName");
    return $text;
}

# ---- by HTTP -------------------------------------------------------------------

like(served('api.paas.localhost'), qr/issuer=CN = paas\.localhost$/m, 'a self-made certificate at first');
($rc, $out) = acme(map { "$_.paas.localhost" } qw(api git console));
is($rc, 0, 'three of the platform\'s own hosts') or diag $out;
like(served('api.paas.localhost'), qr/issuer=CN = Pebble(?=.*DNS:api\.paas)(?=.*DNS:console\.paas)(?=.*DNS:git\.paas)/s, 'are served it at once');
like(served('git.paas.localhost'), qr/Pebble/, 'each of them');
unlike(served('any.paas.localhost'), qr/Pebble/, 'and nobody else');
my $before = served('api.paas.localhost');
($rc, $out) = acme(map { "$_.paas.localhost" } qw(api git console));
is($rc, 0, 'once more') or diag $out;
is(served('api.paas.localhost'), $before, 'changes nothing');

is(($p->paas('push', "$Platform::top/t/fixtures/express", '-a', 'shop', '--create'))[0], 0, 'an app');
like($p->get('shop', '/.well-known/acme-challenge/none')->{body}, qr/Cannot GET|shop|Express/, 'which has challenges of its own');
is($p->http('GET', 'none.paas.localhost', '/.well-known/acme-challenge/none')->{headers}{'x-paas-error'}, 'no_route', 'nobody else has');
($rc, $out) = acme('-a', 'shop', 'www.example.com');
is($rc, 1, 'a host that is not its domain');
like($out, qr/www\.example\.com is no domain of shop: paas domains:add/, 'is refused, with the way out');
is(($p->paas('domains:add', 'www.example.com', '-a', 'shop'))[0], 0, 'a domain');
($rc, $out) = acme('-a', 'shop', 'www.example.com');
is($rc, 0, 'then it gets one') or diag $out;
like(served('www.example.com'), qr/Pebble.*DNS:www\.example\.com/s, 'which is served');
like(($p->paas('certs', '-a', 'shop'))[1], qr/^acme-[0-9a-f]{12} .*www\.example\.com/m, 'and is the app\'s');
($rc, $out) = acme('elsewhere.example.net');
is($rc, 1, 'somebody else\'s host');
like($out, qr/not below paas\.localhost/, 'is refused');

like($p->http('GET', 'console.paas.localhost', '/')->{body}, qr/no console yet.*API at api\.paas\.localhost/, 'console. is kept, and says so');
is(($p->paas('apps:create', $_))[0], 1, "nor can $_ be an app") for qw(api git console);
is(($p->paas('domains:add', "$_.paas.localhost", '-a', 'shop'))[0], 1, "or $_. a domain of one") for qw(api git console);

# ---- by DNS --------------------------------------------------------------------

spew("$dir/hook", <<"END", 0755);
#!/bin/sh
exec curl -sf -d '{"host": "_acme-challenge.'"\$CERTBOT_DOMAIN"'.", "value": "'"\$CERTBOT_VALIDATION"'"}' http://127.0.0.1:$manage/set-txt
END
chmod 0711, $dir;
($rc, $out) = acme('--wildcard');
is($rc, 2, 'a wildcard without a hook');
like($out, qr/proved by DNS: give --hook or --dns/, 'is told what is missing');
($rc, $out) = acme('--wildcard', '--hook', "$dir/hook");
is($rc, 0, 'with one') or diag $out;
like(served('any.paas.localhost'), qr/Pebble(?=.*DNS:\*\.paas\.localhost)(?=.*DNS:paas\.localhost)/s, 'every host of the platform is served it');
like(served('shop.paas.localhost'), qr/Pebble/, 'those of apps, too');
($rc, $out) = acme('--wildcard', '--hook', '/nonexistent; id');
is($rc, 2, 'a hook that a shell would take for two');
($rc, $out) = acme('--wildcard', '--hook', '/bin/false');
is($rc, 0, 'as long as one is good no hook is asked') or diag $out;

# ---- renewed -------------------------------------------------------------------

my %serial = map { $_ => served($_) } 'api.paas.localhost', 'www.example.com', 'any.paas.localhost';
($rc, $out) = Platform::run('certbot', 'renew', '--force-renewal', '--no-random-sleep-on-renew', '--config-dir', "$dir/certbot",
    '--work-dir', "$dir/certbot/work", '--logs-dir', "$dir/certbot/log");
is($rc, 0, 'certbot renews, as its timer has it do') or diag $out;
for my $host (sort keys %serial) {
    like(served($host), qr/Pebble/, "$host is served a certificate of the authority");
    isnt(served($host), $serial{$host}, 'which is the new one');
}
# Whatever ended a deployment half way: the store is behind certbot.
my ($mine) = grep { /^acme-/ } map { $_->{name} } @{ $p->json('certs', '-a', 'shop') };
is(($p->paas('certs:remove', $mine, '-a', 'shop'))[0], 0, 'one is not in the store');
unlike(served('www.example.com'), qr/Pebble/, 'nor served');
($rc, $out) = acme('--renew');
is($rc, 0, '--renew') or diag $out;
like(served('www.example.com'), qr/Pebble/, 'puts it there');
my ($status, $text) = Platform::run("$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'doctor', '--json');
is($status, 0, 'and doctor is content') or diag $text;

done_testing();
