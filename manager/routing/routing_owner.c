/*
 * Which app a host leads to, and which hosts a certificate's name is for.
 */
#include <bsd/string.h>
#include <string.h>

#include "routing/routing.h"
#include "routing/routing_impl.h"
#include "store/names.h"

int
routing_owner_exact(struct store *st, const struct conf *conf, const char *host,
    char app[KEY_NAME_MAX + 1])
{
	char key[STORE_KEY_MAX + 1], own[KEY_NAME_MAX + 1];
	const char *name;
	json_t *domain;

	if (routing_host_name(conf, host, own) == 0 &&
	    names_find(st, own, app) == 0 &&
	    routing_app_pool(st, app, NULL) != 0)
		return 0;
	domain = store_get(st, key_format(key, "domain/%s", host), NULL);
	name = json_string_value(json_object_get(domain, "app"));
	if (name != NULL)
		strlcpy(app, name, KEY_NAME_MAX + 1);
	json_decref(domain);
	return name != NULL && routing_app_pool(st, app, NULL) != 0 ? 0 : -1;
}

int
routing_owner(struct store *st, const struct conf *conf, const char *host,
    char app[KEY_NAME_MAX + 1])
{
	const char *dot;

	if (routing_owner_exact(st, conf, host, app) == 0)
		return 0;
	for (dot = strchr(host + 1, '.'); dot != NULL;
	     dot = strchr(dot + 1, '.'))
		if (routing_owner_exact(st, conf, dot, app) == 0)
			return 0;
	return -1;
}

int
routing_name_covers(const char *name, const char *host)
{
	const char *dot;

	if (strcmp(name, host) == 0)
		return 1;
	if (name[0] != '.' || host[0] == '.')
		return 0;
	dot = strchr(host, '.');
	return dot != NULL && strcmp(dot, name) == 0;
}
