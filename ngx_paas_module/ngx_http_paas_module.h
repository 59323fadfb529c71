
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


#include "ngx_http_paas_db.h"


#include "ngx_http_paas_cache.h"


#include "ngx_http_paas_pattern.h"
#include "ngx_http_paas_hold.h"
#include "ngx_http_paas_cert.h"


/* Those of the sticky cookie, see ngx_http_paas_sticky.c. */

typedef struct {
    uint64_t                    generation;  /* meta.keys, of the file */
    ngx_uint_t                  opened;    /* that is db->opened */
    uint32_t                    n;
    paas_routedb_key_t          keys[PAAS_ROUTEDB_KEYS_MAX];
} ngx_http_paas_keys_t;


#include "ngx_http_paas_zone.h"


typedef struct {
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
} ngx_http_paas_main_conf_t;


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


/* A request; lives until the request's pool is destroyed. */

struct ngx_http_paas_ctx_s {
    ngx_http_request_t         *request;
    ngx_http_paas_main_conf_t  *pmcf;
    ngx_str_t                   name;      /* canonical host */
    ngx_str_t                   uri;       /* as routed, before a strip */

    /* zeroed: see ngx_http_paas_make_ctx() */

    uint64_t                    key;       /* hash of the name */
    ngx_str_t                   forwarded; /* uri after a strip */
    ngx_http_paas_host_t       *host;      /* held */
    ngx_http_paas_path_t       *path;      /* in host */
    ngx_http_paas_pool_t       *pool;      /* held by a cleanup */
    ngx_http_paas_view_t       *view;
    ngx_http_paas_slot_t       *slot;      /* counted there, or NULL */
    ngx_http_paas_held_t       *held;      /* NULL: never was */
    ngx_uint_t                  attempts;
    ngx_uint_t                  nkept;
    ngx_chain_t                *body;      /* of an error page to come */

    ngx_uint_t                  split;     /* decides it; 0: not drawn yet */
    uint64_t                    began;     /* us, the attempt; 0: no matter */
    ngx_http_paas_code_e        error;
    unsigned                    routed:1;
    unsigned                    direct:1;  /* to an instance, as it is */
    unsigned                    secure:1;  /* "proxy_pass https:" */
    unsigned                    redirect:1;
    unsigned                    upgrade:1;
    unsigned                    h2c:1;     /* it is in "@paas_h2c", */
    unsigned                    moved:1;   /* or about to be there */
    unsigned                    stripped:1;
    unsigned                    veto:1;    /* no further attempt */
    unsigned                    stale:1;   /* a kept connection was closed */
    unsigned                    page:1;    /* the body is replaced */
    unsigned                    counted:1; /* the error is */
    unsigned                    passed:1;  /* no need to wait, or no more */
    unsigned                    wanted:1;  /* one instance, by its name */
    unsigned                    misnamed:1;
    unsigned                    looked:1;  /* for a sticky cookie */
    unsigned                    stuck:1;   /* there is one: */
    unsigned                    detour:1;  /* its instance is busy */
    unsigned                    trust:2;   /* see ngx_http_paas_trust.c */

    /* not zeroed */

    uint64_t                    stamp;     /* of the route */
    uint64_t                    instance;  /* the last one chosen */
    ngx_msec_t                  start;     /* of this attempt */
    off_t                       sent;      /* by the last attempt */
    off_t                       received;
    ngx_http_paas_keepalive_t  *keep;
    ngx_http_paas_spot_t       *spot;      /* of this attempt, or NULL */
    uint64_t                    serial;    /* that it had then */
    ngx_str_t                   tls;       /* names, if u->ssl */
    struct {
        uint64_t                pool;
        uint64_t                instance;
        ngx_http_paas_path_t   *path;      /* that it was looked for */
        ngx_uint_t              old;       /* key */
    } sticky;

    uint64_t                    wanted_id; /* or 0, then by these: */
    ngx_str_t                   wanted_type;
    ngx_uint_t                  wanted_number;
    uint64_t                    tried[NGX_HTTP_PAAS_ATTEMPTS];
    ngx_http_paas_pool_t       *kept[NGX_HTTP_PAAS_ATTEMPTS];  /* of those */
    ngx_pool_cleanup_t          cleanup;
    ngx_http_paas_ctx_t        *next;      /* when it is free */
};


/* ngx_http_paas_module.c */

extern ngx_module_t  ngx_http_paas_module;


/* ngx_http_paas_ctx.c */

ngx_http_paas_ctx_t *ngx_http_paas_make_ctx(ngx_http_request_t *r);
ngx_http_paas_ctx_t *ngx_http_paas_search_ctx(ngx_http_request_t *r);
void ngx_http_paas_free_ctxs(ngx_http_paas_main_conf_t *pmcf);


