
/*
 * The shares of a pool with slow start: an instance that has become ready, or
 * has come back after an ejection, begins with a tenth of its weight, which
 * grows in a straight line to the whole of it in the pool's slow_start time.
 * (Envoy's slow start with an aggression of 1 and its min_weight_percent.)
 * Shares only compare instances of a pool: where all are new none has less.
 *
 * They are made anew as time goes by, in steps that nobody sees, so that all
 * methods have plain numbers to work with.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_WHOLE   1024
#define NGX_HTTP_PAAS_TENTH   102
#define NGX_HTTP_PAAS_STEPS   64
#define NGX_HTTP_PAAS_STEP    10      /* ms, at least */
#define NGX_HTTP_PAAS_STRIDE  25      /* ms, at most */


static uint32_t ngx_http_paas_warmth(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst);


/* At most 4096 instances of weight 1000: the sum fits. */

void
ngx_http_paas_make_shares(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool)
{
    uint32_t               i;
    ngx_msec_t             step;
    ngx_http_paas_inst_t  *inst;

    pool->total = 0;
    pool->uneven = 0;

    for (i = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];

        inst->share = inst->weight * ngx_http_paas_warmth(zone, pool, inst);

        pool->uneven |= (inst->share != pool->insts[0].share);
        pool->total += inst->share;
        inst->upto = pool->total;
    }

    if (pool->keys) {
        ngx_http_paas_make_keys(pool);
    }

    step = pool->slow_start / NGX_HTTP_PAAS_STEPS;
    step = ngx_max(step, NGX_HTTP_PAAS_STEP);

    pool->reshare = ngx_current_msec + ngx_min(step, NGX_HTTP_PAAS_STRIDE);
}


/*
 * A part of 1024.  The time of "ready" comes from another clock: what is
 * further ahead than the whole of slow start is no time to go by.
 */

static uint32_t
ngx_http_paas_warmth(ngx_http_paas_zone_t *zone, ngx_http_paas_pool_t *pool,
    ngx_http_paas_inst_t *inst)
{
    int64_t                ms, age, back;
    ngx_atomic_uint_t      since;
    ngx_http_paas_slot_t  *slot;

    ms = pool->slow_start;
    age = ms;

    if (inst->since) {
        age = ((int64_t) ngx_time() - inst->since) * 1000
              + ngx_cached_time->msec;

        if (age < -ms) {
            age = ms;
        }
    }

    slot = ngx_http_paas_get_slot(zone, inst->slot);

    if (inst->slot != NGX_HTTP_PAAS_NO_SLOT && slot->id == inst->id) {
        since = slot->back;

        if (since) {
            back = (ngx_msec_int_t) (ngx_current_msec - since);
            age = ngx_min(age, back);
        }
    }

    if (age >= ms) {
        return NGX_HTTP_PAAS_WHOLE;
    }

    if (age * 10 < ms) {
        return NGX_HTTP_PAAS_TENTH;
    }

    return age * NGX_HTTP_PAAS_WHOLE / ms;
}
