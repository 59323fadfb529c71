#!/usr/bin/perl
# What `paas push` sends is what git would add: generated trees with generated
# .gitignore files, compared with git itself.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use ScriptedManager;

my $build = $ENV{PAAS_BUILD} // "$Bin/../build";
my $trees = $ENV{PAAS_LONG} ? 400 : 40;
my $seed = $ENV{PAAS_SEED} // 20261122;
my $dir = tempdir(CLEANUP => 1);

die "git is not installed\n" if system('git --version > /dev/null');
$ENV{PAAS_APP} = 'shop';
delete $ENV{$_} for grep { /^GIT_/ } keys %ENV;
$ENV{GIT_CONFIG_GLOBAL} = $ENV{GIT_CONFIG_SYSTEM} = '/dev/null';
srand $seed;

my $manager = ScriptedManager->new($dir, {
    'GET /apps/shop' => [200, '{"name":"shop"}'],
    'POST /apps/shop/builds' => sub {
        my ($req) = @_;
        rename $req->{file}, "$dir/upload";
        return [200, "{\"build\":{},\"release\":{\"version\":1}}\n"];
    },
});

my @names = ('a', 'b', 'ab', 'abc', 'x.log', 'y.log', 'build', 'doc', 'main.c',
    'main.o', 'node_modules', '#odd', '!odd', 'sp ace', 'tail ', 'a[b]', 'a*b',
    '.env', '.hidden', 'README', "caf\xc3\xa9", 'a-b', 'deep', 'foo', 'foobar');
my @pieces = ('*', '?', '**', '[a-c]', '[!a-c]', '[[:alpha:]]', '[^x]', '*.log',
    '*.o', 'ma*', '\\!odd', '\\#odd', 'a\\[b\\]', 'a\\*b', 'foo**', '**bar',
    'fo?', '[', 'a[', '[]]', '[a-]', 'x.*', '.*', '*a*', 'a*b*c', '[[:upper:]]*',
    '[[:nope:]]', 'tail\\ ', 'x\\', '[\\a-c]*', '*[!.]o*', '???');

sub pick { return $_[rand @_] }

sub pattern {
    my $p = join '/', map { rand() < 0.55 ? pick(@names) : pick(@pieces) }
        1 .. pick(1, 1, 1, 2, 2, 3);

    $p = "/$p" if rand() < 0.2;
    $p = "**/$p" if rand() < 0.1;
    $p = "$p/**" if rand() < 0.1;
    $p = "$p/" if rand() < 0.25;
    $p = "!$p" if rand() < 0.25;
    $p = "$p  " if rand() < 0.08;
    $p = "$p\r" if rand() < 0.05;
    return $p;
}

sub write_file {
    my ($path, $text) = @_;
    make_path(dirname($path));
    open my $to, '>:raw', $path or die "$path: $!";
    print $to $text;
    close $to;
}

sub ignore_file {
    return join("\n", (map { rand() < 0.08 ? pick('# a comment', '', '   ')
        : pattern() } 1 .. 1 + rand 7)) . pick("\n", "\n", '');
}

sub grow {
    my ($path, $depth) = @_;
    write_file("$path/.gitignore", ignore_file()) if rand() < 0.35;
    for my $name (@names) {
        next if rand() < 0.55;
        if ($depth < 3 && rand() < 0.28) { grow("$path/$name", $depth + 1) }
        else { write_file("$path/$name", 'x') unless -d "$path/$name" }
    }
}

# Sorted names of files and links, without folders.
sub sent {
    my ($path) = @_;
    unlink "$dir/upload";
    system("$build/bin/paas", '--socket', $manager->socket, 'push', '--json',
        $path);
    return [] unless -e "$dir/upload";
    open my $tar, '-|', 'tar', '--quoting-style=literal', '-tzf', "$dir/upload"
        or die;
    return [sort grep { !m{/$} } map { chomp; $_ } <$tar>];
}

sub git_has {
    my ($repo, $folder) = @_;
    open my $ls, '-|', 'git', '-C', "$repo/$folder", 'ls-files', '-z', '-o',
        '--exclude-standard' or die;
    local $/ = "\0";
    return [sort map { chomp; $_ } <$ls>];
}

sub quietly {
    my ($code) = @_;
    open my $out, '>&', \*STDOUT; open my $err, '>&', \*STDERR;
    open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
    my $r = $code->();
    open STDOUT, '>&', $out; open STDERR, '>&', $err;
    return $r;
}

for my $n (1 .. $trees) {
    my $repo = "$dir/tree$n";
    grow($repo, 0);
    write_file("$repo/keep", 'x');
    system("git init -q '$repo'") == 0 or die;
    write_file("$repo/.git/info/exclude", pattern() . "\n") if rand() < 0.3;
    # a folder inside of the work tree obeys the rules above it, too
    my @folders = grep { -d "$repo/$_" && ($_ ne '.git') } @names;
    my $folder = @folders && rand() < 0.3 ? pick(@folders) : '.';
    if ($folder ne '.' && system(
        "git -C '$repo' check-ignore -q './$folder' 2> /dev/null") == 0) {
        $folder = '.'; # git then lists nothing; what is named is pushed
    }
    my $want = git_has($repo, $folder);
    my $got = quietly(sub { sent("$repo/$folder") });
    is_deeply($got, $want, "tree $n of seed $seed, folder $folder ("
        . scalar(@$want) . ' files)') or do {
            system("cd '$repo' && grep -rn '' --include=.gitignore . "
                . ".git/info/exclude | grep -v ':#' | sed 's/^/# /'");
        };
    system('rm', '-rf', $repo);
}

done_testing;
