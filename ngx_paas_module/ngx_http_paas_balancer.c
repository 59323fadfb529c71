
/*
 * Which instance of a pool.  A method looks at healthy ones first; if all of
 * them are ejected or were tried, anyone not tried is better than nobody.
 */


#include "ngx_http_paas_module.h"


typedef ngx_http_paas_inst_t *(*ngx_http_paas_choose_pt)(
    ngx_http_paas_ctx_t *ctx);
typedef ngx_http_paas_inst_t *(*ngx_http_paas_better_pt)(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b);


static ngx_http_paas_inst_t *ngx_http_paas_choose_two(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_cheaper(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_round_robin(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_smooth(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_least(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_hashed(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_less_loaded(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b);
static ngx_http_paas_inst_t *ngx_http_paas_less_costly(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b);
static uint64_t ngx_http_paas_cost(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst, uint64_t active);
static ngx_http_paas_inst_t *ngx_http_paas_choose_any(
    ngx_http_paas_ctx_t *ctx, ngx_uint_t ejected);
static ngx_uint_t ngx_http_paas_draw_instance(ngx_http_paas_ctx_t *ctx);


/* By enum paas_routedb_balance. */

static const ngx_http_paas_choose_pt  ngx_http_paas_methods[] = {
    ngx_http_paas_choose_two,
    ngx_http_paas_choose_round_robin,
    ngx_http_paas_choose_least,
    ngx_http_paas_choose_cheaper,
    ngx_http_paas_choose_hashed
};


/* An active instance of ctx->pool that was not tried yet, or NULL. */

ngx_http_paas_inst_t *
ngx_http_paas_choose(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (pool->nactive == 0) {
        return NULL;
    }

    if (ctx->wanted) {
        inst = ngx_http_paas_find_wanted(ctx, pool);

        return inst && ngx_http_paas_is_usable(ctx, inst, 1) ? inst : NULL;
    }

    if (pool->nactive == 1) {
        return ngx_http_paas_is_usable(ctx, pool->insts, 1) ? pool->insts
                                                            : NULL;
    }

    if (pool->flags & PAAS_ROUTEDB_STICKY) {
        inst = ngx_http_paas_sticky_instance(ctx);

        if (inst) {
            return inst;
        }
    }

    if (pool->slow_start
        && (ngx_msec_int_t) (ngx_current_msec - pool->reshare) >= 0)
    {
        ngx_http_paas_make_shares(ctx->pmcf->zone, pool);
    }

    inst = ngx_http_paas_methods[pool->balance](ctx);

    if (inst) {
        return inst;
    }

    inst = ngx_http_paas_choose_any(ctx, 0);

    return inst ? inst : ngx_http_paas_choose_any(ctx, 1);
}


/* Whether the request could be given to anybody now; changes nothing. */

ngx_uint_t
ngx_http_paas_has_room(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (ctx->wanted) {
        return ngx_http_paas_choose(ctx) != NULL;
    }

    for (i = 0; i < pool->nactive; i++) {
        if (ngx_http_paas_is_usable(ctx, &pool->insts[i], 1)) {
            return 1;
        }
    }

    return 0;
}


/* Whether there is an active instance that this request was not at yet. */

ngx_uint_t
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


/*
 * Two at random, and the one with fewer requests: nearly as even as asking
 * all of them (Mitzenmacher, 2001), at a cost that does not grow.
 */

static ngx_inline ngx_http_paas_inst_t *
ngx_http_paas_better_of_two(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_better_pt better)
{
    ngx_uint_t             i, k;
    ngx_http_paas_inst_t  *a, *b;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    i = ngx_http_paas_draw_instance(ctx);

    if (pool->uneven) {
        k = ngx_http_paas_draw_instance(ctx);

    } else {
        k = ngx_http_paas_random_below(&ctx->pmcf->seed, pool->nactive - 1);
        k += (k >= i);
    }

    a = &pool->insts[i];
    b = &pool->insts[k];

    if (!ngx_http_paas_is_usable(ctx, a, 0)) {
        return ngx_http_paas_is_usable(ctx, b, 0) ? b : NULL;
    }

    if (a == b || !ngx_http_paas_is_usable(ctx, b, 0)) {
        return a;
    }

    return better(ctx, a, b);
}


static ngx_http_paas_inst_t *
ngx_http_paas_choose_two(ngx_http_paas_ctx_t *ctx)
{
    return ngx_http_paas_better_of_two(ctx, ngx_http_paas_less_loaded);
}


static ngx_http_paas_inst_t *
ngx_http_paas_choose_cheaper(ngx_http_paas_ctx_t *ctx)
{
    return ngx_http_paas_better_of_two(ctx, ngx_http_paas_less_costly);
}


/* In turn, a worker for itself. */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_round_robin(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (pool->uneven) {
        return ngx_http_paas_choose_smooth(ctx);
    }

    for (i = 0; i < pool->nactive; i++) {

        if (pool->next >= pool->nactive) {
            pool->next = 0;
        }

        inst = &pool->insts[pool->next++];

        if (ngx_http_paas_is_usable(ctx, inst, 0)) {
            return inst;
        }
    }

    return NULL;
}


/*
 * As nginx does it: each gains its share, and who has most pays for all.  So
 * an instance's turns do not come in a row.
 */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_smooth(ngx_http_paas_ctx_t *ctx)
{
    int64_t                total;
    ngx_uint_t             i;
    ngx_http_paas_inst_t  *inst, *best;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;
    total = 0;
    best = NULL;

    for (i = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];

        if (!ngx_http_paas_is_usable(ctx, inst, 0)) {
            continue;
        }

        inst->turn += inst->share;
        total += inst->share;

        if (best == NULL || inst->turn > best->turn) {
            best = inst;
        }
    }

    if (best) {
        best->turn -= total;
    }

    return best;
}


static ngx_http_paas_inst_t *
ngx_http_paas_choose_least(ngx_http_paas_ctx_t *ctx)
{
    return ngx_http_paas_choose_any(ctx, 0);
}


static ngx_http_paas_inst_t *
ngx_http_paas_choose_hashed(ngx_http_paas_ctx_t *ctx)
{
    uint64_t               hash;
    ngx_http_paas_inst_t  *inst;

    if (ngx_http_paas_hash_request(ctx, &hash) != NGX_OK) {
        return ngx_http_paas_choose_two(ctx);
    }

    inst = ngx_http_paas_choose_ranked(ctx, hash);

    if (inst) {
        ctx->pool->active++;
    }

    return inst;
}


/*
 * Fewer requests for its share.  Where it makes no difference it is the first
 * one, that is the one drawn first: then the draw alone divides the requests.
 */

static ngx_http_paas_inst_t *
ngx_http_paas_less_loaded(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b)
{
    uint64_t               na, nb;
    ngx_http_paas_zone_t  *zone;

    zone = ctx->pmcf->zone;

    na = ngx_http_paas_instance_active(zone, ctx->pool, a);
    nb = ngx_http_paas_instance_active(zone, ctx->pool, b);

    return nb * a->share < na * b->share ? b : a;
}


/*
 * Latency times the requests that it would have then, as in Finagle; see
 * ngx_http_paas_ewma.c.  Shares count for requests that are there already, as
 * the draw has seen to the rest.
 */

static ngx_http_paas_inst_t *
ngx_http_paas_less_costly(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b)
{
    uint64_t               na, nb, one;
    ngx_http_paas_zone_t  *zone;

    zone = ctx->pmcf->zone;

    na = ngx_http_paas_instance_active(zone, ctx->pool, a);
    nb = ngx_http_paas_instance_active(zone, ctx->pool, b);

    if (a->slot == NGX_HTTP_PAAS_NO_SLOT || b->slot == NGX_HTTP_PAAS_NO_SLOT)
    {
        return nb * a->share < na * b->share ? b : a;
    }

    na = ngx_min(na, 0xffff);              /* 28, 16 and 20 bits are 64 */
    nb = ngx_min(nb, 0xffff);
    one = ngx_min(a->share, b->share);

    return ngx_http_paas_cost(ctx, b, nb) * (nb * a->share + one)
           < ngx_http_paas_cost(ctx, a, na) * (na * b->share + one)
           ? b : a;
}


/*
 * Of whom nothing is known is asked at once, but only by one request as long
 * as that has no answer: a new instance gets no rush.
 */

static uint64_t
ngx_http_paas_cost(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *inst,
    uint64_t active)
{
    uint64_t  cost;

    cost = ngx_http_paas_slot_cost(ngx_http_paas_get_slot(ctx->pmcf->zone,
                                                          inst->slot));

    return cost || active == 0 ? cost : NGX_HTTP_PAAS_COST_MAX;
}


/* The least loaded of all. */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_any(ngx_http_paas_ctx_t *ctx, ngx_uint_t ejected)
{
    ngx_uint_t             i, n;
    ngx_http_paas_inst_t  *inst, *best;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;
    best = NULL;

    n = ngx_http_paas_draw_instance(ctx);

    for (i = 0; i < pool->nactive; i++, n++) {

        if (n == pool->nactive) {
            n = 0;
        }

        inst = &pool->insts[n];

        if (!ngx_http_paas_is_usable(ctx, inst, ejected)) {
            continue;
        }

        best = best ? ngx_http_paas_less_loaded(ctx, best, inst) : inst;
    }

    return best;
}


/* Its number, with a probability in proportion to its share. */

static ngx_uint_t
ngx_http_paas_draw_instance(ngx_http_paas_ctx_t *ctx)
{
    uint32_t               n;
    ngx_uint_t             low, high, mid;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (!pool->uneven) {
        return ngx_http_paas_random_below(&ctx->pmcf->seed, pool->nactive);
    }

    n = ngx_http_paas_random_below(&ctx->pmcf->seed, pool->total);

    low = 0;
    high = pool->nactive - 1;

    while (low < high) {
        mid = (low + high) / 2;

        if (n < pool->insts[mid].upto) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return low;
}


/*
 * Not tried by this request, with room for it, and not ejected unless that is
 * no hindrance.
 */

ngx_uint_t
ngx_http_paas_is_usable(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *inst,
    ngx_uint_t ejected)
{
    ngx_uint_t             i;
    ngx_http_paas_slot_t  *slot;
    ngx_http_paas_zone_t  *zone;

    for (i = 0; i < ctx->attempts; i++) {
        if (ctx->tried[i] == inst->id) {
            return 0;
        }
    }

    if (ctx->pool->concurrency
        && ngx_http_paas_instance_active(ctx->pmcf->zone, ctx->pool, inst)
           >= ctx->pool->concurrency
        && inst->slot != NGX_HTTP_PAAS_NO_SLOT)
    {
        return 0;
    }

    if (ejected || inst->slot == NGX_HTTP_PAAS_NO_SLOT) {
        return 1;
    }

    zone = ctx->pmcf->zone;
    slot = ngx_http_paas_get_slot(zone, inst->slot);

    return slot->ejected == 0 || slot->id != inst->id
           || !ngx_http_paas_is_ejected(slot);
}
