
/*
 * Whose word counts, and what apps are told of where a request comes from.
 */


#ifndef _NGX_HTTP_PAAS_TRUST_H_INCLUDED_
#define _NGX_HTTP_PAAS_TRUST_H_INCLUDED_


/* ngx_http_paas_trust.c */

char *ngx_http_paas_set_trust(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_uint_t ngx_http_paas_judge_peer(ngx_http_request_t *r,
    ngx_array_t *trust);
ngx_http_variable_value_t *ngx_http_paas_get_realip(ngx_http_request_t *r);

enum {
    NGX_HTTP_PAAS_TRUST_UNKNOWN = 0,
    NGX_HTTP_PAAS_TRUST_NOBODY,
    NGX_HTTP_PAAS_TRUST_PORT,              /* the PROXY protocol's alone */
    NGX_HTTP_PAAS_TRUST_ALL
};


/* ngx_http_paas_forwarded.c */

extern ngx_http_variable_t  ngx_http_paas_forwarded_vars[];

ngx_uint_t ngx_http_paas_is_https(ngx_http_request_t *r);
ngx_uint_t ngx_http_paas_is_fit_id(ngx_http_request_t *r, u_char *id,
    size_t len);


/* May the headers say where a request comes from?  Nobody asks for nothing. */

static ngx_inline ngx_uint_t
ngx_http_paas_is_trusted(ngx_http_request_t *r)
{
    ngx_http_paas_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_paas_module);

    return plcf->trust
           && ngx_http_paas_judge_peer(r, plcf->trust)
              == NGX_HTTP_PAAS_TRUST_ALL;
}


#endif /* _NGX_HTTP_PAAS_TRUST_H_INCLUDED_ */
