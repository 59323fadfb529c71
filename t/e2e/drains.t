#!/usr/bin/perl
# Log drains to rsyslogd, over TCP and TLS, and to a receiver of logplex's
# frames: each line arrives, whoever dies meanwhile.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Socket::SSL;
use JSON::PP;
use Platform;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
sub write_file {
    my ($name, $text) = @_;
    open my $fh, '>', "$dir/$name" or die "$name: $!";
    print {$fh} $text;
    close $fh;
}
sub slurp {
    open my $fh, '<', "$dir/$_[0]" or return '';
    local $/;
    return <$fh> // '';
}
my ($made) = Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -batch
    -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1), '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
is($made, 0, 'a certificate');

# ---- receivers ------------------------------------------------------------

my ($tcp, $tls, $https) = map { Platform::free_port() } 1 .. 3;
write_file('rsyslog.conf', <<END);
global(workDirectory="$dir" maxMessageSize="64k" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="$dir/cert.pem" defaultNetstreamDriverCertFile="$dir/cert.pem"
  defaultNetstreamDriverKeyFile="$dir/key.pem")
module(load="imptcp")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
template(name="all" type="string" string="%timestamp:::date-rfc3339%|%hostname%|%app-name%|%procid%|%pri%|%msg%\\n")
ruleset(name="tcp") { action(type="omfile" file="$dir/tcp" template="all") }
ruleset(name="tls") { action(type="omfile" file="$dir/tls" template="all") }
input(type="imptcp" port="$tcp" address="127.0.0.1" ruleset="tcp")
input(type="imtcp" port="$tls" address="127.0.0.1" ruleset="tls")
END
my %children;
END { local $?; kill 'KILL', $_ for keys %children }
sub child {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) { %children = (); $code->(); POSIX::_exit(1) }
    $children{$pid} = 1;
    return $pid;
}
sub stop {
    my ($pid) = @_;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    delete $children{$pid};
}
sub rsyslog {
    unlink "$dir/rsyslog.pid";
    return child(sub { exec 'rsyslogd', '-n', '-f', "$dir/rsyslog.conf", '-i', "$dir/rsyslog.pid" });
}

# Writes down each request in one line, and answers as it is told to.
sub receiver {
    return child(sub {
        local $SIG{PIPE} = 'IGNORE';
        my $server = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => $https, Listen => 16, ReuseAddr => 1,
            SSL_cert_file => "$dir/cert.pem", SSL_key_file => "$dir/key.pem") or die "https: $!";
        while (1) {
            my $s = $server->accept or next;
            while (1) {
                my ($head, $body) = ('', '');
                while ($head !~ /\r\n\r\n/) { last if !defined(my $line = <$s>); $head .= $line }
                last if $head !~ /\r\nContent-Length: (\d+)/i;
                my $left = $1;
                while ($left > 0) { my $n = read $s, $body, $left, length $body or last; $left -= $n }
                my $answer = -s "$dir/answer" ? slurp('answer') : '204';
                open my $fh, '>>', "$dir/https" or die;
                print {$fh} encode_json([$answer, $head, $body]), "\n";
                close $fh;
                print {$s} "HTTP/1.1 $answer X\r\n" . ($answer eq '204' ? '' : "Content-Length: 0\r\n") . "\r\n";
            }
            close $s;
        }
    });
}
my $rsyslog = rsyslog();
my $receiver = receiver();

# ---- an app, and where its log goes ----------------------------------------

my $p = Platform->new(conf => { allow_out => '127.0.0.1', drain_ca => "$dir/cert.pem" });
mkdir "$dir/app";
write_file('app/Procfile', "web: node server.js\n");
write_file('app/package.json', '{"name":"talk","version":"1.0.0"}');
write_file('app/server.js', <<'END');
let n = 0;
require('http').createServer((q, r) => {
    for (let i = Number(q.url.slice(1)) || 0; i > 0; i--) console.log(`line ${n++} ${'x'.repeat(n % 300)}.`);
    if (q.url == '/odd') console.error('odd \x1b[31m bytes \u20ac ]: <1>1 5 x');
    r.end(`${n}\n`);
}).listen(process.env.PORT);
END
my ($rc, $out) = $p->paas('push', "$dir/app", '--app', 'talk', '--create');
is($rc, 0, 'an app') or diag $out;
$p->get('talk', '/10');
ok(Platform::wait_for(20, sub { ($p->paas('logs', '-a', 'talk'))[1] =~ /line 9 / }), 'it says something');

