
/*
 * Where kept connections lead to: an address, and all that makes one
 * connection to it another one than the next: the protocol, TLS with its
 * settings and names, and the address at this end.
 */


#include "ngx_http_paas_keepalive.h"


static uint64_t ngx_http_paas_hash_spot(ngx_peer_connection_t *pc);
static ngx_uint_t ngx_http_paas_is_alike(ngx_http_paas_spot_t *spot,
    ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc);
static void ngx_http_paas_clear_spot(ngx_http_paas_spot_t *spot);

#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_paas_add_name(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_str_t *name);
#endif


/*
 * What a TLS connection was asked for: a connection for one name, or with one
 * certificate of our own, is none for another.
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

    if (conf->ssl_certificate && conf->ssl_certificate->lengths
        && ngx_http_paas_add_name(ctx->request, conf->ssl_certificate,
                                  &ctx->tls)
           != NGX_OK)
    {
        return NGX_ERROR;
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

    ngx_memcpy(p, name->data, name->len);
    ngx_memcpy(p + name->len, s.data, s.len);

    name->data = p;
    name->len += s.len + 1;

    p[name->len - 1] = '\0';

    return NGX_OK;
}

#endif


/* NULL if there was never a connection, or its place was needed. */

ngx_http_paas_spot_t *
ngx_http_paas_find_spot(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    uint64_t                    hash;
    ngx_http_paas_spot_t       *spot;
    ngx_http_paas_keepalive_t  *keep;

    keep = ctx->keep;
    hash = ngx_http_paas_hash_spot(pc);

    for (spot = keep->buckets[hash & keep->mask]; spot; spot = spot->next) {

        if (spot->hash == hash && ngx_http_paas_is_alike(spot, ctx, pc)) {
            return spot;
        }
    }

    return NULL;
}


static uint64_t
ngx_http_paas_hash_spot(ngx_peer_connection_t *pc)
{
    uint64_t             h;
    struct sockaddr_in  *sin;

    if (pc->sockaddr->sa_family == AF_INET) {
        sin = (struct sockaddr_in *) pc->sockaddr;

        h = ((uint64_t) sin->sin_addr.s_addr << 16 | sin->sin_port)
            * 0x9e3779b97f4a7c15ULL;

        return h ^ (h >> 32);
    }

    return ngx_http_paas_hash((u_char *) pc->sockaddr, pc->socklen);
}


static ngx_uint_t
ngx_http_paas_is_alike(ngx_http_paas_spot_t *spot, ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc)
{
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;

    if (spot->socklen != pc->socklen
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
               && ngx_memcmp(spot->name.data, ctx->tls.data, ctx->tls.len)
                  == 0;
    }

#endif

    return spot->tls == NULL;
}


/* In the place of the one that has been without connections for longest. */

ngx_http_paas_spot_t *
ngx_http_paas_new_spot(ngx_http_paas_ctx_t *ctx, ngx_peer_connection_t *pc)
{
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

    spot = ngx_queue_data(ngx_queue_head(&keep->vacant), ngx_http_paas_spot_t,
                          queue);

    if (spot->used) {
        ngx_http_paas_clear_spot(spot);
    }

#if (NGX_HTTP_SSL)

    if (u->ssl) {

        if (ctx->tls.len) {
            spot->name.data = ngx_alloc(ctx->tls.len, ngx_cycle->log);
            if (spot->name.data == NULL) {
                return NULL;
            }

            spot->name.len = ctx->tls.len;
            ngx_memcpy(spot->name.data, ctx->tls.data, ctx->tls.len);
        }

        spot->tls = u->conf;
    }

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

    spot->hash = ngx_http_paas_hash_spot(pc);
    bucket = &keep->buckets[spot->hash & keep->mask];

    spot->next = *bucket;
    spot->used = 1;
    *bucket = spot;

    return spot;
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
    }

    ngx_str_null(&spot->name);

    spot->tls = NULL;
    spot->used = 0;
}
