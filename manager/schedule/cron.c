#include "schedule/cron.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/string.h>

#include "common/log.h"
#include "schedule/cron_impl.h"

#define MINUTE 60000000LL
#define LOOK   5000000LL /* at most so long between two looks at the clock */

static int
cron_compare(const struct cron_entry *a, const struct cron_entry *b)
{
	int order = strcmp(a->app, b->app);

	return order != 0 ? order : strcmp(a->id, b->id);
}

RB_GENERATE(cron_entries, cron_entry, entry, cron_compare)

static int64_t
clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- the clock ----------------------------------------------------------- */

/*
 * By a clock that goes steadily, and not for long: so that it does not matter
 * how the other one is set.
 */
static void
look_again(struct cron *cron)
{
	int64_t now = clock_us(CLOCK_REALTIME), left;

	if (RB_EMPTY(&cron->entries))
		return;
	left = MINUTE - now % MINUTE;
	sd_event_source_set_time_relative(
	    cron->timer, (uint64_t)(left < LOOK ? left : LOOK));
	sd_event_source_set_enabled(cron->timer, SD_EVENT_ONESHOT);
}

/* The last of them, where several are due at once after a pause. */
static void
look_at(struct cron_entry *entry, int64_t first, int64_t last)
{
	int64_t minute;

	for (minute = last; minute >= first; minute--) {
		if (!crontick_is_new(minute, entry->created / MINUTE) ||
		    !crontab_due(&entry->tab, minute))
			continue;
		entry->due = minute;
		cron_run(entry);
		return;
	}
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct cron *cron = arg;
	struct cron_entry *entry;
	int64_t first, last;

	(void)source, (void)usec;
	crontick_look(&cron->tick, clock_us(CLOCK_REALTIME) / MINUTE,
	    (uint64_t)clock_us(CLOCK_BOOTTIME), &first, &last);
	RB_FOREACH (entry, cron_entries, &cron->entries)
		if (!entry->busy && !entry->gone)
			look_at(entry, first, last);
	look_again(cron);
	return 0;
}

/* ---- entries ------------------------------------------------------------- */

void
cron_entry_done(struct cron_entry *entry)
{
	entry->busy = 0;
	if (!entry->gone)
		return;
	RB_REMOVE(cron_entries, &entry->cron->entries, entry);
	free(entry);
}

/* What is left of an entry that is not there any more. */
static void
forget(struct cron *cron, const char *app, const char *id)
{
	struct store_txn *txn = store_begin(cron->store);
	char key[STORE_KEY_MAX + 1];

	store_del(txn, key_format(key, "cronran/%s/%s", app, id));
	store_commit(txn, NULL, NULL);
}

static struct cron_entry *
add(struct cron *cron, const struct cron_entry *key)
{
	struct cron_entry *entry;

	if ((entry = RB_FIND(cron_entries, &cron->entries,
		 (struct cron_entry *)(uintptr_t)key)) != NULL)
		return entry;
	if ((entry = calloc(1, sizeof(*entry))) == NULL)
		log_fatal("cron: out of memory");
	entry->cron = cron;
	strlcpy(entry->app, key->app, sizeof(entry->app));
	strlcpy(entry->id, key->id, sizeof(entry->id));
	RB_INSERT(cron_entries, &cron->entries, entry);
	return entry;
}

static void
read_entry(struct cron_entry *entry, const json_t *value)
{
	const char *text =
	    json_string_value(json_object_get(value, "schedule"));
	char err[PAAS_ERRLEN];

	entry->created = json_integer_value(json_object_get(value, "created"));
	entry->gone =
	    text == NULL || crontab_parse(&entry->tab, text, err) == -1;
	if (entry->gone)
		log_err("cron/%s/%s can't be read", entry->app, entry->id);
}

/* cron/APP/ID */
static void
on_change(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct cron *cron = arg;
	struct cron_entry name, *entry;

	(void)rev;
	if (key_part(key, 1, name.app, sizeof(name.app)) == -1 ||
	    key_part(key, 2, name.id, sizeof(name.id)) == -1)
		return;
	if (value != NULL) {
		read_entry(add(cron, &name), value);
		look_again(cron);
		return;
	}
	forget(cron, name.app, name.id);
	if ((entry = RB_FIND(cron_entries, &cron->entries, &name)) == NULL)
		return;
	entry->gone = 1;
	if (!entry->busy)
		cron_entry_done(entry);
}

static int
each_entry(const char *key, json_t *value, uint64_t rev, void *arg)
{
	on_change(key, value, rev, arg);
	return 0;
}

/* cronran/APP/ID: of an entry that was taken away as the manager died. */
static int
each_ran(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct cron *cron = arg;
	struct cron_entry name;

	(void)value, (void)rev;
	if (key_part(key, 1, name.app, sizeof(name.app)) == 0 &&
	    key_part(key, 2, name.id, sizeof(name.id)) == 0 &&
	    RB_FIND(cron_entries, &cron->entries, &name) == NULL)
		forget(cron, name.app, name.id);
	return 0;
}

/* ---- open and close ------------------------------------------------------ */

struct cron *
cron_open(struct store *st, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct cron *cron = calloc(1, sizeof(*cron));
	int rc;

	if (cron == NULL)
		log_fatal("cron: out of memory");
	cron->store = st;
	cron->conf = conf;
	RB_INIT(&cron->entries);
	rc = sd_event_add_time_relative(
	    event, &cron->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, cron);
	if (rc < 0) {
		snprintf(
		    err, PAAS_ERRLEN, "cannot set a timer: %s", strerror(-rc));
		free(cron);
		return NULL;
	}
	store_each(st, "cron/", each_entry, cron);
	store_each(st, "cronran/", each_ran, cron);
	cron->watch = store_watch(st, "cron/", on_change, cron);
	/* This minute is not over: what was killed in it looks at it again. */
	sd_event_source_set_time_relative(cron->timer, 0);
	sd_event_source_set_enabled(cron->timer, SD_EVENT_ONESHOT);
	return cron;
}

void
cron_close(struct cron *cron)
{
	struct cron_entry *entry, *next;

	if (cron == NULL)
		return;
	store_unwatch(cron->watch);
	sd_event_source_disable_unref(cron->timer);
	RB_FOREACH_SAFE (entry, cron_entries, &cron->entries, next) {
		RB_REMOVE(cron_entries, &cron->entries, entry);
		free(entry);
	}
	free(cron);
}
