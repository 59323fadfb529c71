
/*
 * What a host is.  nginx lets more into $host than can be one ("u@a.com",
 * "*.a.com", "<script>", bytes over 127), and takes "a.com:80x" for "a.com".
 */


#include "ngx_http_paas_module.h"


static ngx_int_t ngx_http_paas_check_port(u_char *p, u_char *last);
static ngx_uint_t ngx_http_paas_is_plain_host(ngx_str_t *host);


/*
 * The host that nginx has found, lower case and without port or last dot,
 * once the port beside it is known to be one.  NGX_DECLINED if it is not.
 * Its own bytes are checked by ngx_http_paas_canonical_host(), or by nobody
 * if the route cache knows them: only what is canonical gets there.
 */

ngx_int_t
ngx_http_paas_check_host(ngx_http_request_t *r, ngx_str_t *host)
{
    u_char     *p, *last;
    ngx_str_t   text;

    *host = r->headers_in.server;

    ngx_http_paas_get_authority(r, &text);

    if (text.len == host->len) {

        /* HTTP/1.0 without a host has none, whatever $host says */

        return host->len ? NGX_OK : NGX_DECLINED;
    }

    if (text.len < host->len) {
        return NGX_DECLINED;
    }

    p = text.data + host->len;
    last = text.data + text.len;

    if (*p == '.' && p[-1] != ']') {
        p++;

        if (p == last) {
            return NGX_OK;
        }
    }

    return ngx_http_paas_check_port(p, last);
}


/*
 * The host as the client has written it, with its last dot and port: that of
 * "GET http://HOST:PORT/", where nginx leaves the port out, else of :authority,
 * else of the header.
 */

void
ngx_http_paas_get_authority(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char  *last;

    if (r->host_start == NULL) {
        *text = r->headers_in.host ? r->headers_in.host->value
                                   : r->headers_in.server;
        return;
    }

    last = r->host_end;

    if (r->http_version < NGX_HTTP_VERSION_20 && *last == ':') {

        do {
            last++;
        } while (*last >= '0' && *last <= '9');
    }

    text->data = r->host_start;
    text->len = last - r->host_start;
}


/* A colon and at most 65535, or nothing behind it. */

static ngx_int_t
ngx_http_paas_check_port(u_char *p, u_char *last)
{
    ngx_uint_t  n;

    if (*p++ != ':') {
        return NGX_DECLINED;
    }

    for (n = 0; p < last; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');

        if (n > 65535) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * Checks the bytes, and makes *host the canonical ones, in the request's pool
 * where they differ; *key is their hash then.  NGX_DECLINED if it is not a
 * host, or NGX_ERROR.
 */

ngx_int_t
ngx_http_paas_canonical_host(ngx_http_request_t *r, ngx_str_t *host,
    uint64_t *key)
{
    int      n;
    char     buf[PAAS_ROUTEDB_HOST_MAX + 1];
    u_char  *p;

    if (ngx_http_paas_is_plain_host(host)) {
        return NGX_OK;
    }

    n = paas_routedb_canonical(host->data, host->len, 0, buf);

    if (n <= 0) {
        return NGX_DECLINED;
    }

    if ((size_t) n == host->len && ngx_memcmp(buf, host->data, n) == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, buf, n);

    host->data = p;
    host->len = n;

    *key = ngx_http_paas_hash(p, n);

    return NGX_OK;
}


/*
 * A name as nearly all are: labels of small letters, digits, '-' and '_', the
 * last of which has a letter in it.  The rest needs a closer look.
 */

static ngx_uint_t
ngx_http_paas_is_plain_host(ngx_str_t *host)
{
    u_char      c, *p, *last, *label;
    ngx_uint_t  letter;

    if (host->len > PAAS_ROUTEDB_HOST_MAX) {
        return 0;
    }

    p = host->data;
    last = p + host->len;
    label = p;
    letter = 0;

    for ( /* void */ ; p < last; p++) {
        c = *p;

        if (c >= 'a' && c <= 'z') {
            letter = 1;
            continue;
        }

        if ((c >= '0' && c <= '9') || c == '-' || c == '_') {
            continue;
        }

        if (c != '.' || p == label || p - label > 63) {
            return 0;
        }

        label = p + 1;
        letter = 0;
    }

    return letter && last - label <= 63;
}
