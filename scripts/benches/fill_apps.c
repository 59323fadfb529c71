/*
 * Apps by the thousand, straight into the store of a manager that does not
 * run: each with a release, its formation and instances that are ready, as
 * pushes would leave them.  The launcher that would know the instances is
 * away, so that nobody ends them.
 *
 *	fill_apps DIR APPS INSTANCES
 *
 * INSTANCES are those of each app: "app1" up to APPS have web.1 and so on.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "store/keys.h"
#include "store/store.h"

#define SLUG   "0000000000000000000000000000000000000000000000000000000000000001"
#define EVENTS 20 /* of each app's timeline; its releases, too */

struct fill {
	struct store *store;
	sd_event *loop;
	struct store_txn *txn;
	int ops;
	json_int_t now;
};

static void
on_done(enum store_result result, uint64_t rev, void *arg)
{
	(void)rev;
	if (result != STORE_OK)
		errx(1, "%s", store_strerror(result));
	*(int *)arg = 1;
}

static void
flush(struct fill *f)
{
	int done = 0;

	if (f->txn == NULL)
		return;
	store_commit(f->txn, on_done, &done);
	while (!done)
		if (sd_event_run(f->loop, UINT64_MAX) < 0)
			errx(1, "the loop failed");
	f->txn = NULL;
	f->ops = 0;
}

static void
begin(struct fill *f)
{
	if (f->txn == NULL)
		f->txn = store_begin(f->store);
}

/* Takes the value. */
static void
put(struct fill *f, const char *key, json_t *value)
{
	if (value == NULL)
		errx(1, "%s: out of memory", key);
	begin(f);
	store_put(f->txn, key, value);
	json_decref(value);
	if (++f->ops >= STORE_OPS_MAX - 2)
		flush(f);
}

static void
put_app(struct fill *f, const char *name, uint64_t number, int instances)
{
	char id[37], hex[17], key[STORE_KEY_MAX + 1];

	key_format_id(hex, number);
	snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012" PRIx64, number);
	put(f, key_format(key, "app/%s", name),
	    json_pack("{s:s, s:s, s:I, s:I, s:i, s:b, s:b, s:i, s:s}", "id", id,
		"number", hex, "created", f->now, "updated", f->now, "version",
		EVENTS, "stopped", 0, "maintenance", 0, "generation", 0, "user",
		"root"));
	put(f, key_format(key, "number/%s", hex),
	    json_pack("{s:s}", "app", name));
	put(f, key_format(key, "config/%s", name),
	    json_pack("{s:s, s:s}", "GREETING", "hello", "LEVEL", "info"));
	put(f, key_format(key, "formation/%s/web", name),
	    json_pack("{s:i, s:I, s:{}}", "quantity", instances, "memory",
		(json_int_t)64 << 20, "generations"));
	put(f, key_format(key, "rollout/%s", name),
	    json_pack("{s:i, s:i, s:i, s:i, s:i, s:b, s:I, s:I}", "live",
		EVENTS, "target", EVENTS, "failed", 0, "next", instances + 1,
		"released", 0, "unreleased", 0, "started", f->now, "progress",
		f->now));
}

static void
put_history(struct fill *f, const char *name, uint64_t number)
{
	char id[37], key[STORE_KEY_MAX + 1];
	int i;

	for (i = 1; i <= EVENTS; i++) {
		snprintf(id, sizeof(id), "00000000-0000-4001-8%03x-%012" PRIx64,
		    (unsigned int)i, number);
		put(f, key_format(key, "release/%s/%08d", name, i),
		    json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:{s:s}, s:{s:s, "
			      "s:s}}",
			"version", i, "id", id, "slug", SLUG, "description",
			"Deploy 0a1b2c3d", "user", "root", "created", f->now,
			"types", "web", "exec ./server", "config", "GREETING",
			"hello", "LEVEL", "info"));
		begin(f);
		store_event(f->txn, name, "release", "release v%d is live", i);
		f->ops++;
	}
}

static void
put_instance(
    struct fill *f, const char *name, uint64_t number, int index, uint64_t nth)
{
	char address[32], assignment[17], hex[17], id[17];
	char key[STORE_KEY_MAX + 1];
	json_t *actual;

	key_format_id(hex, number);
	key_format_id(id, nth);
	key_format_id(assignment, number << 32 | (uint64_t)index);
	snprintf(address, sizeof(address), "198.18.%u.%u",
	    (unsigned int)(nth >> 8 & 255), (unsigned int)(nth & 255));
	put(f, key_format(key, "assign/local/%s", assignment),
	    json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:I, s:s, s:I, s:b}",
		"app", name, "appnumber", hex, "type", "web", "index", index,
		"version", EVENTS, "generation", 0, "slug", SLUG, "memory",
		(json_int_t)64 << 20, "goal", "run", "created", f->now,
		"routed", 1));
	actual = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:i, s:s}",
	    "state", "ready", "app", name, "appnumber", hex, "type", "web",
	    "index", index, "version", EVENTS, "memory", (json_int_t)64 << 20,
	    "instance", id, "slot", (int)nth, "address", address);
	json_object_update_new(
	    actual, json_pack("{s:i, s:I, s:i, s:s, s:I, s:b}", "port", 8080,
			"since", f->now, "restarts", 0, "reason", "", "ready",
			f->now, "ever", 1));
	put(f, key_format(key, "actual/local/%s", assignment), actual);
	put(f, key_format(key, "instance/%s/%s", name, id),
	    json_pack("{s:s, s:i, s:I, s:i}", "name", "web.1", "version",
		EVENTS, "created", f->now, "slot", (int)nth));
}

int
main(int argc, char **argv)
{
	char error[PAAS_ERRLEN], name[32];
	uint64_t app, apps, nth = 1;
	int i, instances;
	struct fill f = {.now = (json_int_t)time(NULL) * 1000000};

	if (argc != 4)
		errx(2, "usage: fill_apps DIR APPS INSTANCES");
	apps = strtoull(argv[2], NULL, 10);
	instances = atoi(argv[3]);
	if (sd_event_new(&f.loop) < 0)
		errx(1, "no loop");
	if ((f.store = store_open_lmdb(argv[1], f.loop, error)) == NULL)
		errx(1, "%s", error);
	for (app = 1; app <= apps; app++) {
		snprintf(name, sizeof(name), "app%" PRIu64, app);
		put_app(&f, name, app, instances);
		put_history(&f, name, app);
		for (i = 1; i <= instances; i++)
			put_instance(&f, name, app, i, ++nth);
	}
	put(&f, "slug/" SLUG,
	    json_pack("{s:s, s:i, s:i, s:i, s:{s:s}, s:s, s:I}", "app", "app1",
		"size", 4096, "archive", 4096, "entries", 1, "types", "web",
		"exec ./server", "buildpack", "procfile", "created", f.now));
	put(&f, "counter/instance",
	    json_pack("{s:I}", "next", (json_int_t)nth + 1));
	flush(&f);
	store_close(f.store);
	sd_event_unref(f.loop);
	return 0;
}
