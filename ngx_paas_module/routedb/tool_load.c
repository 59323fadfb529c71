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

#include "tool_load.h"

/* ---- small things ------------------------------------------------------ */

int
tool_load_fail(struct tool_load *l, uint32_t line, const char *fmt, ...)
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

void *
tool_load_room(
    struct tool_load *l, void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room > 0 ? 2 * *room : 1024;
	array = reallocarray(array, *room, size);
	if (array == NULL)
		tool_load_fail(l, 0, "%s", strerror(ENOMEM));
	return array;
}

/* ---- reading ----------------------------------------------------------- */

static int
load_pool(struct tool_load *l, const struct tool_line *line, uint32_t number)
{
	void *p = tool_load_room(
	    l, l->pools, l->npools, &l->roompools, sizeof(*l->pools));

	if (p == NULL)
		return -1;
	l->pools = p;
	l->pools[l->npools++] =
	    (struct tool_load_pool){.pool = line->pool, .line = number};
	return 0;
}

static int
load_instance(
    struct tool_load *l, const struct tool_line *line, uint32_t number)
{
	size_t pool = l->npools - 1;
	void *p;

	if (l->npools == 0 || l->pools[pool].pool.id != line->pool_id) {
		if (tool_load_index(l) == -1)
			return -1;
		pool = tool_load_find(l, line->pool_id);
		l->scattered = 1;
	}
	if (pool == l->npools)
		return tool_load_fail(l, number,
		    "instance of pool %llu: no such pool above: put a line "
		    "'pool %llu' before it",
		    (unsigned long long)line->pool_id,
		    (unsigned long long)line->pool_id);
	p = tool_load_room(l, l->instances, l->ninstances, &l->roominstances,
	    sizeof(*l->instances));
	if (p == NULL)
		return -1;
	l->instances = p;
	if (l->pools[pool].pool.ninstances++ == 0)
		l->pools[pool].first = l->ninstances;
	l->instances[l->ninstances++] =
	    (struct tool_load_instance){line->instance, (uint32_t)pool};
	return 0;
}

int
tool_load_keep(struct tool_load *l, const void *data, size_t len,
    paas_routedb_str_t text, paas_routedb_str_t *name)
{
	const uint8_t *at = memmem(text.data, text.len, data, len);
	void *p;

	name->len = len;
	name->data = at;
	if (at != NULL)
		return 0;
	p = tool_load_room(
	    l, l->names, l->nnames, &l->roomnames, sizeof(*l->names));
	if (p == NULL)
		return -1;
	l->names = p;
	l->names[l->nnames] = malloc(len);
	if (l->names[l->nnames] == NULL)
		return tool_load_fail(l, 0, "%s", strerror(ENOMEM));
	name->data = memcpy(l->names[l->nnames++], data, len);
	return 0;
}

static struct tool_load_host *
load_path(struct tool_load *l, struct tool_load_hosts *hosts,
    const struct tool_line *line, paas_routedb_str_t text, uint32_t number)
{
	struct tool_load_host *h;
	void *p = tool_load_room(
	    l, hosts->list, hosts->n, &hosts->room, sizeof(*hosts->list));

	if (p == NULL)
		return NULL;
	hosts->list = p;
	h = &hosts->list[hosts->n++];
	h->text = text;
	h->line = number;
	h->ntargets = line->path.ntargets;
	h->only = h->ntargets == 1 ? line->path.targets[0].pool : 0;
	h->plain = h->ntargets == 1 && line->path.flags == 0 &&
		   line->path.prefix.len == 1 &&
		   line->path.targets[0].weight == 100;
	return h;
}

static int
load_host(struct tool_load *l, const struct tool_line *line,
    paas_routedb_str_t text, uint32_t number)
{
	struct tool_load_host *h = load_path(l, &l->hosts, line, text, number);

	return h == NULL ? -1
			 : tool_load_keep(
			       l, line->host, line->hostlen, text, &h->name);
}

