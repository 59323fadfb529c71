#!/usr/bin/perl
# Archives and pushes by git that mean harm, all the way through a platform
# that runs: each is refused with a sentence, or harmless; what ran goes on,
# nobody's terminal hears a control byte, and nothing is left of any, inside
# the platform or outside.  t/hostile.t has more archives for the parts alone.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Git;
use Hostile;
use HostileGit;
use Leftovers;
use MIME::Base64;
use Platform;
use Test::More;
use Time::HiRes qw(time);

# Of 10,000 each, or of each kind one.
my ($archives, $pushes) = $ENV{PAAS_LONG} ? (10_000, 10_000) : (Hostile::count(), HostileGit::count());
my $p = Platform->new(conf => { upload_max => '32M', unpack_max => '64M', unpack_entries => 2000, build_disk => '128M',
    build_timeout => 30, start_timeout => 6 });
my $tmp = tempdir('paas-hostile-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $left = Leftovers->new($p);

# Anybody could write there.
my $outside = "$tmp/outside";
mkdir $outside;
sub spill { my ($path, $text) = @_; open my $fh, '>', $path or die "$path: $!"; print {$fh} $text; close $fh }
spill("$outside/kept", 'as it was');
chmod 0755, $tmp;
chmod 0777, $outside;
chmod 0666, "$outside/kept";

my $app = 'target';
mkdir "$tmp/app";
spill("$tmp/app/Procfile", "web: exec busybox httpd -f -p \$PORT\n");
spill("$tmp/app/index.html", "good\n");
for my $name ($app, 'calm') {
    is(($p->paas('push', "$tmp/app", '-a', $name, '--create'))[0], 0, "the app $name") or BAIL_OUT('no app');
}
my ($calm) = map { $_->{instance} } $p->dynos('calm');
my $token = $p->json('tokens:create', '-a', $app)->{token};
my %headers = (Authorization => 'Basic ' . encode_base64("x:$token", ''));

sub current {
    my ($release) = grep { $_->{current} } @{ $p->api('GET', "/apps/$app/releases")->{json} // [] };
    return $release ? $release->{version} : 0;
}
sub serves { my $r = $p->get($app); return $r->{status} && !$r->{headers}{'x-paas-error'} }

# What every one of them is asked for: seed, name, what a person reads, whether
# it was taken, the release before.
my (@bad, %seen);
sub judge {
    my ($what, $said, $taken, $before, $took) = @_;
    my $now = current();
    my @why;
    # git's own progress writes over itself.
    $said =~ s/^[A-Z][a-z]+ing [a-z]+: [^\r\n]*\K\r//mg;
    push @why, 'a control byte' if $said =~ /[^\n\t\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]/;
    push @why, 'nothing is said' if !$taken && $said !~ /\S.{10,}/;
    push @why, "v$before has become v$now" if !$taken && $now != $before;
    push @why, "v$before goes on" if $taken && $now == $before;
    push @why, sprintf 'it took %.0f s', $took if $took > 60;
    push @why, 'the app does not serve' if !Platform::wait_for(10, \&serves);
    $seen{ $taken ? 'taken' : 'refused' }++;
    note sprintf '%s: %s, %.2f s', $what =~ s/[^ -~]/?/gr, $taken ? 'taken' : 'refused', $took;
    return if !@why;
    push @bad, "$what: @why\n$said";
    note "BAD: $bad[-1]" =~ s/[^ -~\n]/sprintf '\\x%02x', ord $&/ger;
}

sub all_well {
    my ($of) = @_;
    is(scalar @bad, 0, "$of: each is refused with a sentence, or harmless")
        or diag map { s/[^ -~\n]/sprintf '\\x%02x', ord $&/ger . "\n" } @bad[0 .. ($#bad < 8 ? $#bad : 8)];
    cmp_ok($seen{$_} // 0, '>', 0, "$of: some are $_") for qw(taken refused);
    diag join ', ', map { "$_: $seen{$_}" } sort keys %seen;
    (@bad, %seen) = ();
    is((map { $_->{instance} } $p->dynos('calm'))[0], $calm, "$of: the neighbour has noticed nothing");
    is($p->get('calm')->{body}, "good\n", "$of: and serves what it did");
    ok(Platform::wait_for(30, sub { !$left->of(2) }), "$of: nothing is left of them") or diag join "\n", $left->of(2);
    is_deeply([$left->special], [], "$of: no device, and nothing setuid");
    is(join(' ', map { s{.*/}{}r } glob "$outside/{*,.[a-z]*}"), 'kept', "$of: nothing was written outside");
    is(do { open my $fh, '<', "$outside/kept" or die; <$fh> }, 'as it was', "$of: and nothing changed");
}

# ---- archives, by the API's upload of sources ------------------------------------

my $hostile = Hostile->new(outside => $outside, procfile => "web: exec busybox httpd -f -p \$PORT\n");
for my $seed (1 .. $archives) {
    my ($before, $start) = (current(), time);
    my $r = $p->api('POST', "/apps/$app/builds", $hostile->archive($seed), headers => { 'Content-Type' => 'application/x-tar' }, timeout => 90);
    my ($last) = $r->{body} =~ /^(\{.*\})\s*\z/m;
    judge("archive $seed", $r->{body}, $r->{status} == 201 && $last && $last =~ /"release":/ ? 1 : 0, $before, time - $start);
    last if @bad > 20;
}
all_well('archives');

# ---- refs, trees and packs, by git's protocol ------------------------------------

sub git_path { my ($what) = @_; return "/$app.git/$what" }

sub main_is {
    my $r = $p->http('GET', "git.$p->{domain}", git_path('info/refs?service=git-receive-pack'), headers => \%headers);
    return $r->{body} =~ m{([0-9a-f]{40}) refs/heads/main\b} ? $1 : '0' x 40;
}

my $first = Git->new("$tmp/app");
my $url = "http://x:$token\@git.$p->{domain}:$p->{port}/$app.git";
my ($rc, $out) = $first->git('push', $url, 'main');
is($rc, 0, 'a good push by git') or diag $out;
for my $seed (1 .. $pushes) {
    my ($main, $before, $start) = (main_is(), current(), time);
    my ($name, $body) = HostileGit::request($seed, $main);
    my $r = $p->http('POST', "git.$p->{domain}", git_path('git-receive-pack'), body => $body, timeout => 90,
        headers => { %headers, 'Content-Type' => 'application/x-git-receive-pack-request' });
    my ($said, $report) = HostileGit::heard($r->{body});
    my $now = main_is();
    # Who asks for no report hears none.
    $said .= "  $report  no report was asked for" if $r->{status} == 200 && $name =~ /^(?:nothing to be reported|the request)/;
    judge("push $seed, $name", $said . ($report =~ s/[^ -~]/ /gr), $now ne $main, $before, time - $start);
    last if @bad > 20;
}
all_well('pushes');
my ($repository) = glob "$p->{state}/git/*.git";
my (undef, $refs) = Platform::run('find', "$repository/refs", '-type', 'f');
is_deeply([split /\n/, $refs], ["$repository/refs/heads/main"], 'the repository has its branch, and no other ref');

# ---- by those who use git itself --------------------------------------------------

sub git_refused {
    my ($what, $why, @words) = @_;
    my $before = current();
    my ($code, $said) = $first->git('push', @words);
    isnt($code, 0, "$what: refused");
    like($said =~ s/^remote: +(?:! +)?|\s*$//gmr =~ s/\n/ /gr, $why, "$what: it is said why") or diag $said;
    # Behind that git lists the names that it has itself.
    unlike($said =~ s/^To http.*//smr, qr/[^\x20-\x7e\n\t]/, "$what: without a control byte");
    is(current(), $before, "$what: nothing has changed");
}
$first->write('index.html' => "better\n");
my $commit = $first->commit("\e[31mred\e[0m");
$first->line('notes', 'add', '-m', "\e[31mx");
$first->line('update-ref', "refs/heads/b$_", $commit) for 1 .. 100;
$first->line('update-ref', 'refs/heads/' . 'long' x 50, $commit);
$first->line('update-ref', "refs/heads/\xc2\x9b31m\"'`id`", $commit);
git_refused('notes', qr{"refs/notes/commits" does not deploy}, $url, 'refs/notes/*');
git_refused('all branches', qr/Several branches or tags/, '--all', $url);
git_refused('a mirror', qr/Several branches or tags/, '--mirror', $url);
git_refused('a long name', qr/does not deploy/, $url, 'refs/heads/' . 'long' x 50);
git_refused('a name of control bytes', qr/does not deploy/, $url, "refs/heads/\xc2\x9b31m\"'`id`");
git_refused('main taken away', qr/can't be deleted/, '--delete', $url, 'main');
git_refused('main and a tag', qr/Several branches or tags/, '-f', $url, 'main', 'main:refs/tags/v1');
($rc, $out) = $first->git('push', '-f', $url, 'main');
is($rc, 0, 'the next good push works') or diag $out;
unlike($out, qr/[^\x20-\x7e\n\t]/, 'and says nothing that a terminal obeys');
is($p->get($app)->{body}, "better\n", 'and serves');

# ---- all over the machine ---------------------------------------------------------

ok(Platform::wait_for(30, sub { !$left->of(2) }), 'in the end nothing is left') or diag join "\n", $left->of(2);
is_deeply([$left->processes(qr/git|paas-build|paas-inspect|unpack/)], [], 'no process');
is_deeply([$left->outside('evil')], [], 'nothing anywhere on the disk');
is($p->api('GET', '/health')->{status}, 200, 'the manager is well');
($rc, $out) = Platform::run('grep', '-rlE', "[\x01-\x08\x0b-\x1f\x7f]", "$p->{logs}");
is($out, '', 'no log has control bytes');

done_testing();
