/* sources: manager/routing/[c-s]?*.c manager/store/[f-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -llmdb -ljansson -lsystemd -lsodium */
#include "routing_fixture.h"

/* ---- apps -------------------------------------------------------------- */

static void
routes_an_app(void **state)
{
	struct fixture *fx = *state;

	assert_string_equal("", routes_of(fx, "hello.paas.test"));
	put(fx, APP, HELLO "}");
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "hello.paas.test"));
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 2, "starting", 1, "web");
	assert_string_equal(
	    "/ -> hello starting", routes_of(fx, "hello.paas.test"));
	put_actual(fx, 2, "ready", 1, "web");
	put_actual(fx, 3, "ready", 1, "web");
	put_actual(fx, 4, "ready", 1, "worker");
	put_actual(fx, 5, "ready", 2, "web");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000 "
			    "3@198.18.0.3:5000",
	    routes_of(fx, "hello.paas.test"));
	put_actual(fx, 2, "draining", 1, "web");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000~ "
			    "3@198.18.0.3:5000",
	    routes_of(fx, "hello.paas.test"));
	put(fx, "rollout/hello", "{\"live\":2,\"target\":2}");
	assert_string_equal("/ -> hello running 5@198.18.0.5:5000",
	    routes_of(fx, "hello.paas.test"));
	del(fx, "actual/local/0000000700000005");
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "hello.paas.test"));
	assert_int_equal(store_revision(fx->store), routes_meta(fx).revision);
}

static void
says_why_nobody_answers(void **state)
{
	static const struct {
		const char *app, *rollout, *actual, *assign, *expected;
	} rows[] = {
	    {"}", LIVE, "crashed", NULL, "starting"},
	    {"}", LIVE, "backoff", NULL, "crashed"},
	    {"}", LIVE, "failed", NULL, "crashed"},
	    {"}", LIVE, "unhealthy", NULL, "crashed"},
	    {"}", LIVE, "starting", NULL, "starting"},
	    {"}", LIVE, "stopping", NULL, "running"},
	    {"}", LIVE, NULL, "run", "starting"},
	    {"}", LIVE, NULL, "stop", "running"},
	    {"}", LIVE, "gone", NULL, "running"},
	    {",\"stopped\":true}", LIVE, NULL, NULL, "stopped"},
	    {",\"stopped\":true}", LIVE, "stopping", NULL, "stopped"},
	    {",\"maintenance\":true}", LIVE, "starting", NULL, "maintenance"},
	    {"}", "{\"live\":0,\"target\":1}", "starting", NULL, "starting"},
	    {"}", "{\"live\":0,\"target\":1}", "ready", NULL, "starting"},
	    {"}", "{\"live\":0,\"target\":1,\"failed\":1}", NULL, NULL,
		"crashed"},
	};
	struct fixture *fx = *state;
	char expected[64], text[256];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), HELLO "%s", rows[i].app);
		put(fx, APP, text);
		put(fx, "rollout/hello", rows[i].rollout);
		if (rows[i].actual != NULL)
			put_actual(fx, 1, rows[i].actual, 1, "web");
		else
			del(fx, "actual/local/0000000700000001");
		snprintf(text, sizeof(text),
		    "{\"app\":\"hello\",\"type\":\"web\",\"version\":1,"
		    "\"goal\":\"%s\"}",
		    rows[i].assign);
		if (rows[i].assign != NULL)
			put(fx, "assign/local/0000000700000001", text);
		else
			del(fx, "assign/local/0000000700000001");
		snprintf(expected, sizeof(expected), "/ -> hello %s",
		    rows[i].expected);
		if (strcmp(expected, routes_of(fx, "hello.paas.test")) != 0)
			fail_msg(
			    "row %zu: %s", i, routes_of(fx, "hello.paas.test"));
	}
}

/* A request may end the back-off, so it waits; but not for one that is gone. */
static void
has_requests_wait_for_a_back_off(void **state)
{
	struct fixture *fx = *state;
	const char *key = "actual/local/0000000700000001";

	put(fx, APP, HELLO "}");
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 1, "backoff", 1, "web");
	assert_string_equal(
	    "/ -> hello crashed", routes_of(fx, "hello.paas.test"));
	put(fx, key,
	    "{\"state\":\"backoff\",\"app\":\"hello\",\"type\":\"web\","
	    "\"version\":1,\"wakeable\":true}");
	assert_string_equal(
	    "/ -> hello starting", routes_of(fx, "hello.paas.test"));
	put(fx, key,
	    "{\"state\":\"failed\",\"app\":\"hello\",\"type\":\"web\","
	    "\"version\":1,\"wakeable\":true}");
	assert_string_equal(
	    "/ -> hello crashed", routes_of(fx, "hello.paas.test"));
}

