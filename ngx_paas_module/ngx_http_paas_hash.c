
/*
 * A client stays with its instance, by a hash of a header, a cookie or its
 * address: each instance draws a number for it, and the smallest wins
 * (rendezvous hashing, Thaler and Ravishankar, 1998).  With numbers that are
 * exponentially distributed, -ln(u) / weight, instances win by their weights.
 * One that comes takes keys for itself, one that goes gives away its own, and
 * nothing else moves; there is no table to make, and none to keep.
 *
 * No instance has more than 1.25 times what is its share of all requests in
 * flight: what is over goes to the next one in the key's own order (bounded
 * load: Mirrokni, Thorup and Zadimoghaddam, 2018).
 */


#include "ngx_http_paas_module.h"

#include <math.h>


#define NGX_HTTP_PAAS_LOOKS  4096  /* at counters a ms, for the sum of them */


typedef struct {
    double                      cost;
    uint32_t                    i;
} ngx_http_paas_rank_t;


static ngx_uint_t ngx_http_paas_hash_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_http_paas_hash_address(ngx_http_request_t *r,
    ngx_str_t *value);
static double ngx_http_paas_rank_key(ngx_http_paas_key_t *key, uint64_t hash,
    double best);
static ngx_http_paas_inst_t *ngx_http_paas_next_ranked(
    ngx_http_paas_ctx_t *ctx, uint64_t hash);
static void ngx_http_paas_sift_down(ngx_http_paas_rank_t *heap, uint32_t i,
    uint32_t n);
static ngx_uint_t ngx_http_paas_has_capacity(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst);
static uint64_t ngx_http_paas_pool_active(ngx_http_paas_ctx_t *ctx);


/* David Stafford's variant 13 of the finalizer of MurmurHash3. */

static ngx_inline uint64_t
ngx_http_paas_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;

    return x ^ (x >> 31);
}


/* Whenever the shares have changed. */

void
ngx_http_paas_make_keys(ngx_http_paas_pool_t *pool)
{
    uint32_t  i;

    for (i = 0; i < pool->nactive; i++) {
        pool->keys[i].id = ngx_http_paas_mix(pool->insts[i].id);
        pool->keys[i].inverse = 1.0 / pool->insts[i].share;
    }
}


/* NGX_DECLINED if the request has nothing that could be hashed. */

ngx_int_t
ngx_http_paas_hash_request(ngx_http_paas_ctx_t *ctx, uint64_t *hash)
{
    ngx_str_t               value;
    ngx_uint_t              found;
    ngx_http_request_t     *r;
    ngx_http_paas_pool_t   *pool;
    ngx_http_paas_crumb_t   crumb;

    r = ctx->request;
    pool = ctx->pool;

    switch (pool->hash_on) {

    case PAAS_ROUTEDB_ON_HEADER:
        found = ngx_http_paas_hash_header(r, &pool->hash_name, &value);
        break;

    case PAAS_ROUTEDB_ON_COOKIE:
        ngx_http_paas_first_cookie(r, &crumb);
        found = ngx_http_paas_next_cookie(&crumb, &pool->hash_name, &value);
        break;

    default: /* PAAS_ROUTEDB_ON_ADDRESS */
        found = ngx_http_paas_hash_address(r, &value);
    }

    if (!found || value.len == 0) {
        return NGX_DECLINED;
    }

    *hash = ngx_http_paas_hash(value.data, value.len);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_paas_hash_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                *value = h[i].value;
                return 1;
            }
        }
    }

    return 0;
}


/* Behind a proxy it is what the realip module or paas_trust have found. */

static ngx_uint_t
ngx_http_paas_hash_address(ngx_http_request_t *r, ngx_str_t *value)
{
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    switch (r->connection->sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) r->connection->sockaddr;
        value->data = (u_char *) &sin->sin_addr;
        value->len = 4;
        return 1;

    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) r->connection->sockaddr;
        value->data = (u_char *) &sin6->sin6_addr;
        value->len = 16;
        return 1;

    default:
        return 0;
    }
}


/* Who is first in the key's order and has room; NULL if nobody is usable. */

