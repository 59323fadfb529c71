#!/usr/bin/perl
# git push by a real ssh to a real sshd: the same as over HTTP, by the same
# code; and whatever else comes over SSH is refused.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Git;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = Platform->new(suffix => 's');
my $fixtures = "$Platform::top/t/fixtures";
my $dir = tempdir(CLEANUP => 1);

# ---- brought up -----------------------------------------------------------

my ($rc, $out) = $p->paas('apps:create', 'site');
my $site = Git->new("$fixtures/static");
($rc, $out) = $site->paas($p, 'git:remote', '--ssh', '-a', 'site');
is($rc, 1, 'without --ssh-port there is no git over SSH');
like($out, qr/scripts\/up --ssh-port/, 'and it is said how to have it');
my $port = Platform::free_port();
($rc, $out) = $p->up('--ssh-port', $_->[0]), isnt($rc, 0, "up --ssh-port $_->[0] is refused"), like($out, $_->[1], 'with a reason')
    for ['x', qr/--ssh-port takes a number/], [70000, qr/--ssh-port takes a number/], [$p->{port}, qr/no other port of ours/];
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0') or die;
($rc, $out) = $p->up('--ssh-port', $taken->sockport);
like($out, qr/port \d+ is taken by perl.*--ssh-port/, 'so is one that is taken') or diag $out;
undef $taken;
($rc, $out) = $p->up('--ssh-port', $port);
is($rc, 0, 'up --ssh-port') or BAIL_OUT($out);
my $host_key = (split ' ', do { open my $fh, '<', "$p->{state}/ssh/host_ed25519.pub" or die; <$fh> })[1];

# ---- keys -----------------------------------------------------------------

my @known = ('-o', "UserKnownHostsFile=$dir/known", '-o', 'StrictHostKeyChecking=yes', '-o', 'HostKeyAlias=paas',
    '-o', 'HostName=127.0.0.1', '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-F', 'none');
open my $known, '>', "$dir/known" or die;
print {$known} "paas ssh-ed25519 $host_key\n";
close $known;
for my $name (qw(ann bob eve)) {
    system('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', "$name\@laptop", '-f', "$dir/$name") == 0 or die 'ssh-keygen';
}
is(($p->paas('keys:add', "$dir/$_.pub"))[0], 0, "the key of $_") for qw(ann bob);

# A repository whose git comes with that key.
sub with_key {
    my ($git, $name) = @_;
    $git->line('config', 'core.sshCommand', join ' ', 'ssh', @known, '-i', "$dir/$name");
    return $git;
}

# ssh(name, [options], words) -> (exit status, output)
sub ssh {
    my ($name, $options, @words) = @_;
    return Platform::run('timeout', 30, 'ssh', @known, '-p', $port, '-i', "$dir/$name", @$options, 'git@x', @words);
}

sub url { return "ssh://git\@x:$port/$_[0].git" }

sub words {
    my ($out) = @_;
    $out =~ s/^remote: +(?:! +)?|\s*$//gm;
    return join ' ', split /\n/, $out;
}

sub version {
    my ($app) = @_;
    return join ' ', map { "v$_->{version} $_->{status}" } grep { $_->{current} } @{ $p->json('releases', '--app', $app) };
}

# ---- pushed ---------------------------------------------------------------

($rc, $out) = $site->paas($p, 'git:remote', '--ssh', '-a', 'site');
is($rc, 0, 'paas git:remote --ssh') or diag $out;
is($site->line('remote', 'get-url', 'paas'), "ssh://git\@git.$p->{domain}:$port/site.git", 'sets the address');
with_key($site, 'ann');
my $start = time;
($rc, $out) = $site->git('push', 'paas', 'main');
is($rc, 0, 'static files are pushed') or diag $out;
diag sprintf 'static: %.2f s', time - $start;
like($out, qr/^remote: -----> Static files app detected/m, 'what the build prints is shown');
like($out, qr{deployed to paas, v1\s*$}m, 'and where it serves');
unlike($out, qr/[^\x20-\x7e\n\t]/, 'no control bytes');
is($p->get('site')->{status}, 200, 'it answers');
my ($release) = @{ $p->json('releases', '--app', 'site') };
is("$release->{commit} $release->{source} $release->{user}{email}", $site->line('rev-parse', 'HEAD') . ' git root',
    'the release tells commit, source and user');
