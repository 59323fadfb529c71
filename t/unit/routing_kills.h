/*
 * For routing_start.c: kills the manager between the store and the routes, at
 * three points of each kind of thing that may differ between the two: the
 * change is in the store and nothing of it in the transaction of the routes; it
 * is in that transaction; and that is committed.  All the while readers find
 * what was there before or what is to be there, and never less.
 *
 * Needs --wrap of what writes each kind, and of routing_db_commit.
 */
#ifndef PAAS_ROUTING_KILLS_H
#define PAAS_ROUTING_KILLS_H

#include "kills_fixture.h"
#include "routing/routing_impl.h"

enum kill_point { STORED, APPLIED, ROUTED, KILL_POINTS };

static const char *const kill_points[KILL_POINTS] = {"when it is in the store",
    "before the routes are committed", "when the routes are committed"};

struct kill_row {
	enum touch_kind kind;
	const char *what;
	void (*prepare)(struct fixture *); /* nobody runs; or NULL */
	void (*cause)(struct fixture *);   /* NULL: its start is enough */
	const char *(*look)(struct fixture *);
	const char *before, *after;
};

/* ---- causes -------------------------------------------------------------- */

static const char *
look_hello(struct fixture *fx)
{
	return routes_of(fx, "hello.paas.test");
}

static const char *
look_new(struct fixture *fx)
{
	return routes_of(fx, "new.test");
}

static const char *
look_old(struct fixture *fx)
{
	return routes_of(fx, "www.example.com");
}

static const char *
look_pools(struct fixture *fx)
{
	return routes_meta(fx).npools == 4 ? "4" : "3";
}

static const char *
look_keys(struct fixture *fx)
{
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];

	return keys_of(fx, keys) == 2 ? "2" : "1";
}

static void
one_more(struct fixture *fx)
{
	put_actual(fx, 3, "ready", 1, "web");
}

static void
new_domain(struct fixture *fx)
{
	fixture_put(fx, "domain/new.test", "{\"app\":\"hello\"}");
}

