/* Programs and files that checks ask. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <bsd/string.h>
#include <bsd/unistd.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "common/places.h"

static char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C", NULL};

static void __attribute__((noreturn))
run_child(const char *const argv[], const char *user, int out)
{
	struct passwd *pw;

	if (user != NULL &&
	    ((pw = getpwnam(user)) == NULL || setgroups(0, NULL) == -1 ||
		setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1))
		_exit(127);
	(void)setpgid(0, 0);
	(void)!freopen("/dev/null", "r", stdin);
	if (dup2(out, STDOUT_FILENO) == -1 || dup2(out, STDERR_FILENO) == -1)
		_exit(127);
	closefrom(STDERR_FILENO + 1);
	if (clearenv() != 0)
		_exit(127);
	for (size_t i = 0; environment[i] != NULL; i++)
		(void)putenv(environment[i]);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static long long
run_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads until nobody can write any more: 0; -1 when the time is over. */
static int
run_read(int fd, long long end, char *out, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char drop[4096] = "";
	long long left;
	size_t at = 0, room;
	ssize_t n;

	for (;;) {
		if ((left = end - run_now()) <= 0)
			return -1;
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		room = at + 1 < len ? len - at - 1 : 0;
		n = read(fd, room > 0 ? out + at : drop,
		    room > 0 ? room : sizeof(drop));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (room > 0)
			out[at += (size_t)n] = '\0';
	}
}

int
doctor_run(const char *const argv[], const char *user, int seconds, char *out,
    size_t len)
{
	long long end = run_now() + seconds * 1000LL;
	int fds[2], status, late;
	pid_t pid;

	out[0] = '\0';
	if (pipe(fds) == -1)
		return -1;
	if ((pid = fork()) == 0)
		run_child(argv, user, fds[1]);
	close(fds[1]);
	late = pid == -1 || run_read(fds[0], end, out, len) == -1;
	close(fds[0]);
	if (pid == -1)
		return -1;
	if (late) {
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (late)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *
doctor_line(char *text, const char *word)
{
	if (word != NULL && (text = strstr(text, word)) != NULL)
		text += strlen(word);
	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

long long
doctor_number(const char *path, const char *word)
{
	char line[512];
	long long n = -1;
	FILE *file;

	if ((file = fopen(path, "re")) == NULL)
		return -1;
	while (n == -1 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, word, strlen(word)) == 0)
			n = atoll(line + strlen(word));
	}
	fclose(file);
	return n;
}

pid_t
doctor_socket_pid(const struct doctor *d, const char *name)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	size_t i;
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.80s/%s",
	    d->conf.run_dir, name);
	for (i = 0; i < 2 && peer.pid == 0; i++) {
		fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
		if (fd == -1)
			return 0;
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
			peer.pid = 0;
		close(fd);
	}
	return peer.pid;
}

pid_t
doctor_manager_pid(const struct doctor *d)
{
	return doctor_socket_pid(d, PLACE_MANAGER_SOCK);
}

pid_t
doctor_nginx_pid(const struct doctor *d)
{
	char path[PATH_MAX], exe[PATH_MAX];
	pid_t pid;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/nginx.pid", d->conf.run_dir);
	if ((pid = (pid_t)doctor_number(path, "")) <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if ((n = readlink(path, exe, sizeof(exe) - 1)) <= 0)
		return 0;
	exe[n] = '\0';
	return strstr(exe, "/nginx") != NULL ? pid : 0;
}

json_t *
doctor_ask(struct doctor *d, const char *path)
{
	struct http_call call = {.method = "GET", .path = path, .seconds = 10};
	struct http_answer answer;

	return d->cli->http != NULL &&
		       http_do(d->cli->http, &call, &answer) == HTTP_OK
		   ? answer.json
		   : NULL;
}
