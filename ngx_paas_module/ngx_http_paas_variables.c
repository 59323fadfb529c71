
/*
 * Variables, for proxy_set_header and the access log.  None is worked out
 * before somebody asks for it.
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_add_table(ngx_conf_t *cf,
    ngx_http_variable_t *v);
static ngx_int_t ngx_http_paas_get_host(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_get_upgrade(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_http_paas_ctx_t *ngx_http_paas_route_early(ngx_http_request_t *r);
static ngx_int_t ngx_http_paas_get_string(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_get_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_get_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_get_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


enum {
    NGX_HTTP_PAAS_VAR_APP = 0,
    NGX_HTTP_PAAS_VAR_TYPE,
    NGX_HTTP_PAAS_VAR_ERROR,
    NGX_HTTP_PAAS_VAR_HCODE,
    NGX_HTTP_PAAS_VAR_POOL,
    NGX_HTTP_PAAS_VAR_INSTANCE,
    NGX_HTTP_PAAS_VAR_ATTEMPTS,
    NGX_HTTP_PAAS_VAR_HOLD,
    NGX_HTTP_PAAS_VAR_CONNECT,
    NGX_HTTP_PAAS_VAR_RESPONSE
};


static ngx_str_t  ngx_http_paas_websocket = ngx_string("websocket");
static ngx_str_t  ngx_http_paas_upgrade_name = ngx_string("upgrade");


static ngx_http_variable_t  ngx_http_paas_vars[] = {

    /* name of the app; empty if there is none */

    { ngx_string("paas_app"), NULL, ngx_http_paas_get_string,
      NGX_HTTP_PAAS_VAR_APP, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* process type of the pool, such as "web" */

    { ngx_string("paas_type"), NULL, ngx_http_paas_get_string,
      NGX_HTTP_PAAS_VAR_TYPE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* id of the pool, 16 hexadecimal digits */

    { ngx_string("paas_pool"), NULL, ngx_http_paas_get_number,
      NGX_HTTP_PAAS_VAR_POOL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* id of the instance that was chosen last, 16 hexadecimal digits */

    { ngx_string("paas_instance"), NULL, ngx_http_paas_get_number,
      NGX_HTTP_PAAS_VAR_INSTANCE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* attempts that were made, 0 if it never came to one */

    { ngx_string("paas_attempts"), NULL, ngx_http_paas_get_number,
      NGX_HTTP_PAAS_VAR_ATTEMPTS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* s it was held, with milliseconds; none if it never was */

    { ngx_string("paas_hold_time"), NULL, ngx_http_paas_get_number,
      NGX_HTTP_PAAS_VAR_HOLD, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* s of the last attempt, until it was connected and in all */

    { ngx_string("paas_connect_time"), NULL, ngx_http_paas_get_time,
      NGX_HTTP_PAAS_VAR_CONNECT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("paas_response_time"), NULL, ngx_http_paas_get_time,
      NGX_HTTP_PAAS_VAR_RESPONSE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* the error's name, as in X-Paas-Error, and Heroku's code for it */

    { ngx_string("paas_error"), NULL, ngx_http_paas_get_string,
      NGX_HTTP_PAAS_VAR_ERROR, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("paas_error_code"), NULL, ngx_http_paas_get_string,
      NGX_HTTP_PAAS_VAR_HCODE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* for proxy_set_header: Host, Upgrade and Connection */

    { ngx_string("paas_host"), NULL, ngx_http_paas_get_host,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("paas_upgrade"), NULL, ngx_http_paas_get_upgrade,
      (uintptr_t) &ngx_http_paas_websocket, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("paas_connection"), NULL, ngx_http_paas_get_upgrade,
      (uintptr_t) &ngx_http_paas_upgrade_name, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* the client's X-Request-Id if it is fit for a log, else a random one */

    { ngx_string("paas_request_id"), NULL, ngx_http_paas_get_request_id,
      0, 0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_paas_add_variables(ngx_conf_t *cf)
{
    if (ngx_http_paas_add_table(cf, ngx_http_paas_vars) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_paas_add_table(cf, ngx_http_paas_forwarded_vars) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_paas_add_captures(cf);
}


static ngx_int_t
ngx_http_paas_add_table(ngx_conf_t *cf, ngx_http_variable_t *v)
{
    ngx_http_variable_t  *var;

    for ( /* void */ ; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* These are what each request needs that is proxied. */

static ngx_int_t
ngx_http_paas_get_host(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx == NULL) {
        ctx = ngx_http_paas_route_early(r);
    }

    if (ctx == NULL || ctx->error == NGX_HTTP_PAAS_BAD_HOST) {
        *v = ngx_http_variable_null_value;
        return NGX_OK;
    }

    v->data = ctx->name.data;
    v->len = ctx->name.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_get_upgrade(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t *name = (ngx_str_t *) data;

    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx == NULL) {
        ctx = ngx_http_paas_route_early(r);
    }

    v->data = name->data;
    v->len = (ctx && ctx->upgrade) ? name->len : 0;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* Without "paas on" they are asked for before the balancer wants a route. */

static ngx_http_paas_ctx_t *
ngx_http_paas_route_early(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_paas_find_ctx(r);

    if (ctx || r->upstream == NULL) {
        return ctx;
    }

    ctx = ngx_http_paas_get_ctx(r);

    return (ctx && ngx_http_paas_route_request(ctx) != NGX_ERROR) ? ctx : NULL;
}


static ngx_int_t
ngx_http_paas_get_string(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t             s;
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_paas_find_ctx(r);

    ngx_str_null(&s);

    if (ctx) {
        switch (data) {

        case NGX_HTTP_PAAS_VAR_APP:
            if (ctx->pool) {
                s = ctx->pool->app;
            }
            break;

        case NGX_HTTP_PAAS_VAR_TYPE:
            if (ctx->pool) {
                s = ctx->pool->type;
            }
            break;

        case NGX_HTTP_PAAS_VAR_ERROR:
            s = ngx_http_paas_get_error(ctx->error)->name;
            break;

        default: /* NGX_HTTP_PAAS_VAR_HCODE */
            s = ngx_http_paas_get_error(ctx->error)->hcode;
        }
    }

    if (s.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = s.data;
    v->len = s.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_get_number(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                *p;
    ngx_msec_t             ms;
    ngx_http_paas_ctx_t   *ctx;
    ngx_http_paas_held_t  *held;

    ctx = ngx_http_paas_find_ctx(r);

    if (ctx == NULL
        || (data == NGX_HTTP_PAAS_VAR_POOL && ctx->pool == NULL)
        || (data == NGX_HTTP_PAAS_VAR_INSTANCE && ctx->attempts == 0)
        || (data == NGX_HTTP_PAAS_VAR_HOLD && ctx->held == NULL))
    {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;

    switch (data) {

    case NGX_HTTP_PAAS_VAR_POOL:
        p = ngx_sprintf(p, "%016xL", ctx->pool->id);
        break;

    case NGX_HTTP_PAAS_VAR_INSTANCE:
        p = ngx_sprintf(p, "%016xL", ctx->instance);
        break;

    case NGX_HTTP_PAAS_VAR_ATTEMPTS:
        p = ngx_sprintf(p, "%ui", ctx->attempts);
        break;

    default: /* NGX_HTTP_PAAS_VAR_HOLD */
        held = ctx->held;
        ms = held->before + (held->line ? ngx_current_msec - held->since : 0);
        p = ngx_sprintf(p, "%T.%03M", (time_t) ms / 1000, ms % 1000);
    }

    v->len = p - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/*
 * As $upstream_connect_time and the like, which are lists of all attempts, of
 * the last one alone: a number.
 */

static ngx_int_t
ngx_http_paas_get_time(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                     *p;
    ngx_msec_t                  ms;
    ngx_uint_t                  n;
    ngx_http_paas_ctx_t        *ctx;
    ngx_http_upstream_state_t  *state;

    ctx = ngx_http_paas_find_ctx(r);

    v->not_found = 1;

    if (ctx == NULL || ctx->attempts == 0 || r->upstream_states == NULL) {
        return NGX_OK;
    }

    state = r->upstream_states->elts;

    for (n = r->upstream_states->nelts; n; n--) {

        /* an address, and not the name for nobody */

        if (state[n - 1].peer && state[n - 1].peer->len > sizeof("paas") - 1)
        {
            break;
        }
    }

    if (n == 0) {
        return NGX_OK;
    }

    ms = (data == NGX_HTTP_PAAS_VAR_CONNECT) ? state[n - 1].connect_time
                                             : state[n - 1].response_time;

    if (ms == (ngx_msec_t) -1) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = ngx_sprintf(p, "%T.%03M", (time_t) ms / 1000, ms % 1000) - p;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_get_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                     *p;
    ngx_http_variable_value_t  *vv;
    ngx_http_paas_main_conf_t  *pmcf;

    static ngx_str_t  name = ngx_string("http_x_request_id");

    vv = ngx_http_get_variable(r, &name,
                               ngx_hash_key(name.data, name.len));

    if (vv && !vv->not_found
        && ngx_http_paas_is_fit_id(r, vv->data, vv->len))
    {
        *v = *vv;
        return NGX_OK;
    }

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_paas_module);

    p = ngx_pnalloc(r->pool, 32);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = 32;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    (void) ngx_sprintf(p, "%016xL%016xL",
                       ngx_http_paas_random(&pmcf->seed),
                       ngx_http_paas_random(&pmcf->seed));

    return NGX_OK;
}
