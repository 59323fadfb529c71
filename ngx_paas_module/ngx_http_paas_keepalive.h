
/*
 * Connections to instances that are kept for further requests.
 */


#ifndef _NGX_HTTP_PAAS_KEEPALIVE_H_INCLUDED_
#define _NGX_HTTP_PAAS_KEEPALIVE_H_INCLUDED_


#include "ngx_http_paas_module.h"


#pragma GCC visibility push(hidden)


typedef struct ngx_http_paas_idle_s  ngx_http_paas_idle_t;


typedef union {
    struct sockaddr             sockaddr;
    struct sockaddr_in          sin;
    struct sockaddr_in6         sin6;
} ngx_http_paas_sockaddr_t;


/* A kept connection. */

struct ngx_http_paas_idle_s {
    ngx_queue_t                 queue;     /* of all, latest first */
    ngx_queue_t                 spot_queue;
    ngx_http_paas_spot_t       *spot;
    ngx_connection_t           *connection;
    uint64_t                    instance;  /* that was at the spot ... */
    uint64_t                    stamp;     /* ... by this database */
    uint64_t                    pool;      /* the instance's */
    ngx_msec_t                  since;
    ngx_http_paas_idle_t       *next;      /* when it is free */
    unsigned                    gone:1;    /* no instance of that pool */
};


/* An address, and what else makes connections to it alike. */

struct ngx_http_paas_spot_s {
    ngx_http_paas_keepalive_t  *keep;
    ngx_queue_t                 idle;      /* latest first */
    ngx_uint_t                  count;     /* of them */
    ngx_http_paas_spot_t       *next;      /* in the bucket */
    uint64_t                    hash;
    ngx_http_paas_sockaddr_t    addr;
    socklen_t                   socklen;
    ngx_int_t                 (*protocol)(ngx_http_request_t *r);
    ngx_http_upstream_conf_t   *tls;       /* NULL: none */
    ngx_str_t                   name;      /* asked for and verified */
    ngx_http_paas_sockaddr_t    local;
    socklen_t                   local_len; /* 0: any */
    uint64_t                    serial;    /* 0: not in a bucket */
    unsigned                    plain:1;
    unsigned                    transparent:1;
    unsigned                    so_keepalive:1;
};


/* Those of an upstream block, in this worker. */

struct ngx_http_paas_keepalive_s {
    ngx_http_paas_main_conf_t  *pmcf;
    ngx_http_paas_keepalive_t  *next;
    ngx_uint_t                  max;       /* 0: none is kept */
    ngx_uint_t                  instance;  /* of them, at a spot */
    ngx_uint_t                  requests;
    ngx_msec_t                  time;
    ngx_msec_t                  timeout;

    ngx_queue_t                 queue;
    ngx_http_paas_idle_t       *free;
    ngx_http_paas_spot_t       *spots;     /* as many as connections */
    ngx_uint_t                  used;      /* of them, at any time */
    ngx_http_paas_spot_t       *vacant;    /* the last to become so */
    ngx_http_paas_spot_t      **buckets;
    ngx_uint_t                  mask;
    uint64_t                    serial;    /* of the last spot */
    uint64_t                    stamp;     /* all were looked at */
};


#define ngx_http_paas_is_old(keep, idle)                                      \
    ((ngx_msec_int_t) (ngx_current_msec - (idle)->since)                      \
     >= (ngx_msec_int_t) (keep)->timeout)


/* ngx_http_paas_keepalive.c */

char *ngx_http_paas_set_keepalive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_paas_init_keepalive(ngx_conf_t *cf,
    ngx_http_paas_srv_conf_t *pscf);
ngx_int_t ngx_http_paas_watch_kept(ngx_http_paas_main_conf_t *pmcf,
    uint64_t stamp, ngx_log_t *log);


/* ngx_http_paas_idle.c */

ngx_int_t ngx_http_paas_find_kept(ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc);
void ngx_http_paas_keep_connection(ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc);
void ngx_http_paas_close_idle(ngx_http_paas_idle_t *idle);


/* ngx_http_paas_tls.c */

#if (NGX_HTTP_SSL)
ngx_int_t ngx_http_paas_set_session(ngx_peer_connection_t *pc, void *data);
void ngx_http_paas_save_session(ngx_peer_connection_t *pc, void *data);
#endif

void ngx_http_paas_free_sessions(ngx_http_paas_main_conf_t *pmcf);


/*
 * The pool decides whether an attempt goes by TLS, where "proxy_pass https:"
 * has what is needed for that.  NGX_DECLINED: it has not.
 */

static ngx_inline ngx_int_t
ngx_http_paas_set_protocol(ngx_http_paas_ctx_t *ctx)
{
    ngx_uint_t  secure;

    secure = (ctx->pool->protocol == PAAS_ROUTEDB_HTTPS);

    if (secure > ctx->secure) {
        ctx->error = NGX_HTTP_PAAS_PROTOCOL_MISMATCH;
        return NGX_DECLINED;
    }

#if (NGX_HTTP_SSL)
    if (ctx->secure) {
        ctx->request->upstream->ssl = secure;
    }
#endif

    return NGX_OK;
}


/* ngx_http_paas_spot.c */

ngx_int_t ngx_http_paas_name_spot(ngx_http_paas_ctx_t *ctx);
ngx_http_paas_spot_t *ngx_http_paas_find_spot(ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc);
ngx_http_paas_spot_t *ngx_http_paas_new_spot(ngx_http_paas_ctx_t *ctx,
    ngx_peer_connection_t *pc);
void ngx_http_paas_free_spots(ngx_http_paas_main_conf_t *pmcf);


/* Nearly all are plain: IPv4, and nothing special about the connection. */

#if (NGX_HTTP_SSL)
#define ngx_http_paas_is_plain(pc, u)                                         \
    ((pc)->sockaddr->sa_family == AF_INET && (pc)->local == NULL              \
     && !(pc)->so_keepalive && !(u)->ssl)
#else
#define ngx_http_paas_is_plain(pc, u)                                         \
    ((pc)->sockaddr->sa_family == AF_INET && (pc)->local == NULL              \
     && !(pc)->so_keepalive)
#endif


/* A permutation: no two plain ones have the same. */

static ngx_inline uint64_t
ngx_http_paas_hash_plain(ngx_peer_connection_t *pc)
{
    uint64_t             h;
    struct sockaddr_in  *sin;

    sin = (struct sockaddr_in *) pc->sockaddr;

    h = ((uint64_t) sin->sin_addr.s_addr << 16 | sin->sin_port)
        * 0x9e3779b97f4a7c15ULL;

    return h ^ (h >> 32);
}


#pragma GCC visibility pop


#endif /* _NGX_HTTP_PAAS_KEEPALIVE_H_INCLUDED_ */
