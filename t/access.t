#!/usr/bin/perl
# Who may what on api.sock: users, log-ins, tokens, roles, and each route of
# the API's own table against all who may not use it.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use JSON::PP;
use Manager;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep time);

my $m = Manager->new;
my $setup = qr/^setup_[0-9a-f]{64}$/;
my $token = qr/^paas_[0-9a-f]{16}_[0-9a-f]{64}$/;

# An address for each attempt: wrong ones are counted by it.
my $from = 0;
sub address { $from++; return sprintf '10.%d.%d.%d', $from >> 16, $from >> 8 & 255, $from & 255 }

sub bearer { return (Authorization => "Bearer $_[0]") }
sub basic { return (Authorization => 'Basic ' . encode_base64("$_[0]:$_[1]", '')) }

# door(method, path, body, headers): as nginx passes it on.
sub door {
    my ($method, $path, $body, %headers) = @_;
    return $m->call($method, $path, $body, 'X-Real-IP' => address(), 'X-Paas-Via' => 'api', %headers, Socket => 'api.sock');
}

sub fine {
    my ($what, $status, @request) = @_;
    my $r = door(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

sub refused {
    my ($what, $status, $pattern, @request) = @_;
    my $r = door(@request);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{json}{message} // '', $pattern, "$what: the message");
    return $r;
}

my $authorizations = '/oauth/authorizations';
sub login { return door('POST', $authorizations, {}, basic(@_[0, 1]), @_[2 .. $#_]) }

# ---- the first administrator --------------------------------------------

my $first = $m->good('a set-up token', 201, 'POST', '/setup-tokens', {});
like($first->{token}, $setup, 'its text');
is($first->{email}, undef, 'for whoever comes first');
refused('none from outside', 401, qr/token/, 'POST', '/setup-tokens', {});
my %admin = (email => 'Ada@Example.com', password => 'correct horse', name => 'Ada');
refused("set-up $_->[0]", $_->[1], $_->[2], 'POST', '/setup', { token => $first->{token}, %admin, %{ $_->[3] } }) for
    ['with a wrong token', 401, qr/not good here/, { token => 'setup_' . '0' x 64 }],
    ['with a token of a number', 422, qr/^token has to be a string/, { token => 1 }],
    ['without an address', 422, qr/^email is missing/, { email => undef }],
    ['with no address', 422, qr/^email "ada" is not right/, { email => 'ada' }],
    ['with a path', 422, qr/^email/, { email => 'a/../b@x' }],
    ['with a short password', 422, qr/^password has to be 8 to 256 bytes long, not 7/, { password => 'secret7' }],
    ['as a role', 422, qr/^role is not a field/, { role => 'admin' }];
my $ada = fine('set-up', 201, 'POST', '/setup', { token => $first->{token}, %admin });
is("$ada->{email} $ada->{role} $ada->{name}", 'ada@example.com admin Ada', 'the first administrator, in lower case');
ok(!exists $ada->{password}, 'without the password');
refused('the same token again', 401, qr/not good here/, 'POST', '/setup', { token => $first->{token}, %admin });
$m->bad('another one for the first', 409, qr/users already/, 'POST', '/setup-tokens', {});

# ---- log-in -------------------------------------------------------------

my $r = login('ADA@example.com', 'correct horse');
is($r->{status}, 201, 'log-in') or diag $r->{body};
like($r->{json}{access_token}{token}, $token, 'gives a token');
is_deeply($r->{json}{scope}, ['global'], 'for all');
cmp_ok($r->{json}{access_token}{expires_in}, '>', 29 * 86400, 'for a month');
my @ada = bearer($r->{json}{access_token}{token});
is(fine('account', 200, 'GET', '/account', undef, @ada)->{email}, 'ada@example.com', 'it is hers');
is(fine('account by Basic', 200, 'GET', '/account', undef, basic('ada@example.com', $r->{json}{access_token}{token}))->{email},
    'ada@example.com', 'the token as a password, too');
refused("log-in with $_->[0]", 401, qr/./, 'POST', $authorizations, {}, @{ $_->[1] }) for
    ['a wrong password', [basic('ada@example.com', 'correct house')]], ['no password', [basic('ada@example.com', '')]],
    ['a stranger', [basic('eve@example.com', 'correct horse')]], ['no address', [basic('ada', 'correct horse')]],
    ['a NUL', [basic('ada@example.com', "correct horse\0")]], ['nothing', []];
refused('the password elsewhere', 401, qr/token/, 'GET', '/account', undef, basic('ada@example.com', 'correct horse'));
refused("an authorization $_->[0]", 422, $_->[1], 'POST', $authorizations, $_->[2], @ada) for
    ['of no scope', qr/^scope\[1\] "all" is not right: it has to be one of global/, { scope => ['read', 'all'] }],
    ['of a word', qr/^scope has to be an array/, { scope => 'read' }],
    ['for ever', qr/^expires_in has to be/, { expires_in => 9e9 }];
my $short = fine('a short one', 201, 'POST', $authorizations, { scope => ['read'], expires_in => 1, description => 'ci' }, @ada);

# ---- users --------------------------------------------------------------

my %user;
for my $name (qw(vic dan oli eve)) {
    my $u = fine("the user $name", 201, 'POST', '/users', { email => "$name\@example.com" }, @ada);
    is("$u->{role} " . ($u->{has_password} ? 1 : 0), 'member 0', 'a member without a password');
    like($u->{setup_token}, $setup, 'who can set one');
    $user{$name} = $u;
}
refused("a user $_->[0]", 422, $_->[1], 'POST', '/users', $_->[2], @ada) for
    ['twice', qr/^email "vic\@example.com" is taken/, { email => 'Vic@example.com' }],
    ['of no role', qr/^role "god" is not right/, { email => 'x@y', role => 'god' }],
    ['of no address', qr/^email is missing/, {}];
my %as = (ada => \@ada);
for my $name (qw(vic dan oli eve)) {
    my %new = (token => $user{$name}{setup_token}, password => "secret of $name");
    refused("$name\'s, by another", 422, qr/^email "ada\@example\.com" is not whose set-up token this is: it is for $name\@/,
        'POST', '/setup', { %new, email => 'ada@example.com' });
    $new{email} = ucfirst "$name\@example.com" if $name eq 'dan';
    fine("$name sets a password", 201, 'POST', '/setup', \%new);
    my $got = login("$name\@example.com", "secret of $name");
    is($got->{status}, 201, "$name logs in") or diag $got->{body};
    $as{$name} = [bearer($got->{json}{access_token}{token})];
}
refused("the last administrator $_->[0]", 409, qr/^ada\@example\.com is the last admin: paas users:set/, $_->[1], '/users/ada@example.com', $_->[2], @ada)
    for ['removed', 'DELETE'], ['made less', 'PATCH', { role => 'viewer' }], ['suspended', 'PATCH', { suspended => JSON::PP::true }];
is(fine('but named', 200, 'PATCH', '/users/ada@example.com', { name => 'Ada' }, @ada)->{role}, 'admin', 'is one as before');
is(fine('another one', 200, 'PATCH', '/users/oli@example.com', { role => 'admin' }, @ada)->{role}, 'admin', 'beside her');
is(fine('then she may', 200, 'PATCH', '/users/ada@example.com', { role => 'viewer' }, @ada)->{role}, 'viewer', 'be less');
$m->good("made one by the machine's", 200, 'PATCH', '/users/ada@example.com', { role => 'admin' });
refused('users, of a member', 403, qr/admin of the platform.*users:set vic\@example.com/, 'GET', '/users', undef, @{ $as{vic} });
is(fine('oneself', 200, 'GET', '/users/~', undef, @{ $as{vic} })->{email}, 'vic@example.com', 'everybody sees themselves');
refused($_, 403, qr/^only administrators see others than themselves$/, 'GET', "/users/$_", undef, @{ $as{vic} })
    for 'dan@example.com', 'nobody@example.com', $user{dan}{id}, '01234567-89ab-cdef-0123-456789abcdef';
is(fine('a role for all', 200, 'PATCH', '/users/oli@example.com', { role => 'deployer' }, @ada)->{role}, 'deployer', 'deployer of all apps');
my @elsewhere = bearer(login('vic@example.com', 'secret of vic')->{json}{access_token}{token});
my @made = bearer(fine('a token that she makes', 201, 'POST', '/tokens', { scope => 'identity' }, @{ $as{vic} })->{token});
fine('a new password', 200, 'PATCH', '/account', { password => 'secret of vic', new_password => 'new secret' }, @{ $as{vic} });
refused('who knew the old one is out', 401, qr/token/, 'GET', '/account', undef, @elsewhere);
is(join(' ', map { $_->{expired} ? 'over' : 'good' } @{ fine('tokens', 200, 'GET', '/tokens', undef, @{ $as{vic} }) }), 'good over good',
    'and is listed as such');
fine("$_->[0] stays", 200, 'GET', '/account', undef, @{ $_->[1] }) for ['who has changed it', $as{vic}], ['what was made for a purpose', \@made];
refused('with the old one', 422, qr/^password is not the one/, 'PATCH', '/account',
    { password => 'secret of vic', new_password => 'third secret' }, @{ $as{vic} });
is(login('vic@example.com', 'secret of vic')->{status}, 401, 'the old one is over');
is(login('vic@example.com', 'new secret')->{status}, 201, 'the new one is it');

# ---- roles --------------------------------------------------------------

is(fine('an app of a member', 201, 'POST', '/apps', { name => 'other' }, @{ $as{dan} })->{owner}{email}, 'dan@example.com', 'is theirs');
is_deeply([map { "$_->{user}{email} $_->{role}" } @{ fine('who may what', 200, 'GET', '/apps/other/collaborators', undef, @{ $as{dan} }) }],
    ['dan@example.com admin'], 'who made it is its admin');
fine('an app', 201, 'POST', '/apps', { name => 'shop' }, @ada);
my $of = '/apps/shop/collaborators';
refused("a collaborator $_->[0]", $_->[1], $_->[2], 'POST', $of, $_->[3], @ada) for
    ['of nobody', 404, qr/no user "x\@y"/, { user => 'x@y' }], ['of no role', 422, qr/^role "member" is not/, { user => 'vic@example.com', role => 'member' }],
    ['who may sing', 422, qr/^permissions\[1\] "sing" is not right: it has to be one of view/, { user => 'vic@example.com', permissions => ['view', 'sing'] }];
my $vic = fine('a viewer', 201, 'POST', $of, { user => 'vic@example.com', permissions => ['view'] }, @ada);
is("$vic->{role} $vic->{app}{name} $vic->{permissions}[0]{name}", 'viewer shop view', 'by the words of Heroku');
refused('twice', 422, qr/collaborator of shop already/, 'POST', $of, { user => 'vic@example.com' }, @ada);
refused('by a viewer', 403, qr/you are viewer of shop.*admin/, 'POST', $of, { user => 'eve@example.com' }, @{ $as{vic} });
is(fine('a deployer of it', 201, 'POST', $of, { user => 'eve@example.com' }, @ada)->{role}, 'deployer', 'if nothing is said');
fine('deployers push', 200, 'GET', '/apps/shop/config-vars', undef, @{ $as{eve} });
refused('deployers do not destroy', 403, qr/deployer of shop, and that takes one who is admin/, 'DELETE', '/apps/shop', undef, @{ $as{eve} });
is(fine('changed', 200, 'PATCH', "$of/eve\@example.com", { role => 'admin' }, @ada)->{role}, 'admin', 'to admin');
is_deeply([map { $_->{name} } @{ fine("apps of $_->[0]", 200, 'GET', '/apps', undef, @{ $as{ $_->[0] } }) }], $_->[1], 'those that one may see')
    for ['ada', ['other', 'shop']], ['vic', ['shop']], ['dan', ['other']], ['oli', ['other', 'shop']];
is(refused("$_, who is none", 404, qr/^\Q$_\E is no collaborator of shop:/, 'GET', "$of/$_", undef, @{ $as{vic} })->{status}, 404,
    'nobody hears whether that is a user') for 'dan@example.com', 'nobody@example.com';
my ($event) = grep { $_->{kind} eq 'access' } @{ $m->good('timeline', 200, 'GET', '/apps/shop/timeline') };
like($event->{text}, qr/vic\@example.com is viewer now, by ada\@example.com/, 'the timeline tells of it');

# ---- what one has already -----------------------------------------------

$r = door('GET', '/users/~/apps', undef, @ada);
is_deeply([map { $_->{name} } @{ $r->{json} }], ['other', 'shop'], 'her apps, as Heroku asks for them');
my $tag = $r->{headers}{etag};
like($tag, qr/^"[0-9a-f]{32}"$/, 'have a tag');
for my $c (["$tag", 304], ["W/$tag", 304], ["\"x\", $tag", 304], ['*', 304], ['"x"', 200], ['', 200]) {
    $r = door('GET', '/apps', undef, @ada, 'If-None-Match' => $c->[0]);
    is($r->{status} . length($r->{body}) x ($c->[1] == 304), $c->[1] . ($c->[1] == 304 ? '0' : ''), "If-None-Match: $c->[0]: $c->[1]");
}
is(door('GET', '/apps', undef, @{ $as{vic} }, 'If-None-Match' => $tag)->{status}, 200, 'another sees others');
is(door('GET', '/apps', undef, 'If-None-Match' => '*')->{status}, 401, 'and a stranger none');
is(door('PATCH', '/users/vic@example.com', {}, @ada)->{headers}{etag}, undef, 'a change has none');

# ---- tokens -------------------------------------------------------------

my %by;
for my $scope ('read', 'read-protected', 'write', 'deploy', 'identity') {
    $by{$scope} = [bearer(fine("a token to $scope", 201, 'POST', '/tokens', { scope => $scope, app => 'shop' }, @{ $as{eve} })->{token})];
}
my $tar = 'application/x-tar';
my %may = (
    'GET /apps/shop' => 'read read-protected write deploy', 'GET /apps/shop/config-vars' => 'read-protected',
    'PATCH /apps/shop/config-vars' => '', 'GET /apps/shop/dynos' => 'read read-protected write',
    'PATCH /apps/shop' => 'write', 'POST /apps/shop/resources' => 'write deploy', 'GET /account' => 'read read-protected write identity',
    'POST /tokens' => '', 'POST /apps' => '', 'GET /health' => 'read read-protected write', 'GET /apps/other' => '');
for my $route (sort keys %may) {
    my ($method, $path) = split ' ', $route;
    my @good = grep { door($method, $path, $method eq 'GET' ? undef : '{}', @{ $by{$_} })->{status} !~ /^40[134]$/ } sort keys %by;
    is_deeply(\@good, [sort split ' ', $may{$route}], "$route is for @good");
}
is(scalar @{ fine('her tokens', 200, 'GET', '/tokens', undef, @{ $as{eve} }) }, 6, 'she sees her own');
refused('a token of another', 404, qr/no token/, 'DELETE', "/tokens/$short->{id}", undef, @{ $as{eve} });
refused('an authorization of another', 404, qr/no authorization/, 'GET', "$authorizations/$short->{id}", undef, @{ $as{eve} });
ok(@{ $m->good('all tokens', 200, 'GET', '/tokens') } > 10, 'root sees all');
# Who may end a drain, but not read where it goes, is not told by its end.
for my $who ([write => $by{write}, 'https://drain.example.com', ''], [global => \@ada, 'https://u:hush@drain.example.com/in', undef]) {
    my ($scope, $as, $url, $secret) = @$who;
    my $made = fine('a drain', 201, 'POST', '/apps/shop/log-drains', { url => 'https://u:hush@drain.example.com/in' }, @ada);
    my $gone = fine("ended by $scope", 200, 'DELETE', "/apps/shop/log-drains/$made->{id}", undef, @$as);
    is("$gone->{url} $gone->{token}", join(' ', $url, $secret // $made->{token}), "$scope: what is told of it");
}
my $limited = fine('one for an app, of an administrator', 201, 'POST', '/tokens', { scope => 'global', app => 'shop' }, @ada);
my @limited = bearer($limited->{token});
is_deeply([map { scalar grep { $_->{user}{email} ne 'ada@example.com' } @{ fine($_, 200, 'GET', $_, undef, @limited) } } '/tokens', '/sessions'],
    [0, 0], 'sees those of nobody else');
refused('another user', 403, qr/only administrators/, 'GET', '/users/dan@example.com', undef, @limited);
refused("a token of another, of $_", 404, qr/no authorization/, 'DELETE', "$authorizations/@{[$by{$_}[1] =~ /_(\w+?)_/]}", undef, @limited) for 'write';
refused('another one of hers', 403, qr/does not reach/, 'DELETE', "$authorizations/$short->{id}", undef, @limited);
refused('a session', 403, qr/only a token of the scope global/, 'DELETE', '/sessions/0000000000000001', undef, @limited);
fine('itself', 200, 'DELETE', "$authorizations/~", undef, @limited);
is(fine('the one in use', 200, 'DELETE', "$authorizations/~", undef, @{ $by{read} })->{scope}[0], 'read', 'a token ends itself');
refused('which is over', 401, qr/token/, 'GET', '/apps/shop', undef, @{ $by{read} });

# ---- the table ----------------------------------------------------------

# From the description of the API, which t/schema.t holds against the table of
# its routes: [method, path, need, body of JSON?, upload?, operation].
my @routes = map {
    my ($method, $path, $op) = @$_;
    my $content = ($op->{requestBody} // {})->{content};
    my $json = $content && $content->{'application/json'} ? 1 : 0;
    [$method, $path, uc($op->{'x-paas-need'}) =~ tr/-/_/r, $json, $content && !$json ? 1 : 0, $op];
} $m->schema->operations;
cmp_ok(scalar @routes, '>', 90, 'the table is read');
my %methods;
push @{ $methods{ $_->[1] } }, $_->[0] for @routes;
my $large = '{"a":"' . 'x' x (1024 * 1024) . '"}';
my @expired = bearer($short->{access_token}{token});
sleep 0.1 while door('GET', '/account', undef, @expired)->{status} == 200;

# A team that has a viewer, and nothing to do with dan.
fine('a team', 201, 'POST', '/teams', { name => 'crew' }, @ada);
fine('its viewer', 201, 'PUT', '/teams/crew/members', { email => 'vic@example.com', role => 'viewer' }, @ada);

# Each cell is one status and the id of its error, so that nothing is refused
# for another reason than the one it was asked for.
my ($no_token, $no_right, $not_there, $no_method, $no_json, $not_right, $too_large, $good) =
    ('401 unauthorized', '403 forbidden', '404 not_found', '405 method_not_allowed', '400 bad_request', '422 invalid_params',
    '413 request_too_large', '200');

# What asks itself who it is, and so has an answer of its own to strangers.
my %to_strangers = (
    'GET /schema' => $good, 'GET /streams/{stream}' => $not_there, 'PUT /streams/{stream}' => $not_there, 'POST /setup' => $not_right, 'POST /sessions' => $not_right,
    'POST /oauth/authorizations' => $no_token);
sub to_stranger {
    my ($method, $path, $need) = @_;
    return $not_there if $need =~ /^(LOCAL|GIT)$/;
    return $need eq 'OPEN' ? $to_strangers{"$method $path"} // 'not in the list of those that are open' : $no_token;
}

# A viewer of the app, and somebody who has a role for another app alone.
my %viewers_own = ('GET /apps/{app}/formation/{type}/autoscale' => $not_right, 'GET /users/{user}' => $no_right,
    'DELETE /teams/{team}/members/{user}' => $no_right);
sub to_member {
    my ($refused, $method, $path, $need, $body, undef, $op) = @_;
    return $not_there if $need =~ /^(LOCAL|GIT)$/;
    return $no_right if $need =~ /$refused/;
    return $viewers_own{"$method $path"} if $viewers_own{"$method $path"};
    # What they may do is right, and here about nothing that is there.
    return $not_right if ($op->{requestBody} // {})->{required};
    return $not_there if $path =~ s/^.teams.\{team\}//r =~ /\{(?!app\})/;
    return (sort grep { /^2/ } keys %{ $op->{responses} })[0];
}
my $not_for_viewers = qr/^(CHANGE|OWN|PUSH|SECRETS|SET_SECRETS|WATCH|ADMIN|TEAM_OWN)$/;

my %bad;
my $asked = 0;
sub expect {
    my ($what, $route, $wanted, @request) = @_;
    my $got = door(@request);
    my $error = $got->{status} >= 400 ? $got->{json} // {} : undef;
    my $is = $got->{status} . ($error ? ' ' . ($error->{id} // 'without an id') : '');
    $asked++;
    $bad{$what}{"$route->[0] $route->[1]"} = "$is, not $wanted: $got->{body}" if $is ne $wanted;
    $bad{$what}{"$route->[0] $route->[1]: no reason"} = $got->{body} if $error && !length($error->{message} // '');
    return $got;
}
for my $route (@routes) {
    my ($method, $path, $need, $body, $upload) = @$route;
    (my $at = $path) =~ s/\{app\}/shop/;
    $at =~ s/^.teams.\{team\}/\/teams\/crew/;
    $at =~ s/\{\w+\}/nothing-there/g;
    my $json = $body ? '{}' : undef;
    my $hidden = $need =~ /^(LOCAL|GIT)$/;
    my @json = $body ? ('Content-Type' => 'application/json') : ();
    expect('no token', $route, to_stranger(@$route), $method, $at, $json, @json);
    expect('an expired one', $route, to_stranger(@$route), $method, $at, $json, @json, @expired);
    # What would end the test's own tokens is left out, for those who may.
    my $own = $need =~ /^(OPEN|CREATE)$/ || $path eq '/account' || $path eq '/tokens';
    expect('a viewer', $route, to_member($not_for_viewers, @$route), $method, $at, $json, @json, @{ $as{vic} }) if !$own;
    expect('a deployer of another app', $route, $path =~ m{^(?:/teams)?/apps/\{app\}|^/teams/\{team\}} ? $not_there : to_member(qr/^(WATCH|ADMIN)$/, @$route),
        $method, $at, $json, @json, @{ $as{dan} }) if !$own;
    expect('a page of another origin', $route, $no_right, $method, $at, $json, @json, @ada, Origin => 'https://app.paas.localhost');
    next if $hidden;
    expect('1 MiB of JSON', $route, $too_large, $method, $at, $large, @ada, 'Content-Type' => 'application/json') if !$upload;
    next if !$body;
    expect("the body $_", $route, $not_right, $method, $at, $_, @json, @ada) for '[]', '"x"', '7', 'null', '{"nothing":{"a":[null]}}';
    expect("the body $_", $route, $no_json, $method, $at, $_, @json, @ada) for '{', "\0", '{"a":1,"a":2}';
}
for my $path (sort keys %methods) {
    (my $at = $path) =~ s/\{app\}/shop/;
    $at =~ s/\{\w+\}/nothing-there/g;
    for my $method (qw(GET POST PUT PATCH DELETE TRACE OPTIONS)) {
        next if $m->schema->find($method, $at);
        my $got = expect('a wrong method', [$method, $path], $no_method, $method, $at, undef, @ada);
        my ($allowed, $right) = map { join ' ', sort @$_ } [split /, /, $got->{headers}{allow} // ''], $methods{$path};
        $bad{'a wrong method'}{"$method $path: Allow"} = "$allowed, not $right" if $allowed ne $right;
    }
}
is_deeply(\%bad, {}, "$asked requests were refused, each for its own reason") or diag explain \%bad;
is_deeply([map { $_->{name} } @{ $m->good('apps', 200, 'GET', '/apps') }], ['other', 'shop'], 'and nothing has changed');
is(fine('she is there still', 200, 'GET', '/account', undef, @ada)->{role}, 'admin', 'as she was');

# ---- attempts -----------------------------------------------------------

my @there = ('X-Real-IP' => '192.0.2.9');
my ($since, %got) = time;
# Ten, and one more each six seconds.
sub looked_at { return 11 + int((time - $since) / 6) }
$got{ login('ada@example.com', "guess $_", @there)->{status} }++ for 1 .. 60;
cmp_ok($got{401} // 0, '<=', looked_at(), 'ten wrong passwords are looked at');
cmp_ok($got{429} // 0, '>=', 60 - looked_at(), 'and the others are not');
$got{ login("user$_\@example.com", 'guess', @there)->{status} }++ for 1 .. 20;
cmp_ok($got{429} // 0, '>=', 80 - looked_at(), 'nor those of other accounts, from there');
$r = login('ada@example.com', 'correct horse', @there);
is($r->{status}, 429, 'not even the right one');
like($r->{headers}{'retry-after'}, qr/^\d+$/, 'which is told when to come again');
my @known = ('X-Real-IP' => '192.0.2.10');
is(login('vic@example.com', 'new secret', @known)->{status}, 201, 'somebody from a place');
# One is given back each few seconds: the next is not near.
my $closed;
for (my $end = time + 60; !$closed && time < $end;) {
    my $guess = login('vic@example.com', 'guess');
    $closed = $guess->{status} == 429 && $guess->{headers}{'retry-after'} >= 3;
}
is($closed && login('vic@example.com', 'new secret')->{status}, 429, 'an account that many places guess at is closed');
my $begun = time;
is(login('vic@example.com', 'new secret', @known)->{status}, 201, 'but for the place that it was used from last');
cmp_ok(time - $begun, '<', 5, 'which is not kept waiting');

# With a token that was lost, from everywhere.
my %guessed;
$guessed{ door('PATCH', '/account', { password => "guess $_", new_password => 'any other' }, @{ $as{dan} })->{status} }++ for 1 .. 14;
cmp_ok($guessed{429} // 0, '>', 0, 'the password is not guessed by PATCH /account') or diag explain \%guessed;
is(login('dan@example.com', 'secret of dan')->{status}, 201, 'and its owner is not locked out by it');
# Guesses that came before wait behind those who may well be right.
$m->good('one whom nobody guesses at', 201, 'POST', '/users', { email => 'fay@example.com', password => 'the secret of fay' });
my @crowd = map { $m->send('POST', '/oauth/authorizations', {}, Socket => 'api.sock', 'X-Paas-Via' => 'api',
        'X-Real-IP' => '203.0.113.' . (1 + $_ % 9), basic("nobody$_\@example.com", 'guess')) } 1 .. 40;
is(login('fay@example.com', 'the secret of fay', 'X-Real-IP' => '198.51.100.7')->{status}, 201, 'from a new place, beside a crowd that guesses');
is(login('vic@example.com', 'new secret', @known)->{status}, 201, 'and from a known one');
cmp_ok(scalar(grep { !IO::Select->new($_)->can_read(0) } @crowd), '>', 0, 'the crowd waits still');
my @refused = map { $m->answer($_, 60)->{status} } @crowd;
is(join(' ', grep { !/^(401|429|503)$/ } @refused), '', 'each of them is refused');

# ---- the end of a user --------------------------------------------------

fine('suspended', 200, 'PATCH', '/users/eve@example.com', { suspended => JSON::PP::true }, @ada);
refused('her token', 401, qr/token/, 'GET', '/apps/shop', undef, @{ $as{eve} });
is(login('eve@example.com', 'secret of eve')->{status}, 401, 'and her password');
fine('let in again', 200, 'PATCH', '/users/eve@example.com', { suspended => JSON::PP::false }, @ada);
fine('is as she was', 200, 'GET', '/apps/shop', undef, @{ $as{eve} });
fine('removed', 200, 'DELETE', '/users/eve@example.com', undef, @ada);
refused('her token', 401, qr/token/, 'GET', '/apps/shop', undef, @{ $as{eve} });
my $left = 1;
for (1 .. 200) {
    $left = grep { $_->{user}{email} eq 'eve@example.com' } @{ $m->call('GET', '/tokens')->{json} },
        @{ $m->call('GET', '/apps/shop/collaborators')->{json} };
    last if !$left;
    sleep 0.05;
}
is($left, 0, 'her tokens and roles go');
my $again = fine('one of the same address', 201, 'POST', '/users', { email => 'eve@example.com', password => 'other secret' }, @ada);
refused('has none of them', 401, qr/token/, 'GET', '/apps/shop', undef, @{ $as{eve} });
is(scalar @{ fine('nor an app', 200, 'GET', '/apps', undef, bearer(login('eve@example.com', 'other secret')->{json}{access_token}{token})) }, 0, 'nothing');

# ---- the audit ----------------------------------------------------------

my $audit = fine('the audit', 200, 'GET', '/audit?limit=1000', undef, @ada);
my ($made) = grep { $_->{text} eq 'POST /apps' && ($_->{app} // '') eq 'other' } @$audit;
is($made->{user}, 'dan@example.com', 'tells who made the app');
like($made->{address}, qr/^10\./, 'and from where');
like($made->{token}, qr/^[0-9a-f]{16}$/, 'and with which token');
ok((grep { $_->{text} eq 'DELETE /users/eve@example.com' && $_->{user} eq 'ada@example.com' } @$audit), 'and who removed whom');
is_deeply([grep { ($_->{app} // '') ne 'other' } @{ fine('of an app', 200, 'GET', '/audit?app=other', undef, @ada) }], [], 'by app');
refused('the audit, of a deployer', 403, qr/admin of the platform/, 'GET', '/audit', undef, @{ $as{oli} });

# ---- nowhere in clear, and the same after a crash -----------------------

$m->stop('KILL');
my $all = $m->log;
for my $file (glob "$m->{dir}/state/store/*") {
    open my $in, '<:raw', $file or next;
    local $/;
    $all .= <$in> // '';
}
unlike($all, qr/\Q$_\E/, 'nowhere is ' . substr $_, 0, 12)
    for 'correct horse', 'secret of dan', 'new secret', $first->{token}, substr($ada[1], -64);
like($all, qr/\$argon2id\$/, 'a password is kept as argon2id alone');
$m->start;
is(fine('after a crash', 200, 'GET', '/account', undef, @ada)->{email}, 'ada@example.com', 'she is logged in');
is($m->stop('TERM'), 0, 'it stops in order');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();