/* assign/local/00000007NNNNNNNN */
static void
put_assign(struct fixture *fx, unsigned int n, int version, const char *more)
{
	char key[64], text[256];

	snprintf(key, sizeof(key), "assign/local/00000007%08x", n);
	snprintf(text, sizeof(text),
	    "{\"app\":\"hello\",\"type\":\"web\",\"version\":%d,%s}", version,
	    more);
	put(fx, key, text);
}

#define RUN  "\"goal\":\"run\""
#define STOP "\"goal\":\"stop\""

static void
put_into(struct store_txn *txn, const char *key, const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	store_put(txn, key, value);
	json_decref(value);
}

/* What has taken over is in, what it took over from is out, in one commit. */
static void
routes_two_releases_side_by_side(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *txn;
	uint64_t generation;

	put(fx, APP, HELLO "}");
	put(fx, "rollout/hello", "{\"live\":1,\"target\":2}");
	put_assign(fx, 2, 1, RUN);
	put_assign(fx, 3, 1, RUN);
	put_assign(fx, 4, 2, RUN);
	put_actual(fx, 2, "ready", 1, "web");
	put_actual(fx, 3, "ready", 1, "web");
	put_actual(fx, 4, "ready", 2, "web");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000 "
			    "3@198.18.0.3:5000",
	    routes_of(fx, "hello.paas.test"));
	generation = routes_meta(fx).generation;
	txn = store_begin(fx->store);
	put_into(txn, "assign/local/0000000700000002",
	    "{\"app\":\"hello\",\"type\":\"web\",\"version\":1," STOP "}");
	put_into(txn, "assign/local/0000000700000004",
	    "{\"app\":\"hello\",\"type\":\"web\",\"version\":2,\"routed\":true," RUN
	    "}");
	(void)fixture_commit(fx, txn);
	fixture_settle(fx);
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000~ "
			    "3@198.18.0.3:5000 4@198.18.0.4:5000",
	    routes_of(fx, "hello.paas.test"));
	assert_int_equal(generation + 1, routes_meta(fx).generation);

	/* It failed: what serves goes on until it is told to stop. */
	put(fx, "rollout/hello", "{\"live\":1,\"target\":2,\"failed\":2}");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000~ "
			    "3@198.18.0.3:5000 4@198.18.0.4:5000",
	    routes_of(fx, "hello.paas.test"));

	/* With the last step all others are out, whatever is said of them. */
	put_assign(fx, 3, 1, "\"routed\":true," RUN);
	put(fx, "rollout/hello", "{\"live\":2,\"target\":2}");
	assert_string_equal("/ -> hello running 4@198.18.0.4:5000",
	    routes_of(fx, "hello.paas.test"));
}

static void
gives_a_canary_its_share(void **state)
{
	static const struct {
		int weight;
		const char *expected;
	} rows[] = {
	    /* two live ones to one: 90 to 10 is 45 each to 10, and so on */
	    {10, "2@198.18.0.2:5000*1000 3@198.18.0.3:5000*1000 "
		 "4@198.18.0.4:5000*222"},
	    {50, "2@198.18.0.2:5000*500 3@198.18.0.3:5000*500 "
		 "4@198.18.0.4:5000*1000"},
	    {1, "2@198.18.0.2:5000*1000 3@198.18.0.3:5000*1000 "
		"4@198.18.0.4:5000*20"},
	    {99, "2@198.18.0.2:5000*5 3@198.18.0.3:5000*5 "
		 "4@198.18.0.4:5000*1000"},
	};
	struct fixture *fx = *state;
	char text[256];
	size_t i;

	put(fx, APP, HELLO "}");
	put_assign(fx, 4, 2, "\"routed\":true," RUN);
	put_actual(fx, 2, "ready", 1, "web");
	put_actual(fx, 3, "ready", 1, "web");
	put_actual(fx, 4, "ready", 2, "web");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"live\":1,\"target\":2,\"phase\":\"canary\","
		    "\"how\":{\"canary_weight\":%d}}",
		    rows[i].weight);
		put(fx, "rollout/hello", text);
		snprintf(text, sizeof(text), "/ -> hello running %s",
		    rows[i].expected);
		assert_string_equal(text, routes_of(fx, "hello.paas.test"));
	}
	/* Alone it has all, and of equals none has more. */
	put(fx, "rollout/hello", "{\"live\":1,\"target\":2}");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000 "
			    "3@198.18.0.3:5000 4@198.18.0.4:5000",
	    routes_of(fx, "hello.paas.test"));
}

