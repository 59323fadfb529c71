/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
/*
 * Our own search of LMDB's file beside LMDB's, which is right by definition.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "routedb_fixture.h"

#define MOST 20000

/* A key, and a value that is made of it. */
struct record {
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	size_t keylen, len;
	unsigned seed;
};

static unsigned
draw(unsigned n)
{
	return (unsigned)rand() % n;
}

/* Many share their beginnings, and lengths round 8 and 16 are frequent. */
static void
draw_key(struct record *r, size_t longest)
{
	static const char *const starts[] = {"", "\3", "\3www.", "\3abcdefg",
	    "\3abcdefgh", "\3abcdefghijklmn", "\3abcdefghijklmno",
	    "\3abcdefghijklmnop", "\2\0\0\0\0\0\0\0"};
	size_t n = draw(9), len = strlen(starts[n]);

	if (n == 8)
		len = 8;
	memset(r->key, 0, sizeof(r->key));
	memcpy(r->key, starts[n], len);
	r->keylen = 1 + draw(3) + (draw(3) ? len : draw((unsigned)longest));
	if (r->keylen > longest)
		r->keylen = longest;
	if (len > r->keylen)
		len = r->keylen;
	for (; len < r->keylen; len++)
		r->key[len] = (uint8_t) "\0ab\xff"[draw(4)];
	r->seed = draw(1 << 30);
}

static void
fill_value(uint8_t *out, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(seed = seed * 1103515245 + 12345);
}

struct lmdb {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
};

static struct lmdb
lmdb_open(const char *dir)
{
	struct lmdb l;

	(void)mkdir(dir, 0700);
	assert_int_equal(mdb_env_create(&l.env), 0);
	assert_int_equal(mdb_env_set_mapsize(l.env, 1 << 30), 0);
	assert_int_equal(mdb_env_open(l.env, dir, MDB_NOSYNC, 0600), 0);
	return l;
}

static void
lmdb_begin(struct lmdb *l, unsigned flags)
{
	assert_int_equal(mdb_txn_begin(l->env, NULL, flags, &l->txn), 0);
	assert_int_equal(mdb_dbi_open(l->txn, NULL, 0, &l->dbi), 0);
}

static void
lmdb_put(struct lmdb *l, const struct record *r)
{
	MDB_val key = {r->keylen, (void *)(uintptr_t)r->key};
	MDB_val value = {r->len, malloc(r->len + 1)};

	fill_value(value.mv_data, r->len, r->seed);
	assert_int_equal(mdb_put(l->txn, l->dbi, &key, &value, 0), 0);
	free(value.mv_data);
}

/* ---- the two searches ---------------------------------------------------- */

static void
check_key(struct lmdb *l, const paas_routedb_map_t *map, const uint8_t *data,
    size_t len)
{
	MDB_val key = {len, (void *)(uintptr_t)data}, want, got;
	int rc = mdb_get(l->txn, l->dbi, &key, &want);

	assert_int_equal(paas_routedb_map_find(map, data, len, &got),
	    rc == 0 ? OK : PAAS_ROUTEDB_ENOTFOUND);
	if (rc != 0)
		return;
	assert_int_equal(got.mv_size, want.mv_size);
	if (want.mv_size > 0)
		assert_memory_equal(got.mv_data, want.mv_data, want.mv_size);
}

/* It and its neighbours, most of which are not there. */
static void
check_round(struct lmdb *l, const paas_routedb_map_t *map, struct record r)
{
	check_key(l, map, r.key, r.keylen);
	for (size_t n = 1; n < r.keylen; n++)
		check_key(l, map, r.key, n);
	for (unsigned change = 1; change < 256; change *= 2) {
		r.key[r.keylen - 1] ^= (uint8_t)change;
		check_key(l, map, r.key, r.keylen);
		r.key[r.keylen - 1] ^= (uint8_t)change;
	}
	r.key[0] ^= 1;
	check_key(l, map, r.key, r.keylen);
}

struct cursor {
	MDB_cursor *cursor;
	MDB_val from;
	size_t seen;
};

