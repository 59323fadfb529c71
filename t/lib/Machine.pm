package Machine;

# A machine of its own for a test: Debian's kernel for clouds in QEMU, with
# this machine's files below an overlay, cgroup v2 alone and systemd as its
# first process.  Emulated where there is no KVM that works: some 30 s to boot.

use strict;
use warnings;
use File::Path qw(make_path);
use POSIX ();

my $virtiofsd = '/usr/lib/qemu/virtiofsd';
my @modules = qw(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk fuse virtiofs overlay);

sub command { system(@_) == 0 or die "@_: failed\n" }

# The kernel's package, unpacked below dir; once.
sub kernel {
    my ($dir) = @_;
    return if glob "$dir/kernel/boot/vmlinuz-*";
    my ($package) = `apt-cache depends linux-image-cloud-amd64` =~ /Depends: (linux-image-\S+)/ or die "no kernel to be had\n";
    make_path("$dir/kernel");
    command("cd $dir && apt-get download $package > download.log 2>&1 && dpkg -x $package*.deb kernel");
    my ($release) = map { m{/([^/]+)$} } glob "$dir/kernel/lib/modules/*";
    command('busybox', 'depmod', '-b', "$dir/kernel", $release);
}

sub write_file {
    my ($file, $text, $mode) = @_;
    open my $fh, '>', $file or die "$file: $!\n";
    print {$fh} $text;
    close $fh or die "$file: $!\n";
    chmod $mode // 0644, $file;
}

sub initrd {
    my ($dir, $script) = @_;
    command("rm -rf $dir/initrd && mkdir -p $dir/initrd/bin $dir/initrd/dev $dir/initrd/proc $dir/initrd/sys "
        . "$dir/initrd/new $dir/initrd/low $dir/initrd/up $dir/initrd/mod && cp /bin/busybox $dir/initrd/bin");
    for my $module (@modules) {
        my ($file) = split /\n/, `find $dir/kernel/lib/modules -name $module.ko`;
        command('cp', $file, "$dir/initrd/mod") if $file;
    }
    write_file("$dir/initrd/init", <<"EOT", 0755);
#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for m in @modules; do [ ! -e /mod/\$m.ko ] || insmod /mod/\$m.ko; done
mount -t virtiofs -o ro host /low && mount -t tmpfs -o size=1g up /up && mkdir /up/upper /up/work &&
    mount -t overlay -o lowerdir=/low,upperdir=/up/upper,workdir=/up/work root /new || poweroff -f
mkdir -p /new/usr/lib/modules /new/disk
cp -r /low$dir/kernel/lib/modules/\$(uname -r) /new/usr/lib/modules/
[ -e /new/sbin/modprobe ] || ln -s /bin/busybox /new/usr/sbin/modprobe
cat > /new/etc/systemd/system/machine.service << EOF
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash $script
ExecStopPost=/usr/bin/systemctl poweroff -ff
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
EOF
printf '[Unit]\\nRequires=machine.service\\nWants=dbus.socket\\n' > /new/etc/systemd/system/machine.target
rm -f /new/etc/systemd/system/default.target
ln -s machine.target /new/etc/systemd/system/default.target
umount /proc
mount --move /dev /new/dev
exec switch_root /new /lib/systemd/systemd
EOT
    command("cd $dir/initrd && find . | cpio -o -H newc 2> /dev/null | gzip -1 > ../initrd.gz");
}

# run(dir, script, seconds) -> all that the console said.  The script is run by
# bash as root of the machine, with an empty file system of ext4 on /dev/vda.
sub run {
    my ($dir, $script, $seconds) = @_;
    make_path($dir);
    kernel($dir);
    initrd($dir, $script);
    my ($kernel) = glob "$dir/kernel/boot/vmlinuz-*";
    unlink "$dir/disk", "$dir/share.sock";
    command("truncate -s 2G $dir/disk && mkfs.ext4 -q -E lazy_itable_init=1 $dir/disk");
    my $share = fork // die "fork: $!\n";
    if (!$share) {
        open STDERR, '>', "$dir/share.log";
        open STDOUT, '>&', \*STDERR;
        exec $virtiofsd, "--socket-path=$dir/share.sock", '-o', 'source=/', '-o', 'cache=always', '-o', 'sandbox=chroot' or POSIX::_exit(127);
    }
    select undef, undef, undef, 0.1 for grep { !-S "$dir/share.sock" } 1 .. 50;
    open my $console, '-|', 'timeout', $seconds, 'qemu-system-x86_64', '-machine', 'q35,accel=tcg,memory-backend=m',
        '-cpu', 'max', '-smp', 2, '-m', '2G', '-object', 'memory-backend-memfd,id=m,size=2G,share=on',
        '-kernel', $kernel, '-initrd', "$dir/initrd.gz",
        '-append', 'console=ttyS0 quiet systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 panic=-1',
        '-chardev', "socket,id=c,path=$dir/share.sock", '-device', 'vhost-user-fs-pci,chardev=c,tag=host',
        '-drive', "file=$dir/disk,format=raw,if=virtio,cache=unsafe", '-nographic', '-no-reboot', '-nic', 'none'
        or die "qemu: $!\n";
    local $/;
    my $said = <$console> // '';
    close $console;
    kill 'TERM', $share;
    waitpid $share, 0;
    unlink "$dir/disk", "$dir/share.sock";
    return $said =~ s/\r//gr;
}

1;
