
/*
 * Requests that wait: for an instance, where there is none and one is to
 * come, or for their turn, where all instances have as many requests as they
 * may.  They wait in PRECONTENT; or in the content phase, if it was the
 * balancer that found nobody, or what was tried has died: then the upstream
 * is given up without a word to the client, and made anew later.
 *
 * While anything is held the worker looks at the route database and at the
 * counters each millisecond.  These timers are not cancelable: a worker that
 * leaves on a reload lets go all it holds first.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_POLL     1      /* ms */
#define NGX_HTTP_PAAS_GRACE    1000   /* ms, for a dead instance to be noticed */
#define NGX_HTTP_PAAS_PATIENCE 30000  /* ms, where the pool has no hold time */


static ngx_int_t ngx_http_paas_judge_hold(ngx_http_paas_ctx_t *ctx);
static ngx_uint_t ngx_http_paas_has_free(ngx_http_paas_ctx_t *ctx);
static ngx_uint_t ngx_http_paas_has_untried(ngx_http_paas_ctx_t *ctx);
static ngx_int_t ngx_http_paas_begin_hold(ngx_http_paas_ctx_t *ctx);
static ngx_int_t ngx_http_paas_make_held(ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_join_line(ngx_http_paas_held_t *held,
    uint32_t number);
static ngx_msec_t ngx_http_paas_time_left(ngx_http_paas_held_t *held);
static void ngx_http_paas_poll_held(ngx_event_t *ev);
static void ngx_http_paas_look_line(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line);
static void ngx_http_paas_look_first(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line);
static void ngx_http_paas_expire_held(ngx_event_t *ev);
static void ngx_http_paas_resume_held(ngx_http_paas_held_t *held);


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


void
ngx_http_paas_init_hold(ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log)
{
    ngx_http_paas_hold_t  *hold;

    hold = &pmcf->hold;

    ngx_queue_init(&hold->busy);

    hold->fd = (ngx_socket_t) -1;

    hold->poll.data = &pmcf->dummy;
    hold->poll.handler = ngx_http_paas_poll_held;
    hold->poll.log = log;
}


void
ngx_http_paas_close_hold(ngx_http_paas_main_conf_t *pmcf)
{
    if (pmcf->hold.fd != (ngx_socket_t) -1) {
        ngx_close_socket(pmcf->hold.fd);
        pmcf->hold.fd = (ngx_socket_t) -1;
    }

    if (pmcf->hold.lines) {
        ngx_free(pmcf->hold.lines);
        pmcf->hold.lines = NULL;
    }
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

    if (r->request_body_no_buffering
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked))
    {
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

static ngx_int_t
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
               && ngx_http_paas_has_free(ctx)
               ? NGX_OK : NGX_AGAIN;
    }

    return ngx_http_paas_has_free(ctx)
           && !ngx_http_paas_has_queue(zone, pool->id)
           ? NGX_OK : NGX_AGAIN;
}


/* Asking must not change whose turn it is. */

static ngx_uint_t
ngx_http_paas_has_free(ngx_http_paas_ctx_t *ctx)
{
    uint32_t               next;
    ngx_http_paas_inst_t  *inst;

    next = ctx->pool->next;
    inst = ngx_http_paas_choose(ctx);
    ctx->pool->next = next;

    return inst != NULL;
}


static ngx_uint_t
ngx_http_paas_has_untried(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             i, k;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    for (i = 0; i < pool->nactive; i++) {

        for (k = 0; k < ctx->attempts; k++) {
            if (ctx->tried[k] == pool->insts[i].id) {
                break;
            }
        }

        if (k == ctx->attempts) {
            return 1;
        }
    }

    return 0;
}


/* NGX_OK; NGX_DECLINED, then ctx->error says why; or an HTTP status. */

