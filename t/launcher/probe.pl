#!/usr/bin/perl
# Runs inside an instance, for launcher.t: what must fail says "ok".
use strict;
use warnings;
use Errno;
use IO::Socket::IP;
use Socket;

$| = 1;

# Numbers of x86-64.
my %nr = (mount => 165, umount2 => 166, unshare => 272, setns => 308, clone => 56, clone3 => 435, keyctl => 250,
    add_key => 248, request_key => 249, bpf => 321, perf_event_open => 298, io_uring_setup => 425,
    userfaultfd => 323, pivot_root => 155, chroot => 161, kexec_load => 246, init_module => 175, finit_module => 313,
    open_by_handle_at => 304, open_tree => 428, fsopen => 430, move_mount => 429, mount_setattr => 442, ioctl => 16,
    reboot => 169, ptrace => 101, open_tree_attr => 467, swapon => 167, syslog => 103, socket => 41,
    socketpair => 53);

sub fails {
    my ($what, $r) = @_;
    print $r == -1 ? "ok $what: $!\n" : "not ok $what\n";
}

sub call {
    my ($name, @args) = @_;
    my $label = shift @args;
    $! = 0;
    fails("$name $label", syscall($nr{$name}, @args));
}

sub escapes {
    my $none = "none\0";
    call('mount', '', $none, "/tmp\0", "tmpfs\0", 0, 0);
    call('umount2', '', "/tmp\0", 0);
    call('unshare', sprintf('%x', $_), $_) for 0x10000000, 0x20000, 0x40000000, 0x20000000, 0x02000000, 0x80;
    call('clone', 'newuser', 0x10000000 | 17, 0, 0, 0, 0);
    call('clone3', '', pack('Q11', 0x10000000, (0) x 10), 88);
    call('setns', '', 0, 0);
    call('keyctl', '', 0, -3, 0, 0, 0);
    call('add_key', '', "user\0", "x\0", "y", 1, -3);
    call('request_key', '', "user\0", "x\0", 0, -3);
    call('bpf', '', 0, 0, 0);
    call('perf_event_open', '', 0, 0, -1, -1, 0);
    call('io_uring_setup', '', 8, "\0" x 120);
    call('userfaultfd', '', 1);
    call('pivot_root', '', "/tmp\0", "/tmp\0");
    call('chroot', '', "/tmp\0");
    call('open_tree', '', -100, "/\0", 1);
    call('open_tree_attr', '', -100, "/\0", 1, 0, 0);
    call('fsopen', '', "tmpfs\0", 0);
    call('mount_setattr', '', -100, "/\0", 0, "\0" x 32, 32);
    call('kexec_load', '', 0, 0, 0, 0);
    call('finit_module', '', 0, "\0", 0);
    call('open_by_handle_at', '', -100, "\0" x 16, 0);
    call('ioctl', 'TIOCSTI', 0, 0x5412, "x");
    call('ioctl', 'TIOCSTI with upper bits', 0, (1 << 32) + 0x5412, "x");
    call('ptrace', 'of pid 1', 16, 1, 0, 0);
    call('reboot', '', 0xfee1dead, 672274793, 0, 0);
    call('swapon', '', "/tmp\0", 0);
    call('syslog', '', 3, "\0" x 100, 100);
    for my $family (0, 3 .. 9, 11 .. 15, 17 .. 45) {
        fails("socket family $family", socket(my $s, $family, SOCK_DGRAM, 0) ? 0 : -1);
    }
    fails("netlink $_", socket(my $s, 16, SOCK_RAW, $_) ? 0 : -1) for 9, 12, 15;
    for my $family (0, 2 .. 45) {
        my $pair = "\0" x 8;
        fails("socketpair family $family", syscall($nr{socketpair}, $family, SOCK_STREAM, 0, $pair));
    }
    print socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) ? "ok a pair of UNIX sockets works\n" : "not ok socketpair\n";
    # Where the machine has them not, it is said by another error.
    for my $protocol (33, 115, 132, 136, 256, 136 + (1 << 32)) {
        for my $type (SOCK_STREAM, SOCK_DGRAM, 5, 6) {
            my $r = syscall($nr{socket}, AF_INET, $type, $protocol);
            print $r == -1 && $!{EPROTONOSUPPORT} ? "ok protocol $protocol type $type\n" : "not ok protocol $protocol type $type: $!\n";
        }
    }
    fails('raw socket', socket(my $raw, AF_INET, SOCK_RAW, 1) ? 0 : -1);
    print socket(my $route, 16, SOCK_RAW, 0) ? "ok netlink route works\n" : "not ok netlink route\n";
    for my $file (qw(/etc/x /usr/x /x /.paas/x /dev/x /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger
        /run/x /var/x /etc/passwd /proc/1/mem /proc/1/oom_score_adj)) {
        fails("write $file", open(my $fh, '>', $file) ? 0 : -1);
    }
    fails("read $_", open(my $fh, '<', $_) ? 0 : -1) for '/etc/shadow', '/proc/1/environ', '/proc/kcore', '/sys/kernel', '/root/x';
    fails("see $_", -e $_ ? 0 : -1) for qw(/home /root /var/lib /sys/fs /etc/ssl/private /run/paas /etc/paas);
    fails('list fds of pid 1', opendir(my $d, '/proc/1/fd') ? 0 : -1);
    fails('bind port 80', IO::Socket::IP->new(Listen => 1, LocalAddr => '0.0.0.0', LocalPort => 80) ? 0 : -1);
    fails('mknod', system('mknod /tmp/null c 1 3 2>/dev/null') ? -1 : 0);
    my $mine = grep { /^\d+$/ } do { opendir my $d, '/proc' or die; readdir $d };
    print $mine <= 3 ? "ok $mine processes in sight\n" : "not ok $mine processes in sight\n";
    open my $fds, '-|', 'ls', '/proc/self/fd';
    my @fds = grep { $_ > 3 } <$fds>;
    print @fds ? "not ok inherited descriptors @fds\n" : "ok no inherited descriptors\n";
}

sub try {
    my ($to) = @_;
    my ($host, $port) = $to =~ /^\[?([^\]]*?)\]?:(\d+)$/;
    my $c = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => 2);
    my $said = $c ? scalar <$c> // "\n" : '';
    chomp $said;
    print $c ? "open $to $said\n" : "closed $to $@\n";
}

# From a port of its own each, or all from one; in bursts that fit a socket.
sub datagrams {
    my ($to, $n, $ports) = @_;
    my ($host, $port) = split /:/, $to;
    my ($sent, $s) = 0;
    for my $i (1 .. $n) {
        if ($ports || !$s) {
            socket $s, PF_INET, SOCK_DGRAM, 0 or last;
            bind $s, sockaddr_in(20000 + $i, INADDR_ANY) or last;
        }
        $sent++ if send $s, 'x', 0, sockaddr_in($port, inet_aton($host));
        select undef, undef, undef, 0.005 if $i % 50 == 0;
    }
    print "$sent sent\n";
}

my ($verb, @args) = @ARGV;
if ($verb eq 'escapes') {
    escapes();
} elsif ($verb eq 'connect') {
    try($_) for @args;
} elsif ($verb eq 'again') {
    while (1) { try($_) for @args; select undef, undef, undef, 0.1 }
} elsif ($verb eq 'datagrams') {
    datagrams(@args);
} elsif ($verb eq 'listen') {
    my $l = IO::Socket::IP->new(Listen => 5, LocalAddr => '0.0.0.0', LocalPort => 5000, ReuseAddr => 1) or die;
    print "listening\n";
    while (my $c = $l->accept) { print $c $c->peerhost . "\n"; close $c }
}
