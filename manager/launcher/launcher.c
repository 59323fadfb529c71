/*
 * paas-launcher: the only root code of the platform.  See launcher.h for
 * where its state is, protocol.h for what it can be asked.
 */
#include "launcher/launcher.h"

#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/fds.h"
#include "common/log.h"
#include "launcher/launcher_child.h"
#include "launcher/launcher_net.h"
#include "launcher/launcher_worker.h"

#define CLIENTS_MAX 8

enum { SLOT_SIGNALS, SLOT_LISTEN, SLOT_FIREWALL, SLOT_CLIENTS };

struct loop {
	struct launcher *l;
	struct pollfd p[SLOT_CLIENTS + CLIENTS_MAX];
	int deaf; /* for a while: there is no descriptor for who calls */
	int ending;
};

/* Until it is tried again. */
#define DEAF_MS 250

static const char usage[] =
    "usage: paas-launcher [--conf FILE] [--verbose] [--check | --purge]\n"
    "\n"
    "Starts instances for paas-manager; the only part that runs as root.\n"
    "\n"
    "  --conf FILE  default " PAAS_CONF_DEFAULT "\n"
    "  --check      say what would be used, change nothing, and end\n"
    "  --purge      end every instance, leave nothing behind, and end\n"
    "  --verbose    say more\n"
    "\n"
    "example: paas-launcher --conf /etc/paas/paas.conf --check\n";

/* Who may ask: the manager's user, and root. */
static int
client_allowed(const struct launcher *l, int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return 0;
	return cred.uid == 0 || cred.uid == l->manager.uid;
}

static void
client_accept(struct loop *loop)
{
	/* A worker's reply waits for a slow reader no longer than this. */
	static const struct timeval patience = {10, 0};
	int fd, i;

	fd = accept4(loop->p[SLOT_LISTEN].fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd == -1) {
		loop->deaf = errno == EMFILE || errno == ENFILE ||
			     errno == ENOBUFS || errno == ENOMEM;
		return;
	}
	if (!client_allowed(loop->l, fd)) {
		log_warn("a stranger was turned away from launcher.sock");
		close(fd);
		return;
	}
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (i = SLOT_CLIENTS; i < SLOT_CLIENTS + CLIENTS_MAX; i++) {
		if (loop->p[i].fd == -1) {
			loop->p[i].fd = fd;
			return;
		}
	}
	close(fd);
}

/*
 * One request with at most one descriptor.  Returns its length, 0 at the end,
 * or -1; *memfd is -1, the caller's to close, or -EMFILE: it came with one for
 * which there is no room here.
 */
