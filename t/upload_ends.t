#!/usr/bin/perl
# What is uploaded counts for as long as whoever asked for it may: by a token
# that goes while the bytes come, and by the URLs of sources and slugs.
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
my @json = ('Content-Type' => 'application/json');

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

sub urls { return map { m{(/streams/.*)} } @{ $_[0]{source_blob} }{qw(put_url get_url)} }
sub source { my ($name, $path) = @_; return urls($m->good("$name: a source", 201, 'POST', $path // '/sources', undef, @{ $as{$name} })) }
sub slug {
    my ($name) = @_;
    my $slug = $m->good("$name: a slug", 201, 'POST', "/apps/$name/slugs", { process_types => { web => 'true' } }, @{ $as{$name} });
    return $slug->{blob}{url} =~ m{(/streams/.*)};
}
sub put { my ($path) = @_; return $m->call('PUT', $path, 'x' x 2000, @nginx)->{status} }
sub build { my ($app, $get, @as) = @_; return $m->call('POST', "/apps/$app/builds", { source_blob => { url => "http://x$get" } }, @json, @as) }

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

user('stays');
my ($put, $get) = source('stays');
is(put($put), 200, 'it is put');
is(put($put), 409, 'once');
my $r = build('stays', $get, @{ $as{stays} });
is($r->{status}, 201, 'and built') or diag $r->{body};
is(put($put), 409, 'and no other archive comes to the same URL');
$m->stop('KILL');
$m->start;
is(put($put), 409, 'nor after a crash');
is(build('stays', $get, @{ $as{stays} })->{status}, 422, 'it makes one build');
is(rest(half('POST', '/apps/stays/builds?detach=1', @tar, @{ $as{stays} })), 409, 'of which there is one at a time');
user('idle');
is(rest(half('POST', '/apps/idle/builds?detach=1', @tar, @{ $as{idle} })), 202, 'an upload in two pieces');

sub halves { return [grep { /\.(?:part|tar)$/ } glob "$m->{dir}/state/uploads/*"] }
my $before = halves();

# ---- and no longer ------------------------------------------------------------

for my $name (sort keys %lose, keys %app_only) {
    my ($what, $lose) = @{ $lose{$name} // $app_only{$name} };
    my $whose = $lose{$name} ? '' : 'of the app';
    my @path = $whose ? ("/apps/$name/sources") : ('/sources');
    user($name, $name eq 'brief' ? (expires_in => 3) : ());
    my @kept = source($name, @path);
    my @late = source($name, @path);
    my @half = source($name, @path);
    my $slug = slug($name);
    is(put($kept[0]), 200, "$what: a source before");
    my $half = half('PUT', $half[0], @nginx);
    my $push = half('POST', "/apps/$name/builds?detach=1", @tar, @{ $as{$name} });
    $lose->($name);
    cmp_ok(rest($push), '>=', 401, "$what: no push that was under way");
    is(rest($half), 404, 'nor a source');
    is(put($late[0]), 404, 'its URL is good for nothing');
    is(put($slug), 404, 'nor is that of a slug');
    is($m->call('GET', $late[0], undef, @nginx)->{status}, 404, 'nor does it tell');
    is(build('idle', $kept[1])->{status}, 422, 'and what was put before is not built by others');
    is_deeply(halves(), $before, 'nothing is left of the half');
    my $builds = $m->call('GET', "/apps/$name/builds")->{json};
    is_deeply($builds, [], 'and no build is made') if ref $builds eq 'ARRAY';
}

done_testing();