static ngx_int_t
ngx_http_paas_begin_hold(ngx_http_paas_ctx_t *ctx)
{
    uint32_t                    number;
    ngx_uint_t                  absent, max;
    ngx_msec_t                  left;
    ngx_http_paas_hold_t       *hold;
    ngx_http_paas_held_t       *held;
    ngx_http_paas_main_conf_t  *pmcf;

    if (ngx_http_paas_make_held(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

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

    ngx_http_paas_join_line(held, number);

    if (absent) {
        ngx_http_paas_wake_pool(pmcf, ctx->pool, number, held->log);
    }

    ctx->request->read_event_handler = ngx_http_test_reading;
    ctx->request->write_event_handler = ngx_http_request_empty_handler;

    held->since = ngx_current_msec;

    ngx_add_timer(&held->timer, left);

    if (!hold->poll.timer_set) {
        ngx_add_timer(&hold->poll, NGX_HTTP_PAAS_POLL);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, held->log, 0,
                   "paas hold: ticket %uL, at most %M ms",
                   held->ticket, left);

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_make_held(ngx_http_paas_ctx_t *ctx)
{
    uint32_t               i, n;
    ngx_http_paas_held_t  *held;
    ngx_http_paas_hold_t  *hold;

    hold = &ctx->pmcf->hold;

    if (hold->lines == NULL) {
        n = ctx->pmcf->zone->sh->queues;

        hold->lines = ngx_calloc(n * sizeof(ngx_http_paas_line_t),
                                 ngx_cycle->log);
        if (hold->lines == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < n; i++) {
            hold->lines[i].number = i;
            ngx_queue_init(&hold->lines[i].requests);
        }
    }

    if (ctx->held) {
        return NGX_OK;
    }

    held = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_paas_held_t));
    if (held == NULL) {
        return NGX_ERROR;
    }

    held->ctx = ctx;
    held->log = ctx->request->connection->log;
    held->ident = -1;

    held->timer.data = held;
    held->timer.handler = ngx_http_paas_expire_held;
    held->timer.log = held->log;

    ctx->held = held;

    return NGX_OK;
}


/* Who was in a line before comes with the ticket of that time. */

static void
ngx_http_paas_join_line(ngx_http_paas_held_t *held, uint32_t number)
{
    ngx_queue_t           *q;
    ngx_http_paas_hold_t  *hold;
    ngx_http_paas_line_t  *line;
    ngx_http_paas_held_t  *other;

    hold = &held->ctx->pmcf->hold;
    line = &hold->lines[number];

    held->line = line;

    if (line->count++ == 0) {
        line->round = hold->round;
        line->stamp = held->ctx->stamp;
        ngx_queue_insert_tail(&hold->busy, &line->queue);
    }

    for (q = ngx_queue_last(&line->requests);
         q != ngx_queue_sentinel(&line->requests);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_http_paas_held_t, queue);

        if (other->ticket < held->ticket) {
            break;
        }
    }

    ngx_queue_insert_after(q, &held->queue);
}


/* Of what the pool gives a request in all, however often it is held. */

static ngx_msec_t
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


/* It goes on, is refused, or its client has left. */

void
ngx_http_paas_end_hold(ngx_http_paas_held_t *held)
{
    uint64_t               head;
    ngx_queue_t           *q;
    ngx_http_paas_line_t  *line;
    ngx_http_paas_held_t  *first;

    line = held->line;

    if (line == NULL) {
        return;
    }

    held->line = NULL;
    held->before += ngx_current_msec - held->since;

    if (held->timer.timer_set) {
        ngx_del_timer(&held->timer);
    }

    ngx_queue_remove(&held->queue);

    q = ngx_queue_head(&line->requests);

    if (q == ngx_queue_sentinel(&line->requests)) {
        head = 0;

    } else {
        first = ngx_queue_data(q, ngx_http_paas_held_t, queue);
        head = first->ticket;
    }

    if (--line->count == 0) {
        ngx_queue_remove(&line->queue);
    }

    ngx_http_paas_leave_queue(held->ctx->pmcf->zone, line->number, head);
}


/*
 * Any request, and with it any line, may go while another one is let go:
 * so the lines are taken one after the other from the front to the back.
 */

