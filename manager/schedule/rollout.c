#include "schedule/rollout.h"

#include <string.h>
#include <bsd/string.h>

enum rollout_state
rollout_state(const struct rollout *ro)
{
	if (ro->target == 0)
		return ROLLOUT_NONE;
	if (ro->live == ro->target)
		return ROLLOUT_LIVE;
	if (ro->failed != ro->target)
		return ROLLOUT_MOVING;
	return ro->parked ? ROLLOUT_PARKED : ROLLOUT_FAILED;
}

enum rollout_event
rollout_event(const struct rollout *ro, const struct rollout_input *in)
{
	if (in->version != 0 && in->version != ro->target)
		return ROLLOUT_ASKED;
	if (in->broken)
		return ROLLOUT_BROKE;
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

/* Also for a release that is live already: then it is a return to it. */
static enum rollout_did
begin(struct rollout *ro, const struct rollout_input *in)
{
	ro->target = in->version;
	ro->failed = 0;
	ro->parked = 0;
	ro->reason[0] = '\0';
	ro->started = in->now;
	return ROLLOUT_DID_BEGIN;
}

static enum rollout_did
promote(struct rollout *ro, const struct rollout_input *in)
{
	(void)in;
	ro->live = ro->target;
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
	ro->failed = ro->target;
	ro->generation = in->generation;
	set_reason(ro, in->reason);
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

/* A restart is meant for what runs; only if nothing does, it tries again. */
static enum rollout_did
retry(struct rollout *ro, const struct rollout_input *in)
{
	return ro->live == 0 ? begin(ro, in) : ROLLOUT_DID_NOTHING;
}

/* ---- the table --------------------------------------------------------- */

typedef enum rollout_did (*rollout_action)(
    struct rollout *, const struct rollout_input *);

/*
 * READY comes also to a stopped app, which needs nothing: a release of a
 * stopped app is live at once, and starts with the app.
 */
static const rollout_action table[ROLLOUT_STATES][ROLLOUT_EVENTS] = {
    /*                  ASKED  BROKE READY    STOP  RETRY  QUIET */
    [ROLLOUT_NONE] = {begin, stay, stay, stay, stay, stay},
    [ROLLOUT_MOVING] = {begin, fail, promote, stay, stay, stay},
    [ROLLOUT_LIVE] = {begin, stay, stay, stay, stay, stay},
    [ROLLOUT_FAILED] = {begin, stay, stay, park, retry, stay},
    [ROLLOUT_PARKED] = {begin, stay, stay, stay, retry, stay},
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

void
rollout_decode(struct rollout *ro, const json_t *value)
{
	const char *reason;

	memset(ro, 0, sizeof(*ro));
	ro->live = get_number(value, "live");
	ro->target = get_number(value, "target");
	ro->failed = get_number(value, "failed");
	ro->next = get_number(value, "next");
	ro->parked = json_is_true(json_object_get(value, "parked"));
	ro->generation =
	    (uint64_t)json_integer_value(json_object_get(value, "generation"));
	ro->started = json_integer_value(json_object_get(value, "started"));
	reason = json_string_value(json_object_get(value, "reason"));
	if (reason != NULL)
		set_reason(ro, reason);
}

json_t *
rollout_encode(const struct rollout *ro)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:s}", "live",
	    (json_int_t)ro->live, "target", (json_int_t)ro->target, "failed",
	    (json_int_t)ro->failed, "next", (json_int_t)ro->next, "parked",
	    ro->parked, "generation", (json_int_t)ro->generation, "started",
	    (json_int_t)ro->started, "reason", ro->reason);
}
