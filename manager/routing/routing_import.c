/*
 * Imported routes as the routing stage reads them: a file in order, mapped,
 * in which a host is found by halves.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/places.h"
#include "routing/import.h"
#include "routing/import_line.h"
#include "routing/import_pool.h"
#include "routing/routing.h"
#include "routing/routing_impl.h"

/* A file that no record names yet may be about to be named: seconds. */
#define SWEEP_AGE 3600

/* And one that a record has named before may be about to be so again. */
#define SWEEP_AGE_BEFORE 60

#define PATH_LEN (sizeof(((struct conf *)0)->state_dir) + 96)

struct import_map {
	const char *data; /* NULL if there is none */
	size_t size;
	size_t hosts; /* where the lines of pools end */
};

struct routing_import {
	const struct conf *conf;
	uint64_t rev;
	json_t *record; /* NULL if nothing was ever imported */
	int known;
	struct import_map map;
	struct import_pools pools;
	uint64_t *ids; /* of the pools, sorted */
};

/* ---- lines ------------------------------------------------------------- */

/* Up to the newline, which every line has. */
static size_t
line_len(const struct import_map *map, size_t at)
{
	const char *line = map->data + at;
	const char *eol = memchr(line, '\n', map->size - at);

	return eol != NULL ? (size_t)(eol - line) : map->size - at;
}

static size_t
host_len(const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);

	return blank != NULL ? (size_t)(blank - line) : len;
}

/* Of the line that is at `at`, against a host. */
static int
compare_host(const struct import_map *map, size_t at, const char *host)
{
	const char *line = map->data + at;
	size_t len = host_len(line, line_len(map, at)), n = strlen(host);
	int order = memcmp(line, host, len < n ? len : n);

	return order != 0 ? order : (len > n) - (len < n);
}

/* ---- the file ---------------------------------------------------------- */

/* 0, or -1 if it can't be read or does not end as a file of ours does. */
static int
map_file(const struct conf *conf, const char *file, struct import_map *map)
{
	char path[PATH_LEN];
	struct stat sb;
	void *data;
	int fd;

	memset(map, 0, sizeof(*map));
	import_path_of(conf, file, path, sizeof(path));
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return -1;
	if (fstat(fd, &sb) == -1 || sb.st_size <= 0) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	data = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return -1;
	map->data = data;
	map->size = (size_t)sb.st_size;
	return 0;
}

static void
unmap_file(struct import_map *map)
{
	if (map->data != NULL)
		munmap((void *)(uintptr_t)map->data, map->size);
	memset(map, 0, sizeof(*map));
}

/* Calls back with each pool's line, and finds the end of them. */
static int
each_pool(struct import_map *map,
    int (*cb)(const char *line, size_t len, void *arg), void *arg)
{
	size_t at = 0, len;
	int rc;

	while (at < map->size && map->data[at] == '@') {
		len = line_len(map, at);
		if ((rc = cb(map->data + at, len, arg)) != 0)
			return rc;
		at += len + 1;
	}
	map->hosts = at < map->size ? at : map->size;
	return 0;
}

static paas_routedb_str_t
pool_name(const char *line, size_t len)
{
	paas_routedb_str_t name = {
	    (const uint8_t *)line + 1, host_len(line, len) - 1};

	return name;
}

static int
add_pool(const char *line, size_t len, void *arg)
{
	struct routing_import *import = arg;

	return import_pools_add(&import->pools, pool_name(line, len));
}

struct routing_import *
routing_import_load(struct store *st, const struct conf *conf)
{
	struct routing_import *import;
	const char *file;

	if ((import = calloc(1, sizeof(*import))) == NULL)
		log_fatal("routing: out of memory");
	import->conf = conf;
	import_pools_init(&import->pools);
	import->record = store_get(st, IMPORT_KEY, &import->rev);
	file = json_string_value(json_object_get(import->record, "file"));
	import->known = file == NULL;
	if (file != NULL) {
		if (map_file(conf, file, &import->map) == -1)
			log_err("routing: the imported routes %s can't be "
				"read: %s; they stay as they are",
			    file, strerror(errno));
		else if (each_pool(&import->map, add_pool, import) != 0)
			log_err("routing: the imported routes %s are damaged; "
				"they stay as they are",
			    file);
		else
			import->known = 1;
	}
	import->ids = import_pools_ids(&import->pools);
	return import;
}

void
routing_import_free(struct routing_import *import)
{
	if (import == NULL)
		return;
	unmap_file(&import->map);
	import_pools_free(&import->pools);
	json_decref(import->record);
	free(import->ids);
	free(import);
}

uint64_t
routing_import_rev(const struct routing_import *import)
{
	return import->rev;
}

int
routing_import_known(const struct routing_import *import)
{
	return import->known;
}

/* ---- hosts ------------------------------------------------------------- */

/* Back to the begin of the line that holds this byte. */
static size_t
line_begin(const struct import_map *map, size_t at)
{
	const char *eol =
	    memrchr(map->data + map->hosts, '\n', at - map->hosts);

	return eol != NULL ? (size_t)(eol - map->data) + 1 : map->hosts;
}

size_t
routing_import_seek(const struct routing_import *import, const char *host)
{
	const struct import_map *map = &import->map;
	size_t low = map->hosts, high = map->size, at;

	/* Lines before low are less, those from high on are not. */
	while (low < high) {
		at = line_begin(map, low + (high - low) / 2);
		if (compare_host(map, at, host) < 0)
			low = at + line_len(map, at) + 1;
		else
			high = at;
	}
	return low < map->size ? low : map->size;
}

