
/*
 * From a host and a path to a pool: in the cache, else in the database, and
 * then in the cache.
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_match_route(ngx_http_paas_route_t *route);
static ngx_int_t ngx_http_paas_read_route(ngx_http_paas_db_t *db, void *data);
static int ngx_http_paas_read_target(ngx_http_paas_route_t *route,
    paas_routedb_host_t *host);
static int ngx_http_paas_find_record(ngx_http_paas_ctx_t *ctx,
    paas_routedb_host_t *record, ngx_uint_t *pattern);
static ngx_http_paas_path_t *ngx_http_paas_match_path(
    ngx_http_paas_host_t *host, ngx_str_t *uri);
static ngx_http_paas_target_t *ngx_http_paas_match_target(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_path_t *path);
static ngx_http_paas_code_e ngx_http_paas_judge_pool(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_pool_t *pool);


/* Of the cache, or of the database; ctx itself stays as it is. */

ngx_http_paas_code_e
ngx_http_paas_lookup_route(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_route_t *route)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_http_paas_db_t     *db;
    ngx_http_paas_cache_t  *cache;

    db = &ctx->pmcf->db;
    cache = &ctx->pmcf->cache;

    ngx_memzero(route, sizeof(ngx_http_paas_route_t));

    route->ctx = ctx;
    if (ctx->key == 0) {
        ctx->key = ngx_http_paas_hash(ctx->name.data, ctx->name.len);
    }

    route->host = ngx_http_paas_cached_host(cache, ctx->key, &ctx->name);

    rc = NGX_AGAIN;

    if (route->host && route->host->entry.stamp == db->stamp) {
        rc = ngx_http_paas_match_route(route);
    }

    if (rc == NGX_AGAIN) {

        /*
         * Again, if a read was so slow that it does not count, or if there
         * are new patterns.
         */

        for (i = 0, rc = NGX_AGAIN; rc == NGX_AGAIN && i < 3; i++) {

            if (i
                && ngx_http_paas_load_patterns(ctx->pmcf,
                                               ctx->request->connection->log)
                   != NGX_OK)
            {
                break;
            }

            rc = ngx_http_paas_read_db(db, ngx_http_paas_read_route, route,
                                       ctx->request->connection->log);
        }

        if (rc == NGX_ABORT
            || ((rc == NGX_ERROR || rc == NGX_AGAIN)
                && ngx_http_paas_canonical_host(ctx->request, &ctx->name,
                                                &ctx->key)
                   != NGX_OK))
        {
            return NGX_HTTP_PAAS_BAD_HOST;
        }

        if (rc == NGX_ERROR || rc == NGX_AGAIN) {

            /* what is cached goes on, however old it is */

            route->host = ngx_http_paas_cached_host(cache, ctx->key,
                                                    &ctx->name);

            if (route->host == NULL
                || ngx_http_paas_match_route(route) != NGX_OK)
            {
                route->host = NULL;
                return NGX_HTTP_PAAS_ROUTES_UNAVAILABLE;
            }
        }
    }

    if (rc == NGX_DECLINED) {
        return db->error ? NGX_HTTP_PAAS_ROUTES_UNAVAILABLE
                         : NGX_HTTP_PAAS_NO_ROUTE;
    }

    return route->pool ? ngx_http_paas_judge_pool(ctx, route->pool)
                       : NGX_HTTP_PAAS_OK;
}


/*
 * Matches the path in a cached host.  NGX_OK, NGX_DECLINED for no route, or
 * NGX_AGAIN if the pool has to be read yet.
 */

static ngx_int_t
ngx_http_paas_match_route(ngx_http_paas_route_t *route)
{
    ngx_http_paas_ctx_t     *ctx;
    ngx_http_paas_target_t  *target;

    ctx = route->ctx;

    route->path = ngx_http_paas_match_path(route->host, &ctx->uri);

    if (route->path == NULL) {
        return NGX_DECLINED;
    }

    if (route->path->ntargets == 0) {
        return NGX_OK;
    }

    target = ngx_http_paas_match_target(ctx, route->path);

    if (target->pool == NULL) {
        return NGX_AGAIN;
    }

    route->pool = target->pool;

    return NGX_OK;
}


