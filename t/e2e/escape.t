#!/usr/bin/perl
# From inside an instance and a build of a real platform: what must not work
# does not, and the neighbour notices nothing.  t/launcher.t has the same for
# the launcher by itself, and with a network around it.
use strict;
use warnings;
use lib 't/lib';
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Platform;
use Socket;
use Test::More;

my $p = Platform->new(conf => {
    instance_memory => '64M', instance_tmp => '16M', instance_pids => 64, instance_flows => 400,
    log_rate => 262144, log_max => '1M', drain_timeout => 1, stop_timeout => 2,
});
my $top = $Platform::top;
my $dir = tempdir(CLEANUP => 1);
my $mark = "/tmp/paas-escape-$$";
END { unlink $mark if defined $mark }

sub write_file {
    my ($file, $text) = @_;
    open my $fh, '>', "$dir/$file" or die "$file: $!";
    print {$fh} $text;
    close $fh;
}

# A library that says where its code ran: inside, or where the host's /home is.
sub preload {
    write_file('evil.c', <<"EOT");
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void)
{
	(void)open(access("/root/.", F_OK) == 0 || access("/run/paas-$p->{name}", F_OK) == 0 ?
	    "$mark" : "/tmp/loaded", O_WRONLY | O_CREAT, 0666);
}
EOT
    return system('cc', '-shared', '-fPIC', '-o', "$dir/evil.so", "$dir/evil.c") == 0;
}

copy("$top/t/fixtures/probe/$_", "$dir/$_") or die for qw(Procfile package.json probe.pl);
copy("$top/t/launcher/probe.pl", "$dir/escapes.pl") or die;
ok(preload(), 'a library to be loaded where it should not');
write_file('evil.sh', "test ! -e /run/paas-$p->{name} || : > $mark\n");
write_file('build.sh', <<'EOT');
perl escapes.pl escapes | grep -v '^ok' | grep -v 'processes in sight'
id -u; readlink /proc/self/fd/0
mkdir -p /cache/a; ln -s /etc /cache/etc; ln -s /cache/etc /cache/b; mkfifo /cache/fifo 2>&1
: > /cache/.deep-0; mkdir -p /cache/.deep-1/full; ln /cache/.deep-0 /cache/link
perl -e 'chdir "/cache/a"; for (1 .. 3000) { mkdir "d" and chdir "d" or last }'
perl -e 'for ("n" x 255, "a\nb", "\e[2J", "\xff") { open my $f, ">", "/cache/$_" }'
chmod 0 /cache/a
setsid sleep 1000 > /dev/null 2>&1 &
printf 'esc \033[2J \233 \001 end\n'
EOT

# ---- loaders' variables, for the app and for its build ----------------

is(($p->paas('apps:create', 'probe'))[0], 0, 'an app');
my %evil = (LD_PRELOAD => '/app/evil.so', LD_AUDIT => '/app/evil.so', BASH_ENV => '/app/evil.sh', ENV => '/app/evil.sh',
    NODE_OPTIONS => '--title=evil', GCONV_PATH => '/app', PERL5OPT => '-w', GLIBC_TUNABLES => 'glibc.malloc.check=1');
is($p->api('PATCH', '/apps/probe/config-vars', \%evil)->{status}, 200, 'with the variables of loaders as its config');
my ($rc, $out) = $p->paas('push', $dir, '--app', 'probe');
is($rc, 0, 'is pushed') or diag $out;
unlike($out, qr/not ok/, 'no escape works in a build') or diag $out;
unlike($out, qr/[\0-\x08\x0b-\x1f\x7f]|(?<![\xc0-\xff])\x9b/, 'no control byte of a build reaches a terminal');
ok($p->wait_up('probe', 1), 'runs');
is(($p->paas('push', "$top/t/fixtures/static", '--app', 'other', '--create'))[0], 0, 'and so does a neighbour');

# run(program in Perl) -> what it said
sub run {
    my ($code) = @_;
    return $p->http('POST', "probe.$p->{domain}", '/run', body => $code, timeout => 20)->{body};
}

sub all_well {
    my ($after) = @_;
    is($p->get('other', '/', timeout => 3)->{status}, 200, "after $after the neighbour answers");
    ok(Platform::wait_for(20, sub { $p->get('probe', '/', timeout => 3)->{body} eq 'alive' }), 'and the app itself is back');
}

