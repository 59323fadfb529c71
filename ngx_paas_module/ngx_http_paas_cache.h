
/*
 * What is cached of the route database, see ngx_http_paas_cache.c.
 */


#ifndef _NGX_HTTP_PAAS_CACHE_H_INCLUDED_
#define _NGX_HTTP_PAAS_CACHE_H_INCLUDED_


typedef struct {
    uint64_t                    id;
    uint16_t                    flags;
    uint16_t                    weight;
    uint16_t                    number;    /* N of "web.N"; 0: none */
    uint32_t                    share;     /* see ngx_http_paas_share.c */
    uint32_t                    upto;      /* shares of these and before */
    uint32_t                    since;
    uint32_t                    slot;      /* last known, in the zone */
    int64_t                     turn;      /* of smooth round robin */
    socklen_t                   socklen;
    union {
        struct sockaddr         sockaddr;
        struct sockaddr_in      sin;
        struct sockaddr_in6     sin6;
    } u;
    ngx_str_t                   name;      /* address and port */
    u_char                      text[NGX_INET6_ADDRSTRLEN + 8];
} ngx_http_paas_inst_t;


/* An instance in the order of a hashed key, see ngx_http_paas_hash.c. */

typedef struct {
    uint64_t                    id;        /* mixed */
    double                      inverse;   /* of the share */
} ngx_http_paas_key_t;


typedef struct ngx_http_paas_entry_s  ngx_http_paas_entry_t;

struct ngx_http_paas_entry_s {
    ngx_queue_t                 queue;
    ngx_http_paas_entry_t      *next;      /* in the bucket */
    uint64_t                    key;       /* pool id, or hash of the host */
    uint64_t                    stamp;     /* of the database */
    size_t                      size;
    ngx_uint_t                  refs;
    unsigned                    pool:1;
    unsigned                    linked:1;
    unsigned                    used:1;
    unsigned                    guest:1;   /* see ngx_http_paas_entry.c */
};


struct ngx_http_paas_pool_s {
    ngx_http_paas_entry_t       entry;     /* first */
    uint64_t                    id;
    uint8_t                     state;
    uint8_t                     protocol;
    uint8_t                     balance;
    uint16_t                    flags;
    uint32_t                    concurrency;  /* of an instance, or 0 */
    uint32_t                    waiting;   /* for that, at most */
    uint32_t                    hold;      /* ms, or 0 */
    uint32_t                    slow_start;  /* ms, or 0 */
    uint16_t                    retry_budget;  /* percent, or 0 */
    uint32_t                    requests;  /* since the budget was asked */
    uint64_t                    budget;    /* see ngx_http_paas_retry.c */
    ngx_msec_t                  spent;     /* when it was asked */
    uint32_t                    active;    /* requests at all instances */
    ngx_msec_t                  summed;    /* when those were summed up */
    ngx_msec_t                  reshare;   /* when shares are made anew */
    uint32_t                    total;     /* of the shares */
    uint32_t                    next;      /* of round robin */
    uint32_t                    ninsts;
    uint32_t                    nactive;   /* these first, then draining */
    uint8_t                     hash_on;
    unsigned                    uneven:1;  /* shares differ */
    unsigned                    timed:1;   /* see ngx_http_paas_ewma.c */
    unsigned                    marks:1;   /* something in its responses */
    ngx_str_t                   app;
    ngx_str_t                   type;
    ngx_str_t                   hash_name;
    ngx_http_paas_inst_t       *insts;
    ngx_http_paas_key_t        *keys;      /* of those; NULL: not hashed */
};


typedef struct {
    uint64_t                    id;
    uint32_t                    weight;
    ngx_http_paas_pool_t       *pool;      /* held, or NULL: not read yet */
} ngx_http_paas_target_t;


typedef struct {
    ngx_str_t                   prefix;
    ngx_str_t                   redirect;
    uint16_t                    flags;
    uint16_t                    ntargets;
    uint32_t                    total;     /* weight */
    ngx_http_paas_target_t     *targets;
} ngx_http_paas_path_t;


struct ngx_http_paas_host_s {
    ngx_http_paas_entry_t       entry;     /* first */
    ngx_str_t                   name;      /* asked for, canonical */
    ngx_http_paas_captures_t   *captures;  /* NULL: by no pattern */
    ngx_http_paas_pool_t       *whole;     /* all goes there as it is */
    uint32_t                    npaths;    /* 0: there is no route */
    ngx_http_paas_path_t       *paths;     /* longest first */
};


typedef struct {
    ngx_queue_t                 guests;    /* newest first */
    ngx_queue_t                 regulars;
    ngx_http_paas_entry_t     **buckets;
    uint16_t                   *seen;      /* parts of keys, as many */
    ngx_uint_t                  mask;
    size_t                      guest_size;
    size_t                      size;      /* of all, and of those held */
    size_t                      max;
} ngx_http_paas_cache_t;


/* ngx_http_paas_cache.c */

ngx_http_paas_pool_t *ngx_http_paas_cached_pool(ngx_http_paas_cache_t *cache,
    uint64_t id);
ngx_http_paas_host_t *ngx_http_paas_cache_host(ngx_http_paas_cache_t *cache,
    uint64_t stamp, uint64_t key, ngx_str_t *name,
    const paas_routedb_host_t *record, int *error);
ngx_http_paas_pool_t *ngx_http_paas_cache_pool(ngx_http_paas_cache_t *cache,
    uint64_t stamp, const paas_routedb_pool_t *record, int *error);


/* ngx_http_paas_address.c */

socklen_t ngx_http_paas_copy_address(struct sockaddr *sockaddr,
    const paas_routedb_instance_t *record);
size_t ngx_http_paas_print_address(u_char *text,
    const paas_routedb_instance_t *record);


/* ngx_http_paas_entry.c */

ngx_int_t ngx_http_paas_init_cache(ngx_conf_t *cf,
    ngx_http_paas_cache_t *cache);
void ngx_http_paas_close_cache(ngx_http_paas_cache_t *cache);
void ngx_http_paas_link_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, ngx_http_paas_entry_t *old);
void ngx_http_paas_grow_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry, size_t size);
void ngx_http_paas_unlink_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry);
void ngx_http_paas_free_entry(ngx_http_paas_cache_t *cache,
    ngx_http_paas_entry_t *entry);

#define ngx_http_paas_hold_entry(e)   ((e)->refs++)
#define ngx_http_paas_drop_entry(cache, e)                                    \
    if (--(e)->refs == 0 && !(e)->linked) {                                   \
        ngx_http_paas_free_entry(cache, e);                                   \
    }


#endif /* _NGX_HTTP_PAAS_CACHE_H_INCLUDED_ */
