/* sources: manager/schedule/idle.c manager/schedule/load.c manager/store/[k-s]*.c manager/common/log.c; libs: -llmdb -ljansson -lsystemd -lsodium */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "schedule/idle.h"
#include "store/scale.h"

#define SECOND 1000000ULL

static void
counts_idle_time(void **state)
{
	static const struct {
		uint64_t at; /* seconds */
		int known;   /* did the router say anything? */
		uint64_t requests, in_flight;
		uint64_t idle; /* seconds */
	} looks[] = {
	    {100, 1, 7, 0, 0},     /* the first look */
	    {110, 1, 7, 0, 10},    /* nothing since */
	    {115, 1, 8, 0, 0},     /* one has come and gone in between */
	    {130, 1, 8, 0, 15},    /* */
	    {131, 1, 8, 1, 0},     /* a connection is open */
	    {900, 1, 8, 1, 0},     /* a websocket that says nothing */
	    {901, 1, 9, 0, 0},     /* it was closed */
	    {930, 1, 9, 0, 29},    /* */
	    {940, 0, 0, 0, 0},     /* the router does not answer */
	    {950, 1, 9, 0, 0},     /* so it begins anew */
	    {960, 1, 9, 0, 10},    /* */
	    {970, 1, 0, 0, 0},     /* the router was started anew */
	    {1970, 1, 0, 0, 1000}, /* */
	};
	struct idle idle = {0};
	struct load load;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		memset(&load, 0, sizeof(load));
		load.requests = looks[i].requests;
		load.in_flight = looks[i].in_flight;
		assert_int_equal(looks[i].idle * SECOND,
		    idle_look(&idle, looks[i].known ? &load : NULL,
			looks[i].at * SECOND));
	}
}

struct two {
	struct load shop, other;
};

static struct load *
find(const char *app, void *arg)
{
	struct two *two = arg;

	return strcmp(app, "shop") == 0    ? &two->shop
	       : strcmp(app, "other") == 0 ? &two->other
					   : NULL;
}

#define LE                                                              \
	"\"latency_ms\":{\"sum\":9,\"le\":{\"5\":1,\"10\":2,\"25\":3,"  \
	"\"50\":4,\"100\":5,\"250\":6,\"500\":7,\"1000\":8,\"2500\":9," \
	"\"5000\":10,\"10000\":11,\"inf\":12}}"

static void
reads_pages(void **state)
{
	static const char good[] =
	    "{\"instances\":["
	    "{\"app\":\"shop\",\"type\":\"web\",\"in_flight\":2,"
	    "\"requests\":10," LE "},"
	    "{\"app\":\"shop\",\"type\":\"web\",\"in_flight\":3,"
	    "\"requests\":20," LE "},"
	    "{\"app\":\"shop\",\"type\":\"\",\"in_flight\":9,"
	    "\"requests\":9," LE "},"
	    "{\"app\":\"else\",\"type\":\"web\",\"in_flight\":\"x\"}],"
	    "\"held\":{\"requests\":9,\"pools\":["
	    "{\"app\":\"shop\",\"type\":\"web\",\"requests\":4}]}}";
	static const char *const bad[] = {"{}", "[]", "{\"instances\":[]}",
	    "{\"instances\":[],\"held\":{\"pools\":3}}",
	    "{\"instances\":[{\"app\":\"shop\",\"type\":\"web\"}],"
	    "\"held\":{\"pools\":[]}}",
	    "{\"instances\":[{\"app\":\"shop\",\"type\":\"web\","
	    "\"in_flight\":-1,\"requests\":1," LE "}],"
	    "\"held\":{\"pools\":[]}}",
	    "{\"instances\":[],\"held\":{\"pools\":["
	    "{\"app\":\"shop\",\"type\":\"web\",\"requests\":\"4\"}]}}"};
	struct two two = {0};
	json_t *page = json_loads(good, 0, NULL);
	size_t i;

	(void)state;
	assert_int_equal(0, load_read(page, find, &two));
	json_decref(page);
	assert_int_equal(2 + 3 + 4, two.shop.in_flight);
	assert_int_equal(30, two.shop.requests);
	assert_int_equal(2, two.shop.latency[0]);
	assert_int_equal(24, two.shop.latency[LOAD_BUCKETS - 1]);
	assert_int_equal(0, two.other.requests);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		page = json_loads(bad[i], 0, NULL);
		assert_non_null(page);
		assert_int_equal(-1, load_read(page, find, &two));
		json_decref(page);
	}
}

/* What was written of an app holds only as long as nobody said otherwise. */
static void
knows_who_sleeps(void **state)
{
	static const struct {
		const char *app, *scale;
		int web, worker;
	} cases[] = {
	    {"{\"sleep\":{\"after\":9},\"version\":3}",
		"{\"asleep\":true,\"version\":3}", 1, 0},
	    {"{\"sleep\":{\"after\":9,\"all\":true},\"version\":3}",
		"{\"asleep\":true,\"version\":3}", 1, 1},
	    {"{\"sleep\":{\"after\":9},\"version\":3}",
		"{\"asleep\":false,\"version\":3}", 0, 0},
	    {"{\"sleep\":{\"after\":9},\"version\":4}",
		"{\"asleep\":true,\"version\":3}", 0, 0},
	    {"{\"sleep\":{\"after\":9},\"version\":3,\"generation\":1}",
		"{\"asleep\":true,\"version\":3}", 0, 0},
	    {"{\"sleep\":{\"after\":9},\"version\":3,\"stopped\":true}",
		"{\"asleep\":true,\"version\":3}", 0, 0},
	    {"{\"version\":3}", "{\"asleep\":true,\"version\":3}", 0, 0},
	};
	json_t *app, *scale;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		app = json_loads(cases[i].app, 0, NULL);
		scale = json_loads(cases[i].scale, 0, NULL);
		assert_int_equal(cases[i].web, scale_sleeps(app, scale, "web"));
		assert_int_equal(
		    cases[i].worker, scale_sleeps(app, scale, "worker"));
		assert_int_equal(0, scale_sleeps(app, NULL, "web"));
		json_decref(app);
		json_decref(scale);
	}
	assert_int_equal(0, scale_asleep(NULL, NULL));
}

static void
knows_how_many(void **state)
{
	static const struct {
		const char *formation, *scale, *type;
		uint32_t set, is;
	} cases[] = {
	    {"{}", "{\"web\":5}", "web", 2, 2},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{\"web\":3}", "web", 1,
		3},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{\"web\":9}", "web", 1,
		4},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{\"web\":1}", "web", 1,
		2},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{}", "web", 3, 3},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{}", "web", 9, 4},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{\"web\":3}", "web", 0,
		0},
	    {"{\"autoscale\":{\"min\":2,\"max\":4}}", "{\"web\":3}", "worker",
		1, 1},
	    {"{\"autoscale\":{\"min\":5,\"max\":4}}", "{\"web\":3}", "web", 1,
		1},
	};
	json_t *formation, *scale;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		formation = json_loads(cases[i].formation, 0, NULL);
		scale = json_loads(cases[i].scale, 0, NULL);
		assert_int_equal(cases[i].is, scale_quantity(formation, scale,
						  cases[i].type, cases[i].set));
		json_decref(formation);
		json_decref(scale);
	}
	assert_int_equal(3, scale_quantity(NULL, NULL, "web", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_idle_time),
	    cmocka_unit_test(reads_pages),
	    cmocka_unit_test(knows_who_sleeps),
	    cmocka_unit_test(knows_how_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
