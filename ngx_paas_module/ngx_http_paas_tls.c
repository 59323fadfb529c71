
/*
 * TLS sessions of instances: the next handshake with one is a short one.  They
 * are kept by instance, so that none is offered to whoever has its address
 * later; a worker has one for each place of a table, the latest.
 */


#include "ngx_http_paas_keepalive.h"


#define NGX_HTTP_PAAS_SESSIONS  256    /* a power of two */


struct ngx_http_paas_session_s {
    uint64_t                    instance;
    ngx_http_upstream_conf_t   *conf;      /* by whose settings it was made */
#if (NGX_HTTP_SSL)
    ngx_ssl_session_t          *session;
#endif
};


#if (NGX_HTTP_SSL)

static ngx_http_paas_session_t *ngx_http_paas_place_session(
    ngx_http_paas_ctx_t *ctx);


static ngx_http_paas_session_t *
ngx_http_paas_place_session(ngx_http_paas_ctx_t *ctx)
{
    uint64_t  n;

    n = ngx_http_paas_hash((u_char *) &ctx->instance, sizeof(uint64_t));

    return &ctx->pmcf->sessions[n & (NGX_HTTP_PAAS_SESSIONS - 1)];
}


ngx_int_t
ngx_http_paas_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_paas_ctx_t *ctx = data;

    ngx_http_paas_session_t  *place;

    if (ctx->pmcf->sessions == NULL) {
        return NGX_OK;
    }

    place = ngx_http_paas_place_session(ctx);

    if (place->session == NULL || place->instance != ctx->instance
        || place->conf != ctx->request->upstream->conf)
    {
        return NGX_OK;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "paas set session: %p", place->session);

    return ngx_ssl_set_session(pc->connection, place->session);
}


void
ngx_http_paas_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_paas_ctx_t *ctx = data;

    ngx_ssl_session_t          *session;
    ngx_http_paas_session_t    *place;
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ctx->pmcf;

    if (pmcf->sessions == NULL) {
        pmcf->sessions = ngx_calloc(NGX_HTTP_PAAS_SESSIONS
                                    * sizeof(ngx_http_paas_session_t),
                                    ngx_cycle->log);
        if (pmcf->sessions == NULL) {
            return;
        }
    }

    session = ngx_ssl_get_session(pc->connection);

    if (session == NULL) {
        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "paas save session: %p", session);

    place = ngx_http_paas_place_session(ctx);

    if (place->session) {
        ngx_ssl_free_session(place->session);
    }

    place->instance = ctx->instance;
    place->conf = ctx->request->upstream->conf;
    place->session = session;
}

#endif


void
ngx_http_paas_free_sessions(ngx_http_paas_main_conf_t *pmcf)
{
#if (NGX_HTTP_SSL)
    ngx_uint_t  i;

    if (pmcf->sessions == NULL) {
        return;
    }

    for (i = 0; i < NGX_HTTP_PAAS_SESSIONS; i++) {
        if (pmcf->sessions[i].session) {
            ngx_ssl_free_session(pmcf->sessions[i].session);
        }
    }

    ngx_free(pmcf->sessions);
    pmcf->sessions = NULL;
#endif
}
