#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "node/oneoff.h"
#include "schedule/cron_impl.h"

/* The records that decide about one; rev 0: it is not there. */
struct what {
	json_t *app, *cron, *ran, *release;
	uint64_t app_rev, cron_rev, ran_rev;
};

static json_int_t
number(const json_t *record, const char *name)
{
	return json_integer_value(json_object_get(record, name));
}

static const char *
text_of(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text != NULL ? text : "";
}

/* The release that serves, or the last one if none does yet. */
static json_t *
find_release(struct store *st, const char *name, const json_t *app)
{
	char key[STORE_KEY_MAX + 1];
	json_t *rollout, *release;
	json_int_t version;

	rollout = store_get(st, key_format(key, "rollout/%s", name), NULL);
	if ((version = number(rollout, "live")) == 0)
		version = number(app, "version");
	json_decref(rollout);
	key_format(key, "release/%s/%08u", name, (unsigned int)version);
	release = store_get(st, key, NULL);
	if (*text_of(release, "slug") != '\0')
		return release;
	json_decref(release);
	return NULL;
}

static void
read_what(struct cron_entry *entry, struct what *what)
{
	struct store *st = entry->cron->store;
	char key[STORE_KEY_MAX + 1];

	memset(what, 0, sizeof(*what));
	what->app = store_get(
	    st, key_format(key, "app/%s", entry->app), &what->app_rev);
	what->cron =
	    store_get(st, key_format(key, "cron/%s/%s", entry->app, entry->id),
		&what->cron_rev);
	what->ran = store_get(st,
	    key_format(key, "cronran/%s/%s", entry->app, entry->id),
	    &what->ran_rev);
	/* Of an entry before it that had its name. */
	if (number(what->ran, "of") != entry->created) {
		json_decref(what->ran);
		what->ran = NULL;
	}
	if (what->app != NULL)
		what->release = find_release(st, entry->app, what->app);
}

static void
free_what(struct what *what)
{
	json_decref(what->app);
	json_decref(what->cron);
	json_decref(what->ran);
	json_decref(what->release);
}

/* A sentence about why it is not to run now, or "". */
static void
find_obstacle(
    struct cron_entry *entry, const struct what *what, char *why, size_t len)
{
	struct cron *cron = entry->cron;
	uint32_t run = (uint32_t)number(what->ran, "run");

	why[0] = '\0';
	if (json_is_true(json_object_get(what->app, "stopped")))
		strlcpy(why, "the app is stopped", len);
	else if (what->release == NULL)
		strlcpy(why, "there is no release that could run it", len);
	else if (!json_is_true(json_object_get(what->cron, "overlap")) &&
		 run != 0 &&
		 oneoff_look(cron->store, entry->app, run, NULL) ==
		     ONEOFF_GOING)
		snprintf(why, len, "cron.%" PRIu32 " still runs", run);
	else if (oneoff_count(cron->store, entry->app) >=
		 cron->conf->oneoff_max)
		snprintf(why, len,
		    "%" PRIu32 " one-off processes run, which is the most "
		    "that may",
		    cron->conf->oneoff_max);
}

/* The index of the process; 0 if there is no memory. */
static uint32_t
add_run(
    struct cron_entry *entry, const struct what *what, struct store_txn *txn)
{
	struct oneoff_want want = {.app = entry->app, .type = "cron"};
	const char *command;
	uint32_t index;
	char user[32];
	json_t *run;

	snprintf(user, sizeof(user), "cron entry %u",
	    (unsigned int)strtoul(entry->id, NULL, 10));
	want.user = user;
	want.version = (uint32_t)number(what->release, "version");
	want.timeout = (uint32_t)number(what->cron, "timeout");
	(void)key_parse_id(text_of(what->app, "number"), &want.number);
	/* The name of a process type stands for its command. */
	want.command = text_of(what->cron, "command");
	command =
	    text_of(json_object_get(what->release, "types"), want.command);
	if (*command != '\0')
		want.command = command;
	run = oneoff_add(entry->cron->store, txn, &want, &index);
	json_decref(run);
	return run != NULL ? index : 0;
}

static void
on_done(enum store_result result, uint64_t rev, void *arg)
{
	struct cron_entry *entry = arg;

	(void)rev;
	if (result == STORE_CONFLICT && !entry->gone) {
		entry->busy = 0;
		cron_run(entry);
		if (entry->busy)
			return;
	} else if (result != STORE_OK)
		log_err("cron/%s/%s: %s", entry->app, entry->id,
		    store_strerror(result));
	cron_entry_done(entry);
}

/* That it was seen to and what came of it are one commit: so it is once. */
static void
see_to_it(struct cron_entry *entry, const struct what *what)
{
	struct store_txn *txn = store_begin(entry->cron->store);
	uint32_t run = (uint32_t)number(what->ran, "run");
	char key[STORE_KEY_MAX + 1], why[128];
	json_t *value;

	key_format(key, "app/%s", entry->app);
	store_if(txn, key, what->app_rev);
	key_format(key, "cron/%s/%s", entry->app, entry->id);
	store_if(txn, key, what->cron_rev);
	find_obstacle(entry, what, why, sizeof(why));
	if (why[0] != '\0')
		store_event(txn, entry->app, "cron",
		    "entry %u (%s) is left out this time: %s",
		    (unsigned int)strtoul(entry->id, NULL, 10),
		    text_of(what->cron, "schedule"), why);
	else if ((run = add_run(entry, what, txn)) == 0)
		log_fatal("cron: out of memory");
	key_format(key, "cronran/%s/%s", entry->app, entry->id);
	store_if(txn, key, what->ran_rev);
	value = json_pack("{s:I, s:I, s:I}", "of", (json_int_t)entry->created,
	    "due", (json_int_t)entry->due, "run", (json_int_t)run);
	store_put(txn, key, value);
	json_decref(value);
	entry->busy = 1;
	store_commit(txn, on_done, entry);
}

void
cron_run(struct cron_entry *entry)
{
	struct what what;

	read_what(entry, &what);
	if (what.app != NULL && what.cron != NULL &&
	    (what.ran == NULL ||
		crontick_is_new(entry->due, number(what.ran, "due"))))
		see_to_it(entry, &what);
	free_what(&what);
}
