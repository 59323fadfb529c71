/* sources: manager/store/[k-s]*.c manager/common/log.c; libs: -llmdb -ljansson -lsystemd -lsodium */
/*
 * Commits that let requests go first.
 */
#include "store_fixture.h"

/* Requests that never end, as an upload is. */
static int
be_busy(sd_event_source *source, void *arg)
{
	++*(int *)arg;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* A request that is there: it commits, too. */
struct request {
	struct store *store;
	struct outcome out[2];
};

static int
be_a_request(sd_event_source *source, void *arg)
{
	struct request *r = arg;
	struct store_txn *txn;

	(void)source;
	assert_int_equal(0, r->out[0].done);
	txn = store_begin(r->store);
	store_put(txn, "b", json_true());
	store_commit(txn, fixture_done, &r->out[1]);
	return 0;
}

static void
lets_requests_go_first(void **state)
{
	struct fixture *fx = *state;
	struct request r = {fx->store, {{0}, {0}}};
	struct outcome *out = r.out;
	sd_event_source *request;
	struct store_txn *txn;

	fx->store->later_us = 600 * 1000 * 1000; /* on no machine */
	assert_true(
	    sd_event_add_defer(fx->loop, &request, be_a_request, &r) >= 0);
	sd_event_source_set_priority(request, SD_EVENT_PRIORITY_NORMAL + 10);
	txn = store_begin(fx->store);
	store_put(txn, "a", json_true());
	store_commit_later(txn, fixture_done, &out[0]);
	while (!out[0].done)
		sd_event_run(fx->loop, UINT64_MAX);
	/* In one go, and in the order in which they came. */
	assert_int_equal(1, out[1].done);
	assert_int_equal(1, out[0].rev);
	assert_int_equal(2, out[1].rev);
	sd_event_source_unref(request);
}

static void
waits_for_requests_but_not_for_ever(void **state)
{
	struct fixture *fx = *state;
	sd_event_source *busy;
	struct outcome out = {0};
	struct store_txn *txn;
	int i, turns = 0;

	assert_true(sd_event_add_defer(fx->loop, &busy, be_busy, &turns) >= 0);
	sd_event_source_set_priority(busy, SD_EVENT_PRIORITY_NORMAL + 10);
	for (i = 0; i < 3; i++) {
		memset(&out, 0, sizeof(out));
		turns = 0;
		txn = store_begin(fx->store);
		store_put(txn, "a", json_true());
		store_commit_later(txn, fixture_done, &out);
		while (!out.done)
			sd_event_run(fx->loop, UINT64_MAX);
		assert_int_equal(STORE_OK, out.result);
	}
	sd_event_source_disable_unref(busy);
	txn = store_begin(fx->store);
	store_put(txn, "b", json_true());
	store_commit_later(txn, fixture_done, &out);
	out.done = 0;
	while (!out.done)
		sd_event_run(fx->loop, UINT64_MAX);
	json_decref(store_get(fx->store, "b", NULL));
}

int
main(void)
{
#define WITH_STORE(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    WITH_STORE(lets_requests_go_first),
	    WITH_STORE(waits_for_requests_but_not_for_ever),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
