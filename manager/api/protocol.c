#include "api/protocol.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/access.h"
#include "api/id.h"
#include "api/rate.h"
#include "api/request.h"
#include "api/respond.h"

#define TYPE "application/vnd.heroku+json"

/* ---- the version ------------------------------------------------------- */

/* "3" and "3.sdk", as those who send it have it, behind "version=". */
static int
version_known(const char *param)
{
	const char *version = strcasestr(param, "version=");
	size_t len = strcspn(param, ",");

	if (version == NULL || version >= param + len)
		return 1;
	version += strlen("version=");
	version += *version == '"';
	return version[0] == '3' && strchr(".\"; ,", version[1]) != NULL;
}

int
protocol_version(struct request *r)
{
	const char *accept = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const char *type = accept != NULL ? strcasestr(accept, TYPE) : NULL;

	if (type == NULL)
		return 1;
	r->version3 = 1;
	if (version_known(type + strlen(TYPE)))
		return 1;
	respond_error(r, MHD_HTTP_NOT_ACCEPTABLE, "not_acceptable",
	    "that version of the API is not there: send Accept: " TYPE
	    "; version=3, or no such header");
	return 0;
}

/* ---- how many ---------------------------------------------------------- */

int
protocol_rate(struct request *r)
{
	char account[64], seconds[16];
	uint32_t wait;

	/* Tokens of the machine's administrators each count by themselves. */
	if (r->who.id[0] != '\0')
		strlcpy(account, r->who.id, sizeof(account));
	else
		snprintf(account, sizeof(account), "token %016llx",
		    (unsigned long long)r->who.token);
	if (rate_take(r->api->rate, account, id_now(), &r->rate_left, &wait) ==
	    0)
		return 1;
	respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
	    "your account has made its %u requests of an hour (api_rate in "
	    "paas.conf): the next one is good in %u s",
	    rate_most(r->api->rate), wait);
	snprintf(seconds, sizeof(seconds), "%u", wait);
	respond_header(r, "Retry-After", seconds);
	return 0;
}

/* ---- lists ------------------------------------------------------------- */

static json_t *
page_refuse(struct request *r, json_t *body, const char *accept)
{
	json_decref(body);
	respond_error(r, MHD_HTTP_RANGE_NOT_SATISFIABLE,
	    "requested_range_not_satisfiable",
	    "Range has to be \"FIELD FIRST..LAST; max=N, order=desc\" with "
	    "FIELD of %s, and N from 1 to %d; all but FIELD and the dots may "
	    "be left out",
	    accept, RANGE_MAX);
	respond_header(r, "Accept-Ranges", accept);
	return NULL;
}

json_t *
protocol_page(struct request *r, unsigned int *status, json_t *body,
    struct range_said *said)
{
	const char *text;
	struct range range = {.max = RANGE_DEFAULT};
	json_t *part;

	memset(said, 0, sizeof(*said));
	if (*status != MHD_HTTP_OK || !json_is_array(body) ||
	    respond_given(r) || r->route == NULL ||
	    strcmp(r->route->method, "GET") != 0)
		return body;
	text = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
	/* Parts of a text are another matter, and need not be given. */
	if (text != NULL && strncmp(text, "bytes=", 6) == 0)
		text = NULL;
	if (text != NULL && range_parse(&range, text) == -1) {
		range_accept(body, said);
		return page_refuse(r, body, said->accept);
	}
	if (text == NULL &&
	    (!r->version3 || json_array_size(body) <= RANGE_DEFAULT)) {
		range_accept(body, said);
		return body;
	}
	if ((part = range_cut(body, &range, said)) == NULL) {
		/* One without a field to go by comes whole. */
		return text != NULL ? page_refuse(r, body, said->accept) : body;
	}
	json_decref(body);
	if (said->next[0] != '\0')
		*status = MHD_HTTP_PARTIAL_CONTENT;
	return part;
}
