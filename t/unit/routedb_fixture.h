/* What the unit tests of the route database share. */
#ifndef ROUTEDB_FIXTURE_H
#define ROUTEDB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"

#define OK PAAS_ROUTEDB_OK

static inline paas_routedb_str_t
str(const char *s)
{
	return (paas_routedb_str_t){(const uint8_t *)s, strlen(s)};
}

static inline int
is(paas_routedb_str_t s, const char *want)
{
	return s.len == strlen(want) && memcmp(s.data, want, s.len) == 0;
}

/* A directory that does not exist yet, in *state. */
static inline int
make_place(void **state)
{
	char *dir = strdup("/tmp/paas-routedb-XXXXXX");

	if (dir == NULL || mkdtemp(dir) == NULL || rmdir(dir) == -1)
		return -1;
	*state = dir;
	return 0;
}

static inline int
remove_place(void **state)
{
	static const char *const names[] = {
	    "data.mdb", "lock.mdb", "writer.lock"};
	char path[64];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", (char *)*state, names[i]);
		unlink(path);
	}
	rmdir(*state);
	free(*state);
	return 0;
}

/* n instances with ids from first on, at 10.0.0.1 and up, port 9000. */
static inline void
make_instances(paas_routedb_instance_t *in, uint32_t n, uint64_t first)
{
	memset(in, 0, n * sizeof(*in));
	for (uint32_t i = 0; i < n; i++) {
		in[i].id = first + i;
		in[i].addr[10] = in[i].addr[11] = 0xff;
		in[i].addr[12] = 10;
		in[i].addr[15] = (uint8_t)(i + 1);
		in[i].port = 9000;
		in[i].weight = 100;
	}
}

static inline int
put_pool(paas_routedb_writer_t *w, uint64_t id, uint32_t n)
{
	paas_routedb_instance_t in[64];
	paas_routedb_pool_t pool = {
	    .id = id, .app = str("app"), .type = str("web"), .ninstances = n};

	make_instances(in, n, id * 1000);
	return paas_routedb_put_pool(w, &pool, in);
}

static inline paas_routedb_path_t
make_path(const char *prefix, uint64_t pool)
{
	return (paas_routedb_path_t){.prefix = str(prefix),
	    .ntargets = 1,
	    .targets = {{.pool = pool, .weight = 100}}};
}

static inline int
put_host(paas_routedb_writer_t *w, const char *name, uint64_t pool)
{
	paas_routedb_path_t path = make_path("/", pool);

	return paas_routedb_put_host(w, str(name), &path, 1);
}

/* Waits out the grace of an old database. */
static inline paas_routedb_writer_t *
open_writer(const char *dir)
{
	paas_routedb_writer_t *w = NULL;

	assert_int_equal(paas_routedb_writer_open(&w, dir, 0), OK);
	while (paas_routedb_writer_wait(w) > 0)
		usleep(1000);
	return w;
}

static inline paas_routedb_reader_t *
open_reader(const char *dir)
{
	paas_routedb_reader_t *reader = NULL;
	uint64_t txn;

	assert_int_equal(paas_routedb_reader_open(&reader, dir), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	return reader;
}

static inline void
close_reader(paas_routedb_reader_t *reader)
{
	assert_int_equal(paas_routedb_end(reader), OK);
	paas_routedb_reader_close(reader);
}

static inline void
write_hosts(const char *dir, const char *const *names, size_t n)
{
	paas_routedb_writer_t *w = open_writer(dir);

	assert_int_equal(paas_routedb_write_begin(w), OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(put_pool(w, i + 1, 2), OK);
		assert_int_equal(put_host(w, names[i], i + 1), OK);
	}
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);
}

static inline paas_routedb_writer_t *
begin_writer(const char *dir)
{
	paas_routedb_writer_t *w = open_writer(dir);

	assert_int_equal(paas_routedb_writer_nosync(w, 1), OK);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	return w;
}

static inline void
check_meta(
    paas_routedb_writer_t *w, uint64_t nhosts, uint64_t npools, uint64_t depths)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_meta_t meta;
	char err[256];
	uint64_t txn;

	assert_int_equal(paas_routedb_commit(w), OK);
	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(paas_routedb_get_meta(reader, &meta), OK);
	assert_int_equal(paas_routedb_end(reader), OK);
	assert_int_equal(meta.nhosts, nhosts);
	assert_int_equal(meta.npools, npools);
	assert_int_equal(meta.depths[0], depths);
	assert_int_equal(paas_routedb_write_begin(w), OK);
}

static inline char *
data_path(const char *dir)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	return path;
}

/* Writes raw records, as someone else's program would. */
static inline void
write_raw(const char *dir, MDB_val key, MDB_val value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

#endif
