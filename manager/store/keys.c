/*
 * Keys, names and ids: how they are written and what they may be.
 */
#include "store/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"

char *
key_format(char buf[STORE_KEY_MAX + 1], const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, STORE_KEY_MAX + 1, fmt, ap);
	va_end(ap);
	if (len <= 0 || len > STORE_KEY_MAX) {
		log_err("key: \"%s\" makes %d bytes", fmt, len);
		abort();
	}
	return buf;
}

/* n of 0 is the part before the first '/'.  0, or -1 if it does not fit. */
int
key_part(const char *key, int n, char *out, size_t len)
{
	size_t part;

	for (; n > 0; n--) {
		if ((key = strchr(key, '/')) == NULL)
			return -1;
		key++;
	}
	part = strcspn(key, "/");
	if (part == 0 || part >= len)
		return -1;
	memcpy(out, key, part);
	out[part] = '\0';
	return 0;
}

int
key_app_valid(const char *name)
{
	size_t len;

	if (*name < 'a' || *name > 'z')
		return 0;
	len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return len <= KEY_NAME_MAX && name[len] == '\0';
}

/*
 * Names that the platform answers to itself, or that people would take for
 * it: mail and certificate addresses, name servers, what browsers look up by
 * themselves.  Sorted, for bsearch.
 */
static const char *const reserved[] = {
    "abuse",
    "acme",
    "admin",
    "administrator",
    "api",
    "auth",
    "autoconfig",
    "autodiscover",
    "broadcasthost",
    "console",
    "dns",
    "ftp",
    "git",
    "hostmaster",
    "imap",
    "internal",
    "isatap",
    "local",
    "localdomain",
    "localhost",
    "login",
    "mail",
    "metrics",
    "mta-sts",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "ns3",
    "ns4",
    "oauth",
    "paas",
    "pop3",
    "postmaster",
    "registry",
    "root",
    "smtp",
    "ssh",
    "sso",
    "status",
    "webmail",
    "webmaster",
    "wpad",
    "www",
};

static int
compare_names(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

int
key_app_reserved(const char *name)
{
	return bsearch(name, reserved, sizeof(reserved) / sizeof(reserved[0]),
		   sizeof(reserved[0]), compare_names) != NULL;
}

int
key_parse_id(const char *text, uint64_t *id)
{
	uint64_t value = 0;
	int i, digit;

	for (i = 0; i < 16; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			digit = text[i] - '0';
		else if (text[i] >= 'a' && text[i] <= 'f')
			digit = text[i] - 'a' + 10;
		else
			return -1;
		value = value << 4 | (uint64_t)digit;
	}
	if (text[16] != '\0')
		return -1;
	*id = value;
	return 0;
}

void
key_format_id(char out[17], uint64_t id)
{
	snprintf(out, 17, "%016llx", (unsigned long long)id);
}
