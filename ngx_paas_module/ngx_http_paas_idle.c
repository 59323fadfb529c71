
/*
 * The idle connections themselves: which one a request gets, which one is
 * kept after it, and what happens to them meanwhile.
 */


#include "ngx_http_paas_keepalive.h"


static ngx_http_paas_idle_t *ngx_http_paas_choose_idle(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_spot_t *spot);
static ngx_uint_t ngx_http_paas_is_clean(ngx_http_paas_ctx_t *ctx,
    ngx_connection_t *c);
static void ngx_http_paas_add_idle(ngx_http_paas_keepalive_t *keep,
    ngx_http_paas_spot_t *spot, ngx_http_paas_idle_t *idle);
static ngx_connection_t *ngx_http_paas_remove_idle(
    ngx_http_paas_idle_t *idle);
static void ngx_http_paas_read_idle(ngx_event_t *ev);
static void ngx_http_paas_write_idle(ngx_event_t *ev);


/*
 * A connection for the instance that pc was just pointed to.  NGX_DONE, or
 * NGX_OK if a new one is to be made.
 */

ngx_int_t
ngx_http_paas_find_kept(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    ngx_connection_t           *c;
    ngx_http_upstream_t        *u;
    ngx_http_paas_idle_t       *idle;
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    keep = ctx->keep;

    if (keep == NULL || ngx_http_paas_name_spot(ctx) != NGX_OK) {
        return NGX_OK;
    }

    spot = ngx_http_paas_find_spot(ctx, pc);

    if (spot == NULL) {
        return NGX_OK;
    }

    idle = ngx_http_paas_choose_idle(ctx, spot);

    if (idle == NULL) {
        return NGX_OK;
    }

    c = ngx_http_paas_remove_idle(idle);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "paas keepalive: using connection %p", c);

    c->idle = 0;
    c->sent = 0;

    /*
     * The timer of the last response is still there.  It stays if nginx would
     * take it for the next one's, which saves two operations on the tree of
     * all timers; with a body, nginx sets it only when that was sent.
     */

    u = ctx->request->upstream;

    if (c->read->timer_set
        && (u->request_bufs == NULL || u->request_bufs->next
            || ctx->request->request_body_no_buffering
            || (ngx_msec_int_t) (ngx_current_msec + u->conf->read_timeout
                                 - c->read->timer.key)
               >= NGX_TIMER_LAZY_DELAY))
    {
        ngx_del_timer(c->read);
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


/* The latest one, whose instance is this one or at this address, too. */

static ngx_http_paas_idle_t *
ngx_http_paas_choose_idle(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_spot_t *spot)
{
    ngx_queue_t           *q;
    ngx_http_paas_idle_t  *idle;

    for (q = ngx_queue_head(&spot->idle);
         q != ngx_queue_sentinel(&spot->idle);
         q = ngx_queue_next(q))
    {
        idle = ngx_queue_data(q, ngx_http_paas_idle_t, spot_queue);

        if (ngx_http_paas_is_old(ctx->keep, idle)) {
            return NULL;
        }

        if (idle->instance == ctx->instance || idle->stamp == ctx->stamp) {
            return idle;
        }
    }

    return NULL;
}


/* After an attempt that has not failed: takes pc's connection, if it may. */

void
ngx_http_paas_keep_connection(ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc)
{
    ngx_connection_t           *c;
    ngx_http_paas_idle_t       *idle;
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    c = pc->connection;
    keep = ctx->keep;

    if (keep == NULL || c == NULL || !ngx_http_paas_is_clean(ctx, c)) {
        return;
    }

    spot = ngx_http_paas_find_spot(ctx, pc);

    if (spot && spot->count == keep->instance) {
        idle = ngx_queue_data(ngx_queue_last(&spot->idle),
                              ngx_http_paas_idle_t, spot_queue);
        ngx_http_paas_close_idle(idle);

    } else if (keep->free == NULL) {
        idle = ngx_queue_data(ngx_queue_last(&keep->queue),
                              ngx_http_paas_idle_t, queue);
        ngx_http_paas_close_idle(idle);
    }

    if (spot == NULL) {
        spot = ngx_http_paas_new_spot(ctx, pc);

        if (spot == NULL) {
            return;
        }
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "paas keepalive: saving connection %p", c);

    idle = keep->free;
    keep->free = idle->next;

    idle->connection = c;
    idle->instance = ctx->instance;
    idle->stamp = ctx->stamp;
    idle->pool = ctx->pool->id;
    idle->since = ngx_current_msec;

    ngx_http_paas_add_idle(keep, spot, idle);

    pc->connection = NULL;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->delayed = 0;
    c->read->handler = ngx_http_paas_read_idle;
    c->write->handler = ngx_http_paas_write_idle;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_http_paas_read_idle(c->read);
    }
}