for (['ftp://127.0.0.1/', 'a scheme'], ['syslog://127.0.0.1:0', 'a port'], ['syslog://a b:1', 'a blank'],
    ['syslog://127.0.0.1:1/path', 'a path'], ['https://', 'no host'], ["https://a\x01b/", 'a control byte']) {
    ($rc, $out) = $p->paas('drains:add', $_->[0], '-a', 'talk');
    isnt($rc, 0, "refused: $_->[1]");
    like($out, qr/url has to be syslog:/, 'with what it has to be');
}
my %url = (tcp => "syslog://127.0.0.1:$tcp", tls => "syslog+tls://127.0.0.1:$tls",
    https => "https://user:secret\@127.0.0.1:$https/logs?a=b");
for (sort keys %url) {
    ($rc, $out) = $p->paas('drains:add', $url{$_}, '-a', 'talk');
    is($rc, 0, "a drain: $_") or diag $out;
}
($rc, $out) = $p->paas('drains:add', $url{tcp}, '-a', 'talk');
like($out, qr/a drain of talk already/, 'not twice');
unlike(($p->paas('timeline', '-a', 'talk'))[1], qr/secret/, 'no password in the timeline');

sub state_of {
    my ($which) = @_;
    for (@{ $p->json('drains', '-a', 'talk') }) { return $_->{status} if $_->{url} eq $which }
    return {};
}
sub state_becomes {
    my ($which, $like, $name) = @_;
    my $said = '';
    ok(Platform::wait_for(40, sub { ($said = state_of($which)->{state} // '') =~ $like }), $name) or diag $said;
}

# What arrived, as [app-name, procid, pri, message].
sub arrived {
    my ($which) = @_;
    return map { my (undef, undef, @f) = split /\|/, $_, 6; [@f] } split /\n/, slurp($which) if $which ne 'https';
    my @all;
    for (split /\n/, slurp('https')) {
        my ($answer, $head, $body) = @{ decode_json($_) };
        next if $answer ne '204';
        while ($body =~ s/^(\d+) //) {
            my $one = substr $body, 0, $1, '';
            die "half a frame: $one" if $one !~ /\A<(\d+)>1 \S+\+00:00 host (\S+) (\S+) - (.*)\n\z/s;
            push @all, [$2, $3, $1, $4];
        }
        die "what is this: $body" if length $body;
    }
    return @all;
}
sub arrives {
    my ($which, $like) = @_;
    my $found = Platform::wait_for(60, sub { (grep { $_->[3] =~ $like } arrived($which))[0] });
    ok($found, "$which: $like") or diag substr(slurp($which), -500), explain(state_of($url{$which}));
    return $found // [('') x 4];
}

$p->get('talk', '/odd');
for my $which (sort keys %url) {
    my $one = arrives($which, qr/^odd /);
    is_deeply([@$one[0, 1, 2]], ['app', 'web.1', 187], "$which: standard error of web.1");
    like($one->[3], qr/ \]: <1>1 5 x\z/, 'to its end');
    is_deeply([@{ arrives($which, qr{^at=info method=GET path="/odd" .* dyno=web\.1 }) }[0, 1, 2]], ['router', 'web.1', 158], "$which: the request");
    is((arrives($which, qr/^added a log drain/))->[0], 'paas', "$which: the platform");
    is(scalar(grep { $_->[3] =~ /^line/ } arrived($which)), 0, "$which: nothing of before");
}
# What a build prints is in it, too.
($rc, $out) = $p->paas('push', "$dir/app", '-a', 'talk');
is($rc, 0, 'another build') or diag $out;
ok($p->wait_up('talk', 1), 'which runs');
for my $which (sort keys %url) {
    is_deeply([@{ arrives($which, $_) }[0, 1, 2]], ['paas', 'build', 45], "$which: a build")
        for qr/^build started/, qr/Node\.js/, qr/^built with/;
    is((arrives($which, qr/^web\.1 is ready/))->[1], 'web.1', "$which: health");
}
my ($said) = grep { $_->{url} eq $url{https} } @{ $p->json('drains', '-a', 'talk') };
my ($head) = map { decode_json($_)->[1] } split /\n/, slurp('https');
like($head, qr{^POST /logs\?a=b HTTP/1\.1\r\n}, 'a POST');
like($head, qr{^Content-Type: application/logplex-1\r$}m, 'of logplex');
like($head, qr{^Logplex-Drain-Token: \Q$said->{token}\E\r$}m, 'with the token');
like($head, qr{^Logplex-Msg-Count: [1-9]\d*\r$}m, 'the count');
like($head, qr{^Logplex-Frame-Id: \w+\r$}m, 'an id');
like($head, qr{^Authorization: Basic dXNlcjpzZWNyZXQ=\r$}m, 'the password');
like(slurp('tcp'), qr/\|\Q$_->{token}\E\|/, 'syslog has the token, too')
    for grep { $_->{url} eq $url{tcp} } @{ $p->json('drains', '-a', 'talk') };

# ---- whoever dies, each line arrives ---------------------------------------

# Restarted by whoever keeps it.
sub murder {
    my ($service) = @_;
    my $pid = Platform::wait_for(20, sub { $p->service_pid($service) });
    kill 'KILL', $pid;
    ok(Platform::wait_for(20, sub { my $q = $p->service_pid($service); $q && $q != $pid }), "$service comes back");
}
my $lines = 0;
sub say_more {
    my ($n) = @_;
    $lines = $p->get('talk', "/$n")->{body} + 0;
}
say_more(300);
murder('drain');
say_more(300);
murder('manager');
say_more(300);
write_file('answer', '503');
stop($rsyslog);
say_more(300);
state_becomes($url{tcp}, qr/refused|closed|connect/i, 'tcp: it says what is wrong');
state_becomes($url{https}, qr/the answer was 503/, 'https: likewise');
ok(Platform::wait_for(30, sub {
    my %tries;
    $tries{$_}++ for slurp('https') =~ /Logplex-Frame-Id: (\w+)/g;
    grep { $_ > 1 } values %tries;
}), 'a batch that failed comes again with its id');
murder('manager');
say_more(300);
unlink "$dir/answer";
$rsyslog = rsyslog();
say_more(300);
for my $which (sort keys %url) {
    arrives($which, qr/^line @{[$lines - 1]} /);
    my (%seen, $wrong);
    for (arrived($which)) {
        next if $_->[3] !~ /^line (\d+) /;
        $seen{$1}++;
        my $wide = ($1 + 1) % 300;
        $wrong++ if $_->[3] !~ /\Aline \d+ x{$wide}\.\z/;
    }
    is(scalar(keys %seen), $lines, "$which: all lines");
    ok(!$wrong, "$which: each whole");
    my $twice = grep { $_ > 1 } values %seen;
    diag "$which: $twice of $lines came twice";
    cmp_ok($twice, '<', $lines, "$which: not all of them twice");
    state_becomes($url{$which}, qr/^ok$/, "$which: it is well again");
}
# ---- what a receiver refuses for good --------------------------------------

is(state_of($url{https})->{lost}, 0, 'nothing was lost so far');
write_file('answer', '400');
say_more(20);
ok(Platform::wait_for(30, sub { state_of($url{https})->{lost} >= 20 }), 'https: what it refused is lost');
state_becomes($url{https}, qr/^the answer was 400$/, 'and says why');
my $first = state_of($url{https});
say_more(20);
ok(Platform::wait_for(30, sub { state_of($url{https})->{lost} >= $first->{lost} + 20 }), 'and what it refuses next');
my $lost = state_of($url{https});
is($lost->{delivered}, $first->{delivered}, 'which is none of what was delivered');
ok(Platform::wait_for(20, sub { my ($id) = map { $_->{id} } grep { $_->{url} eq $url{https} } @{ $p->json('drains', '-a', 'talk') };
    open my $fh, '<', "$p->{state}/drains/$id" or return; decode_json(join '', <$fh>)->{lost} == $lost->{lost} }), 'and is on disk');
murder('manager');
unlink "$dir/answer";
say_more(1);
my $heard = arrives('https', qr/^\d+ lines are lost: this drain refused them/);
cmp_ok($heard->[3] =~ /^(\d+)/ ? $1 : 0, '>=', 40, 'it hears of them once it takes lines again, whoever died');
arrives('https', qr/^line @{[$lines - 1]} /);
cmp_ok(state_of($url{https})->{lost}, '>=', $lost->{lost}, 'and they stay counted');
say_more(1);
arrives('https', qr/^line @{[$lines - 1]} /);
is(scalar(grep { $_->[3] =~ /^\d+ lines are lost/ } arrived('https')), 1, 'once');

# ---- bounds ----------------------------------------------------------------

my @closed = ('syslog://169.254.169.254:80', "syslog://localhost:$tcp");
$p->configure(allow_out => '');
($rc, $out) = $p->up;
is($rc, 0, 'closed again') or diag $out;
$p->paas('drains:add', $_, '-a', 'talk') for @closed;
$p->get('talk', '/1');
state_becomes($_, qr/not one that drains may reach/, "$_ is out of reach") for @closed, $url{tcp};
($rc, $out) = $p->paas('drains:add', 'syslog://192.0.2.1', '-a', 'talk');
like($out, qr/has 5 drains, and may have no more/, 'five at most');
for (@closed, values %url) {
    ($rc, $out) = $p->paas('drains:remove', $_, '-a', 'talk');
    is($rc, 0, 'removed') or diag $out;
}
is_deeply($p->json('drains', '-a', 'talk'), [], 'none is left');
is_deeply([glob "$p->{state}/drains/*"], [], 'nor what they left');
($rc, $out) = $p->paas('drains:remove', $url{tcp}, '-a', 'talk');
like($out, qr/talk has no drain/, 'there is no such drain');
stop($receiver);
stop($rsyslog);

done_testing();
