#!/usr/bin/perl
# Apps of compiled and other languages, built by their own tools for real and
# asked over HTTP; t/e2e/packs.t does the same within the sandbox.
use strict;
use warnings;

use lib 't/lib';
use File::Path qw(make_path);
use JSON::PP;
use Packs;
use Test::More;
use Time::HiRes qw(time);

# What is built beforehand, two at a time.
my %app = (
    go    => place('go'),
    c     => place('c'),
    cmake => place('cmake'),
    flask => place('flask', MEMORY_LIMIT => '512m'),
    asgi  => place('asgi', MEMORY_LIMIT => '512m'),
    pnpm  => place('pnpm'),
    yarn  => place('yarn'),
    'express-generator' => place('express-generator'),
    java  => place('java', MEMORY_LIMIT => '256m'),
    php   => place('php'),
    ruby  => place('ruby'),
);
# What its versions are is for the machine's Debian to say.
is(system("cd $app{ruby}{dir}/src && HOME=$Packs::tmp bundle lock --local " .
    '> /dev/null'), 0, 'bundle lock');
$app{ruby}{lock} = read_file("$app{ruby}{dir}/src/Gemfile.lock");
build_all(map { $app{$_} } sort keys %app);

# A fixture: its pack, its command, and what it answers.
sub serves {
    my ($name, $pack, $web, $words) = @_;
    my $p = $app{$name};
    built($p, $pack, $name);
    is($p->{result}{types}{web}, $web, "$name: its web process");
    with_web($p, sub {
        like(get($_[0], '/'), qr/^HTTP\S+ 200 .*$words/s, "$name: it answers");
    });
}

subtest 'Node.js by npm, pnpm and yarn' => sub {
    serves('express-generator', 'Node.js', 'npm start', 'Welcome to Express');
    serves('pnpm', 'Node.js', 'npm start', '"pack":"pnpm","day":86400000,"dev":false');
    serves('yarn', 'Node.js', 'yarn start', '"pack":"yarn","day":86400000,"dev":false');
    like($app{pnpm}{output}, qr/pnpm install --frozen-lockfile/, 'pnpm install');
    like($app{yarn}{output}, qr/yarn install --immutable/, 'yarn install');
    ok(!-e "$app{pnpm}{dir}/app/.paas/nodejs", 'no pnpm where none is called');
    my $start = time;
    build_all(@app{qw(pnpm yarn)});
    for my $name (qw(pnpm yarn)) {
        built($app{$name}, 'Node.js', "$name, again");
        unlike($app{$name}{output}, qr/Fetching/, 'with what is in the cache');
    }
    like($app{pnpm}{output}, qr/Restoring node_modules/, 'the same modules');
    diag sprintf 'pnpm and yarn: %.1f s with their caches', time - $start;

    # The classic yarn, and a script that calls it.
    my %files = (
        'package.json' => encode_json({
            dependencies => { word => 'file:./word' },
            scripts => { start => 'yarn -s go', go => 'node index.js' } }),
        'yarn.lock' => "# yarn lockfile v1\n\n\n\"word\@file:./word\":\n" .
            "  version \"1.0.0\"\n",
        'word/package.json' => '{"name":"word","version":"1.0.0"}',
        'word/index.js' => 'module.exports = "classic";',
        'index.js' => 'require("http").createServer((q, r) => ' .
            'r.end(require("word"))).listen(process.env.PORT)',
    );
    my $p = build(place(\%files));
    built($p, 'Node.js', 'classic yarn');
    with_web($p, sub { like(get($_[0], '/'), qr/classic/, 'it answers') });

    $p = build(place({ 'package.json' => encode_json({
        engines => { node => '>=99' }, scripts => { start => 'x' } }) }));
    built($p, 'Node.js', 'engines');
    like($p->{output}, qr/^ !     package\.json asks for Node\.js >=99, and/m,
        'what node can\'t meet is told');
    my $two = build(place({ %files, 'package-lock.json' => '{}' }));
    is($two->{status}, 1, 'two lock files');
    like($two->{output}, qr/^ !     package.json.*npm and yarn/m, 'are named');
};

