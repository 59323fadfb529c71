
/*
 * Requests that wait: for an instance, where there is none and one is to
 * come, or for their turn, where all instances have as many requests as they
 * may.  They wait in PRECONTENT; or in the content phase, if it was the
 * balancer that found nobody, or what was tried has died: then the upstream
 * is given up without a word to the client, and made anew later.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_GRACE    1000   /* ms, for a death to be noticed */
#define NGX_HTTP_PAAS_PATIENCE 30000  /* ms, where the pool has no hold time */


static ngx_int_t ngx_http_paas_begin_hold(ngx_http_paas_ctx_t *ctx);


/* paas_hold [pool=NUMBER] [total=NUMBER]; */

char *
ngx_http_paas_set_hold(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_main_conf_t *pmcf = conf;

    ngx_int_t    n;
    ngx_str_t   *value;
    ngx_uint_t   i, *limit;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        limit = NULL;
        n = NGX_ERROR;

        if (ngx_strncmp(value[i].data, "pool=", 5) == 0) {
            limit = &pmcf->hold.pool;
            n = ngx_atoi(value[i].data + 5, value[i].len - 5);

        } else if (ngx_strncmp(value[i].data, "total=", 6) == 0) {
            limit = &pmcf->hold.total;
            n = ngx_atoi(value[i].data + 6, value[i].len - 6);
        }

        if (n < 1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it may be "
                               "\"pool=NUMBER\" or \"total=NUMBER\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*limit != NGX_CONF_UNSET_UINT) {
            return "is duplicate";
        }

        *limit = n;
    }

    return NGX_CONF_OK;
}


/*
 * In PRECONTENT, for a request that has found nobody or whose instances have
 * a limit.  NGX_AGAIN if it waits; NGX_DECLINED if it goes on, unless
 * ctx->error says why not.
 */

