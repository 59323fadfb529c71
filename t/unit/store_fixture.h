/*
 * A store in a folder of its own, and a loop that is run until something is
 * so.
 */
#ifndef PAAS_STORE_FIXTURE_H
#define PAAS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include <bsd/string.h>

#include "store/backend.h"
#include "store/keys.h"
#include "store/store.h"

struct fixture {
	char dir[128];
	char path[160]; /* of the store */
	sd_event *loop;
	struct store *store;
};

struct outcome {
	int done;
	enum store_result result;
	uint64_t rev;
};

static int
fixture_remove_one(
    const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

static inline void
fixture_open(struct fixture *fx)
{
	char err[PAAS_ERRLEN] = "";

	assert_int_equal(0, sd_event_new(&fx->loop));
	fx->store = store_open_lmdb(fx->path, fx->loop, err);
	assert_string_equal("", err);
	assert_non_null(fx->store);
}

static inline void
fixture_close(struct fixture *fx)
{
	store_close(fx->store);
	sd_event_unref(fx->loop);
	fx->store = NULL;
	fx->loop = NULL;
}

static inline int
fixture_setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	strlcpy(fx->dir, "/tmp/paas_unit.XXXXXX", sizeof(fx->dir));
	assert_non_null(mkdtemp(fx->dir));
	snprintf(fx->path, sizeof(fx->path), "%s/store", fx->dir);
	fixture_open(fx);
	*state = fx;
	return 0;
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *fx = *state;

	if (fx->store != NULL)
		fixture_close(fx);
	nftw(fx->dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(fx);
	return 0;
}

static inline void
fixture_done(enum store_result result, uint64_t rev, void *arg)
{
	struct outcome *out = arg;

	out->done++;
	out->result = result;
	out->rev = rev;
}

/* Turns of the loop until nothing is left to do. */
static inline void
fixture_settle(struct fixture *fx)
{
	int rc;

	while ((rc = sd_event_run(fx->loop, 0)) > 0)
		;
	assert_int_equal(0, rc);
}

/* Until *flag, or ten seconds are over. */
static inline void
fixture_wait(struct fixture *fx, const int *flag)
{
	time_t end = time(NULL) + 10;

	while (!*flag && time(NULL) < end)
		assert_true(sd_event_run(fx->loop, 100000) >= 0);
	assert_true(*flag);
}

static inline struct outcome
fixture_commit(struct fixture *fx, struct store_txn *txn)
{
	struct outcome out = {0, STORE_ERROR, 0};

	store_commit(txn, fixture_done, &out);
	assert_int_equal(0, out.done);
	fixture_wait(fx, &out.done);
	assert_int_equal(1, out.done);
	return out;
}

/* One value from JSON text, committed. */
static inline uint64_t
fixture_put(struct fixture *fx, const char *key, const char *text)
{
	struct store_txn *txn = store_begin(fx->store);
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	struct outcome out;

	assert_non_null(value);
	store_put(txn, key, value);
	json_decref(value);
	out = fixture_commit(fx, txn);
	assert_int_equal(STORE_OK, out.result);
	return out.rev;
}

static inline void
fixture_del(struct fixture *fx, const char *key)
{
	struct store_txn *txn = store_begin(fx->store);

	store_del(txn, key);
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

#endif
