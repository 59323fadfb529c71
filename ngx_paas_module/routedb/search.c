/*
 * Reading LMDB's file without LMDB: among a million hosts, mdb_get costs 2,150
 * instructions, this a third of that.
 *
 * The file is mapped once more, and read by what lmdb.c of LMDB 0.9 says of
 * MDB_meta, MDB_db, MDB_page and MDB_node, data version 1; any other is left
 * to the library.  Nothing outside the pages of the snapshot is read, and no
 * search takes more steps than the tree is deep.  What is not exactly as a
 * writer leaves it is damage.
 */
#include <sys/mman.h>

#include "internal.h"

#if MDB_VERSION_MAJOR == 0 && MDB_VERSION_MINOR == 9 && \
    __SIZEOF_SIZE_T__ == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define UNDERSTOOD 1
#else
#define UNDERSTOOD 0
#endif

/* Where things are. */
enum {
	PAGE_NUMBER = 0, /* MDB_page: 8 bytes */
	PAGE_FLAGS = 10, /* 2 */
	PAGE_LOWER = 12, /* 2: end of the nodes' offsets, 2 bytes each */
	PAGE_COUNT = 12, /* 4: of an overflow page, how many they are */
	PAGE_HEADER = 16,
	NODE_LOW = 0, /* MDB_node: 2, 2, 2 bytes; see below */
	NODE_FLAGS = 4,
	NODE_KEY_LEN = 6, /* 2; then key, data */
	NODE_HEADER = 8,
	FILE_MAGIC = 16, /* MDB_meta, on pages 0 and 1 */
	FILE_VERSION = 20,
	FILE_MAIN = 88,
	FILE_LAST_PAGE = 136,
	FILE_TXN = 144,
	DB_FLAGS = 4, /* MDB_db of the unnamed database: 2 */
	DB_DEPTH = 6, /* 2 */
	DB_ROOT = 40
};

#define MAGIC     0xBEEFC0DEU
#define VERSION   1
#define BRANCH    0x01 /* a page's flags */
#define LEAF      0x02
#define OVERFLOW  0x04
#define BIG       0x01 /* a node's: its data is the number of a page */
#define DEPTH_MAX 32

/*
 * Keeps a branch one: what the processor guesses it can fetch before memory
 * has answered, where a conditional move would wait (1.0 us a search, not 1.6).
 */
#define GUESS __asm__ volatile("")

/* A key; its first 16 bytes, padded by zeros, are numbers that compare so. */
struct search_key {
	const uint8_t *data;
	size_t len;
	uint64_t first, second;
};

struct search_node {
	const uint8_t *at, *key;
	size_t keylen;
};

/* ---- the snapshot ------------------------------------------------------ */