like(run('print -e "/tmp/loaded" ? "loaded" : "not"'), qr/loaded/, 'LD_PRELOAD is obeyed inside');
ok(!-e $mark, 'and nowhere else, in the build neither');
is($p->api('PATCH', '/apps/probe/config-vars', { map { $_ => undef } keys %evil })->{status}, 200, 'without them');
ok(Platform::wait_for(10, sub { run('print $ENV{LD_PRELOAD} // "none"') eq 'none' }), 'it starts again');

# ---- system calls, files, the network ---------------------------------

my $text = run('print `perl /app/escapes.pl escapes`');
my @failed = grep { !/processes in sight/ } $text =~ /^not ok .*/mg;
is_deeply(\@failed, [], 'no escape works in an instance');
cmp_ok(scalar(() = $text =~ /^ok /mg), '>', 150, 'and all were tried');

my @said = split /\n/, run(<<'EOT');
sub refused { my ($what, $r) = @_; print $r ? "WORKED $what\n" : "refused $what\n" }
refused("setuid program $_", -u $_ && `$_ root -c id 2>&1` =~ /uid=0/) for '/bin/su';
system 'cp /usr/bin/id /app/s && chmod 4755 /app/s && cp /app/s /tmp/s && chmod 4755 /tmp/s';
refused("setuid in $_", `$_/s -u` != $<) for '/app', '/tmp';
refused("device", open my $f, '<', $_) for '/dev/mem', '/dev/kmsg', '/dev/vda', '/dev/sda', '/dev/net/tun', '/dev/kvm';
refused("write /proc/sys/$_", open my $f, '>', "/proc/sys/$_") for qw(kernel/core_pattern fs/file-max
    vm/overcommit_memory net/ipv4/conf/all/forwarding user/max_user_namespaces net/core/somaxconn);
