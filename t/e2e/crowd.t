#!/usr/bin/perl
# A crowd at the door of the API: slow clients, idle connections by the
# thousand, uploads that never come to an end, and guessed passwords.  Whoever
# has business there is answered, and nobody else gets in.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use MIME::Base64;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $guesses = $ENV{PAAS_LONG} ? 10_000 : 600;
my $idle = 5000;

# A connection is a file, here and there.
{
    my ($soft, $hard) = `sh -c 'ulimit -Sn; ulimit -Hn'` =~ /(\w+)\n(\w+)/;
    if ($soft ne 'unlimited' && $soft < 16_384) {
        exec 'sh', '-c', 'ulimit -n 16384 && exec "$@"', 'sh', $^X, $0 or die "ulimit: $!";
    }
}

my $p = Platform->new;
my $host = "api.$p->{domain}";
my ($setup) = $p->{said} =~ /(setup_[0-9a-f]{64})/;
my @ada = ('ada@example.com', 'correct horse');

# By nginx, from a place: {status, json}, or a status of 0.
sub begin {
    my ($from, $method, $path, $headers, $body, $length) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}, LocalAddr => $from, Timeout => 30) or return;
    $length //= length $body if defined $body;
    my $text = "$method $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n" . ($headers // '')
        . (defined $length ? "Content-Length: $length\r\n" : '') . "\r\n" . ($body // '');
    syswrite $s, $text;
    return $s;
}

sub end {
    my ($s) = @_;
    my $text = $s ? Platform::read_response($s, time + 60) : '';
    my ($status) = $text =~ m{^HTTP/1\.1 (\d+)};
    $text =~ s/\A.*?\r\n\r\n//s;
    return { status => $status // 0, body => $text, json => scalar eval { decode_json($text) } };
}

sub ask { return end(begin(@_)) }
sub basic { return 'Authorization: Basic ' . encode_base64("$_[0]:$_[1]", '') . "\r\n" }

my $here = '127.77.0.1';
my $made = ask($here, 'POST', '/setup', '', encode_json({ token => $setup, email => $ada[0], password => $ada[1] }));
is($made->{status}, 201, 'the first administrator') or BAIL_OUT($made->{body});
sub login { return ask($_[0], 'POST', '/oauth/authorizations', basic(@_[1, 2]), '{}') }
my $in = login($here, @ada);
is($in->{status}, 201, 'logs in') or BAIL_OUT($in->{body});
my $bearer = "Authorization: Bearer $in->{json}{access_token}{token}\r\n";
is(ask($here, 'POST', '/apps', $bearer, '{"name":"calm"}')->{status}, 201, 'an app');

# All that a person does: each of them is answered as ever.
sub usable {
    my ($what) = @_;
    my %is = (
        'an app' => ask($here, 'GET', '/apps/calm', $bearer)->{status},
        'a change' => ask($here, 'PATCH', '/apps/calm', $bearer, '{"maintenance":false}')->{status},
        'a stranger' => ask('127.77.0.2', 'GET', '/apps')->{status},
        'a log-in' => login($here, @ada)->{status},
        'the socket' => $p->api('GET', '/apps')->{status},
    );
    is_deeply(\%is, { 'an app' => 200, 'a change' => 200, 'a stranger' => 401, 'a log-in' => 201, 'the socket' => 200 }, "$what: the API is as ever");
}
usable('quiet');

# ---- slow clients ---------------------------------------------------------

# Its own probe is of the same address, and may well be told to come later.
sub slow {
    my ($what, @words) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'slowhttptest', qw(-c 1000 -r 1000 -i 2 -l 5 -p 3 -v 0), '-d', "127.0.0.1:$p->{port}", '-u', "http://$host:$p->{port}/apps", @words or POSIX::_exit(1);
    }
    sleep 2;
    usable($what);
    is(waitpid($pid, 0), $pid, "$what: come to an end");
    is($? >> 8, 0, "$what: as they should");
}
slow('a thousand with slow heads', qw(-H -x 24));
slow('a thousand with slow bodies', qw(-B -s 8192 -x 10 -f application/json));
slow('a thousand who read slowly', qw(-X -n 2 -k 3 -w 10 -y 20 -z 8));

# ---- idle ones ------------------------------------------------------------

{
    my @some = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port},
            LocalAddr => '127.78.' . ($_ >> 7) . '.' . (1 + ($_ & 127))) } 1 .. $idle;
    is(scalar(grep { $_ } @some), $idle, "$idle idle connections to nginx");
    usable("beside $idle idle ones at nginx");
}
{
    my @some = map { IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") } 1 .. $idle;
    is(scalar(grep { $_ } @some), $idle, "$idle idle connections to the socket");
    usable("beside $idle idle ones at the socket");
}

# ---- uploads without an end -------------------------------------------------

# Connections that the manager has by way of nginx.
sub held { my ($n) = (0); open my $fh, '<', '/proc/net/unix' or die $!; while (<$fh>) { $n++ if m{ 03 +\d+ \Q$p->{run}\E/api\.sock\+?$} } return $n }

{
    my @known = map { begin($here, 'POST', '/apps/calm/builds', "${bearer}Content-Type: application/x-tar\r\n", 'x', 1_000_000) } 1 .. 20;
    ok(Platform::wait_for(30, sub { held() >= 20 }), 'uploads of somebody who may go to the manager as they come') or diag held();
    usable('beside them');
}
ok(Platform::wait_for(60, sub { held() < 10 }), 'and end with who sent them') or diag held();

my @none = ('Authorization: Bearer paas_', '0' x 16, '_', '1' x 64, "\r\n");
for my $of (['strangers', '', '/apps/calm/builds'], ['strangers', '', '/apps/none/builds'], ['strangers', '', '/imports/routes'],
    ['guessed tokens', join('', @none), '/apps/calm/builds']) {
    my ($who, $head, $path) = @$of;
    my @some = map { begin("127.79.0.$_", $path =~ /import/ ? 'PUT' : 'POST', $path, "${head}Content-Type: application/x-tar\r\n", 'x', 1_000_000) }
        map { ($_) x 60 } 1 .. 5;
    usable(@some . " uploads to $path by $who that never end");
    ok(Platform::wait_for(30, sub { held() < 50 }), 'they do not hold the manager') or diag held();
}
my $r = ask('127.79.1.1', 'POST', '/apps/calm/builds', "Content-Type: application/x-tar\r\n", 'x' x 4096);
is($r->{status}, 401, 'an upload of a stranger: 401') or diag $r->{body};
is($r->{json}{id}, 'unauthorized', 'said as ever');
$r = ask($here, 'POST', '/apps/none/builds', "${bearer}Content-Type: application/x-tar\r\n", 'x' x 4096);
is($r->{status}, 404, 'one to no app: 404') or diag $r->{body};
is($r->{json}{id}, 'not_found', 'likewise');

# ---- guessed passwords ----------------------------------------------------

my (%seen, @took);
my $wrong = 0;
for my $round (0 .. $guesses / 100 - 1) {
    my @under_way = map { begin('127.80.' . ($round & 127) . ".$_", 'POST', '/oauth/authorizations',
            basic($_ % 3 ? $ada[0] : "user$_\@example.com", "guess $round $_"), '{}') } 1 .. 100;
    my $from = time;
    my $right = login($here, @ada);
    push @took, time - $from;
    is($right->{status}, 201, 'a right one among ' . ($round + 1) * 100) or diag $right->{body} if $right->{status} != 201 || $round % 10 == 0;
    $seen{ end($_)->{status} }++, $wrong++ for @under_way;
}
is($wrong, $guesses, "$guesses wrong ones");
is(join(' ', grep { !/^(?:401|429|503)$/ } sort keys %seen), '', 'each is refused') or diag explain \%seen;
note join ', ', map { "$_: $seen{$_}" } sort keys %seen;
diag sprintf 'right log-ins meanwhile: median %.0f ms, longest %.0f ms', (sort { $a <=> $b } @took)[@took / 2] * 1e3,
    (sort { $a <=> $b } @took)[-1] * 1e3 if $ENV{PAAS_LONG};
usable('after all of them');

done_testing();