static int
check_next(const MDB_val *key, const MDB_val *value, void *arg)
{
	struct cursor *c = arg;
	MDB_cursor_op op = c->seen > 0       ? MDB_NEXT
			   : c->from.mv_size ? MDB_SET_RANGE
					     : MDB_FIRST;
	MDB_val k = c->from, v;

	c->seen++;
	assert_int_equal(mdb_cursor_get(c->cursor, &k, &v, op), 0);
	assert_int_equal(k.mv_size, key->mv_size);
	assert_memory_equal(k.mv_data, key->mv_data, k.mv_size);
	assert_int_equal(v.mv_size, value->mv_size);
	if (v.mv_size > 0)
		assert_memory_equal(v.mv_data, value->mv_data, v.mv_size);
	return 0;
}

/* All of a tag, or just all, from a key on: is it what a cursor gives? */
static size_t
check_from(struct lmdb *l, const paas_routedb_map_t *map, uint8_t tag,
    const uint8_t *from, size_t len)
{
	struct cursor c = {.from = {len, (void *)(uintptr_t)from}};
	MDB_val k, v;
	int rc;

	assert_int_equal(mdb_cursor_open(l->txn, l->dbi, &c.cursor), 0);
	assert_int_equal(paas_routedb_map_each(map, tag,
			     (paas_routedb_str_t){from, len}, check_next, &c),
	    OK);
	/* And nothing was left out. */
	k = c.from;
	rc = mdb_cursor_get(c.cursor, &k, &v,
	    c.seen > 0 ? MDB_NEXT
	    : len > 0  ? MDB_SET_RANGE
		       : MDB_FIRST);
	if (rc == 0)
		assert_true(tag != 0 && *(uint8_t *)k.mv_data != tag);
	else
		assert_int_equal(rc, MDB_NOTFOUND);
	mdb_cursor_close(c.cursor);
	return c.seen;
}

static void
check_each(struct lmdb *l, const paas_routedb_map_t *map, size_t total)
{
	struct record r;
	uint8_t key[1];

	assert_int_equal(check_from(l, map, 0, NULL, 0), total);
	for (unsigned tag = 1; tag < 256; tag++) {
		key[0] = (uint8_t)tag;
		check_from(l, map, key[0], key, 1);
	}
	for (unsigned i = 0; i < 50; i++) {
		draw_key(&r, 40);
		check_from(l, map, i % 2 ? r.key[0] : 0, r.key, r.keylen);
	}
}

static void
check_all(struct lmdb *l, const struct record *records, size_t n)
{
	paas_routedb_map_t map = {0};
	struct record other;
	MDB_stat st;

	lmdb_begin(l, MDB_RDONLY);
	paas_routedb_map(&map, l->env);
	assert_non_null(map.base);
	assert_int_equal(paas_routedb_map_begin(&map), 0);
	assert_int_equal(map.txn, mdb_txn_id(l->txn));
	assert_int_equal(paas_routedb_map_peek(&map), map.txn);
	assert_int_equal(mdb_stat(l->txn, l->dbi, &st), 0);
	assert_int_equal(map.depth, st.ms_depth);
	check_each(l, &map, st.ms_entries);
	for (size_t i = 0; i < n; i++)
		check_key(l, &map, records[i].key, records[i].keylen);
	for (size_t i = 0; i < n; i += 1 + n / 300)
		check_round(l, &map, records[i]);
	for (int i = 0; i < 2000; i++) {
		draw_key(&other, 40);
		check_key(l, &map, other.key, other.keylen);
	}
	paas_routedb_unmap(&map);
	assert_null(map.base);
	mdb_txn_abort(l->txn);
}

/* ---- databases ----------------------------------------------------------- */

static struct record records[MOST];

static void
put_random(struct lmdb *l, size_t n, size_t longest, unsigned most)
{
	lmdb_begin(l, 0);
	for (size_t i = 0; i < n; i++) {
		draw_key(&records[i], longest);
		records[i].len = draw(most);
		lmdb_put(l, &records[i]);
	}
	assert_int_equal(mdb_txn_commit(l->txn), 0);
}

static void
test_empty(void **state)
{
	struct lmdb l = lmdb_open(*state);

	check_all(&l, NULL, 0);
	mdb_env_close(l.env);
}