subtest 'Python: Flask and ASGI' => sub {
    serves('flask', 'Python', 'gunicorn --preload app:app --bind 0.0.0.0:$PORT',
        '"pack":"flask"');
    serves('asgi', 'Python', 'uvicorn main:app --host 0.0.0.0 --port $PORT',
        '"pack":"asgi"');
    like(read_file("$app{flask}{dir}/log"), qr/(Booting worker.*){2}/s,
        'more than one process, as there is memory for them');
    my $broken = build(place({ 'wsgi.py' => "import nonsense\napp = 1\n" }));
    my $listened = 1;
    with_web($broken, sub { $listened = defined get($_[0], '/') });
    ok(!$listened, 'an app that does not load does not listen');
    my $plain = build(place({ 'asgi.py' => "async def app(scope, receive, send):\n" .
        "    await send({'type': 'http.response.start', 'status': 200})\n" .
        "    await send({'type': 'http.response.body', 'body': b'bare'})\n",
        'runtime.txt' => "python-2.7.18\n", '.python-version' => "3\n" }));
    is($plain->{result}{types}{web}, 'uvicorn asgi:app --host 0.0.0.0 --port $PORT',
        'a function is an app, too');
    like($plain->{output}, qr/^ !     runtime\.txt asks for Python 2\.7\.18, and/m,
        'a version that is not there is told');
    unlike($plain->{output}, qr/^ !     \.python-version asks/m, 'one that is, is not');
    with_web($plain, sub { like(get($_[0], '/'), qr/bare/, 'it answers') });
};

subtest 'Go' => sub {
    serves('go', 'Go', 'bin/hello', '"pack":"go"');
    my $start = time;
    build($app{go});
    built($app{go}, 'Go', 'the second push');
    diag sprintf 'go: %.1f s with its cache', time - $start;

    # A module in vendor/, as `go mod vendor` leaves it, and two programs.
    my $p = place({
        'go.mod' => "module example.com/two\n\ngo 1.18\n\n" .
            "require example.com/word v0.0.0\n\n" .
            "replace example.com/word => ./word\n",
        'word/go.mod'  => "module example.com/word\n",
        'word/word.go' => "package word\n\nconst Word = \"vendored\"\n",
        'main.go' => "package main\n\nimport \"example.com/word\"\n\n" .
            "func main() { println(word.Word) }\n",
        'cmd/job/main.go' => "package main\n\nfunc main() {}\n",
        'bin/go-post-compile' => "#!/bin/sh\necho post \$WORD\n",
    }, WORD => 'hook');
    chmod 0755, "$p->{dir}/src/bin/go-post-compile";
    is(system("cd $p->{dir}/src && HOME=$p->{dir} GOFLAGS=-modcacherw " .
        'go mod vendor'), 0, 'go mod vendor');
    build($p);
    built($p, 'Go', 'with vendor/');
    is($p->{result}{types}{web}, 'bin/two', 'the one named as the module');
    ok(-x "$p->{dir}/app/bin/job", 'the other one is there, too');
    like($p->{output}, qr/taken from vendor/, 'it says where from');
    like($p->{output}, qr/^       post hook$/m, 'go-post-compile is run');
    $p->{config}{GO_INSTALL_PACKAGE_SPEC} = './cmd/job';
    build($p);
    is($p->{result}{types}{web}, 'bin/job', 'the package that is asked for');

    refused(build(place({ 'go.mod' => "module x.org/a\n\ngo 1.99\n",
        'a.go' => "package main\n\nfunc main() { nonsense }\n" })),
        'Go buildpack failed', 'what does not compile');
    my $none = build(place({ 'go.mod' => "module x.org/a\n",
        'a.go' => "package a\n" }));
    like($none->{output}, qr/^ !     No package main/m, 'nothing to run');
};

