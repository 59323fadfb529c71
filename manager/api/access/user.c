#include "api/access/user.h"

#include <bsd/string.h>
#include <ctype.h>
#include <string.h>

#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"

int
user_email(char out[USER_EMAIL], const char *text)
{
	size_t len = strlen(text), local, n;
	char *p;

	if (len >= USER_EMAIL)
		return -1;
	for (n = 0; n <= len; n++)
		out[n] = (char)tolower((unsigned char)text[n]);
	local = strspn(out, LETTERS "._%+-");
	if (local == 0 || out[local] != '@' || out[0] == '.')
		return -1;
	p = out + local + 1;
	n = strspn(p, LETTERS ".-");
	return n > 0 && p[n] == '\0' && p[0] != '.' && p[0] != '-' &&
		       p[n - 1] != '.' && strstr(p, "..") == NULL
		   ? 0
		   : -1;
}

int
user_email_valid(const char *text)
{
	char email[USER_EMAIL];

	return user_email(email, text) == 0;
}

json_t *
user_get(struct store *store, const char *email, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];

	return store_get(store, key_format(key, "user/%s", email), rev);
}

json_t *
user_look(
    struct request *r, const char *which, char email[USER_EMAIL], uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *user = NULL;

	*rev = 0;
	if (strcmp(which, "~") == 0 && r->who.id[0] != '\0')
		which = r->who.name;
	if (id_is_uuid(which)) {
		user = model_find_id(r->api->store, "user/", which, key, rev);
		if (user != NULL)
			(void)key_part(key, 1, email, USER_EMAIL);
	} else if (user_email(email, which) == 0)
		user = user_get(r->api->store, email, rev);
	return user;
}

void
user_missing(struct request *r, const char *which)
{
	respond_missing(
	    r, "there is no user \"%.60s\": paas users lists them", which);
}

json_t *
user_find(
    struct request *r, const char *which, char email[USER_EMAIL], uint64_t *rev)
{
	json_t *user = user_look(r, which, email, rev);

	if (user == NULL)
		user_missing(r, which);
	return user;
}

int
user_is_suspended(json_t *user)
{
	return json_is_true(json_object_get(user, "suspended"));
}

static int
user_first(const char *key, uint64_t rev, void *arg)
{
	(void)key, (void)rev, (void)arg;
	return 1;
}

int
user_is_none(struct store *store)
{
	return store_each_key(store, "user/", "user/", user_first, NULL) == 0;
}
