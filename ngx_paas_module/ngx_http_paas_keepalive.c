
/*
 * Connections that are kept for further requests, in place of nginx's own
 * "keepalive".  That one knows an address only: when an instance is gone, and
 * another one got its address, a request might reach it, or not, by an old
 * connection.
 *
 * Here each connection bears the id of an instance that was at its address
 * while it was used.  It serves the same instance again; or any other that
 * the same state of the route database has at the same address, for then both
 * are one.  After a commit all are looked at, and those whose instance is
 * gone, draining or elsewhere are closed; until then they are told apart by
 * the stamp.
 *
 * No connection has a timer of its own: they leave from the old end of a
 * queue, as the worker's tick finds them.
 */


#include "ngx_http_paas_keepalive.h"


#define NGX_HTTP_PAAS_KEEP_MAX  65535
#define NGX_HTTP_PAAS_LOOKED    256    /* connections looked at, a tick */


typedef struct {
    ngx_http_paas_keepalive_t  *keep;
    uint64_t                    stamp;     /* or later */
    uint64_t                    pool;      /* the last one that was read */
    int                         error;
    paas_routedb_pool_t         record;
    ngx_uint_t                  left;      /* to be looked at */
} ngx_http_paas_sweep_t;


static ngx_http_paas_keepalive_t *ngx_http_paas_create_keepalive(
    ngx_conf_t *cf);
static ngx_int_t ngx_http_paas_parse_keepalive(
    ngx_http_paas_keepalive_t *keep, ngx_str_t *value);
static void ngx_http_paas_expire_kept(ngx_http_paas_keepalive_t *keep);
static ngx_int_t ngx_http_paas_sweep_kept(ngx_http_paas_keepalive_t *keep,
    uint64_t stamp, ngx_log_t *log);
static ngx_int_t ngx_http_paas_look_kept(ngx_http_paas_db_t *db, void *data);
static ngx_uint_t ngx_http_paas_is_there(ngx_http_paas_db_t *db,
    ngx_http_paas_sweep_t *sweep, ngx_http_paas_idle_t *idle);


/*
 * paas_keepalive off | NUMBER [per_instance=NUMBER] [timeout=TIME]
 *                    [requests=NUMBER] [time=TIME];
 */

char *
ngx_http_paas_set_keepalive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_srv_conf_t *pscf = conf;

    ngx_int_t                   n;
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_paas_keepalive_t  *keep;

    if (pscf->keep) {
        return "is duplicate";
    }

    keep = ngx_http_paas_create_keepalive(cf);
    if (keep == NULL) {
        return NGX_CONF_ERROR;
    }

    pscf->keep = keep;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        keep->max = 0;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters after \"off\"";
    }

    n = ngx_atoi(value[1].data, value[1].len);

    if (n < 1 || n > NGX_HTTP_PAAS_KEEP_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\", it may be \"off\" or "
                           "1 to %d", &value[1], NGX_HTTP_PAAS_KEEP_MAX);
        return NGX_CONF_ERROR;
    }

    keep->max = n;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_paas_parse_keepalive(keep, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it may be "
                               "\"per_instance=NUMBER\", \"timeout=TIME\", "
                               "\"requests=NUMBER\" or \"time=TIME\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_http_paas_keepalive_t *
ngx_http_paas_create_keepalive(ngx_conf_t *cf)
{
    ngx_http_paas_keepalive_t  *keep;

    keep = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_keepalive_t));
    if (keep == NULL) {
        return NULL;
    }

    keep->max = 128;
    keep->instance = 64;
    keep->requests = 1000;
    keep->timeout = 4000;
    keep->time = 3600000;

    return keep;
}


static ngx_int_t
ngx_http_paas_parse_keepalive(ngx_http_paas_keepalive_t *keep,
    ngx_str_t *value)
{
    size_t       len;
    ngx_int_t    n;
    ngx_str_t    s;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t    name;
        ngx_uint_t   time;
        size_t       offset;
    } params[] = {
        { ngx_string("per_instance="), 0,
          offsetof(ngx_http_paas_keepalive_t, instance) },
        { ngx_string("requests="), 0,
          offsetof(ngx_http_paas_keepalive_t, requests) },
        { ngx_string("timeout="), 1,
          offsetof(ngx_http_paas_keepalive_t, timeout) },
        { ngx_string("time="), 1,
          offsetof(ngx_http_paas_keepalive_t, time) }
    };

    for (i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        len = params[i].name.len;

        if (value->len <= len
            || ngx_strncmp(value->data, params[i].name.data, len) != 0)
        {
            continue;
        }

        s.data = value->data + len;
        s.len = value->len - len;

        n = params[i].time ? ngx_parse_time(&s, 0) : ngx_atoi(s.data, s.len);

        if (n < 1) {
            return NGX_ERROR;
        }

        *(ngx_uint_t *) ((char *) keep + params[i].offset) = n;

        return NGX_OK;
    }

    return NGX_ERROR;
}


/* After the configuration was read: with the directive or without. */

