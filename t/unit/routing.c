/* sources: manager/routing/[c-s]?*.c manager/store/[k-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -Wl,--wrap=routing_app_apply,--wrap=routing_host_apply,--wrap=routing_pattern_apply,--wrap=routing_keys_apply,--wrap=routing_pool_apply,--wrap=routing_db_commit -llmdb -ljansson -lsystemd -lsodium */
#include "routes_fixture.h"

#include <sys/stat.h>

#include "internal.h"
#include "routing/routing.h"
#include "routing/routing_keys.h"

static struct conf conf;
static struct routing *routing;

static int
setup(void **state)
{
	char err[PAAS_ERRLEN] = "";
	struct fixture *fx;

	fixture_setup(state);
	fx = *state;
	routes_conf(fx, &conf);
	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_string_equal("", err);
	assert_non_null(routing);
	fixture_settle(fx);
	return 0;
}

static int
teardown(void **state)
{
	routing_close(routing);
	return fixture_teardown(state);
}

/* A stop and a start of the manager; the store may be changed between. */
static void
stop(struct fixture *fx)
{
	routing_close(routing);
	routing = NULL;
	(void)fx;
}

/* Until it has written all, which it may do only after the readers' grace. */
static void
start(struct fixture *fx)
{
	time_t end = time(NULL) + 10;
	char err[PAAS_ERRLEN] = "";

	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_string_equal("", err);
	while (routing_revision(routing) != store_revision(fx->store) &&
	       time(NULL) < end)
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	fixture_settle(fx);
	assert_int_equal(store_revision(fx->store), routes_meta(fx).revision);
}

static void
put(struct fixture *fx, const char *key, const char *text)
{
	fixture_put(fx, key, text);
	fixture_settle(fx);
}

static void
del(struct fixture *fx, const char *key)
{
	fixture_del(fx, key);
	fixture_settle(fx);
}

#define APP   "app/hello"
#define HELLO "{\"number\":\"0000000000000007\",\"version\":1"
#define LIVE  "{\"live\":1,\"target\":1,\"failed\":0}"

/* actual/local/00000007NNNNNNNN */
static void
put_actual(struct fixture *fx, unsigned int n, const char *state, int version,
    const char *type)
{
	char key[64], text[512];

	snprintf(key, sizeof(key), "number/%016x", 7);
	fixture_put(fx, key, "{\"app\":\"hello\"}");
	snprintf(key, sizeof(key), "actual/local/00000007%08x", n);
	snprintf(text, sizeof(text),
	    "{\"state\":\"%s\",\"app\":\"hello\",\"type\":\"%s\","
	    "\"index\":%u,\"version\":%d,\"instance\":\"%016x\",\"slot\":%u,"
	    "\"address\":\"198.18.0.%u\",\"port\":5000,\"since\":5000000}",
	    state, type, n, version, n, n, n);
	put(fx, key, text);
}

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

#define INSTANCE(id, address)                                              \
	"{\"address\":\"" address "\",\"port\":9000,\"weight\":50,\"id\":" \
	"\"000000000000000" id "\"}"
#define PATH(prefix, strip, instances)                                     \
	"{\"prefix\":\"" prefix "\",\"strip\":" strip                      \
	",\"pool\":{\"balance\":\"round_robin\",\"instances\":[" instances \
	"]}}"

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

static void write_file(struct fixture *, const char *name, const char *text);

/* ---- patterns and keys ------------------------------------------------- */

/* "10 TEXT; 20 TEXT" */
static const char *
patterns_of(struct fixture *fx)
{
	static char text[512];
	paas_routedb_reader_t *reader = routes_open(fx);
	paas_routedb_host_t found;
	char word[300];
	uint64_t txn;
	uint32_t i;

	text[0] = '\0';
	assert_int_equal(0, paas_routedb_begin(reader, &txn));
	for (i = 0; i < 40; i += 10) {
		if (paas_routedb_find_pattern(reader, i, &found) != 0)
			continue;
		snprintf(word, sizeof(word), "%u %.*s; ", i,
		    (int)found.name.len, (const char *)found.name.data);
		strlcat(text, word, sizeof(text));
	}
	(void)paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	return text;
}

#define PATTERN(text, target) \
	"{\"pattern\":\"" text "\",\"paths\":[{\"prefix\":\"/\"," target "}]}"

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

