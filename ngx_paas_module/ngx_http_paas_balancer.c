
/*
 * Which instance of a pool.  A method looks at healthy ones first; if all of
 * them are ejected or were tried, anyone not tried is better than nobody.
 */


#include "ngx_http_paas_module.h"


typedef ngx_http_paas_inst_t *(*ngx_http_paas_choose_pt)(
    ngx_http_paas_ctx_t *ctx);


static ngx_http_paas_inst_t *ngx_http_paas_choose_two(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_round_robin(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_choose_least(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_draw_instance(
    ngx_http_paas_ctx_t *ctx);
static ngx_http_paas_inst_t *ngx_http_paas_less_loaded(
    ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b);
static ngx_http_paas_inst_t *ngx_http_paas_choose_any(
    ngx_http_paas_ctx_t *ctx, ngx_uint_t ejected);
static ngx_uint_t ngx_http_paas_is_usable(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst, ngx_uint_t ejected);


/* By enum paas_routedb_balance. */

static const ngx_http_paas_choose_pt  ngx_http_paas_methods[] = {
    ngx_http_paas_choose_two,
    ngx_http_paas_choose_round_robin,
    ngx_http_paas_choose_least,
    ngx_http_paas_choose_two,              /* PAAS_ROUTEDB_EWMA */
    ngx_http_paas_choose_two               /* PAAS_ROUTEDB_HASH */
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

    if (pool->nactive == 1) {
        return ngx_http_paas_is_usable(ctx, pool->insts, 1) ? pool->insts
                                                            : NULL;
    }

    inst = ngx_http_paas_methods[pool->balance < PAAS_ROUTEDB_HASH
                                 ? pool->balance : 0](ctx);
    if (inst) {
        return inst;
    }

    inst = ngx_http_paas_choose_any(ctx, 0);

    return inst ? inst : ngx_http_paas_choose_any(ctx, 1);
}


/*
 * Two at random, and the one with fewer requests: nearly as even as asking
 * all of them (Mitzenmacher, 2001), at a cost that does not grow.
 */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_two(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             i, k;
    ngx_http_paas_inst_t  *a, *b;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (pool->weighted) {
        a = ngx_http_paas_draw_instance(ctx);
        b = ngx_http_paas_draw_instance(ctx);

    } else {
        i = ngx_http_paas_random_below(&ctx->pmcf->seed, pool->nactive);
        k = ngx_http_paas_random_below(&ctx->pmcf->seed, pool->nactive - 1);

        a = &pool->insts[i];
        b = &pool->insts[k < i ? k : k + 1];
    }

    if (!ngx_http_paas_is_usable(ctx, a, 0)) {
        return ngx_http_paas_is_usable(ctx, b, 0) ? b : NULL;
    }

    if (a == b || !ngx_http_paas_is_usable(ctx, b, 0)) {
        return a;
    }

    return ngx_http_paas_less_loaded(ctx, a, b);
}


/* With a probability in proportion to the weight. */

static ngx_http_paas_inst_t *
ngx_http_paas_draw_instance(ngx_http_paas_ctx_t *ctx)
{
    uint32_t               n;
    ngx_uint_t             low, high, mid;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

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

    return &pool->insts[low];
}


/* In turn, a worker for itself; not by weight, for which there is the draw. */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_round_robin(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

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


/* Of all; ties go to the first after a random place. */

static ngx_http_paas_inst_t *
ngx_http_paas_choose_least(ngx_http_paas_ctx_t *ctx)
{
    return ngx_http_paas_choose_any(ctx, 0);
}


static ngx_http_paas_inst_t *
ngx_http_paas_less_loaded(ngx_http_paas_ctx_t *ctx, ngx_http_paas_inst_t *a,
    ngx_http_paas_inst_t *b)
{
    uint64_t               na, nb;
    ngx_http_paas_zone_t  *zone;

    zone = ctx->pmcf->zone;

    na = ngx_http_paas_instance_active(zone, ctx->pool, a);
    nb = ngx_http_paas_instance_active(zone, ctx->pool, b);

    if (na == nb && a->weight == b->weight) {
        return a;
    }

    return (nb + 1) * a->weight < (na + 1) * b->weight ? b : a;
}


static ngx_http_paas_inst_t *
ngx_http_paas_choose_any(ngx_http_paas_ctx_t *ctx, ngx_uint_t ejected)
{
    ngx_uint_t             i, n;
    ngx_http_paas_inst_t  *inst, *best;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;
    best = NULL;

    n = ngx_http_paas_random_below(&ctx->pmcf->seed, pool->nactive);

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


/*
 * Not tried by this request, with room for it, and not ejected unless that is
 * no hindrance.
 */

static ngx_uint_t
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
           || (ngx_msec_int_t) (ngx_current_msec - slot->ejected) >= 0;
}
