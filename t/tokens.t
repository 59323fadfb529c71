#!/usr/bin/perl
# Tokens by the API: made, listed, used, revoked; their secrets are nowhere.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(sleep);

my $m = Manager->new;
my $shape = qr/^paas_([0-9a-f]{16})_([0-9a-f]{64})$/;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
is_deeply($m->good('tokens', 200, 'GET', '/tokens'), [], 'none');

# ---- made, listed, revoked ----------------------------------------------

my $t = $m->good('a token of all apps', 201, 'POST', '/tokens', {});
like($t->{token}, $shape, 'its text');
my ($id, $secret) = $t->{token} =~ $shape;
is($t->{id}, $id, 'its id is in it');
is($t->{scope}, 'deploy', 'its scope');
is($t->{app}, undef, 'for all apps');
is($t->{user}{email}, 'root', 'whose it is');
like($t->{created_at}, $time, 'when it was made');
is($t->{expires_at}, undef, 'it never expires');
is($t->{last_used_at}, undef, 'it was not used');
delete $t->{token};
is_deeply($m->good('one token', 200, 'GET', "/tokens/$id"), $t, 'all but its secret is told again');

my $of = $m->good('a token of one app', 201, 'POST', '/tokens',
    { app => 'shop', scope => 'deploy', expires_in => '3600', description => "ci \x{263a}" });
is($of->{app}{name}, 'shop', 'its app');
is($of->{description}, "ci \x{263a}", 'its note');
like($of->{expires_at}, $time, 'when it expires');
ok(!$of->{expired}, 'not yet');
my $second = delete $of->{token};
is_deeply($m->good('tokens', 200, 'GET', '/tokens'), [$t, $of], 'both are listed, the older one first');
my ($event) = grep { $_->{kind} eq 'token' } @{ $m->good('timeline', 200, 'GET', '/apps/shop/timeline') };
like($event->{text}, qr/token $of->{id} .* made by root/, "the app's timeline tells of its own");

is_deeply($m->good('revoke', 200, 'DELETE', "/tokens/$id"), $t, 'what it was');
$m->bad('again', 404, qr/no token/, 'DELETE', "/tokens/$id");
is_deeply($m->good('tokens', 200, 'GET', '/tokens'), [$of], 'the other one is left');
$m->bad("the token $_->[0]", 404, qr/no token.*paas tokens/, $_->[1], "/tokens/$_->[2]")
    for ['of no id', 'GET', 'x'], ['that is not', 'GET', '0' x 16], ['..', 'DELETE', '..'],
    ['by its secret', 'DELETE', $second];

# ---- badly asked for ----------------------------------------------------

$m->bad("a token $_->[0]", $_->[1], $_->[2], 'POST', '/tokens', $_->[3]) for
    ['of no app', 404, qr/no app named none/, { app => 'none' }],
    ['of a number', 422, qr/^app has to be a string/, { app => 1 }],
    ['of an empty app', 422, qr/^app has to be 1 to/, { app => '' }],
    ['of another scope', 422, qr/^scope "admin" is not right: it has to be of global, read, .*deploy/, { scope => 'admin' }],
    ['of the scope of a push', 422, qr/^scope "push"/, { scope => 'push' }],
    ['that is over at once', 422, qr/^expires_in has to be 1 to/, { expires_in => 0 }],
    ['that lasts for ever', 422, qr/^expires_in has to be 1 to/, { expires_in => 9e9 }],
    ['until Friday', 422, qr/^expires_in has to be a whole number/, { expires_in => 'Friday' }],
    ['with a novel', 422, qr/^description has to be 0 to 100 bytes/, { description => 'x' x 101 }],
    ['with a hash', 422, qr/^hash is not a field/, { hash => '0' x 64 }];

# ---- nowhere else -------------------------------------------------------

$m->stop('TERM');
my $all = $m->log;
for my $file (glob "$m->{dir}/state/store/*") {
    open my $fh, '<:raw', $file or die "$file: $!";
    local $/;
    $all .= <$fh> // '';
}
unlike($all, qr/$secret/, 'no secret in the log or in the store');
unlike($all, qr/${\ substr $second, -64 }/, 'nor the other one');
like($all, qr/token $id is made by root for all apps/, 'the log tells who made it');
like($all, qr/token $id is revoked by root/, 'and who revoked it');
$m->start;
is_deeply($m->good('tokens', 200, 'GET', '/tokens'), [$of], 'after a restart they are the same');

# ---- with the app -------------------------------------------------------

$m->good('destroy', 200, 'DELETE', '/apps/shop');
my $left = 1;
for (1 .. 500) {
    last if !($left = @{ $m->call('GET', '/tokens')->{json} });
    sleep 0.02;
}
is($left, 0, "an app's tokens go with it");

# ---- no more than that --------------------------------------------------

my @more = map { $m->send('POST', '/tokens', { description => "number $_" }) } 1 .. 1000;
my %got;
$got{ $m->answer($_, 30)->{status} }++ for @more;
is_deeply(\%got, { 201 => 1000 }, 'a thousand tokens');
$m->bad('one more', 409, qr/1000 tokens already.*revoke/, 'POST', '/tokens', {});

is($m->stop('TERM'), 0, 'it stops in order');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();
