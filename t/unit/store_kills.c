/* sources: manager/store/[k-s]*.c manager/common/log.c; libs: -llmdb -ljansson -lsystemd -lsodium */
/*
 * A process that commits is killed, again and again: what it was told of is
 * there, what it was not told of is there as a whole or not at all.
 */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static int
count(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)value, (void)rev;
	++*(int *)arg;
	return 0;
}

/*
 * Several at once, whose commits share turns: with each comes one that is
 * refused, and must not take the others along.
 */
#define WRITERS 3

struct writer {
	int fd;
	uint32_t w, n;
	struct fixture *fx;
};

struct acked {
	uint32_t w, n;
};

static void write_next(struct writer *);

static void
write_acked(enum store_result result, uint64_t rev, void *arg)
{
	struct writer *writer = arg;
	struct acked acked = {writer->w, writer->n};

	(void)rev;
	if (result != STORE_OK ||
	    write(writer->fd, &acked, sizeof(acked)) != sizeof(acked))
		_exit(1);
	writer->n++;
	write_next(writer);
}

static void
write_refused(enum store_result result, uint64_t rev, void *arg)
{
	(void)rev, (void)arg;
	if (result != STORE_CONFLICT)
		_exit(1);
}

/* Two keys a commit, to see that none comes without the other. */
static void
write_next(struct writer *writer)
{
	struct store_txn *txn = store_begin(writer->fx->store);
	char key[64];

	snprintf(key, sizeof(key), "left/%u/%08x", writer->w, writer->n);
	store_put_new(txn, key, json_true());
	snprintf(key, sizeof(key), "right/%u/%08x", writer->w, writer->n);
	store_put_new(txn, key, json_true());
	store_event(txn, "hello", "test", "number %u", writer->n);
	store_commit(txn, write_acked, writer);

	txn = store_begin(writer->fx->store);
	store_put(txn, "never", json_true());
	store_if(txn, "never", 1);
	store_event(txn, "hello", "never", "it is refused");
	store_commit(txn, write_refused, NULL);
}

static void
write_until_killed(struct fixture *fx, int fd, const uint32_t from[WRITERS])
{
	struct writer writers[WRITERS];
	char err[PAAS_ERRLEN];

	if (sd_event_new(&fx->loop) < 0 ||
	    (fx->store = store_open_lmdb(fx->path, fx->loop, err)) == NULL)
		_exit(1);
	for (uint32_t w = 0; w < WRITERS; w++) {
		writers[w] = (struct writer){fd, w, from[w], fx};
		write_next(&writers[w]);
	}
	sd_event_loop(fx->loop);
	_exit(1);
}

/* acked: how many each of them had told of, before and afterwards. */
static void
kill_a_writer(struct fixture *fx, uint32_t acked[WRITERS])
{
	struct timespec nap = {0, 0};
	struct acked last;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(0, pipe(fds));
	if ((pid = fork()) == 0) {
		close(fds[0]);
		write_until_killed(fx, fds[1], acked);
	}
	close(fds[1]);
	/* Not before it is at work. */
	assert_int_equal(sizeof(last), read(fds[0], &last, sizeof(last)));
	acked[last.w] = last.n + 1;
	nap.tv_nsec = rand() % 20000000;
	nanosleep(&nap, NULL);
	kill(pid, SIGKILL);
	while (read(fds[0], &last, sizeof(last)) == sizeof(last))
		acked[last.w] = last.n + 1;
	close(fds[0]);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFSIGNALED(status));
}

/* left/W/N has a revision of its own, which right/W/N has, too. */
struct pairs {
	struct fixture *fx;
	size_t n;
	uint64_t revs[65536];
};

static int
check_pair(const char *key, uint64_t rev, void *arg)
{
	struct pairs *pairs = arg;
	char right[64];
	uint64_t other;

	snprintf(right, sizeof(right), "right/%s", key + strlen("left/"));
	json_decref(store_get(pairs->fx->store, right, &other));
	assert_int_equal(rev, other);
	assert_true(pairs->n < 65536);
	pairs->revs[pairs->n++] = rev;
	return 0;
}

static int
compare_revs(const void *a, const void *b)
{
	const uint64_t *one = a, *two = b;

	return *one < *two ? -1 : *one > *two;
}

static void
check_pairs(struct fixture *fx)
{
	struct pairs *pairs = calloc(1, sizeof(*pairs));
	int rights = 0;

	pairs->fx = fx;
	store_each_key(fx->store, "left/", "left/", check_pair, pairs);
	store_each(fx->store, "right/", count, &rights);
	assert_int_equal(pairs->n, rights);
	qsort(pairs->revs, pairs->n, sizeof(pairs->revs[0]), compare_revs);
	for (size_t i = 1; i < pairs->n; i++)
		assert_true(pairs->revs[i - 1] < pairs->revs[i]);
	assert_true(pairs->revs[pairs->n - 1] <= store_revision(fx->store));
	free(pairs);
	assert_null(store_get(fx->store, "never", NULL));
}

static void
loses_nothing_when_killed(void **state)
{
	struct fixture *fx = *state;
	uint32_t acked[WRITERS] = {0};
	char prefix[64];
	int i, n;

	fixture_close(fx);
	srand((unsigned int)getpid());
	for (i = 0; i < 25; i++) {
		kill_a_writer(fx, acked);
		fixture_open(fx);
		for (unsigned int w = 0; w < WRITERS; w++) {
			n = 0;
			snprintf(prefix, sizeof(prefix), "left/%u/", w);
			store_each(fx->store, prefix, count, &n);
			/* The one in flight may be there or not. */
			assert_in_range(n, acked[w], acked[w] + 1);
			acked[w] = (uint32_t)n;
		}
		check_pairs(fx);
		fixture_close(fx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		loses_nothing_when_killed, fixture_setup, fixture_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
