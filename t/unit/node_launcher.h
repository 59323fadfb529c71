/*
 * For node.c: the launcher, played by the test on its socket, whose apps are
 * real processes on loopback addresses.
 */
#ifndef PAAS_NODE_LAUNCHER_H
#define PAAS_NODE_LAUNCHER_H

struct played {
	struct launch_record record;
	pid_t app;
};

static struct played played[64];
static int listener = -1;
static int link_fd = -1;
static sd_event_source *listen_source;
static sd_event_source *link_source;
static enum manner manner;
static int starts;
static int refuses; /* to start any */
static char args[4096];

static sd_event *event;
static struct conf conf;
static struct store *store;
static struct node *node;
static char dir[] = "/tmp/paas-node-XXXXXX";

static struct played *
played_find(uint64_t id)
{
	size_t i;

	for (i = 0; i < 64; i++) {
		if (played[i].record.id == id)
			return &played[i];
	}
	return NULL;
}

static void
app_main(uint32_t slot)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_port = htons(LAUNCH_PORT),
	    .sin_addr = conf_slot_addr(&conf, slot),
	};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (manner == CRASHES)
		_exit(7);
	if (manner == LISTENS) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
		    listen(fd, 16) == -1)
			_exit(9);
	}
	signal(SIGTERM, SIG_DFL);
	for (;;)
		pause();
}

static void
exit_write(uint64_t id, const siginfo_t *si)
{
	char path[PATH_MAX], temp[PATH_MAX], boot[64] = "";
	struct timespec now;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || fgets(boot, sizeof(boot), f) == NULL)
		_exit(1);
	fclose(f);
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/exit/%016llx", conf.run_dir,
	    (unsigned long long)id);
	snprintf(temp, sizeof(temp), "%s/exit/.%016llx", conf.run_dir,
	    (unsigned long long)id);
	clock_gettime(CLOCK_BOOTTIME, &now);
	f = fopen(temp, "we");
	fprintf(f, "%s how=%s status=%d oom=0 dropped=0 time=%lld\n", boot,
	    si->si_code == CLD_EXITED ? "exited" : "killed", si->si_status,
	    (long long)now.tv_sec * 1000000);
	fclose(f);
	(void)rename(temp, path);
}

/* Shim and app; the shim's pid and the app's. */
static void
processes_start(struct played *p)
{
	siginfo_t si;
	pid_t app;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	p->record.pid = fork();
	if (p->record.pid == 0) {
		/* Of all that the manager holds open: nothing. */
		assert_int_equal(dup2(ends[1], 3), 3);
		closefrom(4);
		if ((app = fork()) == 0)
			app_main(p->record.slot);
		if (write(3, &app, sizeof(app)) != sizeof(app))
			_exit(1);
		waitid(P_PID, (id_t)app, &si, WEXITED);
		exit_write(p->record.id, &si);
		_exit(0);
	}
	assert_int_equal(
	    read(ends[0], &p->app, sizeof(p->app)), sizeof(p->app));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(
	    proc_starttime(p->record.pid, &p->record.starttime), 0);
	p->record.state = LAUNCH_RUNNING;
}

static void
played_look(struct played *p)
{
	if (p->record.state == LAUNCH_RUNNING &&
	    waitpid(p->record.pid, NULL, WNOHANG) == p->record.pid)
		p->record.state = LAUNCH_EXITED;
}

static int
played_start(const struct launch_start *start, struct launch_reply *reply)
{
	struct played *p;

	assert_null(played_find(start->id));
	if (refuses)
		return EIO;
	p = played_find(0);
	p->record.id = start->id;
	p->record.app = start->app;
	p->record.kind = start->kind;
	p->record.slot = start->slot;
	processes_start(p);
	starts++;
	reply->record = p->record;
	return 0;
}

static int
played_clean(uint64_t id)
{
	struct played *p = played_find(id);
	char path[PATH_MAX];

	if (p == NULL)
		return ENOENT;
	played_look(p);
	if (p->record.state != LAUNCH_EXITED)
		return EBUSY;
	snprintf(path, sizeof(path), "%s/exit/%016llx", conf.run_dir,
	    (unsigned long long)id);
	(void)unlink(path);
	memset(p, 0, sizeof(*p));
	return 0;
}

static int
played_signal(uint64_t id, int signo)
{
	struct played *p = played_find(id);

	if (p == NULL)
		return ENOENT;
	played_look(p);
	if (p->record.state == LAUNCH_RUNNING)
		(void)kill(p->app, signo);
	return 0;
}

/* Whoever asked may have been killed meanwhile. */
static void
reply_send(struct launch_reply *reply)
{
	(void)!send(link_fd, reply, sizeof(*reply), MSG_NOSIGNAL);
}

static void
played_answer(const struct launch_request *req)
{
	struct launch_reply reply = {
	    .version = LAUNCH_VERSION, .op = req->op, .seq = req->seq};
	size_t i;

	switch (req->op) {
	case LAUNCH_START:
		reply.error = played_start(&req->u.start, &reply);
		break;
	case LAUNCH_SIGNAL:
		reply.error =
		    played_signal(req->u.signal.id, req->u.signal.signo);
		break;
	case LAUNCH_KILL:
		reply.error = played_signal(req->u.id, SIGKILL);
		break;
	case LAUNCH_CLEAN:
		reply.error = played_clean(req->u.id);
		break;
	case LAUNCH_DISCARD: /* of what a manager before left */
		break;
	case LAUNCH_LIST:
		for (i = 0; i < 64; i++) {
			if (played[i].record.id == 0)
				continue;
			played_look(&played[i]);
			reply.record = played[i].record;
			reply_send(&reply);
		}
		memset(&reply.record, 0, sizeof(reply.record));
		reply.op = LAUNCH_END;
		break;
	default:
		fail_msg("op %u", req->op);
	}
	reply_send(&reply);
}

static void
link_close(void)
{
	link_source = sd_event_source_disable_unref(link_source);
	if (link_fd != -1)
		close(link_fd);
	link_fd = -1;
}

static int
link_read(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct launch_request req;
	struct iovec iov = {&req, sizeof(req)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	int memfd;

	(void)source;
	(void)events;
	(void)arg;
	if (recvmsg(fd, &msg, 0) <= 0) {
		link_close();
		return 0;
	}
	if (CMSG_FIRSTHDR(&msg) != NULL) {
		memcpy(&memfd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
		assert_true(read(memfd, args, sizeof(args)) > 0);
		close(memfd);
	}
	played_answer(&req);
	return 0;
}

static int
link_accept(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)events;
	(void)arg;
	link_close();
	link_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link_fd >= 0);
	assert_true(sd_event_add_io(event, &link_source, link_fd, EPOLLIN,
			link_read, NULL) >= 0);
	return 0;
}

static void
launcher_up(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.64s/launcher.sock",
	    conf.run_dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_true(sd_event_add_io(event, &listen_source, listener, EPOLLIN,
			link_accept, NULL) >= 0);
}

static void
launcher_down(void)
{
	char path[PATH_MAX];

	listen_source = sd_event_source_disable_unref(listen_source);
	close(listener);
	link_close();
	snprintf(path, sizeof(path), "%s/launcher.sock", conf.run_dir);
	assert_int_equal(unlink(path), 0);
}

#endif
