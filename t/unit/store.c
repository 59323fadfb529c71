/* sources: manager/store/[k-s]*.c manager/common/log.c; libs: -llmdb -ljansson -lsystemd -lsodium */
#include "store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static void
reads_what_was_put(void **state)
{
	struct fixture *fx = *state;
	uint64_t rev, first, second;
	json_t *value;

	assert_null(store_get(fx->store, "app/a", &rev));
	assert_int_equal(0, rev);
	assert_int_equal(1, store_epoch(fx->store));
	first = fixture_put(fx, "app/a", "{\"x\":1}");
	second = fixture_put(fx, "app/a", "{\"x\":2}");
	assert_int_equal(first + 1, second);
	assert_int_equal(second, store_revision(fx->store));
	value = store_get(fx->store, "app/a", &rev);
	assert_int_equal(second, rev);
	assert_int_equal(2, json_integer_value(json_object_get(value, "x")));
	json_decref(value);
	fixture_del(fx, "app/a");
	assert_null(store_get(fx->store, "app/a", &rev));
}

static void
lasts_beyond_a_close(void **state)
{
	struct fixture *fx = *state;
	uint64_t rev, got;
	json_t *value;

	rev = fixture_put(fx, "app/a", "\"text\"");
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(rev, store_revision(fx->store));
	value = store_get(fx->store, "app/a", &got);
	assert_string_equal("text", json_string_value(value));
	assert_int_equal(rev, got);
	json_decref(value);
}

static void
is_open_only_once(void **state)
{
	struct fixture *fx = *state;
	char err[PAAS_ERRLEN] = "";

	assert_null(store_open_lmdb(fx->path, fx->loop, err));
	assert_non_null(strstr(err, "another paas-manager"));
}

/* ---- lists ------------------------------------------------------------- */

struct seen {
	char keys[256];
	int stop_after;
};

static int
see(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct seen *seen = arg;

	assert_non_null(value);
	assert_true(rev > 0);
	strlcat(seen->keys, key, sizeof(seen->keys));
	strlcat(seen->keys, " ", sizeof(seen->keys));
	return seen->stop_after > 0 && --seen->stop_after == 0 ? 7 : 0;
}

static void
lists_in_order(void **state)
{
	static const char *const keys[] = {
	    "b/2", "a", "b/1", "b", "b0", "b/3", "c/1"};
	struct fixture *fx = *state;
	struct seen seen;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fixture_put(fx, keys[i], "1");
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(0, store_each(fx->store, "b/", see, &seen));
	assert_string_equal("b/1 b/2 b/3 ", seen.keys);
	memset(&seen, 0, sizeof(seen));
	store_each_from(fx->store, "b/", "b/2", see, &seen);
	assert_string_equal("b/2 b/3 ", seen.keys);
	memset(&seen, 0, sizeof(seen));
	store_each_from(fx->store, "b/", "", see, &seen);
	assert_string_equal("b/1 b/2 b/3 ", seen.keys);
	memset(&seen, 0, sizeof(seen));
	seen.stop_after = 2;
	assert_int_equal(7, store_each_last(fx->store, "b/", see, &seen));
	assert_string_equal("b/3 b/2 ", seen.keys);
	memset(&seen, 0, sizeof(seen));
	store_each_last(fx->store, "c/", see, &seen);
	assert_string_equal("c/1 ", seen.keys);
	memset(&seen, 0, sizeof(seen));
	store_each_last(fx->store, "zz/", see, &seen);
	store_each(fx->store, "zz/", see, &seen);
	assert_string_equal("", seen.keys);
}

struct nested {
	struct fixture *fx;
	int n;
};

static int
read_within(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct nested *nested = arg;
	struct seen seen;
	struct store_txn *txn;
	json_t *again;

	(void)value, (void)rev;
	memset(&seen, 0, sizeof(seen));
	store_each(nested->fx->store, "a/", see, &seen);
	assert_string_equal("a/1 a/2 ", seen.keys);
	again = store_get(nested->fx->store, key, NULL);
	assert_non_null(again);
	txn = store_begin(nested->fx->store);
	store_put(txn, "a/0", again);
	store_commit(txn, NULL, NULL);
	json_decref(again);
	nested->n++;
	return 0;
}