static void
tells_maintenance_beside_instances(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO ",\"maintenance\":true}");
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 2, "ready", 1, "web");
	assert_string_equal("/ -> hello maintenance 2@198.18.0.2:5000",
	    routes_of(fx, "hello.paas.test"));
}

static void
takes_no_address_that_is_none(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO "}");
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 2, "ready", 1, "web");
	put(fx, "actual/local/0000000700000003",
	    "{\"state\":\"ready\",\"app\":\"hello\",\"type\":\"web\","
	    "\"version\":1,\"instance\":\"0000000000000003\","
	    "\"address\":\"nonsense\",\"port\":5000}");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "hello.paas.test"));
}

/* ---- domains ----------------------------------------------------------- */

static void
routes_domains(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO "}");
	put(fx, "domain/www.example.com", "{\"app\":\"hello\"}");
	put(fx, "domain/.example.org", "{\"app\":\"hello\"}");
	put(fx, "domain/other.test", "{\"app\":\"other\"}");
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "www.example.com"));
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "a.b.example.org"));
	assert_string_equal("", routes_of(fx, "other.test"));
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 2, "ready", 1, "web");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "www.example.com"));
	del(fx, "domain/www.example.com");
	assert_string_equal("", routes_of(fx, "www.example.com"));
	del(fx, APP);
	assert_string_equal("", routes_of(fx, "a.b.example.org"));
	assert_string_equal("", routes_of(fx, "hello.paas.test"));
	assert_int_equal(0, routes_meta(fx).nhosts);
	assert_int_equal(0, routes_meta(fx).npools);
}

/* ---- outside routes ---------------------------------------------------- */

static void
routes_what_is_outside(void **state)
{
	struct fixture *fx = *state;

	put(fx, "route/out.test",
	    "{\"paths\":[" PATH("/", "false", INSTANCE("1", "127.0.0.1")) "]}");
	assert_string_equal(
	    "/ -> running 1@127.0.0.1:9000", routes_of(fx, "out.test"));
	put(fx, "route/out.test",
	    "{\"paths\":[" PATH("/", "false",
		INSTANCE("2", "127.0.0.2")) "," PATH("/api/v1", "true",
		INSTANCE("3", "127.0.0.3") "," INSTANCE(
		    "4", "127.0.0.4")) "]}");
	assert_string_equal("/api/v1 strip -> running 3@127.0.0.3:9000 "
			    "4@127.0.0.4:9000; / -> running 2@127.0.0.2:9000",
	    routes_of(fx, "out.test"));
	assert_int_equal(2, routes_meta(fx).npools);
	put(fx, "route/out.test", "{\"paths\":[" PATH("/", "false", "") "]}");
	assert_string_equal("/ -> running", routes_of(fx, "out.test"));
	assert_int_equal(1, routes_meta(fx).npools);

	/* What makes no sense leaves things as they were. */
	put(fx, "route/out.test", "{\"paths\":[]}");
	put(fx, "route/out.test",
	    "{\"paths\":[" PATH("/", "false", INSTANCE("2", "nowhere")) "]}");
	assert_string_equal("/ -> running", routes_of(fx, "out.test"));

	/* An app has what a route leaves to it. */
	put(fx, APP, HELLO "}");
	put(fx, "domain/out.test", "{\"app\":\"hello\"}");
	assert_string_equal("/ -> running", routes_of(fx, "out.test"));
	put(fx, "route/out.test",
	    "{\"paths\":[" PATH(
		"/x", "false", INSTANCE("2", "127.0.0.2")) "]}");
	assert_string_equal(
	    "/x -> running 2@127.0.0.2:9000; / -> hello running",
	    routes_of(fx, "out.test"));
	del(fx, "route/out.test");
	assert_string_equal("/ -> hello running", routes_of(fx, "out.test"));
	assert_int_equal(1, routes_meta(fx).npools);
	del(fx, "domain/out.test");
	put(fx, "route/out.test",
	    "{\"paths\":[" PATH("/", "false", INSTANCE("2", "::1")) "]}");
	assert_string_equal(
	    "/ -> running 2@0.0.0.1:9000", routes_of(fx, "out.test"));
	del(fx, "route/out.test");
	assert_string_equal("", routes_of(fx, "out.test"));
	assert_int_equal(1, routes_meta(fx).nhosts);
	assert_int_equal(1, routes_meta(fx).npools);
}