/* The context of a request, made if there is none; NULL without memory. */

static ngx_inline ngx_http_paas_ctx_t *
ngx_http_paas_get_ctx(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    return ctx ? ctx : ngx_http_paas_make_ctx(r);
}


/* The context of a request, or NULL. */

static ngx_inline ngx_http_paas_ctx_t *
ngx_http_paas_find_ctx(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    return (ctx == NULL && (r->internal || r->filter_finalize))
           ? ngx_http_paas_search_ctx(r) : ctx;
}


/* ngx_http_paas_host.c */

ngx_int_t ngx_http_paas_check_host(ngx_http_request_t *r, ngx_str_t *host);
void ngx_http_paas_get_authority(ngx_http_request_t *r, ngx_str_t *text);
ngx_int_t ngx_http_paas_canonical_host(ngx_http_request_t *r, ngx_str_t *host,
    uint64_t *key);


/* ngx_http_paas_pattern.c */

ngx_int_t ngx_http_paas_load_patterns(ngx_http_paas_main_conf_t *pmcf,
    ngx_log_t *log);
void ngx_http_paas_close_patterns(ngx_http_paas_patterns_t *patterns);
int ngx_http_paas_match_pattern(ngx_http_paas_main_conf_t *pmcf,
    ngx_str_t *host, paas_routedb_host_t *record);

/* Are those of the database compiled, if there are any? */

#define ngx_http_paas_has_patterns(pmcf)                                      \
    (((pmcf)->patterns.generation == (pmcf)->db.meta.patterns                 \
      && (pmcf)->patterns.opened == (pmcf)->db.opened)                        \
     || ((pmcf)->db.meta.npatterns == 0 && (pmcf)->patterns.n == 0))


/* All of them, if they can't even be read. */

#define ngx_http_paas_count_bad(patterns)                                     \
    ((patterns)->bad + ((patterns)->failed ? (patterns)->n - (patterns)->bad  \
                                           : 0))


/* ngx_http_paas_capture.c */

ngx_int_t ngx_http_paas_keep_captures(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_host_t *host);
ngx_int_t ngx_http_paas_add_captures(ngx_conf_t *cf);


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


/* ngx_http_paas_hold.c */

