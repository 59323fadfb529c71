
/*
 * What an app sends and must not: names that are the platform's, and bytes
 * that are no answer.  And where nginx has given up on the app, the
 * platform's page in place of nginx's own.
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_paas_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_paas_replace_body(ngx_http_request_t *r,
    ngx_chain_t *in, ngx_http_paas_ctx_t *ctx);
static ngx_int_t ngx_http_paas_replace_page(ngx_http_request_t *r,
    ngx_http_paas_ctx_t *ctx);
static ngx_uint_t ngx_http_paas_is_raw(ngx_http_request_t *r,
    ngx_http_paas_ctx_t *ctx);
static ngx_int_t ngx_http_paas_refuse_response(ngx_http_request_t *r,
    ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_restore_version(ngx_http_request_t *r);
static void ngx_http_paas_clean_list(ngx_http_request_t *r, ngx_list_t *list);
static ngx_int_t ngx_http_paas_mark_response(ngx_http_request_t *r,
    ngx_http_paas_ctx_t *ctx);
static void ngx_http_paas_stream_events(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_paas_init_filters(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_paas_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_paas_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_header_filter(ngx_http_request_t *r)
{
    ngx_http_paas_ctx_t  *ctx;

    if (ngx_exiting || ngx_quit) {
        /* the connection is going to be closed, and the client is told */
        r->keepalive = 0;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx == NULL || ctx->page) {

        if (ctx == NULL && r->error_page) {
            ctx = ngx_http_paas_find_ctx(r);

            if (ctx) {
                ngx_http_paas_count_error(ctx);
            }
        }

        return ngx_http_next_header_filter(r);
    }

    if (ctx->error) {
        if (ngx_http_paas_replace_page(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (r->upstream) {

        if (ngx_http_paas_is_raw(r, ctx)) {
            return ngx_http_paas_refuse_response(r, ctx);
        }

        ngx_http_paas_clean_list(r, &r->headers_out.headers);
        ngx_http_paas_stream_events(r);

        if (ctx->slot && (ctx->pool->timed || ctx->pool->marks)
            && ngx_http_paas_mark_response(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_next_header_filter(r);
}


/*
 * We have refused a request, or the balancer has left an error: nginx is about
 * to answer with a page of its own, since nobody has given it a better one by
 * "error_page".
 */

static ngx_http_paas_rare ngx_int_t
ngx_http_paas_replace_page(ngx_http_request_t *r, ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_page_t          page;
    const ngx_http_paas_error_t  *error;

    error = ngx_http_paas_get_error(ctx->error);

    ctx->page = 1;

    if (r->headers_out.status != error->status
        && r->headers_out.status != NGX_HTTP_BAD_GATEWAY
        && r->headers_out.status != NGX_HTTP_GATEWAY_TIME_OUT)
    {
        /* something else has come between, as an old response of the app */

        ngx_http_paas_clean_list(r, &r->headers_out.headers);

        return NGX_OK;
    }

    ctx->body = ngx_alloc_chain_link(r->pool);

    if (ctx->body == NULL
        || ngx_http_paas_make_page(r, error, &page) != NGX_OK
        || ngx_http_paas_add_error_header(r, error) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->body->buf = page.body;
    ctx->body->next = NULL;

    ngx_http_paas_count_error(ctx);

    r->headers_out.status = page.status;
    r->headers_out.status_line.len = 0;
    r->err_status = page.status;

    ngx_http_clear_content_length(r);

    r->headers_out.content_length_n = page.body->last - page.body->pos;
    r->headers_out.content_type = page.type;
    r->headers_out.content_type_len = page.type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_paas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    if (ctx == NULL
        || (ctx->body == NULL && r->headers_out.trailers.part.nelts == 0))
    {
        return ngx_http_next_body_filter(r, in);
    }

    return ngx_http_paas_replace_body(r, in, ctx);
}


/* The page goes in place of the first bytes; trailers are headers, too. */

static ngx_http_paas_rare ngx_int_t
ngx_http_paas_replace_body(ngx_http_request_t *r, ngx_chain_t *in,
    ngx_http_paas_ctx_t *ctx)
{
    ngx_chain_t  *out;

    if (ctx->body == NULL || in == NULL) {

        if (r->headers_out.trailers.part.nelts && r->upstream) {
            ngx_http_paas_clean_list(r, &r->headers_out.trailers);
        }

        return ngx_http_next_body_filter(r, in);
    }

    out = ctx->body;
    ctx->body = NULL;

    return ngx_http_next_body_filter(r, out);
}


/*
 * After some answers nginx passes on whatever bytes come: HTTP/0.9, which has
 * no header; 101 to a request that asked for no websocket; and what is only
 * provisional.  To another proxy in front, those bytes may be responses to
 * the next requests, of other apps.
 */

static ngx_uint_t
ngx_http_paas_is_raw(ngx_http_request_t *r, ngx_http_paas_ctx_t *ctx)
{
    if (r->http_version < NGX_HTTP_VERSION_10 && r->http_protocol.len) {
        return 1;
    }

    if (r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS) {
        return !ctx->upgrade;
    }

    return r->headers_out.status < NGX_HTTP_OK;
}


static ngx_http_paas_rare ngx_int_t
ngx_http_paas_refuse_response(ngx_http_request_t *r, ngx_http_paas_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "upstream sent an answer that nobody asked for, status %ui",
                  r->headers_out.status);

    ngx_http_paas_restore_version(r);

    r->upstream->upgrade = 0;
    r->keepalive = 0;

    ctx->error = NGX_HTTP_PAAS_BAD_RESPONSE;

    return ngx_http_filter_finalize_request(r, &ngx_http_paas_module,
                                            NGX_HTTP_BAD_GATEWAY);
}


/*
 * nginx has made the request one of HTTP/0.9, too; with HTTP/3 none of its
 * filters would know the response for theirs then.  The numbers are there for
 * HTTP/1 alone.
 */

static void
ngx_http_paas_restore_version(ngx_http_request_t *r)
{
    u_char  *p;

    if (r->http_major) {
        r->http_version = r->http_major * 1000 + r->http_minor;
        return;
    }

    if (r->http_protocol.len == sizeof("HTTP/3.0") - 1) {
        p = r->http_protocol.data;
        r->http_version = (p[5] - '0') * 1000 + (p[7] - '0');
    }
}


/*
 * An app's own X-Paas-* headers; and an offer to upgrade, which is between it
 * and us.
 */

static void
ngx_http_paas_clean_list(ngx_http_request_t *r, ngx_list_t *list)
{
    u_char            c;
    ngx_str_t        *key;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            key = &h[i].key;

            if (key->len < sizeof("Upgrade") - 1) {
                continue;
            }

            c = key->data[0] | 0x20;

            if ((c == 'x' && ngx_http_paas_is_ours(key))
                || (c == 'u' && key->len == sizeof("Upgrade") - 1
                    && r->headers_out.status != NGX_HTTP_SWITCHING_PROTOCOLS
                    && ngx_strncasecmp(key->data, (u_char *) "Upgrade",
                                       sizeof("Upgrade") - 1)
                       == 0))
            {
                h[i].hash = 0;
            }
        }
    }
}


/* An instance answers: what its pool wants to be noted or said of that. */

static ngx_http_paas_rare ngx_int_t
ngx_http_paas_mark_response(ngx_http_request_t *r, ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    if (pool->timed) {
        ngx_http_paas_take_time(ctx, r->headers_out.status
                                     >= NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    if (r != r->main) {
        return NGX_OK;
    }

    if ((pool->flags & PAAS_ROUTEDB_STICKY)
        && ngx_http_paas_send_sticky(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return (pool->flags & PAAS_ROUTEDB_NAME_INSTANCE)
           ? ngx_http_paas_name_instance(ctx) : NGX_OK;
}


/*
 * Server-sent events must not wait until a buffer is full.  Upstream looks at
 * "buffering" right after the header was sent, as X-Accel-Buffering needs it.
 */

static void
ngx_http_paas_stream_events(ngx_http_request_t *r)
{
    ngx_str_t            *type;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    type = &r->headers_out.content_type;

    if (!u->buffering || u->cacheable || u->store
        || type->len < sizeof("text/event-stream") - 1
        || (type->data[5] | 0x20) != 'e'
        || ngx_strncasecmp(type->data, (u_char *) "text/event-stream",
                           sizeof("text/event-stream") - 1)
           != 0)
    {
        return;
    }

    u->buffering = 0;
}
