#include "api/access/who.h"

#include <bsd/string.h>
#include <string.h>

#include "api/access/roles.h"
#include "api/access/user.h"

static const char *const roles[] = {
    [ROLE_NONE] = "member",
    [ROLE_VIEWER] = "viewer",
    [ROLE_DEPLOYER] = "deployer",
    [ROLE_ADMIN] = "admin",
};

static const struct {
	const char *word;
	unsigned int bits;
} scopes[] = {
    {"global", SCOPE_ALL},
    {"identity", SCOPE_IDENTITY},
    {"read", SCOPE_IDENTITY | SCOPE_READ},
    {"read-protected", SCOPE_IDENTITY | SCOPE_READ | SCOPE_READ_SECRETS},
    {"write", SCOPE_IDENTITY | SCOPE_READ | SCOPE_WRITE | SCOPE_DEPLOY},
    {"write-protected", SCOPE_IDENTITY | SCOPE_READ | SCOPE_READ_SECRETS |
			    SCOPE_WRITE | SCOPE_WRITE_SECRETS | SCOPE_DEPLOY},
    {"deploy", SCOPE_DEPLOY},
};

int
who_parse_role(const char *word, enum role *role)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i], word) == 0) {
			*role = (enum role)i;
			return 0;
		}
	return -1;
}

const char *
who_role(enum role role)
{
	return roles[role];
}

static unsigned int
who_scope_word(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (strlen(scopes[i].word) == len &&
		    memcmp(scopes[i].word, word, len) == 0)
			return scopes[i].bits;
	return 0;
}

const char *
who_scope_for(unsigned int bits)
{
	size_t i, least = 0;

	for (i = 1; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if ((scopes[i].bits & bits) != 0 &&
		    __builtin_popcount(scopes[i].bits) <
			__builtin_popcount(scopes[least].bits))
			least = i;
	return scopes[least].word;
}

unsigned int
who_scope(const char *words)
{
	unsigned int bits, all = 0;
	size_t len;

	for (words += strspn(words, " "); *words != '\0';
	     words += len + strspn(words + len, " ")) {
		len = strcspn(words, " ");
		if ((bits = who_scope_word(words, len)) == 0)
			return 0;
		all |= bits;
	}
	return all;
}

void
who_is_local(struct who *who, const char *name)
{
	memset(who, 0, sizeof(*who));
	strlcpy(who->name, name, sizeof(who->name));
	who->role = ROLE_ADMIN;
	who->scope = SCOPE_ALL;
	who->basis = BASIS_NONE;
}

void
who_is_user(struct api *api, struct who *who, const char *email, json_t *user)
{
	enum role by_team;

	strlcpy(who->name, email, sizeof(who->name));
	strlcpy(who->id, model_text(user, "id"), sizeof(who->id));
	if (who_parse_role(model_text(user, "role"), &who->role) == -1)
		who->role = ROLE_NONE;
	by_team = roles_overall(api->roles, who->name, who->id);
	if (by_team > who->role)
		who->role = by_team;
}

int
who_read(struct api *api, json_t *record, struct who *who)
{
	const char *name = model_text(record, "user");
	const char *id = model_text(record, "owner");
	json_t *user;
	int same;

	who_is_local(who, name);
	who->scope = who_scope(model_text(record, "scope"));
	strlcpy(who->app, model_text(record, "app"), sizeof(who->app));
	who->edition =
	    (uint16_t)json_integer_value(json_object_get(record, "edition"));
	if (id[0] == '\0')
		return 0;
	/* One of the same name may have come after that one. */
	user = user_get(api->store, name, NULL);
	same = user != NULL && strcmp(model_text(user, "id"), id) == 0 &&
	       !user_is_suspended(user);
	who_is_user(api, who, name, user);
	strlcpy(who->id, id, sizeof(who->id));
	json_decref(user);
	return same ? 0 : -1;
}

static enum role
who_greatest(const struct who *who, enum role role)
{
	return role > who->role ? role : who->role;
}

enum role
who_role_for(struct api *api, const struct who *who, const char *app)
{
	if (who->app[0] != '\0' && strcmp(who->app, app) != 0)
		return ROLE_NONE;
	if (who->id[0] == '\0' || who->role == ROLE_ADMIN)
		return who->role;
	return who_greatest(
	    who, roles_for(api->roles, who->name, who->id, app));
}

/* A token for one app is good for no team. */
enum role
who_role_in(struct api *api, const struct who *who, const char *team)
{
	if (who->app[0] != '\0')
		return ROLE_NONE;
	if (who->id[0] == '\0' || who->role == ROLE_ADMIN)
		return who->role;
	return who_greatest(
	    who, roles_in(api->roles, who->name, who->id, team));
}

int
who_owns_all(const struct who *who)
{
	return who->role == ROLE_ADMIN && who->app[0] == '\0';
}
