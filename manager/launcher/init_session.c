#include "launcher/init_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS       1000
#define LAST_MAX (1024 * 1024) /* bytes read after the command's end */
#define GRACE_MS 5000  /* from SIGHUP, when the client went, to SIGKILL */
#define FLUSH_MS 30000 /* a client that reads nothing gets no last words */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MS + ts.tv_nsec / 1000000;
}

static void
fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* To all of its group; the group is there once the command is about to be. */
static void
command_signal(const struct session *s, int signo)
{
	if (kill(-s->command, signo) == -1)
		(void)kill(s->command, signo);
}

/* The manager has it open, too: to close it would tell nobody. */
static void
stream_end(int stream)
{
	(void)shutdown(stream, SHUT_RDWR);
}

static void
in_close(struct session *s)
{
	/* A terminal is one descriptor for both ways. */
	if (s->tty)
		s->in = -1;
	else
		fd_close(&s->in);
}

static _Noreturn void
session_fail(struct session *s, const char *what)
{
	static const uint8_t status[2] = {0, 126};
	char text[256];
	struct pollfd p = {.fd = s->frames.stream, .events = POLLOUT};
	size_t len;

	len = strlen(what);
	memcpy(text, what, len);
	frames_put(&s->frames, SESSION_SAY, text, len);
	while (frames_waiting(&s->frames) && poll(&p, 1, FLUSH_MS) == 1)
		frames_write(&s->frames);
	frames_put(&s->frames, SESSION_EXIT, status, sizeof(status));
	stream_end(s->frames.stream);
	_exit(126);
}

/* ---- from the client ----------------------------------------------------- */

static void
window_take(struct session *s)
{
	uint16_t size[2];

	if (frames_length(&s->frames) != sizeof(size))
		return;
	memcpy(size, s->frames.data_in, sizeof(size));
	s->rows = ntohs(size[0]);
	s->columns = ntohs(size[1]);
	session_resize(s);
	if (s->command == 0 && session_command(s) == -1)
		session_fail(s, "the command can't be started");
}

static void
signal_take(const struct session *s)
{
	int signo = s->frames.data_in[0];

	if (frames_length(&s->frames) != 1 || s->command == 0)
		return;
	if (signo == SIGINT || signo == SIGQUIT || signo == SIGTERM ||
	    signo == SIGHUP)
		command_signal(s, signo);
}

/* As much as the command takes now; 1 once all is. */
static int
data_take(struct session *s)
{
	size_t len = frames_length(&s->frames);
	ssize_t n;

	while (s->in != -1 && s->fed < len) {
		n = write(s->in, s->frames.data_in + s->fed, len - s->fed);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n == -1)
			in_close(s); /* nobody reads it any more */
		else
			s->fed += (size_t)n;
	}
	s->fed = 0;
	return 1;
}

/* 0 if it has to wait. */
static int
frame_take(struct session *s)
{
	switch (s->frames.head_in[0]) {
	case SESSION_DATA:
		/* Of a terminal that has no size yet, it is not read. */
		if (s->command != 0 && !data_take(s))
			return 0;
		break;
	case SESSION_EOF:
		in_close(s);
		break;
	case SESSION_WINDOW:
		window_take(s);
		break;
	case SESSION_SIGNAL:
		signal_take(s);
		break;
	default:
		break;
	}
	frames_taken(&s->frames);
	return 1;
}

static void
client_read(struct session *s)
{
	while (!s->frames.lost && frames_read(&s->frames)) {
		s->heard = now_ms();
		if (!frame_take(s))
			return;
	}
}

/* ---- to the client ------------------------------------------------------- */

/* One read, if there is room; 0 if there was nothing. */
static int
output_read(struct session *s, int *fd, enum session_type type)
{
	ssize_t n;

	if (*fd == -1 || frames_waiting(&s->frames))
		return 0;
	n = read(*fd, frames_room(&s->frames), SESSION_MAX);
	if (n > 0) {
		s->said = now_ms();
		frames_fill(&s->frames, type, (size_t)n);
		return 1;
	}
	/* EIO: nobody has the terminal open any more. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (s->tty)
			s->in = -1;
		fd_close(fd);
	}
	return 0;
}

/* ---- the loop ------------------------------------------------------------ */

static void
signals_take(struct session *s)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(s->signals, &si, sizeof(si)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->command)
			continue;
		s->ended = 1;
		s->status = status;
	}
}

/* Its client went: a terminal that closes says so by itself. */
static void
hang_up(struct session *s)
{
	s->hung = now_ms();
	in_close(s);
	fd_close(&s->out);
	fd_close(&s->err);
	if (s->command != 0)
		command_signal(s, SIGHUP);
	else {
		stream_end(s->frames.stream);
		_exit(128 + SIGHUP);
	}
}

/* While one side waits for the other to read, it need not say anything. */
static void
times_look(struct session *s, int held)
{
	int64_t now = now_ms();

	if (s->hung != 0) {
		if (now - s->hung > GRACE_MS && s->command != 0)
			command_signal(s, SIGKILL);
		return;
	}
	if (held || frames_waiting(&s->frames))
		s->heard = now;
	if (now - s->heard > SESSION_LOST * MS)
		s->frames.lost = 1;
	if (now - s->said > SESSION_QUIET * MS && !frames_waiting(&s->frames)) {
		s->said = now;
		frames_put(&s->frames, SESSION_KEEP, "", 0);
	}
}

