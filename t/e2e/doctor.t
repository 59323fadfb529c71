#!/usr/bin/perl
# paas doctor: nothing is wrong with a platform that is well; then one thing
# after the other is broken, and it names that with its fix.  What belongs to
# the whole machine (name servers, bubblewrap) is broken for doctor alone, in a
# mount namespace of its own.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Pty ();
use IO::Socket::INET;
use JSON::PP;
use Platform;
use Test::More;

my $p = Platform->new;
my $dir = tempdir(CLEANUP => 1);
my $tls = Platform::free_port();
my ($rc, $out);
my @doctor = ("$p->{prefix}/bin/paas", '--socket', "$p->{run}/manager.sock", 'doctor');

sub slurp {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

sub spew {
    my ($file, $text) = @_;
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die "$file: $!";
}

# doctor(@command in front, [checks]) -> (exit status, {check => {state, found}})
sub doctor {
    my (@front) = @_;
    my @checks = ref $front[-1] ? @{ pop @front } : ();
    my ($status, $text) = Platform::run(@front, @doctor, '--json', @checks);
    my $all = eval { decode_json($text) } or do { fail('JSON'); diag $text; return ($status, {}) };
    return ($status, { map { $_->{check} => $_ } @$all });
}

# without(what the shell does first, more of unshare's options): what goes in
# front of a command to run it in namespaces of its own, where that was done.
my @holders;
sub without {
    my ($shell, @more) = @_;
    pipe my $ready, my $say or die;
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>&', $say;
        exec 'unshare', '-m', @more, 'sh', '-c', "$shell && echo ready && exec sleep 900" or POSIX::_exit(1);
    }
    close $say;
    push @holders, $pid;
    is(scalar(<$ready>), "ready\n", 'namespaces') or BAIL_OUT($shell);
    my @kinds = ('-m', map { { '-U' => '-U', '-n' => '-n' }->{substr $_, 0, 2} // () } @more);
    return ('nsenter', '-t', $pid, @kinds, '--');
}
END {
    my $was = $?;
    for (@holders) { kill 'KILL', $_; waitpid $_, 0 }
    $? = $was;
}

my %seen_wrong;

# A check is wrong (or a warning), and says so with a fix; if that has a
# command, that mends it.  `change` makes the command runnable, or undef: there
# is nothing to run here.
sub finds {
    my ($what, $check, $problem, $fix, %o) = @_;
    my @front = @{ $o{front} // [] };
    my ($status, $all) = doctor(@front, [$check, @{ $o{also} // [] }]);
    my $state = $o{state} // 'wrong';
    $seen_wrong{$check}++;
    is($status, 1, "$what: exit status 1") if $state eq 'wrong';
    is($all->{$check}{state}, $state, "$what: $check is $state");
    my @found = grep { $_->{problem} =~ $problem } @{ $all->{$check}{found} // [] };
    ok(@found > 0, "$what: is named") or diag explain $all->{$check};
    ok(@found && $found[0]{fix} =~ $fix, "$what: with its fix") or diag explain \@found;
    mends($what, $check, $problem, $found[0]{command}, @front) if @found && $found[0]{command} && !$o{later};
    return $all;
}

sub mends {
    my ($what, $check, $problem, $command, @front) = @_;
    my ($rc, $said) = Platform::run(@front, 'sh', '-c', "cd $Platform::top && $command");
    is($rc, 0, "$what: $command") or diag $said;
    my $now;
    ok(Platform::wait_for(30, sub { $now = (doctor(@front, [$check]))[1]{$check}; return !grep { $_->{problem} =~ $problem } @{ $now->{found} } }),
        "$what: which mends it") or diag explain $now;
}

# The command of a finding.
sub command_of {
    my ($all, $check, $problem) = @_;
    return (map { $_->{command} } grep { $_->{problem} =~ $problem } @{ $all->{$check}{found} // [] })[0];
}

# ---- no https ---------------------------------------------------------------

{
    my $all = finds('no https', 'tls', qr/tokens travel in the clear/, qr/--https-port 443/, state => 'warning', later => 1);
    my $command = command_of($all, 'tls', qr/clear/);
    mends('no https', 'tls', qr/clear/, $command =~ s/443/$tls/r);
}

# ---- well -------------------------------------------------------------------

my ($status, $all);
Platform::wait_for(20, sub { ($status, $all) = doctor(); return $status == 0 });
is($status, 0, 'a platform that is well: exit status 0');
is_deeply([grep { $all->{$_}{state} =~ /wrong|unknown/ } sort keys %$all], [], 'nothing is wrong or unknown')
    or diag explain $all;
is(scalar(grep { !length $_->{looks_at} } values %$all), 0, 'each check says what it looks at');
is($all->{tls}{state}, 'warning', 'a self-made certificate is worth a word');
($rc, $out) = Platform::run(@doctor);
like($out, qr/^ok       manager       answers at \S+manager\.sock.*^0 wrong, \d+ warnings, \d+ ok, 0 unknown$/ms, 'in words');
unlike($out, qr/\e/, 'no colours in a pipe');
{
    my $pty = IO::Pty->new;
    my $slave = $pty->slave;
    local $ENV{TERM} = 'xterm';
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>&', $slave;
        exec @doctor;
    }
    close $slave;
    my $seen = '';
    1 while sysread $pty, $seen, 65536, length $seen;
    waitpid $pid, 0;
    like($seen, qr/\e\[32mok/, 'but on a terminal');
}
($status, $all) = doctor('chpst', '-u', 'paas:paas');
is($status, 0, 'the group paas may ask, too');
is_deeply([sort map { $all->{$_}{state} eq 'unknown' ? $_ : () } keys %$all],
    [qw(builds databases files firewall key leftovers logs module nginx renewals sandbox services versions)], 'what only root can tell is unknown');

# From elsewhere: by a token.
my $token = $p->json('tokens:create', 'away', '--scope', 'read')->{token};
{
    local @ENV{qw(PAAS_HOST PAAS_TOKEN)} = ("http://api.paas.localhost:$p->{port}", $token);
    my ($s, $text) = Platform::run("$p->{prefix}/bin/paas", 'doctor', '--json');
    my %away = map { $_->{check} => $_ } @{ decode_json($text) };
    is($s, 0, 'from another machine');
    is_deeply([sort keys %away], [qw(certificates clock launcher manager names router tls)], 'what can be seen from there')
        or diag $text;
    is($away{$_}{state}, 'ok', "$_ is well") for qw(manager launcher router clock);
    $ENV{PAAS_TOKEN} = 'paas_0';
    %away = map { $_->{check} => $_ } @{ decode_json((Platform::run("$p->{prefix}/bin/paas", 'doctor', '--json'))[1]) };
    like("$away{manager}{state} $away{manager}{found}[0]{problem}", qr/^wrong .*does not take the token in PAAS_TOKEN/, 'who may not ask is told so');
    is("$away{launcher}{state} $away{router}{state}", 'unknown unknown', 'and nothing of the rest');
}
{
    local $ENV{HOME} = "$dir/home";
    mkdir $ENV{HOME};
    my ($print) = $all->{tls}{found}[0]{problem} =~ /SHA-256 ([0-9A-F:]{95})/;
    is(scalar @{ $all->{tls}{found} }, 1, 'one certificate is told of once');
    my $setup = $p->json('setup')->{token};
    my $url = "https://api.paas.localhost:$tls";
    ($rc, $out) = Platform::run('sh', '-c', 'printf "%s\n" "$1" ada@x.org "long enough" | "$0" login "$2" --setup --fingerprint "$3"',
        "$p->{prefix}/bin/paas", $setup, $url, $print);
    is($rc, 0, 'logged in by https') or diag $out;
    my %away = map { $_->{check} => $_ } @{ decode_json((Platform::run("$p->{prefix}/bin/paas", 'doctor', '--json'))[1]) };
    like("$away{tls}{state} $away{tls}{found}[0]{problem}", qr/^warning .*trusted by nobody.*\Q$print\E/, 'there it is met, too');
}

# A build that nobody ends.
Platform::run('mkdir', "$dir/app");
spew("$dir/app/Makefile", "all:\n\tsleep 600\n");
spew("$dir/app/x.c", "int main(void) { return 0; }\n");
spew("$dir/app/Procfile", "web: ./x\n");
is(($p->paas('push', "$dir/app", '-a', 'stuck', '--create', '--detach'))[0], 0, 'a build that takes long');
ok(Platform::wait_for(30, sub { (doctor(['builds']))[1]{builds}{seen} eq '1 under way' }), 'is under way');

# ---- files ------------------------------------------------------------------

my $conf = slurp($p->{conf});
spew($p->{conf}, "${conf}nonsense = 1\n");
finds('a setting that is none', 'settings', qr/nonsense/, qr/paas\.conf/);
spew($p->{conf}, $conf);
chmod 0666, $p->{conf};
finds('settings that all may write', 'settings', qr/written by others/, qr/chmod 644 \Q$p->{conf}\E/);

chmod 0600, "$p->{run}/wake.sock";
chown 0, 0, "$p->{state}/routes";
chmod 0644, "$p->{state}/keys/store.key";
utime time + 86400, time + 86400, "$p->{state}/router/nginx.conf";
finds('a socket that others may not use', 'sockets', qr/wake\.sock has mode 600/, qr/chmod 666/);
finds('a folder of somebody else', 'folders', qr/routes has mode/, qr/chown paas:www-data \S+routes/);
finds('a key that others can read', 'key', qr/store\.key has mode 644.*paas alone/, qr/chmod 600 \S+store\.key/);
finds('a clock that went back', 'clock', qr/nginx\.conf was written \d+ s from now/, qr/set the clock right/);
utime time, time, "$p->{state}/router/nginx.conf";
rename "$p->{state}/keys/store.key", "$p->{state}/keys/aside";
finds('no key', 'key', qr/store\.key: No such file/, qr/put it back from your backup/);
rename "$p->{state}/keys/aside", "$p->{state}/keys/store.key";

# What one run of scripts/up mends at once.
my $inspect = "$p->{prefix}/libexec/paas/paas-inspect";
my $hook = "$p->{prefix}/libexec/paas/hooks/pre-receive";
my $nginx = slurp("$p->{state}/router/nginx.conf");
chmod 0644, $inspect;
unlink $hook;
rmdir "$p->{state}/acme/.well-known";
Platform::run('rm', '-rf', "$p->{state}/acme");
Platform::run('sv', 'down', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 0 }), 'the manager is down');
{
    open my $fh, '+<', "$p->{state}/routes/data.mdb" or die;
    seek $fh, 8192, 0;
    print {$fh} "\xff" x (-s "$p->{state}/routes/data.mdb");
}
spew("$p->{state}/router/nginx.conf", "nonsense on;\n$nginx");
my @up = (qr/\Q$p->{name}\E/, later => 1);
finds('a program that is none', 'programs', qr/\Q$inspect\E/, @up);
finds('a hook that is missing', 'git', qr/pre-receive/, @up);
finds('a folder that is missing', 'folders', qr{/acme: No such file}, @up);
finds('a configuration that nginx refuses', 'nginx', qr/unknown directive "nonsense"/, @up);
finds('a damaged route database', 'databases', qr/./, qr/written anew from the store/, later => 1);
(undef, $all) = doctor();
is($all->{$_}{state}, 'ok', "all of these at once, and $_ is still well") for qw(cgroups settings key);
my %command = map { $_ => command_of($all, @$_) } my @broken = (['programs', qr/inspect/], ['git', qr/pre-receive/],
    ['folders', qr/acme/], ['nginx', qr/nonsense/]);
is_deeply([grep { $_ ne "scripts/up --name $p->{name}" } values %command], [], 'one command for all of them');
mends('these and the database', 'databases', qr/./, command_of($all, 'databases', qr/./));
$all = (doctor([map { $_->[0] } @broken]))[1];
is($all->{ $_->[0] }{state}, 'ok', "and $_->[0]") for @broken;

# ---- disks ------------------------------------------------------------------

finds('a full disk', 'disk', qr/\Q$p->{state}\E has .* left, and 1\.0 GiB is to stay free/, qr/make room/,
    front => [without("mount -t tmpfs -o size=4m none $p->{state}")]);
finds('no inodes', 'disk', qr/inodes left of/, qr/make room/, front => [without("mount -t tmpfs -o nr_inodes=1 none $p->{state}")]);
finds('a read-only disk', 'disk', qr/is read-only/, qr/remount,rw/,
    front => [without("mount --bind $p->{state} $p->{state} && mount -o remount,bind,ro $p->{state}")]);

# A store of 1 MiB with 900 KiB in it.
{
    my $lines = join '', map { sprintf " %04x\n %s\n", $_, '61' x 3000 } 1 .. 230;
    spew("$dir/full.txt", "VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=1048576\nmaxreaders=126\ndb_pagesize=4096\nHEADER=END\n${lines}DATA=END\n");
    mkdir "$dir/full";
    chmod 0711, $dir;
    my ($s, $said) = Platform::run('mdb_load', '-f', "$dir/full.txt", "$dir/full");
    is($s, 0, 'a database that is nearly full') or diag $said;
    finds('a full store', 'databases', qr{/store is 8\d %|/store is 9\d %}, qr/mdb_copy -c/, state => 'warning',
        front => [without("mount --bind $dir/full $p->{state}/store")]);
}

# ---- nginx, names, certificates ---------------------------------------------

my $module = "$p->{prefix}/lib/paas/ngx_http_paas_module.so";
Platform::run('cp', $module, "$module.new");
rename "$module.new", $module;
finds('a module that was replaced', 'module', qr/older module/, qr/restart the router/, state => 'warning');
my $program = "$p->{prefix}/libexec/paas/paas-manager";
Platform::run('cp', '-p', $program, "$program.new");
rename "$program.new", $program;
finds('a manager that was replaced', 'versions', qr/the manager, process \d+, is an older program than \Q$program\E is now/,
    qr{sv restart \Q$p->{run}\E/sv/manager}, state => 'warning');
Platform::run('sv', 'down', "$p->{run}/sv/router");
Platform::wait_for(20, sub { !-e "$p->{run}/nginx.pid" });
$all = finds('nginx is down', 'nginx', qr/nobody listens on port $p->{port}/, qr/start the router/, later => 1, also => [qw(router services)]);
is($all->{router}{state}, 'wrong', 'and so is the router');
$seen_wrong{router}++;
is(command_of($all, 'services', qr/^router does not run/), "sv up $p->{run}/sv/router", 'the service is named, with what starts it');
{
    my $other = IO::Socket::INET->new(Listen => 1, LocalPort => $p->{port}, ReuseAddr => 1) or die "bind: $!";
    finds('a port of somebody else', 'nginx', qr/port $p->{port} is taken by \S+, process $$/, qr/scripts\/up --name $p->{name} --port N/);
}
mends('nginx is down', 'services', qr/^router/, command_of($all, 'services', qr/^router does not run/));
ok(Platform::wait_for(20, sub { (doctor(['nginx']))[1]{nginx}{state} eq 'ok' }), 'and it listens');
is((doctor(['module']))[1]{module}{state}, 'ok', 'with the new module');

# An nginx of somebody who has forgotten the module.
Platform::run('sv', 'down', "$p->{run}/sv/router");
ok(Platform::wait_for(20, sub { !-e "$p->{run}/nginx.pid" }), 'the router is down');
spew("$dir/plain.conf", "pid $p->{run}/nginx.pid;\nerror_log $dir/plain.log;\nevents {}\nhttp { access_log off; server { listen $p->{port}; } }\n");
is((Platform::run('nginx', '-c', "$dir/plain.conf"))[0], 0, 'another nginx');
ok(Platform::wait_for(20, sub { -s "$p->{run}/nginx.pid" }), 'runs');
finds('an nginx without the module', 'module', qr/has no module of ours/, qr/scripts\/up --name $p->{name}/, later => 1);
Platform::run('nginx', '-c', "$dir/plain.conf", '-s', 'stop');
ok(Platform::wait_for(20, sub { !-e "$p->{run}/nginx.pid" }), 'and ends');
Platform::run('sv', 'up', "$p->{run}/sv/router");
ok(Platform::wait_for(20, sub { (doctor(['module']))[1]{module}{state} eq 'ok' }), 'ours again');

sub cert {
    my ($name, $days, @hosts) = @_;
    Platform::run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days), $days,
        '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt", '-subj', "/CN=$name",
        '-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @hosts));
    return ("$dir/$name.crt", "$dir/$name.key");
}
is(($p->paas('certs:add', '--platform', '--name', 'soon', cert('soon', 5, 'api.paas.localhost')))[0], 0, 'a certificate for five days');
finds('it expires soon', 'tls', qr/api\.paas\.localhost expires in [45] days/, qr/certs:add --platform/, state => 'warning');
finds('and by its name', 'certificates', qr/soon of the platform expires within two weeks/,
    qr/^paas certs:update CERT KEY --name soon --platform$/, state => 'warning');
is(($p->paas('certs:update', cert('later', 90, 'api.paas.localhost'), '--name', 'soon', '--platform'))[0], 0, 'what it says');
ok(Platform::wait_for(20, sub { my $all = (doctor([qw(certificates tls)]))[1]; return $all->{certificates}{state} eq 'ok' && !grep { $_->{problem} =~ /expires/ } @{ $all->{tls}{found} } }),
    'mends both');
mkdir "$p->{state}/acme/known";
cert('lazy', 5, 'www.example.com');
mkdir "$dir/live";
Platform::run('cp', "$dir/lazy.crt", "$dir/live/cert.pem");
spew("$p->{state}/acme/known/lazy", "lazy - $dir/live\n");
$all = finds('a renewal that fails', 'renewals', qr/certbot has not renewed lazy, which ends in [45] days/,
    qr/paas-acme --conf \Q$p->{conf}\E --renew/, state => 'warning', later => 1);
ok((grep { $_->{problem} =~ /nothing has certbot renew/ && $_->{fix} =~ /certbot\.timer/ } @{ $all->{renewals}{found} }), 'nor is there what would ask for it');
unlink "$dir/live/cert.pem";
finds('what certbot has no more', 'renewals', qr/certbot does not have lazy any more/, qr/forget it: rm \S+lazy$/);
unlink "$p->{state}/acme/known/lazy";
is(($p->paas('certs:add', '--platform', '--default', cert('other', 90, 'other.example')))[0], 0, 'one for others, as the default');
finds('names that it is not for', 'tls', qr/served at git\.paas\.localhost is for others: .*other/, qr/certs:add --platform/);

# A name server that knows api. alone, and one that never answers.
spew($p->{conf}, $conf =~ s/^domain = .*$/domain = example.test/mr);
spew("$dir/resolv.conf", "nameserver 127.0.53.1\noptions timeout:10\n");
my $silent = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.53.1', LocalPort => 53) or die "bind: $!";
my @dns = without("mount --bind $dir/resolv.conf /etc/resolv.conf");
my $began = time;
finds('a name server that is silent', 'names', qr/api\.example\.test: no name server answers/, qr{/etc/resolv\.conf}, front => \@dns);
cmp_ok(time - $began, '<', 30, 'and holds up nothing for long');
close $silent;
my $dns = fork // die;
if (!$dns) {
    exec qw(dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --port=53 --pid-file=
        --listen-address=127.0.53.1 --address=/api.example.test/127.0.0.1 --address=/git.example.test/127.0.0.1
        --local=/test/ --log-facility=-);
}
ok(Platform::wait_for(20, sub { (Platform::run(@dns, 'getent', 'hosts', 'api.example.test'))[0] == 0 }), 'dnsmasq answers');
finds('no wildcard in DNS', 'names', qr/^check-[0-9a-f]{6}\.example\.test is no name that DNS knows/, qr/\*\.example\.test\. A ADDRESS/,
    front => \@dns);
kill 'TERM', $dns;
waitpid $dns, 0;
$dns = fork // die;
if (!$dns) {
    exec qw(dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --port=53 --pid-file=
        --listen-address=127.0.53.1 --address=/example.test/192.0.2.9 --address=/api.example.test/127.0.0.1 --log-facility=-);
}
ok(Platform::wait_for(20, sub { (Platform::run(@dns, 'getent', 'hosts', 'git.example.test'))[0] == 0 }), 'another one answers');
finds('a wildcard that leads elsewhere', 'names', qr/^check-[0-9a-f]{6}\.example\.test is 192\.0\.2\.9, which is no address of this machine/,
    qr/correct the DNS of example\.test/, state => 'warning', front => \@dns);
kill 'TERM', $dns;
waitpid $dns, 0;
spew($p->{conf}, $conf);

# ---- the machine ------------------------------------------------------------

# All users and groups of this one are in it, so that bubblewrap is asked as
# ever; each user namespace has a limit of its own.
{
    pipe my $ready, my $say or die;
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>&', $say;
        exec qw(unshare -U sh -c), 'echo ready; exec sleep 900' or POSIX::_exit(1);
    }
    close $say;
    push @holders, $pid;
    is(scalar(<$ready>), "ready\n", 'a user namespace');
    spew("/proc/$pid/$_", "0 0 4294967295\n") for qw(uid_map gid_map);
    my @in = ('nsenter', '-t', $pid, '-U', '--');
    is((Platform::run(@in, qw(sysctl -qw user.max_user_namespaces=0)))[0], 0, 'in which there may be none');
    finds('no user namespaces', 'sandbox', qr/bwrap makes no sandbox/, qr{sysctl -w user\.max_user_namespaces=65536.*/etc/sysctl\.d}, front => \@in);
}
finds('no sandbox', 'sandbox', qr/bwrap makes no sandbox/, qr/kernel\.unprivileged_userns_clone=1/,
    front => [without('mount --bind /bin/false "$(command -v bwrap)"')]);
spew("$dir/nothing", '');
finds('no nftables', 'programs', qr/nft is not installed/, qr/apt-get install nftables/,
    front => [without("mount --bind $dir/nothing \"\$(command -v nft)\"")]);
finds('no forwarding', 'firewall', qr/does not forward packets/, qr/net\.ipv4\.ip_forward=1/,
    front => [without('sysctl -qw net.ipv4.ip_forward=0', '-n')]);
finds('no limit of processes', 'cgroups', qr/pids can't be limited here/, qr/boot with cgroup_enable=pids/,
    front => [without("mount -t tmpfs none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/memory /sys/fs/cgroup/cpu")]);
spew("$dir/old", "#!/bin/sh\necho bubblewrap 0.4.1\n");
chmod 0755, "$dir/old";
finds('an old program', 'programs', qr/bwrap is no version/, qr/apt-get install bubblewrap/,
    front => [without("mount --bind $dir/old \"\$(command -v bwrap)\"")]);
spew($p->{conf}, $conf =~ s/^cgroup = .*$/cgroup = paas-none.scope/mr);
finds('no cgroup', 'cgroups', qr/no cgroup paas-none\.scope/, qr/restart the launcher/);
spew($p->{conf}, $conf);
Platform::run('sv', 'restart', "$p->{run}/sv/launcher");
Platform::run('sh', '-c', 'find /sys/fs/cgroup -depth -type d -path "*/paas-none.scope*" -exec rmdir {} +');

my $run = slurp("$p->{run}/sv/manager/run");
spew("$p->{run}/sv/manager/run", $run =~ s/^(?=exec chpst)/ulimit -n 1000\n/mr);
Platform::run('sv', 'restart', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'a manager that may open less');
my $manager = $p->service_pid('manager');
finds('few files', 'files', qr/the manager, process $manager, may open 1000 files/, qr/LimitNOFILE/);
spew("$p->{run}/sv/manager/run", $run);
kill 'STOP', $manager;
finds('a manager that hangs', 'manager', qr/process $manager, takes connections .* and does not answer/, qr/its log.*sv restart/);
is($p->api('GET', '/health')->{status}, 200, 'that one answers');
finds('who may not', 'manager', qr/you may not open/, qr/adduser USER paas/, front => ['chpst', '-u', 'nobody:nogroup']);
is((doctor('chpst', '-u', 'nobody:paas', ['manager']))[1]{manager}{state}, 'ok', 'being of that group mends it');
Platform::run('sv', 'down', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 0 }), 'the manager is down');
finds('no manager', 'manager', qr/nobody listens at/, qr/restart it/, later => 1);
spew("$p->{run}/inst/00000000000000fe", "nothing\n");
finds('what is left over', 'leftovers', qr/00000000000000fe is no record/, qr/paas-manager/);
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'the manager is back');

# Logs.
my $numbers = "$p->{state}/log/00000000000000ff";
mkdir $numbers;
Platform::run('truncate', '-s', '400M', "$numbers/x.log");
finds('a log without end', 'logs', qr/00000000000000ff has 400 MiB, and an app may have 256 MiB/, qr{sv restart \S+/logger}, state => 'warning', later => 1);
Platform::run('rm', '-r', $numbers);
Platform::run('sv', 'down', "$p->{run}/sv/rotate");
Platform::run('truncate', '-s', '200M', "$p->{logs}/access.log");
finds('requests without end', 'logs', qr/access\.log has 200 MiB/, qr{sv restart \S+/rotate}, state => 'warning');

my ($table) = $conf =~ /^nft_table = (\S+)/m;
Platform::run('sv', 'down', "$p->{run}/sv/launcher");
ok(Platform::wait_for(20, sub { !$p->api('GET', '/health')->{json}{launcher} }), 'the launcher is down');
Platform::run('nft', 'delete', 'table', 'inet', $table);
$all = finds('no firewall', 'firewall', qr/no table inet $table/, qr/restart the launcher/, also => ['launcher']);
is($all->{launcher}{state}, 'wrong', 'nor a launcher');
$seen_wrong{$_}++ for qw(launcher services);
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{json}{launcher} }), 'it is back');

