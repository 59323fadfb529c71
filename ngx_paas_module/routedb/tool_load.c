/*
 * Taking a whole text file in.  All of it is read, sorted and checked before
 * the database is touched, and written in the order of its keys.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool.h"

struct load_pool {
	paas_routedb_pool_t pool;
	uint32_t line;
	size_t first; /* in load.instances */
};

struct load_instance {
	paas_routedb_instance_t instance;
	uint32_t pool; /* its index, while lines are read */
};

/* A host's line is short to read again and long to keep: 16 targets. */
struct load_host {
	paas_routedb_str_t name, text;
	uint64_t only; /* the one pool of the line */
	uint32_t ntargets;
	uint32_t line;
};

struct load {
	const char *file;
	char *err;
	int add, has_revision;
	uint64_t revision;
	struct load_pool *pools;
	struct load_instance *instances;
	struct load_host *hosts;
	size_t npools, ninstances, nhosts;
	size_t roompools, roominstances, roomhosts;
	int scattered;   /* instances are not in the order of their pools */
	uint32_t *table; /* open hash of pool ids: index + 1, or 0 */
	size_t tablesize, tabled;
	char **names; /* that the text has in another spelling */
	size_t nnames, roomnames;
	paas_routedb_instance_t together[PAAS_ROUTEDB_INSTS_MAX];
	struct tool_line paths[PAAS_ROUTEDB_PATHS_MAX];
};

/* ---- small things ------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static int
load_fail(struct load *l, uint32_t line, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(
	    l->err, TOOL_ERRLEN, line > 0 ? "%s:%u: " : "%s: ", l->file, line);
	if (n < 0 || n >= TOOL_ERRLEN)
		return -1;
	va_start(ap, fmt);
	vsnprintf(l->err + n, TOOL_ERRLEN - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

/* Room for one more of size bytes; NULL if there is no memory. */
static void *
load_room(struct load *l, void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room > 0 ? 2 * *room : 1024;
	array = reallocarray(array, *room, size);
	if (array == NULL)
		load_fail(l, 0, "%s", strerror(ENOMEM));
	return array;
}

static void
load_enter(struct load *l, size_t index)
{
	uint64_t hash = l->pools[index].pool.id * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = hash >> 32 & (l->tablesize - 1);

	while (l->table[i] != 0)
		i = (i + 1) & (l->tablesize - 1);
	l->table[i] = (uint32_t)index + 1;
}

/* The table takes in what has come since it was last asked. */
static int
load_fill_table(struct load *l)
{
	if (l->tablesize < 2 * l->npools) {
		free(l->table);
		for (l->tablesize = 1024; l->tablesize < 4 * l->npools;)
			l->tablesize *= 2;
		l->table = calloc(l->tablesize, sizeof(*l->table));
		if (l->table == NULL)
			return load_fail(l, 0, "%s", strerror(ENOMEM));
		l->tabled = 0;
	}
	while (l->tabled < l->npools)
		load_enter(l, l->tabled++);
	return 0;
}

/* The index of pool id, or npools. */
static size_t
load_find(const struct load *l, uint64_t id)
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

/* ---- reading ----------------------------------------------------------- */

static int
load_pool(struct load *l, const struct tool_line *line, uint32_t number)
{
	void *p =
	    load_room(l, l->pools, l->npools, &l->roompools, sizeof(*l->pools));

	if (p == NULL)
		return -1;
	l->pools = p;
	l->pools[l->npools++] =
	    (struct load_pool){.pool = line->pool, .line = number};
	return 0;
}

static int
load_instance(struct load *l, const struct tool_line *line, uint32_t number)
{
	size_t pool = l->npools - 1;
	void *p;

	if (l->npools == 0 || l->pools[pool].pool.id != line->pool_id) {
		if (load_fill_table(l) == -1)
			return -1;
		pool = load_find(l, line->pool_id);
		l->scattered = 1;
	}
	if (pool == l->npools)
		return load_fail(l, number,
		    "instance of pool %llu: no such pool above: put a line "
		    "'pool %llu' before it",
		    (unsigned long long)line->pool_id,
		    (unsigned long long)line->pool_id);
	p = load_room(l, l->instances, l->ninstances, &l->roominstances,
	    sizeof(*l->instances));
	if (p == NULL)
		return -1;
	l->instances = p;
	if (l->pools[pool].pool.ninstances++ == 0)
		l->pools[pool].first = l->ninstances;
	l->instances[l->ninstances++] =
	    (struct load_instance){line->instance, (uint32_t)pool};
	return 0;
}

