
/*
 * What an app is told of where a request comes from: the trusted peer's word
 * (see ngx_http_paas_trust.c), or what we see ourselves.
 */


#include "ngx_http_paas_module.h"


static ngx_str_t *ngx_http_paas_last_header(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_paas_said_scheme(ngx_http_request_t *r);
static ngx_int_t ngx_http_paas_get_request_start(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_paas_is_time(ngx_str_t *s);
static ngx_int_t ngx_http_paas_get_forwarded_for(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_paas_get_peer_name(ngx_http_request_t *r,
    ngx_str_t *peer);
static size_t ngx_http_paas_copy_hops(ngx_http_request_t *r, u_char *p);
static ngx_int_t ngx_http_paas_get_forwarded_proto(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_get_forwarded_port(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_paas_print_port(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_uint_t port);


static ngx_str_t  ngx_http_paas_x_forwarded_for =
    ngx_string("x-forwarded-for");
static ngx_str_t  ngx_http_paas_x_forwarded_port =
    ngx_string("x-forwarded-port");
static ngx_str_t  ngx_http_paas_x_forwarded_proto =
    ngx_string("x-forwarded-proto");
static ngx_str_t  ngx_http_paas_x_request_start =
    ngx_string("x-request-start");


ngx_http_variable_t  ngx_http_paas_forwarded_vars[] = {

    /* X-Forwarded-For, -Proto and -Port for the app */

    { ngx_string("paas_forwarded_for"), NULL,
      ngx_http_paas_get_forwarded_for, 0, 0, 0 },

    { ngx_string("paas_forwarded_proto"), NULL,
      ngx_http_paas_get_forwarded_proto, 0, 0, 0 },

    { ngx_string("paas_forwarded_port"), NULL,
      ngx_http_paas_get_forwarded_port, 0, 0, 0 },

    /* when the request came, in ms since the epoch: X-Request-Start */

    { ngx_string("paas_request_start"), NULL,
      ngx_http_paas_get_request_start, 0, 0, 0 },

      ngx_http_null_variable
};


/*
 * The last one of that name, which is small letters: a proxy that adds its
 * own puts it there.  NULL if there is none.
 */

static ngx_str_t *
ngx_http_paas_last_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    value = NULL;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == name->len
                && ngx_strncmp(h[i].lowcase_key, name->data, name->len) == 0)
            {
                value = &h[i].value;
            }
        }
    }

    return value;
}


/* 1 for https, 0 for http, NGX_DECLINED if nobody who is trusted says it. */

static ngx_int_t
ngx_http_paas_said_scheme(ngx_http_request_t *r)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t  name;
        ngx_int_t  https;
    } schemes[] = {
        { ngx_string("http"), 0 },
        { ngx_string("https"), 1 },
        { ngx_string("ws"), 0 },
        { ngx_string("wss"), 1 }
    };

    if (!ngx_http_paas_is_trusted(r)) {
        return NGX_DECLINED;
    }

    s = ngx_http_paas_last_header(r, &ngx_http_paas_x_forwarded_proto);

    for (i = 0; s && i < sizeof(schemes) / sizeof(schemes[0]); i++) {

        if (s->len == schemes[i].name.len
            && ngx_strncasecmp(s->data, schemes[i].name.data, s->len) == 0)
        {
            return schemes[i].https;
        }
    }

    return NGX_DECLINED;
}


/* Has the client come by https, to us or to a trusted proxy? */

ngx_uint_t
ngx_http_paas_is_https(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_paas_said_scheme(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

#if (NGX_HTTP_SSL)
    return r->connection->ssl != NULL;
#else
    return 0;
#endif
}


/*
 * Is the client's X-Request-Id fit for a log and for the app's?  Heroku takes
 * 20 to 200 plain characters; a trusted peer may have ids of its own kind.
 */

ngx_uint_t
ngx_http_paas_is_fit_id(ngx_http_request_t *r, u_char *id, size_t len)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  trusted;

    trusted = ngx_http_paas_is_trusted(r);

    if (len < (size_t) (trusted ? 1 : 20) || len > 200) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        c = id[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '+'
            || c == '/' || c == '=')
        {
            continue;
        }

        if (!trusted || (c != '.' && c != ':' && c != ';' && c != '~')) {
            return 0;
        }
    }

    return 1;
}


/* A trusted peer's, if it is one; else when the request came to us, in ms. */

static ngx_int_t
ngx_http_paas_get_request_start(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char     *p;
    ngx_str_t  *s;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (ngx_http_paas_is_trusted(r)) {
        s = ngx_http_paas_last_header(r, &ngx_http_paas_x_request_start);

        if (s && ngx_http_paas_is_time(s)) {
            v->data = s->data;
            v->len = s->len;
            return NGX_OK;
        }
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 3);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = ngx_sprintf(p, "%T%03M", r->start_sec, r->start_msec) - p;

    return NGX_OK;
}