subtest 'C and C++' => sub {
    serves('c', 'C/C++', './hello', '"pack":"c"');
    serves('cmake', 'C/C++', './build/hello', '"pack":"cmake"');
    my $main = "int main(void) { return 0; }\n";
    my $two = build(place({ Makefile => "all: a b\n", 'a.c' => $main,
        'b.c' => $main }));
    like($two->{output}, qr/^ !     2 programs were built/m,
        'two programs and no Procfile');
    my $own = build(place({ Makefile => "all: a b\n", 'a.c' => $main,
        'b.c' => $main, Procfile => "web: ./a\nworker: ./b\n" }));
    built($own, 'C/C++', 'two programs');
    is_deeply($own->{result}{types}, { web => './a', worker => './b' },
        'and a Procfile');
    refused(build(place({ Makefile => "all: a\n", 'a.c' => 'nonsense' })),
        'C/C\+\+ buildpack failed', 'what does not compile');
};

subtest 'Java' => sub {
    serves('java', 'Java',
        'java -Dserver.port=$PORT $JAVA_OPTS -jar target/hello-1.0-SNAPSHOT.jar',
        '"pack":"java","heap":1[45]\d}');

    # A jar alone, made by the JDK's own tools, and a version that is not there.
    my $p = place({ 'system.properties' => "java.runtime.version=99\n",
        'Procfile' => "worker: true\n" });
    is(system("cd $app{java}{dir}/app/target && jar cfe $p->{dir}/src/own.jar " .
        'com.example.App -C classes .'), 0, 'jar');
    build($p);
    built($p, 'Java', 'a jar');
    is($p->{result}{types}{web},
        'java -Dserver.port=$PORT $JAVA_OPTS -jar own.jar', 'its web process');
    like($p->{output}, qr/^ !     system\.properties asks for Java 99/m,
        'a version that is not there is named');
    with_web($p, sub { like(get($_[0], '/'), qr/"pack":"java"/, 'it answers') });

    # The app's own Maven and settings go before what the pack would choose.
    my $wrapped = place('java');
    write_file("$wrapped->{dir}/src/mvnw", "#!/bin/sh\necho wrapped\n" .
        "exec /usr/share/maven/bin/mvn \"\$\@\"\n");
    write_file("$wrapped->{dir}/src/settings.xml",
        read_file("$Packs::packs/java/lib/maven/settings.xml"));
    build($wrapped);
    built($wrapped, 'Java', 'mvnw');
    like($wrapped->{output}, qr/^       wrapped$/m, 'mvnw is what runs');

    my $wrong = build(place({ 'pom.xml' => '<project>' }));
    is($wrong->{status}, 1, 'a broken pom.xml');
    like($wrong->{output}, qr/^ !     Maven failed/m, 'is named');
    my $none = build(place({ 'a.jar' => 'no jar' }));
    like($none->{output}, qr/^ !     0 jars with a Main-Class/m, 'no Main-Class');
};

