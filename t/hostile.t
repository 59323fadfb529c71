#!/usr/bin/perl
# Archives that mean harm, each unpacked, built and inspected by the programs
# that do so in the sandbox, here outside of it, and as root, so that what goes
# wrong does go wrong: nothing outside the app's folder is read or written, and
# what is taken for an app has no device, no setuid file and no way out.
use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use Fcntl ':mode';
use File::Find;
use File::Temp qw(tempdir);
use Hostile;
use JSON::PP;
use POSIX ();
use Test::More;

my $count = $ENV{PAAS_LONG} ? 10_000 : 215;
my $build = abs_path($ENV{PAAS_BUILD} || 'build');
my $dir = tempdir('paas-hostile-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $outside = "$dir/outside";
my @parts = qw(app cache out);
mkdir "$dir/$_" for qw(outside packs packs/any packs/any/bin);
sub spill { my ($path, $text, $mode) = @_; open my $fh, '>', $path or die "$path: $!"; print {$fh} $text; close $fh; chmod $mode // 0644, $path }
spill("$outside/kept", 'as it was');
spill("$dir/packs/any/bin/$_", "#!/bin/sh\n", 0755) for qw(detect compile);

# All that is beside the folder of the build, as one text.
sub surroundings {
    my @all;
    find({ no_chdir => 1, wanted => sub {
        return if $_ eq $dir;
        return $File::Find::prune = 1 if $_ eq "$dir/work" || $_ eq "$dir/upload";
        my @st = lstat;
        my $text = -f _ ? do { open my $fh, '<', $_; local $/; <$fh> } : '';
        push @all, join ' ', $_, @st[2, 3, 7, 9], $text;
    } }, $dir);
    return join "\n", sort @all;
}

# run(archive) -> (status, output, the line of the inspection)
sub run_build {
    my ($archive) = @_;
    system('rm', '-rf', "$dir/work") == 0 or die;
    mkdir "$dir/work";
    mkdir "$dir/work/$_" for @parts;
    spill("$dir/upload", $archive);
    my $w = "$dir/work";
    my $pid = open(my $out, '-|') // die;
    if (!$pid) {
        open STDIN, '<', "$dir/upload";
        # What is called a bomb here is 2 MiB.
        exec "$build/libexec/paas-build", '--max-bytes', 1 << 20, '--max-entries', 500, '--app', "$w/app", '--cache',
            "$w/cache", '--env', "$w/env", '--packs', "$dir/packs", '--work', "$w/packs", '--out', "$w/out" or POSIX::_exit(127);
    }
    local $/;
    my $said = <$out> // '';
    close $out;
    my $status = $?;
    return ($status, $said, '') if $status != 0;
    $pid = open($out, '-|') // die;
    if (!$pid) { exec "$build/libexec/paas-inspect", '--max-bytes', 1 << 20, '--max-entries', 500, '--work', $w or POSIX::_exit(127) }
    my $line = <$out> // '';
    close $out;
    return ($status, $said, $line);
}

# What is wrong with a tree that was taken for an app, or nothing.
sub wrong {
    my ($app) = @_;
    my @wrong;
    find({ no_chdir => 1, wanted => sub {
        my ($mode) = (lstat)[2];
        my $path = $_;
        push @wrong, "$path is no file" if !S_ISREG($mode) && !S_ISDIR($mode) && !S_ISLNK($mode);
        push @wrong, "$path has mode " . sprintf '%o', $mode if !S_ISLNK($mode) && $mode & 07022;
        if (S_ISLNK($mode)) {
            my $to = abs_path($path);
            push @wrong, "$path leads to $to" if defined $to && $to ne $app && index("$to/", "$app/") != 0;
        }
    } }, $app);
    return @wrong;
}

my $before = surroundings();
my $hostile = Hostile->new(outside => $outside);
my (%seen, @bad);
for my $seed (1 .. $count) {
    my ($status, $said, $line) = run_build($hostile->archive($seed));
    my @why;
    push @why, "ended with $status" if $status & 127 || $status >> 8 > 10 || $status >> 8 == 2;
    push @why, 'says nothing' if $status != 0 && $said !~ /^ !     \S.{20,}\n\z/m;
    push @why, 'control characters' if $said =~ /[^\n\t\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]/;
    if ($status == 0) {
        push @why, wrong("$dir/work/app");
        my $found = eval { decode_json($line) };
        push @why, "the inspection says $line" if !$found || $line =~ /[^\n\x20-\x7e\x80-\xff]/ || !($found->{hash} || $found->{error});
    }
    push @why, 'something beside the build has changed' if surroundings() ne $before;
    $seen{ $status == 0 ? 'taken' : 'refused' }++;
    push @bad, "seed $seed: @why\n$said" if @why;
    last if @bad > 5;
}
is(scalar @bad, 0, "$count archives: each is refused with a sentence, or harmless") or diag join "\n", @bad;
cmp_ok($seen{refused} // 0, '>', $count / 2, 'most are refused') or diag explain \%seen;
cmp_ok($seen{taken} // 0, '>', $count / 20, 'what is only odd is taken') or diag explain \%seen;
note explain \%seen;

done_testing();
