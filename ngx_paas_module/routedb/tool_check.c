/*
 * Sorting a text file of routes into the order of its keys, and finding what
 * is wrong in it before anything is written.
 */
#include <errno.h>
#include <stdlib.h>

#include "tool_load.h"

/* ---- pools by their ids ------------------------------------------------ */

static void
load_enter(struct tool_load *l, size_t index)
{
	uint64_t hash = l->pools[index].pool.id * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = hash >> 32 & (l->tablesize - 1);

	while (l->table[i] != 0)
		i = (i + 1) & (l->tablesize - 1);
	l->table[i] = (uint32_t)index + 1;
}

int
tool_load_index(struct tool_load *l)
{
	if (l->tablesize < 2 * l->npools) {
		free(l->table);
		for (l->tablesize = 1024; l->tablesize < 4 * l->npools;)
			l->tablesize *= 2;
		l->table = calloc(l->tablesize, sizeof(*l->table));
		if (l->table == NULL)
			return tool_load_fail(l, 0, "%s", strerror(ENOMEM));
		l->tabled = 0;
	}
	while (l->tabled < l->npools)
		load_enter(l, l->tabled++);
	return 0;
}

size_t
tool_load_find(const struct tool_load *l, uint64_t id)
{
	uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15);
	size_t i;

	if (l->tablesize == 0)
		return l->npools;
	for (i = hash >> 32 & (l->tablesize - 1); l->table[i] != 0;
	     i = (i + 1) & (l->tablesize - 1))
		if (l->pools[l->table[i] - 1].pool.id == id)
			return l->table[i] - 1;
	return l->npools;
}

/* ---- sorting and checking ---------------------------------------------- */

/* Brings each pool's instances together, in the order of their lines. */
static int
load_gather(struct tool_load *l)
{
	struct tool_load_instance *sorted;
	size_t at = 0, i;

	if (!l->scattered)
		return 0;
	sorted = reallocarray(NULL, l->ninstances + 1, sizeof(*sorted));
	if (sorted == NULL)
		return tool_load_fail(l, 0, "%s", strerror(ENOMEM));
	for (i = 0; i < l->npools; i++) {
		l->pools[i].first = at;
		at += l->pools[i].pool.ninstances;
	}
	for (i = 0; i < l->ninstances; i++)
		sorted[l->pools[l->instances[i].pool].first++] =
		    l->instances[i];
	for (i = 0; i < l->npools; i++)
		l->pools[i].first -= l->pools[i].pool.ninstances;
	free(l->instances);
	l->instances = sorted;
	return 0;
}

