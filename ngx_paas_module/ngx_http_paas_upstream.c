
/*
 * "upstream { paas; }": an upstream block without servers of its own, whose
 * peers are those of ngx_http_paas_peer.c.
 */


#include "ngx_http_paas_keepalive.h"


static ngx_int_t ngx_http_paas_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);


/* paas; in an upstream block. */

char *
ngx_http_paas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_srv_conf_t *pscf = conf;

    ngx_addr_t                    *addr;
    ngx_http_upstream_server_t    *server;
    ngx_http_paas_main_conf_t     *pmcf;
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    if (pscf->paas) {
        return "is duplicate";
    }

    if (uscf->peer.init_upstream) {
        return "keeps connections by \"paas_keepalive\": no \"keepalive\" and "
               "no other balancing method may stand in the same upstream";
    }

    if (uscf->servers->nelts) {
        return "takes its servers from the route database: "
               "no \"server\" may stand in the same upstream";
    }

    /*
     * A placeholder: nginx refuses an upstream without servers, and other
     * methods one without addresses, before we could say what is wrong.
     */

    server = ngx_array_push(uscf->servers);
    addr = ngx_pcalloc(cf->pool, sizeof(ngx_addr_t));

    if (server == NULL || addr == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&addr->name, "paas");

    addr->socklen = sizeof(struct sockaddr_in);
    addr->sockaddr = ngx_pcalloc(cf->pool, addr->socklen);
    if (addr->sockaddr == NULL) {
        return NGX_CONF_ERROR;
    }

    addr->sockaddr->sa_family = AF_INET;

    ngx_memzero(server, sizeof(ngx_http_upstream_server_t));

    server->name = addr->name;
    server->addrs = addr;
    server->naddrs = 1;
    server->weight = 1;
    server->down = 1;

    uscf->flags = NGX_HTTP_UPSTREAM_CREATE;
    uscf->peer.init_upstream = ngx_http_paas_init_upstream;

    pscf->paas = 1;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);
    pmcf->upstream = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_paas_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_paas_srv_conf_t  *pscf;

    pscf = ngx_http_conf_upstream_srv_conf(us, ngx_http_paas_module);
    pscf->ready = 1;

    us->peer.init = ngx_http_paas_init_peer;

    return NGX_OK;
}


/* Refuses what would take the peers from us, or read them as its own. */

ngx_int_t
ngx_http_paas_check_upstreams(ngx_conf_t *cf)
{
    const char                      *other;
    ngx_uint_t                       i;
    ngx_http_paas_srv_conf_t        *pscf;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);

    uscfp = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (uscfp[i]->srv_conf == NULL) {
            continue;
        }

        pscf = ngx_http_conf_upstream_srv_conf(uscfp[i], ngx_http_paas_module);

        if (!pscf->paas) {
            continue;
        }

        other = NULL;

        if (uscfp[i]->servers->nelts != 1) {
            other = "\"server\"";
        }

#if (NGX_HTTP_UPSTREAM_ZONE)
        if (uscfp[i]->shm_zone) {
            other = "\"zone\"";
        }
#endif

        if (uscfp[i]->peer.init_upstream != ngx_http_paas_init_upstream) {

            /* whoever has called ours before itself is "keepalive" */

            other = pscf->ready ? "\"keepalive\" (use \"paas_keepalive\")"
                                : "another balancing method";
        }

        if (other) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "upstream \"%V\" in %s:%ui has \"paas\" and %s: "
                          "instances come from the route database alone",
                          &uscfp[i]->host, uscfp[i]->file_name,
                          uscfp[i]->line, other);
            return NGX_ERROR;
        }

        if (ngx_http_paas_init_keepalive(cf, pscf) != NGX_OK) {
            return NGX_ERROR;
        }

        /* since 1.29.7 "keepalive" is wrapped round it, even if not given */

        uscfp[i]->peer.init = ngx_http_paas_init_peer;
    }

    return NGX_OK;
}
