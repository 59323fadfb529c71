#!/usr/bin/perl
# Sessions of browsers: cookies, what goes with them, and pages of others.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use Manager;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep);

my $m = Manager->new;
my @from = (Socket => 'api.sock', 'X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1');
my @http = (@from, 'X-Forwarded-Host' => 'api.paas.localhost:8080', 'X-Forwarded-Proto' => 'http');
my @https = (@from, 'X-Forwarded-Host' => 'api.paas.localhost', 'X-Forwarded-Proto' => 'https');

for ([ada => 'admin'], [vic => 'member']) {
    $m->good("the user $_->[0]", 201, 'POST', '/users',
        { email => "$_->[0]\@example.com", role => $_->[1], password => "secret of $_->[0]" });
}
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });

# login(user, more of the body, headers) -> the answer, "name=secret", CSRF token
sub login {
    my ($user, $more, @headers) = @_;
    my $r = $m->call('POST', '/sessions', { email => "$user\@example.com", password => "secret of $user", %{ $more // {} } },
        @headers ? @headers : @http);
    my ($cookie) = ($r->{headers}{'set-cookie'} // '') =~ /^([^;]*)/;
    return ($r, $cookie, $r->{json}{csrf_token});
}

# ---- begun ---------------------------------------------------------------

my ($r, $cookie, $csrf) = login('ada', { description => "a browser \x{263a}" });
is($r->{status}, 201, 'a log-in') or diag $r->{body};
like($r->{headers}{'set-cookie'}, qr{^paas_session=paas_[0-9a-f]{16}_[0-9a-f]{64}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Strict$},
    'its cookie');
like($csrf, qr/^[0-9a-f]{64}$/, 'and what goes with it');
my $mine = $r->{json};
my ($secret) = $cookie =~ /_([0-9a-f]{64})$/;
unlike($r->{body}, qr/$secret/, 'the secret is in the cookie alone');
my @ada = (@http, Cookie => $cookie);
my @change = (@ada, 'X-CSRF-Token' => $csrf);
is($m->good('who', 200, 'GET', '/account', undef, @ada)->{email}, 'ada@example.com', 'the cookie says who');
my $same = $m->good('this one', 200, 'GET', '/sessions/~', undef, @ada);
is($same->{csrf_token}, $csrf, 'a page that is loaded again learns the token');
is_deeply([map { $_->{id} } @{ $m->good('sessions', 200, 'GET', '/sessions', undef, @ada) }], [$mine->{id}], 'it is listed');
is($mine->{description}, "a browser \x{263a}", 'with its note');
is($mine->{address}, '192.0.2.1', 'and where it began');

($r, my $tls, my $tls_csrf) = login('ada', undef, @https);
like($r->{headers}{'set-cookie'}, qr{^__Host-paas_session=.*; Path=/; .*HttpOnly; SameSite=Strict; Secure$}, 'by https: Secure');
$m->good('which is good there', 200, 'GET', '/account', undef, @https, Cookie => $tls);
$m->bad('and not without', 401, qr/./, 'GET', '/account', undef, @http, Cookie => $tls);
$m->bad('nor is the other one there', 401, qr/./, 'GET', '/account', undef, @https, Cookie => $cookie);
$m->bad('nor is it a token', 401, qr/./, 'GET', '/account', undef, @http, Authorization => 'Bearer ' . ($cookie =~ s/^\w+=//r));
my $token = $m->good('a token', 201, 'POST', '/tokens', { scope => 'global' })->{token};
$m->bad('nor a token a cookie', 401, qr/./, 'GET', '/account', undef, @http, Cookie => "paas_session=$token");

# ---- asked badly -----------------------------------------------------------

$m->bad("a log-in with $_->[0]", $_->[1], $_->[2], 'POST', '/sessions', $_->[3], @http) for
    ['a wrong password', 401, qr/do not fit/, { email => 'ada@example.com', password => 'guess' }],
    ['nobody', 401, qr/do not fit/, { email => 'nobody@example.com', password => 'guess' }],
    ['no password', 422, qr/^password/, { email => 'ada@example.com' }],
    ['a number', 422, qr/^password/, { email => 'ada@example.com', password => 7 }],
    ['another field', 422, qr/^admin/, { email => 'ada@example.com', password => 'x', admin => JSON::PP::true }],
    ['too long a life', 422, qr/^expires_in/, { email => 'ada@example.com', password => 'x', expires_in => 1e9 }];
$m->bad('one on the socket of this machine', 422, qr/api\.paas\.localhost/, 'POST', '/sessions',
    { email => 'ada@example.com', password => 'secret of ada' });

# ---- changes need the token --------------------------------------------------

my @new = ('PATCH', '/apps/shop/config-vars', { A => 'b' });
$m->bad("a change with $_->[0]", 403, qr/X-CSRF-Token.*sessions/, @new, @ada, @{ $_->[1] }) for
    ['the cookie alone', []],
    ['an empty token', ['X-CSRF-Token' => '']],
    ['half a token', ['X-CSRF-Token' => substr $csrf, 0, 32]],
    ['a made-up one', ['X-CSRF-Token' => '0' x 64]],
    ["another session's", ['X-CSRF-Token' => $tls_csrf]];
$m->bad("$_->[0] $_->[1]", 403, qr/X-CSRF-Token/, @$_, undef, @ada) for
    ['POST', '/tokens'], ['DELETE', '/apps/shop'], ['DELETE', '/sessions/~'], ['POST', '/oauth/authorizations'];
$m->bad('a terminal', 403, qr/X-CSRF-Token/, 'GET', '/apps/shop/dynos/run.1/attach', undef, @ada, Upgrade => 'paas-session');
is_deeply($m->good('nothing has changed', 200, 'GET', '/apps/shop/config-vars'), {}, 'by any of these');
$m->good('with the token it does', 200, @new, @change);
my ($audit) = grep { $_->{text} =~ /PATCH/ } @{ $m->good('audit', 200, 'GET', '/audit?limit=50') };
is($audit->{user}, 'ada@example.com', 'and the audit says who');

# ---- other pages ------------------------------------------------------------

for my $origin ('https://evil.example', 'http://shop.paas.localhost:8080', 'http://api.paas.localhost',
    'https://api.paas.localhost:8080', 'http://api.paas.localhost:8080.evil.example', 'null', '') {
    $m->bad("a page of '$origin'", 403, qr/another origin/, 'GET', '/account', undef, @ada, Origin => $origin);
    $m->bad("a change by '$origin'", 403, qr/another origin/, @new, @change, Origin => $origin);
}
$m->bad('an event stream for another page', 403, qr/another origin/, 'GET', '/apps/shop/logs?follow=1', undef,
    @ada, Origin => 'http://shop.paas.localhost:8080', Accept => 'text/event-stream');
$m->bad('nor a timeline', 403, qr/another origin/, 'GET', '/apps/shop/timeline', undef,
    @ada, Origin => 'http://shop.paas.localhost:8080', Accept => 'text/event-stream');
$m->bad('also by a token', 403, qr/another origin/, 'GET', '/apps', undef, @http, Origin => 'https://evil.example',
    Authorization => "Bearer $token");
$m->bad('also on the socket of this machine', 403, qr/another origin/, 'GET', '/apps', undef, Origin => 'http://localhost');
$m->bad('a log-in by another page', 403, qr/another origin/, 'POST', '/sessions',
    { email => 'ada@example.com', password => 'secret of ada' }, @http, Origin => 'https://evil.example');
$m->good('our own page', 200, 'GET', '/account', undef, @ada, Origin => 'http://api.paas.localhost:8080');
$m->good('and a change by it', 200, 'PATCH', '/apps/shop/config-vars', { A => 'c' }, @change, Origin => 'http://api.paas.localhost:8080');
$m->bad("Sec-Fetch-Site: $_", 403, qr/another origin/, 'GET', '/account', undef, @ada, 'Sec-Fetch-Site' => $_)
    for 'cross-site', 'same-site', 'x';
$m->good("Sec-Fetch-Site: $_", 200, 'GET', '/account', undef, @ada, 'Sec-Fetch-Site' => $_) for 'same-origin', 'none';

# ---- ended --------------------------------------------------------------------

my (undef, $vic, $vic_csrf) = login('vic');
my @vic = (@http, Cookie => $vic, 'X-CSRF-Token' => $vic_csrf);
$m->bad("another user's", 404, qr/no session/, 'DELETE', "/sessions/$mine->{id}", undef, @vic);
is(scalar @{ $m->good('a list', 200, 'GET', '/sessions', undef, @vic) }, 1, 'others see their own');
is(scalar @{ $m->good('a list', 200, 'GET', '/sessions', undef, @ada) }, 3, 'administrators all');
$r = $m->call('DELETE', '/sessions/~', undef, @change);
is($r->{status}, 200, 'the end of this one');
like($r->{headers}{'set-cookie'}, qr/^paas_session=; .*Max-Age=0/, 'whose cookie goes');
$m->bad('it is over', 401, qr/./, 'GET', '/account', undef, @ada);
$m->good('by its id', 200, 'DELETE', '/sessions/' . $m->good('x', 200, 'GET', '/sessions/~', undef, @vic)->{id}, undef,
    @https, Cookie => $tls, 'X-CSRF-Token' => $tls_csrf);
$m->bad('it is over, too', 401, qr/./, 'GET', '/account', undef, @vic);

sub over {
    my ($what, @request) = @_;
    for (1 .. 600) {
        last if $m->call('GET', '/account', undef, @request)->{status} == 401;
        sleep 0.05;
    }
    $m->bad($what, 401, qr/./, 'GET', '/account', undef, @request);
}
my (undef, $short) = login('vic', { expires_in => 1 });
over('one that has expired', @http, Cookie => $short);
my (undef, $idle) = login('vic', { idle_timeout => 1 });
sleep 1.2;
$m->bad('one that was not used', 401, qr/./, 'GET', '/account', undef, @http, Cookie => $idle);
(undef, my $used) = login('vic', { idle_timeout => 20 });
($r) = grep { $_->{idle_timeout} == 20 } @{ $m->good('a list', 200, 'GET', '/sessions') };
ok($r, 'those that are over are not listed');

(undef, my $before) = login('vic');
$m->good('one by the old password', 200, 'GET', '/account', undef, @http, Cookie => $before);
my $setup = $m->good('a new password', 201, 'POST', '/setup-tokens', { email => 'vic@example.com' })->{token};
$m->good('is set', 201, 'POST', '/setup', { token => $setup, password => 'another secret' });
$m->bad('which ends it', 401, qr/./, 'GET', '/account', undef, @http, Cookie => $before);
my (undef, $last) = login('ada');
$m->stop('KILL');
$m->start;
$m->good('one lasts beyond a crash', 200, 'GET', '/account', undef, @http, Cookie => $last);
$m->good('a suspended user', 200, 'PATCH', '/users/ada@example.com', { suspended => JSON::PP::true });
$m->bad('is out at once', 401, qr/./, 'GET', '/account', undef, @http, Cookie => $last);
unlike($m->log, qr/$secret/, 'no secret is in the log');
$m->stop('TERM');
done_testing;
