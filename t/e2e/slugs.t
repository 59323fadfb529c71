#!/usr/bin/perl
# Slugs: one for one content, whoever pushed it and however often; kept as an
# archive as long as one of the last ten releases of an app needs it, and gone
# soon after.  The tree that instances run on is made of it where it is missing.
use strict;
use warnings;
use lib 't/lib';
use Digest::SHA;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Platform;
use Test::More;

my $tmp = tempdir('paas-slugs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $p = Platform->new;

sub folder {
    my ($name, $text) = @_;
    mkdir "$tmp/$name";
    for (['index.html', $text], ['Procfile', "web: exec python3 -m http.server \$PORT\n"]) {
        open my $fh, '>', "$tmp/$name/$_->[0]" or die;
        print {$fh} $_->[1];
        close $fh;
    }
    return "$tmp/$name";
}

sub slugs { return map { m{/([0-9a-f]{64})\.tar\.zst$} } glob "$p->{state}/archives/*" }
sub trees { return map { m{/([0-9a-f]{64})$} } glob "$p->{state}/slugs/*" }
sub one_less { my ($n) = @_; return Platform::wait_for(20, sub { slugs() == $n && !glob "$p->{state}/slugs/.gone*" }) }
sub archive { return "$p->{state}/archives/$_[0].tar.zst" }
sub cleared { return Platform::wait_for(20, sub { !(my @left = glob "$p->{state}/builds/*") }) }
sub slurp { my ($path) = @_; open my $fh, '<:raw', $path or return ''; local $/; return scalar <$fh> // '' }

# manager/sandbox/inspect.h, tree_hash; there are only files here.
sub tree_hash {
    my ($top) = @_;
    my $manifest = "paas-tree 1\n";
    for my $path (sort map { s{^\Q$top/}{}r } glob "$top/*") {
        my $text = slurp("$top/$path");
        $manifest .= sprintf "f %o %d %s\0%s\0", (stat "$top/$path")[2] & 0755, length $text, Digest::SHA::sha256_hex($text), $path;
    }
    return Digest::SHA::sha256_hex($manifest);
}

my $first = folder('first', "first\n");
is(($p->paas('push', $first, '-a', 'one', '--create'))[0], 0, 'pushed');
my ($slug) = slugs();
is(scalar slugs(), 1, 'one slug');
is(unpack('H8', slurp(archive($slug))), '28b52ffd', 'kept with zstd');
is_deeply([trees()], [$slug], 'and one tree');
is(tree_hash("$p->{state}/slugs/$slug"), $slug, 'whose content its name tells');
my @archive = stat archive($slug);
is(($p->paas('push', $first, '-a', 'one'))[0], 0, 'the same again');
is((stat archive($slug))[1], $archive[1], 'makes no other archive');
is(($p->paas('push', $first, '-a', 'two', '--create'))[0], 0, 'and to another app');
is_deeply([slugs()], [$slug], 'is the same slug');
my $releases = $p->json('releases', '-a', 'one');
is(scalar @$releases, 2, 'in two releases of the one');
ok((lstat "$p->{state}/slugs/$slug/index.html")[2] & 0400 && -s _ == 6, 'as it was pushed');

# Without its tree, it is made again when something is to start.
sub restart { my ($app) = @_; return ($p->paas('ps:restart', '-a', $app))[0] == 0 && $p->wait_up($app, 1) }
my $time = (stat "$p->{state}/slugs/$slug/index.html")[9];
remove_tree("$p->{state}/slugs/$slug");
ok(restart('one'), 'started without a tree');
is($p->get('one')->{body}, "first\n", 'it serves');
is(tree_hash("$p->{state}/slugs/$slug"), $slug, 'and the tree is there again, as its name tells');
is((stat "$p->{state}/slugs/$slug/index.html")[9], $time, 'of the time that it was of');
ok(cleared(), 'and nothing else');
remove_tree("$p->{state}/slugs/$slug");
my ($rc, $out) = $p->paas('run', '-a', 'one', 'cat', 'index.html');
is($out =~ s/^.*\e.*\n//mgr, "first\n", 'so it is for paas run') or diag $out;
ok(-e "$p->{state}/slugs/$slug/index.html", 'with its tree');

my $second = folder('second', "second\n");
is(($p->paas('push', $second, '-a', 'one'))[0], 0, 'another content');
is(scalar slugs(), 2, 'is another slug');
is(($p->paas('ps:scale', 'web=0', '-a', 'one'))[0], 0, 'nothing is to be started any more');
my $version = sub { (sort { $b <=> $a } map { $_->{version} } @{ $p->json('releases', '-a', 'one') })[0] };

# Ten releases with the second one's code push out those with the first's.
for my $n (1 .. 8) {
    is($p->api('PATCH', '/apps/one/config-vars', { N => "$n" })->{status}, 200, "release by config var $n");
}
is($version->(), 11, 'eleven releases, nine of them of the second slug');
sleep 4;
is(scalar slugs(), 2, 'the last ten releases need both');
is(scalar trees(), 2, 'and another app the tree of the first');
is(($p->paas('apps:destroy', 'two', '--confirm', 'two'))[0], 0, 'the other app goes');
ok(Platform::wait_for(20, sub { trees() == 1 && !glob "$p->{state}/slugs/.gone*" }), 'and its tree, which no release of the last two needs')
    or diag join ' ', trees();
is(scalar slugs(), 2, 'its slug is still needed by the first');
is(($p->paas('ps:scale', 'web=1', '-a', 'one'))[0], 0, 'something runs again');
ok($p->wait_up('one', 1) && $p->get('one')->{body} eq "second\n", 'of the second slug');

# An archive that is no good is found out, and changes nothing of what runs.
my $bytes = slurp(archive($slug));
open my $fh, '+<:raw', archive($slug) or die;
seek $fh, length($bytes) / 2, 0;
print {$fh} ~substr $bytes, length($bytes) / 2;
close $fh;
my $damaged = slurp(archive($slug));
is(($p->paas('rollback', 'v2', '-a', 'one'))[0], 0, 'back to a damaged archive');
my $result;
ok(Platform::wait_for(30, sub { ($result) = grep { $_->{version} == 12 } @{ $p->json('releases', '-a', 'one') }; $result->{status} eq 'failed' }), 'fails')
    or diag explain $result;
($rc, $out) = $p->paas('releases:info', 'v12', '-a', 'one');
like($out, qr/the archive of its slug is damaged, and it can't be started on this machine: push its code again/, 'one error tells why')
    or diag $out;
is($p->get('one')->{body}, "second\n", 'what ran goes on');
ok(cleared(), 'nothing is left');
is(scalar(grep { $_->{text} =~ /^slug \w{12}: the archive/ } @{ $p->json('timeline', '-a', 'one') }), 1, 'the timeline tells once');
is(($p->paas('push', $first, '-a', 'mend', '--create'))[0], 0, 'the same code, pushed again,');
isnt(slurp(archive($slug)), $damaged, 'makes another archive');
is(($p->paas('apps:destroy', 'mend', '--confirm', 'mend'))[0], 0, 'and is not needed for more');
remove_tree("$p->{state}/slugs/$slug");
($rc, $out) = $p->paas('rollback', 'v2', '-a', 'one');
is($rc, 0, 'back to the oldest that is kept') or diag $out;
ok(Platform::wait_for(30, sub { $p->get('one')->{body} eq "first\n" }), 'it serves');
is(($p->paas('ps:scale', 'web=0', '-a', 'one'))[0], 0, 'nothing is to be started any more');
for my $n (1 .. 10) {
    is($p->api('PATCH', '/apps/one/config-vars', { N => "b$n" })->{status}, 200, "release by config var b$n");
}
ok(one_less(1), 'now nobody needs the second') or diag join ' ', slugs();
is_deeply([slugs()], [$slug], 'and the first is in all of the last ten');
($rc, $out) = $p->paas('rollback', 'v3', '-a', 'one');
isnt($rc, 0, 'no way back to what is not kept');
like($out, qr/not kept any more/, 'and a word why') or diag $out;
is(($p->paas('ps:scale', 'web=1', '-a', 'one'))[0], 0, 'what is kept');
ok($p->wait_up('one', 1), 'starts');
is($p->get('one')->{body}, "first\n", 'and serves');

# Killed while it drops one: the next start goes on.
is(($p->paas('push', $second, '-a', 'two', '--create'))[0], 0, 'the second slug once more');
is(scalar slugs(), 2, 'is there');
is(($p->paas('apps:destroy', 'two', '--confirm', 'two'))[0], 0, 'and superfluous');
Platform::wait_for(10, sub { slugs() == 1 || glob "$p->{state}/slugs/.gone*" });
kill 'KILL', $p->service_pid($_) for qw(launcher manager);
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'manager and launcher are killed in that moment');
ok(one_less(1), 'it is gone all the same') or diag join ' ', glob "$p->{state}/slugs/{.gone*,*}";
is($p->get('one')->{body}, "first\n", 'the other one is not');
is_deeply([trees()], [$slug], 'and one tree is left');

# Killed while a tree is made of an archive.
my $large = folder('large', "large\n");
open my $noise, '>:raw', "$large/noise" or die;
open my $random, '<:raw', '/dev/urandom' or die;
for (1 .. 48) { read $random, my $block, 1 << 20; print {$noise} $block }
close $noise;
is(($p->paas('push', $large, '-a', 'large', '--create'))[0], 0, 'a large one');
my ($name) = grep { $_ ne $slug } slugs();
my %victims = (
    manager => sub { $p->service_pid('manager') },
    launcher => sub { $p->service_pid('launcher') },
    sandbox => sub { (grep { slurp("/proc/$_/cmdline") =~ /--unpack/ } map { m{/(\d+)$} } glob '/proc/[0-9]*')[0] },
);
for my $victim (sort keys %victims) {
    is(($p->paas('ps:scale', 'web=0', '-a', 'large'))[0], 0, "$victim: nothing runs");
    ok(Platform::wait_for(20, sub { !$p->dynos('large') }), "$victim: at all");
    remove_tree("$p->{state}/slugs/$name");
    is(($p->paas('ps:scale', 'web=1', '-a', 'large'))[0], 0, "$victim: until it is scaled");
    ok(Platform::wait_for(20, sub { -s "$p->{state}/builds/ffffffffffffffff/app/noise" }), "$victim: its archive is being unpacked");
    my $pid = $victims{$victim}->();
    ok(!$pid || kill('KILL', $pid), "$victim: killed");
    ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), "$victim: all is there again");
    ok($p->wait_up('large', 1), "$victim: and so is the app") or diag explain [$p->dynos('large')];
    # A manager that has just started writes no routes for a moment.
    ok(Platform::wait_for(20, sub { $p->get('large')->{body} eq "large\n" }), "$victim: which serves");
    ok(cleared(), "$victim: nothing is left");
    is((my @noise = stat "$p->{state}/slugs/$name/noise")[7], 48 << 20, "$victim: the tree is whole");
}

done_testing();