static void
session_turn(struct session *s)
{
	int full = frames_waiting(&s->frames);
	/* A frame that is whole waits for the command. */
	int held = s->command != 0 && s->frames.in >= SESSION_HEAD &&
		   s->frames.in == SESSION_HEAD + frames_length(&s->frames);
	struct pollfd p[] = {
	    {.fd = s->signals, .events = POLLIN},
	    {.fd = s->hung ? -1 : s->frames.stream,
		.events = (short)((held ? 0 : POLLIN) | (full ? POLLOUT : 0))},
	    {.fd = held ? s->in : -1, .events = POLLOUT},
	    {.fd = full ? -1 : s->out, .events = POLLIN},
	    {.fd = full ? -1 : s->err, .events = POLLIN},
	};

	(void)poll(p, 5, MS);
	if (p[0].revents != 0)
		signals_take(s);
	if (p[1].revents & POLLOUT)
		frames_write(&s->frames);
	if (p[1].revents & (POLLHUP | POLLERR) && held)
		s->frames.lost = 1;
	if (held && !s->hung && (p[2].revents != 0 || s->in == -1))
		(void)frame_take(s);
	if (!s->hung && p[1].revents & ~POLLOUT)
		client_read(s);
	if (p[3].revents != 0)
		(void)output_read(s, &s->out, SESSION_DATA);
	if (p[4].revents != 0)
		(void)output_read(s, &s->err, SESSION_ERROR);
	times_look(s, held);
	if (s->frames.lost && s->hung == 0)
		hang_up(s);
}

/* ---- the end ------------------------------------------------------------- */

/* 0 if the client does not take it. */
static int
flush(struct session *s)
{
	struct pollfd p = {.fd = s->frames.stream, .events = POLLOUT};

	while (frames_waiting(&s->frames)) {
		if (poll(&p, 1, FLUSH_MS) != 1)
			return 0;
		frames_write(&s->frames);
	}
	return !s->frames.lost;
}

/* What is in the pipes; whoever else has them open may say no more. */
static void
session_tell(struct session *s)
{
	uint8_t end[2];
	int i;

	for (i = 0; i < LAST_MAX / SESSION_MAX && flush(s); i++)
		if (!output_read(s, &s->out, SESSION_DATA) &&
		    !output_read(s, &s->err, SESSION_ERROR))
			break;
	end[0] = WIFSIGNALED(s->status) ? 1 : 0;
	end[1] = (uint8_t)(WIFSIGNALED(s->status) ? WTERMSIG(s->status)
						  : WEXITSTATUS(s->status));
	if (!flush(s))
		return;
	frames_put(&s->frames, SESSION_EXIT, end, sizeof(end));
	(void)flush(s);
}

/* As the command ended: what is told of the instance is exact. */
static _Noreturn void
session_leave(int status)
{
	sigset_t set;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	(void)signal(WTERMSIG(status), SIG_DFL);
	/* That one alone: others may wait, of an instance that stops. */
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	(void)kill(getpid(), WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + WTERMSIG(status));
}

static _Noreturn void
session_run(int stream, const struct init_args *args, int all)
{
	static struct session s;
	sigset_t set;

	s.args = args;
	s.tty = (args->flags & LAUNCH_ARGS_TTY) != 0;
	s.in = s.out = s.err = -1;
	s.heard = s.said = now_ms();
	/* Nothing of pid 1's is of use here, or of the command. */
	if (dup2(stream, 3) == -1 ||
	    syscall(SYS_close_range, 4, ~0U, 0) == -1 ||
	    fcntl(3, F_SETFD, FD_CLOEXEC) == -1) {
		stream_end(stream);
		_exit(126);
	}
	s.frames.stream = 3;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals == -1)
		session_fail(&s, "the command can't be started");
	if (!s.tty && session_command(&s) == -1)
		session_fail(&s, "the command can't be started");
	while (!s.ended)
		session_turn(&s);
	if (s.hung == 0)
		session_tell(&s);
	stream_end(s.frames.stream);
	if (all)
		session_end_all();
	session_leave(s.status);
}

pid_t
session_start(int stream, const struct init_args *args, int all)
{
	pid_t pid = fork();

	if (pid == 0)
		session_run(stream, args, all);
	return pid;
}

void
session_refuse(int stream, const char *why)
{
	static const uint8_t status[2] = {0, 126};
	uint8_t head[SESSION_HEAD];

	session_head(head, SESSION_SAY, strlen(why));
	(void)send(stream, head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)send(stream, why, strlen(why), MSG_DONTWAIT | MSG_NOSIGNAL);
	session_head(head, SESSION_EXIT, sizeof(status));
	(void)send(stream, head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)send(stream, status, sizeof(status), MSG_DONTWAIT | MSG_NOSIGNAL);
	stream_end(stream);
}
