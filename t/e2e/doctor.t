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
my ($rc, $out) = $p->up('--https-port', $tls);
is($rc, 0, 'up --https-port') or BAIL_OUT($out);
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

# doctor(@command in front) -> (exit status, {check => {state, found}})
sub doctor {
    my (@front) = @_;
    my ($status, $text) = Platform::run(@front, @doctor, '--json');
    my $all = eval { decode_json($text) } or do { fail('JSON'); diag $text; return ($status, {}) };
    return ($status, { map { $_->{check} => $_ } @$all });
}

# In a mount namespace where `what` of the shell has been done before.
sub without {
    my ($shell) = @_;
    return ('unshare', '-m', 'sh', '-c', "$shell && exec \"\$\@\"", 'sh');
}

# A check is wrong (or a warning), and says so with a fix.
sub finds {
    my ($what, $check, $problem, $fix, %o) = @_;
    my ($status, $all) = doctor(@{ $o{front} // [] });
    my $state = $o{state} // 'wrong';
    is($status, 1, "$what: exit status 1") if $state eq 'wrong';
    is($all->{$check}{state}, $state, "$what: $check is $state");
    my @found = grep { $_->{problem} =~ $problem } @{ $all->{$check}{found} // [] };
    ok(@found > 0, "$what: is named") or diag explain $all->{$check};
    ok(@found && $found[0]{fix} =~ $fix, "$what: with its fix") or diag explain \@found;
    return $all;
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
    [qw(databases files firewall leftovers module nginx sandbox services)], 'what only root can tell is unknown');

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
}

# ---- files ------------------------------------------------------------------

my $conf = slurp($p->{conf});
spew($p->{conf}, "${conf}nonsense = 1\n");
finds('a setting that is none', 'settings', qr/nonsense/, qr/paas\.conf/);
spew($p->{conf}, $conf);
chmod 0666, $p->{conf};
finds('settings that all may write', 'settings', qr/written by others/, qr/chmod 644 \Q$p->{conf}\E/);
chmod 0644, $p->{conf};

my $inspect = "$p->{prefix}/libexec/paas/paas-inspect";
my $hook = "$p->{prefix}/libexec/paas/hooks/pre-receive";
chmod 0644, $inspect;
rename $hook, "$hook.gone";
chmod 0600, "$p->{run}/wake.sock";
chown 0, 0, "$p->{state}/routes";
utime time + 86400, time + 86400, "$p->{state}/router/nginx.conf";
$all = finds('a program that is none', 'programs', qr/\Q$inspect\E/, qr{scripts/up --name $p->{name}});
finds('a hook that is missing', 'git', qr/pre-receive/, qr{scripts/up});
finds('a socket that others may not use', 'sockets', qr/wake\.sock has mode 600/, qr/chmod 666/);
finds('a folder of somebody else', 'folders', qr/routes has mode/, qr/chown paas:www-data \S+routes/);
finds('a clock that went back', 'clock', qr/nginx\.conf was written \d+ s from now/, qr/set the clock right/);
is($all->{$_}{state}, 'ok', "all of these at once, and $_ is still well") for qw(manager launcher cgroups);
chmod 0755, $inspect;
rename "$hook.gone", $hook;
chmod 0666, "$p->{run}/wake.sock";
chown scalar getpwnam('paas'), scalar getgrnam('www-data'), "$p->{state}/routes";
chmod 02750, "$p->{state}/routes";
utime time, time, "$p->{state}/router/nginx.conf";

finds('a full disk', 'disk', qr/\Q$p->{state}\E has .* left, and 1\.0 GiB is to stay free/, qr/make room/,
    front => [without("mount -t tmpfs -o size=4m none $p->{state}")]);
finds('no inodes', 'disk', qr/inodes left of/, qr/make room/, front => [without("mount -t tmpfs -o nr_inodes=1 none $p->{state}")]);
finds('a read-only disk', 'disk', qr/is read-only/, qr/remount,rw/,
    front => [without("mount --bind $p->{state} $p->{state} && mount -o remount,bind,ro $p->{state}")]);

Platform::run('cp', '-a', "$p->{state}/routes", "$dir/routes");
chmod 0711, $dir;
{
    open my $fh, '+<', "$dir/routes/data.mdb" or die;
    seek $fh, 8192, 0;
    print {$fh} "\xff" x (-s "$dir/routes/data.mdb");
}
finds('a damaged route database', 'databases', qr/./, qr/written anew from the store/,
    front => [without("mount --bind $dir/routes $p->{state}/routes")]);

# ---- nginx, names, certificates ---------------------------------------------

my $nginx = slurp("$p->{state}/router/nginx.conf");
spew("$p->{state}/router/nginx.conf", "nonsense on;\n$nginx");
finds('a configuration that nginx refuses', 'nginx', qr/unknown directive "nonsense"/, qr{scripts/up});
spew("$p->{state}/router/nginx.conf", $nginx);
my $module = "$p->{prefix}/lib/paas/ngx_http_paas_module.so";
Platform::run('cp', $module, "$module.new");
rename "$module.new", $module;
finds('a module that was replaced', 'module', qr/older module/, qr/restart the router/, state => 'warning');
Platform::run('sv', 'down', "$p->{run}/sv/router");
Platform::wait_for(20, sub { !-e "$p->{run}/nginx.pid" });
$all = finds('nginx is down', 'nginx', qr/nobody listens on port $p->{port}/, qr/start the router/);
is($all->{router}{state}, 'wrong', 'and so is the router');
ok((grep { $_->{fix} eq "sv up $p->{run}/sv/router" } @{ $all->{services}{found} }), 'the service is named, with what starts it');
Platform::run(split / /, "sv up $p->{run}/sv/router");
ok(Platform::wait_for(20, sub { (doctor())[1]{nginx}{state} eq 'ok' }), 'which does so');
is((doctor())[1]{module}{state}, 'ok', 'with the new module');

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
spew($p->{conf}, $conf);

# ---- the machine ------------------------------------------------------------

finds('no sandbox', 'sandbox', qr/bwrap makes no sandbox/, qr/kernel\.unprivileged_userns_clone=1/,
    front => [without('mount --bind /bin/false "$(command -v bwrap)"')]);
spew("$dir/old", "#!/bin/sh\necho bubblewrap 0.4.1\n");
chmod 0755, "$dir/old";
finds('an old program', 'programs', qr/bwrap is no version/, qr/apt-get install bubblewrap/,
    front => [without("mount --bind $dir/old \"\$(command -v bwrap)\"")]);
spew($p->{conf}, $conf =~ s/^cgroup = .*$/cgroup = paas-none.scope/mr);
finds('no cgroup', 'cgroups', qr/no cgroup paas-none\.scope/, qr/restart the launcher/);
spew($p->{conf}, $conf);

my $run = slurp("$p->{run}/sv/manager/run");
spew("$p->{run}/sv/manager/run", $run =~ s/^(?=exec chpst)/ulimit -n 1000\n/mr);
Platform::run('sv', 'restart', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'a manager that may open less');
my $manager = $p->service_pid('manager');
finds('few files', 'files', qr/the manager, process $manager, may open 1000 files/, qr/LimitNOFILE/);
spew("$p->{run}/sv/manager/run", $run);
kill 'STOP', $manager;
finds('a manager that hangs', 'manager', qr/process $manager, takes connections .* and does not answer/, qr/its log/);
kill 'CONT', $manager;
Platform::run('sv', 'down', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 0 }), 'the manager is down');
finds('no manager', 'manager', qr/nobody listens at/, qr/restart it/);
spew("$p->{run}/inst/00000000000000fe", "nothing\n");
finds('what is left over', 'leftovers', qr/00000000000000fe is no record/, qr/paas-manager/);
unlink "$p->{run}/inst/00000000000000fe";
Platform::run('sv', 'up', "$p->{run}/sv/manager");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{status} == 200 }), 'it is back');

my ($table) = $conf =~ /^nft_table = (\S+)/m;
Platform::run('sv', 'down', "$p->{run}/sv/launcher");
ok(Platform::wait_for(20, sub { !$p->api('GET', '/health')->{json}{launcher} }), 'the launcher is down');
Platform::run('nft', 'delete', 'table', 'inet', $table);
$all = finds('no firewall', 'firewall', qr/no table inet $table/, qr/restart the launcher/);
is($all->{launcher}{state}, 'wrong', 'nor a launcher');
Platform::run('sv', 'up', "$p->{run}/sv/launcher");
ok(Platform::wait_for(20, sub { $p->api('GET', '/health')->{json}{launcher} }), 'it is back');
is(($p->paas('certs:remove', $_, '--platform'))[0], 0, "the certificate $_ goes")
    for map { $_->{name} } @{ $p->json('certs', '--platform') };
ok(Platform::wait_for(20, sub { (doctor())[0] == 0 }), 'and nothing is wrong any more') or diag explain((doctor())[1]);

done_testing();