ok((grep { $_->{comment} eq 'ann@laptop' && $_->{last_used_at} } @{ $p->json('keys') }), 'the use of the key is noted');
($rc, $out) = $site->git('push', 'paas', 'main');
like($out, qr/Everything up-to-date/, 'the same again is nothing new');

my $clone = Git->new;
with_key($clone, 'bob');
is(($clone->git('fetch', '-q', url('site'), 'main'))[0], 0, 'it can be fetched with another key');
is($clone->line('rev-parse', 'FETCH_HEAD'), $site->line('rev-parse', 'HEAD'), 'as it was pushed');
is(($clone->git('-c', 'protocol.version=0', 'ls-remote', url('site')))[0], 0, 'with an old protocol, too');

my $slow = with_key(Git->new, 'ann');
$slow->write('package.json' => '{"name":"slow","version":"1.0.0","scripts":{"build":"sh build.sh","start":"node server.js"}}',
    'build.sh' => "for i in 1 2 3 4; do echo step \$i; sleep 0.5; done\n",
    'server.js' => "require('http').createServer((q, r) => r.end('slow')).listen(process.env.PORT)\n");
$slow->commit;
is(($p->paas('apps:create', 'slow'))[0], 0, 'an app that takes long to build');
my $push = $slow->start('push', url('slow'), 'main');
ok(Git::until($push, qr/^remote: +step 1\b/m), 'a line is seen') or diag $push->{text};
unlike($push->{text}, qr/step 3/, 'while there are more to come');
($rc, $out) = Git::rest($push);
is($rc, 0, 'to the end') or diag $out;
like($out, qr/step 2\b.*step 4\b.*deployed/s, 'of it');

# ---- refused --------------------------------------------------------------

