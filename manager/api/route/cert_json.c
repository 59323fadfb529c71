/*
 * {"id", "name", "certificate_chain", "ssl_cert", ...}: a certificate, as
 * Heroku shows an SNI endpoint.  hostnames, key_type and default are ours.
 */
#include <string.h>

#include "api/route/cert.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "routing/routing.h"
#include "store/keys.h"

static json_t *
shown_name(const char *name)
{
	return json_sprintf("%s%s", name[0] == '.' ? "*" : "", name);
}

static json_t *
shown_names(json_t *names)
{
	json_t *name, *list = json_array();
	size_t i;

	json_array_foreach (names, i, name)
		json_array_append_new(
		    list, shown_name(json_string_value(name)));
	return list;
}

static int
is_listed(json_t *names, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (strcmp(json_string_value(one), name) == 0)
			return 1;
	return 0;
}

/*
 * The hosts that it is for and that are the app's: names that lead to the
 * app, and domains of the app that a wildcard covers.
 */
static json_t *
covered_hosts(struct request *r, json_t *names, json_t *hosts)
{
	char app[KEY_NAME_MAX + 1];
	json_t *name, *host, *list = json_array();
	size_t i, k;

	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (routing_owner(r->api->store, r->api->conf, text, app) ==
			0 &&
		    strcmp(app, r->name) == 0)
			json_array_append_new(list, shown_name(text));
		json_array_foreach (hosts, k, host)
			if (!is_listed(names, json_string_value(host)) &&
			    routing_name_covers(text, json_string_value(host)))
				json_array_append(list, host);
	}
	return list;
}

static json_t *
domain_ids(struct request *r, json_t *covered, json_t *hosts)
{
	json_t *host, *list = json_array();
	const char *text;
	char id[37];
	size_t i;

	json_array_foreach (covered, i, host) {
		text = json_string_value(host);
		text += text[0] == '*';
		if (!is_listed(hosts, text))
			continue;
		id_derive(id, model_text(r->app, "id"), "domain", text);
		json_array_append_new(list, json_string(id));
	}
	return list;
}

static json_t *
model_ssl_cert(json_t *record)
{
	char id[37];

	id_derive(id, model_text(record, "id"), "ssl_cert",
	    model_text(record, "content"));
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:b}", "id",
	    id, "cert_domains", shown_names(json_object_get(record, "names")),
	    "starts_at", id_time_of(record, "starts"), "expires_at",
	    id_time_of(record, "expires"), "issuer",
	    model_text(record, "issuer"), "subject",
	    model_text(record, "subject"), "self_signed?",
	    json_is_true(json_object_get(record, "self_signed")), "ca_signed?",
	    json_is_true(json_object_get(record, "ca_signed")), "acm", 0);
}

static void
add_app(struct request *r, json_t *model, json_t *record, json_t *hosts)
{
	json_t *covered =
	    covered_hosts(r, json_object_get(record, "names"), hosts);

	json_object_set_new(model, "app", model_app_ref(r->name, r->app));
	json_object_set_new(model, "cname",
	    json_sprintf("%s.%s", request_app(r), r->api->conf->domain));
	json_object_set_new(model, "domains", domain_ids(r, covered, hosts));
	json_object_set_new(model, "hostnames", covered);
	if (json_array_size(covered) == 0)
		json_object_set_new(model, "warnings",
		    json_pack("{s:s}", "ssl_cert",
			"provides no domain of the app: it is served once one "
			"is added, with paas domains:add"));
}

static void
add_platform(struct request *r, json_t *model, json_t *record)
{
	json_object_set_new(model, "cname", json_string(r->api->conf->domain));
	json_object_set_new(
	    model, "hostnames", shown_names(json_object_get(record, "names")));
	json_object_set_new(model, "default",
	    json_boolean(json_is_true(json_object_get(record, "default"))));
}

json_t *
model_cert(struct request *r, const char *name, json_t *record, json_t *hosts)
{
	json_t *model;

	model = json_pack("{s:s, s:s, s:n, s:s, s:s, s:o, s:o, s:o}", "id",
	    model_text(record, "id"), "name", name, "display_name",
	    "certificate_chain", model_text(record, "chain"), "key_type",
	    model_text(record, "type"), "ssl_cert", model_ssl_cert(record),
	    "created_at", id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "updated"));
	if (r->app != NULL)
		add_app(r, model, record, hosts);
	else
		add_platform(r, model, record);
	return model;
}
