#!/usr/bin/perl
# paas-launcher by itself: real instances, started by hand-made requests.
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(:sys_wait_h SIGSTOP);
use Test::More;
use Time::HiRes qw(time sleep);

die "needs root\n" if $>;

my $top = abs_path(dirname(__FILE__) . '/..');
my $bin = "$top/build";
die "make programs units first\n"
    if grep { !-x } "$bin/libexec/paas-launcher", "$bin/t/launchctl";

# Beside platforms, which take networks and uids from below.
my $n = 192 + $$ % 32;
my $tag = "lt$n";
my $net = "198.19.$n";
my $dir = tempdir('paas-launcher-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $owner = $$;
my $conf = "$dir/paas.conf";
my @children;
our ($run, $state, $launcher) = ("$dir/run", "$dir/state"); # one more has its own
chmod 0755, $dir;

# Instances have uids of their own, and a checkout in /root is closed to them.
system('cp', '-r', "$bin/libexec", "$bin/t/launchctl",
    "$top/scripts/buildpacks", $dir) == 0 or BAIL_OUT('no room');
system("$top/scripts/lib/users") == 0 or BAIL_OUT('no users');
write_file($conf, <<"CONF");
state_dir = $state
run_dir = $run
libexec_dir = $dir/libexec
buildpack_dir = $dir/buildpacks
cgroup = paas-$tag.scope
nft_table = paas_$tag
if_prefix = $tag
subnet = $net.0/24
uid_base = @{[1_950_000_000 + $n * 1000]}
allow_out = 10.98.$n.0/24 198.51.100.7, 203.0.113.128/25
instance_flows = 300
CONF

# ---- helpers ----------------------------------------------------------

sub write_file {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or return '';
    local $/;
    return scalar <$fh> // '';
}

sub wait_for {
    my ($seconds, $what) = @_;
    my $end = time + $seconds;
    my $r;
    until ($r = $what->()) {
        return if time > $end;
        sleep 0.01;
    }
    return $r;
}

sub launcher_start {
    $launcher = fork // die;
    if (!$launcher) {
        open STDERR, '>>', "$dir/launcher.log";
        exec {"$bin/libexec/paas-launcher"} 'paas-launcher', '--conf', $conf or
        POSIX::_exit(127);
    }
    # Before the socket is there launchctl has something to say.
    open my $saved, '>&', \*STDERR;
    open STDERR, '>>', "$dir/launchctl.err";
    my $up = wait_for(5, sub { ctl('list') =~ /^ok$/m });
    open STDERR, '>&', $saved;
    die slurp("$dir/launcher.log") unless $up;
}

sub launcher_end {
    my ($signal) = @_;
    kill $signal, $launcher;
    waitpid $launcher, 0;
    undef $launcher;
}

# One request; its output.
sub ctl {
    my @args = @_;
    open my $out, '-|', "$bin/t/launchctl", "$run/launcher.sock", @args or die;
    local $/;
    return scalar <$out> // '';
}

my $last = 0;

# instance(\%keys, @argv) -> id, reply
sub instance {
    my ($keys, @argv) = @_;
    my %k = (slot => 2, cwd => '/app', %$keys);
    my $id = delete $k{id} // sprintf '%016x', ++$last;
    my %env = (PATH => '/usr/bin:/bin', %{delete $k{env} // {}});
    my @env = map { "env=$_=$env{$_}" } sort keys %env;
    return ($id, ctl('start', "id=$id", (map { "$_=$k{$_}" } keys %k), @env, '--', @argv));
}

sub log_of {
    my ($id, $app) = @_;
    return slurp(sprintf '%s/log/%016x/%s.log', $state, $app // 1, $id);
}

sub text_of { return join '', map { s/^\S+ (\S) /$1 /r . "\n" } split /\n/, log_of(@_) }

sub exit_of {
    my ($id) = @_;
    return wait_for(5, sub { slurp("$run/exit/$id") =~ /^\S+ (.*) time=\d+$/ ? $1 : undef }) // 'none';
}

# Runs it to its end: (its output, its exit record); cleaned.
sub run_to_end {
    my ($keys, @argv) = @_;
    my ($id, $reply) = instance($keys, @argv);
    return ($reply, '') unless $reply =~ /^ok/;
    my $exit = exit_of($id);
    my $text = text_of($id, hex($keys->{app} // 1));
    gone($id);
    return ($text, $exit);
}

sub gone {
    my ($id) = @_;
    ctl('kill', $id);
    my $r = wait_for(5, sub { ctl('clean', $id) =~ /^ok/ });
    ok $r, "clean $id" unless $r;
}

sub cgroups { return grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope/inst/*" }
sub links { return grep { /\b$tag/ } split /\n/, `ip -o link` }
sub pids_of_uid { my ($uid) = @_; return grep { ((stat "/proc/$_")[4] // -1) == $uid } map { m{/(\d+)$} } glob '/proc/[0-9]*' }

sub slug {
    my ($name, %files) = @_;
    my $hash = sha256_hex($name);
    make_path("$state/slugs/$hash");
    for my $f (keys %files) {
        write_file("$state/slugs/$hash/$f", $files{$f});
        chmod 0755, "$state/slugs/$hash/$f";
    }
    system 'chown', '-R', 'paas-slug:paas-slug', "$state/slugs/$hash";
    return $hash;
}

END {
    if (defined $owner && $$ == $owner) {
        my $status = $?;
        kill 'CONT', $launcher if $launcher;
        launcher_end('TERM') if $launcher;
        kill 'KILL', $_ for @children;
        system("$bin/libexec/paas-launcher --conf $conf --purge 2>/dev/null") if -e $conf;
        system("ip netns del $tag 2>/dev/null; ip netns del $tag-2 2>/dev/null");
        $? = $status;
    }
}

# ---- a start ----------------------------------------------------------

launcher_start();
my $s = slug('probe', 'probe' => slurp("$top/t/launcher/probe.pl"), 'data' => "of the slug\n");

my ($text, $exit) = run_to_end({slug => $s, env => {SECRET => 'x y', LD_PRELOAD => '/app/evil.so'}}, '/bin/sh', '-c',
    'id -u; echo "$SECRET"; echo changed > data; cat data; echo to-stdout > /dev/stdout; echo bad >&2; readlink /proc/self/fd/0; pwd; exit 3');
my $uid = 1_950_000_000 + $n * 1000 + 2;
is $exit, 'how=exited status=3 oom=0 dropped=0', 'the exit is recorded';
like $text, qr/^o $uid$/m, 'its own uid';
like $text, qr/^o x y$/m, 'its environment';
like $text, qr/^o changed$/m, 'it may write to its slug';
like $text, qr/^o to-stdout$/m, '/dev/stdout can be opened';
like $text, qr/^e bad$/m, 'standard error is told apart';
like $text, qr{^o /dev/null$}m, 'standard input is /dev/null';
like $text, qr{^o /app$}m, 'in the directory that was asked for';
is slurp("$state/slugs/$s/data"), "of the slug\n", 'the slug itself did not change';
is ctl('list'), "ok\n", 'clean leaves no record';
is scalar(cgroups()), 0, 'no cgroup';
ok wait_for(2, sub { !grep { /${tag}v/ } links() }), 'no interface';
is join(' ', glob "$run/exit/*"), '', 'no exit record';

# ---- a slug that is / ---------------------------------------------------

# root(NAME, PATH => what it is) -> slug; undef leaves it out, else a link.
sub root {
    my ($name, %other) = @_;
    my $hash = sha256_hex($name);
    my $top = "$state/slugs/$hash";
    make_path("$top/bin");
    for (qw(proc dev tmp etc .paas etc/hosts etc/hostname etc/resolv.conf)) {
        if (exists $other{$_}) { symlink $other{$_}, "$top/$_" if defined $other{$_} }
        elsif (m{/}) { write_file("$top/$_", '') if -d "$top/etc" }
        else { make_path("$top/$_") }
    }
    system 'cp', '/bin/busybox', "$top/bin/sh";
    system 'chown', '-hR', 'paas-slug:paas-slug', $top;
    return $hash;
}

my $image = root('image');
($text, $exit) = run_to_end({slug => $image, root_uid => 1234, cwd => '/bin'}, '/bin/sh', '-c',
    'busybox id -u; busybox id -g; pwd; echo /*; echo new > /new; busybox cat /new; busybox cat /etc/resolv.conf; '
    . 'busybox nc -l -p 80 -w 1 < /dev/null; echo listened $?; busybox ls -ld /bin/sh /tmp; echo /.paas/*');
is $exit, 'how=exited status=0 oom=0 dropped=0', 'an image runs';
like $text, qr/^o 1234\no 1234\no \/bin$/m, 'as the user that was asked for, where it was asked for';
like $text, qr{^o /bin /dev /etc /proc /tmp$}m, 'with nothing of the machine';
like $text, qr{^o new$}m, 'it may write';
like $text, qr{^o nameserver }m, 'and find names';
unlike $text, qr/bind|denied/, 'and listen on port 80';
ok !-e "$state/slugs/$image/new", 'the slug itself did not change';

my $canary = "/tmp/$tag-canary";
for ([{'etc/resolv.conf' => "/oldroot$canary"}, 'ENOTDIR'], [{etc => "/oldroot/tmp"}, 'ENOTDIR'],
    [{tmp => '../../../tmp'}, 'ENOTDIR'], [{'.paas' => '/oldroot/etc'}, 'ENOTDIR'], [{proc => undef}, 'ENOENT']) {
    my ($other, $error) = @$_;
    my ($where) = keys %$other;
    my ($id, $reply) = instance({slug => root("image $where", %$other), root_uid => 1234}, '/bin/sh', '-c', 'true');
    like $reply, qr/^error (?:$error|ELOOP) step 6/, "an image with something else at $where is not started";
}
ok !-e $canary, 'and nothing was made outside';
is ctl('list'), "ok\n", 'nothing of them is left';

# ---- other starts -------------------------------------------------------

($text, $exit) = run_to_end({slug => $s}, 'no-such-program');
is $exit, 'how=exited status=127 oom=0 dropped=0', 'a program that is not there';
like $text, qr/^e paas: no-such-program: No such file/m, 'is said in the log';
for my $case (['exit 137', 'how=exited status=137'], ['kill -9 $$', 'how=killed status=9'], ['kill -15 $$', 'how=killed status=15']) {
    (undef, $exit) = run_to_end({slug => $s}, '/bin/sh', '-c', $case->[0]);
    is $exit, "$case->[1] oom=0 dropped=0", "$case->[0]: $case->[1]";
}

# ---- bwrap itself has nothing of the app's ----------------------------

my ($id, $reply) = instance({slug => $s, env => {LD_PRELOAD => '/app/evil.so'}}, 'sleep', '60');
like $reply, qr/^ok/, 'started';
ok wait_for(3, sub { `pgrep -U $uid -x sleep` }), 'it runs';
my @bwrap = split ' ', `pgrep -U $uid -x bwrap`;
is scalar(@bwrap), 1, 'one bwrap';
is slurp("/proc/$bwrap[0]/environ"), '', 'with an empty environment';
like slurp("/proc/$bwrap[0]/status"), qr/^Groups:\s*$/m, 'no supplementary groups';
like slurp("/proc/$bwrap[0]/status"), qr/^NoNewPrivs:\s*1$/m, 'no_new_privs';
my ($shim) = $reply =~ /pid=(\d+)/;
is((stat "/proc/$shim")[4], scalar(getpwnam 'paas-log'), 'the shim is of paas-log');
unlike slurp("/proc/$shim/cgroup"), qr{/inst/}, 'and outside of the cgroups of the instance';
like slurp("/proc/$bwrap[0]/cgroup"), qr{memory:/paas-$tag.scope/inst/$id|0::/paas-$tag.scope/inst/$id}, 'bwrap is inside';

# ---- refusals ---------------------------------------------------------

like +(instance({slug => $s, slot => 2}, 'true'))[1], qr/^error EBUSY/, 'a slot that is held';
like +(instance({slug => $s, id => $id, slot => 3}, 'true'))[1], qr/^error EEXIST/, 'an id that is there';
for my $bad ({slot => 0}, {slot => 1}, {slot => 255}, {slot => 4294967295}, {kind => 'none'}, {build => 1}, {app => 0},
    {id => 0}, {memory => 1}, {tmp => 0}, {pids => 0}, {files => 0}, {weight => 0}, {weight => 10001}, {log_rate => 0},
    {log_max => 0}, {memfd => 'none'}) {
    my ($k, $v) = %$bad;
    like +(instance({slug => $s, slot => 3, $k eq 'kind' ? (build => 1) : (), %$bad}, 'true'))[1], qr/^error EINVAL step 1/, "$k=$v is refused"
        unless $k eq 'kind';
}
like +(instance({slug => $s, slot => 3, memfd => 'unsealed'}, 'true'))[1], qr/^error EPERM step 1/, 'a memfd without seals';
like +(instance({slug => $s, slot => 3, memfd => 'file'}, 'true'))[1], qr/^error EPERM step 1/, 'a directory of root';
like +(instance({slug => sha256_hex('nothing'), slot => 3}, 'true'))[1], qr/^error ENOENT step 9/, 'a slug that is not there';
like ctl('raw', 'nonsense'), qr/^error EMSGSIZE step 1/, 'bytes that are no request';
like ctl('raw', 'x' x 1000), qr/^error EMSGSIZE step 1/, 'too many of them';
sub fds { return scalar(() = glob "/proc/$launcher/fd/*") }
my $fds = fds();
for my $count (1, 2, 3, 8) {
    like ctl('descriptors', $count), $count == 1 ? qr/^error EINVAL/ : qr/^error EMSGSIZE/, "$count descriptors that nobody asked for";
}
# One of a caller before may have been on its way out when they were counted.
ok wait_for(2, sub { fds() <= $fds }), 'and none is kept' or diag fds() . " instead of $fds";
like ctl('signal', $id, 0), qr/^error EINVAL/, 'signal 0';
like ctl('signal', 'ffff', 15), qr/^error ENOENT/, 'an instance that is not there';
like ctl('clean', $id), qr/^error EBUSY/, 'clean of what runs';
like ctl('drop-slug', $s), qr/^error EBUSY/, 'a slug in use';
is scalar(grep { !/$id/ } cgroups()), 0, 'nothing is left of what was refused';
is join(' ', `nft list set inet paas_$tag allow_out` =~ m{(\d+\.\d+\.\d+\.\d+(?:/\d+)?)}g), "10.98.$n.0/24 198.51.100.7 203.0.113.128/25",
    'networks with blanks and commas between them are let through';
is scalar(() = `nft list set inet paas_$tag sources` =~ /"${tag}v/g), 1, 'one instance in the firewall';
my $stranger = fork // die;
if (!$stranger) {
    $( = $) = "65534 65534";
    $< = $> = 65534;
    open STDERR, '>', '/dev/null';
    exec {"$dir/launchctl"} 'launchctl', "$run/launcher.sock", 'list' or
    POSIX::_exit(0);
}
waitpid $stranger, 0;
isnt $?, 0, 'a stranger is turned away';

# ---- the launcher may die ---------------------------------------------

launcher_end('KILL');
ok kill(0, $shim), 'the launcher is killed, the instance goes on';
mkdir "$_/dddddddddddddddd" for grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope/inst";
launcher_start();
like ctl('list'), qr/^record id=$id app=1 build=0 kind=1 slot=2 state=2 pid=$shim$/m, 'and is adopted';
is scalar(grep { /dddd/ } cgroups()), 0, 'a cgroup without a record is removed';
like ctl('signal', $id, 15), qr/^ok/, 'SIGTERM';
is exit_of($id), 'how=killed status=15 oom=0 dropped=0', 'reaches the app';
like ctl('list'), qr/state=3/, 'LIST says that it exited';
like ctl('clean', $id), qr/^ok/, 'clean';
like ctl('clean', $id), qr/^ok/, 'clean again';

($id) = instance({slug => $s}, '/bin/sh', '-c', 'trap "echo got it; exit 5" USR1; echo up; while :; do sleep 0.05; done');
wait_for(3, sub { log_of($id) =~ /up/ });
ctl('signal', $id, 10);
is exit_of($id), 'how=exited status=5 oom=0 dropped=0', 'a signal that is handled';
like text_of($id), qr/^o got it$/m, 'by the app itself';
gone($id);

($id, $reply) = instance({slug => $s}, 'sleep', '60');
($shim) = $reply =~ /pid=(\d+)/;
kill 'KILL', $shim;
ok wait_for(3, sub { !`pgrep -U $uid` }), 'the sandbox dies with its shim';
gone($id);

# bwrap is killed as soon as it has a child, which would wait for it for ever
# if that is before the child was told that it may go on.
sub children { my ($pid) = @_; return split ' ', slurp("/proc/$pid/task/$pid/children") }
my ($kills, $waited, @without) = (0, 0);
for (1 .. 30) {
    my %old = map { $_ => 1 } children($launcher);
    my $killer = fork // die;
    if (!$killer) {
        for (my $end = time + 5; time < $end;) {
            for my $sandbox (map { children($_) } grep { !$old{$_} } children($launcher)) {
                next if !children($sandbox);
                kill 'KILL', $sandbox;
                POSIX::_exit(0);
            }
        }
        POSIX::_exit(1);
    }
    ($id, $reply) = instance({slug => $s}, 'sleep', '60');
    waitpid $killer, 0;
    # Too early, and there is no instance.
    next if $? != 0 || $reply !~ /^ok/;
    $kills++;
    my $start = time;
    my $ended = exit_of($id);
    push @without, "$id: $ended" if $ended !~ /^how=killed status=9 /;
    gone($id);
    last if time - $start > 1.5 && ++$waited;
}
cmp_ok $kills, '>', 0, 'bwrap is killed at its start';
is "@without", '', 'and each instance comes to its end';
ok wait_for(3, sub { !`pgrep -U $uid` }), 'with nothing left';
diag "bwrap killed $kills times at its start, $waited times its child was left waiting";

($id, $reply) = instance({slug => $s}, '/bin/sh', '-c', 'setsid sleep 60 & setsid sleep 61 & wait');
wait_for(3, sub { (() = `pgrep -U $uid -x sleep` =~ /\d+/g) == 2 });
like ctl('kill', $id), qr/^ok/, 'kill';
like exit_of($id), qr/^how=killed status=9 oom=0/, 'ends it';
ok wait_for(3, sub { !`pgrep -U $uid` }), 'with all that it started';
gone($id);

# ---- limits -----------------------------------------------------------

($text, $exit) = run_to_end({slug => $s, memory => 32 << 20}, 'perl', '-e', 'my $x = "x" x (200 << 20); print length $x');
like $exit, qr/oom=1/, 'out of memory is recorded';
($text, $exit) = run_to_end({slug => $s, memory => 32 << 20, tmp => 256 << 20}, '/bin/sh', '-c', 'head -c 100M /dev/zero > /app/full');
like $exit, qr/oom=1/, 'files in the overlay are charged to the instance';
($text, $exit) = run_to_end({slug => $s, tmp => 4 << 20}, '/bin/sh', '-c', 'head -c 8M /dev/zero > /tmp/full; head -c 8M /dev/zero > /app/full; head -c 8M /dev/zero > /dev/shm/full');
is scalar(() = $text =~ /No space left/g), 3, '/tmp, /dev/shm and the overlay are bounded';
($text, $exit) = run_to_end({slug => $s, pids => 16}, 'perl', '-e', 'my $n = 0; while ($n < 100) { my $p = fork; last unless defined $p; if (!$p) { sleep 30; exit } $n++ } print "$n\n"; kill 9, -1');
like $text, qr/^o (?:[0-9]|1[0-5])$/m, 'processes are bounded';
($text) = run_to_end({slug => $s, files => 64}, '/bin/sh', '-c', 'ulimit -n; ulimit -c');
like $text, qr/^o 64\no 0$/m, 'open files are bounded, no core';

# ---- logs -------------------------------------------------------------

($id) = instance({slug => $s, log_rate => 4 << 20, log_max => 64 << 20}, 'perl', '-e', '$| = 1; print "line $_ ", "x" x 80, "\n" for 1 .. 30000');
$exit = exit_of($id);
like $exit, qr/dropped=0/, '30,000 lines at full speed within the rate';
is scalar(grep { !/^\S{27} o line \d+ x{80}$/ } split /\n/, log_of($id)), 0, 'none is split';
is scalar(split /\n/, log_of($id)), 30000, 'none is lost';
gone($id);
($id) = instance({slug => $s, log_rate => 65536, log_max => 1 << 20}, 'perl', '-e', 'print "x" x 99, "\n" for 1 .. 20000; sleep 1; print "end\n"');
my ($dropped) = exit_of($id) =~ /dropped=(\d+)/;
my $lines = () = log_of($id) =~ /^\S+ o x{99}$/mg;
my $told = 0;
$told += $_ for log_of($id) =~ /^\S+ p (\d+) lines dropped/mg;
cmp_ok $dropped, '>', 10000, 'beyond the rate lines are dropped';
is $lines + $dropped, 20000, 'whole ones, all of them counted';
is $told, $dropped, 'and the log says how many';
like log_of($id), qr/ o end$/m, 'the app went on';
gone($id);
($id) = instance({slug => $s, log_max => 65536}, 'perl', '-e', 'print "y" x 16383, "\n", "z" x 16385, "\n" for 1 .. 6; print "no newline"');
exit_of($id);
my $log1 = sprintf '%s/log/%016x/%s.log.1', $state, 1, $id;
cmp_ok -s $log1, '<=', 32768, 'the log is rotated at half of its bytes';
like log_of($id), qr/ o no newline$/m, 'a last line without a newline is there';
gone($id);

# ---- escapes ----------------------------------------------------------

($text, $exit) = run_to_end({slug => $s}, 'perl', 'probe', 'escapes');
unlike $text, qr/^o not ok/m, 'no escape works' or diag $text;
cmp_ok scalar(() = $text =~ /^o ok/mg), '>=', 25, 'and all were tried' or diag $text;

# ---- what an instance leaves, to the next one with its slot -------------

my $leave = <<'EOT';
use IPC::SysV qw(IPC_CREAT IPC_EXCL S_IRUSR S_IWUSR); use IO::Socket::UNIX;
$| = 1;
for (qw(/app /tmp /dev/shm)) { open my $f, '>', "$_/left" and print "made $_\n" }
print "made memory\n" if defined shmget 4711, 4096, IPC_CREAT | S_IRUSR | S_IWUSR;
print "made semaphores\n" if defined semget 4711, 1, IPC_CREAT | S_IRUSR | S_IWUSR;
print "made messages\n" if defined msgget 4711, IPC_CREAT | S_IRUSR | S_IWUSR;
print "made queue\n" if syscall(240, my $q = "left\0", 0101, 0600, 0) != -1;
print "made socket\n" if IO::Socket::UNIX->new(Listen => 1, Local => "\0left");
print "made key\n" if syscall(248, my $t = "user\0", my $n = "left\0", my $v = 'x', 1, -4) != -1;
if (!fork) { setpgrp; $SIG{TERM} = $SIG{HUP} = 'IGNORE'; $0 = 'left'; sleep 1000 }
print "made process\n";
EOT
my $find = <<'EOT';
use IO::Socket::UNIX;
for (qw(/app /tmp /dev/shm)) { print "found $_\n" if -e "$_/left" }
print "found memory\n" if defined shmget 4711, 0, 0;
print "found semaphores\n" if defined semget 4711, 0, 0;
print "found messages\n" if defined msgget 4711, 0;
print "found queue\n" if syscall(240, my $q = "left\0", 0, 0, 0) != -1;
print "found socket\n" if IO::Socket::UNIX->new(Peer => "\0left");
print "found process\n" if grep { /left/ } map { open my $f, '<', "$_/cmdline"; <$f> // () } glob '/proc/[0-9]*';
print "looked\n";
EOT
($text) = run_to_end({slug => $s, slot => 15}, 'perl', '-e', $leave);
my @made = $text =~ /^o made (.*)$/mg;
is_deeply \@made, [qw(/app /tmp /dev/shm memory semaphores messages queue socket process)], 'an instance leaves this and that' or diag $text;
my $left_of = $uid + 13;
ok wait_for(3, sub { !pids_of_uid($left_of) }), 'it ends, and no process of its uid is left';
($text) = run_to_end({slug => $s, slot => 15}, 'perl', '-e', $find);
like $text, qr/^o looked$/m, 'the next one with its uid and address looks for it';
unlike $text, qr/^o found \Q$_\E$/m, "$_: nothing is found" for @made;

# ---- network ----------------------------------------------------------

my ($host) = `ip -4 -o addr show scope global` =~ /eth\d+\s+inet ([\d.]+)/;
sub listener {
    my ($addr, $port) = @_;
    my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => $addr, LocalPort => $port, ReuseAddr => 1) or die "$addr:$port: $!";
    my $pid = fork // die;
    if (!$pid) {
        undef $owner;
        while (my $c = $l->accept) { print $c $c->peerhost . "\n"; close $c }
        POSIX::_exit(0);
    }
    push @children, $pid;
    return $l->sockport;
}
my $port = listener('0.0.0.0', 0);
listener("$net.1", 53);
# Two networks beyond the host, of which 10.98 is allowed.
system("ip netns add $tag && ip -n $tag link set lo up && ip link add ${tag}x type veth peer name e0 netns $tag"
    . " && ip addr add 10.98.$n.1/24 dev ${tag}x && ip addr add 10.99.$n.1/24 dev ${tag}x && ip link set ${tag}x up"
    . " && ip -n $tag addr add 10.98.$n.9/24 dev e0 && ip -n $tag addr add 10.99.$n.9/24 dev e0 && ip -n $tag link set e0 up") == 0 or die;
my $far = fork // die;
if (!$far) {
    undef $owner;
    exec 'ip', 'netns', 'exec', $tag, 'perl', '-MIO::Socket::INET', '-e',
        '$l = IO::Socket::INET->new(Listen => 5, LocalPort => 9999); while ($c = $l->accept) { print $c $c->peerhost . "\n"; close $c }';
}
push @children, $far;
my ($one) = instance({slug => $s, slot => 10}, 'perl', 'probe', 'listen');
wait_for(3, sub { log_of($one) =~ /listening/ });
my $c = IO::Socket::INET->new(PeerAddr => "$net.10", PeerPort => 5000, Timeout => 3);
is $c && scalar <$c>, "$net.1\n", 'the host reaches an instance, from the gateway';
ok !IO::Socket::INET->new(PeerAddr => "$net.99", PeerPort => 5000, Timeout => 3), 'nobody is at the address of no instance';
like $@, qr/No route to host/, 'as is said at once';
($text) = run_to_end({slug => $s, slot => 11}, 'perl', 'probe', 'connect', "$net.1:53", "10.98.$n.9:9999", "$net.10:5000",
    "$net.1:$port", "$net.1:5000", "127.0.0.1:$port", ($host ? "$host:$port" : ()), "10.99.$n.9:9999", '169.254.169.254:80',
    '192.168.1.1:80', '100.64.0.1:80', '[fe80::1%eth0]:80', '[::1]:80', '[fd00::2]:80');
like $text, qr/^o open \Q$net\E\.1:53 /m, 'DNS on the gateway is reached';
like $text, qr/^o open 10\.98\.$n\.9:9999 10\.98\.$n\.1$/m, 'an allowed network is, masqueraded';
is scalar(() = $text =~ /^o open/mg), 2, 'and nothing else' or diag $text;
is scalar(() = $text =~ /^o closed/mg), $host ? 12 : 11, 'all were tried' or diag $text;
cmp_ok scalar(() = $text =~ /timed out/g), '<=', 0, 'refusals are answered at once' or diag $text;

# ---- the machine's one table of connections ---------------------------

my $counter = fork // die;
if (!$counter) {
    undef $owner;
    open STDOUT, '>', "$dir/datagrams" or die;
    exec 'ip', 'netns', 'exec', $tag, 'perl', '-MIO::Socket::INET', '-e',
        '$| = 1; $l = IO::Socket::INET->new(Proto => "udp", LocalPort => 9998); print "." while defined $l->recv($x, 9)';
}
push @children, $counter;
my $tracked = '/proc/sys/net/netfilter/nf_conntrack_count';
wait_for(3, sub { -e "$dir/datagrams" });
sleep 0.2;
my $flows = slurp($tracked);
($text) = run_to_end({slug => $s, slot => 13}, 'perl', 'probe', 'datagrams', "10.98.$n.9:9998", 3000, 'ports');
like $text, qr/^o 3000 sent$/m, 'an instance sends from 3,000 ports';
cmp_ok slurp($tracked) - $flows, '<', 450, 'of which few take a place in the table of connections';
cmp_ok -s "$dir/datagrams", '<', 450, 'or get out';
$flows = -s "$dir/datagrams";
($text) = run_to_end({slug => $s, slot => 14}, 'perl', 'probe', 'datagrams', "10.98.$n.9:9998", 3000);
ok wait_for(3, sub { -s "$dir/datagrams" == $flows + 3000 }), 'all from one port are one' or diag((-s "$dir/datagrams") - $flows);

# ---- a firewall that goes ---------------------------------------------

my $two = (instance({slug => $s, slot => 12}, 'perl', 'probe', 'again', "10.98.$n.9:9999", "10.99.$n.9:9999"))[0];
ok wait_for(5, sub { text_of($two) =~ /^o open 10\.98/m }), 'allowed traffic flows';
kill 'STOP', $launcher;
system("nft delete table inet paas_$tag");
my $before = length text_of($two);
sleep 1.5;
my $after = substr text_of($two), $before;
$after =~ s/\A.*\n//;
unlike $after, qr/open/, 'without the table nothing is forwarded' or diag $after;
like $after, qr/closed 10\.99/, 'while the instance tried';
kill 'CONT', $launcher;
ok wait_for(3, sub { !system("nft list table inet paas_$tag >/dev/null 2>&1") }), 'the table comes back';
$before = length text_of($two);
ok wait_for(5, sub { substr(text_of($two), $before) =~ /^o open 10\.98/m }), 'and traffic flows again';
unlike text_of($two), qr/open 10\.99/, 'what is not allowed never got through';
gone($_) for $one, $two;

# In a network of its own, a platform whose whole ruleset is flushed.
{
    local ($run, $state, $launcher) = ("$dir/run2", $state, undef);
    my $other = "$dir/other.conf";
    write_file($other, slurp($conf) =~ s{\Q$dir\E/run$}{$run}mr =~ s/paas-$tag\.scope/paas-$tag-2.scope/r
        =~ s/^if_prefix = .*/if_prefix = lx$n/mr);
    system("ip netns add $tag-2") == 0 or die;
    my $in = "nsenter --net=/run/netns/$tag-2";
    $launcher = fork // die;
    if (!$launcher) {
        undef $owner;
        open STDERR, '>>', "$dir/launcher2.log";
        exec split(' ', $in), "$bin/libexec/paas-launcher", '--conf', $other or POSIX::_exit(127);
    }
    ok wait_for(5, sub { -S "$run/launcher.sock" && ctl('list') =~ /^ok$/m }), 'a launcher in a network of its own' or diag slurp("$dir/launcher2.log");
    system("$in ip addr add 10.99.$n.1/24 dev lo; $in ip link set lo up");
    (my $id, undef) = instance({slug => $s, slot => 20}, 'perl', 'probe', 'again', "$net.1:53", "10.99.$n.1:22");
    my $rules = sub { return scalar(() = `$in nft list table inet paas_$tag 2>/dev/null` =~ /"lx${n}v20" \./g) };
    ok wait_for(5, sub { $rules->() == 1 }), 'has a firewall, with its instance';
    for my $time (1 .. 3) {
        is system("$in nft flush ruleset"), 0, "the ruleset is flushed ($time)";
        ok wait_for(5, sub { $rules->() == 1 }), 'and is back, with the instance';
    }
    is system("$in nft add table inet other; $in nft delete table inet other"), 0, 'what others do to theirs';
    is $rules->(), 1, 'is nothing to us';
    unlike text_of($id), qr/open/, 'all the while nothing that is closed was open';
    ctl('kill', $id);
    kill 'TERM', $launcher;
    waitpid $launcher, 0;
    is system("$in $bin/libexec/paas-launcher --conf $other --purge 2>/dev/null"), 0, 'purged';
    system("ip netns del $tag-2");
}

# ---- builds -----------------------------------------------------------

my $build = 'b1';
write_file("$state/uploads/00000000000000b1.tar", "pushed bytes\n");
like +(instance({kind => 'build', build => $build, cwd => '/'}, 'true'))[1], qr/^error EPERM step/, 'an upload that is not of paas';
chown scalar(getpwnam 'paas'), scalar(getgrnam 'paas'), "$state/uploads/00000000000000b1.tar";
($text, $exit) = run_to_end({kind => 'build', build => $build, cwd => '/', app => 5}, '/bin/sh', '-c',
    'cat > /app/source; echo made > /app/made; echo 1 > /cache/c; echo {} > /out/result.json; ls /buildpacks; cat /app/source; ln -s /etc/shadow /app/link; mkdir -m 0 /app/closed');
like $text, qr/^o pushed bytes$/m, 'a build reads what was pushed';
like $text, qr/^o python$/m, 'and has the packs';
is((stat "$state/builds/00000000000000b1/app/made")[4], scalar(getpwnam 'paas-slug'), 'what it makes belongs to paas-slug');
($text, $exit) = run_to_end({kind => 'inspect', build => $build, cwd => '/', app => 5}, '/bin/sh', '-c', 'cat /work/app/made /work/out/result.json; echo x > /work/app/x; cat /proc/net/dev');
like $text, qr/^o made$/m, 'an inspection reads it';
like $text, qr/^e .*Read-only/m, 'and reads only';
unlike $text, qr/eth0/, 'without a network';
my $hash = sha256_hex('built');
like ctl('seal', $build, $hash), qr/^error ENODATA/, 'seal of what was not archived';
run_to_end({kind => 'inspect', build => $build, cwd => '/', app => 5}, '/bin/sh', '-c', 'ln -s /etc/shadow /out/slug.tar.zst');
like ctl('seal', $build, $hash), qr/^error ELOOP/, 'seal of a link';
run_to_end({kind => 'inspect', build => $build, cwd => '/', app => 5}, '/bin/sh', '-c', 'rm /out/slug.tar.zst; echo archived > /out/slug.tar.zst');
like ctl('seal', $build, $hash), qr/^ok/, 'seal';
is slurp("$state/slugs/$hash/made"), "made\n", 'makes a slug';
my $archive = "$state/archives/$hash.tar.zst";
is slurp($archive), "archived\n", 'and keeps its archive';
is sprintf('%d %o', (stat $archive)[4, 2]), '0 100600', 'which is root\'s';
like ctl('seal', $build, $hash), qr/^ok/, 'seal again';
like ctl('seal', 'b2', $hash), qr/^error ENOENT/, 'seal of what was not built';
($text) = run_to_end({slug => $hash, app => 5}, 'cat', 'made');
like $text, qr/^o made$/m, 'the slug starts';
write_file("$dir/outside", "stays\n");
symlink "$dir", "$state/builds/00000000000000b1/out/away";
my $deep = "$state/builds/00000000000000b1/out";
{
    use Cwd ();
    my $here = Cwd::getcwd();
    chdir $deep;
    for (1 .. 300) { mkdir 'd' x 100; chdir 'd' x 100 }
    chdir $here;
}
like ctl('discard', $build), qr/^ok/, 'discard';
ok !-e "$state/builds/00000000000000b1", 'removes it, however deep';
ok -e "$dir/outside", 'and follows no link';
like ctl('discard', $build), qr/^ok/, 'discard again';
# Its owner knows the names by which a deep tree is taken apart.
{
    my $here = Cwd::getcwd();
    chdir "$state/slugs/$hash" or die;
    write_file('.deep-0', 'a file');
    make_path('.deep-1/full', '.deep-2');
    symlink $dir, '.deep-3';
    for my $top ('a', 'b') {
        mkdir $top; chdir $top;
        for (1 .. 10_000) { mkdir 'd'; chdir 'd' or die }
        chdir "$state/slugs/$hash";
    }
    chdir $here;
}
like ctl('drop-tree', $hash), qr/^ok/, 'drop-tree';
ok !-e "$state/slugs/$hash" && !(my @gone = glob "$state/slugs/.gone-*"), 'removes the tree';
ok -e $archive, 'and not the archive';
like ctl('drop-tree', $hash), qr/^ok/, 'drop-tree again';
($id, $reply) = instance({slug => $hash, app => 5}, 'true');
like $reply, qr/^error ENOENT step 9/, 'without a tree it is not started';
($text, $exit) = run_to_end({kind => 'unpack', slug => $hash, build => 'b3', cwd => '/', app => 5}, '/bin/sh', '-c',
    'cat > /app/again; cat /proc/net/dev; ls /; echo x > /usr/x');
like $text, qr/Read-only/, 'an unpacking writes nothing else';
unlike $text, qr/eth0|out|work|cache/, 'sees nothing else, and has no network';
like ctl('seal', 'b3', $hash), qr/^ok/, 'what it made';
is slurp("$state/slugs/$hash/again"), "archived\n", 'of the archive is the tree';
($id, $reply) = instance({kind => 'unpack', slug => sha256_hex('none'), build => 'b3', app => 5}, 'true');
like $reply, qr/^error ENOENT step 9/, 'without an archive there is nothing to unpack';
like ctl('discard', 'b3'), qr/^ok/, 'nothing of it stays';
like ctl('drop-tree', sha256_hex('probe')), qr/^error ENODATA/, 'a tree without an archive is kept';
like ctl('drop-slug', $hash), qr/^ok/, 'drop-slug';
ok !-e "$state/slugs/$hash", 'removes the slug';
ok !-e $archive, 'and its archive';
my $repository = "$state/git/0000000000000005.git";
like ctl('repository', 5), qr/^ok/, 'repository';
is join(' ', map { sprintf '%s %o', scalar getpwuid $_->[4], $_->[2] & 07777 } [stat "$state/git"], [stat $repository]),
    'root 711 paas-git 700', 'makes one that is git\'s, where nobody else makes any';
open my $head, '>', "$repository/HEAD" or die;
close $head;
mkdir "$repository/refs";
like ctl('repository', 5), qr/^ok/, 'repository again';
ok -e "$repository/HEAD", 'leaves it as it is';
like ctl('repository', 0), qr/EINVAL/, 'an app of number 0 has none';
like ctl('drop-cache', 5), qr/^ok/, 'drop-cache';
ok !-e "$state/caches/0000000000000005" && !-e "$state/log/0000000000000005" && !-e $repository,
    'removes cache, logs and repository';
symlink '/etc', "$state/git/0000000000000006.git" or die;
unlike ctl('repository', 6), qr/^ok/, 'a link in place of it is not followed';
is((stat '/etc')[4], 0, 'nor given away');
like ctl('drop-cache', 6), qr/^ok/, 'drop-cache takes the link away';
ok -d '/etc' && !-l "$state/git/0000000000000006.git", 'and only that';

# ---- many at once, and how fast ---------------------------------------

my (@ids, @took);
for my $slot (20 .. 59) {
    my $start = time;
    my ($i) = instance({slug => $s, slot => $slot}, 'perl', '-MTime::HiRes=time', '-e', '$| = 1; printf "at %.6f\n", time; sleep 60');
    push @ids, [$i, $start];
}
for (@ids) {
    wait_for(3, sub { log_of($_->[0]) =~ /at (\S+)/ and push @took, $1 - $_->[1] });
}
my $median = (sort { $a <=> $b } @took)[@took / 2];
is scalar(@took), 40, '40 instances run';
diag sprintf 'from request to first line of Perl, median: %.1f ms', 1000 * $median;
is scalar(() = ctl('list') =~ /state=2/g), 40, 'all are listed';
gone($_->[0]) for @ids;

# ---- a child that hangs ------------------------------------------------

sub freeze {
    my ($on) = @_;
    for (glob "/sys/fs/cgroup{/freezer,/unified,}/paas-$tag.scope/inst") {
        write_file("$_/freezer.state", $on ? 'FROZEN' : 'THAWED') if -e "$_/freezer.state";
        write_file("$_/cgroup.freeze", $on ? 1 : 0) if -e "$_/cgroup.freeze";
    }
}
freeze(1);
my $began = time;
($id, $reply) = instance({slug => $s, slot => 65}, 'true');
my $took = time - $began;
like $reply, qr/^error ETIMEDOUT step/, 'a start whose child hangs is given up';
cmp_ok $took, '<', 9, 'soon enough for all others';
freeze(0);
ok wait_for(3, sub { ctl('clean', $id) =~ /^ok/ && !cgroups() }), 'and leaves nothing';
like +(run_to_end({slug => $s, slot => 65}, 'echo', 'on'))[0], qr/^o on$/m, 'the next one starts';

# ---- killed in the middle of it ---------------------------------------

my ($whole, $broken) = (0, 0);
for my $turn (1 .. 20) {
    my $starter = fork // die;
    if (!$starter) {
        undef $owner;
        open STDERR, '>', '/dev/null';
        open STDOUT, '>', '/dev/null';
        instance({slug => $s, slot => 70 + $turn, id => sprintf '%016x', 0x1000 + $turn}, 'sleep', '60');
        POSIX::_exit(0);
    }
    sleep 0.002 + rand 0.03;
    launcher_end('KILL');
    waitpid $starter, 0;
    launcher_start();
    my $list = ctl('list');
    my %record = map { $_ => 1 } $list =~ /id=(\w+)/g;
    $whole++ if $list =~ /state=2/;
    my $stray = sub {
        my @without = grep { m{/(\w+)$} && !$record{$1} } cgroups();
        push @without, pids_of_uid($uid + 68 + $turn) unless %record;
        return @without;
    };
    $broken++ unless wait_for(3, sub { !$stray->() });
    gone($_) for keys %record;
}
diag "killed 20 times, $whole instances had been started";
is $broken, 0, 'killed in the middle of a start, nothing is left without a record';
is scalar(cgroups()), 0, 'and all can be cleaned';

# ---- purge ------------------------------------------------------------

my ($left) = instance({slug => $s, slot => 60}, 'sleep', '60');
launcher_end('TERM');
is system("$bin/libexec/paas-launcher --conf $conf --purge"), 0, 'purge';
is scalar(grep { -d } glob "/sys/fs/cgroup{,/*}/paas-$tag.scope"), 0, 'no cgroup';
ok wait_for(3, sub { !grep { /${tag}v/ } links() }), 'no interface';
isnt system("nft list table inet paas_$tag >/dev/null 2>&1"), 0, 'no table';
unlike `ip addr; ip rule; ip route`, qr/\Q$net\E\./, 'no address, no rule, no route';
is slurp('/proc/mounts') =~ /\Q$dir\E/ ? 1 : 0, 0, 'no mount';
is join(' ', glob "$run/*"), '', 'nothing in run';
done_testing();
