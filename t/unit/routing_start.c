/* sources: manager/routing/[c-s]?*.c manager/store/[f-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -Wl,--wrap=routing_app_apply,--wrap=routing_host_apply,--wrap=routing_pattern_apply,--wrap=routing_keys_apply,--wrap=routing_pool_apply,--wrap=routing_db_commit -llmdb -ljansson -lsystemd -lsodium */
/*
 * What of the routes outlives the manager: its keys, and what it finds at its
 * start.
 */
#include "routing_fixture.h"

#include <sys/stat.h>

#include "internal.h"
#include "routing/routing_keys.h"

/* ---- keys -------------------------------------------------------------- */

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
	const struct CMUnitTest tests[] = {
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
