#include "api/http/protocol.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/access/access.h"
#include "api/http/id.h"
#include "api/http/rate.h"
#include "api/http/request.h"
#include "api/http/respond.h"

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

static void
page_refuse(struct request *r, const char *accept)
{
	respond_error(r, MHD_HTTP_RANGE_NOT_SATISFIABLE,
	    "requested_range_not_satisfiable",
	    "Range has to be \"FIELD FIRST..LAST; max=N, order=desc\" with "
	    "FIELD of %s, and N from 1 to %d; all but FIELD and the dots may "
	    "be left out",
	    accept, RANGE_MAX);
	respond_header(r, "Accept-Ranges", accept);
}

enum page {
	PAGE_WHOLE,
	PAGE_BEST,  /* the first ones, by whatever there is to go by */
	PAGE_ASKED, /* as Range says */
	PAGE_BAD
};

/* What to give of a list of n. */
static enum page
page_wanted(struct request *r, size_t n, struct range *range)
{
	const char *text = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);

	memset(range, 0, sizeof(*range));
	range->max = RANGE_DEFAULT;
	/* Parts of a text are another matter, and need not be given. */
	if (text != NULL && strncmp(text, "bytes=", 6) == 0)
		text = NULL;
	if (text != NULL)
		return range_parse(range, text) == -1 ? PAGE_BAD : PAGE_ASKED;
	return r->version3 && n > RANGE_DEFAULT ? PAGE_BEST : PAGE_WHOLE;
}

json_t *
protocol_page(struct request *r, unsigned int *status, json_t *body,
    struct range_said *said)
{
	struct range range;
	enum page page;
	json_t *part = NULL;

	memset(said, 0, sizeof(*said));
	if (*status != MHD_HTTP_OK || !json_is_array(body) ||
	    respond_given(r) || r->route == NULL ||
	    strcmp(r->route->method, "GET") != 0)
		return body;
	page = page_wanted(r, json_array_size(body), &range);
	if (page == PAGE_WHOLE || page == PAGE_BAD)
		range_accept(body, said);
	else
		part = range_cut(body, &range, said);
	/* One without a field to go by comes whole. */
	if (page == PAGE_WHOLE || (page == PAGE_BEST && part == NULL))
		return body;
	if (part == NULL)
		page_refuse(r, said->accept);
	else if (said->next[0] != '\0')
		*status = MHD_HTTP_PARTIAL_CONTENT;
	json_decref(body);
	return part;
}

int
protocol_page_rows(struct request *r, unsigned int *status,
    struct range_rows *rows, struct range_said *said)
{
	struct range range;

	switch (page_wanted(r, rows->n, &range)) {
	case PAGE_WHOLE:
		range_accept_rows(rows, said);
		return 0;
	case PAGE_BAD:
		range_accept_rows(rows, said);
		break;
	default:
		if (range_cut_rows(rows, &range, said) == -1)
			break;
		if (said->next[0] != '\0')
			*status = MHD_HTTP_PARTIAL_CONTENT;
		return 0;
	}
	page_refuse(r, said->accept);
	return -1;
}
