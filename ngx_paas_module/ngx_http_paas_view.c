
/*
 * Generations of a database: which one a worker is at, and the oldest one that
 * a request of its was routed on, for which the manager waits.
 */


#include "ngx_http_paas_module.h"


/* A commit that was not seen before; its meta can be read now. */

void
ngx_http_paas_note_txn(ngx_http_paas_db_t *db, uint64_t txn)
{
    ngx_http_paas_view_t  *view;

    db->txn = txn;
    db->stamp++;
    db->changed = ngx_current_msec;

    (void) paas_routedb_get_meta(db->reader, &db->meta);

    if (db->view && db->view->generation == db->meta.generation) {
        return;
    }

    view = ngx_alloc(sizeof(ngx_http_paas_view_t), ngx_cycle->log);
    if (view == NULL) {
        return;
    }

    view->generation = db->meta.generation;
    view->refs = 0;
    view->next = NULL;

    if (db->view) {
        db->view->next = view;

    } else {
        db->oldest = view;
    }

    db->view = view;

    ngx_http_paas_free_views(db);
}


/* Those that no request was routed on any more, and no new one will be. */

void
ngx_http_paas_free_views(ngx_http_paas_db_t *db)
{
    ngx_http_paas_view_t  *view;

    while (db->oldest != db->view && db->oldest->refs == 0) {
        view = db->oldest;
        db->oldest = view->next;
        ngx_free(view);
    }
}


void
ngx_http_paas_close_views(ngx_http_paas_db_t *db)
{
    ngx_http_paas_view_t  *view;

    while (db->oldest) {
        view = db->oldest;
        db->oldest = view->next;
        ngx_free(view);
    }

    db->view = NULL;
}