static int
compare_pools(const void *a, const void *b)
{
	const struct tool_load_pool *x = a, *y = b;

	if (x->pool.id != y->pool.id)
		return x->pool.id < y->pool.id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int
compare_hosts(const void *a, const void *b)
{
	const struct tool_load_host *x = a, *y = b;
	int order = paas_routedb_compare(x->name, y->name);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Looking is cheaper than sorting. */
void
tool_load_sort_array(
    void *array, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *p = array;

	for (size_t i = 1; i < n; i++, p += size)
		if (cmp(p, p + size) > 0) {
			qsort(array, n, size, cmp);
			return;
		}
}

void
tool_load_together(struct tool_load *l, const struct tool_load_pool *p)
{
	for (uint32_t i = 0; i < p->pool.ninstances; i++)
		l->together[i] = l->instances[p->first + i].instance;
}

static int
load_check_pools(struct tool_load *l)
{
	struct tool_load_pool *p, *prior = NULL;

	for (p = l->pools; p < l->pools + l->npools; prior = p++) {
		unsigned long long id = p->pool.id;

		if (prior != NULL && prior->pool.id == p->pool.id)
			return tool_load_fail(l, p->line,
			    "pool %llu: already on line %u: give it another "
			    "number",
			    id, prior->line);
		if (p->pool.ninstances > PAAS_ROUTEDB_INSTS_MAX)
			return tool_load_fail(l, p->line,
			    "pool %llu: %u instances: the most is %d", id,
			    p->pool.ninstances, PAAS_ROUTEDB_INSTS_MAX);
		tool_load_together(l, p);
		if (paas_routedb_check_pool(&p->pool, l->together) != 0)
			return tool_load_fail(l, p->line,
			    "pool %llu: two instances have one number: give "
			    "each its own",
			    id);
	}
	return 0;
}

size_t
tool_load_group(const struct tool_load_hosts *hosts, size_t i)
{
	size_t n = 1;

	while (i + n < hosts->n && paas_routedb_compare(hosts->list[i].name,
				       hosts->list[i + n].name) == 0)
		n++;
	return n;
}

void
tool_load_read_again(
    struct tool_load *l, const struct tool_load_host *h, size_t n)
{
	char err[TOOL_ERRLEN];

	for (size_t k = 0; k < n; k++)
		(void)tool_parse(h[k].text, &l->paths[k], err);
}

/* Two lines of one host or pattern. */
static int
load_check_pair(struct tool_load *l, const struct tool_line *a,
    const struct tool_line *b, uint32_t a_line, uint32_t b_line)
{
	char name[TOOL_ERRLEN];

	if (a->kind == TOOL_PATTERN &&
	    paas_routedb_compare(a->pattern, b->pattern) != 0)
		return tool_load_fail(l, a_line,
		    "%s: another one than on line %u: give it another number",
		    tool_called(a, name), b_line);
	if (paas_routedb_compare(a->path.prefix, b->path.prefix) == 0)
		return tool_load_fail(l, a_line,
		    "%s: the same path as on line %u: one line may name "
		    "several pools",
		    tool_called(a, name), b_line);
	return 0;
}

static int
load_check_paths(struct tool_load *l, const struct tool_load_host *h, size_t n)
{
	if (n > PAAS_ROUTEDB_PATHS_MAX)
		return tool_load_fail(l, h[n - 1].line,
		    "host: %zu paths: the most is %d", n,
		    PAAS_ROUTEDB_PATHS_MAX);
	tool_load_read_again(l, h, n);
	for (size_t x = 1; x < n; x++)
		for (size_t y = 0; y < x; y++)
			if (load_check_pair(l, &l->paths[x], &l->paths[y],
				h[x].line, h[y].line) == -1)
				return -1;
	return 0;
}

/* With --add, a pool may be in the database already. */
static int
load_check_target(struct tool_load *l, const struct tool_load_host *h,
    uint64_t pool, paas_routedb_reader_t *reader)
{
	paas_routedb_pool_t found;

	if (tool_load_find(l, pool) < l->npools)
		return 0;
	if (reader != NULL && paas_routedb_find_pool(reader, NULL, pool,
				  &found) == PAAS_ROUTEDB_OK)
		return 0;
	return tool_load_fail(l, h->line,
	    "pool=%llu: no such pool: add a line 'pool %llu'",
	    (unsigned long long)pool, (unsigned long long)pool);
}

static int
load_check_targets(struct tool_load *l, const struct tool_load_host *h,
    paas_routedb_reader_t *reader)
{
	char err[TOOL_ERRLEN];
	const paas_routedb_path_t *path = &l->paths[0].path;

	if (h->only != 0)
		return load_check_target(l, h, h->only, reader);
	(void)tool_parse(h->text, &l->paths[0], err);
	for (uint32_t t = 0; t < path->ntargets; t++)
		if (load_check_target(l, h, path->targets[t].pool, reader) ==
		    -1)
			return -1;
	return 0;
}

/* The first host of a pool alone becomes its home, as the writer would do. */
static void
load_choose_home(struct tool_load *l, const struct tool_load_host *h, size_t n)
{
	uint64_t only = 0;
	size_t pool;

	if (paas_routedb_is_default(h->name))
		return;
	for (size_t k = 0; k < n; k++) {
		if (h[k].ntargets == 0)
			continue;
		if (h[k].only == 0 || (only != 0 && h[k].only != only))
			return;
		only = h[k].only;
	}
	pool = tool_load_find(l, only);
	if (only != 0 && pool < l->npools && l->pools[pool].pool.home.len == 0)
		l->pools[pool].pool.home = h->name;
}

static int
load_check_hosts(struct tool_load *l, const struct tool_load_hosts *hosts,
    paas_routedb_reader_t *reader)
{
	const struct tool_load_host *h;
	size_t i, n;

	for (i = 0; i < hosts->n; i += n) {
		h = &hosts->list[i];
		n = tool_load_group(hosts, i);
		if (n > 1 && load_check_paths(l, h, n) == -1)
			return -1;
		for (size_t k = 0; k < n; k++)
			if (load_check_targets(l, &h[k], reader) == -1)
				return -1;
		if (!l->add && hosts == &l->hosts)
			load_choose_home(l, h, n);
	}
	return 0;
}

/* With --add, how many patterns that makes in all is known to the writer. */
static int
load_check_patterns(struct tool_load *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->patterns.n; i += tool_load_group(&l->patterns, i))
		n++;
	return n <= PAAS_ROUTEDB_PATTERNS_MAX
		   ? 0
		   : tool_load_fail(l, l->patterns.list[i - 1].line,
			 "pattern: there are %zu: the most is %d", n,
			 PAAS_ROUTEDB_PATTERNS_MAX);
}

int
tool_load_check(struct tool_load *l, paas_routedb_reader_t *reader)
{
	if (load_check_hosts(l, &l->hosts, reader) == -1 ||
	    load_check_hosts(l, &l->patterns, reader) == -1)
		return -1;
	if (load_check_patterns(l) == -1)
		return -1;
	return tool_load_check_certs(l, reader);
}

int
tool_load_sort(struct tool_load *l)
{
	if (load_gather(l) == -1)
		return -1;
	tool_load_sort_array(
	    l->pools, l->npools, sizeof(*l->pools), compare_pools);
	tool_load_sort_array(
	    l->hosts.list, l->hosts.n, sizeof(*l->hosts.list), compare_hosts);
	tool_load_sort_array(l->patterns.list, l->patterns.n,
	    sizeof(*l->patterns.list), compare_hosts);
	l->tablesize = 0; /* it knows them in their old order */
	if (l->npools > 0 && tool_load_index(l) == -1)
		return -1;
	return load_check_pools(l);
}
