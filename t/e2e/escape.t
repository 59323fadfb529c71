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
use POSIX ();
use Socket;
use Test::More;

my $p = Platform->new(conf => {
    instance_memory => '64M', instance_tmp => '16M', instance_pids => 64, instance_flows => 400,
    log_rate => 262144, log_max => '1M', drain_timeout => 1, stop_timeout => 2,
});
my $top = $Platform::top;
my $dir = tempdir(CLEANUP => 1);
my $mark = "/tmp/paas-escape-$$";
END { unlink glob "$mark-*" if defined $mark }

sub write_file {
    my ($file, $text) = @_;
    open my $fh, '>', "$dir/$file" or die "$file: $!";
    print {$fh} $text;
    close $fh;
}

# What loads code of an app's choice, the variable that says so, and how that is seen to work: {VAR} has marks of its own.
my %loaders = (
    LD_PRELOAD => ['/app/evil-LD_PRELOAD.so', 'true'], LD_AUDIT => ['/app/evil-LD_AUDIT.so', 'true'],
    GCONV_PATH => ['/app', 'sh', '-c', 'printf x | iconv -f EVIL -t UTF-8 || :'],
    BASH_ENV => ['/app/evil-BASH_ENV.sh', 'bash', '-c', ':'], ENV => ['/app/evil-ENV.sh', 'sh', '-i', '-c', ':'],
    PERL5OPT => ['-I/app -Mevil', 'perl', '-e', '1'], PYTHONSTARTUP => ['/app/evil.py', 'sh', '-c', 'echo | python3 -i > /dev/null 2>&1'],
    PYTHONPATH => ['/app/python', 'python3', '-c', '1'], NODE_OPTIONS => ['--require=/app/evil.js', 'node', '-e', '1'],
);

# Code that says where it ran: inside, or where the platform's own files are.
sub code { my ($var) = @_; return ("/run/paas-$p->{name}", "$mark-$var", "/tmp/loaded-$var") }

sub library {
    my ($var, $file) = @_;
    my ($outside, $there, $here) = code($var);
    write_file("evil-$var.c", <<"EOT");
#include <fcntl.h>
#include <unistd.h>
unsigned int la_version(unsigned int version) { return version; }
void gconv(void) {}
int gconv_init(void *step) { (void)step; return 1; }
__attribute__((constructor)) static void run(void)
{
	(void)open(access("$outside", F_OK) == 0 ? "$there" : "$here", O_WRONLY | O_CREAT, 0666);
}
EOT
    return system('cc', '-shared', '-fPIC', '-o', "$dir/$file", "$dir/evil-$var.c") == 0;
}

sub loaders {
    mkdir "$dir/python";
    ok(library('LD_PRELOAD', 'evil-LD_PRELOAD.so') && library('LD_AUDIT', 'evil-LD_AUDIT.so')
        && library('GCONV_PATH', 'evil-GCONV.so'), 'libraries to be loaded where they should not');
    write_file('gconv-modules', "module EVIL// INTERNAL /app/evil-GCONV 1\nmodule INTERNAL EVIL// /app/evil-GCONV 1\n");
    my ($outside, $there, $here);
    for my $var (qw(BASH_ENV ENV)) {
        ($outside, $there, $here) = code($var);
        write_file("evil-$var.sh", "if test -e $outside; then : > $there; else : > $here; fi\n");
    }
    ($outside, $there, $here) = code('PERL5OPT');
    write_file('evil.pm', "package evil; open my \$f, '>', -e '$outside' ? '$there' : '$here'; 1;\n");
    for (['PYTHONSTARTUP', 'evil.py'], ['PYTHONPATH', 'python/sitecustomize.py']) {
        ($outside, $there, $here) = code($_->[0]);
        write_file($_->[1], "import os\nopen('$there' if os.path.exists('$outside') else '$here', 'w')\n");
    }
    ($outside, $there, $here) = code('NODE_OPTIONS');
    write_file('evil.js', "const f = require('fs'); f.writeFileSync(f.existsSync('$outside') ? '$there' : '$here', '');\n");
}

