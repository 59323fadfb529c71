/*
 * The path and query of a request.  libmicrohttpd hands them over as they
 * were sent (its own decoding is switched off), so that "%2F" in a segment is
 * no separator and "%00" is refused instead of cutting a name short.
 */
#ifndef PAAS_API_URI_H
#define PAAS_API_URI_H

#include <stddef.h>

#define URI_SEGMENTS_MAX 8

struct uri {
	size_t count;
	char *segments[URI_SEGMENTS_MAX]; /* into text */
	char *text;
};

/*
 * Decodes %XX in place.  -1 if it is malformed, or stands for a control byte
 * or for what is not UTF-8.
 */
int uri_decode(char *);

/*
 * Splits a path; a '/' at its end is ignored.  Returns 0, or -1 if it is no
 * path of ours: empty segments, too many of them, bad escapes.  uri_free
 * either way.
 */
int uri_split(struct uri *, const char *path);
void uri_free(struct uri *);

#endif
