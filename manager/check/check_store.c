/*
 * What should be: assignments, what is written of them as actual, one-off
 * processes and builds.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/check_impl.h"
#include "common/log.h"
#include "store/keys.h"

#define ASSIGN   "assign/" KEY_NODE_LOCAL "/"
#define ACTUAL   "actual/" KEY_NODE_LOCAL "/"
#define START_US 10000000 /* a process is there by then */

static struct check_known *
known_add(struct check *c, uint64_t id)
{
	struct check_known *more;

	more = reallocarray(c->known, c->nknown + 1, sizeof(*more));
	if (more == NULL)
		log_fatal("out of memory");
	c->known = more;
	more += c->nknown++;
	memset(more, 0, sizeof(*more));
	more->id = id;
	return more;
}

static int
known_cmp(const void *a, const void *b)
{
	const struct check_known *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

struct check_known *
check_known_find(const struct check *c, uint64_t id)
{
	struct check_known key = {.id = id};

	if (c->nknown == 0)
		return NULL;
	return bsearch(&key, c->known, c->nknown, sizeof(key), known_cmp);
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int
is(const char *state, const char *list)
{
	size_t len = strlen(state);
	const char *at;

	for (at = list; (at = strstr(at, state)) != NULL; at += len) {
		if ((at == list || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0'))
			return len > 0;
	}
	return 0;
}

static void
name_of(json_t *record, char *name, size_t len)
{
	snprintf(name, len, "%.32s.%" PRId64 " of %.32s",
	    check_text(record, "type"), check_number_of(record, "index"),
	    check_text(record, "app"));
}

/* Does its app send it requests? */
static int
is_live(const struct check *c, json_t *actual)
{
	char key[STORE_KEY_MAX + 1];
	json_t *rollout;
	int live;

	rollout = store_get(c->store,
	    key_format(key, "rollout/%s", check_text(actual, "app")), NULL);
	live = strcmp(check_text(actual, "type"), "web") == 0 &&
	       check_number_of(rollout, "live") ==
		   check_number_of(actual, "version");
	json_decref(rollout);
	return live;
}

static int
actual_found(const char *key, json_t *actual, uint64_t rev, void *arg)
{
	struct check *c = arg;
	const char *state = check_text(actual, "state");
	int64_t age = now_us() - check_number_of(actual, "since");
	char assign[STORE_KEY_MAX + 1];
	struct check_known *known;
	json_t *wanted;
	uint64_t id;
	int run;

	(void)rev;
	snprintf(assign, sizeof(assign), ASSIGN "%s", key + sizeof(ACTUAL) - 1);
	wanted = store_get(c->store, assign, NULL);
	run = strcmp(check_text(wanted, "goal"), "run") == 0;
	if (key_parse_id(check_text(actual, "instance"), &id) == 0 &&
	    is(state, "starting ready unhealthy draining stopping crashed")) {
		known = known_add(c, id);
		known->slot = (uint32_t)check_number_of(actual, "slot");
		name_of(actual, known->name, sizeof(known->name));
		known->process = is(state, "ready unhealthy draining") ||
				 (is(state, "starting") && age > START_US);
		known->ready = is(state, "ready draining");
		known->routed = is(state, "ready") && run && is_live(c, actual);
	}
	if (wanted == NULL && !is(state, "draining stopping gone"))
		check_off(c,
		    "%s.%" PRId64 " of %s is %s, and nothing asks for it",
		    check_text(actual, "type"),
		    check_number_of(actual, "index"), check_text(actual, "app"),
		    state);
	json_decref(wanted);
	return 0;
}

static int
assign_found(const char *key, json_t *assign, uint64_t rev, void *arg)
{
	struct check *c = arg;
	char name[128], path[STORE_KEY_MAX + 1];
	const char *goal = check_text(assign, "goal"), *state;
	json_t *actual;

	(void)rev;
	c->nassigned++;
	name_of(assign, name, sizeof(name));
	snprintf(path, sizeof(path), ACTUAL "%s", key + sizeof(ASSIGN) - 1);
	actual = store_get(c->store, path, NULL);
	state = actual != NULL ? check_text(actual, "state") : "nothing";
	check_line(c, "%-24s should %s v%" PRId64 ", is %s%s%s", name, goal,
	    check_number_of(assign, "version"), state,
	    is(state, "crashed backoff failed") ? ": " : "",
	    is(state, "crashed backoff failed") ? check_text(actual, "reason")
						: "");
	if (strcmp(goal, "run") == 0 && is(state, "nothing gone"))
		check_off(c, "%s should run and is not begun", name);
	json_decref(actual);
	return 0;
}

static int
ran_found(const char *key, json_t *ran, uint64_t rev, void *arg)
{
	struct check *c = arg;
	struct check_known *known;
	char app[KEY_NAME_MAX + 1], index[16];
	uint64_t id;

	(void)rev;
	if (!is(check_text(ran, "state"), "starting running") ||
	    key_parse_id(check_text(ran, "instance"), &id) == -1)
		return 0;
	known = known_add(c, id);
	known->slot = (uint32_t)check_number_of(ran, "slot");
	if (key_part(key, 1, app, sizeof(app)) == -1 ||
	    key_part(key, 2, index, sizeof(index)) == -1)
		strlcpy(known->name, key, sizeof(known->name));
	else
		snprintf(known->name, sizeof(known->name), "run.%d of %s",
		    atoi(index), app);
	return 0;
}

static int
build_found(const char *key, json_t *build, uint64_t rev, void *arg)
{
	struct check *c = arg;
	struct check_known *known;
	uint64_t id;

	(void)rev;
	if (!is(check_text(build, "state"), "pending running inspecting") ||
	    key_parse_id(check_text(build, "instance"), &id) == -1)
		return 0;
	known = known_add(c, id);
	strlcpy(known->name, key, sizeof(known->name));
	return 0;
}

void
check_store(struct check *c)
{
	store_each(c->store, ASSIGN, assign_found, c);
	store_each(c->store, ACTUAL, actual_found, c);
	store_each(c->store, "ran/", ran_found, c);
	store_each(c->store, "build/", build_found, c);
	if (c->nknown > 0)
		qsort(c->known, c->nknown, sizeof(*c->known), known_cmp);
}
