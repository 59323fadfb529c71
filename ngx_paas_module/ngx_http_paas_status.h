
/*
 * What the pages of paas_status share.
 */


#ifndef _NGX_HTTP_PAAS_STATUS_H_INCLUDED_
#define _NGX_HTTP_PAAS_STATUS_H_INCLUDED_


#include "ngx_http_paas_module.h"


typedef struct {
    ngx_pool_t                 *pool;
    ngx_chain_t                *first;
    ngx_chain_t               **last;
    ngx_buf_t                  *buf;
    off_t                       size;
    ngx_uint_t                  failed;
} ngx_http_paas_out_t;


/* A slot at one moment. */

typedef struct {
    uint64_t                    id;
    ngx_uint_t                  active;
    ngx_str_t                   app;       /* escaped */
    ngx_str_t                   type;
    ngx_http_paas_stats_t       stats;
    u_char                      data[2 * 6 * NGX_HTTP_PAAS_NAME_LEN];
} ngx_http_paas_sample_t;


/* Requests that wait for a pool, at one moment. */

typedef struct {
    uint64_t                    pool;
    ngx_uint_t                  requests;
    ngx_str_t                   app;       /* escaped */
    ngx_str_t                   type;
    u_char                      data[2 * 6 * NGX_HTTP_PAAS_NAME_LEN];
} ngx_http_paas_wait_t;


/* Classes of status by number; 0 is "none". */

extern const char  *ngx_http_paas_classes[6];


/* ngx_http_paas_status.c */

void ngx_http_paas_print(ngx_http_paas_out_t *out, const char *fmt, ...);
ngx_uint_t ngx_http_paas_sample_slot(ngx_http_paas_zone_t *zone, uint32_t i,
    ngx_http_paas_sample_t *sample);
ngx_uint_t ngx_http_paas_sample_queue(ngx_http_paas_zone_t *zone, uint32_t i,
    ngx_http_paas_wait_t *w);


/* ngx_http_paas_json.c */

void ngx_http_paas_print_json(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf, uint64_t id);


/* ngx_http_paas_metrics.c */

void ngx_http_paas_print_metrics(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf);


#endif /* _NGX_HTTP_PAAS_STATUS_H_INCLUDED_ */