# refused(what, repository, refspec, pattern, address)
sub refused {
    my ($what, $git, $ref, $pattern, $url) = @_;
    my $before = version('site');
    my ($rc, $out) = $git->git('push', $url // url('site'), $ref);
    isnt($rc, 0, "$what: refused") or diag $out;
    like(words($out), $pattern, "$what: says why");
    is(version('site'), $before, "$what: nothing has changed");
}
$site->write('index.html' => "second\n");
$site->commit;
refused('another branch', $site, 'main:dev', qr/"dev" does not deploy; main and master do/);
refused('an app that is none', $site, 'main', qr/there is no app named none/, url('none'));
refused('a path', $site, 'main', qr/Repositories are at/, "ssh://git\@x:$port/site.git/../slow.git");
my $broken = with_key(Git->new, 'ann');
$broken->write('package.json' => '{"name":"x","version":"1.0.0","scripts":{"build":"exit 3"}}');
$broken->commit;
refused('a build that fails', $broken, '+main', qr/buildpack failed/);
is($p->get('site')->{status}, 200, 'the running release goes on');

# An object that git fsck would not let through.
my $bad = with_key(Git->new("$fixtures/static"), 'ann');
my $tree = $bad->line('rev-parse', 'HEAD^{tree}');
my $made = "$dir/commit";
open my $fh, '>', $made or die;
print {$fh} "tree $tree\nauthor Ann <ann\@example.org> 1 +0000\ncommitter Ann ann\@example.org> 1 +0000\n\nx\n";
close $fh;
my $commit = $bad->line('hash-object', '-t', 'commit', '--literally', '-w', $made);
refused('a damaged commit', $bad, "+$commit:refs/heads/main", qr/missingEmail|badEmail|fsck|unpack/i);

# ---- hostile --------------------------------------------------------------

# None of these is a shell's, whatever it says.
for my $command ('id', 'sh', "touch $dir/done", "git-receive-pack 'site.git'; touch $dir/done", "git-receive-pack 'site.git\$(touch $dir/done)'",
    "git-receive-pack '../../../../etc'", "git-receive-pack '/$p->{state}/git'", "git-upload-archive 'site.git'", 'git-shell', 'scp -f /etc/passwd',
    "git-upload-pack --upload-pack='touch $dir/done' 'site.git'", "git-receive-pack 'site.git'\ntouch $dir/done", "git-upload-pack 'a'\\''b'", "\e[31m") {
    my ($rc, $out) = ssh('ann', ['-T'], $command);
    isnt($rc, 0, 'refused: ' . ($command =~ s/[^ -~]/?/gr));
    unlike($out, qr/uid=|root:|\e/, 'without a word of it');
}
ok(!-e "$dir/done", 'nothing of it was run');
($rc, $out) = ssh('ann', ['-tt']);
isnt($rc, 0, 'no terminal, and no shell');
like($out, qr/PTY allocation request failed/, 'as is said');
($rc, $out) = ssh('ann', ['-T']);
like($out, qr/for git alone/, 'and without one only a word');
($rc, $out) = ssh('ann', ['-s'], 'sftp');
isnt($rc, 0, 'no sftp');
($rc, $out) = ssh('ann', ['-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:80', '-N']);
isnt($rc, 0, 'no forwarding to here');
($rc, $out) = ssh('ann', ['-W', "127.0.0.1:$p->{port}"]);
isnt($rc, 0, 'nor from here');
($rc, $out) = ssh('ann', ['-o', 'SetEnv=LD_PRELOAD=/tmp/x GIT_DIR=/etc PAAS_SSH_TOKEN=x GIT_PROTOCOL=version=2;id'], "git-upload-pack 'site.git'");
isnt($rc, 0, 'a protocol that is none');
like($out, qr/GIT_PROTOCOL is not right/, 'is named') or diag $out;
($rc, $out) = Platform::run('timeout', 30, 'ssh', @known, '-p', $port, '-i', "$dir/ann", "$_\@x", 'id'), isnt($rc, 0, "nobody else: $_")
    for qw(root paas paas-git nobody);

# ---- keys that are none (any more) ----------------------------------------

with_key($site, 'eve');
refused('a key that was not added', $site, 'main', qr/Permission denied \(publickey\)/);
with_key($site, 'bob');
my $before = $slow->line('rev-parse', 'HEAD');
$slow->write('more' => 'x');
$slow->commit;
with_key($slow, 'bob');
$push = $slow->start('push', url('slow'), 'main');
ok(Git::until($push, qr/^remote: +step 1\b/m), 'a push is under way');
is(($p->paas('keys:remove', 'bob@laptop'))[0], 0, 'and its key is removed');
($rc, $out) = Git::rest($push);
refused('a removed key', $site, 'main', qr/Permission denied \(publickey\)/);
with_key($site, 'ann');
($rc, $out) = $site->git('push', url('site'), 'main');
is($rc, 0, 'the other one goes on') or diag $out;
like($p->get('site')->{body}, qr/^second$/, 'and serves what is new');

# ---- two at once -----------------------------------------------------------

# Of a push over HTTP, one over SSH and paas push, each is once the first one:
# it wins, and the others are told.  A build waits in here until it may go on.
is(($p->paas('apps:create', 'race'))[0], 0, 'an app to race for');
my $token = $p->json('tokens:create', '-a', 'race')->{token};
my %caches = map { $_ => 1 } glob "$p->{state}/caches/*";
my %racer;
for my $way (qw(http ssh paas)) {
    $racer{$way} = with_key(Git->new, 'ann');
    $racer{$way}->write('package.json' => '{"name":"race","version":"1.0.0","scripts":{"build":"sh build.sh","start":"node server.js"}}',
        'build.sh' => "echo $way is built\ni=0; while [ ! -e /cache/go ] && [ \$i -lt 1200 ]; do sleep 0.05; i=\$((i + 1)); done\n",
        'server.js' => "require('http').createServer((q, r) => r.end('$way')).listen(process.env.PORT)\n");
    $racer{$way}->commit;
}
my %address = (http => "http://x:$token\@git.$p->{domain}:$p->{port}/race.git", ssh => url('race'));

# By its way -> a push that goes on in the background.
sub race {
    my ($way) = @_;
    return $racer{$way}->start('push', '-f', $address{$way}, 'main') if $way ne 'paas';
    my $pid = open(my $from, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec "$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'push', $racer{paas}{dir}, '-a', 'race' or POSIX::_exit(127);
    }
    return { pid => $pid, fh => $from, text => '' };
}

for my $way (qw(http ssh paas)) {
    for my $racer (values %racer) { $racer->write(round => $way); $racer->commit }
    my $first = race($way);
    ok(Git::until($first, qr/$way is built/), "$way is first") or diag $first->{text};
    my %others = map { $_ => race($_) } grep { $_ ne $way } qw(http ssh paas);
    for my $other (sort keys %others) {
        my ($code, $said) = Git::rest($others{$other});
        isnt($code, 0, "$way is first: $other loses");
        like(words($said), qr/Another push to race is under way: wait for it|Build \w+ of race is running: wait for it/, "$way is first: $other is told") or diag $said;
        unlike($said, qr/$other is built/, "$way is first: nothing of $other is built");
    }
    my ($cache) = grep { !$caches{$_} } glob "$p->{state}/caches/*";
    open my $go, '>', "$cache/go" or die "$cache: $!";
    my ($code, $said) = Git::rest($first);
    is($code, 0, "$way is first: it wins") or diag $said;
    is($p->get('race')->{body}, $way, "$way is first: and serves");
    unlink "$cache/go";
}

# ---- up and down ----------------------------------------------------------

is(($p->up)[0], 0, 'up once more');
is((split ' ', do { open my $f, '<', "$p->{state}/ssh/host_ed25519.pub" or die; <$f> })[1], $host_key, "keeps the host's key");
is(($site->git('ls-remote', url('site')))[0], 0, 'and sshd');
my $sshd = $p->service_pid('ssh');
kill 'KILL', $sshd;
ok(Platform::wait_for(20, sub { ($site->git('ls-remote', url('site')))[0] == 0 }), 'which comes back when it is killed');

# What doctor says of git: its state, and what is written below it.
sub doctor {
    my ($code, $text) = $p->paas('doctor');
    return $text =~ /^(\w+) +git\b(.*\n(?: .*\n)*)/m ? "$1$2" : $text;
}

like(doctor(), qr/^ok\b.*by http and ssh/, 'doctor finds nothing');
Platform::run('sv', 'down', "$p->{run}/sv/ssh");
ok(Platform::wait_for(10, sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }), 'sshd is stopped');
like(doctor(), qr{^wrong\b.*\b$port\b.*fix: sv restart \Q$p->{run}\E/sv/ssh}s, 'doctor finds that it is');
open my $settings, '>>', "$p->{state}/ssh/sshd_config" or die;
print {$settings} "Nonsense yes\n";
close $settings;
like(doctor(), qr{^wrong\b.*sshd refuses .*Nonsense.*fix: run scripts/up, which sets it up: `scripts/up --name \Q$p->{name}\E}s, 'and that it could not start');
is(($p->up('--ssh-port', 0))[0], 0, 'up --ssh-port 0');
ok(Platform::wait_for(10, sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }), 'ends it');
($rc, $out) = $p->down;
is($rc, 0, 'down --purge') or diag $out;
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port), 'leaves no sshd');
is_deeply([grep { /\Q$p->{state}\E/ } split /\n/, (Platform::run('ps', '-eo', 'args='))[1]], [], 'nor another process');
is_deeply([glob "$p->{state}* $p->{run}* $p->{logs}*"], [glob ''], 'nor a file');

done_testing();
