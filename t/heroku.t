#!/usr/bin/perl
# `paas heroku` with a program of that name that tries what the stock one
# relies on: its environment, HTTP, TLS and rendezvous on one port, the
# addresses in answers; and that nobody without the run's key gets anywhere.
# The stock one is run by `scripts/test --heroku`.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IPC::Run qw(run timeout);
use JSON::PP;
use Test::More;

use lib "$Bin/lib";
use ScriptedManager;

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $paas = "$build/bin/paas";
my $dir = tempdir(CLEANUP => 1);

delete @ENV{qw(PAAS_APP PAAS_SOCKET HEROKU_API_KEY HEROKU_HOST NODE_EXTRA_CA_CERTS GIT_CONFIG_GLOBAL NO_PROXY no_proxy)};
@ENV{qw(HOME XDG_CONFIG_HOME)} = ("$dir/home", "$dir/home/.config");
mkdir $_ or die for "$dir/home", "$dir/bin", "$dir/repo", "$dir/none";

# A session: what comes goes back, upper case, and it ends with its input.
sub frame { return pack('aCna*', $_[0], 0, length $_[1], $_[1]) }

sub session {
    my ($req, $write, $conn) = @_;
    return [400, '{"id": "bad_request", "message": "no session was asked for"}']
        if ($req->{headers}{upgrade} // '') ne 'paas-session';
    $write->("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: paas-session\r\n\r\n");

    while (read($conn, my $head, 4) == 4) {
        my ($type, undef, $len) = unpack 'aCn', $head;
        my $data = '';
        last if $len && read($conn, $data, $len) != $len;
        $write->(frame('d', 'window ' . join('x', unpack 'nn', $data) . "\n")) if $type eq 'w';
        $write->(frame('d', uc $data)) if $type eq 'd';
        if ($type eq 'z') {
            $write->(frame('e', "input ended\n") . frame('x', "\0\0"));
            last;
        }
    }
    return;
}

my $secret = '/streams/log_x?heartbeat=1';
my $m = ScriptedManager->new($dir, {
    'GET /health' => [200, '{"git_url": "http://git.example.test:8080", "git_https_url": null}'],
    'GET /apps' => [200, '[{"name": "shop"}]'],
    'GET /broken' => [422, '{"id": "invalid_params", "message": "no"}'],
    'POST /apps/shop/log-sessions' => [201, encode_json({id => 'x', logplex_url => "https://api.example.test$secret"})],
    'POST /apps/shop/dynos' => [201, encode_json({name => 'run.1', attach_url => '/apps/shop/dynos/run.1/attach', tty => JSON::PP::false})],
    'POST /apps/tty/dynos' => [201, encode_json({name => 'run.1', attach_url => '/apps/tty/dynos/run.1/attach', tty => JSON::PP::true})],
    'GET /apps/shop/dynos/run.1/attach' => \&session,
    'GET /apps/tty/dynos/run.1/attach' => \&session,
    "GET $secret" => sub {
        my ($req, $write) = @_;
        $write->("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n");
        return;
    },
    'PATCH /apps/shop/formation' => sub {
        my ($req) = @_;
        open my $body, '<', $req->{file} or die;
        return [200, encode_json({seen => $req->{headers}, body => join '', <$body>})];
    },
});

# What a program of that name prints, its status, and paas' own words.
sub heroku {
    my ($code, @words) = @_;
    open my $to, '>', "$dir/bin/heroku" or die;
    print $to <<"HEAD", $code;
#!$^X
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP;
my (\$port) = \$ENV{HEROKU_HOST} =~ m{^http://127\\.0\\.0\\.1:(\\d+)\$} or die "HEROKU_HOST";
sub plain { return IO::Socket::INET->new(PeerAddr => "127.0.0.1:\$port") // die "connect: \$!" }
sub tls {
    return IO::Socket::SSL->new(PeerAddr => "127.0.0.1:\$port", SSL_ca_file => \$ENV{NODE_EXTRA_CA_CERTS},
        SSL_verifycn_scheme => 'http', SSL_verifycn_name => '127.0.0.1') // die "TLS: \$SSL_ERROR";
}
sub ask {
    my (\$conn, \$line, \$body, \@head) = \@_;
    push \@head, "Authorization: Bearer \$ENV{HEROKU_API_KEY}" if !grep { /^Authorization/ } \@head;
    push \@head, 'Content-Length: ' . length \$body if defined \$body;
    print \$conn join("\\r\\n", "\$line HTTP/1.1", 'Host: x', \@head, '', \$body // '');
    local \$/;
    return scalar <\$conn>;
}
\$| = 1;
HEAD
    close $to;
    chmod 0755, "$dir/bin/heroku" or die;
    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
    run [$paas, '--socket', $m->socket, 'heroku', @words], '<', \'', '>', \my $out, '2>', \my $err, timeout(60);
    return ($out, $? & 127 ? -1 : $? >> 8, $err);
}

my ($out, $rc, $err);
{
    local $ENV{PATH} = "$dir/none";
    run [$paas, '--socket', $m->socket, 'heroku', 'apps'], '<', \'', '>', \$out, '2>', \$err, timeout(60);
    is($? >> 8, 1, 'without the program');
    like($err, qr/no program heroku in PATH.*npm install -g heroku/s, '... it says how to get it');
}

($out, $rc) = heroku('print join("|", @ARGV), "\n"; exit 7;', 'ps:scale', 'web=2', '-a', 'shop', '--help', 'two words');
is($out, "ps:scale|web=2|-a|shop|--help|two words\n", 'every word is passed on');
is($rc, 7, 'its status is ours');
(undef, $rc) = heroku('kill 9, $$;', 'x');
is($rc, 137, 'a signal, too');

($out) = heroku('print encode_json({map { $_ => $ENV{$_} } grep { /^(HEROKU|GIT_|NODE|NO_P|DISABLE)/ } keys %ENV});', 'apps');
my $env = decode_json($out);
like($env->{HEROKU_API_KEY}, qr/^[0-9a-f]{64}$/, 'a key of 256 bits');
is($env->{HEROKU_PARTICLEBOARD_URL}, $env->{HEROKU_HOST}, 'nothing is asked of a host of its maker');
is($env->{HEROKU_GIT_HOST}, 'git.example.test:8080', 'where git is');
is($env->{NO_PROXY}, '127.0.0.1', 'no proxy is between');
is($env->{DISABLE_TELEMETRY}, 'true', 'nothing is told');
is($env->{GIT_CONFIG_GLOBAL}, "$dir/home/.config/paas/heroku.gitconfig", "a config of git's of its own");
is(qx(git config -f $env->{GIT_CONFIG_GLOBAL} --get credential.https://git.example.test:8080.helper),
    "!heroku git:credentials\n", '... in which it finds what it would write');
like(qx(git config -f $env->{GIT_CONFIG_GLOBAL} --get-all credential.https://git.example.test:8080.helper),
    qr/^\n!'[^']+\/paas' --socket '\Q@{[$m->socket]}\E' git:credentials\n!heroku /, '... behind the one that knows the password');
my ($again) = heroku('print $ENV{HEROKU_API_KEY};', 'apps');
isnt($again, $env->{HEROKU_API_KEY}, 'each run has its own key');

($out) = heroku('print ask(plain(), "GET /apps");', 'x');
like($out, qr{^HTTP/1\.1 200 .*\r\n\r\n\[\{"name": "shop"\}\]$}s, 'HTTP');
($out) = heroku('print ask(tls(), "GET /apps");', 'x');
like($out, qr{^HTTP/1\.1 200 .*\r\n\r\n\[\{"name": "shop"\}\]$}s, 'the same in TLS, by a certificate that verifies');
($out) = heroku('print ask(plain(), "GET /broken");', 'x');
like($out, qr{^HTTP/1\.1 422 .*"message": "no"}s, 'errors come as they are');
($out) = heroku(<<'END', 'x');
my $body = '{"updates":[{"type":"web","quantity":"3"}]}';
print ask(plain(), 'PATCH /apps/shop/formation', $body, 'Range: version ..; max=15', 'Accept: application/vnd.heroku+json; version=3.sdk',
    'Empty:', 'Request-Id: a,b', 'Upgrade: other', 'Connection: keep-alive, Upgrade') =~ s/.*\r\n\r\n//sr;
END
my $seen = decode_json($out);
is($seen->{body}, '{"updates":[{"type":"web","quantity":"3"}]}', 'a body');
is($seen->{seen}{accept}, 'application/vnd.heroku+json; version=3.sdk', '... and headers come through');
is($seen->{seen}{range}, 'version ..; max=15', '... Range');
is($seen->{seen}{empty}, '', '... one without a value');
is($seen->{seen}{authorization}, undef, '... the key does not, nor is there a token on a socket');
is($seen->{seen}{upgrade}, undef, '... nor what is between two hosts');

$m->forget;
($out) = heroku(<<'END', 'x');
my $key = $ENV{HEROKU_API_KEY};
my $wrong = $key;
substr($wrong, 5, 1) = substr($wrong, 5, 1) eq 'a' ? 'b' : 'a';
for my $auth ("Bearer $wrong", "Bearer ${key}0", 'Bearer ', "Basic $key", 'Bearer ~' . $key) {
    print ask(plain(), 'GET /apps', undef, "Authorization: $auth") =~ /^HTTP\/1.1 (\d+)/, "\n";
}
print ask(plain(), "GET /~$wrong/apps", undef, 'Authorization: none') =~ /^HTTP\/1.1 (\d+)/, "\n";
print ask(plain(), "GET /~$key/apps", undef, 'Authorization: none') =~ /^HTTP\/1.1 (\d+)/, "\n";
my $c = tls();
print $c "~$wrong/apps/shop/dynos/run.1/attach\r\n\r\n";
local $/;
print scalar <$c> // '';
END
is($out =~ s/HTTP.*//sr, "401\n" x 6 . "200\n", 'nobody without the key');
unlike($out, qr/rendezvous/, '... gets a terminal either');
is(scalar(grep { $_->{path} ne '/health' } $m->requests), 1, '... and nothing of it reaches the platform');
($out) = heroku(<<'END', 'x');
for my $bad ("nonsense\r\n\r\n", "GET apps HTTP/1.1\r\n\r\n", "GET /apps\r\n\r\n", "\r\n\r\n",
    "POST /apps HTTP/1.1\r\nAuthorization: Bearer $ENV{HEROKU_API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /apps HTTP/1.1\r\nAuthorization: Bearer $ENV{HEROKU_API_KEY}\r\nContent-Length: -1\r\n\r\n",
    'GET /' . 'x' x 40000 . "\r\n") {
    my $c = plain();
    $SIG{PIPE} = 'IGNORE';
    print $c $bad;
    shutdown $c, 1;
    print +(<$c> // 'closed') =~ /(\d\d\d|closed)/, " ";
}
print ask(plain(), 'GET /apps') =~ /^HTTP\/1.1 (\d+)/;
END
is($out, '400 400 400 400 411 411 closed 200', 'bytes that are no request');

($out) = heroku(<<'END', 'x');
my ($json) = ask(plain(), 'POST /apps/shop/log-sessions', '{}') =~ /\r\n\r\n(.*)/s;
my $url = decode_json($json)->{logplex_url};
print "$url\n", ask(plain(), 'GET ' . $url =~ s{^http://[^/]+}{}r, undef, 'Authorization: none');
END
like($out, qr{^http://127\.0\.0\.1:\d+/~[0-9a-f]{64}\Q$secret\E\n}, 'the address of a log leads here');
like($out, qr{Content-Type: text/event-stream\r\n.*\r\n\r\ndata: one\n\n$}s, '... and needs no token');

my $attach = <<'END';
my ($json) = ask(plain(), "POST /apps/$app/dynos", '{"attach": true, "command": "x"}') =~ /\r\n\r\n(.*)/s;
my ($secret) = decode_json($json)->{attach_url} =~ m{^rendezvous://127\.0\.0\.1:$port/(.*)} or die $json;
my $c = tls();
print $c "$secret\r\n";
$c->sysread(my $line, 4096);
print $line;
$c->syswrite("hello\n");
END
($out) = heroku("my \$app = 'shop';$attach" . <<'END', 'x');
my $got = '';
$c->sysread($got, 4096, length $got) || die until $got =~ /\n/;
$c->syswrite("\x04");
1 while $c->sysread($got, 4096, length $got);
print $got;
END
is($out, "rendezvous\r\nHELLO\ninput ended\n", 'a rendezvous: bytes both ways, and an end of the input');
($out) = heroku("my \$app = 'tty';$attach" . <<'END', 'x');
my $got = '';
$c->syswrite("\x04");
$c->sysread($got, 4096, length $got) || die until $got =~ /\x04/;
print $got;
END
is($out, "rendezvous\r\nwindow 24x80\nHELLO\n\x04", 'at a terminal, which says itself what a Ctrl-D is');

# A remote that it makes can be pushed to.
chdir "$dir/repo" or die;
system('git', 'init', '-q') == 0 or die;
heroku('system "git", "remote", "add", "heroku", "https://git.example.test:8080/shop.git"; exit 0;', 'git:remote');
is(qx(git remote get-url --push heroku), "http://git.example.test:8080/shop.git\n", 'git push goes where there is no https');
is(qx(git remote get-url heroku), "http://git.example.test:8080/shop.git\n", '... and git fetch, too');
($out) = heroku('print qx(git remote -v);', 'x');
is($out, join('', map { "heroku\thttps://git.example.test:8080/shop.git ($_)\n" } qw(fetch push)), '... and the program knows its remote');
($out) = heroku('print qx(git remote -v);', 'git:clone');
like($out, qr{^heroku\thttp://git.example.test:8080/shop.git }, '... and clones from where git is');
like(qx(git config --get-all credential.http://git.example.test:8080.helper), qr/^\n!.*git:credentials$/, '... and its password');
heroku('exit 0;', 'x');
is(scalar(() = qx(git config --get-all credential.http://git.example.test:8080.helper) =~ /\n/g), 2, '... once');
chdir '/';

done_testing;
