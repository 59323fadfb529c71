#!/usr/bin/perl
# What clients of Heroku's API read and send, resource by resource: each field
# is told of in the description of the API as one that is always there and of
# that type ("?": or null), for each request with the status that they expect.
# The answers of all tests are held against that description (Schema.pm).
use strict;
use warnings;
use lib 't/lib';
use Manager;
use Test::More;

my $m = Manager->new;
my $api = $m->schema;

# What the schema says of a field, by its path: its types, "null" among them,
# or nothing where it may be left out.
sub types_of {
    my ($schema, $path) = @_;
    $schema = $api->follow($schema);
    my @some = map { $api->follow($_) } @{ $schema->{anyOf} // [$schema] };
    if (!@$path) {
        # Null alone is told of as a text that may be no word but null.
        return map { ($_->{nullable} ? 'null' : (), $_->{enum} && !defined $_->{enum}[0] ? () : $_->{type}) } @some;
    }
    my ($step, @rest) = @$path;
    my $list = $step =~ s/\[\]$//;
    for my $one (@some) {
        next if !grep { $_ eq $step } @{ $one->{required} // [] };
        my $at = $api->follow($one->{properties}{$step});
        return types_of($list ? $at->{items} : $at, \@rest);
    }
    return;
}

my (%requests, $what, @asked);
sub check_field {
    my ($field, $wanted) = @_;
    my $null = $wanted =~ s/\?$//;
    my @bad;
    for my $a (@asked) {
        my %is = map { $_ => 1 } types_of($a->[1], [split /\./, $field]);
        my $nothing = !%is;
        my $other = delete $is{null} && !$null || grep { $_ ne $wanted } keys %is;
        push @bad, "$a->[0]: " . ($nothing ? 'not always there' : join ' or ', sort keys %is) if $nothing || $other;
    }
    is_deeply(\@bad, [], "$what: $field is $wanted" . ($null ? ' or null' : ''));
}

sub check_request {
    my ($method, $path, $status, $kind, $takes) = @_;
    my $name = "$method $path";
    my ($operation) = map { $_->[2] } grep { $_->[0] eq $method && $_->[1] eq $path } $api->operations;
    my $answer = $operation && $operation->{responses}{$status};
    ok($answer, "$what: $name is answered with $status") or return;
    $answer = ($api->follow($answer)->{content} // {})->{'application/json'}{schema};
    if ($kind eq 'list') {
        $answer = $api->follow($answer);
        is($answer->{type}, 'array', "$what: ... and a list");
        $answer = $answer->{items};
    }
    push @asked, [$name, $answer] if $kind ne 'empty' && $status ne '202';
    return if !$takes;
    my $body = $api->body($operation) // {};
    is(join(' ', grep { !$body->{properties}{$_} } split / /, $takes), '', "$what: ... which takes $takes");
}

while (my $line = <DATA>) {
    chomp $line;
    if ($line =~ /^    (\w+) (\S+) (\d+)(?: (list|empty))?(?:: (.*))?$/) {
        check_request($1, $2, $3, $4 // '', $5);
    }
    elsif ($line =~ /^  /) {
        check_field(/^(.*):(.*)$/) for split ' ', $line;
    }
    elsif ($line ne '') {
        $what = $line;
        @asked = ();
    }
}

# ---- what is Heroku's and not here ---------------------------------------

# Each says what to do instead: the CLI shows it to people.
$m->good('an app', 201, 'POST', '/apps', { name => 'shop' });
for my $c (
    ['GET', '/apps/shop/webhooks', 404, qr/no webhooks.*timeline/],
    ['POST', '/apps/shop/webhooks', 404, qr/no webhooks/, { url => 'https://example.com' }],
    ['GET', '/apps/shop/webhook-deliveries', 404, qr/no webhooks/],
    ['GET', '/apps/shop/pipeline-couplings', 404, qr/no pipelines yet/],
    ['GET', '/pipelines/x', 404, qr/no pipelines yet/],
    ['POST', '/apps/shop/addons', 405, qr/takes GET, not POST: there are no add-ons yet/, { plan => 'x' }],
    ['POST', '/actions/addons/resolve', 404, qr/no add-ons yet/, { addon => 'x' }],
    ['GET', '/addon-services/x/plans', 404, qr/no add-ons yet/],
    ['POST', '/apps/shop/acm', 404, qr/paas-acme -a APP/],
    ['PATCH', '/apps/shop/features/x', 404, qr/no features.*paas ps:exec/, { enabled => JSON::PP::true }],
    ['GET', '/account/features/x', 404, qr/no features/],
    ['GET', '/spaces', 404, qr/no private spaces/],
    ['GET', '/oauth/clients', 404, qr/paas tokens:create/],
    ['DELETE', '/oauth/sessions/x', 404, qr/paas tokens:revoke/],
    ['PATCH', '/account/app-transfers/x', 404, qr/gives an app away at once/, { state => 'accepted' }],
    ['POST', '/app-setups', 404, qr/paas push --create/, {}],
    ['GET', '/telemetry-drains/x', 404, qr/paas drains:add/],
    ['GET', '/no/such/thing', 404, qr{^there is nothing at /no/such/thing$}],
) {
    my ($method, $path, $status, $like, $body) = @$c;
    my $r = $m->call($method, $path, $body);
    is($r->{status}, $status, "$method $path: $status") or diag $r->{body};
    is($r->{json}{id}, $status == 404 ? 'not_found' : 'method_not_allowed', '... the id');
    like($r->{json}{message}, $like, '... says what there is instead');
}
is_deeply($m->good("GET $_", 200, 'GET', $_), [], "GET $_: none") for '/addons', '/addon-attachments', '/addon-services',
    map { "/apps/shop/$_" } qw(addons addon-attachments features);

# ---- what is kept of it --------------------------------------------------

my $made = $m->good('an authorization', 201, 'POST', '/oauth/authorizations', { description => 'one', scope => ['read'], expires_in => 600 });
my $at = "/oauth/authorizations/$made->{id}";
is($m->good('described anew', 200, 'PATCH', $at, { description => 'two' })->{description}, 'two', 'an authorization is described anew');
$m->bad('without a description', 422, qr/^description is missing/, 'PATCH', $at, {});
my $again = $m->good('another secret', 200, 'POST', "$at/actions/regenerate-tokens", {});
is($again->{id}, $made->{id}, 'another secret: the id stays');
is_deeply([@$again{qw(description scope)}], ['two', ['read']], '... and what it is good for');
cmp_ok($again->{access_token}{expires_in}, '<=', 600, '... and for how long');
my %door = (Socket => 'api.sock', 'X-Real-IP' => '192.0.2.1', 'X-Paas-Via' => 'api');
my @by = map { $m->call('GET', '/account/rate-limits', undef, %door, Authorization => "Bearer $_->{access_token}{token}") } $made, $again;
is("$by[0]{status} $by[1]{status}", '401 200', 'the old secret is over, the new one is good');
is($by[1]{json}{remaining}, $by[1]{headers}{'ratelimit-remaining'}, 'how many requests are left');
is($m->call('POST', "$at/actions/regenerate-tokens", {}, %door, Authorization => "Bearer $again->{access_token}{token}")->{status}, 403,
    'none gives itself another secret but by the scope global');
my $me = $m->good('oneself', 200, 'GET', '/users/~');
is_deeply($me, $m->good('the account', 200, 'GET', '/account'), 'an administrator of the machine is somebody, too');
$m->bad("dyno_size $_->[0]", 422, $_->[1], 'PATCH', '/apps/shop/formation/web', { dyno_size => $_->[2] }) for
    ['of another name', qr/^dyno_size.name "performance-l" is not right: it has to be "standard".*paas ps:limits/, { name => 'performance-l' }],
    ['of no name', qr/^dyno_size.name is missing/, {}];
$m->bad('size', 422, qr/^updates\[0\].size "eco" is not right/, 'PATCH', '/apps/shop/formation', { updates => [{ type => 'web', size => 'eco' }] });
$m->bad('two dynos', 422, qr/^dyno and dyno_name exclude each other/, 'POST', '/apps/shop/log-sessions', { dyno => 'web', dyno_name => 'web.1' });
$m->good('one of them', 201, 'POST', '/apps/shop/log-sessions', { dyno_name => 'web.1' });

# A build is made by what the app asks for when it begins, and by somebody.
my $packs = sub { $m->good('buildpacks', 200, 'PUT', '/apps/shop/buildpack-installations', { updates => [map { +{ buildpack => $_ } } @_] }) };
$packs->('nodejs', 'static');
my $build = $m->good('a build', 202, 'POST', '/apps/shop/builds?detach=1', 'x' x 10240, 'Content-Type' => 'application/x-tar');
is_deeply($build->{buildpacks}, [map { +{ url => $_, name => $_ } } 'nodejs', 'static'], 'a build: those that the app asked for');
is_deeply($build->{user}, $m->good('the app', 200, 'GET', '/apps/shop')->{owner}, '... and whose it is');
$packs->();
is_deeply($m->good('the build', 200, 'GET', "/apps/shop/builds/$build->{id}")->{buildpacks}, $build->{buildpacks}, '... which stays');

is($m->stop('TERM'), 0, 'it stops in order');
done_testing;

# RESOURCE; its requests: METHOD PATH STATUS, "list" of many, "empty" where
# nothing is read of the answer, then what the body has to take; and the fields
# of what they answer.  Null where Heroku has a text: what has no date here,
# and secrets that are shown once.
__DATA__
app
    POST /apps 201: name region stack
    DELETE /apps/{app} 200
    GET /apps/{app} 200
    GET /apps 200 list
    PATCH /apps/{app} 200: build_stack maintenance name
  acm:boolean archived_at:string? build_stack.id:string build_stack.name:string
  buildpack_provided_description:string? created_at:string generation.id:string generation.name:string
  git_url:string id:string internal_routing:boolean? maintenance:boolean name:string owner.email:string
  owner.id:string region.id:string region.name:string released_at:string? repo_size:integer? slug_size:integer?
  space:object? stack.id:string stack.name:string team:object? updated_at:string web_url:string?

build
    POST /apps/{app}/builds 201: buildpacks source_blob
    GET /apps/{app}/builds/{build} 200
    GET /apps/{app}/builds 200 list
    DELETE /apps/{app}/build-cache 200 empty
  app.id:string buildpacks:array? buildpacks[].name:string buildpacks[].url:string created_at:string id:string
  output_stream_url:string? release:object? release.id:string slug:object? slug.id:string
  source_blob.checksum:string? source_blob.url:string? source_blob.version:string?
  source_blob.version_description:string? stack:string status:string updated_at:string user.email:string
  user.id:string

build-result
    GET /apps/{app}/builds/{build}/result 200
  build.id:string build.output_stream_url:string? build.status:string exit_code:integer? lines[].line:string
  lines[].stream:string

buildpack-installation
    PUT /apps/{app}/buildpack-installations 200 list: updates
    GET /apps/{app}/buildpack-installations 200 list
  buildpack.name:string buildpack.url:string ordinal:integer

collaborator
    POST /apps/{app}/collaborators 201: silent user
    DELETE /apps/{app}/collaborators/{user} 200
    GET /apps/{app}/collaborators/{user} 200
    GET /apps/{app}/collaborators 200 list
  app.id:string app.name:string created_at:string id:string permissions[].description:string
  permissions[].name:string role:string? updated_at:string user.email:string user.federated:boolean
  user.id:string

config-var
    GET /apps/{app}/config-vars 200
    GET /apps/{app}/releases/{release}/config-vars 200
    PATCH /apps/{app}/config-vars 200

domain
    POST /apps/{app}/domains 201: hostname sni_endpoint
    PATCH /apps/{app}/domains/{domain} 200: sni_endpoint
    DELETE /apps/{app}/domains/{domain} 200
    GET /apps/{app}/domains/{domain} 200
    GET /apps/{app}/domains 200 list
  acm_status:string? acm_status_reason:string? app.id:string app.name:string cname:string? created_at:string
  hostname:string id:string kind:string sni_endpoint:object? sni_endpoint.id:string sni_endpoint.name:string
  status:string updated_at:string

dyno
    POST /apps/{app}/dynos 201: attach command env force_no_tty size time_to_live type
    DELETE /apps/{app}/dynos/{dyno} 202 empty
    DELETE /apps/{app}/formations/{type} 202 empty
    DELETE /apps/{app}/dynos 202 empty
    POST /apps/{app}/dynos/{dyno}/actions/stop 202 empty
    POST /apps/{app}/formations/{type}/actions/stop 202 empty
    GET /apps/{app}/dynos/{dyno} 200
    GET /apps/{app}/dynos 200 list
  app.id:string app.name:string attach_url:string? command:string created_at:string id:string name:string
  release:object? release.id:string release.version:integer size:string state:string type:string
  updated_at:string

formation
    GET /apps/{app}/formation/{type} 200
    GET /apps/{app}/formation 200 list
    PATCH /apps/{app}/formation 200 list: updates
    PATCH /apps/{app}/formation/{type} 200: dyno_size quantity
  app.id:string app.name:string command:string created_at:string dyno_size.id:string dyno_size.name:string
  id:string quantity:integer size:string type:string updated_at:string

key
    GET /account/keys/{key} 200
    GET /account/keys 200 list
  comment:string created_at:string email:string fingerprint:string id:string public_key:string updated_at:string

log-drain
    POST /apps/{app}/log-drains 201: url
    DELETE /apps/{app}/log-drains/{drain} 200
    GET /apps/{app}/log-drains/{drain} 200
    GET /apps/{app}/log-drains 200 list
  addon:object? app:object? app.id:string app.name:string created_at:string id:string token:string
  updated_at:string url:string

log-session
    POST /apps/{app}/log-sessions 201: dyno_name lines source tail type
  created_at:string id:string logplex_url:string updated_at:string

oauth-authorization
    POST /oauth/authorizations 201: description expires_in scope
    DELETE /oauth/authorizations/{authorization} 200
    GET /oauth/authorizations/{authorization} 200
    PATCH /oauth/authorizations/{authorization} 200: description
    GET /oauth/authorizations 200 list
    POST /oauth/authorizations/{authorization}/actions/regenerate-tokens 200
  access_token:object? access_token.expires_in:integer? access_token.id:string access_token.token:string?
  client:object? created_at:string description:string grant:object? id:string refresh_token:object? scope:array
  session:object? session.id:string updated_at:string user.email:string user.full_name:string? user.id:string

rate-limit
    GET /account/rate-limits 200
  remaining:integer

region
    GET /regions/{region} 200
    GET /regions 200 list
  country:string created_at:string? description:string id:string locale:string name:string
  private_capable:boolean provider.name:string provider.region:string updated_at:string?

release
    GET /apps/{app}/releases/{release} 200
    GET /apps/{app}/releases 200 list
    POST /apps/{app}/releases 201: description slug
    POST /apps/{app}/releases 201: release
  addon_plan_names:array app.id:string app.name:string artifacts[].id:string artifacts[].type:string
  created_at:string current:boolean description:string eligible_for_rollback:boolean id:string
  output_stream_url:string? slug:object? slug.id:string status:string updated_at:string user.email:string
  user.id:string version:integer

slug
    POST /apps/{app}/slugs 201: buildpack_provided_description checksum commit commit_description process_types stack
    GET /apps/{app}/slugs/{slug} 200
  blob:object? blob.method:string blob.url:string? buildpack_provided_description:string? checksum:string?
  commit:string? commit_description:string? created_at:string id:string process_types:object? size:integer?
  stack.id:string stack.name:string updated_at:string

source
    POST /sources 201
    POST /apps/{app}/sources 201
  source_blob.get_url:string? source_blob.put_url:string?

sni-endpoint
    POST /apps/{app}/sni-endpoints 201: certificate_chain private_key
    DELETE /apps/{app}/sni-endpoints/{certificate} 200
    GET /apps/{app}/sni-endpoints/{certificate} 200
    GET /apps/{app}/sni-endpoints 200 list
    PATCH /apps/{app}/sni-endpoints/{certificate} 200: certificate_chain private_key
  app.id:string app.name:string certificate_chain:string created_at:string display_name:string? domains:array
  id:string name:string ssl_cert.ca_signed?:boolean ssl_cert.cert_domains:array ssl_cert.expires_at:string
  ssl_cert.id:string ssl_cert.issuer:string ssl_cert.self_signed?:boolean ssl_cert.starts_at:string
  ssl_cert.subject:string updated_at:string

stack
    GET /stacks/{stack} 200
    GET /stacks 200 list
    GET /apps/{app}/available-stacks 200 list
  created_at:string? default:boolean id:string name:string state:string updated_at:string?

account
    GET /account 200
    PATCH /account 200: allow_tracking beta name
    GET /users/{user} 200
    PATCH /users/{user} 200: name
    DELETE /users/{user} 200
  allow_tracking:boolean beta:boolean country_of_residence:string? created_at:string?
  default_organization:object? default_team:object? delinquent_at:string? email:string federated:boolean
  id:string identity_provider:object? last_login:string? name:string? sms_number:string? suspended_at:string?
  two_factor_authentication:boolean updated_at:string? verified:boolean

team
    POST /teams 201: name
    DELETE /teams/{team} 200
    GET /teams/{team} 200
    GET /teams 200 list
    PATCH /teams/{team} 200: name
  created_at:string credit_card_collections:boolean default:boolean enterprise_account:object? id:string
  identity_provider:object? membership_limit:integer? name:string provisioned_licenses:boolean role:string?
  type:string updated_at:string

team-member
    PUT /teams/{team}/members 201: email federated role
    PUT /teams/{team}/members 200
    POST /teams/{team}/members 201: email federated role
    PATCH /teams/{team}/members 200: email federated role
    DELETE /teams/{team}/members/{user} 200
    GET /teams/{team}/members 200 list
  created_at:string email:string federated:boolean id:string identity_provider:object? role:string?
  two_factor_authentication:boolean updated_at:string user.email:string user.id:string user.name:string?

team-app
    POST /teams/apps 201: name region stack team
    GET /teams/apps/{app} 200
    PATCH /teams/apps/{app} 200: owner
    GET /teams/{team}/apps 200 list
  archived_at:string? build_stack.id:string build_stack.name:string buildpack_provided_description:string?
  created_at:string git_url:string id:string internal_routing:boolean? maintenance:boolean name:string
  owner.email:string owner.id:string region.id:string region.name:string released_at:string? repo_size:integer?
  slug_size:integer? space:object? stack.id:string stack.name:string team:object? updated_at:string
  web_url:string?

team-app-collaborator
    POST /teams/apps/{app}/collaborators 201: permissions silent user
    DELETE /teams/apps/{app}/collaborators/{user} 200
    GET /teams/apps/{app}/collaborators/{user} 200
    PATCH /teams/apps/{app}/collaborators/{user} 200: permissions
    GET /teams/apps/{app}/collaborators 200 list
  app.id:string app.name:string created_at:string id:string role:string? updated_at:string user.email:string
  user.federated:boolean user.id:string

team-app-permission
    GET /teams/permissions 200 list
  description:string name:string

app-transfer
    POST /account/app-transfers 201: app recipient silent
  app.id:string app.name:string created_at:string id:string owner.email:string owner.id:string
  recipient.email:string recipient.id:string state:string updated_at:string
