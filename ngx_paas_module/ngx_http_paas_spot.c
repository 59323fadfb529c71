
/*
 * Where kept connections lead to: an address, and all that makes one
 * connection to it another one than the next: the protocol, TLS with its
 * settings and names, and the address at this end.
 */


#include "ngx_http_paas_keepalive.h"


static ngx_uint_t ngx_http_paas_is_alike(ngx_http_paas_spot_t *spot,
    ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc);
static ngx_http_paas_spot_t *ngx_http_paas_vacant_spot(
    ngx_http_paas_keepalive_t *keep);
static void ngx_http_paas_clear_spot(ngx_http_paas_spot_t *spot);


#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_paas_add_name(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_str_t *name);
#endif


/*
 * What a TLS connection is asked for, before it is looked for: one for a name,
 * or with a certificate of our own, is none for another.
 */

ngx_int_t
ngx_http_paas_name_spot(ngx_http_paas_ctx_t *ctx)
{
#if (NGX_HTTP_SSL)
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = ctx->request->upstream;

    if (!u->ssl) {
        return NGX_OK;
    }

    conf = u->conf;

    ngx_str_null(&ctx->tls);

    if (conf->ssl_name && (conf->ssl_server_name || conf->ssl_verify)
        && ngx_http_paas_add_name(ctx->request, conf->ssl_name, &ctx->tls)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->ssl_certificate && conf->ssl_certificate->lengths) {
        return ngx_http_paas_add_name(ctx->request, conf->ssl_certificate,
                                      &ctx->tls);
    }

#endif

    return NGX_OK;
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_paas_add_name(ngx_http_request_t *r, ngx_http_complex_value_t *value,
    ngx_str_t *name)
{
    u_char     *p;
    ngx_str_t   s;

    if (ngx_http_complex_value(r, value, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, name->len + s.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (name->len) {
        ngx_memcpy(p, name->data, name->len);
    }

    if (s.len) {
        ngx_memcpy(p + name->len, s.data, s.len);
    }

    name->data = p;
    name->len += s.len + 1;

    p[name->len - 1] = '\0';

    return NGX_OK;
}

#endif


/*
 * NULL if there was never a connection, or its place was needed.  Plain ones
 * are found by ngx_http_paas_idle.c.
 */

ngx_http_paas_spot_t *
ngx_http_paas_find_spot(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    uint64_t               hash;
    ngx_http_paas_spot_t  *spot;

    hash = ngx_http_paas_hash((u_char *) pc->sockaddr, pc->socklen);

    for (spot = ctx->keep->buckets[hash & ctx->keep->mask];
         spot;
         spot = spot->next)
    {
        if (spot->hash == hash && ngx_http_paas_is_alike(spot, ctx, pc)) {
            return spot;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_paas_is_alike(ngx_http_paas_spot_t *spot, ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc)
{
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;

    if (spot->plain || spot->socklen != pc->socklen
        || ngx_memcmp(&spot->addr, pc->sockaddr, pc->socklen) != 0
        || spot->protocol != u->create_request
        || spot->so_keepalive != pc->so_keepalive)
    {
        return 0;
    }

    if (pc->local ? spot->local_len != pc->local->socklen
                    || spot->transparent != pc->transparent
                    || ngx_memcmp(&spot->local, pc->local->sockaddr,
                                  pc->local->socklen)
                       != 0
                  : spot->local_len != 0)
    {
        return 0;
    }

#if (NGX_HTTP_SSL)

    if (u->ssl) {
        return spot->tls == u->conf && spot->name.len == ctx->tls.len
               && ngx_http_paas_same(spot->name.data, ctx->tls.data,
                                     ctx->tls.len);
    }

#endif

    return spot->tls == NULL;
}


/* There are as many as connections, and one of these is free. */

ngx_http_paas_spot_t *
ngx_http_paas_new_spot(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    ngx_str_t                    name;
    ngx_http_upstream_t         *u;
    ngx_http_paas_spot_t        *spot, **bucket;
    ngx_http_paas_keepalive_t   *keep;

    keep = ctx->keep;
    u = ctx->request->upstream;

    if (pc->socklen > (socklen_t) sizeof(ngx_http_paas_sockaddr_t)
        || (pc->local && pc->local->socklen
                         > (socklen_t) sizeof(ngx_http_paas_sockaddr_t)))
    {
        return NULL;
    }

    ngx_str_null(&name);

#if (NGX_HTTP_SSL)

    if (u->ssl && ctx->tls.len) {
        name.len = ctx->tls.len;

        name.data = ngx_alloc(name.len, ngx_cycle->log);
        if (name.data == NULL) {
            return NULL;
        }

        ngx_memcpy(name.data, ctx->tls.data, name.len);
    }

#endif

    spot = ngx_http_paas_vacant_spot(keep);

    spot->name = name;

#if (NGX_HTTP_SSL)
    spot->tls = u->ssl ? u->conf : NULL;
#endif

    spot->socklen = pc->socklen;
    ngx_memcpy(&spot->addr, pc->sockaddr, pc->socklen);

    spot->local_len = 0;

    if (pc->local) {
        spot->local_len = pc->local->socklen;
        ngx_memcpy(&spot->local, pc->local->sockaddr, pc->local->socklen);
    }

    spot->transparent = pc->transparent;
    spot->so_keepalive = pc->so_keepalive;
    spot->protocol = u->create_request;

    spot->plain = ngx_http_paas_is_plain(pc, u);
    spot->hash = spot->plain
                 ? ngx_http_paas_hash_plain(pc)
                 : ngx_http_paas_hash((u_char *) pc->sockaddr, pc->socklen);

    bucket = &keep->buckets[spot->hash & keep->mask];

    spot->next = *bucket;
    spot->serial = ++keep->serial;
    *bucket = spot;

    return spot;
}


/* One that was never used; else one that has no connections now. */

static ngx_http_paas_spot_t *
ngx_http_paas_vacant_spot(ngx_http_paas_keepalive_t *keep)
{
    ngx_http_paas_spot_t  *spot;

    if (keep->used < keep->max) {
        return &keep->spots[keep->used++];
    }

    for (spot = keep->vacant; spot->count; spot++) {
        if (spot == &keep->spots[keep->max - 1]) {
            spot = keep->spots - 1;
        }
    }

    ngx_http_paas_clear_spot(spot);

    return spot;
}


void
ngx_http_paas_free_spots(ngx_http_paas_main_conf_t *pmcf)
{
    ngx_uint_t                  i;
    ngx_http_paas_keepalive_t  *keep;

    for (keep = pmcf->keep; keep; keep = keep->next) {

        for (i = 0; i < keep->used; i++) {
            ngx_http_paas_clear_spot(&keep->spots[i]);
        }

        keep->used = 0;
    }
}


static void
ngx_http_paas_clear_spot(ngx_http_paas_spot_t *spot)
{
    ngx_http_paas_spot_t  **p;

    p = &spot->keep->buckets[spot->hash & spot->keep->mask];

    while (*p != spot) {
        p = &(*p)->next;
    }

    *p = spot->next;

    if (spot->name.data) {
        ngx_free(spot->name.data);
        ngx_str_null(&spot->name);
    }
}
