/*
 * Changes of the store -> what is touched by them, at once.
 */
#include <string.h>

#include "routing/routing_impl.h"

static void
touch(struct routing *rt, enum touch_kind kind, const char *name)
{
	routing_touch(rt, kind, name, TOUCH_NOW);
	routing_changed(rt);
}

/* ---- apps -------------------------------------------------------------- */

struct domains {
	struct routing *rt;
	const char *app;
	enum touch_when when;
};

static int
touch_domain(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct domains *domains = arg;
	const char *app = json_string_value(json_object_get(value, "app"));

	(void)rev;
	if (app != NULL && strcmp(app, domains->app) == 0)
		routing_touch(domains->rt, TOUCH_HOST, strchr(key, '/') + 1,
		    domains->when);
	return 0;
}

void
routing_touch_domains(struct routing *rt, const char *app, enum touch_when when)
{
	struct domains domains = {rt, app, when};

	store_each(rt->store, "domain/", touch_domain, &domains);
}

/* target/APP/HOST */
static int
touch_target(const char *key, uint64_t rev, void *arg)
{
	(void)rev;
	touch(arg, TOUCH_HOST, strrchr(key, '/') + 1);
	return 0;
}

/* With an app go its hosts and its shares of others, in the same commit. */
static void
on_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char prefix[STORE_KEY_MAX + 1];
	const char *app = strchr(key, '/') + 1;
	struct routing *rt = arg;

	(void)rev;
	if (value == NULL) {
		routing_touch_domains(rt, app, TOUCH_NOW);
		key_format(prefix, "target/%s/", app);
		store_each_key(rt->store, prefix, prefix, touch_target, rt);
		(void)routing_pattern_each(rt, touch);
	}
	touch(rt, TOUCH_APP, app);
}

/* rollout/APP, scale/APP, formation/APP/TYPE */
static void
on_part(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char app[STORE_KEY_MAX + 1];

	(void)value, (void)rev;
	if (key_part(key, 1, app, sizeof(app)) == 0)
		touch(arg, TOUCH_APP, app);
}

/* redirect/APP concerns all of its hosts. */
static void
on_redirect(const char *key, json_t *value, uint64_t rev, void *arg)
{
	const char *app = strchr(key, '/') + 1;

	(void)value, (void)rev;
	routing_touch_domains(arg, app, TOUCH_NOW);
	touch(arg, TOUCH_APP, app);
}

/* ---- hosts ------------------------------------------------------------- */

/* domain/HOST, route/HOST */
static void
on_host(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)value, (void)rev;
	touch(arg, TOUCH_HOST, strchr(key, '/') + 1);
}

/* name/NAME: with it comes or goes NAME.domain. */
static void
on_name(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;
	char host[PAAS_ROUTEDB_HOST_MAX + 1];

	(void)value, (void)rev;
	if (routing_host_format(rt->conf, strchr(key, '/') + 1, host) == 0)
		touch(rt, TOUCH_HOST, host);
}

/* pattern/ORDER */
static void
on_pattern(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)value, (void)rev;
	touch(arg, TOUCH_PATTERN, strchr(key, '/') + 1);
}

/* keys/sticky */
static void
on_keys(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)value, (void)rev;
	touch(arg, TOUCH_KEYS, "");
}

/* import/routes */
static void
on_import(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;

	(void)key, (void)value, (void)rev;
	routing_import_free(rt->import);
	rt->import = routing_import_load(rt->store, rt->conf);
	routing_walk_start(rt);
}

/* ---- instances --------------------------------------------------------- */

/* assign/NODE/ASSIGNMENT, actual/NODE/ASSIGNMENT */
static void
on_instance(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;
	char number[STORE_KEY_MAX + 1];
	json_t *owner = NULL;
	const char *app;
	uint64_t id;

	(void)rev;
	app = json_string_value(json_object_get(value, "app"));
	if (app == NULL && key_parse_id(strrchr(key, '/') + 1, &id) == 0) {
		key_format(
		    number, "number/%016llx", (unsigned long long)(id >> 32));
		owner = store_get(rt->store, number, NULL);
		app = json_string_value(json_object_get(owner, "app"));
	}
	if (app != NULL)
		routing_touch(rt, TOUCH_APP, app, TOUCH_NOW);
	json_decref(owner);
	/* Who waits for a revision waits for any. */
	routing_changed(rt);
}

void
routing_watch(struct routing *rt)
{
	static const struct {
		const char *prefix;
		store_watch_cb cb;
	} table[ROUTING_WATCHES] = {
	    {"app/", on_app},
	    {"name/", on_name},
	    {"rollout/", on_part},
	    {"scale/", on_part},
	    {"formation/", on_part},
	    {"redirect/", on_redirect},
	    {"domain/", on_host},
	    {"route/", on_host},
	    {"import/", on_import},
	    {"pattern/", on_pattern},
	    {"keys/", on_keys},
	    {"assign/", on_instance},
	    {"actual/", on_instance},
	};
	int i;

	for (i = 0; i < ROUTING_WATCHES; i++)
		rt->watches[i] =
		    store_watch(rt->store, table[i].prefix, table[i].cb, rt);
}
