#include "git/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"

#define HTTP_BACKEND "/usr/lib/git-core/git-http-backend"
#define GIT          "/usr/bin/git"

/*
 * At once, of the 40 processes that fcgiwrap has: some are always left for
 * those who only begin.
 */
#define PUSHES_MAX  24
#define FETCHES_MAX 8

/* Of each of git's processes: what a hostile pack may make it take. */
#define MEMORY_MAX (4ULL << 30)

static int
answer(int status, const char *text)
{
	const char *method = getenv("REQUEST_METHOD");

	/* What sshd has as our errors is shown to who asks. */
	if (method != NULL && strcmp(method, SERVE_SSH) == 0) {
		fprintf(stderr, "%s\n", text);
		return 1;
	}
	if (status >= 500)
		log_err("%s", text);
	serve_drain();
	printf("Status: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"
	       "Cache-Control: no-cache\r\n\r\n%s\n",
	    status, text);
	return fflush(stdout) == 0 ? 0 : 1;
}

static void
limit(void)
{
	static const struct rlimit none = {0, 0};
	static const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_AS, &memory);
}

/* The folder that this program is in. */
static int
find_libexec(char *path, size_t len, char *err)
{
	ssize_t n = readlink("/proc/self/exe", path, len - 1);
	char *slash;

	if (n <= 0 || (size_t)n >= len - 1) {
		snprintf(err, PAAS_ERRLEN, "/proc/self/exe can't be read");
		return -1;
	}
	path[n] = '\0';
	if ((slash = strrchr(path, '/')) != NULL)
		*slash = '\0';
	return 0;
}

/* Said before anything is sent; what else fills the disk is git's to say. */
static int
has_room(const struct serve *s)
{
	struct statvfs fs;

	return !s->push || statvfs(s->conf.state_dir, &fs) != 0 ||
	       (uint64_t)fs.f_bavail * fs.f_frsize >= s->conf.disk_reserve;
}

/*
 * A place among those at work, held by a lock: whoever is killed, the kernel
 * gives it back.  Only who had the right token comes this far.
 */
static int
take_place(const struct serve *s)
{
	char path[sizeof(s->conf.run_dir) + 32];
	int fd, n;

	if (s->method[0] == 'G')
		return 0;
	for (n = s->push ? PUSHES_MAX : FETCHES_MAX; n > 0; n--) {
		snprintf(path, sizeof(path), "%s/git/%s.%d", s->conf.run_dir,
		    s->push ? "push" : "fetch", n);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    S_IRUSR | S_IWUSR);
		if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0; /* open to our end */
		if (fd != -1)
			(void)close(fd);
	}
	return -1;
}

/* http-backend finds the repository by what is in its environment. */
static int
run(const struct serve *s, char *const *environment)
{
	char path[PATH_MAX];
	const char *const backend[] = {HTTP_BACKEND, NULL};
	const char *const git[] = {
	    GIT, s->push ? "receive-pack" : "upload-pack", path, NULL};

	serve_path(path, s);
	return serve_pump(s, s->ssh ? git : backend, environment);
}

static int
ends_in(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && strcmp(path + len - n, end) == 0;
}

int
main(int argc, char **argv)
{
	char err[PAAS_ERRLEN], libexec[PATH_MAX];
	struct serve_locks locks;
	struct serve s;
	char **environment;
	int status;

	/* fcgiwrap does not end us when it ends. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	log_init("paas-git", 0);
	if (argc > 1 && ends_in(argv[0], "/" SERVE_SYNC_HOOK))
		return serve_sync(argv[1]);
	if ((status = serve_read(&s, getenv, err)) != 0)
		return answer(status, err);
	if (take_place(&s) == -1)
		return answer(503,
		    "Too many are at work already: try again in a moment.");
	if (!has_room(&s))
		return answer(507,
		    "The platform's disk is nearly full (disk_reserve in "
		    "paas.conf): nothing can be pushed until there is room.");
	limit();
	if (find_libexec(libexec, sizeof(libexec), err) == -1 ||
	    serve_prepare(&s, &locks, err) == -1)
		return answer(500, err);
	environment = serve_environment(&s, libexec, locks.push);
	if (environment == NULL)
		return answer(500, "out of memory");
	status = run(&s, environment);
	/* Also after a good one: who was ended before it had it for company. */
	if (s.push)
		serve_tidy(&s, &locks);
	return status;
}
