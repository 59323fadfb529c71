
/*
 * The lines of a worker: the requests that it holds for a pool, by ticket.
 *
 * While anything is held the worker looks at the route database and at the
 * counters each millisecond.  These timers are not cancelable: a worker that
 * leaves on a reload lets go all it holds first.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_POLL  1  /* ms */


static void ngx_http_paas_poll_held(ngx_event_t *ev);
static void ngx_http_paas_look_line(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line);
static void ngx_http_paas_look_first(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_line_t *line);
static void ngx_http_paas_expire_held(ngx_event_t *ev);


void
ngx_http_paas_init_lines(ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log)
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
ngx_http_paas_close_lines(ngx_http_paas_main_conf_t *pmcf)
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


/* What a request needs to be held: kept for its life, and for the log. */

ngx_int_t
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

void
ngx_http_paas_join_line(ngx_http_paas_held_t *held, uint32_t number,
    ngx_msec_t left)
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

    held->since = ngx_current_msec;

    ngx_add_timer(&held->timer, left);

    if (!hold->poll.timer_set) {
        ngx_add_timer(&hold->poll, NGX_HTTP_PAAS_POLL);
    }
}


/* It goes on, is refused, or its client has left. */

void
ngx_http_paas_leave_line(ngx_http_paas_held_t *held)
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