/* Reads host and pool in one transaction; same results as match_route(). */

static ngx_int_t
ngx_http_paas_read_route(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_route_t *route = data;

    int                      error;
    ngx_int_t                rc;
    ngx_str_t               *name;
    ngx_uint_t               pattern;
    paas_routedb_host_t      host;
    ngx_http_paas_cache_t   *cache;

    name = &route->ctx->name;
    cache = &route->ctx->pmcf->cache;

    ngx_http_paas_refresh_keys(route->ctx->pmcf);

    error = ngx_http_paas_find_record(route->ctx, &host, &pattern);

    if (error == PAAS_ROUTEDB_EAGAIN) {
        return NGX_AGAIN;
    }

    if (error == PAAS_ROUTEDB_EINVAL) {
        return NGX_ABORT;
    }

    if (error != PAAS_ROUTEDB_OK && error != PAAS_ROUTEDB_ENOTFOUND) {
        goto failed;
    }

    if (route->host == NULL || route->host->entry.stamp != db->stamp) {

        route->host = ngx_http_paas_cache_host(cache, db->stamp,
                                               route->ctx->key, name,
                                               error ? NULL : &host, &error);
        if (route->host == NULL) {
            goto failed;
        }

        if (pattern
            && ngx_http_paas_keep_captures(route->ctx->pmcf, route->host)
               != NGX_OK)
        {
            route->host->entry.stamp = 0;
            return NGX_ERROR;
        }
    }

    for ( ;; ) {
        rc = ngx_http_paas_match_route(route);

        if (rc != NGX_AGAIN) {
            return rc;
        }

        error = ngx_http_paas_read_target(route, &host);

        if (error != PAAS_ROUTEDB_OK) {
            goto failed;
        }
    }

failed:

    if (error == PAAS_ROUTEDB_EDAMAGED) {
        ngx_http_paas_damage_db(db, name, ngx_cycle->log);
    }

    return NGX_ERROR;
}


/* The pool of the target that is asked for: of a split it may be any. */

static int
ngx_http_paas_read_target(ngx_http_paas_route_t *route,
    paas_routedb_host_t *host)
{
    int                      error;
    ngx_http_paas_db_t      *db;
    paas_routedb_pool_t      record;
    ngx_http_paas_pool_t    *pool;
    ngx_http_paas_cache_t   *cache;
    ngx_http_paas_target_t  *target;

    db = &route->ctx->pmcf->db;
    cache = &route->ctx->pmcf->cache;

    target = ngx_http_paas_match_target(route->ctx, route->path);

    pool = ngx_http_paas_cached_pool(cache, target->id);

    if (pool == NULL || pool->entry.stamp != db->stamp) {

        error = paas_routedb_find_pool(db->reader, host, target->id, &record);

        if (error == PAAS_ROUTEDB_ENOTFOUND) {

            /* as good as an empty one */

            ngx_memzero(&record, sizeof(paas_routedb_pool_t));
            record.id = target->id;

        } else if (error != PAAS_ROUTEDB_OK) {
            return error;
        }

        ngx_http_paas_hold_entry(&route->host->entry);

        pool = ngx_http_paas_cache_pool(cache, db->stamp, &record, &error);

        route->host->entry.refs--;

        if (pool == NULL) {
            return error;
        }

        ngx_http_paas_expect_pool(route->ctx->pmcf->zone, pool);
    }

    target->pool = pool;
    ngx_http_paas_hold_entry(&pool->entry);

    return PAAS_ROUTEDB_OK;
}



/*
 * The host's own, the longest wildcard, the first pattern, the default.
 * EINVAL if it is no host: only what is in the database needs no closer look.
 */