#define SHARE(app, number, weight)                                 \
	"{\"app\":\"" app "\",\"number\":\"000000000000000" number \
	"\",\"weight\":" weight "}"

static void
splits_between_apps(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO "}");
	put(fx, "app/next", "{\"number\":\"0000000000000008\"}");
	put(fx, "domain/www.example.com", "{\"app\":\"hello\"}");
	put(fx, "target/hello/www.example.com", "{}");
	put(fx, "target/next/www.example.com", "{}");
	put(fx, "route/www.example.com",
	    "{\"paths\":[{\"prefix\":\"/\",\"apps\":[" SHARE(
		"hello", "7", "90") "," SHARE("next", "8", "10") "]}]}");
	assert_string_equal("/ -> hello running 90, next running 10",
	    routes_of(fx, "www.example.com"));

	/* An app and addresses outside. */
	put(fx, "route/www.example.com",
	    "{\"paths\":[{\"prefix\":\"/\",\"apps\":[" SHARE("next", "8",
		"95") "],\"pool\":{\"weight\":5,\"instances\":[" INSTANCE("1",
		"127.0.0.1") "]}}]}");
	assert_string_equal("/ -> running 1@127.0.0.1:9000 5, next running 95",
	    routes_of(fx, "www.example.com"));
	assert_int_equal(3, routes_meta(fx).npools);

	/* Gone, and with a new one of the name. */
	del(fx, "app/next");
	assert_string_equal(
	    "/ -> running 1@127.0.0.1:9000", routes_of(fx, "www.example.com"));
	put(fx, "app/next", "{\"number\":\"0000000000000009\"}");
	assert_string_equal(
	    "/ -> running 1@127.0.0.1:9000", routes_of(fx, "www.example.com"));
	put(fx, "route/www.example.com",
	    "{\"paths\":[{\"prefix\":\"/\",\"apps\":[" SHARE(
		"next", "8", "95") "]}]}");
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "www.example.com"));
	assert_int_equal(2, routes_meta(fx).npools);
}

/* What could not be told while the manager was away. */
static void
ends_shares_after_a_start(void **state)
{
	struct fixture *fx = *state;

	put(fx, "app/next", "{\"number\":\"0000000000000008\"}");
	put(fx, "target/next/www.example.com", "{}");
	put(fx, "route/www.example.com",
	    "{\"paths\":[{\"prefix\":\"/\",\"apps\":[" SHARE(
		"next", "8", "95") "]}]}");
	put(fx, APP, HELLO "}");
	put(fx, "domain/a.test", "{\"app\":\"hello\"}");
	stop(fx);
	fixture_del(fx, "app/next");
	fixture_put(fx, "redirect/hello", "{\"to_https\":true}");
	start(fx);
	assert_string_equal("", routes_of(fx, "www.example.com"));
	assert_string_equal(
	    "/ https -> hello running", routes_of(fx, "a.test"));
	assert_int_equal(2, routes_meta(fx).nhosts);
	assert_int_equal(1, routes_meta(fx).npools);
}

static void
redirects(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO "}");
	put(fx, "domain/a.test", "{\"app\":\"hello\"}");
	put(fx, "domain/b.test", "{\"app\":\"hello\"}");
	put(fx, "redirect/hello", "{\"to_https\":true,\"to_host\":\"b.test\"}");
	assert_string_equal(
	    "/ https b.test -> hello running", routes_of(fx, "a.test"));
	assert_string_equal(
	    "/ https -> hello running", routes_of(fx, "b.test"));
	assert_string_equal("/ https b.test -> hello running",
	    routes_of(fx, "hello.paas.test"));
	put(fx, "redirect/hello", "{}");
	assert_string_equal("/ -> hello running", routes_of(fx, "a.test"));
	put(fx, "route/a.test",
	    "{\"paths\":[{\"prefix\":\"/\",\"to_host\":\"b.test\",\"pool\":{"
	    "\"instances\":[]}}]}");
	assert_string_equal("/ b.test -> running", routes_of(fx, "a.test"));
}