static uint32_t
keys_of(struct fixture *fx, paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX])
{
	paas_routedb_reader_t *reader = routes_open(fx);
	uint64_t txn;
	uint32_t n = 0;

	memset(keys, 0, PAAS_ROUTEDB_KEYS_MAX * sizeof(*keys));
	assert_int_equal(0, paas_routedb_begin(reader, &txn));
	assert_int_equal(0, paas_routedb_get_keys(reader, keys, &n));
	(void)paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	return n;
}

/* Cookies outlive a restart and a rebuild. */
static void
keeps_its_keys(void **state)
{
	struct fixture *fx = *state;
	paas_routedb_key_t first[PAAS_ROUTEDB_KEYS_MAX];
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	const uint8_t none[PAAS_ROUTEDB_KEY_SIZE] = {0};

	assert_int_equal(1, keys_of(fx, first));
	assert_int_equal(1, first[0].id);
	assert_memory_not_equal(none, first[0].key, sizeof(none));
	stop(fx);
	start(fx);
	assert_int_equal(1, keys_of(fx, keys));
	assert_memory_equal(first, keys, sizeof(keys));
	stop(fx);
	write_file(fx, "boot", "another boot\n");
	start(fx);
	assert_int_equal(1, keys_of(fx, keys));
	assert_memory_equal(first, keys, sizeof(keys));
}

static int
nkeys(const json_t *record)
{
	return (int)json_array_size(json_object_get(record, "keys"));
}

static json_int_t
key_id(const json_t *record, size_t i)
{
	return json_integer_value(json_object_get(
	    json_array_get(json_object_get(record, "keys"), i), "id"));
}

static void
rotates_keys(void **state)
{
	const int64_t day = ROUTING_KEY_AGE / 30;
	json_t *one, *two, *next;

	(void)state;
	assert_non_null(one = routing_keys_next(NULL, 100 * day));
	assert_int_equal(1, nkeys(one));
	assert_null(routing_keys_next(one, 100 * day));
	assert_null(routing_keys_next(one, 130 * day));
	assert_null(routing_keys_next(one, 20 * day)); /* set back */
	assert_non_null(two = routing_keys_next(one, 131 * day));
	assert_int_equal(2, nkeys(two));
	assert_int_equal(2, key_id(two, 0));
	assert_int_equal(1, key_id(two, 1));
	assert_null(routing_keys_next(two, 161 * day));
	/* The older one goes when its successor is followed itself. */
	assert_non_null(next = routing_keys_next(two, 162 * day));
	assert_int_equal(2, nkeys(next));
	assert_int_equal(3, key_id(next, 0));
	assert_int_equal(2, key_id(next, 1));
	json_decref(next);
	/* After a year without a manager. */
	assert_non_null(next = routing_keys_next(two, 500 * day));
	assert_int_equal(3, key_id(next, 0));
	json_decref(next);
	json_decref(two);
	json_decref(one);
}

/* ---- starts ------------------------------------------------------------ */

static void
fill(struct fixture *fx)
{
	put(fx, APP, HELLO "}");
	put(fx, "rollout/hello", LIVE);
	put_actual(fx, 2, "ready", 1, "web");
	put(fx, "domain/www.example.com", "{\"app\":\"hello\"}");
	put(fx, "route/out.test",
	    "{\"paths\":[" PATH(
		"/", "false", INSTANCE("1", "127.0.0.1")) "," PATH("/x",
		"false", INSTANCE("2", "127.0.0.1")) "]}");
}

static void
catches_up_after_a_start(void **state)
{
	struct fixture *fx = *state;

	fill(fx);
	put(fx, "route/stale.test",
	    "{\"paths\":[" PATH("/", "false", INSTANCE("1", "127.0.0.1")) "]}");
	put(fx, "app/stale", "{\"number\":\"0000000000000008\"}");
	stop(fx);
	fixture_del(fx, "route/stale.test");
	fixture_del(fx, "app/stale");
	fixture_del(fx, "domain/www.example.com");
	fixture_del(fx, "actual/local/0000000700000002");
	fixture_put(fx, "domain/new.example.com", "{\"app\":\"hello\"}");
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "www.example.com"));
	start(fx);
	assert_string_equal("", routes_of(fx, "stale.test"));
	assert_string_equal("", routes_of(fx, "stale.paas.test"));
	assert_string_equal("", routes_of(fx, "www.example.com"));
	assert_string_equal(
	    "/ -> hello running", routes_of(fx, "new.example.com"));
	assert_string_equal("/x -> running 2@127.0.0.1:9000; "
			    "/ -> running 1@127.0.0.1:9000",
	    routes_of(fx, "out.test"));
	assert_int_equal(3, routes_meta(fx).nhosts);
	assert_int_equal(3, routes_meta(fx).npools);
}

