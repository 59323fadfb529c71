
/*
 * The worker's environment of a database, of routes or of certificates.  It
 * may be missing, damaged or replaced at any moment: then what is cached goes
 * on, the log and the status page say so once, and it recovers by itself.
 */


#include "ngx_http_paas_module.h"

#include <setjmp.h>
#include <signal.h>


#define NGX_HTTP_PAAS_LOOK   100     /* ms between looks at the file */
#define NGX_HTTP_PAAS_RETRY  1000    /* ms until a bad file is tried again */

#define NGX_HTTP_PAAS_NEVER  0xffffffffffffffffULL  /* no commit's number */


/*
 * The file is mapped: whoever truncates it makes a read of it a signal.  The
 * guard is up between begin and end only, when nothing is waited for, so one
 * for the process is enough.
 */

static volatile sig_atomic_t  ngx_http_paas_guard;
static ngx_http_paas_db_t    *ngx_http_paas_dbs;
static const uint64_t         ngx_http_paas_no_word;
static sigjmp_buf             ngx_http_paas_jump;
static struct sigaction       ngx_http_paas_sigbus;
static struct sigaction       ngx_http_paas_sigsegv;


static void ngx_http_paas_init_guard(ngx_log_t *log);
static void ngx_http_paas_handle_fault(int signo, siginfo_t *info,
    void *context);
static ngx_uint_t ngx_http_paas_patch_word(u_char *addr);
static void ngx_http_paas_note_words(ngx_http_paas_db_t *db);
static void ngx_http_paas_lose_db(ngx_http_paas_db_t *db, ngx_log_t *log);
static void ngx_http_paas_look_db(ngx_http_paas_db_t *db, ngx_log_t *log);
static void ngx_http_paas_open_db(ngx_http_paas_db_t *db,
    ngx_file_info_t *fi, ngx_log_t *log);
static ngx_int_t ngx_http_paas_map_db(ngx_http_paas_db_t *db,
    paas_routedb_reader_t **reader, int *error);


/* Opens what can be opened; the rest is left to ngx_http_paas_watch_db(). */

void
ngx_http_paas_init_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    ngx_http_paas_init_guard(log);

    db->next = ngx_http_paas_dbs;
    ngx_http_paas_dbs = db;

    db->stamp = 1;
    db->changed = ngx_current_msec;

    ngx_http_paas_note_words(db);

    ngx_http_paas_look_db(db, log);
}


/* Once for all databases: the handlers before it would be lost otherwise. */

static void
ngx_http_paas_init_guard(ngx_log_t *log)
{
    struct sigaction   sa;
    static ngx_uint_t  done;

    if (done) {
        return;
    }

    done = 1;

    ngx_memzero(&sa, sizeof(struct sigaction));

    sa.sa_sigaction = ngx_http_paas_handle_fault;
    sa.sa_flags = SA_NODEFER|SA_SIGINFO;
    sigemptyset(&sa.sa_mask);

    if (sigaction(SIGBUS, &sa, &ngx_http_paas_sigbus) == -1
        || sigaction(SIGSEGV, &sa, &ngx_http_paas_sigsegv) == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, "sigaction() failed");
    }
}


void
ngx_http_paas_close_db(ngx_http_paas_db_t *db)
{
    if (db->reader) {
        paas_routedb_reader_close(db->reader);
        db->reader = NULL;
    }

    ngx_http_paas_note_words(db);

    ngx_http_paas_close_views(db);
}


static void
ngx_http_paas_handle_fault(int signo, siginfo_t *info, void *context)
{
    if (ngx_http_paas_guard) {
        ngx_http_paas_guard = 0;
        siglongjmp(ngx_http_paas_jump, 1);
    }

    if (signo == SIGBUS && ngx_http_paas_patch_word(info->si_addr)) {
        return;
    }

    /* not ours: the instruction is run again, under the handler before us */

    (void) sigaction(signo, signo == SIGBUS ? &ngx_http_paas_sigbus
                                            : &ngx_http_paas_sigsegv,
                     NULL);
}


/*
 * The words that tell of a commit are read at each request, and without a
 * guard.  When they are gone, a page of zeros takes their place: that is no
 * commit's number, so that ngx_http_paas_recheck_db() gives the reader up.
 */

