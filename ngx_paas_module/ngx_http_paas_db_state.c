
/*
 * How a database is, for the log and the status page.
 */


#include "ngx_http_paas_module.h"


/* A host's record is damaged; the others may be well. */

void
ngx_http_paas_damage_db(ngx_http_paas_db_t *db, ngx_str_t *host,
    ngx_log_t *log)
{
    if (db->bad.len) {
        return;
    }

    db->bad.data = db->bad_data;
    db->bad.len = ngx_min(host->len, PAAS_ROUTEDB_HOST_MAX);
    ngx_memcpy(db->bad_data, host->data, db->bad.len);

    ngx_http_paas_settle_db(db, log);
}


/* Is the host whose record was damaged well again, with its pools? */

ngx_int_t
ngx_http_paas_reread_route(ngx_http_paas_db_t *db, void *data)
{
    int                  error;
    uint32_t             i, k;
    paas_routedb_host_t  host;
    paas_routedb_path_t  path;
    paas_routedb_pool_t  pool;

    error = paas_routedb_find_host(db->reader, (char *) db->bad.data,
                                   db->bad.len, &host);

    if (error == PAAS_ROUTEDB_ENOTFOUND) {
        return NGX_OK;
    }

    for (i = 0; error == PAAS_ROUTEDB_OK; i++) {

        error = paas_routedb_get_path(&host, i, &path);

        if (error == PAAS_ROUTEDB_ENOTFOUND) {
            return NGX_OK;
        }

        for (k = 0; error == PAAS_ROUTEDB_OK && k < path.ntargets; k++) {

            error = paas_routedb_find_pool(db->reader, &host,
                                           path.targets[k].pool, &pool);

            if (error == PAAS_ROUTEDB_ENOTFOUND) {
                error = PAAS_ROUTEDB_OK;
            }
        }
    }

    return NGX_DECLINED;
}


/* Works out the state, and tells of a change once. */

void
ngx_http_paas_settle_db(ngx_http_paas_db_t *db, ngx_log_t *log)
{
    ngx_http_paas_db_state_e  state;

    switch (db->error) {

    case PAAS_ROUTEDB_OK:
        state = db->bad.len ? NGX_HTTP_PAAS_DB_DAMAGED
                : db->stale ? NGX_HTTP_PAAS_DB_STALE
                            : NGX_HTTP_PAAS_DB_OK;
        break;

    case PAAS_ROUTEDB_EVERSION:
        state = NGX_HTTP_PAAS_DB_VERSION;
        break;

    case PAAS_ROUTEDB_EDAMAGED:
        state = NGX_HTTP_PAAS_DB_DAMAGED;
        break;

    default:
        state = NGX_HTTP_PAAS_DB_MISSING;
    }

    if (state == db->state) {
        return;
    }

    db->state = state;

    if (state == NGX_HTTP_PAAS_DB_OK) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "%s \"%V\" is readable again", db->name, &db->path);

    } else if (state == NGX_HTTP_PAAS_DB_STALE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "%s \"%V\" is gone or was replaced by one that can't "
                      "be used, the old one is kept", db->name, &db->path);

    } else if (db->error == PAAS_ROUTEDB_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "%s \"%V\": the record of host \"%V\" is damaged",
                      db->name, &db->path, &db->bad);

    } else {
        ngx_log_error(NGX_LOG_ERR, log,
                      db->error == PAAS_ROUTEDB_ESYS ? ngx_errno : 0,
                      "%s \"%V\": %s; %s", db->name, &db->path,
                      paas_routedb_strerror(db->error), db->effect);
    }
}


/* For the status page. */

const char *
ngx_http_paas_db_state(ngx_http_paas_db_t *db)
{
    static const char  *names[] = {
        "ok", "missing", "damaged", "version", "stale"
    };

    return names[db->state];
}