static uint64_t
map_txn(const paas_routedb_map_t *map, unsigned page)
{
	const uint8_t *p = map->base + ((size_t)page << map->shift) + FILE_TXN;

	return __atomic_load_n(
	    (const uint64_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

void
paas_routedb_unmap(paas_routedb_map_t *map)
{
	if (map->base != NULL)
		munmap((void *)(uintptr_t)map->base, map->size);
	memset(map, 0, sizeof(*map));
}

void
paas_routedb_map(paas_routedb_map_t *map, MDB_env *env)
{
	MDB_envinfo info;
	MDB_stat st;
	void *p;
	int fd, major, minor;

	paas_routedb_unmap(map);
	mdb_version(&major, &minor, NULL);
	mdb_env_info(env, &info);
	mdb_env_stat(env, &st);
	if (!UNDERSTOOD || major != 0 || minor != 9 || st.ms_psize < 512 ||
	    (st.ms_psize & (st.ms_psize - 1)) != 0 ||
	    info.me_mapsize < 2 * (size_t)st.ms_psize ||
	    mdb_env_get_fd(env, &fd) != MDB_SUCCESS)
		return;
	p = mmap(NULL, info.me_mapsize, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return;
	map->base = p;
	map->size = info.me_mapsize;
	map->shift = (unsigned)__builtin_ctz(st.ms_psize);
	map->txn = PAAS_ROUTEDB_NO_TXN;
}

uint64_t
paas_routedb_map_peek(const paas_routedb_map_t *map)
{
	uint64_t a = map_txn(map, 0), b = map_txn(map, 1);

	return a < b ? b : a;
}

/*
 * As in LMDB, the younger of two meta pages counts, and the commit after the
 * next writes over it.  What was read of it is whole if it is the younger one
 * still.
 */
int
paas_routedb_map_begin(paas_routedb_map_t *map)
{
	uint64_t a, b;
	const uint8_t *p, *db;
	int tries = 0;

	if (map->txn != PAAS_ROUTEDB_NO_TXN &&
	    paas_routedb_map_peek(map) == map->txn)
		return 0;
	do {
		a = map_txn(map, 0);
		b = map_txn(map, 1);
		p = map->base + ((size_t)(a < b) << map->shift);
		db = p + FILE_MAIN;
		map->txn = PAAS_ROUTEDB_NO_TXN;
		map->npages = paas_routedb_u64(p + FILE_LAST_PAGE) + 1;
		map->root = paas_routedb_u64(db + DB_ROOT);
		map->depth = paas_routedb_u16(db + DB_DEPTH);
		if (paas_routedb_u32(p + FILE_MAGIC) != MAGIC ||
		    paas_routedb_u32(p + FILE_VERSION) != VERSION ||
		    paas_routedb_u16(db + DB_FLAGS) != 0 ||
		    map->npages > map->size >> map->shift ||
		    map->depth > DEPTH_MAX || ++tries > 1000)
			return -1;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		map->txn = a < b ? b : a;
	} while (paas_routedb_map_peek(map) != map->txn);
	return 0;
}

/* ---- pages and nodes --------------------------------------------------- */

/*
 * NULL if there is no such page of this kind; else *n is the number of its
 * nodes, whose offsets are within the page.
 */
static inline const uint8_t *
search_page(const paas_routedb_map_t *map, size_t size, uint64_t number,
    unsigned kind, size_t *n)
{
	const uint8_t *page;
	size_t lower;

	if (number >= map->npages)
		return NULL;
	page = map->base + (number << map->shift);
	lower = paas_routedb_u16(page + PAGE_LOWER);
	*n = (lower - PAGE_HEADER) / 2;
	return paas_routedb_u64(page + PAGE_NUMBER) == number &&
		       paas_routedb_u16(page + PAGE_FLAGS) == kind &&
		       lower - PAGE_HEADER - 2 <= size - PAGE_HEADER - 2
		   ? page
		   : NULL;
}

static inline size_t
search_offset(const uint8_t *page, size_t i)
{
	return paas_routedb_u16(page + PAGE_HEADER + 2 * i);
}

/* The node at this offset; 0 if header and key are not within the page. */
static inline int
search_node(
    const uint8_t *page, size_t size, size_t at, struct search_node *node)
{
	if (at > size - NODE_HEADER)
		return 0;
	node->at = page + at;
	node->key = node->at + NODE_HEADER;
	node->keylen = paas_routedb_u16(node->at + NODE_KEY_LEN);
	return node->keylen <= size - NODE_HEADER - at;
}

/*
 * In a branch: the page of all keys from this node's to that of the next; 0,
 * which is none, if the node is not within its page.
 */
static inline uint64_t
search_child(const uint8_t *page, size_t size, size_t at)
{
	if (at > size - NODE_HEADER)
		return 0;
	return paas_routedb_u32(page + at + NODE_LOW) |
	       (uint64_t)paas_routedb_u16(page + at + NODE_FLAGS) << 32;
}

/* In a leaf: the value, which is on pages of its own if it is large. */
static int
search_value(const paas_routedb_map_t *map, const uint8_t *leaf,
    const struct search_node *node, MDB_val *value)
{
	const uint8_t *data = node->key + node->keylen, *page;
	unsigned flags = paas_routedb_u16(node->at + NODE_FLAGS);
	size_t room = (size_t)1 << map->shift;
	uint64_t number, count;

	value->mv_size = paas_routedb_u32(node->at + NODE_LOW);
	value->mv_data = (void *)(uintptr_t)data;
	room -= (size_t)(data - leaf);
	if (flags == 0)
		return value->mv_size <= room ? PAAS_ROUTEDB_OK
					      : PAAS_ROUTEDB_EDAMAGED;
	if (flags != BIG || room < sizeof(number))
		return PAAS_ROUTEDB_EDAMAGED;
	number = paas_routedb_u64(data);
	if (number >= map->npages)
		return PAAS_ROUTEDB_EDAMAGED;
	page = map->base + (number << map->shift);
	if (paas_routedb_u64(page + PAGE_NUMBER) != number ||
	    paas_routedb_u16(page + PAGE_FLAGS) != OVERFLOW)
		return PAAS_ROUTEDB_EDAMAGED;
	count = paas_routedb_u32(page + PAGE_COUNT);
	value->mv_data = (void *)(uintptr_t)(page + PAGE_HEADER);
	return count > 0 && count <= map->npages - number &&
		       value->mv_size <= (count << map->shift) - PAGE_HEADER
		   ? PAAS_ROUTEDB_OK
		   : PAAS_ROUTEDB_EDAMAGED;
}

/* ---- one record -------------------------------------------------------- */

static inline uint64_t
search_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void
search_prepare(struct search_key *key, const uint8_t *data, size_t len)
{
	uint8_t start[2 * sizeof(uint64_t)] = {0};
	const uint8_t *p = data;

	if (len < sizeof(start))
		p = len > 0 ? memcpy(start, data, len) : start;
	key->data = data;
	key->len = len;
	key->first = search_word(p);
	key->second = search_word(p + sizeof(uint64_t));
}

/* How key compares with the node at this offset; 2: it leaves the page. */
static int
search_compare(
    const struct search_key *key, const uint8_t *page, size_t size, size_t at)
{
	paas_routedb_str_t name = {key->data, key->len};
	struct search_node node;
	int order;

	if (!search_node(page, size, at, &node))
		return 2;
	order = paas_routedb_compare(
	    name, (paas_routedb_str_t){node.key, node.keylen});
	return (order > 0) - (order < 0);
}

/*
 * The last of n nodes that is not beyond key, or the first; n: damaged.  Most
 * keys differ in their first 16 bytes.
 */
static inline size_t
search_nodes(
    const struct search_key *key, const uint8_t *page, size_t size, size_t n)
{
	const size_t limit = size - NODE_HEADER - 2 * sizeof(uint64_t);
	size_t low = 0, left = n, middle, at;
	uint64_t mine, other;
	const uint8_t *node;
	int order;

	for (; left > 1; left -= left / 2) {
		middle = low + left / 2;
		at = search_offset(page, middle);
		node = page + at;
		if (at > limit || paas_routedb_u16(node + NODE_KEY_LEN) < 8)
			goto whole;
		mine = key->first;
		other = search_word(node + NODE_HEADER);
		if (mine == other) {
			if (paas_routedb_u16(node + NODE_KEY_LEN) < 16)
				goto whole;
			mine = key->second;
			other = search_word(node + NODE_HEADER + 8);
			if (mine == other)
				goto whole;
		}
		if (mine < other)
			continue;
		GUESS;
		low = middle;
		continue;
	whole:
		order = search_compare(key, page, size, at);
		if (order == 0)
			return middle;
		if (order > 1)
			return n;
		low = order < 0 ? low : middle;
	}
	return low;
}

int
paas_routedb_map_find(const paas_routedb_map_t *map, const uint8_t *data,
    size_t len, MDB_val *value)
{
	const size_t size = (size_t)1 << map->shift;
	uint64_t number = map->root;
	struct search_node node;
	struct search_key key;
	const uint8_t *page;
	unsigned level;
	size_t n, i;

	if (map->depth == 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	search_prepare(&key, data, len);
	for (level = map->depth; level > 1; level--) {
		page = search_page(map, size, number, BRANCH, &n);
		if (page == NULL ||
		    (i = search_nodes(&key, page, size, n)) == n)
			return PAAS_ROUTEDB_EDAMAGED;
		number = search_child(page, size, search_offset(page, i));
	}
	page = search_page(map, size, number, LEAF, &n);
	if (page == NULL || (i = search_nodes(&key, page, size, n)) == n ||
	    !search_node(page, size, search_offset(page, i), &node))
		return PAAS_ROUTEDB_EDAMAGED;
	if (node.keylen != len || memcmp(node.key, data, len) != 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	return search_value(map, page, &node, value);
}

/* ---- all records ------------------------------------------------------- */

struct walk {
	const paas_routedb_map_t *map;
	struct search_key from;
	paas_routedb_str_t last; /* where it is; none before the first */
	uint8_t tag;
	int ended;
	paas_routedb_each_t cb;
	void *arg;
};

/* Keys must rise, so that no damage makes this go round in circles. */
static int
walk_record(struct walk *w, const uint8_t *leaf, const struct search_node *node)
{
	MDB_val key = {node->keylen, (void *)(uintptr_t)node->key}, value;
	paas_routedb_str_t from = {w->from.data, w->from.len};
	paas_routedb_str_t name = {node->key, node->keylen};
	int first = w->last.len == 0, rc;

	if (name.len == 0 || paas_routedb_compare(name, w->last) <= 0)
		return PAAS_ROUTEDB_EDAMAGED;
	w->last = name;
	if (first && paas_routedb_compare(name, from) < 0)
		return PAAS_ROUTEDB_OK;
	w->ended = w->tag != 0 && name.data[0] != w->tag;
	if (w->ended)
		return PAAS_ROUTEDB_OK;
	rc = search_value(w->map, leaf, node, &value);
	return rc != PAAS_ROUTEDB_OK ? rc : w->cb(&key, &value, w->arg);
}

static int
walk_page(struct walk *w, uint64_t number, unsigned level)
{
	const size_t size = (size_t)1 << w->map->shift;
	struct search_node node;
	const uint8_t *page;
	size_t n, at, i = 0;
	int rc = PAAS_ROUTEDB_OK;

	page = search_page(w->map, size, number, level > 1 ? BRANCH : LEAF, &n);
	if (page == NULL || (w->last.len == 0 && (i = search_nodes(&w->from,
						      page, size, n)) == n))
		return PAAS_ROUTEDB_EDAMAGED;
	for (; i < n && rc == PAAS_ROUTEDB_OK && !w->ended; i++) {
		at = search_offset(page, i);
		if (level > 1)
			rc = walk_page(
			    w, search_child(page, size, at), level - 1);
		else if (search_node(page, size, at, &node))
			rc = walk_record(w, page, &node);
		else
			rc = PAAS_ROUTEDB_EDAMAGED;
	}
	return rc;
}

int
paas_routedb_map_each(const paas_routedb_map_t *map, uint8_t tag,
    paas_routedb_str_t from, paas_routedb_each_t cb, void *arg)
{
	struct walk w = {.map = map, .tag = tag, .cb = cb, .arg = arg};

	search_prepare(&w.from, from.data, from.len);
	return map->depth == 0 ? PAAS_ROUTEDB_OK
			       : walk_page(&w, map->root, map->depth);
}