static void
reads_and_commits_within_a_list(void **state)
{
	struct fixture *fx = *state;
	struct nested nested = {fx, 0};

	fixture_put(fx, "a/1", "1");
	fixture_put(fx, "a/2", "2");
	store_each(fx->store, "a/", read_within, &nested);
	assert_int_equal(2, nested.n);
	fixture_settle(fx);
	json_decref(store_get(fx->store, "a/0", NULL));
}

/* ---- commits ----------------------------------------------------------- */

static void
refuses_what_does_not_hold(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *txn;
	uint64_t rev, before;

	rev = fixture_put(fx, "a", "1");
	before = store_revision(fx->store);

	txn = store_begin(fx->store);
	store_if(txn, "a", rev + 1);
	store_put(txn, "b", json_true());
	assert_int_equal(STORE_CONFLICT, fixture_commit(fx, txn).result);
	txn = store_begin(fx->store);
	store_put(txn, "b", json_true());
	store_put_new(txn, "a", json_true());
	assert_int_equal(STORE_CONFLICT, fixture_commit(fx, txn).result);
	txn = store_begin(fx->store);
	store_if(txn, "a", 0);
	store_del(txn, "a");
	assert_int_equal(STORE_CONFLICT, fixture_commit(fx, txn).result);
	assert_null(store_get(fx->store, "b", NULL));
	assert_int_equal(before, store_revision(fx->store));

	txn = store_begin(fx->store);
	store_if(txn, "a", rev);
	store_if(txn, "b", 0);
	store_put_new(txn, "b", json_true());
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
}

static void
changes_nothing_without_a_revision(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *txn;
	struct outcome out;

	fixture_put(fx, "a", "1");
	txn = store_begin(fx->store);
	store_del(txn, "not there");
	out = fixture_commit(fx, txn);
	assert_int_equal(STORE_OK, out.result);
	assert_int_equal(out.rev, store_revision(fx->store));
	assert_int_equal(1, store_revision(fx->store));
}

static void
shares_a_turn_but_not_a_fate(void **state)
{
	struct fixture *fx = *state;
	struct outcome out[4];
	struct store_txn *txn;
	int i;

	memset(out, 0, sizeof(out));
	for (i = 0; i < 4; i++) {
		txn = store_begin(fx->store);
		/* The third one expects what the first one has changed. */
		store_if(txn, "a", i == 0 ? 0 : i == 1 ? 0 : 1);
		store_put(txn, i == 3 ? "b" : "a", json_true());
		store_commit(txn, fixture_done, &out[i]);
	}
	fixture_settle(fx);
	for (i = 0; i < 4; i++)
		assert_int_equal(1, out[i].done);
	assert_int_equal(STORE_OK, out[0].result);
	assert_int_equal(1, out[0].rev);
	assert_int_equal(STORE_CONFLICT, out[1].result);
	assert_int_equal(STORE_OK, out[2].result);
	assert_int_equal(2, out[2].rev);
	assert_int_equal(STORE_CONFLICT, out[3].result);
	assert_null(store_get(fx->store, "b", NULL));
}

static void
keeps_its_limits(void **state)
{
	char *large = malloc(STORE_BYTES_MAX + 1), key[64];
	struct fixture *fx = *state;
	struct store_txn *txn;
	json_t *value;
	int i;

	txn = store_begin(fx->store);
	for (i = 0; i < STORE_OPS_MAX; i++) {
		snprintf(key, sizeof(key), "key/%d", i);
		store_put(txn, key, json_true());
		store_if(txn, key, 0);
	}
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);

	txn = store_begin(fx->store);
	for (i = 0; i <= STORE_OPS_MAX; i++) {
		snprintf(key, sizeof(key), "key/%d", i);
		store_del(txn, key);
	}
	assert_int_equal(STORE_TOO_LARGE, fixture_commit(fx, txn).result);
	json_decref(store_get(fx->store, "key/0", NULL));

	memset(large, 'x', STORE_BYTES_MAX);
	large[STORE_BYTES_MAX] = '\0';
	value = json_string(large);
	txn = store_begin(fx->store);
	store_put(txn, "large", value);
	assert_int_equal(STORE_TOO_LARGE, fixture_commit(fx, txn).result);
	json_decref(value);
	free(large);

	txn = store_begin(fx->store);
	store_put(txn, "twice", json_true());
	store_del(txn, "twice");
	assert_int_equal(STORE_ERROR, fixture_commit(fx, txn).result);
	store_abandon(store_begin(fx->store));
}

