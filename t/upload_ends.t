#!/usr/bin/perl
# What is uploaded counts if whoever sends it may when its last byte is there.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(sleep);

my $m = Manager->new;
my @nginx = (Socket => 'api.sock', 'X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1', 'X-Forwarded-Host' => 'api.paas.localhost');
my @tar = ('Content-Type' => 'application/x-tar');

# Each has a user who is deployer of an app, and a token.
my (%as, %id);
sub user {
    my ($name, %more) = @_;
    my $email = "$name\@example.com";
    $m->good("$name: a user", 201, 'POST', '/users', { email => $email, password => "secret of $name" });
    $m->good("$name: an app", 201, 'POST', '/apps', { name => $name });
    $m->good("$name: a role", 201, 'POST', "/apps/$name/collaborators", { user => $email, role => 'deployer' });
    my $r = $m->call('POST', '/sessions', { email => $email, password => "secret of $name" }, @nginx);
    my ($cookie) = $r->{headers}{'set-cookie'} =~ /^([^;]*)/;
    my $t = $m->good("$name: a token", 201, 'POST', '/tokens', { scope => 'write', %more }, @nginx, Cookie => $cookie, 'X-CSRF-Token' => $r->{json}{csrf_token});
    $id{$name} = $t->{id};
    return $as{$name} = [@nginx, Authorization => "Bearer $t->{token}"];
}

my %lose = (
    token => ['the token is revoked', sub { $m->good('revoked', 200, 'DELETE', "/tokens/$id{$_[0]}") }],
    gone => ['the user is removed', sub { $m->good('removed', 200, 'DELETE', "/users/$_[0]\@example.com") }],
    held => ['the user is suspended', sub { $m->good('suspended', 200, 'PATCH', "/users/$_[0]\@example.com", { suspended => JSON::PP::true }) }],
    brief => ['the token expires', sub { sleep 3 }],
);
my %app_only = (
    role => ['the role is removed', sub { $m->good('no role', 200, 'DELETE', "/apps/$_[0]/collaborators/$_[0]\@example.com") }],
    less => ['the role is viewer', sub { $m->good('viewer', 200, 'PATCH', "/apps/$_[0]/collaborators/$_[0]\@example.com", { role => 'viewer' }) }],
    other => ['the app is another', sub {
        $m->good('destroyed', 200, 'DELETE', "/apps/$_[0]");
        for (1 .. 100) { last if $m->call('POST', '/apps', { name => $_[0] })->{status} == 201; sleep 0.05 }
    }],
);


# An upload of which the half has come.
sub half {
    my ($method, $path, @headers) = @_;
    my $s = $m->send($method, $path, 'x' x 1000, @headers, 'Content-Length' => 2000);
    sleep 0.3;
    return $s;
}
sub rest {
    my ($s) = @_;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $s, 'x' x 1000;
    return $m->answer($s)->{status};
}

# ---- as long as it lasts ----------------------------------------------------

user('idle');
is(rest(half('POST', '/apps/idle/builds?detach=1', @tar, @{ $as{idle} })), 202, 'an upload in two pieces');

sub halves { return [grep { /\.(?:part|tar)$/ } glob "$m->{dir}/state/uploads/*"] }
my $before = halves();

# ---- and no longer ------------------------------------------------------------

for my $name (sort keys %lose, keys %app_only) {
    my ($what, $lose) = @{ $lose{$name} // $app_only{$name} };
    user($name, $name eq 'brief' ? (expires_in => 3) : ());
    my $push = half('POST', "/apps/$name/builds?detach=1", @tar, @{ $as{$name} });
    $lose->($name);
    cmp_ok(rest($push), '>=', 401, "$what: no push that was under way");
    is_deeply(halves(), $before, 'nothing is left of the half');
    my $builds = $m->call('GET', "/apps/$name/builds")->{json};
    is_deeply($builds, [], 'and no build is made') if ref $builds eq 'ARRAY';
}

done_testing();
