#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stddef.h>
#include <unistd.h>

#include "launcher/launcher_child.h"

/* Newer than libseccomp 2.5; the number is the same everywhere. */
#define NR_OPEN_TREE_ATTR 467

/* Newer than the C library of Debian 12. */
#define NR_IPPROTO_SMC 256
#ifndef IPPROTO_L2TP
#define IPPROTO_L2TP 115
#endif

/* No such call, as on an older kernel: libraries know how to go on. */
static const int absent[] = {
    SCMP_SYS(clone3), /* its flags are behind a pointer: glibc uses clone */
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

static const int refused[] = {
    /* namespaces and mounts */
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    NR_OPEN_TREE_ATTR,
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(fanotify_init),
    /* keys: the keyring is not namespaced */
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    /* the kernel's insides */
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(reboot),
    SCMP_SYS(syslog),
    SCMP_SYS(acct),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(vhangup),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(stime),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(_sysctl),
    SCMP_SYS(sysfs),
    SCMP_SYS(uselib),
    SCMP_SYS(ustat),
};

static const uint64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP,
    CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};

/* Terminal input as if it had been typed. */
static const uint64_t ioctls[] = {TIOCSTI, TIOCLINUX};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A call that this machine does not have needs no rule. */
static int
refuse(scmp_filter_ctx ctx, int error, int nr, unsigned int n,
    const struct scmp_arg_cmp *args)
{
	int r;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(
	    ctx, SCMP_ACT_ERRNO((uint16_t)error), nr, n, args);
	return r == -EDOM ? 0 : r;
}

static int
refuse_calls(scmp_filter_ctx ctx)
{
	size_t i;
	int r = 0;

	for (i = 0; i < COUNT(absent) && r == 0; i++)
		r = refuse(ctx, ENOSYS, absent[i], 0, NULL);
	for (i = 0; i < COUNT(refused) && r == 0; i++)
		r = refuse(ctx, EPERM, refused[i], 0, NULL);
	return r;
}

static int
refuse_namespaces(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp arg;
	size_t i;
	int r = 0;

	for (i = 0; i < COUNT(namespaces) && r == 0; i++) {
		arg = SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]);
		if ((r = refuse(ctx, EPERM, SCMP_SYS(clone), 1, &arg)) == 0)
			r = refuse(ctx, EPERM, SCMP_SYS(unshare), 1, &arg);
	}
	/* To clone this bit is part of a signal number. */
	arg = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWTIME, CLONE_NEWTIME);
	return r != 0 ? r : refuse(ctx, EPERM, SCMP_SYS(unshare), 1, &arg);
}

static int
refuse_ioctls(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp arg;
	size_t i;
	int r = 0;

	/* The kernel looks at the lower 32 bits alone, and so do we. */
	for (i = 0; i < COUNT(ioctls) && r == 0; i++) {
		arg = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, ioctls[i]);
		r = refuse(ctx, EPERM, SCMP_SYS(ioctl), 1, &arg);
	}
	return r;
}

/*
 * UNIX, INET, INET6 and the routing kind of NETLINK.  AF_VSOCK would leave
 * the namespace, AF_ALG and the like are the kernel's insides.
 */
static int
refuse_sockets(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp args[2];
	uint64_t family;
	int r = 0;

	for (family = 0; family < AF_NETLINK && r == 0; family++) {
		if (family == AF_UNIX || family == AF_INET ||
		    family == AF_INET6)
			continue;
		args[0] = SCMP_A0(SCMP_CMP_EQ, family);
		r = refuse(ctx, EAFNOSUPPORT, SCMP_SYS(socket), 1, args);
	}
	/* With rubbish in the upper half, too. */
	args[0] = SCMP_A0(SCMP_CMP_GT, AF_NETLINK);
	if (r == 0)
		r = refuse(ctx, EAFNOSUPPORT, SCMP_SYS(socket), 1, args);
	args[0] = SCMP_A0(SCMP_CMP_EQ, AF_NETLINK);
	args[1] = SCMP_A2(SCMP_CMP_NE, NETLINK_ROUTE);
	if (r == 0)
		r = refuse(ctx, EPROTONOSUPPORT, SCMP_SYS(socket), 2, args);
	/* The kernel loads and enters a family before it finds no pairs. */
	args[0] = SCMP_A0(SCMP_CMP_NE, AF_UNIX);
	if (r == 0)
		r = refuse(ctx, EOPNOTSUPP, SCMP_SYS(socketpair), 1, args);
	return r;
}

/* Of INET and INET6 those that hardly an app needs and many a hole was in. */
static int
refuse_protocols(scmp_filter_ctx ctx)
{
	static const uint64_t protocols[] = {IPPROTO_DCCP, IPPROTO_L2TP,
	    IPPROTO_SCTP, IPPROTO_UDPLITE, NR_IPPROTO_SMC};
	static const uint64_t families[] = {AF_INET, AF_INET6};
	struct scmp_arg_cmp args[2];
	size_t i, j;
	int r = 0;

	for (i = 0; i < COUNT(families) && r == 0; i++) {
		args[0] = SCMP_A0(SCMP_CMP_EQ, families[i]);
		for (j = 0; j < COUNT(protocols) && r == 0; j++) {
			/* An int to the kernel, whatever the upper half. */
			args[1] = SCMP_A2(
			    SCMP_CMP_MASKED_EQ, 0xffffffffU, protocols[j]);
			r = refuse(
			    ctx, EPROTONOSUPPORT, SCMP_SYS(socket), 2, args);
		}
	}
	return r;
}

int
seccomp_program(void)
{
	scmp_filter_ctx ctx;
	int fd, r;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		return -ENOMEM;
	if ((r = refuse_calls(ctx)) == 0 && (r = refuse_namespaces(ctx)) == 0 &&
	    (r = refuse_ioctls(ctx)) == 0 && (r = refuse_sockets(ctx)) == 0)
		r = refuse_protocols(ctx);
	fd = memfd_create("paas-seccomp", MFD_CLOEXEC);
	if (fd == -1 && r == 0)
		r = -errno;
	if (r == 0)
		r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return r;
}
