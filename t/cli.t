#!/usr/bin/perl
# The program paas against a server whose answers are written down here: exit
# statuses, tables, JSON, errors, and uploads compared with what was sent.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Pty ();
use IPC::Run qw(run start finish timeout);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$Bin/lib";
use ScriptedManager;

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $paas = "$build/bin/paas";
my $dir = tempdir(CLEANUP => 1);

delete @ENV{qw(PAAS_APP PAAS_SOCKET NO_COLOR)};
$ENV{TERM} = 'xterm';
chdir $dir or die;

my $evil = "x\e]0;owned\a\x{9b}31m";
utf8::encode(my $evil_bytes = $evil);
my $released = '2026-11-22T12:00:00Z';
my $rollout = encode_json({state => 'canary', live => {version => 2}, target => {version => 3}, reason => undef,
    strategy => 'canary', max_surge => '25%', max_unavailable => '0', canary_weight => 10, deadline => 600,
    release_timeout => 600,
    processes => [{type => 'web', quantity => 3, ready => 1, in_service => 1, before => 3}]});
my @formation = ({type => 'web', quantity => 2, command => 'npm start'});
my $m;

sub build_answer {
    my (%how) = @_;
    return sub {
        my ($req, $write) = @_;
        rename $req->{file}, "$dir/upload";
        $write->("HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n");
        my $chunk = sub {
            $write->(sprintf("%x\r\n%s\r\n", length $_[0], $_[0]));
            sleep 0.05;
        };
        $chunk->("-----> Node.js app det");
        $chunk->("ected\n{\"this\": \"is output\"}\n");
        $chunk->("       \e[32mgreen\e[0m \e[2J$evil_bytes\n");
        sleep 4 if $how{hang};
        return if $how{cut};
        $chunk->(encode_json($how{result}) . "\n");
        $write->("0\r\n\r\n");
        return;
    };
}

