
/*
 * An instance's address, from the route database.
 */


#include "ngx_http_paas_module.h"


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


/* 1.2.3.4:5000, at a tenth of the cost of ngx_sprintf(). */

size_t
ngx_http_paas_print_address(u_char *text,
    const paas_routedb_instance_t *record)
{
    u_char      *p, digits[5];
    ngx_uint_t   i, k, n;

    p = text;

    for (i = 0; i < 5; i++) {
        n = (i < 4) ? record->addr[12 + i] : record->port;

        k = 0;

        do {
            digits[k++] = '0' + n % 10;
            n /= 10;
        } while (n);

        while (k) {
            *p++ = digits[--k];
        }

        *p++ = (i < 3) ? '.' : ':';
    }

    return p - 1 - text;
}
