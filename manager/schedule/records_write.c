#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "node/oneoff.h"
#include "schedule/records.h"

#define LIST_MAX 400 /* bytes of "web.1 to web.9, worker.2" in an event */

static const char *const why_text[] = {
    [PLACE_WHY_SCALE] = "scaled down",
    [PLACE_WHY_RELEASE] = "another release is live",
    [PLACE_WHY_FAILED] = "its release failed",
    [PLACE_WHY_RESTART] = "replaced by a new one",
    [PLACE_WHY_STOPPED] = "the app was stopped",
    [PLACE_WHY_ASLEEP] = "the app sleeps",
    [PLACE_WHY_DELETED] = "the app was deleted",
};

/* ---- events ------------------------------------------------------------ */

/* The names of changes as people list them: "web.1 to web.4, web.7". */
struct list {
	char text[LIST_MAX];
	size_t len;
	const char *type;
	uint32_t first, last;
};

static void
list_flush(struct list *list)
{
	int n;

	if (list->type == NULL || list->len >= sizeof(list->text))
		return;
	n = snprintf(list->text + list->len, sizeof(list->text) - list->len,
	    list->first == list->last ? "%s%s.%u" : "%s%s.%u to %s.%u",
	    list->len > 0 ? ", " : "", list->type, list->first, list->type,
	    list->last);
	if (n > 0)
		list->len += (size_t)n;
	list->type = NULL;
}

/* Creations come upwards, stops downwards; both are told upwards. */
static void
list_add(struct list *list, const char *type, uint32_t index)
{
	if (list->type != NULL && strcmp(list->type, type) == 0) {
		if (index == list->last + 1) {
			list->last = index;
			return;
		}
		if (index + 1 == list->first) {
			list->first = index;
			return;
		}
	}
	list_flush(list);
	list->type = type;
	list->first = list->last = index;
}

/*
 * The event of the first state of an instance: it has no record of its node
 * then, so that the commit of its assignment is what creates it.
 */
static void
tell_created(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan, const struct place_release *rel)
{
	struct list list;
	size_t i;

	memset(&list, 0, sizeof(list));
	for (i = 0; i < plan->nchanges; i++)
		if (plan->changes[i].kind == PLACE_CREATE &&
		    plan->changes[i].release == rel)
			list_add(&list, plan->changes[i].process->type,
			    plan->changes[i].index);
	list_flush(&list);
	if (list.len > 0)
		store_event(txn, rec->app, "created", "%s placed on %s (v%u)",
		    list.text, KEY_NODE_LOCAL, rel->version);
}

/* A step of a roll-out that has more than one. */
static void
tell_routed(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan)
{
	struct list list;
	size_t i;

	memset(&list, 0, sizeof(list));
	for (i = 0; i < plan->nchanges; i++)
		if (plan->changes[i].kind == PLACE_ROUTE)
			list_add(&list, plan->changes[i].old->type,
			    plan->changes[i].old->index);
	list_flush(&list);
	if (list.len > 0)
		store_event(txn, rec->app, "release", "%s of v%u in service",
		    list.text, plan->rollout.target);
}

static void
tell_stopped(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan, enum place_why why)
{
	struct list list;
	size_t i;

	memset(&list, 0, sizeof(list));
	for (i = 0; i < plan->nchanges; i++)
		if (plan->changes[i].kind == PLACE_STOP &&
		    plan->changes[i].why == why)
			list_add(&list, plan->changes[i].old->type,
			    plan->changes[i].old->index);
	list_flush(&list);
	if (list.len > 0)
		store_event(txn, rec->app, "stop", "%s to stop: %s", list.text,
		    why_text[why]);
}

