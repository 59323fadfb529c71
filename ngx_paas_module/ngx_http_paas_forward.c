
/*
 * What a route says about how a request goes on: redirected, without its
 * prefix, as a websocket.
 */


#include "ngx_http_paas_module.h"


ngx_uint_t
ngx_http_paas_must_redirect(ngx_http_paas_ctx_t *ctx)
{
    ngx_str_t             *host;
    ngx_connection_t      *c;

    c = ctx->request->connection;
    host = &ctx->path->redirect;

    if (ctx->path->flags & PAAS_ROUTEDB_TO_HTTPS) {

#if (NGX_HTTP_SSL)
        if (c->ssl == NULL) {
            return 1;
        }
#else
        (void) c;
        return 1;
#endif
    }

    return (ctx->path->flags & PAAS_ROUTEDB_TO_HOST) && host->len
           && (host->len != ctx->name.len
               || ngx_memcmp(host->data, ctx->name.data, host->len) != 0);
}


/* 308: the method and the body stay as they are. */

ngx_int_t
ngx_http_paas_send_redirect(ngx_http_paas_ctx_t *ctx)
{
    u_char              *p;
    ngx_str_t            host, scheme;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = ctx->request;

    host = (ctx->path->flags & PAAS_ROUTEDB_TO_HOST) && ctx->path->redirect.len
           ? ctx->path->redirect : ctx->name;

    ngx_str_set(&scheme, "http");

    if (ctx->path->flags & PAAS_ROUTEDB_TO_HTTPS) {
        ngx_str_set(&scheme, "https");
    }

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        ngx_str_set(&scheme, "https");
    }
#endif

    p = ngx_pnalloc(r->pool, scheme.len + 3 + host.len + r->unparsed_uri.len);
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
    h->value.len = ngx_sprintf(p, "%V://%V%V", &scheme, &host,
                               &r->unparsed_uri)
                   - p;

    r->headers_out.location = h;

    return NGX_HTTP_PERMANENT_REDIRECT;
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
