/* sources: manager/api/access/who.c manager/common/log.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/access/roles.h"
#include "api/access/user.h"
#include "api/access/who.h"

/*
 * There is one user, who is a collaborator of the app "shop" and in the team
 * "crew".
 */
static const char *user_id, *user_role, *member_owner, *member_role;
static enum role team_overall, team_role;
static int suspended;
static struct api api;

const char *
model_text(json_t *record, const char *field)
{
	const char *text = json_string_value(json_object_get(record, field));

	return text != NULL ? text : "";
}

json_t *
user_get(struct store *store, const char *email, uint64_t *rev)
{
	(void)store, (void)rev;
	if (user_id == NULL || strcmp(email, "ann@x") != 0)
		return NULL;
	return json_pack("{s:s, s:s}", "id", user_id, "role", user_role);
}

int
user_is_suspended(json_t *user)
{
	(void)user;
	return suspended;
}

enum role
roles_for(
    struct roles *roles, const char *email, const char *id, const char *app)
{
	enum role role = ROLE_NONE;

	(void)roles;
	if (member_role != NULL && strcmp(app, "shop") == 0 &&
	    strcmp(email, "ann@x") == 0 && strcmp(member_owner, id) == 0)
		(void)who_parse_role(member_role, &role);
	return role;
}

enum role
roles_overall(struct roles *roles, const char *email, const char *id)
{
	(void)roles, (void)id;
	return strcmp(email, "ann@x") == 0 ? team_overall : ROLE_NONE;
}

enum role
roles_in(
    struct roles *roles, const char *email, const char *id, const char *team)
{
	(void)roles, (void)email, (void)id;
	return strcmp(team, "crew") == 0 ? team_role : ROLE_NONE;
}

static int
reset(void **state)
{
	(void)state;
	user_id = "1";
	user_role = "member";
	member_owner = "1";
	member_role = NULL;
	suspended = 0;
	team_overall = team_role = ROLE_NONE;
	return 0;
}

static void
knows_scopes(void **state)
{
	(void)state;
	assert_int_equal(SCOPE_DEPLOY, who_scope("deploy"));
	assert_int_equal(SCOPE_ALL, who_scope("global"));
	assert_int_equal(
	    who_scope("read") | SCOPE_DEPLOY, who_scope("  read   deploy "));
	assert_int_equal(0, who_scope("read") & SCOPE_READ_SECRETS);
	assert_int_equal(
	    0, who_scope("write") & (SCOPE_READ_SECRETS | SCOPE_WRITE_SECRETS));
	assert_int_equal(0, who_scope("push"));
	assert_int_equal(0, who_scope("read push"));
	assert_int_equal(0, who_scope("rea"));
	assert_int_equal(0, who_scope(""));
	assert_string_equal("identity", who_scope_for(SCOPE_IDENTITY));
	assert_string_equal("read", who_scope_for(SCOPE_READ));
	assert_string_equal(
	    "read-protected", who_scope_for(SCOPE_READ_SECRETS));
	assert_string_equal("write", who_scope_for(SCOPE_WRITE));
	assert_string_equal(
	    "write-protected", who_scope_for(SCOPE_WRITE_SECRETS));
	assert_string_equal("deploy", who_scope_for(SCOPE_READ | SCOPE_DEPLOY));
	assert_string_equal("global", who_scope_for(SCOPE_GLOBAL));
}

static json_t *
record(const char *owner, const char *app)
{
	return json_pack("{s:s, s:s*, s:s, s:s*}", "user", "ann@x", "owner",
	    owner, "scope", "read", "app", app);
}

static int
reads(struct who *who, const char *owner, const char *app)
{
	json_t *r = record(owner, app);
	int rc = who_read(&api, r, who);

	json_decref(r);
	return rc;
}

static void
believes_in_users_that_are(void **state)
{
	struct who who;

	(void)state;
	assert_int_equal(0, reads(&who, "1", NULL));
	assert_string_equal("ann@x", who.name);
	assert_int_equal(ROLE_NONE, who.role);
	assert_int_equal(who_scope("read"), who.scope);
	assert_int_equal(-1, reads(&who, "2", NULL));
	assert_int_equal(ROLE_NONE, who.role);
	suspended = 1;
	assert_int_equal(-1, reads(&who, "1", NULL));
	user_id = NULL;
	assert_int_equal(-1, reads(&who, "1", NULL));
	/* Without an owner it is the machine's, whatever it is called. */
	assert_int_equal(0, reads(&who, NULL, NULL));
	assert_int_equal(ROLE_ADMIN, who.role);
}

static void
knows_roles(void **state)
{
	struct who who;

	(void)state;
	assert_int_equal(0, reads(&who, "1", NULL));
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "shop"));
	member_role = "deployer";
	assert_int_equal(ROLE_DEPLOYER, who_role_for(&api, &who, "shop"));
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "other"));
	member_owner = "2";
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "shop"));
	member_owner = "1";
	member_role = "god";
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "shop"));
	member_role = "viewer";
	user_role = "deployer";
	assert_int_equal(0, reads(&who, "1", NULL));
	assert_int_equal(ROLE_DEPLOYER, who_role_for(&api, &who, "shop"));
	assert_int_equal(ROLE_DEPLOYER, who_role_for(&api, &who, "other"));
}

static void
takes_the_greatest_of_its_own_and_by_teams(void **state)
{
	struct who who;

	(void)state;
	team_overall = ROLE_DEPLOYER;
	user_role = "viewer";
	assert_int_equal(0, reads(&who, "1", NULL));
	assert_int_equal(ROLE_DEPLOYER, who.role);
	assert_int_equal(ROLE_DEPLOYER, who_role_in(&api, &who, "crew"));
	team_role = ROLE_ADMIN;
	assert_int_equal(ROLE_ADMIN, who_role_in(&api, &who, "crew"));
	assert_int_equal(ROLE_DEPLOYER, who_role_in(&api, &who, "other"));
	user_role = "admin";
	assert_int_equal(0, reads(&who, "1", NULL));
	assert_int_equal(ROLE_ADMIN, who.role);
	/* A token for one app is good for no team, whosever it is. */
	assert_int_equal(0, reads(&who, "1", "shop"));
	assert_int_equal(ROLE_NONE, who_role_in(&api, &who, "crew"));
	assert_int_equal(0, reads(&who, NULL, NULL));
	assert_int_equal(ROLE_ADMIN, who_role_in(&api, &who, "crew"));
}

static void
keeps_to_the_app_of_a_token(void **state)
{
	struct who who;

	(void)state;
	user_role = "admin";
	assert_int_equal(0, reads(&who, "1", "other"));
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "shop"));
	assert_int_equal(ROLE_ADMIN, who_role_for(&api, &who, "other"));
	assert_int_equal(0, reads(&who, NULL, "other"));
	assert_int_equal(ROLE_NONE, who_role_for(&api, &who, "shop"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(knows_scopes, reset),
	    cmocka_unit_test_setup(believes_in_users_that_are, reset),
	    cmocka_unit_test_setup(knows_roles, reset),
	    cmocka_unit_test_setup(
		takes_the_greatest_of_its_own_and_by_teams, reset),
	    cmocka_unit_test_setup(keeps_to_the_app_of_a_token, reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
