#include "common/address.h"

#include <arpa/inet.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

/*
 * An instance's address may be another app's tomorrow, and apps have routes
 * by themselves; the rest is nobody's.
 */
static const char *
address_refuse4(const struct conf *conf, uint32_t host)
{
	uint32_t mask;

	mask =
	    conf->subnet_bits == 0 ? 0 : UINT32_MAX << (32 - conf->subnet_bits);
	if ((host & mask) == (conf->subnet.s_addr & mask))
		return "is inside the platform's own subnet: apps have their "
		       "routes by themselves";
	if (host >> 24 == 0 || host >> 28 >= 0xe)
		return "is not the address of a host";
	return NULL;
}

static const char *
address_refuse6(const struct in6_addr *in6)
{
	if (IN6_IS_ADDR_UNSPECIFIED(in6) || IN6_IS_ADDR_MULTICAST(in6))
		return "is not the address of a host";
	if (IN6_IS_ADDR_LINKLOCAL(in6))
		return "is link-local, which needs an interface: use another "
		       "address of that host";
	return NULL;
}

int
address_parse(const struct conf *conf, const char *text,
    char address[ADDRESS_MAX], char err[PAAS_ERRLEN])
{
	struct in6_addr in6;
	struct in_addr in;
	const char *why;

	if (inet_pton(AF_INET, text, &in) == 1) {
		why = address_refuse4(conf, ntohl(in.s_addr));
		(void)inet_ntop(AF_INET, &in, address, ADDRESS_MAX);
	} else if (inet_pton(AF_INET6, text, &in6) == 1) {
		if (IN6_IS_ADDR_V4MAPPED(&in6)) {
			memcpy(&in, &in6.s6_addr[12], sizeof(in));
			why = address_refuse4(conf, ntohl(in.s_addr));
			(void)inet_ntop(AF_INET, &in, address, ADDRESS_MAX);
		} else {
			why = address_refuse6(&in6);
			(void)inet_ntop(AF_INET6, &in6, address, ADDRESS_MAX);
		}
	} else
		why = "has to be an IPv4 or IPv6 address: names are not "
		      "looked up";
	if (why == NULL)
		return 0;
	snprintf(err, PAAS_ERRLEN, "\"%.60s\" %s", text, why);
	return -1;
}
