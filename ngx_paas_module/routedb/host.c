/*
 * Host names: what is one, and the one form of it that is a key.  Routing and
 * forwarding must see the same host, so that nothing doubtful passes.
 */
#include <arpa/inet.h>

#include "internal.h"

#define LABEL_MAX 63

/* The lower case of what may stand in a label; all else is 0. */
/* clang-format off */
static const char label_chars[256] = {
	['-'] = '-',
	['_'] = '_',
	['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
	['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
	'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
	['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
	'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
};
/* clang-format on */

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
valid_number(const char *name, const char *last)
{
	struct in_addr addr;

	if (last[strspn(last, "0123456789")] != '\0')
		return 1;
	return inet_pton(AF_INET, name, &addr) == 1;
}

int
paas_routedb_canonical(const uint8_t *host, size_t len, int allow, char *out)
{
	char name[PAAS_ROUTEDB_HOST_MAX + sizeof("*..:65535")];
	char *o = name, *label = name, *last = name;
	const uint8_t *p = host, *end = host + len;

	if (len == 0 || len >= sizeof(name))
		return PAAS_ROUTEDB_EINVAL;
	if (*p == '[')
		return canonical_ipv6(host, len, out);
	if ((allow & PAAS_ROUTEDB_DEFAULT) && len == 1 &&
	    (*p == '*' || *p == '.')) {
		memcpy(out, ".", 2);
		return 1;
	}
	if ((allow & PAAS_ROUTEDB_WILDCARD) &&
	    (*p == '.' || (len > 1 && *p == '*' && p[1] == '.'))) {
		p += *p == '*' ? 2 : 1;
		*o++ = '.';
		label = o;
	}
	for (; p < end && *p != ':'; p++) {
		*o = label_chars[*p];
		if (*o++ != 0)
			continue;
		if (*p != '.' || o - 1 == label || o - 1 - label > LABEL_MAX)
			return PAAS_ROUTEDB_EINVAL;
		o[-1] = '.';
		last = label;
		label = o;
	}
	if (o == label) /* one trailing dot, but not a leading one */
		o -= o - name > 1;
	else
		last = label;
	if (o == label || o - last > LABEL_MAX ||
	    o - name > PAAS_ROUTEDB_HOST_MAX ||
	    !valid_port(p, (size_t)(end - p)))
		return PAAS_ROUTEDB_EINVAL;
	*o = '\0';
	if (*last <= '9' && !valid_number(name, last))
		return PAAS_ROUTEDB_EINVAL;
	memcpy(out, name, (size_t)(o - name) + 1);
	return (int)(o - name);
}
