
/*
 * Passive health: an instance that fails gets nothing for a short time, longer
 * each time, until it answers again.
 *
 * At once if it could not be reached: then nothing is lost by leaving it alone.
 * Where it was reached but gave no answer, only from the third time in a row,
 * since that may be the request's fault, and never more than half of a pool:
 * what all of them fail at is no reason to give all to a few (as with Envoy's
 * max_ejection_percent).  The last one is never ejected; and where none is
 * left, as others went away, it does not count (Envoy's panic mode).
 *
 * When the time is over one request goes first; no other one follows until it
 * is known what becomes of it, or for a time that grows as that one does.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_EJECT    100    /* ms, doubled with each failure */
#define NGX_HTTP_PAAS_DOUBLE   6      /* times at most */
#define NGX_HTTP_PAAS_FORGIVE  2      /* failures after it was reached */


static ngx_uint_t ngx_http_paas_may_eject(ngx_http_paas_ctx_t *ctx,
    ngx_uint_t reached);

#define ngx_http_paas_before(ms)                                              \
    ((ngx_msec_int_t) (ngx_current_msec - (ms)) < 0)


/* After a failed attempt, of which ctx->error says how it failed. */

void
ngx_http_paas_eject(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t             n, reached;
    ngx_http_paas_slot_t  *slot;

    slot = ctx->slot;

    if (slot->id != ctx->instance) {
        /* the one that is shared, as the zone is full */
        return;
    }

    if (slot->ejected && ngx_http_paas_before(slot->ejected)) {

        /* requests that were under way at the same time count as one */
        return;
    }

    reached = (ctx->error != NGX_HTTP_PAAS_CONNECT_FAILED
               && ctx->error != NGX_HTTP_PAAS_CONNECT_TIMEOUT);

    n = ngx_atomic_fetch_add(&slot->fails, 1);

    if (reached) {
        if (n < NGX_HTTP_PAAS_FORGIVE) {
            return;
        }

        n -= NGX_HTTP_PAAS_FORGIVE;
    }

    slot->probe = 0;

    if (!ngx_http_paas_may_eject(ctx, reached)) {
        slot->ejected = 0;
        return;
    }

    n = ngx_min(n, NGX_HTTP_PAAS_DOUBLE);

    slot->ejected = ngx_current_msec + (NGX_HTTP_PAAS_EJECT << n);

    (void) ngx_atomic_fetch_add(&slot->stats.ejections, 1);
}


static ngx_uint_t
ngx_http_paas_may_eject(ngx_http_paas_ctx_t *ctx, ngx_uint_t reached)
{
    uint32_t               i;
    ngx_uint_t             n;
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;
    ngx_http_paas_slot_t  *slot;

    pool = ctx->pool;

    /* this one, and those that are already */

    n = 1;

    for (i = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];
        slot = ngx_http_paas_get_slot(ctx->pmcf->zone, inst->slot);

        if (inst->id != ctx->instance && slot->id == inst->id
            && slot->ejected && ngx_http_paas_is_ejected(slot))
        {
            n++;
        }
    }

    return reached ? 2 * n <= pool->nactive : n < pool->nactive;
}


/* Of a slot whose ejected is not 0. */

ngx_uint_t
ngx_http_paas_is_ejected(ngx_http_paas_slot_t *slot)
{
    return ngx_http_paas_before(slot->ejected)
           || (slot->probe && ngx_http_paas_before(slot->probe));
}


/* A request goes to an instance whose ejected is not 0. */

void
ngx_http_paas_begin_probe(ngx_http_paas_slot_t *slot)
{
    ngx_uint_t         n;
    ngx_atomic_uint_t  probe;

    probe = slot->probe;

    if (ngx_http_paas_before(slot->ejected)
        || (probe && ngx_http_paas_before(probe)))
    {
        /* all are ejected, or another worker was faster */
        return;
    }

    n = ngx_min(slot->fails, NGX_HTTP_PAAS_DOUBLE);

    (void) ngx_atomic_cmp_set(&slot->probe, probe,
                              ngx_current_msec + (NGX_HTTP_PAAS_EJECT << n));
}


/* It answers again: slow start counts from here, if it had got nothing. */

void
ngx_http_paas_forgive(ngx_http_paas_slot_t *slot)
{
    if (slot->ejected) {
        slot->ejected = 0;
        slot->back = ngx_current_msec;
    }

    slot->fails = 0;
}