subtest 'PHP' => sub {
    serves('php', 'PHP', 'heroku-php-nginx public/', '"pack":"php"');
    my $p = $app{php};
    like($p->{output}, qr/Generating optimized autoload files/, 'by composer');
    with_web($p, sub {
        my ($port) = @_;
        like(get($port, '/any/path?a=b'), qr{"sapi":"fpm-fcgi","path":"\\/any\\/path\?a=b"},
            'index.php gets what is no file');
        like(get($port, '/.hidden'), qr/^HTTP\S+ 404/, 'no hidden files');
        # A script that is none of the app's, by two ways.
        like(get($port, '/no.php/x'), qr/^HTTP\S+ 404/, 'nor others');
    });

    # A package out of a folder, as composer has it without a network.
    my %files = (
        'composer.json' => encode_json({
            repositories => [{ type => 'path', url => 'lib/*' },
                { packagist => JSON::PP::false }],
            require => { 'own/word' => '*' }, 'minimum-stability' => 'dev',
            scripts => { compile => 'php -r "echo 6 * 7;" > answer' } }),
        'lib/word/composer.json' => encode_json({ name => 'own/word',
            autoload => { files => ['word.php'] } }),
        'lib/word/word.php' => "<?php\nfunction word() { return 'packed'; }\n",
        'web/index.php' => "<?php\nrequire '../vendor/autoload.php';\n" .
            "echo word(), getenv('WORD');\n",
        'web/a.txt' => 'plain', 'web/sub/nginx.conf' => '',
        'nginx_app.conf' => "location / { return 200 'own'; }\n",
    );
    my $q = build(place(\%files, WORD => ' config'));
    built($q, 'PHP', 'a path repository');
    is($q->{result}{types}{web}, 'heroku-php-nginx web/', 'web/ is its root');
    is(read_file("$q->{dir}/app/answer"), '42', 'scripts.compile is run');
    with_web($q, sub {
        my ($port) = @_;
        like(get($port, '/'), qr/packed config/, 'its package is found');
        like(get($port, '/a.txt'), qr{text/plain.*plain}s, 'a file is a file');
    });
    # As on a machine without php-fpm.
    write_file("$q->{dir}/app/.paas/php/fpm.sh", "find_fpm() { :; }\n");
    with_web($q, sub {
        my ($port) = @_;
        like(get($port, '/'), qr/packed config/, "PHP's own server");
        like(get($port, '/any/path'), qr/packed config/, 'with index.php');
        like(get($port, '/.env'), qr/^HTTP\S+ 404/, 'without hidden files');
    });
    $files{Procfile} = "web: heroku-php-apache2 -C nginx_app.conf web/\n";
    with_web(build(place(\%files)), sub {
        like(get($_[0], '/'), qr/own/, 'an include for nginx');
    });

    with_web(build(place({ 'index.php' => "<?php\necho 'plain', PHP_SAPI;\n",
        'composer.lock' => 'secret' })), sub {
        like(get($_[0], '/'), qr/plainfpm/, 'index.php alone');
        like(get($_[0], '/composer.lock'), qr/^HTTP\S+ 404/, 'no lock file');
    });
    for my $bad (['nonsense', "can't be read"],
        ['{"require": {"ext-nope": "*"}}', 'apt-get install php-nope']) {
        my $r = build(place({ 'composer.json' => $bad->[0] }));
        is($r->{status}, 1, "refused: $bad->[0]");
        like($r->{output}, qr/^ !     composer\.json.*\Q$bad->[1]\E/m,
            'by its name');
    }
};