ngx_int_t
ngx_http_paas_hold_request(ngx_http_paas_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    rc = ngx_http_paas_judge_hold(ctx);

    if (rc == NGX_AGAIN) {
        (void) ngx_http_paas_refresh_route(ctx);
        rc = ngx_http_paas_judge_hold(ctx);
    }

    if (rc == NGX_OK) {
        ctx->passed = 1;
        ngx_http_paas_take_route(ctx);
        return NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    r = ctx->request;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_paas_begin_hold(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->held->again = 0;

    return NGX_AGAIN;
}


/*
 * In the balancer, which has nobody for a request.  NGX_OK if it waits now:
 * nginx then finds that this upstream has ended already, and only drops its
 * reference, for which one is added here.  The content handler is called
 * again later; the body is in memory or in a file, unless it is not buffered.
 */

ngx_int_t
ngx_http_paas_hold_again(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_request_t    *r;
    ngx_http_upstream_t   *u;
    ngx_http_paas_held_t  *held;

    r = ctx->request;
    u = r->upstream;

    if (ctx->wanted) {

        /* it never waits, even if there is room by now */

        if (ngx_http_paas_judge_hold(ctx) == NGX_OK && ctx->pool
            && ctx->pool->concurrency)
        {
            ctx->error = NGX_HTTP_PAAS_HOLD_FULL;
        }

        return NGX_DECLINED;
    }

    if (ctx->pool == NULL || (!ctx->pool->hold && !ctx->pool->concurrency)
        || ctx->veto || ctx->attempts >= NGX_HTTP_PAAS_TRIES
        || r->connection->error || u->cleanup == NULL
        || r->content_handler == NULL)
    {
        return NGX_DECLINED;
    }

#if (NGX_HTTP_CACHE)
    if (r->cache) {
        return NGX_DECLINED;
    }
#endif

    if (r->request_body_no_buffering) {

        /* there is one, and what was read of it can't be read again */

        return NGX_DECLINED;
    }

    if (ngx_http_paas_make_held(ctx) != NGX_OK) {
        return NGX_DECLINED;
    }

    held = ctx->held;

    if (ctx->error >= NGX_HTTP_PAAS_CONNECT_FAILED) {
        held->failure = ctx->error;
        held->failed = ngx_current_msec;
        ctx->error = NGX_HTTP_PAAS_OK;
    }

    (void) ngx_http_paas_refresh_route(ctx);

    if (ctx->pool == NULL) {

        /* the host leads to no pool any more, or is redirected as a whole */

        if (ctx->error == NGX_HTTP_PAAS_OK) {
            ctx->error = held->failure;
        }

        return NGX_DECLINED;
    }

    ctx->passed = 0;

    if (ngx_http_paas_judge_hold(ctx) == NGX_DECLINED
        || ngx_http_paas_begin_hold(ctx) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* somebody may be there by now, which is no change of the database */

    held->line->stamp = 0;
    held->again = 1;

    r->main->count++;

    *u->cleanup = NULL;
    u->cleanup = NULL;

    return NGX_OK;
}


/*
 * NGX_OK if a request may go to an instance, NGX_AGAIN if it has to wait, or
 * NGX_DECLINED if it is refused, as ctx->error says.
 */

ngx_int_t
ngx_http_paas_judge_hold(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_held_t  *held;
    ngx_http_paas_pool_t  *pool;
    ngx_http_paas_zone_t  *zone;

    pool = ctx->pool;
    held = ctx->held;
    zone = ctx->pmcf->zone;

    switch (ctx->error) {

    case NGX_HTTP_PAAS_OK:
        break;

    case NGX_HTTP_PAAS_NO_INSTANCE:
    case NGX_HTTP_PAAS_ASLEEP:
    case NGX_HTTP_PAAS_BOOTING:
        return pool && pool->hold ? NGX_AGAIN : NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }

    if (pool == NULL || ctx->redirect) {
        return NGX_OK;
    }

    if (ctx->wanted) {

        /* whoever waits for one of them would let nobody pass */

        if (pool->concurrency
            && (!ngx_http_paas_has_room(ctx)
                || ngx_http_paas_has_queue(zone, pool->id)))
        {
            ctx->error = NGX_HTTP_PAAS_HOLD_FULL;
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    if (held && held->failure && !ngx_http_paas_has_untried(ctx)) {

        /* dead, or just not well?  Who watches it will soon know. */

        if (pool->hold
            && ngx_current_msec - held->failed < NGX_HTTP_PAAS_GRACE)
        {
            return NGX_AGAIN;
        }

        ctx->error = held->failure;

        return NGX_DECLINED;
    }

    if (pool->concurrency == 0) {
        return NGX_OK;
    }

    if (held && held->line) {
        return ngx_http_paas_is_next(zone, held->line->number, held->ticket)
               && ngx_http_paas_has_room(ctx)
               ? NGX_OK : NGX_AGAIN;
    }

    return ngx_http_paas_has_room(ctx)
           && !ngx_http_paas_has_queue(zone, pool->id)
           ? NGX_OK : NGX_AGAIN;
}


/* NGX_OK; NGX_DECLINED, then ctx->error says why; or an HTTP status. */

static ngx_int_t
ngx_http_paas_begin_hold(ngx_http_paas_ctx_t *ctx)
{
    uint32_t                    number;
    ngx_uint_t                  absent, max;
    ngx_msec_t                  left;
    ngx_http_request_t         *r;
    ngx_http_paas_hold_t       *hold;
    ngx_http_paas_held_t       *held;
    ngx_http_paas_main_conf_t  *pmcf;

    if (ngx_http_paas_make_held(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r = ctx->request;
    pmcf = ctx->pmcf;
    hold = &pmcf->hold;
    held = ctx->held;

    left = ngx_http_paas_time_left(held);

    absent = (ctx->error != NGX_HTTP_PAAS_OK);
    max = (absent || held->failure) ? hold->pool : ctx->pool->waiting;

    if (left == 0
        || ngx_http_paas_enter_queue(pmcf->zone, ctx->pool, max, hold->total,
                                     &held->ticket, &number)
           != NGX_OK)
    {
        ctx->error = held->failure ? held->failure
                     : left ? NGX_HTTP_PAAS_HOLD_FULL
                     : NGX_HTTP_PAAS_HOLD_TIMEOUT;
        return NGX_DECLINED;
    }

    ngx_http_paas_join_line(held, number, left);

    if (absent) {
        ngx_http_paas_wake_pool(pmcf, ctx->pool, number, held->log);
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    /* a client that left before is not told of again */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, held->log, 0,
                   "paas hold: ticket %uL, at most %M ms",
                   held->ticket, left);

    return NGX_OK;
}


/* Of what the pool gives a request in all, however often it is held. */

ngx_msec_t
ngx_http_paas_time_left(ngx_http_paas_held_t *held)
{
    ngx_msec_t            ms, gone, grace;
    ngx_http_paas_ctx_t  *ctx;

    ctx = held->ctx;

    ms = ctx->pool->hold ? ctx->pool->hold : NGX_HTTP_PAAS_PATIENCE;
    gone = held->before
           + (held->line ? ngx_current_msec - held->since : 0);
    ms = ms > gone ? ms - gone : 0;

    if (held->failure && !ctx->error && !ngx_http_paas_has_untried(ctx)) {
        grace = ngx_current_msec - held->failed;
        grace = grace < NGX_HTTP_PAAS_GRACE ? NGX_HTTP_PAAS_GRACE - grace : 1;

        return ngx_min(ms, grace);
    }

    return ms;
}


/* Goes on where it stopped, or is refused there. */

void
ngx_http_paas_resume_held(ngx_http_paas_held_t *held)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_paas_ctx_t  *ctx;

    ctx = held->ctx;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_paas_leave_line(held);

    if (held->moved) {
        held->moved = 0;

        if (ngx_http_paas_begin_hold(ctx) == NGX_OK) {
            return;
        }
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "paas hold: ticket %uL goes, error %d",
                   held->ticket, (int) ctx->error);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    if (held->again && ctx->error) {
        ngx_http_finalize_request(r, NGX_HTTP_BAD_GATEWAY);

    } else {
        if (ctx->error == NGX_HTTP_PAAS_OK) {
            ngx_http_paas_take_route(ctx);
        }

        ctx->passed = 1;
        ngx_http_core_run_phases(r);
    }

    ngx_http_run_posted_requests(c);
}
