/*
 * Between the records of an app and the decision about it: what is read for
 * a pass, and what a plan becomes as one commit.
 */
#ifndef PAAS_RECORDS_H
#define PAAS_RECORDS_H

#include "common/conf.h"
#include "schedule/place.h"
#include "store/store.h"

/* All that a pass knows.  An app is its number: names come again. */
struct records {
	const struct conf *conf;
	char app[KEY_NAME_MAX + 1];
	uint64_t number;
	uint64_t app_rev, rollout_rev;
	uint64_t memory;        /* bytes: of a process type that does not say */
	json_t *record, *scale; /* app/APP and scale/APP, NULL for none */
	struct place_input in;
};

/* The first 8 of the 16 digits of an assignment's id. */
uint32_t records_assignment_app(uint64_t assignment);

/*
 * Reads all of an app, from one revision.  app is the name that it is
 * thought to have.  -1 only if there is no memory; free it in any case.
 */
int records_read(struct store *, const struct conf *, const char *app,
    uint64_t number, struct records *);
void records_free(struct records *);

/*
 * Adds what became of a release, if this plan decides it: result/APP/VERSION.
 */
void records_result(
    struct store_txn *, const struct records *, const struct place_plan *);

/*
 * The commit of a plan with its comparisons and events; NULL if the plan
 * changes nothing.  The plan must come from what was read in this turn of
 * the loop.
 */
struct store_txn *records_write(
    struct store *, const struct records *, const struct place_plan *);

#endif
