/*
 * Public addresses alone, as for apps (RFC 6890), none of this machine's, and
 * what allow_out names.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "drain/drain.h"

struct net {
	const char *address;
	unsigned int bits;
};

static const struct net closed4[] = {{"0.0.0.0", 8}, {"10.0.0.0", 8},
    {"100.64.0.0", 10}, {"127.0.0.0", 8}, {"169.254.0.0", 16},
    {"172.16.0.0", 12}, {"192.0.0.0", 24}, {"192.0.2.0", 24},
    {"192.88.99.0", 24}, {"192.168.0.0", 16}, {"198.18.0.0", 15},
    {"198.51.100.0", 24}, {"203.0.113.0", 24}, {"224.0.0.0", 3}};

/* Of 2000::/3, which is all that is public. */
static const struct net closed6[] = {
    {"2001::", 23}, {"2001:db8::", 32}, {"2002::", 16}, {"3fff::", 20}};

static int
bits_match(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	if (memcmp(a, b, bits / 8) != 0)
		return 0;
	return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static const uint8_t *
address_bytes(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return (const uint8_t *)&(
		    (const struct sockaddr_in *)(const void *)sa)
		    ->sin_addr;
	if (sa->sa_family == AF_INET6)
		return (const uint8_t *)&(
		    (const struct sockaddr_in6 *)(const void *)sa)
		    ->sin6_addr;
	return NULL;
}

static int
net_has(int family, const char *net, unsigned int bits, const uint8_t *bytes)
{
	uint8_t in[16];

	return inet_pton(family, net, in) == 1 && bits_match(in, bytes, bits);
}

/* "10.0.0.0/8, 192.0.2.1", with commas or blanks: as it was checked. */
static int
list_has(const char *list, int family, const uint8_t *bytes)
{
	char word[INET6_ADDRSTRLEN + 8], *slash;
	unsigned int bits;
	size_t len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == 0 || len >= sizeof(word))
			continue;
		memcpy(word, list, len);
		word[len] = '\0';
		bits = family == AF_INET ? 32 : 128;
		if ((slash = strchr(word, '/')) != NULL) {
			*slash = '\0';
			bits = (unsigned int)strtoul(slash + 1, NULL, 10);
		}
		if (bits <= (family == AF_INET ? 32 : 128) &&
		    net_has(family, word, bits, bytes))
			return 1;
	}
	return 0;
}

static int
is_public(int family, const uint8_t *bytes)
{
	const struct net *nets = family == AF_INET ? closed4 : closed6;
	size_t i, n;

	n = family == AF_INET ? sizeof(closed4) / sizeof(closed4[0])
			      : sizeof(closed6) / sizeof(closed6[0]);
	if (family == AF_INET6 && !net_has(AF_INET6, "2000::", 3, bytes))
		return 0;
	for (i = 0; i < n; i++) {
		if (net_has(family, nets[i].address, nets[i].bits, bytes))
			return 0;
	}
	return 1;
}

/* Fails closed. */
static int
is_ours(int family, const uint8_t *bytes)
{
	struct ifaddrs *all, *one;
	int found = 0;

	if (getifaddrs(&all) == -1)
		return 1;
	for (one = all; one != NULL && !found; one = one->ifa_next) {
		if (one->ifa_addr != NULL && one->ifa_addr->sa_family == family)
			found = memcmp(address_bytes(one->ifa_addr), bytes,
				    family == AF_INET ? 4 : 16) == 0;
	}
	freeifaddrs(all);
	return found;
}

int
drain_may_reach(const struct sockaddr *sa, const char *allow)
{
	const uint8_t *bytes = address_bytes(sa);
	int family = sa->sa_family;

	if (bytes == NULL)
		return 0;
	return list_has(allow, family, bytes) ||
	       (is_public(family, bytes) && !is_ours(family, bytes));
}
