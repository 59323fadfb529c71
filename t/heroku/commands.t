#!/usr/bin/perl
# The stock heroku CLI, unchanged, through `paas heroku` against a platform:
# each command's words, and what it has done. `scripts/test --heroku` installs
# the CLI and puts it into PATH.
#
# With PAAS_RECORD=t/fixtures/heroku/requests.json what it asks is written
# there, for t/e2e/heroku.t, which asks it again.
use strict;
use warnings;
use FindBin qw($Bin);
use File::Path ();
use File::Temp qw(tempdir);
use IO::Pty ();
use IPC::Run qw(run start finish timeout pump);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$Bin/../lib";
use Platform;
use Recorder;

grep { -x "$_/heroku" } split /:/, $ENV{PATH}
    or BAIL_OUT('there is no heroku in PATH: run scripts/test --heroku');

my $p = Platform->new;
my $paas = "$p->{prefix}/bin/paas";
my $dir = tempdir(CLEANUP => 1);
my $record = Recorder->new("$dir/record.sock", "$p->{run}/manager.sock");
delete @ENV{grep { /^(HEROKU|PAAS_APP|GIT_|XDG_)/ } keys %ENV};
@ENV{qw(HOME TERM LC_ALL)} = ($dir, 'xterm', 'C.UTF-8');
mkdir "$dir/repo" or die;
my (@recorded, $out, $rc);

