#include "build/room.h"

#include <string.h>

/* The length of the UTF-8 character at p, 0 if it is none. */
static size_t
text_char(const unsigned char *p, size_t len)
{
	size_t i, n;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* RFC 3629, section 4: overlong forms, surrogates, over U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

void
text_clean(char *out, size_t outlen, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n, used = 0;

	for (; len > 0; p += n, len -= n) {
		n = text_char(p, len);
		if (used + (n == 0 ? 1 : n) >= outlen)
			break;
		if (n == 0 || p[0] == 0x7f || p[0] < 0x20 ||
		    (p[0] == 0xc2 && p[1] < 0xa0)) {
			out[used++] = '?';
			n = n == 0 ? 1 : n;
			continue;
		}
		memcpy(out + used, p, n);
		used += n;
	}
	out[used] = '\0';
}
