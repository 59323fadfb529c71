/*
 * Searching LMDB's pages without LMDB: among a million hosts, mdb_get costs
 * 2,150 instructions, this a fourth of that.
 *
 * Pages and nodes are as lmdb.c of LMDB 0.9 says of MDB_page and MDB_node.
 * Nothing outside the pages of the snapshot is read, and no search takes more
 * steps than the tree is deep.  What is not exactly as a writer leaves it is
 * damage.
 */
#include "internal.h"

enum {
	PAGE_NUMBER = 0, /* MDB_page: 8 bytes */
	PAGE_FLAGS = 10, /* 2 */
	PAGE_LOWER = 12, /* 2: end of the nodes' offsets, 2 bytes each */
	PAGE_COUNT = 12, /* 4: of an overflow page, how many they are */
	PAGE_HEADER = 16,
	NODE_LOW = 0, /* MDB_node: 4, and 2 of flags, or a child's page in 6 */
	NODE_FLAGS = 4,
	NODE_KEY_LEN = 6, /* 2; then key, data */
	NODE_HEADER = 8
};

#define BRANCH   0x01 /* a page's flags */
#define LEAF     0x02
#define OVERFLOW 0x04
#define BIG      0x01 /* a node's: its data is the number of a page */

/*
 * Keeps a branch one: what the processor guesses it can fetch before memory
 * has answered, where a conditional move would wait (1.0 us a search, not 1.6).
 */
#define GUESS __asm__ volatile("")

#define FETCH 32 /* keys of a leaf, at most */

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

/*
 * All of a leaf's keys at once from memory, where one after the other is what
 * a search waits for.
 */
static inline void
search_fetch(const uint8_t *page, size_t size, size_t n)
{
	for (size_t i = 0; i < n && i < FETCH; i++)
		__builtin_prefetch(
		    page + (search_offset(page, i) & (size - 1)));
}

/* The value of key below this page, whose level is 1 for a leaf. */
static int
search_below(const paas_routedb_map_t *map, const struct search_key *key,
    uint64_t number, unsigned level, MDB_val *value)
{
	const size_t size = (size_t)1 << map->shift;
	struct search_node node;
	const uint8_t *page;
	size_t n, i;

	for (; level > 1; level--) {
		page = search_page(map, size, number, BRANCH, &n);
		if (page == NULL || (i = search_nodes(key, page, size, n)) == n)
			return PAAS_ROUTEDB_EDAMAGED;
		number = search_child(page, size, search_offset(page, i));
	}
	page = search_page(map, size, number, LEAF, &n);
	if (page == NULL)
		return PAAS_ROUTEDB_EDAMAGED;
	search_fetch(page, size, n);
	if ((i = search_nodes(key, page, size, n)) == n ||
	    !search_node(page, size, search_offset(page, i), &node))
		return PAAS_ROUTEDB_EDAMAGED;
	if (node.keylen != key->len ||
	    memcmp(node.key, key->data, key->len) != 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	return search_value(map, page, &node, value);
}

/* ---- the upper levels -------------------------------------------------- */

#define WORTH 100 /* finds: what they save is what it costs */

/* The children of all pages in top, if they are not too many. */
static int
top_descend(const paas_routedb_map_t *map, paas_routedb_top_t *top)
{
	const size_t size = (size_t)1 << map->shift;
	paas_routedb_top_t next;
	struct search_node node;
	struct search_key key;
	const uint8_t *page;
	size_t n, at;

	next.n = 0;
	for (unsigned p = 0; p < top->n; p++) {
		page = search_page(map, size, top->page[p], BRANCH, &n);
		if (page == NULL || n > PAAS_ROUTEDB_TOP - next.n)
			return 0;
		for (size_t i = 0; i < n; i++, next.n++) {
			at = search_offset(page, i);
			if (!search_node(page, size, at, &node))
				return 0;
			search_prepare(&key, node.key, node.keylen);
			/* The first one of a page has the page's key. */
			next.first[next.n] = i ? key.first : top->first[p];
			next.second[next.n] = i ? key.second : top->second[p];
			next.page[next.n] = search_child(page, size, at);
		}
	}
	next.level = top->level - 1;
	next.finds = top->finds;
	*top = next;
	return 1;
}

static void
top_make(const paas_routedb_map_t *map, paas_routedb_top_t *top)
{
	top->n = 1;
	top->level = map->depth;
	top->first[0] = top->second[0] = 0;
	top->page[0] = map->root;
	while (top->level > 1 && top_descend(map, top))
		;
}

/* The page to go on with; its level is 0 where 16 bytes don't tell. */
static uint64_t
top_find(const paas_routedb_top_t *top, const struct search_key *key,
    unsigned *level)
{
	unsigned low = 0, left = top->n, middle;

	for (*level = top->level; left > 1; left -= left / 2) {
		middle = low + left / 2;
		if (key->first < top->first[middle])
			continue;
		if (key->first == top->first[middle] &&
		    key->second <= top->second[middle]) {
			if (key->second < top->second[middle])
				continue;
			*level = 0;
			break;
		}
		GUESS;
		low = middle;
	}
	return top->page[low];
}

int
paas_routedb_map_find(const paas_routedb_map_t *map, const uint8_t *data,
    size_t len, MDB_val *value)
{
	struct search_key key;
	uint64_t number;
	unsigned level;

	if (map->depth == 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	search_prepare(&key, data, len);
	if (map->top != NULL && map->top->level > 0) {
		number = top_find(map->top, &key, &level);
		if (level > 0 && search_below(map, &key, number, level,
				     value) == PAAS_ROUTEDB_OK)
			return PAAS_ROUTEDB_OK;
	} else if (map->top != NULL && map->top->finds++ == WORTH) {
		top_make(map, map->top);
	}
	return search_below(map, &key, map->root, map->depth, value);
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
