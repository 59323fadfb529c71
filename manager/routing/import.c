#include "routing/import.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/claim.h"
#include "common/log.h"
#include "common/places.h"
#include "routing/import_line.h"
#include "routing/import_pool.h"
#include "routing/import_sync.h"

#define OUT_MAX     (64 * 1024)
#define FLUSH_BYTES (8 * 1024 * 1024) /* handed to the disk at a time */

#define TEMP_NAME "upload.%d.%p" /* of one process, and one of its uploads */

struct import {
	const struct conf *conf;
	int dir, fd;
	char temp[64]; /* its name until it is whole; "" afterwards */

	uint64_t line; /* that is being read */
	uint64_t bytes;
	char rest[IMPORT_LINE_MAX]; /* the begin of the next one */
	size_t nrest;

	struct import_pools pools;
	char host[PAAS_ROUTEDB_HOST_MAX + 1]; /* of the line before */
	char prefix[PAAS_ROUTEDB_PREFIX_MAX + 1];
	uint32_t npaths; /* of that host */

	struct import_info info;
	crypto_generichash_state hash;
	char out[OUT_MAX];
	size_t nout;
	uint64_t flushed;

	struct import_sync *sync;
	import_done_cb cb;
	void *arg;
};

static int refuse(const struct import *, char *, const char *, ...)
    PAAS_PRINTF(3, 4);

