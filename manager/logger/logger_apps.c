#include <sys/stat.h>

#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/places.h"
#include "launcher/shim.h"
#include "logger/logger.h"

#define NAME_MAX_APP 31
#define OPEN_MAX_APP 64 /* logs at a time: 64 KiB each */

struct app {
	RB_ENTRY(app) by_name;
	TAILQ_ENTRY(app) used; /* of those with a log, latest first */
	char name[NAME_MAX_APP];
	char number[17];
	uint64_t max, rate; /* of all its logs, as its writers were told */
	struct shim_log *log;
	int marked; /* while run/apps is read: it is still there */
};

RB_HEAD(app_tree, app);

struct logger_apps {
	const struct conf *conf;
	char path[PATH_MAX];
	struct stat seen; /* of run/apps, as it was read last */
	int logs;
	unsigned int open;
	struct app_tree tree;
	TAILQ_HEAD(app_list, app) used;
};

static int
app_compare(struct app *a, struct app *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    app_tree, app, by_name, app_compare, __attribute__((__unused__)) static)

/* ---- one log ----------------------------------------------------------- */

static void
log_close(struct logger_apps *apps, struct app *app)
{
	if (app->log == NULL)
		return;
	shim_log_report(app->log);
	shim_log_flush(app->log);
	shim_log_close(app->log);
	close(app->log->dir);
	free(app->log);
	app->log = NULL;
	TAILQ_REMOVE(&apps->used, app, used);
	apps->open--;
}

/*
 * The launcher makes the folder with the first instance, or it is made now:
 * with the bits and the group of the one above.
 */
static int
log_folder(const struct logger_apps *apps, const struct app *app)
{
	(void)mkdirat(apps->logs, app->number, 0750);
	return openat(apps->logs, app->number,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static struct shim_log *
log_open(struct logger_apps *apps, struct app *app)
{
	int dir;

	if (app->log != NULL) {
		TAILQ_REMOVE(&apps->used, app, used);
		TAILQ_INSERT_HEAD(&apps->used, app, used);
		return app->log;
	}
	if (apps->open == OPEN_MAX_APP)
		log_close(apps, TAILQ_LAST(&apps->used, app_list));
	if ((dir = log_folder(apps, app)) == -1)
		return NULL;
	if ((app->log = calloc(1, sizeof(*app->log))) == NULL) {
		close(dir);
		return NULL;
	}
	(void)shim_log_open(app->log, dir, "ffffffffffffffff",
	    apps->conf->log_max, apps->conf->log_rate);
	TAILQ_INSERT_HEAD(&apps->used, app, used);
	apps->open++;
	return app->log;
}

/* ---- which there are --------------------------------------------------- */

static void
app_free(struct logger_apps *apps, struct app *app)
{
	log_close(apps, app);
	RB_REMOVE(app_tree, &apps->tree, app);
	free(app);
}

/* For all who write to its logs. */
static void
app_bound(const struct logger_apps *apps, struct app *app, uint64_t max,
    uint64_t rate)
{
	struct shim_bounds *bounds;
	int dir;

	if ((app->max == max && app->rate == rate) ||
	    (dir = log_folder(apps, app)) == -1)
		return;
	if ((bounds = shim_bounds_open(dir, NULL)) != NULL) {
		shim_bounds_set(bounds, max, rate);
		shim_bounds_close(bounds);
		app->max = max;
		app->rate = rate;
	}
	close(dir);
}

/* Of one line. */
static void
app_take(struct logger_apps *apps, const char *number, const char *name,
    uint64_t max, uint64_t rate)
{
	struct app key, *app;

	if (strspn(number, "0123456789abcdef") != 16 ||
	    strlcpy(key.name, name, sizeof(key.name)) >= sizeof(key.name))
		return;
	app = RB_FIND(app_tree, &apps->tree, &key);
	if (app != NULL && strcmp(app->number, number) != 0) {
		app_free(apps, app); /* another one of the same name */
		app = NULL;
	}
	if (app == NULL) {
		if ((app = calloc(1, sizeof(*app))) == NULL)
			return;
		strlcpy(app->name, name, sizeof(app->name));
		strlcpy(app->number, number, sizeof(app->number));
		RB_INSERT(app_tree, &apps->tree, app);
	}
	app->marked = 1;
	app_bound(apps, app, max, rate);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): in tree */
}

static void
apps_sweep(struct logger_apps *apps)
{
	struct app *app, *next;

	RB_FOREACH_SAFE (app, app_tree, &apps->tree, next) {
		if (!app->marked)
			app_free(apps, app);
		else
			app->marked = 0;
	}
}

int
logger_apps_load(struct logger_apps *apps)
{
	char line[128], number[17], name[64];
	uint64_t max, rate;
	struct stat st;
	FILE *f;

	if (stat(apps->path, &st) == -1)
		return -1;
	if (st.st_ino == apps->seen.st_ino &&
	    st.st_mtim.tv_sec == apps->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == apps->seen.st_mtim.tv_nsec)
		return 0;
	if ((f = fopen(apps->path, "re")) == NULL)
		return -1;
	(void)fstat(fileno(f), &apps->seen);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%16s %63s %" SCNu64 " %" SCNu64, number, name,
			&max, &rate) == 4)
			app_take(apps, number, name, max, rate);
	}
	fclose(f);
	apps_sweep(apps);
	return 0;
}

/* ---- for the loop ------------------------------------------------------ */

struct logger_apps *
logger_apps_open(const struct conf *conf, int logs)
{
	struct logger_apps *apps;

	if ((apps = calloc(1, sizeof(*apps))) == NULL)
		return NULL;
	apps->conf = conf;
	apps->logs = logs;
	RB_INIT(&apps->tree);
	TAILQ_INIT(&apps->used);
	snprintf(
	    apps->path, sizeof(apps->path), "%s/" PLACE_APPS, conf->run_dir);
	return apps;
}

void
logger_apps_close(struct logger_apps *apps)
{
	struct app *app;

	if (apps == NULL)
		return;
	while ((app = RB_ROOT(&apps->tree)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it unlinks */
		app_free(apps, app);
	free(apps);
}

void
logger_apps_write(
    struct logger_apps *apps, const struct logger_request *request)
{
	struct app key, *app;
	struct shim_log *log;

	if (request->app_len >= sizeof(key.name))
		return;
	memcpy(key.name, request->app, request->app_len);
	key.name[request->app_len] = '\0';
	if ((app = RB_FIND(app_tree, &apps->tree, &key)) == NULL ||
	    (log = log_open(apps, app)) == NULL)
		return;
	log->at = request->at;
	shim_log_line(log, 'o', request->text, request->len);
	log->at.tv_sec = 0;
}

int
logger_apps_flush(struct logger_apps *apps, int report)
{
	struct app *app;
	int left = 0;

	TAILQ_FOREACH (app, &apps->used, used) {
		if (report)
			shim_log_report(app->log);
		shim_log_flush(app->log);
		left |= shim_log_owes(app->log);
	}
	return left;
}