# One command: its output, both streams, without colours. "..." goes to stdin.
sub heroku_in {
    my ($in, @words) = @_;
    my @command = ($paas, '--socket', $record->socket, 'heroku', @words);
    run \@command, '<', \$in, '>', \my $text, '2>&1', init => sub { chdir "$dir/repo" }, timeout(120);
    $rc = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    utf8::decode($text);
    $text =~ s/\e\[[0-9;?]*[A-Za-z]//g;
    $text =~ s/^ [\x{203a}»]   (Warning: Our terms|https:\/\/dashboard).*\n//mg;
    push @recorded, { command => "@words", requests => [$record->taken] };
    return $text;
}

sub heroku { return heroku_in('', @_) }

sub works {
    my ($words, @like) = @_;
    $out = heroku(split ' ', $words);
    is($rc, 0, "heroku $words") or diag($out);
    like($out, $_, "... says $_") for @like;
}

# One clear error, ours or its own, and nothing of its insides.
sub refuses {
    my ($words, $like) = @_;
    $out = heroku(split ' ', $words);
    isnt($rc, 0, "heroku $words is refused");
    # It breaks lines, with a mark before each of an error's.
    (my $plain = $out) =~ s/\n \S{1,3}(?= )//g;
    $plain =~ s/\s+/ /g;
    like($plain, $like, "... says $like");
    unlike($out, qr/TypeError|\bat \S+\.js:\d+|Error ID: internal/, '... and no more');
}

sub git {
    my (@words) = @_;
    my ($status, $text) = (undef, '');
    run ['git', '-C', "$dir/repo", @words], '<', \'', '>', \$text, '2>&1', timeout(240);
    return ($? >> 8, $text);
}
sub app { return $p->json(@_) }

system('git', 'init', '-q', '-b', 'main', "$dir/repo") == 0 or die;
git(qw(config user.email t@example.com));
git(qw(config user.name t));
my ($name, $domain) = ('herokutest', $p->{domain});

# ---- an app, and a push --------------------------------------------------

works("apps:create $name", qr/^Creating $name\.\.\. done$/m, qr{http://$name\.\Q$domain\E:\d+/ \| https://git\.});
is(app('apps:info', $name)->{name}, $name, '... and it is there');
works('apps', qr/^$name\b/m);
heroku('apps:create', $name);
is($rc, 2, 'a name that is taken');
like($out = heroku('apps:create', 'A_b'), qr/Error: name/, 'a name that is none: our words');
unlike($out, qr/Error ID: internal/, '... and no failure of ours');

for (['Procfile', "web: python3 -m http.server \$PORT\nworker: sleep 1000\n"], ['requirements.txt', ''], ['index.html', "it serves\n"]) {
    open my $to, '>', "$dir/repo/$_->[0]" or die;
    print $to $_->[1];
}
git(qw(add .));
git(qw(commit -qm first));
my ($status, $text) = git(qw(push heroku main));
is($status, 0, 'git push heroku main') or diag($text);
like($text, qr/Python app detected/, '... builds');
ok($p->wait_up($name, 1), '... and serves');
is($p->get($name)->{body}, "it serves\n", '... what was pushed');

# The app is known by the remote from now on, as with Heroku: no -a.
works('apps:info', qr/^=== $name$/m, qr/^Web URL:\s+http:/m, qr/^Git URL:/m, qr/^Stack:/m, qr/^Slug Size:\s+\d/m);

works('apps:info --json', qr/"name": "$name"/, qr/"pipeline_coupling": null/);
works('apps --json', qr/^\[\s+\{/);
works('apps:stacks', qr/^\* debian-/m);
refuses('apps:create -n --stack heroku-24 other', qr/stack "heroku-24" is not there: this platform's is "debian-/);
works("git:clone -a $name again");
is(-e "$dir/repo/again/index.html", 1, '... and it is there') or diag($out);
is((git('-C', 'again', 'pull', '-q'))[0], 0, '... git goes on with it');
File::Path::remove_tree("$dir/repo/again");

# ---- config vars ---------------------------------------------------------

works('config:set GREETING=hello OTHER=two', qr/Setting GREETING, OTHER and restarting $name\.\.\. done, v2$/m, qr/^GREETING: hello$/m);
works('config', qr/^=== $name Config Vars$/m, qr/^GREETING:\s+hello$/m, qr/^OTHER:\s+two$/m);
works('config:get GREETING', qr/^hello\n\z/);
works('config --json', qr/"GREETING": "hello"/);
works('config --shell', qr/^GREETING=hello$/m);
works('config:unset OTHER', qr/Unsetting OTHER and restarting $name\.\.\. done, v3$/m);
is_deeply(app('config', '-a', $name), { GREETING => 'hello' }, '... and they are so');
heroku('config:set', '1x=2');
is($rc, 2, 'a name of a variable that is none');

# ---- processes -----------------------------------------------------------

works('ps:scale web=2 worker=1', qr/Scaling dynos\.\.\. done, now running .*web at 2/);
ok($p->wait_up($name, 2), '... they run');
ok($p->wait_up($name, 1, 'worker'), '... of each type');
works('ps:scale', qr/web=2/, qr/worker=1/);
works('ps:scale worker+1 web-1', qr/worker at 2/, qr/web at 1/);
works('ps:scale web=2:standard worker=1', qr/web at 2/);
works('ps:type', qr/^ +web +standard +2/m);
works('ps:type web=standard', qr/^ +web +standard +2/m);
refuses('ps:type web=performance-l', qr/size "performance-l" is not right.*paas ps:limits/);
ok($p->wait_up($name, 2) && $p->wait_up($name, 1, 'worker'), '... as many as before');
works('ps:wait');
works('ps --json', qr/"name": "worker\.1"/);
works('ps', qr/^=== web/m, qr/^web\.1: up /m, qr/^web\.2: up /m, qr/^worker\.1: up /m);
my ($before) = map { $_->{instance} } grep { $_->{name} eq 'worker.1' } $p->dynos($name);
works('ps:restart --dyno-name worker.1', qr/Restarting dyno worker\.1 on $name\.\.\. done/);
ok(Platform::wait_for(60, sub {
    my ($now) = grep { $_->{name} eq 'worker.1' && $_->{state} eq 'up' } $p->dynos($name);
    return $now && $now->{instance} ne $before;
}), '... it is another one');
works('ps:restart --process-type web', qr/Restarting all web dynos on $name\.\.\. done/);
works('ps:restart', qr/Restarting all dynos on $name\.\.\. done/);
ok($p->wait_up($name, 2), '... they are up again');
works('run:detached sleep 1000', qr/run\.\d/);
my ($detached) = $out =~ /(run\.\d+)/;
works("ps:stop --dyno-name $detached", qr/Stopping dyno \Q$detached\E on $name\.\.\. done/);
ok(Platform::wait_for(60, sub { !grep { $_->{name} eq $detached } $p->dynos($name) }), '... it is gone');
works('ps:scale worker=0', qr/worker at 0/);

# ---- releases ------------------------------------------------------------

works('releases', qr/^=== $name Releases - Current: v3$/m, qr/^ *v3\s+Unset OTHER/m, qr/^ *v1\s+Deploy/m);
works('releases -n 1', qr/v3/);
unlike($out, qr/^ *v1\b/m, '... and no more than that');
works('releases --json', qr/"version": 3/);
works('releases:output', qr/Release v3 has no release output available/);
works('releases:info', qr/^=== Release v3$/m, qr/^Change:\s+Unset OTHER/m);
works('releases:info v2', qr/^=== Release v2$/m, qr/^OTHER:\s+two$/m);
works('rollback v2', qr/Rolling back $name to v2\.\.\. done, v4/);
is(app('config', '-a', $name)->{OTHER}, 'two', '... and it is so');

# ---- run -----------------------------------------------------------------

like(heroku_in('', 'run', '--', 'echo', 'one', 'two'), qr/^one two\r?$/m, 'run, with a terminal there and none here');
is($rc, 0, '... its status');
like(heroku_in("a line\n", 'run', '--no-tty', '--', 'wc', '-c'), qr/^7$/m, 'run without a terminal: its input, and where that ends');
is(heroku_in('', 'run', '--exit-code', '--', 'sh -c "exit 3"') && $rc, 3, 'run --exit-code');
like(heroku_in('', 'run', '-e', 'COLOUR=blue', '--', 'sh -c "echo is \$COLOUR"'), qr/^is blue\r?$/m, 'run -e');
{
    my $pty = IO::Pty->new;
    $pty->slave->set_winsize(33, 99);
    my ($said, $typed) = ('', '');
    my @command = ($paas, '--socket', $record->socket, 'heroku', 'run', '-a', $name, '--', 'bash', '--norc');
    my $pid = fork // die;
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        my $tty = $pty->slave;
        close $pty;
        open STDIN, '<&', $tty;
        open STDOUT, '>&', $tty;
        open STDERR, '>&', $tty;
        exec @command or POSIX::_exit(127);
    }
    $pty->close_slave;
    my $expect = sub {
        my ($like) = @_;
        my $end = time + 60;
        while ($said !~ $like && time < $end) {
            my $in = '';
            vec($in, fileno $pty, 1) = 1;
            select($in, undef, undef, 1) or next;
            sysread($pty, $said, 4096, length $said) or last;
        }
        return $said =~ $like;
    };
    ok($expect->(qr/\$ $/), 'run bash at a terminal: a prompt');
    syswrite $pty, "stty size; tty; echo 'a'b\n";
    ok($expect->(qr{33 99\s+/dev/pts/\d+\s+ab\s}), '... of this size') or diag($said);
    $pty->set_winsize(20, 70);
    kill 'WINCH', -$pid;
    syswrite $pty, "sleep 1000\n";
    sleep 1;
    syswrite $pty, "\x03";
    ok($expect->(qr/\^C/), '... Ctrl-C goes to the command');
    syswrite $pty, "stty size; exit\n";
    ok($expect->(qr/20 70/), '... another size arrives') or diag($said);
    waitpid $pid, 0;
    is($? >> 8, 0, '... and it ends');
    push @recorded, { command => "run -a $name -- bash --norc", requests => [$record->taken] };
}

# ---- logs ----------------------------------------------------------------

works('logs', qr/^\d{4}-\d\d-\d\dT\S+ heroku\[web\.1\]:/m);
works('logs -n 2');
is(scalar(() = $out =~ /^\d{4}-/mg), 2, '... as many lines as wanted');
works('logs --source app --ps web -n 3', qr/^\S+ app\[web\.\d\]:/m);
unlike($out, qr/heroku\[/, '... of what they print alone');
works('logs --dyno-name web.1 -n 100');
unlike($out, qr/\[worker\.1\]/, '... of one process');
{
    my ($said) = ('');
    my $h = start [$paas, '--socket', $record->socket, 'heroku', 'logs', '--tail', '-a', $name], '<', \'', '>', \$said, '2>', \my $err, timeout(120);
    my $end = time + 60;
    my $i = 0;
    while ($said !~ /tail-me-\d/ && time < $end) {
        $p->get($name, '/tail-me-' . $i++);
        my $until = time + 0.5;
        eval { $h->pump_nb; sleep 0.05; 1 } or last while time < $until;
    }
    like($said, qr/tail-me-\d/, 'logs --tail: lines as they come') or diag($err);
    $h->signal('INT');
    eval { finish $h };
    ok(!$h->pumpable, '... until Ctrl-C');
    push @recorded, { command => "logs --tail -a $name", requests => [$record->taken] };
}

# ---- domains, certificates, drains ---------------------------------------

works('certs', qr/$name has no SSL certificates/);
works('certs:auto', qr/Automatic Certificate Management is disabled/);
refuses('certs:auto:enable', qr/paas-acme -a APP HOST/);
for my $i (1, 2) {
    run [qw(openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=www.shop.example -addext subjectAltName=DNS:www.shop.example),
        '-keyout', "$dir/repo/key.pem", '-out', "$dir/repo/crt.pem"], '>', '/dev/null', '2>&1' or die 'openssl';
    works($i == 1 ? 'certs:add crt.pem key.pem' : "certs:update crt.pem key.pem --confirm $name", qr/SSL certificate.*done/, qr/^Common Name\(s\): www\.shop\.example$/m);
}
works('domains:add www.shop.example', qr/Adding www\.shop\.example to $name\.\.\. done/, qr/DNS Target $name\.\Q$domain\E/);
works('domains', qr/^$name\.\Q$domain\E$/m, qr/^\s+www\.shop\.example\s+CNAME\s+$name\.\Q$domain\E/m);
is($p->http('GET', 'www.shop.example', '/')->{body}, "it serves\n", '... and it serves');
heroku('domains:add', "api.$domain");
is($rc, 2, "a host of the platform's");
works('domains:info www.shop.example', qr/^kind:\s+custom$/m, qr/^status:\s+succeeded$/m);
works('domains:wait www.shop.example', qr/done/);
works('certs', qr/www\.shop\.example/);
works('domains', qr/^ +www\.shop\.example +CNAME +\S+ +[a-z]+-[a-z]+-\d+ *$/m);
works('certs:info', qr/^Common Name\(s\):\s+www\.shop\.example$/m);
works("certs:remove --confirm $name", qr/Removing SSL certificate \S+ from $name\.\.\. done/);
works('domains:remove www.shop.example', qr/Removing www\.shop\.example from $name\.\.\. done/);
works('drains:add syslog+tls://logs.example.com:6514', qr/added drain/);
works('drains', qr/^=== Drains$/m, qr{^syslog\+tls://logs\.example\.com:6514 \(d\.}m);
works('drains --json', qr/"url": "syslog\+tls:/);
works('drains:remove syslog+tls://logs.example.com:6514', qr/removed drain/);

# ---- who may -------------------------------------------------------------

$p->paas('users:create', 'ann@example.com');
works('access:add ann@example.com', qr/Adding ann\@example\.com access to the app $name\.\.\. done/);
works('access', qr/^\s+ann\@example\.com\s+deployer/m);
works('access:remove ann@example.com', qr/Removing ann\@example\.com access from the app $name\.\.\. done/);
is_deeply(app('access', '-a', $name), [], '... and it is so');

works('access --json', qr/^\[\]$/m);
works('auth:whoami', qr/^\w+$/m);
works('auth:2fa', qr/Two-factor authentication is not enabled/);
works('authorizations:create -d laptop -s read', qr/^Scope:\s+read$/m, qr/^Token:\s+paas_/m);
my ($grant) = $out =~ /^ID:\s+(\S+)$/m;
my ($token) = $out =~ /^Token:\s+(\S+)$/m;
works('authorizations', qr/^\s*laptop\s+\Q$grant\E/m);
works("authorizations:update $grant -d desk", qr/^Description:\s+desk$/m);
works("authorizations:rotate $grant", qr/^Token:\s+paas_/m);
unlike($out, qr/\Q$token\E/, '... to another one');
works("authorizations:info $grant", qr/^Description:\s+desk$/m);
works("authorizations:revoke $grant", qr/done, revoked authorization from desk/);
refuses("authorizations:info $grant", qr/there is no authorization of that id/);
run ['ssh-keygen', '-q', '-N', '', '-C', 't@example.com', '-t', 'ed25519', '-f', "$dir/key"] or die 'ssh-keygen';
works("keys:add $dir/key.pub", qr/Uploading \S+ SSH key\.\.\. done/);
works('keys', qr/t\@example\.com$/m);
works('keys:remove t@example.com', qr/Removing t\@example\.com SSH key\.\.\. done/);

# ---- what is not here ----------------------------------------------------

works('addons', qr/No add-ons for app $name/);
works('addons --all', qr/No add-ons/);
works('addons:services');
works('features', qr/^=== App Features $name$/m);
works('labs', qr/^=== App Features $name$/m);
works('regions', qr/^ +local +This machine/m);
refuses('addons:create postgresql', qr/there are no add-ons yet/);
refuses('addons:info postgresql', qr/there are no add-ons yet/);
refuses('features:enable http-session-affinity', qr/paas http:set sticky=on/);
refuses('ps:exec', qr/paas ps:exec/);
refuses('pipelines', qr/there are no pipelines yet/);
refuses('pipelines:create line -s staging', qr/there are no pipelines yet/);
refuses('webhooks', qr/there are no webhooks/);
refuses('spaces', qr/there are no private spaces/);
refuses('clients', qr/paas tokens:create/);
refuses('apps:info nothere', qr/there is no app named nothere/);

# ---- the rest ------------------------------------------------------------

works('maintenance:on', qr/Enabling maintenance mode for $name\.\.\. done/);
is($p->get($name)->{status}, 503, '... and it is on');
works('maintenance', qr/^on$/m);
works('maintenance:off', qr/Disabling maintenance mode for $name\.\.\. done/);
is($p->get($name)->{status}, 200, '... and off');
works('buildpacks:set heroku/nodejs', qr/Buildpack set\. Next release on $name will use heroku\/nodejs\./);
works('buildpacks:set https://git.example.com/pack.git', qr/will use https:\/\/git\.example\.com\/pack\.git/);
works('buildpacks', qr/^https:\/\/git\.example\.com\/pack\.git$/m);
works('buildpacks:add heroku/python', qr/^ +2\. heroku\/python$/m);
works('buildpacks:remove heroku/python', qr/Buildpack removed/);
works('buildpacks:clear', qr/Buildpacks cleared/);
works("git:remote -a $name", qr/set git remote heroku to https:\/\/git\./);
works("apps:rename $name-2 -a $name", qr/Renaming $name to $name-2\.\.\. done/);
is($p->get("$name-2")->{body}, "it serves\n", '... it serves by its new name');
works("apps:destroy -a $name-2 --confirm $name-2", qr/Destroying $name-2 .*done/);
is($p->api('GET', "/apps/$name-2")->{status}, 404, '... and it is gone');

# ---- what was asked ------------------------------------------------------

# Once each; of answers what they are made of, for they are never the same.
sub fixture {
    my (@commands, %seen);
    for my $c (@recorded) {
        my @requests;
        for my $r (@{ $c->{requests} }) {
            next if $r->{path} eq '/health' || $r->{headers}{upgrade} || $r->{path} =~ m{^/(?:tokens|streams)\b};
            my %kept = map { $_ => $r->{headers}{$_} } grep { defined $r->{headers}{$_} } qw(accept content-type range user-agent);
            my $json = eval { decode_json($r->{answer}) };
            # Neither a key nor what is over one day.
            $r->{body} =~ s/-----BEGIN [A-Z ]*?(CERTIFICATE|PRIVATE KEY)-----[^"]*/$1/g;
            my %one = (method => $r->{method}, path => $r->{path}, headers => \%kept, body => $r->{body}, status => $r->{status},
                fields => $json ? Recorder::shape($json) : {});
            # They may be in what is asked next.
            $one{made} = { map { $_ => $json->{$_} } grep { defined $json->{$_} } qw(id name) } if ref $json eq 'HASH';
            next if $r->{method} eq 'GET' && $seen{JSON::PP->new->canonical->encode([@one{qw(method path status fields)}])}++;
            push @requests, \%one;
        }
        push @commands, { command => $c->{command}, requests => \@requests } if @requests;
    }
    return \@commands;
}

if (my $file = $ENV{PAAS_RECORD}) {
    open my $to, '>', "$Bin/../../$file" or die "$file: $!";
    print $to JSON::PP->new->canonical->ascii->indent->indent_length(1)->space_after->encode(fixture());
    close $to;
}
done_testing;
