#include "common/push.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
push_hash_format(char out[2 * PUSH_HASH + 1], const uint8_t *hash)
{
	for (size_t i = 0; i < PUSH_HASH; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
push_hash_parse(const char *text, uint8_t hash[PUSH_HASH])
{
	int high, low;

	for (size_t i = 0; i < PUSH_HASH; i++) {
		if ((high = digit(text[2 * i])) == -1 ||
		    (low = digit(text[2 * i + 1])) == -1)
			return -1;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int
push_head_format(char *out, size_t len, uint64_t bytes)
{
	return snprintf(out, len, PUSH_HEAD "%" PRIu64 "\n", bytes);
}

int
push_record_format(char *out, size_t len, const struct push_record *r)
{
	char hex[2 * PUSH_HASH + 1] = "-";

	if (r->kind == 'f')
		push_hash_format(hex, r->hash);
	return snprintf(out, len, "%c %o %" PRIu64 " %s %" PRId64, r->kind,
	    r->mode, r->size, hex, r->mtime);
}

/* A number and the byte after it, which it has to be; NULL if it is not so. */
static const char *
number(const char *p, int base, char after, int64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)p[*p == '-']))
		return NULL;
	errno = 0;
	*out = strtoll(p, &end, base);
	return errno == 0 && *end == after ? end + 1 : NULL;
}

ssize_t
push_head_parse(const char *text, size_t len, uint64_t *bytes)
{
	static const char head[] = PUSH_HEAD;
	const size_t n = sizeof(head) - 1;
	char line[PUSH_HEAD_MAX + 1];
	const char *end = memchr(
	    text, '\n', len < PUSH_HEAD_MAX ? len : (size_t)PUSH_HEAD_MAX);
	int64_t value;

	if (memcmp(text, head, len < n ? len : n) != 0)
		return -1;
	if (end == NULL)
		return len < PUSH_HEAD_MAX ? 0 : -1;
	len = (size_t)(end - text);
	memcpy(line, text, len);
	line[len] = '\0';
	if (len < n || number(line + n, 10, '\0', &value) == NULL ||
	    value <= 0 || (uint64_t)value > PUSH_LIST_MAX)
		return -1;
	*bytes = (uint64_t)value;
	return (ssize_t)len + 1;
}

/* The words before the first NUL. */
static int
words_parse(const char *p, struct push_record *r)
{
	int64_t mode, size;

	r->kind = p[0];
	if (p[0] == '\0' || strchr("fdl", p[0]) == NULL || p[1] != ' ' ||
	    (p = number(p + 2, 8, ' ', &mode)) == NULL ||
	    (p = number(p, 10, ' ', &size)) == NULL || mode < 0 ||
	    mode > 07777 || size < 0)
		return -1;
	r->mode = (unsigned)mode;
	r->size = (uint64_t)size;
	if (r->kind != 'f') {
		if (p[0] != '-' || p[1] != ' ')
			return -1;
		p += 2;
	} else {
		if (strnlen(p, 2 * PUSH_HASH) != 2 * PUSH_HASH ||
		    push_hash_parse(p, r->hash) == -1 ||
		    p[2 * PUSH_HASH] != ' ')
			return -1;
		p += 2 * PUSH_HASH + 1;
	}
	return number(p, 10, '\0', &r->mtime) == NULL ? -1 : 0;
}

ssize_t
push_record_parse(const char *text, size_t len, struct push_record *r)
{
	const char *part[3] = {text, NULL, NULL}, *at = text, *nul;
	size_t left = len;
	int i, n = len > 0 && text[0] == 'l' ? 3 : 2;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < n; i++) {
		part[i] = at;
		if ((nul = memchr(at, '\0', left)) == NULL)
			return len < PUSH_RECORD_MAX ? 0 : -1;
		left -= (size_t)(nul + 1 - at);
		at = nul + 1;
	}
	if (at - text > PUSH_RECORD_MAX || words_parse(text, r) == -1)
		return -1;
	r->path = part[1];
	r->target = part[2];
	return at - text;
}
