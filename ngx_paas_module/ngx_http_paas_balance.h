
/*
 * Which instance of a pool, and whether another one after that.
 */


#ifndef _NGX_HTTP_PAAS_BALANCE_H_INCLUDED_
#define _NGX_HTTP_PAAS_BALANCE_H_INCLUDED_


/* ngx_http_paas_balancer.c */

ngx_http_paas_inst_t *ngx_http_paas_choose(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_is_usable(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst, ngx_uint_t ejected);
ngx_uint_t ngx_http_paas_has_room(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_has_untried(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_eject.c */

void ngx_http_paas_eject(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_is_ejected(ngx_http_paas_slot_t *slot);
void ngx_http_paas_begin_probe(ngx_http_paas_slot_t *slot);
void ngx_http_paas_forgive(ngx_http_paas_slot_t *slot);


/* ngx_http_paas_retry.c */

ngx_uint_t ngx_http_paas_may_retry(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_target.c */

void ngx_http_paas_note_target(ngx_http_request_t *r, ngx_table_elt_t *h);
ngx_http_paas_inst_t *ngx_http_paas_find_wanted(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_pool_t *pool);
ngx_http_paas_target_t *ngx_http_paas_wanted_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path);
ngx_http_paas_inst_t *ngx_http_paas_find_inst(ngx_http_paas_pool_t *pool,
    uint64_t id);
ngx_int_t ngx_http_paas_name_instance(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_share.c */

void ngx_http_paas_make_shares(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool);


/* ngx_http_paas_hash.c */

void ngx_http_paas_make_keys(ngx_http_paas_pool_t *pool);
ngx_int_t ngx_http_paas_hash_request(ngx_http_paas_ctx_t *ctx, uint64_t *hash);
ngx_http_paas_inst_t *ngx_http_paas_choose_ranked(ngx_http_paas_ctx_t *ctx,
    uint64_t hash);


/* ngx_http_paas_ewma.c */

void ngx_http_paas_begin_time(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_take_time(ngx_http_paas_ctx_t *ctx, ngx_uint_t failed);
uint64_t ngx_http_paas_slot_cost(ngx_http_paas_slot_t *slot);


/* xorshift64*: a few instructions, where random() costs a lock and a table. */

static ngx_inline uint64_t
ngx_http_paas_random(uint64_t *seed)
{
    uint64_t  x;

    x = *seed;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *seed = x;

    return x * 0x2545f4914f6cdd1dULL;
}


/* A number below n, without a division. */

#define ngx_http_paas_random_below(seed, n)                                   \
    ((uint32_t) (((ngx_http_paas_random(seed) >> 32) * (uint64_t) (n)) >> 32))


#endif /* _NGX_HTTP_PAAS_BALANCE_H_INCLUDED_ */
