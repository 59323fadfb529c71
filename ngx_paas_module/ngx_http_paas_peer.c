
/*
 * The peers of "upstream { paas; }": each attempt chooses afresh, is counted
 * before the routes are looked at once more, and ends in a verdict on the
 * instance and on whether another one may be tried.
 */


#include "ngx_http_paas_keepalive.h"


static ngx_int_t ngx_http_paas_get_peer(ngx_peer_connection_t *pc, void *data);
static ngx_uint_t ngx_http_paas_is_over(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst);
static ngx_int_t ngx_http_paas_refuse_peer(ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_http_paas_code_e ngx_http_paas_judge_failure(
    ngx_peer_connection_t *pc, ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_record_attempt(ngx_http_paas_ctx_t *ctx,
    ngx_uint_t failed);


ngx_int_t
ngx_http_paas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_paas_ctx_t       *ctx;
    ngx_http_upstream_t       *u;
    ngx_http_paas_srv_conf_t  *pscf;

    ctx = ngx_http_paas_get_ctx(r);

    if (ctx == NULL
        || (!ctx->routed && ngx_http_paas_route_request(ctx) == NGX_ERROR))
    {
        return NGX_ERROR;
    }

    pscf = ngx_http_conf_upstream_srv_conf(us, ngx_http_paas_module);
    ctx->keep = pscf->keep;

    u = r->upstream;

#if (NGX_HTTP_SSL)
    ctx->secure = u->ssl;
#endif

    u->peer.data = ctx;
    u->peer.get = ngx_http_paas_get_peer;
    u->peer.free = ngx_http_paas_free_peer;
    u->peer.tries = NGX_HTTP_PAAS_TRIES;

#if (NGX_HTTP_SSL)
    u->peer.set_session = ngx_http_paas_set_session;
    u->peer.save_session = ngx_http_paas_save_session;
#endif

    return NGX_OK;
}


/*
 * Counts first, then looks for a commit: so a drain's count of zero, read
 * after the commit that began it, is a true zero.
 */

static ngx_int_t
ngx_http_paas_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_paas_ctx_t *ctx = data;

    ngx_http_paas_code_e   failure;
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_zone_t  *zone;

    pc->cached = 0;
    pc->connection = NULL;

    zone = ctx->pmcf->zone;

    if (ctx->veto || ctx->attempts == NGX_HTTP_PAAS_ATTEMPTS
        || (ctx->error && ctx->attempts == 0))
    {
        return ngx_http_paas_refuse_peer(ctx);
    }

    failure = ctx->error;

    for ( ;; ) {

        if (ctx->pool == NULL) {

            /* the host is redirected meanwhile */

            ctx->error = failure;
            return ngx_http_paas_refuse_peer(ctx);
        }

        if (ngx_http_paas_set_protocol(ctx) != NGX_OK) {
            return ngx_http_paas_refuse_peer(ctx);
        }

        inst = ngx_http_paas_is_simple(ctx) ? ctx->pool->insts
                                            : ngx_http_paas_choose(ctx);

        if (inst == NULL) {
            return ngx_http_paas_refuse_peer(ctx);
        }

        ctx->slot = ngx_http_paas_count_instance(zone, ctx->pool, inst);

        if (ctx->pool->concurrency && ngx_http_paas_is_over(ctx, inst)
            && !ctx->request->request_body_no_buffering)
        {
            ngx_http_paas_uncount_instance(zone, ctx->slot);
            ctx->slot = NULL;
            return ngx_http_paas_refuse_peer(ctx);
        }

        if (ngx_http_paas_refresh_route(ctx) == NGX_OK) {
            break;
        }

        ngx_http_paas_uncount_instance(zone, ctx->slot);
        ctx->slot = NULL;

        if (ctx->error) {
            return ngx_http_paas_refuse_peer(ctx);
        }
    }

    if (ctx->slot->ejected) {
        ngx_http_paas_begin_probe(ctx->slot);
    }

    if (ctx->attempts == 0) {
        ctx->pool->requests++;
    }

    ctx->instance = inst->id;
    ctx->tried[ctx->attempts++] = inst->id;
    ctx->error = NGX_HTTP_PAAS_OK;
    ctx->start = ngx_current_msec;

    if (ctx->pool->timed) {
        ngx_http_paas_begin_time(ctx);
    }

    pc->sockaddr = &inst->u.sockaddr;
    pc->socklen = inst->socklen;
    pc->name = &inst->name;

    return ngx_http_paas_find_kept(ctx, pc);
}


/* Too many at the instance, this one included; or others came before it. */

static ngx_uint_t
ngx_http_paas_is_over(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *inst)
{
    ngx_http_paas_zone_t  *zone;

    zone = ctx->pmcf->zone;

    if (!ctx->passed && ngx_http_paas_has_queue(zone, ctx->pool->id)) {
        return 1;
    }

    return inst->slot != NGX_HTTP_PAAS_NO_SLOT
           && ngx_http_paas_slot_active(zone, ctx->slot)
              > ctx->pool->concurrency;
}


