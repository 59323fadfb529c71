#include "api/host.h"

#include <string.h>

#include "api/request.h"
#include "api/respond.h"
#include "common/claim.h"
#include "store/store.h"

int
host_parse(struct request *r, const char *text, char host[HOST_MAX])
{
	if (paas_routedb_canonical((const uint8_t *)text, strlen(text),
		PAAS_ROUTEDB_WILDCARD | PAAS_ROUTEDB_DEFAULT, host) > 0)
		return 0;
	respond_invalid(r,
	    "hostname \"%.100s\" is not a host: letters, digits and '-' in "
	    "labels of at most 63 bytes, as www.example.com or "
	    "*.example.com",
	    text);
	return -1;
}

json_t *
host_show(const char *host)
{
	if (strcmp(host, ".") == 0)
		return json_string("*");
	return json_sprintf("%s%s", host[0] == '.' ? "*" : "", host);
}

int
host_claim(struct request *r, const char *text, char host[HOST_MAX])
{
	char err[PAAS_ERRLEN];

	if (host_parse(r, text, host) == -1)
		return -1;
	if (claim_check(r->api->conf, host, err) == 0)
		return 0;
	respond_invalid(r, "hostname \"%s\" %s", text, err);
	return -1;
}

void
host_gone(struct store_txn *txn)
{
	json_t *empty = json_object();

	store_put(txn, "gone/host", empty);
	json_decref(empty);
}