ngx_int_t ngx_http_paas_hold_request(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_hold_again(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_judge_hold(ngx_http_paas_ctx_t *ctx);
ngx_msec_t ngx_http_paas_time_left(ngx_http_paas_held_t *held);
void ngx_http_paas_resume_held(ngx_http_paas_held_t *held);
char *ngx_http_paas_set_hold(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_paas_line.c */

void ngx_http_paas_init_lines(ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log);
void ngx_http_paas_close_lines(ngx_http_paas_main_conf_t *pmcf);
ngx_int_t ngx_http_paas_make_held(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_join_line(ngx_http_paas_held_t *held, uint32_t number,
    ngx_msec_t left);
void ngx_http_paas_leave_line(ngx_http_paas_held_t *held);


/* ngx_http_paas_queue.c */

ngx_int_t ngx_http_paas_enter_queue(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_uint_t max, ngx_uint_t total,
    uint64_t *ticket, uint32_t *number);
void ngx_http_paas_leave_queue(ngx_http_paas_zone_t *zone, uint32_t number,
    uint64_t head);
ngx_uint_t ngx_http_paas_is_next(ngx_http_paas_zone_t *zone, uint32_t number,
    uint64_t ticket);
ngx_uint_t ngx_http_paas_has_queue(ngx_http_paas_zone_t *zone, uint64_t pool);
ngx_uint_t ngx_http_paas_queue_length(ngx_http_paas_zone_t *zone,
    uint32_t number);
ngx_uint_t ngx_http_paas_count_held(ngx_http_paas_zone_t *zone);
void ngx_http_paas_clear_queues(ngx_http_paas_zone_t *zone, ngx_uint_t index);

#define ngx_http_paas_get_queue(zone, i)                                      \
    ((ngx_http_paas_queue_t *) ((zone)->queues + (i) * (zone)->queue_size))


/* ngx_http_paas_wake.c */

char *ngx_http_paas_set_wake(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_paas_wake_pool(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_pool_t *pool, uint32_t number, ngx_log_t *log);


/* ngx_http_paas_forward.c */

char *ngx_http_paas_set_https_port(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_paas_must_redirect(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_send_redirect(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_strip_prefix(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_find_upgrade(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_speak_h2c(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_upstream.c */

char *ngx_http_paas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_paas_check_upstreams(ngx_conf_t *cf);


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


/* ngx_http_paas_balancer.c */

ngx_http_paas_inst_t *ngx_http_paas_choose(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_is_usable(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_inst_t *inst, ngx_uint_t ejected);
ngx_uint_t ngx_http_paas_has_room(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_has_untried(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_eject.c */

void ngx_http_paas_eject(ngx_http_paas_ctx_t *ctx);
ngx_uint_t ngx_http_paas_is_ejected(ngx_http_paas_slot_t *slot);
void ngx_http_paas_begin_probe(ngx_http_paas_slot_t *slot);
void ngx_http_paas_forgive(ngx_http_paas_slot_t *slot);


/* ngx_http_paas_retry.c */

ngx_uint_t ngx_http_paas_may_retry(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_sticky.c */

void ngx_http_paas_init_sticky(ngx_log_t *log);
void ngx_http_paas_close_sticky(ngx_http_paas_main_conf_t *pmcf);
void ngx_http_paas_refresh_keys(ngx_http_paas_main_conf_t *pmcf);
ngx_http_paas_target_t *ngx_http_paas_sticky_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path);
ngx_http_paas_inst_t *ngx_http_paas_sticky_instance(ngx_http_paas_ctx_t *ctx);
ngx_int_t ngx_http_paas_send_sticky(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_target.c */

void ngx_http_paas_note_target(ngx_http_request_t *r, ngx_table_elt_t *h);
ngx_http_paas_inst_t *ngx_http_paas_find_wanted(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_pool_t *pool);
ngx_http_paas_target_t *ngx_http_paas_wanted_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path);
ngx_http_paas_inst_t *ngx_http_paas_find_inst(ngx_http_paas_pool_t *pool,
    uint64_t id);
ngx_int_t ngx_http_paas_name_instance(ngx_http_paas_ctx_t *ctx);


/* ngx_http_paas_share.c */

void ngx_http_paas_make_shares(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool);


/* ngx_http_paas_hash.c */

void ngx_http_paas_make_keys(ngx_http_paas_pool_t *pool);
ngx_int_t ngx_http_paas_hash_request(ngx_http_paas_ctx_t *ctx, uint64_t *hash);
ngx_http_paas_inst_t *ngx_http_paas_choose_ranked(ngx_http_paas_ctx_t *ctx,
    uint64_t hash);


/* ngx_http_paas_ewma.c */

void ngx_http_paas_begin_time(ngx_http_paas_ctx_t *ctx);
void ngx_http_paas_take_time(ngx_http_paas_ctx_t *ctx, ngx_uint_t failed);
uint64_t ngx_http_paas_slot_cost(ngx_http_paas_slot_t *slot);


/* ngx_http_paas_zone.c */

char *ngx_http_paas_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_paas_take_row(ngx_http_paas_zone_t *zone, ngx_log_t *log);
void ngx_http_paas_leave_row(ngx_http_paas_zone_t *zone);
void ngx_http_paas_reap_rows(ngx_http_paas_zone_t *zone, ngx_log_t *log);


/* ngx_http_paas_slot.c */

ngx_http_paas_slot_t *ngx_http_paas_count_slot(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst);
ngx_uint_t ngx_http_paas_instance_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst);
ngx_uint_t ngx_http_paas_slot_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_slot_t *slot);
ngx_http_paas_slot_t *ngx_http_paas_look_slot(ngx_http_paas_zone_t *zone,
    uint64_t id);

#define ngx_http_paas_get_slot(zone, i)                                       \
    ((ngx_http_paas_slot_t *) ((zone)->slots + (i) * (zone)->slot_size))


/* ngx_http_paas_variables.c */

ngx_int_t ngx_http_paas_add_variables(ngx_conf_t *cf);


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


/* ngx_http_paas_filter.c */

ngx_int_t ngx_http_paas_init_filters(ngx_conf_t *cf);


/* ngx_http_paas_header.c */

void ngx_http_paas_clean_header(ngx_http_request_t *r, ngx_table_elt_t *h);
ngx_uint_t ngx_http_paas_is_ours(ngx_str_t *key);


/* ngx_http_paas_leave.c */

void ngx_http_paas_watch_leave(void);


/* ngx_http_paas_status.c */

char *ngx_http_paas_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#include "ngx_http_paas_inline.h"


/* xorshift64*: a few instructions, where random() costs a lock and a table. */

static ngx_inline uint64_t
ngx_http_paas_random(uint64_t *seed)
{
    uint64_t  x;

    x = *seed;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *seed = x;

    return x * 0x2545f4914f6cdd1dULL;
}


/* A number below n, without a division. */

#define ngx_http_paas_random_below(seed, n)                                   \
    ((uint32_t) (((ngx_http_paas_random(seed) >> 32) * (uint64_t) (n)) >> 32))


#include "ngx_http_paas_trust.h"


#pragma GCC visibility pop


#endif /* _NGX_HTTP_PAAS_MODULE_H_INCLUDED_ */