static ngx_uint_t
ngx_http_paas_patch_word(u_char *addr)
{
    size_t               mask;
    u_char              *page;
    ngx_uint_t           i;
    ngx_http_paas_db_t  *db;

    mask = ngx_pagesize - 1;
    page = (u_char *) ((uintptr_t) addr & ~mask);

    for (db = ngx_http_paas_dbs; db; db = db->next) {

        for (i = 0; i < 2; i++) {

            if (((uintptr_t) db->words[i] & ~mask) == (uintptr_t) page) {
                db->faulted = 1;

                return mmap(page, ngx_pagesize, PROT_READ,
                            MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)
                       == page;
            }
        }
    }

    return 0;
}


/* After a read: the map may be another one. */

static void
ngx_http_paas_note_words(ngx_http_paas_db_t *db)
{
    if (db->reader && db->error == PAAS_ROUTEDB_OK
        && paas_routedb_words(db->reader, db->words) == 0)
    {
        db->current = db->txn;
        return;
    }

    db->words[0] = &ngx_http_paas_no_word;
    db->words[1] = &ngx_http_paas_no_word;
    db->current = NGX_HTTP_PAAS_NEVER;
}


/*
 * Calls read() inside one read transaction.  It must not wait, and must not
 * keep what points into the map.  NGX_ERROR if the database can't be read,
 * NGX_AGAIN if what was read has to be thrown away, else what read() returns.
 */

ngx_int_t
ngx_http_paas_read_db(ngx_http_paas_db_t *db, ngx_http_paas_read_pt read,
    void *data, ngx_log_t *log)
{
    int        error;
    uint64_t   txn;
    ngx_int_t  rc;

    if (db->reader == NULL) {
        return NGX_ERROR;
    }

    if (sigsetjmp(ngx_http_paas_jump, 0) != 0) {

        ngx_http_paas_lose_db(db, log);
        return NGX_ERROR;
    }

    ngx_http_paas_guard = 1;

    error = paas_routedb_begin_at(db->reader, ngx_current_msec, &txn);

    if (error == PAAS_ROUTEDB_OK) {

        if (txn != db->txn) {
            ngx_http_paas_note_txn(db, txn);
        }

        rc = read ? read(db, data) : NGX_OK;

        if (paas_routedb_end(db->reader) != PAAS_ROUTEDB_OK) {

            /*
             * Too slow: its pages may have been used again meanwhile.  Or the
             * time was an old one, in a worker that has been busy for long.
             */

            ngx_time_update();

            db->stamp++;
            rc = NGX_AGAIN;
        }

    } else {
        rc = NGX_ERROR;
    }

    ngx_http_paas_guard = 0;

    if (error != db->error) {
        db->error = error;
        ngx_http_paas_settle_db(db, log);
    }

    ngx_http_paas_note_words(db);

    return rc;
}


/* Where the words have changed, or are not known. */

ngx_int_t
ngx_http_paas_recheck_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    uint64_t  txn;

    if (db->reader == NULL) {
        return NGX_ERROR;
    }

    if (db->faulted) {
        db->faulted = 0;
        ngx_http_paas_lose_db(db, log);
        return NGX_ERROR;
    }

    if (sigsetjmp(ngx_http_paas_jump, 0) != 0) {
        ngx_http_paas_lose_db(db, log);
        return NGX_ERROR;
    }

    ngx_http_paas_guard = 1;
    txn = paas_routedb_peek(db->reader);
    ngx_http_paas_guard = 0;

    if (txn == db->txn && db->error == PAAS_ROUTEDB_OK) {
        ngx_http_paas_note_words(db);
        return NGX_OK;
    }

    return ngx_http_paas_read_db(db, NULL, NULL, log);
}


/* After a fault the reader is fit for closing only. */

static void
ngx_http_paas_lose_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    ngx_file_info_t  fi;

    paas_routedb_reader_close(db->reader);

    db->reader = NULL;
    ngx_http_paas_note_words(db);

    db->error = PAAS_ROUTEDB_EDAMAGED;
    db->bad_ino = db->ino;
    db->bad_size = (ngx_file_info(db->file.data, &fi) == NGX_FILE_ERROR)
                   ? -1 : fi.st_size;
    db->bad_until = ngx_current_msec + NGX_HTTP_PAAS_RETRY;

    ngx_http_paas_settle_db(db, log);
}


