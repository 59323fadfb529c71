/*
 * paas-logger --conf FILE ACCESS_LOG
 *
 * Runs as paas-log.  kill -9 at any moment is as good as an end.
 */
#include "logger/logger.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/places.h"

#define WAIT_MS 1000 /* for what inotify does not tell */

struct logger {
	struct conf conf;
	struct logger_apps *apps;
	struct logger_tail *tail;
	struct logger_request request;
	int inotify;
	int logs, where;
	int dropping;
};

static void
line_take(const char *line, size_t len, void *arg)
{
	struct logger *l = arg;

	if (logger_line_parse(line, len, &l->request) == 0)
		logger_apps_write(l->apps, &l->request);
}

static void
logger_wait(struct logger *l)
{
	char events[8192];
	struct pollfd p = {.fd = l->inotify, .events = POLLIN};
	int n;

	n = poll(&p, 1, WAIT_MS);
	if (n > 0)
		(void)!read(l->inotify, events, sizeof(events));
	if (l->dropping && n == 0)
		l->dropping = logger_apps_flush(l->apps, 1);
}

static void
logger_turn(struct logger *l)
{
	int more = 0;

	/* Before the manager has said which apps there are, lines wait. */
	if (logger_apps_load(l->apps) == 0) {
		more = logger_tail_read(l->tail);
		l->dropping = logger_apps_flush(l->apps, 0);
		logger_tail_save(l->tail);
	}
	if (!more)
		logger_wait(l);
}

static int
logger_watch(const char *path)
{
	char dir[PATH_MAX], *slash;
	int fd;

	strlcpy(dir, path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) == NULL || slash == dir)
		log_fatal("%s: must be an absolute path", path);
	*slash = '\0';
	if ((fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1 ||
	    inotify_add_watch(fd, dir,
		IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) == -1)
		log_fatal("%s: %s", dir, strerror(errno));
	return fd;
}

static void
logger_open(struct logger *l, const char *access_log)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, l->conf.state_dir);
	l->logs = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->logs == -1)
		log_fatal(
		    "%s: %s; paas-launcher makes it", dir, strerror(errno));
	l->where = openat(l->logs, ".router",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->where == -1)
		log_fatal("%s/.router: %s", dir, strerror(errno));
	l->inotify = logger_watch(access_log);
	l->apps = logger_apps_open(&l->conf, l->logs);
	l->tail = logger_tail_open(access_log, l->where, line_take, l);
	if (l->apps == NULL || l->tail == NULL)
		log_fatal("out of memory");
}

int
main(int argc, char **argv)
{
	static struct logger logger;
	char err[PAAS_ERRLEN];

	if (argc != 4 || strcmp(argv[1], "--conf") != 0) {
		fprintf(stderr, "usage: paas-logger --conf FILE ACCESS_LOG\n");
		return 2;
	}
	log_init("paas-logger", 0);
	umask(027);
	if (conf_load(&logger.conf, argv[2], err) == -1)
		log_fatal("%s", err);
	logger_open(&logger, argv[3]);
	for (;;)
		logger_turn(&logger);
}
