#include "api/http/uri.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int
uri_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* jansson refuses to make a string of what is not UTF-8. */
static int
uri_is_utf8(const char *text)
{
	json_t *string = json_string(text);

	if (string == NULL)
		return 0;
	json_decref(string);
	return 1;
}

int
uri_decode(char *text)
{
	char *in = text, *out = text;
	int byte, high, low;

	while (*in != '\0') {
		byte = (unsigned char)*in++;
		if (byte == '%') {
			high = uri_hex(in[0]);
			low = high == -1 ? -1 : uri_hex(in[1]);
			if (low == -1)
				return -1;
			byte = high << 4 | low;
			in += 2;
		}
		if (byte < 0x20 || byte == 0x7f)
			return -1;
		*out++ = (char)byte;
	}
	*out = '\0';
	return uri_is_utf8(text) ? 0 : -1;
}

int
uri_split(struct uri *uri, const char *path)
{
	char *next, *segment;

	memset(uri, 0, sizeof(*uri));
	if (path[0] != '/' || (uri->text = strdup(path + 1)) == NULL)
		return -1;
	next = uri->text;
	while ((segment = strsep(&next, "/")) != NULL) {
		if (*segment == '\0' && next == NULL)
			break;
		if (*segment == '\0' || uri->count == URI_SEGMENTS_MAX)
			return -1;
		uri->segments[uri->count++] = segment;
	}
	for (size_t i = 0; i < uri->count; i++)
		if (uri_decode(uri->segments[i]) == -1 ||
		    uri->segments[i][0] == '\0')
			return -1;
	return 0;
}

void
uri_free(struct uri *uri)
{
	free(uri->text);
	memset(uri, 0, sizeof(*uri));
}