/* Called by the worker's tick: follows commits and the file itself. */

void
ngx_http_paas_watch_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    (void) ngx_http_paas_check_db(db, log);

    if (db->bad.len
        && ngx_http_paas_read_db(db, db->reread, NULL, log) == NGX_OK)
    {
        db->bad.len = 0;
        ngx_http_paas_settle_db(db, log);
    }

    if (ngx_current_msec - db->looked >= NGX_HTTP_PAAS_LOOK) {
        ngx_http_paas_look_db(db, log);
    }
}


static void
ngx_http_paas_look_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    ngx_file_info_t  fi;

    db->looked = ngx_current_msec;

    if (ngx_file_info(db->file.data, &fi) == NGX_FILE_ERROR) {

        if (db->reader) {
            db->stale = 1;

        } else {
            db->error = (ngx_errno == NGX_ENOENT) ? PAAS_ROUTEDB_EMISSING
                                                  : PAAS_ROUTEDB_ESYS;
        }

        ngx_http_paas_settle_db(db, log);
        return;
    }

    if (db->reader && fi.st_ino == db->ino && fi.st_dev == db->dev) {
        db->stale = 0;
        ngx_http_paas_settle_db(db, log);
        return;
    }

    if (fi.st_ino == db->bad_ino && fi.st_size == db->bad_size
        && (db->bad_until == 0
            || (ngx_msec_int_t) (db->bad_until - ngx_current_msec) > 0))
    {
        return;
    }

    ngx_http_paas_open_db(db, &fi, log);
    ngx_http_paas_settle_db(db, log);
}


/* Maps the file beside the one in use, and takes it if it is good. */

static void
ngx_http_paas_open_db(ngx_http_paas_db_t *db, ngx_file_info_t *fi,
    ngx_log_t *log)
{
    int                     error;
    ngx_int_t               rc;
    ngx_file_info_t         now;
    paas_routedb_reader_t  *reader;

    rc = ngx_http_paas_map_db(db, &reader, &error);

    if (rc == NGX_OK
        && (ngx_file_info(db->file.data, &now) == NGX_FILE_ERROR
            || now.st_ino != fi->st_ino || now.st_dev != fi->st_dev))
    {
        /* replaced meanwhile, and nobody knows which one was mapped */

        paas_routedb_reader_close(reader);
        return;
    }

    if (rc != NGX_OK) {
        db->bad_ino = fi->st_ino;
        db->bad_size = fi->st_size;

        /* after a fault, not before the size has changed: see below */

        db->bad_until = (rc == NGX_ABORT)
                        ? 0 : ngx_current_msec + NGX_HTTP_PAAS_RETRY;

        if (db->reader) {
            db->stale = 1;

        } else {
            db->error = error;
        }

        return;
    }

    if (db->reader) {
        paas_routedb_reader_close(db->reader);

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "%s \"%V\" was replaced", db->name, &db->path);
    }

    db->reader = reader;
    db->opened++;
    db->dev = fi->st_dev;
    db->ino = fi->st_ino;
    db->bad_ino = 0;
    db->stale = 0;
    db->bad.len = 0;
    db->txn = 0;
    db->error = PAAS_ROUTEDB_OK;

    (void) ngx_http_paas_recheck_db(db, log);
}


/*
 * NGX_ABORT after a fault: what the library had allocated until then is lost,
 * so this must not be repeated on the same file.
 */

static ngx_int_t
ngx_http_paas_map_db(ngx_http_paas_db_t *db, paas_routedb_reader_t **reader,
    int *error)
{
    *error = PAAS_ROUTEDB_EDAMAGED;

    if (sigsetjmp(ngx_http_paas_jump, 0) != 0) {
        return NGX_ABORT;
    }

    ngx_http_paas_guard = 1;
    *error = paas_routedb_reader_open(reader, (char *) db->path.data);
    ngx_http_paas_guard = 0;

    return *error == PAAS_ROUTEDB_OK ? NGX_OK : NGX_ERROR;
}
