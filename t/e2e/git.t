#!/usr/bin/perl
# git push by a real git over HTTP: what is pushed is built, shown as it goes,
# and serves; what can't be is refused, and nothing has changed.
use strict;
use warnings;
use lib 't/lib';
use Git;
use MIME::Base64;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = Platform->new(suffix => 'g');
# Of what it needs a small one: read by git's programs at each request.
$p->configure(upload_max => '4M');
my $fixtures = "$Platform::top/t/fixtures";
my $host = "git.$p->{domain}:$p->{port}";

# A token's text, by the command line.
sub token {
    my (@words) = @_;
    my ($rc, $out) = $p->paas('tokens:create', @words);
    die "tokens:create @words: $out" if $rc || $out !~ /^(paas_\S+)$/m;
    return $1;
}

sub url { return "http://x:$_[1]\@$host/$_[0].git" }

# What the person pushing reads, without what stands before and behind each line.
sub words {
    my ($out) = @_;
    $out =~ s/^remote: +(?:! +)?|\s*$//gm;
    return join ' ', split /\n/, $out;
}

# What is deployed: to see that nothing has changed.
sub version {
    my ($app) = @_;
    my @releases = @{ $p->json('releases', '--app', $app) };
    return join ' ', map { "v$_->{version} $_->{status}" } grep { $_->{current} } @releases;
}

my $all = token();

# ---- pushed -------------------------------------------------------------

is(($p->paas('apps:create', $_))[0], 0, "the app $_") for qw(express site);
my $express = Git->new("$fixtures/express");
is(($express->paas($p, 'git:remote', '-a', 'express'))[0], 0, 'paas git:remote');
my $start = time;
my ($rc, $out) = $express->git('push', 'paas', 'main');
is($rc, 0, 'express is pushed') or diag $out;
diag sprintf 'express: %.2f s', time - $start;
like($out, qr/^remote: -----> Node\.js app detected/m, 'what the build prints is shown');
like($out, qr{^remote: +http://express\.paas\.localhost:$p->{port}/ deployed to paas, v1\s*$}m, 'and where it serves');
like($out, qr/\[new branch\] +main -> main/, 'the branch is accepted');
unlike($out, qr/[^\x20-\x7e\n\t]/, 'no control bytes');
is($p->get('express')->{status}, 200, 'it answers');

my $shop = token('-a', 'site', '--expires', '1h');
my $site = Git->new("$fixtures/static");
$start = time;
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'static files are pushed, with a token of that app') or diag $out;
diag sprintf 'static: %.2f s', time - $start;
is($p->get('site')->{status}, 200, 'they are served');
my $commit = $site->line('rev-parse', 'HEAD');
my ($release) = @{ $p->json('releases', '--app', 'site') };
is("$release->{commit} $release->{source} $release->{user}{email}", "$commit git root", 'the release tells commit, source and user');
is($release->{description}, 'Deploy ' . substr($commit, 0, 8), 'in words, too');
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'the same again');
like($out, qr/Everything up-to-date/, 'is nothing new');

