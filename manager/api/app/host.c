#include "api/app/host.h"

#include <stdio.h>
#include <string.h>

#include "api/http/request.h"
#include "api/http/respond.h"
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

/* ---- of an app -------------------------------------------------------- */

void
host_of_app(const struct conf *conf, const char *name,
    char host[HOST_MAX + MODEL_NAME_MAX])
{
	snprintf(host, HOST_MAX + MODEL_NAME_MAX, "%s.%s", name, conf->domain);
}

void
host_own(struct request *r, char host[HOST_MAX + MODEL_NAME_MAX])
{
	host_of_app(r->api->conf, request_app(r), host);
}

int
host_has_route(const struct request *r, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	json_t *route;

	route =
	    store_get(r->api->store, key_format(key, "route/%s", host), NULL);
	json_decref(route);
	return route != NULL;
}
