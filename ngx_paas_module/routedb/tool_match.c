/*
 * Matching patterns as the router does: all of a host or nothing.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tool.h"

int
tool_match(paas_routedb_str_t pattern, const char *host, size_t len,
    char err[TOOL_ERRLEN])
{
	pcre2_match_data *data;
	PCRE2_UCHAR why[256];
	pcre2_code *code;
	PCRE2_SIZE at;
	int rc, error;

	code = pcre2_compile(pattern.data, pattern.len,
	    PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &at, NULL);
	if (code == NULL) {
		pcre2_get_error_message(error, why, sizeof(why));
		snprintf(err, TOOL_ERRLEN, "%s at byte %zu", (char *)why, at);
		return -1;
	}
	data = pcre2_match_data_create_from_pattern(code, NULL);
	rc = data == NULL
		 ? PCRE2_ERROR_NOMEMORY
		 : pcre2_match(code, (PCRE2_SPTR)host, len, 0, 0, data, NULL);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return rc >= 0;
}
