
/*
 * Requests that wait, in the zone and in a worker.
 */


#ifndef _NGX_HTTP_PAAS_HOLD_H_INCLUDED_
#define _NGX_HTTP_PAAS_HOLD_H_INCLUDED_


/* How many wait for a pool, and since when, see ngx_http_paas_queue.c. */

typedef struct {
    uint64_t                    head;      /* the first ticket; 0: none */
    uint32_t                    count;
} ngx_http_paas_place_t;


typedef struct {
    ngx_atomic_t                woken;     /* ms, see ngx_http_paas_wake.c */
    uint16_t                    app_len;
    uint16_t                    type_len;
    u_char                      app[NGX_HTTP_PAAS_NAME_LEN];
    u_char                      type[NGX_HTTP_PAAS_NAME_LEN];
    ngx_http_paas_place_t       places[1]; /* one a row */
} ngx_http_paas_queue_t;


/* Those of this worker, see ngx_http_paas_line.c. */

typedef struct {
    ngx_queue_t                 queue;     /* of lines that are not empty */
    ngx_queue_t                 requests;  /* by ticket */
    uint32_t                    number;    /* of the queue in the zone */
    ngx_uint_t                  count;
    uint64_t                    stamp;     /* all were looked at */
    ngx_uint_t                  round;
} ngx_http_paas_line_t;


typedef struct {
    ngx_uint_t                  pool;      /* requests at most, of a pool */
    ngx_uint_t                  total;     /* and in all */
    ngx_queue_t                 busy;
    ngx_http_paas_line_t       *lines;     /* NULL: none was held yet */
    ngx_uint_t                  round;
    ngx_event_t                 poll;
    ngx_addr_t                 *wake;
    ngx_socket_t                fd;        /* for that */
} ngx_http_paas_hold_t;


struct ngx_http_paas_held_s {
    ngx_http_paas_ctx_t        *ctx;
    ngx_http_paas_line_t       *line;      /* NULL: not now */
    ngx_log_t                  *log;

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_int_t                   ident;

    ngx_queue_t                 queue;
    ngx_event_t                 timer;
    uint64_t                    ticket;
    ngx_msec_t                  since;
    ngx_msec_t                  before;    /* ms, in holds before this one */
    ngx_msec_t                  failed;    /* when the last attempt did */
    ngx_http_paas_code_e        failure;
    unsigned                    again:1;   /* taken back from the upstream */
    unsigned                    moved:1;   /* to wait for another pool */
};


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


#endif /* _NGX_HTTP_PAAS_HOLD_H_INCLUDED_ */
