#!/usr/bin/perl
# The buildpacks as the Heroku API calls them, on the fixtures, outside the
# sandbox: bin/detect, bin/compile, bin/release, then the command that came
# out, started by the sandbox's `run` and asked over HTTP.  npm ci is real.
use strict;
use warnings;

use lib 't/lib';
use File::Path qw(make_path);
use JSON::PP;
use Packs;
use Test::More;
use Time::HiRes qw(time);

use WebFiles;

my ($top, $tmp) = ($Packs::top, $Packs::tmp);
my $packs = $Packs::packs;

subtest 'detection' => sub {
    my %first = (
        nodejs   => { 'package.json' => '{}', 'index.html' => '' },
        python   => { 'requirements.txt' => '', Procfile => 'web: x' },
        ruby     => { Gemfile => '', Procfile => 'web: x' },
        java     => { 'pom.xml' => '', Makefile => '' },
        php      => { 'index.php' => '', 'index.html' => '' },
        go       => { 'go.mod' => '', Makefile => '', 'x.c' => '' },
        c        => { Makefile => '', 'src/x.cc' => '', Procfile => 'web: x' },
        static   => { 'index.html' => '' },
        procfile => { Procfile => "web: x\n", 'index.html' => '',
            Makefile => '' },
    );
    my @order = grep { !/^#/ } split /\n/, read_file("$packs/order");
    is_deeply([sort @order], [sort keys %first], 'all packs are tried here');
    for my $id (sort keys %first) {
        my $p = place($first{$id});
        my @fit = grep {
            system("$packs/$_/bin/detect $p->{dir}/src > /dev/null") == 0
        } @order;
        is($fit[0], $id, "$id fits first");
    }
    for my $id (@order) {
        my $p = place({ 'README' => '' });
        isnt(system("$packs/$id/bin/detect $p->{dir}/src > /dev/null"), 0,
            "$id does not fit just anything");
    }
};

subtest 'Express, npm ci from the registry' => sub {
    my $p = build(place('express', SECRET => 'from config'));
    built($p, 'Node.js', 'express');
    is($p->{result}{types}{web}, 'npm start', 'its web process');
    like($p->{output}, qr/^-----> Node\.js app detected$/m, 'it says so');
    like($p->{output}, qr/ci --omit=dev/, 'by npm ci');
    ok(-d "$p->{dir}/app/node_modules/express", 'express is there');
    is(read_file("$p->{dir}/env/SECRET"), 'from config',
        'config vars are in ENV_DIR');
    with_web($p, sub {
        my ($port) = @_;
        like(get($port, '/'), qr/"instance":"i1"/, 'it answers');
        like(get($port, '/env/NODE_ENV'), qr/production/,
            'in production mode');
    });
    my $start = time;
    build($p);
    built($p, 'Node.js', 'the second push');
    like($p->{output}, qr/Restoring node_modules/, 'from the cache');
    cmp_ok(time - $start, '<', 5, 'quickly');
    ok(-d "$p->{dir}/app/node_modules/express", 'express is there again');
};

subtest 'Node.js, the rest of it' => sub {
    my $p = build(place({
        'package.json' => encode_json({ scripts => {
            'heroku-prebuild' => 'echo before',
            build => 'echo not this one',
            'heroku-postbuild' => 'echo built with $WORD > built',
            'heroku-cleanup' => 'echo cleaned',
        } }),
        'server.js' => "require('http').createServer((q, r) => " .
            "r.end('plain')).listen(process.env.PORT)",
    }, WORD => 'config'));
    built($p, 'Node.js', 'server.js without dependencies');
    is(read_file("$p->{dir}/app/built"), "built with config\n",
        'heroku-postbuild sees config vars');
    unlike($p->{output}, qr/not this one/, 'and goes before build');
    with_web($p, sub { like(get($_[0], '/'), qr/plain/, 'it answers') });

    refused(build(place({ 'package.json' => '{ nonsense' })),
        'Node\.js buildpack failed', 'a broken package.json');
    refused(build(place({ 'package.json' => '{}' })),
        'what to run.*Procfile', 'nothing to start');
    refused(build(place({ 'package.json' => encode_json({
        scripts => { build => 'exit 3', start => 'x' } }) })),
        'Node\.js buildpack failed', 'a failing build script');

    my $own = build(place({
        'package.json' => '{"scripts":{"start":"x"}}',
        'Procfile' => "web: node own.js\nworker: node w.js\n",
    }));
    is_deeply($own->{result}{types},
        { web => 'node own.js', worker => 'node w.js' },
        'a Procfile goes before the default');
};

{
    subtest 'Django on the system\'s packages' => sub {
        my $p = build(place('django'));
        built($p, 'Python', 'django');
        is($p->{result}{types}{web},
            'gunicorn --preload mysite.wsgi --bind 0.0.0.0:$PORT', 'its web process');
        like($p->{output}, qr/met by the system's packages/, 'no network');
        like($p->{output}, qr/STATIC_ROOT is not set/, 'no collectstatic');
        with_web($p, sub {
            like(get($_[0], '/'), qr/"instance": "i1"/, 'it answers');
        });
        build($p);
        built($p, 'Python', 'the second push');
        like($p->{output}, qr/Restoring packages/, 'from the cache');

        my $settings = "$p->{dir}/src/mysite/settings.py";
        write_file($settings, read_file($settings) .
            "\nSTATIC_ROOT = BASE_DIR / 'collected'\n");
        build($p);
        ok(-d "$p->{dir}/app/collected/admin", 'static files are collected');
        $p->{config}{DISABLE_COLLECTSTATIC} = 1;
        build($p);
        ok(!-d "$p->{dir}/app/collected", 'unless they are not wanted');
    };
}

subtest 'Python, the rest of it' => sub {
    my $app = "def application(environ, start):\n" .
        "    start('200 OK', [])\n    return [b'wsgi here']\n";
    my $p = build(place({ 'wsgi.py' => $app }));
    built($p, 'Python', 'wsgi.py');
    {
        is($p->{result}{types}{web},
            'gunicorn --preload wsgi:application --bind 0.0.0.0:$PORT', 'by gunicorn');
        with_web($p, sub { like(get($_[0], '/'), qr/wsgi here/, 'it answers') });
    }
    is(build(place({ 'app.py' => "print('hello')\n" }))->{result}{types}{web},
        'python app.py', 'app.py without an app is a script');
    refused(build(place({ 'requirements.txt' => '' })), 'what to run',
        'requirements and nothing to run');
    refused(build(place({ 'Pipfile' => '' })), 'Python buildpack failed',
        'a Pipfile alone');

    # A wheel made here: an empty package is enough.
    my $wheel = place({ 'requirements.txt' => "tinywheel==1.0\n",
        'app.py' => "import tinywheel\n" });
    make_path("$wheel->{dir}/src/wheels");
    is(system('/usr/bin/python3', '-c', <<'PY', "$wheel->{dir}/src/wheels"), 0,
import sys, zipfile
name = sys.argv[1] + '/tinywheel-1.0-py3-none-any.whl'
info = 'tinywheel-1.0.dist-info/'
with zipfile.ZipFile(name, 'w') as z:
    z.writestr('tinywheel.py', 'here = 1\n')
    z.writestr(info + 'METADATA',
               'Metadata-Version: 2.1\nName: tinywheel\nVersion: 1.0\n')
    z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: t\n'
               'Root-Is-Purelib: true\nTag: py3-none-any\n')
    z.writestr(info + 'RECORD', '')
PY
        'a wheel');
    build($wheel);
    built($wheel, 'Python', 'an offline wheel');
    is(system("$wheel->{dir}/app/.paas/python/bin/python", '-c',
        'import tinywheel'), 0, 'is installed');
    write_file("$wheel->{dir}/src/requirements.txt", "otherwheel==1.0\n");
    build($wheel);
    is($wheel->{status}, 1, 'a missing wheel is refused');
    like($wheel->{output}, qr/ !     wheels\/ does not hold every wheel/,
        'and says what to do');
};

subtest 'static files' => sub {
    my $p = build(place('static'));
    built($p, 'Static files', 'static');
    with_web($p, sub {
        my ($port) = @_;
        like(get($port, '/'), qr/200 OK.*A static page/s, 'the index');
        like(get($port, '/assets/style.css'), qr{Content-Type: text/css}i,
            'a style sheet');
        like(get($port, '/about'), qr{301.*Location: /about/\r}s,
            'a folder, without our port');
        like(get($port, '/nope'), qr/404.*no such page/s, 'its 404 page');
        like(get($port, '/.paas/static/root'), qr/^HTTP\S+ 404/,
            'nothing of ours');
    });

    my $spa = build(place({
        'static.json' => encode_json({ root => 'dist/', clean_urls =>
            JSON::PP::true, routes => { '/**' => 'index.html' },
            headers => { '/**' => { 'X-Own' => 'yes' } } }),
        'dist/index.html' => 'the app', 'dist/page.html' => 'a page',
    }));
    built($spa, 'Static files', 'static.json');
    with_web($spa, sub {
        my ($port) = @_;
        like(get($port, '/any/where'), qr/200 OK.*the app/s, 'a route');
        like(get($port, '/page'), qr/a page/, 'a clean URL');
        like(get($port, '/'), qr/X-Own: yes/, 'a header');
    });
    with_web(build(place({ 'public/index.html' => 'public one' })),
        sub { like(get($_[0], '/'), qr/public one/, 'public/') });

    my $cf = build(place({
        Staticfile => "---\nroot: dist # where it is\ndirectory: visible\n" .
            "host_dot_files: visible\nhttp_strict_transport_security: true\n" .
            "mystery: x\n",
        'dist/list/a.txt' => 'one', 'dist/.dot' => 'dotted',
        'dist/big.css' => 'a{}' x 1000,
    }));
    built($cf, 'Static files', 'Staticfile');
    like($cf->{output}, qr/^ !     Staticfile: mystery is not known/m,
        'a key that is not known is told');
    with_web($cf, sub {
        my ($port) = @_;
        like(get($port, '/list/'), qr/200 OK.*a\.txt/s, 'a list of a folder');
        like(get($port, '/.dot'), qr/dotted/, 'a dot file');
        like(get($port, '/list/a.txt'),
            qr/ETag: ".*Strict-Transport-Security: max-age=31536000\r/s,
            'an ETag, and https for good');
    });
    with_web(build(place({ Staticfile => "pushstate: enabled\nforce_https: true\n",
        'index.html' => 'the app' })), sub {
        like(get($_[0], '/any', "app.localhost\r\nX-Forwarded-Proto: https"),
            qr/200 OK.*the app/s, 'pushstate');
        like(get($_[0], '/any'), qr{301.*Location: https://app\.localhost/any\r}s,
            'force_https');
        like(get($_[0], '/Staticfile', "app.localhost\r\nX-Forwarded-Proto: https"),
            qr/^HTTP\S+ 404/, 'Staticfile itself is not served');
    });
    with_web(build(place({ 'index.html' => 'secret',
        'Staticfile.auth' => "me:{PLAIN}word\n" })), sub {
        like(get($_[0], '/'), qr/^HTTP\S+ 401/, 'Staticfile.auth asks');
        like(get($_[0], '/', "x\r\nAuthorization: Basic bWU6d29yZA=="),
            qr/200 OK.*secret/s, 'and lets in');
    });
    for my $bad ("root: ../..\n", "root: a;}\n", "directory: maybe\n", "what\n") {
        my $r = build(place({ Staticfile => $bad, 'index.html' => '' }));
        is($r->{status}, 1, "refused: $bad");
        like($r->{output}, qr/^ !     Static/mi, 'by its name');
    }

    for my $bad ('{"root": "../.."}', '{"root": "a;}"}', '{"root": "no"}',
        '{"routes": {"/**": "x;\n}"}}', '{"headers": {"/a": {"b": "\"c"}}}',
        'nonsense', '{"routes": {"{": "x"}}') {
        my $r = build(place({ 'static.json' => $bad, 'index.html' => '' }));
        is($r->{status}, 1, "refused: $bad");
        like($r->{output}, qr/^ !     static\.json/m, 'by its name');
    }
};

subtest 'Procfile' => sub {
    my $p = build(place('procfile', GREETING => 'hi'));
    built($p, 'Procfile', 'procfile');
    is_deeply([sort keys %{ $p->{result}{types} }], [qw(web worker)],
        'its types');
    with_web($p, sub { like(get($_[0], '/'), qr/"greeting": "hi"/,
        'it answers') });
    refused(build(place({ Procfile => "web: x\nwork er: y\n" })),
        'Procfile line 2', 'a wrong Procfile');
    refused(build(place({ 'README.md' => '' })),
        'No buildpack fits.*Procfile', 'an app that nothing fits');
    refused(build(place('procfile'), '--buildpack', 'nodejs'),
        'does not fit', 'a pack that does not fit');
    refused(build(place('procfile'), '--buildpack', '../x'),
        'There is no buildpack', 'a pack that is not there');
};

subtest 'packs of others, by the Heroku API' => sub {
    my $own = "$tmp/own";
    my %file = (
        'first/bin/detect'  => 'echo First',
        'first/bin/compile' => 'cd "$(dirname "$0")/.."; ' .
            'echo "export FROM_FIRST=$(cat "$3/WORD")" > export; ' .
            'echo "got ${WORD-nothing}"; echo x > "$2/cached"; ' .
            'mkdir -p "$1/.profile.d"; ' .
            'echo "export WORD2=profile" > "$1/.profile.d/a.sh"',
        'first/bin/release'  => 'echo "default_process_types: {web: first}"',
        'second/bin/detect'  => 'echo Second',
        'second/bin/compile' => 'echo "second sees $FROM_FIRST"',
        'second/bin/release' => 'printf -- "---\naddons: []\n' .
            'config_vars:\n  A: b\ndefault_process_types:\n' .
            '  web: echo \$WORD2\n"',
    );
    for (keys %file) {
        write_file("$own/$_", "#!/bin/bash\nset -e\n$file{$_}\n");
        chmod 0755, "$own/$_";
    }
    local $Packs::packs = $own;
    my $p = build(place({ a => '' }, WORD => 'value'), '--buildpack',
        'first', '--buildpack', 'second');
    built($p, 'Second', 'two packs');
    like($p->{output}, qr/got nothing/, 'config vars are not exported');
    like($p->{output}, qr/second sees value/, 'export reaches the next one');
    is($p->{result}{types}{web}, 'echo $WORD2', 'the last one releases');
    is(read_file("$p->{dir}/cache/cached"), "x\n", 'the cache is theirs');
    local %ENV = (HOME => "$p->{dir}/app", PATH => '/usr/bin:/bin');
    my $said = `$top/scripts/sandbox/run 'echo \$WORD2'`;
    is($said, "profile\n", '.profile.d is sourced');
    write_file("$own/second/bin/compile", "#!/bin/bash\nkill -9 \$\$\n");
    refused(build($p, '--buildpack', 'second'), 'ended by signal 9',
        'a killed pack');
};

# The packs of t/fixtures/packs, one for each entry point of the interfaces.
sub repository {
    my ($dir, $from) = @_;
    local %ENV = (%ENV, HOME => $tmp, GIT_CONFIG_NOSYSTEM => 1, GIT_AUTHOR_NAME => 'A', GIT_AUTHOR_EMAIL => 'a@b',
        GIT_COMMITTER_NAME => 'A', GIT_COMMITTER_EMAIL => 'a@b');
    if (!-d $dir) {
        system('git', 'init', '-q', '-b', 'main', $dir) == 0 or die;
    }
    !$from or system('cp', '-r', "$from/.", $dir) == 0 or die;
    system("cd $dir && git add -A && git commit -q --allow-empty -m x && git config http.uploadpack true " .
        '&& git config uploadpack.allowReachableSHA1InWant true') == 0 or die;
    chomp(my $commit = `git -C $dir rev-parse HEAD`);
    return $commit;
}

# What the web command prints, started as the sandbox does.
sub said {
    my ($p, $type) = @_;
    local %ENV = (HOME => "$p->{dir}/app", PATH => '/usr/bin:/bin');
    return `cd $p->{dir}/app && $top/scripts/sandbox/run '$p->{result}{types}{$type}' 2>&1`;
}

my $fixtures = "$top/t/fixtures/packs";
subtest 'packs of others: Heroku\'s interface' => sub {
    my $p = place({ words => "hello\n" }, WORD => 'mine');
    system('cp', '-r', "$fixtures/heroku", "$fixtures/export", "$p->{dir}/src") == 0 or die;
    build($p, '--buildpack', './export', '--buildpack', './heroku');
    built($p, 'Words', 'two folders of the app');
    like($p->{output}, qr/^-----> Export app detected\n-----> Words app detected$/m, 'bin/detect of both');
    like($p->{output}, qr/stack debian-\d+, home \/tmp\/home/, 'STACK is this system, HOME is not the app');
    like($p->{output}, qr/from the pack before: exported by export-pack/, 'export is sourced for the next one');
    like($p->{output}, qr/in the environment: no WORD; in ENV_DIR: mine/, 'config vars are files');
    like($p->{output}, qr/cached: nothing/, 'an empty cache');
    like($p->{output}, qr/add-ons, which are yours to add: heroku-postgresql:mini/, 'add-ons are named');
    is(said($p, 'web'), "profile of $p->{dir}/app\n", '.profile.d and default_process_types');
    is_deeply($p->{result}{config}, { WORDS_ENV => 'production', WORD => 'from the pack', PORT => '1' },
        'config_vars are handed on');
    like(build($p, '--buildpack', './heroku')->{output}, qr/cached: hello/, 'the cache stays');
    $p->{config}{STACK} = 'heroku-22';
    like(build($p, '--buildpack', './heroku')->{output}, qr/stack heroku-22/, 'STACK may be asked for');
    my $q = place({ other => '' });
    system('cp', '-r', "$fixtures/heroku", "$q->{dir}/src/pack") == 0 or die;
    refused(build($q, '--buildpack', './pack'), '"\./pack" does not fit', 'one that does not fit');
    refused(build($q, '--buildpack', './nothing'), 'no buildpack "\./nothing" in the app', 'one that is not there');
    refused(build($q, '--buildpack', './pack/../../x'), 'no buildpack', 'one outside');
    refused(build($q, '--buildpack', './pack/bin'), 'neither bin/detect and bin/compile', 'a folder that is none');
    system("cd $fixtures/export && tar -czf $q->{dir}/src/export.tgz .") == 0 or die;
    write_file("$q->{dir}/src/Procfile", "web: true\n");
    built(build($q, '--buildpack', './export.tgz', '--buildpack', 'heroku/procfile'), 'Procfile',
        'an archive in the app, and one of ours by Heroku\'s name');
};

subtest 'packs of others: Cloud Foundry\'s interface' => sub {
    my $p = place({ words => "hello\n" }, WORD => 'mine');
    system('cp', '-r', (map { "$fixtures/$_" } qw(supply finalize heroku)), "$p->{dir}/src") == 0 or die;
    build($p, '--buildpack', './supply', '--buildpack', './finalize');
    built($p, 'finalize', 'supply and finalize');
    like($p->{output}, qr/supply 0 of 4 arguments on cflinuxfs4 for application_name:app/, 'bin/supply');
    like($p->{output}, qr/mine; cached: nothing/, 'config vars are in its environment');
    like($p->{output}, qr/supply of the last one, index 1\n-----> finalize 1: 0 1/, 'bin/supply and bin/finalize of the last');
    is(said($p, 'web'), "the tool of supply\nprofile of supply\n", 'what was supplied is there when it runs');
    ok(!-e "$p->{dir}/app/.paas/deps/1", 'what supplied nothing leaves nothing');
    like(build($p, '--buildpack', './supply', '--buildpack', './finalize')->{output}, qr/cached: supplied/,
        'each has a cache');
    build($p, '--buildpack', './supply', '--buildpack', './heroku');
    built($p, 'Words', 'supply for a pack of Heroku\'s');
    like($p->{output}, qr{supplied: \S+/app/\.paas/deps/0/bin/supplied-tool, the variable}, 'which sees it in its build');
    is(`HOME=$p->{dir}/app $top/scripts/sandbox/run 'supplied-tool; echo "\$FROM_SUPPLY"'`,
        "the tool of supply\nprofile of supply\n", 'and so does the app');
    refused(build($p, '--buildpack', './finalize', '--buildpack', './supply'), 'does not say what to run',
        'a last one without release');
    unlink "$p->{dir}/src/finalize/bin/supply";
    refused(build($p, '--buildpack', './finalize', '--buildpack', './heroku'), 'no bin/supply: it can only be the last',
        'one without supply that is not the last');
    write_file("$p->{dir}/src/supply/bin/supply", "#!/bin/sh\nexit 7\n");
    refused(build($p, '--buildpack', './supply', '--buildpack', './heroku'), 'bin/supply of the supply buildpack failed \(exit 7\)',
        'one that fails');
};

subtest 'packs of others: by URL' => sub {
    my $web = "$tmp/web";
    make_path($web);
    my $first = repository("$web/words", "$fixtures/heroku");
    system('cp', '-r', "$web/words/.git", "$web/words.git") == 0 or die;
    my $server = WebFiles->new($web);
    my $url = "$server->{url}/words.git";
    my $p = build(place({ words => "one\n" }), '--buildpack', $url);
    built($p, 'Words', 'a repository');
    like($p->{output}, qr/words\.git at \Q@{[substr $first, 0, 12]}\E$/m, 'its commit is named');
    is(said($p, 'worker'), "one\n", 'it runs');

    write_file("$web/words/bin/release", "#!/bin/sh\necho 'default_process_types: {web: second}'\n");
    my $second = repository("$web/words");
    system("cd $web && git -C words tag v2 && rm -rf words.git && cp -r words/.git words.git") == 0 or die;
    is(build($p, '--buildpack', $url)->{result}{types}{web}, 'second', 'the next build has what is new');
    is(build($p, '--buildpack', "$url#v2")->{result}{types}{web}, 'second', 'by a tag');
    is(build($p, '--buildpack', "$url#main")->{result}{types}{web}, 'second', 'by a branch');
    isnt(build($p, '--buildpack', "$url#$first")->{result}{types}{web}, 'second', 'by a commit');
    my $asked = $server->asked;
    is(build($p, '--buildpack', "$url#$first")->{status}, 0, 'the commit again');
    is(scalar $server->asked, $asked, 'from the cache, nobody was asked');
    refused(build($p, '--buildpack', "$url#nothing"), 'could not be fetched.*branch, a tag or a whole commit', 'no such branch');
    refused(build($p, '--buildpack', "$url#-x"), 'is no branch, tag or commit', 'an option for a branch');
    refused(build($p, '--buildpack', "$server->{url}/none.git"), 'none\.git could not be fetched', 'no such repository');

    system("cd $fixtures && tar -czf $web/pack.tgz heroku && cd heroku && tar -cJf $web/flat.tar.xz .") == 0 or die;
    built(build($p, '--buildpack', "$server->{url}/pack.tgz"), 'Words', 'an archive with one folder');
    built(build($p, '--buildpack', "$server->{url}/pack.tgz"), 'Words', 'the archive again (304)');
    built(build($p, '--buildpack', "$server->{url}/flat.tar.xz"), 'Words', 'another compression');
    write_file("$web/bad.tgz", 'no archive');
    refused(build($p, '--buildpack', "$server->{url}/bad.tgz"), 'bad\.tgz can\'t be unpacked', 'no archive');
    refused(build($p, '--buildpack', "$server->{url}/none.tgz"), 'none\.tgz could not be fetched, HTTP 404', 'a 404');
    system("cd $tmp && mkdir -p evil/bin && ln -sf /etc evil/out && tar -cf $web/evil.tar evil && " .
        "rm evil/out && mkdir evil/out && touch evil/out/passwd.evil && tar -rf $web/evil.tar evil/out/passwd.evil") == 0 or die;
    refused(build($p, '--buildpack', "$server->{url}/evil.tar"), 'can\'t be unpacked|no buildpack', 'one that writes through a link');
    ok(!-e '/etc/passwd.evil', 'which wrote nothing');

    $server->stop;
    my $q = build($p, '--buildpack', $url);
    built($q, 'Words', 'the server is gone: what the cache has');
    like($q->{output}, qr/could not be fetched: the copy of an earlier build is used/, 'it says so');
    built(build($p, '--buildpack', "$server->{url}/pack.tgz"), 'Words', 'of an archive, too');
    refused(build(place({ words => '' }), '--buildpack', $url), 'could not be fetched', 'without a cache it fails');
    refused(build($p, '--buildpack', 'https://user:secret@example.com/x.git'), 'user or password', 'a secret in a URL');
    unlike($p->{output}, qr/secret/, 'which is not printed');
    refused(build($p, '--buildpack', 'ssh://x/y'), 'is no URL of a buildpack', 'another protocol');
    refused(build($p, '--buildpack', "https://x/\e[31m"), 'https://x/\\\\x1b', 'control characters');
};

# ---- .slugignore ---------------------------------------------------------

{
    my %files = (
        'Procfile' => "web: true\n", 'keep' => 'x', 'docs/a/b/c' => 'x', 'a.psd' => 'x', 'deep/b.psd' => 'x',
        'deep/keep.psd' => 'x', "odd\nname.psd" => 'x', 'only/top' => 'x', 'deep/only/top' => 'x',
        '.slugignore' => "# a comment\ndocs\n*.psd\n!keep.psd\n/only/\n",
    );
    my $p = build(place(\%files));
    is($p->{status}, 0, '.slugignore: the build') or diag $p->{output};
    my $left = join ' ', sort split /\0/, `cd $p->{dir}/app && find . -type f -printf '%P\\0'`;
    is($left, '.slugignore Procfile deep/keep.psd deep/only/top keep', '.slugignore: what it names is gone, and nothing else');
    like($p->{output}, qr/^       \.slugignore took away 5 files or folders$/m, '.slugignore: says so');
    my $q = place({ 'Procfile' => "web: true\n", 'keep' => 'x' });
    symlink 'keep', "$q->{dir}/src/.slugignore" or die;
    build($q);
    is($q->{status}, 0, '.slugignore: a link is no list');
    ok(-e "$q->{dir}/app/keep", '.slugignore: nor followed');
}

done_testing();
