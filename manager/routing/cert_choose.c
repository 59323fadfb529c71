/*
 * Which certificate is for a host.
 */
#include <string.h>

#include "routing/cert_write.h"
#include "routing/routing.h"

/* The one that the domain itself names, if it is good for it. */
static const struct cert_entry *
find_chosen(struct cert_index *index, struct store *st, const char *host,
    const char *name, const char *app)
{
	char key[STORE_KEY_MAX + 1];
	const struct cert_entry *cert = NULL;
	const char *id;
	json_t *domain;

	domain = store_get(st, key_format(key, "domain/%s", host), NULL);
	id = json_string_value(json_object_get(domain, "sni_endpoint"));
	if (id != NULL)
		cert = cert_index_find_id(index, name, app, id);
	json_decref(domain);
	return cert;
}

/* The best by that very name, and the best with another kind of key. */
static struct cert_choice
find_named(struct cert_index *index, const char *name, const char *owner)
{
	struct cert_choice choice = {cert_index_find(index, name, owner), NULL};

	if (choice.first != NULL)
		choice.second =
		    cert_index_find_beside(index, name, choice.first);
	return choice;
}

/* An app's for a host of its own: chosen, or by the name, or by the "*". */
static struct cert_choice
find_own(struct cert_index *index, struct store *st, const char *host,
    const char *star, const char *app)
{
	struct cert_choice choice = {
	    find_chosen(index, st, host, host, app), NULL};

	if (choice.first == NULL && star != NULL)
		choice.first = find_chosen(index, st, host, star, app);
	if (choice.first == NULL)
		choice = find_named(index, host, app);
	if (choice.first == NULL && star != NULL)
		choice = find_named(index, star, app);
	return choice;
}

/*
 * The wildcard over a host is served for it where it has no certificate: not
 * so one of an app whose host it isn't.
 */
static int
is_below_anothers(struct cert_index *index, struct store *st,
    const struct conf *conf, const char *star, const char *app)
{
	char above[KEY_NAME_MAX + 1];

	return routing_owner(st, conf, star, above) == 0 &&
	       strcmp(above, app) != 0 &&
	       cert_index_find(index, star, above) != NULL;
}

struct cert_choice
cert_choose(struct cert_index *index, struct store *st, const struct conf *conf,
    const char *host)
{
	struct cert_choice choice = {NULL, NULL};
	char app[KEY_NAME_MAX + 1] = "";
	const char *star = strchr(host, '.');

	if (strcmp(host, ".") == 0) {
		choice.first = cert_index_default(index);
		return choice;
	}
	if (star == host)
		star = NULL;
	if (routing_owner(st, conf, host, app) == 0)
		choice = find_own(index, st, host, star, app);
	if (choice.first == NULL)
		choice = find_named(index, host, KEY_PLATFORM);
	if (choice.first == NULL && star != NULL &&
	    is_below_anothers(index, st, conf, star, app))
		choice.first = &cert_nobodys;
	return choice;
}
