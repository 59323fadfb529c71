/*
 * GET /apps/APP/domains/HOST/check: what DNS says of the host, and whether
 * that leads to the platform.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "api/route/domain.h"
#include "api/access/lookup.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

/* What paas-resolve says of one of the two names. */
struct seen {
	json_t *cname;
	json_t *addresses;
	int none, silent;
};

struct pending {
	struct request *request;
	char host[HOST_MAX];
	char asked[HOST_MAX + 32]; /* of a wildcard: a name below it */
	char own[HOST_MAX + MODEL_NAME_MAX];
};

static void
seen_read(struct seen *seen, const char *said, const char *label)
{
	char copy[8192], *line, *rest = copy, *word;
	size_t len = strlen(label);

	memset(seen, 0, sizeof(*seen));
	seen->cname = json_array();
	seen->addresses = json_array();
	strlcpy(copy, said != NULL ? said : "", sizeof(copy));
	seen->silent = said == NULL;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, label, len) != 0 || line[len] != ' ')
			continue;
		line += len + 1;
		word = strsep(&line, " ");
		if (strcmp(word, "none") == 0)
			seen->none = 1;
		else if (strcmp(word, "silent") == 0)
			seen->silent = 1;
		else if (line != NULL)
			json_array_append_new(strcmp(word, "cname") == 0
						  ? seen->cname
						  : seen->addresses,
			    json_string(line));
	}
}

static void
seen_free(struct seen *seen)
{
	json_decref(seen->cname);
	json_decref(seen->addresses);
}

static int
has(json_t *list, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (json_is_string(one) &&
		    strcasecmp(json_string_value(one), text) == 0)
			return 1;
	}
	return 0;
}

static int
share(json_t *a, json_t *b)
{
	json_t *one;
	size_t i;

	json_array_foreach (a, i, one) {
		if (has(b, json_string_value(one)))
			return 1;
	}
	return 0;
}

enum verdict { LEADS_HERE, LEADS_ELSEWHERE, NO_NAME, NO_ANSWER, NO_WORD };

static enum verdict
judge(const struct pending *p, const struct seen *host, const struct seen *own)
{
	if (has(host->cname, p->own) || share(host->addresses, own->addresses))
		return LEADS_HERE;
	if (host->silent)
		return NO_ANSWER;
	if (host->none || json_array_size(host->addresses) == 0)
		return NO_NAME;
	return json_array_size(own->addresses) > 0 ? LEADS_ELSEWHERE : NO_WORD;
}

static const struct {
	const char *status, *message;
	int fix;
} verdicts[] = {
    [LEADS_HERE] = {"ok", "leads to the platform", 0},
    [LEADS_ELSEWHERE] = {"elsewhere", "leads elsewhere", 1},
    [NO_NAME] = {"missing", "is no name that DNS knows an address of", 1},
    [NO_ANSWER] = {"unanswered", "is not told of: no name server answers", 0},
    [NO_WORD] = {"unknown",
	"has an address, and the platform's own domain has none to compare", 1},
};

static void
domain_looked(const char *said, void *arg)
{
	struct pending *p = arg;
	struct request *r = p->request;
	struct seen host, own;
	enum verdict v;
	json_t *shown;

	seen_read(&host, said, "host");
	seen_read(&own, said, "own");
	v = judge(p, &host, &own);
	shown = host_show(p->host);
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:O, s:s, s:s, s:O, s:O, s:{s:s, s:O}, s:o, s:o}",
		"hostname", shown, "asked", p->asked, "status",
		verdicts[v].status, "cname", host.cname, "addresses",
		host.addresses, "expected", "cname", p->own, "addresses",
		own.addresses, "message",
		json_sprintf("%s %s", p->asked, verdicts[v].message), "fix",
		verdicts[v].fix
		    ? json_sprintf("at the domain's DNS: %s CNAME %s, or its "
				   "addresses",
			  json_string_value(shown), p->own)
		    : json_null()));
	json_decref(shown);
	seen_free(&host);
	seen_free(&own);
	free(p);
	request_release(r);
}

void
domain_check(struct request *r)
{
	struct pending *p = calloc(1, sizeof(*p));
	json_t *domain;
	uint64_t rev;

	if (p == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	if ((domain = domain_find(r, p->host, &rev)) == NULL) {
		free(p);
		return;
	}
	json_decref(domain);
	host_own(r, p->own);
	if (p->host[0] == '.')
		snprintf(p->asked, sizeof(p->asked), "check-%06x%s",
		    arc4random_uniform(1 << 24), p->host);
	else
		strlcpy(p->asked, p->host, sizeof(p->asked));
	p->request = request_hold(r);
	if (lookup(r->api->lookups, p->asked, p->own, domain_looked, p) == 0)
		return;
	free(p);
	request_release(r);
	respond_broken(
	    r, "too many names are being looked up: try again in a moment");
}
