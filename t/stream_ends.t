#!/usr/bin/perl
# A stream ends when whoever asked for it may not any more: each kind of
# stream, by each way to lose it; and those of others go on.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(time);

my $m = Manager->new(api_streams_account => 8, api_streams => 68, api_heartbeat => 1);
my @nginx = (Socket => 'api.sock', 'X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1', 'X-Forwarded-Host' => 'api.paas.localhost');
my @sse = (Accept => 'text/event-stream');

# Each has a user, an app, and a build of it that comes to no end here.
my (%user, %build, %open);
sub user {
    my ($name) = @_;
    my $email = "$name\@example.com";
    $m->good("$name: a user", 201, 'POST', '/users', { email => $email, password => "secret of $name" });
    $m->good("$name: an app", 201, 'POST', '/apps', { name => $name });
    $m->good("$name: a role", 201, 'POST', "/apps/$name/collaborators", { user => $email, role => 'admin' });
    my $r = $m->call('POST', "/apps/$name/builds?detach=1", 'x', 'Content-Type' => 'application/x-tar');
    $build{$name} = $r->{json}{id} or diag $r->{body};
    $r = $m->call('POST', '/sessions', { email => $email, password => "secret of $name" }, @nginx);
    my ($cookie) = $r->{headers}{'set-cookie'} =~ /^([^;]*)/;
    return $user{$name} = [@nginx, Cookie => $cookie, 'X-CSRF-Token' => $r->{json}{csrf_token}];
}

sub token {
    my ($name, %more) = @_;
    my $t = $m->good("$name: a token", 201, 'POST', '/tokens', { scope => 'write', %more }, @{ $user{$name} });
    return ($t->{id}, [@nginx, Authorization => "Bearer $t->{token}"]);
}

my %paths = (
    'its timeline' => sub { my ($n) = @_; ("/apps/$n/timeline", @sse) },
    'its timeline by lines' => sub { my ($n) = @_; ("/apps/$n/timeline?follow=1") },
    'its log' => sub { my ($n) = @_; ("/apps/$n/logs?follow=1", @sse) },
    'its log by lines' => sub { my ($n) = @_; ("/apps/$n/logs?follow=1") },
    'its build' => sub { my ($n) = @_; ("/apps/$n/builds/$build{$n}/log", @sse) },
);

