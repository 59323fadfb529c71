#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/session.h"
#include "common/session.h"

#define INTERRUPTS_MAX 3 /* of a command that does not heed any */

struct session {
	struct cli *cli;
	const struct session_ends *ends;
	int stream;
	int signals;
	int in; /* that of ends, or -1 */
	int interrupts;
	int resized;
	int deaf; /* the other end: it reads no more */
	int lost;
	int ended;
	int status;
	time_t heard, said;
	struct termios before;
	uint8_t out[SESSION_HEAD + SESSION_MAX]; /* waits to be sent */
	size_t at, len;
	uint8_t frame[SESSION_HEAD + SESSION_MAX]; /* being read */
	size_t got;
};

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* ---- to the command ------------------------------------------------------ */

/*
 * Who reads no more may have said why before: that is heard to its end, and
 * nothing is sent any more.
 */
static void
frame_flush(struct session *s)
{
	ssize_t n;

	while (s->at < s->len) {
		n = send(s->stream, s->out + s->at, s->len - s->at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			s->at += (size_t)n;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR) {
			s->deaf = 1;
			s->at = s->len = 0;
			s->in = -1;
		}
	}
}

/* Only where nothing waits. */
static void
frame_send(
    struct session *s, enum session_type type, const void *data, size_t len)
{
	s->said = now();
	if (s->deaf)
		return;
	session_head(s->out, type, len);
	memcpy(s->out + SESSION_HEAD, data, len);
	s->at = 0;
	s->len = SESSION_HEAD + len;
	frame_flush(s);
}

static void
window_send(struct session *s)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	uint16_t both[2];

	s->resized = 0;
	if (!s->ends->tty ||
	    (s->ends->window != -1 &&
		ioctl(s->ends->window, TIOCGWINSZ, &size) == -1))
		return;
	both[0] = htons(size.ws_row);
	both[1] = htons(size.ws_col);
	frame_send(s, SESSION_WINDOW, both, sizeof(both));
}

static void
input_read(struct session *s)
{
	uint8_t data[SESSION_MAX];
	ssize_t n;

	n = read(s->in, data, sizeof(data));
	if (n > 0)
		frame_send(s, SESSION_DATA, data, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		frame_send(s, SESSION_EOF, "", 0);
		s->in = -1;
	}
}

/*
 * Who is at the other end of a terminal gone is nobody; and behind input that
 * the command does not read, no signal would reach it.
 */
static void
signals_read(struct session *s)
{
	struct signalfd_siginfo si;
	uint8_t signo;

	while (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			s->resized = 1;
			continue;
		}
		signo = (uint8_t)si.ssi_signo;
		if (s->ends->tty || s->at < s->len ||
		    ++s->interrupts >= INTERRUPTS_MAX) {
			s->ended = 1;
			s->status = 128 + (int)si.ssi_signo;
		} else {
			frame_send(s, SESSION_SIGNAL, &signo, 1);
		}
	}
}

/* ---- from the command ---------------------------------------------------- */

static void
output_write(struct session *s, int fd, const uint8_t *data, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (n == -1 && errno != EINTR) {
			/* Nobody reads it: as SIGPIPE would have it. */
			s->ended = 1;
			s->status = 128 + SIGPIPE;
			return;
		} else if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	/* That may have taken as long as whoever reads it likes. */
	s->heard = now();
}

static void
frame_take(struct session *s, size_t len)
{
	const uint8_t *data = s->frame + SESSION_HEAD;

	switch (s->frame[0]) {
	case SESSION_DATA:
		output_write(s, s->ends->out, data, len);
		break;
	case SESSION_ERROR:
		output_write(s, s->ends->err, data, len);
		break;
	case SESSION_SAY:
		cli_error(s->cli, "%.*s", (int)len, (const char *)data);
		break;
	case SESSION_EXIT:
		if (len < 2)
			break;
		s->ended = 1;
		s->status = data[0] == 1 ? 128 + data[1] : data[1];
		break;
	default:
		break;
	}
}

static void
stream_read(struct session *s)
{
	size_t want = SESSION_HEAD;
	int len = 0;
	ssize_t n;

	while (!s->ended && !s->lost) {
		if (s->got >= SESSION_HEAD) {
			len = session_length(s->frame);
			want = SESSION_HEAD + (size_t)(len > 0 ? len : 0);
		}
		if (len == -1) {
			s->lost = 1;
		} else if (s->got == want && want >= SESSION_HEAD &&
			   s->got >= SESSION_HEAD) {
			s->got = 0;
			want = SESSION_HEAD;
			frame_take(s, (size_t)len);
			len = 0;
		} else {
			n = recv(s->stream, s->frame + s->got, want - s->got,
			    MSG_DONTWAIT);
			if (n > 0)
				s->got += (size_t)n;
			else if (n == 0 || (errno != EAGAIN && errno != EINTR))
				s->lost = 1;
			else
				return;
			s->heard = now();
		}
	}
}

/* ---- the terminal and the loop ------------------------------------------- */

static int
terminal_take(struct session *s)
{
	struct termios raw;

	if (tcgetattr(s->ends->in, &s->before) == -1)
		return -1;
	raw = s->before;
	cfmakeraw(&raw);
	return tcsetattr(s->ends->in, TCSADRAIN, &raw);
}

static int
signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
session_turn(struct session *s)
{
	int full = s->at < s->len;
	struct pollfd p[] = {
	    {.fd = s->signals, .events = POLLIN},
	    {.fd = s->stream, .events = (short)(POLLIN | (full ? POLLOUT : 0))},
	    {.fd = full ? -1 : s->in, .events = POLLIN},
	};

	(void)poll(p, 3, 1000);
	if (p[0].revents != 0)
		signals_read(s);
	if (p[1].revents & POLLOUT)
		frame_flush(s);
	if (p[1].revents & ~POLLOUT)
		stream_read(s);
	if (p[2].revents != 0 && !s->ended && s->at == s->len)
		input_read(s);
	if (s->resized && s->at == s->len)
		window_send(s);
	if (now() - s->said > SESSION_QUIET && s->at == s->len)
		frame_send(s, SESSION_KEEP, "", 0);
	if (now() - s->heard > SESSION_LOST)
		s->lost = 1;
}

int
session_loop(struct cli *cli, int stream, const struct session_ends *ends)
{
	static struct session s;

	s.cli = cli;
	s.stream = stream;
	s.ends = ends;
	s.in = ends->in;
	s.heard = s.said = now();
	if ((s.signals = signals_open()) == -1 ||
	    (ends->raw && terminal_take(&s) == -1)) {
		cli_error(cli, "the terminal: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	window_send(&s);
	while (!s.ended && !s.lost)
		session_turn(&s);
	if (ends->raw)
		(void)tcsetattr(ends->in, TCSADRAIN, &s.before);
	close(s.signals);
	return s.ended ? s.status : EXIT_LOST;
}
