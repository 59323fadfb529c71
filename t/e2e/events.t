#!/usr/bin/perl
# Events by way of nginx, over HTTP/1.1 and HTTP/2: each comes at once, silence
# has a heartbeat, a client goes on where it was, and one that went away is
# not waited for.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use JSON::PP;
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new;
my $tls = Platform::free_port();
$p->configure(api_heartbeat => 1, api_streams_account => 4);
my ($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'up') or BAIL_OUT($out);
($rc, $out) = $p->paas('push', "$Platform::top/scripts/sample/hello", '-a', 'shop', '--create');
is($rc, 0, 'an app') or BAIL_OUT($out);
my $made = $p->api('POST', '/tokens', { scope => 'read' });
is($made->{status}, 201, 'a token');
my $host = "api.$p->{domain}";

# curl, reading events on: {pid, out, text}.
my @live;
sub events {
    my ($by, $path, @headers) = @_;
    my $pid = open my $fh, '-|', 'curl', '-sSNki', "--$by", '--resolve', "$host:$tls:127.0.0.1", '--max-time', 120,
        map({ ('-H', $_) } 'Accept: text/event-stream', "Authorization: Bearer $made->{json}{token}", @headers), "https://$host:$tls$path"
        or die "curl: $!";
    push @live, my $s = { pid => $pid, out => $fh, text => '' };
    return $s;
}

# Reads until it has come, while the stream is open; 0: it ended, or is silent.
sub comes {
    my ($s, $like) = @_;
    my $until = time + 30;
    while ($s->{text} !~ $like) {
        IO::Select->new($s->{out})->can_read($until - time) or return 0;
        sysread $s->{out}, $s->{text}, 65536, length $s->{text} or return $s->{text} =~ $like;
    }
    return 1;
}

sub leave {
    my ($s) = @_;
    kill 'KILL', $s->{pid};
    close $s->{out};
}
END { kill 'KILL', $_->{pid} for grep { defined fileno $_->{out} } @live }

for my $by ('http1.1', 'http2') {
    my $is = $by eq 'http2' ? qr{^HTTP/2 200} : qr{^HTTP/1\.1 200};
    my $timeline = events($by, '/apps/shop/timeline');
    ok(comes($timeline, qr{^id: }m), "$by: what there is") or diag $timeline->{text};
    like($timeline->{text}, $is, 'by that protocol');
    like($timeline->{text}, qr{^content-type: text/event-stream}mi, 'as events');
    ok(comes($timeline, qr/^:\n\n/m), 'a heartbeat');

    # Each of them is there before the next one is made: none waits for more.
    for my $n (1 .. 3) {
        $p->paas('config:set', "$by=$n" =~ s/^http\W*(\d)(\.\d)?/H$1/r, '-a', 'shop');
        my $sets = "^id: (\\S+)\ndata: [^\n]*config[^\n]*H" . ($by eq 'http2' ? 2 : 1);
        ok(comes($timeline, qr/(?:$sets.*){$n}/ms), "event $n comes by itself") or diag $timeline->{text};
    }
    my @ids = $timeline->{text} =~ /^id: (\S+)$/mg;
    leave($timeline);
    my $again = events($by, '/apps/shop/timeline', "Last-Event-ID: $ids[-3]");
    ok(comes($again, qr/^id: \Q$ids[-1]\E$/m), 'who comes again');
    is_deeply([($again->{text} =~ /^id: (\S+)$/mg)[0, 1]], [@ids[-2, -1]], 'goes on there');
    leave($again);

    my $log = events($by, '/apps/shop/logs?follow=1&lines=1');
    ok(comes($log, qr/^data: /m), 'the log') or diag $log->{text};
    for my $n (1 .. 2) {
        $p->get('shop', "/$by-$n");
        ok(comes($log, qr{path="/\Q$by\E-$n"}), "its line $n comes by itself") or diag $log->{text};
    }
    leave($log);
    my ($build) = @{ $p->api('GET', '/apps/shop/builds')->{json} };
    my $print = events($by, "/apps/shop/builds/$build->{id}/log");
    ok(comes($print, qr{^data: -----> Static files app detected$}m), 'what a build has printed') or diag $print->{text};
    leave($print);

    # They are four at most: each that went has made room.
    for my $n (1 .. 6) {
        my $s;
        ok(Platform::wait_for(20, sub { $s = events($by, '/apps/shop/timeline'); return 1 if comes($s, qr{^id: |too_many}m) && $s->{text} !~ m{too_many}; leave($s); return 0 }),
            "one that goes away makes room: $n") or diag $s->{text};
        leave($s);
    }
}
done_testing();
