#!/usr/bin/perl
# Builds in their real sandbox: packs of others, and what bounds a build, each
# limit with the words that its breach is told in; the app that ran goes on.
use strict;
use warnings;
use lib 't/lib';
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Git;
use IO::Socket::UNIX;
use Digest::SHA;
use JSON::PP;
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
like(($p->paas('builds:info', '-a', $app))[1], qr/^By +root$/m, 'and who it was is told');
is_deeply([map { $_->{name} } @{ $p->api('GET', "/apps/$app/builds")->{json}[-1]{buildpacks} }], ['./export', './supply', './heroku'], 'and by what');
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
# A lexical would be closed, and waited for, before END ends what it reads from.
our $port_of;
$server = open $port_of, '-|', 'ip', 'netns', 'exec', "$p->{name}w", 'perl', "-I$Platform::top/t/lib", '-MWebFiles', '-e',
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

# ---- a source that comes before its build, or is elsewhere ----------------

sub archive {
    my ($name, @from) = @_;
    is((Platform::run('tar', '-czf', "$tmp/$name", @from))[0], 0, "$name is packed");
    open my $fh, '<:raw', "$tmp/$name" or die "$name: $!";
    local $/;
    return scalar <$fh>;
}
my @json = (headers => { 'Content-Type' => 'application/json' });
# order(source_blob) -> the build once it is over, and what it printed
sub order {
    my ($blob) = @_;
    my $r = $p->api('POST', '/apps/sourced/builds', { source_blob => $blob }, @json);
    is($r->{status}, 201, 'a build, at once') or diag $r->{body};
    is($r->{json}{status}, 'pending', 'which is under way');
    my $id = $r->{json}{id};
    my $build = Platform::wait_for(60, sub { my $b = $p->api('GET', "/apps/sourced/builds/$id")->{json}; $b->{status} ne 'pending' && $b });
    my $result = $p->api('GET', "/apps/sourced/builds/$id/result")->{json};
    is($result->{build}{status}, $build->{status}, 'the result says the same');
    is($result->{exit_code}, $build->{status} eq 'succeeded' ? 0 : 1, 'and so does its code');
    return ($build, join '', map { $_->{line} } @{ $result->{lines} });
}
sub serves { my ($what) = @_; ok(Platform::wait_for(30, sub { ($p->get('sourced')->{body} // '') eq $what }), "it serves $what") }
sub source { return map { m{(/streams/.*)} } @{ $p->api('POST', $_[0] // '/sources')->{json}{source_blob} }{qw(put_url get_url)} }
# As people have it: by nginx, at the address that the URL has.
sub put { return $p->http('PUT', "api.$p->{domain}", $_[0], body => $_[1]) }
is(($p->paas('apps:create', 'sourced'))[0], 0, 'an app');
my $serve = "web: exec python3 -m http.server \$PORT\n";
my $near = archive('near.tgz', '-C', folder(Procfile => $serve, 'index.html' => 'near'), '.');
my ($put, $get) = source();
my $r = $p->api('POST', '/apps/sourced/builds', { source_blob => { url => "http://x$get" } }, @json);
is($r->{status}, 422, 'nothing is there yet');
like($r->{json}{message}, qr/^source_blob\.url has no archive: PUT it to the put_url/, 'which is what is said');
is(put($get, $near)->{status}, 404, 'to get it is not to put it');
is(put($put =~ s/.$//r, $near)->{status}, 404, 'and no other path will do');
$r = put($put, $near);
is($r->{status}, 200, 'it is uploaded') or diag $r->{body};
my $sha = Digest::SHA::sha256_hex($near);
is(decode_json($r->{body})->{checksum}, "SHA256:$sha", 'whole');
is(put($put, $near)->{status}, 409, 'once');
is($p->http('GET', "api.$p->{domain}", $get)->{status}, 200, 'it is there');
$r = $p->api('POST', '/apps/sourced/builds', { source_blob => { url => "http://x$get", checksum => 'SHA256:' . 'a' x 64 } }, @json);
is($r->{status}, 422, 'another checksum');
like($r->{json}{message}, qr/^source_blob\.checksum is not that of the archive, which is SHA256:$sha/, 'is told');
my ($made, $said) = order({ url => "http://x$get", checksum => 'sha256:' . uc $sha, version => 'a' x 40 });
is($made->{status}, 'succeeded', 'it builds') or diag $said;
is_deeply($made->{source_blob}, { checksum => 'sha256:' . uc $sha, url => undef, version => 'a' x 40, version_description => undef }, 'as was said');
is($made->{commit}, 'a' x 40, 'of that commit');
serves('near');
$r = $p->api('POST', '/apps/sourced/builds', { source_blob => { url => "http://x$get" } }, @json);
is($r->{status}, 422, 'it makes one build');
is(put($put, $near)->{status}, 409, 'and none takes its place');
is($p->api('POST', '/sources')->{status}, 201, 'a source that nobody uploads') for 1 .. 9;
my @waiting = map { [source('/apps/sourced/sources')] } 1 .. 9;
is_deeply([map { put($_->[0], 'x')->{status} } @waiting], [(200) x 8, 429], 'eight wait, and no more');
sub archives { return grep { !/\.used$/ } glob "$p->{state}/uploads/*-*.*" }
is(scalar(() = archives()), 8, 'in files') or diag join ' ', glob "$p->{state}/uploads/*";
utime time - 3601, time - 3601, glob "$p->{state}/uploads/*-*.*";
unlink((archives())[0]);
# And one that was being uploaded when the manager died.
write_file("$p->{state}/uploads/" . '0' x 16 . '-' . '1' x 16 . '.part', 'half');
# One that a build had taken, and not noted yet.
my ($put_taken, $get_taken) = source();
is(put($put_taken, $near)->{status}, 200, 'one that is as new');
my ($taken) = grep { (stat)[9] > time - 60 && !/part$/ } archives();
link $taken, "$p->{state}/uploads/" . 'e' x 16 . '.tar' or die "link: $!";
$r = $p->api('POST', '/apps/sourced/builds', { source_blob => { url => "http://x$get_taken" } }, @json);
is($r->{status}, 409, 'while it is being taken nobody else has it') or diag $r->{body};
kill 'KILL', $p->service_pid('manager');
ok(Platform::wait_for(30, sub { $p->api('GET', '/health')->{status} == 200 }), 'the manager is there again');
ok(Platform::wait_for(30, sub { "@{[glob qq($p->{state}/uploads/*)]}" eq $taken }), 'of the old ones none is left after an hour')
    or diag join ' ', glob "$p->{state}/uploads/*";
($made) = order({ url => "http://x$get_taken" });
is($made->{status}, 'succeeded', 'and the new one can still be built');
is_deeply([archives()], [], 'once');

make_path("$tmp/web/shop-1a2b3c");
write_file("$tmp/web/shop-1a2b3c/$_->[0]", $_->[1]) for ['Procfile', $serve], ['index.html', 'far'], ['.hidden/shop-1a2b3c', 'x'];
my $far_sha = Digest::SHA::sha256_hex(archive('web/shop.tar.gz', '-C', "$tmp/web", 'shop-1a2b3c'));
my $at = "http://10.95.$far.9:$port";
# As an earlier build may have left them, to keep what a later one fetches by.
symlink 'stolen', "$_/.paas-source.url" or die "symlink: $!" for glob "$p->{state}/caches/*";
($made, $said) = order({ url => "$at/shop.tar.gz?token=canary", checksum => "SHA256:$far_sha" });
is((Platform::run('grep', '-rl', 'canary', "$p->{state}/caches"))[1], '', 'nothing of its URL is kept');
unlink glob "$p->{state}/caches/*/.paas-source.url";
is($made->{status}, 'succeeded', 'a source from elsewhere') or diag $said;
like($said, qr/^-----> Fetching the source from 10\.95\.$far\.9:$port$/m, 'its host is told');
unlike($said, qr/canary/, 'and no more of its URL');
serves('far');
for (["$at/none.tgz", undef, qr/could not be fetched from 10\.95\.$far\.9:$port, HTTP 404: check source_blob\.url/],
    ["$at/shop.tar.gz", 'SHA256:' . 'a' x 64, qr/is not the archive of source_blob\.checksum: its SHA-256 is $far_sha/],
    ['http://127.0.0.1:9/x', undef, qr/could not be fetched from 127\.0\.0\.1:9: check/],
    ["http://$p->{name}.invalid/x", undef, qr/could not be fetched from $p->{name}\.invalid: check/]) {
    my ($url, $sum, $why) = @$_;
    ($made, $said) = order({ url => $url, checksum => $sum });
    is($made->{status}, 'failed', "no source at $url");
    like($made->{error}, $why, 'says why');
}
my ($rc_far, $out_far) = $p->paas('builds:create', "$at/shop.tar.gz", '-a', 'sourced');
is($rc_far, 0, 'the same by paas builds:create') or diag $out_far;
like($out_far, qr/Fetching the source/, 'with its output');
is(($p->paas('builds:create', "$at/none.tgz", '-a', 'sourced'))[0], 1, 'which fails as the build does');
serves('far');
ok(left(), 'and nothing is left of any');
my $wordy = archive('wordy.tgz', '-C', folder('Procfile' => $serve, 'pack/bin/detect' => "#!/bin/sh\necho Words\n",
    'pack/bin/compile' => "#!/bin/sh\nyes '' | head -n 50000\n"), '.');
is(($p->paas('buildpacks:set', './pack', '-a', 'sourced'))[0], 0, 'a pack of many words');
($put, $get) = source();
is(put($put, $wordy)->{status}, 200, 'is uploaded');
($made, $said) = order({ url => "http://x$get" });
is($made->{status}, 'succeeded', 'it builds') or diag substr $said, -2000;
my $lines = $p->api('GET', "/apps/sourced/builds/$made->{id}/result")->{json}{lines};
cmp_ok(scalar @$lines, '<=', 20_000, 'of 50,000 lines there are no more than the last ones');
like($lines->[-1]{line}, qr/Done in/, 'up to the very last');
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
my ($path) = ($build->{json}{output_stream_url} // '') =~ m{^http://localhost(/streams/stream_[0-9a-f]{69}_[0-9a-f]{64}\?heartbeat=1)$};
ok($path, 'has a URL of its output') or diag $build->{body};
my @nginx = (socket => "$p->{run}/api.sock");
$said = $p->http('GET', 'api.test', $path, @nginx);
is($said->{status}, 200, 'which takes no token');
like($said->{body}, qr/Discovering process types.*Done in/s, 'and gives all of it, until the build is over');
is($p->http('GET', 'api.test', "/apps/$app/builds/$build->{json}{id}", @nginx)->{status}, 401, 'the build itself takes one');
is($p->api('GET', "/apps/$app/builds/$build->{json}{id}")->{json}{status}, 'succeeded', 'it is over by then');
for my $wrong ($path =~ s/stream_\K(.)/$1 eq '0' ? 1 : 0/er, $path =~ s/(.)(?=\?)/$1 eq '0' ? 1 : 0/er, '/streams/x', '/streams/stream_') {
    is($p->http('GET', 'api.test', $wrong, @nginx)->{status}, 404, 'another path is not there');
}
ok(Platform::wait_for(20, sub { !grep { $_->{state} ne 'up' } $p->dynos($app) }), 'its release runs');

# ---- the cache ----------------------------------------------------------------

is(($p->paas('apps:create', 'cached'))[0], 0, 'an app');
is(($p->paas('buildpacks:set', './pack', '-a', 'cached'))[0], 0, 'with a pack that keeps something');
my $keeps = folder('Procfile' => $serve, 'pack/bin/detect' => "#!/bin/sh\necho Keeper\n",
    'pack/bin/compile' => "#!/bin/sh\n[ -e \"\$2/kept\" ] && echo has it || echo has nothing\n"
        . "touch \"\$2/kept\"\nwhile [ -e \"\$2/wait\" ]; do sleep 0.05; done\n");
my @keep = ('push', $keeps, '-a', 'cached');
like(($p->paas(@keep))[1], qr/has nothing/, 'the first time');
like(($p->paas(@keep))[1], qr/has it/, 'the next time');
is(($p->paas('builds:cache:purge', '-a', 'cached'))[0], 0, 'the cache is emptied');
like(($p->paas(@keep))[1], qr/has nothing/, 'as the first time');
like(($p->paas('timeline', '-a', 'cached'))[1], qr/build cache emptied by root/, 'the timeline tells of it');
my ($cache) = map { s{/kept$}{}r } sort { -M $a <=> -M $b } glob "$p->{state}/caches/*/kept";
write_file("$cache/wait", '');
my $waits = $p->api('POST', '/apps/cached/builds?detach=1', archive('keeps.tgz', '-C', $keeps, '.'), headers => { 'Content-Type' => 'application/x-tar' });
is($waits->{status}, 202, 'a build goes on') or diag $waits->{body};
sleep 1;
is($p->api('DELETE', '/apps/cached/build-cache')->{status}, 409, 'and has the cache');
ok(-e "$cache/kept", 'which stays');
unlink "$cache/wait";
ok(Platform::wait_for(60, sub { $p->api('GET', "/apps/cached/builds/$waits->{json}{id}")->{json}{status} ne 'pending' }), 'once it has ended');
is($p->api('DELETE', '/apps/cached/build-cache')->{status}, 200, 'it goes');
ok(!-e $cache, 'with all that is in it');
is(($p->paas('apps:destroy', 'cached', '--confirm', 'cached'))[0], 0, 'and the app');

# ---- slugs that were made elsewhere ------------------------------------------

is(($p->paas('apps:create', 'slugged'))[0], 0, 'an app');
is(($p->paas('buildpacks:add', './none', '-a', 'slugged'))[0], 0, 'whose buildpack none of this asks');
my %web = (process_types => { web => 'exec python3 -m http.server $PORT', idle => 'sleep 600' });
# slug(fields) -> its id, and where its archive goes
sub slug {
    my $r = $p->api('POST', '/apps/slugged/slugs', { %web, @_ }, @json);
    is($r->{status}, 201, 'a slug') or diag $r->{body};
    is($r->{json}{blob}{method}, 'put', 'to be uploaded');
    return ($r->{json}{id}, $r->{json}{blob}{url} =~ m{(/streams/.*)});
}
sub release_slug {
    my ($id, %more) = @_;
    return $p->api('POST', '/apps/slugged/releases', $more{body} // { slug => $id }, headers => { 'Content-Type' => 'application/json', %{ $more{headers} // {} } });
}
sub unreleased {
    my ($what, $id, $why) = @_;
    my $r = release_slug($id);
    is($r->{status}, 422, "$what: refused");
    like($r->{json}{message}, $why, "$what: why") or diag $r->{body};
}
make_path("$tmp/made/app");
write_file("$tmp/made/app/$_->[0]", $_->[1]) for ['index.html', 'sealed'], ['Procfile', "web: false\nmore: true\n"],
    ['.slugignore', "index.html\n"], ['requirements.txt', "nothing-like-it==99\n"];
my $sealed = archive('made.tgz', '-C', "$tmp/made", './app');
my ($id, $to) = slug(checksum => 'SHA256:' . Digest::SHA::sha256_hex($sealed), commit => 'b' x 40, buildpack_provided_description => 'by hand',
    commit_description => 'the first', stack => undef);
unreleased('nothing uploaded', $id, qr/^slug $id has no archive: PUT it to its blob\.url/);
is(put($to, $sealed)->{status}, 200, 'its archive');
is(put($to, $sealed)->{status}, 409, 'which is put once');
is($p->api('GET', "/apps/slugged/slugs/$id")->{json}{size}, undef, 'what is not made has no size');
$r = release_slug($id, body => qq({"slug": "$id", "description": "from afar"}), headers => { 'Idempotency-Key' => 'one' });
is($r->{status}, 201, 'released') or diag $r->{body};
is($r->{json}{version}, 1, 'as the first one');
is($r->{json}{description}, 'from afar', 'so described');
is($r->{json}{commit}, 'b' x 40, 'of that commit');
ok(Platform::wait_for(30, sub { ($p->get('slugged')->{body} // '') eq 'sealed' }), 'it runs, and all of it is there') or diag +($p->paas('timeline', '-a', 'slugged'))[1];
my $same = release_slug($id, body => qq({"slug": "$id", "description": "from afar"}), headers => { 'Idempotency-Key' => 'one' });
is_deeply([@{ $same->{json} }{qw(id version)}], [@{ $r->{json} }{qw(id version)}], 'the same request, the same release');
is(release_slug($id, headers => { 'Idempotency-Key' => 'one' })->{status}, 422, 'another one by its key is none');
my $info = $p->api('GET', "/apps/slugged/slugs/$id")->{json};
is_deeply([@$info{qw(id blob buildpack_provided_description commit commit_description process_types)}],
    [$id, undef, 'by hand', 'b' x 40, 'the first', $web{process_types}], 'what it is') or diag explain $info;
is($info->{size} > 0, 1, 'and how big');
is($r->{json}{slug}{id}, $id, 'its release names it as its maker does');
is($p->json('releases', '-a', 'slugged')->[0]{slug}{id}, $id, 'later on, too');
is($p->json('builds', '-a', 'slugged')->[0]{slug}{id}, $id, 'as its build does');
my $second = release_slug($id);
is_deeply([@{ $second->{json} }{qw(version slug)}], [2, { id => $id }], 'it is released again');
my $twin;
($twin, $to) = slug(process_types => { web => 'exec python3 -m http.server $PORT', twin => 'sleep 600' }, commit_description => 'the same files');
is(put($to, $sealed)->{status}, 200, 'another slug of the same files');
is_deeply(release_slug($twin)->{json}{slug}, { id => $twin }, 'is one of its own');
for ([$id, 'idle', 'the first'], [$twin, 'twin', 'the same files']) {
    my ($of, $type, $words) = @$_;
    my $seen = $p->api('GET', "/apps/slugged/slugs/$of")->{json};
    is_deeply([@$seen{qw(id commit_description)}, sort keys %{ $seen->{process_types} }], [$of, $words, sort('web', $type)], "$words: by its id");
}
($id, $to) = slug(checksum => 'SHA256:' . 'c' x 64);
is(put($to, $sealed)->{status}, 200, 'an archive');
unreleased('another checksum', $id, qr/^checksum of slug $id is not that of its archive, which is SHA256:[0-9a-f]{64}: make a new slug/);
($id, $to) = slug();
is(put($to, archive('flat.tgz', '-C', "$tmp/made/app", '.'))->{status}, 200, 'one without its folder');
unreleased('no ./app', $id, qr/one folder, \.\/app, with all the rest in it/);
system('ln', '-s', '/etc/passwd', "$tmp/made/app/out") == 0 or die;
($id, $to) = slug();
is(put($to, archive('link.tgz', '-C', "$tmp/made", './app'))->{status}, 200, 'one with a way out');
unreleased('a link that leaves', $id, qr/symbolic link that leaves the tree/);
($id, $to) = slug();
is(put($to, 'no archive')->{status}, 200, 'one that is none');
unreleased('garbage', $id, qr/can't be released: .*archive/);
is($p->api('POST', '/apps/slugged/slugs', $_->[0], @json)->{status}, 422, "$_->[1]: 422") for [{}, 'no process_types'], [{ process_types => {} }, 'none'],
    [{ process_types => { 'Web!' => 'x' } }, 'a bad name'], [{ process_types => { web => "a\nb" } }, 'two lines'], [{ process_types => { web => '' } }, 'no command'],
    [{ process_types => { web => 1 } }, 'a number'], [{ %web, checksum => 'MD5:1' }, 'a checksum'], [{ %web, stack => 'cedar' }, 'a stack'], [{ %web, what => 1 }, 'a field'];
is($p->get('slugged')->{body}, 'sealed', 'what runs goes on');

# The manager is killed while a slug is sealed, at whatever it does just then:
# the same request has the one release of it.
for my $after (0.01, 0.04, 0.1, 0.2, 0.4) {
    my ($killed, $at) = slug(commit_description => "killed after $after s");
    is(put($at, $sealed)->{status}, 200, "killed after $after s: an archive");
    my $before = @{ $p->json('releases', '-a', 'slugged') };
    my $body = qq({"slug": "$killed"});
    my $s = IO::Socket::UNIX->new(Peer => "$p->{run}/manager.sock") or die "manager.sock: $!";
    print {$s} "POST /apps/slugged/releases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: after-$after\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $s->flush;
    select undef, undef, undef, $after;
    kill 'KILL', $p->service_pid('manager');
    close $s;
    ok(Platform::wait_for(20, sub { eval { $p->api('GET', '/apps')->{status} == 200 } }), 'it is there again');
    $r = release_slug($killed, body => $body, headers => { 'Idempotency-Key' => "after-$after" });
    # Its sandbox was asked for and had not begun: it failed, and that is told.
    if ($r->{status} == 422) {
        like($r->{json}{message}, qr/restarted during the build/, 'a build that was cut off');
        is(scalar @{ $p->json('releases', '-a', 'slugged') }, $before, 'has no release');
        next;
    }
    is_deeply([$r->{status}, $r->{json}{slug}], [201, { id => $killed }], 'the same request has the release') or diag $r->{body};
    is(scalar @{ $p->json('releases', '-a', 'slugged') }, $before + 1, 'which is the only one');
}
is(scalar(grep { $_->{slug}{id} eq $id } @{ $p->json('releases', '-a', 'slugged') }), 0, 'with no release of what was refused');
is(($p->paas('apps:destroy', 'slugged', '--confirm', 'slugged'))[0], 0, 'the app goes');

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
ok(Platform::wait_for(20, sub { (Platform::run('ps', '-eo', 'args='))[1] !~ /^sleep 741[12]$/m }), 'no process is left')
    or diag +(Platform::run('ps', '-eo', 'pid=,ppid=,stat=,cgroup=,args='))[1] =~ /^(.* sleep 741.*)$/m;

done_testing();
