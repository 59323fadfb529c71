
/*
 * Sticky sessions, by a signed cookie.
 */


#ifndef _NGX_HTTP_PAAS_STICKY_H_INCLUDED_
#define _NGX_HTTP_PAAS_STICKY_H_INCLUDED_


/* Those of the sticky cookie, see ngx_http_paas_sticky.c. */

typedef struct {
    uint64_t                    generation;  /* meta.keys, of the file */
    ngx_uint_t                  opened;    /* that is db->opened */
    uint32_t                    n;
    paas_routedb_key_t          keys[PAAS_ROUTEDB_KEYS_MAX];
} ngx_http_paas_keys_t;


/* ngx_http_paas_cookie.c */

typedef struct {
    ngx_str_t                   line;      /* what is left of it */
#if (nginx_version >= 1023000)
    ngx_table_elt_t            *next;
#else
    ngx_table_elt_t           **next;
    ngx_table_elt_t           **last;
#endif
} ngx_http_paas_crumb_t;

void ngx_http_paas_first_cookie(ngx_http_request_t *r,
    ngx_http_paas_crumb_t *crumb);
ngx_uint_t ngx_http_paas_next_cookie(ngx_http_paas_crumb_t *crumb,
    ngx_str_t *name, ngx_str_t *value);


/* ngx_http_paas_sticky.c */

void ngx_http_paas_init_sticky(ngx_log_t *log);
void ngx_http_paas_close_sticky(ngx_http_paas_main_conf_t *pmcf);
void ngx_http_paas_refresh_keys(ngx_http_paas_main_conf_t *pmcf);
ngx_http_paas_target_t *ngx_http_paas_sticky_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path);
ngx_http_paas_inst_t *ngx_http_paas_sticky_instance(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_send_sticky(ngx_http_paas_ctx_t *ctx);


#endif /* _NGX_HTTP_PAAS_STICKY_H_INCLUDED_ */
