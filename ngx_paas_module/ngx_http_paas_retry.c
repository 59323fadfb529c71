
/*
 * Whether another instance may be tried after a failed attempt.
 *
 * A pool's retries are at most a part of its requests (retry_budget, 20 %
 * usually), so that they do not finish off an app that has trouble already.
 * Each worker gives what its own requests of the last 10 s have earned, and
 * beside that there are ten a second for all of them (Finagle's RetryBudget):
 * the death of one instance fails no request of an app with little traffic.
 * An attempt that the instance has got nothing of is no burden for the app
 * and costs nothing, as in gRPC's A6.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_WINDOW   10000  /* ms */
#define NGX_HTTP_PAAS_PERCENT  20
#define NGX_HTTP_PAAS_RETRY    10000  /* what one costs: percent of percent */
#define NGX_HTTP_PAAS_LEAST    100    /* in the window */

#define NGX_HTTP_PAAS_MSEC     0xffffffffffULL  /* 40 bits, 34 years */


static ngx_uint_t ngx_http_paas_is_repeatable(ngx_http_paas_ctx_t *ctx);
static ngx_uint_t ngx_http_paas_spend_budget(ngx_http_paas_pool_t *pool);
static ngx_uint_t ngx_http_paas_spend_reserve(ngx_http_paas_zone_t *zone,
    uint64_t pool);


/*
 * Safe if the instance has got nothing of this attempt, or if the request may
 * be made twice and no byte of a response has come.  What took too long once
 * is not asked of the next instance as well.
 */

ngx_uint_t
ngx_http_paas_may_retry(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_request_t    *r;
    ngx_http_paas_pool_t  *pool;

    r = ctx->request;
    pool = ctx->pool;

    if (ctx->received || ctx->error == NGX_HTTP_PAAS_TIMEOUT
        || (pool->flags & PAAS_ROUTEDB_NO_RETRY)
        || (ctx->wanted && ctx->tried[ctx->attempts - 1]))
    {
        return 0;
    }

    /* a part of the body may be gone, and nobody has it any more */

    if (r->request_body_no_buffering && r->upstream->request_sent) {
        return 0;
    }

    if (ctx->sent == 0) {
        return 1;
    }

    if (!ngx_http_paas_is_repeatable(ctx)) {
        return 0;
    }

    if (ctx->tried[ctx->attempts - 1] == 0) {

        /* a kept connection that had been closed: the same one may be asked */
        return 1;
    }

    if (!ngx_http_paas_has_untried(ctx) && !pool->hold && !pool->concurrency) {

        /* there is nobody else */
        return 0;
    }

    if (ngx_http_paas_spend_budget(pool)
        || ngx_http_paas_spend_reserve(ctx->pmcf->zone, pool->id))
    {
        return 1;
    }

    (void) ngx_atomic_fetch_add(&ctx->slot->stats.denied, 1);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "the retry budget of app \"%V\" is spent", &pool->app);

    return 0;
}


/* RFC 9110, 9.2.2, as far as people keep to it. */

static ngx_uint_t
ngx_http_paas_is_repeatable(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t           i;
    ngx_list_part_t     *part;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_OPTIONS)) {
        return 1;
    }

    if ((r->method & (NGX_HTTP_PUT|NGX_HTTP_DELETE))
        && (ctx->pool->flags & PAAS_ROUTEDB_RETRY_PUT))
    {
        return 1;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == sizeof("Idempotency-Key") - 1
                && h[i].value.len
                && ngx_strncasecmp(h[i].key.data,
                                   (u_char *) "Idempotency-Key",
                                   sizeof("Idempotency-Key") - 1)
                   == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/*
 * Works out only now what the requests since the last time have earned: most
 * pools never ask.  What was earned fades within the window.
 */

static ngx_uint_t
ngx_http_paas_spend_budget(ngx_http_paas_pool_t *pool)
{
    uint64_t    earned;
    ngx_msec_t  ms;

    earned = (uint64_t) pool->requests * 100
             * (pool->retry_budget ? pool->retry_budget
                                   : NGX_HTTP_PAAS_PERCENT);

    ms = ngx_current_msec - pool->spent;

    if (ms < NGX_HTTP_PAAS_WINDOW) {
        pool->budget -= pool->budget * ms / NGX_HTTP_PAAS_WINDOW;
        pool->budget += earned;

    } else {
        pool->budget = earned * NGX_HTTP_PAAS_WINDOW / ms;
    }

    pool->requests = 0;
    pool->spent = ngx_current_msec;

    if (pool->budget < NGX_HTTP_PAAS_RETRY) {
        return 0;
    }

    pool->budget -= NGX_HTTP_PAAS_RETRY;

    return 1;
}


/*
 * Shared by all workers: for each pool a word of 24 bits of its id and the
 * time at which the reserve is whole again (the generic cell rate algorithm).
 * Of two pools in the same place each finds it whole: too much, seldom.
 */

static ngx_uint_t
ngx_http_paas_spend_reserve(ngx_http_paas_zone_t *zone, uint64_t pool)
{
    uint64_t            hash, tag, old, now, whole;
    volatile uint64_t  *word;

    hash = ngx_http_paas_hash((u_char *) &pool, sizeof(uint64_t));
    tag = hash >> 40;
    word = &zone->sh->reserve[hash % NGX_HTTP_PAAS_RESERVES];
    now = (uint64_t) ngx_current_msec & NGX_HTTP_PAAS_MSEC;

    do {
        old = *word;
        whole = old & NGX_HTTP_PAAS_MSEC;

        if (old >> 40 != tag || whole < now) {
            whole = now;
        }

        whole += NGX_HTTP_PAAS_WINDOW / NGX_HTTP_PAAS_LEAST;

        if (whole - now > NGX_HTTP_PAAS_WINDOW) {
            return 0;
        }

    } while (!__sync_bool_compare_and_swap(word, old, tag << 40 | whole));

    return 1;
}