/* ---- settings ---------------------------------------------------------- */

/* Of the pool that has the host to itself. */
static paas_routedb_pool_t
pool_of(struct fixture *fx, const char *name, char hash[64],
    paas_routedb_instance_t *inst)
{
	paas_routedb_reader_t *reader = routes_open(fx);
	paas_routedb_host_t host;
	paas_routedb_path_t path;
	paas_routedb_pool_t pool;
	uint64_t txn;

	assert_non_null(reader);
	assert_int_equal(0, paas_routedb_begin(reader, &txn));
	assert_int_equal(
	    0, paas_routedb_find_host(reader, name, strlen(name), &host));
	assert_int_equal(0, paas_routedb_get_path(&host, 0, &path));
	assert_int_equal(0,
	    paas_routedb_find_pool(reader, &host, path.targets[0].pool, &pool));
	snprintf(hash, 64, "%.*s", (int)pool.hash_name.len,
	    (const char *)pool.hash_name.data);
	if (inst != NULL)
		assert_int_equal(0, paas_routedb_get_instance(&pool, 0, inst));
	(void)paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	return pool;
}

static void
obeys_settings(void **state)
{
	struct fixture *fx = *state;
	paas_routedb_instance_t inst;
	paas_routedb_pool_t pool;
	char hash[64];

	put(fx, APP, HELLO "}");
	pool = pool_of(fx, "hello.paas.test", hash, NULL);
	assert_int_equal(conf.hold_time * 1000, pool.hold);
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 3, "ready", 1, "web");
	put(fx, "formation/hello/web",
	    "{\"http\":{\"balance\":\"hash\",\"hash\":\"header:X-User\","
	    "\"sticky\":true,\"concurrency\":10,\"queue\":20,"
	    "\"slow_start\":30,\"hold\":5,\"retry\":\"put\","
	    "\"retry_budget\":35,\"name_instance\":true,"
	    "\"protocol\":\"h2c\"}}");
	pool = pool_of(fx, "hello.paas.test", hash, &inst);
	assert_int_equal(3, inst.number);
	assert_int_equal(PAAS_ROUTEDB_HASH, pool.balance);
	assert_int_equal(PAAS_ROUTEDB_ON_HEADER, pool.hash_on);
	assert_string_equal("X-User", hash);
	assert_int_equal(10, pool.concurrency);
	assert_int_equal(20, pool.queue);
	assert_int_equal(30000, pool.slow_start);
	assert_int_equal(5000, pool.hold);
	assert_int_equal(35, pool.retry_budget);
	assert_int_equal(PAAS_ROUTEDB_H2C, pool.protocol);
	assert_int_equal(PAAS_ROUTEDB_STICKY | PAAS_ROUTEDB_RETRY_PUT |
			     PAAS_ROUTEDB_NAME_INSTANCE,
	    pool.flags);
	put(fx, "formation/hello/web", "{\"http\":{\"retry\":\"none\"}}");
	pool = pool_of(fx, "hello.paas.test", hash, NULL);
	assert_int_equal(PAAS_ROUTEDB_NO_RETRY, pool.flags);
	assert_int_equal(PAAS_ROUTEDB_TWO_CHOICES, pool.balance);
	assert_int_equal(0, pool.retry_budget);

	put(fx, "route/out.test",
	    "{\"paths\":[{\"prefix\":\"/\",\"pool\":{\"protocol\":\"https\","
	    "\"sticky\":true,\"instances\":[" INSTANCE(
		"1", "127.0.0.1") "]}}]}");
	pool = pool_of(fx, "out.test", hash, NULL);
	assert_int_equal(PAAS_ROUTEDB_HTTPS, pool.protocol);
	assert_int_equal(PAAS_ROUTEDB_STICKY, pool.flags);
	assert_int_equal(0, pool.hold);
}