$site->write('index.html' => "second\n", '.slugignore' => "/draft*\nsecret/\n", 'draft.html' => 'x', 'secret/a.html' => 'x');
$site->commit;
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'a second push') or diag $out;
like($p->get('site')->{body}, qr/^second$/, 'serves what is new');
is(version('site'), 'v2 succeeded', 'as v2');
is($p->get('site', "/$_")->{status}, 404, "$_, which .slugignore names, is left out") for 'draft.html', 'secret/a.html';
($rc, $out) = $site->git('push', url('site', $shop), 'main:master');
is($rc, 0, 'master deploys, too') or diag $out;
is(version('site'), 'v3 succeeded', 'as v3');
is($site->line('ls-remote', url('site', $shop), 'refs/heads/main') =~ s/\s.*//r, $site->line('rev-parse', 'HEAD'), 'what was pushed can be fetched');

# ---- refused ------------------------------------------------------------

# refused(what, repository, refspecs, pattern, url)
sub refused {
    my ($what, $git, $refs, $pattern, $url) = @_;
    my $before = version('site');
    my ($rc, $out) = $git->git('push', $url // url('site', $all), @$refs);
    isnt($rc, 0, "$what: refused") or diag $out;
    like(words($out), $pattern, "$what: says why");
    unlike($out, qr/[^\x20-\x7e\n\t]/, "$what: no control bytes");
    is(version('site'), $before, "$what: nothing has changed");
}

my $another = token('-a', 'express');
my $revoked = token();
is(($p->paas('tokens:revoke', $revoked =~ /^paas_([0-9a-f]+)_/))[0], 0, 'a token is revoked');
my $expired = token('--expires', '1s');
$site->write('index.html' => "third\n");
$site->commit;
sleep 1.1;
refused('no token', $site, ['main'], qr/could not read Username/, "http://$host/site.git");
refused('a wrong token', $site, ['main'], qr/not a token.*Authentication failed/, url('site', 'wrong'));
refused('a token of another app', $site, ['main'], qr/this token is for pushes to express and no other/, url('site', $another));
refused('a revoked token', $site, ['main'], qr/not a token/, url('site', $revoked));
refused('an expired token', $site, ['main'], qr/not a token/, url('site', $expired));
refused('an app that is none', $site, ['main'], qr/there is no app named none/, url('none', $all));
refused('another branch', $site, ['main:dev'], qr/"dev" does not deploy; main and master do.*BRANCH:main/s);
refused('a tag', $site, ['main:refs/tags/v1'], qr{"refs/tags/v1" does not deploy});
refused('no branch any more', $site, [':main'], qr/can't be deleted/);
refused('two at once', $site, ['main:main', 'main:master'], qr/Several branches/);
refused('a branch named as a command', $site, ["main:refs/heads/a\$(id>/tmp/$$);'\"`id`"], qr/does not deploy/);

# ---- a build that is slow, and one that fails ----------------------------

# An app whose build says "step N" each half second, and then runs more.
sub slow {
    my ($steps, $more) = @_;
    my $git = Git->new;
    $git->write(
        'package.json' => '{"name":"slow","version":"1.0.0","scripts":{"build":"sh build.sh","start":"node server.js"}}',
        'build.sh'  => "for i in @{[1 .. $steps]}; do echo step \$i; sleep 0.5; done\n" . ($more // ''),
        'server.js' => "require('http').createServer((q, r) => r.end('slow $steps')).listen(process.env.PORT)\n");
    $git->commit;
    return $git;
}

is(($p->paas('apps:create', 'slow'))[0], 0, 'an app that takes long to build');
my $slow = slow(6);
my $push = $slow->start('push', url('slow', $all), 'main');
ok(Git::until($push, qr/^remote: +step 1\b/m), 'a line is seen') or diag $push->{text};
$start = time;
unlike($push->{text}, qr/step 4/, 'while there are more to come');
($rc, $out) = slow(1)->git('push', '-f', url('slow', $all), 'main');
isnt($rc, 0, 'another push meanwhile is refused');
like(words($out), qr/Another push to slow is under way: wait for it, fetch, and push again/, 'and is told why') or diag $out;
ok(Git::until($push, qr/^remote: +step 6\b/m), 'the last line');
cmp_ok(time - $start, '>', 1.5, 'comes as late as it was printed');
($rc, $out) = Git::rest($push);
is($rc, 0, 'the first push wins') or diag $out;
is($p->get('slow')->{body}, 'slow 6', 'and serves');

my $ugly = 'printf "\\033[31mred\\033[0m \\033]0;title\\007 back\\bspace \\302\\233 \\377\\n"; exit 3';
($rc, $out) = slow(1, $ugly)->git('push', '-f', url('slow', $all), 'main');
isnt($rc, 0, 'a build that fails: refused');
like($out, qr/red \\x1b\]0;title\\x07 back\\x08space/, 'what it printed is shown, its control bytes as text');
unlike($out, qr/[^\x20-\x7e\n\t]/, 'and none as such');
is(() = $out =~ /buildpack failed \(exit 3\)/g, 1, 'why it failed, once') or diag $out;
is($p->get('slow')->{body}, 'slow 6', 'the running release goes on');
is($slow->line('ls-remote', url('slow', $all), 'refs/heads/main') =~ s/\s.*//r, $slow->line('rev-parse', 'HEAD'), 'the branch, too');

my $mute = Git->new;
$mute->write(Procfile => "web: exit 7\n");
$mute->commit;
($rc, $out) = $mute->git('push', '-f', url('slow', $all), 'main');
isnt($rc, 0, 'a release that does not get ready: refused');
like(words($out), qr/v2 did not get ready, and nothing was changed: web\.1: exited with status 7/, 'and says so') or diag $out;
is($p->get('slow')->{body}, 'slow 6', 'the running release goes on');

# ---- killed --------------------------------------------------------------

sub deployed { return version('slow') =~ /^v(\d+) succeeded/ ? $1 : 0 }

# Processes by their arguments, in a folder if one is named.
sub pids {
    my ($pattern, $cwd) = @_;
    return grep { !$cwd || (readlink("/proc/$_/cwd") // '') eq $cwd }
        map { /^\s*(\d+) / ? $1 : () } grep { $_ =~ $pattern } split /\n/, (Platform::run('ps', '-eo', 'pid=,args='))[1];
}

# A push in the middle of its build; who is killed; whether it goes on.
sub killed {
    my ($what, $kill, $goes_on) = @_;
    my $git = slow($goes_on ? 5 : 20);
    my $push = $git->start('push', '-f', url('slow', $all), 'main');
    ok(Git::until($push, qr/step 2\b/), "$what: in the middle of a push") or diag $push->{text};
    $kill->($push);
    my ($rc, $out) = Git::rest($push);
    if ($goes_on) {
        is($rc, 0, "$what: it goes on") or diag $out;
        like($out, qr/step 3\b.*step 5\b.*deployed/s, "$what: nothing is missing");
        is(() = $out =~ /step [1-5]\b/g, 5, "$what: and nothing there twice");
    } else {
        isnt($rc, 0, "$what: it is refused") or diag $out;
    }
    $git->write('build.sh' => '');
    $git->commit;
    ok(Platform::wait_for(20, sub { ($rc, $out) = $git->git('push', '-f', url('slow', $all), 'main'); $rc == 0 }),
        "$what: the next push works") or diag $out;
    my @builds = @{ $p->json('builds', '--app', 'slow') };
    is(scalar(grep { $_->{status} eq 'pending' } @builds), 0, "$what: no build is left");
    is($builds[-2]{error}, 'The push was broken off, and its build with it.', "$what: the broken one is none") if !$goes_on;
    is($builds[-2]{status}, 'succeeded', "$what: the first one was well") if $goes_on;
}

my $repository = "$p->{state}/git/0000000000000003.git";
my $hook = qr{^\s*\d+ \S*\Q/opt/paas-$p->{name}\E\S*hooks/pre-receive};
killed('kill -9 of the manager', sub { kill 'KILL', $p->service_pid('manager') }, 1);
killed('kill -9 of the hook', sub { kill 'KILL', pids($hook) }, 0);
killed('kill -9 of git receive-pack', sub { kill 'KILL', pids(qr/receive-pack --stateless-rpc/, $repository) }, 0);
killed('kill -9 of all that is git', sub { kill 'KILL', $p->service_pid('git') }, 0);
killed('kill -9 of the one who pushes', sub { kill 'KILL', pids(qr/remote-http .*\Q$host\E/), $_[0]{pid} }, 0);
Platform::wait_for(10, sub { my @left = glob "$repository/objects/{tmp_,incoming-}*"; !@left });
is_deeply([glob "$repository/objects/{tmp_,incoming-}* $repository/*.lock $repository/refs/heads/*.lock"], [],
    'nothing of it is left in the repository');

# What a git that was killed at the worst moment leaves.
for my $left ('refs/heads/main.lock', 'HEAD.lock', 'config.lock', 'objects/pack/tmp_pack_x', 'objects/tmp_objdir-incoming-x/y') {
    system('mkdir', '-p', "$repository/$left" =~ s{/[^/]*$}{}r);
    open my $fh, '>', "$repository/$left" or die "$left: $!";
    system('chown', '-R', 'paas-git:paas-git', $repository);
}
($rc, $out) = $slow->git('push', '-f', url('slow', $all), 'main');
is($rc, 0, 'locks that were left are in nobody\'s way') or diag $out;
is_deeply([grep { /tmp_|lock/ } map { glob "$repository/$_" } '*', 'objects/*', 'objects/pack/*', 'refs/heads/*'], [], 'and are gone');

# ---- what a commit may be ------------------------------------------------

my $odd = Git->new("$fixtures/static");
$odd->write("a\nb" => 'newline', "\e[31mred" => 'escape', q{'";$(id)`id`} => 'shell', "\xc3\xa4.html" => 'umlaut', '-rf' => 'minus');
$odd->commit("\e[31mred\e[0m\n\n\$(id)\n");
($rc, $out) = $odd->git('push', url('site', $all), 'main', '-f');
is($rc, 0, 'names with newlines, quotes and escapes') or diag $out;
unlike($out, qr/[^\x20-\x7e\n\t]/, 'none of which is printed');
is($p->get('site', '/%C3%A4.html')->{body}, 'umlaut', 'are deployed');
my $zero = '1' x 40;
$odd->line('update-index', '--add', '--cacheinfo', "160000,$zero,sub\e[31m\n\"module");
$odd->line('commit', '-qm', 'a submodule');
refused('a submodule', $odd, ['main'], qr/"sub\\n"module" is a submodule/);
$odd->line('reset', '-q', '--hard', 'HEAD^');
$odd->line('tag', '-a', '-m', 'x', 'v1');
refused('a tag in the place of a commit', $odd, ['-f', 'v1:refs/heads/main'], qr/commit/);
$odd->write(big => join '', map { pack 'L', rand 2**32 } 1 .. 1_500_000);
$odd->commit;
refused('a push of 6 MB', $odd, ['main'], qr/maximum allowed size/);
my $broken = $odd->line('hash-object', '-t', 'tree', '-w', '--literally', '--stdin', '/dev/null');
my ($shallow) = Git->new;
$shallow->line('fetch', '-q', '--depth=1', url('site', $all), 'main');
$shallow->line('checkout', '-q', '-B', 'main', 'FETCH_HEAD');
$shallow->write('index.html' => "shallow\n");
$shallow->commit;
($rc, $out) = $shallow->git('push', '-f', url('site', $all), 'main');
is($rc, 0, 'a clone without history') or diag $out;
like($p->get('site')->{body}, qr/^shallow$/, 'deploys');

# ---- ten at once ----------------------------------------------------------

is(($p->paas('apps:create', "app$_"))[0], 0, "app$_") for 0 .. 9;
my @pushes = map { Git->new("$fixtures/static") } 0 .. 9;
my @running = map { $pushes[$_]->start('push', url("app$_", $all), 'main') } 0 .. 9;
is((Git::rest($running[$_]))[0], 0, "ten pushes at once: $_") or diag $running[$_]{text} for 0 .. 9;
is($p->get("app$_")->{status}, 200, "app$_ serves") for 0 .. 9;
# To one app: some win, one after the other; the others are told.
@running = map { $pushes[$_]->write('index.html' => "racer $_\n"); $pushes[$_]->commit;
    $pushes[$_]->start('push', '-f', url('app0', $all), 'main') } 0 .. 9;
my %got = map { my ($rc, $text) = Git::rest($running[$_]); ($_ => $rc == 0 ? 'won' : $text) } 0 .. 9;
my @won = grep { $got{$_} eq 'won' } 0 .. 9;
cmp_ok(scalar @won, '>=', 1, 'ten to one app at once: ' . @won . ' won');
unlike($_, qr/^(?!.*(?:Another push|was faster|stale info|failed to update|cannot lock)).*$/s, 'one that did not is told') or diag $_
    for grep { $_ ne 'won' } values %got;
my $head = $pushes[0]->line('ls-remote', url('app0', $all), 'refs/heads/main') =~ s/\s.*//r;
my ($serves) = grep { $pushes[$_]->line('rev-parse', 'HEAD') eq $head } @won;
like($p->get('app0')->{body}, qr/^racer $serves$/, 'what serves is what the branch has');

# ---- asked by hand ---------------------------------------------------------

sub raw {
    my ($method, $path, %o) = @_;
    return $p->http($method, "git.$p->{domain}", $path, %o,
        headers => { Authorization => 'Basic ' . encode_base64("x:$all", ''), %{ $o{headers} // {} } });
}
is(raw('GET', $_)->{status}, 404, "GET $_: 404")
    for '/', '/site', '/site.git', '/site.git/HEAD', '/site.git/config', '/site.git/objects/info/packs',
    '/Site.git/info/refs', '/.may/push', '/site.git/git-upload-archive',
    '/' . 'a' x 31 . '.git/info/refs';
is(raw('GET', $_)->{status}, 400, "GET $_: 400") for '/../etc/passwd', '/site.git/../../etc/passwd';
is(raw('GET', '/site.git/info/refs')->{status}, 403, 'what git before 1.6.6 asks: 403');
is(raw('GET', "/site.git/info/refs?$_")->{status} / 100 % 10, 4, "info/refs?$_: refused")
    for 'service=git-upload-archive', 'service=git-receive-pack&x=y', 'x';
# Who refuses has read what was sent: else some of these are fcgiwrap's 502.
is_deeply([ map { raw('POST', '/site.git/git-receive-pack', body => '0000' x $_, headers => { 'Content-Type' => 'text/plain' })->{status} } 1 .. 40 ],
    [ (400) x 40 ], 'a push of text: 400, and again');
my $plain = raw('GET', '/site.git/info/refs?service=git-receive-pack');
is($plain->{status}, 200, 'what git asks');
is($plain->{headers}{'content-type'}, 'application/x-git-receive-pack-advertisement', 'is what git gets');
is(raw('GET', '/site.git/info/refs?service=git-receive-pack', headers => { 'X-Paas-Repository' => '0' x 15 . '1', 'Git-Dir' => '/etc',
    'GIT_DIR' => '/etc', 'X-Paas-Git-App' => 'express', 'Git-Protocol' => 'version=1' })->{body} =~ /version 1/ ? 1 : 0, 1,
    'Git-Protocol is heard');
is(raw('GET', '/site.git/info/refs?service=git-receive-pack', headers => { 'X-Paas-Repository' => '0' x 15 . '1' })->{body}, $plain->{body},
    'nobody chooses another repository');
is(raw('GET', '/site.git/info/refs?service=git-receive-pack', headers => { 'Git-Protocol' => 'version=2 $(id)' })->{status}, 400,
    'a Git-Protocol of something else: 400');
kill 'STOP', my $manager = $p->service_pid('manager');
my $hung = raw('GET', '/site.git/info/refs?service=git-receive-pack', timeout => 30);
kill 'CONT', $manager;
is($hung->{status}, 503, 'a manager that does not answer: 503');
like($hung->{body}, qr/manager does not answer/, 'and says so');

# ---- by https --------------------------------------------------------------

my $tls = Platform::free_port();
($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'with a port for https') or diag $out;
$shallow->write('index.html' => "by https\n");
$shallow->commit;
my $by = "https://x:$all\@git.$p->{domain}:$tls/site.git";
isnt(($shallow->git('push', $by, 'main'))[0], 0, 'git does not trust what scripts/up has made');
($rc, $out) = $shallow->git('-c', 'http.sslVerify=false', 'push', $by, 'main');
is($rc, 0, 'a push by https') or diag $out;
like($p->get('site')->{body}, qr/^by https$/, 'deploys');
is($p->api('GET', '/health')->{json}{git_https_url}, "https://git.$p->{domain}:$tls", 'the platform tells its address');

# ---- gone ------------------------------------------------------------------

is(($p->paas('apps:destroy', 'site', '--confirm', 'site'))[0], 0, 'destroyed');
ok(Platform::wait_for(30, sub { $p->api('GET', '/apps/site')->{status} == 404 && !-e "$p->{state}/git/0000000000000002.git" }),
    'its repository goes with it');
ok(-d "$p->{state}/git/0000000000000001.git", 'that of the other app stays');

my ($down, $said) = $p->down;
is($down, 0, 'down --purge') or diag $said;
my @left = grep { /paas-$p->{name}/ } split /\n/, (Platform::run('ps', '-eo', 'user=,pid=,args='))[1];
is_deeply(\@left, [], 'no process is left');
ok(!-e $_, "$_ is gone") for $p->{state}, $p->{run};

done_testing();
