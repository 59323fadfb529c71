#!/usr/bin/perl
# Slugs: one for one content, whoever pushed it and however often; kept as long
# as one of the last ten releases of an app needs it, and gone soon after.
use strict;
use warnings;
use lib 't/lib';
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

sub slugs { return map { m{([0-9a-f]{64})$} } glob "$p->{state}/slugs/*" }
sub one_less { my ($n) = @_; return Platform::wait_for(20, sub { slugs() == $n && !glob "$p->{state}/slugs/.gone*" }) }

my $first = folder('first', "first\n");
is(($p->paas('push', $first, '-a', 'one', '--create'))[0], 0, 'pushed');
my ($slug) = slugs();
is(scalar slugs(), 1, 'one slug');
is(($p->paas('push', $first, '-a', 'one'))[0], 0, 'the same again');
is(($p->paas('push', $first, '-a', 'two', '--create'))[0], 0, 'and to another app');
is_deeply([slugs()], [$slug], 'is the same slug');
my $releases = $p->json('releases', '-a', 'one');
is(scalar @$releases, 2, 'in two releases of the one');
ok((lstat "$p->{state}/slugs/$slug/index.html")[2] & 0400 && -s _ == 6, 'as it was pushed');

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
is(($p->paas('apps:destroy', 'two', '--confirm', 'two'))[0], 0, 'the other app goes');
sleep 4;
is(scalar slugs(), 2, 'its slug is still needed by the first');
my ($rc, $out) = $p->paas('rollback', 'v2', '-a', 'one');
is($rc, 0, 'back to the oldest that is kept') or diag $out;
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

done_testing();