static void
tell_rollout(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan)
{
	const struct rollout *ro = &plan->rollout;

	switch (plan->did) {
	case ROLLOUT_DID_BEGIN:
		store_event(txn, rec->app, "release",
		    ro->live == ro->target ? "release v%u goes on"
					   : "release v%u is being rolled out",
		    ro->target);
		break;
	case ROLLOUT_DID_RELEASE:
		store_event(txn, rec->app, "release",
		    "the release process of v%u has ended well", ro->target);
		break;
	case ROLLOUT_DID_CANARY:
		store_event(txn, rec->app, "release",
		    "release v%u is a canary: it gets %u %% of the requests",
		    ro->target, ro->how.weight);
		break;
	case ROLLOUT_DID_MOVE:
		store_event(txn, rec->app, "release",
		    "the canary v%u takes over", ro->target);
		break;
	case ROLLOUT_DID_PROMOTE:
		store_event(txn, rec->app, "release", "release v%u is live",
		    ro->target);
		break;
	case ROLLOUT_DID_FAIL:
		if (ro->live != 0)
			store_event(txn, rec->app, "release",
			    "release v%u failed: %s; v%u goes on", ro->target,
			    ro->reason, ro->live);
		else
			store_event(txn, rec->app, "release",
			    "release v%u failed: %s", ro->target, ro->reason);
		break;
	case ROLLOUT_DID_PARK:
	case ROLLOUT_DID_NOTHING:
		break;
	}
}

/* An app that is deleted has no timeline to write to. */
static void
tell(struct store_txn *txn, const struct records *rec,
    const struct place_plan *plan)
{
	size_t i;
	int why;

	if (!rec->in.exists)
		return;
	tell_rollout(txn, rec, plan);
	for (i = 0; i < rec->in.nreleases; i++)
		tell_created(txn, rec, plan, &rec->in.releases[i]);
	tell_routed(txn, rec, plan);
	for (why = PLACE_WHY_SCALE; why <= PLACE_WHY_DELETED; why++)
		tell_stopped(txn, rec, plan, (enum place_why)why);
}

/* ---- changes ----------------------------------------------------------- */

static void
create(struct store_txn *txn, const struct records *rec,
    const struct place_change *change, uint32_t counter)
{
	const struct place_process *proc = change->process;
	char key[STORE_KEY_MAX + 1], number[17];
	json_t *value;

	key_format_id(number, rec->number);
	value = json_pack(
	    "{s:s, s:s, s:s, s:I, s:I, s:I, s:s?, s:I, s:O?, s:s, s:I}", "app",
	    rec->app, "appnumber", number, "type", proc->type, "index",
	    (json_int_t)change->index, "version",
	    (json_int_t)change->release->version, "generation",
	    (json_int_t)proc->generations[change->index - 1], "slug",
	    change->release->slug, "memory",
	    (json_int_t)(proc->memory != 0 ? proc->memory : rec->memory),
	    "limits", proc->limits, "goal", "run", "created",
	    (json_int_t)rec->in.now);
	key_format(key, "assign/" KEY_NODE_LOCAL "/%08x%08x",
	    (uint32_t)rec->number, counter);
	store_put_new(txn, key, value);
	json_decref(value);
}

/* One more member of an assignment's record; takes the value. */
static void
set(struct store *st, struct store_txn *txn, const struct place_assignment *as,
    const char *name, json_t *member)
{
	char key[STORE_KEY_MAX + 1];
	json_t *value;

	key_format(key, "assign/" KEY_NODE_LOCAL "/%016llx",
	    (unsigned long long)as->id);
	value = store_get(st, key, NULL);
	json_object_set_new(value, name, member);
	store_if(txn, key, as->rev);
	store_put(txn, key, value);
	json_decref(value);
}

static void
remove_record(struct store_txn *txn, const struct place_assignment *as)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "actual/" KEY_NODE_LOCAL "/%016llx",
	    (unsigned long long)as->id);
	store_if(txn, key, as->actual_rev);
	key_format(key, "assign/" KEY_NODE_LOCAL "/%016llx",
	    (unsigned long long)as->id);
	store_if(txn, key, as->rev);
	store_del(txn, key);
}