/* One record, then more, until there are several pages. */
static void
test_few(void **state)
{
	struct lmdb l = lmdb_open(*state);

	srand(3);
	for (size_t n = 1; n <= 200; n++) {
		lmdb_begin(&l, 0);
		draw_key(&records[n - 1], 60);
		records[n - 1].len = draw(80);
		lmdb_put(&l, &records[n - 1]);
		assert_int_equal(mdb_txn_commit(l.txn), 0);
		check_all(&l, records, n);
	}
	mdb_env_close(l.env);
}

/* Values that just fit into a page, just don't, and that fill several. */
static void
test_large_values(void **state)
{
	struct lmdb l = lmdb_open(*state);
	MDB_stat st;
	size_t n = 0;

	srand(4);
	lmdb_begin(&l, 0);
	for (size_t page = 1; page < 5; page++) {
		for (size_t len = page * 4096 - 60; len < page * 4096 + 60;
		     len += 1 + draw(4)) {
			draw_key(&records[n], 100);
			records[n].len = len;
			lmdb_put(&l, &records[n++]);
			draw_key(&records[n], 20);
			records[n].len = len - 2048;
			lmdb_put(&l, &records[n++]);
		}
	}
	records[n].len = 300000;
	draw_key(&records[n], 100);
	lmdb_put(&l, &records[n++]);
	assert_int_equal(mdb_txn_commit(l.txn), 0);
	mdb_env_stat(l.env, &st);
	assert_true(st.ms_overflow_pages > 100);
	check_all(&l, records, n);
	mdb_env_close(l.env);
}

/* Long keys make a deep tree; half of it goes again, in several commits. */
static void
test_deep(void **state)
{
	struct lmdb l = lmdb_open(*state);
	MDB_stat st;

	srand(5);
	put_random(&l, MOST, PAAS_ROUTEDB_KEY_MAX, 700);
	mdb_env_stat(l.env, &st);
	assert_true(st.ms_depth >= 4);
	check_all(&l, records, MOST);
	for (int round = 0; round < 5; round++) {
		lmdb_begin(&l, 0);
		for (int i = 0; i < MOST / 10; i++) {
			struct record *r = &records[draw(MOST)];
			MDB_val key = {r->keylen, r->key};

			(void)mdb_del(l.txn, l.dbi, &key, NULL);
			lmdb_put(&l, &records[draw(MOST)]);
		}
		assert_int_equal(mdb_txn_commit(l.txn), 0);
	}
	check_all(&l, records, MOST);
	mdb_env_close(l.env);
}

static void
test_many_small_ones(void **state)
{
	struct lmdb l = lmdb_open(*state);

	srand(6);
	put_random(&l, MOST, 30, 20);
	check_all(&l, records, MOST);
	mdb_env_close(l.env);
}

/* ---- snapshots ----------------------------------------------------------- */

static void
test_snapshots(void **state)
{
	struct lmdb l = lmdb_open(*state);
	paas_routedb_map_t map = {0};
	MDB_val got;
	uint64_t txn;

	srand(7);
	put_random(&l, 100, 30, 20);
	paas_routedb_map(&map, l.env);
	assert_int_equal(paas_routedb_map_begin(&map), 0);
	txn = map.txn;
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(
		    paas_routedb_map_find(&map, records[i % 100].key,
			records[i % 100].keylen, &got),
		    OK);
	assert_true(map.top->level > 0);
	/* Another commit is told of, and not seen. */
	lmdb_begin(&l, 0);
	records[100] = (struct record){.key = "new", .keylen = 3, .len = 9};
	lmdb_put(&l, &records[100]);
	assert_int_equal(mdb_txn_commit(l.txn), 0);
	assert_int_equal(paas_routedb_map_peek(&map), txn + 1);
	assert_int_equal(
	    paas_routedb_map_find(&map, (const uint8_t *)"new", 3, &got),
	    PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(paas_routedb_map_begin(&map), 0);
	assert_int_equal(map.txn, txn + 1);
	assert_int_equal(map.top->level, 0);
	assert_int_equal(
	    paas_routedb_map_find(&map, (const uint8_t *)"new", 3, &got), OK);
	paas_routedb_unmap(&map);
	mdb_env_close(l.env);
}

/* What is beyond the map is left to LMDB, which maps it. */
static void
test_grown(void **state)
{
	struct lmdb l = lmdb_open(*state);
	paas_routedb_map_t map = {0};

	put_random(&l, 100, 30, 20);
	paas_routedb_map(&map, l.env);
	assert_int_equal(paas_routedb_map_begin(&map), 0);
	map.size = map.npages << map.shift;
	put_random(&l, 1000, 30, 200);
	assert_int_equal(paas_routedb_map_begin(&map), -1);
	assert_int_equal(paas_routedb_map_begin(&map), -1);
	map.size = 1 << 30;
	assert_int_equal(paas_routedb_map_begin(&map), 0);
	paas_routedb_unmap(&map);
	mdb_env_close(l.env);
}

/* ---- damage -------------------------------------------------------------- */

struct file {
	uint8_t *good, *copy; /* the copy ends where nothing may be read */
	size_t size;
};

static struct file
read_file(const char *dir, size_t pages)
{
	struct file f = {.size = pages * 4096};
	char path[64];
	FILE *file;

	f.good = malloc(f.size);
	f.copy = mmap(NULL, f.size + 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f.copy, MAP_FAILED);
	assert_int_equal(mprotect(f.copy + f.size, 4096, PROT_NONE), 0);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(f.good, 1, f.size, file), f.size);
	fclose(file);
	return f;
}