/*
 * Takes the request back to wait, which for nginx ends this upstream; or nginx
 * ends the request with 502, and the filter turns that into ctx->error.
 */

static ngx_int_t
ngx_http_paas_refuse_peer(ngx_http_paas_ctx_t *ctx)
{
    static ngx_str_t  name = ngx_string("paas");

    ctx->request->upstream->peer.name = &name;
    ctx->request->upstream->peer.tries = 0;

    if (ngx_http_paas_hold_again(ctx) == NGX_OK) {
        return NGX_DECLINED;
    }

    if (ctx->error == NGX_HTTP_PAAS_OK) {
        ctx->error = NGX_HTTP_PAAS_NO_INSTANCE;
    }

    return NGX_BUSY;
}


static void
ngx_http_paas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_paas_ctx_t *ctx = data;

    ngx_uint_t            failed, stale;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    if (ctx->slot == NULL) {
        return;
    }

    r = ctx->request;
    u = r->upstream;

    ctx->sent = u->state ? u->state->bytes_sent : 0;
    ctx->received = u->state ? u->state->bytes_received : 0;

    /* a client that goes away says nothing about the instance */

    failed = (state & NGX_PEER_FAILED) && !r->connection->error;

    if (failed) {
        ctx->error = ngx_http_paas_judge_failure(pc, ctx);
    }

    /*
     * Nor does a kept connection that the instance had closed meanwhile.
     * Twice in a row is no coincidence.
     */

    stale = (failed && pc->cached && !ctx->stale
             && ctx->error == NGX_HTTP_PAAS_CLOSED);

    if (stale) {
        ctx->stale = 1;
        ctx->tried[ctx->attempts - 1] = 0;

    } else {
        ngx_http_paas_record_attempt(ctx, failed);
    }

    if (!(state & NGX_PEER_FAILED)) {
        ngx_http_paas_keep_connection(ctx, pc);
    }

    if (pc->tries) {
        pc->tries--;
    }

    if (state && !ngx_http_paas_may_retry(ctx)) {

        /* nginx adds a try for a stale connection, hence the veto */

        ctx->veto = 1;
        pc->tries = 0;
    }

    ngx_http_paas_end_attempt(ctx);
}


/* What to tell the client if this was the last attempt. */

static ngx_http_paas_code_e
ngx_http_paas_judge_failure(ngx_peer_connection_t *pc,
    ngx_http_paas_ctx_t *ctx)
{
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;

    c = pc->connection;

    if (c == NULL) {
        return NGX_HTTP_PAAS_CONNECT_FAILED;
    }

    if (!u->request_sent) {
        return c->write->timedout ? NGX_HTTP_PAAS_CONNECT_TIMEOUT
                                  : NGX_HTTP_PAAS_CONNECT_FAILED;
    }

    if (c->read->timedout || c->write->timedout) {
        return NGX_HTTP_PAAS_TIMEOUT;
    }

    return ctx->received ? NGX_HTTP_PAAS_BAD_RESPONSE : NGX_HTTP_PAAS_CLOSED;
}


static void
ngx_http_paas_record_attempt(ngx_http_paas_ctx_t *ctx, ngx_uint_t failed)
{
    static const ngx_msec_t  limits[NGX_HTTP_PAAS_BUCKETS - 1]
        = { NGX_HTTP_PAAS_LIMITS };

    ngx_uint_t              i, class;
    ngx_msec_t              ms;
    ngx_http_paas_slot_t   *slot;
    ngx_http_paas_stats_t  *stats;

    slot = ctx->slot;
    stats = &slot->stats;

    class = failed ? 0 : ctx->request->upstream->headers_in.status_n / 100;

    if (class > 5) {
        class = 0;
    }

    ms = ngx_current_msec - ctx->start;

    for (i = 0; i < NGX_HTTP_PAAS_BUCKETS - 1 && ms > limits[i]; i++) {
        /* void */
    }

    (void) ngx_atomic_fetch_add(&stats->requests, 1);
    (void) ngx_atomic_fetch_add(&stats->classes[class], 1);
    (void) ngx_atomic_fetch_add(&stats->bytes_in, ctx->sent);
    (void) ngx_atomic_fetch_add(&stats->bytes_out, ctx->received);
    (void) ngx_atomic_fetch_add(&stats->latency[i], 1);

    if (ms) {
        (void) ngx_atomic_fetch_add(&stats->latency_sum, ms);
    }

    if (ctx->attempts > 1) {
        (void) ngx_atomic_fetch_add(&stats->retries, 1);
    }

    if (failed) {
        (void) ngx_atomic_fetch_add(&stats->failures, 1);
        ngx_http_paas_eject(ctx);

        if (ctx->pool->timed) {
            ngx_http_paas_take_time(ctx, 1);
        }

    } else if (class && slot->fails) {
        ngx_http_paas_forgive(slot);
        ctx->pool->reshare = ngx_current_msec;
    }
}
