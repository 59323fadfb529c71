
/*
 * What of the cache is kept.  New entries are guests, which get no more than
 * an eighth; those that were asked for a second time stay, also if they had to
 * leave meanwhile and are remembered.  So a flood of hosts that nobody asks
 * for again, be there routes for them or not, drives out none that are in use,
 * and goes through little memory, which the processor's caches hold.  (The
 * ideas are those of segmented LRU, Karedla and others, 1994, and of 2Q,
 * Johnson and Shasha, 1994.)
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_STEPS  64       /* of a search for what may go */


static ngx_uint_t ngx_http_paas_seen_key(ngx_http_paas_cache_t *cache,
    uint64_t key);
static void ngx_http_paas_move_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, ngx_uint_t guest);
static void ngx_http_paas_close_queue(ngx_http_paas_cache_t *cache,
    ngx_queue_t *queue);
static void ngx_http_paas_evict_entries(ngx_http_paas_cache_t *cache);


/* A bucket for each 256 bytes: about one for each entry. */

ngx_int_t
ngx_http_paas_init_cache(ngx_conf_t *cf, ngx_http_paas_cache_t *cache)
{
    ngx_uint_t  n;

    for (n = 256; n < cache->max / 256 && n < 1024 * 1024; n *= 2) {
        /* void */
    }

    cache->mask = n - 1;

    cache->buckets = ngx_pcalloc(cf->pool, n * sizeof(void *));
    if (cache->buckets == NULL) {
        return NGX_ERROR;
    }

    cache->seen = ngx_pcalloc(cf->pool, n * sizeof(uint16_t));
    if (cache->seen == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&cache->guests);
    ngx_queue_init(&cache->regulars);

    return NGX_OK;
}


void
ngx_http_paas_close_cache(ngx_http_paas_cache_t *cache)
{
    ngx_http_paas_close_queue(cache, &cache->guests);
    ngx_http_paas_close_queue(cache, &cache->regulars);
}


static void
ngx_http_paas_close_queue(ngx_http_paas_cache_t *cache, ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);

        ngx_http_paas_unlink_entry(cache,
                                   ngx_queue_data(q, ngx_http_paas_entry_t,
                                                  queue));
    }
}


/* Takes the place of another one, unless old is NULL. */

void
ngx_http_paas_link_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, ngx_http_paas_entry_t *old)
{
    ngx_http_paas_entry_t  **bucket;

    bucket = &cache->buckets[entry->key & cache->mask];

    entry->linked = 1;
    entry->next = *bucket;
    *bucket = entry;

    entry->guest = old ? old->guest
                       : !ngx_http_paas_seen_key(cache, entry->key);

    if (entry->guest) {
        ngx_queue_insert_head(&cache->guests, &entry->queue);
        cache->guest_size += entry->size;

    } else {
        ngx_queue_insert_head(&cache->regulars, &entry->queue);
    }

    cache->size += entry->size;

    if (old) {
        entry->used = old->used;
        ngx_http_paas_unlink_entry(cache, old);
    }

    if (cache->size > cache->max || cache->guest_size > cache->max / 8) {

        /* what was just linked is about to be used */

        entry->refs++;
        ngx_http_paas_evict_entries(cache);
        entry->refs--;
    }
}


/* Whether it was linked before, and not too many others since. */

static ngx_uint_t
ngx_http_paas_seen_key(ngx_http_paas_cache_t *cache, uint64_t key)
{
    uint16_t  tag, *seen;

    seen = &cache->seen[key & cache->mask];
    tag = key >> 48 | 1;

    if (*seen == tag) {
        return 1;
    }

    *seen = tag;

    return 0;
}


/* What belongs to an entry and was allocated after it. */

void
ngx_http_paas_grow_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, size_t size)
{
    entry->size += size;
    cache->size += size;

    if (entry->guest && entry->linked) {
        cache->guest_size += size;
    }
}


void
ngx_http_paas_unlink_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry)
{
    ngx_http_paas_entry_t  **e;

    e = &cache->buckets[entry->key & cache->mask];

    while (*e != entry) {
        e = &(*e)->next;
    }

    *e = entry->next;

    ngx_queue_remove(&entry->queue);
    entry->linked = 0;

    if (entry->guest) {
        cache->guest_size -= entry->size;
    }

    if (entry->refs == 0) {
        ngx_http_paas_free_entry(cache, entry);
    }
}


/* To the front, as one that was not used yet. */

static void
ngx_http_paas_move_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, ngx_uint_t guest)
{
    if (entry->guest != guest) {
        entry->guest = guest;

        if (guest) {
            cache->guest_size += entry->size;

        } else {
            cache->guest_size -= entry->size;
        }
    }

    entry->used = 0;

    ngx_queue_remove(&entry->queue);
    ngx_queue_insert_head(guest ? &cache->guests : &cache->regulars,
                          &entry->queue);
}


/*
 * From the old end.  A guest that was used, or is, becomes a regular; a
 * regular that was not becomes a guest again, if there are few of these.
 */

static void
ngx_http_paas_evict_entries(ngx_http_paas_cache_t *cache)
{
    ngx_uint_t              n, guest;
    ngx_queue_t            *queue;
    ngx_http_paas_entry_t  *e;

    for (n = 0; n < NGX_HTTP_PAAS_STEPS; n++) {

        guest = (cache->guest_size > cache->max / 8);

        if (cache->size <= cache->max && !guest) {
            break;
        }

        guest |= ngx_queue_empty(&cache->regulars);

        queue = guest ? &cache->guests : &cache->regulars;

        if (ngx_queue_empty(queue)) {
            return;
        }

        e = ngx_queue_data(ngx_queue_last(queue), ngx_http_paas_entry_t,
                           queue);

        if (e->refs || (e->used && n < NGX_HTTP_PAAS_STEPS / 2)) {
            ngx_http_paas_move_entry(cache, e, 0);

        } else if (guest) {
            ngx_http_paas_unlink_entry(cache, e);

        } else {
            ngx_http_paas_move_entry(cache, e, 1);
        }
    }

    /* the one to go next was not looked at for long */

    __builtin_prefetch(ngx_queue_data(ngx_queue_last(&cache->guests),
                                      ngx_http_paas_entry_t, queue));
}


/* An entry that is neither linked nor held any more. */

void
ngx_http_paas_free_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry)
{
    uint32_t               i, k;
    ngx_http_paas_path_t  *path;
    ngx_http_paas_host_t  *host;
    ngx_http_paas_pool_t  *pool;

    cache->size -= entry->size;

    if (!entry->pool) {
        host = (ngx_http_paas_host_t *) entry;

        if (host->captures) {
            ngx_free(host->captures);
        }

        for (i = 0; i < host->npaths; i++) {
            path = &host->paths[i];

            for (k = 0; k < path->ntargets; k++) {
                pool = path->targets[k].pool;

                if (pool) {
                    ngx_http_paas_drop_entry(cache, &pool->entry);
                }
            }
        }
    }

    ngx_free(entry);
}