static ssize_t
request_read(int client, struct launch_request *q, int *memfd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {q, sizeof(*q)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	size_t given;
	ssize_t n;

	*memfd = -1;
	memset(q, 0, sizeof(*q));
	n = recvmsg(client, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n == -1 && (errno == EAGAIN || errno == EINTR) ? -1 : 0;
	given = fds_take(&msg, memfd, 1);
	if (given == 0 && msg.msg_flags & MSG_CTRUNC) {
		msg.msg_flags &= ~MSG_CTRUNC;
		*memfd = -EMFILE;
	}
	/* Longer than a request, or with more than one descriptor. */
	return given > 1 || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 1 : n;
}

static void
client_read(struct loop *loop, struct pollfd *p)
{
	struct launch_request q;
	ssize_t n;
	int memfd;

	n = request_read(p->fd, &q, &memfd);
	if (n > 0)
		request_handle(loop->l, p->fd, &q, (size_t)n, memfd);
	if (memfd >= 0)
		close(memfd);
	if (n == 0) {
		close(p->fd);
		p->fd = -1;
	}
}

static void
signals_read(struct loop *loop)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(loop->p[SLOT_SIGNALS].fd, &si, sizeof(si)) ==
	       (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			loop->ending = 1;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		worker_ended(loop->l, pid, status);
}

static void
loop_run(struct loop *loop)
{
	int i;

	while (!loop->ending) {
		loop->p[SLOT_LISTEN].events = loop->deaf ? 0 : POLLIN;
		if (poll(loop->p, SLOT_CLIENTS + CLIENTS_MAX,
			loop->deaf ? DEAF_MS : -1) == -1)
			continue;
		loop->deaf = 0;
		/* First, so that no request is answered without a firewall. */
		if (loop->p[SLOT_FIREWALL].revents != 0)
			firewall_watch(loop->l->firewall);
		if (loop->p[SLOT_SIGNALS].revents != 0)
			signals_read(loop);
		for (i = SLOT_CLIENTS; i < SLOT_CLIENTS + CLIENTS_MAX; i++) {
			if (loop->p[i].fd != -1 && loop->p[i].revents != 0)
				client_read(loop, &loop->p[i]);
		}
		if (loop->p[SLOT_LISTEN].revents != 0)
			client_accept(loop);
	}
}

static int
signals_open(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
socket_listen(struct launcher *l)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	/* conf.c keeps run_dir short enough. */
	strlcpy(sun.sun_path, l->conf.run_dir, sizeof(sun.sun_path));
	strlcat(sun.sun_path, "/" PLACE_LAUNCHER_SOCK, sizeof(sun.sun_path));
	(void)unlinkat(l->at[AT_RUN], PLACE_LAUNCHER_SOCK, 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	umask(0117);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    fchownat(l->at[AT_RUN], PLACE_LAUNCHER_SOCK, 0, l->manager.gid,
		AT_SYMLINK_NOFOLLOW) == -1 ||
	    listen(fd, 16) == -1)
		log_fatal("%s: %s", sun.sun_path, strerror(errno));
	umask(022);
	return fd;
}

/* Not inherited by children, and gone with us, however we end. */
static void
lock_take(struct launcher *l)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd;

	fd = openat(l->at[AT_RUN], "launcher.lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		log_fatal("launcher.lock: %s", strerror(errno));
	if (fcntl(fd, F_SETLK, &lock) == -1)
		log_fatal("another paas-launcher runs in %s: stop it first",
		    l->conf.run_dir);
}

static int
open_places(void *arg)
{
	struct launcher *l = arg;
	char err[PAAS_ERRLEN];

	umask(022);
	RB_INIT(&l->records);
	if (place_open(l, err) == -1 || firewall_check(&l->conf, err) == -1)
		log_fatal("%s", err);
	return 0;
}

static int
open_lock(void *arg)
{
	struct launcher *l = arg;

	lock_take(l);
	if (boot_id_read(l->boot_id) != 0)
		log_fatal("the kernel tells no boot id");
	return 0;
}

static int
open_cgroups(void *arg)
{
	struct launcher *l = arg;
	char err[PAAS_ERRLEN];

	if (cgroup_open(&l->cgroups, CGROUP_ROOT, l->conf.cgroup, err) == -1)
		log_fatal("%s", err);
	return 0;
}

static int
open_firewall(void *arg)
{
	struct launcher *l = arg;
	char err[PAAS_ERRLEN];

	if ((l->firewall = firewall_open(&l->conf, &l->records, err)) == NULL)
		log_fatal("%s", err);
	return 0;
}

static const struct step open_rows[] = {
    {"places", open_places, NULL, 0},
    {"lock", open_lock, NULL, 0},
    {"cgroups", open_cgroups, NULL, 0},
    {"firewall", open_firewall, NULL, 0},
};
STEPS(open);

static int
adopt_filter(void *arg)
{
	struct launcher *l = arg;

	if ((l->filter = seccomp_program()) < 0)
		log_fatal("seccomp: %s", strerror(-l->filter));
	return 0;
}

static int
adopt_records(void *arg)
{
	instance_adopt_all(arg);
	return 0;
}

static int
adopt_orphans(void *arg)
{
	instance_end_orphans(arg);
	return 0;
}

static int
adopt_exits(void *arg)
{
	instance_sweep(arg);
	return 0;
}

static int
adopt_trees(void *arg)
{
	seal_sweep(arg);
	return 0;
}

static int
adopt_firewall(void *arg)
{
	const struct launcher *l = arg;

	if (firewall_load(l->firewall) != 0)
		log_fatal("the firewall can't be loaded");
	return 0;
}

static int
adopt_network(void *arg)
{
	const struct launcher *l = arg;
	int error;

	if ((error = net_prepare(&l->conf, l->at[AT_RUN])) != 0)
		log_fatal("the network: %s", strerror(-error));
	return 0;
}

/* What is as it should be before the first request. */
static const struct step adopt_rows[] = {
    {"filter", adopt_filter, NULL, 0},
    {"records", adopt_records, NULL, 0},
    {"orphans", adopt_orphans, NULL, 0},
    {"exits", adopt_exits, NULL, 0},
    {"trees", adopt_trees, NULL, 0},
    {"firewall", adopt_firewall, NULL, 0},
    {"network", adopt_network, NULL, 0},
};
STEPS(adopt);

static void
launcher_run(struct launcher *l)
{
	struct loop loop = {.l = l};
	size_t done;
	int i;

	(void)steps_run(&adopt_steps, l, &done);
	for (i = 0; i < SLOT_CLIENTS + CLIENTS_MAX; i++)
		loop.p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	loop.p[SLOT_SIGNALS].fd = signals_open();
	loop.p[SLOT_LISTEN].fd = socket_listen(l);
	loop.p[SLOT_FIREWALL].fd = firewall_fd(l->firewall);
	log_info("ready; cgroups: %s", cgroup_describe(&l->cgroups));
	(void)sd_notify(0, "READY=1");
	loop_run(&loop);
	log_info("ends; the instances go on");
}

/* Changes nothing, not even a directory. */
static void
launcher_check(const struct conf *conf)
{
	struct in_addr in = conf_slot_addr(conf, 1);
	char err[PAAS_ERRLEN];
	uint32_t a = ntohl(in.s_addr);

	if (firewall_check(conf, err) == -1)
		log_fatal("%s", err);
	printf("state      %s\nrun        %s\nlibexec    %s\n", conf->state_dir,
	    conf->run_dir, conf->libexec_dir);
	printf("cgroup     %s, %s\n", conf->cgroup,
	    access(CGROUP_ROOT "/cgroup.controllers", F_OK) == 0 ? "v2" : "v1");
	printf("table      inet %s\ninterfaces %s" NET_IF "2 to %s" NET_IF
	       "%" PRIu32 "\n",
	    conf->nft_table, conf->if_prefix, conf->if_prefix,
	    conf_slot_last(conf));
	printf("gateway    %u.%u.%u.%u\nuids       %" PRIu32 " to %" PRIu32
	       "\n",
	    a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, conf->uid_base + 2,
	    conf->uid_base + conf_slot_last(conf));
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"conf", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'k'},
	    {"purge", no_argument, NULL, 'p'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	static struct launcher l;
	const char *path = PAAS_CONF_DEFAULT;
	char err[PAAS_ERRLEN];
	int c, mode = 0, verbose = 0;
	size_t done;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'k':
		case 'p':
			mode = c;
			break;
		case 'v':
			verbose = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	log_init("paas-launcher", verbose);
	if (conf_load(&l.conf, path, err) == -1)
		log_fatal("%s", err);
	if (mode == 'k') {
		launcher_check(&l.conf);
		return 0;
	}
	if (geteuid() != 0)
		log_fatal("paas-launcher has to be started as root");
	(void)steps_run(&open_steps, &l, &done);
	if (mode == 'p')
		return purge(&l);
	launcher_run(&l);
	firewall_close(l.firewall);
	cgroup_close(&l.cgroups);
	place_close(&l);
	return 0;
}