static void
ngx_http_paas_poll_held(ngx_event_t *ev)
{
    ngx_queue_t                *q;
    ngx_connection_t           *dummy;
    ngx_http_paas_hold_t       *hold;
    ngx_http_paas_line_t       *line;
    ngx_http_paas_main_conf_t  *pmcf;

    dummy = ev->data;
    pmcf = dummy->data;
    hold = &pmcf->hold;

    (void) ngx_http_paas_check_db(&pmcf->db, ev->log);

    hold->round++;

    while (!ngx_queue_empty(&hold->busy)) {

        q = ngx_queue_head(&hold->busy);
        line = ngx_queue_data(q, ngx_http_paas_line_t, queue);

        if (line->round == hold->round) {
            break;
        }

        line->round = hold->round;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&hold->busy, q);

        if (line->stamp != pmcf->db.stamp && pmcf->db.error == 0) {
            ngx_http_paas_look_line(pmcf, line);

        } else {
            ngx_http_paas_look_first(pmcf, line);
        }
    }

    if (!ngx_queue_empty(&hold->busy) && !ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_PAAS_POLL);
    }
}


/*
 * The routes have changed: asks for all in a line.  Their turn comes later
 * where there is a limit, but a refusal or another pool does not wait.
 */

static void
ngx_http_paas_look_line(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line)
{
    uint64_t               pool;
    ngx_int_t              rc;
    ngx_queue_t           *q, *next, ready;
    ngx_http_paas_ctx_t   *ctx;
    ngx_http_paas_held_t  *held;

    line->stamp = pmcf->db.stamp;
    pool = pmcf->zone->pools[line->number];

    ngx_queue_init(&ready);

    for (q = ngx_queue_head(&line->requests);
         q != ngx_queue_sentinel(&line->requests);
         q = next)
    {
        next = ngx_queue_next(q);

        held = ngx_queue_data(q, ngx_http_paas_held_t, queue);
        ctx = held->ctx;

        (void) ngx_http_paas_refresh_route(ctx);

        rc = ngx_http_paas_judge_hold(ctx);

        if (rc == NGX_AGAIN && ctx->pool->id == pool) {

            ngx_add_timer(&held->timer, ngx_http_paas_time_left(held));
            continue;
        }

        if (rc == NGX_OK && ctx->pool && ctx->pool->id == pool
            && ctx->pool->concurrency)
        {
            continue;
        }

        held->moved = (rc == NGX_AGAIN);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ready, q);
    }

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        ngx_http_paas_resume_held(ngx_queue_data(q, ngx_http_paas_held_t,
                                                 queue));
    }

    ngx_http_paas_look_first(pmcf, line);
}


/* The first one, and the next, as long as there is room for them. */

static void
ngx_http_paas_look_first(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line)
{
    uint64_t               last;
    ngx_queue_t           *q;
    ngx_http_paas_ctx_t   *ctx;
    ngx_http_paas_held_t  *held;

    last = 0;

    while (!ngx_queue_empty(&line->requests)) {

        q = ngx_queue_head(&line->requests);
        held = ngx_queue_data(q, ngx_http_paas_held_t, queue);
        ctx = held->ctx;

        if (ctx->error) {
            ngx_http_paas_wake_pool(pmcf, ctx->pool, line->number, held->log);
            return;
        }

        if (ctx->pool->concurrency == 0
            || held->ticket <= last
            || ngx_http_paas_judge_hold(ctx) != NGX_OK)
        {
            return;
        }

        /* it may come back, if it was overtaken on its way */

        last = held->ticket;

        ngx_http_paas_resume_held(held);
    }
}


static void
ngx_http_paas_expire_held(ngx_event_t *ev)
{
    ngx_http_paas_ctx_t   *ctx;
    ngx_http_paas_held_t  *held;

    held = ev->data;
    ctx = held->ctx;

    ctx->error = held->failure ? held->failure : NGX_HTTP_PAAS_HOLD_TIMEOUT;

    ngx_http_paas_resume_held(held);
}


/* Goes on where it stopped, or is refused there. */

static void
ngx_http_paas_resume_held(ngx_http_paas_held_t *held)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_paas_ctx_t  *ctx;

    ctx = held->ctx;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_paas_end_hold(held);

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
