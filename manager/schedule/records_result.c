/*
 * What became of releases, for as long as they are known: rollout/APP tells
 * of the last one only.
 */
#include <stdio.h>

#include "common/places.h"
#include "node/logtail.h"
#include "schedule/records.h"

/* Takes the value, and fills in when it was. */
static void
put_result(struct store_txn *txn, const struct records *rec, uint32_t version,
    json_t *value)
{
	char key[STORE_KEY_MAX + 1];

	json_object_set_new(value, "at", json_integer(rec->in.now));
	store_put(
	    txn, key_format(key, "result/%s/%08u", rec->app, version), value);
	json_decref(value);
}

/* What the one who is to blame has said last; null if there is nobody. */
static json_t *
last_words(const struct records *rec, const struct place_plan *plan)
{
	const struct place_assignment *as = plan->blamed;
	char dir[300];

	if (as != NULL && as->log != NULL)
		return json_incref(as->log);
	if (as != NULL || !plan->rollout.unreleased ||
	    rec->in.run_instance == 0)
		return json_null();
	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, rec->conf->state_dir);
	return logtail(dir, rec->number, rec->in.run_instance);
}

static json_t *
blamed_name(const struct records *rec, const struct place_plan *plan)
{
	const struct place_assignment *as = plan->blamed;

	if (as != NULL)
		return json_sprintf("%s.%u", as->type, as->index);
	if (plan->rollout.unreleased && rec->in.run_instance != 0)
		return json_sprintf("release.%u", plan->rollout.run);
	return json_null();
}

void
records_result(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan)
{
	const struct rollout *was = &rec->in.rollout, *ro = &plan->rollout;

	switch (plan->did) {
	case ROLLOUT_DID_PROMOTE:
		put_result(txn, rec, ro->target,
		    json_pack("{s:s}", "status", "succeeded"));
		break;
	case ROLLOUT_DID_FAIL:
		put_result(txn, rec, ro->target,
		    json_pack("{s:s, s:s, s:o, s:o}", "status", "failed",
			"reason", ro->reason, "process", blamed_name(rec, plan),
			"log", last_words(rec, plan)));
		break;
	case ROLLOUT_DID_BEGIN:
		if (rollout_under_way(rollout_state(was)) &&
		    was->target != ro->target)
			put_result(txn, rec, was->target,
			    json_pack("{s:s, s:o}", "status", "failed",
				"reason",
				json_sprintf("v%u came before it was live",
				    ro->target)));
		break;
	default:
		break;
	}
}
