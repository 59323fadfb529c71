#include "api/access/roles.h"

#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "common/log.h"
#include "store/keys.h"
#include "store/store.h"

struct given {
	RB_ENTRY(given) entry;
	enum role role;
	char id[37]; /* of the user, or of the team that an app is of */
	const char *key;
	char text[]; /* key, if it is not only looked for */
};
RB_HEAD(given_tree, given);

enum kind {
	KIND_MEMBER,      /* APP/EMAIL */
	KIND_TEAM,        /* ID: role is the one for all apps */
	KIND_TEAM_MEMBER, /* EMAIL/ID */
	KIND_GRANT,       /* APP/ID */
	KIND_APP,         /* APP: those of a team */
	KINDS
};

struct roles {
	struct store *store;
	uint64_t changes;
	struct followed {
		struct roles *roles;
		struct given_tree tree;
		struct store_watch *watch;
		enum kind kind;
	} kinds[KINDS];
};

static const struct {
	const char *prefix;
	const char *role; /* its fields; NULL: none is kept */
	const char *id;
} sources[KINDS] = {
    [KIND_MEMBER] = {"member/", "role", "owner"},
    [KIND_TEAM] = {"team/", "overall_role", NULL},
    [KIND_TEAM_MEMBER] = {"teammember/", "role", "owner"},
    [KIND_GRANT] = {"teamgrant/", "role", NULL},
    [KIND_APP] = {"app/", NULL, "team"},
};

static int
compare_given(struct given *a, struct given *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    given_tree, given, entry, compare_given, __attribute__((__unused__)) static)

/* ---- what the store says ----------------------------------------------- */

/* What a record is found by here, of its key in the store. */
static void
key_of(enum kind kind, const char *key, char out[STORE_KEY_MAX + 1])
{
	const char *rest = strchr(key, '/') + 1, *last;

	if (kind == KIND_TEAM_MEMBER && (last = strchr(rest, '/')) != NULL)
		snprintf(out, STORE_KEY_MAX + 1, "%s/%.*s", last + 1,
		    (int)(last - rest), rest);
	else
		strlcpy(out, rest, STORE_KEY_MAX + 1);
}

static struct given *
find(struct roles *roles, enum kind kind, const char *key)
{
	struct given find = {.key = key};

	return RB_FIND(given_tree, &roles->kinds[kind].tree, &find);
}

static void
drop(struct followed *followed, struct given *given)
{
	RB_REMOVE(given_tree, &followed->tree, given);
	free(given);
}

static void
add(struct followed *followed, const char *key, json_t *record)
{
	size_t len = strlen(key) + 1;
	struct given *given = calloc(1, sizeof(*given) + len);
	enum kind kind = followed->kind;

	if (given == NULL)
		log_fatal("api: out of memory");
	memcpy(given->text, key, len);
	given->key = given->text;
	if (sources[kind].role == NULL ||
	    who_parse_role(
		model_text(record, sources[kind].role), &given->role) == -1)
		given->role = ROLE_NONE;
	if (sources[kind].id != NULL)
		strlcpy(given->id, model_text(record, sources[kind].id),
		    sizeof(given->id));
	RB_INSERT(given_tree, &followed->tree, given);
}

/* record is NULL for one that is gone. */
static void
on_change(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct followed *followed = arg;
	char own[STORE_KEY_MAX + 1];
	struct given look = {.key = own}, *old;

	(void)rev;
	followed->roles->changes++;
	key_of(followed->kind, key, own);
	old = RB_FIND(given_tree, &followed->tree, &look);
	if (old != NULL)
		drop(followed, old);
	if (record != NULL && (followed->kind != KIND_APP ||
				  model_text(record, "team")[0] != '\0'))
		add(followed, own, record);
}

static int
fill_one(const char *key, json_t *record, uint64_t rev, void *arg)
{
	on_change(key, record, rev, arg);
	return 0;
}

struct roles *
roles_open(struct store *store, char err[PAAS_ERRLEN])
{
	struct roles *roles = calloc(1, sizeof(*roles));
	struct followed *followed;

	if (roles == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	roles->store = store;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		followed = &roles->kinds[kind];
		followed->roles = roles;
		followed->kind = kind;
		RB_INIT(&followed->tree);
		(void)store_each(
		    store, sources[kind].prefix, fill_one, followed);
		followed->watch = store_watch(
		    store, sources[kind].prefix, on_change, followed);
	}
	return roles;
}

