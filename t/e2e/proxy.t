#!/usr/bin/perl
# Behind balancers: by HTTP, and by the PROXY protocol.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Platform;
use Socket qw(inet_aton);
use Test::More;
use Time::HiRes qw(sleep);

my $p = Platform->new(conf => { trusted_proxies => '127.0.0.2 10.0.0.0/8' });

# What is answered is what was asked.
my $echo = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die "echo: $!";
my $port = $echo->sockport;
my $pid = fork // die "fork: $!";
if (!$pid) {
    while (my $s = $echo->accept) {
        my $head = '';
        while ($head !~ /\r\n\r\n/) { sysread($s, $head, 65536, length $head) or last }
        print {$s} "HTTP/1.0 200 OK\r\nContent-Length: @{[length $head]}\r\n\r\n$head";
        close $s;
    }
    POSIX::_exit(0);
}
END { local $?; kill 'KILL', $pid if $pid }
my ($rc, $out) = $p->paas('routes:add', 'echo.test', "127.0.0.1:$port");
is($rc, 0, 'a route') or diag $out;

# ask(from, first bytes, headers) -> the answer
sub ask {
    my ($from, $first, @headers) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}, LocalAddr => $from)
        or die "nginx: $!";
    print {$s} $first, join "\r\n", "GET / HTTP/1.1", "Host: echo.test", 'Connection: close', @headers, '', '';
    return Platform::read_response($s, time + 20);
}

sub logged {
    my ($like) = @_;
    return Platform::wait_for(20, sub {
        open my $fh, '<', "$p->{logs}/access.log" or return;
        local $/;
        return <$fh> =~ $like;
    });
}

my @said = ('X-Forwarded-For: 6.6.6.6, 5.5.5.5', 'X-Forwarded-Proto: https');
ok(Platform::wait_for(20, sub { ask('127.0.0.1', '') =~ /^X-Forwarded-For: 127\.0\.0\.1\r$/m }), 'it answers');
my $got = ask('127.0.0.2', '', @said);
like($got, qr/^X-Forwarded-For: 6\.6\.6\.6, 5\.5\.5\.5, 127\.0\.0\.2\r$/m, 'a proxy of trusted_proxies is believed');
like($got, qr/^X-Forwarded-Proto: https\r$/m, 'it came by https');
ok(logged(qr/^5\.5\.5\.5 .*host=echo\.test/m), 'the client is in the access log');
$got = ask('127.0.0.1', '', @said);
like($got, qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'nobody else is');
unlike($got, qr/6\.6\.6\.6|^X-Forwarded-Proto: https/m, 'in nothing');

# Where the first line names a host, that one is meant, and no page of another.
my $token = $p->api('POST', '/tokens', { scope => 'write' })->{json}{token};
sub api_urls {
    my ($to, $host, @headers) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}) or die "nginx: $!";
    print {$s} join "\r\n", "POST $to/sources HTTP/1.1", "Host: $host", "Authorization: Bearer $token", 'Content-Length: 0',
        'Connection: close', @headers, '', '';
    my $text = Platform::read_response($s, time + 20);
    return join ' ', $text =~ m{^HTTP/1\.1 (\d+)}, $text =~ m{"put_url": "(http://[^/]*)/};
}
my $api = "api.$p->{domain}";
is(api_urls('', $_), "201 http://$_", "the URLs of $_ are there, too") for $api, uc $api, "$api:$p->{port}", "$api.:1";
is(api_urls("http://$api", $_), "201 http://$api", "and not at $_") for 'evil.example', "evil.example:$p->{port}", "x$api", "$api:x";
is(api_urls("http://$api", 'evil.example', 'Origin: http://evil.example'), '403', 'whose pages do not ask here');
is(api_urls('', "$api:1", "Origin: http://$api:1"), "201 http://$api:1", 'as those do that are from there');

# Whoever has a network of IPv6 has as many addresses as anybody wants.
my @slow;
sub api_ask {
    my ($from, @head) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}, LocalAddr => '127.0.0.2') or die "nginx: $!";
    print {$s} join "\r\n", @head, "Host: api.$p->{domain}", "X-Forwarded-For: $from", 'Connection: close', '', '';
    return $s;
}
sub api_status { return Platform::read_response(api_ask($_[0], 'GET /account HTTP/1.1'), time + 20) =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'nothing' }
# Some more than 64: whoever asks meanwhile may take the place of one.
push @slow, api_ask("2001:db8:1:2::$_", 'POST /sessions HTTP/1.1', 'Content-Length: 10') for 1 .. 80;
ok(Platform::wait_for(20, sub { api_status('2001:db8:1:2:ffff::1') == 429 }), 'the API has 64 connections for a /64');
is(api_status($_), 401, "and others for $_") for '2001:db8:1:3::1', '2001:db8::1', '192.0.2.1';
@slow = ();

$p->configure(proxy_protocol => 'on');
($rc, $out) = $p->up;
is($rc, 0, 'scripts/up with proxy_protocol') or diag $out;
my $v2 = "\r\n\r\n\0\r\nQUIT\n" . pack 'CCna4a4nn', 0x21, 0x11, 12, inet_aton('7.7.7.7'), inet_aton('192.0.2.1'),
    5555, 443;
for (['1', "PROXY TCP4 7.7.7.7 192.0.2.1 5555 443\r\n"], ['2', $v2]) {
    my ($version, $first) = @$_;
    ok(Platform::wait_for(20, sub { ($got = ask('127.0.0.2', $first, @said)) =~ /^HTTP/ }), "version $version");
    like($got, qr/^X-Forwarded-For: 7\.7\.7\.7\r$/m, 'the client is the one in the header');
    like($got, qr/^X-Forwarded-Port: 443\r$/m, 'with the port that it came to');
    unlike($got, qr/6\.6\.6\.6|^X-Forwarded-Proto: https/m, 'and its own words do not count');
    like(ask('127.0.0.1', $first), qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'nor those of a stranger');
}
ok(logged(qr/^7\.7\.7\.7 .*host=echo\.test/m), 'in the access log, too');
is(ask('127.0.0.2', ''), '', 'who sends no header gets no answer');

# What is wrong is said before anything is changed.
for (['trusted_proxies', 'pear', qr/trusted_proxies takes addresses and networks .* not 'pear'/],
    ['trusted_proxies', '', qr/proxy_protocol = on needs trusted_proxies/],
    ['proxy_protocol', 'yes', qr/proxy_protocol must be on or off/]) {
    my ($key, $value, $says) = @$_;
    my $file = do { local (@ARGV, $/) = ($p->{conf}); <> };
    open my $fh, '>', $p->{conf} or die;
    print {$fh} $file =~ s/^$key = .*$/$key = $value/mr;
    close $fh;
    ($rc, $out) = $p->up;
    isnt($rc, 0, "$key = '$value' is refused");
    like($out, $says, 'and it is said why');
    open $fh, '>', $p->{conf} or die;
    print {$fh} $file;
    close $fh;
    like(ask('127.0.0.2', $v2), qr/^X-Forwarded-For: 7\.7\.7\.7\r$/m, 'nginx goes on as it was');
}

done_testing();
