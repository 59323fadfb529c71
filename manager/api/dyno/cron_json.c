/*
 * {"id", "schedule", "command", "next_at", "last_at", "last", ...}: a cron
 * entry, with when it is due and what became of it the last time.
 */
#include <inttypes.h>

#include "api/dyno/cron.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "schedule/crontab.h"
#include "store/keys.h"

#define MINUTE 60000000LL

static json_t *
next_time(json_t *entry)
{
	char err[PAAS_ERRLEN];
	struct crontab tab;
	int64_t minute;

	if (crontab_parse(&tab, model_text(entry, "schedule"), err) == -1 ||
	    (minute = crontab_next(&tab, id_now() / MINUTE)) == -1)
		return json_null();
	return id_time(minute * MINUTE);
}

/* The process that ran last, in the shape of a dyno, or null. */
static json_t *
last_run(struct request *r, json_t *ran)
{
	uint32_t run = (uint32_t)model_number(ran, "run");
	json_t *dyno = NULL;

	if (run != 0)
		dyno = model_oneoff(r->api, r->name, r->app, run);
	return dyno != NULL ? dyno : json_null();
}

json_t *
cron_shape(struct request *r, uint32_t id, json_t *entry)
{
	char key[STORE_KEY_MAX + 1];
	json_t *ran, *shape;

	key_format(key, "cronran/%s/%08" PRIu32, r->name, id);
	ran = store_get(r->api->store, key, NULL);
	if (model_number(ran, "of") != model_number(entry, "created")) {
		json_decref(ran);
		ran = NULL;
	}
	shape = json_pack("{s:o, s:I, s:s, s:s, s:I, s:b, s:s, s:o, s:o, s:o, "
			  "s:o}",
	    "app", model_app_ref(r->name, r->app), "id", (json_int_t)id,
	    "schedule", model_text(entry, "schedule"), "command",
	    model_text(entry, "command"), "time_to_live",
	    (json_int_t)model_number(entry, "timeout"), "overlap",
	    json_is_true(json_object_get(entry, "overlap")), "user",
	    model_text(entry, "user"), "created_at",
	    id_time_of(entry, "created"), "next_at", next_time(entry),
	    "last_at", id_time(model_number(ran, "due") * MINUTE), "last",
	    last_run(r, ran));
	json_decref(ran);
	return shape;
}
