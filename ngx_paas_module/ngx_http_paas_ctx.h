
/*
 * A request, see ngx_http_paas_ctx.c.
 */


#ifndef _NGX_HTTP_PAAS_CTX_H_INCLUDED_
#define _NGX_HTTP_PAAS_CTX_H_INCLUDED_


/* A request; lives until the request's pool is destroyed. */

struct ngx_http_paas_ctx_s {
    ngx_http_request_t         *request;
    ngx_http_paas_main_conf_t  *pmcf;
    ngx_str_t                   name;      /* canonical host */
    ngx_str_t                   uri;       /* as routed, before a strip */

    /* zeroed: see ngx_http_paas_make_ctx() */

    uint64_t                    key;       /* hash of the name */
    ngx_str_t                   forwarded; /* uri after a strip */
    ngx_http_paas_host_t       *host;      /* held */
    ngx_http_paas_path_t       *path;      /* in host */
    ngx_http_paas_pool_t       *pool;      /* held by a cleanup */
    ngx_http_paas_view_t       *view;
    ngx_http_paas_slot_t       *slot;      /* counted there, or NULL */
    ngx_http_paas_held_t       *held;      /* NULL: never was */
    ngx_uint_t                  attempts;
    ngx_uint_t                  nkept;
    ngx_chain_t                *body;      /* of an error page to come */

    ngx_uint_t                  split;     /* decides it; 0: not drawn yet */
    uint64_t                    began;     /* us, the attempt; 0: no matter */
    ngx_http_paas_code_e        error;
    unsigned                    routed:1;
    unsigned                    direct:1;  /* to an instance, as it is */
    unsigned                    secure:1;  /* "proxy_pass https:" */
    unsigned                    redirect:1;
    unsigned                    upgrade:1;
    unsigned                    h2c:1;     /* it is in "@paas_h2c", */
    unsigned                    moved:1;   /* or about to be there */
    unsigned                    stripped:1;
    unsigned                    veto:1;    /* no further attempt */
    unsigned                    stale:1;   /* a kept connection was closed */
    unsigned                    page:1;    /* the body is replaced */
    unsigned                    counted:1; /* the error is */
    unsigned                    passed:1;  /* no need to wait, or no more */
    unsigned                    wanted:1;  /* one instance, by its name */
    unsigned                    misnamed:1;
    unsigned                    looked:1;  /* for a sticky cookie */
    unsigned                    stuck:1;   /* there is one: */
    unsigned                    detour:1;  /* its instance is busy */
    unsigned                    trust:2;   /* see ngx_http_paas_trust.c */

    /* not zeroed */

    uint64_t                    stamp;     /* of the route */
    uint64_t                    instance;  /* the last one chosen */
    ngx_msec_t                  start;     /* of this attempt */
    off_t                       sent;      /* by the last attempt */
    off_t                       received;
    ngx_http_paas_keepalive_t  *keep;
    ngx_http_paas_spot_t       *spot;      /* of this attempt, or NULL */
    uint64_t                    serial;    /* that it had then */
    ngx_str_t                   tls;       /* names, if u->ssl */
    struct {
        uint64_t                pool;
        uint64_t                instance;
        ngx_http_paas_path_t   *path;      /* that it was looked for */
        ngx_uint_t              old;       /* key */
    } sticky;

    uint64_t                    wanted_id; /* or 0, then by these: */
    ngx_str_t                   wanted_type;
    ngx_uint_t                  wanted_number;
    uint64_t                    tried[NGX_HTTP_PAAS_ATTEMPTS];
    ngx_http_paas_pool_t       *kept[NGX_HTTP_PAAS_ATTEMPTS];  /* of those */
    ngx_pool_cleanup_t          cleanup;
    ngx_http_paas_ctx_t        *next;      /* when it is free */
};


/* ngx_http_paas_ctx.c */

ngx_http_paas_ctx_t *ngx_http_paas_make_ctx(ngx_http_request_t *r);
ngx_http_paas_ctx_t *ngx_http_paas_search_ctx(ngx_http_request_t *r);
void ngx_http_paas_free_ctxs(ngx_http_paas_main_conf_t *pmcf);


/* The context of a request, made if there is none; NULL without memory. */

static ngx_inline ngx_http_paas_ctx_t *
ngx_http_paas_get_ctx(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    return ctx ? ctx : ngx_http_paas_make_ctx(r);
}


/* The context of a request, or NULL. */

static ngx_inline ngx_http_paas_ctx_t *
ngx_http_paas_find_ctx(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    return (ctx == NULL && (r->internal || r->filter_finalize))
           ? ngx_http_paas_search_ctx(r) : ctx;
}


#endif /* _NGX_HTTP_PAAS_CTX_H_INCLUDED_ */
