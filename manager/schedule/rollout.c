#include "schedule/rollout.h"

#include <string.h>
#include <bsd/string.h>

static const char *const phases[] = {
    [ROLLOUT_PHASE_MOVE] = "move",
    [ROLLOUT_PHASE_RELEASE] = "release",
    [ROLLOUT_PHASE_RAISE] = "raise",
    [ROLLOUT_PHASE_CANARY] = "canary",
};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

static const char *const states[ROLLOUT_STATES] = {
    [ROLLOUT_NONE] = "none",
    [ROLLOUT_RELEASING] = "releasing",
    [ROLLOUT_RAISING] = "raising",
    [ROLLOUT_CANARY] = "canary",
    [ROLLOUT_MOVING] = "moving",
    [ROLLOUT_LIVE] = "live",
    [ROLLOUT_FAILED] = "failed",
    [ROLLOUT_PARKED] = "failed",
};

const char *
rollout_state_name(enum rollout_state state)
{
	return states[state];
}

enum rollout_state
rollout_state(const struct rollout *ro)
{
	static const enum rollout_state by_phase[] = {
	    [ROLLOUT_PHASE_MOVE] = ROLLOUT_MOVING,
	    [ROLLOUT_PHASE_RELEASE] = ROLLOUT_RELEASING,
	    [ROLLOUT_PHASE_RAISE] = ROLLOUT_RAISING,
	    [ROLLOUT_PHASE_CANARY] = ROLLOUT_CANARY,
	};

	if (ro->target == 0)
		return ROLLOUT_NONE;
	if (ro->live == ro->target)
		return ROLLOUT_LIVE;
	if (ro->failed != ro->target)
		return by_phase[ro->phase];
	return ro->parked ? ROLLOUT_PARKED : ROLLOUT_FAILED;
}

int
rollout_under_way(enum rollout_state state)
{
	return state == ROLLOUT_RELEASING || state == ROLLOUT_RAISING ||
	       state == ROLLOUT_CANARY || state == ROLLOUT_MOVING;
}

enum rollout_event
rollout_event(const struct rollout *ro, const struct rollout_input *in)
{
	if (in->version != 0 && in->version != ro->target)
		return ROLLOUT_ASKED;
	if (in->aborted != 0 && in->aborted == ro->target)
		return ROLLOUT_ABORT;
	if (in->broken)
		return ROLLOUT_BROKE;
	if (in->released)
		return ROLLOUT_RELEASED;
	/* It stays said, and has been heard once there is no canary. */
	if (in->promoted != 0 && in->promoted == ro->target &&
	    (ro->phase == ROLLOUT_PHASE_RAISE ||
		ro->phase == ROLLOUT_PHASE_CANARY))
		return ROLLOUT_PROMOTE;
	if (in->ready)
		return ROLLOUT_READY;
	if (in->stopped)
		return ROLLOUT_STOP;
	if (ro->parked || in->generation > ro->generation)
		return ROLLOUT_RETRY;
	return ROLLOUT_QUIET;
}

/* ---- actions ----------------------------------------------------------- */

static enum rollout_did
stay(struct rollout *ro, const struct rollout_input *in)
{
	(void)ro, (void)in;
	return ROLLOUT_DID_NOTHING;
}

/* Where a release goes that has nothing to do before it comes up. */
static enum rollout_phase
first_phase(const struct rollout *ro, const struct rollout_input *in)
{
	/* Where nothing runs yet, there is nobody to compare a canary with. */
	if (ro->how.kind == STRATEGY_CANARY && in->canary && ro->live != 0)
		return ROLLOUT_PHASE_RAISE;
	return ROLLOUT_PHASE_MOVE;
}

/* Also for a release that is live already: then it is a return to it. */
static enum rollout_did
begin(struct rollout *ro, const struct rollout_input *in)
{
	ro->target = in->version;
	ro->failed = 0;
	ro->parked = 0;
	ro->unreleased = 0;
	ro->reason[0] = '\0';
	ro->started = in->now;
	ro->progress = in->moment;
	ro->how = in->how;
	/* At most once for a release, whatever becomes of it after that. */
	if (in->releases && ro->released != ro->target)
		ro->phase = ROLLOUT_PHASE_RELEASE;
	else
		ro->phase = first_phase(ro, in);
	return ROLLOUT_DID_BEGIN;
}

static enum rollout_did
released(struct rollout *ro, const struct rollout_input *in)
{
	ro->released = ro->target;
	ro->progress = in->moment;
	ro->phase = first_phase(ro, in);
	return ROLLOUT_DID_RELEASE;
}

static enum rollout_did
try_it(struct rollout *ro, const struct rollout_input *in)
{
	ro->progress = in->moment;
	ro->phase = ROLLOUT_PHASE_CANARY;
	return ROLLOUT_DID_CANARY;
}

static enum rollout_did
move_on(struct rollout *ro, const struct rollout_input *in)
{
	ro->progress = in->moment;
	ro->phase = ROLLOUT_PHASE_MOVE;
	return ROLLOUT_DID_MOVE;
}

static enum rollout_did
promote(struct rollout *ro, const struct rollout_input *in)
{
	(void)in;
	ro->live = ro->target;
	ro->phase = ROLLOUT_PHASE_MOVE;
	return ROLLOUT_DID_PROMOTE;
}