static ino_t
inode(struct fixture *fx)
{
	char path[200];
	struct stat sb;

	snprintf(path, sizeof(path), "%s/routes/data.mdb", fx->dir);
	assert_int_equal(0, stat(path, &sb));
	return sb.st_ino;
}

static void
write_file(struct fixture *fx, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/routes/%s", fx->dir, name);
	assert_non_null(file = fopen(path, "w"));
	fputs(text, file);
	fclose(file);
}

static void
starts_anew_after_a_boot(void **state)
{
	struct fixture *fx = *state;
	ino_t before;

	fill(fx);
	before = inode(fx);
	stop(fx);
	write_file(fx, "boot", "another boot\n");
	start(fx);
	assert_true(before != inode(fx));
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "www.example.com"));
	assert_int_equal(3, routes_meta(fx).nhosts);
	before = inode(fx);
	stop(fx);
	start(fx);
	assert_true(before == inode(fx));
	put_actual(fx, 2, "backoff", 1, "web");
	assert_string_equal(
	    "/ -> hello crashed", routes_of(fx, "www.example.com"));
}

static void
starts_anew_over_rubbish(void **state)
{
	struct fixture *fx = *state;

	fill(fx);
	stop(fx);
	write_file(fx, "data.mdb", "this is no database");
	start(fx);
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "www.example.com"));
}

/* As an older paas-manager leaves it: meta of another format version. */
static void
make_old(struct fixture *fx)
{
	uint8_t key[1], bytes[48] = {[4] = PAAS_ROUTEDB_VERSION - 1};
	MDB_val k = {paas_routedb_key_meta(key), key}, v = {48, bytes};
	char path[200];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	paas_routedb_seal(bytes, sizeof(bytes), key, sizeof(key));
	snprintf(path, sizeof(path), "%s/routes", fx->dir);
	assert_int_equal(0, mdb_env_create(&env));
	assert_int_equal(0, mdb_env_open(env, path, 0, 0600));
	assert_int_equal(0, mdb_txn_begin(env, NULL, 0, &txn));
	assert_int_equal(0, mdb_dbi_open(txn, NULL, 0, &dbi));
	assert_int_equal(0, mdb_put(txn, dbi, &k, &v, 0));
	assert_int_equal(0, mdb_txn_commit(txn));
	mdb_env_close(env);
}

/* The old file is left as it is for those who have it mapped. */
static void
starts_anew_over_another_version(void **state)
{
	struct fixture *fx = *state;
	ino_t before;

	fill(fx);
	before = inode(fx);
	stop(fx);
	make_old(fx);
	start(fx);
	assert_true(before != inode(fx));
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "www.example.com"));
	assert_int_equal(PAAS_ROUTEDB_VERSION, routes_meta(fx).version);
	assert_int_equal(3, routes_meta(fx).nhosts);
}

/* route/h0.test and so on, each with an address. */
static void
put_many(struct fixture *fx, int n)
{
	struct store_txn *txn;
	char key[64];
	json_t *route;
	int i;

	route = json_loads(
	    "{\"paths\":[" PATH("/", "false", INSTANCE("1", "127.0.0.1")) "]}",
	    0, NULL);
	for (i = 0; i < n; i++) {
		txn = store_begin(fx->store);
		snprintf(key, sizeof(key), "route/h%d.test", i);
		store_put(txn, key, route);
		store_commit(txn, NULL, NULL);
	}
	json_decref(route);
	fixture_settle(fx);
}

/* More than fits into one commit. */
static void
takes_many_routes(void **state)
{
	struct fixture *fx = *state;

	stop(fx);
	put_many(fx, 3000);
	start(fx);
	assert_int_equal(3000, routes_meta(fx).nhosts);
	assert_int_equal(3000, routes_meta(fx).npools);
	assert_string_equal(
	    "/ -> running 1@127.0.0.1:9000", routes_of(fx, "h2999.test"));
	del(fx, "route/h17.test");
	assert_int_equal(2999, routes_meta(fx).nhosts);
}

