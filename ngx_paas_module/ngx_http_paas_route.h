
/*
 * From a request to a pool, and how it goes on from there.
 */


#ifndef _NGX_HTTP_PAAS_ROUTE_H_INCLUDED_
#define _NGX_HTTP_PAAS_ROUTE_H_INCLUDED_


/* ngx_http_paas_host.c */

ngx_int_t ngx_http_paas_check_host(ngx_http_request_t *r, ngx_str_t *host);
void ngx_http_paas_get_authority(ngx_http_request_t *r, ngx_str_t *text);
ngx_int_t ngx_http_paas_canonical_host(ngx_http_request_t *r, ngx_str_t *host,
    uint64_t *key);


/* ngx_http_paas_lookup.c */

typedef struct {
    ngx_http_paas_ctx_t        *ctx;
    ngx_http_paas_host_t       *host;
    ngx_http_paas_path_t       *path;
    ngx_http_paas_pool_t       *pool;
} ngx_http_paas_route_t;

ngx_http_paas_code_e ngx_http_paas_lookup_route(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_route_t *route);


/* ngx_http_paas_route.c */

ngx_int_t ngx_http_paas_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_paas_precontent_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_paas_route_request(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_renew_route(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_take_route(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_forward.c */

char *ngx_http_paas_set_https_port(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_paas_must_redirect(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_send_redirect(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_strip_prefix(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_find_upgrade(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_speak_h2c(ngx_http_paas_ctx_t *ctx);


#endif /* _NGX_HTTP_PAAS_ROUTE_H_INCLUDED_ */
