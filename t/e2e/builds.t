#!/usr/bin/perl
# Builds in their real sandbox: packs of others, and what bounds a build, each
# limit with the words that its breach is told in; the app that ran goes on.
use strict;
use warnings;
use lib 't/lib';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Git;
use Platform;
use Test::More;
use Time::HiRes qw(time sleep);
use WebFiles;

my $tmp = tempdir('paas-builds-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $packs = "$Platform::top/t/fixtures/packs";
my $far = $$ % 250;
my $p = Platform->new(conf => { allow_out => "10.95.$far.0/24",
    build_timeout => 20, build_memory => '256M', build_disk => '64M', build_output => '1M', build_pids => 100 });
my $app = 'builds';

sub write_file {
    my ($path, $text, $mode) = @_;
    make_path($path =~ s{/[^/]*$}{}r);
    open my $fh, '>', $path or die "$path: $!";
    print {$fh} $text;
    close $fh;
    chmod $mode // 0644, $path;
}

my $n = 0;
sub folder {
    my (%files) = @_;
    my $dir = "$tmp/" . ++$n;
    write_file("$dir/$_", $files{$_}, m{/bin/} ? 0755 : 0644) for keys %files;
    return $dir;
}

sub left {
    return Platform::wait_for(15, sub {
        my @left = glob "$p->{state}/{uploads/*.tar,builds/*}";
        !@left;
    });
}

# ---- packs of others ---------------------------------------------------------

my $dir = folder('words' => "from a pack\n", 'app/index.html' => "first\n");
system('cp', '-r', "$packs/heroku", "$packs/supply", "$packs/export", $dir) == 0 or die;
write_file("$dir/Procfile", "web: supplied-tool > index.html && exec python3 -m http.server \$PORT\n");
is(($p->paas('apps:create', $app))[0], 0, 'an app');
is(($p->paas('config:set', 'MINE=1', 'WORD=my own', '-a', $app))[0], 0, 'with a config var');
is(($p->paas('buildpacks:add', $_, '-a', $app))[0], 0, "built with $_") for './export', './supply', './heroku';
my ($rc, $out) = $p->paas('push', $dir, '-a', $app);
is($rc, 0, 'pushed') or diag $out;
like($out, qr/from the pack before: exported by export-pack/, 'export');
like($out, qr{supplied: /app/.paas/deps/1/bin/supplied-tool, the variable}, 'supply');
like($out, qr/in ENV_DIR: my own/, 'a config var');
is($p->get($app)->{body}, "the tool of supply\n", 'what was supplied runs');
is_deeply($p->json('config', '-a', $app), { MINE => '1', WORD => 'my own', WORDS_ENV => 'production' },
    'config vars of the pack come with the first release, none takes the place of one that is there');
is(($p->paas('config:unset', 'WORDS_ENV', '-a', $app))[0], 0, 'one is taken away');
write_file("$dir/more", 'x');
is(($p->paas('push', $dir, '-a', $app))[0], 0, 'pushed again');
ok(!exists $p->json('config', '-a', $app)->{WORDS_ENV}, 'it stays away');

is(($p->paas('buildpacks:set', 'https://198.18.255.254/x.git', '-a', $app))[0], 0, 'a pack from a private network');
my $start = time;
($rc, $out) = $p->paas('push', $dir, '-a', $app);
isnt($rc, 0, 'is not had');
like($out, qr/could not be fetched/, 'it says so') or diag $out;
cmp_ok(time - $start, '<', 30, 'soon');
is(($p->paas('buildpacks:clear', '-a', $app))[0], 0, 'none any more');

# ---- by git, from a machine beyond this one ----------------------------------

my $far_if = "w$p->{name}";
my $server;
END { kill 'KILL', $server if $server; system "ip netns del $p->{name}w 2> /dev/null" if $p }
system("ip netns add $p->{name}w && ip link add $far_if type veth peer name e0 netns $p->{name}w && ip link set $far_if up"
    . " && ip -n $p->{name}w link set e0 up && ip addr add 10.95.$far.1/24 dev $far_if && ip -n $p->{name}w addr add 10.95.$far.9/24 dev e0"
    . " && ip -n $p->{name}w route add default via 10.95.$far.1") == 0 or die "no network beyond\n";
mkdir "$tmp/web";
my $pack = Git->new;
$pack->write('bin/detect' => "#!/bin/sh\necho Words\n", 'bin/compile' => "#!/bin/sh\necho first > \$1/index.html\n");
chmod 0755, "$pack->{dir}/bin/detect", "$pack->{dir}/bin/compile";
$pack->commit;
my $first = $pack->line('rev-parse', 'HEAD');
$pack->git('tag', 'v1');
$pack->write('bin/compile' => "#!/bin/sh\necho second > \$1/index.html\n");
chmod 0755, "$pack->{dir}/bin/compile";
$pack->commit;
$pack->git('config', 'uploadpack.allowReachableSHA1InWant', 'true');
system('cp', '-r', "$pack->{dir}/.git", "$tmp/web/words.git") == 0 or die;
$server = open my $port_of, '-|', 'ip', 'netns', 'exec', "$p->{name}w", 'perl', "-I$Platform::top/t/lib", '-MWebFiles', '-e',
    '$| = 1; my $s = WebFiles->new(@ARGV); print "$s->{port} $s->{pid}\n"; waitpid $s->{pid}, 0', "$tmp/web", "10.95.$far.9" or die;
my ($port, $pid) = <$port_of> =~ /^(\d+) (\d+)$/ or die "no server\n";
my $url = "http://10.95.$far.9:$port/words.git";
my $git_app = folder('Procfile' => "web: exec python3 -m http.server \$PORT\n");
is(($p->paas('apps:create', 'words'))[0], 0, 'an app');
for (['', 'second'], ['#v1', 'first'], ['#main', 'second'], ["#$first", 'first']) {
    my ($ref, $word) = @$_;
    is(($p->paas('buildpacks:set', "$url$ref", '-a', 'words'))[0], 0, "a pack by git$ref");
    my ($status, $said) = $p->paas('push', $git_app, '-a', 'words');
    is($status, 0, 'is fetched in the sandbox') or diag $said;
    like($said, qr/words\.git at [0-9a-f]{12}$/m, 'its commit is named');
    is($p->get('words')->{body}, "$word\n", "and it builds $word");
}
kill 'KILL', $pid;
close $port_of;
($rc, $out) = $p->paas('push', $git_app, '-a', 'words');
is($rc, 0, 'with the server gone, a commit is in the cache') or diag $out;
is(($p->paas('buildpacks:set', "$url#v1", '-a', 'words'))[0], 0, 'and a tag');
($rc, $out) = $p->paas('push', $git_app, '-a', 'words');
like($out, qr/could not be fetched: the copy of an earlier build is used/, 'is the one of then');
is($rc, 0, 'which does');
is(($p->paas('buildpacks:set', "http://10.95.$far.9:$port/none.git", '-a', 'words'))[0], 0, 'another one');
($rc, $out) = $p->paas('push', $git_app, '-a', 'words');
isnt($rc, 0, 'can not be had');
like($out, qr/none\.git could not be fetched: the lines above say why\. Check the address/, 'one error tells so') or diag $out;
is($p->get('words')->{body}, "first\n", 'what ran goes on');

# ---- the output, by a URL that needs no token --------------------------------

system('tar', '-C', $dir, '-czf', "$tmp/detached.tgz", '.') == 0 or die;
my $tar = do { open my $fh, '<:raw', "$tmp/detached.tgz" or die; local $/; <$fh> };
my $build = $p->api('POST', "/apps/$app/builds?detach=1", $tar, headers => { 'Content-Type' => 'application/x-tar' });
is($build->{status}, 202, 'a build that nobody waits for');
my ($path) = ($build->{json}{output_stream_url} // '') =~ m{^http://localhost(/streams/stream_[0-9a-f]{48}_[0-9a-f]{64}\?heartbeat=1)$};
ok($path, 'has a URL of its output') or diag $build->{body};
my @nginx = (socket => "$p->{run}/api.sock");
my $said = $p->http('GET', 'api.test', $path, @nginx);
is($said->{status}, 200, 'which takes no token');
like($said->{body}, qr/Discovering process types.*Done in/s, 'and gives all of it, until the build is over');
is($p->http('GET', 'api.test', "/apps/$app/builds/$build->{json}{id}", @nginx)->{status}, 401, 'the build itself takes one');
is($p->api('GET', "/apps/$app/builds/$build->{json}{id}")->{json}{status}, 'succeeded', 'it is over by then');
for my $wrong ($path =~ s/stream_\K(.)/$1 eq '0' ? 1 : 0/er, $path =~ s/(.)(?=\?)/$1 eq '0' ? 1 : 0/er, '/streams/x', '/streams/stream_') {
    is($p->http('GET', 'api.test', $wrong, @nginx)->{status}, 404, 'another path is not there');
}
ok(Platform::wait_for(20, sub { !grep { $_->{state} ne 'up' } $p->dynos($app) }), 'its release runs');

# ---- limits ------------------------------------------------------------------

sub releases { return scalar @{ $p->json('releases', '-a', $app) } }
my $before = releases();
sub refused {
    my ($what, $script, $words, $seconds) = @_;
    my $d = folder('pack/bin/detect' => "#!/bin/sh\necho Trouble\n", 'pack/bin/compile' => "#!/bin/bash\n$script\n",
        'Procfile' => "web: true\n");
    my $begun = time;
    my ($status, $said) = $p->paas('push', $d, '-a', $app);
    isnt($status, 0, "$what: refused");
    like($said, $words, "$what: says why") or diag substr $said, -2000;
    cmp_ok(time - $begun, '<', $seconds, "$what: in time");
    is($p->get($app)->{body}, "the tool of supply\n", "$what: the app goes on");
    ok(left(), "$what: nothing is left") or diag join ' ', glob "$p->{state}/{uploads/*.tar,builds/*}";
}
is(($p->paas('buildpacks:set', './pack', '-a', $app))[0], 0, 'a pack of the app');
refused('an endless printer', 'exec yes "the same line, over and over"', qr/printed more than 1 MiB.*build_output/, 20);
refused('one long line', 'exec tr "\0" x < /dev/zero', qr/printed more than 1 MiB.*build_output/, 20);
refused('a disk filler', 'exec cat /dev/zero > "$1/big"', qr/wrote more than 64 MiB.*build_disk/, 20);
refused('a filler of the cache', 'for i in $(seq 100); do head -c 1M /dev/zero > "$2/$i"; done; sleep 60',
    qr/wrote more than 64 MiB.*build_disk/, 20);
{
    my $d = folder('Procfile' => "web: true\n", 'pack/bin/detect' => "#!/bin/sh\n", 'pack/bin/compile' => "#!/bin/sh\nls \$2; exit 1\n");
    my ($status, $said) = $p->paas('push', $d, '-a', $app);
    like($said, qr/The cache has \d+ MiB.*it is emptied/, 'the next build empties such a cache');
    unlike($said, qr/wrote more than/, 'and does not fail of it');
}
refused('a memory eater', 'exec python3 -c "x = bytearray(1 << 30); x[::4096] = b\'x\' * len(x[::4096])"',
    qr/memory.*build_memory/, 30);
refused('a fork bomb', 'bomb() { bomb | bomb & }; bomb 2> /dev/null; sleep 100', qr/as many processes as it may.*build_pids/, 30);
refused('a sleeper', 'exec sleep 7411', qr/longer than 20 s.*build_timeout/, 40);
refused('one that leaves others behind', '(trap "" HUP TERM; setsid sleep 7411) & setsid sleep 7412 & exit 3',
    qr/Trouble buildpack failed \(exit 3\)/, 20);
is(releases(), $before, 'no release came of any');
is(scalar(() = (Platform::run('ps', '-eo', 'args='))[1] =~ /^sleep 741[12]$/mg), 0, 'no process is left');

done_testing();