/* Whoever wrote the file last had other settings, or was another version. */
static void
compares_all_after_other_settings(void **state)
{
	struct fixture *fx = *state;

	put(fx, APP, HELLO "}");
	fill(fx);
	stop(fx);
	strlcpy(conf.domain, "other.test", sizeof(conf.domain));
	start(fx);
	assert_string_equal("/ -> hello running 2@198.18.0.2:5000",
	    routes_of(fx, "hello.other.test"));
	assert_string_equal("", routes_of(fx, "hello.paas.test"));
	assert_int_equal(3, routes_meta(fx).nhosts);
	assert_int_equal(3, routes_meta(fx).npools);
}

/* With a long comparison under way, a change is obeyed as fast as ever. */
static void
obeys_changes_first(void **state)
{
	struct fixture *fx = *state;
	uint64_t before;
	char err[PAAS_ERRLEN] = "", boot[64];
	FILE *file;

	put_many(fx, 4000);
	stop(fx);
	assert_non_null(file = fopen("/proc/sys/kernel/random/boot_id", "r"));
	assert_non_null(fgets(boot, sizeof(boot), file));
	fclose(file);
	write_file(fx, "boot", boot);
	fixture_del(fx, "route/h7.test");
	before = routes_meta(fx).generation;
	routing = routing_open(fx->store, &conf, fx->loop, err);
	assert_non_null(routing);
	while (routes_meta(fx).generation == before)
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	fixture_put(fx, "route/h3999.test",
	    "{\"paths\":[" PATH("/", "false", INSTANCE("2", "127.0.0.9")) "]}");
	assert_int_equal(1, sd_event_run(fx->loop, 0));
	assert_string_equal(
	    "/ -> running 2@127.0.0.9:9000", routes_of(fx, "h3999.test"));
	assert_int_equal(0, routing_revision(routing));
	fixture_settle(fx);
	assert_int_equal(store_revision(fx->store), routing_revision(routing));
	assert_int_equal(3999, routes_meta(fx).nhosts);
	assert_int_equal(3999, routes_meta(fx).npools);
}

/* A pool that nothing in the store has: somebody else's, or of a bug. */
static void
strange_pool(struct fixture *fx)
{
	paas_routedb_writer_t *writer;
	paas_routedb_pool_t pool = {.id = 7};
	char path[200];

	snprintf(path, sizeof(path), "%s/routes", fx->dir);
	assert_int_equal(0, paas_routedb_writer_open(&writer, path, 0));
	while (paas_routedb_writer_wait(writer) > 0)
		usleep(10000);
	assert_int_equal(0, paas_routedb_write_begin(writer));
	assert_int_equal(0, paas_routedb_put_pool(writer, &pool, NULL));
	assert_int_equal(0, paas_routedb_put_revision(writer, 0));
	assert_int_equal(0, paas_routedb_commit(writer));
	paas_routedb_writer_close(writer);
}

static void
takes_strange_pools_out(void **state)
{
	struct fixture *fx = *state;

	fill(fx);
	stop(fx);
	strange_pool(fx);
	assert_int_equal(4, routes_meta(fx).npools);
	start(fx);
	assert_int_equal(3, routes_meta(fx).npools);
}

/* ---- kills --------------------------------------------------------------- */

#include "routing_kills.h"

int
main(int argc, char **argv)
{
#define WITH_ROUTING(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)
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
	    WITH_ROUTING(routes_patterns),
	    WITH_ROUTING(keeps_its_keys),
	    cmocka_unit_test(rotates_keys),
	    WITH_ROUTING(catches_up_after_a_start),
	    WITH_ROUTING(starts_anew_after_a_boot),
	    WITH_ROUTING(starts_anew_over_rubbish),
	    WITH_ROUTING(starts_anew_over_another_version),
	    WITH_ROUTING(takes_many_routes),
	    WITH_ROUTING(compares_all_after_other_settings),
	    WITH_ROUTING(obeys_changes_first),
	    WITH_ROUTING(takes_strange_pools_out),
	    cmocka_unit_test(killed_at_each_kind),
	};

	if (kills_parse(&kill_self, argc, argv))
		return kill_main();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
