#!/usr/bin/perl
# Tries one way out of a sandbox after the other, each in a process of its
# own, and says of each: NAME <tab> worked | refused | absent <tab> why.
#
#   escapes.pl calls TARGET [FILE...]   TARGET: a process of somebody else
#   escapes.pl reach WHAT...            WHAT: tcp:ADDRESS:PORT, udp:...,
#                                       unix:PATH, abstract:NAME
#
# Run by root on the machine itself, the same program shows that each of them
# is able to work.  Numbers and structures are those of x86-64.
use strict;
use warnings;
use Errno qw(ENOSYS ENOENT ENODEV ENXIO EAFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPERM EINPROGRESS);
use Fcntl;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket;
use Time::HiRes qw(time);

$| = 1;
my $inside = -d '/.paas';

# Closed in each process that a call makes.
sub end { require POSIX; POSIX::_exit(shift) }

sub worked { return defined $_[0] && $_[0] != -1 }

# A copy of each argument: syscall() takes no constants.
sub sys { my ($number, @args) = @_; return syscall $number, @args }

# So far only those get that may: what is asked for is wrong in itself.
sub reached { my ($r, @errors) = @_; return worked($r) || grep { $! == $_ } @errors }

sub opens { my ($path, $mode) = @_; return sysopen my $fh, $path, $mode // O_WRONLY }

sub makes {
    my ($call, @args) = @_;
    my $pid = syscall $call, @args;
    end(0) if $pid == 0;
    waitpid $pid, 0 if $pid > 0;
    return worked($pid);
}

my %new = (NEWNS => 0x20000, NEWCGROUP => 0x02000000, NEWUTS => 0x04000000, NEWIPC => 0x08000000, NEWUSER => 0x10000000,
    NEWPID => 0x20000000, NEWNET => 0x40000000);

my $room = "/tmp/escape-$$";
my ($target, @files) = @ARGV[1 .. $#ARGV];
my $word = 'a word of another process';

# What another process has at the address of $word: its own, on the machine.
sub victim {
    return 1 if $inside;
    my $pid = fork;
    if (!$pid) { sleep 60; end(0) }
    return $pid;
}

sub with_victim {
    my ($do) = @_;
    my $pid = victim();
    my $r = $do->($pid);
    my $why = $! + 0;
    kill 'KILL', $pid if !$inside;
    $! = $why;
    return $r;
}

sub on_tmpfs {
    mkdir $room;
    sys 165, "none\0", "$room\0", "tmpfs\0", 0, 0;
}

sub iovec { return pack 'QQ', unpack('Q', pack 'P', $_[0]), length $_[0] }

# On the machine itself nothing of it may last.
sub apart {
    sys(272, $new{NEWNS} | $new{NEWNET} | $new{NEWUTS} | $new{NEWIPC}) == 0 or die "unshare: $!";
    sys(165, "none\0", "/\0", "none\0", 0x44000, 0) == 0 or die "private mounts: $!";
    system('ip link set lo up');
}

sub calls {
    my @probes = (
        # namespaces and mounts
        ['mount a tmpfs' => sub { mkdir $room; worked(sys 165, "none\0", "$room\0", "tmpfs\0", 0, 0) }],
        ['mount proc' => sub { mkdir $room; worked(sys 165, "none\0", "$room\0", "proc\0", 0, 0) }],
        ['mount / writable' => sub { worked(sys 165, "none\0", "/\0", "none\0", 0x1000 | 32, 0) }],
        ['bind a folder' => sub { mkdir $room; worked(sys 165, "/usr\0", "$room\0", "none\0", 4096, 0) }],
        ['unmount' => sub { on_tmpfs(); worked(sys 166, $inside ? "/tmp\0" : "$room\0", 2) }],
        ['pivot_root' => sub { on_tmpfs(); worked(sys 155, "$room\0", "$room\0") }],
        ['chroot' => sub { worked(sys 161, "/tmp\0") }],
        ['open_tree' => sub { worked(sys 428, -100, "/\0", 1) }],
        ['open_tree_attr' => sub { worked(sys 467, -100, "/\0", 1, 0, 0) }],
        ['fsopen' => sub { worked(sys 430, "tmpfs\0", 0) }],
        ['move_mount' => sub { mkdir $room; my $tree = sys 428, -100, "/usr\0", 1;
            worked(sys 429, $tree, "\0", -100, "$room\0", 4) }],
        ['mount_setattr' => sub { on_tmpfs(); worked(sys 442, -100, $inside ? "/tmp\0" : "$room\0", 0, pack('Q4', 2, 0, 0, 0), 32) }],
        (map { my $flag = $_; ["unshare $flag" => sub { worked(sys 272, $new{$flag}) }] } sort keys %new),
        (map { my $flag = $_; ["clone $flag" => sub { makes(56, $new{$flag} | 17, 0, 0, 0, 0) }] } sort keys %new),
        (map { my $flag = $_; ["clone3 $flag" => sub { makes(435, pack('Q11', $new{$flag}, 0, 0, 0, 17, (0) x 6), 88) }] } sort keys %new),
        ['unshare NEWTIME' => sub { worked(sys 272, 0x80) }],
        ['namespaces in each other' => sub { worked(sys 272, $new{NEWUSER} | $new{NEWNS}) && worked(sys 272, $new{NEWPID} | $new{NEWNET}) }],
        ['setns' => sub { sysopen my $ns, '/proc/self/ns/uts', O_RDONLY or return 0; worked(sys 308, fileno $ns, 0) }],
        # other processes
        ['ptrace, attach' => sub { with_victim(sub { worked(sys 101, 16, $_[0], 0, 0) }) }],
        ['ptrace, seize' => sub { with_victim(sub { worked(sys 101, 0x4206, $_[0], 0, 0) }) }],
        ['process_vm_readv' => sub { with_victim(sub { my $to = ' ' x length $word;
            my ($l, $r) = (iovec($to), iovec($word)); worked(sys 310, $_[0], $l, 1, $r, 1, 0) }) }],
        ['process_vm_writev' => sub { with_victim(sub { my ($l, $r) = (iovec($word), iovec($word)); worked(sys 311, $_[0], $l, 1, $r, 1, 0) }) }],
        ['take a descriptor of another process' => sub { with_victim(sub { my $fd = sys 434, $_[0], 0; worked(sys 438, $fd, 0, 0) }) }],
        (map { my $what = $_; ["/proc/PID/$what of another process" => sub { with_victim(sub { opens("/proc/$_[0]/$what", O_RDONLY) }) }] }
            qw(mem environ maps)),
        ['/proc/PID/root of another process' => sub { with_victim(sub { opendir my $d, "/proc/$_[0]/root" }) }],
        ['/proc/PID/fd of another process' => sub { with_victim(sub { opendir my $d, "/proc/$_[0]/fd" }) }],
        ['signal a process of somebody else' => sub { kill 0, $target }],
        ['see a process of somebody else' => sub { opendir my $d, '/proc' or return 0;
            scalar grep { /^\d+$/ && $_ != 1 && ((stat "/proc/$_")[4] // $<) != $< } readdir $d }],
        ['another priority' => sub { setpriority 0, 0, -5 }],
        ['a scheduler for real time' => sub { worked(sys 144, 0, 1, pack 'l', 1) }],
        ['spared when memory is short' => sub { open my $f, '>', '/proc/self/oom_score_adj' or return 0; defined syswrite $f, '-1000' }],
        ['more open files' => sub { worked(sys 302, 0, 7, pack('QQ', (1 << 20) - 8, (1 << 20) - 8), 0) }],
        ['become root' => sub { worked(sys 105, 0) }],
        ['become the group of root' => sub { worked(sys 106, 0) }],
        ['choose groups' => sub { worked(sys 116, 1, pack 'L', 0) }],
        ['give a file away' => sub { open my $f, '>', "$room.own" or return 0; my $r = chown 12345, 12345, "$room.own"; unlink "$room.own"; $r }],
        # the kernel's insides
        ['keyctl' => sub { worked(sys 250, 0, -3, 1) }],
        ['add_key' => sub { worked(sys 248, "user\0", "escape\0", 'x', 1, -2) }],
        ['request_key' => sub { reached(sys(249, "user\0", "escape-none\0", 0, 0), 126) }],
        ['bpf' => sub { my $attr = pack('L4', 2, 4, 4, 1) . "\0" x 104; worked(sys 321, 0, $attr, length $attr) }],
        ['perf_event_open' => sub { my $attr = pack('LLQ', 1, 112, 0) . "\0" x 96; worked(sys 298, $attr, 0, -1, -1, 0) }],
        ['io_uring_setup' => sub { my $p = "\0" x 120; worked(sys 425, 4, $p) }],
        ['userfaultfd' => sub { worked(sys 323, 0) }],
        ['open_by_handle_at' => sub { my ($h, $id) = (pack('Ll', 128, 0) . "\0" x 128, "\0" x 4);
            my $usr = "/usr\0"; syscall 303, -100, $usr, $h, $id, 0; sysopen my $at, '/usr', O_RDONLY; worked(sys 304, fileno $at, $h, 0) }],
        ['init_module' => sub { reached(sys(175, 'x', 1, "\0"), 8, 22) }],
        ['finit_module' => sub { reached(sys(313, -1, "\0", 0), 9, 22) }],
        ['delete_module' => sub { reached(sys(176, "escape_none\0", 0), ENOENT) }],
        ['kexec_load' => sub { reached(sys(246, 0, 0, 0, 0xffff), 22, 1024) }],
        ['reboot' => sub { reached(sys(169, 1, 1, 1, 0), 22) }],
        ['swapon' => sub { reached(sys(167, "/escape-none\0", 0), ENOENT) }],
        ['acct' => sub { reached(sys(163, "/escape-none\0"), ENOENT) }],
        ['syslog' => sub { my $b = "\0" x 100; worked(sys 103, 3, $b, 100) }],
        ['sethostname' => sub { worked(sys 170, 'escape', 6) }],
        ['settimeofday' => sub { worked(sys 164, 0, 0) }],
        ['iopl' => sub { worked(sys 172, 3) }],
        ['ioperm' => sub { worked(sys 173, 0x80, 1, 1) }],
        ['quotactl' => sub { reached(sys(179, 0x80000100, 0, 0, 0), 2, 3, 15, 19, 22) }],
        ['fanotify_init' => sub { worked(sys 300, 0, 0) }],
        ['TIOCSTI' => sub { reached(sys(16, 0, 0x5412, 'x'), 5, 25) }],
        ['TIOCSTI with upper bits' => sub { reached(sys(16, 0, (1 << 32) | 0x5412, 'x'), 5, 25) }],
        ['mknod' => sub { my $r = worked(sys 133, "$room.null\0", 0020666, 0x103); my $e = $! + 0; unlink "$room.null"; $! = $e; $r }],
        # files
        (map { my $f = $_; ["write $f" => sub { opens($f, O_WRONLY) }] } qw(/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe
            /proc/sys/kernel/hostname /proc/sys/fs/file-max /proc/sys/vm/overcommit_memory /proc/sys/user/max_user_namespaces
            /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/ip_unprivileged_port_start
            /proc/sysrq-trigger /proc/1/oom_score_adj /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/uevent_helper
            /etc/passwd /etc/ld.so.cache), '/usr/bin/true'),
        (map { my $d = $_; ["make a file in $d" => sub { my $r = opens("$d/escape-$$", O_WRONLY | O_CREAT); my $e = $! + 0; unlink "$d/escape-$$"; $! = $e; $r }] }
            qw(/ /etc /usr /dev /run /var)),
        (map { my $f = $_; ["read $f" => sub { opens($f, O_RDONLY) }] } qw(/etc/shadow /proc/kcore /dev/kmsg /dev/mem /dev/kvm
            /dev/vsock /dev/net/tun /dev/loop-control /dev/fuse /dev/userfaultfd /dev/tty0 /dev/ttyS0), @files),
        ['list cgroups' => sub { my @c = glob '/sys/fs/cgroup/*'; $! = ENOENT; scalar @c }],
        # the network
        ['a raw socket' => sub { socket my $s, AF_INET, SOCK_RAW, 1 }],
        ['a raw socket of IPv6' => sub { socket my $s, AF_INET6, SOCK_RAW, 58 }],
        ['a raw ARP' => sub { socket(my $s, 17, SOCK_RAW, unpack 'n', pack 'S', 0x0806) or return 0;
            my $frame = "\xff" x 6 . "\2" . "\0" x 5 . "\x08\x06" . pack('nnCCn', 1, 0x0800, 6, 4, 1) . "\0" x 20;
            defined send $s, $frame, 0, pack('SnlSCCa8', 17, 0x0806, 1, 0, 0, 6, "\xff" x 6) }],
        ['AF_VSOCK' => sub { socket my $s, 40, SOCK_STREAM, 0 }],
        (map { my ($name, $family, $type, $protocol) = @$_; [$name => sub { socket my $s, $family, $type, $protocol }] }
            ['AF_ALG', 38, SOCK_SEQPACKET, 0], ['AF_KEY', 15, SOCK_RAW, 2], ['AF_XDP', 44, SOCK_RAW, 0], ['AF_BLUETOOTH', 31, SOCK_RAW, 1],
            ['AF_CAN', 29, SOCK_RAW, 1], ['AF_TIPC', 30, SOCK_SEQPACKET, 0], ['AF_PPPOX', 24, SOCK_DGRAM, 0], ['AF_SMC', 43, SOCK_STREAM, 0],
            ['SCTP', AF_INET, SOCK_STREAM, 132], ['DCCP', AF_INET, 6, 33], ['UDP-Lite', AF_INET, SOCK_DGRAM, 136], ['L2TP', AF_INET, SOCK_DGRAM, 115],
            ['netlink of the firewall', 16, SOCK_RAW, 12], ['netlink of audits', 16, SOCK_RAW, 9], ['netlink of keys', 16, SOCK_RAW, 6],
            ['netlink of uevents', 16, SOCK_RAW, 15], ['netlink of diagnoses', 16, SOCK_RAW, 4], ['netlink, generic', 16, SOCK_RAW, 16]),
        (map { my $port = $_; ["listen on port $port" => sub { IO::Socket::IP->new(Listen => 1, LocalAddr => '0.0.0.0', LocalPort => $port) ? 1 : 0 }] }
            1, 22, 53, 80, 443, 1023),
        ['UDP on port 53' => sub { socket my $s, AF_INET, SOCK_DGRAM, 0; bind $s, sockaddr_in(53, INADDR_ANY) }],
        ["the firewall's mark" => sub { socket my $s, AF_INET, SOCK_DGRAM, 0; setsockopt $s, SOL_SOCKET, 36, pack 'L', 0x10000 }],
        ['a transparent socket' => sub { socket my $s, AF_INET, SOCK_STREAM, 0; setsockopt $s, 0, 19, pack 'L', 1 }],
        ['one more address' => sub { system('ip addr add 198.18.0.77/32 dev lo 2> /dev/null') == 0 }],
        ['one more route' => sub { system('ip route add blackhole 203.0.113.0/24 2> /dev/null') == 0 }],
        ['an interface down' => sub { system('ip link set lo down 2> /dev/null') == 0 }],
        ['read the firewall' => sub { system('nft list ruleset > /dev/null 2>&1') == 0 }],
    );
    for my $probe (@probes) {
        my ($name, $try) = @$probe;
        my $pid = open my $out, '-|';
        if (!$pid) {
            apart() if !$inside;
            $! = 0;
            my $r = eval { $try->() };
            my $e = $! + 0;
            if ($@) { print "broken\t$@"; close STDOUT; end(0) }
            my $absent = grep { $e == $_ } ENOSYS, ENOENT, ENODEV, ENXIO, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP;
            print $r ? 'worked' : $absent ? 'absent' : 'refused', "\t$!\n";
            close STDOUT;
            end(0);
        }
        print "$name\t", scalar(<$out>) // "refused\tended\n";
        close $out;
    }
    rmdir $room;
}

# ---- who answers --------------------------------------------------------

# Something that may be connected or have sent already, or undef.
sub towards {
    my ($what) = @_;
    my ($kind, $rest) = split /:/, $what, 2;
    return IO::Socket::UNIX->new(Peer => $rest) // IO::Socket::UNIX->new(Peer => $rest, Type => SOCK_SEQPACKET)
        if $kind eq 'unix';
    return IO::Socket::UNIX->new(Peer => "\0$rest") if $kind eq 'abstract';
    my ($host, $port) = $rest =~ /^\[?(.*?)\]?:(\d+)$/;
    my $s = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Blocking => 0, Proto => $kind) or return;
    send $s, 'ping', 0 if $kind eq 'udp';
    return $s;
}

sub told { my ($what, $r, $why) = @_; print "$what\t", $r ? 'worked' : 'refused', "\t$why\n" }

# All at once: worked is what is connected, or has answered, within 2 seconds.
sub reach {
    my %open;
    for my $what (@_) {
        my $s = eval { local $SIG{PIPE} = 'IGNORE'; towards($what) };
        if ($what =~ /^(?:tcp|udp)/ && $s) { $open{$what} = $s } else { told($what, $s, "$!") }
    }
    my $end = time + 2;
    while (%open && (my $left = $end - time) > 0) {
        my $udp = IO::Select->new(map { $open{$_} } grep { /^udp/ } keys %open);
        my $tcp = IO::Select->new(map { $open{$_} } grep { /^tcp/ } keys %open);
        my ($readable, $writable) = IO::Select->select($udp, $tcp, undef, $left);
        for my $s (@{ $readable // [] }, @{ $writable // [] }) {
            my ($what) = grep { $open{$_} == $s } keys %open;
            if ($what =~ /^udp/) {
                told($what, sysread($s, my $said, 100), "$!");
            } else {
                $! = unpack 'i', getsockopt $s, SOL_SOCKET, SO_ERROR;
                told($what, $! == 0 && defined getpeername $s, "$!");
            }
            delete $open{$what};
        }
    }
    told($_, 0, 'no answer') for sort keys %open;
}

my $verb = shift @ARGV // '';
if ($verb eq 'calls') { calls() } elsif ($verb eq 'reach') { reach(@ARGV) } else { die "escapes.pl calls|reach\n" }
