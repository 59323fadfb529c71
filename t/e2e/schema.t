#!/usr/bin/perl
# Each request that the API describes of itself is made, with good input, and
# its answer is as described: no status, no field and no type of which nothing
# is told.  One that is described and not made here is named.  Each POST is
# sent twice with one Idempotency-Key: the answer is the same, and nothing is
# changed by the second.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64;
use Platform;
use Test::More;

my $p = Platform->new;
my $dir = tempdir('paas-schema-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $true = JSON::PP::true;
my (%made, %again);

# What is not answered twice alike, and what the second one gets: a session can
# be had once, and a question that keeps nothing is answered afresh.
my %otherwise = (
    'POST /apps/{app}/dynos/{dyno}/exec' => [409, qr/a command was begun with this Idempotency-Key/],
    'POST /apps/{app}/resources' => [200, qr/"resources"/],
);
# Of the output of a build that has ended there is less to wait for: it is that
# of the same one.
my %same = ('POST /apps/{app}/builds' => sub { $_[0] =~ /"id":\s*"([0-9a-f]{16})"/ ? $1 : 'none' });

sub slurp {
    open my $fh, '<:raw', $_[0] or die "$_[0]: $!";
    local $/;
    return scalar <$fh>;
}

# call(status, METHOD, /path/{as}/described, {as => value}, body, option of http => ...) -> its JSON
sub call {
    my ($status, $method, $template, $values, $body, %o) = @_;
    my ($bare, $query) = $template =~ /^([^?]*)(.*)$/;
    my %v = (app => 'shop', type => 'web', %$values);
    (my $path = $template) =~ s/\{(\w+)\}/$v{$1} \/\/ die "$template: $1?"/ge;
    $o{headers} = { %{ $o{headers} // {} }, 'Idempotency-Key' => 'key-' . keys(%made) . '-' . ++$again{''} } if $method eq 'POST';
    my $r = $p->api($method, $path, $body, %o);
    is($r->{status}, $status, "$method $template") or diag $r->{body};
    is_deeply([$p->schema->answer($method, $path, $r)], [], 'its answer is as described');
    $made{"$method $bare"}++ if $r->{status} == $status;
    again($r, "$method $bare", $method, $path, $body, %o) if $method eq 'POST' && $status < 400;
    return $o{whole} ? $r : $r->{json};
}

sub last_change { return $p->api('GET', '/audit?limit=1')->{body} }

# again(answer, what is described, request): the same once more.
sub again {
    my ($first, $what, @request) = @_;
    my $before = last_change();
    my $r = $p->api(@request);
    if (my $other = $otherwise{$what}) {
        like("$r->{status} $r->{body}", qr/^$other->[0] .*$other->[1]/s, "$what again");
    } else {
        my $same = $same{$what} // sub { $_[0] };
        my ($got, $expected) = map { [$_->{status}, $same->($_->{body}), $_->{headers}{'set-cookie'}] } $r, $first;
        is_deeply($got, $expected, "$what again: the same answer");
    }
    is(last_change(), $before, 'nothing is changed by it') and $again{$what}++;
}

sub tar {
    my ($from) = @_;
    Platform::run('tar', '-C', $from, '-cf', "$dir/tar", '.');
    return slurp("$dir/tar");
}

sub waits_for {
    my ($what, $sub) = @_;
    my $got = Platform::wait_for(60, $sub);
    ok($got, $what);
    return $got;
}

call(200, 'GET', $_, {}) for '/health', '/schema', '/regions', '/stacks', '/audit', '/users', '/tokens', '/oauth/authorizations',
    '/account', '/account/features', '/account/keys', '/account/rate-limits', '/addons', '/addon-attachments', '/addon-services', '/buildpacks', '/routes', '/patterns', '/imports/routes', '/certificates', '/apps', '/users/~/apps';
call(200, 'GET', '/regions/{region}', { region => 'local' });
call(200, 'GET', '/buildpacks/{buildpack}', { buildpack => 'nodejs' });
call(200, 'GET', '/stacks/{stack}', { stack => call(200, 'GET', '/stacks', {})->[0]{name} });

# ---- an app, and what it runs --------------------------------------------

call(201, 'POST', '/apps', {}, { name => 'shop' });
call(201, 'POST', '/apps/{app}/settings', {}, { env => { MOOD => 'good' }, processes => { web => { quantity => 1 } } });
my $tar = tar("$Platform::top/t/fixtures/procfile");
my %is_tar = (headers => { 'Content-Type' => 'application/x-tar' }, timeout => 120);
my $out = call(201, 'POST', '/apps/{app}/builds', {}, $tar, %is_tar, whole => 1)->{body};
my $build = decode_json((split /\n/, $out)[-1])->{build};
ok($build->{id}, 'the app is built and serves') or BAIL_OUT($out);
my %build = (build => $build->{id});
call(200, 'GET', '/apps/{app}', {});
call(200, 'PATCH', '/apps/{app}', {}, { maintenance => JSON::PP::false });
call(200, 'GET', '/apps/{app}/builds', {});
my ($stream) = call(200, 'GET', '/apps/{app}/builds/{build}', \%build)->{output_stream_url} =~ m{/streams/([^?]+)};
call(200, 'GET', '/apps/{app}/builds/{build}/log', \%build);
my $result = call(200, 'GET', '/apps/{app}/builds/{build}/result', \%build);
is($result->{exit_code}, 0, 'the result');
like(join('', map { $_->{line} } @{ $result->{lines} }), qr/^-----> /m, 'and the lines');
call(200, 'DELETE', '/apps/{app}/build-cache', {});
for ('/apps/{app}/sources', '/sources') {
    my ($put) = call(201, 'POST', $_, {})->{source_blob}{put_url} =~ m{/streams/(.+)};
    is(call(200, 'PUT', '/streams/{stream}', { stream => $put }, $tar, headers => { 'Content-Type' => '' })->{size}, length $tar, 'a source');
}
call(200, 'GET', '/streams/{stream}', { stream => $stream });
# The same as events: numbered lines, what became of it, then nothing more.
my $log = "/apps/shop/builds/$build->{id}/log";
sub events { return $p->http('GET', 'localhost', $log, socket => "$p->{run}/manager.sock", headers => { Accept => 'text/event-stream', @_ }) }
my @events = split /\n\n/, events()->{body};
my $lines = @events - 1;
cmp_ok($lines, '>', 2, 'its output in events') or diag explain \@events;
is_deeply([map { /^id: (\d+)\ndata: / } @events[0 .. $lines - 1]], [1 .. $lines], 'numbered');
is($events[-1], "event: done\nid: end\ndata: {\"status\":\"succeeded\"}", 'how it ended');
is_deeply([split /\n\n/, events('Last-Event-ID' => 2)->{body}], [@events[2 .. $lines]], 'behind the second');
is(events('Last-Event-ID' => 'end')->{status}, 204, 'behind the end');
is(events('Last-Event-ID' => $_)->{status}, 400, "Last-Event-ID $_") for 'x', 0, -1, '9' x 20;
call(200, 'POST', '/apps/{app}/resources', {}, { resources => [{ sha256 => 'a' x 64, size => 1 }] });
call(200, 'GET', "/apps/{app}/$_", {}) for 'formation', 'formation/{type}', 'formation/{type}/autoscale', 'dynos', 'releases', 'rollout',
    'sleep', 'cron', 'http', 'config-vars', 'buildpack-installations', 'domains', 'sni-endpoints', 'logs', 'log-limits', 'log-drains', 'timeline', 'collaborators',
    'addons', 'addon-attachments', 'features', 'available-stacks';
is(scalar(grep { $_->{kind} eq 'created' && $_->{text} eq 'web.1 placed on local (v1)' } @{ call(200, 'GET', '/apps/{app}/timeline', {}) }),
    1, 'one event of what was created');
my $release = call(200, 'GET', '/apps/{app}/releases', {})->[0];
call(200, 'GET', '/apps/{app}/releases/{release}', { release => $release->{id} });
call(200, 'GET', '/apps/{app}/releases/{release}/config-vars', { release => 'v1' });
call(201, 'POST', '/apps/{app}/log-sessions', {}, { lines => 10 });
call(200, 'GET', '/apps/{app}/dynos/{dyno}', { dyno => 'web.1' });

# ---- changes of it --------------------------------------------------------

call(200, 'PATCH', '/apps/{app}/config-vars', {}, { GREETING => 'hello', GONE => undef });
call(201, 'POST', '/apps/{app}/releases', {}, { release => 1 });
my $slug = call(200, 'GET', '/apps/{app}/slugs/{slug}', { slug => $release->{slug}{id} });
is($slug->{id}, $release->{slug}{id}, 'the slug of the first release');
cmp_ok($slug->{size}, '>', 0, 'its size');
ok($slug->{process_types}{web}, 'its processes');
call(404, 'GET', '/apps/{app}/slugs/{slug}', { slug => '0' x 64 });
my $draft = call(201, 'POST', '/apps/{app}/slugs', {}, { process_types => { web => './web' }, commit => 'one' });
is(call(200, 'GET', '/apps/{app}/slugs/{slug}', { slug => $draft->{id} })->{blob}, undef, 'a slug that waits for its archive');
call(200, 'PATCH', '/apps/{app}/config-vars', {}, { MOOD => 'kept' });
my $again = call(201, 'POST', '/apps/{app}/releases', {}, { slug => $slug->{id}, description => 'once more' });
is($again->{slug}{id}, $slug->{id}, 'released once more');
is($again->{description}, 'once more', 'as it was said');
is(call(200, 'GET', '/apps/{app}/releases/{release}/config-vars', { release => $again->{id} })->{MOOD}, 'kept', 'with the config vars of now');
for (['slug' => '0' x 64], ['slug' => $slug->{id}, release => 1], ['slug' => ''], ['slug' => 7], ['slug' => $slug->{id}, description => 'x' x 201]) {
    like(call(422, 'POST', '/apps/{app}/releases', {}, { @$_ })->{message}, qr/slug|description/, "refused: @$_[0 .. 1]");
}
call(200, 'PATCH', '/apps/{app}/formation', {}, { updates => [{ type => 'web', quantity => '2' }] });
is(call(200, 'PATCH', '/apps/{app}/formation', {}, { updates => [{ type => 'web', quantity => $_->[0] }] })->[0]{quantity}, $_->[1], "quantity $_->[0]")
    for ['+1', 3], ['-2', 1];
like(call(422, 'PATCH', '/apps/{app}/formation/{type}', {}, { quantity => $_->[0] })->{message}, $_->[1], "quantity $_->[0]")
    for ['-5', qr/^quantity has to be 0 to \d+, not -4/], ['+9223372036854775807', qr/^quantity has to be 0 to/], ['+-1', qr/^quantity has to be a whole number/];
call(200, 'PATCH', '/apps/{app}/formation/{type}', {}, { quantity => 1 });
is(call(200, 'PATCH', '/apps/{app}/formation', {}, { updates => [{ type => 'web', size => 'Standard' }] })->[0]{quantity}, 1, 'a size alone: as many as before');
call(200, 'PATCH', '/apps/{app}/formation/{type}', {}, { quantity => 1, dyno_size => { name => 'standard' } });
call(200, 'PATCH', '/apps/{app}/formation/{type}', {}, { drain_timeout => 5, stop_timeout => undef });
call(200, 'PATCH', '/apps/{app}/formation/{type}/limits', {}, { pids => 200 });
for my $check ('health', 'readiness') {
    call(200, 'PUT', "/apps/{app}/formation/{type}/$check", {}, { type => 'http', path => '/', interval => 5 });
    call(200, 'DELETE', "/apps/{app}/formation/{type}/$check", {});
}
call(200, 'PUT', '/apps/{app}/formation/{type}/autoscale', {}, { max => 2, p95 => '200ms' });
call(200, 'GET', '/apps/{app}/formation/{type}/autoscale', {});
call(200, 'DELETE', '/apps/{app}/formation/{type}/autoscale', {});
call(200, 'PUT', '/apps/{app}/sleep', {}, { after => '30m' });
call(200, 'DELETE', '/apps/{app}/sleep', {});
call(200, 'PATCH', '/apps/{app}/log-limits', {}, $_) for { disk => 8 << 20, rate => 65536 }, { disk => undef, rate => undef };
call(200, 'PATCH', '/apps/{app}/http', {}, { sticky => $true, 'hold' => 5 });
call(200, 'PUT', '/apps/{app}/buildpack-installations', {}, { updates => [{ buildpack => 'procfile' }] });
my %entry = (entry => call(201, 'POST', '/apps/{app}/cron', {}, { schedule => '0 4 * * *', command => 'true' })->{id});
call(200, $_, '/apps/{app}/cron/{entry}', \%entry) for 'GET', 'DELETE';
my %drain = (drain => call(201, 'POST', '/apps/{app}/log-drains', {}, { url => 'syslog://203.0.113.9:514' })->{id});
call(200, $_, '/apps/{app}/log-drains/{drain}', \%drain) for 'GET', 'DELETE';
call(202, 'POST', '/apps/{app}/actions/{action}', { action => 'restart' }, {});

# ---- processes -------------------------------------------------------------

my %upgrade = (headers => { Connection => 'Upgrade', Upgrade => 'paas-session' }, timeout => 90);
call(201, 'POST', '/apps/{app}/dynos', {}, { command => 'sleep 60', env => { A => 'b' } });
my $run = call(201, 'POST', '/apps/{app}/dynos', {}, { command => 'true', attach => $true, force_no_tty => $true });
call(101, 'GET', '/apps/{app}/dynos/{dyno}/attach', { dyno => $run->{name} }, undef, %upgrade);
waits_for('one web process is up', sub {
    my @web = grep { $_->{type} eq 'web' } @{ $p->api('GET', '/apps/shop/dynos')->{json} };
    return @web == 1 && $web[0]{state} eq 'up';
});
is_deeply([map { $_->{status} } grep { $_->{type} eq 'web' } @{ call(200, 'GET', '/apps/{app}/dynos', {}) }], ['ready'], 'in our words, too');
call(101, 'POST', '/apps/{app}/dynos/{dyno}/exec', { dyno => 'web.1' }, { command => 'true', force_no_tty => $true }, %upgrade);
call(202, 'DELETE', '/apps/{app}/dynos/{dyno}', { dyno => 'web.1' });
call(202, 'POST', '/apps/{app}/dynos/{dyno}/actions/stop', { dyno => 'web.1' }, {});
call(202, 'DELETE', '/apps/{app}/dynos', {});
call(202, 'DELETE', '/apps/{app}/formations/{type}', {});
call(202, 'POST', '/apps/{app}/formations/{type}/actions/stop', {}, {});

# ---- a canary ----------------------------------------------------------------

call(200, 'PATCH', '/apps/{app}/rollout', {}, { strategy => 'canary', canary_weight => 50 });
for my $decision ('abort', 'promote') {
    waits_for('nothing is under way', sub { my $s = $p->api('GET', '/apps/shop/rollout')->{json}{state}; $s =~ /^(?:none|live|failed)$/ });
    call(200, 'PATCH', '/apps/{app}/config-vars', {}, { FOR => $decision });
    waits_for('a canary is there', sub { $p->api('GET', '/apps/shop/rollout')->{json}{state} eq 'canary' });
    call(202, 'POST', "/apps/{app}/rollout/$decision", {}, {});
}

# ---- hosts -------------------------------------------------------------------

Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=x),
    '-addext', "subjectAltName=DNS:www.example.com,DNS:*.example.org", '-keyout', "$dir/key$_", '-out', "$dir/cert$_") for 1, 2;
sub pair { return { certificate_chain => slurp("$dir/cert$_[0]"), private_key => slurp("$dir/key$_[0]") } }
for my $at ('/apps/{app}/sni-endpoints', '/certificates') {
    my %cert = (certificate => call(201, 'POST', $at, {}, pair(1))->{name});
    call(200, 'GET', "$at/{certificate}", \%cert);
    call(200, 'PATCH', "$at/{certificate}", \%cert, pair(2));
    call(200, 'GET', $at, {});
    call(200, 'DELETE', "$at/{certificate}", \%cert) if $at =~ /^.certi/;
}
my %domain = (domain => call(201, 'POST', '/apps/{app}/domains', {}, { hostname => 'www.example.com' })->{hostname});
call(200, 'GET', '/apps/{app}/domains/{domain}', \%domain);
call(200, 'GET', '/apps/{app}/domains/{domain}/check', \%domain);
my $sni = call(200, 'GET', '/apps/{app}/sni-endpoints', {})->[0]{name};
call(200, 'PATCH', '/apps/{app}/domains/{domain}', \%domain, { sni_endpoint => $sni });
call(200, 'DELETE', '/apps/{app}/domains/{domain}', \%domain);
call(200, 'DELETE', '/apps/{app}/sni-endpoints/{certificate}', { certificate => $sni });
my %host = (host => 'old.example.net');
my $instances = { instances => [{ address => '203.0.113.1', port => 80 }] };
call(201, 'PUT', '/routes/{host}', \%host, $instances);
call(200, 'PUT', '/routes/{host}', \%host, { %$instances, path => '/x', strip => $true });
call(200, 'PATCH', '/routes/{host}', \%host, { balance => 'ewma' });
call(200, $_, '/routes/{host}', \%host) for 'GET', 'DELETE';
call(201, 'PUT', '/patterns/{order}', { order => 5 }, { pattern => 'x[0-9]\.example\.net', %$instances });
call(200, $_, '/patterns/{order}', { order => 5 }) for 'GET', 'DELETE';
call(200, 'PUT', '/imports/routes', {}, "\@web 203.0.113.1:80\nw.example.net \@web\n");
call(200, 'GET', $_, {}) for '/imports/routes', '/imports/routes/file';
call(200, 'GET', '/routes/{host}', { host => 'w.example.net' });
call(200, 'DELETE', '/imports/routes', {});

# ---- people ------------------------------------------------------------------

my $setup = call(201, 'POST', '/setup-tokens', {}, {});
call(201, 'POST', '/setup', {}, { token => $setup->{token}, email => 'ada@example.com', password => 'correct horse' });
call(201, 'POST', '/users', {}, { email => 'vic@example.com', role => 'member' });
call(200, 'PATCH', '/users/{user}', { user => 'vic@example.com' }, { name => 'Vic', suspended => JSON::PP::false });
call(200, 'GET', '/users/{user}', { user => 'vic@example.com' });
my %member = (user => 'vic@example.com');
call(201, 'POST', '/apps/{app}/collaborators', {}, { %member, role => 'viewer' });
call(200, 'PATCH', '/apps/{app}/collaborators/{user}', \%member, { permissions => ['view', 'deploy'] });
call(200, $_, '/apps/{app}/collaborators/{user}', \%member) for 'GET', 'DELETE';
call(200, 'GET', '/teams/permissions', {});
call(201, 'POST', '/teams', {}, { name => $_ }) for 'crew', 'band';
my %team = (team => 'crew');
call(200, 'PATCH', '/teams/{team}', { team => 'band' }, { overall_role => 'viewer' });
call(200, 'GET', $_, \%team) for '/teams', '/teams/{team}', '/teams/{team}/features', '/teams/{team}/members', '/teams/{team}/apps';
call(201, 'POST', '/teams/{team}/members', \%team, { email => 'ada@example.com', role => 'admin' });
call(201, 'PUT', '/teams/{team}/members', \%team, { email => 'vic@example.com', role => 'member' });
call(200, 'PATCH', '/teams/{team}/members', \%team, { email => 'vic@example.com', role => 'viewer' });
call(200, $_, '/teams/{team}/members/{user}', { %team, %member }) for 'GET', 'DELETE';
call(201, 'PUT', '/apps/{app}/teams/{team}', \%team, { role => 'viewer' });
call(200, 'GET', '/apps/{app}/teams', {});
call(200, 'DELETE', '/apps/{app}/teams/{team}', \%team);
call(201, 'POST', '/teams/apps', {}, { name => 'ours', team => 'crew' });
call(200, 'GET', '/teams/apps/{app}', { app => 'ours' });
call(201, 'POST', '/teams/apps/{app}/collaborators', {}, { %member, role => 'viewer' });
call(200, 'PATCH', '/teams/apps/{app}/collaborators/{user}', \%member, { role => 'deployer' });
call(200, 'GET', '/teams/apps/{app}/collaborators', {});
call(200, $_, '/teams/apps/{app}/collaborators/{user}', \%member) for 'GET', 'DELETE';
call(200, 'PATCH', '/teams/apps/{app}', { app => 'ours' }, { owner => 'ada@example.com' });
call(201, 'POST', '/account/app-transfers', {}, { app => 'ours', recipient => 'vic@example.com' });
call(200, 'DELETE', '/teams/{team}', \%team);
my $token = call(201, 'POST', '/tokens', {}, { scope => 'deploy', app => 'shop', expires_in => 3600 });
call(200, 'GET', '/tokens/{token}', { token => $token->{id} });
my $git = $p->http('GET', 'localhost', '/git/shop/push', socket => "$p->{run}/api.sock", headers => { Authorization => "Bearer $token->{token}" });
is_deeply([$p->schema->answer('GET', '/git/shop/push', { %$git, json => decode_json($git->{body}) }), $git->{status}], [200], 'GET /git/{app}/{service}')
    and $made{'GET /git/{app}/{service}'}++;
call(200, 'DELETE', '/tokens/{token}', { token => $token->{id} });
my %grant = (authorization => call(201, 'POST', '/oauth/authorizations', {}, { scope => ['read'] })->{id});
call(200, 'PATCH', '/oauth/authorizations/{authorization}', \%grant, { description => 'reads' });
call(200, 'POST', '/oauth/authorizations/{authorization}/actions/regenerate-tokens', \%grant, {});
call(200, $_, '/oauth/authorizations/{authorization}', \%grant) for 'GET', 'DELETE';
Platform::run('ssh-keygen', '-q', '-N', '', '-t', 'ed25519', '-f', "$dir/ssh");
my %key = (key => call(201, 'POST', '/account/keys', {}, { public_key => slurp("$dir/ssh.pub") })->{id});
call(200, 'GET', '/account/keys/{key}', \%key);
call(200, 'GET', '/account/keys/{key}/login', { key => $p->api('GET', "/account/keys/$key{key}")->{json}{fingerprint} =~ s{/}{%2F}gr });
call(200, 'DELETE', '/account/keys/{key}', \%key);
# An administrator of the machine has no account to change.
my $login = $p->http('POST', 'localhost', '/oauth/authorizations', body => '{}', socket => "$p->{run}/api.sock",
    headers => { Authorization => 'Basic ' . encode_base64('ada@example.com:correct horse', '') });
my $ada = decode_json($login->{body});
my %twice = (body => '{}', socket => "$p->{run}/api.sock");
sub log_in {
    my ($password) = @_;
    return $p->http('POST', 'localhost', '/oauth/authorizations', %twice,
        headers => { Authorization => 'Basic ' . encode_base64("ada\@example.com:$password", ''), 'Idempotency-Key' => 'log-in' });
}
my @tokens = map { decode_json(log_in('correct horse')->{body})->{access_token}{token} } 1, 2;
like($tokens[0], qr/^paas_/, 'a log-in with an Idempotency-Key');
is($tokens[1], $tokens[0], 'has one token, however often it is sent');
is(log_in('wrong horse')->{status}, 401, 'and none without the password');
is_deeply([$p->schema->answer('POST', '/oauth/authorizations', { %$login, json => $ada }), $login->{status}], [201], 'a log-in');
my $account = $p->http('PATCH', 'localhost', '/account', body => '{"name":"Ada"}', socket => "$p->{run}/api.sock",
    headers => { Authorization => "Bearer $ada->{access_token}{token}" });
is_deeply([$p->schema->answer('PATCH', '/account', { %$account, json => decode_json($account->{body}) }), $account->{status}], [200], 'PATCH /account')
    and $made{'PATCH /account'}++;
# A browser comes by nginx, and its session in a cookie.
my %came = ('X-Paas-Via' => 'api', 'X-Real-IP' => '192.0.2.1', 'X-Forwarded-Host' => "api.$p->{domain}", 'X-Forwarded-Proto' => 'https');
my %browser = (socket => "$p->{run}/api.sock", headers => \%came);
my %known = (email => 'ada@example.com', password => 'correct horse');
my $begun = call(201, 'POST', '/sessions', {}, { %known, description => 'a browser', expires_in => 3600 }, %browser, whole => 1);
($came{Cookie}) = $begun->{headers}{'set-cookie'} =~ /^([^;]+)/;
$came{'X-CSRF-Token'} = $begun->{json}{csrf_token};
is_deeply([map { $_->{id} } @{ call(200, 'GET', '/sessions', {}, undef, %browser) }], [$begun->{json}{id}], 'the session that was begun');
call(200, $_, '/sessions/{session}', { session => '~' }, undef, %browser) for 'GET', 'DELETE';
call(401, 'GET', '/sessions', {}, undef, %browser);
call(200, 'DELETE', '/users/{user}', { user => 'vic@example.com' });
call(200, 'GET', $_, {}) for '/users', '/tokens', '/audit', '/oauth/authorizations', '/apps/{app}/timeline', '/apps/{app}/releases';
call(200, 'DELETE', '/apps/{app}', {});

# All of them, where there is time to mend it; some may be new.
my @all = map { "$_->[0] $_->[1]" } $p->schema->operations;
my @left = grep { !$made{$_} } @all;
cmp_ok(scalar @left, '<=', $ENV{PAAS_LONG} ? 0 : @all / 10, 'every request that is described is made here');
diag "not made here: $_" for @left;
is_deeply([grep { /^POST / && !$again{$_} } @all], [], 'every POST that is described is made here, and sent twice');

done_testing();
