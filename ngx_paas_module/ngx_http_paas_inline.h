
/*
 * What each request needs, and costs more to call than to do.
 */


#ifndef _NGX_HTTP_PAAS_INLINE_H_INCLUDED_
#define _NGX_HTTP_PAAS_INLINE_H_INCLUDED_


/*
 * Eight bytes a step, the last ones once more if need be; no attacker gains by
 * a full bucket that is bounded.
 */

static ngx_inline uint64_t
ngx_http_paas_hash(const u_char *data, size_t len)
{
    uint64_t  h, v;

    h = len * 0x9e3779b97f4a7c15ULL;

    if (len >= 8) {

        for ( /* void */ ; len > 8; len -= 8) {
            ngx_memcpy(&v, data, 8);
            h = (h ^ v) * 0xff51afd7ed558ccdULL;
            h ^= h >> 32;
            data += 8;
        }

        ngx_memcpy(&v, data + len - 8, 8);

    } else {
        for (v = 0; len; len--) {
            v = v << 8 | *data++;
        }
    }

    h = (h ^ v) * 0xc4ceb9fe1a85ec53ULL;

    return h ^ (h >> 32);
}


/* Whether they are equal; memcmp() would find out which is the greater. */

static ngx_inline ngx_uint_t
ngx_http_paas_same(const u_char *a, const u_char *b, size_t len)
{
    uint64_t  x, y;

    if (len < 8) {
        return len == 0 || ngx_memcmp(a, b, len) == 0;
    }

    for ( /* void */ ; len > 8; len -= 8, a += 8, b += 8) {
        ngx_memcpy(&x, a, 8);
        ngx_memcpy(&y, b, 8);

        if (x != y) {
            return 0;
        }
    }

    ngx_memcpy(&x, a + len - 8, 8);
    ngx_memcpy(&y, b + len - 8, 8);

    return x == y;
}


/* Whatever its stamp is. */

static ngx_inline ngx_http_paas_host_t *
ngx_http_paas_cached_host(ngx_http_paas_cache_t *cache, uint64_t key,
    ngx_str_t *name)
{
    ngx_http_paas_host_t   *host;
    ngx_http_paas_entry_t  *e;

    for (e = cache->buckets[key & cache->mask]; e; e = e->next) {

        if (e->key != key || e->pool) {
            continue;
        }

        host = (ngx_http_paas_host_t *) e;

        if (host->name.len == name->len
            && ngx_http_paas_same(host->name.data, name->data, name->len))
        {
            e->used = 1;
            return host;
        }
    }

    return NULL;
}


/* A request less at an instance. */

static ngx_inline void
ngx_http_paas_uncount_instance(ngx_http_paas_zone_t *zone,
    ngx_http_paas_slot_t *slot)
{
    uint32_t  *active;

    if (zone->shared) {
        (void) __sync_fetch_and_sub(&slot->active[zone->index], 1);
        (void) ngx_atomic_fetch_add(&zone->row->active, -1);
        return;
    }

    /* this worker's alone, and no one may see it before what came before */

    active = &slot->active[zone->index];

    __atomic_store_n(active, *active - 1, __ATOMIC_RELEASE);

    zone->row->active--;
}


/* The request that is counted at an instance is there no more. */

static ngx_inline void
ngx_http_paas_end_attempt(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_uncount_instance(ctx->pmcf->zone, ctx->slot);
    ctx->slot = NULL;

    if (ctx->pool->keys && ctx->pool->active) {
        ctx->pool->active--;
    }
}


/*
 * One more request at an instance.  The addition is a full barrier, so that
 * whatever the caller reads next was written no earlier than the count.  A
 * row is only ever written by its worker, unless it is the shared one.
 */

static ngx_inline ngx_http_paas_slot_t *
ngx_http_paas_count_instance(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst)
{
    ngx_http_paas_slot_t  *slot;

    if (zone->shared || inst->slot == NGX_HTTP_PAAS_NO_SLOT) {
        return ngx_http_paas_count_slot(zone, pool, inst);
    }

    slot = ngx_http_paas_get_slot(zone, inst->slot);

    zone->row->active++;

    (void) __sync_fetch_and_add(&slot->active[zone->index], 1);

    if (slot->id != inst->id) {
        ngx_http_paas_uncount_instance(zone, slot);
        return ngx_http_paas_count_slot(zone, pool, inst);
    }

    if (slot->used != (ngx_atomic_uint_t) ngx_time()) {
        slot->used = ngx_time();
    }

    return slot;
}


/* Takes off what an app must not get, see ngx_http_paas_header.c. */

static ngx_inline void
ngx_http_paas_clean_request(ngx_http_request_t *r)
{
    u_char            c;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            c = h[i].key.data[0] | 0x20;

            if (c == 'x' || c == 'f' || c == 'c') {
                ngx_http_paas_clean_header(r, &h[i]);
            }
        }
    }
}


/*
 * As ngx_http_paas_check_host(), which nearly all need not be asked: the Host
 * is as long as what nginx has found in it, so nothing stands behind that.
 */

static ngx_inline ngx_int_t
ngx_http_paas_find_host(ngx_http_request_t *r, ngx_str_t *host)
{
    if (r->host_start == NULL && r->headers_in.host
        && r->headers_in.host->value.len == r->headers_in.server.len
        && r->headers_in.server.len)
    {
        *host = r->headers_in.server;
        return NGX_OK;
    }

    return ngx_http_paas_check_host(r, host);
}


/* Is there only one instance that ngx_http_paas_choose() could choose? */

#define ngx_http_paas_is_simple(ctx)                                          \
    ((ctx)->pool->nactive == 1 && (ctx)->attempts == 0                        \
     && (ctx)->pool->concurrency == 0 && !(ctx)->wanted)


/*
 * Looks for a newer route after a request was counted.  NGX_OK if there is
 * none, or if the database can't be read; else as ngx_http_paas_renew_route().
 */

static ngx_inline ngx_int_t
ngx_http_paas_refresh_route(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_db_t  *db;

    db = &ctx->pmcf->db;

    if (ngx_http_paas_check_db(db, ctx->request->connection->log) != NGX_OK
        || ctx->stamp == db->stamp)
    {
        return NGX_OK;
    }

    return ngx_http_paas_renew_route(ctx);
}


#endif /* _NGX_HTTP_PAAS_INLINE_H_INCLUDED_ */