/* Nothing is left of the request or the response, and it may go on. */

static ngx_uint_t
ngx_http_paas_is_clean(ngx_http_paas_ctx_t *ctx, ngx_connection_t *c)
{
    ngx_http_upstream_t        *u;
    ngx_http_paas_keepalive_t  *keep;

    u = ctx->request->upstream;
    keep = ctx->keep;

    if (!u->keepalive || !u->request_body_sent || c->read->eof
        || c->read->error || c->read->timedout || c->write->error
        || c->write->timedout)
    {
        return 0;
    }

    if (c->requests >= keep->requests
        || ngx_current_msec - c->start_time > keep->time)
    {
        return 0;
    }

    if (ngx_exiting || ngx_terminate) {
        return 0;
    }

    return ngx_handle_read_event(c->read, 0) == NGX_OK;
}


static void
ngx_http_paas_add_idle(ngx_http_paas_keepalive_t *keep,
    ngx_http_paas_spot_t *spot, ngx_http_paas_idle_t *idle)
{
    idle->spot = spot;
    idle->gone = 0;

    if (spot->count++ == 0) {
        ngx_queue_remove(&spot->queue);
    }

    ngx_queue_insert_head(&spot->idle, &idle->spot_queue);
    ngx_queue_insert_head(&keep->queue, &idle->queue);

    keep->count++;

    if (idle->stamp < keep->stamp) {
        keep->stamp = 0;
    }
}


static ngx_connection_t *
ngx_http_paas_remove_idle(ngx_http_paas_idle_t *idle)
{
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    spot = idle->spot;
    keep = spot->keep;

    ngx_queue_remove(&idle->spot_queue);
    ngx_queue_remove(&idle->queue);

    if (--spot->count == 0) {
        ngx_queue_insert_tail(&keep->vacant, &spot->queue);
    }

    keep->count--;

    idle->next = keep->free;
    keep->free = idle;

    return idle->connection;
}


/* The instance has closed it, has said what nobody asked for; or we leave. */

static void
ngx_http_paas_read_idle(ngx_event_t *ev)
{
    char                   buf[1];
    ssize_t                n;
    ngx_connection_t      *c;
    ngx_http_paas_idle_t  *idle;

    c = ev->data;
    idle = c->data;

    if (!c->close) {

        /* the timer of the last response has nothing to say here */

        ev->timedout = 0;

        n = recv(c->fd, buf, 1, MSG_PEEK);

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            ev->ready = 0;

            if (ngx_handle_read_event(ev, 0) == NGX_OK) {
                return;
            }
        }
    }

    ngx_http_paas_close_idle(idle);
}


static void
ngx_http_paas_write_idle(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0, "paas keepalive: write");
}


void
ngx_http_paas_close_idle(ngx_http_paas_idle_t *idle)
{
    ngx_connection_t  *c;

    c = ngx_http_paas_remove_idle(idle);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "paas keepalive: closing connection %p", c);

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}
