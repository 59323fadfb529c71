
/*
 * The route database, as a worker has it open.
 */


#ifndef _NGX_HTTP_PAAS_DB_H_INCLUDED_
#define _NGX_HTTP_PAAS_DB_H_INCLUDED_


typedef enum {
    NGX_HTTP_PAAS_DB_OK = 0,
    NGX_HTTP_PAAS_DB_MISSING,
    NGX_HTTP_PAAS_DB_DAMAGED,
    NGX_HTTP_PAAS_DB_VERSION,
    NGX_HTTP_PAAS_DB_STALE
} ngx_http_paas_db_state_e;


typedef struct {
    ngx_str_t                   path;      /* of the folder, ends with NUL */
    ngx_str_t                   file;      /* of data.mdb, ends with NUL */
    paas_routedb_reader_t      *reader;    /* NULL: nothing can be read */

    ngx_http_paas_db_state_e    state;     /* what follows from these: */
    int                         error;     /* of the last open or begin */
    ngx_uint_t                  stale;     /* mapped, but no longer there */
    ngx_str_t                   bad;       /* host whose record is damaged */
    u_char                      bad_data[PAAS_ROUTEDB_HOST_MAX];

    uint64_t                    txn;       /* of the last read */
    uint64_t                    stamp;     /* one more with each txn or file */
    ngx_uint_t                  opened;    /* one more with each file */
    paas_routedb_meta_t         meta;
    ngx_msec_t                  changed;   /* when the txn was seen first */
    ngx_msec_t                  checked;   /* when the txn was looked at */
    ngx_msec_t                  looked;    /* when the file was looked at */

    dev_t                       dev;       /* what the reader has mapped */
    ino_t                       ino;
    ino_t                       bad_ino;   /* a file that could not be used */
    off_t                       bad_size;
    ngx_msec_t                  bad_until; /* not again before */

    ngx_http_paas_view_t       *view;      /* of the current generation */
    ngx_http_paas_view_t       *oldest;
} ngx_http_paas_db_t;


/* A generation of the database that requests were routed on. */

struct ngx_http_paas_view_s {
    uint64_t                    generation;
    ngx_uint_t                  refs;
    ngx_http_paas_view_t       *next;      /* a newer one */
};


#endif /* _NGX_HTTP_PAAS_DB_H_INCLUDED_ */
