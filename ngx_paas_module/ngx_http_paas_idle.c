
/*
 * The idle connections themselves: which one a request gets, which one is
 * kept after it, and what happens to them meanwhile.
 */


#include "ngx_http_paas_keepalive.h"


static ngx_inline ngx_http_paas_spot_t *ngx_http_paas_plain_spot(
    ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc);
static ngx_http_paas_idle_t *ngx_http_paas_choose_idle(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_spot_t *spot);
static ngx_inline ngx_uint_t ngx_http_paas_is_clean(ngx_http_paas_ctx_t *ctx,
    ngx_connection_t *c);
static ngx_http_paas_spot_t *ngx_http_paas_make_room(
    ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc);
static ngx_inline void ngx_http_paas_add_idle(
    ngx_http_paas_keepalive_t *keep, ngx_http_paas_spot_t *spot,
    ngx_http_paas_idle_t *idle);
static ngx_inline ngx_connection_t *ngx_http_paas_remove_idle(
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
    ngx_event_t           *rev;
    ngx_connection_t      *c;
    ngx_http_upstream_t   *u;
    ngx_http_paas_idle_t  *idle;
    ngx_http_paas_spot_t  *spot;

    if (ctx->keep == NULL) {
        return NGX_OK;
    }

    u = ctx->request->upstream;

    if (ngx_http_paas_is_plain(pc, u)) {
        spot = ngx_http_paas_plain_spot(ctx, pc);

    } else {

        if (ngx_http_paas_name_spot(ctx) != NGX_OK) {

            /* what has no name is not found again */

            ctx->keep = NULL;
            return NGX_OK;
        }

        spot = ngx_http_paas_find_spot(ctx, pc);
    }

    ctx->spot = spot;

    if (spot == NULL) {
        return NGX_OK;
    }

    ctx->serial = spot->serial;

    if (spot->count == 0) {
        return NGX_OK;
    }

    idle = ngx_queue_data(ngx_queue_head(&spot->idle), ngx_http_paas_idle_t,
                          spot_queue);

    if (idle->stamp != ctx->stamp) {

        idle = ngx_http_paas_choose_idle(ctx, spot);

        if (idle == NULL) {
            return NGX_OK;
        }
    }

    if (ngx_http_paas_is_old(ctx->keep, idle)) {
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

    rev = c->read;

    if (rev->timer_set
        && (u->request_bufs == NULL || u->request_bufs->next
            || ctx->request->request_body_no_buffering
            || (ngx_msec_int_t) (ngx_current_msec + u->conf->read_timeout
                                 - rev->timer.key)
               >= NGX_TIMER_LAZY_DELAY))
    {
        ngx_del_timer(rev);
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


static ngx_inline ngx_http_paas_spot_t *
ngx_http_paas_plain_spot(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    uint64_t                    hash;
    ngx_http_upstream_t        *u;
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    u = ctx->request->upstream;
    keep = ctx->keep;

    hash = ngx_http_paas_hash_plain(pc);

    for (spot = keep->buckets[hash & keep->mask]; spot; spot = spot->next) {

        if (spot->hash == hash && spot->plain
            && spot->protocol == u->create_request)
        {
            return spot;
        }
    }

    return NULL;
}


/*
 * After a commit, until all were looked at: the latest one of this instance.
 * One that was used in the same state is of an instance at the same address.
 */

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
    ngx_log_t             *log;
    ngx_event_t           *rev, *wev;
    ngx_connection_t      *c;
    ngx_http_paas_idle_t  *idle;
    ngx_http_paas_spot_t  *spot;

    c = pc->connection;

    if (ctx->keep == NULL || c == NULL || !ngx_http_paas_is_clean(ctx, c)) {
        return;
    }

    spot = ctx->spot;

    if (spot == NULL || spot->serial != ctx->serial
        || spot->count == ctx->keep->instance || ctx->keep->free == NULL)
    {
        spot = ngx_http_paas_make_room(ctx, pc);

        if (spot == NULL) {
            return;
        }
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "paas keepalive: saving connection %p", c);

    idle = ctx->keep->free;
    ctx->keep->free = idle->next;

    idle->connection = c;
    idle->instance = ctx->instance;
    idle->stamp = ctx->stamp;
    idle->pool = ctx->pool->id;
    idle->since = ngx_current_msec;

    ngx_http_paas_add_idle(ctx->keep, spot, idle);

    pc->connection = NULL;

    rev = c->read;
    wev = c->write;

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    log = ngx_cycle->log;

    rev->delayed = 0;
    rev->handler = ngx_http_paas_read_idle;
    rev->log = log;

    wev->handler = ngx_http_paas_write_idle;
    wev->log = log;

    c->data = idle;
    c->idle = 1;
    c->log = log;
    c->pool->log = log;

    if (rev->ready) {
        ngx_http_paas_read_idle(rev);
    }
}


/* Nothing is left of the request or the response, and it may go on. */

static ngx_inline ngx_uint_t
ngx_http_paas_is_clean(ngx_http_paas_ctx_t *ctx, ngx_connection_t *c)
{
    ngx_event_t          *rev, *wev;
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;
    rev = c->read;
    wev = c->write;

    if (!u->keepalive || !u->request_body_sent || rev->eof || rev->error
        || rev->timedout || wev->error || wev->timedout)
    {
        return 0;
    }

    if (c->requests >= ctx->keep->requests
        || ngx_current_msec - c->start_time > ctx->keep->time)
    {
        return 0;
    }

    if (ngx_exiting) {
        return 0;
    }

    /* where there is nothing to do, even the call would count */

    return (rev->active && (ngx_event_flags & NGX_USE_CLEAR_EVENT))
           || ngx_handle_read_event(rev, 0) == NGX_OK;
}


/*
 * A spot for one more connection, and a place for that: of the spot's oldest
 * one, or of the oldest one of all.
 */

static ngx_http_paas_spot_t *
ngx_http_paas_make_room(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    ngx_http_paas_idle_t       *idle;
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    keep = ctx->keep;
    spot = ctx->spot;

    if (spot == NULL || spot->serial != ctx->serial) {

        /* there was none, or it was given to another address meanwhile */

        spot = ngx_http_paas_is_plain(pc, ctx->request->upstream)
               ? ngx_http_paas_plain_spot(ctx, pc)
               : ngx_http_paas_find_spot(ctx, pc);
    }

    if (spot && spot->count == keep->instance) {
        idle = ngx_queue_data(ngx_queue_last(&spot->idle),
                              ngx_http_paas_idle_t, spot_queue);
        ngx_http_paas_close_idle(idle);

    } else if (keep->free == NULL) {
        idle = ngx_queue_data(ngx_queue_last(&keep->queue),
                              ngx_http_paas_idle_t, queue);
        ngx_http_paas_close_idle(idle);
    }

    return spot ? spot : ngx_http_paas_new_spot(ctx, pc);
}


static ngx_inline void
ngx_http_paas_add_idle(ngx_http_paas_keepalive_t *keep,
    ngx_http_paas_spot_t *spot, ngx_http_paas_idle_t *idle)
{
    idle->spot = spot;

    spot->count++;

    ngx_queue_insert_head(&spot->idle, &idle->spot_queue);
    ngx_queue_insert_head(&keep->queue, &idle->queue);

    if (idle->stamp < keep->stamp) {
        keep->stamp = 0;
    }
}


static ngx_inline ngx_connection_t *
ngx_http_paas_remove_idle(ngx_http_paas_idle_t *idle)
{
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    spot = idle->spot;
    keep = spot->keep;

    ngx_queue_remove(&idle->spot_queue);
    ngx_queue_remove(&idle->queue);

    if (--spot->count == 0) {
        keep->vacant = spot;
    }

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