static void
write_rollout(
    struct store_txn *txn, const struct records *rec, const struct rollout *ro)
{
	char key[STORE_KEY_MAX + 1];
	json_t *before, *value;

	key_format(key, "rollout/%s", rec->app);
	store_if(txn, key, rec->rollout_rev);
	before = rollout_encode(&rec->in.rollout);
	value = rollout_encode(ro);
	if (!json_equal(before, value))
		store_put(txn, key, value);
	json_decref(before);
	json_decref(value);
}

static const char *
text_of(const json_t *value, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text : otherwise;
}

/*
 * The release process and the note that it was begun are one commit: so it is
 * begun once, and what the node begins it runs at most once.
 */
static void
start_run(struct store *st, struct store_txn *txn, const struct records *rec,
    struct rollout *ro)
{
	char key[STORE_KEY_MAX + 1];
	struct oneoff_want want = {.app = rec->app,
	    .number = rec->number,
	    .version = ro->target,
	    .type = "release",
	    .timeout = ro->how.release_timeout};
	json_t *release, *run;

	release = store_get(
	    st, key_format(key, "release/%s/%08u", rec->app, ro->target), NULL);
	want.command =
	    text_of(json_object_get(release, "types"), "release", "");
	want.user = text_of(release, "user", "unknown");
	if ((run = oneoff_add(st, txn, &want, &ro->run)) == NULL)
		log_fatal("schedule: out of memory");
	ro->runs = ro->target;
	json_decref(run);
	json_decref(release);
}

/*
 * An app gets its first live release but once, and its postdeploy process is
 * added by that commit.
 */
static void
start_postdeploy(
    struct store *st, struct store_txn *txn, const struct records *rec)
{
	char key[STORE_KEY_MAX + 1];
	struct oneoff_want want = {.app = rec->app,
	    .number = rec->number,
	    .version = rec->in.rollout.target,
	    .type = "postdeploy"};
	json_t *release;
	uint32_t index;

	release = store_get(st,
	    key_format(key, "release/%s/%08u", rec->app, want.version), NULL);
	want.command = text_of(release, "postdeploy", "");
	want.user = text_of(release, "user", "unknown");
	if (want.command[0] != '\0')
		json_decref(oneoff_add(st, txn, &want, &index));
	json_decref(release);
}

struct store_txn *
records_write(
    struct store *st, const struct records *rec, const struct place_plan *plan)
{
	char key[STORE_KEY_MAX + 1];
	struct rollout ro = plan->rollout;
	struct store_txn *txn;
	size_t i;

	if (plan->nchanges == 0 && plan->did == ROLLOUT_DID_NOTHING &&
	    !plan->start_run)
		return NULL;
	txn = store_begin(st);
	if (plan->start_run)
		start_run(st, txn, rec, &ro);
	if (plan->stop_run)
		(void)oneoff_stop(
		    st, txn, rec->app, rec->in.rollout.run, "the roll-out");
	if (plan->did == ROLLOUT_DID_PROMOTE && rec->in.rollout.live == 0)
		start_postdeploy(st, txn, rec);
	store_if(txn, key_format(key, "app/%s", rec->app), rec->app_rev);
	for (i = 0; i < plan->nchanges; i++) {
		switch (plan->changes[i].kind) {
		case PLACE_CREATE:
			create(txn, rec, &plan->changes[i], ++ro.next);
			break;
		case PLACE_ROUTE:
			set(st, txn, plan->changes[i].old, "routed",
			    json_true());
			break;
		case PLACE_STOP:
			set(st, txn, plan->changes[i].old, "goal",
			    json_string("stop"));
			break;
		case PLACE_REMOVE:
			remove_record(txn, plan->changes[i].old);
			break;
		}
	}
	if (rec->in.exists)
		write_rollout(txn, rec, &ro);
	records_result(txn, rec, plan);
	tell(txn, rec, plan);
	return txn;
}
