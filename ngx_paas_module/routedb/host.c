/*
 * Host names: what is one, and the one form of it that is a key.  Routing and
 * forwarding must see the same host, so that nothing doubtful passes.
 */
#include <arpa/inet.h>

#include "internal.h"

#define LABEL_MAX 63

/* The lower case of what may stand in a label, else 0. */
static inline uint8_t
label_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c | 0x20;
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_')
		return c;
	return 0;
}

/* Nothing, or a colon and a port. */
static int
valid_port(const uint8_t *p, size_t len)
{
	uint32_t port = 0;

	if (len == 0)
		return 1;
	if (p[0] != ':' || len > 6)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		port = port * 10 + (p[i] - '0');
	}
	return port <= 65535;
}

/* Between brackets, in the form of RFC 5952. */
static int
canonical_ipv6(const uint8_t *host, size_t len, char *out)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	const uint8_t *close = memchr(host, ']', len);
	size_t n;

	if (close == NULL)
		return PAAS_ROUTEDB_EINVAL;
	n = (size_t)(close - host) - 1;
	if (n >= sizeof(text) || memchr(host, '\0', n + 1) != NULL ||
	    !valid_port(close + 1, len - n - 2))
		return PAAS_ROUTEDB_EINVAL;
	memcpy(text, host + 1, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return PAAS_ROUTEDB_EINVAL;
	out[0] = '[';
	inet_ntop(AF_INET6, &addr, out + 1, INET6_ADDRSTRLEN);
	n = strlen(out);
	memcpy(out + n, "]", 2);
	return (int)n + 1;
}

/*
 * A name whose last label is a number is an IPv4 address or nothing, as in
 * the URL standard: no other spelling of an address can pass for a name.
 */
static int
valid_number(const char *out)
{
	struct in_addr addr;

	return inet_pton(AF_INET, out, &addr) == 1;
}

int
paas_routedb_canonical(const uint8_t *host, size_t len, int wildcard, char *out)
{
	size_t i = 0, n = 0, label = 0;
	int number = 1, last_number = 0;

	if (len == 0)
		return PAAS_ROUTEDB_EINVAL;
	if (host[0] == '[')
		return canonical_ipv6(host, len, out);
	if (wildcard &&
	    (host[0] == '.' || (len > 1 && host[0] == '*' && host[1] == '.'))) {
		out[n++] = '.';
		i = host[0] == '*' ? 2 : 1;
	}
	for (; i < len && host[i] != ':'; i++) {
		uint8_t c = label_char(host[i]);

		if (n > PAAS_ROUTEDB_HOST_MAX)
			return PAAS_ROUTEDB_EINVAL;
		if (c != 0 && label < LABEL_MAX) {
			number &= c <= '9' && c != '-';
			label++;
		} else if (host[i] == '.' && label > 0) {
			last_number = number;
			number = 1;
			label = 0;
			c = '.';
		} else {
			return PAAS_ROUTEDB_EINVAL;
		}
		out[n++] = (char)c;
	}
	if (label > 0)
		last_number = number;
	else if (n > 1)
		n--; /* one trailing dot */
	else
		return PAAS_ROUTEDB_EINVAL;
	if (n > PAAS_ROUTEDB_HOST_MAX || !valid_port(host + i, len - i))
		return PAAS_ROUTEDB_EINVAL;
	out[n] = '\0';
	if (last_number && !valid_number(out))
		return PAAS_ROUTEDB_EINVAL;
	return (int)n;
}
