#!/usr/bin/perl
# What holds for every request, as Heroku's API v3 has it: versions, pages of
# lists, how many requests are left, requests that are sent twice.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib";
use JSON::PP;
use Manager;
use Test::More;
use Time::HiRes qw(sleep time);

my $m = Manager->new(api_rate => 40);
my $v3 = 'application/vnd.heroku+json; version=3';

sub is_status {
    my ($what, $status, @request) = @_;
    my $r = $m->call(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r;
}

sub like_error {
    my ($what, $status, $id, $pattern, @request) = @_;
    my $r = is_status($what, $status, @request);
    is($r->{json}{id}, $id, "$what: the id");
    like($r->{json}{message}, $pattern, "$what: the message");
    like($r->{headers}{'request-id'} // '', qr/^[0-9a-f-]{36}$/, "$what: Request-Id");
    return $r;
}

# ---- versions -------------------------------------------------------------

is_status("Accept: $_", 200, 'GET', '/apps', undef, Accept => $_)
    for $v3, "$v3.sdk", 'application/vnd.heroku+json; version="3"', 'application/vnd.heroku+json', 'application/json', '*/*',
    "text/html, $v3";
like_error("Accept: version=$_", 406, 'not_acceptable', qr/version=3/, 'GET', '/apps', undef,
    Accept => "application/vnd.heroku+json; version=$_") for 2, 4, 33, 'edge', '';

# ---- ids ------------------------------------------------------------------

# As Heroku's CLI has it: its own id, then those of the requests before it.
my $n = 0;
my @ids = map { sprintf '%08x-0000-4000-8000-%012x', $_, $_ } 1 .. 12;
for (
    ['none', undef, []],
    ['one', $ids[0], [$ids[0]]],
    ['more', "$ids[1],$ids[0]", [@ids[1, 0]]],
    ['blanks', " $ids[1] ,\t$ids[0], ", [@ids[1, 0]]],
    ['no hyphens', $ids[0] =~ tr/-//dr, [$ids[0] =~ tr/-//dr]],
    ['what is none', "x,$ids[0]x,\e[2J$ids[1],,<b>,'$ids[2]',$ids[3]", [$ids[3]]],
    ['too many', join(',', @ids), [@ids[0 .. 7]]],
) {
    my ($what, $sent, $kept) = @$_;
    my $r = is_status("Request-Id: $what", 201, 'POST', '/apps', { name => 'id-' . ++$n }, defined $sent ? ('Request-Id' => $sent) : ());
    my $id = $r->{headers}{'request-id'};
    like($id, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '... has one of its own');
    is(scalar(grep { $_ eq $id } @ids), 0, '... and not that of the client');
    my ($told) = grep { $_->{request} eq $id } @{ $m->call('GET', '/audit?limit=1')->{json} };
    is_deeply($told->{client_requests}, $kept, '... which the audit tells beside it');
    is_status('... it goes', 200, 'DELETE', "/apps/id-$n");
}

# ---- pages ----------------------------------------------------------------

is_status("app $_", 201, 'POST', '/apps', { name => $_ }) for map { "app-$_" } 'a' .. 'g';

# names(Range header, ...) -> the answer, and the names in it
sub names {
    my ($range, @more) = @_;
    my $r = $m->call('GET', '/apps', undef, Range => $range, @more);
    return ($r, join ' ', map { ref ? substr $_->{name}, 4 : () } ref $r->{json} eq 'ARRAY' ? @{ $r->{json} } : ());
}

my $r = is_status('a list', 200, 'GET', '/apps');
like($r->{headers}{'accept-ranges'}, qr/^name, id, created_at, updated_at$/, 'Accept-Ranges');
ok(!$r->{headers}{'next-range'}, 'it is whole');
for (
    ['name ..; max=3', 206, 'a b c', 'name app-a..app-c; max=3', 'name ]app-c..; max=3'],
    ['name ]app-c..; max=3', 206, 'd e f', 'name app-d..app-f; max=3', 'name ]app-f..; max=3'],
    ['name ]app-f..; max=3', 200, 'g', 'name app-g..app-g; max=3', undef],
    ['name app-c..', 200, 'c d e f g', 'name app-c..app-g; max=200', undef],
    ['name app-c..app-e', 200, 'c d e', 'name app-c..app-e; max=200', undef],
    ['name ..app-b; max=1', 206, 'a', 'name app-a..app-a; max=1', 'name ]app-a..app-b; max=1'],
    ['name ..; order=desc,max=2', 206, 'g f', 'name app-g..app-f; max=2, order=desc', 'name ]app-f..; max=2, order=desc'],
    ['name ]app-f..; max=2, order=desc', 206, 'e d', 'name app-e..app-d; max=2, order=desc', 'name ]app-d..; max=2, order=desc'],
    ['name app-c..app-b; order=desc;', 200, 'c b', 'name app-c..app-b; max=200, order=desc', undef],
    ['name zzz..', 200, '', undef, undef],
    ['name ..; max=1000', 200, 'a b c d e f g', 'name app-a..app-g; max=1000', undef],
    ['bytes=0-10', 200, 'a b c d e f g', undef, undef],
) {
    my ($range, $status, $want, $content, $next) = @$_;
    my ($r, $names) = names($range);
    is($r->{status}, $status, "Range: $range") or diag $r->{body};
    is($names, $want, 'the apps');
    is($r->{headers}{'content-range'}, $content, 'Content-Range');
    is($r->{headers}{'next-range'}, $next, 'Next-Range');
}
for (['created_at ..; max=3'], ['id ..; max=3']) {
    my ($range, %seen) = @$_;
    for (1 .. 9) {
        my ($r, $names) = names($range);
        $seen{$_}++ for split / /, $names;
        $range = $r->{headers}{'next-range'} // last;
    }
    is(join(' ', map { "$_$seen{$_}" } sort keys %seen), 'a1 b1 c1 d1 e1 f1 g1', "$_->[0]: all pages have each app once");
}
my ($tagged) = names('name ..; max=3');
is((names('name ..; max=3', 'If-None-Match' => $tagged->{headers}{etag}))[0]{status}, 304, 'a page has an ETag');
like_error("Range: $_", 416, 'requested_range_not_satisfiable', qr/Range has to be/, 'GET', '/apps', undef, Range => $_)
    for 'nonsense', 'name', 'name x', 'colour ..', 'name ..; max=0', 'name ..; max=1001', 'name ..; max=-1', 'name ..; max=x',
    'name ..; order=up', 'name ..; min=3', 'web_url ..', 'name ' . 'x' x 300 . '..', 'x' x 40 . ' ..';
is_status('a Range for what is no list', 200, 'GET', '/apps/app-a', undef, Range => 'nonsense');

# What the list says of an app is kept, and holds after each change of it.
my $tag = '';
sub listed {
    my ($what) = @_;
    my $r = $m->call('GET', '/apps', undef, Range => 'name ..; max=1000');
    is_deeply($r->{json}, [map { $m->call('GET', "/apps/$_->{name}")->{json} } @{ $r->{json} }],
        "the list and each app, $what");
    my $same = $m->call('GET', '/apps', undef, Range => 'name ..; max=1000', 'If-None-Match' => $r->{headers}{etag});
    is($same->{status}, 304, 'a tag of the page');
    isnt($r->{headers}{etag}, $tag, 'another one than before');
    $tag = $r->{headers}{etag};
    return join ' ', map { $_->{name} } @{ $r->{json} };
}
is(listed('as made'), 'app-a app-b app-c app-d app-e app-f app-g', 'all of them');
is_status('a config var', 200, 'PATCH', '/apps/app-b/config-vars', { A => 'b' });
is_status('maintenance', 200, 'PATCH', '/apps/app-c', { maintenance => JSON::PP::true });
listed('after a release and a change');
is_status('another name', 200, 'PATCH', '/apps/app-a', { name => 'app-z' });
is(listed('after a new name'), 'app-b app-c app-d app-e app-f app-g app-z', 'by the new name');
is_status('its old one', 200, 'PATCH', '/apps/app-z', { name => 'app-a' });
is_status('one more', 201, 'POST', '/apps', { name => 'app-h' });
is_status('one less', 200, 'DELETE', '/apps/app-h');
is(listed('after one came and went'), 'app-a app-b app-c app-d app-e app-f app-g', 'those that are there');

# ---- twice ----------------------------------------------------------------

sub events { return scalar @{ $m->call('GET', '/apps/app-a/timeline')->{json} } }

my @post = ('POST', '/apps', { name => 'once' });
my $first = is_status('with a key', 201, @post, 'Idempotency-Key' => 'k1');
ok(!$first->{headers}{'idempotency-replayed'}, 'is the first one');
my $again = is_status('the same again', 201, @post, 'Idempotency-Key' => 'k1');
is_deeply($again->{json}, $first->{json}, 'has the same answer');
is($again->{headers}{'idempotency-replayed'}, 'true', 'and says so');
isnt($again->{headers}{'request-id'}, $first->{headers}{'request-id'}, 'each is a request of its own');
like_error('with another key', 422, 'invalid_params', qr/already taken/, @post, 'Idempotency-Key' => 'k2');
like_error('another body', 422, 'invalid_params', qr/another body/, 'POST', '/apps', { name => 'twice' }, 'Idempotency-Key' => 'k1');
is_status('after an error the key is free', 201, 'POST', '/apps', { name => 'twice' }, 'Idempotency-Key' => 'k2');
like_error('a key of ' . length($_) . ' bytes', 422, 'invalid_params', qr/Idempotency-Key has to be/, @post, 'Idempotency-Key' => $_)
    for '', 'x' x 256, 'a b', "a\x{7f}";
my $drain = { url => 'syslog://127.0.0.1:9' };
my $made = is_status('a drain', 201, 'POST', '/apps/app-a/log-drains', $drain, 'Idempotency-Key' => 'k1');
my $count = events();
is_status('again', 201, 'POST', '/apps/app-a/log-drains', $drain, 'Idempotency-Key' => 'k1') for 1 .. 3;
is(events(), $count, 'the timeline tells of one');
is_status('of another app', 201, 'POST', '/apps/app-b/log-drains', $drain, 'Idempotency-Key' => 'k1');

my $token = is_status('a token', 201, 'POST', '/tokens', { scope => 'global' }, 'Idempotency-Key' => 'token-1');
my $secret = $token->{json}{token};
like($secret, qr/^paas_/, 'is shown');
$m->stop('KILL');
$m->start;
is(is_status('again, after the manager was killed', 201, 'POST', '/tokens', { scope => 'global' }, 'Idempotency-Key' => 'token-1')
        ->{json}{token}, $secret, 'is shown again');
is(scalar @{ $m->call('GET', '/tokens')->{json} }, 1, 'and there is one');
my $store = do { local $/; open my $fh, '<:raw', glob("$m->{dir}/state/store*/data.mdb") or die $!; <$fh> };
ok(index($store, substr $secret, 22) == -1, 'it is nowhere in the store');
ok(index($store, 'token-1') == -1, 'nor is the key');
my @kept = $store =~ m{idem/\d{10}/[0-9a-f]{16}/[0-9a-f]{32}(.{64})}sg;
cmp_ok(scalar @kept, '>', 1, 'what is kept is there');
is(scalar(grep { /"(?:body|status|answer)/ } @kept), 0, 'for nobody who has not the key of the platform, too');

# An app that was destroyed has nothing to say for the next one of its name.
is_status('an app of this name', 201, 'POST', '/apps', { name => 'phoenix' });
my @drained = ('POST', '/apps/phoenix/log-drains', $drain, 'Idempotency-Key' => 'ashes');
my $old = is_status('its drain', 201, @drained)->{json}{id};
is(is_status('again', 201, @drained)->{json}{id}, $old, 'is one');
is_status('it goes', 200, 'DELETE', '/apps/phoenix');
for (1 .. 100) { last if $m->call('POST', '/apps', { name => 'phoenix' })->{status} == 201; select undef, undef, undef, 0.1 }
isnt(is_status('the same of another app of its name', 201, @drained)->{json}{id}, $old, 'is another drain');
is(scalar @{ $m->call('GET', '/apps/phoenix/log-drains')->{json} }, 1, 'which is there');
is_status('it goes, too', 200, 'DELETE', '/apps/phoenix');

# An upload: one build.
my $tar = 'x' x 10240;
my @upload = ('POST', '/apps/app-c/builds?detach=1', $tar, 'Content-Type' => 'application/x-tar', 'Idempotency-Key' => 'push-1');
my $build = is_status('an upload', 202, @upload);
is(is_status('again', 202, @upload)->{json}{id}, $build->{json}{id}, 'is the same build');
like_error('another upload', 422, 'invalid_params', qr/another upload/, @upload[0, 1], "${tar}y", @upload[3 .. 6]);
is(scalar @{ $m->call('GET', '/apps/app-c/builds')->{json} }, 1, 'there is one');

# Two at once: one change, one answer.
my @both = map { $m->send('POST', '/apps', { name => 'both' }, 'Idempotency-Key' => 'both') } 1, 2;
my @answers = map { $m->answer($_) } @both;
is("$answers[0]{status} $answers[1]{status}", '201 201', 'two at once');
is($answers[0]{json}{id}, $answers[1]{json}{id}, 'are one');

# ---- how many -------------------------------------------------------------

sub door {
    my ($method, $path, $body, %headers) = @_;
    return $m->call($method, $path, $body, 'X-Real-IP' => '10.0.0.1', 'X-Paas-Via' => 'api',
        Authorization => "Bearer $secret", %headers, Socket => 'api.sock');
}

is($m->call('GET', '/apps')->{headers}{'ratelimit-remaining'}, 40, 'on the socket it never falls');
$r = door('GET', '/apps', undef, Accept => $v3);
is($r->{status}, 200, 'a request with a token');
is($r->{headers}{'ratelimit-remaining'}, 39, 'is counted');
is(door('GET', '/nothing')->{headers}{'ratelimit-remaining'} // '', 40, 'one that is nobody\'s is not');
my ($left, $last) = (39);
for (1 .. 60) {
    $last = door('GET', '/apps/app-a');
    last if $last->{status} != 200;
    $left = $last->{headers}{'ratelimit-remaining'};
}
is($left, 0, 'there are none left at last');
is($last->{status}, 429, 'and then it is refused');
is($last->{json}{id}, 'rate_limit', 'as rate_limit');
is($last->{headers}{'ratelimit-remaining'}, 0, 'with RateLimit-Remaining');
cmp_ok($last->{headers}{'retry-after'}, '<=', 91, 'and Retry-After') or diag $last->{body};
is($m->call('GET', '/apps')->{status}, 200, 'the socket is not limited');
my $other = is_status('another token', 201, 'POST', '/tokens', { scope => 'read' })->{json}{token};
is(door('GET', '/apps', undef, Authorization => "Bearer $other")->{status}, 200, 'is another account');

done_testing;