static off_t
file_size(const char *dir)
{
	char path[256];
	struct stat sb;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	assert_int_equal(0, stat(path, &sb));
	return sb.st_size;
}

/* ---- a full disk ------------------------------------------------------- */

static struct store_txn *
put_bytes(struct store *st, const char *key, size_t n)
{
	struct store_txn *txn = store_begin(st);
	char *text = malloc(n + 1);
	json_t *value;

	memset(text, 'x', n);
	text[n] = '\0';
	value = json_string(text);
	store_put(txn, key, value);
	json_decref(value);
	free(text);
	return txn;
}

static void
refuses_only_what_does_not_fit(void **state)
{
	struct fixture *fx = *state;
	struct outcome out[3];
	char err[PAAS_ERRLEN], path[200];
	struct store *st;

	snprintf(path, sizeof(path), "%s/small", fx->dir);
	st = store_open_lmdb_sized(path, fx->loop, 256 * 1024, err);
	assert_non_null(st);
	memset(out, 0, sizeof(out));
	store_commit(put_bytes(st, "a", 100), fixture_done, &out[0]);
	store_commit(put_bytes(st, "b", 300 * 1024), fixture_done, &out[1]);
	store_commit(put_bytes(st, "c", 100), fixture_done, &out[2]);
	fixture_settle(fx);
	assert_int_equal(STORE_OK, out[0].result);
	assert_int_equal(STORE_FULL, out[1].result);
	assert_int_equal(STORE_OK, out[2].result);
	assert_int_equal(2, store_revision(st));
	assert_true(file_size(path) <= 256 * 1024);
	assert_null(store_get(st, "b", NULL));
	json_decref(store_get(st, "c", NULL));
	store_close(st);
}

/* ---- the file ----------------------------------------------------------- */

/* Commits find room in the file, and what is behind their pages is none. */
static void
makes_room_ahead(void **state)
{
	struct fixture *fx = *state;
	char key[64];
	struct outcome out;
	off_t size = file_size(fx->path), before;
	int i, longer = 0;

	assert_true(size >= 1024 * 1024);
	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key/%03d", i);
		before = file_size(fx->path);
		out = fixture_commit(fx, put_bytes(fx->store, key, 10000));
		assert_int_equal(STORE_OK, out.result);
		longer += file_size(fx->path) != before;
	}
	/* 3 MB in all. */
	assert_in_range(longer, 2, 5);
	size = file_size(fx->path);
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(size, file_size(fx->path));
	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key/%03d", i);
		fixture_del(fx, key);
	}
	assert_int_equal(size, file_size(fx->path));
}

/* ---- watches ----------------------------------------------------------- */

struct log {
	char text[512];
	struct store_watch *watch;
};

static void
log_change(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct log *log = arg;
	char line[128];

	snprintf(line, sizeof(line), "%s%s@%d ", value == NULL ? "-" : "+", key,
	    (int)rev);
	strlcat(log->text, line, sizeof(log->text));
}

static void
log_done(enum store_result result, uint64_t rev, void *arg)
{
	(void)rev;
	strlcat(((struct log *)arg)->text, result == STORE_OK ? "ok " : "no ",
	    sizeof(((struct log *)arg)->text));
}

static void
tells_before_it_answers(void **state)
{
	struct fixture *fx = *state;
	struct store_watch *watch;
	struct store_txn *txn;
	struct log log;

	fixture_put(fx, "a/1", "1");
	memset(&log, 0, sizeof(log));
	watch = store_watch(fx->store, "a/", log_change, &log);
	txn = store_begin(fx->store);
	store_put(txn, "a/2", json_true());
	store_put(txn, "b/2", json_true());
	store_del(txn, "a/1");
	store_del(txn, "a/none");
	store_commit(txn, log_done, &log);
	txn = store_begin(fx->store);
	store_put_new(txn, "a/2", json_true());
	store_commit(txn, log_done, &log);
	txn = store_begin(fx->store);
	store_put(txn, "a/3", json_true());
	store_commit(txn, log_done, &log);
	fixture_settle(fx);
	assert_string_equal("+a/2@2 -a/1@2 ok no +a/3@3 ok ", log.text);
	store_unwatch(watch);
	log.text[0] = '\0';
	fixture_put(fx, "a/4", "1");
	assert_string_equal("", log.text);
}