static int
load_pattern(struct tool_load *l, const struct tool_line *line,
    paas_routedb_str_t text, uint32_t number)
{
	uint8_t key[1 + sizeof(line->order)];
	char err[TOOL_ERRLEN];
	struct tool_load_host *h;
	size_t len = paas_routedb_key_pattern(key, line->order);

	if (tool_match(line->pattern, "", 0, err) == -1)
		return tool_load_fail(
		    l, number, "pattern %u: %s", line->order, err);
	h = load_path(l, &l->patterns, line, text, number);
	return h == NULL ? -1
			 : tool_load_keep(l, key + 1, len - 1, text, &h->name);
}

static int
load_keys(struct tool_load *l, const struct tool_line *line, uint32_t number)
{
	if (l->nkeys > 0)
		return tool_load_fail(
		    l, number, "keys: given twice: put all on one line");
	memcpy(l->keys, line->keys, sizeof(l->keys));
	l->nkeys = line->nkeys;
	return 0;
}

static int
load_line(struct tool_load *l, paas_routedb_str_t text, uint32_t number)
{
	char err[TOOL_ERRLEN];
	struct tool_line *line = &l->paths[0];

	if (tool_parse(text, line, err) == -1)
		return tool_load_fail(l, number, "%s", err);
	switch (line->kind) {
	case TOOL_POOL:
		return load_pool(l, line, number);
	case TOOL_INSTANCE:
		return load_instance(l, line, number);
	case TOOL_HOST:
		return load_host(l, line, text, number);
	case TOOL_PATTERN:
		return load_pattern(l, line, text, number);
	case TOOL_CERT:
		return tool_load_cert(l, line, number);
	case TOOL_CERT_HOST:
		return tool_load_cert_host(l, line, text, number);
	case TOOL_KEYS:
		return load_keys(l, line, number);
	case TOOL_REVISION:
		l->has_revision = 1;
		l->revision = line->revision;
		return 0;
	default:
		return 0;
	}
}

static int
load_lines(struct tool_load *l, paas_routedb_str_t text)
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

/* ---- writing ----------------------------------------------------------- */

/* Most lines: not worth reading again. */
static void
load_plain(paas_routedb_path_t *path, uint64_t pool)
{
	path->prefix = (paas_routedb_str_t){(const uint8_t *)"/", 1};
	path->redirect_host = (paas_routedb_str_t){NULL, 0};
	path->flags = 0;
	path->ntargets = 1;
	path->targets[0] = (paas_routedb_target_t){pool, 100};
}

/* All lines of a host or a pattern at once, by put(). */
static int
load_put_paths(struct tool_load *l, paas_routedb_writer_t *w,
    const struct tool_load_hosts *hosts,
    int (*put)(paas_routedb_writer_t *, const struct tool_line *,
	const struct tool_load_host *, const paas_routedb_path_t *, uint32_t))
{
	const struct tool_load_host *h;
	paas_routedb_path_t *paths;
	size_t i, n, k;
	int rc = PAAS_ROUTEDB_OK;

	paths = calloc(PAAS_ROUTEDB_PATHS_MAX, sizeof(*paths));
	if (paths == NULL)
		return PAAS_ROUTEDB_ESYS;
	for (i = 0; i < hosts->n && rc == PAAS_ROUTEDB_OK; i += n) {
		h = &hosts->list[i];
		n = tool_load_group(hosts, i);
		if (n == 1 && h->plain && hosts == &l->hosts) {
			load_plain(&paths[0], h->only);
		} else {
			tool_load_read_again(l, h, n);
			for (k = 0; k < n; k++)
				paths[k] = l->paths[k].path;
		}
		rc = put(w, &l->paths[0], h, paths, (uint32_t)n);
	}
	free(paths);
	return rc;
}

static int
put_host(paas_routedb_writer_t *w, const struct tool_line *line,
    const struct tool_load_host *h, const paas_routedb_path_t *paths,
    uint32_t npaths)
{
	(void)line;
	return paas_routedb_put_host(w, h->name, paths, npaths);
}

