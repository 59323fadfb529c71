/*
 * What a request is routed by, and the certificate that a client sees.
 */
#include "tool.h"

/* What get is asked. */
struct question {
	paas_routedb_reader_t *reader;
	const char *host, *uri;
	size_t len;
};

static int
print_pools(const struct question *q, const paas_routedb_host_t *host,
    const paas_routedb_path_t *path)
{
	paas_routedb_pool_t pool;
	int rc;

	for (uint32_t i = 0; i < path->ntargets; i++) {
		rc = paas_routedb_find_pool(
		    q->reader, host, path->targets[i].pool, &pool);
		if (rc == PAAS_ROUTEDB_OK)
			tool_print_pool(stdout, &pool);
		else if (rc == PAAS_ROUTEDB_ENOTFOUND)
			printf("# pool %llu is not there\n",
			    (unsigned long long)path->targets[i].pool);
		else
			return rc;
	}
	return PAAS_ROUTEDB_OK;
}

/* The line that covers the path, its pools, and their instances. */
static int
print_host(const struct question *q, const paas_routedb_host_t *host)
{
	paas_routedb_path_t path;
	int rc;

	rc = paas_routedb_find_path(
	    host, (const uint8_t *)q->uri, strlen(q->uri), &path);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	tool_print_host(stdout, host->name, &path);
	return print_pools(q, host, &path);
}

/* 1 once a pattern matched: it is the answer, whether a path covers or not. */
static int
try_pattern(uint32_t order, const paas_routedb_host_t *pattern, void *arg)
{
	const struct question *q = arg;
	paas_routedb_path_t path;
	char err[TOOL_ERRLEN];
	int rc;

	rc = tool_match(pattern->name, q->host, q->len, err);
	if (rc == -1)
		printf("# pattern %u is skipped: %s\n", order, err);
	if (rc != 1)
		return 0;
	rc = paas_routedb_find_path(
	    pattern, (const uint8_t *)q->uri, strlen(q->uri), &path);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	tool_print_pattern(stdout, order, pattern->name, &path);
	rc = print_pools(q, pattern, &path);
	return rc != PAAS_ROUTEDB_OK ? rc : 1;
}

/* In the router's order: exact host, longest wildcard, patterns, default. */
static int
answer(const struct question *q)
{
	paas_routedb_host_t host;
	int rc;

	rc = paas_routedb_find_host(q->reader, q->host, q->len, &host);
	if (rc == PAAS_ROUTEDB_ENOTFOUND) {
		rc = paas_routedb_each_pattern(
		    q->reader, try_pattern, (void *)(uintptr_t)q);
		if (rc != PAAS_ROUTEDB_OK)
			return rc == 1 ? PAAS_ROUTEDB_OK : rc;
		rc = paas_routedb_find_default(q->reader, &host);
	}
	return rc != PAAS_ROUTEDB_OK ? rc : print_host(q, &host);
}

static int
print_cert(const struct question *q)
{
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];
	int rc;

	rc = paas_routedb_find_cert_host(q->reader, q->host, q->len, ids);
	if (rc == PAAS_ROUTEDB_OK)
		tool_print_cert_host(stdout,
		    (paas_routedb_str_t){(const uint8_t *)q->host, q->len},
		    ids);
	return rc;
}

int
tool_get(paas_routedb_reader_t *reader, const char *host, size_t len,
    const char *path)
{
	const struct question q = {reader, host, path, len};
	int route = answer(&q), cert = print_cert(&q);

	if (route != PAAS_ROUTEDB_OK && route != PAAS_ROUTEDB_ENOTFOUND)
		return route;
	return route == PAAS_ROUTEDB_OK && cert == PAAS_ROUTEDB_ENOTFOUND
		   ? route
		   : cert;
}