ngx_http_paas_inst_t *
ngx_http_paas_choose_ranked(ngx_http_paas_ctx_t *ctx, uint64_t hash)
{
    double                 cost, best;
    uint32_t               i, first;
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    first = 0;
    best = HUGE_VAL;

    for (i = 0; i < pool->nactive; i++) {
        cost = ngx_http_paas_rank_key(&pool->keys[i], hash, best);

        if (cost < best) {
            best = cost;
            first = i;
        }
    }

    inst = &pool->insts[first];

    if (ngx_http_paas_is_usable(ctx, inst, 0)
        && ngx_http_paas_has_capacity(ctx, inst))
    {
        return inst;
    }

    return ngx_http_paas_next_ranked(ctx, hash);
}


/*
 * What an instance drew, or anything from best on if it was not less.  As
 * -ln(1 - u) is never below u, few logarithms are needed.
 */

static double
ngx_http_paas_rank_key(ngx_http_paas_key_t *key, uint64_t hash, double best)
{
    double  u, cost;

    u = (ngx_http_paas_mix(hash ^ key->id) >> 11) * (1.0 / 9007199254740992.0);

    cost = u * key->inverse;

    return cost < best ? -log1p(-u) * key->inverse : cost;
}


/* All of them in the key's order, from a heap, as far as need be. */

static ngx_http_paas_inst_t *
ngx_http_paas_next_ranked(ngx_http_paas_ctx_t *ctx, uint64_t hash)
{
    uint32_t               i, n;
    ngx_http_paas_inst_t  *inst, *over;
    ngx_http_paas_pool_t  *pool;
    ngx_http_paas_rank_t  *heap;

    pool = ctx->pool;
    n = pool->nactive;

    heap = ngx_alloc(n * sizeof(ngx_http_paas_rank_t),
                     ctx->request->connection->log);
    if (heap == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        heap[i].i = i;
        heap[i].cost = ngx_http_paas_rank_key(&pool->keys[i], hash, HUGE_VAL);
    }

    for (i = n / 2; i > 0; i--) {
        ngx_http_paas_sift_down(heap, i - 1, n);
    }

    over = NULL;

    while (n) {
        inst = &pool->insts[heap[0].i];

        if (ngx_http_paas_is_usable(ctx, inst, 0)) {

            if (ngx_http_paas_has_capacity(ctx, inst)) {
                over = inst;
                break;
            }

            /* all who have room may be ejected */

            if (over == NULL) {
                over = inst;
            }
        }

        heap[0] = heap[--n];
        ngx_http_paas_sift_down(heap, 0, n);
    }

    ngx_free(heap);

    return over;
}


static void
ngx_http_paas_sift_down(ngx_http_paas_rank_t *heap, uint32_t i, uint32_t n)
{
    uint32_t              k;
    ngx_http_paas_rank_t  rank;

    for ( /* void */ ; (k = 2 * i + 1) < n; i = k) {

        if (k + 1 < n && heap[k + 1].cost < heap[k].cost) {
            k++;
        }

        if (heap[i].cost <= heap[k].cost) {
            return;
        }

        rank = heap[i];
        heap[i] = heap[k];
        heap[k] = rank;
    }
}


/* One more is within 1.25 times its share of all, rounded up. */

static ngx_uint_t
ngx_http_paas_has_capacity(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst)
{
    uint64_t               n, all;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    n = ngx_http_paas_instance_active(ctx->pmcf->zone, pool, inst);

    if (inst->slot == NGX_HTTP_PAAS_NO_SLOT) {

        /* the zone is full, and nobody knows */
        return 1;
    }

    all = ngx_http_paas_pool_active(ctx) + 1;

    /* n + 1 <= ceil(x) if and only if n < x */

    return n * 4 * pool->total < 5 * all * inst->share;
}


/*
 * Summed up once a millisecond, for very large pools not even that; what this
 * worker does in between is counted in, and what others do is not.
 */

static uint64_t
ngx_http_paas_pool_active(ngx_http_paas_ctx_t *ctx)
{
    uint32_t               i;
    ngx_msec_t             pace;
    ngx_http_paas_pool_t  *pool;
    ngx_http_paas_zone_t  *zone;

    pool = ctx->pool;
    zone = ctx->pmcf->zone;

    pace = pool->nactive * zone->sh->high / NGX_HTTP_PAAS_LOOKS + 1;

    if (ngx_current_msec - pool->summed >= pace) {
        pool->summed = ngx_current_msec;
        pool->active = 0;

        for (i = 0; i < pool->nactive; i++) {
            pool->active += ngx_http_paas_instance_active(zone, pool,
                                                          &pool->insts[i]);
        }
    }

    return pool->active;
}