copy("$top/t/fixtures/probe/$_", "$dir/$_") or die for qw(Procfile package.json probe.pl);
copy("$top/t/launcher/probe.pl", "$dir/escapes.pl") or die;
copy("$top/t/launcher/escapes.pl", "$dir/ways.pl") or die;
loaders();
for my $var (sort keys %loaders) {
    my ($value, @program) = @{ $loaders{$var} };
    local $ENV{$var} = $value =~ s{/app}{$dir}gr;
    my $text = do { open my $fh, '<', "$dir/gconv-modules" or die; local $/; <$fh> };
    write_file('gconv-modules', $text =~ s{/app}{$dir}gr) if $var eq 'GCONV_PATH';
    Platform::run(@program);
    write_file('gconv-modules', $text);
    ok(unlink("$mark-$var"), "$var: runs what is named, on the machine itself");
}
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
my %evil = (GLIBC_TUNABLES => 'glibc.malloc.check=1', map { $_ => $loaders{$_}[0] } keys %loaders);
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

run("system qw($_)") for 'node -e 1', 'python3 -c 1';
is(run("print -e '/tmp/loaded-$_' ? 'loaded' : 'not'"), 'loaded', "$_ is obeyed inside") for qw(LD_PRELOAD LD_AUDIT PERL5OPT NODE_OPTIONS PYTHONPATH);
ok(!-e "$mark-$_", "$_: nothing of it ran anywhere else, in the build neither") for sort keys %loaders;
is($p->api('PATCH', '/apps/probe/config-vars', { map { $_ => undef } keys %evil })->{status}, 200, 'without them');
ok(Platform::wait_for(10, sub { run('print $ENV{LD_PRELOAD} // "none"') eq 'none' }), 'it starts again');

# ---- system calls, files, the network ---------------------------------

# ways(verb, @args) -> ({name => [what came of it, why]} on the machine, the same inside)
sub ways {
    my (@args) = @_;
    my $told = sub { return { map { /^([^\t]+)\t(\w+)\t(.*)$/ ? ($1 => [$2, $3]) : () } split /\n/, shift } };
    open my $host, '-|', 'perl', "$top/t/launcher/escapes.pl", @args or die;
    my $outside = $told->(join '', <$host>);
    close $host;
    return ($outside, $told->(run('print `perl /app/ways.pl ' . join(' ', map { "'$_'" } @args) . '`')));
}

my $text = run('print `perl /app/escapes.pl escapes`');
my @failed = grep { !/processes in sight/ } $text =~ /^not ok .*/mg;
is_deeply(\@failed, [], 'no call of the filter works in an instance');
cmp_ok(scalar(() = $text =~ /^ok /mg), '>', 150, 'and all were tried');

# What also root may not do here, if the machine is a container itself.
my ($capabilities) = do { open my $fh, '<', '/proc/self/status' or die; local $/; <$fh> =~ /^CapEff:\s*(\w+)/m };
my %resource = map { $_ => 1 } 'spared when memory is short', 'more open files', 'write /proc/sys/user/max_user_namespaces';
my ($outside, $inside) = ways('calls', $p->service_pid('manager'), $p->{conf}, $p->{run}, "$p->{run}/inst", "$p->{state}/slugs",
    "$p->{state}/routes/data.mdb", "$p->{logs}/access.log", '/root/.', '/home/.');
