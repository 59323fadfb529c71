#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/heroku/heroku.h"

/*
 * What the API gives as an address, and what begins it here: the first two are
 * fetched without a token, the third is no HTTP.
 */
static const struct address {
	const char *name;
	const char *scheme;
} addresses[] = {
    {"logplex_url", "http"},
    {"output_stream_url", "http"},
    {"attach_url", "rendezvous"},
};

#define ADDRESSES (sizeof(addresses) / sizeof(addresses[0]))

/* "https://HOST/PATH" or "/PATH" */
static const char *
path_of(const char *url)
{
	const char *host = strstr(url, "://");

	if (url[0] == '/')
		return url;
	return host != NULL ? strchr(host + 3, '/') : NULL;
}

static int
address_turn(
    const struct heroku *h, json_t *object, const struct address *address)
{
	const char *url =
	    json_string_value(json_object_get(object, address->name));
	const char *path = url != NULL ? path_of(url) : NULL;
	int tty = json_is_true(json_object_get(object, "tty")) &&
		  strcmp(address->scheme, "rendezvous") == 0;

	if (path == NULL)
		return 0;
	return json_object_set_new(object, address->name,
		   json_sprintf("%s://127.0.0.1:%u/~%s%s%s", address->scheme,
		       h->port, h->key, path, tty ? "?tty" : "")) == 0;
}

static int
object_turn(const struct heroku *h, json_t *object)
{
	int turned = 0;
	size_t i;

	for (i = 0; i < ADDRESSES; i++)
		turned |= address_turn(h, object, &addresses[i]);
	return turned;
}

char *
heroku_answer(const struct heroku *h, const char *text, size_t len)
{
	json_t *json, *each;
	char *made = NULL;
	int turned = 0;
	size_t i;

	for (i = 0; i < ADDRESSES; i++)
		turned |= memmem(text, len, addresses[i].name,
			      strlen(addresses[i].name)) != NULL;
	if (!turned || (json = json_loadb(text, len, 0, NULL)) == NULL)
		return NULL;
	turned = json_is_object(json) && object_turn(h, json);
	json_array_foreach (json, i, each)
		turned |= json_is_object(each) && object_turn(h, each);
	if (turned)
		made = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return made;
}
