/*
 * paas-shim ID BOOT LOG_MAX LOG_RATE PID
 *
 * Started by paas-launcher, which is no more needed from then on.  It dies
 * with nobody; the sandbox (PID, its child) dies with it.
 */
#include "launcher/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long dropped lines wait to be told when nothing more is said. */
#define REPORT_MS 1000

/*
 * What bwrap leaves when it is killed ends with it, but for a moment at its
 * start: then its child waits for it, for ever.  It is of another user than
 * we are; once we are gone, the launcher kills it.
 */
#define LEFT_MS 2000
#define LOOK_MS 100

/*
 * The kernel says first that memory runs out, and counts the process that it
 * ends a moment later.  Those that reach their limit all the time cost ten
 * looks a second and no more.
 */
#define OOM_LOOKS 10
#define OOM_LASTS 10000 /* ms: an end so soon after it comes of it */

struct shim {
	const char *id;
	const char *boot;
	pid_t sandbox;
	int signals;
	int ended;     /* bwrap has, and what it left */
	int status;    /* waitpid's */
	int64_t until; /* ms: what it left has to be gone; 0 while bwrap runs */
	int told;      /* by paas-init, in exit */
	struct shim_exit exit;
	struct shim_log log;
	struct shim_stream out, err;
	int out_open, err_open;
	int listener;   /* SHIM_FD_ATTACH, or -1 */
	int client;     /* of it; one at a time */
	int memory;     /* descriptor that says that it runs out, or -1 */
	int looks;      /* until that is asked again; one each LOOK_MS */
	int64_t look;   /* ms: the next one */
	uint64_t kills; /* told so far */
	int64_t killed; /* ms: when one was; 0: never */
	char bytes[2 * SHIM_LINE];
};

/* One of it, and in .bss: pages that are not used cost nothing. */
static struct shim shim;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * paas-init becomes our child when bwrap is killed before it.  Not before
 * both are gone is the instance's uid free, but see LEFT_MS.
 */
static void
sandbox_wait(struct shim *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->sandbox) {
			s->status = status;
			s->until = now_ms() + LEFT_MS;
		}
	}
	if (pid == -1 && errno == ECHILD)
		s->ended = 1;
}

