
/*
 * What a client sends and an app must not get: names that are the platform's,
 * what only a proxy may say, and what was meant for us.  The rest is in
 * paas_proxy.conf, where it costs nothing.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_NOMINATED  16    /* names in Connection, at most */


static ngx_uint_t ngx_http_paas_is_foreign(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_uint_t ngx_http_paas_is_alias(ngx_str_t *key);
static ngx_uint_t ngx_http_paas_begins(ngx_str_t *key, const char *prefix,
    size_t len);
static ngx_uint_t ngx_http_paas_nominates_none(ngx_str_t *value);
static void ngx_http_paas_drop_header(ngx_table_elt_t *h);
static void ngx_http_paas_drop_nominated(ngx_http_request_t *r,
    ngx_str_t *value);
static void ngx_http_paas_drop_named(ngx_http_request_t *r, ngx_str_t *name);


/* In small letters; what is nominated of these is ours to handle anyway. */

static const ngx_str_t  ngx_http_paas_kept[] = {
    ngx_string("close"),
    ngx_string("keep-alive"),
    ngx_string("upgrade"),
    ngx_string("te"),
    ngx_string("host"),
    ngx_string("connection"),
    ngx_string("content-length"),
    ngx_string("transfer-encoding"),
    ngx_string("x-forwarded-for"),
    ngx_null_string
};


/*
 * The header names that an app takes for ours.  Those with '_' for '-', too:
 * CGI and its heirs make no difference.
 */

static const ngx_str_t  ngx_http_paas_aliases[] = {
    ngx_string("x-forwarded-for"),
    ngx_string("x-real-ip"),
    ngx_string("x-request-id"),
    ngx_string("x-request-start"),
    ngx_null_string
};


/* For ngx_http_paas_clean_request(): one that begins with X, F or C. */

void
ngx_http_paas_clean_header(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    u_char      c;
    ngx_str_t  *key;

    key = &h->key;
    c = key->data[0] | 0x20;

    if (c == 'x' || c == 'f') {

        if (ngx_http_paas_is_foreign(r, h)) {
            ngx_http_paas_drop_header(h);
        }

    } else if (c == 'c' && key->len == sizeof("Connection") - 1
               && !ngx_http_paas_nominates_none(&h->value)
               && ngx_strncasecmp(key->data, (u_char *) "Connection",
                                  sizeof("Connection") - 1)
                  == 0)
    {
        ngx_http_paas_drop_nominated(r, &h->value);
    }
}


/* X-Forwarded-For is left to proxy_set_header, as realip may want it yet. */

static ngx_uint_t
ngx_http_paas_is_foreign(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_str_t  *key;

    key = &h->key;

    if (ngx_http_paas_is_ours(key)) {
        ngx_http_paas_note_target(r, h);
        return 1;
    }

    if (ngx_http_paas_begins(key, "x-forwarded-",
                             sizeof("x-forwarded-") - 1))
    {
        if (ngx_strlchr(key->data, key->data + key->len, '_')) {
            return 1;
        }

        return (key->len != sizeof("x-forwarded-for") - 1
                || ngx_strncasecmp(key->data, (u_char *) "x-forwarded-for",
                                   sizeof("x-forwarded-for") - 1)
                   != 0)
               && !ngx_http_paas_is_trusted(r);
    }

    if (key->len == sizeof("Forwarded") - 1
        && ngx_strncasecmp(key->data, (u_char *) "Forwarded",
                           sizeof("Forwarded") - 1)
           == 0)
    {
        return !ngx_http_paas_is_trusted(r);
    }

    return ngx_http_paas_is_alias(key);
}


/* With an underscore in it, and without it what we set ourselves. */

static ngx_uint_t
ngx_http_paas_is_alias(ngx_str_t *key)
{
    const ngx_str_t  *name;

    if (ngx_strlchr(key->data, key->data + key->len, '_') == NULL) {
        return 0;
    }

    for (name = ngx_http_paas_aliases; name->len; name++) {

        if (key->len == name->len
            && ngx_http_paas_begins(key, (char *) name->data, name->len))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_paas_is_ours(ngx_str_t *key)
{
    return key->len >= sizeof("X-Paas-") - 1
           && (key->data[2] | 0x20) == 'p'
           && ngx_http_paas_begins(key, "x-paas-", sizeof("x-paas-") - 1);
}


/* prefix is in small letters, and a '-' in it may be '_' in the key. */

static ngx_uint_t
ngx_http_paas_begins(ngx_str_t *key, const char *prefix, size_t len)
{
    u_char  c;
    size_t  i;

    if (key->len < len) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        c = key->data[i];
        c = (c == '_') ? '-' : (c >= 'A' && c <= 'Z') ? (c | 0x20) : c;

        if (c != (u_char) prefix[i]) {
            return 0;
        }
    }

    return 1;
}


/* What nearly all clients say, if they say anything. */

static ngx_uint_t
ngx_http_paas_nominates_none(ngx_str_t *value)
{
    return (value->len == sizeof("keep-alive") - 1
            && ngx_strncasecmp(value->data, (u_char *) "keep-alive",
                               sizeof("keep-alive") - 1)
               == 0)
           || (value->len == sizeof("close") - 1
               && ngx_strncasecmp(value->data, (u_char *) "close",
                                  sizeof("close") - 1)
                  == 0);
}


/*
 * Elements can't be taken out of the list, as others point to them; renamed
 * to a header that belongs to the connection they are dropped by proxy and
 * grpc modules alike.
 */

static void
ngx_http_paas_drop_header(ngx_table_elt_t *h)
{
    ngx_str_set(&h->key, "Keep-Alive");
    ngx_str_null(&h->value);
    h->lowcase_key = (u_char *) "keep-alive";
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
}


/*
 * Headers that the client's Connection names are for this connection alone
 * (RFC 9110, 7.6.1).
 */

static void
ngx_http_paas_drop_nominated(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char           *p, *last;
    ngx_str_t         name;
    ngx_uint_t        n;
    const ngx_str_t  *kept;

    p = value->data;
    last = p + value->len;

    for (n = 0; p < last && n < NGX_HTTP_PAAS_NOMINATED; n++) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        name.data = p;

        while (p < last && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }

        name.len = p - name.data;

        for (kept = ngx_http_paas_kept; kept->len; kept++) {

            if (name.len == kept->len
                && ngx_strncasecmp(name.data, kept->data, name.len) == 0)
            {
                break;
            }
        }

        if (kept->len == 0 && name.len) {
            ngx_http_paas_drop_named(r, &name);
        }
    }
}


/* The value stays: r->headers_in may have a use for it. */

static void
ngx_http_paas_drop_named(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                value = h[i].value;
                ngx_http_paas_drop_header(&h[i]);
                h[i].value = value;
            }
        }
    }
}
