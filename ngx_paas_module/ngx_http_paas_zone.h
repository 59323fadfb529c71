
/*
 * The zone: counters that all workers share, see ngx_http_paas_zone.c.
 */


#ifndef _NGX_HTTP_PAAS_ZONE_H_INCLUDED_
#define _NGX_HTTP_PAAS_ZONE_H_INCLUDED_


typedef struct {
    ngx_atomic_t                requests;
    ngx_atomic_t                classes[6];  /* 0: no response at all */
    ngx_atomic_t                bytes_in;    /* to the instance */
    ngx_atomic_t                bytes_out;
    ngx_atomic_t                retries;
    ngx_atomic_t                denied;    /* retries, by the budget */
    ngx_atomic_t                failures;
    ngx_atomic_t                ejections;
    ngx_atomic_t                latency_sum; /* ms */
    ngx_atomic_t                latency[NGX_HTTP_PAAS_BUCKETS];
} ngx_http_paas_stats_t;


typedef struct {
    uint64_t                    id;        /* of the instance; 0: nobody's */
    ngx_atomic_t                used;      /* s */
    ngx_atomic_t                fails;     /* one after the other */
    ngx_atomic_t                ejected;   /* until, ms */
    ngx_atomic_t                probe;     /* until, ms */
    ngx_atomic_t                back;      /* since, ms; 0: never was away */
    uint64_t                    ewma;      /* see ngx_http_paas_ewma.c */
    uint16_t                    app_len;
    uint16_t                    type_len;
    u_char                      app[NGX_HTTP_PAAS_NAME_LEN];
    u_char                      type[NGX_HTTP_PAAS_NAME_LEN];
    ngx_http_paas_stats_t       stats;
    uint32_t                    active[1]; /* one a row */
} ngx_http_paas_slot_t;


typedef struct {
    uint32_t                    next;      /* slot in the bucket */
    uint32_t                    tag;       /* of this one's instance id */
} ngx_http_paas_link_t;


typedef struct {
    ngx_atomic_t                pid;       /* 0: free */
    uint64_t                    started;   /* start time of the process */
    uint64_t                    generation;
    uint64_t                    oldest;    /* with a request on it */
    ngx_atomic_t                active;
    ngx_atomic_t                held;
    u_char                      pad[80];   /* two rows, two cache lines */
} ngx_http_paas_row_t;


typedef struct {
    uint32_t                    magic;
    uint32_t                    rows;      /* there are; the last is shared */
    uint32_t                    high;      /* above them all in use */
    uint32_t                    slots;     /* there are */
    uint32_t                    filled;    /* were ever in use */
    uint32_t                    hand;      /* of the search for an idle one */
    ngx_atomic_t                crowded;   /* s: no slot was idle for long */
    ngx_atomic_t                turned;    /* s: the hand, to stay around */
    uint32_t                    mask;      /* of the buckets */
    uint32_t                    queues;    /* there are */
    uint32_t                    queued;    /* were ever in use */
    uint64_t                    ticket;    /* the last one */
    ngx_atomic_t                holds;     /* requests that ever waited */
    ngx_atomic_t                reaped;    /* ms */
    ngx_http_paas_stats_t       gone;      /* of slots given up */
    uint64_t                    reserve[NGX_HTTP_PAAS_RESERVES];
    ngx_atomic_t                errors[32];  /* by ngx_http_paas_code_e */
} ngx_http_paas_shared_t;


typedef struct {
    ngx_shm_zone_t             *shm_zone;
    ngx_slab_pool_t            *shpool;
    ngx_http_paas_shared_t     *sh;
    ngx_http_paas_row_t        *rows;
    uint32_t                   *buckets;   /* the first slot of each */
    ngx_http_paas_link_t       *links;     /* one a slot */
    u_char                     *slots;
    size_t                      slot_size;
    uint64_t                   *pools;     /* whose the queues are; 0: none */
    u_char                     *queues;
    size_t                      queue_size;
    ngx_cycle_t                *cycle;
    ngx_uint_t                  wanted;    /* rows, if it is made now */
    ngx_http_paas_row_t        *row;       /* this worker's */
    ngx_uint_t                  index;     /* of it */
    unsigned                    shared:1;  /* it is not this worker's alone */
} ngx_http_paas_zone_t;


/* ngx_http_paas_zone.c */

char *ngx_http_paas_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_paas_take_row(ngx_http_paas_zone_t *zone, ngx_log_t *log);
void ngx_http_paas_leave_row(ngx_http_paas_zone_t *zone);
void ngx_http_paas_reap_rows(ngx_http_paas_zone_t *zone, ngx_log_t *log);


/* ngx_http_paas_slot.c */

ngx_http_paas_slot_t *ngx_http_paas_count_slot(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst);
void ngx_http_paas_expect_pool(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool);
ngx_uint_t ngx_http_paas_instance_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_pool_t *pool, ngx_http_paas_inst_t *inst);
ngx_uint_t ngx_http_paas_slot_active(ngx_http_paas_zone_t *zone,
    ngx_http_paas_slot_t *slot);
ngx_http_paas_slot_t *ngx_http_paas_look_slot(ngx_http_paas_zone_t *zone,
    uint64_t id);

#define ngx_http_paas_get_slot(zone, i)                                       \
    ((ngx_http_paas_slot_t *) ((zone)->slots + (i) * (zone)->slot_size))


#endif /* _NGX_HTTP_PAAS_ZONE_H_INCLUDED_ */
