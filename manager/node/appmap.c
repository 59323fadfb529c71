#include "node/appmap.h"

#include <sys/stat.h>
#include <bsd/string.h>
#include <bsd/sys/tree.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/places.h"
#include "node/node_impl.h"
#include "store/keys.h"

/* Many changes, one file. */
#define SOON_US  (20 * 1000ULL)
#define AGAIN_US (1000 * 1000ULL)

/* What the file says of an app; kept, so that a change costs no other's. */
struct line {
	RB_ENTRY(line) entry;
	char text[128];
	char name[KEY_NAME_MAX + 2];
};
RB_HEAD(lines, line);

struct appmap {
	struct node *node;
	struct store_watch *watch;
	sd_event_source *timer;
	struct lines lines;
	int due;
};

static int
compare_lines(struct line *a, struct line *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    lines, line, entry, compare_lines, __attribute__((__unused__)) static)

static void
map_later(struct appmap *map, uint64_t us)
{
	if (map->due)
		return;
	map->due = 1;
	sd_event_source_set_time_relative(map->timer, us);
	sd_event_source_set_enabled(map->timer, SD_EVENT_ONESHOT);
}

void
appmap_log_limits(
    const struct conf *conf, json_t *app, struct app_log_limits *limits)
{
	json_t *set = json_object_get(app, "log");
	json_int_t disk = json_integer_value(json_object_get(set, "disk"));
	json_int_t rate = json_integer_value(json_object_get(set, "rate"));

	limits->disk = disk > 0 ? (uint64_t)disk : conf->app_log_max;
	limits->rate = rate > 0 ? (uint64_t)rate : conf->app_log_rate;
}

/* The line of an app, "" if there is none: 1 if it is another one now. */
static int
line_set(struct appmap *map, const char *name, const char *text)
{
	struct line *line, find;

	strlcpy(find.name, name, sizeof(find.name));
	line = RB_FIND(lines, &map->lines, &find);
	if (strcmp(line != NULL ? line->text : "", text) == 0)
		return 0;
	if (*text == '\0') {
		RB_REMOVE(lines, &map->lines, line);
		free(line);
		return 1;
	}
	if (line == NULL) {
		if ((line = calloc(1, sizeof(*line))) == NULL)
			log_fatal("node: out of memory");
		strlcpy(line->name, name, sizeof(line->name));
		RB_INSERT(lines, &map->lines, line);
	}
	strlcpy(line->text, text, sizeof(line->text));
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the tree has it */
	return 1;
}

/* app is NULL for one that is gone. */
static int
map_take(struct appmap *map, const char *key, json_t *app)
{
	const char *number = json_string_value(json_object_get(app, "number"));
	char name[KEY_NAME_MAX + 2];
	struct app_log_limits limits;
	char text[sizeof(((struct line *)0)->text)] = "";

	if (key_part(key, 1, name, sizeof(name)) == -1)
		return 0;
	if (number != NULL) {
		appmap_log_limits(map->node->conf, app, &limits);
		snprintf(text, sizeof(text), "%s %s %" PRIu64 " %" PRIu64 "\n",
		    number, name, limits.disk, limits.rate);
	}
	return line_set(map, name, text);
}

static int
app_found(const char *key, json_t *app, uint64_t rev, void *arg)
{
	(void)rev;
	(void)map_take(arg, key, app);
	return 0;
}

static int
map_write(struct appmap *map)
{
	char path[PATH_MAX], new[PATH_MAX];
	struct line *line;
	int bad;
	FILE *f;

	snprintf(
	    path, sizeof(path), "%s/" PLACE_APPS, map->node->conf->run_dir);
	snprintf(new, sizeof(new), "%s/." PLACE_APPS ".new",
	    map->node->conf->run_dir);
	if ((f = fopen(new, "we")) == NULL)
		return -1;
	(void)fchmod(fileno(f), 0644);
	RB_FOREACH (line, lines, &map->lines)
		fputs(line->text, f);
	bad = ferror(f);
	if (fclose(f) != 0 || bad)
		return -1;
	return rename(new, path);
}

static int
map_turn(sd_event_source *source, uint64_t now, void *arg)
{
	struct appmap *map = arg;

	(void)source;
	(void)now;
	map->due = 0;
	if (map_write(map) == 0)
		return 0;
	log_warn(
	    "%s/" PLACE_APPS ": %s", map->node->conf->run_dir, strerror(errno));
	map_later(map, AGAIN_US);
	return 0;
}

static void
app_changed(const char *key, json_t *app, uint64_t rev, void *arg)
{
	(void)rev;
	if (map_take(arg, key, app))
		map_later(arg, SOON_US);
}

struct appmap *
appmap_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct appmap *map;

	if ((map = calloc(1, sizeof(*map))) == NULL)
		return NULL;
	map->node = node;
	RB_INIT(&map->lines);
	store_each(node->store, "app/", app_found, map);
	map->watch = store_watch(node->store, "app/", app_changed, map);
	if (map->watch == NULL ||
	    sd_event_add_time_relative(node->event, &map->timer,
		CLOCK_MONOTONIC, 0, 1000, map_turn, map) < 0) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		appmap_close(map);
		return NULL;
	}
	map->due = 1;
	return map;
}

void
appmap_close(struct appmap *map)
{
	struct line *line, *next;

	if (map == NULL)
		return;
	store_unwatch(map->watch);
	sd_event_source_disable_unref(map->timer);
	RB_FOREACH_SAFE (line, lines, &map->lines, next) {
		RB_REMOVE(lines, &map->lines, line);
		free(line);
	}
	free(map);
}
