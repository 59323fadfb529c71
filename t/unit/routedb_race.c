/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
/*
 * Readers without a lock beside a writer that commits, or is killed.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "routedb_fixture.h"

struct shared {
	volatile int stop;
	volatile uint64_t reads, bad, late;
};

/*
 * Commit n puts n into every pool and host: whatever a reader finds in one
 * read must be of one commit.
 */
static void
put_all(paas_routedb_writer_t *w, uint32_t n)
{
	paas_routedb_instance_t in[8];
	char name[32];

	make_instances(in, 8, 1);
	for (uint32_t i = 0; i < 200; i++) {
		paas_routedb_pool_t pool = {.id = i + 1,
		    .ninstances = 1 + (n + i) % 8,
		    .concurrency = n};

		in[0].since = n;
		assert_int_equal(paas_routedb_put_pool(w, &pool, in), OK);
		snprintf(name, sizeof(name), "h%u.example.com", i);
		if (n == 1 || (n + i) % 5 == 0)
			assert_int_equal(put_host(w, name, i + 1), OK);
	}
	assert_int_equal(paas_routedb_put_revision(w, n), OK);
}

static int
read_some(paas_routedb_reader_t *reader, unsigned *seed)
{
	paas_routedb_instance_t in;
	paas_routedb_host_t host;
	paas_routedb_meta_t meta;
	paas_routedb_pool_t pool;
	char name[32];
	uint64_t txn;
	int bad = 0;

	if (paas_routedb_begin(reader, &txn) != OK)
		return 1;
	paas_routedb_get_meta(reader, &meta);
	for (int k = 0; k < 4 && !bad; k++) {
		unsigned i = (unsigned)rand_r(seed) % 200;
		int n = snprintf(name, sizeof(name), "h%u.example.com", i);

		bad = paas_routedb_find_host(reader, name, (size_t)n, &host) !=
			  OK ||
		      paas_routedb_find_pool(
			  reader, k % 2 ? &host : NULL, i + 1, &pool) != OK ||
		      pool.concurrency != meta.revision ||
		      pool.ninstances != 1 + (meta.revision + i) % 8 ||
		      paas_routedb_get_instance(&pool, 0, &in) != OK ||
		      in.since != meta.revision;
	}
	/* One that was held up for long is told so, and is not believed. */
	return paas_routedb_end(reader) == OK ? bad : -1;
}

static void
read_until_stopped(const char *dir, struct shared *s, unsigned seed)
{
	paas_routedb_reader_t *reader;
	int rc;

	if (paas_routedb_reader_open(&reader, dir) != OK) {
		__sync_fetch_and_add(&s->bad, 1);
		return;
	}
	while (!s->stop) {
		rc = read_some(reader, &seed);
		__sync_fetch_and_add(&s->reads, 1);
		if (rc > 0)
			__sync_fetch_and_add(&s->bad, 1);
		if (rc < 0)
			__sync_fetch_and_add(&s->late, 1);
	}
	paas_routedb_reader_close(reader);
}

static void
test_readers_beside_a_writer(void **state)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *seconds = getenv("PAAS_TEST_SECONDS");
	uint64_t end =
	    paas_routedb_now() +
	    1000 * (seconds != NULL ? strtoull(seconds, NULL, 10) : 5);
	paas_routedb_writer_t *w = begin_writer(*state);
	uint32_t commits = 1;
	pid_t pids[2];
	int status;

	put_all(w, commits);
	assert_int_equal(paas_routedb_commit(w), OK);
	for (unsigned i = 0; i < 2; i++)
		if ((pids[i] = fork()) == 0) {
			read_until_stopped(*state, s, i);
			_exit(0);
		}
	while (paas_routedb_now() < end) {
		assert_int_equal(paas_routedb_write_begin(w), OK);
		put_all(w, ++commits);
		assert_int_equal(paas_routedb_commit(w), OK);
	}
	s->stop = 1;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	print_message("# %u commits, %llu reads, %llu too late, %llu bad\n",
	    commits, (unsigned long long)s->reads, (unsigned long long)s->late,
	    (unsigned long long)s->bad);
	assert_int_equal(s->bad, 0);
	assert_true(s->reads > 1000);
	assert_true(commits > 20);
	munmap(s, sizeof(*s));
	paas_routedb_writer_close(w);
}

/* ---- kill -9 ----------------------------------------------------------- */

static void
write_and_tell(const char *dir, int fd)
{
	paas_routedb_writer_t *w;

	if (paas_routedb_writer_open(&w, dir, 0) != OK)
		_exit(1);
	paas_routedb_writer_nosync(w, 1);
	for (uint32_t n = 1;; n++) {
		if (paas_routedb_write_begin(w) != OK)
			_exit(2);
		put_all(w, n);
		if (paas_routedb_commit(w) != OK ||
		    write(fd, &n, sizeof(n)) != sizeof(n))
			_exit(3);
	}
}

/* Kills a writer after a while; the last commit it told of is there. */
static void
kill_one(const char *dir, unsigned ms)
{
	paas_routedb_reader_t *reader;
	paas_routedb_meta_t meta;
	uint32_t n, last = 0;
	char err[256];
	uint64_t txn;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	if ((pid = fork()) == 0) {
		close(pipes[0]);
		write_and_tell(dir, pipes[1]);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
	usleep(ms * 1000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(pipes[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(pipes[0]);
	assert_int_equal(paas_routedb_reader_open(&reader, dir), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	paas_routedb_get_meta(reader, &meta);
	paas_routedb_end(reader);
	assert_in_range(meta.revision, last, last + 1);
	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	paas_routedb_reader_close(reader);
}

static void
test_killed_writer(void **state)
{
	paas_routedb_writer_t *w;
	void *place = NULL;

	srand((unsigned)time(NULL));
	for (int i = 0; i < 30; i++) {
		assert_int_equal(make_place(&place), 0);
		kill_one(place, (unsigned)rand() % 100);
		remove_place(&place);
	}
	/* And the next writer goes on. */
	kill_one(*state, 20);
	w = begin_writer(*state);
	assert_int_equal(paas_routedb_clear(w), OK);
	check_meta(w, 0, 0, 0);
	paas_routedb_writer_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_readers_beside_a_writer),
	    T(test_killed_writer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
