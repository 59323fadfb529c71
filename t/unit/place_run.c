/* sources: manager/schedule/place*.c manager/schedule/rollout.c manager/schedule/strategy.c manager/store/moment.c; libs: -ljansson */
/* Decisions one after the other, each obeyed, until nothing is left to do. */
#include "place_fixture.h"

/* What the agents do of their own: one step of what is in hand. */
static void
work(struct place_input *in, size_t which)
{
	struct place_assignment *as = &in->assignments[which];

	if (as->stop)
		as->state =
		    as->state == PLACE_READY ? PLACE_DRAINING : PLACE_GONE;
	else if (as->state != PLACE_READY)
		as->state = PLACE_READY;
}

static void
obey(struct place_input *in, const struct place_plan *plan)
{
	const struct place_change *change;
	struct place_assignment *as;
	size_t i, gone[PLACE_CHANGES_MAX], ngone = 0;

	in->rollout = plan->rollout;
	for (i = 0; i < plan->nchanges; i++) {
		change = &plan->changes[i];
		as = change->kind == PLACE_CREATE
			 ? &in->assignments[in->nassignments]
			 : &in->assignments[change->old - in->assignments];
		switch (change->kind) {
		case PLACE_CREATE:
			memset(as, 0, sizeof(*as));
			as->id = ++in->rollout.next;
			as->version = change->release->version;
			as->index = change->index;
			strlcpy(
			    as->type, change->process->type, sizeof(as->type));
			in->nassignments++;
			break;
		case PLACE_ROUTE:
			as->routed = 1;
			break;
		case PLACE_STOP:
			as->stop = 1;
			break;
		case PLACE_REMOVE:
			gone[ngone++] = (size_t)(as - in->assignments);
			break;
		}
	}
	for (i = 0; i < ngone; i++)
		in->assignments[gone[i]].index = 0; /* nobody's */
	for (i = in->nassignments; i-- > 0;)
		if (in->assignments[i].index == 0)
			in->assignments[i] =
			    in->assignments[--in->nassignments];
}

/* Never more to run than quantity and surge, never fewer that serve. */
static void
check_bounds(const struct place_input *in, uint32_t most, uint32_t least)
{
	const struct place_assignment *as;
	uint32_t run = 0, serve = 0;
	size_t i;

	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (as->stop)
			continue;
		run++;
		serve +=
		    as->state == PLACE_READY &&
		    (as->version == in->rollout.live ||
			(in->rollout.live != in->rollout.target && as->routed));
	}
	if (run > most || serve < least)
		fail_msg(
		    "%u to run of %u, %u serve of %u", run, most, serve, least);
}

/* However the agents take turns, and whatever the numbers are. */
static void
rolls_within_its_bounds(void **state)
{
	struct place_input in;
	struct place_plan plan;
	unsigned int quantity, surge, unavailable, seed = 1, turns;
	char text[64];

	(void)state;
	for (quantity = 1; quantity <= 12; quantity++)
		for (surge = 0; surge <= 4; surge++)
			for (unavailable = surge == 0; unavailable <= 3;
			     unavailable++) {
				memset(&in, 0, sizeof(in));
				in.exists = 1;
				in.version = 2;
				in.now = INT64_C(1795350000000000);
				in.rollout.live = in.rollout.target = 1;
				snprintf(text, sizeof(text), "rolling %u %u",
				    surge, unavailable);
				set_how(&in.how, text);
				snprintf(text, sizeof(text),
				    "1: web=%u; 2: web=%u", quantity, quantity);
				add_releases(&in, text);
				in.assignments =
				    calloc(256, sizeof(*in.assignments));
				for (; in.nassignments < quantity;
				     in.nassignments++) {
					struct place_assignment *as =
					    &in.assignments[in.nassignments];
					as->id = ++in.rollout.next;
					as->index =
					    (uint32_t)in.nassignments + 1;
					as->version = 1;
					as->state = PLACE_READY;
					strlcpy(
					    as->type, "web", sizeof(as->type));
				}
				for (turns = 0; in.rollout.live != 2; turns++) {
					assert_true(turns < 10000);
					assert_int_equal(
					    0, place_decide(&in, &plan));
					obey(&in, &plan);
					check_bounds(&in, quantity + surge,
					    quantity > unavailable
						? quantity - unavailable
						: 0);
					seed = seed * 1103515245 + 12345;
					if (in.nassignments > 0 &&
					    in.rollout.live != 2)
						work(&in, seed / 65536 %
							      in.nassignments);
				}
				free_input(&in);
			}
}

/* ---- more than fits into one commit ------------------------------------ */

static void
works_in_slices(void **state)
{
	struct place_input in;
	struct place_plan plan;
	struct place_assignment *as;
	size_t i, rounds;

	(void)state;
	memset(&in, 0, sizeof(in));
	in.exists = 1;
	in.version = in.rollout.live = in.rollout.target = 1;
	add_releases(&in, "1: web=1000");
	in.assignments = calloc(1000, sizeof(*in.assignments));
	for (rounds = 0; in.nassignments < 1000; rounds++) {
		assert_int_equal(0, place_decide(&in, &plan));
		assert_int_equal(
		    in.nassignments + plan.nchanges < 1000, plan.more);
		for (i = 0; i < plan.nchanges; i++) {
			as = &in.assignments[in.nassignments++];
			assert_int_equal(PLACE_CREATE, plan.changes[i].kind);
			assert_int_equal(
			    in.nassignments, plan.changes[i].index);
			as->id = in.nassignments;
			as->index = plan.changes[i].index;
			as->version = 1;
			strlcpy(as->type, "web", sizeof(as->type));
		}
	}
	assert_int_equal(1000 / PLACE_CHANGES_MAX, rounds);
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(0, plan.nchanges);

	/* All of them go again: a comparison each, then two each. */
	in.exists = 0;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(PLACE_CHANGES_MAX, plan.nchanges);
	for (i = 0; i < 1000; i++)
		in.assignments[i].stop = 1;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(PLACE_CHECKS_MAX / 2, plan.nchanges);
	assert_true(plan.more);
	free_input(&in);
}

static void
resizes_new_first(void **state)
{
	struct place_input in;
	struct place_plan plan;
	char text[256];

	(void)state;
	memset(&in, 0, sizeof(in));
	in.exists = 1;
	in.version = in.rollout.live = in.rollout.target = 1;
	add_releases(&in, "1: web=1");
	add_assignments(&in, "web.1/1 ready");
	in.assignments[0].memory = 100;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(0, plan.nchanges);
	in.releases[0].processes[0].memory = 200;
	assert_int_equal(0, place_decide(&in, &plan));
	write_plan(&plan, text, sizeof(text));
	assert_string_equal("+web.1/1", text);
	free_input(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rolls_within_its_bounds),
	    cmocka_unit_test(works_in_slices),
	    cmocka_unit_test(resizes_new_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