/* Cut between characters, or JSON would not take it. */
static void
set_reason(struct rollout *ro, const char *reason)
{
	size_t len;

	if (strlcpy(ro->reason, reason, sizeof(ro->reason)) <
	    sizeof(ro->reason))
		return;
	len = strlen(ro->reason);
	while (len > 0 && (ro->reason[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > 0 && (ro->reason[len - 1] & 0x80) != 0)
		len--;
	ro->reason[len] = '\0';
}

static enum rollout_did
fail(struct rollout *ro, const struct rollout_input *in)
{
	ro->unreleased = rollout_state(ro) == ROLLOUT_RELEASING;
	ro->phase = ROLLOUT_PHASE_MOVE;
	ro->failed = ro->target;
	ro->generation = in->generation;
	set_reason(ro, in->reason != NULL ? in->reason : "it was aborted");
	return ROLLOUT_DID_FAIL;
}

/* With a release to go back to, a stop changes nothing about the failure. */
static enum rollout_did
park(struct rollout *ro, const struct rollout_input *in)
{
	(void)in;
	if (ro->live != 0)
		return ROLLOUT_DID_NOTHING;
	ro->parked = 1;
	return ROLLOUT_DID_PARK;
}

/*
 * A restart is meant for what runs; only if nothing does, it tries again, but
 * not what happens at most once or what somebody has aborted.
 */
static enum rollout_did
retry(struct rollout *ro, const struct rollout_input *in)
{
	if (ro->live != 0 || ro->unreleased || in->version == 0 ||
	    in->aborted == ro->target)
		return ROLLOUT_DID_NOTHING;
	return begin(ro, in);
}

/* ---- the table --------------------------------------------------------- */

typedef enum rollout_did (*rollout_action)(
    struct rollout *, const struct rollout_input *);

/*
 * READY comes also to a stopped app, which needs nothing: a release of a
 * stopped app is live at once, and starts with the app.  Its release process
 * runs all the same.
 */
static const rollout_action table[ROLLOUT_STATES][ROLLOUT_EVENTS] = {
    /* ASKED, ABORT, BROKE, RELEASED, PROMOTE, READY, STOP, RETRY, QUIET */
    [ROLLOUT_NONE] = {begin, stay, stay, stay, stay, stay, stay, stay, stay},
    [ROLLOUT_RELEASING] = {begin, fail, fail, released, stay, stay, stay, stay,
	stay},
    [ROLLOUT_RAISING] = {begin, fail, fail, stay, move_on, try_it, stay, stay,
	stay},
    [ROLLOUT_CANARY] = {begin, fail, fail, stay, move_on, stay, stay, stay,
	stay},
    [ROLLOUT_MOVING] = {begin, fail, fail, stay, stay, promote, stay, stay,
	stay},
    [ROLLOUT_LIVE] = {begin, stay, stay, stay, stay, stay, stay, stay, stay},
    [ROLLOUT_FAILED] = {begin, stay, stay, stay, stay, stay, park, retry, stay},
    [ROLLOUT_PARKED] = {begin, stay, stay, stay, stay, stay, stay, retry, stay},
};

enum rollout_did
rollout_step(struct rollout *ro, const struct rollout_input *in)
{
	return table[rollout_state(ro)][rollout_event(ro, in)](ro, in);
}

/* ---- the record -------------------------------------------------------- */

static uint32_t
get_number(const json_t *value, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(value, name));
}

static enum rollout_phase
get_phase(const json_t *value)
{
	const char *name = json_string_value(json_object_get(value, "phase"));
	size_t i;

	for (i = 0; name != NULL && i < PHASES; i++)
		if (strcmp(phases[i], name) == 0)
			return (enum rollout_phase)i;
	return ROLLOUT_PHASE_MOVE;
}

void
rollout_decode(struct rollout *ro, const json_t *value)
{
	const char *reason;

	memset(ro, 0, sizeof(*ro));
	ro->live = get_number(value, "live");
	ro->target = get_number(value, "target");
	ro->failed = get_number(value, "failed");
	ro->next = get_number(value, "next");
	ro->run = get_number(value, "run");
	ro->runs = get_number(value, "runs");
	ro->released = get_number(value, "released");
	ro->unreleased = json_is_true(json_object_get(value, "unreleased"));
	ro->parked = json_is_true(json_object_get(value, "parked"));
	ro->generation =
	    (uint64_t)json_integer_value(json_object_get(value, "generation"));
	ro->started = json_integer_value(json_object_get(value, "started"));
	ro->progress = moment_recall(json_object_get(value, "progress"),
	    json_integer_value(json_object_get(value, "progress")));
	ro->phase = get_phase(value);
	strategy_decode(&ro->how, json_object_get(value, "how"));
	reason = json_string_value(json_object_get(value, "reason"));
	if (reason != NULL)
		set_reason(ro, reason);
}

json_t *
rollout_encode(const struct rollout *ro)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I,"
			 " s:I, s:o, s:s, s:o, s:s}",
	    "live", (json_int_t)ro->live, "target", (json_int_t)ro->target,
	    "failed", (json_int_t)ro->failed, "next", (json_int_t)ro->next,
	    "run", (json_int_t)ro->run, "runs", (json_int_t)ro->runs,
	    "released", (json_int_t)ro->released, "unreleased", ro->unreleased,
	    "parked", ro->parked, "generation", (json_int_t)ro->generation,
	    "started", (json_int_t)ro->started, "progress",
	    moment_encode(&ro->progress), "phase", phases[ro->phase], "how",
	    strategy_encode(&ro->how), "reason", ro->reason);
}
