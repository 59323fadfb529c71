#!/usr/bin/perl
# The command line from another machine: by https to api.DOMAIN, with a token,
# and as far as a role reaches.
use strict;
use warnings;
use lib 't/lib';
use Away;
use JSON::PP;
use Platform;
use Test::More;

my $p = Platform->new;
my $tls = Platform::free_port();
$p->{domain} = "$p->{name}.test";
my ($rc, $out) = $p->up('--https-port', $tls, '--domain', $p->{domain});
is($rc, 0, 'up') or BAIL_OUT($out);
my $host = "api.$p->{domain}";
my $url = "https://$host:$tls";
like($out, qr/login \Q$url\E --setup  and this token:\s+(setup_[0-9a-f]{64})\n/, 'says how to come in');
my ($setup) = $out =~ /(setup_[0-9a-f]{64})/;
my ($print) = $out =~ /asks about this certificate.*?\n\n +((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\n/;
ok($print, 'and by which certificate it is known');

my $away = Away->new(hosts => [$host, "git.$p->{domain}", 'api.other.example'], paas => "$p->{prefix}/bin/paas",
    hide => ['/etc/paas', @$p{qw(run state logs prefix)}]);
my $home = $away->{home};

# far(who, input, words): by that person, from a machine with nothing of ours.
sub far {
    my ($who, $input, @words) = @_;
    return $away->run($who, $input, 'paas', @words);
}

sub good {
    my ($what, @far) = @_;
    my ($status, $text) = far(@far);
    is($status, 0, $what) or diag $text;
    return $text;
}

sub bad {
    my ($what, $pattern, @far) = @_;
    my ($status, $text) = far(@far);
    isnt($status, 0, "$what is refused");
    like($text, $pattern, 'and why');
}

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

# The token that somebody has, the latest one first.
sub token_of { return (split ' ', slurp("$home/$_[0]/.config/paas/login"))[1] }

sub file_of { return "$home/$_[0]/.config/paas/certs/$host:$tls.pem" }

isnt(($away->run('eve', '', 'ls', "$p->{state}/router"))[0], 0, 'nothing of the platform is there');
isnt(($away->run('eve', '', 'ls', $p->{conf}))[0], 0, 'not even its settings');

sub status_of { return $p->http('GET', $host, '/account', headers => { Authorization => "Bearer $_[0]" })->{status} }

# ---- whom to trust ------------------------------------------------------

my $ada = "ada\@x.org\nlong enough\n";
($rc, $out) = far('eve', $ada, 'login', $url);
is($rc, 3, 'an unknown certificate, and nobody to ask: 3');
like($out, qr/nobody .* has signed the certificate of \Q$url\E, SHA-256 \Q$print\E\. .*--fingerprint/, 'its fingerprint, and the way out');
($rc, $out) = far('eve', $ada, 'login', $url, '--fingerprint', $print =~ s/^../00/r);
is($rc, 3, 'another fingerprint: 3');
like($out, qr/has the fingerprint \Q$print\E, and not that of --fingerprint: nothing was sent/, 'and what it is');
is((far('eve', $ada, 'login', $url, '--fingerprint', 'AB:CD'))[0], 2, 'half a fingerprint: wrong usage');
is((far('eve', $ada, 'login', "http://$host:$p->{port}", '--fingerprint', $print))[0], 2, 'a fingerprint of http, too');
($rc, $out) = $away->type('eve', [[qr/yes or no/, "no\n"]], 'paas', 'login', $url);
is($rc, 1, 'no is no');
like($out, qr/\Q$print\E.*not trusted: nothing was sent/s, 'after it was shown');
ok(!-e "$home/eve/.config", 'and nothing is left of all that');
bad('one for others', qr/certificate of https:\S+ is not good: it is for other hosts/, 'eve', $ada, 'login', "https://api.other.example:$tls");
bad('http to the port of https', qr/says 400, and not as a platform does: look at host, port/, 'eve', $ada, 'login', "http://$host:$tls");
($rc, $out) = $away->run('eve', '', 'env', "PAAS_HOST=$url", 'PAAS_TOKEN=x', 'paas', 'whoami');
is($rc, 3, 'no other verb believes it, either');
like($out, qr/\Q$print\E.*`paas login \Q$url\E` asks/s, 'and says what does');

# ---- who comes in -------------------------------------------------------

bad('a wrong set-up token', qr/set-up token is not good/, 'ada', "setup_0\n$ada", 'login', $url, '--setup', '--fingerprint',
    'sha256 Fingerprint=' . lc $print);
is(slurp(file_of('ada')), slurp("$p->{state}/router/default.pem") =~ s/-----BEGIN PRIVATE.*//sr, 'the certificate is kept');
like(good('the first administrator', 'ada', "$setup\n$ada", 'login', $url, '--setup'), qr/Logged in to \Q$url\E as ada/,
    'is in, and is asked no more');
is(good('whoami', 'ada', '', 'whoami'), "ada\@x.org\n", 'knows her');
is(($away->run('ada', '', 'env', "SSL_CERT_FILE=$_", 'paas', 'whoami'))[0], 0, 'whatever other programs are to believe')
    for '/etc/ssl/certs/ca-certificates.crt', '/dev/null';
is((stat "$home/ada/.config/paas/login")[2] & 07777, 0600, 'her token is hers');
is((stat "$home/ada/.config/paas")[2] & 07777, 0700, 'in a folder of its own');
bad('a wrong password', qr/do not fit/, 'eve', "ada\@x.org\nlong enouhg\n", 'login', $url, '--fingerprint', $print =~ tr/://dr);
ok(!-e "$home/eve/.config/paas/login", 'and leaves no token');
my ($invite) = ($out = good('another one', 'ada', '', 'users:create', 'vic@x.org')) =~ /(setup_[0-9a-f]{64})/;
like($out, qr/^Added vic\@x\.org, member: of the apps that .*paas login \Q$url\E --setup$/ms, 'who gets to know where');
bad('by her address', qr/is not whose set-up token this is: it is for vic\@x\.org/, 'eve', "$invite\n$ada", 'login', $url, '--setup');
good('sets a password', 'vic', "$invite\nvic\@x.org\nalso long\n", 'login', "http://$host:$p->{port}", '--setup');
($rc, $out) = $away->type('tia', [[qr/yes or no/, "yes\n"], [qr/Email: /, "ada\@x.org\n"], [qr/Password: /, "long enough\n"]],
    'paas', 'login', $url);
is($rc, 0, 'at a terminal') or diag $out;
like($out, qr/Logged in to \Q$url\E as ada/, 'by yes, an address and a password');
unlike($out, qr/long enough/, 'which is not shown');

# Once more, there and elsewhere.
my $first = token_of('tia');
good('log in again', 'tia', $ada, 'login', $url);
is(status_of($first), 401, 'the token from before is over');
good('by another URL', 'tia', $ada, 'login', "http://$host:$p->{port}");
is(scalar(() = slurp("$home/tia/.config/paas/login") =~ /^http/mg), 2, 'two are kept');
like((far('tia', '', 'doctor'))[1], qr/answers at http:/, 'the latest');
like(($away->run('tia', '', 'env', "PAAS_HOST=$url", 'paas', 'doctor'))[1], qr/answers at https:/, 'or the one that PAAS_HOST names');
($rc, $out) = $away->run('tia', '', 'env', 'PAAS_HOST=https://api.example.org', 'paas', 'whoami');
is($rc, 1, 'one that nobody has logged in to is not another one');
like($out, qr/not logged in to: `paas login https:/, 'but named');
like(good('logout', 'tia', '', 'logout'), qr/^Logged out of http:.*\nVerbs are about https:/, 'then it is the other one');
good('logout of that one', 'tia', '', 'logout', $url);
ok(!-e "$home/tia/.config/paas/login", 'and none is left');

# A token that is over.
my ($brief) = good('a token for a moment', 'ada', '', 'tokens:create', '--scope', 'identity', '--expires', '1s') =~ /^(\S{20,})$/m;
ok(Platform::wait_for(30, sub { status_of($brief) == 401 }), 'passes');
($rc, $out) = $away->run('tia', '', 'env', "PAAS_HOST=$url", "PAAS_TOKEN=$brief", 'paas', 'whoami');
is($rc, 1, 'what has expired: 1');
like($out, qr/does not take the token in PAAS_TOKEN: it has expired.*`paas tokens:create`/, 'and what helps');

# ---- everything works from there ----------------------------------------

Platform::run('cp', '-r', "$Platform::top/scripts/sample/hello", "$home/hello");
like(good('push', 'ada', '', 'push', "$home/hello", '-a', 'far', '--create'), qr/v1 is live/, 'builds and starts');
like(good('status', 'ada', '', 'status'), qr/Router +ok/, 'tells of the router, too');
like(good('ps', 'ada', '', 'ps', '-a', 'far'), qr/^web\.1 +ready/m, 'shows it');
is(good('run', 'ada', "one\ntwo\n", 'run', '-a', 'far', 'wc -l'), "2\n", 'reaches a command by TLS');
is((far('ada', '', 'run', '-a', 'far', 'exit 7'))[0], 7, 'and gives its status back');
my $large = good('much of it', 'ada', '', 'run', '-a', 'far', 'head -c 3000000 /dev/zero | tr "\\\\0" x');
is(length $large, 3_000_000, 'comes as a whole');
is(good('ps:exec', 'ada', '', 'ps:exec', '-a', 'far', 'web.1', 'echo in'), "in\n", 'reaches an instance');
like(good('config', 'ada', '', 'config:set', 'SECRET=canary', '-a', 'far'), qr/SECRET/, 'is set');
like((far('ada', '', 'logs', '-a', 'far', '-n', '50'))[1], qr/web\.1/, 'logs come');

# ---- as far as a role ---------------------------------------------------

bad('an app of others', qr/no app named far/, 'vic', '', 'ps', '-a', 'far');
good('a role', 'ada', '', 'access:add', 'vic@x.org', '-a', 'far', '--role', 'viewer');
like(good('then it is there', 'vic', '', 'ps', '-a', 'far'), qr/web\.1/, 'by http as well');
bad('its config', qr/viewer of far.*deployer/s, 'vic', '', 'config', '-a', 'far');
bad('a command in it', qr/viewer of far.*deployer/s, 'vic', '', 'run', '-a', 'far', 'id');
bad('the audit', qr/admin of the platform/, 'vic', '', 'audit');

# ---- what nginx lets through --------------------------------------------

sub status { my ($method, $path, %o) = @_; return $p->http($method, $host, $path, %o)->{status} }
is(status('GET', '/apps'), 401, 'no token: 401');
is(status('GET', "/git/far/push"), 404, 'what nginx asks about git is not for others');
is(status('GET', $_), 404, "nor by $_") for '/%67it/far/push', '/x/../git/far/push';
isnt(status('GET', '//git/far/push'), 200, 'nor by two slashes');
is(status('POST', '/setup', body => 'x' x (2_200_000), headers => { 'Content-Type' => 'application/json' }), 413, 'a large body: 413');
my $forged = $p->http('POST', $host, '/setup', body => '{}', headers => { 'X-Real-IP' => '203.0.113.9' });
is($forged->{status}, 422, 'a body without a token: 422');
my ($pushed) = grep { $_->{text} eq 'POST /apps/far/builds' } @{ decode_json(good('audit', 'ada', '', 'audit', '--json')) };
is("$pushed->{user} $pushed->{address}", "ada\@x.org $away->{address}", 'who pushed, and from where');
status('POST', '/apps', body => '{}', headers => { Authorization => 'Bearer ' . token_of('ada'), 'X-Real-IP' => '203.0.113.9' });
my ($made) = grep { $_->{text} eq 'POST /apps' && $_->{app} ne 'far' } @{ decode_json(good('audit', 'ada', '', 'audit', '--json')) };
is($made->{address}, '127.0.0.1', 'an address is not for a client to say');

# ---- git ----------------------------------------------------------------

sub git {
    my ($who, @words) = @_;
    return $away->run($who, '', 'git', '-C', "$home/$who/repo", @words);
}

is(($away->run('ada', '', 'sh', '-ec', "cp -r $home/hello repo && cd repo && git init -q -b main && git add . && "
    . 'git -c user.name=a -c user.email=a@x commit -qm one && paas git:remote -a far'))[0], 0, 'git:remote');
like((git('ada', 'remote', 'get-url', 'paas'))[1], qr{^https://git\.\Q$p->{domain}\E:$tls/far\.git$}, 'is by https');
($rc, $out) = git('ada', 'push', 'paas', 'main');
is($rc, 0, 'git push by https, with a token') or diag $out;
like($out, qr/deployed to paas, v\d/, 'deploys');
my ($kept) = slurp("$home/ada/.config/paas/git/git.$p->{domain}:$tls") =~ /^(\S+)/;
is((stat "$home/ada/.config/paas/git/git.$p->{domain}:$tls")[2] & 07777, 0600, 'the token is hers');
unlike(slurp("$home/ada/repo/.git/config"), qr/\Q$kept\E/, 'and not in the repository');

# ---- another certificate ------------------------------------------------

sub cert {
    my ($name, @by) = @_;
    my @new = (qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj), "/CN=$name",
        '-keyout', "$home/$name.key", '-out', "$home/$name.crt", @by);
    my ($status, $text) = Platform::run(@new);
    die $text if $status;
    return ("$home/$name.crt", "$home/$name.key");
}

sub print_of { return (Platform::run(qw(openssl x509 -noout -fingerprint -sha256 -in), $_[0]))[1] =~ s/^.*=|\n//gr }

my @names = ('-addext', "subjectAltName=DNS:*.$p->{domain},DNS:$p->{domain}");
my @second = cert('second', @names);
my $changed = print_of($second[0]);
is(($p->paas('certs:add', '--platform', '--name', 'ours', @second))[0], 0, 'another certificate');
ok(Platform::wait_for(30, sub { ($rc, $out) = far('ada', '', 'whoami'); $rc != 0 }), 'is served');
is($rc, 3, 'and not believed');
like($out, qr/has changed.*it was \Q$print\E and is \Q$changed\E\..*paas login \Q$url\E --fingerprint/s, 'with both fingerprints, and the way out');
($rc, $out) = far('ada', '', 'run', '-a', 'far', 'true');
is($rc, 3, 'nor by run');
like($out, qr/it was \Q$print\E and is \Q$changed\E/, 'which says the same');
is(($away->type('ada', [], 'paas', 'login', $url))[0], 3, 'log in again does not ask whether that matters');
isnt((git('ada', 'push', 'paas', 'main:main', '--force'))[0], 0, 'git does not believe it, either');
$first = token_of('ada');
good('those who run it say so', 'ada', $ada, 'login', $url, '--fingerprint', $changed);
is(good('whoami', 'ada', '', 'whoami'), "ada\@x.org\n", 'is in again');
is((git('ada', 'ls-remote', 'paas'))[0], 0, 'and git is');

# One that the machine's authorities have signed.
cert('authority', '-addext', 'basicConstraints=critical,CA:TRUE');
mkdir "$home/authorities";
Platform::run('cp', "$home/authority.crt", "$home/authorities/authority.pem");
my @third = cert('third', @names, '-CA', "$home/authority.crt", '-CAkey', "$home/authority.key", '-addext', 'basicConstraints=critical,CA:FALSE');
is(($p->paas('certs:update', '--platform', '--name', 'ours', @third))[0], 0, 'one of an authority');
$away->{trust} = "$home/authorities";
ok(Platform::wait_for(30, sub { ($rc, $out) = far('cy', $ada, 'login', $url); $rc == 0 }), 'needs nothing') or diag $out;
ok(!-e file_of('cy'), 'and nothing is kept');
is(good('whoami', 'ada', '', 'whoami'), "ada\@x.org\n", 'nor of who has trusted another one');
good('log in', 'ada', $ada, 'login', $url);
unlike(slurp(file_of('ada')), qr/\Q@{[slurp($second[0])]}\E/, 'who trusts that no more');
is((git('ada', 'ls-remote', 'paas'))[0], 0, 'git goes on');

# ---- the end ------------------------------------------------------------

my $vic = token_of('vic');
good('logout', 'vic', '', 'logout');
is(status_of($vic), 401, 'the token is over');
bad('another one', qr/not logged in/, 'vic', '', 'logout');
is(status('GET', '/account', headers => { Authorization => "Bearer $kept" }) == 401 ? 'over' : 'good', 'good', 'that of git goes on');
good('logout of who used git', 'ada', '', 'logout');
is(status_of($kept), 401, 'and ends with the log-in');
ok(!-e "$home/ada/.config/paas/git/git.$p->{domain}:$tls", 'nothing of it is kept');

done_testing();
