#!/usr/bin/perl
# git push by a real git over HTTP: what is pushed is built, shown as it goes,
# and serves; what can't be is refused, and nothing has changed.
use strict;
use warnings;
use lib 't/lib';
use Git;
use IO::Socket::INET;
use Platform;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = Platform->new(suffix => 'g', conf => { upload_max => '4M', build_timeout => 60, start_timeout => 20 });
my $fixtures = "$Platform::top/t/fixtures";
my $host = "git.$p->{domain}:$p->{port}";

# A token's text, by the command line.
sub token {
    my (@words) = @_;
    my ($rc, $out) = $p->paas('tokens:create', @words);
    die "tokens:create @words: $out" if $rc || $out !~ /^(paas_\S+)$/m;
    return $1;
}

sub url { return "http://x:$_[1]\@$host/$_[0].git" }

# What is deployed: to see that nothing has changed.
sub version {
    my ($app) = @_;
    my @releases = @{ $p->json('releases', '--app', $app) };
    return join ' ', map { "v$_->{version} $_->{status}" } grep { $_->{current} } @releases;
}

my $all = token();

# ---- pushed -------------------------------------------------------------

is(($p->paas('apps:create', $_))[0], 0, "the app $_") for qw(express site);
my $express = Git->new("$fixtures/express");
my $start = time;
my ($rc, $out) = $express->git('push', url('express', $all), 'main');
is($rc, 0, 'express is pushed') or diag $out;
diag sprintf 'express: %.2f s', time - $start;
like($out, qr/^remote: -----> Node\.js app detected/m, 'what the build prints is shown');
like($out, qr{^remote: +http://express\.paas\.localhost:$p->{port}/ deployed to paas, v1\s*$}m, 'and where it serves');
like($out, qr/\[new branch\] +main -> main/, 'the branch is accepted');
unlike($out, qr/[^\x20-\x7e\n\t]/, 'no control bytes');
is($p->get('express')->{status}, 200, 'it answers');

my $shop = token('-a', 'site', '--expires', '1h');
my $site = Git->new("$fixtures/static");
$start = time;
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'static files are pushed, with a token of that app') or diag $out;
diag sprintf 'static: %.2f s', time - $start;
is($p->get('site')->{status}, 200, 'they are served');
my $commit = $site->line('rev-parse', 'HEAD');
my ($release) = @{ $p->json('releases', '--app', 'site') };
is("$release->{commit} $release->{source} $release->{user}{email}", "$commit git root", 'the release tells commit, source and user');
is($release->{description}, 'Deploy ' . substr($commit, 0, 8), 'in words, too');
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'the same again');
like($out, qr/Everything up-to-date/, 'is nothing new');

$site->write('index.html' => "second\n");
$site->commit;
($rc, $out) = $site->git('push', url('site', $shop), 'main');
is($rc, 0, 'a second push') or diag $out;
like($p->get('site')->{body}, qr/^second$/, 'serves what is new');
is(version('site'), 'v2 succeeded', 'as v2');
($rc, $out) = $site->git('push', url('site', $shop), 'main:master');
is($rc, 0, 'master deploys, too') or diag $out;
is(version('site'), 'v3 succeeded', 'as v3');
is($site->line('ls-remote', url('site', $shop), 'refs/heads/main') =~ s/\s.*//r, $site->line('rev-parse', 'HEAD'), 'what was pushed can be fetched');

# ---- refused ------------------------------------------------------------

# refused(what, repository, refspecs, pattern, url)
sub refused {
    my ($what, $git, $refs, $pattern, $url) = @_;
    my $before = version('site');
    my ($rc, $out) = $git->git('push', $url // url('site', $all), @$refs);
    isnt($rc, 0, "$what: refused") or diag $out;
    like($out, $pattern, "$what: says why");
    unlike($out, qr/[^\x20-\x7e\n\t]/, "$what: no control bytes");
    is(version('site'), $before, "$what: nothing has changed");
}

my $another = token('-a', 'express');
my $revoked = token();
is(($p->paas('tokens:revoke', $revoked =~ /^paas_([0-9a-f]+)_/))[0], 0, 'a token is revoked');
my $expired = token('--expires', '1s');
$site->write('index.html' => "third\n");
$site->commit;
sleep 1.1;
refused('no token', $site, ['main'], qr/could not read Username/, "http://$host/site.git");
refused('a wrong token', $site, ['main'], qr/remote: .*not a token.*\n.*Authentication failed/, url('site', 'wrong'));
refused('a token of another app', $site, ['main'], qr/remote: this token is for pushes to express and no other/, url('site', $another));
refused('a revoked token', $site, ['main'], qr/remote: .*not a token/, url('site', $revoked));
refused('an expired token', $site, ['main'], qr/remote: .*not a token/, url('site', $expired));
refused('an app that is none', $site, ['main'], qr/remote: there is no app named none/, url('none', $all));
refused('another branch', $site, ['main:dev'], qr/"dev" does not deploy; main and master do.*BRANCH:main/s);
refused('a tag', $site, ['main:refs/tags/v1'], qr{"refs/tags/v1" does not deploy});
refused('no branch any more', $site, [':main'], qr/can't be deleted/);
refused('two at once', $site, ['main:main', 'main:master'], qr/Several branches/);
refused('a branch named as a command', $site, ["main:refs/heads/a\$(id>/tmp/$$);'\"`id`"], qr/does not deploy/);

is(($p->paas('apps:destroy', 'site', '--confirm', 'site'))[0], 0, 'destroyed');
ok(Platform::wait_for(30, sub { $p->api('GET', '/apps/site')->{status} == 404 && !-e "$p->{state}/git/0000000000000002.git" }),
    'its repository goes with it');
ok(-d "$p->{state}/git/0000000000000001.git", 'that of the other app stays');

my ($down, $said) = $p->down;
is($down, 0, 'down --purge') or diag $said;
my @left = grep { /paas-$p->{name}/ } split /\n/, (Platform::run('ps', '-eo', 'user=,pid=,args='))[1];
is_deeply(\@left, [], 'no process is left');
ok(!-e $_, "$_ is gone") for $p->{state}, $p->{run};

done_testing();
