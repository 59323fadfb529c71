
/*
 * Counters of an instance.  Its slot has one in-flight counter for each row,
 * that is for each worker, which alone writes it.
 *
 * Slots are found by instance id in a hash table under the zone's mutex; each
 * change of the table is one store, so that a worker killed in the middle
 * leaves it whole (the master releases the mutex of a dead process).  The
 * table's links stand apart from the slots, with enough of the ids to tell
 * others apart: among more instances than slots, each look at a slot would be
 * a wait for memory.  Workers remember where a slot is.  One that is idle may
 * be given to another instance: who counts writes the counter first and looks
 * at the id then, who takes it over writes the id first and looks at the
 * counters then.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_IDLE     60     /* s, until a slot may be taken over */
#define NGX_HTTP_PAAS_SEARCH   64     /* slots looked at for an idle one */
#define NGX_HTTP_PAAS_LOOKS    4      /* where they are too few */
#define NGX_HTTP_PAAS_STRETCH  256    /* slots taken over again and again */


static uint32_t ngx_http_paas_find_slot(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, uint64_t id);
static uint32_t ngx_http_paas_search_slot(ngx_http_paas_zone_t *zone,
    uint64_t id);
static uint32_t ngx_http_paas_new_slot(ngx_http_paas_zone_t *zone);
static uint32_t ngx_http_paas_idle_slot(ngx_http_paas_zone_t *zone);
static void ngx_http_paas_turn_hand(ngx_http_paas_shared_t *sh, time_t now);
static void ngx_http_paas_fetch_slot(ngx_http_paas_zone_t *zone);
static ngx_uint_t ngx_http_paas_empty_slot(ngx_http_paas_zone_t *zone,
    uint32_t i);
static void ngx_http_paas_unlink_slot(ngx_http_paas_zone_t *zone, uint32_t i,
    uint64_t id);
static void ngx_http_paas_fold_stats(ngx_http_paas_stats_t *to,
    ngx_http_paas_stats_t *from);


#define ngx_http_paas_slot_hash(id)  ((id) * 0x9e3779b97f4a7c15ULL)
#define ngx_http_paas_slot_tag(id)   ((uint32_t) ngx_http_paas_slot_hash(id))

#define ngx_http_paas_bucket(zone, id)                                        \
    (&(zone)->buckets[(ngx_http_paas_slot_hash(id) >> 32) & (zone)->sh->mask])


/* For ngx_http_paas_count_instance(), where the slot has to be found first. */

ngx_http_paas_slot_t *
ngx_http_paas_count_slot(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst)
{
    ngx_http_paas_slot_t  *slot;

    (void) ngx_atomic_fetch_add(&zone->row->active, 1);

    for ( ;; ) {

        if (inst->slot == NGX_HTTP_PAAS_NO_SLOT) {
            inst->slot = ngx_http_paas_find_slot(zone, pool, inst->id);
        }

        slot = ngx_http_paas_get_slot(zone, inst->slot);

        (void) __sync_fetch_and_add(&slot->active[zone->index], 1);

        if (slot->id == inst->id || inst->slot == NGX_HTTP_PAAS_NO_SLOT) {
            break;
        }

        (void) __sync_fetch_and_sub(&slot->active[zone->index], 1);

        inst->slot = NGX_HTTP_PAAS_NO_SLOT;
    }

    slot->used = ngx_time();

    return slot;
}


/*
 * The instances of a pool that is not known here are about to be counted: the
 * search for a slot is to find in the processor's caches where it begins.
 */

void
ngx_http_paas_expect_pool(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool)
{
    if (pool->nactive == 1) {
        __builtin_prefetch(ngx_http_paas_bucket(zone, pool->insts->id));
    }
}


/* Requests in flight at an instance, of all workers. */

ngx_uint_t
ngx_http_paas_instance_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst)
{
    ngx_http_paas_slot_t  *slot;

    slot = ngx_http_paas_get_slot(zone, inst->slot);

    if (inst->slot == NGX_HTTP_PAAS_NO_SLOT || slot->id != inst->id) {
        inst->slot = ngx_http_paas_find_slot(zone, pool, inst->id);
        slot = ngx_http_paas_get_slot(zone, inst->slot);
    }

    return ngx_http_paas_slot_active(zone, slot);
}


