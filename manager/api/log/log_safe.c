#include "api/log/log_safe.h"

#include <string.h>

#define SGR_MAX 48 /* with ESC [ and m */

/* The length of such a sequence at text, 0 if it is none. */
static size_t
safe_sgr(const char *text, size_t len)
{
	size_t i;

	if (len < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	for (i = 2; i < len && i < SGR_MAX; i++) {
		if (text[i] == 'm')
			return i + 1;
		if (text[i] == '\0' || strchr("0123456789;:", text[i]) == NULL)
			return 0;
	}
	return 0;
}

void
log_safe(char *text, size_t len)
{
	unsigned char c, next;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = safe_sgr(text + i, len - i);
		if (n > 0)
			continue;
		n = 1;
		c = (unsigned char)text[i];
		next = i + 1 < len ? (unsigned char)text[i + 1] : 0;
		if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			text[i] = text[i + 1] = '?';
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			text[i] = '?';
	}
}