ngx_int_t
ngx_http_paas_init_keepalive(ngx_conf_t *cf, ngx_http_paas_srv_conf_t *pscf)
{
    ngx_uint_t                  i, n;
    ngx_http_paas_idle_t       *idle;
    ngx_http_paas_keepalive_t  *keep;
    ngx_http_paas_main_conf_t  *pmcf;

    if (pscf->keep == NULL) {
        pscf->keep = ngx_http_paas_create_keepalive(cf);

        if (pscf->keep == NULL) {
            return NGX_ERROR;
        }
    }

    keep = pscf->keep;

    if (keep->max == 0) {
        pscf->keep = NULL;
        return NGX_OK;
    }

    keep->instance = ngx_min(keep->instance, keep->max);

    for (n = 16; n < keep->max; n *= 2) { /* void */ }

    keep->mask = n - 1;
    keep->buckets = ngx_pcalloc(cf->pool, n * sizeof(void *));

    keep->spots = ngx_pcalloc(cf->pool,
                              keep->max * sizeof(ngx_http_paas_spot_t));

    idle = ngx_pcalloc(cf->pool, keep->max * sizeof(ngx_http_paas_idle_t));

    if (keep->buckets == NULL || keep->spots == NULL || idle == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&keep->queue);

    for (i = 0; i < keep->max; i++) {
        keep->spots[i].keep = keep;
        ngx_queue_init(&keep->spots[i].idle);

        idle[i].next = keep->free;
        keep->free = &idle[i];
    }

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);

    keep->pmcf = pmcf;
    keep->next = pmcf->keep;
    pmcf->keep = keep;

    return NGX_OK;
}


/*
 * Called by the worker's tick.  NGX_OK if no connection is kept to anyone
 * whom the route database did not have at the given stamp or later: only then
 * may the worker say that it has seen that state.
 */

ngx_int_t
ngx_http_paas_watch_kept(ngx_http_paas_main_conf_t *pmcf, uint64_t stamp,
    ngx_log_t *log)
{
    ngx_int_t                   rc;
    ngx_http_paas_keepalive_t  *keep;

    rc = NGX_OK;

    for (keep = pmcf->keep; keep; keep = keep->next) {

        ngx_http_paas_expire_kept(keep);

        if (keep->stamp < stamp
            && ngx_http_paas_sweep_kept(keep, stamp, log) != NGX_OK)
        {
            rc = NGX_AGAIN;
        }
    }

    return rc;
}


static void
ngx_http_paas_expire_kept(ngx_http_paas_keepalive_t *keep)
{
    ngx_queue_t           *q;
    ngx_http_paas_idle_t  *idle;

    while (!ngx_queue_empty(&keep->queue)) {
        q = ngx_queue_last(&keep->queue);
        idle = ngx_queue_data(q, ngx_http_paas_idle_t, queue);

        if (!ngx_http_paas_is_old(keep, idle)) {
            return;
        }

        ngx_http_paas_close_idle(idle);
    }
}


/*
 * Marks in the read transaction, and closes after it.  As long as nothing can
 * be read, connections to those that the cache has may go on.
 */

static ngx_int_t
ngx_http_paas_sweep_kept(ngx_http_paas_keepalive_t *keep, uint64_t stamp,
    ngx_log_t *log)
{
    ngx_int_t               rc;
    ngx_queue_t            *q, *next;
    ngx_http_paas_idle_t   *idle;
    ngx_http_paas_sweep_t   sweep;

    if (ngx_queue_empty(&keep->queue)) {
        keep->stamp = stamp;
        return NGX_OK;
    }

    sweep.keep = keep;
    sweep.stamp = stamp;
    sweep.pool = 0;
    sweep.left = NGX_HTTP_PAAS_LOOKED;

    rc = ngx_http_paas_read_db(&keep->pmcf->db, ngx_http_paas_look_kept,
                               &sweep, log);

    for (q = ngx_queue_head(&keep->queue);
         q != ngx_queue_sentinel(&keep->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        idle = ngx_queue_data(q, ngx_http_paas_idle_t, queue);

        if (idle->gone) {
            idle->gone = 0;
            ngx_http_paas_close_idle(idle);
        }
    }

    if (rc == NGX_OK) {
        keep->stamp = stamp;
    }

    return rc;
}


/* NGX_OK, or NGX_DECLINED if there are more. */

static ngx_int_t
ngx_http_paas_look_kept(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_sweep_t *sweep = data;

    ngx_queue_t                *q;
    ngx_http_paas_idle_t       *idle;
    ngx_http_paas_keepalive_t  *keep;

    keep = sweep->keep;

    for (q = ngx_queue_head(&keep->queue);
         q != ngx_queue_sentinel(&keep->queue);
         q = ngx_queue_next(q))
    {
        idle = ngx_queue_data(q, ngx_http_paas_idle_t, queue);

        if (idle->stamp >= sweep->stamp) {
            continue;
        }

        if (sweep->left-- == 0) {
            return NGX_DECLINED;
        }

        if (ngx_http_paas_is_there(db, sweep, idle)) {
            idle->stamp = db->stamp;

        } else {
            idle->gone = 1;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_paas_is_there(ngx_http_paas_db_t *db, ngx_http_paas_sweep_t *sweep,
    ngx_http_paas_idle_t *idle)
{
    uint32_t                   i;
    socklen_t                  len;
    paas_routedb_instance_t    r;
    ngx_http_paas_sockaddr_t   addr;

    if (sweep->pool != idle->pool) {
        sweep->pool = idle->pool;
        sweep->error = paas_routedb_find_pool(db->reader, NULL, idle->pool,
                                              &sweep->record);
    }

    if (sweep->error != PAAS_ROUTEDB_OK) {
        return 0;
    }

    for (i = 0; i < sweep->record.ninstances; i++) {

        if (paas_routedb_get_instance(&sweep->record, i, &r)
            != PAAS_ROUTEDB_OK)
        {
            return 0;
        }

        if (r.id != idle->instance) {
            continue;
        }

        len = ngx_http_paas_copy_address(&addr.sockaddr, &r);

        return !(r.flags & PAAS_ROUTEDB_DRAINING)
               && len == idle->spot->socklen
               && ngx_memcmp(&addr, &idle->spot->addr, len) == 0;
    }

    return 0;
}