static void
leave_at_once(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct log *log = arg;

	log_change(key, value, rev, arg);
	store_unwatch(log->watch);
	store_unwatch(log[1].watch);
}

static void
may_be_left_from_within(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *txn;
	struct log log[2];

	memset(log, 0, sizeof(log));
	log[0].watch = store_watch(fx->store, "", leave_at_once, &log[0]);
	log[1].watch = store_watch(fx->store, "", log_change, &log[1]);
	txn = store_begin(fx->store);
	store_put(txn, "a", json_true());
	store_put(txn, "b", json_true());
	assert_int_equal(STORE_OK, fixture_commit(fx, txn).result);
	assert_string_equal("+a@1 ", log[0].text);
	assert_string_equal("", log[1].text);
}

/* ---- the timeline ------------------------------------------------------ */

static int
count(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)value, (void)rev;
	++*(int *)arg;
	return 0;
}

static int
collect(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct seen *seen = arg;

	(void)key, (void)rev;
	assert_true(json_integer_value(json_object_get(value, "at")) > 0);
	strlcat(seen->keys, json_string_value(json_object_get(value, "text")),
	    sizeof(seen->keys));
	return 0;
}

static void
orders_events_by_commit(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *first, *second;
	struct seen seen;

	memset(&seen, 0, sizeof(seen));
	first = store_begin(fx->store);
	second = store_begin(fx->store);
	store_event(second, "hello", "a", "%s", "3 ");
	store_event(first, "hello", "b", "%s", "1 ");
	store_event(first, "hello", "c", "%s", "2 ");
	store_event(second, "hello", "d", "\xff%s", "4 ");
	store_put(first, "x", json_true());
	store_commit(first, NULL, NULL);
	store_commit(second, NULL, NULL);
	fixture_settle(fx);
	store_each(fx->store, "event/hello/", collect, &seen);
	assert_string_equal("1 2 3 ?4 ", seen.keys);
}

static int
count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int c, n = 0;

	if (file == NULL)
		return -1;
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static void
moves_old_events_to_a_file(void **state)
{
	struct fixture *fx = *state;
	struct store_txn *txn;
	char path[256];
	int i, n = 0;

	fixture_put(fx, "app/hello", "{}");
	for (i = 0; i < 1300; i++) {
		txn = store_begin(fx->store);
		store_event(txn, "hello", "test", "number %d", i);
		store_commit(txn, NULL, NULL);
		if (i % 30 == 0)
			fixture_settle(fx);
	}
	fixture_settle(fx);
	store_each(fx->store, "event/hello/", count, &n);
	assert_in_range(
	    n, STORE_EVENTS_KEPT, STORE_EVENTS_KEPT + STORE_OPS_MAX + 30);
	snprintf(path, sizeof(path), "%s/events/hello", fx->path);
	assert_int_equal(1300 - n, count_lines(path));

	fixture_del(fx, "app/hello");
	assert_int_equal(-1, count_lines(path));
}

static void
sweeps_files_of_apps_gone(void **state)
{
	struct fixture *fx = *state;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/events/gone.1", fx->path);
	assert_true((fd = open(path, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	fixture_close(fx);
	fixture_open(fx);
	assert_int_equal(-1, access(path, F_OK));
}

int
main(void)
{
#define WITH_STORE(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    WITH_STORE(reads_what_was_put),
	    WITH_STORE(lasts_beyond_a_close),
	    WITH_STORE(is_open_only_once),
	    WITH_STORE(lists_in_order),
	    WITH_STORE(reads_and_commits_within_a_list),
	    WITH_STORE(refuses_what_does_not_hold),
	    WITH_STORE(changes_nothing_without_a_revision),
	    WITH_STORE(shares_a_turn_but_not_a_fate),
	    WITH_STORE(keeps_its_limits),
	    WITH_STORE(refuses_only_what_does_not_fit),
	    WITH_STORE(makes_room_ahead),
	    WITH_STORE(tells_before_it_answers),
	    WITH_STORE(may_be_left_from_within),
	    WITH_STORE(orders_events_by_commit),
	    WITH_STORE(moves_old_events_to_a_file),
	    WITH_STORE(sweeps_files_of_apps_gone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