/* The canonical name, in the text itself where it is spelt so there. */
static int
load_name(struct load *l, const struct tool_line *line, paas_routedb_str_t text,
    paas_routedb_str_t *name)
{
	const uint8_t *at =
	    memmem(text.data, text.len, line->host, line->hostlen);
	void *p;

	name->len = line->hostlen;
	name->data = at;
	if (at != NULL)
		return 0;
	p = load_room(l, l->names, l->nnames, &l->roomnames, sizeof(*l->names));
	if (p == NULL)
		return -1;
	l->names = p;
	name->data = memcpy(l->names[l->nnames++] = malloc(line->hostlen),
	    line->host, line->hostlen);
	return 0;
}

static int
load_host(struct load *l, const struct tool_line *line, paas_routedb_str_t text,
    uint32_t number)
{
	struct load_host *h;
	void *p =
	    load_room(l, l->hosts, l->nhosts, &l->roomhosts, sizeof(*l->hosts));

	if (p == NULL)
		return -1;
	l->hosts = p;
	h = &l->hosts[l->nhosts++];
	h->text = text;
	h->line = number;
	h->ntargets = line->path.ntargets;
	h->only = h->ntargets == 1 ? line->path.targets[0].pool : 0;
	return load_name(l, line, text, &h->name);
}

static int
load_line(struct load *l, paas_routedb_str_t text, uint32_t number)
{
	char err[TOOL_ERRLEN];
	struct tool_line *line = &l->paths[0];

	if (tool_parse(text, line, err) == -1)
		return load_fail(l, number, "%s", err);
	switch (line->kind) {
	case TOOL_POOL:
		return load_pool(l, line, number);
	case TOOL_INSTANCE:
		return load_instance(l, line, number);
	case TOOL_HOST:
		return load_host(l, line, text, number);
	case TOOL_REVISION:
		l->has_revision = 1;
		l->revision = line->revision;
		return 0;
	default:
		return 0;
	}
}

static int
load_lines(struct load *l, paas_routedb_str_t text)
{
	const uint8_t *p = text.data, *end = p + text.len, *eol;
	uint32_t number = 0;

	for (; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		if (load_line(l, (paas_routedb_str_t){p, (size_t)(eol - p)},
			++number) == -1)
			return -1;
	}
	return 0;
}

/* ---- sorting and checking ---------------------------------------------- */

