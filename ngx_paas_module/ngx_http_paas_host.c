
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
    u_char           *p, *last;
    ngx_table_elt_t  *h;

    *host = r->headers_in.server;

    h = r->headers_in.host;

    if (h == NULL || r->host_start) {

        /*
         * HTTP/1.0 without a host has none, whatever $host says; and in
         * "GET http://HOST:PORT/" nginx has seen to digits, of any number.
         */

        if (r->host_start == NULL) {
            return host->len ? NGX_OK : NGX_DECLINED;
        }

        p = r->host_end;

        if (r->http_version >= NGX_HTTP_VERSION_20 || *p != ':') {
            return NGX_OK;
        }

        for (last = p + 1; *last >= '0' && *last <= '9'; last++) {
            /* void */
        }

        return ngx_http_paas_check_port(p, last);
    }

    if (h->value.len == host->len) {
        return NGX_OK;
    }

    if (h->value.len < host->len) {
        return NGX_DECLINED;
    }

    p = h->value.data + host->len;
    last = h->value.data + h->value.len;

    if (*p == '.' && p[-1] != ']') {
        p++;

        if (p == last) {
            return NGX_OK;
        }
    }

    return ngx_http_paas_check_port(p, last);
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