static void
signal_forward(int signo)
{
	struct shim_message m = {SHIM_SIGNAL, 0, signo};

	(void)send(SHIM_FD_CONTROL, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * SIGRTMIN by sigqueue from root carries the signal that the app shall get;
 * SIGTERM and the like mean what they say, for the end of the machine.
 */
static void
signal_read(struct shim *s)
{
	struct signalfd_siginfo si;

	while (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			sandbox_wait(s);
		} else if (si.ssi_signo == (uint32_t)SIGRTMIN) {
			if (si.ssi_code == SI_QUEUE && si.ssi_uid == 0)
				signal_forward(si.ssi_int);
		} else {
			signal_forward((int)si.ssi_signo);
		}
	}
}

/* What comes from the sandbox's side is checked: code and value fit. */
static void
control_read(struct shim *s)
{
	struct shim_message m;
	ssize_t n;

	while ((n = recv(SHIM_FD_CONTROL, &m, sizeof(m), MSG_DONTWAIT)) > 0) {
		if (n != (ssize_t)sizeof(m) || m.type != SHIM_EXIT)
			continue;
		if (m.code != CLD_EXITED && m.code != CLD_KILLED &&
		    m.code != CLD_DUMPED)
			continue;
		s->told = 1;
		s->exit.code = m.code;
		s->exit.status = m.value & 0xff;
	}
}

/* 0 once the stream has ended. */
static int
stream_read(struct shim *s, int fd, struct shim_stream *stream)
{
	ssize_t n;

	n = read(fd, s->bytes, sizeof(s->bytes));
	if (n > 0) {
		shim_log_bytes(&s->log, stream, s->bytes, (size_t)n);
		return 1;
	}
	return n == -1 && (errno == EAGAIN || errno == EINTR);
}

/* ---- out of memory ------------------------------------------------------ */

static void
oom_look(struct shim *s)
{
	uint64_t kills = shim_exit_oom(SHIM_FD_OOM), more;
	char text[96];
	int n;

	if (kills <= s->kills)
		return;
	more = kills - s->kills;
	n = snprintf(text, sizeof(text),
	    "out of memory: %" PRIu64 " process%s of this instance %s ended",
	    more, more == 1 ? "" : "es", more == 1 ? "was" : "were");
	shim_log_line(&s->log, 'p', text, (size_t)n);
	s->kills = kills;
	s->killed = now_ms();
}

static void
oom_turn(struct shim *s, short events)
{
	uint64_t count;

	if (events & POLLNVAL) {
		s->memory = -1;
	} else if (events != 0) {
		if (s->memory == SHIM_FD_NO_MEMORY)
			(void)!read(s->memory, &count, sizeof(count));
		s->looks = OOM_LOOKS;
		s->look = now_ms();
	}
	if (s->looks > 0 && now_ms() >= s->look) {
		oom_look(s);
		s->looks--;
		s->look = now_ms() + LOOK_MS;
	}
}

/* Did its end come of it?  What was long ago did not. */
static int
oom_ended(struct shim *s)
{
	oom_look(s);
	return s->killed != 0 && now_ms() - s->killed < OOM_LASTS;
}

/* ---- one turn ----------------------------------------------------------- */

static int
turn_ms(const struct shim *s)
{
	if (s->until != 0 || s->looks > 0)
		return LOOK_MS;
	return shim_log_owes(&s->log) ? REPORT_MS : -1;
}

static void
shim_turn(struct shim *s)
{
	struct pollfd p[] = {
	    {.fd = s->signals, .events = POLLIN},
	    {.fd = s->told ? -1 : SHIM_FD_CONTROL, .events = POLLIN},
	    {.fd = s->out_open ? SHIM_FD_STDOUT : -1, .events = POLLIN},
	    {.fd = s->err_open ? SHIM_FD_STDERR : -1, .events = POLLIN},
	    {.fd = s->client != -1 ? s->client : s->listener, .events = POLLIN},
	    {.fd = s->looks > 0 ? -1 : s->memory,
		.events = s->memory == SHIM_FD_OOM ? POLLPRI : POLLIN},
	};

	if (poll(p, 6, turn_ms(s)) == 0)
		shim_log_report(&s->log);
	if (s->until != 0 && now_ms() > s->until)
		s->ended = 1;
	if (p[0].revents != 0)
		signal_read(s);
	if (p[1].revents != 0) {
		control_read(s);
		/* Its end closed without a word: bwrap's end is due. */
		if (p[1].revents & (POLLHUP | POLLERR))
			s->told |= 2;
	}
	if (p[2].revents != 0)
		s->out_open = stream_read(s, SHIM_FD_STDOUT, &s->out);
	if (p[3].revents != 0)
		s->err_open = stream_read(s, SHIM_FD_STDERR, &s->err);
	if (p[4].revents != 0) {
		if (s->client == -1)
			shim_attach_accept(&s->client);
		else
			shim_attach_read(&s->client);
	}
	oom_turn(s, p[5].revents);
	shim_log_flush(&s->log);
}

/* All that is in the pipes; whoever wrote is dead, so this has an end. */
static void
streams_drain(struct shim *s)
{
	struct pollfd p = {.events = POLLIN};
	int i, fd;

	for (i = 0; i < 2; i++) {
		fd = i == 0 ? SHIM_FD_STDOUT : SHIM_FD_STDERR;
		p.fd = fd;
		while (poll(&p, 1, 0) == 1 &&
		       stream_read(s, fd, i == 0 ? &s->out : &s->err))
			shim_log_flush(&s->log);
		shim_log_finish(&s->log, i == 0 ? &s->out : &s->err);
	}
	shim_log_report(&s->log);
	shim_log_flush(&s->log);
}

static int
shim_setup(struct shim *s, char **argv)
{
	sigset_t set;
	int i;

	s->id = argv[1];
	s->boot = argv[2];
	s->sandbox = (pid_t)strtol(argv[5], NULL, 10);
	s->out.kind = 'o';
	s->err.kind = 'e';
	s->out_open = s->err_open = 1;
	s->client = -1;
	/* Before anything else may get its number. */
	s->listener =
	    fcntl(SHIM_FD_ATTACH, F_GETFD) != -1 ? SHIM_FD_ATTACH : -1;
	s->memory = fcntl(SHIM_FD_NO_MEMORY, F_GETFD) != -1 ? SHIM_FD_NO_MEMORY
		    : fcntl(SHIM_FD_OOM, F_GETFD) != -1     ? SHIM_FD_OOM
							    : -1;
	umask(027);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "paas-shim", 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (i = SHIM_FD_LOGS; i <= SHIM_FD_NO_MEMORY; i++)
		(void)fcntl(i, F_SETFD, FD_CLOEXEC);
	/* The other end of the pipes has flags of its own. */
	(void)fcntl(SHIM_FD_STDOUT, F_SETFL, O_NONBLOCK);
	(void)fcntl(SHIM_FD_STDERR, F_SETFL, O_NONBLOCK);
	(void)shim_log_open(&s->log, SHIM_FD_LOGS, s->id,
	    strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	return s->signals == -1 || s->sandbox <= 1 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct shim *s = &shim;

	if (argc != 6 || shim_setup(s, argv) == -1) {
		fprintf(stderr, "paas-shim is started by paas-launcher\n");
		return 2;
	}
	sandbox_wait(s);
	while (!s->ended)
		shim_turn(s);
	control_read(s);
	if (!(s->told & 1))
		shim_exit_guess(&s->exit, s->status);
	s->exit.oom = oom_ended(s);
	streams_drain(s);
	s->exit.dropped = s->log.lost;
	return shim_exit_write(SHIM_FD_EXIT, s->id, s->boot, &s->exit) == 0 ? 0
									    : 1;
}
