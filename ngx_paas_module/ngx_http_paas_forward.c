
/*
 * What a route says about how a request goes on: redirected, without its
 * prefix, as a websocket, by HTTP/2.
 */


#include "ngx_http_paas_module.h"


static void ngx_http_paas_find_port(ngx_http_request_t *r, ngx_str_t *port);


/* paas_https_port NUMBER; */

char *
ngx_http_paas_set_https_port(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_loc_conf_t *plcf = conf;

    u_char     *p;
    ngx_int_t   n;
    ngx_str_t  *value;

    if (plcf->https_port.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);

    if (n < 1 || n > 65535) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid port \"%V\", it is from 1 to 65535",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    p = ngx_pnalloc(cf->pool, sizeof(":65535") - 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    plcf->https_port.data = p;

    if (n != 443) {
        plcf->https_port.len = ngx_sprintf(p, ":%i", n) - p;
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_paas_must_redirect(ngx_http_paas_ctx_t *ctx)
{
    ngx_str_t  *host;

    if ((ctx->path->flags & PAAS_ROUTEDB_TO_HTTPS)
        && !ngx_http_paas_is_https(ctx->request))
    {
        return 1;
    }

    host = &ctx->path->redirect;

    return (ctx->path->flags & PAAS_ROUTEDB_TO_HOST) && host->len
           && (host->len != ctx->name.len
               || ngx_memcmp(host->data, ctx->name.data, host->len) != 0);
}


/* 308: the method and the body stay as they are. */

ngx_int_t
ngx_http_paas_send_redirect(ngx_http_paas_ctx_t *ctx)
{
    u_char                    *p;
    ngx_str_t                  host, port, scheme;
    ngx_uint_t                 https;
    ngx_table_elt_t           *h;
    ngx_http_request_t        *r;
    ngx_http_paas_loc_conf_t  *plcf;

    r = ctx->request;

    host = (ctx->path->flags & PAAS_ROUTEDB_TO_HOST) && ctx->path->redirect.len
           ? ctx->path->redirect : ctx->name;

    https = ngx_http_paas_is_https(r);

    if (https || !(ctx->path->flags & PAAS_ROUTEDB_TO_HTTPS)) {
        ngx_http_paas_find_port(r, &port);

    } else {
        plcf = ngx_http_get_module_loc_conf(r, ngx_http_paas_module);
        port = plcf->https_port;
        https = 1;
    }

    if (https) {
        ngx_str_set(&scheme, "https");

    } else {
        ngx_str_set(&scheme, "http");
    }

    p = ngx_pnalloc(r->pool, scheme.len + 3 + host.len + port.len
                             + r->unparsed_uri.len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Location");
    h->value.data = p;
    h->value.len = ngx_sprintf(p, "%V://%V%V%V", &scheme, &host, &port,
                               &r->unparsed_uri)
                   - p;

    r->headers_out.location = h;

    return NGX_HTTP_PERMANENT_REDIRECT;
}


/* ":8080" of the client's Host, which ngx_http_paas_check_host() has seen. */

static void
ngx_http_paas_find_port(ngx_http_request_t *r, ngx_str_t *port)
{
    u_char     *p, *last;
    ngx_str_t   text;

    ngx_str_null(port);

    ngx_http_paas_get_authority(r, &text);

    if (text.len <= r->headers_in.server.len) {
        return;
    }

    p = text.data + r->headers_in.server.len;
    last = text.data + text.len;

    if (*p == '.') {
        p++;
    }

    if (last - p > 1) {
        port->data = p;
        port->len = last - p;
    }
}


/*
 * Takes the prefix off what is forwarded, as the client wrote it where that
 * is possible; nginx escapes r->uri anew where it is not.
 */

void
ngx_http_paas_strip_prefix(ngx_http_paas_ctx_t *ctx)
{
    size_t               len;
    ngx_str_t           *raw, *prefix;
    ngx_http_request_t  *r;

    r = ctx->request;
    raw = &r->unparsed_uri;
    prefix = &ctx->path->prefix;

    len = prefix->len;

    if (len && prefix->data[len - 1] == '/') {
        len--;
    }

    if (len == 0 || ctx->stripped) {
        return;
    }

    ctx->stripped = 1;

    if (r->valid_unparsed_uri && raw->len > len && raw->data[len] == '/'
        && ngx_memcmp(raw->data, prefix->data, len) == 0)
    {
        raw->data += len;
        raw->len -= len;

    } else {
        r->valid_unparsed_uri = 0;
    }

    r->uri.data += len;
    r->uri.len -= len;

    if (r->uri.len == 0) {
        ngx_str_set(&r->uri, "/");
    }
}


/* Only a websocket is upgraded to: "h2c" or "TLS" would pass us by. */

void
ngx_http_paas_find_upgrade(ngx_http_paas_ctx_t *ctx)
{
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = ctx->request;
    h = r->headers_in.upgrade;

    ctx->upgrade = (h && r->method == NGX_HTTP_GET
                    && h->value.len == sizeof("websocket") - 1
                    && ngx_strncasecmp(h->value.data, (u_char *) "websocket",
                                       sizeof("websocket") - 1)
                       == 0);
}


/*
 * A location has one protocol: for pools that speak HTTP/2 there is another
 * one, "@paas_h2c", with a grpc_pass in it.  Without it the location at hand
 * has to do.
 */

ngx_int_t
ngx_http_paas_speak_h2c(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_request_t         *r;
    ngx_http_core_srv_conf_t   *cscf;
    ngx_http_core_loc_conf_t  **clcfp;

    static ngx_str_t  name = ngx_string("@paas_h2c");

    r = ctx->request;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    for (clcfp = cscf->named_locations; clcfp && *clcfp; clcfp++) {

        if ((*clcfp)->name.len != name.len
            || ngx_strncmp((*clcfp)->name.data, name.data, name.len) != 0)
        {
            continue;
        }

        ctx->h2c = 1;
        ctx->moved = 1;

        (void) ngx_http_named_location(r, &name);

        ngx_http_finalize_request(r, NGX_DONE);
        return NGX_DONE;
    }

    return NGX_DECLINED;
}
