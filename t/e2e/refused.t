#!/usr/bin/perl
# Bad input: one clear error that says what to do; nothing is changed, and
# nothing is left behind.
use strict;
use warnings;
use lib 't/lib';
use Archive::Tar;
use File::Temp qw(tempdir);
use IO::Compress::Gzip qw(gzip);
use Platform;
use Test::More;

my $p = Platform->new(conf => {
    unpack_max => '64M', unpack_entries => 2000, upload_max => '32M',
    start_timeout => 3, build_timeout => 60,
});
my $fixtures = "$Platform::top/t/fixtures";
is(($p->paas('push', "$fixtures/static", '--app', 'good', '--create'))[0], 0, 'an app that is well');
is($p->get('good')->{status}, 200, 'it answers');

# What an observer sees of the platform, to compare before and after.
sub state_of {
    my ($release) = map { $_->{version} } reverse @{ $p->json('releases', '--app', 'good') };
    my @left = map { glob "$p->{state}/$_/*" } qw(uploads builds);
    return join "\n", 'v' . ($release // 0), (map { "$_->{name} $_->{instance}" } $p->dynos('good')),
        (map { $_->{name} } @{ $p->json('apps') }), @left;
}

# refused(what, command words, pattern)
sub refused {
    my ($what, $words, $pattern) = @_;
    my $before = state_of();
    my ($rc, $out) = $p->paas(@$words);
    isnt($rc, 0, "$what: refused");
    like($out, $pattern, "$what: says so");
    Platform::wait_for(10, sub { state_of() eq $before });
    is(state_of(), $before, "$what: nothing changed, nothing left");
}

refused('a host that is not a host', ['domains:add', 'not a host', '--app', 'good'], qr/host/i);
refused('a host with a script', ['domains:add', '<b>.com', '--app', 'good'], qr/host/i);
refused('a host of the platform', ['domains:add', 'api.paas.localhost', '--app', 'good'], qr/paas\.localhost/);
refused('a name that is taken', ['apps:create', 'good'], qr/taken/i);
refused('a name that is reserved', ['apps:create', 'api'], qr/reserved/i);
refused('a name that is none', ['apps:create', 'Not_A_Name'], qr/name/i);
refused('a scale of -1', ['ps:scale', 'web=-1', '--app', 'good'], qr/quantity|scale|web/i);
refused('a scale of a million', ['ps:scale', 'web=1000000', '--app', 'good'], qr/500/);
refused('a scale of an unknown type', ['ps:scale', 'wep=1', '--app', 'good'], qr/wep/);

my $r = $p->api('PATCH', '/apps/good/formation', '{"updates": [');
is($r->{status}, 400, 'JSON that is not JSON is 400');
like($r->{json}{message}, qr/JSON/, 'and says so');

# Folders that can't be built.
my $dir = tempdir(CLEANUP => 1);
open my $fh, '>', "$dir/notes.txt" or die;
close $fh;
refused('no Procfile and no pack', ['push', $dir, '--app', 'good'], qr/Procfile/);
open $fh, '>', "$dir/Procfile" or die;
print {$fh} "web: sleep 1000\n";
close $fh;
my $before = state_of();
my ($rc, $out) = $p->paas('push', $dir, '--app', 'good');
isnt($rc, 0, 'a process that never listens: the push fails');
like($out, qr/listen on port 5000/, 'and says what it should have done');
is($p->get('good')->{status}, 200, 'the old release goes on');

# A release that does not pass its health check.
open $fh, '>', "$dir/Procfile" or die;
print {$fh} "web: python3 -m http.server 5000\n";
close $fh;
open $fh, '>', "$dir/ok.html" or die;
close $fh;
is(($p->paas('push', $dir, '--app', 'sick', '--create'))[0], 0, 'an app with a page for its health');
is(($p->paas('ps:health', '/ok.html', '--app', 'sick'))[0], 0, 'it is checked by that');
unlink "$dir/ok.html";
($rc, $out) = $p->paas('push', $dir, '--app', 'sick');
isnt($rc, 0, 'a release without it: the push fails');
like($out, qr{/ok\.html.*404|404.*/ok\.html}s, 'and says the answer of the check') or diag $out;
is($p->get('sick')->{status}, 200, 'the old release goes on');
is(($p->paas('apps:destroy', 'sick', '--confirm', 'sick'))[0], 0, 'destroyed');
ok(Platform::wait_for(60, sub { $p->api('GET', '/apps/sick')->{status} == 404 }), 'and gone');

# Archives, sent as curl would.
sub tar_of {
    my (@entries) = @_;
    my $tar = Archive::Tar->new;
    for my $e (@entries) {
        my ($name, $data, $options) = @$e;
        $tar->add_files() if 0;
        my $f = Archive::Tar::File->new(data => $name, $data // '', $options // {});
        $f->name($name);
        $f->prefix('');
        $tar->add_files($f);
    }
    return $tar->write;
}

my @procfile = ['Procfile', "web: true\n"];
my %hostile = (
    'a path with ..'        => [qr/\.\./, ['../evil', 'x']],
    'an absolute path'      => [qr/absolute/i, ['/etc/evil', 'x']],
    'a device'              => [qr/device/i, ['null', '', { type => 3, devmajor => 1, devminor => 3 }]],
    'a link out of the tree' => [qr/link/i, ['out', '', { type => 2, linkname => '../../etc' }], ['out/evil', 'x']],
    'a bomb of entries'     => [qr/2000/, map { ["f$_", ''] } 1 .. 2100],
);
for my $what (sort keys %hostile) {
    my ($pattern, @entries) = @{ $hostile{$what} };
    my $was = state_of();
    my $res = $p->api('POST', '/apps/good/builds', tar_of(@procfile, @entries),
        headers => { 'Content-Type' => 'application/x-tar' }, timeout => 60);
    unlike($res->{body}, qr/"state":\s*"succeeded"/, "$what: the build fails");
    like($res->{body}, $pattern, "$what: says so") or diag $res->{body};
    Platform::wait_for(10, sub { state_of() eq $was });
    is(state_of(), $was, "$what: nothing changed, nothing left");
}
my $zeros = tar_of(@procfile, ['zeros', "\0" x (80 << 20)]);
gzip \$zeros => \my $bomb or die;
$r = $p->api('POST', '/apps/good/builds', $bomb,
    headers => { 'Content-Type' => 'application/x-tar' }, timeout => 60);
like($r->{body}, qr/larger than 64 MiB/, 'a bomb of bytes: says the limit') or diag $r->{body};
$r = $p->api('POST', '/apps/good/builds', 'this is no archive at all' x 100,
    headers => { 'Content-Type' => 'application/x-tar' }, timeout => 60);
like($r->{body}, qr/archive|tar/i, 'no archive: says so') or diag $r->{body};

# Larger than may be uploaded.
$r = $p->api('POST', '/apps/good/builds', "\0" x (33 << 20),
    headers => { 'Content-Type' => 'application/x-tar' }, timeout => 60);
like($r->{body}, qr/32 ?M|33554432/, 'an upload that is too large: says the limit') or diag $r->{body};
ok(Platform::wait_for(10, sub { my @left = glob "$p->{state}/uploads/*"; !@left }), 'no upload is left');
is($p->get('good')->{status}, 200, 'after all that the app still answers');

done_testing();
