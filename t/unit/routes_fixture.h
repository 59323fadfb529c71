/*
 * What readers find in the route database, as one line of text for each host
 * and pool.
 */
#ifndef PAAS_ROUTES_FIXTURE_H
#define PAAS_ROUTES_FIXTURE_H

#include "store_fixture.h"

#include "common/conf.h"
#include "paas_routedb.h"

/* As a reader of another process would: without the lock. */
static inline paas_routedb_reader_t *
routes_open(struct fixture *fx)
{
	paas_routedb_reader_t *reader;
	char path[160];

	snprintf(path, sizeof(path), "%s/routes", fx->dir);
	if (paas_routedb_reader_open(&reader, path) != PAAS_ROUTEDB_OK)
		return NULL;
	return reader;
}

static inline void
routes_write_pool(const paas_routedb_pool_t *pool, char *text, size_t size)
{
	static const char *const states[] = {"running", "starting", "asleep",
	    "stopped", "maintenance", "crashed"};
	paas_routedb_instance_t inst;
	char word[96];
	uint32_t i;

	snprintf(word, sizeof(word), "%.*s %s", (int)pool->app.len,
	    (const char *)pool->app.data, states[pool->state]);
	strlcat(text, word + (word[0] == ' '), size);
	for (i = 0; i < pool->ninstances; i++) {
		assert_int_equal(
		    PAAS_ROUTEDB_OK, paas_routedb_get_instance(pool, i, &inst));
		snprintf(word, sizeof(word), " %llx@%u.%u.%u.%u:%u%s",
		    (unsigned long long)inst.id, inst.addr[12], inst.addr[13],
		    inst.addr[14], inst.addr[15], inst.port,
		    inst.flags & PAAS_ROUTEDB_DRAINING ? "~" : "");
		strlcat(text, word, size);
		snprintf(word, sizeof(word), "*%u", inst.weight);
		if (pool->app.len > 0 && inst.weight != 100)
			strlcat(text, word, size);
	}
}

/* "/ strip https www.test -> hello running 90, other running 10" */
static inline void
routes_write_path(paas_routedb_reader_t *reader,
    const paas_routedb_host_t *host, const paas_routedb_path_t *path,
    char *text, size_t size)
{
	paas_routedb_pool_t pool;
	char word[300];
	uint32_t i;

	snprintf(word, sizeof(word), "%.*s%s%s%s%.*s -> ",
	    (int)path->prefix.len, (const char *)path->prefix.data,
	    path->flags & PAAS_ROUTEDB_STRIP ? " strip" : "",
	    path->flags & PAAS_ROUTEDB_TO_HTTPS ? " https" : "",
	    path->flags & PAAS_ROUTEDB_TO_HOST ? " " : "",
	    (int)path->redirect_host.len,
	    (const char *)path->redirect_host.data);
	strlcat(text, word, size);
	for (i = 0; i < path->ntargets; i++) {
		strlcat(text, i > 0 ? ", " : "", size);
		if (paas_routedb_find_pool(reader, host, path->targets[i].pool,
			&pool) == PAAS_ROUTEDB_OK)
			routes_write_pool(&pool, text, size);
		else
			strlcat(text, "no pool", size);
		snprintf(word, sizeof(word), " %u", path->targets[i].weight);
		if (path->ntargets > 1)
			strlcat(text, word, size);
	}
}

/* "/ -> hello running 1@198.18.0.2:5000", or "" for a host that isn't. */
static inline const char *
routes_of(struct fixture *fx, const char *name)
{
	static char text[1024];
	paas_routedb_reader_t *reader = routes_open(fx);
	paas_routedb_host_t host;
	paas_routedb_path_t path;
	uint64_t txn;
	char err[256];
	uint32_t i;

	text[0] = '\0';
	if (reader == NULL)
		return "no database";
	assert_int_equal(PAAS_ROUTEDB_OK, paas_routedb_begin(reader, &txn));
	if (paas_routedb_find_host(reader, name, strlen(name), &host) ==
	    PAAS_ROUTEDB_OK) {
		for (i = 0;
		     paas_routedb_get_path(&host, i, &path) == PAAS_ROUTEDB_OK;
		     i++) {
			strlcat(text, i > 0 ? "; " : "", sizeof(text));
			routes_write_path(
			    reader, &host, &path, text, sizeof(text));
		}
	}
	(void)paas_routedb_end(reader);
	err[0] = '\0';
	if (paas_routedb_verify(reader, err, sizeof(err)) != PAAS_ROUTEDB_OK)
		fail_msg("verify: %s", err);
	paas_routedb_reader_close(reader);
	return text;
}

static inline paas_routedb_meta_t
routes_meta(struct fixture *fx)
{
	paas_routedb_reader_t *reader = routes_open(fx);
	paas_routedb_meta_t meta;
	uint64_t txn;

	memset(&meta, 0, sizeof(meta));
	if (reader == NULL)
		return meta;
	if (paas_routedb_begin(reader, &txn) == PAAS_ROUTEDB_OK) {
		(void)paas_routedb_get_meta(reader, &meta);
		(void)paas_routedb_end(reader);
	}
	paas_routedb_reader_close(reader);
	return meta;
}

static inline void
routes_conf(struct fixture *fx, struct conf *conf)
{
	char err[PAAS_ERRLEN];

	assert_int_equal(0, conf_load(conf, NULL, err));
	strlcpy(conf->state_dir, fx->dir, sizeof(conf->state_dir));
	strlcpy(conf->domain, "paas.test", sizeof(conf->domain));
}

#endif