/* "1700000000123", and "t=1700000000.123" as others write it. */

static ngx_uint_t
ngx_http_paas_is_time(ngx_str_t *s)
{
    size_t  i;

    i = (s->len > 2 && s->data[0] == 't' && s->data[1] == '=') ? 2 : 0;

    if (s->len - i < 10 || s->len - i > 20) {
        return 0;
    }

    for ( /* void */ ; i < s->len; i++) {
        if ((s->data[i] < '0' || s->data[i] > '9') && s->data[i] != '.') {
            return 0;
        }
    }

    return 1;
}


/* What the trusted peer says and the peer itself, or the client alone. */

static ngx_int_t
ngx_http_paas_get_forwarded_for(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char     *p;
    size_t      len;
    ngx_str_t   peer;

    len = ngx_http_paas_is_trusted(r) ? ngx_http_paas_copy_hops(r, NULL) : 0;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (len == 0) {
        v->data = r->connection->addr_text.data;
        v->len = r->connection->addr_text.len;
        return NGX_OK;
    }

    ngx_http_paas_get_peer_name(r, &peer);

    p = ngx_pnalloc(r->pool, len + peer.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;
    v->len = len + peer.len;

    ngx_memcpy(p + ngx_http_paas_copy_hops(r, p), peer.data, peer.len);

    return NGX_OK;
}


/* Who speaks HTTP with us. */

static void
ngx_http_paas_get_peer_name(ngx_http_request_t *r, ngx_str_t *peer)
{
    ngx_http_variable_value_t  *vv;

    if (r->connection->proxy_protocol) {
        *peer = r->connection->proxy_protocol->src_addr;
        return;
    }

    vv = ngx_http_paas_get_realip(r);

    if (vv) {
        peer->data = vv->data;
        peer->len = vv->len;

    } else {
        *peer = r->connection->addr_text;
    }
}


/* X-Forwarded-For of all lines, with a comma after each; p may be NULL. */

static size_t
ngx_http_paas_copy_hops(ngx_http_request_t *r, u_char *p)
{
    size_t            len;
    ngx_str_t        *name, *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = 0;
    name = &ngx_http_paas_x_forwarded_for;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            value = &h[i].value;

            if (h[i].key.len != name->len || value->len == 0
                || ngx_strncmp(h[i].lowcase_key, name->data, name->len) != 0)
            {
                continue;
            }

            if (p) {
                p = ngx_cpymem(p, value->data, value->len);
                *p++ = ',';
                *p++ = ' ';
            }

            len += value->len + sizeof(", ") - 1;
        }
    }

    return len;
}


static ngx_int_t
ngx_http_paas_get_forwarded_proto(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    static u_char  https[] = "https";

    v->data = https;
    v->len = ngx_http_paas_is_https(r) ? sizeof("https") - 1
                                       : sizeof("http") - 1;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/*
 * The one that the trusted peer says; the usual one of the scheme that it
 * says; the one that the PROXY protocol says; or our own.
 */

static ngx_int_t
ngx_http_paas_get_forwarded_port(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t                  n;
    ngx_str_t                 *s;
    ngx_uint_t                 judged;
    ngx_connection_t          *c;
    ngx_http_paas_loc_conf_t  *plcf;

    c = r->connection;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_paas_module);

    if (plcf->trust) {
        judged = ngx_http_paas_judge_peer(r, plcf->trust);

        if (judged == NGX_HTTP_PAAS_TRUST_ALL) {
            s = ngx_http_paas_last_header(r, &ngx_http_paas_x_forwarded_port);
            n = s ? ngx_atoi(s->data, s->len) : NGX_ERROR;

            if (n > 0 && n <= 65535) {
                return ngx_http_paas_print_port(r, v, n);
            }

            n = ngx_http_paas_said_scheme(r);

            if (n != NGX_DECLINED) {
                return ngx_http_paas_print_port(r, v, n ? 443 : 80);
            }
        }

        if (judged >= NGX_HTTP_PAAS_TRUST_PORT && c->proxy_protocol) {
            return ngx_http_paas_print_port(r, v, c->proxy_protocol->dst_port);
        }
    }

    if (ngx_connection_local_sockaddr(c, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_paas_print_port(r, v,
                                    ngx_inet_get_port(c->local_sockaddr));
}


static ngx_int_t
ngx_http_paas_print_port(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    ngx_uint_t port)
{
    u_char  *p;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    switch (port) {

    case 0:                                /* of a UNIX socket */
        v->len = 0;
        return NGX_OK;

    case 80:
        v->data = (u_char *) "80";
        v->len = 2;
        return NGX_OK;

    case 443:
        v->data = (u_char *) "443";
        v->len = 3;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, sizeof("65535") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p + sizeof("65535") - 1;

    do {
        *--v->data = '0' + port % 10;
        port /= 10;
    } while (port);

    v->len = p + sizeof("65535") - 1 - v->data;

    return NGX_OK;
}
