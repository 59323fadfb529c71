#include "common/drain.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *prefix;
	enum drain_scheme scheme;
	uint16_t port; /* 0: has to be said */
} schemes[] = {
    {"syslog://", DRAIN_SYSLOG, 514},
    {"syslog+tls://", DRAIN_SYSLOG_TLS, 6514},
    {"https://", DRAIN_HTTPS, 443},
};

static int
host_valid(const char *host, int literal6)
{
	struct in6_addr in;

	if (literal6)
		return inet_pton(AF_INET6, host, &in) == 1;
	return *host != '\0' && *host != '-' &&
	       host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] ==
		   '\0';
}

/* "host", "host:port", "[::1]:port". */
static int
authority_parse(const char *at, size_t len, struct drain_url *url)
{
	const char *bad = NULL;
	char copy[300], *port, *host = copy;

	if (len == 0 || len >= sizeof(copy))
		return -1;
	memcpy(copy, at, len);
	copy[len] = '\0';
	url->literal6 = *host == '[';
	if (url->literal6) {
		if ((port = strchr(++host, ']')) == NULL)
			return -1;
		*port++ = '\0';
		if (*port != '\0' && *port++ != ':')
			return -1;
		if (*port == '\0' && port[-1] == ':')
			return -1;
	} else if ((port = strchr(host, ':')) != NULL) {
		*port++ = '\0';
		if (*port == '\0')
			return -1;
	}
	if (port != NULL && *port != '\0')
		url->port = (uint16_t)strtonum(port, 1, 65535, &bad);
	return bad == NULL && host_valid(host, url->literal6) &&
		       strlcpy(url->host, host, sizeof(url->host)) <
			   sizeof(url->host)
		   ? 0
		   : -1;
}

int
drain_url_parse(const char *text, struct drain_url *url, char err[PAAS_ERRLEN])
{
	const char *at, *end, *user, *p;
	size_t i;

	memset(url, 0, sizeof(*url));
	snprintf(err, PAAS_ERRLEN,
	    "has to be syslog://HOST:PORT, syslog+tls://HOST:PORT or "
	    "https://HOST/PATH");
	for (p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return -1;
	}
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncasecmp(text, schemes[i].prefix,
			strlen(schemes[i].prefix)) == 0)
			break;
	}
	if (i == sizeof(schemes) / sizeof(schemes[0]) ||
	    strlen(text) >= DRAIN_URL_MAX)
		return -1;
	url->scheme = schemes[i].scheme;
	url->port = schemes[i].port;
	at = text + strlen(schemes[i].prefix);
	end = at + strcspn(at, "/?#");
	user = memrchr(at, '@', (size_t)(end - at));
	if (url->scheme != DRAIN_HTTPS &&
	    (user != NULL || (*end != '\0' && strcmp(end, "/") != 0)))
		return -1;
	if (user != NULL)
		at = user + 1;
	return authority_parse(at, (size_t)(end - at), url);
}
