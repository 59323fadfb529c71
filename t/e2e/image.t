#!/usr/bin/perl
# paas push --image: images made here of Debian's own files, by umoci and
# skopeo, run as they say; what no sandbox can honour is left out or refused.
use strict;
use warnings;
use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Platform;
use Test::More;
use Time::HiRes qw(time);

my $p = Platform->new(suffix => 'i');
my $dir = tempdir('paas-image-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chomp(my $machine = `dpkg --print-architecture`);

sub cmd {
    my ($rc, $out) = Platform::run(@_);
    die "@_: $out" if $rc;
    return $out;
}

sub put {
    my ($file, $text, $mode) = @_;
    make_path($1) if $file =~ m{^(.*)/};
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die;
    chmod $mode // 0644, $file;
}

sub slurp { my ($file) = @_; open my $fh, '<', $file or die "$file: $!"; local $/; return scalar <$fh> }

# image(NAME, config options...): a layout of busybox and what stands in
# $dir/NAME.root; a second layer of $dir/NAME.more; folders that must go.
sub image {
    my ($name, %o) = @_;
    my ($root, $layout) = ("$dir/$name.root", "$dir/$name");
    make_path("$root/bin");
    cmd('cp', '/bin/busybox', "$root/bin/busybox");
    for (qw(sh httpd id cat ls env sleep pwd)) { symlink 'busybox', "$root/bin/$_" or die }
    cmd('umoci', 'init', '--layout', $layout);
    cmd('umoci', 'new', '--image', "$layout:t");
    cmd('umoci', 'insert', '--image', "$layout:t", $root, '/');
    cmd('umoci', 'insert', '--image', "$layout:t", "$dir/$name.more", '/') if -d "$dir/$name.more";
    cmd('umoci', 'insert', '--image', "$layout:t", '--whiteout', $_) for @{ $o{gone} // [] };
    cmd('umoci', 'config', '--image', "$layout:t", @{ $o{config} });
    return $layout;
}

sub push_image {
    my ($app, $what, $name) = @_;
    my $start = time;
    my ($rc, $out) = $p->paas('push', '--image', $what, '-a', $app, '--create');
    is($rc, 0, $name) or diag $out;
    diag sprintf '%s: %.2f s', $name, time - $start;
    return $out;
}

sub refused {
    my ($what, $why, $name) = @_;
    my ($rc, $out) = $p->paas('push', '--image', $what, '-a', 'bad', '--create');
    is($rc, 1, "$name is refused");
    like($out, $why, 'and it says why');
}

# Written by whoever the app is, read over HTTP.
my $script = <<'EOT';
#!/bin/sh
mkdir -p /www /var/run/new
echo "$@" > /www/args
id > /www/id
pwd > /www/pwd
env > /www/env
ls -al / > /www/root
ls -l /bin/busybox > /www/setuid
ls -a /dev > /www/dev
cat /etc/os-release > /www/os 2>&1
cat /etc/resolv.conf > /www/resolv
cat /etc/passwd > /www/passwd
ls /gone /srv/old > /www/gone 2>&1
ls /usr /sys /work /buildpacks > /www/usr 2>&1
echo x > /proc/sys/kernel/hostname 2> /www/proc
echo home > index.html; cp index.html /www/
exec httpd -f -p "$LISTEN" -h /www
EOT
$script =~ s/cp index/busybox cp index/;
$script =~ s/^mkdir/busybox mkdir/m;

# ---- as it says ---------------------------------------------------------

put("$dir/shop.root/start", $script, 0755);
put("$dir/shop.root/etc/os-release", "ID=ours\n");
put("$dir/shop.root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nshop:x:1234:1234::/srv:/bin/sh\n");
put("$dir/shop.root/gone/file", 'gone');
put("$dir/shop.root/srv/old", 'old');
put("$dir/shop.root/secret", 'read me', 0000);
put("$dir/shop.root/closed/file", 'in there', 0000);
chmod 0000, "$dir/shop.root/closed";
# Where it would have bwrap write outside: they are links no more afterwards.
make_path("$dir/shop.root/etc");
symlink '/oldroot/etc/hosts', "$dir/shop.root/etc/resolv.conf" or die;
symlink '/oldroot/tmp', "$dir/shop.root/tmp" or die;
put("$dir/shop.more/srv/new", 'new');
make_path("$dir/shop.root/bin");
my $shop = image('shop', gone => ['/gone', '/srv/old'], config => [
    '--config.entrypoint', '/start', '--config.cmd', 'one', '--config.cmd', "two 'three'",
    '--config.env', 'LISTEN=80', '--config.env', 'COLOUR=blue', '--config.env', 'PORT=1',
    '--config.workingdir', '/srv', '--config.exposedports', '80/tcp', '--config.exposedports', '443/tcp',
    '--config.exposedports', '53/udp', '--config.user', 'shop']);
my $out = push_image('shop', $shop, 'a layout in a folder');
my $command = q{/start one 'two '\\''three'\\'''};
like($out, qr{web -> \Q$command\E\n}, 'its command is shown');
BAIL_OUT('no image runs') if $out !~ /v1 is live/;
is($p->get('shop')->{body}, "home\n", 'it serves, at the port that it exposes');
sub file { return $p->get('shop', "/$_[0]")->{body} }
is(file('args'), "one two 'three'\n", 'entry point and command, word by word');
like(file('id'), qr/^uid=1234\(shop\) gid=1234/, 'as its user');
is(file('pwd'), "/srv\n", 'in its folder');
my %env = map { /^(\w+)=(.*)$/ ? ($1, $2) : () } split /\n/, file('env');
is($env{COLOUR}, 'blue', 'with its environment');
is($env{PORT}, 80, 'PORT is where it is asked for, whatever it says');
is($env{HOME}, '/srv', 'the home of its user');
is($env{DYNO}, 'web.1', 'and what every app has');
is(file('os'), "ID=ours\n", 'its /etc');
like(file('resolv'), qr/^nameserver 198\./, 'but the name server here');
like(file('usr'), qr{/usr: No such.*/sys: No such.*/work: No such.*/buildpacks: No such}s,
    'nothing of this machine, and nothing of a build');
like(file('gone'), qr{/gone: No such.*/srv/old: No such}s, 'what a later layer takes away is gone');
like(file('root'), qr{^-r-------- .* secret$}m, 'a file that nobody could read');
like(file('root'), qr{^drwx------ .* closed$}m, 'and a folder');
unlike(file('root'), qr/->/, 'where something is mounted there are no links');
unlike(file('dev'), qr/sda|mem/, 'its /dev is the sandbox\'s');
isnt(file('proc'), '', 'and the kernel is out of reach');
ok(!-e '/tmp/index.html' && !-e '/etc/hosts.new', 'nothing is written outside');
($machine) = ($machine);

my ($rc, $text) = $p->paas('ps', '-a', 'shop');
like($text, qr{/start one}, 'paas ps shows the command');
$text = $p->api('GET', '/apps/shop/formation/web')->{json}{command};
is($text, $command, 'and so does its formation');
is(($p->paas('config:set', 'COLOUR=red', '-a', 'shop'))[0], 0, 'config vars');
ok(Platform::wait_for(20, sub { ($p->get('shop', '/env')->{body} // '') =~ /^COLOUR=red$/m }), 'come before those of the image');
$p->paas('run:detached', '--app', 'shop', 'id > /tmp/x; cat /tmp/x');
ok(Platform::wait_for(20, sub { ($p->paas('logs', '-a', 'shop'))[1] =~ /uid=1234\(shop\)/ }), 'a one-off runs in the image, too');

(undef, $text) = $p->paas('ps:exec', '-a', 'shop', 'id; pwd');
like($text, qr{^uid=1234\(shop\).*\n/srv$}m, 'and so does what joins a process');

# ---- sent again ---------------------------------------------------------

cmd('umoci', 'config', '--image', "$shop:t", '--config.env', 'COLOUR=green', '--config.entrypoint', '/start');
push_image('shop', $shop, 'with another configuration');
# The list is in the order of their ids; both may be of one second.
my $build = $p->api('GET', '/apps/shop/builds')->{json}[-1];
cmp_ok($build->{upload_bytes}, '<', 20_000, 'its layers are not sent again') or diag $build->{upload_bytes};
is(file('id') =~ /uid=(\d+)/ ? $1 : '', 1234, 'and it runs');
is(($p->paas('rollback', 'v1', '-a', 'shop'))[0], 0, 'back to the first one');
ok(Platform::wait_for(20, sub { file('env') =~ /^COLOUR=(?:blue|red)$/m && $p->get('shop')->{status} == 200 }), 'which runs as it did');

# ---- other forms --------------------------------------------------------

# Nobody says who runs it; no port, no folder: root is not to be had.
put("$dir/plain.root/start", $script =~ s/"\$LISTEN"/"\$PORT"/r, 0755);
chmod 04755, "$dir/plain.root/start";
my $plain = image('plain', config => ['--config.cmd', '/bin/sh', '--config.cmd', '/start']);
chmod 04755, "$dir/plain.root/bin/busybox";
cmd('skopeo', 'copy', '--insecure-policy', '-q', "oci:$plain:t", "oci-archive:$dir/plain.tar");
push_image('plain', "$dir/plain.tar", 'an archive');
like($p->get('plain', '/id')->{body}, qr/^uid=65532\(app\)/, 'an image that would be root is not');
is($p->get('plain', '/pwd')->{body}, "/\n", 'it starts at the top');
like($p->get('plain', '/env')->{body}, qr{^HOME=/root$}m, 'with the home of root');
like($p->get('plain', '/env')->{body}, qr{^PORT=5000$}m, 'and PORT as all apps have it');
like($p->get('plain', '/root')->{body}, qr{^-rwxr-xr-x .* start$}m, 'setuid bits are dropped');
like($p->get('plain', '/passwd')->{body}, qr{^app:x:65532:65532::/root:/bin/sh$}m, 'it has a name');

# A layout for many machines; the other one's would not even unpack.
my $other = $machine eq 'arm64' ? 'amd64' : 'arm64';
my $index = decode_json(slurp("$plain/index.json"));
my ($mine) = @{ $index->{manifests} };
delete $mine->{annotations};
sub blob {
    my ($layout, $text) = @_;
    put("$layout/blobs/sha256/" . sha256_hex($text), $text);
    return { digest => 'sha256:' . sha256_hex($text), size => length $text };
}
my $foreign = { mediaType => $mine->{mediaType}, %{ blob($plain, '{"broken": true}') } };
sub platforms {
    my ($layout, %of) = @_;
    cmd('cp', '-r', $plain, $layout);
    my $inner = blob($layout, encode_json({ schemaVersion => 2,
        mediaType => 'application/vnd.oci.image.index.v1+json',
        manifests => [map { { %{ $of{$_} }, platform => { os => 'linux', architecture => $_ } } } sort keys %of] }));
    put("$layout/index.json", encode_json({ schemaVersion => 2,
        manifests => [{ mediaType => 'application/vnd.oci.image.index.v1+json', %$inner }] }));
    return $layout;
}
push_image('plain', platforms("$dir/multi", $machine => $mine, $other => $foreign), 'an index of platforms');
is($p->get('plain')->{body}, "home\n", 'this machine\'s is chosen');
refused(platforms("$dir/foreign", $other => $foreign),
    qr{not for this machine, which is linux/$machine, but for $other}, 'an index without this machine\'s');
cmd('cp', '-r', $plain, "$dir/flat");
put("$dir/flat/index.json", encode_json({ schemaVersion => 2, manifests => [
    { %$foreign, platform => { os => 'linux', architecture => $other } },
    { %$mine, platform => { os => 'linux', architecture => $machine } }] }));
push_image('plain', "$dir/flat", 'platforms side by side');

# ---- what is refused ----------------------------------------------------

cmd('cp', '-r', $plain, "$dir/alien");
cmd('umoci', 'config', '--image', "$dir/alien:t", '--architecture', $other);
refused("$dir/alien", qr{The image is for linux/$other, and this machine is linux/$machine}, 'another architecture');

my ($layer) = @{ decode_json(slurp("$plain/" . ($mine->{digest} =~ s{sha256:}{blobs/sha256/}r)))->{layers} };
cmd('cp', '-r', $plain, "$dir/bent");
my $blob = "$dir/bent/blobs/sha256/" . substr $layer->{digest}, 7;
open my $fh, '+<', $blob or die "$blob: $!";
seek $fh, 5000, 0;
print {$fh} 'bent';
close $fh;
refused("$dir/bent", qr/skopeo could not read the image/, 'a layer that is not what its digest says');

# A layer of one's own making, with the digests all right.
sub with_layer {
    my ($name, $make) = @_;
    my $layout = "$dir/$name";
    cmd('cp', '-r', $plain, $layout);
    $make->("$dir/$name.tar");
    cmd('umoci', 'raw', 'add-layer', '--image', "$layout:t", "$dir/$name.tar");
    return $layout;
}
make_path("$dir/d/dev", "$dir/d/var");
cmd('mknod', "$dir/d/dev/own", 'c', 1, 3);
push_image('plain', with_layer('devices', sub { cmd('tar', '-C', "$dir/d", '-cf', $_[0], '.') }), 'a device in /dev');
unlike($p->get('plain', '/dev')->{body}, qr/own/, 'which nobody sees');
cmd('mknod', "$dir/d/var/disk", 'b', 8, 0);
refused(with_layer('disk', sub { cmd('tar', '-C', "$dir/d", '-cf', $_[0], '.') }), qr{"\./var/disk" is a device}, 'a device elsewhere');
refused(with_layer('bomb', sub {
    cmd('sh', '-c', "truncate -s 5G $dir/bomb.big && tar -S -C $dir -czf $_[0] bomb.big && rm $dir/bomb.big") }),
    qr{makes it larger, unpacked, than a push may be}, 'a bomb');
refused("$dir/d", qr{is no OCI image layout: make one with `skopeo copy}, 'a folder that is none');
put("$dir/text.tar", 'x' x 2000);
refused("$dir/text.tar", qr{not a whole tar}, 'a file that is none');
put("$dir/e/file", 'x');
cmd('tar', '-C', "$dir/e", '-cf', "$dir/e.tar", '.');
refused("$dir/e.tar", qr{no OCI image layout, as it has no file oci-layout}, 'an archive of something else');
cmd('cp', '-r', $plain, "$dir/idle");
cmd('umoci', 'config', '--image', "$dir/idle:t", '--clear', 'config.cmd', '--clear', 'config.entrypoint');
refused("$dir/idle", qr{no Entrypoint and no Cmd}, 'an image with nothing to run');
cmd('cp', '-r', $plain, "$dir/nobody");
cmd('umoci', 'config', '--image', "$dir/nobody:t", '--config.user', "who\e[2J");
refused("$dir/nobody", qr{The image's user "who\\x1b\[2J" is not in its /etc/passwd}, 'a user that is not there');
sub left { return grep { !/\.known$/ } glob "$p->{state}/uploads/* $p->{state}/builds/*" }
ok(Platform::wait_for(20, sub { !left() }), 'nothing is left of them') or diag join ' ', left();
is_deeply([$p->dynos('bad')], [], 'and nothing runs');

done_testing();
