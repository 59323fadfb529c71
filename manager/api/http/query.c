#include <bsd/string.h>
#include <inttypes.h>
#include <string.h>

#include "api/http/check.h"
#include "api/http/request.h"
#include "api/http/respond.h"

const char *
request_query(struct request *r, const char *name, char *buf, size_t len)
{
	const char *value;

	value =
	    MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
	if (value == NULL)
		return NULL;
	if (strlcpy(buf, value, len) < len && uri_decode(buf) == 0)
		return buf;
	respond_error(r, MHD_HTTP_BAD_REQUEST, "bad_request",
	    "?%s= is malformed or longer than %zu bytes", name, len - 1);
	return NULL;
}

uint32_t
request_query_number(
    struct request *r, const char *name, uint32_t otherwise, uint32_t max)
{
	char buf[24];
	const char *text = request_query(r, name, buf, sizeof(buf));
	int64_t value;

	if (text == NULL)
		return respond_given(r) ? 0 : otherwise;
	if (check_digits(text, &value) == 0 && value >= 1 &&
	    value <= (int64_t)max)
		return (uint32_t)value;
	respond_invalid(
	    r, "?%s= has to be a whole number from 1 to %" PRIu32, name, max);
	return 0;
}

int
request_query_flag(struct request *r, const char *name)
{
	static const struct {
		const char *word;
		int flag;
	} words[] = {{"", 1}, {"1", 1}, {"true", 1}, {"0", 0}, {"false", 0}};
	char buf[64];
	const char *text;
	size_t i;

	/* "?follow" has a key and no value. */
	if (MHD_lookup_connection_value_n(r->conn, MHD_GET_ARGUMENT_KIND, name,
		strlen(name), &text, NULL) == MHD_NO)
		return 0;
	if (text == NULL)
		return 1;
	if ((text = request_query(r, name, buf, sizeof(buf))) == NULL)
		return 0;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i].word) == 0)
			return words[i].flag;
	respond_invalid(r, "?%s= has to be 1 or true, 0 or false", name);
	return 0;
}
