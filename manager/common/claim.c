#include "common/claim.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Also in manager/etc/nginx/dnsmasq.conf.in. */
#define INTERNAL "internal"

/* Is it the domain itself, or below it? */
static int
is_within(const char *host, size_t len, const char *domain, size_t n)
{
	if (len < n || memcmp(host + len - n, domain, n) != 0)
		return 0;
	return len == n || host[len - n - 1] == '.';
}

int
claim_check(const struct conf *conf, const char *host, char err[PAAS_ERRLEN])
{
	size_t len = strlen(host), n = strlen(conf->domain);

	if (is_within(host, len, conf->domain, n)) {
		snprintf(err, PAAS_ERRLEN,
		    "belongs to the platform: every app answers at APP.%s by "
		    "itself",
		    conf->domain);
		return -1;
	}
	if (is_within(host, len, INTERNAL, sizeof(INTERNAL) - 1)) {
		snprintf(err, PAAS_ERRLEN,
		    "belongs to the platform: below ." INTERNAL
		    " apps find each other");
		return -1;
	}
	if (host[0] == '.' && len > 1 &&
	    is_within(conf->domain, n, host + 1, len - 1)) {
		snprintf(err, PAAS_ERRLEN,
		    "would take in the platform's own domain, %s",
		    conf->domain);
		return -1;
	}
	return 0;
}

int
claim_is_machine(const char *host)
{
	struct in_addr address;

	return strchr(host, '.') == NULL || host[0] == '[' ||
	       inet_pton(AF_INET, host, &address) == 1;
}

const char *
claim_zone(const char *host)
{
	const char *zone = host + strlen(host);
	int dots = 0;

	while (zone > host && (zone[-1] != '.' || ++dots < 2))
		zone--;
	return *zone == '.' ? zone + 1 : zone;
}