ngx_uint_t
ngx_http_paas_slot_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_slot_t *slot)
{
    uint32_t             i, n;
    volatile uint32_t   *active;

    active = slot->active;
    n = active[zone->sh->rows - 1];

    for (i = 0; i < zone->sh->high; i++) {
        n += active[i];
    }

    return n;
}


/* The slot of an instance that was seen in traffic, or NULL. */

ngx_http_paas_slot_t *
ngx_http_paas_look_slot(ngx_http_paas_zone_t *zone, uint64_t id)
{
    uint32_t  i;

    ngx_shmtx_lock(&zone->shpool->mutex);
    i = ngx_http_paas_search_slot(zone, id);
    ngx_shmtx_unlock(&zone->shpool->mutex);

    return i ? ngx_http_paas_get_slot(zone, i) : NULL;
}


/* The slot of an instance, a new one if need be, or the one shared by all. */

static uint32_t
ngx_http_paas_find_slot(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, uint64_t id)
{
    uint32_t               i, *bucket;
    ngx_http_paas_slot_t  *slot;

    ngx_shmtx_lock(&zone->shpool->mutex);

    i = ngx_http_paas_search_slot(zone, id);

    if (i == NGX_HTTP_PAAS_NO_SLOT) {

        i = ngx_http_paas_new_slot(zone);

        if (i != NGX_HTTP_PAAS_NO_SLOT) {
            slot = ngx_http_paas_get_slot(zone, i);
            bucket = ngx_http_paas_bucket(zone, id);

            slot->used = ngx_time();
            slot->fails = 0;
            slot->ejected = 0;
            slot->probe = 0;
            slot->back = 0;
            slot->ewma = 0;

            slot->app_len = ngx_min(pool->app.len, NGX_HTTP_PAAS_NAME_LEN);
            ngx_memcpy(slot->app, pool->app.data, slot->app_len);

            slot->type_len = ngx_min(pool->type.len, NGX_HTTP_PAAS_NAME_LEN);
            ngx_memcpy(slot->type, pool->type.data, slot->type_len);

            zone->links[i].next = *bucket;
            zone->links[i].tag = ngx_http_paas_slot_tag(id);
            slot->id = id;

            ngx_memory_barrier();

            *bucket = i;
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return i;
}


static uint32_t
ngx_http_paas_search_slot(ngx_http_paas_zone_t *zone, uint64_t id)
{
    uint32_t  i, tag;

    i = *ngx_http_paas_bucket(zone, id);
    tag = ngx_http_paas_slot_tag(id);

    while (i != NGX_HTTP_PAAS_NO_SLOT) {

        if (zone->links[i].tag == tag
            && ngx_http_paas_get_slot(zone, i)->id == id)
        {
            return i;
        }

        i = zone->links[i].next;
    }

    return NGX_HTTP_PAAS_NO_SLOT;
}


/* One that was never used, else one that is used no more. */

static uint32_t
ngx_http_paas_new_slot(ngx_http_paas_zone_t *zone)
{
    uint32_t                 i;
    ngx_http_paas_shared_t  *sh;

    sh = zone->sh;

    if (sh->filled < sh->slots) {
        return sh->filled++;
    }

    do {
        i = ngx_http_paas_idle_slot(zone);

        if (i == NGX_HTTP_PAAS_NO_SLOT) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "paas_zone \"%V\" is too small: "
                          "all its slots are in use",
                          &zone->shm_zone->shm.name);
            return i;
        }

    } while (!ngx_http_paas_empty_slot(zone, i));

    ngx_http_paas_fetch_slot(zone);

    return i;
}


/*
 * One that nobody has used for a while, else the one of those looked at that
 * was idle for longest.  Where none was idle for long a moment ago, more
 * instances are in use than there are slots, and a few looks have to do; or
 * one, if it shows a slot whose instance was asked for only once.
 */

