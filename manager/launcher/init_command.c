/* The command of a session: its terminal or pipes, its start and its end. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/init_session.h"

/* Rounds of killing: what forks faster than that ends with the instance. */
#define END_ROUNDS 200

static _Noreturn void
command_fail(const char *what, int error)
{
	dprintf(STDERR_FILENO, "paas: %s: %s\n", what, strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static void
signals_default(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
command_run(const struct init_args *args, const int fds[3], int tty)
{
	int i;

	(void)setsid();
	if (tty && ioctl(fds[0], TIOCSCTTY, 0) == -1)
		command_fail("the terminal", errno);
	for (i = 0; i < 3; i++)
		if (dup2(fds[i], i) == -1)
			_exit(126);
	if (chdir(args->cwd) == -1)
		command_fail(args->cwd, errno);
	signals_default();
	environ = args->envp;
	execvpe(args->argv[0], args->argv, args->envp);
	command_fail(args->argv[0], errno);
}

void
session_resize(const struct session *s)
{
	struct winsize size = {.ws_row = s->rows, .ws_col = s->columns};

	if (s->tty && s->out != -1)
		(void)ioctl(s->out, TIOCSWINSZ, &size);
}

/* The command's ends in fds, ours in the session. */
static int
terminal_open(struct session *s, int fds[3])
{
	char name[64];
	int master, slave;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master == -1)
		return -1;
	s->in = s->out = master;
	session_resize(s);
	if (grantpt(master) == -1 || unlockpt(master) == -1 ||
	    ptsname_r(master, name, sizeof(name)) != 0 ||
	    (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		return -1;
	fds[0] = fds[1] = fds[2] = slave;
	return 0;
}

static int
pipes_open(struct session *s, int fds[3])
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1)
		return -1;
	fds[0] = in[0];
	fds[1] = out[1];
	fds[2] = err[1];
	s->in = in[1];
	s->out = out[0];
	s->err = err[0];
	/* Each end is a description of its own: the command's block. */
	if (fcntl(s->in, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(s->out, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(s->err, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return 0;
}

int
session_command(struct session *s)
{
	int fds[3], i;

	if ((s->tty ? terminal_open(s, fds) : pipes_open(s, fds)) == -1)
		return -1;
	if ((s->command = fork()) == -1) {
		s->command = 0;
		return -1;
	}
	if (s->command == 0)
		command_run(s->args, fds, s->tty);
	for (i = 0; i < (s->tty ? 1 : 3); i++)
		close(fds[i]);
	return 0;
}

/* ---- the end ------------------------------------------------------------ */

/* The parent of a process, 0 if it is gone. */
static pid_t
parent_of(const char *pid)
{
	char path[64], text[512], *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if ((file = fopen(path, "re")) == NULL)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	/* PID (NAME) STATE PARENT: the name may hold anything. */
	if ((at = strrchr(text, ')')) == NULL || strlen(at) < 5)
		return 0;
	return (pid_t)strtol(at + 4, NULL, 10);
}

/* Whose parent ended is our child next: this process is a subreaper. */
void
session_end_all(void)
{
	struct dirent *e;
	DIR *dir;
	int i;

	for (i = 0; i < END_ROUNDS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return;
		if ((dir = opendir("/proc")) == NULL)
			return;
		while ((e = readdir(dir)) != NULL)
			if (isdigit((unsigned char)e->d_name[0]) &&
			    parent_of(e->d_name) == getpid())
				(void)kill((pid_t)strtol(e->d_name, NULL, 10),
				    SIGKILL);
		closedir(dir);
		(void)waitpid(-1, NULL, 0);
	}
}
