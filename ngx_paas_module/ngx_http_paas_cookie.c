
/*
 * A request's cookies (RFC 6265, 4.2.1), one by one: the same name may come
 * several times, of several paths.
 */


#include "ngx_http_paas_module.h"


static ngx_uint_t ngx_http_paas_next_crumb_line(ngx_http_paas_crumb_t *crumb);


void
ngx_http_paas_first_cookie(ngx_http_request_t *r,
    ngx_http_paas_crumb_t *crumb)
{
#if (nginx_version >= 1023000)
    crumb->next = r->headers_in.cookie;
#else
    crumb->next = r->headers_in.cookies.elts;
    crumb->last = crumb->next + r->headers_in.cookies.nelts;
#endif

    crumb->line.len = 0;
}


/* The next one of that name; 0 if there is none left. */

ngx_uint_t
ngx_http_paas_next_cookie(ngx_http_paas_crumb_t *crumb, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char     *p, *end;
    ngx_str_t  *line;

    line = &crumb->line;

    while (line->len || ngx_http_paas_next_crumb_line(crumb)) {

        while (line->len && (*line->data == ' ' || *line->data == ';')) {
            line->data++;
            line->len--;
        }

        end = ngx_strlchr(line->data, line->data + line->len, ';');

        if (end == NULL) {
            end = line->data + line->len;
        }

        p = line->data;

        line->len -= end - p;
        line->data = end;

        if ((size_t) (end - p) <= name->len || p[name->len] != '='
            || ngx_memcmp(p, name->data, name->len) != 0)
        {
            continue;
        }

        p += name->len + 1;

        while (end > p && end[-1] == ' ') {
            end--;
        }

        value->data = p;
        value->len = end - p;

        return 1;
    }

    return 0;
}


static ngx_uint_t
ngx_http_paas_next_crumb_line(ngx_http_paas_crumb_t *crumb)
{
#if (nginx_version >= 1023000)

    if (crumb->next == NULL) {
        return 0;
    }

    crumb->line = crumb->next->value;
    crumb->next = crumb->next->next;

#else

    if (crumb->next == crumb->last) {
        return 0;
    }

    crumb->line = (*crumb->next)->value;
    crumb->next++;

#endif

    return 1;
}