/* Brings each pool's instances together, in the order of their lines. */
static int
load_gather(struct load *l)
{
	struct load_instance *sorted;
	size_t at = 0, i;

	if (!l->scattered)
		return 0;
	sorted = reallocarray(NULL, l->ninstances + 1, sizeof(*sorted));
	if (sorted == NULL)
		return load_fail(l, 0, "%s", strerror(ENOMEM));
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
	const struct load_pool *x = a, *y = b;

	if (x->pool.id != y->pool.id)
		return x->pool.id < y->pool.id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int
compare_hosts(const void *a, const void *b)
{
	const struct load_host *x = a, *y = b;
	int order = paas_routedb_compare(x->name, y->name);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Most files are sorted, being dumps: looking is cheaper than sorting. */
static void
sort(void *array, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *p = array;

	for (size_t i = 1; i < n; i++, p += size)
		if (cmp(p, p + size) > 0) {
			qsort(array, n, size, cmp);
			return;
		}
}

static void
load_together(struct load *l, const struct load_pool *p)
{
	for (uint32_t i = 0; i < p->pool.ninstances; i++)
		l->together[i] = l->instances[p->first + i].instance;
}

static int
load_check_pools(struct load *l)
{
	struct load_pool *p, *prior = NULL;

	for (p = l->pools; p < l->pools + l->npools; prior = p++) {
		unsigned long long id = p->pool.id;

		if (prior != NULL && prior->pool.id == p->pool.id)
			return load_fail(l, p->line,
			    "pool %llu: already on line %u: give it another "
			    "number",
			    id, prior->line);
		if (p->pool.ninstances > PAAS_ROUTEDB_INSTS_MAX)
			return load_fail(l, p->line,
			    "pool %llu: %u instances: the most is %d", id,
			    p->pool.ninstances, PAAS_ROUTEDB_INSTS_MAX);
		load_together(l, p);
		if (paas_routedb_check_pool(&p->pool, l->together) != 0)
			return load_fail(l, p->line,
			    "pool %llu: two instances have one number: give "
			    "each its own",
			    id);
	}
	return 0;
}

/* How many lines from i on are of one host. */
static size_t
load_group(const struct load *l, size_t i)
{
	size_t n = 1;

	while (i + n < l->nhosts && paas_routedb_compare(l->hosts[i].name,
					l->hosts[i + n].name) == 0)
		n++;
	return n;
}

/* The lines of a host, read again into l->paths. */
static void
load_read_again(struct load *l, size_t i, size_t n)
{
	char err[TOOL_ERRLEN];

	for (size_t k = 0; k < n; k++)
		(void)tool_parse(l->hosts[i + k].text, &l->paths[k], err);
}

static int
load_check_paths(struct load *l, size_t i, size_t n)
{
	const paas_routedb_path_t *a, *b;

	if (n > PAAS_ROUTEDB_PATHS_MAX)
		return load_fail(l, l->hosts[i + n - 1].line,
		    "host: %zu paths: the most is %d", n,
		    PAAS_ROUTEDB_PATHS_MAX);
	load_read_again(l, i, n);
	for (size_t x = 1; x < n; x++) {
		for (size_t y = 0; y < x; y++) {
			a = &l->paths[x].path;
			b = &l->paths[y].path;
			if (paas_routedb_compare(a->prefix, b->prefix) == 0)
				return load_fail(l, l->hosts[i + x].line,
				    "host %s: the same path as on line %u: "
				    "one line may name several pools",
				    l->paths[x].host, l->hosts[i + y].line);
		}
	}
	return 0;
}

/* With --add, a pool may be in the database already. */
static int
load_check_target(struct load *l, const struct load_host *h, uint64_t pool,
    paas_routedb_reader_t *reader)
{
	paas_routedb_pool_t found;

	if (load_find(l, pool) < l->npools)
		return 0;
	if (reader != NULL && paas_routedb_find_pool(reader, NULL, pool,
				  &found) == PAAS_ROUTEDB_OK)
		return 0;
	return load_fail(l, h->line,
	    "pool=%llu: no such pool: add a line 'pool %llu'",
	    (unsigned long long)pool, (unsigned long long)pool);
}

static int
load_check_targets(
    struct load *l, struct load_host *h, paas_routedb_reader_t *reader)
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
load_choose_home(struct load *l, size_t i, size_t n)
{
	uint64_t only = 0;
	size_t pool;

	for (size_t k = i; k < i + n; k++) {
		if (l->hosts[k].ntargets == 0)
			continue;
		if (l->hosts[k].only == 0 ||
		    (only != 0 && l->hosts[k].only != only))
			return;
		only = l->hosts[k].only;
	}
	pool = load_find(l, only);
	if (only != 0 && pool < l->npools && l->pools[pool].pool.home.len == 0)
		l->pools[pool].pool.home = l->hosts[i].name;
}

/* reader: of the database that will be added to, or NULL. */
static int
load_check(struct load *l, paas_routedb_reader_t *reader)
{
	size_t i, n;

	for (i = 0; i < l->nhosts; i += n) {
		n = load_group(l, i);
		if (n > 1 && load_check_paths(l, i, n) == -1)
			return -1;
		for (size_t k = i; k < i + n; k++)
			if (load_check_targets(l, &l->hosts[k], reader) == -1)
				return -1;
		if (!l->add)
			load_choose_home(l, i, n);
	}
	return 0;
}

static int
load_read(struct load *l, paas_routedb_str_t text)
{
	if (load_lines(l, text) == -1 || load_gather(l) == -1)
		return -1;
	sort(l->pools, l->npools, sizeof(*l->pools), compare_pools);
	sort(l->hosts, l->nhosts, sizeof(*l->hosts), compare_hosts);
	if (load_check_pools(l) == -1)
		return -1;
	l->tablesize = 0; /* it knows them in their old order */
	if (l->npools > 0 && load_fill_table(l) == -1)
		return -1;
	return l->add ? 0 : load_check(l, NULL);
}

/* ---- writing ----------------------------------------------------------- */

static int
load_put(struct load *l, paas_routedb_writer_t *w)
{
	paas_routedb_path_t *paths;
	struct load_pool *p;
	size_t i, n, k;
	int rc = l->add ? PAAS_ROUTEDB_OK : paas_routedb_clear(w);

	paths = calloc(PAAS_ROUTEDB_PATHS_MAX, sizeof(*paths));
	if (paths == NULL)
		return PAAS_ROUTEDB_ESYS;
	for (p = l->pools; p < l->pools + l->npools && rc == 0; p++) {
		load_together(l, p);
		rc = paas_routedb_put_pool(w, &p->pool, l->together);
	}
	for (i = 0; i < l->nhosts && rc == PAAS_ROUTEDB_OK; i += n) {
		n = load_group(l, i);
		load_read_again(l, i, n);
		for (k = 0; k < n; k++)
			paths[k] = l->paths[k].path;
		rc = paas_routedb_put_host(
		    w, l->hosts[i].name, paths, (uint32_t)n);
	}
	if (rc == PAAS_ROUTEDB_OK && l->has_revision)
		rc = paas_routedb_put_revision(w, l->revision);
	free(paths);
	return rc;
}

/* Against what is in the database already. */
static int
load_check_added(struct load *l, paas_routedb_writer_t *w)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	uint64_t txn;
	int rc;

	if (!l->add)
		return 0;
	if (paas_routedb_begin(reader, &txn) != PAAS_ROUTEDB_OK)
		return load_check(l, NULL);
	rc = load_check(l, reader);
	(void)paas_routedb_end(reader);
	return rc;
}

static int
load_write(struct load *l, const char *dir, paas_routedb_writer_t *w)
{
	int rc, wait;

	while ((wait = paas_routedb_writer_wait(w)) > 0)
		usleep((useconds_t)wait * 1000);
	rc = paas_routedb_write_begin(w);
	if (rc == PAAS_ROUTEDB_OK && load_check_added(l, w) == -1)
		return -1;
	if (rc == PAAS_ROUTEDB_OK)
		rc = load_put(l, w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_commit(w);
	if (rc == PAAS_ROUTEDB_OK)
		return 0;
	l->file = dir;
	return load_fail(l, 0, "%s",
	    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
				    : paas_routedb_strerror(rc));
}

static int
load_open(struct load *l, const char *dir, paas_routedb_writer_t **w)
{
	int rc = paas_routedb_writer_open(w, dir, 0);

	if (rc == PAAS_ROUTEDB_OK)
		return 0;
	l->file = dir;
	if (rc == PAAS_ROUTEDB_ESYS && errno == EBUSY)
		return load_fail(l, 0,
		    "another writer has it open: stop paas-manager first, or "
		    "use 'paas routes'");
	return load_fail(l, 0, "%s",
	    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
				    : paas_routedb_strerror(rc));
}

static void
load_free(struct load *l)
{
	while (l->nnames > 0)
		free(l->names[--l->nnames]);
	free(l->names);
	free(l->pools);
	free(l->instances);
	free(l->hosts);
	free(l->table);
	free(l);
}

int
tool_load(const char *dir, const char *file, paas_routedb_str_t text, int add,
    char err[TOOL_ERRLEN])
{
	paas_routedb_writer_t *w = NULL;
	struct load *l = calloc(1, sizeof(*l));
	int rc = -1;

	if (l == NULL) {
		snprintf(err, TOOL_ERRLEN, "%s: %s", file, strerror(ENOMEM));
		return -1;
	}
	l->file = file;
	l->err = err;
	l->add = add;
	/* LMDB takes and frees a page at a time: not each from the kernel. */
	mallopt(M_TOP_PAD, 16 << 20);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	/* Its grace runs from here; a new one is made after the checks only. */
	if (access(dir, F_OK) == 0 && load_open(l, dir, &w) == -1)
		goto done;
	if (load_read(l, text) == -1)
		goto done;
	if (w == NULL && load_open(l, dir, &w) == -1)
		goto done;
	rc = load_write(l, dir, w);
done:
	paas_routedb_writer_close(w);
	load_free(l);
	return rc;
}