/* Only while somebody may come: else a visitor would wait for nothing. */
static void
holds_only_for_who_may_come(void **state)
{
	static const struct {
		const char *key, *text;
		int waits;
	} steps[] = {
	    {APP, "{\"number\":\"0000000000000007\",\"version\":0}", 0},
	    {APP, HELLO "}", 1},
	    {"release/hello/00000001", "{\"types\":{\"web\":\"w\"}}", 1},
	    {"rollout/hello", LIVE, 1},
	    {"formation/hello/web", "{\"quantity\":0}", 0},
	    {"rollout/hello", "{\"live\":1,\"target\":2}", 1},
	    {"rollout/hello", LIVE, 0},
	    {"formation/hello/web", "{\"quantity\":1}", 1},
	    {"release/hello/00000001", "{\"types\":{\"job\":\"j\"}}", 1},
	    {"formation/hello/web", "{\"quantity\":2}", 0},
	    {"release/hello/00000001",
		"{\"types\":{\"web\":\"w\"},\"settings\":{\"version\":1,"
		"\"processes\":{\"web\":{\"quantity\":0}}}}",
		0},
	    {"formation/hello/web", "{\"quantity\":3}", 0},
	};
	struct fixture *fx = *state;
	paas_routedb_pool_t pool;
	char hash[64];
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		put(fx, steps[i].key, steps[i].text);
		pool = pool_of(fx, "hello.paas.test", hash, NULL);
		if (pool.hold != (steps[i].waits ? conf.hold_time * 1000 : 0))
			fail_msg("step %zu: %u", i, pool.hold);
		assert_int_equal(PAAS_ROUTEDB_RUNNING, pool.state);
	}
	put_actual(fx, 3, "ready", 1, "web");
	pool = pool_of(fx, "hello.paas.test", hash, NULL);
	assert_int_equal(conf.hold_time * 1000, pool.hold);
}

/* ---- patterns ---------------------------------------------------------- */

static void
routes_patterns(void **state)
{
	struct fixture *fx = *state;

	put(fx, "pattern/0000000020",
	    PATTERN("b.*", "\"pool\":{\"instances\":[]}"));
	put(fx, APP, HELLO "}");
	put(fx, "pattern/0000000010",
	    PATTERN("a.*", "\"apps\":[" SHARE("hello", "7", "1") "]"));
	assert_string_equal("10 a.*; 20 b.*; ", patterns_of(fx));
	assert_int_equal(2, routes_meta(fx).npatterns);
	assert_int_equal(2, routes_meta(fx).npools);
	put(fx, "pattern/0000000020",
	    PATTERN("c.*", "\"pool\":{\"instances\":[]}"));
	assert_string_equal("10 a.*; 20 c.*; ", patterns_of(fx));

	/* What has no target any more is no pattern. */
	del(fx, APP);
	assert_string_equal("20 c.*; ", patterns_of(fx));
	stop(fx);
	fixture_del(fx, "pattern/0000000020");
	fixture_put(fx, "pattern/0000000030",
	    PATTERN("d.*", "\"pool\":{\"instances\":[]}"));
	start(fx);
	assert_string_equal("30 d.*; ", patterns_of(fx));
	assert_int_equal(1, routes_meta(fx).npools);
	stop(fx);
	write_file(fx, "boot", "another boot\n");
	start(fx);
	assert_string_equal("30 d.*; ", patterns_of(fx));
	del(fx, "pattern/0000000030");
	assert_int_equal(0, routes_meta(fx).npools);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_ROUTING(routes_an_app),
	    WITH_ROUTING(says_why_nobody_answers),
	    WITH_ROUTING(has_requests_wait_for_a_back_off),
	    WITH_ROUTING(routes_two_releases_side_by_side),
	    WITH_ROUTING(gives_a_canary_its_share),
	    WITH_ROUTING(tells_maintenance_beside_instances),
	    WITH_ROUTING(takes_no_address_that_is_none),
	    WITH_ROUTING(routes_domains),
	    WITH_ROUTING(routes_what_is_outside),
	    WITH_ROUTING(splits_between_apps),
	    WITH_ROUTING(ends_shares_after_a_start),
	    WITH_ROUTING(redirects),
	    WITH_ROUTING(obeys_settings),
	    WITH_ROUTING(holds_only_for_who_may_come),
	    WITH_ROUTING(routes_patterns),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