static int
count(const MDB_val *key, const MDB_val *value, void *arg)
{
	const uint8_t *k = key->mv_data, *v = value->mv_data;
	unsigned *sum = arg;

	for (size_t i = 0; i < key->mv_size; i++)
		*sum += k[i];
	for (size_t i = 0; i < value->mv_size; i++)
		*sum += v[i];
	return 0;
}

/* Searches all: it must end, and touch nothing beyond the file. */
static unsigned
look_everywhere(const struct file *f, size_t n)
{
	static paas_routedb_top_t top;
	paas_routedb_map_t map = {.base = f->copy,
	    .size = f->size,
	    .shift = 12,
	    .txn = PAAS_ROUTEDB_NO_TXN,
	    .top = &top};
	unsigned damaged = 0, sum = 0;
	MDB_val value;
	int rc;

	if (paas_routedb_map_begin(&map) != 0)
		return 1;
	for (size_t i = 0; i < n; i++) {
		rc = paas_routedb_map_find(
		    &map, records[i].key, records[i].keylen, &value);
		if (rc == OK)
			count(&value, &value, &sum);
		damaged += rc == PAAS_ROUTEDB_EDAMAGED;
	}
	rc = paas_routedb_map_each(
	    &map, 0, (paas_routedb_str_t){NULL, 0}, count, &sum);
	damaged += rc == PAAS_ROUTEDB_EDAMAGED;
	return damaged;
}

static void
test_damaged_pages(void **state)
{
	struct lmdb l = lmdb_open(*state);
	MDB_envinfo info;
	unsigned told = 0, rounds = 30000;
	struct file f;
	size_t n = 400;

	srand(8);
	put_random(&l, n, 200, 300);
	lmdb_begin(&l, 0);
	records[0].len = 9000;
	lmdb_put(&l, &records[0]);
	assert_int_equal(mdb_txn_commit(l.txn), 0);
	mdb_env_info(l.env, &info);
	f = read_file(*state, info.me_last_pgno + 1);
	mdb_env_close(l.env);
	memcpy(f.copy, f.good, f.size);
	assert_int_equal(look_everywhere(&f, n), 0);
	for (unsigned i = 0; i < rounds; i++) {
		/* Mostly headers and offsets of nodes, a few at a time. */
		for (unsigned k = draw(3) + 1; k > 0; k--) {
			size_t page = draw((unsigned)(f.size >> 12)) << 12;
			size_t at = page + draw(draw(4) ? 40 : 4096);

			f.copy[at] = draw(2)
					 ? (uint8_t)draw(256)
					 : f.copy[at] ^ (uint8_t)(1 << draw(8));
		}
		told += look_everywhere(&f, n) > 0;
		if (i % 3 == 2) /* some pile up */
			memcpy(f.copy, f.good, f.size);
	}
	assert_true(told > rounds / 4);
	print_message("# %u of %u damaged files told of it\n", told, rounds);
	munmap(f.copy, f.size + 4096);
	free(f.good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_empty),
	    T(test_few),
	    T(test_large_values),
	    T(test_deep),
	    T(test_many_small_ones),
	    T(test_snapshots),
	    T(test_grown),
	    T(test_damaged_pages),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
