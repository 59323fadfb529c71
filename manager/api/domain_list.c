/*
 * GET /apps/APP/domains, and one of them: APP.domain, which every app has,
 * and the hosts that it was given.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/app_domains.h"
#include "api/domain.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *domains;
};

static void
list_add(const char *host, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;
	char key[STORE_KEY_MAX + 1];
	json_t *domain;

	domain =
	    store_get(r->api->store, key_format(key, "domain/%s", host), NULL);
	json_array_append_new(
	    list->domains, model_domain(r->api, r->name, r->app, host, domain));
	json_decref(domain);
}

void
domain_host(const struct conf *conf, const char *name,
    char host[HOST_MAX + MODEL_NAME_MAX])
{
	snprintf(host, HOST_MAX + MODEL_NAME_MAX, "%s.%s", name, conf->domain);
}

void
domain_own_host(struct request *r, char host[HOST_MAX + MODEL_NAME_MAX])
{
	domain_host(r->api->conf, request_app(r), host);
}

int
domain_has_route(const struct request *r, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	json_t *route;

	route =
	    store_get(r->api->store, key_format(key, "route/%s", host), NULL);
	json_decref(route);
	return route != NULL;
}

void
domain_list(struct request *r)
{
	struct list list = {r, json_array()};
	char host[HOST_MAX + MODEL_NAME_MAX];

	domain_own_host(r, host);
	json_array_append_new(
	    list.domains, model_domain(r->api, r->name, r->app, host, NULL));
	app_domains_each(r->api->app_domains, r->name, list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.domains);
}

json_t *
domain_find(struct request *r, char host[HOST_MAX], uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *domain;

	if (host_parse(r, r->params[1], host) == -1)
		return NULL;
	domain =
	    store_get(r->api->store, key_format(key, "domain/%s", host), rev);
	if (domain != NULL && strcmp(model_text(domain, "app"), r->name) == 0)
		return domain;
	json_decref(domain);
	respond_missing(
	    r, "%s has no domain %.100s", request_app(r), r->params[1]);
	return NULL;
}

void
domain_info(struct request *r)
{
	char host[HOST_MAX], own[HOST_MAX + MODEL_NAME_MAX];
	json_t *domain;
	uint64_t rev;

	domain_own_host(r, own);
	if (strcmp(r->params[1], own) == 0) {
		respond_json(r, MHD_HTTP_OK,
		    model_domain(r->api, r->name, r->app, own, NULL));
		return;
	}
	if ((domain = domain_find(r, host, &rev)) == NULL)
		return;
	respond_json(r, MHD_HTTP_OK,
	    model_domain(r->api, r->name, r->app, host, domain));
	json_decref(domain);
}
