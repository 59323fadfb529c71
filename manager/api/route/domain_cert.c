/*
 * The certificate that a domain asks for by itself: "sni_endpoint", its name
 * or id.
 */
#include <string.h>

#include "api/route/cert.h"
#include "api/route/domain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "routing/routing.h"

static int
is_for(json_t *record, const char *host)
{
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(record, "names"), i, name)
		if (routing_name_covers(json_string_value(name), host))
			return 1;
	return 0;
}

int
domain_choose_cert(struct request *r, const char *host, json_t *domain)
{
	const char *which = model_text(r->json, "sni_endpoint");
	char name[MODEL_NAME_MAX];
	json_t *record;
	uint64_t rev;
	int rc = -1;

	json_object_del(domain, "sni_endpoint");
	if (which[0] == '\0')
		return 0;
	if ((record = cert_lookup(r, which, name, &rev)) == NULL)
		respond_invalid(r,
		    "sni_endpoint \"%.60s\" is no certificate of %s: paas "
		    "certs lists them",
		    which, request_app(r));
	else if (!is_for(record, host))
		respond_invalid(r,
		    "sni_endpoint \"%s\" is not for %s%s: none of its hosts "
		    "is that",
		    name, host[0] == '.' ? "*" : "", host);
	else
		rc = json_object_set(
		    domain, "sni_endpoint", json_object_get(record, "id"));
	json_decref(record);
	return rc;
}
