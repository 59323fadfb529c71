/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "routedb_fixture.h"
#include "writer.h"

/* Ends a commit and begins the next. */
static void
next_commit(paas_routedb_writer_t *w)
{
	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_write_begin(w), OK);
}

/* Does host carry a copy of its pool, and is there a pool to be found? */
static void
check_copy(paas_routedb_writer_t *w, const char *name, uint64_t id, int copy,
    uint32_t ninstances)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_host_t host;
	paas_routedb_pool_t pool;
	uint64_t txn;

	/* The open transaction shows at once. */
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(
	    paas_routedb_find_host(reader, name, strlen(name), &host), OK);
	assert_int_equal(host.inline_pool.len > 0, copy);
	assert_int_equal(paas_routedb_find_pool(reader, &host, id, &pool), OK);
	assert_int_equal(pool.ninstances, ninstances);
	assert_int_equal(paas_routedb_end(reader), OK);
}

static void
test_counts_and_depths(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);

	next_commit(w);
	check_meta(w, 0, 0, 0);
	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(put_pool(w, 1, 2), OK);
	assert_int_equal(put_host(w, "a.com", 1), OK);
	assert_int_equal(put_host(w, "a.com", 1), OK);
	assert_int_equal(put_host(w, ".a.com", 1), OK);
	assert_int_equal(put_host(w, ".b.com", 1), OK);
	assert_int_equal(put_host(w, ".x.b.com", 1), OK);
	assert_int_equal(put_host(w, ".com", 1), OK);
	check_meta(w, 5, 1, 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(put_host(w, ".", 1), OK);
	check_meta(w, 6, 1, 1 | 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(paas_routedb_del_host(w, str(".")), OK);
	assert_int_equal(paas_routedb_del_host(w, str(".a.com")), OK);
	check_meta(w, 4, 1, 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(paas_routedb_del_host(w, str(".b.com")), OK);
	assert_int_equal(
	    paas_routedb_del_host(w, str(".b.com")), PAAS_ROUTEDB_ENOTFOUND);
	check_meta(w, 3, 1, 1 << 1 | 1 << 3);
	assert_int_equal(paas_routedb_del_pool(w, 1), OK);
	assert_int_equal(paas_routedb_del_pool(w, 1), PAAS_ROUTEDB_ENOTFOUND);
	check_meta(w, 3, 0, 1 << 1 | 1 << 3);
	assert_int_equal(paas_routedb_clear(w), OK);
	check_meta(w, 0, 0, 0);
	paas_routedb_writer_close(w);
}

static void
test_copies(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_pool_t pool = {.id = 1, .home = str("b.com")};
	paas_routedb_path_t two[2] = {make_path("/", 1), make_path("/x", 1)};

	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(put_pool(w, 2, 1), OK);
	assert_int_equal(put_host(w, "a.com", 1), OK);
	assert_int_equal(put_host(w, "b.com", 1), OK);
	check_copy(w, "a.com", 1, 1, 1);
	check_copy(w, "b.com", 1, 0, 1);
	/* A changed pool changes in all hosts. */
	assert_int_equal(put_pool(w, 1, 5), OK);
	check_copy(w, "a.com", 1, 1, 5);
	check_copy(w, "b.com", 1, 0, 5);
	/* Too large for a copy, and small again. */
	assert_int_equal(put_pool(w, 1, 60), OK);
	check_copy(w, "a.com", 1, 0, 60);
	assert_int_equal(put_pool(w, 1, 3), OK);
	check_copy(w, "a.com", 1, 1, 3);
	/* Moved by wish. */
	assert_int_equal(paas_routedb_put_pool(w, &pool, NULL), OK);
	check_copy(w, "a.com", 1, 0, 0);
	check_copy(w, "b.com", 1, 1, 0);
	/* The default route, only when it was asked for. */
	assert_int_equal(put_pool(w, 4, 2), OK);
	assert_int_equal(put_host(w, ".", 4), OK);
	check_copy(w, ".", 4, 0, 2);
	pool = (paas_routedb_pool_t){.id = 4, .home = str(".")};
	assert_int_equal(paas_routedb_put_pool(w, &pool, NULL), OK);
	check_copy(w, ".", 4, 1, 0);
	assert_int_equal(paas_routedb_del_host(w, str(".")), OK);
	assert_int_equal(paas_routedb_del_pool(w, 4), OK);
	/* The home goes away: the next one that is put takes it in. */
	assert_int_equal(paas_routedb_del_host(w, str("b.com")), OK);
	assert_int_equal(put_pool(w, 1, 4), OK);
	check_copy(w, "a.com", 1, 0, 4);
	assert_int_equal(paas_routedb_put_host(w, str("a.com"), two, 2), OK);
	check_copy(w, "a.com", 1, 1, 4);
	/* Two pools, so no copy. */
	two[1].targets[0].pool = 2;
	assert_int_equal(paas_routedb_put_host(w, str("a.com"), two, 2), OK);
	check_copy(w, "a.com", 1, 0, 4);
	check_copy(w, "a.com", 2, 0, 1);
	/* A host before its pool. */
	assert_int_equal(put_host(w, "c.com", 3), OK);
	assert_int_equal(put_pool(w, 3, 2), OK);
	check_copy(w, "c.com", 3, 0, 2);
	check_meta(w, 2, 3, 0);
	paas_routedb_writer_close(w);
}

/* Whatever is done in whatever order, verify agrees and look-ups are right. */
static void
random_change(paas_routedb_writer_t *w, uint32_t *sizes, unsigned *targets)
{
	unsigned h = (unsigned)rand() % 20, p = 1 + (unsigned)rand() % 12;
	paas_routedb_path_t two[2];
	char name[16];

	snprintf(name, sizeof(name), h % 2 ? "h%u.com" : ".w%u.com", h);
	switch (rand() % 6) {
	case 0:
		paas_routedb_del_host(w, str(name));
		targets[h] = 0;
		break;
	case 1:
		paas_routedb_del_pool(w, p);
		sizes[p] = 0;
		break;
	case 2:
	case 3:
		sizes[p] = 1 + (unsigned)rand() % 40;
		assert_int_equal(put_pool(w, p, sizes[p]), OK);
		break;
	case 4:
		two[0] = make_path("/", p);
		two[1] = make_path("/x", 1 + (unsigned)rand() % 12);
		assert_int_equal(
		    paas_routedb_put_host(w, str(name), two, 2), OK);
		targets[h] = p;
		break;
	default:
		assert_int_equal(put_host(w, name, p), OK);
		targets[h] = p;
	}
}

static void
check_against_model(
    paas_routedb_writer_t *w, const uint32_t *sizes, const unsigned *targets)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_host_t host;
	paas_routedb_pool_t pool;
	char err[256], name[16];
	uint64_t txn;

	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	for (unsigned h = 0; h < 20; h++) {
		int n = snprintf(
		    name, sizeof(name), h % 2 ? "h%u.com" : "x.w%u.com", h);
		int rc = paas_routedb_find_host(reader, name, (size_t)n, &host);

		assert_int_equal(rc, targets[h] ? OK : PAAS_ROUTEDB_ENOTFOUND);
		if (targets[h] == 0)
			continue;
		rc = paas_routedb_find_pool(reader, &host, targets[h], &pool);
		assert_int_equal(
		    rc, sizes[targets[h]] ? OK : PAAS_ROUTEDB_ENOTFOUND);
		if (rc == OK)
			assert_int_equal(pool.ninstances, sizes[targets[h]]);
	}
	assert_int_equal(paas_routedb_end(reader), OK);
}

static void
test_random_changes(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	unsigned targets[20] = {0};
	uint32_t sizes[13] = {0};

	srand(7);
	for (int i = 0; i < 300; i++) {
		for (int k = rand() % 20; k >= 0; k--)
			random_change(w, sizes, targets);
		assert_int_equal(paas_routedb_commit(w), OK);
		check_against_model(w, sizes, targets);
		assert_int_equal(paas_routedb_write_begin(w), OK);
	}
	paas_routedb_writer_close(w);
}

static void
test_bad_input_changes_nothing(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_pool_t pool = {0};

	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(put_host(w, "A.com", 1), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(put_host(w, "", 1), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(put_host(w, "a.com", 0), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_put_pool(w, &pool, NULL), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_del_host(w, str("")), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(paas_routedb_write_begin(w), PAAS_ROUTEDB_EINVAL);
	check_meta(w, 0, 1, 0);
	paas_routedb_abort(w);
	assert_int_equal(put_pool(w, 1, 1), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(paas_routedb_commit(w), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(paas_routedb_clear(w), PAAS_ROUTEDB_EINVAL);
	paas_routedb_writer_close(w);
}

static void
test_rebuild_is_one_commit(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_reader_t *reader;
	paas_routedb_meta_t before, after;
	paas_routedb_host_t host;
	uint64_t txn, later;

	assert_int_equal(put_host(w, "old.com", 1), OK);
	assert_int_equal(paas_routedb_put_revision(w, 8), OK);
	next_commit(w);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_clear(w), OK);
	assert_int_equal(put_host(w, "new.com", 1), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(
	    paas_routedb_find_host(reader, "old.com", 7, &host), OK);
	assert_int_equal(paas_routedb_find_host(reader, "new.com", 7, &host),
	    PAAS_ROUTEDB_ENOTFOUND);
	paas_routedb_get_meta(reader, &before);
	assert_int_equal(before.revision, 8);
	assert_int_equal(paas_routedb_end(reader), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_begin(reader, &later), OK);
	assert_true(later > txn);
	assert_int_equal(paas_routedb_find_host(reader, "old.com", 7, &host),
	    PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(
	    paas_routedb_find_host(reader, "new.com", 7, &host), OK);
	paas_routedb_get_meta(reader, &after);
	assert_true(after.generation > before.generation);
	assert_int_equal(after.revision, 0);
	assert_int_equal(paas_routedb_end(reader), OK);
	/* What is aborted has never been. */
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(paas_routedb_clear(w), OK);
	paas_routedb_abort(w);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(txn, later);
	assert_int_equal(
	    paas_routedb_find_host(reader, "new.com", 7, &host), OK);
	assert_int_equal(paas_routedb_end(reader), OK);
	paas_routedb_reader_close(reader);
	paas_routedb_writer_close(w);
}

static int
put_pattern(paas_routedb_writer_t *w, uint32_t order, const char *text)
{
	paas_routedb_path_t path = make_path("/", 1);

	return paas_routedb_put_pattern(w, order, str(text), &path, 1);
}

struct seen {
	uint32_t n, last;
};

static int
see_pattern(uint32_t order, const paas_routedb_host_t *pattern, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->n == 0 || order > seen->last);
	assert_int_equal(pattern->npaths, 1);
	seen->last = order;
	seen->n++;
	return 0;
}

/* Commits, and checks that there are n patterns; meta.patterns. */
static uint64_t
patterns_since(paas_routedb_writer_t *w, uint32_t n)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_meta_t meta;
	struct seen seen = {0, 0};
	char err[256];
	uint64_t txn;

	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	paas_routedb_get_meta(reader, &meta);
	assert_int_equal(meta.npatterns, n);
	assert_int_equal(
	    paas_routedb_each_pattern(reader, see_pattern, &seen), OK);
	assert_int_equal(seen.n, n);
	assert_int_equal(paas_routedb_end(reader), OK);
	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	return meta.patterns;
}

/* meta.patterns moves when a pattern does, and not otherwise. */
static void
test_patterns(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_path_t two[2] = {make_path("/", 1), make_path("/x", 2)};
	uint64_t since;

	assert_int_equal(
	    paas_routedb_del_pattern(w, 1), PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(put_host(w, "a.com", 1), OK);
	assert_int_equal(patterns_since(w, 0), 0);
	assert_int_equal(put_pattern(w, 7, "a.*"), OK);
	assert_int_equal(put_pattern(w, 300, "b.*"), OK);
	since = patterns_since(w, 2);
	assert_int_not_equal(since, 0);
	/* The same again, bad ones, and what is none. */
	assert_int_equal(put_pattern(w, 7, "a.*"), OK);
	assert_int_equal(put_pattern(w, 7, "a b"), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_del_pattern(w, 8), PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(put_host(w, "b.com", 1), OK);
	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(patterns_since(w, 2), since);
	/* Another text, other paths, one less. */
	assert_int_equal(put_pattern(w, 7, "c.*"), OK);
	assert_true(patterns_since(w, 2) > since);
	since = patterns_since(w, 2);
	assert_int_equal(
	    paas_routedb_put_pattern(w, 7, str("c.*"), two, 2), OK);
	assert_int_equal(put_pattern(w, 7, "c.*"), OK);
	assert_true(patterns_since(w, 2) > since);
	since = patterns_since(w, 2);
	assert_int_equal(paas_routedb_del_pattern(w, 300), OK);
	assert_true(patterns_since(w, 1) > since);
	since = patterns_since(w, 1);
	assert_int_equal(paas_routedb_clear(w), OK);
	assert_true(patterns_since(w, 0) > since);
	since = patterns_since(w, 0);
	assert_int_equal(paas_routedb_clear(w), OK);
	assert_int_equal(patterns_since(w, 0), since);
	paas_routedb_writer_close(w);
}

static void
test_most_patterns(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);

	for (uint32_t i = 0; i < PAAS_ROUTEDB_PATTERNS_MAX; i++)
		assert_int_equal(put_pattern(w, 1000 - i, "a"), OK);
	assert_int_equal(put_pattern(w, 1, "a"), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(put_pattern(w, 1000, "b"), OK);
	patterns_since(w, PAAS_ROUTEDB_PATTERNS_MAX);
	assert_int_equal(paas_routedb_del_pattern(w, 900), OK);
	assert_int_equal(put_pattern(w, 1, "a"), OK);
	patterns_since(w, PAAS_ROUTEDB_PATTERNS_MAX);
	paas_routedb_writer_close(w);
}

static uint64_t
keys_since(paas_routedb_writer_t *w, const paas_routedb_key_t *keys, uint32_t n)
{
	paas_routedb_key_t got[PAAS_ROUTEDB_KEYS_MAX];
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_meta_t meta;
	uint32_t found;
	uint64_t txn;
	char err[256];

	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(paas_routedb_get_keys(reader, got, &found), OK);
	assert_int_equal(found, n);
	if (n > 0)
		assert_memory_equal(got, keys, n * sizeof(*keys));
	paas_routedb_get_meta(reader, &meta);
	assert_int_equal(paas_routedb_end(reader), OK);
	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	return meta.keys;
}

/* meta.keys moves with the keys, and with nothing else. */
static void
test_keys(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_key_t keys[2] = {{1, {1, 2, 3}}, {7, {4}}};
	uint64_t since;

	assert_int_equal(paas_routedb_put_keys(w, NULL, 0), OK);
	assert_int_equal(keys_since(w, NULL, 0), 0);
	assert_int_equal(paas_routedb_put_keys(w, keys, 2), OK);
	assert_int_not_equal(since = keys_since(w, keys, 2), 0);
	assert_int_equal(paas_routedb_put_keys(w, keys, 2), OK);
	assert_int_equal(keys_since(w, keys, 2), since);
	keys[1].id = 1;
	assert_int_equal(
	    paas_routedb_put_keys(w, keys, 2), PAAS_ROUTEDB_EINVAL);
	keys[1].id = 7;
	assert_int_equal(keys_since(w, keys, 2), since);
	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(keys_since(w, keys, 2), since);
	assert_int_equal(paas_routedb_put_keys(w, keys, 1), OK);
	assert_true(keys_since(w, keys, 1) > since);
	since = keys_since(w, keys, 1);
	assert_int_equal(paas_routedb_put_keys(w, NULL, 0), OK);
	assert_true(keys_since(w, NULL, 0) > since);
	/* All made anew. */
	assert_int_equal(paas_routedb_put_keys(w, keys, 2), OK);
	since = keys_since(w, keys, 2);
	assert_int_equal(paas_routedb_clear(w), OK);
	assert_true(keys_since(w, NULL, 0) > since);
	paas_routedb_writer_close(w);
}

static mode_t
mode_of(const char *dir, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_modes_and_one_writer(void **state)
{
	paas_routedb_writer_t *w, *second = NULL;
	int status;
	pid_t pid;

	umask(0);
	w = begin_writer(*state);
	assert_int_equal(mode_of(*state, "data.mdb"), 0640);
	assert_int_equal(mode_of(*state, "lock.mdb"), 0600);
	assert_int_equal(mode_of(*state, "writer.lock"), 0600);
	assert_int_equal(
	    paas_routedb_writer_open(&second, *state, 0), PAAS_ROUTEDB_ESYS);
	assert_int_equal(errno, EBUSY);
	assert_null(second);
	if ((pid = fork()) == 0)
		_exit(paas_routedb_writer_open(&second, *state, 0) ==
				  PAAS_ROUTEDB_ESYS &&
			      errno == EBUSY
			  ? 0
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The failed ones have taken nothing from the first. */
	assert_int_equal(put_host(w, "a.com", 1), OK);
	check_meta(w, 1, 0, 0);
	paas_routedb_writer_close(w);
	assert_int_equal(paas_routedb_writer_open(&w, *state, 0), OK);
	paas_routedb_writer_close(w);
}

static void
test_grace(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	uint64_t start = paas_routedb_now();
	int wait;

	next_commit(w); /* a new database needs no grace */
	paas_routedb_writer_close(w);
	assert_int_equal(paas_routedb_writer_open(&w, *state, 0), OK);
	wait = paas_routedb_writer_wait(w);
	assert_in_range(wait, GRACE - 500, GRACE + 20);
	assert_int_equal(paas_routedb_write_begin(w), PAAS_ROUTEDB_EAGAIN);
	assert_int_equal(put_pool(w, 1, 1), PAAS_ROUTEDB_EINVAL);
	while ((wait = paas_routedb_writer_wait(w)) > 0)
		usleep((unsigned)wait * 1000);
	assert_true(paas_routedb_now() - start >= GRACE);
	/* Held: never fewer than 2 s back, never without bound. */
	start = paas_routedb_now();
	while (paas_routedb_now() - start < 2 * GRACE) {
		assert_int_equal(paas_routedb_write_begin(w), OK);
		assert_int_equal(paas_routedb_put_revision(w, 1), OK);
		assert_int_equal(paas_routedb_commit(w), OK);
		assert_in_range(w->nsnaps, 1, SNAPS);
		if (paas_routedb_now() - start > GRACE + 50)
			assert_true(
			    paas_routedb_now() - w->snaps[0].taken >= GRACE);
		usleep(3000);
	}
	paas_routedb_writer_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_counts_and_depths),
	    T(test_copies),
	    T(test_random_changes),
	    T(test_bad_input_changes_nothing),
	    T(test_rebuild_is_one_commit),
	    T(test_patterns),
	    T(test_most_patterns),
	    T(test_keys),
	    T(test_modes_and_one_writer),
	    T(test_grace),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