subtest 'Ruby' => sub {
    serves('ruby', 'Ruby', 'bundle exec puma -b tcp://0.0.0.0:$PORT',
        '"pack":"ruby","env":"production"');
    like($app{ruby}{output}, qr/met by vendor\/cache and the system/,
        'no network');

    # A gem of our own, by `gem build`, in vendor/cache.
    my %files = (
        Gemfile => "source 'https://rubygems.org'\ngem 'oneword'\n" .
            "gem 'rack'\ngem 'puma'\ngroup(:test) { gem 'nowhere' }\n",
        'Gemfile.lock' => '',
        'config.ru' => "require 'oneword'\nrun ->(e) { [200, {}, " .
            "[OneWord::WORD, ' ', ENV['BUNDLE_WITHOUT']]] }\n",
        'config/puma.rb' => "port ENV.fetch('PORT') { 3000 }\n",
    );
    my $gem = place({ 'lib/oneword.rb' => "module OneWord; WORD = 'packed'; end\n",
        'oneword.gemspec' => "Gem::Specification.new do |s|\n" .
            "s.name = 'oneword'; s.version = '1.0'; s.summary = 'x'\n" .
            "s.authors = ['x']; s.files = ['lib/oneword.rb']\nend\n" });
    is(system("cd $gem->{dir}/src && HOME=$Packs::tmp gem build -q oneword.gemspec " .
        '> /dev/null 2>&1'), 0, 'gem build');
    my %locked = $app{ruby}{lock} =~ /^    (puma|rack|nio4r) \((.*)\)$/mg;
    $files{'Gemfile.lock'} = "GEM\n  remote: https://rubygems.org/\n  specs:\n" .
        "    nio4r ($locked{nio4r})\n    nowhere (1.0)\n    oneword (1.0)\n" .
        "    puma ($locked{puma})\n      nio4r (~> 2.0)\n    rack ($locked{rack})\n" .
        "\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  nowhere\n  oneword\n  puma\n" .
        "  rack\n\nBUNDLED WITH\n   9.9.9\n";
    my $p = place(\%files);
    make_path("$p->{dir}/src/vendor/cache");
    system('cp', "$gem->{dir}/src/oneword-1.0.gem", "$p->{dir}/src/vendor/cache/") == 0
        or die;
    build($p);
    built($p, 'Ruby', 'vendor/cache');
    is($p->{result}{types}{web}, 'bundle exec puma -C config/puma.rb',
        'puma by its own settings');
    with_web($p, sub {
        like(get($_[0], '/'), qr/packed development:test/, 'its gem is found');
    });
    build($p);
    built($p, 'Ruby', 'the second push');
    like($p->{output}, qr/Gems are restored/, 'from the cache');

    my $plain = build(place({ 'config.ru' =>
        "run ->(e) { [200, {}, ['no Gemfile']] }\n" }));
    is($plain->{result}{types}{web}, 'puma -b tcp://0.0.0.0:$PORT',
        'config.ru alone');
    with_web($plain, sub { like(get($_[0], '/'), qr/no Gemfile/, 'it answers') });
    my $bad = build(place({ Gemfile => "nonsense\n" }));
    is($bad->{status}, 1, 'a broken Gemfile');
    like($bad->{output}, qr/^ !     bundle install failed/m, 'is named');
};

# With a PATH that has a shell's tools and nothing else.
subtest 'what is not installed is named' => sub {
    my $bin = "$Packs::tmp/bin";
    make_path($bin);
    symlink "/usr/bin/$_", "$bin/$_" or die
        for qw(bash basename cat cut dirname grep head ls mkdir nproc od readlink
        rm sed sort tail tr wc);
    my %want = (
        nodejs => 'nodejs', ruby => 'ruby', php => 'php-cli', go => 'golang-go',
        c => 'build-essential',
    );
    for my $id (sort keys %want) {
        my $p = place({ x => '' });
        my $said = `PATH=$bin /bin/bash $Packs::packs/$id/bin/compile $p->{dir}/src $p->{dir}/cache $p->{dir}/out 2>&1`;
        isnt($?, 0, "$id: refused");
        like($said, qr/^ !     .*'apt-get install \Q$want{$id}\E'/m,
            "$id: with the package's name");
    }
    my $said = `$Packs::top/scripts/up --runtimes go,nope 2>&1`;
    isnt($?, 0, 'a runtime that there is not');
    like($said, qr/--runtimes takes all, or names .* ruby, not 'nope'/,
        'is named, with those that there are');
};

$Packs::long and subtest 'Rails, as its generator writes it' => sub {
    my $p = place({});
    is(system("cd $p->{dir}/src && HOME=$Packs::tmp rails new . --name=hello " .
        '--api --minimal --skip-active-record --skip-sprockets --skip-git ' .
        '--skip-bundle > /dev/null && ' .
        "HOME=$Packs::tmp bundle lock --local > /dev/null"), 0, 'rails new');
    write_file("$p->{dir}/src/config/routes.rb",
        "Rails.application.routes.draw do\n" .
        "  root to: ->(env) { [200, {}, [Rails.env]] }\nend\n");
    build($p);
    built($p, 'Ruby', 'rails');
    is($p->{result}{types}{web},
        'bundle exec rails server -b 0.0.0.0 -p $PORT', 'its web process');
    with_web($p, sub {
        like(get($_[0], '/'), qr/^HTTP\S+ 200 .*production/s, 'it answers');
    });
};

done_testing();
