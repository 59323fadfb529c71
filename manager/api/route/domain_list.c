/*
 * GET /apps/APP/domains, and one of them: APP.domain, which every app has,
 * and the hosts that it was given.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_domains.h"
#include "api/route/domain.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
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
domain_list(struct request *r)
{
	struct list list = {r, json_array()};
	char host[HOST_MAX + MODEL_NAME_MAX];

	host_own(r, host);
	json_array_append_new(
	    list.domains, model_domain(r->api, r->name, r->app, host, NULL));
	app_domains_each(r->api->app_domains, r->name, list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.domains);
}

struct asked {
	struct request *request;
	char *text; /* "" until it is found */
};

static void
asked_look(const char *host, void *arg)
{
	struct asked *asked = arg;
	struct request *r = asked->request;
	char id[37];

	id_derive(id, model_text(r->app, "id"), "domain", host);
	if (strcasecmp(id, r->params[1]) == 0)
		strlcpy(asked->text, host, DOMAIN_TEXT);
}

const char *
domain_asked(struct request *r, char text[DOMAIN_TEXT])
{
	struct asked asked = {r, text};
	char own[HOST_MAX + MODEL_NAME_MAX];

	text[0] = '\0';
	if (!id_is_uuid(r->params[1]))
		return r->params[1];
	host_own(r, own);
	asked_look(own, &asked);
	if (text[0] == '\0')
		app_domains_each(
		    r->api->app_domains, r->name, asked_look, &asked);
	return text[0] != '\0' ? text : r->params[1];
}

json_t *
domain_find(struct request *r, char host[HOST_MAX], uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1], text[DOMAIN_TEXT];
	json_t *domain;

	if (host_parse(r, domain_asked(r, text), host) == -1)
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
	char host[HOST_MAX], own[HOST_MAX + MODEL_NAME_MAX], text[DOMAIN_TEXT];
	json_t *domain;
	uint64_t rev;

	host_own(r, own);
	if (strcmp(domain_asked(r, text), own) == 0) {
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