static int
put_pattern(paas_routedb_writer_t *w, const struct tool_line *line,
    const struct tool_load_host *h, const paas_routedb_path_t *paths,
    uint32_t npaths)
{
	(void)h;
	return paas_routedb_put_pattern(
	    w, line->order, line->pattern, paths, npaths);
}

static int
load_put(struct tool_load *l, paas_routedb_writer_t *w)
{
	struct tool_load_pool *p;
	int rc = l->add ? PAAS_ROUTEDB_OK : paas_routedb_clear(w);

	for (p = l->pools; p < l->pools + l->npools && rc == 0; p++) {
		tool_load_together(l, p);
		rc = paas_routedb_put_pool(w, &p->pool, l->together);
	}
	if (rc == PAAS_ROUTEDB_OK)
		rc = load_put_paths(l, w, &l->hosts, put_host);
	if (rc == PAAS_ROUTEDB_OK)
		rc = load_put_paths(l, w, &l->patterns, put_pattern);
	if (rc == PAAS_ROUTEDB_OK && l->nkeys > 0)
		rc = paas_routedb_put_keys(w, l->keys, l->nkeys);
	if (rc == PAAS_ROUTEDB_OK)
		rc = tool_load_put_certs(l, w);
	if (rc == PAAS_ROUTEDB_OK && l->has_revision)
		rc = paas_routedb_put_revision(w, l->revision);
	return rc;
}

/* Against what is in the database already. */
static int
load_check_added(struct tool_load *l, paas_routedb_writer_t *w)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	uint64_t txn;
	int rc;

	if (!l->add)
		return 0;
	if (paas_routedb_begin(reader, &txn) != PAAS_ROUTEDB_OK)
		return tool_load_check(l, NULL);
	rc = tool_load_check(l, reader);
	(void)paas_routedb_end(reader);
	return rc;
}

static int
load_write(struct tool_load *l, const char *dir, paas_routedb_writer_t *w)
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
	return tool_load_fail(l, 0, "%s",
	    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
				    : paas_routedb_strerror(rc));
}

static int
load_open(struct tool_load *l, const char *dir, paas_routedb_writer_t **w)
{
	int rc = paas_routedb_writer_open(w, dir, 0);

	if (rc == PAAS_ROUTEDB_OK)
		return 0;
	l->file = dir;
	if (rc == PAAS_ROUTEDB_ESYS && errno == EBUSY)
		return tool_load_fail(l, 0,
		    "another writer has it open: stop paas-manager first, or "
		    "use 'paas routes'");
	if (rc == PAAS_ROUTEDB_EDAMAGED)
		return tool_load_fail(l, 0,
		    "damaged: remove its data.mdb and lock.mdb, and load "
		    "again");
	return tool_load_fail(l, 0, "%s",
	    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
				    : paas_routedb_strerror(rc));
}

static void
load_free(struct tool_load *l)
{
	while (l->nnames > 0)
		free(l->names[--l->nnames]);
	free(l->names);
	free(l->pools);
	free(l->instances);
	tool_load_free_certs(l);
	free(l->hosts.list);
	free(l->patterns.list);
	free(l->table);
	free(l);
}

int
tool_load(paas_routedb_writer_t **w, const char *dir, const char *file,
    paas_routedb_str_t text, int add, char err[TOOL_ERRLEN])
{
	struct tool_load *l = calloc(1, sizeof(*l));
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
	if (*w == NULL && access(dir, F_OK) == 0 && load_open(l, dir, w) == -1)
		goto done;
	if (load_lines(l, text) == -1 || tool_load_sort(l) == -1 ||
	    (!add && tool_load_check(l, NULL) == -1))
		goto done;
	if (*w == NULL && load_open(l, dir, w) == -1)
		goto done;
	rc = load_write(l, dir, *w);
	if (rc == -1)
		paas_routedb_abort(*w);
done:
	load_free(l);
	return rc;
}
