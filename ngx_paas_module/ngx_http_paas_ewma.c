
/*
 * Peak EWMA, as in Finagle and linkerd: what an instance costs is its latency
 * times the requests that it would have.  A latency above the average takes
 * its place at once, one below pulls it down by how much time has passed, and
 * without any it fades away, so that a slow instance is asked again:
 *
 *     w = exp(-dt / T),  T = 10 s
 *     average = latency > average ? latency : average * w + latency * (1 - w)
 *
 * (finagle-core, PeakEwma.scala.)  The latency is that of the header, so that
 * neither a slow client nor a long stream counts; a failure or a status of
 * 5xx can make it longer but not shorter.
 *
 * All workers share the average and the time that it is of, in one word of
 * the slot that is exchanged as a whole.
 */


#include "ngx_http_paas_module.h"

#include <math.h>


#define NGX_HTTP_PAAS_DECAY  10000.0  /* ms, T above */
#define NGX_HTTP_PAAS_FADED  200000   /* ms, after which nothing is left */

#define NGX_HTTP_PAAS_BITS   28       /* of us: at most 268 s */
#define NGX_HTTP_PAAS_TIME   0xfffffffffULL  /* the rest, ms: two years */


static uint64_t ngx_http_paas_microseconds(void);
static double ngx_http_paas_decay(uint64_t word);


void
ngx_http_paas_begin_time(ngx_http_paas_ctx_t *ctx)
{
    ctx->began = ngx_http_paas_microseconds();
}


/* Once an attempt: when its header has come, or it has failed. */

void
ngx_http_paas_take_time(ngx_http_paas_ctx_t *ctx, ngx_uint_t failed)
{
    uint64_t               us, old, new, fall;
    volatile uint64_t     *word;
    ngx_http_paas_slot_t  *slot;

    slot = ctx->slot;

    if (ctx->began == 0 || slot == NULL || slot->id != ctx->instance) {
        return;
    }

    us = ngx_http_paas_microseconds() - ctx->began;
    us = ngx_max(us, 1);
    us = ngx_min(us, NGX_HTTP_PAAS_COST_MAX);

    ctx->began = 0;

    word = &slot->ewma;

    do {
        old = *word;
        new = old & NGX_HTTP_PAAS_COST_MAX;

        if (us >= new) {
            new = us;

        } else {
            fall = failed ? 0 : (1.0 - ngx_http_paas_decay(old)) * (new - us);

            if (fall == 0) {

                /* too soon to make a difference: the time is kept as well */
                return;
            }

            new -= fall;
        }

        new |= ((uint64_t) ngx_current_msec & NGX_HTTP_PAAS_TIME)
               << NGX_HTTP_PAAS_BITS;

    } while (!__sync_bool_compare_and_swap(word, old, new));
}


/* The average in us, as it has faded until now; 0 if nothing is known. */

uint64_t
ngx_http_paas_slot_cost(ngx_http_paas_slot_t *slot)
{
    uint64_t  word;

    word = *(volatile uint64_t *) &slot->ewma;

    if (word == 0) {
        return 0;
    }

    return (uint64_t) ((word & NGX_HTTP_PAAS_COST_MAX)
                       * ngx_http_paas_decay(word));
}


static double
ngx_http_paas_decay(uint64_t word)
{
    uint64_t  ms;

    ms = (ngx_current_msec - (word >> NGX_HTTP_PAAS_BITS)) & NGX_HTTP_PAAS_TIME;

    if (ms == 0 || ms > NGX_HTTP_PAAS_TIME / 2) {

        /* workers' clocks tick one after the other */
        return 1.0;
    }

    return ms > NGX_HTTP_PAAS_FADED ? 0.0 : exp(ms / -NGX_HTTP_PAAS_DECAY);
}


static uint64_t
ngx_http_paas_microseconds(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
