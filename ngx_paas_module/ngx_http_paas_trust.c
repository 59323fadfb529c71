
/*
 * Whose word counts.  What a client says about itself in X-Forwarded-* and
 * the like is removed or made anew, unless "paas_trust" names the peer: then
 * it is a proxy, and knows better than we do.
 *
 * The peer is who has sent the bytes: the other end of the connection, even
 * if realip has put another address there.  With the PROXY protocol that end
 * only passes bytes on, so that both it and the one it names must be trusted.
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_find_realip(ngx_conf_t *cf);
static ngx_uint_t ngx_http_paas_is_near(ngx_http_request_t *r,
    ngx_array_t *trust);
static ngx_uint_t ngx_http_paas_match_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_array_t *trust);


/* paas_trust ADDRESS | CIDR | unix: ...;  or  paas_trust off; */

char *
ngx_http_paas_set_trust(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_loc_conf_t *plcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    if (ngx_http_paas_find_realip(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2 || plcf->trust != NGX_CONF_UNSET_PTR) {
            return "\"off\" must stand alone";
        }

        plcf->trust = NULL;

        return NGX_CONF_OK;
    }

    if (plcf->trust == NULL) {
        return "\"off\" must stand alone";
    }

    if (plcf->trust == NGX_CONF_UNSET_PTR) {
        plcf->trust = ngx_array_create(cf->pool, 4, sizeof(ngx_cidr_t));
        if (plcf->trust == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(plcf->trust);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(cidr, sizeof(ngx_cidr_t));

#if (NGX_HAVE_UNIX_DOMAIN)
        if (ngx_strcmp(value[i].data, "unix:") == 0) {
            cidr->family = AF_UNIX;
            continue;
        }
#endif

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is no address, no network such as "
                               "10.0.0.0/8, and not \"unix:\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


/* Not every nginx has realip, and an unknown variable would be an error. */

static ngx_int_t
ngx_http_paas_find_realip(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *keys;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_paas_main_conf_t  *pmcf;

    static ngx_str_t  name = ngx_string("realip_remote_addr");

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);

    if (pmcf->realip != NGX_CONF_UNSET) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    keys = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        if (keys[i].key.len == name.len
            && ngx_strncmp(keys[i].key.data, name.data, name.len) == 0)
        {
            pmcf->realip = ngx_http_get_variable_index(cf, &name);

            return pmcf->realip == NGX_ERROR ? NGX_ERROR : NGX_OK;
        }
    }

    return NGX_OK;
}


/* How much a request's peer is trusted, once for a request. */

ngx_uint_t
ngx_http_paas_judge_peer(ngx_http_request_t *r, ngx_array_t *trust)
{
    ngx_uint_t             judged;
    ngx_connection_t      *c;
    ngx_http_paas_ctx_t   *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx && ctx->trust != NGX_HTTP_PAAS_TRUST_UNKNOWN) {
        return ctx->trust;
    }

    c = r->connection;

    if (!ngx_http_paas_is_near(r, trust)) {
        judged = NGX_HTTP_PAAS_TRUST_NOBODY;

    } else if (!r->http_connection->addr_conf->proxy_protocol) {
        judged = NGX_HTTP_PAAS_TRUST_ALL;

    } else if (c->proxy_protocol == NULL) {

        /* "PROXY UNKNOWN", or a health check of the balancer's own */

        judged = NGX_HTTP_PAAS_TRUST_NOBODY;

    } else if (ngx_http_paas_match_text(r->pool, &c->proxy_protocol->src_addr,
                                        trust))
    {
        judged = NGX_HTTP_PAAS_TRUST_ALL;

    } else {
        judged = NGX_HTTP_PAAS_TRUST_PORT;
    }

    if (ctx) {
        ctx->trust = judged;
    }

    return judged;
}


/* By the address that the connection had before realip changed it. */

static ngx_uint_t
ngx_http_paas_is_near(ngx_http_request_t *r, ngx_array_t *trust)
{
    ngx_str_t                   text;
    ngx_connection_t           *c;
    ngx_http_variable_value_t  *vv;

    c = r->connection;

    vv = ngx_http_paas_get_realip(r);

    if (vv == NULL || vv->data == c->addr_text.data) {
        return ngx_cidr_match(c->sockaddr, trust) == NGX_OK;
    }

    text.data = vv->data;
    text.len = vv->len;

    return ngx_http_paas_match_text(r->pool, &text, trust);
}


/* That address as text, or NULL in an nginx without realip. */

ngx_http_variable_value_t *
ngx_http_paas_get_realip(ngx_http_request_t *r)
{
    ngx_http_variable_value_t  *vv;
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_paas_module);

    if (pmcf->realip == NGX_CONF_UNSET) {
        return NULL;
    }

    vv = ngx_http_get_indexed_variable(r, pmcf->realip);

    return vv && !vv->not_found ? vv : NULL;
}


static ngx_uint_t
ngx_http_paas_match_text(ngx_pool_t *pool, ngx_str_t *text,
    ngx_array_t *trust)
{
    ngx_addr_t              addr;
#if (NGX_HAVE_UNIX_DOMAIN)
    static struct sockaddr  local = { .sa_family = AF_UNIX };

    if (text->len == sizeof("unix:") - 1
        && ngx_strncmp(text->data, "unix:", sizeof("unix:") - 1) == 0)
    {
        return ngx_cidr_match(&local, trust) == NGX_OK;
    }
#endif

    return ngx_parse_addr(pool, &addr, text->data, text->len) == NGX_OK
           && ngx_cidr_match(addr.sockaddr, trust) == NGX_OK;
}
