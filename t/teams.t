#!/usr/bin/perl
# Teams: who may what by one, against every other way to a role; what the
# members of a team, its apps and its roles for other apps are changed by; and
# the requests that Heroku's CLI makes of them.
use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use JSON::PP;
use Manager;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep);

my $m = Manager->new;
my $from = 0;

# as(name or token's headers, method, path, body) on api.sock, as nginx has it.
my %as;
sub as {
    my ($who, $method, $path, $body, %headers) = @_;
    $from++;
    return $m->call($method, $path, $body, 'X-Real-IP' => '10.0.' . ($from >> 8 & 255) . '.' . ($from & 255),
        ($path =~ m{^/git/} ? () : ('X-Paas-Via' => 'api')), @{ $as{$who} }, %headers, Socket => 'api.sock');
}

sub fine {
    my ($what, $status, @request) = @_;
    my $r = as(@request);
    is($r->{status}, $status, $what) or diag $r->{body};
    return $r->{json};
}

sub refused {
    my ($what, $status, $pattern, @request) = @_;
    my $r = as(@request);
    is($r->{status}, $status, "$what: $status") or diag $r->{body};
    like($r->{json}{message} // '', $pattern, "$what: the message");
}

sub members { return join ' ', map { ($_->{email} =~ /^(\w+)/)[0] . "=$_->{role}" } @{ as($_[0], 'GET', "/teams/$_[1]/members")->{json} } }
sub names { return join ' ', map { $_->{name} } @{ $_[0] } }

for my $name (qw(ada pat lea)) {
    my $email = "$name\@example.com";
    $m->good("the user $name", 201, 'POST', '/users', { email => $email, password => "secret of $name" });
    my $r = $m->call('POST', '/oauth/authorizations', {}, 'X-Paas-Via' => 'api', Socket => 'api.sock',
        Authorization => 'Basic ' . encode_base64("$email:secret of $name", ''));
    is($r->{status}, 201, "$name logs in") or diag $r->{body};
    $as{$name} = [Authorization => "Bearer $r->{json}{access_token}{token}"];
}

# ---- made ----------------------------------------------------------------

my $crew = fine('a team', 201, 'ada', 'POST', '/teams', { name => 'crew' });
is("$crew->{name} $crew->{type} $crew->{role} $crew->{overall_role}", 'crew team admin member', 'who makes it is its admin');
is(members('ada', 'crew'), 'ada=admin', 'and its member');
refused("a team $_->[0]", 422, $_->[1], 'ada', 'POST', '/teams', $_->[2]) for
    ['twice', qr/^name "crew" is already taken/, { name => 'crew' }],
    ['with a reserved name', qr/^name "apps" is reserved/, { name => 'apps' }],
    ['with a name of the platform', qr/^name "api" is reserved/, { name => 'api' }],
    ['of bad letters', qr/^name "Crew" is not right: it has to be 1 to 30/, { name => 'Crew' }],
    ['that sings', qr/^song is not a field/, { name => 'band', song => 'x' }];
refused('a role for all apps', 403, qr/overall_role is for all apps/, 'ada', 'POST', '/teams', { name => 'band', overall_role => 'admin' });
is($m->good('another, of root', 201, 'POST', '/teams', { name => 'band' })->{role}, undef, 'who is in none');
is(names(fine('her teams', 200, 'ada', 'GET', '/teams')), 'crew', 'are those that she is in');
is(names($m->good('all', 200, 'GET', '/teams')), 'band crew', 'root sees all');
my $shop = fine('an app of the team', 201, 'ada', 'POST', '/teams/apps', { name => 'shop', team => 'crew' });
is("$shop->{team}{name} $shop->{team}{id} $shop->{owner}{email}", "crew $crew->{id} crew\@herokumanager.com", 'says so, as Heroku does');
is_deeply(fine('its collaborators', 200, 'ada', 'GET', '/apps/shop/collaborators'), [], 'are none');
is(fine('another way', 201, 'ada', 'POST', '/apps', { name => 'till', team => $crew->{id} })->{team}{name}, 'crew', 'by the id');
fine('one of hers', 201, 'ada', 'POST', '/apps', { name => 'own' });
is(names(fine('apps of the team', 200, 'ada', 'GET', $_)), 'shop till', $_) for '/teams/crew/apps', '/apps?team=crew', "/teams/$crew->{id}/apps";
refused('an app for a team that she is not in', 404, qr/no team named band/, 'ada', 'POST', '/apps', { name => 'x', team => 'band' });
refused('apps of it', 404, qr/no team named band/, 'ada', 'GET', '/apps?team=band');

# ---- every way to a role x every kind of need ------------------------------

# What pat gets: nothing is told, it is forbidden, or it is done (or refused
# for what is in it).
my %asks = (
    'GET /health' => ['any'], 'GET /account' => ['any'], 'GET /teams' => ['any'], 'POST /apps {"name":"A"}' => ['any'], 'POST /teams {}' => ['any'],
    'GET /apps/shop' => [app => 1], 'GET /teams/apps/shop' => [app => 1], 'GET /apps/shop/dynos' => [app => 1], 'GET /apps/shop/timeline' => [app => 1],
    'POST /apps/shop/log-sessions {}' => [app => 1], 'GET /apps/shop/teams' => [app => 1],
    'POST /apps/shop/resources {}' => [app => 2], 'PATCH /apps/shop {}' => [app => 2], 'GET /apps/shop/config-vars' => [app => 2],
    'PATCH /apps/shop/config-vars {}' => [app => 2], 'GET /git/shop/push' => [app => 2], 'GET /git/shop/fetch' => [app => 2],
    'POST /apps/shop/collaborators {}' => [app => 3], 'PUT /apps/shop/teams/x {"role":"x"}' => [app => 3], 'POST /teams/apps/shop/collaborators {}' => [app => 3],
    'PATCH /teams/apps/shop {}' => [app => 3],
    'GET /teams/crew' => [team => 1], 'GET /teams/crew/members' => [team => 1], 'GET /teams/crew/apps' => [team => 1],
    'GET /teams/crew/members/ada@example.com' => [team => 1], 'DELETE /teams/crew/members/nobody@example.com' => [team => 3],
    'PATCH /teams/crew {}' => [team => 3], 'PUT /teams/crew/members {}' => [team => 3],
    'GET /routes' => [all => 1], 'GET /patterns' => [all => 1], 'GET /users' => [all => 3], 'GET /audit' => [all => 3]);
my @role = qw(none viewer deployer admin);

sub outcome {
    my ($who, $ask) = @_;
    my ($method, $path, $body) = split ' ', $ask, 3;
    my $r = as($who, $method, $path, $body);
    my $says = ref $r->{json} eq 'HASH' ? $r->{json}{message} // '' : '';
    return 'hidden' if $says =~ /^there is no (?:app|team) named/;
    # A push that one may make ends here for want of a launcher.
    return $path =~ /git/ && $says =~ /launcher|repository/ ? 'done' : 'forbidden' if $r->{status} == 403;
    return $r->{status} == 401 || $r->{status} >= 500 ? $r->{status} : 'done';
}

# What is to come of it for who has those roles.
sub expected {
    my ($ask, $app, $team, $all) = @_;
    my ($over, $need) = @{ $asks{$ask} };
    return 'done' if $over eq 'any';
    my $has = $over eq 'app' ? $app : $over eq 'team' ? $team : $all;
    return 'done' if $has >= $need;
    return $has == 0 && $over ne 'all' ? 'hidden' : 'forbidden';
}

sub quiet { my $r = $m->call(@_); die "@_[0, 1]: $r->{body}" if $r->{status} >= 300; return }
my $pat = 'pat@example.com';
my %ways = (
    'no role' => sub { return ([0, 0, 0], sub { }) },
    'collaborator' => sub {
        quiet('POST', '/apps/shop/collaborators', { user => $pat, role => $role[$_[0]] });
        return ([$_[0], 0, 0], sub { quiet('DELETE', "/apps/shop/collaborators/$pat") });
    },
    'team' => sub {
        quiet('PUT', '/teams/crew/members', { email => $pat, role => $role[$_[0]] });
        return ([$_[0], $_[0], 0], sub { quiet('DELETE', "/teams/crew/members/$pat") });
    },
    'overall' => sub {
        quiet('PATCH', "/users/$pat", { role => $role[$_[0]] });
        return ([@_, @_, @_], sub { quiet('PATCH', "/users/$pat", { role => 'member' }) });
    });
# A team's role for the app, and for all, is bounded by that in the team.
sub bounded {
    my ($given, $in, $overall) = @_;
    my $least = $given < $in ? $given : $in;
    quiet('PUT', '/teams/band/members', { email => $pat, role => $role[$in] });
    quiet($overall ? ('PATCH', '/teams/band', { overall_role => $role[$given] }) : ('PUT', '/apps/shop/teams/band', { role => $role[$given] }));
    return ([$least, ($overall ? $least : 0) x 2], sub {
        quiet($overall ? ('PATCH', '/teams/band', { overall_role => 'member' }) : ('DELETE', '/apps/shop/teams/band'));
        quiet('DELETE', "/teams/band/members/$pat");
    });
}
quiet('PUT', '/teams/band/members', { email => 'lea@example.com', role => 'admin' });
my @cases = (['no role', 0, $ways{'no role'}], map { my $way = $_; map { ["$way: $role[$_]", $_, $ways{$way}] } 1 .. 3 } qw(collaborator team overall));
for my $given (1 .. 3) {
    for my $in (1 .. 3) {
        push @cases, ["a team that is $role[$given], as its $role[$in]", 0, sub { return bounded($given, $in, 0) }];
        push @cases, ["a team that is $role[$given] of all, as its $role[$in]", 0, sub { return bounded($given, $in, 1) }] if $given != $in || $in == 2;
    }
}
my $asked = 0;
for my $case (@cases) {
    my ($name, $level, $give) = @$case;
    my ($has, $take) = $give->($level);
    my (%got, %want);
    for my $ask (sort keys %asks) {
        $got{$ask} = outcome('pat', $ask);
        $want{$ask} = expected($ask, @$has);
        $asked++;
    }
    my %diff = map { $_ => "$got{$_}, not $want{$_}" } grep { $got{$_} ne $want{$_} } keys %got;
    my $sees = (grep { $_->{name} eq 'shop' } @{ as('pat', 'GET', '/apps')->{json} }) ? 1 : 0;
    $diff{'GET /apps'} = "sees: $sees" if $sees != ($has->[0] > 0);
    $take->();
    $diff{"after: $_"} = outcome('pat', $_) for grep { outcome('pat', $_) ne expected($_, 0, 0, 0) } 'GET /apps/shop', 'GET /git/shop/push', 'GET /routes', 'GET /teams/crew';
    is_deeply(\%diff, {}, "by $name; and at once by nothing any more") or diag explain \%diff;
}
cmp_ok($asked, '>', 700, "$asked requests by " . @cases . ' ways');

# ---- a token for one app, and of a scope ------------------------------------

fine('pat is in the team', 201, 'ada', 'PUT', '/teams/crew/members', { email => $pat, role => 'admin' });
my %token = (narrow => { app => 'shop', scope => 'global' }, reads => { scope => 'read' }, pushes => { scope => 'deploy' });
$as{$_} = [Authorization => 'Bearer ' . fine("a token that $_", 201, 'pat', 'POST', '/tokens', $token{$_})->{token}] for keys %token;
my %may = (
    'GET /apps/shop' => 'narrow pushes reads', 'GET /apps/till' => 'pushes reads', 'PATCH /apps/shop {}' => 'narrow', 'GET /teams/crew' => 'reads',
    'PATCH /teams/crew {}' => '', 'PUT /teams/crew/members {}' => '', 'GET /git/shop/push' => 'narrow pushes', 'GET /git/till/push' => 'pushes');
for my $ask (sort keys %may) {
    is(join(' ', grep { outcome($_, $ask) eq 'done' } sort keys %token), $may{$ask}, "$ask is for the tokens: $may{$ask}");
}
my @again = ('POST', '/oauth/authorizations', { description => 'ci' }, 'Idempotency-Key' => 'ci');
fine('a token with an Idempotency-Key', 201, 'pat', @again);
refused("who guesses it with the token that $_", 403, qr/^only a token of the scope global makes others/, $_, @again) for sort keys %token;
is_deeply(fine('teams of a token for one app', 200, 'narrow', 'GET', '/teams'), [], 'are none');

# ---- members ----------------------------------------------------------------

is(fine("Heroku's word $_->[0]", $_->[2], 'ada', $_->[3], '/teams/crew/members', { email => 'Lea@example.com', role => $_->[0] })->{role}, $_->[1], "is $_->[1]") for
    ['member', 'deployer', 201, 'POST'], ['owner', 'admin', 200, 'PATCH'], ['viewer', 'viewer', 200, 'PUT'];
is(members('ada', 'crew'), 'ada=admin lea=viewer pat=admin', 'three');
is(fine('one', 200, 'lea', 'GET', '/teams/crew/members/~')->{user}{email}, 'lea@example.com', 'oneself');
refused("a member $_->[0]", $_->[1], $_->[2], 'ada', $_->[3], '/teams/crew/members', $_->[4]) for
    ['twice', 422, qr/^email "lea\@example.com" is a member of the team crew already/, 'POST', { email => 'lea@example.com', role => 'viewer' }],
    ['who is nobody', 404, qr/no user "x\@example.com"/, 'PUT', { email => 'x@example.com', role => 'viewer' }],
    ['who is in none', 404, qr/^y\@example.com is no member of the team crew/, 'PATCH', { email => 'y@example.com', role => 'viewer' }],
    ['of no role', 422, qr/^role is missing/, 'PUT', { email => 'lea@example.com' }],
    ['outside', 422, qr/^role "collaborator" is not right: it has to be one of viewer/, 'PUT', { email => 'lea@example.com', role => 'collaborator' }];
fine('an admin goes', 200, 'pat', 'DELETE', "/teams/crew/members/$pat");
refused('her team', 404, qr/no team named crew/, 'pat', 'GET', '/teams/crew');
refused("the last admin $_->[0]", 409, qr/ada\@example.com is the last admin of the team crew: make another/, 'ada', @$_[1 .. 3]) for
    ['goes', 'DELETE', '/teams/crew/members/~'], ['steps down', 'PATCH', '/teams/crew/members', { email => 'ada@example.com', role => 'deployer' }],
    ['is put lower', 'PUT', '/teams/crew/members', { email => 'ada@example.com', role => 'viewer' }];
refused('a viewer takes another out', 403, qr/you are viewer in the team crew.*members:set lea\@example.com --team crew --role admin/,
    'lea', 'DELETE', '/teams/crew/members/ada@example.com');
refused('who is in no team, as a member', 404, qr/^\Q$_\E is no member of the team crew/, 'lea', 'GET', "/teams/crew/members/$_") for $pat, 'x@example.com';
refused('a viewer makes an app of the team', 403, qr/that takes one who is deployer/, 'lea', 'POST', '/apps', { name => 'bar', team => 'crew' });
fine('a viewer leaves', 200, 'lea', 'DELETE', '/teams/crew/members/lea@example.com');
fine('comes again', 201, 'ada', 'PUT', '/teams/crew/members', { email => 'lea@example.com', role => 'deployer' });
is(fine('a deployer makes an app of the team', 201, 'lea', 'POST', '/teams/apps', { name => 'bar', team => 'crew' })->{team}{name}, 'crew', 'which is theirs');
refused('and does not destroy it', 403, qr/you are deployer of bar/, 'lea', 'DELETE', '/apps/bar');
fine('an admin does', 200, 'ada', 'DELETE', '/apps/bar');

# ---- roles for an app of another's --------------------------------------------

refused('a team that one is not in', 404, qr/no team named band/, 'ada', 'PUT', '/apps/shop/teams/band', {});
refused('the team that has the app', 422, qr/^shop is of the team crew/, 'ada', 'PUT', '/apps/shop/teams/crew', {});
is(fine('her own app for the team', 201, 'ada', 'PUT', '/apps/own/teams/crew', {})->{role}, 'deployer', 'deployer if nothing is said');
fine('lea deploys it', 200, 'lea', 'GET', '/apps/own/config-vars');
is(fine('another role', 200, 'ada', 'PUT', '/apps/own/teams/crew', { role => 'viewer' })->{role}, 'viewer', 'instead');
refused('lea deploys it no more', 403, qr/you are viewer of own/, 'lea', 'GET', '/apps/own/config-vars');
is_deeply([map { "$_->{team}{name} $_->{role} $_->{app}{name}" } @{ fine('who has which', 200, 'lea', 'GET', '/apps/own/teams') }], ['crew viewer own'], 'is told');
like((grep { $_->{kind} eq 'access' } @{ fine('timeline', 200, 'ada', 'GET', '/apps/own/timeline') })[-1]{text},
    qr/^the team crew is (?:viewer|deployer) now, by ada\@example.com$/, 'the timeline tells of it');
is(names(fine('apps of the team', 200, 'ada', 'GET', '/teams/crew/apps')), 'shop till', 'are its own only');
fine('taken away', 200, 'ada', 'DELETE', '/apps/own/teams/crew');
refused('again', 404, qr/the team crew has no role for own/, 'ada', 'DELETE', '/apps/own/teams/crew');
refused('lea sees it no more', 404, qr/no app named own/, 'lea', 'GET', '/apps/own');

# ---- from hand to hand ---------------------------------------------------------

refused("an app goes to $_->[0]", $_->[1], $_->[2], $_->[3], 'PATCH', '/teams/apps/own', { owner => $_->[4] }) for
    ['a team that one is not in', 404, qr/no team named band/, 'ada', 'band'], ['nobody', 404, qr/no user "x\@example.com"/, 'ada', 'x@example.com'],
    ['somebody, by one who is nobody there', 404, qr/no app named own/, 'lea', 'crew'];
is(fine('it goes to a team', 200, 'ada', 'PATCH', '/teams/apps/own', { owner => 'crew' })->{team}{name}, 'crew', 'which has it now');
fine('lea deploys it', 200, 'lea', 'GET', '/apps/own/config-vars');
quiet('POST', '/apps/own/collaborators', { user => $pat, role => 'admin' });
refused('an admin of the app takes it from the team', 404, qr/no team named/, 'pat', 'PATCH', '/teams/apps/own', { owner => $pat });
my $given = fine('an admin of the team gives it away', 200, 'ada', 'PATCH', '/teams/apps/own', { owner => 'lea@example.com' });
is("$given->{owner}{email} " . ($given->{team} // 'none'), 'lea@example.com none', 'to a user');
my $transfer = fine('she to another', 201, 'lea', 'POST', '/account/app-transfers', { app => 'own', recipient => 'ada@example.com' });
is("$transfer->{state} $transfer->{owner}{email} $transfer->{recipient}{email}", 'accepted lea@example.com ada@example.com', 'at once');
is(fine('it is', 200, 'ada', 'GET', '/apps/own')->{owner}{email}, 'ada@example.com', 'hers again');
refused('a stranger gives it', 404, qr/no app named shop/, 'pat', 'POST', '/account/app-transfers', { app => 'shop', recipient => $pat });
refused('to a team that way', 422, qr/^recipient has to be the address/, 'ada', 'POST', '/account/app-transfers', { app => 'own', recipient => 'crew' });

# ---- a new name ------------------------------------------------------------------

is(fine('a new name', 200, 'ada', 'PATCH', '/teams/crew', { name => 'staff' })->{name}, 'staff', 'it has it');
refused('the old one', 404, qr/no team named crew/, 'ada', 'GET', '/teams/crew');
is_deeply([map { ($_->{team} // {})->{name} } @{ fine('apps', 200, 'ada', 'GET', '/apps') }], [undef, 'staff', 'staff'], 'apps say the new one');
is(members('ada', 'staff'), 'ada=admin lea=deployer', 'with the same members');
fine('the old name is free', 201, 'pat', 'POST', '/teams', { name => 'crew' });
refused('a role for all apps', 403, qr/takes somebody who is admin of the platform/, 'pat', 'PATCH', '/teams/crew', { overall_role => 'viewer' });

# ---- what Heroku's CLI sends ------------------------------------------------------

my %heroku = (Accept => 'application/vnd.heroku+json; version=3.sdk', 'User-Agent' => 'heroku-cli/11.10.0');
sub heroku { my ($what, $status, $method, $path, $body) = @_; return fine("heroku $what: $method $path", $status, 'ada', $method, $path, $body, %heroku) }
is(names(heroku('teams', 200, 'GET', '/teams')), 'staff', 'teams');
is(heroku('members', 200, 'GET', '/teams/staff')->{type}, 'team', 'members asks what it is');
is_deeply(heroku('members', 200, 'GET', '/teams/staff/features'), [], 'and what it can');
is(scalar @{ heroku('members', 200, 'GET', '/teams/staff/members') }, 2, 'and lists them');
heroku('members:add', 201, 'PUT', '/teams/staff/members', { email => $pat, role => 'member' });
heroku('members:set', 200, 'PATCH', '/teams/staff/members', { email => $pat, role => 'admin' });
heroku('members:remove', 200, 'DELETE', '/teams/staff/members/pat%40example.com');
is(names(heroku('apps --team', 200, 'GET', '/teams/staff/apps')), 'shop till', 'apps of a team');
heroku('apps:create --team', 201, 'POST', '/teams/apps', { name => 'new', team => 'staff' });
is_deeply([map { $_->{name} } @{ heroku('access', 200, 'GET', '/teams/permissions') }], [qw(view deploy operate manage)], 'access of an app of a team');
heroku('access:add', 201, 'POST', '/apps/new/collaborators', { user => $pat });
is(heroku('access:update', 200, 'PATCH', "/teams/apps/new/collaborators/$pat", { permissions => ['operate', 'view'] })->{role}, 'deployer', 'access:update');
heroku('access:remove', 200, 'DELETE', "/teams/apps/new/collaborators/$pat");
heroku('apps:transfer', 200, 'PATCH', '/teams/apps/new', { owner => $pat });

# ---- the verbs of our own CLI -----------------------------------------------------

my $socket = "$m->{dir}/run/manager.sock";
sub paas {
    my ($line, $status, $pattern) = @_;
    my $out = do {
        local $ENV{HOME} = $m->{dir};
        open my $from, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1 < /dev/null', ($ENV{PAAS_BUILD} // 'build') . '/bin/paas', split(' ', $line), '--socket', $socket or die "paas: $!";
        local $/;
        my $said = <$from>;
        close $from;
        $said;
    };
    is($? >> 8, $status, "paas $line: $status") or diag $out;
    like($out, $pattern, '... and says so');
}
paas(@$_) for
    ['teams:create ops --role viewer', 0, qr/^Created the team ops\n.*members:add EMAIL --team ops/],
    ['teams', 0, qr/^NAME +YOUR ROLE +FOR ALL APPS.*^ops +none +viewer/ms],
    ['teams:info ops', 0, qr/^Members +none\nApps +none$/m],
    ['members', 2, qr/of which team\? --team NAME/],
    ["members:add $pat --team ops --role admin", 0, qr/^pat\@example.com is admin in the team ops now/],
    ['members:add lea@example.com -t ops', 0, qr/is deployer in/],
    ['members:set lea@example.com -t ops', 2, qr/which role\?/],
    ['members:set lea@example.com -t ops --role viewer', 0, qr/is viewer in/],
    ['members --team ops', 0, qr/^lea\@example.com +viewer .*^pat\@example.com +admin /ms],
    ["members:remove $pat --team ops", 1, qr/last admin of the team ops/],
    ['members:remove lea@example.com --team ops', 0, qr/^lea\@example.com is in the team ops no more/],
    ['apps:create tool --team ops', 0, qr/^Created tool/],
    ['apps --team ops -q', 0, qr/^tool$/],
    ['apps:info tool', 0, qr/^Team +ops$/m],
    ['teams:info ops', 0, qr/^Members +pat\@example.com, admin\nApps +tool$/m],
    ['teams:destroy ops', 2, qr/add --confirm ops/],
    ['teams:destroy ops --confirm ops', 1, qr/the team ops has 1 app, tool: paas apps:transfer/],
    ['access:add --team staff -a tool --role viewer', 0, qr/^The team staff is viewer of tool now/],
    ["access:add $pat --team staff -a tool", 2, qr/one of them/],
    ['access:add -a tool', 2, qr/who\? a user, or --team NAME/],
    ['access:update --team staff -a tool --role admin', 0, qr/^The team staff is admin of tool now/],
    ['access -a tool', 0, qr/^team ops +each as in the team +-\n  pat\@example.com +admin +\S.*\nteam staff +admin/m],
    ['access:remove --team staff -a tool', 0, qr/^The team staff has no role for tool any more/],
    ['apps:transfer staff -a tool', 0, qr/^tool is of the team staff now/],
    ['apps:transfer ada@example.com -a tool', 0, qr/^tool is of ada\@example.com now/],
    ['teams:set ops', 2, qr/what is to be set\? --name or --role/],
    ['teams:set ops --name toolers --role member', 0, qr/^The team toolers has the role for all apps: none/],
    ['teams:destroy toolers --confirm toolers', 0, qr/^Removed the team toolers/];

# ---- the end -------------------------------------------------------------------------

refused('a team that has apps', 409, qr/the team staff has 2 apps, shop and others: paas apps:transfer/, 'ada', 'DELETE', '/teams/staff');
fine('lea is an admin', 200, 'ada', 'PATCH', '/teams/staff/members', { email => 'lea@example.com', role => 'admin' });
$m->good('but is suspended', 200, 'PATCH', '/users/lea@example.com', { suspended => JSON::PP::true });
refused('the last who can come in goes', 409, qr/ada\@example.com is the last admin of the team staff/, 'ada', 'DELETE', '/teams/staff/members/~');
fine('pat is in it', 201, 'ada', 'PUT', '/teams/staff/members', { email => $pat, role => 'admin' });
$m->good('a user goes', 200, 'DELETE', '/users/lea@example.com');
sub gone { my ($what, $sub) = @_; for (1 .. 400) { return pass($what) if $sub->(); sleep 0.05 } return fail($what) }
gone('and is in no team', sub { members('ada', 'staff') eq 'ada=admin pat=admin' });
$m->good('one of the same address', 201, 'POST', '/users', { email => 'lea@example.com', password => 'secret of lea' });
my $r = $m->call('POST', '/oauth/authorizations', {}, 'X-Paas-Via' => 'api', Socket => 'api.sock', Authorization => 'Basic ' . encode_base64('lea@example.com:secret of lea', ''));
$as{lea} = [Authorization => "Bearer $r->{json}{access_token}{token}"];
is_deeply(fine('is in none', 200, 'lea', 'GET', '/teams'), [], 'of them');
fine('an app for the other team', 201, 'ada', 'POST', '/apps', { name => 'shared' });
quiet('PUT', '/apps/shared/teams/staff', { role => 'admin' });
fine('pat has it', 200, 'pat', 'GET', '/apps/shared');
my $stream = $m->send('GET', '/apps/shared/timeline?limit=1', undef, Accept => 'text/event-stream', @{ $as{pat} }, 'X-Paas-Via' => 'api', 'X-Real-IP' => '10.1.1.1', Socket => 'api.sock');
my $told = '';
while ($told !~ /^id: /m && IO::Select->new($stream)->can_read(20)) { sysread $stream, $told, 65536, length $told or last }
like($told, qr/^HTTP.1\.1 200.*^id: /ms, 'and follows what happens to it');
fine('pat is taken out', 200, 'ada', 'DELETE', "/teams/staff/members/$pat");
my $ended = 0;
while (!$ended && IO::Select->new($stream)->can_read(20)) { $ended = !sysread $stream, $told, 65536, length $told }
ok($ended, 'which ends with the membership');
fine('pat is in it again', 201, 'ada', 'PUT', '/teams/staff/members', { email => $pat, role => 'viewer' });
fine("$_ goes", 200, 'ada', 'DELETE', "/apps/$_") for qw(shop till);
fine('the team goes', 200, 'ada', 'DELETE', '/teams/staff');
refused('and what it gave', 404, qr/no app named shared/, 'pat', 'GET', '/apps/shared');
is_deeply($m->good('roles of teams', 200, 'GET', '/apps/shared/teams'), [], 'are none');

# ---- as it was, after a crash -----------------------------------------------------------

fine('pat is in the other one', 201, 'pat', 'POST', '/teams/apps', { name => 'last', team => 'crew' });
$m->stop('KILL');
$m->start;
is(names(fine('apps', 200, 'pat', 'GET', '/teams/crew/apps')), 'last', 'are there');
refused('for nobody else', 404, qr/no app named last/, 'ada', 'GET', '/apps/last');
my %audit = map { ("$_->{user} $_->{text}" => 1) } @{ $m->good('the audit', 200, 'GET', '/audit?limit=1000') };
ok($audit{$_}, "has $_") for 'ada@example.com DELETE /teams/staff', 'ada@example.com POST /teams name=crew', 'root POST /teams name=ops overall_role=viewer',
    'ada@example.com PUT /teams/crew/members email=lea@example.com role=deployer', 'ada@example.com PATCH /teams/staff/members email=lea@example.com role=admin',
    'ada@example.com PATCH /teams/crew name=staff', 'ada@example.com PUT /apps/own/teams/crew role=viewer', 'ada@example.com PATCH /teams/apps/own owner=crew',
    'lea@example.com POST /account/app-transfers app=own recipient=ada@example.com', 'root PATCH /users/lea@example.com suspended=true';
is($m->stop('TERM'), 0, 'it stops in order');
my @complaints = grep { /^==\d+==|AddressSanitizer|runtime error/ } split /\n/, $m->log;
is_deeply(\@complaints, [], 'no complaint of valgrind or a sanitizer') or diag join "\n", @complaints;

done_testing();
