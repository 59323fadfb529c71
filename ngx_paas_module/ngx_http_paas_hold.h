
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


#endif /* _NGX_HTTP_PAAS_HOLD_H_INCLUDED_ */
