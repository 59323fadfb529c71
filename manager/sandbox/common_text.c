/*
 * Text of strangers, made fit for a terminal and for JSON.
 */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

/* The table of RFC 3629, section 4: what the second byte may be. */
size_t
text_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t i, n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static int
is_plain(const unsigned char *p, size_t n)
{
	if (n == 0)
		return 0;
	if (n == 1)
		return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '"' &&
		       p[0] != '\\';
	/* U+0080 to U+009F are control characters as well. */
	return !(p[0] == 0xc2 && p[1] < 0xa0);
}

char *
text_escape(char *out, size_t outlen, const char *text)
{
	static const char more[] = "...";
	size_t left = strlen(text), n, need, used = 0;

	while (left > 0) {
		n = text_utf8(text, left);
		if (!is_plain((const unsigned char *)text, n)) {
			n = 1;
			need = 4;
		} else
			need = n;
		if (used + need + sizeof(more) > outlen) {
			if (outlen >= sizeof(more)) {
				memcpy(out + used, more, sizeof(more));
				return out;
			}
			break;
		}
		if (need == n)
			memcpy(out + used, text, n);
		else
			snprintf(out + used, outlen - used, "\\x%02x",
			    (unsigned char)text[0]);
		used += need;
		text += n;
		left -= n;
	}
	if (outlen > 0)
		out[used] = '\0';
	return out;
}
