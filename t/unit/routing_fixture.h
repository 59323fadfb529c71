/*
 * The routing stage over a store, which may be stopped and started as the
 * manager is.
 */
#ifndef PAAS_ROUTING_FIXTURE_H
#define PAAS_ROUTING_FIXTURE_H

#include "routes_fixture.h"

#include "routing/routing.h"

static struct conf conf;
static struct routing *routing;

static inline int
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

static inline int
teardown(void **state)
{
	routing_close(routing);
	return fixture_teardown(state);
}

/* A stop and a start of the manager; the store may be changed between. */
static inline void
stop(struct fixture *fx)
{
	routing_close(routing);
	routing = NULL;
	(void)fx;
}

/* Until it has written all, which it may do only after the readers' grace. */
static inline void
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

static inline void
put(struct fixture *fx, const char *key, const char *text)
{
	fixture_put(fx, key, text);
	fixture_settle(fx);
}

static inline void
del(struct fixture *fx, const char *key)
{
	fixture_del(fx, key);
	fixture_settle(fx);
}

/* Into the folder of the route database. */
static inline void
write_file(struct fixture *fx, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/routes/%s", fx->dir, name);
	assert_non_null(file = fopen(path, "w"));
	fputs(text, file);
	fclose(file);
}

#define APP   "app/hello"
#define HELLO "{\"number\":\"0000000000000007\",\"version\":1"
#define LIVE  "{\"live\":1,\"target\":1,\"failed\":0}"

/* actual/local/00000007NNNNNNNN */
static inline void
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

#define INSTANCE(id, address)                                              \
	"{\"address\":\"" address "\",\"port\":9000,\"weight\":50,\"id\":" \
	"\"000000000000000" id "\"}"
#define PATH(prefix, strip, instances)                                     \
	"{\"prefix\":\"" prefix "\",\"strip\":" strip                      \
	",\"pool\":{\"balance\":\"round_robin\",\"instances\":[" instances \
	"]}}"

/* "10 TEXT; 20 TEXT" */
static inline const char *
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

#define WITH_ROUTING(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
