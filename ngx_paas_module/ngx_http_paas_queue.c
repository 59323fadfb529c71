
/*
 * The queues of the zone: how many requests wait for a pool in each worker,
 * and the ticket of the first of them, so that nobody overtakes one that waits
 * in another worker.  The requests themselves are in ngx_http_paas_hold.c.
 *
 * A queue is found by the pool's id and entered under the zone's mutex; once
 * in it, a worker alone writes its place there, and nobody gives the queue to
 * another pool as long as a place in it is taken.
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_find_queue(ngx_http_paas_zone_t *zone,
    uint64_t pool, uint32_t *number);
static ngx_int_t ngx_http_paas_new_queue(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, uint32_t *number);


/*
 * One more request that waits for a pool.  *ticket is 0, or the one that it
 * had in a queue before: then it was let in already, and no limit counts.
 * NGX_BUSY if there is no room for it.
 */

ngx_int_t
ngx_http_paas_enter_queue(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_uint_t max, ngx_uint_t total,
    uint64_t *ticket, uint32_t *number)
{
    ngx_int_t               rc;
    ngx_http_paas_place_t  *place;

    rc = NGX_BUSY;

    ngx_shmtx_lock(&zone->shpool->mutex);

    if (ngx_http_paas_find_queue(zone, pool->id, number) != NGX_OK
        && ngx_http_paas_new_queue(zone, pool, number) != NGX_OK)
    {
        goto done;
    }

    if (*ticket == 0) {

        if (ngx_http_paas_queue_length(zone, *number) >= max
            || ngx_http_paas_count_held(zone) >= total)
        {
            goto done;
        }

        if (ngx_http_paas_queue_length(zone, *number) == 0) {
            ngx_http_paas_get_queue(zone, *number)->woken = 0;
        }

        *ticket = ++zone->sh->ticket;
        (void) ngx_atomic_fetch_add(&zone->sh->holds, 1);
    }

    /* the row first: it says whether the queues have to be looked through */

    (void) ngx_atomic_fetch_add(&zone->row->held, 1);

    place = &ngx_http_paas_get_queue(zone, *number)->places[zone->index];

    (void) __sync_fetch_and_add(&place->count, 1);

    if (!zone->shared && (place->head == 0 || place->head > *ticket)) {
        place->head = *ticket;
    }

    rc = NGX_OK;

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return rc;
}


/* head is the first ticket of those that this worker still has there, or 0. */

void
ngx_http_paas_leave_queue(ngx_http_paas_zone_t *zone, uint32_t number,
    uint64_t head)
{
    ngx_http_paas_place_t  *place;

    place = &ngx_http_paas_get_queue(zone, number)->places[zone->index];

    if (!zone->shared) {
        place->head = head;
    }

    (void) __sync_fetch_and_sub(&place->count, 1);
    (void) ngx_atomic_fetch_add(&zone->row->held, -1);
}


/* Whether no other worker has a request that came before. */

ngx_uint_t
ngx_http_paas_is_next(ngx_http_paas_zone_t *zone, uint32_t number,
    uint64_t ticket)
{
    uint32_t                         i;
    volatile ngx_http_paas_place_t  *place;

    place = ngx_http_paas_get_queue(zone, number)->places;

    for (i = 0; i < zone->sh->high; i++) {
        if (i != zone->index && place[i].head && place[i].head < ticket) {
            return 0;
        }
    }

    return 1;
}


/* Whether anybody waits for a pool. */

ngx_uint_t
ngx_http_paas_has_queue(ngx_http_paas_zone_t *zone, uint64_t pool)
{
    uint32_t    number;
    ngx_uint_t  n;

    if (ngx_http_paas_count_held(zone) == 0) {
        return 0;
    }

    ngx_shmtx_lock(&zone->shpool->mutex);

    n = ngx_http_paas_find_queue(zone, pool, &number) == NGX_OK
        ? ngx_http_paas_queue_length(zone, number) : 0;

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return n != 0;
}


ngx_uint_t
ngx_http_paas_queue_length(ngx_http_paas_zone_t *zone, uint32_t number)
{
    uint32_t                         i;
    ngx_uint_t                       n;
    volatile ngx_http_paas_place_t  *place;

    place = ngx_http_paas_get_queue(zone, number)->places;
    n = place[zone->sh->rows - 1].count;

    for (i = 0; i < zone->sh->high; i++) {
        n += place[i].count;
    }

    return n;
}


/* Requests that wait, for whatever pool and in whatever worker. */

ngx_uint_t
ngx_http_paas_count_held(ngx_http_paas_zone_t *zone)
{
    uint32_t    i;
    ngx_uint_t  n;

    n = zone->rows[zone->sh->rows - 1].held;

    for (i = 0; i < zone->sh->high; i++) {
        n += zone->rows[i].held;
    }

    return n;
}


/* Of a worker that is dead. */

void
ngx_http_paas_clear_queues(ngx_http_paas_zone_t *zone, ngx_uint_t index)
{
    uint32_t                i;
    ngx_http_paas_place_t  *place;

    for (i = 0; i < zone->sh->queued; i++) {
        place = &ngx_http_paas_get_queue(zone, i)->places[index];
        place->head = 0;
        place->count = 0;
    }
}


static ngx_int_t
ngx_http_paas_find_queue(ngx_http_paas_zone_t *zone, uint64_t pool,
    uint32_t *number)
{
    uint32_t  i;

    for (i = 0; i < zone->sh->queued; i++) {

        if (zone->pools[i] == pool) {
            *number = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* One that was never used, else one that nobody waits in. */

static ngx_int_t
ngx_http_paas_new_queue(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, uint32_t *number)
{
    uint32_t                i;
    ngx_http_paas_queue_t  *queue;

    for (i = 0; i < zone->sh->queued; i++) {
        if (ngx_http_paas_queue_length(zone, i) == 0) {
            break;
        }
    }

    if (i == zone->sh->queues) {
        return NGX_DECLINED;
    }

    queue = ngx_http_paas_get_queue(zone, i);

    zone->pools[i] = 0;

    ngx_memory_barrier();

    queue->woken = 0;

    queue->app_len = ngx_min(pool->app.len, NGX_HTTP_PAAS_NAME_LEN);
    ngx_memcpy(queue->app, pool->app.data, queue->app_len);

    queue->type_len = ngx_min(pool->type.len, NGX_HTTP_PAAS_NAME_LEN);
    ngx_memcpy(queue->type, pool->type.data, queue->type_len);

    ngx_memory_barrier();

    zone->pools[i] = pool->id;

    if (i == zone->sh->queued) {
        zone->sh->queued++;
    }

    *number = i;

    return NGX_OK;
}
