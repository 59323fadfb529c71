/*
 * LMDB's file, mapped once more, to be read without LMDB by search.c.
 *
 * Its layout is what lmdb.c of LMDB 0.9 says of MDB_meta and MDB_db, data
 * version 1; any other is left to the library.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

#if MDB_VERSION_MAJOR == 0 && MDB_VERSION_MINOR == 9 && \
    __SIZEOF_SIZE_T__ == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define UNDERSTOOD 1
#else
#define UNDERSTOOD 0
#endif

enum {
	FILE_MAGIC = 16, /* MDB_meta, on pages 0 and 1 */
	FILE_VERSION = 20,
	FILE_MAIN = 88, /* MDB_db of the unnamed database */
	FILE_LAST_PAGE = 136,
	FILE_TXN = 144,
	DB_FLAGS = 4, /* 2 bytes */
	DB_DEPTH = 6, /* 2 */
	DB_ROOT = 40
};

#define MAGIC     0xBEEFC0DEU
#define VERSION   1
#define DEPTH_MAX 32

static const uint64_t *
map_word(const paas_routedb_map_t *map, unsigned page)
{
	const uint8_t *p = map->base + ((size_t)page << map->shift) + FILE_TXN;

	return (const uint64_t *)(const void *)p;
}

static uint64_t
map_txn(const paas_routedb_map_t *map, unsigned page)
{
	return __atomic_load_n(map_word(map, page), __ATOMIC_ACQUIRE);
}

void
paas_routedb_unmap(paas_routedb_map_t *map)
{
	if (map->base != NULL)
		munmap((void *)(uintptr_t)map->base, map->size);
	free(map->top);
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
	map->top = calloc(1, sizeof(*map->top));
}

void
paas_routedb_map_words(const paas_routedb_map_t *map, const uint64_t *words[2])
{
	words[0] = map_word(map, 0);
	words[1] = map_word(map, 1);
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
	if (map->top != NULL)
		map->top->level = map->top->finds = 0;
	return 0;
}