cmp_ok(scalar(keys %$outside), '>=', 150, 'ways out to be tried');
for my $way (sort keys %$outside) {
    my ($there, $here) = ($outside->{$way}, $inside->{$way} // ['not tried', $text]);
    my $able = $there->[0] =~ /^(?:worked|absent)$/ || ($resource{$way} && !(hex(substr $capabilities, -8) & 1 << 24));
    ok($able && $here->[0] =~ /^(?:refused|absent)$/, "$way: $there->[0] on the machine, not in an instance")
        or diag "on the machine: @$there; inside: @$here";
}
cmp_ok(scalar(grep { $_->[0] eq 'worked' } values %$outside), '>=', 110, 'most of them work where they may');

my @said = split /\n/, run(<<'EOT');
sub refused { my ($what, $r) = @_; print $r ? "WORKED $what\n" : "refused $what\n" }
refused("setuid program $_", -u $_ && `$_ root -c id 2>&1` =~ /uid=0/) for '/bin/su';
system 'cp /usr/bin/id /app/s && chmod 4755 /app/s && cp /app/s /tmp/s && chmod 4755 /tmp/s';
refused("setuid in $_", `$_/s -u` != $<) for '/app', '/tmp';
refused('group', eval { $( = 0; $( == 0 }); refused('user', eval { $< = 0; $< == 0 });
refused('signal init', kill 9, 1) if !kill 0, 1;
refused("path $_", -e $_) for qw(/run/paas /var/lib/paas /etc/shadow /root /home /boot /srv /opt /mnt /sys/kernel);
refused('a socket of the host', `cat /proc/net/unix` =~ m{paas|systemd|dbus});
EOT
like($_, qr/^refused/, $_) for @said;
cmp_ok(scalar(@said), '>=', 15, 'all were tried');

# ---- the network --------------------------------------------------------

my ($gateway) = run('print `cat /etc/resolv.conf`') =~ /nameserver ([\d.]+)/;
my ($device, $host) = `ip -4 -o addr show scope global` =~ /: (eth\d+)\s+inet ([\d.]+)/;
my ($neighbour) = map { $_->{address} =~ /([\d.]+)/ } grep { $_->{address} } $p->dynos('other');

# Says a word to whoever connects or sends, at each address of where it runs.
my $server = <<'EOT';
use IO::Socket::IP; use IO::Select; $| = 1;
my $tcp = IO::Socket::IP->new(Listen => 64, LocalHost => '::', V6Only => 0) or die; my $port = $tcp->sockport;
my $udp = IO::Socket::IP->new(Proto => 'udp', LocalHost => '::', LocalPort => $port, V6Only => 0) or die; print "$port\n";
my $all = IO::Select->new($tcp, $udp);
while (my @s = $all->can_read) { for (@s) {
    if ($_ == $tcp) { close $tcp->accept } else { $udp->recv(my $x, 99); $udp->send('pong') } } }
EOT
my (@servers, @said_by);
END { kill 'KILL', @servers; @said_by = (); system "ip netns del $p->{name} 2> /dev/null" if @servers }
sub serve {
    my $pid = open my $out, '-|';
    if (!$pid) { exec @_, 'perl', '-e', $server or POSIX::_exit(127) }
    push @servers, $pid;
    push @said_by, $out; # closed in time: that waits for its end
    chomp(my $port = <$out> // die "no server\n");
    return $port;
}
my $here = serve();

# A machine beyond this one, with addresses of every network that is private.
my $n = $$ % 250;
my @beyond = map { "$_.$n.9" } '10.97', '172.30', '192.168', '100.99', '169.254', '198.19';
my $far_if = "x$p->{name}";
system("ip netns add $p->{name} && ip link add $far_if type veth peer name e0 netns $p->{name} && ip link set $far_if up"
    . " && ip -n $p->{name} link set e0 up && ip -n $p->{name} link set lo up") == 0 or die "no network beyond\n";
for (@beyond) {
    my $near = s/9$/1/r;
    system("ip addr add $near/24 dev $far_if && ip -n $p->{name} addr add $_/24 dev e0") == 0 or die "no network beyond\n";
}
my $there = serve('ip', 'netns', 'exec', $p->{name});

my $abstract = IO::Socket::UNIX->new(Listen => 5, Local => "\0paas-escape-$$") or die;
my %listens = map { $_ => 1 } grep { $_ != 53 } $here, $p->{port}, map { /^LISTEN\s+\d+\s+\d+\s+(?:0\.0\.0\.0|\*|\[::\]|\Q$gateway\E):(\d+)/ } `ss -ltn`;
my @here = map {; "tcp:$_", "udp:$_" } map { "$_:$here" } '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]',
    ($host ? ($host, "[::ffff:$host]") : ()), $gateway,
    map { /inet6 ([0-9a-f:]+)\/\d+ scope (\w+)/ ? $2 eq 'link' ? "[$1%$device]" : "[$1]" : () } `ip -6 -o addr show dev $device`;
my @to = (@here, (map { "tcp:$gateway:$_" } sort keys %listens), (map {; "tcp:$_:$there", "udp:$_:$there" } @beyond),
    "tcp:$neighbour:5000", "unix:$p->{run}/manager.sock", "unix:$p->{run}/launcher.sock", "abstract:paas-escape-$$");
($outside, $inside) = ways('reach', @to);
for my $to (@to) {
    is($outside->{$to}[0], 'worked', "$to is reached from the machine") or diag $outside->{$to}[1];
    is($inside->{$to}[0], 'refused', 'and not from an instance');
}
my @nowhere = map { "tcp:$_:80" } '169.254.169.254', '[fe80::1%eth0]', '[fd00:ec2::254]', '10.0.0.1', '172.16.0.1', '192.168.0.1',
    '100.64.0.1', '224.0.0.1', '255.255.255.255', '0.0.0.0';
(undef, $inside) = ways('reach', @nowhere, "tcp:$gateway:53", "udp:$gateway:$here");
is($inside->{$_}[0], 'refused', "$_ is not reached from an instance") for @nowhere;
is($inside->{"tcp:$gateway:53"}[0], 'worked', 'but names can be asked for');
is($p->get('other')->{status}, 200, 'and the neighbour answers by its name, to all');

# Whoever takes the table away opens nothing: for each time, so many tries.
my ($table) = do { open my $fh, '<', $p->{conf} or die; local $/; <$fh> =~ /^nft_table\s*=\s*(\S+)/m };
for my $time (1 .. 5) {
    my $pid = fork // die;
    if (!$pid) {
        select undef, undef, undef, 0.2;
        POSIX::_exit(system("nft delete table inet $table") >> 8);
    }
    my $tries = run("use IO::Socket::INET; my (\$n, \$end) = (0, time + 2); while (time < \$end && \$n++ < 40) {
        for (qw($beyond[0]:$there $gateway:$here)) { print qq{OPEN \$_ } if IO::Socket::INET->new(PeerAddr => \$_, Timeout => 1) }
        select undef, undef, undef, 0.02 } print 'tried'");
    waitpid $pid, 0;
    is("$? $tries", '0 tried', "the firewall is taken away: nothing gets through ($time)");
    ok(Platform::wait_for(10, sub { !system("nft list chain inet $table outward > /dev/null 2>&1") }), 'and it comes back');
}
like(run("use IO::Socket::INET; print IO::Socket::INET->new(PeerAddr => '$gateway:53', Timeout => 5) ? 'names' : 'none'"), qr/^names/,
    'with what is allowed');

# ---- more than its share ----------------------------------------------

$text = run('my $n = 0; for (1 .. 500) { my $c = fork; last if !defined $c; if (!$c) { sleep 5; exit } $n++ } print $n; kill 9, -getpgrp');
all_well('a fork bomb');
run('my @x; push @x, "x" x (8 << 20) for 1 .. 100; print "all"');
all_well('a memory bomb');
like(run('open my $f, ">", "/tmp/f"; $f->autoflush; for (1 .. 64) { print {$f} "x" x (1 << 20) or print "full: $!" and last } unlink "/tmp/f"'),
    qr/full/, '/tmp is full at its limit');
all_well('filling /tmp');
for my $place ('/app', '/dev/shm') {
    like(run("open my \$f, '>', '$place/f'; \$f->autoflush; for (1 .. 64) { print {\$f} 'x' x (1 << 20) or print qq{full: \$!} and last } unlink '$place/f'"),
        qr/full: No space left/, "$place is full at its limit");
    all_well("filling $place");
}
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
ok(!glob("$mark-*"), 'nothing ran outside');

($rc, $out) = $p->paas('apps:destroy', 'probe', '--confirm', 'probe');
is($rc, 0, 'destroyed') or diag $out;
my $left = sub { return map { glob "$p->{state}/$_/{*,.[a-z]*}" } qw(caches builds uploads) };
ok(Platform::wait_for(20, sub { !grep { m{/(?:builds|uploads)/(?!.*\.known$)} } $left->() }), 'no build is left') or diag join "\n", $left->();
ok(Platform::wait_for(20, sub { (my @caches = grep { m{/caches/} } $left->()) <= 1 }), 'nor its cache') or diag join "\n", $left->();

done_testing();