void
roles_close(struct roles *roles)
{
	struct given *given, *next;

	if (roles == NULL)
		return;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		store_unwatch(roles->kinds[kind].watch);
		RB_FOREACH_SAFE (
		    given, given_tree, &roles->kinds[kind].tree, next)
			drop(&roles->kinds[kind], given);
	}
	free(roles);
}

/* ---- what follows from it ---------------------------------------------- */

static enum role
lesser(enum role a, enum role b)
{
	return a < b ? a : b;
}

static enum role
greater(enum role a, enum role b)
{
	return a > b ? a : b;
}

/* The first that begins with prefix, and the next one; NULL: no more. */
static struct given *
first(struct roles *roles, enum kind kind, const char *prefix)
{
	struct given look = {.key = prefix}, *given;

	given = RB_NFIND(given_tree, &roles->kinds[kind].tree, &look);
	return given != NULL && strncmp(given->key, prefix, strlen(prefix)) == 0
		   ? given
		   : NULL;
}

static struct given *
next(struct given *given, const char *prefix)
{
	given = RB_NEXT(given_tree, NULL, given);
	return given != NULL && strncmp(given->key, prefix, strlen(prefix)) == 0
		   ? given
		   : NULL;
}

enum role
roles_in(
    struct roles *roles, const char *email, const char *id, const char *team)
{
	char key[STORE_KEY_MAX + 1];
	struct given *member;

	/* What a team that is gone has left counts for nothing. */
	if (find(roles, KIND_TEAM, team) == NULL)
		return ROLE_NONE;
	snprintf(key, sizeof(key), "%s/%s", email, team);
	member = find(roles, KIND_TEAM_MEMBER, key);
	return member != NULL && strcmp(member->id, id) == 0 ? member->role
							     : ROLE_NONE;
}

enum role
roles_overall(struct roles *roles, const char *email, const char *id)
{
	char prefix[STORE_KEY_MAX + 1];
	enum role role = ROLE_NONE;
	struct given *member, *team;

	snprintf(prefix, sizeof(prefix), "%s/", email);
	for (member = first(roles, KIND_TEAM_MEMBER, prefix); member != NULL;
	     member = next(member, prefix)) {
		team = find(roles, KIND_TEAM, strchr(member->key, '/') + 1);
		if (team != NULL && strcmp(member->id, id) == 0)
			role = greater(role, lesser(member->role, team->role));
	}
	return role;
}

const char *
roles_team_of(struct roles *roles, const char *app)
{
	struct given *of = find(roles, KIND_APP, app);

	return of != NULL ? of->id : "";
}

enum role
roles_for(
    struct roles *roles, const char *email, const char *id, const char *app)
{
	char key[STORE_KEY_MAX + 1], prefix[KEY_NAME_MAX + 8];
	enum role role = ROLE_NONE;
	struct given *given;
	const char *team;

	snprintf(key, sizeof(key), "%s/%s", app, email);
	given = find(roles, KIND_MEMBER, key);
	if (given != NULL && strcmp(given->id, id) == 0)
		role = given->role;
	if (*(team = roles_team_of(roles, app)) != '\0')
		role = greater(role, roles_in(roles, email, id, team));
	snprintf(prefix, sizeof(prefix), "%s/", app);
	for (given = first(roles, KIND_GRANT, prefix); given != NULL;
	     given = next(given, prefix)) {
		team = strchr(given->key, '/') + 1;
		role = greater(role,
		    lesser(given->role, roles_in(roles, email, id, team)));
	}
	return role;
}

uint64_t
roles_changes(const struct roles *roles)
{
	return roles->changes;
}

unsigned int
roles_count_teams(struct roles *roles, const char *email)
{
	char prefix[STORE_KEY_MAX + 1];
	struct given *member;
	unsigned int n = 0;

	snprintf(prefix, sizeof(prefix), "%s/", email);
	for (member = first(roles, KIND_TEAM_MEMBER, prefix); member != NULL;
	     member = next(member, prefix))
		n++;
	return n;
}
