
/*
 * What a pattern has captured of a host, as variables.
 */


#include "ngx_http_paas_module.h"


/* Offsets in the name of the host that holds it. */

struct ngx_http_paas_captures_s {
    uint8_t                     at[NGX_HTTP_PAAS_GROUPS][2];
    uint32_t                    n;         /* above those that are set */
    uint32_t                    nnames;
    u_char                      names[1];  /* group, length, name; ... */
};


static ngx_int_t ngx_http_paas_get_capture(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_paas_find_capture(ngx_http_paas_captures_t *c,
    ngx_str_t *name);


/*
 * What the last match has captured, for the host's entry in the cache; the
 * names, too, since the entry may outlive the pattern.
 */

ngx_int_t
ngx_http_paas_keep_captures(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_host_t *host)
{
    size_t                     size;
    u_char                    *p, *name;
    uint32_t                   i, n, entry, group;
    PCRE2_SIZE                *ovector;
    PCRE2_SPTR                 table;
    pcre2_code                *code;
    ngx_http_paas_captures_t  *c;
    ngx_http_paas_patterns_t  *patterns;

    patterns = &pmcf->patterns;
    code = patterns->list[patterns->matched].code;

    n = 0;
    entry = 0;
    table = NULL;

    (void) pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &n);
    (void) pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry);
    (void) pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);

    size = sizeof(ngx_http_paas_captures_t) + n * entry;

    c = ngx_calloc(size, ngx_cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->n = patterns->groups;
    ovector = pcre2_get_ovector_pointer(patterns->data);

    for (i = 1; i < c->n; i++) {

        if (ovector[2 * i] != PCRE2_UNSET
            && ovector[2 * i] <= ovector[2 * i + 1])
        {
            c->at[i][0] = ovector[2 * i];
            c->at[i][1] = ovector[2 * i + 1];
        }
    }

    p = c->names;

    for (i = 0; i < n; i++, table += entry) {

        /* two bytes of the group's number, and the name */

        group = table[0] << 8 | table[1];
        name = (u_char *) table + 2;

        if (group < c->n) {
            *p++ = group;
            *p = ngx_strlen(name);
            p = ngx_cpymem(p + 1, name, *p);
            c->nnames++;
        }
    }

    host->captures = c;
    ngx_http_paas_grow_entry(&pmcf->cache, &host->entry, size);

    return NGX_OK;
}


ngx_int_t
ngx_http_paas_add_captures(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  prefix = ngx_string("paas_");

    /* variables with names of their own go before a prefix */

    var = ngx_http_add_variable(cf, &prefix,
                                NGX_HTTP_VAR_CHANGEABLE
                                |NGX_HTTP_VAR_NOCACHEABLE
                                |NGX_HTTP_VAR_PREFIX);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_paas_get_capture;

    return NGX_OK;
}


/* $paas_1 and $paas_NAME; none if nothing was captured. */

static ngx_int_t
ngx_http_paas_get_capture(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t *name = (ngx_str_t *) data;

    ngx_str_t                  s;
    ngx_uint_t                 group;
    ngx_http_paas_ctx_t       *ctx;
    ngx_http_paas_captures_t  *c;

    ngx_memzero(v, sizeof(ngx_http_variable_value_t));

    v->not_found = 1;

    ctx = ngx_http_paas_find_ctx(r);

    if (ctx == NULL && r->upstream) {

        /* no "paas on": asked for before the balancer looks for the route */

        ctx = ngx_http_paas_get_ctx(r);

        if (ctx == NULL || ngx_http_paas_route_request(ctx) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    if (ctx == NULL || ctx->host == NULL || ctx->host->captures == NULL) {
        return NGX_OK;
    }

    c = ctx->host->captures;

    s.data = name->data + sizeof("paas_") - 1;
    s.len = name->len - (sizeof("paas_") - 1);

    group = ngx_http_paas_find_capture(c, &s);

    if (group == 0 || c->at[group][0] == c->at[group][1]) {
        return NGX_OK;
    }

    v->data = ctx->host->name.data + c->at[group][0];
    v->len = c->at[group][1] - c->at[group][0];
    v->valid = 1;
    v->not_found = 0;

    return NGX_OK;
}


/* The group; of several with one name, one that is set.  0: none. */

static ngx_uint_t
ngx_http_paas_find_capture(ngx_http_paas_captures_t *c, ngx_str_t *name)
{
    u_char     *p;
    uint32_t    i;
    ngx_uint_t  group;

    if (name->len == 1 && name->data[0] >= '1' && name->data[0] <= '9') {
        group = name->data[0] - '0';
        return group < c->n ? group : 0;
    }

    group = 0;

    for (i = 0, p = c->names; i < c->nnames; i++, p += 2 + p[1]) {

        if (p[1] == name->len
            && ngx_strncasecmp(p + 2, name->data, name->len) == 0
            && (group == 0 || c->at[group][0] == c->at[group][1]))
        {
            group = p[0];
        }
    }

    return group;
}