static uint32_t
ngx_http_paas_idle_slot(ngx_http_paas_zone_t *zone)
{
    time_t                   now, age, enough, oldest;
    uint32_t                 i, n, idle, looks;
    ngx_http_paas_slot_t    *slot;
    ngx_http_paas_shared_t  *sh;

    sh = zone->sh;
    now = ngx_time();
    enough = NGX_HTTP_PAAS_IDLE;
    looks = NGX_HTTP_PAAS_SEARCH;

    if (now - (time_t) sh->crowded <= 1) {
        enough = 1;
        looks = NGX_HTTP_PAAS_LOOKS;
    }

    idle = NGX_HTTP_PAAS_NO_SLOT;
    oldest = 0;

    for (n = 0; n < NGX_HTTP_PAAS_SEARCH; n++) {

        if (idle != NGX_HTTP_PAAS_NO_SLOT && (oldest >= enough || n >= looks))
        {
            break;
        }

        i = sh->hand;
        ngx_http_paas_turn_hand(sh, now);

        slot = ngx_http_paas_get_slot(zone, i);

        if (ngx_http_paas_slot_active(zone, slot)) {
            sh->turned = 0;
            continue;
        }

        age = now - (time_t) slot->used;

        if (looks == NGX_HTTP_PAAS_LOOKS && slot->stats.requests <= 1) {
            age = ngx_max(age, enough);
        }

        if (idle == NGX_HTTP_PAAS_NO_SLOT || age > oldest) {
            idle = i;
            oldest = age;
        }
    }

    if (oldest < NGX_HTTP_PAAS_IDLE) {
        sh->crowded = now;
    }

    return idle;
}


/*
 * Where they are too few it stays for a second at the same stretch, unless one
 * of that was busy: slots for those that nobody asks for again are few then,
 * and at hand, and all others are left alone.
 */

static void
ngx_http_paas_turn_hand(ngx_http_paas_shared_t *sh, time_t now)
{
    uint32_t  next;

    next = sh->hand + 1;

    if (next % NGX_HTTP_PAAS_STRETCH == 0 || next == sh->slots) {

        if (sh->turned == (ngx_atomic_uint_t) now) {
            next = (next - 1) - (next - 1) % NGX_HTTP_PAAS_STRETCH;
        }

        sh->turned = (now - (time_t) sh->crowded <= 1) ? now : 0;
    }

    sh->hand = (next && next < sh->slots) ? next : 1;
}


/*
 * The ones to be taken over next: memory has them here when they are asked
 * for.  What it has brought of the first tells where that one is linked.
 */

static void
ngx_http_paas_fetch_slot(ngx_http_paas_zone_t *zone)
{
    u_char                *p, *last;
    uint32_t               i;
    ngx_http_paas_slot_t  *slot;

    i = zone->sh->hand;

    slot = ngx_http_paas_get_slot(zone, i);
    __builtin_prefetch(ngx_http_paas_bucket(zone, slot->id), 1);

    i = (i + 1 < zone->sh->slots) ? i + 1 : 1;

    p = (u_char *) ngx_http_paas_get_slot(zone, i);
    last = p + zone->slot_size;

    for ( /* void */ ; p < last; p += 64) {
        __builtin_prefetch(p, 1);
    }
}


/* Takes a slot from its instance, unless a request has come meanwhile. */

static ngx_uint_t
ngx_http_paas_empty_slot(ngx_http_paas_zone_t *zone, uint32_t i)
{
    uint64_t               id;
    ngx_http_paas_slot_t  *slot;

    slot = ngx_http_paas_get_slot(zone, i);
    id = slot->id;

    slot->id = 0;

    __sync_synchronize();

    if (ngx_http_paas_slot_active(zone, slot)) {
        slot->id = id;
        return 0;
    }

    ngx_http_paas_unlink_slot(zone, i, id);
    ngx_http_paas_fold_stats(&zone->sh->gone, &slot->stats);

    return 1;
}


static void
ngx_http_paas_unlink_slot(ngx_http_paas_zone_t *zone, uint32_t i, uint64_t id)
{
    uint32_t  *p;

    p = ngx_http_paas_bucket(zone, id);

    while (*p != NGX_HTTP_PAAS_NO_SLOT) {

        if (*p == i) {
            *p = zone->links[i].next;
            return;
        }

        p = &zone->links[*p].next;
    }
}


/* What a slot has counted stays in the totals. */

static void
ngx_http_paas_fold_stats(ngx_http_paas_stats_t *to,
    ngx_http_paas_stats_t *from)
{
    ngx_uint_t     i;
    ngx_atomic_t  *a, *b;

    a = (ngx_atomic_t *) to;
    b = (ngx_atomic_t *) from;

    for (i = 0; i < sizeof(ngx_http_paas_stats_t) / sizeof(ngx_atomic_t); i++)
    {
        if (b[i]) {
            (void) ngx_atomic_fetch_add(&a[i], b[i]);
            b[i] = 0;
        }
    }
}