my %answers = (
    'GET /health' => [200, '{"status":"ok","revision":42,"launcher":false}'],
    'GET /apps' => [200, encode_json([
        {name => 'shop', web_url => 'http://shop.paas.localhost:8080/',
            released_at => $released, stopped => JSON::PP::false,
            maintenance => JSON::PP::false},
        {name => $evil, web_url => 'http://x/', released_at => undef}])],
    'POST /apps' => sub {
        my $name = decode_json(pack 'H*', $_[0]{body})->{name};
        return [422, encode_json({id => 'invalid_params',
            message => "Name $name is already taken$evil"})]
            if ($name // '') eq 'taken';
        return [201, encode_json({name => $name // 'quiet-moon-7'})];
    },
    'GET /apps/shop' => [200, encode_json({name => 'shop', id => 'uuid',
        web_url => 'http://shop.paas.localhost:8080/',
        created_at => $released, stack => {name => 'debian-12'}})],
    'GET /apps/bad' => [200, '{"name":"bad","web_url":"http://b/"}'],
    'GET /apps/cut' => [200, '{"name":"cut","web_url":"http://b/"}'],
    'GET /apps/full' => [200, '{"name":"full"}'],
    'GET /apps/slow' => [200, '{"name":"slow"}'],
    'GET /apps/web' => [200, '{"name":"web"}'],
    'DELETE /apps/shop' => [200, '{"name":"shop"}'],
    'POST /apps/shop/actions/stop' => [202, '{"name":"shop"}'],
    'PATCH /apps/shop' => [200, '{"name":"shop","maintenance":true}'],
    'GET /apps/shop/formation' => [200, encode_json(\@formation)],
    'PATCH /apps/shop/formation' => sub {
        my $u = decode_json(pack 'H*', $_[0]{body})->{updates};
        return [200, encode_json([map { {%$_, command => 'c'} } @$u])];
    },
    'GET /apps/shop/dynos' => [200, encode_json([
        {name => 'web.1', type => 'web', state => 'up', status => 'ready', command => 'npm start',
            release => {version => 3}, updated_at => $released, restarts => 0,
            address => '198.18.0.2'},
        {name => 'web.2', type => 'web', state => 'crashed', status => 'backing off', command => 'npm start',
            release => {version => 3}, updated_at => $released, restarts => 4,
            reason => 'exited with 1'}])],
    'DELETE /apps/shop/dynos' => [202, '{}'],
    'DELETE /apps/shop/dynos/web.1' => [202, '{}'],
    'POST /apps/shop/dynos/web.2/actions/stop' => [202, '{}'],
    'GET /apps/shop/config-vars' => [200,
        encode_json({A => '1', Q => "it's\nso $evil"})],
    'PATCH /apps/shop/config-vars' => sub { [200, pack 'H*', $_[0]{body}] },
    'GET /apps/shop/buildpack-installations' => [200, encode_json([
        map { {ordinal => $_, buildpack => {url => "pack$_", name => "x$evil"}} } 0 .. 1])],
    'PUT /apps/shop/buildpack-installations' => sub {
        my $u = decode_json(pack 'H*', $_[0]{body})->{updates};
        return [200, encode_json([map { {ordinal => $_, buildpack => {url => $u->[$_]{buildpack}}} } 0 .. $#$u])];
    },
    'GET /apps/shop/domains' => [200, encode_json([
        {hostname => 'www.example.com', kind => 'custom',
            created_at => $released}])],
    'POST /apps/shop/domains' => [201, '{"hostname":"www.example.com"}'],
    'DELETE /apps/shop/domains/%2A.example.com' => [200, '{}'],
    'GET /tokens' => [200, encode_json([
        {id => '0' x 16, scope => 'deploy', app => {name => 'shop'}, user => {email => 'root'},
            created_at => $released, expires_at => $released, expired => JSON::PP::true,
            description => "ci $evil"},
        {id => '1' x 16, scope => 'deploy', app => undef, user => {email => 'ann'},
            created_at => $released, last_used_at => $released}])],
    'POST /tokens' => sub {
        my $in = decode_json(pack 'H*', $_[0]{body});
        return [201, encode_json({id => '2' x 16, scope => $in->{scope}, app => $in->{app} ? {name => $in->{app}} : undef,
            token => join ' ', map { "$_=" . ($in->{$_} // '') } sort keys %$in})];
    },
    'GET /regions' => [200, '[{"name":"eu","description":"This machine"}]'],
    'GET /stacks' => [200, '[{"name":"debian-12","state":"public"}]'],
    'GET /buildpacks' => [200, '[{"name":"paas/nodejs"}]'],
    'GET /schema' => [200, '{"openapi":"3.0.3"}'],
    'GET /sessions' => [200, encode_json([{id => '1' x 16, user => {email => 'root'}, address => '10.0.0.9',
        description => "Browser $evil", created_at => $released, last_used_at => $released}])],
    'DELETE /sessions/' . '1' x 16 => [200, '{}'],
    'DELETE /tokens/' . '0' x 16 => [200, '{}'],
    'GET /routes' => [200, encode_json([{host => 'old.example.com', paths => [
        {path => '/', strip => JSON::PP::false, balance => 'two_choices',
            instances => [
                {address => '10.0.0.2', port => 80, weight => 100},
                {address => 'fd00::1', port => 81, weight => 50}]}]}])],
    'PUT /routes/old.example.com' => sub {
        my $in = decode_json(pack 'H*', $_[0]{body});
        return [200, encode_json({host => 'old.example.com', paths => [
            {path => '/', %$in}]})];
    },
    'DELETE /routes/old.example.com' => [200, '{}'],
    'PATCH /routes/old.example.com' => [200, '{"host":"old.example.com","paths":[]}'],
    'PUT /apps/shop/formation/web/autoscale' => [200, '{"on":true,"quantity":2,"min":1,"max":10,"concurrency":0,"p95":200,"window":60,"reason":""}'],
    map({ ("$_ /apps/shop/http" => [200, '{"balance":"ewma","queue":7,"sticky":true,"to_host":null}']) } qw(GET PATCH)),
    map({ ($_ => [200, '{"order":10,"pattern":"pr-.*","paths":[{"path":"/","apps":[{"app":"next","weight":100}],"instances":[]}]}']) }
        'PUT /patterns/10', 'DELETE /patterns/10'),
    'GET /patterns' => [200, '[{"order":10,"pattern":"pr-.*","paths":[{"path":"/","apps":[{"app":"next","weight":100}],"instances":[]}]}]'],
    'PUT /imports/routes' => sub {
        open my $fh, '<', $_[0]{file} or die;
        local $/;
        return [422, encode_json({id => 'invalid_params', message => 'line 2: there is no pool @none'})]
            if <$fh> =~ /none/;
        return [200, encode_json({hosts => 6, pools => 2, user => 'root', created_at => $released})];
    },
    'GET /imports/routes' => [200, encode_json({hosts => 6, pools => 2, user => 'root', created_at => $released})],
    'GET /imports/routes/file' => [200, "\@web 10.0.0.1:80\na.test \@web\n"],
    'DELETE /imports/routes' => [200, 'null'],
    'GET /apps/shop/releases' => [200, encode_json([map { {
        version => $_, status => 'succeeded', created_at => $released,
        user => {email => 'root'}, description => "Deploy $_",
        current => $_ == 3 ? JSON::PP::true : JSON::PP::false} } 1 .. 3])],
    'GET /apps/shop/releases/2' => [200, '{"version":2,"description":"two","status":"failed","reason":"web.1: no",'
        . '"process":"web.1","log":["on the way","\\u001b[2Jdown"]}'],
    'GET /apps/shop/releases/2/config-vars' => [200, '{"KEY":"hush","OTHER":"x"}'],
    'GET /apps/shop/rollout' => [200, $rollout],
    'PATCH /apps/shop/rollout' => [200, $rollout],
    'POST /apps/shop/rollout/promote' => [202, $rollout],
    'POST /apps/shop/rollout/abort' => [409, '{"id":"conflict","message":"shop has no roll-out under way"}'],
    'POST /apps/shop/releases' => sub {
        my $v = decode_json(pack 'H*', $_[0]{body})->{release};
        return [201, encode_json({version => 4, description => "back to $v"})];
    },
    # Of a team that does not tell this one who is in it.
    'GET /apps/guild' => [200, '{"name":"guild","team":{"id":"t","name":"closed"}}'],
    'GET /apps/guild/teams' => [200, '[]'],
    'GET /apps/guild/collaborators' => [200, '[{"user":{"email":"pat@example.com"},"role":"viewer","created_at":"2026-11-22T12:00:00Z"}]'],
    'GET /teams/closed/members' => [403, '{"id":"forbidden","message":"you are not in it"}'],
    'GET /apps/shop/builds' => [200, encode_json([map { {id => "b$_",
        status => $_ == 2 ? 'failed' : 'succeeded', created_at =>
        "2026-11-22T12:00:0${_}Z", release => {version => $_}} } 1 .. 2])],
    'GET /apps/shop/builds/b2/log' => [200, "one\r\ntwo\e[2J", 'text/plain'],
    'GET /apps/shop/timeline?follow=1&heartbeat=1&limit=50&after=' => [200,
        qq({"id":null,"at":"2026-11-22T12:00:00.000000Z","kind":"gap","text":"Events before these are not kept any more."}\n), 'text/plain'],
    'GET /apps/shop/timeline?limit=50' => [200, encode_json([
        {at => '2026-11-22T12:00:00.123Z', kind => 'scale',
            text => 'web from 1 to 3'}])],
    'GET /apps/shop/logs?lines=100' => [200,
        "2026-11-22T12:00:00.123456+00:00 app[web.1]: \e[31mred\e[0m \e[2Jx\n"
        . "2026-11-22T12:00:01.123456+00:00 app[web.2]: no end", 'text/plain'],
    'GET /apps/shop/logs?lines=5&follow=1&ps=web.1&source=app' =>
        # cut in the middle of an event, and gone on behind the last whole one
        sub {
            my ($req, $write) = @_;
            my $behind = $req->{headers}{'last-event-id'} // '';
            $write->("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n");
            $write->($req->{headers}{accept} ne 'text/event-stream' ? "data: not asked for events\n\n"
                : $behind eq '' ? "id: 7.1\ndata: x\n\n: still there\n\nid: 7.2\ndata: y\ndata: \e[2Jz\n\nid: 7.3\ndata: ha"
                : "id: 7.3\ndata: behind $behind\n\nevent: refused\ndata: {\"message\":\"Not any more.\\u001b[2J\"}\n\n");
            return;
        },
    'POST /apps/shop/builds' => build_answer(result =>
        {build => {id => 'b'}, release => {version => 7}}),
    'POST /apps/shop/builds?detach=1' => [202, "{\n  \"id\": \"b9\"\n}\n"],
    'POST /apps/bad/builds' => build_answer(result =>
        {id => 'build_failed', message => 'no buildpack fits'}),
    'POST /apps/web/resources' => [200, '{"resources": []}'],
    'POST /apps/web/builds' => build_answer(result =>
        {build => {id => 'b'}, release => {version => 1}}),
    'POST /apps/cut/builds' => build_answer(cut => 1),
    'POST /apps/slow/builds' => build_answer(hang => 1),
    'POST /apps/full/builds' => [507,
        '{"id":"disk_full","message":"the disk is full"}'],
    'GET /apps/odd' => [200, '<html>'],
    'GET /apps/mute' => [500, 'oops'],
    'GET /apps/gone' => sub { return },
);

$m = ScriptedManager->new($dir, \%answers);
$ENV{PAAS_SOCKET} = $m->socket;

sub paas {
    my @args = @_;
    my $in = ref $args[-1] ? ${pop @args} : '';
    my ($out, $err);
    run [$paas, @args], \$in, \$out, \$err, timeout(60);
    return ($? >> 8, $out, $err);
}

# rc, what stdout and stderr match
sub check {
    my ($args, $rc, $out, $err, $name) = @_;
    my ($r, $o, $e) = paas(@$args);
    is $r, $rc, "$name: exit status" or diag "$o$e";
    like $o, $out, "$name: output" if $out;
    is $o, '', "$name: no output" unless $out;
    like $e, $err, "$name: message" if $err;
    is $e, '', "$name: no message" unless $err;
    unlike "$o$e", qr/[\x00-\x08\x0b-\x1f\x7f]/, "$name: no control bytes";
    return $o;
}

sub last_request {
    my @all = $m->requests;
    my $r = $all[-1];
    $r->{json} = length($r->{body} // '')
        ? eval { decode_json(pack 'H*', $r->{body}) } : undef;
    return $r;
}

# ---- errors and their exit statuses ------------------------------------

check ['--version'], 0, qr/^paas [\d.]+\n$/, undef, 'version';
check [], 0, qr/^usage: paas VERB/, undef, 'no verb';
check ['pss'], 2, undef, qr/no verb 'pss'.*did you mean:.*paas ps /s, 'mistyped';
check ["a\eb"], 2, undef, qr/no verb 'a\\x1bb'/, 'verb with an escape';
check ['ps', '--what'], 2, undef, qr/^paas: ps: unknown option --what\n/, 'option';
check ['ps', '--jsno'], 2, undef, qr/^paas: ps: unknown option --jsno: did you mean --json\?\n +see: paas ps --help\n$/, 'option, mistyped';
check ['logs', '--foll'], 2, undef, qr/did you mean --follow\?/, 'the beginning of an option';
check ['ps', '-a', 'shp'], 1, undef, qr/^paas: there is nothing at that path\n +did you mean: shop\n$/, 'an app, mistyped';
check ['apps:info', 'hsop'], 1, undef, qr/did you mean: shop\n$/, 'and as an argument';
check ['help', 'ps:scal'], 2, undef, qr/no verb 'ps:scal'.*did you mean:.*paas ps:scale /s, 'help of a verb, mistyped';
check ['ps'], 2, undef, qr/which app\? Name it with -a APP, in PAAS_APP/, 'no app';
check ['ps', '-a', 'No!'], 2, undef, qr/-a: 'No!' is no name/, 'no name';
check ['--socket', "$dir/none", 'apps'], 3, undef,
    qr{cannot reach the manager at \S+/none: No such file.*scripts/up.*paas login}, 'no manager';
check ['ps', '-a', 'nosuch'], 1, undef, qr/^paas: there is nothing at that path\n$/, '404';
check ['apps:info', 'mute'], 1, undef, qr/answered 500 and did not say why/, '500';
check ['apps:info', 'odd'], 1, undef, qr/is not the manager: no JSON/, 'no JSON';
check ['apps:info', 'gone'], 1, undef, qr/connection to the manager broke off/, 'cut off';
check ['apps:create', 'taken'], 1, undef,
    qr/^paas: Name taken is already takenx\\x1b\]0;owned\\x07\\u009b31m\n$/, 'API error';
{
    open my $full, '>', '/dev/full' or die;
    my $pid = fork // die;
    if ($pid == 0) {
        open STDOUT, '>&', $full; open STDERR, '>', "$dir/err";
        exec $paas, 'help' or POSIX::_exit(9);
    }
    waitpid $pid, 0;
    is $? >> 8, 1, 'a full disk is an error';
}

# ---- help, completion, manual ------------------------------------------

my ($rc, $overview) = paas('help');
{
    my %times;
    $times{$_}++ for $overview =~ /^(\w[\w ]*)$/mg;
    is join(',', grep { $times{$_} > 1 } sort keys %times), '', 'each heading stands there once';
    ok $times{Watching}, 'and they are headings';
}
for my $verb ($overview =~ /^  ([a-z:]+) /mg) {
    my ($r, $o) = paas($verb, '--help');
    ok $r == 0 && $o =~ /^usage: paas \Q$verb\E/ && $o =~ /^  paas \Q$verb\E/m,
        "$verb --help has usage and an example";
    my (undef, $same) = paas('help', $verb);
    is $same, $o, "help $verb is the same";
}
for my $shell ('bash', 'zsh', 'fish') {
    my ($r, $o) = paas('completion', $shell);
    ok $r == 0 && $o =~ /ps:scale|ps\\:scale/, "completion $shell";
    next if system("which $shell > /dev/null 2>&1");
    run [$shell, '-n'], \$o, \my $out, \my $err;
    is $? >> 8, 0, "$shell takes it" or diag $err;
}
{
    my (undef, $script) = paas('completion', 'bash');
    my $complete = sub {
        my ($line) = @_;
        my $ask = "PATH=$build/bin:\$PATH\n$script\nCOMP_LINE='$line'\n"
            . "COMP_POINT=\${#COMP_LINE}\n_paas\n"
            . "printf '%s\\n' \"\${COMPREPLY[\@]}\" | sort | xargs\n";
        run ['bash', '--norc'], \$ask, \my $out, \my $err;
        diag $err if $err;
        chomp $out;
        return $out;
    };
    is $complete->('paas ps:s'), 'scale stop', 'bash: behind a colon';
    is $complete->('paas pu'), 'push', 'bash: a verb';
    is $complete->('paas logs --fo'), '--follow', 'bash: an option';
    like $complete->('paas logs -a s'), qr/^shop$/, 'bash: an app';
    is $complete->('paas completion f'), 'fish', 'bash: a shell';
}
{
    my (undef, $mdoc) = paas('help', '--mdoc');
    open my $page, '<', "$Bin/../manager/man/paas.1" or die;
    local $/;
    is $mdoc, <$page>, 'manager/man/paas.1 is what the grammar says: else '
        . '`build/bin/paas help --mdoc > manager/man/paas.1`';
}

# ---- a verb for every route -------------------------------------------------

# Methods and paths that stand in one function of the CLI; those that a helper
# puts together, by the verb; and those that no verb asks, on purpose.
{
    my %by = (
        'GET /apps/:/formation/:/autoscale' => 'autoscale', 'PUT /apps/:/formation/:/autoscale' => 'autoscale:set',
        'DELETE /apps/:/formation/:/autoscale' => 'autoscale:off',
        map({ ("PUT /apps/:/formation/:/$_" => "ps:$_", "DELETE /apps/:/formation/:/$_" => "ps:$_") } qw(health readiness)),
        'PUT /apps/:/sleep' => 'sleep:set', 'DELETE /apps/:/sleep' => 'sleep:off',
        map({ ("GET $_" => 'certs', "POST $_" => 'certs:add', "GET $_/:" => 'certs:info', "PATCH $_/:" => 'certs:update',
            "DELETE $_/:" => 'certs:remove') } '/apps/:/sni-endpoints', '/certificates'),
        'GET /apps/:/logs' => 'logs', 'GET /apps/:/rollout' => 'rollout', 'PATCH /apps/:/rollout' => 'rollout:set',
        map({ ("POST /apps/:/rollout/$_" => "rollout:$_") } qw(promote abort)),
        map({ ("$_ /teams/:/members" => 'members:add') } qw(POST PUT PATCH)),
        'PUT /routes/:' => 'routes:add', 'PATCH /routes/:' => 'routes:set', 'DELETE /oauth/authorizations/:' => 'logout',
    );
    my $listed = 'the list tells as much; `paas api` asks for one';
    my $heroku = 'for clients of Heroku\'s, which ask it; `paas api` does';
    my $inside = 'a program of the platform asks it';
    my %why = (
        map({ ("GET $_/:" => $listed) } map({ "/apps/:/$_" } qw(collaborators cron domains log-drains slugs)), qw(/buildpacks /patterns /regions
            /sessions /stacks /tokens /users)),
        map({ ("GET $_" => $heroku) } qw(/account/features /account/rate-limits /addons /addon-attachments /addon-services /apps/:/addons
            /apps/:/addon-attachments /apps/:/available-stacks /apps/:/features /users/~/apps /oauth/authorizations /oauth/authorizations/:
            /apps/:/builds/:/result)),
        map({ ($_ => $heroku) } 'PATCH /account', 'PATCH /oauth/authorizations/:', 'POST /oauth/authorizations/:/actions/regenerate-tokens',
            'POST /apps/:/log-sessions', 'GET /streams/:', 'PUT /streams/:', 'POST /sources', 'POST /apps/:/sources', 'POST /apps/:/slugs',
            'PATCH /apps/:/domains/:'),
        map({ ("$_ /teams/apps/:/collaborators/:" => $heroku) } qw(GET PATCH DELETE)),
        map({ ("$_ /teams/apps/:/collaborators" => $heroku) } qw(GET POST)),
        map({ ($_ => $heroku) } 'POST /teams/apps', 'GET /teams/apps/:', 'GET /teams/permissions', 'GET /teams/:/features',
            'POST /account/app-transfers'),
        'GET /teams/:/members/:' => $listed,
        'DELETE /apps/:/formations/:' => $heroku, 'POST /apps/:/formations/:/actions/stop' => $heroku,
        'GET /account/keys/:/login' => $inside, 'GET /git/:/:' => $inside, 'POST /sessions' => 'browsers log in, a CLI has tokens',
    );
    my %asked;
    for my $file (glob "$Bin/../manager/cli/{,*/}*.c") {
        open my $fh, '<', $file or die "$file: $!";
        for my $function (split /^\}\n/m, do { local $/; <$fh> }) {
            my @methods = $function =~ /"(GET|POST|PUT|PATCH|DELETE)"/g;
            for my $path ($function =~ m{"(/[a-z][^"?\s]*)[^"]*"}g) {
                $path =~ s/%s/:/g;
                $asked{"$_ $path"} = 1 for @methods;
            }
        }
    }
    open my $fh, '<', "$Bin/../manager/api/api_table.c" or die "api_table.c: $!";
    my %route = map { /^\{"(\w+)",\s+"([^"]+)"/ ? ("$1 $2" => 1) : () } <$fh>;
    cmp_ok scalar keys %route, '>', 100, 'the table of routes is read';
    is join("\n", grep { !$asked{$_} && !$by{$_} && !$why{$_} } sort keys %route), '',
        'every route of the API has a verb, or a reason above to have none';
    is join("\n", grep { !$route{$_} || $asked{$_} && $why{$_} } sort keys %by, sort keys %why), '', 'no reason is out of date';
    my %verb = map { $_ => 1 } $overview =~ /^  ([a-z:]+) /mg;
    is_deeply [grep { !$verb{$_} } sort values %by], [], 'and those verbs are there';
}

# ---- the API as it is ---------------------------------------------------------

for (['regions', 'eu', 'This machine'], ['stacks', 'debian-12', 'public'], ['sessions', 'root', '10\.0\.0\.9'], ['buildpacks:known', 'paas/nodejs', '']) {
    my ($verb, @want) = @$_;
    my $all = check [$verb], 0, qr/$want[0] .*$want[1]|$want[0]/, undef, $verb;
    is_deeply decode_json(check [$verb, '--json'], 0, qr/^\[\n/, undef, "$verb --json"),
        decode_json($answers{'GET /' . $verb =~ s/:known//r}[1]), "$verb --json is the API's";
}
check ['sessions:end', '1' x 16], 0, qr/^The session 1{16} has ended\n$/, undef, 'sessions:end';
is last_request()->{method}, 'DELETE', 'ends it';
is_deeply decode_json(check ['api', '/regions'], 0, qr/^\[\n/, undef, 'api'), decode_json($answers{'GET /regions'}[1]), 'api: what it says';
check ['api', 'patch', '/apps/shop', '--body', '{"maintenance":true}'], 0, qr/"maintenance": true/, undef, 'api: a change';
is_deeply last_request()->{json}, { maintenance => JSON::PP::true }, 'with its body';
check ['api', 'POST', '/tokens', '-b', '-', \'{"scope":"read"}'], 0, qr/"scope=read"/, undef, 'api: from standard input';
check ['api', '/apps/shop/builds/b2/log'], 0, qr/^one\n?.*\n?two/, undef, 'api: text';
check ['api', '/apps'], 0, qr/\\u001b\]0;owned/i, undef, 'api: nothing raw';
check ['api', '/nowhere'], 1, undef, qr/nothing at that path/, 'api: what is not there';
check ['api', 'LIST', '/apps'], 2, undef, qr/'LIST' is no method: GET, POST/, 'api: a method';
check ['api', 'apps'], 2, undef, qr{'apps' is no path: it begins with a slash}, 'api: a path';
check ['api', 'GET', "/apps\r\nX: y"], 2, undef, qr/is no path/, 'api: one request only';
check ['api', 'POST', '/apps', '--body', '{'], 2, undef, qr/--body is not JSON: .*line 1/, 'api: a body';
check ['api:schema'], 0, qr/"openapi": "3/, undef, 'api:schema';

# ---- which app -----------------------------------------------------------

mkdir "$dir/proj"; mkdir "$dir/proj/sub";
chdir "$dir/proj/sub";
open my $f, '>', "$dir/proj/.paas"; print $f "shop\n"; close $f;
check ['ps'], 0, qr/web\.1/, undef, '.paas of a parent';
{
    local $ENV{PAAS_APP} = 'nosuch';
    check ['ps'], 1, undef, qr/nothing/, 'PAAS_APP goes before .paas';
    check ['ps', '-a', 'shop'], 0, qr/web\.1/, undef, '-a goes before PAAS_APP';
}
open $f, '>', "$dir/proj/.paas"; print $f "../x\n"; close $f;
check ['ps'], 2, undef, qr{/proj/\.paas: '\.\./x' is no name}, 'a bad .paas';
unlink "$dir/proj/.paas";
chdir $dir;

# ---- verbs ------------------------------------------------------------------

my $o = check ['apps'], 0, qr/^NAME +STATE +RELEASED +URL\nshop +on +\S/, undef, 'apps';
like $o, qr/^x\\x1b\]0;owned\\x07\\u009b31m +nothing pushed yet/m, 'a hostile name';
unlike $o, qr/\t/, 'no tabs';
like $o, qr/^shop  on  \d+\w ago  http/m, 'and no padding in a pipe';
check ['apps', '--names'], 0, qr/^shop\nx\\x1b/, undef, 'apps --names';
$o = check ['apps', '--json'], 0, qr/^\[\n/, undef, 'apps --json';
is_deeply decode_json($o), decode_json($answers{'GET /apps'}[1]), '--json is the API\'s';
check ['apps:create', 'new'], 0, qr/^Created new\nPush to it with: paas push -a new\n/, undef, 'create';
is last_request()->{json}{name}, 'new', 'the name is sent';
check ['create'], 0, qr/^Created quiet-moon-7/, undef, 'create without a name';
chdir "$dir/proj";
check ['apps:create', 'new', '--here'], 0, qr/^Created new/, undef, 'create --here';
is `cat .paas`, "new\n", '.paas is written';
unlink '.paas';
chdir $dir;
check ['apps:info', 'shop'], 0, qr/^App +shop\n.*Stack +debian-12/s, undef, 'info';
check ['apps:destroy', 'shop'], 2, undef, qr/add --confirm shop/, 'destroy';
check ['apps:destroy', 'shop', '--confirm', 'sop'], 2, undef, qr/'sop' is another name/, 'destroy, mistyped';
check ['apps:destroy', 'shop', '--confirm', 'shop'], 0, qr/^Removed shop/, undef, 'destroy --confirm';
check ['stop', '-a', 'shop'], 0, qr/^Stopping shop/, undef, 'stop';
check ['maintenance:on', '-a', 'shop'], 0, qr/is on/, undef, 'maintenance';
is_deeply last_request()->{json}, {maintenance => JSON::PP::true}, 'as a boolean';

$ENV{PAAS_APP} = 'shop';
check ['ps'], 0, qr/^web\.1 +ready +\S.*v3 +0 +198\.18\.0\.2 +npm start\nweb\.2 +backing off .* 4 +exited with 1$/m, undef, 'ps';
check ['ps:scale', 'web=3', 'worker=1'], 0, qr/^web +3 /m, undef, 'scale';
is_deeply last_request()->{json}, {updates => [{type => 'web', quantity => 3},
    {type => 'worker', quantity => 1}]}, 'one request for all types';
check ['ps:scale', 'web+2'], 0, qr/^web +4 /m, undef, 'scale +2';
check ['ps:scale', 'web-5'], 0, qr/^web +0 /m, undef, 'scale -5 stops at none';
check ['ps:scale'], 0, qr/^web +2 +npm start$/m, undef, 'scale without arguments';
for my $bad ('web', '=3', 'web=', 'web=x', 'web=-1', 'web=99999999999999999999') {
    check ['ps:scale', $bad], 2, undef, qr/TYPE=COUNT|is not a number/, "scale $bad";
}
check ['ps:restart'], 0, qr/Restarting all processes of shop/, undef, 'restart all';
check ['ps:restart', 'web.1'], 0, qr/Restarting web\.1/, undef, 'restart one';
check ['ps:stop', 'web.2'], 0, qr/Stopping web\.2/, undef, 'stop one';

check ['config'], 0, qr/^A +1\nQ +it's\\nso x\\x1b/m, undef, 'config';
check ['config:get', 'A'], 0, qr/^1\n$/, undef, 'get';
check ['config:get', 'NO'], 1, undef, undef, 'get what is not set';
check ['buildpacks'], 0, qr/^1\. pack0.*\n2\. pack1/, undef, 'buildpacks';
check ['buildpacks:add', 'https://x/y.git'], 0, qr/^The next push.*\n1\. pack0.*\n2\. pack1.*\n3\. https:..x.y\.git\n/, undef, 'one more';
check ['buildpacks:add', '-i', '1', 'new'], 0, qr/\n1\. new\n2\. pack0/, undef, 'at the first place';
check ['buildpacks:add', '--index', '4', 'new'], 2, undef, qr/from 1 to 3/, 'a place that there is not';
check ['buildpacks:add', 'pack0'], 1, undef, qr/has that buildpack already/, 'one that is there';
check ['buildpacks:set', 'new'], 0, qr/\n1\. new\n2\. pack1/, undef, 'in the place of the first';
check ['buildpacks:set', '-i', '2', 'new'], 0, qr/\n1\. pack0.*\n2\. new/, undef, 'of the second';
check ['buildpacks:remove', 'pack0'], 0, qr/\n1\. pack1/, undef, 'one less';
check ['buildpacks:remove', '-i', '2'], 0, qr/\n1\. pack0/, undef, 'by its place';
check ['buildpacks:remove', 'none'], 1, undef, qr/no such buildpack/, 'one that is not there';
check ['buildpacks:remove'], 2, undef, qr/name the buildpack, or its place/, 'none named';
check ['buildpacks:remove', '-i', '3'], 2, undef, qr/from 1 to 2/, 'a place that is not there';
check ['buildpacks:clear'], 0, qr/the one that fits is found/, undef, 'none any more';

check ['config:set', 'X=1=2', 'Y='], 0, qr/^Set X of shop\nSet Y of shop\n/, undef, 'set';
is_deeply last_request()->{json}, {X => '1=2', Y => ''}, 'the values are sent';
check ['config:set', 'S', \"geheim\n"], 0, qr/^Set S/, undef, 'set from standard input';
is_deeply last_request()->{json}, {S => 'geheim'}, 'without the last newline';
check ['config:set', '=x'], 2, undef, qr/is not NAME=VALUE/, 'set without a name';
check ['config:set', "X=\xff"], 2, undef, qr/UTF-8/, 'set what is not UTF-8';
check ['config:unset', 'A', 'B'], 0, qr/^Removed A/, undef, 'unset';
is_deeply last_request()->{json}, {A => undef, B => undef}, 'nulls are sent';
{
    my (undef, $shell) = paas('config', '--shell');
    my $script = "$shell\nprintf '%s' \"\$Q\"";
    run ['sh'], \$script, \my $back;
    utf8::encode(my $want = "it's\nso $evil");
    is $back, $want, 'config --shell gives a shell the same bytes';
}

check ['domains'], 0, qr/^www\.example\.com +custom/m, undef, 'domains';
check ['domains:add', 'www.example.com'], 0, qr/^shop answers at www/, undef, 'domains:add';
check ['domains:remove', '*.example.com'], 0, qr/no longer answers at/, undef, 'domains:remove';
check ['tokens'], 0, qr/^0{16} +shop +deploy +root .* expired +never +ci .*\n1{16} +\(all\) +deploy +ann .* never /m, undef, 'tokens';
check ['tokens:create'], 0, qr/^app= scope=deploy$/m, qr/^Token 2{16} of scope deploy for all apps/, 'tokens:create';
check ['tokens:create', 'for ci', '-a', 'shop', '--expires', '30d'], 0,
    qr/^app=shop description=for ci expires_in=2592000 scope=deploy$/m, qr/ for shop\. It is shown this once/, 'tokens:create with everything';
check ['tokens:create', '--expires', $_], 2, qr/^$/, qr/--expires .*30d for thirty days/, "a token that expires in $_"
    for '30', 'd', '0d', '-1d', '1y', '9999999999999999999d';
check ['tokens:revoke', '0' x 16], 0, qr/^Token 0{16} is good for nothing now$/m, undef, 'tokens:revoke';
check ['routes'], 0, qr{^old\.example\.com +/ +two_choices +100 +10\.0\.0\.2:80\n +50 +\[fd00::1\]:81$}m, undef, 'routes';
check ['routes:add', 'old.example.com', '10.0.0.2:80', '[fd00::1]:81=50',
    '--path', '/x', '--strip', '--balance', 'ewma'], 0, qr/10\.0\.0\.2:80/, undef, 'routes:add';
is_deeply last_request()->{json}, {path => '/x', strip => JSON::PP::true,
    balance => 'ewma', instances => [
        {address => '10.0.0.2', port => 80, weight => 100},
        {address => 'fd00::1', port => 81, weight => 50}]}, 'as the API has it';
check ['routes:add', 'old.example.com', '10.0.0.2:80', 'app:shop=5', 'balance=ewma', 'to_https=on', 'slow-start=3'],
    0, qr/ 5 +app:shop\n +100 +10\.0\.0\.2:80 \(outside\)$/m, undef, 'routes:add with an app and settings';
is_deeply last_request()->{json}, {balance => 'ewma', to_https => 'on', slow_start => '3',
    apps => [{app => 'shop', weight => 5}],
    instances => [{address => '10.0.0.2', port => 80, weight => 100}]}, 'as the API has it';
check ['routes:set', 'old.example.com', 'sticky=on', '--path', '/x'], 0, qr/The route has no addresses/, undef, 'routes:set';
is_deeply last_request()->{json}, {path => '/x', sticky => 'on'}, 'what it names';
check ['routes:split', 'old.example.com', 'shop=90', 'next=10', '--outside', '5'], 0, qr/The route has no addresses/, undef, 'routes:split';
is_deeply last_request()->{json}, {weight => 5, apps => [{app => 'shop', weight => 90}, {app => 'next', weight => 10}]}, 'shares';
check ['routes:split', 'old.example.com', 'shop', '--outside', '0'], 0, qr/The route has no addresses/, undef, 'no addresses any more';
is_deeply last_request()->{json}, {instances => [], apps => [{app => 'shop', weight => 100}]}, 'as the API has it';
check ['routes:split', 'h', 'shop=0'], 2, undef, qr/weight of an app is 1 to 10000/, 'a weight of nothing';
check ['routes:set', 'h', '10.0.0.2:80'], 2, undef, qr/is not SETTING=VALUE/, 'an address is no setting';
check ['patterns'], 0, qr{^10 pr-\.\* +/ +\(?.*app:next$}m, undef, 'patterns';
check ['patterns:add', '10', 'pr-.*', 'app:next', 'strip=on'], 0, qr/^10 pr-/m, undef, 'patterns:add';
is_deeply last_request()->{json}, {pattern => 'pr-.*', strip => 'on', instances => [], apps => [{app => 'next', weight => 100}]}, 'as the API has it';
check ['patterns:remove', '10'], 0, qr/^Removed the pattern of order 10$/m, undef, 'patterns:remove';
check ['http'], 0, qr/^balance +ewma\nqueue +7\nsticky +on\nto_host +\(none\)$/m, undef, 'http';
check ['http:set', 'balance=ewma', 'sticky=on'], 0, qr/^sticky +on$/m, undef, 'http:set';
is_deeply last_request()->{json}, {balance => 'ewma', sticky => 'on'}, 'as text';
check ['autoscale:set', 'min=1', 'max=10', 'p95=200ms'], 0, qr/^p95 +200 ms$/m, undef, 'autoscale:set';
is_deeply last_request()->{json}, {min => '1', max => '10', p95 => '200ms'}, 'a setting with digits in its name';
check ['http:unset', 'sticky', 'queue'], 0, qr/^balance/m, undef, 'http:unset';
is_deeply last_request()->{json}, {sticky => undef, queue => undef}, 'as null';
check ['http:set', 'sticky'], 2, undef, qr/is not SETTING=VALUE, as balance=ewma/, 'http:set of nothing';
for my $bad ('10.0.0.2', ':80', 'a:0', 'a:70000', 'a:80=0', 'a:x') {
    check ['routes:add', 'h', $bad], 2, undef, qr/ADDRESS:PORT|a port is/, "route to $bad";
}
check ['routes:remove', 'old.example.com'], 0, qr/^Removed/, undef, 'routes:remove';
{
    # Sorted for the manager, pools first; lines are told as they are in the file.
    my $file = "$dir/routes";
    open my $fh, '>', $file or die;
    print {$fh} "# ours\n\nb.test /b \@web\r\n*.B.test \@api\nB.test  \@web\n\@web 10.0.0.1:80\n"
        . "  a.test \@web \nb.test /a \@web\n\@api 10.0.0.1:81\nb-a.test \@web";
    close $fh;
    check ['routes:import', $file], 0, qr/^6 hosts on 2 pools, imported .* by root$/m, undef, 'routes:import';
    is pack('H*', last_request()->{body}), "\@web 10.0.0.1:80\n\@api 10.0.0.1:81\n*.B.test \@api\na.test \@web\n"
        . "b-a.test \@web\nB.test  \@web\nb.test /a \@web\nb.test /b \@web\n", 'in order';
    open $fh, '>', $file or die;
    print {$fh} "\n\nz.test \@none\na.test \@none\n";
    close $fh;
    check ['routes:import', $file], 1, undef, qr/^paas: line 3: there is no pool/m, 'and the line of the file is told';
    check ['routes:import', "$dir/none"], 1, undef, qr/cannot read .*none: No such file/, 'no such file';
    check ['routes:imported'], 0, qr/^6 hosts/m, undef, 'routes:imported';
    check ['routes:export'], 0, qr/^a\.test \@web$/m, undef, 'routes:export';
    check ['routes:unimport'], 0, qr/^Removed all imported/m, undef, 'routes:unimport';
}

check ['releases'], 0, qr/^v3 +succeeded \(current\).*\nv2 /m, undef, 'releases, latest first';
check ['releases', '-n', '1'], 0, qr/^VERSION.*\nv3.*\n$/, undef, 'one release';
check ['releases', '-n', 'x'], 2, undef, qr/number/, 'x releases';
check ['releases:info', 'v2'], 0, qr/^What +two$/m, undef, 'releases:info';
check ['releases:info', 'v2'], 0,
    qr/^Status +failed\nWhy +web\.1: no\n.*^Config +KEY, OTHER\nThe last lines of web\.1:\n    on the way\n    \\x1b\[2Jdown\n$/ms,
    undef, 'and of one that failed, why';
check ['rollout'], 0, qr/^v3 of shop: a canary is in service.*\nv2 is live\n.*^web +3 +1 +1 +3\n.*^strategy +canary$/ms, undef,
    'rollout';
check ['rollout:set', 'strategy=canary', 'max_surge=2'], 0, qr/^strategy +canary$/m, undef, 'rollout:set';
is_deeply(decode_json(pack 'H*', last_request()->{body}), {strategy => 'canary', max_surge => '2'}, 'as text');
check ['rollout:set', 'canary'], 2, undef, qr/canary/, 'rollout:set of no setting';
check ['rollout:unset', 'max_surge'], 0, qr/^max_surge/m, undef, 'rollout:unset';
is(pack('H*', last_request()->{body}), '{"max_surge":null}', 'by null');
check ['rollout:promote'], 0, qr/^v3 of shop takes over$/m, undef, 'rollout:promote';
check ['rollout:abort'], 1, undef, qr/no roll-out under way/, 'rollout:abort';
check ['rollback'], 0, qr/^v4 of shop is what v2 was/, undef, 'rollback to the one before';
check ['rollback', 'v1'], 0, qr/what v1 was/, undef, 'rollback v1';
check ['access', '-a', 'guild'], 0, qr/^team closed +each as in the team +-\npat\@example.com +viewer /m, '', 'access to an app of a team of others';
check ['builds'], 0, qr/^b2 +failed.*v2\nb1 /m, undef, 'builds';
check ['builds:log'], 0, qr/^one\ntwo\\x1b\[2J\n$/, undef, 'log of the latest build';
check ['timeline', '-f'], 0, qr/^2026-11-22T12:00:00 +gap +Events before these are not kept any more\.$/m, undef, 'timeline -f tells of a gap';
check ['timeline'], 0, qr/^2026-11-22T12:00:00 +scale +web from 1 to 3$/m, undef, 'timeline';
check ['logs'], 0, qr/^2026\S+ app\[web\.1\]: red \\x1b\[2Jx\n2026\S+ app\[web\.2\]: no end\n$/, undef, 'logs';
check ['logs', '-f', '-n5', '--ps', 'web.1', '--source', 'app'], 1, qr/^x\ny\\r\\x1b\[2Jz\nbehind 7\.2\n$/,
    qr/^paas: the connection to the manager broke off: [^\n]*; asking again until there is an answer\npaas: Not any more\.\\x1b\[2J\n$/,
    'logs -f with all options, a connection that breaks off, and a refusal';
$o = check ['logs', '--json'], 0, qr/^\{/, undef, 'logs --json';
is_deeply decode_json((split /\n/, $o)[0]), {at => '2026-11-22T12:00:00.123456+00:00',
    source => 'app', ps => 'web.1', text => '\x1b[31mred\x1b[0m \x1b[2Jx'}, 'a line of JSON';
check ['status'], 1, qr/^Manager +ok +revision 42\nLauncher +does not answer.*scripts\/up.*\nRouter +does not answer.*\nApps +2\nProcesses +2 +1 up, 1 crashed|1 crashed, 1 up/, undef, 'status without a router';

# ---- a terminal ---------------------------------------------------------------

sub on_terminal {
    my ($env, @args) = @_;
    my $pty = IO::Pty->new;
    my $pid = fork // die;
    if ($pid == 0) {
        my $tty = $pty->slave;
        $tty->set_winsize(24, 60) if $tty->can('set_winsize');
        open STDIN, '<&', $tty; open STDOUT, '>&', $tty; open STDERR, '>&', $tty;
        local %ENV = (%ENV, %$env);
        exec $paas, @args or POSIX::_exit(9);
    }
    $pty->close_slave;
    my $out = '';
    while (sysread $pty, my $buf, 65536) { $out .= $buf }
    waitpid $pid, 0;
    return $out;
}

like on_terminal({NO_COLOR => 1}, 'apps'), qr/^NAME {9,}STATE {5,}RELEASED/m, 'columns are aligned on a terminal';
like on_terminal({}, 'ps'), qr/\e\[32mready\e\[0m.*\e\[31mbacking off\e\[0m/s, 'states have colours';
unlike on_terminal({NO_COLOR => 1}, 'ps'), qr/\e\[\d/, 'not with NO_COLOR';
unlike on_terminal({TERM => 'dumb'}, 'ps'), qr/\e\[\d/, 'nor on a dumb terminal';
like on_terminal({}, 'logs'), qr/\e\[31mred\e\[0m \\x1b\[2Jx\e\[0m\r\n/, 'colours of logs are kept, no more';
unlike on_terminal({NO_COLOR => 1}, 'logs'), qr/\e/, 'no colours of logs with NO_COLOR';
unlike on_terminal({}, $_), qr/\e(?!\[[0-9;]*m)|\a/, "$_ sends nothing else to a terminal"
    for 'apps', 'config', 'builds:log', 'logs';

# ---- push ---------------------------------------------------------------------

sub tree {
    my ($path, %files) = @_;
    system 'rm', '-rf', $path;
    for my $name (sort keys %files) {
        my $full = "$path/$name";
        system 'mkdir', '-p', $full =~ s{/[^/]*$}{}r;
        open my $to, '>:raw', $full or die "$full: $!";
        print $to $files{$name};
        close $to;
    }
}

my $long = 'n' x 120;
tree("$dir/app", 'package.json' => '{}', 'bin/run' => "#!/bin/sh\n",
    'node_modules/x/y.js' => 'y', '.gitignore' => "node_modules/\n*.log\n!keep.log\n",
    'a.log' => 'a', 'keep.log' => 'k', 'sub/.gitignore' => "/only\n",
    'sub/only' => 'o', 'sub/deep/only' => 'o', '.slugignore' => "docs\n*.psd\n",
    'docs/a' => 'd', 'x.psd' => 'p', '.git/HEAD' => 'ref', "\xc3\xa9/\xff" => 'bytes',
    "$long/$long/$long" => 'long', 'empty' => '');
chmod 0755, "$dir/app/bin/run";
chmod 06750, "$dir/app/package.json";
symlink 'bin/run', "$dir/app/start";
symlink '/etc/passwd', "$dir/app/away";
system 'mkfifo', "$dir/app/pipe";
mkdir "$dir/app/none";

$o = check ['push', "$dir/app"], 0,
    qr/^-----> Node\.js app detected\n\{"this": "is output"\}\n       green \\x1b\[2Jx\\x1b\]0;owned\\x07\\u009b31m\n       v7 of shop serves at http:\/\/shop\.paas\.localhost:8080\/\n$/,
    qr/^ +1 sockets, pipes or devices are left out\n$/, 'push';
my ($sent) = grep { $_->{path} eq '/apps/shop/builds' && $_->{method} eq 'POST' } $m->requests;
is $sent->{headers}{'transfer-encoding'}, 'chunked', 'chunked';
is $sent->{headers}{'content-type'}, 'application/x-tar', 'a tar';
mkdir "$dir/got";
is system("tar --warning=no-unknown-keyword -xpzf $dir/upload -C $dir/got"), 0, 'the server can unpack it';
is system("rm -rf $dir/app/node_modules $dir/app/a.log $dir/app/sub/only "
    . "$dir/app/docs $dir/app/x.psd $dir/app/.git $dir/app/pipe; "
    . "chmod 0750 $dir/app/package.json; "
    . "diff -r --no-dereference $dir/app $dir/got"), 0, 'it holds what it should';
is((stat "$dir/got/bin/run")[2] & 07777, 0755, 'modes are kept');
is((stat "$dir/got/package.json")[2] & 07777, 0750, 'but set-user-id');
is readlink "$dir/got/away", '/etc/passwd', 'links are links';
paas('push', "$dir/app");
my $first = `sha256sum < $dir/upload`;
sleep 1.1;
paas('push', "$dir/app");
is `sha256sum < $dir/upload`, $first, 'the same folder makes the same bytes';
my $names = `LC_ALL=C tar --warning=no-unknown-keyword -tzf $dir/upload | grep -v nnnn`;
is $names, join('', map { "$_\n" } '.gitignore', '.slugignore', 'away', 'bin/',
    'bin/run', 'empty', 'keep.log', 'none/', 'package.json', 'start', 'sub/',
    'sub/.gitignore', 'sub/deep/', 'sub/deep/only', '\303\251/', '\303\251/\377'),
    'in order of bytes';

$o = check ['push', '--json', "$dir/app"], 0, qr/^\{/, qr/^-----> Node/, 'push --json';
is decode_json($o)->{release}{version}, 7, 'the result alone on standard output';
check ['push', '-d', "$dir/app"], 0, qr/The build goes on: paas builds -a shop/, undef, 'push --detach';
check ['push', '-a', 'bad', "$dir/app"], 1, qr/^-----> Node/, qr/^paas: no buildpack fits\n$/, 'a failed build';
check ['push', '-a', 'cut', "$dir/app"], 1, qr/^-----> Node/, qr/^paas: .*broke off: [^\n]*; whether the build goes on, `paas builds:info -a cut` tells$/m, 'a build cut off';
check ['push', '-a', 'full', "$dir/app"], 1, undef, qr/^paas: the disk is full\n$/, 'a refused upload';
check ['push', '-a', 'nosuch', "$dir/app"], 1, undef, qr/^paas: there is no app nosuch: add --create.*apps:create nosuch/, 'push to no app';
check ['push', 'nosuch'], 1, undef, qr/^paas: there is no app nosuch: add --create/m, 'push of a word that is no folder names the app';
check ['push', '-a', 'shop', 'nosuch'], 1, undef, qr/cannot push nosuch: No such file/, 'unless one is named';
check ['push', "$dir/nowhere"], 1, undef, qr/cannot push \S+nowhere: No such file/, 'push of nothing';
mkdir "$dir/void";
check ['push', "$dir/void"], 1, undef, qr/there is nothing to push/, 'push of an empty folder';
{
    local $ENV{PAAS_APP};
    delete $ENV{PAAS_APP};
    check ['push', "$dir/app"], 2, undef, qr/which app\?/, 'push without a name';
    tree("$dir/My_Blog", 'index.html' => 'x');
    check ['push', "$dir/My_Blog", '--create'], 1, qr/Created my-blog/, qr/Wrote \S+\.paas: this folder is my-blog.*nothing at that path/s, 'push --create by the folder\'s name';
    is `cat $dir/My_Blog/.paas`, "my-blog\n", 'the name is kept';
    open my $to, '>', "$dir/app/.paas"; print $to "web\n"; close $to;
    check ['push', "$dir/app"], 0, qr/^ +v1 of web serves at/m, undef, '.paas of the folder that is pushed';
    unlink "$dir/app/.paas";
}

# interrupted while the build runs
{
    my ($out, $err) = ('', '');
    my $h = start [$paas, 'push', '-a', 'slow', "$dir/app"], \'', \$out, \$err, timeout(30);
    my $until = time + 10;
    while ($out !~ /green/ && time < $until) { $h->pump_nb; sleep 0.05 }
    $h->signal('INT');
    finish $h;
    is $h->result, 130, 'Ctrl-C while it builds: exit status';
    like $err, qr/the upload was complete and the build goes on/, 'and it says that it goes on';
}

# a big file, with memory flat, and Ctrl-C in the middle of it
{
    tree("$dir/big", 'Procfile' => "web: x\n");
    my $mib = $ENV{PAAS_LONG} ? 2048 : 192;
    system "head -c ${mib}M /dev/urandom > $dir/big/blob";
    my ($out, $err) = ('', '');
    my $h = start [$paas, 'push', '-a', 'web', "$dir/big"], \'', \$out, \$err, timeout(300);
    my ($peak, $pid) = (0, $h->{KIDS}[0]{PID});
    while ($h->pumpable) {
        eval { $h->pump_nb };
        if (open my $st, '<', "/proc/$pid/status") {
            my ($kb) = join('', <$st>) =~ /VmHWM:\s+(\d+)/;
            $peak = $kb if $kb && $kb > $peak;
        }
        sleep 0.02;
    }
    finish $h;
    ok !$h->result, "push of $mib MiB" or diag $err;
    ok $peak > 0 && $peak < 24 * 1024, "with at most 24 MiB of memory ($peak KiB)";
    # What goes first is the list of all files; the archive names them by their hash.
    open my $body, '<', "$dir/upload" or die;
    my ($length) = <$body> =~ /^paas-push 1 (\d+)$/ or die 'no list';
    read $body, my ($list), $length;
    like $list, qr/^f 644 7 [0-9a-f]{64} \d+\0Procfile\0f 644 \d+ ([0-9a-f]{64}) \d+\0blob\0$/, 'its list';
    my ($hash) = $list =~ /([0-9a-f]{64}) \d+\0blob/;
    my $at = 1 + tell $body;
    close $body;
    is `tail -c +$at $dir/upload | tar -xzO $hash | cmp - $dir/big/blob && echo same`, "same\n", 'and every byte';

    ($out, $err) = ('', '');
    unlink "$dir/upload";
    $h = start [$paas, 'push', '-a', 'web', "$dir/big"], \'', \$out, \$err, timeout(60);
    sleep 0.3;
    $h->signal('INT');
    finish $h;
    is $h->result, 130, 'Ctrl-C while it uploads: exit status';
    like $err, qr/interrupted(?: while uploading)?: nothing is built, web stays as it is/, 'says so';
    ok !-e "$dir/upload", 'and the server saw no whole body';
    my $screen = on_terminal({}, 'push', '-a', 'web', "$dir/big");
    like $screen, qr/\rUploading [\x80-\xff]+ +\d+ %  [\d.]+ MiB sent/, 'a bar on a terminal';
    like $screen, qr/\r\e\[K-----> Node/, 'that goes away';
}

# a file that cannot be read, and one that shrinks
{
    tree("$dir/part", 'Procfile' => "web: x\n");
    system "truncate -s 3G $dir/part/sparse";
    my ($out, $err) = ('', '');
    my $h = start [$paas, 'push', '-a', 'web', "$dir/part"], \'', \$out, \$err, timeout(60);
    sleep 0.3;
    truncate "$dir/part/sparse", 10;
    finish $h;
    is $h->result, 1, 'a file that shrinks: exit status';
    like $err, qr/cannot pack sparse: it became shorter.*nothing is built/, 'is named';
}

done_testing;
