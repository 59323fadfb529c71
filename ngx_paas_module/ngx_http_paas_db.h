
/*
 * A database, of routes or of certificates, as a worker has it open.
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


typedef struct ngx_http_paas_db_s  ngx_http_paas_db_t;

typedef ngx_int_t (*ngx_http_paas_read_pt)(ngx_http_paas_db_t *db, void *data);


struct ngx_http_paas_db_s {
    const char                 *name;      /* "route database" */
    const char                 *effect;    /* of one that can't be read */
    ngx_http_paas_read_pt       reread;    /* NGX_OK: bad is well again */
    ngx_str_t                   path;      /* of the folder, ends with NUL */
    ngx_str_t                   file;      /* of data.mdb, ends with NUL */
    paas_routedb_reader_t      *reader;    /* NULL: nothing can be read */

    ngx_http_paas_db_state_e    state;     /* what follows from these: */
    int                         error;     /* of the last open or begin */
    ngx_uint_t                  stale;     /* mapped, but no longer there */
    ngx_str_t                   bad;       /* host whose record is damaged */
    u_char                      bad_data[PAAS_ROUTEDB_HOST_MAX];

    const uint64_t             *words[2];  /* the larger is the last commit */
    volatile ngx_uint_t         faulted;   /* they are gone */
    uint64_t                    current;   /* what it is if nothing happened */
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
    ngx_http_paas_db_t         *next;      /* that this worker has open */
};


/* A generation of the database that requests were routed on. */

struct ngx_http_paas_view_s {
    uint64_t                    generation;
    ngx_uint_t                  refs;
    ngx_http_paas_view_t       *next;      /* a newer one */
};


/* ngx_http_paas_db_conf.c */

char *ngx_http_paas_set_routes(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_paas_set_db(ngx_conf_t *cf, ngx_http_paas_db_t *db,
    ngx_str_t *path);


/* ngx_http_paas_db.c */

void ngx_http_paas_init_db(ngx_http_paas_db_t *db, ngx_log_t *log);
void ngx_http_paas_close_db(ngx_http_paas_db_t *db);
ngx_int_t ngx_http_paas_read_db(ngx_http_paas_db_t *db,
    ngx_http_paas_read_pt read, void *data, ngx_log_t *log);
ngx_int_t ngx_http_paas_recheck_db(ngx_http_paas_db_t *db, ngx_log_t *log);
void ngx_http_paas_watch_db(ngx_http_paas_db_t *db, ngx_log_t *log);


/* ngx_http_paas_view.c */

void ngx_http_paas_note_txn(ngx_http_paas_db_t *db, uint64_t txn);
void ngx_http_paas_free_views(ngx_http_paas_db_t *db);
void ngx_http_paas_close_views(ngx_http_paas_db_t *db);


/* ngx_http_paas_db_state.c */

void ngx_http_paas_settle_db(ngx_http_paas_db_t *db, ngx_log_t *log);
void ngx_http_paas_damage_db(ngx_http_paas_db_t *db, ngx_str_t *host,
    ngx_log_t *log);
ngx_int_t ngx_http_paas_reread_route(ngx_http_paas_db_t *db, void *data);
const char *ngx_http_paas_db_state(ngx_http_paas_db_t *db);


/*
 * Looks whether there was a commit, and takes note of it; db->stamp tells.
 * Where there was none, this is two reads of the map, without a guard: see
 * ngx_http_paas_handle_fault().
 */

static ngx_inline ngx_int_t
ngx_http_paas_check_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    uint64_t  a, b;

    db->checked = ngx_current_msec;

    a = __atomic_load_n(db->words[0], __ATOMIC_ACQUIRE);
    b = __atomic_load_n(db->words[1], __ATOMIC_ACQUIRE);

    return ngx_max(a, b) == db->current ? NGX_OK
                                        : ngx_http_paas_recheck_db(db, log);
}


/* The generation that a request is routed on; NULL if there was never one. */

static ngx_inline ngx_http_paas_view_t *
ngx_http_paas_hold_view(ngx_http_paas_db_t *db)
{
    if (db->view) {
        db->view->refs++;
    }

    return db->view;
}


static ngx_inline void
ngx_http_paas_drop_view(ngx_http_paas_db_t *db, ngx_http_paas_view_t *view)
{
    if (--view->refs == 0 && view != db->view) {
        ngx_http_paas_free_views(db);
    }
}


#endif /* _NGX_HTTP_PAAS_DB_H_INCLUDED_ */
