/*
 * Addresses outside the platform, that traffic may be sent to.
 */
#ifndef PAAS_ADDRESS_H
#define PAAS_ADDRESS_H

#include "common/conf.h"

#define ADDRESS_MAX 46 /* INET6_ADDRSTRLEN */

/*
 * The canonical text of an IPv4 or IPv6 address that traffic may be sent to.
 * 0, or -1 with what is wrong in err, to go behind the field's name.
 */
int address_parse(const struct conf *, const char *text,
    char address[ADDRESS_MAX], char err[PAAS_ERRLEN]);

#endif