const char *
routing_import_host(
    const struct routing_import *import, size_t at, size_t *len, size_t *next)
{
	const struct import_map *map = &import->map;
	const char *host;
	size_t n;

	if (at >= map->size)
		return NULL;
	host = map->data + at;
	n = line_len(map, at);
	*len = host_len(host, n);
	for (*next = at + n + 1; *next < map->size; *next += n + 1) {
		n = line_len(map, *next);
		if (n <= *len || map->data[*next + *len] != ' ' ||
		    memcmp(map->data + *next, host, *len) != 0)
			break;
	}
	return host;
}

/* A pool that is not there, in a line of ours: the file is damaged. */
static int
convert(struct routing_import *import, const struct import_path *path,
    paas_routedb_path_t *out)
{
	uint32_t i;

	out->prefix = path->prefix;
	out->flags = path->flags;
	out->redirect_host = path->to_host_word;
	out->ntargets = path->ntargets;
	for (i = 0; i < path->ntargets; i++) {
		out->targets[i].pool =
		    import_pools_find(&import->pools, path->targets[i].name);
		out->targets[i].weight = path->targets[i].weight;
		if (out->targets[i].pool == 0)
			return -1;
	}
	return 0;
}

uint32_t
routing_import_paths(
    struct routing_import *import, size_t at, paas_routedb_path_t *paths)
{
	const struct import_map *map = &import->map;
	struct import_path path;
	size_t len, next;
	uint32_t n = 0;

	if (routing_import_host(import, at, &len, &next) == NULL)
		return 0;
	for (; at < next && n < PAAS_ROUTEDB_PATHS_MAX; at += len + 1) {
		len = line_len(map, at);
		if (import_line_path(map->data + at, len, &path, NULL) == -1 ||
		    convert(import, &path, &paths[n++]) == -1)
			return 0;
	}
	return n;
}

json_t *
routing_imported(const struct routing *rt, const char *host)
{
	const struct import_map *map = &rt->import->map;
	size_t at = routing_import_seek(rt->import, host), len, next;
	const char *found = routing_import_host(rt->import, at, &len, &next);
	json_t *list;

	if (found == NULL || len != strlen(host) ||
	    memcmp(found, host, len) != 0)
		return NULL;
	list = json_array();
	for (; at < next; at += len + 1) {
		len = line_len(map, at);
		json_array_append_new(list, json_stringn(map->data + at, len));
	}
	return list;
}

/* ---- pools ------------------------------------------------------------- */

struct put {
	struct routing_import *import;
	struct routing_db *db;
	size_t n, from;
	uint64_t end;
};

/* 1 once the time is over. */
static int
put_pool(const char *line, size_t len, void *arg)
{
	struct put *put = arg;
	char err[PAAS_ERRLEN];
	paas_routedb_str_t name;
	json_t *pool;

	if (put->n++ < put->from)
		return 0;
	pool = import_line_pool(put->import->conf, line, len, &name, err);
	if (pool != NULL)
		(void)routing_backend_put_pool(put->db, "",
		    import_pools_find(&put->import->pools, name), pool);
	else
		log_warn("routing: an imported pool makes no sense: %s", err);
	json_decref(pool);
	return routing_now() > put->end;
}

size_t
routing_import_put_pools(struct routing_import *import, struct routing_db *db,
    size_t from, uint64_t end)
{
	struct put put = {import, db, 0, from, end};

	return each_pool(&import->map, put_pool, &put) == 1 ? put.n : 0;
}

int
routing_import_owns(const struct routing_import *import, uint64_t pool)
{
	size_t low = 0, high = import->pools.n, at;

	while (low < high) {
		at = low + (high - low) / 2;
		if (import->ids[at] < pool)
			low = at + 1;
		else
			high = at;
	}
	return !import->known ||
	       (low < import->pools.n && import->ids[low] == pool);
}

struct each {
	void (*cb)(uint64_t, void *);
	void *arg;
};

static int
show_old(const char *line, size_t len, void *arg)
{
	struct each *each = arg;

	each->cb(import_pool_id(pool_name(line, len)), each->arg);
	return 0;
}

void
routing_import_each_old(
    struct routing_import *import, void (*cb)(uint64_t, void *), void *arg)
{
	const json_t *list = json_object_get(import->record, "before");
	struct each each = {cb, arg};
	struct import_map map;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (map_file(import->conf,
			json_string_value(json_array_get(list, i)), &map) == -1)
			continue;
		(void)each_pool(&map, show_old, &each);
		unmap_file(&map);
	}
}

/* ---- files that nobody needs ------------------------------------------- */

static int
is_listed(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), name) ==
		    0)
			return 1;
	return 0;
}

static int
is_old(int dir, const char *name, time_t age)
{
	struct stat sb;

	return fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(sb.st_mode) && time(NULL) - sb.st_mtime > age;
}

void
routing_import_sweep(struct routing_import *import)
{
	const json_t *before = json_object_get(import->record, "before");
	const char *file =
	    json_string_value(json_object_get(import->record, "file"));
	char path[PATH_LEN];
	struct dirent *entry;
	DIR *dir;

	import_path_of(import->conf, "", path, sizeof(path));
	if (!import->known || (dir = opendir(path)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (file != NULL && strcmp(entry->d_name, file) == 0)
			continue;
		if (is_old(dirfd(dir), entry->d_name,
			is_listed(before, entry->d_name) ? SWEEP_AGE_BEFORE
							 : SWEEP_AGE))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}