# Paths that are signed take no token.
sub signed {
    my ($name, $as) = @_;
    my $log = $m->good("$name: a log session", 201, 'POST', "/apps/$name/log-sessions", { tail => JSON::PP::true }, @$as)->{logplex_url};
    my $out = $m->good("$name: its build", 200, 'GET', "/apps/$name/builds/$build{$name}", undef, @$as)->{output_stream_url};
    s{^http://[^/]+}{} for $log, $out;
    return ($log, $out);
}

sub open_all {
    my ($what, $name, $as) = @_;
    for my $path (sort keys %paths) {
        my ($url, @more) = $paths{$path}->($name);
        $open{$what}{$path} = [$m->send('GET', $url, undef, @$as, @more), ''];
    }
    my ($log, $out) = signed($name, $as);
    $open{$what}{'its log session'} = [$m->send('GET', $log, undef, @nginx, @sse), '', $log];
    $open{$what}{"its build's URL"} = [$m->send('GET', $out, undef, @nginx, @sse), '', $out];
    $m->good('what they tell', 200, 'PATCH', "/apps/$name/config-vars", { SEEN => "by $what" });
}

# Reads on until `done` says so of a stream's text; 1: it has ended.
sub read_on {
    my ($stream, $done, $seconds) = @_;
    my $end = time + $seconds;
    while (time < $end && !$done->($stream->[1])) {
        IO::Select->new($stream->[0])->can_read($end - time) or return 0;
        sysread $stream->[0], $stream->[1], 65536, length $stream->[1] or return 1;
    }
    return 0;
}

# ---- opened -----------------------------------------------------------------

user($_) for qw(rita rex regina connie ursula sue bob pat ada);
my @change = @{ (token('pat', scope => 'global'))[1] };
my (%id, %as);
($id{$_}, $as{$_}) = token($_) for qw(rita regina connie ursula sue ada);
$as{$_} = $user{$_} for qw(bob pat);
open_all($_, $_, $as{$_}) for qw(rita regina connie ursula sue bob pat ada);

# What a stream has told when it is up; builds say nothing here.
sub told { my ($path, $what) = @_; return $path =~ /build/ ? qr/\r\n\r\n/ : $what }

sub is_told {
    my ($s, $path, $what) = @_;
    my $want = told($path, $what);
    read_on($s, sub { $_[0] =~ $want }, 20);
    return $s->[1] =~ /\AHTTP\/1.1 200.*$want/s;
}
for my $what (sort keys %open) {
    ok(is_told($open{$what}{$_}, $_, qr/SEEN/), "$what: $_ is told") or diag $open{$what}{$_}[1] for sort keys %{ $open{$what} };
}

# One token that expires by itself, but not before its streams are up.
for my $seconds (3, 12, 48) {
    my $r = $m->call('POST', '/tokens', { scope => 'write', expires_in => $seconds }, @{ $user{rex} });
    $as{rex} = [@nginx, Authorization => "Bearer $r->{json}{token}"];
    $open{rex} = { map { my ($url, @more) = $paths{$_}->('rex'); $_ => [$m->send('GET', $url, undef, @{ $as{rex} }, @more), ''] } keys %paths };
    $r = $m->call('POST', '/apps/rex/log-sessions', { tail => JSON::PP::true }, @{ $as{rex} });
    my $log = ($r->{json}{logplex_url} // '/') =~ s{^http://[^/]+}{}r;
    $open{rex}{'its log session'} = [$m->send('GET', $log, undef, @nginx, @sse), '', $log];
    $m->call('PATCH', '/apps/rex/config-vars', { SEEN => "for $seconds" }) if $r->{status} == 201;
    last if !grep { !is_told($open{rex}{$_}, $_, qr/SEEN/) } keys %{ $open{rex} };
}
ok(is_told($open{rex}{$_}, $_, qr/SEEN/), "rex: $_ is told") or diag $open{rex}{$_}[1] for sort keys %{ $open{rex} };

# ---- lost -------------------------------------------------------------------

$m->good('a token is revoked', 200, 'DELETE', "/tokens/$id{rita}");
$m->good('a token gets another secret', 200, 'POST', "/oauth/authorizations/$id{regina}/actions/regenerate-tokens", {}, @{ $user{regina} });
$m->good('a collaborator goes', 200, 'DELETE', '/apps/connie/collaborators/connie@example.com');
$m->good('a user goes', 200, 'DELETE', '/users/ursula@example.com');
$m->good('a user is suspended', 200, 'PATCH', '/users/sue@example.com', { suspended => JSON::PP::true });
$m->good('a session ends', 200, 'DELETE', '/sessions/~', undef, @{ $user{bob} });
$m->good('a password changes', 200, 'PATCH', '/account', { password => 'secret of pat', new_password => 'another secret' }, @change);
for my $name (qw(rita regina connie ursula sue bob pat ada)) {
    $m->good("$name: what happens next", 200, 'PATCH', "/apps/$name/config-vars", { LATER => $name });
}
my %how = (rita => 'the token revoked', regina => 'its secret changed', rex => 'the token expired', connie => 'the role lost', ursula => 'the user removed',
    sue => 'the user suspended', bob => 'the session ended', pat => 'the password changed');
for my $name (sort { ($a eq 'rex') <=> ($b eq 'rex') } sort keys %how) {
    for my $path (sort keys %{ $open{$name} }) {
        my $s = $open{$name}{$path};
        ok(read_on($s, sub { 0 }, 30), "$how{$name}: $path ends");
        unlike($s->[1], qr/LATER/, "$how{$name}: $path tells no more");
        like($s->[1], qr/^event: refused\ndata: \{"id":"unauthorized"/m, "$how{$name}: $path says so") if $s->[1] =~ m{text/event-stream};
        $m->bad("$how{$name}: $path again", 404, qr/not any more/, 'GET', $s->[2], undef, @nginx, @sse) if defined $s->[2];
    }
}
for my $path (sort keys %{ $open{ada} }) {
    my $s = $open{ada}{$path};
    my $want = told($path, qr/LATER/);
    ok(!read_on($s, sub { $_[0] =~ $want }, 20), "beside them, $path goes on");
    like($s->[1], $want, 'and tells what happens');
}

# ---- the app goes -------------------------------------------------------------

$m->good('the app goes', 200, 'DELETE', '/apps/ada');
for my $path (sort keys %{ $open{ada} }) {
    ok(read_on($open{ada}{$path}, sub { 0 }, 30), "the app destroyed: $path ends");
}

# ---- how many -----------------------------------------------------------------

user('max');
$m->good('a reader', 201, 'POST', '/apps/max/collaborators', { user => 'rita@example.com' });
my @timeline = ('GET', '/apps/max/timeline', undef, @sse);
my ($log) = signed('max', $user{max});
sub opened {
    my $s = [$m->send(@_), ''];
    read_on($s, sub { $_[0] =~ /\r\n\r\n.*\n/s }, 20);
    return $s->[1] =~ /\AHTTP\/1.1 200/ ? $s : diag $s->[1];
}
my @own = map { opened(@timeline, @{ $user{max} }) } 1 .. 8;
is(scalar(grep { ref } @own), 8, 'as many streams as an account may have');
my $r;
for my $of (['one more', @timeline, @{ $user{max} }], ['a path that is signed', 'GET', $log, undef, @nginx, @sse]) {
    $r = $m->bad($of->[0], 429, qr/^your account has 8 streams .*api_streams_account/, @$of[1 .. $#$of]);
    is($r->{json}{id}, 'too_many_streams', 'says so by its id');
    like($r->{headers}{'retry-after'}, qr/^\d+$/, 'and when to come again');
}
$m->good('all else is answered', 200, 'GET', '/apps/max', undef, @{ $user{max} });
ok(ref opened(@timeline, @{ $user{rita} }), "another account's are its own");
ok(ref opened(@timeline), 'the socket is not counted');
close $own[0][0];
my $again;
for (1 .. 200) { $again = $m->send(@timeline, @{ $user{max} }); sysread $again, my $head, 12; last if $head =~ /200$/; undef $again; select undef, undef, undef, 0.05 }
ok($again, 'one that is closed makes room');

my @all;
for my $n (1 .. 8) {
    my $t = $m->good('a token of the machine', 201, 'POST', '/tokens', { scope => 'read' })->{token};
    push @all, map { opened(@timeline, @nginx, Authorization => "Bearer $t") } 1 .. ($n < 8 ? 8 : 4);
}
is(scalar(grep { ref } @all), 60, 'as many as there may be in all');
$r = $m->bad('one more', 503, qr/^the platform has 68 streams .*api_streams in/, @timeline, @{ $user{rita} });
is($r->{json}{id}, 'too_many_streams', 'says so by its id');
like($r->{headers}{'retry-after'}, qr/^\d+$/, 'and when to come again');
$m->good('all else is answered', 200, 'GET', '/apps/max', undef, @{ $user{rita} });
read_on($all[-1], sub { $_[0] =~ /^:\n\n/m }, 20);
like($all[-1][1], qr/^:\n\n/m, 'silence has a heartbeat');

is($m->stop('TERM'), 0, 'it stops in order');
done_testing();
