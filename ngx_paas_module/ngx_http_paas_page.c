
/*
 * How an error of the router is told: HTML to browsers, JSON to who asks for
 * that, a status of gRPC's own to its clients.
 */


#include "ngx_http_paas_module.h"


static ngx_uint_t ngx_http_paas_wants_json(ngx_http_request_t *r);
static ngx_uint_t ngx_http_paas_speaks_grpc(ngx_http_request_t *r);
static ngx_int_t ngx_http_paas_make_status(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error, ngx_http_paas_page_t *page);


/* X-Paas-Error, when to come again, and that nobody may keep the page. */

ngx_int_t
ngx_http_paas_add_error_header(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error)
{
    static ngx_str_t  nostore = ngx_string("no-cache, no-store");

    if (ngx_http_paas_add_header(r, "X-Paas-Error",
                                 (ngx_str_t *) &error->name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (error->retry.len
        && ngx_http_paas_add_header(r, "Retry-After",
                                    (ngx_str_t *) &error->retry)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_paas_add_header(r, "Cache-Control", &nostore);
}


/* To the response; key ends with NUL, and both stay where they are. */

ngx_int_t
ngx_http_paas_add_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value = *value;

    return NGX_OK;
}


/* In a last buffer, in the words of whoever has asked. */

ngx_int_t
ngx_http_paas_make_page(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error, ngx_http_paas_page_t *page)
{
    size_t      len;
    ngx_buf_t  *b;
    ngx_str_t   code;

    static const char  html[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>%V</title>\n"
        "<style>\n"
        "body { font: 18px/1.5 system-ui, sans-serif; color: #234;\n"
        "       max-width: 34em; margin: 18vh auto; padding: 0 1.5em; }\n"
        "h1 { font-size: 1.6em; margin: 0 0 .5em; }\n"
        "small { color: #678; }\n"
        "</style>\n"
        "<h1>%V</h1>\n"
        "<p>%V</p>\n"
        "<p><small>%ui %V%s%V</small></p>\n"
        "</html>\n";

    static const char  json[] =
        "{\"id\":\"%V\",\"status\":%ui,\"code\":\"%V\","
        "\"message\":\"%V. %V\"}\n";

    if (ngx_http_paas_speaks_grpc(r)) {
        return ngx_http_paas_make_status(r, error, page);
    }

    page->status = error->status;

    len = sizeof(html) + 2 * error->title.len + 2 * error->text.len
          + error->name.len + NGX_INT_T_LEN + 16;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    code = error->hcode;

    if (ngx_http_paas_wants_json(r)) {
        ngx_str_set(&page->type, "application/json");
        b->last = ngx_snprintf(b->last, len, json, &error->name,
                               error->status, &code, &error->title,
                               &error->text);

    } else {
        ngx_str_set(&page->type, "text/html; charset=utf-8");
        b->last = ngx_snprintf(b->last, len, html, &error->title,
                               &error->title, &error->text, error->status,
                               &error->name, code.len ? " " : "", &code);
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    page->body = b;

    return NGX_OK;
}


/* Asked for by name, and no browser, which would ask for HTML. */

static ngx_uint_t
ngx_http_paas_wants_json(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != sizeof("Accept") - 1
            || ngx_strncasecmp(h[i].key.data, (u_char *) "Accept",
                               sizeof("Accept") - 1)
               != 0)
        {
            continue;
        }

        if (ngx_strlcasestrn(h[i].value.data,
                             h[i].value.data + h[i].value.len,
                             (u_char *) "text/html", 9 - 1))
        {
            return 0;
        }

        if (ngx_strlcasestrn(h[i].value.data,
                             h[i].value.data + h[i].value.len,
                             (u_char *) "json", 4 - 1))
        {
            return 1;
        }
    }
}


static ngx_uint_t
ngx_http_paas_speaks_grpc(ngx_http_request_t *r)
{
    size_t            len;
    ngx_str_t        *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;
    len = sizeof("application/grpc") - 1;

    return type->len >= len
           && ngx_strncasecmp(type->data, (u_char *) "application/grpc", len)
              == 0
           && (type->len == len || type->data[len] == '+'
               || type->data[len] == ';');
}


/*
 * A response of a header alone, in the place of its trailers.  The numbers
 * are those that clients make of HTTP's (gRPC's http-grpc-status-mapping.md),
 * but for a timeout, after which not everything may be tried again.
 */

static ngx_int_t
ngx_http_paas_make_status(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error, ngx_http_paas_page_t *page)
{
    u_char     *p;
    ngx_str_t   code, text;

    switch (error->status) {

    case NGX_HTTP_BAD_REQUEST:
        ngx_str_set(&code, "13");          /* INTERNAL */
        break;

    case NGX_HTTP_NOT_FOUND:
        ngx_str_set(&code, "12");          /* UNIMPLEMENTED */
        break;

    case NGX_HTTP_GATEWAY_TIME_OUT:
        ngx_str_set(&code, "4");           /* DEADLINE_EXCEEDED */
        break;

    default:
        ngx_str_set(&code, "14");          /* UNAVAILABLE */
    }

    p = ngx_pnalloc(r->pool, error->title.len + 2 + error->text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text.data = p;
    text.len = ngx_sprintf(p, "%V. %V", &error->title, &error->text) - p;

    if (ngx_http_paas_add_header(r, "grpc-status", &code) != NGX_OK
        || ngx_http_paas_add_header(r, "grpc-message", &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    page->body = ngx_calloc_buf(r->pool);
    if (page->body == NULL) {
        return NGX_ERROR;
    }

    page->body->last_buf = (r == r->main) ? 1 : 0;
    page->body->last_in_chain = 1;

    page->status = NGX_HTTP_OK;
    ngx_str_set(&page->type, "application/grpc");

    return NGX_OK;
}
