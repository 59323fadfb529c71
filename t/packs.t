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
);
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

done_testing();