static int
ngx_http_paas_find_record(ngx_http_paas_ctx_t *ctx,
    paas_routedb_host_t *record, ngx_uint_t *pattern)
{
    int                  error;
    u_char              *name;
    ngx_http_paas_db_t  *db;

    db = &ctx->pmcf->db;

    *pattern = 0;

    name = ctx->name.data;

    error = paas_routedb_find_host(db->reader, (char *) name, ctx->name.len,
                                   record);

    /* there are only canonical names, with a dot in front for a wildcard */

    if (error == PAAS_ROUTEDB_OK && record->name.len == ctx->name.len
        && name[0] != '.')
    {
        return PAAS_ROUTEDB_OK;
    }

    if (ngx_http_paas_canonical_host(ctx->request, &ctx->name, &ctx->key)
        != NGX_OK)
    {
        return PAAS_ROUTEDB_EINVAL;
    }

    if (ctx->name.data != name) {
        error = paas_routedb_find_host(db->reader, (char *) ctx->name.data,
                                       ctx->name.len, record);
    }

    if (error == PAAS_ROUTEDB_ENOTFOUND && db->meta.npatterns) {
        error = ngx_http_paas_match_pattern(ctx->pmcf, &ctx->name, record);
        *pattern = (error == PAAS_ROUTEDB_OK);
    }

    if (error == PAAS_ROUTEDB_ENOTFOUND && (db->meta.depths[0] & 1)) {
        error = paas_routedb_find_default(db->reader, record);
    }

    return error;
}


/* The longest prefix that covers the path in whole segments. */

static ngx_http_paas_path_t *
ngx_http_paas_match_path(ngx_http_paas_host_t *host, ngx_str_t *uri)
{
    uint32_t               i;
    ngx_str_t             *prefix;
    ngx_http_paas_path_t  *path;

    for (i = 0; i < host->npaths; i++) {

        path = &host->paths[i];
        prefix = &path->prefix;

        if (prefix->len <= 1) {
            return path;
        }

        if (uri->len >= prefix->len
            && ngx_memcmp(uri->data, prefix->data, prefix->len) == 0
            && (uri->len == prefix->len
                || uri->data[prefix->len] == '/'
                || prefix->data[prefix->len - 1] == '/'))
        {
            return path;
        }
    }

    return NULL;
}


/* The same one for a request, as long as the route is the same. */

static ngx_http_paas_target_t *
ngx_http_paas_match_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path)
{
    uint32_t                 i, n;
    ngx_http_paas_target_t  *target;

    if (path->ntargets == 1) {
        return path->targets;
    }

    target = ctx->wanted ? ngx_http_paas_wanted_target(ctx, path)
                         : ngx_http_paas_sticky_target(ctx, path);

    if (target) {
        return target;
    }

    if (ctx->split == 0) {
        ctx->split = (ngx_http_paas_random(&ctx->pmcf->seed) >> 32) | 1;
    }

    n = ((uint64_t) ctx->split * path->total) >> 32;

    for (i = 0; i < (uint32_t) path->ntargets - 1; i++) {

        if (n < path->targets[i].weight) {
            break;
        }

        n -= path->targets[i].weight;
    }

    return &path->targets[i];
}


/* What an app without an active instance is refused with, by its state. */

static ngx_http_paas_code_e
ngx_http_paas_judge_pool(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_pool_t *pool)
{
    static const ngx_http_paas_code_e  codes[] = {
        NGX_HTTP_PAAS_NO_INSTANCE,         /* PAAS_ROUTEDB_RUNNING */
        NGX_HTTP_PAAS_BOOTING,             /* PAAS_ROUTEDB_STARTING */
        NGX_HTTP_PAAS_ASLEEP,              /* PAAS_ROUTEDB_ASLEEP */
        NGX_HTTP_PAAS_APP_STOPPED,         /* PAAS_ROUTEDB_STOPPED */
        NGX_HTTP_PAAS_MAINTENANCE,         /* PAAS_ROUTEDB_MAINTENANCE */
        NGX_HTTP_PAAS_APP_CRASHED          /* PAAS_ROUTEDB_CRASHED */
    };

    if (pool->state == PAAS_ROUTEDB_MAINTENANCE) {
        return NGX_HTTP_PAAS_MAINTENANCE;
    }

    if (ctx->wanted && ngx_http_paas_find_wanted(ctx, pool) == NULL) {
        return NGX_HTTP_PAAS_NO_SUCH_INSTANCE;
    }

    if (pool->nactive) {
        return NGX_HTTP_PAAS_OK;
    }

    if (pool->state >= sizeof(codes) / sizeof(codes[0])) {
        return NGX_HTTP_PAAS_NO_INSTANCE;
    }

    return codes[pool->state];
}
