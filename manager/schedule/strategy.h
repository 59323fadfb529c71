/*
 * How an app gets from one release to the next, as its owner has chosen: the
 * settings, their words and what they come to.
 *
 * In the store they are members of an object ("rollout" of app/APP, "how" of
 * rollout/APP), with canonical values; one that is not there has its default.
 */
#ifndef PAAS_STRATEGY_H
#define PAAS_STRATEGY_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

enum strategy_kind {
	STRATEGY_ROLLING,    /* a few at a time, in the place of old ones */
	STRATEGY_BLUE_GREEN, /* all of them beside the old ones, then at once */
	STRATEGY_CANARY      /* some get a share, until somebody decides */
};

/* Of the processes of a type: so many, or so many in a hundred. */
struct strategy_part {
	uint32_t number;
	int percent;
};

struct strategy {
	enum strategy_kind kind;
	struct strategy_part surge;       /* more than there should be */
	struct strategy_part unavailable; /* fewer that serve */
	uint32_t weight;                  /* of the canary: percent */
	uint32_t deadline;        /* seconds that nothing comes ready in */
	uint32_t release_timeout; /* seconds that the release process has */
};

/* Is there such a setting? */
int strategy_has(const char *name);

/*
 * The canonical value, a new reference, of what somebody gave for a setting:
 * a string, or a whole number where one makes sense.  NULL with a sentence in
 * err, also if there is no such setting.
 */
json_t *strategy_parse(
    const char *name, const json_t *given, char err[PAAS_ERRLEN]);

/* Do they go together?  -1 with a sentence in err. */
int strategy_check(const json_t *object, char err[PAAS_ERRLEN]);

/* Each setting with what counts, set or not: a new object. */
json_t *strategy_show(const json_t *object);

/* NULL and values that are none of ours give defaults. */
void strategy_decode(struct strategy *, const json_t *object);
json_t *strategy_encode(const struct strategy *);

/*
 * How many of `quantity`, as Kubernetes rounds them: the surge upwards, those
 * that may be missing downwards.  If both come to nothing, nothing could ever
 * move: then the surge is one.
 */
uint32_t strategy_surge(const struct strategy *, uint32_t quantity);
uint32_t strategy_unavailable(const struct strategy *, uint32_t quantity);

/* How many of `quantity` are the canary: its weight of them, at least one. */
uint32_t strategy_canaries(const struct strategy *, uint32_t quantity);

#endif
