
/*
 * What a request is refused with, and how that is said.
 */


#ifndef _NGX_HTTP_PAAS_ERROR_H_INCLUDED_
#define _NGX_HTTP_PAAS_ERROR_H_INCLUDED_


/* Errors, in the order of the table in ngx_http_paas_error.c. */

typedef enum {
    NGX_HTTP_PAAS_OK = 0,
    NGX_HTTP_PAAS_BAD_HOST,
    NGX_HTTP_PAAS_NO_ROUTE,
    NGX_HTTP_PAAS_BAD_INSTANCE,
    NGX_HTTP_PAAS_NO_SUCH_INSTANCE,
    NGX_HTTP_PAAS_NO_INSTANCE,
    NGX_HTTP_PAAS_APP_CRASHED,
    NGX_HTTP_PAAS_APP_STOPPED,
    NGX_HTTP_PAAS_ASLEEP,
    NGX_HTTP_PAAS_BOOTING,
    NGX_HTTP_PAAS_MAINTENANCE,
    NGX_HTTP_PAAS_HOLD_FULL,
    NGX_HTTP_PAAS_HOLD_TIMEOUT,
    NGX_HTTP_PAAS_ROUTES_UNAVAILABLE,
    NGX_HTTP_PAAS_PROTOCOL_MISMATCH,
    NGX_HTTP_PAAS_CONNECT_FAILED,          /* from here on: of an attempt */
    NGX_HTTP_PAAS_CONNECT_TIMEOUT,
    NGX_HTTP_PAAS_CLOSED,
    NGX_HTTP_PAAS_BAD_RESPONSE,
    NGX_HTTP_PAAS_TIMEOUT
} ngx_http_paas_code_e;


struct ngx_http_paas_error_s {
    ngx_str_t                   name;      /* X-Paas-Error, $paas_error */
    ngx_uint_t                  status;
    ngx_str_t                   hcode;     /* Heroku's, or empty */
    ngx_str_t                   retry;     /* Retry-After in s, or empty */
    ngx_str_t                   title;
    ngx_str_t                   text;
};


/* ngx_http_paas_error.c */

const ngx_http_paas_error_t *ngx_http_paas_get_error(ngx_http_paas_code_e e);
ngx_uint_t ngx_http_paas_count_errors(void);
void ngx_http_paas_count_error(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_page.c */

typedef struct {
    ngx_buf_t                  *body;
    ngx_str_t                   type;
    ngx_uint_t                  status;
} ngx_http_paas_page_t;

ngx_int_t ngx_http_paas_add_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value);
ngx_int_t ngx_http_paas_add_error_header(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error);
ngx_int_t ngx_http_paas_make_page(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error, ngx_http_paas_page_t *page);


#endif /* _NGX_HTTP_PAAS_ERROR_H_INCLUDED_ */
