
/*
 * An instance's address, from the route database.
 */


#include "ngx_http_paas_module.h"


static ngx_inline u_char *ngx_http_paas_print_number(u_char *p, uint32_t n);


/* To where there is room for IPv6; all bytes of the result are set. */

socklen_t
ngx_http_paas_copy_address(struct sockaddr *sockaddr,
    const paas_routedb_instance_t *record)
{
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    static const u_char  mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                        0xff, 0xff };

    if (ngx_memcmp(record->addr, mapped, sizeof(mapped)) == 0) {
        sin = (struct sockaddr_in *) sockaddr;

        ngx_memzero(sin, sizeof(struct sockaddr_in));

        sin->sin_family = AF_INET;
        sin->sin_port = htons(record->port);
        ngx_memcpy(&sin->sin_addr, record->addr + 12, 4);

        return sizeof(struct sockaddr_in);
    }

    sin6 = (struct sockaddr_in6 *) sockaddr;

    ngx_memzero(sin6, sizeof(struct sockaddr_in6));

    sin6->sin6_family = AF_INET6;
    sin6->sin6_port = htons(record->port);
    ngx_memcpy(&sin6->sin6_addr, record->addr, 16);

    return sizeof(struct sockaddr_in6);
}


/* 1.2.3.4:5000, at a small part of the cost of ngx_sprintf(). */

size_t
ngx_http_paas_print_address(u_char *text,
    const paas_routedb_instance_t *record)
{
    u_char  *p;

    p = ngx_http_paas_print_number(text, record->addr[12]);
    *p++ = '.';
    p = ngx_http_paas_print_number(p, record->addr[13]);
    *p++ = '.';
    p = ngx_http_paas_print_number(p, record->addr[14]);
    *p++ = '.';
    p = ngx_http_paas_print_number(p, record->addr[15]);
    *p++ = ':';
    p = ngx_http_paas_print_number(p, record->port);

    return p - text;
}


/* Up to 65535. */

static ngx_inline u_char *
ngx_http_paas_print_number(u_char *p, uint32_t n)
{
    if (n >= 100) {

        if (n >= 1000) {

            if (n >= 10000) {
                *p++ = '0' + n / 10000;
                n %= 10000;
            }

            *p++ = '0' + n / 1000;
            n %= 1000;
        }

        *p++ = '0' + n / 100;
        n %= 100;

        *p++ = '0' + n / 10;

    } else if (n >= 10) {
        *p++ = '0' + n / 10;
    }

    *p++ = '0' + n % 10;

    return p;
}
