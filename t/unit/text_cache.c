/* sources: manager/api/app/text_cache.c; libs: -lbsd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/text_cache.h"

#define ALL  1000
#define SIZE 1000
#define ROOM (ALL / 4)

struct set {
	struct text_cache cache;
	struct text texts[ALL];
};

static int
set_up(void **state)
{
	struct set *set = calloc(1, sizeof(*set));

	/* For what malloc makes of it, and its own. */
	text_cache_init(&set->cache, (size_t)ROOM * (SIZE + 16));
	*state = set;
	return 0;
}

static int
tear_down(void **state)
{
	struct set *set = *state;

	for (int i = 0; i < ALL; i++)
		text_drop(&set->cache, &set->texts[i]);
	assert_int_equal(0, set->cache.bytes);
	assert_true(TAILQ_EMPTY(&set->cache.texts));
	free(set);
	return 0;
}

static void
keep(struct set *set, int i)
{
	char *text = malloc(SIZE);

	memset(text, 'a' + i % 26, SIZE);
	text_keep(&set->cache, &set->texts[i], text, SIZE);
	assert_true(set->cache.bytes <= set->cache.most);
}

/* As a list does it: 1 if it was there. */
static int
look(struct set *set, int i)
{
	struct text *text = &set->texts[i];

	if (text->text == NULL) {
		keep(set, i);
		return 0;
	}
	assert_int_equal(SIZE, text->len);
	assert_int_equal('a' + i % 26, text->text[SIZE - 1]);
	text_used(&set->cache, text);
	return 1;
}

static int
look_at_some(struct set *set, int n)
{
	int i, there = 0;

	for (i = 0; i < n; i++)
		there += look(set, i);
	return there;
}

static void
keeps_all_there_is_room_for(void **state)
{
	struct set *set = *state;

	assert_int_equal(0, look_at_some(set, ROOM - 10));
	assert_int_equal(ROOM - 10, look_at_some(set, ROOM - 10));
	text_drop(&set->cache, &set->texts[5]);
	text_drop(&set->cache, &set->texts[5]);
	assert_int_equal(ROOM - 11, look_at_some(set, ROOM - 10));
}

/* Four times what there is room for, again and again. */
static void
keeps_a_share_of_too_many(void **state)
{
	struct set *set = *state;
	int round, there;

	look_at_some(set, ALL);
	for (round = 0; round < 10; round++) {
		there = look_at_some(set, ALL);
		assert_in_range(there, ROOM * 3 / 4, ROOM);
	}
}

/* What is asked for most is there in the end, whatever was before. */
static void
learns_what_is_of_use(void **state)
{
	struct set *set = *state;
	int round, there = 0;

	for (int i = ALL; i-- > ALL / 2;)
		look(set, i);
	for (int i = ALL; i-- > ALL / 2;)
		look(set, i);
	for (round = 0; round < 300; round++)
		there = look_at_some(set, ROOM / 2);
	assert_int_equal(ROOM / 2, there);
}

static void
refuses_what_is_larger_than_all(void **state)
{
	struct set *set = *state;
	size_t len = set->cache.most + 1;

	look_at_some(set, 5);
	text_keep(&set->cache, &set->texts[9], malloc(len), len);
	assert_null(set->texts[9].text);
	assert_true(set->cache.bytes <= set->cache.most);
	keep(set, 9);
	assert_non_null(set->texts[9].text);
	keep(set, 9);
	assert_int_equal(1, look(set, 9));
}

int
main(void)
{
#define WITH_SET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    WITH_SET(keeps_all_there_is_room_for),
	    WITH_SET(keeps_a_share_of_too_many),
	    WITH_SET(learns_what_is_of_use),
	    WITH_SET(refuses_what_is_larger_than_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
