
/*
 * Directives, and the worker's life.
 */


#include "ngx_http_paas_keepalive.h"


static void *ngx_http_paas_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_paas_create_srv_conf(ngx_conf_t *cf);
static char *ngx_http_paas_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void *ngx_http_paas_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_paas_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_paas_preconfigure(ngx_conf_t *cf);
static ngx_int_t ngx_http_paas_postconfigure(ngx_conf_t *cf);
static char *ngx_http_paas_set_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

static ngx_int_t ngx_http_paas_init_worker(ngx_cycle_t *cycle);
static void ngx_http_paas_exit_worker(ngx_cycle_t *cycle);
static void ngx_http_paas_tick_worker(ngx_event_t *ev);


static ngx_command_t  ngx_http_paas_commands[] = {

    { ngx_string("paas_routes"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_paas_set_routes,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

#if (NGX_HTTP_PAAS_CERTS)

    { ngx_string("paas_certs"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE12,
      ngx_http_paas_set_certs,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

#endif

    { ngx_string("paas_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE23,
      ngx_http_paas_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_http_paas_set_enable,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_paas_loc_conf_t, enable),
      NULL },

    { ngx_string("paas"),
      NGX_HTTP_UPS_CONF|NGX_CONF_NOARGS,
      ngx_http_paas_upstream,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_keepalive"),
      NGX_HTTP_UPS_CONF|NGX_CONF_1MORE,
      ngx_http_paas_set_keepalive,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_hold"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_paas_set_hold,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_wake"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_paas_set_wake,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_trust"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_paas_set_trust,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_https_port"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_paas_set_https_port,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("paas_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_paas_set_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_paas_module_ctx = {
    ngx_http_paas_preconfigure,            /* preconfiguration */
    ngx_http_paas_postconfigure,           /* postconfiguration */

    ngx_http_paas_create_main_conf,        /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_paas_create_srv_conf,         /* create server configuration */
    ngx_http_paas_merge_srv_conf,          /* merge server configuration */

    ngx_http_paas_create_loc_conf,         /* create location configuration */
    ngx_http_paas_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_paas_module = {
    NGX_MODULE_V1,
    &ngx_http_paas_module_ctx,             /* module context */
    ngx_http_paas_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_paas_init_worker,             /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_paas_exit_worker,             /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * Never fails: nginx would not start that worker again.  Helper processes
 * route nothing, and must not be counted as workers.
 */

static ngx_int_t
ngx_http_paas_init_worker(ngx_cycle_t *cycle)
{
    ngx_http_paas_main_conf_t  *pmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_paas_module);

    if (pmcf == NULL) {
        return NGX_OK;
    }

#if (NGX_HTTP_PAAS_CERTS)
    if (pmcf->certs) {
        ngx_http_paas_open_certs(pmcf->certs, cycle->log);
    }
#endif

    if (pmcf->db.path.len == 0 || pmcf->zone == NULL) {
        return NGX_OK;
    }

    pmcf->seed = ngx_http_paas_hash((u_char *) &ngx_pid, sizeof(ngx_pid_t))
                 ^ ((uint64_t) ngx_time() << 20) ^ ngx_current_msec;

    if (pmcf->seed == 0) {
        pmcf->seed = 1;
    }

    ngx_http_paas_take_row(pmcf->zone, cycle->log);
    ngx_http_paas_init_db(&pmcf->db, cycle->log);
    ngx_http_paas_init_lines(pmcf, cycle->log);
    ngx_http_paas_init_sticky(cycle->log);

    pmcf->dummy.fd = (ngx_socket_t) -1;
    pmcf->dummy.data = pmcf;

    pmcf->tick.data = &pmcf->dummy;
    pmcf->tick.handler = ngx_http_paas_tick_worker;
    pmcf->tick.log = cycle->log;
    pmcf->tick.cancelable = 1;

    ngx_http_paas_tick_worker(&pmcf->tick);

    return NGX_OK;
}


static void
ngx_http_paas_exit_worker(ngx_cycle_t *cycle)
{
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_paas_module);

    if (pmcf == NULL) {
        return;
    }

#if (NGX_HTTP_PAAS_CERTS)
    if (pmcf->certs && pmcf->certs->open) {
        ngx_http_paas_close_certs(pmcf->certs);
    }
#endif

    if (!pmcf->tick.handler) {
        return;
    }

    ngx_http_paas_leave_row(pmcf->zone);
    ngx_http_paas_close_lines(pmcf);
    ngx_http_paas_close_sticky(pmcf);
    ngx_http_paas_close_db(&pmcf->db);
    ngx_http_paas_close_cache(&pmcf->cache);
    ngx_http_paas_close_patterns(&pmcf->patterns);

    ngx_http_paas_free_ctxs(pmcf);
    ngx_http_paas_free_sessions(pmcf);
    ngx_http_paas_free_spots(pmcf);
}


/*
 * Keeps an idle worker up to date: the manager waits for the generation that
 * each worker reports, and rows of dead workers are to go within 100 ms.
 */

static void
ngx_http_paas_tick_worker(ngx_event_t *ev)
{
    ngx_connection_t           *dummy;
    ngx_http_paas_row_t        *row;
    ngx_http_paas_view_t       *oldest;
    ngx_http_paas_main_conf_t  *pmcf;

    dummy = ev->data;
    pmcf = dummy->data;

    ngx_http_paas_watch_leave();
    ngx_http_paas_watch_db(&pmcf->db, ev->log);
    (void) ngx_http_paas_load_patterns(pmcf, ev->log);
    ngx_http_paas_reap_rows(pmcf->zone, ev->log);

    if (pmcf->sweep == 0) {
        pmcf->sweep = pmcf->db.stamp;
        pmcf->swept = pmcf->db.meta.generation;
    }

    if (ngx_http_paas_watch_kept(pmcf, pmcf->sweep, ev->log) == NGX_OK) {

        /* no request, nor a connection for one, is on anything older */

        if (!pmcf->zone->shared) {
            row = pmcf->zone->row;
            oldest = pmcf->db.oldest;
            row->generation = pmcf->swept;
            row->oldest = oldest ? ngx_min(oldest->generation, pmcf->swept)
                                 : pmcf->swept;
        }

        pmcf->sweep = 0;
    }

    ngx_add_timer(ev, NGX_HTTP_PAAS_TICK);
}


static ngx_int_t
ngx_http_paas_preconfigure(ngx_conf_t *cf)
{
    return ngx_http_paas_add_variables(cf);
}


static ngx_int_t
ngx_http_paas_postconfigure(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);

    if (ngx_http_paas_check_upstreams(cf) != NGX_OK) {
        return NGX_ERROR;
    }

#if (NGX_HTTP_PAAS_CERTS)
    if (ngx_http_paas_init_certs(cf) != NGX_OK) {
        return NGX_ERROR;
    }
#endif

    if (!pmcf->on && !pmcf->upstream) {
        return NGX_OK;
    }

    if (pmcf->db.path.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"paas\" needs \"paas_routes\", the folder of the "
                      "route database, in the http block");
        return NGX_ERROR;
    }

    if (pmcf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"paas\" needs \"paas_zone\" in the http block, "
                      "such as \"paas_zone paas 32m\"");
        return NGX_ERROR;
    }

    ngx_conf_init_uint_value(pmcf->hold.pool, 1000);
    ngx_conf_init_uint_value(pmcf->hold.total, 10000);

    if (ngx_http_paas_init_cache(cf, &pmcf->cache) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_paas_preaccess_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_paas_precontent_handler;

    return ngx_http_paas_init_filters(cf);
}


static void *
ngx_http_paas_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_main_conf_t));
    if (pmcf == NULL) {
        return NULL;
    }

    pmcf->hold.pool = NGX_CONF_UNSET_UINT;
    pmcf->hold.total = NGX_CONF_UNSET_UINT;
    pmcf->realip = NGX_CONF_UNSET;

    return pmcf;
}


static void *
ngx_http_paas_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_paas_srv_conf_t  *pscf;

    pscf = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_srv_conf_t));
    if (pscf == NULL) {
        return NULL;
    }

    pscf->certs = NGX_CONF_UNSET_PTR;

    return pscf;
}


static char *
ngx_http_paas_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_paas_srv_conf_t  *prev = parent;
    ngx_http_paas_srv_conf_t  *conf = child;

    conf->inherited = (conf->certs == NGX_CONF_UNSET_PTR);

    ngx_conf_merge_ptr_value(conf->certs, prev->certs, NULL);

    return NGX_CONF_OK;
}


static void *
ngx_http_paas_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_paas_loc_conf_t  *plcf;

    plcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_loc_conf_t));
    if (plcf == NULL) {
        return NULL;
    }

    plcf->enable = NGX_CONF_UNSET;
    plcf->trust = NGX_CONF_UNSET_PTR;

    return plcf;
}


static char *
ngx_http_paas_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_paas_loc_conf_t  *prev = parent;
    ngx_http_paas_loc_conf_t  *conf = child;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->trust, prev->trust, NULL);
    ngx_conf_merge_str_value(conf->https_port, prev->https_port, "");

    return NGX_CONF_OK;
}


static char *
ngx_http_paas_set_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_main_conf_t  *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);
    pmcf->on = 1;

    return ngx_conf_set_flag_slot(cf, cmd, conf);
}
