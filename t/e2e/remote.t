#!/usr/bin/perl
# The command line from another machine: by https to api.DOMAIN, with a token,
# and as far as a role reaches.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use Platform;
use Test::More;

my $p = Platform->new;
my $tls = Platform::free_port();
my ($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'up') or BAIL_OUT($out);
my $host = "api.$p->{domain}";
my $url = "https://$host:$tls";
like($out, qr/login \Q$url\E --setup  and this token:\s+(setup_[0-9a-f]{64})\n/, 'says how to come in');
my ($setup) = $out =~ /(setup_[0-9a-f]{64})/;
my $home = tempdir(CLEANUP => 1);
my $read = "$home/ca.pem";
system("sed '/BEGIN PRIVATE/,\$d' $p->{state}/router/default.pem > $read") == 0 or die 'default.pem';

# far(who, input, words): by that person, from a machine with nothing of ours.
sub far {
    my ($who, $input, @words) = @_;
    local %ENV = (PATH => $ENV{PATH}, HOME => "$home/$who", SSL_CERT_FILE => $read);
    mkdir "$home/$who";
    open my $fh, '>', "$home/input" or die "input: $!";
    print {$fh} $input;
    close $fh;
    return Platform::run('sh', '-c', 'exec "$@" < "$0"', "$home/input", "$p->{prefix}/bin/paas", @words);
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

# ---- who comes in -------------------------------------------------------

bad('a wrong set-up token', qr/set-up token is not good/, 'ada', "setup_0\nada\@x.org\nlong enough\n", 'login', $url, '--setup');
like(good('the first administrator', 'ada', "$setup\nada\@x.org\nlong enough\n", 'login', $url, '--setup'), qr/Logged in to \Q$url\E as ada/, 'is in');
is(good('whoami', 'ada', '', 'whoami'), "ada\@x.org\n", 'knows her');
is((stat "$home/ada/.config/paas/login")[2] & 07777, 0600, 'her token is hers');
bad('a wrong password', qr/do not fit/, 'eve', "ada\@x.org\nlong enouhg\n", 'login', $url);
ok(!-e "$home/eve/.config/paas/login", 'and leaves nothing');
bad('a certificate of nobody', qr/cannot reach the platform at/, 'eve', "ada\@x.org\nlong enough\n", 'login', "https://localhost:$tls");
($rc, $out) = do { local $ENV{SSL_CERT_FILE}; local %ENV = (PATH => $ENV{PATH}, HOME => "$home/ada"); Platform::run("$p->{prefix}/bin/paas", 'whoami') };
is($rc, 3, 'one that the machine does not believe: 3') or diag $out;
my ($invite) = good('another one', 'ada', '', 'users:create', 'vic@x.org') =~ /(setup_[0-9a-f]{64})/;
good('sets a password', 'vic', "$invite\nvic\@x.org\nalso long\n", 'login', "http://$host:$p->{port}", '--setup');

# ---- everything works from there ----------------------------------------

like(good('push', 'ada', '', 'push', "$Platform::top/scripts/sample/hello", '-a', 'far', '--create'), qr/v1 is live/, 'builds and starts');
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
is("$pushed->{user} $pushed->{address}", 'ada@x.org 127.0.0.1', 'who pushed, and from where');
status('POST', '/apps', body => '{}', headers => { Authorization => 'Bearer ' . (split ' ', do { local (@ARGV, $/) = "$home/ada/.config/paas/login"; <> })[1], 'X-Real-IP' => '203.0.113.9' });
my ($made) = grep { $_->{text} eq 'POST /apps' && $_->{app} ne 'far' } @{ decode_json(good('audit', 'ada', '', 'audit', '--json')) };
is($made->{address}, '127.0.0.1', 'an address is not for a client to say');

# ---- the end ------------------------------------------------------------

my $kept = (split ' ', do { local (@ARGV, $/) = "$home/vic/.config/paas/login"; <> })[1];
good('logout', 'vic', '', 'logout');
is(status('GET', '/account', headers => { Authorization => "Bearer $kept" }), 401, 'the token is over');
bad('another one', qr/not logged in/, 'vic', '', 'logout');

done_testing();
