/* sources: manager/api/access/roles.c manager/common/log.c; libs: -ljansson -lbsd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/access/roles.h"
#include "store/store.h"

/*
 * The users ann and bob, of the ids 1 and 2; the teams crew and band, and the
 * app "shop", in a store whose watches are called by hand.
 */
static struct {
	const char *prefix;
	store_watch_cb cb;
	void *arg;
} watches[8];
static size_t watching;
static struct roles *roles;

static const char *const words[] = {"member", "viewer", "deployer", "admin"};

const char *
model_text(json_t *record, const char *field)
{
	const char *text = json_string_value(json_object_get(record, field));

	return text != NULL ? text : "";
}

int
who_parse_role(const char *word, enum role *role)
{
	for (size_t i = 0; i < 4; i++)
		if (strcmp(words[i], word) == 0) {
			*role = (enum role)i;
			return 0;
		}
	return -1;
}

int
store_each(struct store *store, const char *prefix, store_each_cb cb, void *arg)
{
	json_t *record;

	(void)store;
	/* One is there from before. */
	if (strcmp(prefix, "member/") != 0)
		return 0;
	record = json_pack("{s:s, s:s}", "owner", "1", "role", "viewer");
	(void)cb("member/old/ann@x", record, 1, arg);
	json_decref(record);
	return 0;
}

struct store_watch *
store_watch(
    struct store *store, const char *prefix, store_watch_cb cb, void *arg)
{
	(void)store;
	watches[watching].prefix = prefix;
	watches[watching].cb = cb;
	watches[watching++].arg = arg;
	return NULL;
}

void
store_unwatch(struct store_watch *watch)
{
	(void)watch;
}

/* A commit; NULL for a record that is deleted. */
static void
commits(const char *key, json_t *record)
{
	for (size_t i = 0; i < watching; i++)
		if (strncmp(
			key, watches[i].prefix, strlen(watches[i].prefix)) == 0)
			watches[i].cb(key, record, 1, watches[i].arg);
	json_decref(record);
}

static json_t *
given(const char *role, const char *owner)
{
	return json_pack("{s:s*, s:s*}", "role", role, "owner", owner);
}

static int
opens(void **state)
{
	char err[PAAS_ERRLEN];

	(void)state;
	watching = 0;
	roles = roles_open(NULL, err);
	assert_non_null(roles);
	commits("team/crew", json_pack("{s:s}", "overall_role", "member"));
	commits("team/band", json_pack("{s:s}", "overall_role", "member"));
	commits("app/shop", json_pack("{s:s}", "team", "crew"));
	commits("app/other", json_object());
	return 0;
}

static int
closes(void **state)
{
	(void)state;
	roles_close(roles);
	return 0;
}

static enum role
ann(const char *app)
{
	return roles_for(roles, "ann@x", "1", app);
}

static void
knows_what_was_there(void **state)
{
	(void)state;
	assert_int_equal(ROLE_VIEWER, ann("old"));
	assert_int_equal(ROLE_NONE, ann("shop"));
	assert_int_equal(ROLE_NONE, roles_for(roles, "bob@x", "2", "old"));
	commits("member/old/ann@x", NULL);
	assert_int_equal(ROLE_NONE, ann("old"));
}

/* Own role x role in the team that has the app x whose records they are. */
static void
takes_the_greatest_for_an_app(void **state)
{
	(void)state;
	for (int own = 0; own < 4; own++)
		for (int in = 0; in < 4; in++) {
			commits("member/shop/ann@x",
			    own != 0 ? given(words[own], "1") : NULL);
			commits("teammember/crew/ann@x",
			    in != 0 ? given(words[in], "1") : NULL);
			assert_int_equal(own > in ? own : in, ann("shop"));
			assert_int_equal(ROLE_NONE, ann("other"));
			assert_int_equal(ROLE_NONE, ann("sho"));
			assert_int_equal(
			    in, roles_in(roles, "ann@x", "1", "crew"));
			/* Who has the address now is another one. */
			assert_int_equal(
			    ROLE_NONE, roles_for(roles, "ann@x", "2", "shop"));
			assert_int_equal(
			    ROLE_NONE, roles_in(roles, "ann@x", "2", "crew"));
		}
}

/* A role that a team was given x the role in that team. */
static void
gives_no_more_than_ones_own_role_in_a_team(void **state)
{
	(void)state;
	for (int granted = 1; granted < 4; granted++)
		for (int in = 0; in < 4; in++) {
			commits("teamgrant/other/band",
			    given(words[granted], NULL));
			commits("teammember/band/ann@x",
			    in != 0 ? given(words[in], "1") : NULL);
			assert_int_equal(
			    granted < in ? granted : in, ann("other"));
			assert_int_equal(ROLE_NONE, ann("shop"));
			commits("team/band",
			    json_pack("{s:s}", "overall_role", words[granted]));
			assert_int_equal(granted < in ? granted : in,
			    roles_overall(roles, "ann@x", "1"));
			assert_int_equal(
			    ROLE_NONE, roles_overall(roles, "ann@x", "2"));
		}
}

static void
forgets_teams_that_are_gone(void **state)
{
	(void)state;
	commits("teammember/crew/ann@x", given("admin", "1"));
	commits("teammember/band/ann@x", given("viewer", "1"));
	commits("teamgrant/other/crew", given("deployer", NULL));
	commits("teamgrant/other/band", given("deployer", NULL));
	assert_int_equal(2, roles_count_teams(roles, "ann@x"));
	assert_int_equal(0, roles_count_teams(roles, "ann@"));
	assert_int_equal(ROLE_ADMIN, ann("shop"));
	assert_int_equal(ROLE_DEPLOYER, ann("other"));
	/* Its records are there still. */
	commits("team/crew", NULL);
	assert_int_equal(ROLE_NONE, ann("shop"));
	assert_int_equal(ROLE_VIEWER, ann("other"));
	commits("teamgrant/other/band", NULL);
	assert_int_equal(ROLE_NONE, ann("other"));
}

static void
follows_an_app_from_team_to_team(void **state)
{
	(void)state;
	commits("teammember/crew/ann@x", given("admin", "1"));
	commits("teammember/band/bob@x", given("viewer", "2"));
	assert_string_equal("crew", roles_team_of(roles, "shop"));
	commits("app/shop", json_pack("{s:s}", "team", "band"));
	assert_string_equal("band", roles_team_of(roles, "shop"));
	assert_int_equal(ROLE_NONE, ann("shop"));
	assert_int_equal(ROLE_VIEWER, roles_for(roles, "bob@x", "2", "shop"));
	commits("app/shop", json_object());
	assert_string_equal("", roles_team_of(roles, "shop"));
	assert_int_equal(ROLE_NONE, roles_for(roles, "bob@x", "2", "shop"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		knows_what_was_there, opens, closes),
	    cmocka_unit_test_setup_teardown(
		takes_the_greatest_for_an_app, opens, closes),
	    cmocka_unit_test_setup_teardown(
		gives_no_more_than_ones_own_role_in_a_team, opens, closes),
	    cmocka_unit_test_setup_teardown(
		forgets_teams_that_are_gone, opens, closes),
	    cmocka_unit_test_setup_teardown(
		follows_an_app_from_team_to_team, opens, closes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