/* As the API does. */
static void
old_domain(struct fixture *fx)
{
	struct store_txn *txn = store_begin(fx->store);
	json_t *empty = json_object();

	store_del(txn, "domain/www.example.com");
	store_put(txn, "gone/host", empty);
	json_decref(empty);
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

static void
new_pattern(struct fixture *fx)
{
	fixture_put(fx, "pattern/0000000010",
	    PATTERN("a.*", "\"pool\":{\"instances\":[]}"));
}

static void
next_keys(struct fixture *fx)
{
	const int64_t month = INT64_C(31) * 24 * 3600 * 1000000;
	json_t *record = store_get(fx->store, "keys/sticky", NULL), *next;
	char *text;

	next = routing_keys_next(record, (int64_t)time(NULL) * 1000000 + month);
	assert_non_null(next);
	text = json_dumps(next, 0);
	fixture_put(fx, "keys/sticky", text);
	free(text);
	json_decref(next);
	json_decref(record);
}

#define ONE "/ -> hello running 2@198.18.0.2:5000"

static const struct kill_row kill_rows[] = {
    {TOUCH_APP, "an instance", NULL, one_more, look_hello, ONE,
	ONE " 3@198.18.0.3:5000"},
    {TOUCH_HOST, "a domain", NULL, new_domain, look_new, "", ONE},
    {TOUCH_HOST, "a domain that goes", NULL, old_domain, look_old, ONE, ""},
    {TOUCH_POOL, "a strange pool", strange_pool, NULL, look_pools, "4", "3"},
    {TOUCH_PATTERN, "a pattern", NULL, new_pattern, patterns_of, "",
	"10 a.*; "},
    {TOUCH_KEYS, "keys", NULL, next_keys, look_keys, "1", "2"},
};

#define KILL_ROWS (sizeof(kill_rows) / sizeof(kill_rows[0]))

/* ---- the points ---------------------------------------------------------- */

static struct kills_self kill_self;
static const struct kill_row *aim; /* NULL: nothing is killed */
static int aim_hit;

static void
kill_at_point(enum kill_point point)
{
	if (kill_self.point == (size_t)point)
		(void)kill(getpid(), SIGKILL);
}

static void
applying(enum touch_kind kind)
{
	if (aim == NULL || aim->kind != kind)
		return;
	kill_at_point(STORED);
	aim_hit = 1;
}

void __real_routing_app_apply(
    struct store *, const struct conf *, struct routing_db *, const char *app);
void __real_routing_host_apply(struct routing *, const char *);
void __real_routing_pattern_apply(struct routing *, const char *);
void __real_routing_keys_apply(struct routing *);
void __real_routing_pool_apply(struct routing *, uint64_t);
int __real_routing_db_commit(struct routing_db *, uint64_t);
void __wrap_routing_app_apply(
    struct store *, const struct conf *, struct routing_db *, const char *app);
void __wrap_routing_host_apply(struct routing *, const char *);
void __wrap_routing_pattern_apply(struct routing *, const char *);
void __wrap_routing_keys_apply(struct routing *);
void __wrap_routing_pool_apply(struct routing *, uint64_t);
int __wrap_routing_db_commit(struct routing_db *, uint64_t);

void
__wrap_routing_app_apply(struct store *st, const struct conf *c,
    struct routing_db *db, const char *app)
{
	applying(TOUCH_APP);
	__real_routing_app_apply(st, c, db, app);
}

void
__wrap_routing_host_apply(struct routing *rt, const char *host)
{
	applying(TOUCH_HOST);
	__real_routing_host_apply(rt, host);
}

void
__wrap_routing_pattern_apply(struct routing *rt, const char *order)
{
	applying(TOUCH_PATTERN);
	__real_routing_pattern_apply(rt, order);
}

void
__wrap_routing_keys_apply(struct routing *rt)
{
	applying(TOUCH_KEYS);
	__real_routing_keys_apply(rt);
}

void
__wrap_routing_pool_apply(struct routing *rt, uint64_t id)
{
	applying(TOUCH_POOL);
	__real_routing_pool_apply(rt, id);
}

int
__wrap_routing_db_commit(struct routing_db *db, uint64_t revision)
{
	int rc;

	if (aim_hit)
		kill_at_point(APPLIED);
	rc = __real_routing_db_commit(db, revision);
	if (aim_hit)
		kill_at_point(ROUTED);
	return rc;
}

/* ---- one point ----------------------------------------------------------- */

/* What nobody changes is there, and the rest as it was or as it will be. */
static void
check_readers(struct fixture *fx, const struct kill_row *row)
{
	const char *now;

	assert_string_equal("/x -> running 2@127.0.0.1:9000; "
			    "/ -> running 1@127.0.0.1:9000",
	    routes_of(fx, "out.test"));
	if (row->look != look_old)
		assert_string_equal(
		    row->look == look_hello ? look_hello(fx) : ONE,
		    look_old(fx));
	now = row->look(fx);
	if (strcmp(now, row->before) != 0)
		assert_string_equal(row->after, now);
}

static void
kill_child(struct fixture *fx, const struct kill_row *row)
{
	kills_child();
	fixture_open(fx);
	if (row->cause == NULL)
		aim = row;
	start(fx);
	aim = row;
	row->cause(fx);
	fixture_settle(fx);
	_exit(3);
}

static void
killed_at_one_point(void **state)
{
	const struct kill_row *row = &kill_rows[kill_self.row];
	struct fixture *fx = *state;
	time_t end = time(NULL) + KILL_LIMIT_S;
	char err[PAAS_ERRLEN] = "";
	pid_t kid;

	fill(fx);
	stop(fx);
	if (row->prepare != NULL)
		row->prepare(fx);
	assert_string_equal(row->before, row->look(fx));
	fixture_close(fx);
	kid = fork();
	assert_true(kid >= 0);
	if (kid == 0)
		kill_child(fx, row);
	kills_wait(kid);
	check_readers(fx, row);
	assert_string_equal(
	    kill_self.point == ROUTED ? row->after : row->before,
	    row->look(fx));
	fixture_open(fx);
	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_string_equal("", err);
	while (routing_revision(routing) != store_revision(fx->store) &&
	       time(NULL) < end) {
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
		check_readers(fx, row);
	}
	fixture_settle(fx);
	assert_int_equal(store_revision(fx->store), routes_meta(fx).revision);
	check_readers(fx, row);
	assert_string_equal(row->after, row->look(fx));
}

/* In a process of its own; the exit status. */
static int
kill_main(void)
{
	const struct CMUnitTest one[] = {cmocka_unit_test_setup_teardown(
	    killed_at_one_point, setup, teardown)};

	return cmocka_run_group_tests_name("one", one, NULL, NULL);
}

/* ---- all of them --------------------------------------------------------- */

static const char *
kill_describe(size_t row)
{
	return kill_rows[row].what;
}

static void
killed_at_each_kind(void **state)
{
	size_t i, kind;

	(void)state;
	for (kind = 0; kind < TOUCH_KINDS; kind++) {
		for (i = 0; i < KILL_ROWS && kill_rows[i].kind != kind; i++)
			continue;
		if (i == KILL_ROWS)
			fail_msg("nothing is killed at kind %zu of what may "
				 "differ",
			    kind);
	}
	kills_run(KILL_ROWS, KILL_POINTS, kill_points, kill_describe);
}

#endif
