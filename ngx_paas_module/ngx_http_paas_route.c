
/*
 * From a request's host and path to a pool.  PREACCESS finds it, so that
 * limits and access rules may use the variables; PRECONTENT refuses, holds or
 * redirects, after those had their say.
 */


#include "ngx_http_paas_module.h"


static ngx_inline ngx_uint_t ngx_http_paas_route_direct(
    ngx_http_paas_ctx_t *ctx);
static ngx_int_t ngx_http_paas_route_fully(ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_adopt_route(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_route_t *route);


/*
 * Always NGX_DECLINED or an error: NGX_OK would skip limit_req and the others
 * of this phase.
 */

ngx_int_t
ngx_http_paas_preaccess_handler(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t       *ctx;
    ngx_http_paas_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_paas_module);

    if (!plcf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_paas_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_paas_route_request(ctx) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_paas_precontent_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_paas_ctx_t       *ctx;
    ngx_http_paas_loc_conf_t  *plcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx == NULL || ctx->direct) {
        return NGX_DECLINED;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_paas_module);

    if (!plcf->enable) {
        return NGX_DECLINED;
    }

    if (!ctx->passed
        && (ctx->error || (ctx->pool && ctx->pool->concurrency)))
    {
        rc = ngx_http_paas_hold_request(ctx);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (ctx->error) {
        ngx_http_paas_count_error(ctx);

        return ngx_http_paas_get_error(ctx->error)->status;
    }

    if (ctx->redirect) {
        return ngx_http_paas_send_redirect(ctx);
    }

    if (ctx->pool && ctx->pool->protocol == PAAS_ROUTEDB_H2C && !ctx->h2c) {
        return ngx_http_paas_speak_h2c(ctx);
    }

    return NGX_DECLINED;
}


/*
 * Finds the pool of a request, once.  NGX_OK; NGX_DECLINED, then ctx->error
 * says why; or NGX_ERROR.
 */

ngx_int_t
ngx_http_paas_route_request(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_request_t  *r;
    ngx_http_paas_db_t  *db;

    if (ctx->routed) {
        return ctx->error ? NGX_DECLINED : NGX_OK;
    }

    r = ctx->request;
    db = &ctx->pmcf->db;

    ctx->routed = 1;

    if (r->uri.data != ctx->forwarded.data
        || r->uri.len != ctx->forwarded.len)
    {
        ctx->uri = r->uri;
        ctx->stripped = 0;
        ctx->key = 0;
    }

    ngx_http_paas_clean_request(r);

    if (r->headers_in.upgrade) {
        ngx_http_paas_find_upgrade(ctx);
    }

    if (ngx_http_paas_find_host(r, &ctx->name) != NGX_OK) {
        ctx->error = NGX_HTTP_PAAS_BAD_HOST;
        return NGX_DECLINED;
    }

    if (ctx->misnamed) {
        ctx->error = NGX_HTTP_PAAS_BAD_INSTANCE;
        return NGX_DECLINED;
    }

    /*
     * A millisecond's requests share a look at the transaction id.  The
     * balancer looks again after it has counted the request.
     */

    if (db->checked != ngx_current_msec) {
        (void) ngx_http_paas_check_db(db, r->connection->log);
    }

    return ngx_http_paas_route_direct(ctx) ? NGX_OK
                                           : ngx_http_paas_route_fully(ctx);
}


/* As ngx_http_paas_route_request(), whatever the route is like. */

static ngx_http_paas_rare ngx_int_t
ngx_http_paas_route_fully(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_db_t     *db;
    ngx_http_paas_route_t   route;

    db = &ctx->pmcf->db;

    ctx->error = ngx_http_paas_lookup_route(ctx, &route);

    if (ctx->error) {

        /* nobody is refused on yesterday's news */

        (void) ngx_http_paas_check_db(db, ctx->request->connection->log);

        if (route.host == NULL || route.host->entry.stamp != db->stamp) {
            ctx->error = ngx_http_paas_lookup_route(ctx, &route);
        }
    }

    ngx_http_paas_adopt_route(ctx, &route);

    if (ctx->error) {
        return NGX_DECLINED;
    }

    ngx_http_paas_take_route(ctx);

    return NGX_OK;
}


/*
 * The usual case: the host is in the cache, and leads as a whole to a pool
 * that has an instance.  The results are those of the long way.
 */

static ngx_inline ngx_uint_t
ngx_http_paas_route_direct(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_db_t         *db;
    ngx_http_paas_host_t       *host;
    ngx_http_paas_pool_t       *pool;
    ngx_http_paas_main_conf_t  *pmcf;

    if (ctx->host || ctx->wanted) {
        return 0;
    }

    pmcf = ctx->pmcf;
    db = &pmcf->db;

    ctx->key = ngx_http_paas_hash(ctx->name.data, ctx->name.len);

    host = ngx_http_paas_cached_host(&pmcf->cache, ctx->key, &ctx->name);

    if (host == NULL || host->entry.stamp != db->stamp
        || host->whole == NULL)
    {
        return 0;
    }

    pool = host->whole;

    ngx_http_paas_hold_entry(&host->entry);
    ngx_http_paas_hold_entry(&pool->entry);

    ctx->host = host;
    ctx->path = host->paths;
    ctx->pool = pool;
    ctx->stamp = db->stamp;
    ctx->view = ngx_http_paas_hold_view(db);
    ctx->forwarded = ctx->uri;
    ctx->direct = (pool->concurrency == 0
                   && pool->protocol != PAAS_ROUTEDB_H2C);

    return 1;
}


/* A request goes on as its route wants it. */

void
ngx_http_paas_take_route(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_loc_conf_t  *plcf;

    if (ctx->path->flags & PAAS_ROUTEDB_STRIP) {

        plcf = ngx_http_get_module_loc_conf(ctx->request,
                                            ngx_http_paas_module);

        /* a redirect names the whole path; the balancer alone sends none */

        if (!(ctx->redirect && plcf->enable)) {
            ngx_http_paas_strip_prefix(ctx);
        }
    }

    ctx->forwarded = ctx->request->uri;
}


/*
 * After a commit.  NGX_AGAIN if ctx->pool is to be asked again, NGX_DECLINED
 * if the request is refused now, as ctx->error says.
 */

ngx_int_t
ngx_http_paas_renew_route(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_route_t  route;

    ctx->error = ngx_http_paas_lookup_route(ctx, &route);

    ngx_http_paas_adopt_route(ctx, &route);

    return ctx->error ? NGX_DECLINED : NGX_AGAIN;
}


/*
 * Holds what was found.  A pool that an attempt was made with is kept: the
 * address in $upstream_addr is in it.
 */

static void
ngx_http_paas_adopt_route(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_route_t *route)
{
    ngx_http_paas_cache_t  *cache;
    ngx_http_paas_host_t   *host;
    ngx_http_paas_pool_t   *pool;

    cache = &ctx->pmcf->cache;

    host = ctx->host;
    pool = ctx->pool;

    ctx->host = route->host;
    ctx->path = route->path;
    ctx->pool = route->pool;
    ctx->stamp = ctx->pmcf->db.stamp;

    if (ctx->host) {
        ngx_http_paas_hold_entry(&ctx->host->entry);
    }

    if (ctx->pool) {
        ngx_http_paas_hold_entry(&ctx->pool->entry);
    }

    if (ctx->view == NULL
        || ctx->view != ctx->pmcf->db.view)
    {
        if (ctx->view) {
            ngx_http_paas_drop_view(&ctx->pmcf->db, ctx->view);
        }

        ctx->view = ngx_http_paas_hold_view(&ctx->pmcf->db);
    }

    if (host) {
        ngx_http_paas_drop_entry(cache, &host->entry);
    }

    if (pool) {

        if (ctx->nkept < ctx->attempts) {
            ctx->kept[ctx->nkept++] = pool;

        } else {
            ngx_http_paas_drop_entry(cache, &pool->entry);
        }
    }

    ctx->redirect = (ctx->error == NGX_HTTP_PAAS_OK && ctx->path
                     && ngx_http_paas_must_redirect(ctx));

    if (ctx->pool && ctx->error == NGX_HTTP_PAAS_OK
        && ctx->host->npaths == 1 && ctx->path->ntargets == 1
        && ctx->path->flags == 0 && ctx->path->prefix.len <= 1
        && ctx->pool == ctx->path->targets->pool && ctx->pool->nactive
        && ctx->pool->state != PAAS_ROUTEDB_MAINTENANCE)
    {
        ctx->host->whole = ctx->pool;
    }
}
