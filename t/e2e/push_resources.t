#!/usr/bin/perl
# paas push sends only what the platform has not got from the app's last push.
# What it says about that helps nobody to a file of another app, and what is
# not as it says is refused.
use strict;
use warnings;
use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new(suffix => 'r');
my $dir = tempdir('paas-resources-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub put {
    my ($name, $text, $mode) = @_;
    make_path("$dir/$1") if $name =~ m{^(.*)/};
    open my $fh, '>', "$dir/$name" or die "$dir/$name: $!";
    print {$fh} $text;
    close $fh or die;
    chmod $mode // 0644, "$dir/$name";
}

# Bytes that no compression makes less.
sub noise {
    my ($seed, $n) = @_;
    my $text = '';
    $text .= pack 'H*', sha256_hex("$seed " . length $text) while length $text < $n;
    return substr $text, 0, $n;
}

# What the last build of an app was sent.
sub sent {
    my ($app) = @_;
    my $all = $p->api('GET', "/apps/$app/builds")->{json};
    # Pushes may be of the same second.
    my ($last) = sort { ($b->{release}{version} // 0) <=> ($a->{release}{version} // 0) } @$all;
    return $last->{upload_bytes};
}

# The store of an app: name => bytes.
sub stored {
    my ($app) = @_;
    my $number = number($app);
    return map { m{/([^/]+)$} ? ($1 => -s $_) : () } glob "$p->{state}/caches/$number/.paas-files/*";
}

my %number;

sub number {
    my ($app) = @_;
    return $number{$app} if $number{$app};
    my %seen = reverse %number;
    my ($new) = grep { !$seen{$_} } map { m{([0-9a-f]{16})$} ? $1 : () } glob "$p->{state}/caches/*";
    return $number{$app} = $new;
}

sub push_ok {
    my ($app, $name) = @_;
    my $start = time;
    my ($rc, $out) = $p->paas('push', $dir, '-a', $app, '--create');
    is($rc, 0, $name) or diag $out;
    diag sprintf '%s: %.2f s', $name, time - $start;
    return $out;
}

# A body by hand: the list of [kind, path, mode, size, hash or target], and
# a tar of name => text.
sub body {
    my ($list, %files) = @_;
    my $text = '';
    for (@$list) {
        my ($kind, $path, $mode, $size, $more) = @$_;
        my $hash = $kind eq 'f' ? $more : '-';
        $text .= sprintf "%s %o %d %s 1000000000\0%s\0", $kind, $mode, $size, $hash, $path;
        $text .= "$more\0" if $kind eq 'l';
    }
    my $tar = '';
    for (sort keys %files) {
        my $head = pack 'a100a8a8a8a12a12a8aa100a6a2a32a32a8a8a155a12', $_, '0000644', '0000000', '0000000',
            sprintf('%011o', length $files{$_}), '07346545000', ' ' x 8, '0', '', 'ustar', '00', '', '', '', '', '', '';
        substr $head, 148, 8, sprintf("%06o\0 ", unpack '%16C*', $head);
        $tar .= $head . $files{$_} . "\0" x (-length($files{$_}) % 512);
    }
    return sprintf("paas-push 1 %d\n", length $text) . $text . $tar . "\0" x 1024;
}

sub post {
    my ($app, $body) = @_;
    return $p->api('POST', "/apps/$app/builds", $body,
        headers => { 'Content-Type' => 'application/vnd.paas.push' });
}

# ---- what changed -------------------------------------------------------

put('index.html', 'first');
put("pages/p$_.html", noise("page $_", 2000)) for 1 .. 300;
put('same/copy.html', noise('page 7', 2000));
put('empty.txt', '');
put('tool.sh', "#!/bin/sh\n", 0755);
symlink 'index.html', "$dir/link.html" or die;

push_ok('site', 'a first push');
my $whole = sent('site');
cmp_ok($whole, '>', 600_000, 'sends all of it') or diag $whole;
cmp_ok($whole, '<', 900_000, 'and a file that is there twice only once');
like($p->get('site')->{body}, qr/^first/, 'and it serves');
my %store = stored('site');
is(scalar(keys %store), 302, 'the store has each file once');
is_deeply([grep { $_ !~ /^[0-9a-f]{64}$/ } keys %store], [], 'and nothing else');

my $out = push_ok('site', 'an unchanged push');
like($out, qr/0 of 303 files are new/, 'says that nothing is new');
my $list = sent('site');
cmp_ok($list, '<', $whole / 10, 'sends the list alone') or diag "$list of $whole";

put('pages/p42.html', noise('another page', 3000));
put('index.html', 'second');
$out = push_ok('site', 'two files changed');
like($out, qr/2 of 303 files are new to the platform: /, 'says so');
cmp_ok(sent('site') - $list, '<', 5000, 'sends these two') or diag sent('site') - $list;
like($p->get('site')->{body}, qr/^second/, 'what is new serves');
is($p->get('site', '/pages/p42.html')->{body}, noise('another page', 3000), 'as it was sent');
is($p->get('site', '/pages/p7.html')->{body}, noise('page 7', 2000), 'and what is old, too');
is($p->get('site', '/same/copy.html')->{body}, noise('page 7', 2000), 'and the copy');
is($p->get('site', '/link.html')->{body}, 'second', 'and the link');
%store = stored('site');
ok(!exists $store{sha256_hex(noise('page 42', 2000))}, 'a file that is in no push any more is gone from the store');
is(scalar(keys %store), 302, 'which did not grow');

# ---- what the store lost ------------------------------------------------

my $gone = sha256_hex(noise('page 9', 2000));
my $bent = sha256_hex(noise('page 10', 2000));
my $place = "$p->{state}/caches/" . number('site') . '/.paas-files';
unlink "$place/$gone" or die "$place/$gone: $!";
open my $fh, '+<', "$place/$bent" or die;
print {$fh} 'bent';
close $fh;
$out = push_ok('site', 'a push after the store lost a file and has another that is damaged');
like($out, qr/"pages\/p9?1?0?\.html" was not sent, and the platform does not have it/, 'notices it');
is($p->get('site', '/pages/p10.html')->{body}, noise('page 10', 2000), 'and sends everything');
is({ stored('site') }->{$bent}, 2000, 'which mends the store');

# ---- others -------------------------------------------------------------

my $secret = noise('the secret of the site', 5000);
put('secret.txt', $secret);
push_ok('site', 'a file of one app');
my $hash = sha256_hex($secret);
sub known {
    my ($app, @resources) = @_;
    my $r = $p->api('POST', "/apps/$app/resources", { resources => \@resources });
    is($r->{status}, 200, "$app is asked") or diag $r->{body};
    return scalar @{ $r->{json}{resources} // [] };
}
is(known('site', { sha256 => $hash, size => 5000, mode => '644' }), 1, 'is known to it');
is(known('site', { sha256 => $hash, size => 4999 }), 0, 'but not with another size');
is(($p->paas('apps:create', 'thief'))[0], 0, 'another app');
is(known('thief', { sha256 => $hash, size => 5000 }), 0, 'is told nothing of it');
my $index = ['f', 'index.html', 0644, 4, sha256_hex('mine')];
my $r = post('thief', body([$index, ['f', 'secret.txt', 0644, 5000, $hash]], sha256_hex('mine') => 'mine'));
like($r->{body}, qr/"resources_missing".*"secret\.txt\\?" was not sent, and the platform does not have it/s,
    'and does not get it by its hash');
unlike($r->{body}, qr/deployed|live/, 'nothing runs');
$r = post('thief', body([$index], sha256_hex('mine') => 'mine'));
like($r->{body}, qr/v1 is live/, 'with what it has, it is built') or diag $r->{body};
is(known('thief', { sha256 => sha256_hex('mine'), size => 4 }), 1, 'and its own file known from then on');

# ---- what is wrong ------------------------------------------------------

$r = post('thief', body([['f', 'index.html', 0644, 4, sha256_hex('mine')]], sha256_hex('mine') => 'thine'));
like($r->{body}, qr/"build_failed".*another SHA-256 than its name says/s, 'a wrong hash is refused');
is(known('thief', { sha256 => sha256_hex('mine'), size => 4 }), 0, 'and nothing is believed after it');
my @refused = (
    ['a name that is no hash', qr/is no SHA-256/, body([$index], '../../x' => 'mine')],
    ['a way out', qr/'\.\.' in its path/, body([['f', '../x', 0644, 4, sha256_hex('mine')]], sha256_hex('mine') => 'mine')],
    ['a link out', qr/link that leaves the tree/, body([$index, ['l', 'etc', 0777, 0, '/etc']], sha256_hex('mine') => 'mine')],
    ['a cut archive', qr/cut off|not a whole tar/, substr body([$index], sha256_hex('mine') => 'mine' x 1000), 0, 1500],
);
for (@refused) {
    my ($name, $why, $body) = @$_;
    $r = post('thief', $body);
    is($r->{status}, 201, "$name is seen by the build");
    like($r->{body}, $why, 'and refused');
}
for (['no list', 'x' x 100], ['a head alone', "paas-push 1 100\n"], ['a list of nonsense', "paas-push 1 4\nabcd"],
    ['a list that ends early', "paas-push 1 9999\nd 755 0 - 0\0a\0"], ['a huge list', "paas-push 1 99999999999\n"]) {
    my ($name, $body) = @$_;
    $r = post('thief', $body);
    is($r->{status}, 422, "$name is refused at once") or diag $r->{body};
}
for ([{ resources => [{ sha256 => 'x' x 64, size => 1 }] }, qr/resources\[0\].*sha256.*64 of 0-9 and a-f/],
    [{ resources => [{ sha256 => $hash }] }, qr/resources\[0\].*size/], [{}, qr/resources/],
    [{ resources => [map { { sha256 => $hash, size => 1 } } 1 .. 5001] }, qr/resources has to be 0 to 5000 elements/]) {
    $r = $p->api('POST', '/apps/thief/resources', $_->[0]);
    is($r->{status}, 422, 'a question that is none');
    like($r->{json}{message}, $_->[1], 'is told why');
}
is($p->get('thief')->{body}, 'mine', 'what ran goes on');

# ---- what stays behind --------------------------------------------------

sub uploads { return map { m{([^/]+)$} ? $1 : () } glob "$p->{state}/uploads/*" }
Platform::wait_for(10, sub { !grep { !/\.known$/ } uploads() });
is_deeply([grep { !/\.known$/ } uploads()], [], 'of uploads nothing is left');
is(scalar(uploads()), 1, 'but what is known of the app whose last push was whole');
is(($p->paas('apps:destroy', $_, '--confirm', $_))[0], 0, "$_ goes") for qw(site thief);
ok(Platform::wait_for(20, sub { !uploads() && !glob "$p->{state}/caches/*" }), 'and takes along what is stored of it');

done_testing();
