/*
 * Making text from strangers safe for a terminal.
 */
#include <bsd/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/output.h"

/* Longest SGR sequence let through, with ESC [ and m. */
#define CLEAN_SGR_MAX 48

/*
 * One code point of UTF-8 as RFC 3629 has it: no overlong forms, surrogates
 * or values past U+10FFFF.  Returns its length, 0 if it is none.
 */
static size_t
clean_decode(const char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text;
	size_t n, i;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	*code = p[0] & (0xffU >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* C0, DEL, C1, line and paragraph separators, bidirectional controls. */
static int
clean_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
	       code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* Length of an SGR sequence (ECMA-48 8.3.117) at text, 0 if it is none. */
static size_t
clean_sgr(const char *text, size_t len)
{
	size_t i;

	if (len < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	for (i = 2; i < len && i < CLEAN_SGR_MAX; i++) {
		if (text[i] == 'm')
			return i + 1;
		if (strchr("0123456789;:", text[i]) == NULL)
			return 0;
	}
	return 0;
}

static void
clean_escape(FILE *to, uint32_t code, unsigned let)
{
	switch (let & OUT_JSON ? 0 : code) {
	case '\n':
		fputs("\\n", to);
		break;
	case '\r':
		fputs("\\r", to);
		break;
	case '\t':
		fputs("\\t", to);
		break;
	default:
		if (code < 0x80 && !(let & OUT_JSON))
			fprintf(to, "\\x%02x", code);
		else
			fprintf(to, "\\u%04x", code);
	}
}

char *
out_clean(const char *text, size_t len, unsigned let)
{
	uint32_t code;
	size_t i, n, size;
	char *buf;
	FILE *to;
	int coloured = 0;

	to = open_memstream(&buf, &size);
	if (to == NULL)
		err(1, NULL);
	for (i = 0; i < len; i += n) {
		n = let & (OUT_SGR | OUT_DROP_SGR)
			? clean_sgr(text + i, len - i)
			: 0;
		if (n > 0) {
			if (let & OUT_SGR)
				fwrite(text + i, 1, n, to);
			coloured = coloured || (let & OUT_SGR);
			continue;
		}
		n = clean_decode(text + i, len - i, &code);
		if (n == 0) {
			n = 1;
			fprintf(to, "\\x%02x", (unsigned char)text[i]);
		} else if (!clean_is_control(code) ||
			   (code == '\t' && (let & OUT_TAB)))
			fwrite(text + i, 1, n, to);
		else
			clean_escape(to, code, let);
	}
	if (coloured)
		fputs("\033[0m", to);
	if (fclose(to) != 0)
		err(1, NULL);
	return buf;
}

unsigned
out_columns(const char *clean)
{
	size_t len = strlen(clean), i, n;
	unsigned columns = 0;
	uint32_t code;
	int w;

	for (i = 0; i < len; i += n) {
		if ((n = clean_sgr(clean + i, len - i)) > 0)
			continue;
		if ((n = clean_decode(clean + i, len - i, &code)) == 0)
			return columns;
		w = wcwidth((wchar_t)code);
		columns += w > 0 ? (unsigned)w : 0;
	}
	return columns;
}