refused('be asked for less in an emergency', open(my $o, '>', '/proc/self/oom_score_adj') && syswrite $o, '-1000');
refused('group', eval { $( = 0; $( == 0 }); refused('user', eval { $< = 0; $< == 0 });
refused('nice', setpriority 0, 0, -5);
refused('signal init', kill 9, 1) if !kill 0, 1;
refused("path $_", -e $_) for qw(/run/paas /var/lib/paas /etc/shadow /root /home /boot /srv /opt /mnt /sys/kernel);
refused('a socket of the host', `cat /proc/net/unix` =~ m{paas|systemd|dbus});
EOT
is_deeply([grep { /^WORKED/ } @said], [], 'files and rights');
cmp_ok(scalar(grep { /^refused/ } @said), '>', 20, 'all were tried');

my ($gateway) = run('print `cat /etc/resolv.conf`') =~ /nameserver ([\d.]+)/;
my ($host) = `ip -4 -o addr show scope global` =~ /eth\d+\s+inet ([\d.]+)/;
my ($neighbour) = map { $_->{address} =~ /([\d.]+)/ } grep { $_->{address} } $p->dynos('other');
my $everywhere = IO::Socket::INET->new(Listen => 5, LocalAddr => '0.0.0.0') or die;
my $inside = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $abstract = IO::Socket::UNIX->new(Listen => 5, Local => "\0paas-escape-$$") or die;
my @to = ("127.0.0.1 @{[$inside->sockport]}", (map {; "$_ $p->{port}", "$_ @{[$everywhere->sockport]}", "$_ 22" }
    grep { defined } $gateway, $host), ($neighbour ? "$neighbour 5000" : ()), '169.254.169.254 80', '10.0.0.1 80',
    '172.16.0.1 80', '192.168.0.1 80', '100.64.0.1 80', '224.0.0.1 80', '0.0.0.0 ' . $everywhere->sockport);
$text = run('use IO::Socket::INET; for (qw(' . join(' ', map { s/ /:/r } @to) . ')) {
    print IO::Socket::INET->new(PeerAddr => $_, Timeout => 1) ? "OPEN $_\n" : "closed $_\n" }
    use Socket; socket my $u, AF_UNIX, SOCK_STREAM, 0;
    print connect($u, pack_sockaddr_un("\0paas-escape-' . $$ . '")) ? "OPEN abstract\n" : "closed abstract\n";
    print IO::Socket::INET->new(PeerAddr => "' . $gateway . ':53", Timeout => 2) ? "names\n" : "no names\n"');
unlike($text, qr/OPEN/, 'no way to the host, to others, or to private networks') or diag $text;
is(scalar(() = $text =~ /^closed/mg), @to + 1, 'all were tried') or diag $text;
like($text, qr/^names$/m, 'but names can be asked for');
ok($neighbour, 'there was a neighbour to be tried');

# ---- more than its share ----------------------------------------------

$text = run('my $n = 0; for (1 .. 500) { my $c = fork; last if !defined $c; if (!$c) { sleep 5; exit } $n++ } print $n; kill 9, -getpgrp');
all_well('a fork bomb');
run('my @x; push @x, "x" x (8 << 20) for 1 .. 100; print "all"');
all_well('a memory bomb');
like(run('open my $f, ">", "/tmp/f"; $f->autoflush; for (1 .. 64) { print {$f} "x" x (1 << 20) or print "full: $!" and last } unlink "/tmp/f"'),
    qr/full/, '/tmp is full at its limit');
all_well('filling /tmp');
run('kill 9, -1');
all_well('a signal to everybody');
$text = run('use Socket; my $n; for my $i (1 .. 5000) { socket my $s, PF_INET, SOCK_DGRAM, 0; bind $s, sockaddr_in(10000 + $i, INADDR_ANY);
    $n++ if send $s, "x", 0, sockaddr_in(53, inet_aton("' . $gateway . '")) } print $n');
all_well('a flood of datagrams');
my $manager = $p->service_pid('manager');
my $launcher = $p->service_pid('launcher');

# ---- binary floods of the log -----------------------------------------

write_file('probe.pl', 'print STDERR pack("C*", map { int rand 256 } 1 .. 8192) for 1 .. 300; sleep 1; print STDERR "\n\e[2Jend\n"; '
    . do { local (@ARGV, $/) = "$top/t/fixtures/probe/probe.pl"; <> });
write_file('build.sh', '');
($rc, $out) = $p->paas('push', $dir, '--app', 'probe');
is($rc, 0, 'an app that floods its log is deployed') or diag $out;
($rc, $out) = $p->paas('logs', '-n', '1000', '--app', 'probe');
like($out, qr/end$/m, 'its log can be read');
unlike($out, qr/[\0-\x08\x0b-\x1f\x7f]/, 'without a control byte');

# ---- what a build leaves ----------------------------------------------

for my $trick (['a link for a result', 'rm -f /out/result.json; ln -s /etc/passwd /out/result.json'],
    ['a pipe for a result', 'rm -f /out/result.json; mkfifo /out/result.json'],
    ['a folder for a result', 'rm -f /out/result.json; mkdir -p /out/result.json/x'],
    ['a result of its own', q{(sleep 0.3; echo '{"buildpack":"x","types":{"web\u001b":"x"}}' > /out/result.json) & true}],
    ['sockets and pipes in the slug', 'mkfifo /app/fifo; perl -MIO::Socket::UNIX -e "IO::Socket::UNIX->new(Listen => 1, Local => q{/app/s})"'],
    ['links out of the slug', 'ln -s /etc/shadow /app/shadow; ln -s ../../../etc /app/up; ln -s /proc/self/root /app/root'],
    ['a slug of 5,000 folders in each other', 'perl -e \'for (1 .. 5000) { mkdir "d" and chdir "d" or die }\'']) {
    write_file('build.sh', "$trick->[1]\n");
    ($rc, $out) = $p->paas('push', $dir, '--app', 'probe');
    unlike($out, qr/root:x:0|\e/, "$trick->[0]: tells nothing of the host" . ($rc ? ', and is refused' : ''));
}
is($p->service_pid('manager'), $manager, 'the manager is the same all the while');
is($p->service_pid('launcher'), $launcher, 'and so is the launcher');
is($p->get('other')->{status}, 200, 'the neighbour, too');
ok(!-e $mark, 'nothing ran outside');

($rc, $out) = $p->paas('apps:destroy', 'probe', '--confirm', 'probe');
is($rc, 0, 'destroyed') or diag $out;
my $left = sub { return map { glob "$p->{state}/$_/{*,.[a-z]*}" } qw(caches builds uploads) };
ok(Platform::wait_for(20, sub { !grep { m{/(?:builds|uploads)/(?!.*\.known$)} } $left->() }), 'no build is left') or diag join "\n", $left->();
ok(Platform::wait_for(20, sub { (my @caches = grep { m{/caches/} } $left->()) <= 1 }), 'nor its cache') or diag join "\n", $left->();

done_testing();
