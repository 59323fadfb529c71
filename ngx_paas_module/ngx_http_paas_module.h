
/*
 * The router: a request's host is looked up in the route database, and goes
 * to one of the instances that are found there.
 */


#ifndef _NGX_HTTP_PAAS_MODULE_H_INCLUDED_
#define _NGX_HTTP_PAAS_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

#include "paas_routedb.h"


/* What few requests need, kept out of what all of them run through. */

#define ngx_http_paas_rare  __attribute__((noinline))


#define NGX_HTTP_PAAS_TRIES         5      /* instances tried a request */
#define NGX_HTTP_PAAS_ATTEMPTS      8      /* stale connections included */
#define NGX_HTTP_PAAS_TICK          50     /* ms, see tick_worker() */
#define NGX_HTTP_PAAS_NO_SLOT       0      /* shared by all without a slot */
#define NGX_HTTP_PAAS_BUCKETS       12     /* of the latency histogram: */
#define NGX_HTTP_PAAS_LIMITS        5, 10, 25, 50, 100, 250, 500, 1000,       \
                                    2500, 5000, 10000  /* ms, and beyond */
#define NGX_HTTP_PAAS_NAME_LEN      64     /* of app and type in the zone */
#define NGX_HTTP_PAAS_RESERVES      512    /* see ngx_http_paas_retry.c */
#define NGX_HTTP_PAAS_COST_MAX      0xfffffff  /* us, a latency's 28 bits */


typedef struct ngx_http_paas_error_s     ngx_http_paas_error_t;
typedef struct ngx_http_paas_host_s      ngx_http_paas_host_t;
typedef struct ngx_http_paas_pool_s      ngx_http_paas_pool_t;
typedef struct ngx_http_paas_view_s      ngx_http_paas_view_t;
typedef struct ngx_http_paas_ctx_s       ngx_http_paas_ctx_t;
typedef struct ngx_http_paas_held_s      ngx_http_paas_held_t;
typedef struct ngx_http_paas_keepalive_s  ngx_http_paas_keepalive_t;
typedef struct ngx_http_paas_captures_s  ngx_http_paas_captures_t;
typedef struct ngx_http_paas_spot_s      ngx_http_paas_spot_t;
typedef struct ngx_http_paas_session_s   ngx_http_paas_session_t;
typedef struct ngx_http_paas_main_conf_s  ngx_http_paas_main_conf_t;


#include "ngx_http_paas_error.h"
#include "ngx_http_paas_db.h"
#include "ngx_http_paas_cache.h"
#include "ngx_http_paas_zone.h"
#include "ngx_http_paas_pattern.h"
#include "ngx_http_paas_hold.h"
#include "ngx_http_paas_sticky.h"
#include "ngx_http_paas_cert.h"


struct ngx_http_paas_main_conf_s {
    ngx_http_paas_db_t          db;
    ngx_http_paas_cache_t       cache;
    ngx_http_paas_patterns_t    patterns;
    ngx_http_paas_keys_t        keys;
    ngx_http_paas_hold_t        hold;
    ngx_http_paas_certs_t      *certs;     /* or NULL */
    ngx_http_paas_zone_t       *zone;
    ngx_http_paas_keepalive_t  *keep;      /* of each upstream block */
    uint64_t                    sweep;     /* stamp that these are to reach */
    uint64_t                    swept;     /* and its generation */
    uint64_t                    seed;      /* of this worker's random numbers */
    ngx_http_paas_session_t    *sessions;  /* NULL: none was saved yet */
    ngx_int_t                   realip;    /* index of $realip_remote_addr */
    ngx_http_paas_ctx_t        *free;      /* to be used again */
    ngx_event_t                 tick;
    ngx_connection_t            dummy;     /* for the debug log */
    unsigned                    on:1;      /* some location says so */
    unsigned                    upstream:1;
};


typedef struct {
    ngx_flag_t                  enable;
    ngx_array_t                *trust;     /* of ngx_cidr_t; NULL: nobody */
    ngx_str_t                   https_port;  /* ":8443", or empty */
} ngx_http_paas_loc_conf_t;


typedef struct {
    ngx_http_paas_certs_t      *certs;     /* of a server; or NULL */
    ngx_http_paas_keepalive_t  *keep;      /* of an upstream; NULL: none */
    unsigned                    inherited:1;  /* certs, from http{} */
    unsigned                    paas:1;
    unsigned                    ready:1;   /* nobody took it over */
} ngx_http_paas_srv_conf_t;


/* ngx_http_paas_module.c */

extern ngx_module_t  ngx_http_paas_module;


/* ngx_http_paas_upstream.c */

char *ngx_http_paas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_paas_check_upstreams(ngx_conf_t *cf);


/* ngx_http_paas_peer.c */

ngx_int_t ngx_http_paas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);


/* ngx_http_paas_variables.c */

ngx_int_t ngx_http_paas_add_variables(ngx_conf_t *cf);


/* ngx_http_paas_filter.c */

ngx_int_t ngx_http_paas_init_filters(ngx_conf_t *cf);


/* ngx_http_paas_header.c */

void ngx_http_paas_clean_header(ngx_http_request_t *r, ngx_table_elt_t *h);
ngx_uint_t ngx_http_paas_is_ours(ngx_str_t *key);


/* ngx_http_paas_leave.c */

void ngx_http_paas_watch_leave(void);


/* ngx_http_paas_status.c */

char *ngx_http_paas_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#include "ngx_http_paas_ctx.h"
#include "ngx_http_paas_route.h"
#include "ngx_http_paas_balance.h"
#include "ngx_http_paas_inline.h"
#include "ngx_http_paas_trust.h"


#pragma GCC visibility pop


#endif /* _NGX_HTTP_PAAS_MODULE_H_INCLUDED_ */
