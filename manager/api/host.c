#include "api/host.h"

#include <string.h>

#include "api/request.h"
#include "api/respond.h"

/* Also in manager/etc/nginx/dnsmasq.conf.in. */
#define INTERNAL "internal"

int
host_parse(struct request *r, const char *text, char host[HOST_MAX])
{
	if (paas_routedb_canonical(
		(const uint8_t *)text, strlen(text), 1, host) > 0)
		return 0;
	respond_invalid(r,
	    "hostname \"%.100s\" is not a host: letters, digits and '-' in "
	    "labels of at most 63 bytes, as www.example.com or "
	    "*.example.com",
	    text);
	return -1;
}

/* Whether host ends in "." suffix. */
static int
host_is_below(const char *host, const char *suffix)
{
	size_t len = strlen(host), n = strlen(suffix);

	return len > n && host[len - n - 1] == '.' &&
	       strcmp(host + len - n, suffix) == 0;
}

int
host_claim(struct request *r, const char *text, char host[HOST_MAX])
{
	const char *domain = r->api->conf->domain;

	if (host_parse(r, text, host) == -1)
		return -1;
	if (strcmp(host, domain) == 0 || host_is_below(host, domain)) {
		respond_invalid(r,
		    "hostname \"%s\" belongs to the platform: every app "
		    "answers at APP.%s by itself",
		    text, domain);
		return -1;
	}
	if (strcmp(host, INTERNAL) == 0 || host_is_below(host, INTERNAL)) {
		respond_invalid(r,
		    "hostname \"%s\" belongs to the platform: below ." INTERNAL
		    " apps find each other",
		    text);
		return -1;
	}
	if (host[0] == '.' && host_is_below(domain, host + 1)) {
		respond_invalid(r,
		    "hostname \"%s\" would take in the platform's own domain, "
		    "%s",
		    text, domain);
		return -1;
	}
	return 0;
}
