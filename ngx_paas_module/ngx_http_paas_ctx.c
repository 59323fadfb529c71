
/*
 * The context of a request.  It outlives an internal redirect, which clears
 * the request's own pointer to it, and the access log: what ends it is a
 * cleanup of the request's pool.
 */


#include "ngx_http_paas_module.h"


static ngx_http_paas_ctx_t *ngx_http_paas_new_ctx(
    ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log);
static void ngx_http_paas_cleanup_ctx(void *data);


#define ngx_http_paas_clear(ctx, from, to)                                    \
    ngx_memzero((u_char *) ctx + offsetof(ngx_http_paas_ctx_t, from),         \
                offsetof(ngx_http_paas_ctx_t, to)                             \
                - offsetof(ngx_http_paas_ctx_t, from))


/* For a request that has none, or has lost it in a redirect. */

ngx_http_paas_ctx_t *
ngx_http_paas_make_ctx(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t        *ctx;
    ngx_http_paas_main_conf_t  *pmcf;

    ctx = ngx_http_paas_find_ctx(r);

    if (ctx && ctx->moved) {

        /* to "@paas_h2c", as it is */

        ctx->moved = 0;

        ngx_http_set_ctx(r, ctx, ngx_http_paas_module);

        return ctx;
    }

    if (ctx) {

        /* it may go elsewhere now, and be tried again */

        if (r->error_page) {
            ngx_http_paas_count_error(ctx);
        }

        if (ctx->slot) {

            /* the filter has refused the answer; upstream ends after this */

            ngx_http_paas_end_attempt(ctx);
        }

        ctx->routed = 0;
        ctx->direct = 0;

        /* what must not be sent twice is not, whatever error_page says */

        ctx->veto = ctx->veto && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD));

        ctx->page = 0;
        ctx->passed = 0;
        ctx->trust = 0;
        ctx->counted = 0;
        ctx->h2c = 0;
        ctx->stale = 0;
        ctx->error = NGX_HTTP_PAAS_OK;

        ngx_memzero(ctx->tried, ctx->attempts * sizeof(uint64_t));

        ngx_http_set_ctx(r, ctx, ngx_http_paas_module);

        return ctx;
    }

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_paas_module);

    ctx = pmcf->free;

    if (ctx) {
        pmcf->free = ctx->next;

    } else {
        ctx = ngx_http_paas_new_ctx(pmcf, r->connection->log);
        if (ctx == NULL) {
            return NULL;
        }
    }

    /* in two parts, of 64 bytes at most, which are done without a loop */

    ngx_http_paas_clear(ctx, key, held);
    ngx_http_paas_clear(ctx, held, stamp);

    ctx->request = r;

    ctx->cleanup.next = r->pool->cleanup;
    r->pool->cleanup = &ctx->cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_paas_module);

    return ctx;
}


/*
 * Those that have ended are used again, cleanup and all: in the request's own
 * pool it would be what needs one more block of memory for each request.
 */

static ngx_http_paas_ctx_t *
ngx_http_paas_new_ctx(ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_calloc(sizeof(ngx_http_paas_ctx_t), log);
    if (ctx == NULL) {
        return NULL;
    }

    ctx->pmcf = pmcf;
    ctx->cleanup.handler = ngx_http_paas_cleanup_ctx;
    ctx->cleanup.data = ctx;

    return ctx;
}


void
ngx_http_paas_free_ctxs(ngx_http_paas_main_conf_t *pmcf)
{
    ngx_http_paas_ctx_t  *ctx;

    while (pmcf->free) {
        ctx = pmcf->free;
        pmcf->free = ctx->next;
        ngx_free(ctx);
    }
}


/* After a redirect the array of contexts was zeroed. */

ngx_http_paas_ctx_t *
ngx_http_paas_search_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_paas_ctx_t  *ctx;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_paas_cleanup_ctx) {
            ctx = cln->data;

            if (ctx->request == r) {
                return ctx;
            }
        }
    }

    return NULL;
}


static void
ngx_http_paas_cleanup_ctx(void *data)
{
    ngx_http_paas_ctx_t *ctx = data;

    ngx_http_paas_cache_t      *cache;
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ctx->pmcf;
    cache = &pmcf->cache;

    if (ctx->held) {
        ngx_http_paas_leave_line(ctx->held);
    }

    if (ctx->slot) {
        ngx_http_paas_end_attempt(ctx);
    }

    if (ctx->view) {
        ngx_http_paas_drop_view(&pmcf->db, ctx->view);
    }

    if (ctx->host) {
        ngx_http_paas_drop_entry(cache, &ctx->host->entry);
    }

    if (ctx->pool) {
        ngx_http_paas_drop_entry(cache, &ctx->pool->entry);
    }

    while (ctx->nkept) {
        ctx->nkept--;
        ngx_http_paas_drop_entry(cache, &ctx->kept[ctx->nkept]->entry);
    }

    ctx->next = pmcf->free;
    pmcf->free = ctx;
}