static int
refuse(const struct import *im, char *err, const char *fmt, ...)
{
	char text[PAAS_ERRLEN - 32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (im->line > 0)
		snprintf(err, PAAS_ERRLEN, "line %llu: %s",
		    (unsigned long long)im->line, text);
	else
		strlcpy(err, text, PAAS_ERRLEN);
	return -1;
}

void
import_path_of(const struct conf *conf, const char *file, char *out, size_t len)
{
	snprintf(out, len, "%s/" PLACE_IMPORTS "/%s", conf->state_dir, file);
}

/* ---- what goes to the disk --------------------------------------------- */

static int
disk_failed(char err[PAAS_ERRLEN], int *full)
{
	*full = errno == ENOSPC || errno == EDQUOT;
	snprintf(err, PAAS_ERRLEN, "the routes can't be stored: %s",
	    strerror(errno));
	return -1;
}

static int
write_out(struct import *im, int *full, char err[PAAS_ERRLEN])
{
	size_t done = 0;
	ssize_t n;

	while (done < im->nout) {
		n = write(im->fd, im->out + done, im->nout - done);
		if (n == -1 && errno != EINTR)
			return disk_failed(err, full);
		if (n > 0)
			done += (size_t)n;
	}
	crypto_generichash_update(
	    &im->hash, (const unsigned char *)im->out, im->nout);
	im->info.bytes += im->nout;
	im->nout = 0;
	if (im->info.bytes - im->flushed >= FLUSH_BYTES) {
		/* Only begins to write, and waits for nothing. */
		(void)sync_file_range(im->fd, (off_t)im->flushed,
		    (off_t)(im->info.bytes - im->flushed),
		    SYNC_FILE_RANGE_WRITE);
		im->flushed = im->info.bytes;
	}
	return 0;
}

/* A line whose canonical form is longer than a line may be is refused. */
static int
put_line(struct import *im, size_t len, int *full, char *err)
{
	if (len == 0)
		return refuse(im, err, "it is too long");
	im->out[im->nout + len] = '\n';
	im->nout += len + 1;
	if (im->nout > OUT_MAX - IMPORT_LINE_MAX - 1)
		return write_out(im, full, err);
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static int
take_pool(struct import *im, const char *line, size_t len, int *full, char *err)
{
	char why[PAAS_ERRLEN];
	paas_routedb_str_t name;
	json_t *pool;
	int rc;

	if (im->info.hosts > 0)
		return refuse(
		    im, err, "the pools have to stand before the first host");
	if (im->pools.n == IMPORT_POOLS_MAX)
		return refuse(
		    im, err, "there are over %d pools", IMPORT_POOLS_MAX);
	pool = import_line_pool(im->conf, line, len, &name, why);
	if (pool == NULL)
		return refuse(im, err, "%s", why);
	if (import_pools_add(&im->pools, name) == -1)
		rc = refuse(im, err, "there is a pool @%.*s already",
		    (int)name.len, (const char *)name.data);
	else
		rc = put_line(im,
		    import_line_write_pool(name, pool, im->out + im->nout),
		    full, err);
	json_decref(pool);
	return rc;
}

/* Hosts by their bytes, then paths by theirs: what makes them findable. */
static int
check_order(struct import *im, const struct import_path *path, char *err)
{
	char prefix[PAAS_ROUTEDB_PREFIX_MAX + 1];
	int order = strcmp(path->host, im->host);

	memcpy(prefix, path->prefix.data, path->prefix.len);
	prefix[path->prefix.len] = '\0';
	if (order > 0) {
		im->npaths = 0;
		im->info.hosts++;
	} else if (order == 0)
		order = strcmp(prefix, im->prefix);
	if (order < 0)
		return refuse(im, err,
		    "%s stands behind %s: the lines of hosts have to be "
		    "sorted by their bytes, as LC_ALL=C sort does",
		    path->host, im->host);
	if (order == 0)
		return refuse(im, err, "%s with the path %s is given twice",
		    path->host, prefix);
	if (++im->npaths > PAAS_ROUTEDB_PATHS_MAX)
		return refuse(im, err, "a host has at most %d paths",
		    PAAS_ROUTEDB_PATHS_MAX);
	memcpy(im->host, path->host, path->hostlen + 1);
	memcpy(im->prefix, prefix, path->prefix.len + 1);
	return 0;
}

static int
take_path(struct import *im, const char *line, size_t len, int *full, char *err)
{
	char why[PAAS_ERRLEN];
	struct import_path path;
	uint32_t i;

	if (import_line_path(line, len, &path, why) == -1)
		return refuse(im, err, "%s", why);
	if (im->info.paths++ == IMPORT_PATHS_MAX)
		return refuse(
		    im, err, "there are over %d lines", IMPORT_PATHS_MAX);
	if (check_order(im, &path, err) == -1)
		return -1;
	if (im->npaths == 1 && claim_check(im->conf, path.host, why) == -1)
		return refuse(im, err, "%s %s", path.host, why);
	for (i = 0; i < path.ntargets; i++)
		if (import_pools_find(&im->pools, path.targets[i].name) == 0)
			return refuse(im, err, "there is no pool @%.*s",
			    (int)path.targets[i].name.len,
			    (const char *)path.targets[i].name.data);
	return put_line(
	    im, import_line_write_path(&path, im->out + im->nout), full, err);
}

static int
take_line(struct import *im, const char *line, size_t len, int *full, char *err)
{
	im->line++;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len == 0 || *line == '#')
		return 0;
	return *line == '@' ? take_pool(im, line, len, full, err)
			    : take_path(im, line, len, full, err);
}

static int
keep_rest(struct import *im, const char *data, size_t len, char *err)
{
	if (im->nrest + len > sizeof(im->rest)) {
		im->line++;
		return refuse(im, err, "it has over %d bytes", IMPORT_LINE_MAX);
	}
	memcpy(im->rest + im->nrest, data, len);
	im->nrest += len;
	return 0;
}

int
import_append(struct import *im, const void *bytes, size_t len, int *full,
    char err[PAAS_ERRLEN])
{
	const char *data = bytes, *end = data + len, *eol;
	size_t n;

	*full = 0;
	if (im->bytes + len > IMPORT_BYTES_MAX) {
		im->line = 0;
		return refuse(im, err, "the file is over %d MiB",
		    IMPORT_BYTES_MAX / (1024 * 1024));
	}
	im->bytes += len;
	for (; (eol = memchr(data, '\n', (size_t)(end - data))) != NULL;
	     data = eol + 1) {
		n = (size_t)(eol - data);
		if (im->nrest == 0) {
			if (n > IMPORT_LINE_MAX)
				return keep_rest(im, data, n, err);
			if (take_line(im, data, n, full, err) == -1)
				return -1;
			continue;
		}
		if (keep_rest(im, data, n, err) == -1)
			return -1;
		n = im->nrest;
		im->nrest = 0;
		if (take_line(im, im->rest, n, full, err) == -1)
			return -1;
	}
	return keep_rest(im, data, (size_t)(end - data), err);
}

/* ---- open, finish, close ----------------------------------------------- */

struct import *
import_begin(const struct conf *conf, char err[PAAS_ERRLEN])
{
	struct import *im;
	char path[sizeof(conf->state_dir) + 16];

	if ((im = calloc(1, sizeof(*im))) == NULL)
		log_fatal("routing: out of memory");
	im->conf = conf;
	im->fd = -1;
	import_pools_init(&im->pools);
	crypto_generichash_init(&im->hash, NULL, 0, crypto_generichash_BYTES);
	import_path_of(conf, "", path, sizeof(path));
	(void)mkdir(path, 0700);
	snprintf(im->temp, sizeof(im->temp), TEMP_NAME, getpid(), (void *)im);
	im->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->dir != -1)
		im->fd = openat(im->dir, im->temp,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (im->fd != -1)
		return im;
	snprintf(err, PAAS_ERRLEN, "cannot write below %s: %s", path,
	    strerror(errno));
	import_free(im);
	return NULL;
}

static void
name_file(struct import *im)
{
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash_final(&im->hash, hash, sizeof(hash));
	sodium_bin2hex(
	    im->info.file, sizeof(im->info.file), hash, sizeof(hash));
}

static void
on_synced(int error, void *arg)
{
	struct import *im = arg;

	if (error == 0 &&
	    (renameat(im->dir, im->temp, im->dir, im->info.file) == -1 ||
		fsync(im->dir) == -1))
		error = errno;
	if (error == 0)
		im->temp[0] = '\0';
	im->cb(error, &im->info, im->arg);
}

int
import_finish(struct import *im, sd_event *event, import_done_cb cb, void *arg,
    int *full, char err[PAAS_ERRLEN])
{
	size_t n = im->nrest;

	*full = 0;
	im->nrest = 0;
	if (n > 0 && take_line(im, im->rest, n, full, err) == -1)
		return -1;
	im->line = 0;
	if (im->info.paths == 0)
		return refuse(im, err,
		    "there is no host in it; DELETE takes all imported routes "
		    "out");
	if (write_out(im, full, err) == -1)
		return -1;
	im->info.pools = (uint32_t)im->pools.n;
	name_file(im);
	im->cb = cb;
	im->arg = arg;
	im->sync = import_sync_begin(im->fd, event, on_synced, im);
	return im->sync != NULL ? 0 : disk_failed(err, full);
}

void
import_free(struct import *im)
{
	if (im == NULL)
		return;
	import_sync_free(im->sync);
	if (im->fd != -1)
		close(im->fd);
	if (im->dir != -1) {
		if (im->temp[0] != '\0')
			(void)unlinkat(im->dir, im->temp, 0);
		close(im->dir);
	}
	import_pools_free(&im->pools);
	free(im);
}