# ---- systemd, as if --------------------------------------------------------

# This machine has none: a systemctl that keeps its units in a folder.
mkdir "$dir/units";
spew("$dir/systemctl", <<"END");
#!/bin/sh
d=$dir/units
case \$1 in
is-active) if [ -e \$d/failed-\$2 ]; then echo failed; exit 3; fi; echo active ;;
is-enabled) if [ -e \$d/disabled-\$2 ]; then echo disabled; exit 1; fi; echo enabled ;;
enable) rm -f \$d/disabled-\$2 ;;
reset-failed) [ -e \$d/failed-\$2 ] ;;
restart) rm -f \$d/failed-\$2 ;;
esac
END
chmod 0755, "$dir/systemctl";
spew("$dir/units/failed-paas-dns.service", '');
spew("$dir/units/disabled-paas-git.service", '');
my @systemd = without("mkdir -p /usr/local/sbin && mount --bind $dir/systemctl \"\$(command -v systemctl)\" && mount -t tmpfs none $p->{run}/sv && umount -l $p->{run}/sv; "
    . "mount -t tmpfs none $p->{run} && mkdir -p /run/systemd/system");
finds('a unit that has failed', 'services', qr/paas-dns\.service is failed/, qr/journalctl -u paas-dns\.service/, front => \@systemd);
finds('a unit that is not enabled', 'services', qr/paas-git\.service is not started when the machine boots: it is disabled/,
    qr/systemctl enable paas-git\.service/, front => \@systemd, state => 'warning');

is(($p->paas('certs:remove', $_, '--platform'))[0], 0, "the certificate $_ goes")
    for map { $_->{name} } @{ $p->json('certs', '--platform') };
spew($p->{conf}, $conf =~ s/^build_timeout = .*\n//mr . "build_timeout = 10\n");
ok(Platform::wait_for(90, sub { (doctor(['builds']))[1]{builds}{state} eq 'wrong' }), 'the build goes on');
finds('a build without end', 'builds', qr/of stuck goes on for \d+ s, and may for 10/, qr/restart the manager/);
ok(Platform::wait_for(20, sub { (doctor())[0] == 0 }), 'and nothing is wrong any more') or diag explain((doctor())[1]);

# Each check was seen to find something; the machine's own clock is left alone.
my @all = sort keys %{ (doctor())[1] };
is_deeply([grep { !$seen_wrong{$_} } @all], [], 'each check has found something');

done_testing();
