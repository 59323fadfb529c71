/*
 * What is written about an instance: actual/NODE/ASSIGNMENT, the names of
 * its log files (instance/APP/ID) and its line in the timeline.
 */
#include <arpa/inet.h>
#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/health.h"
#include "node/instance.h"
#include "node/logtail.h"
#include "store/keys.h"

static const char *
text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static int64_t
number_of(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

int
instance_has_process(enum instance_state state)
{
	switch (state) {
	case INSTANCE_STARTING:
	case INSTANCE_READY:
	case INSTANCE_UNHEALTHY:
	case INSTANCE_DRAINING:
	case INSTANCE_STOPPING:
	case INSTANCE_CRASHED:
		return 1;
	default:
		return 0;
	}
}

/* ---- reading ----------------------------------------------------------- */

static void
whose(struct instance *inst, json_t *value)
{
	strlcpy(inst->app, text_of(value, "app"), sizeof(inst->app));
	strlcpy(inst->type, text_of(value, "type"), sizeof(inst->type));
	if (key_parse_id(text_of(value, "appnumber"), &inst->appnumber) == -1)
		inst->appnumber = 0;
	inst->index = (uint32_t)number_of(value, "index");
	inst->version = (uint32_t)number_of(value, "version");
	if (number_of(value, "memory") > 0)
		inst->memory = (uint64_t)number_of(value, "memory");
	else
		inst->memory = inst->node->conf->instance_memory;
}

void
instance_assigned(struct instance *inst, json_t *assign, uint64_t rev)
{
	inst->assign_rev = rev;
	if (assign == NULL) {
		inst->goal = INSTANCE_GOAL_NONE;
	} else {
		whose(inst, assign);
		inst->goal = strcmp(text_of(assign, "goal"), "run") == 0
				 ? INSTANCE_GOAL_RUN
				 : INSTANCE_GOAL_STOP;
	}
	agent_due(inst->node->agent, inst);
}

int
instance_record_parse(struct instance_record *rec, json_t *value)
{
	int state;

	memset(rec, 0, sizeof(*rec));
	if ((state = instance_state_parse(text_of(value, "state"))) == -1)
		return -1;
	rec->state = (enum instance_state)state;
	if (key_parse_id(text_of(value, "instance"), &rec->id) == -1 &&
	    instance_has_process(rec->state))
		return -1;
	rec->slot = (uint32_t)number_of(value, "slot");
	rec->since = number_of(value, "since");
	rec->moment = moment_decode(json_object_get(value, "moment"));
	if (rec->moment.us == 0)
		rec->moment = moment_now();
	rec->ready = moment_recall(
	    json_object_get(value, "ready"), number_of(value, "ready"));
	rec->until = number_of(value, "until");
	rec->restarts = (uint32_t)number_of(value, "restarts");
	rec->ever = json_is_true(json_object_get(value, "ever"));
	rec->late = json_is_true(json_object_get(value, "late"));
	rec->rests = moment_decode(json_object_get(value, "rests"));
	rec->wakeable = json_is_true(json_object_get(value, "wakeable"));
	strlcpy(rec->reason, text_of(value, "reason"), sizeof(rec->reason));
	return 0;
}

void
instance_recorded(struct instance *inst, json_t *actual, uint64_t rev)
{
	struct node *node = inst->node;

	inst->rev = rev;
	whose(inst, actual);
	if (instance_record_parse(&inst->rec, actual) == -1) {
		/* Whatever it stood for is found as an unknown instance. */
		log_err("actual/" KEY_NODE_LOCAL "/%s is damaged: it starts "
			"afresh",
		    inst->assignment);
		inst->rec.state = INSTANCE_GONE;
		return;
	}
	inst->last_log = json_incref(json_object_get(actual, "last_log"));
	if (!instance_has_process(inst->rec.state))
		return;
	if (slots_mark(node->slots, inst->rec.slot) == 0)
		inst->slot_held = 1;
	else
		log_err("slot %u of instance %016" PRIx64 " can't be its own",
		    inst->rec.slot, inst->rec.id);
	instance_life_set(inst, INSTANCE_LIFE_UNKNOWN);
}

/* ---- its last words ---------------------------------------------------- */

json_t *
instance_log_tail(const struct instance *inst)
{
	return logtail(inst->node->log_dir, inst->appnumber, inst->rec.id);
}

/* ---- writing ----------------------------------------------------------- */

static json_t *
record_make(const struct instance *inst)
{
	const struct instance_record *rec = &inst->next;
	struct in_addr addr = {0};
	char id[17], number[17], address[INET_ADDRSTRLEN] = "";
	json_t *value;

	key_format_id(id, rec->id);
	key_format_id(number, inst->appnumber);
	if (rec->slot != 0) {
		addr = conf_slot_addr(inst->node->conf, rec->slot);
		inet_ntop(AF_INET, &addr, address, sizeof(address));
	}
	value = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:I}", "state",
	    instance_state_name(rec->state), "app", inst->app, "appnumber",
	    number, "type", inst->type, "index", (int)inst->index, "version",
	    (int)inst->version, "memory", (json_int_t)inst->memory);
	if (value == NULL ||
	    json_object_update_new(value,
		json_pack("{s:s, s:i, s:s, s:i, s:I, s:i, s:s}", "instance", id,
		    "slot", (int)rec->slot, "address", address, "port",
		    instance_is_web(inst) ? instance_port(inst) : 0, "since",
		    (json_int_t)rec->since, "restarts", (int)rec->restarts,
		    "reason", rec->reason)) == -1 ||
	    json_object_update_new(value,
		json_pack("{s:o, s:o, s:I, s:b, s:b, s:o, s:b}", "moment",
		    moment_encode(&rec->moment), "ready",
		    moment_encode(&rec->ready), "until", (json_int_t)rec->until,
		    "ever", rec->ever, "late", rec->late, "rests",
		    moment_encode(&rec->rests), "wakeable", rec->wakeable)) ==
		-1) {
		json_decref(value);
		return NULL;
	}
	if (inst->last_log != NULL)
		json_object_set(value, "last_log", inst->last_log);
	return value;
}

/* Names the log files, and says from when on its slot rests. */
static void
files_note(const struct instance *inst, struct store_txn *txn)
{
	const struct instance_record *old = &inst->rec, *new = &inst->next;
	char key[STORE_KEY_MAX + 1], id[17], name[INSTANCE_NAME_MAX];
	json_t *value;

	if (old->id != 0 && instance_has_process(old->state) &&
	    (new->id != old->id || !instance_has_process(new->state))) {
		key_format_id(id, old->id);
		key_format(key, "instance/%s/%s", inst->app, id);
		if ((value = store_get(inst->node->store, key, NULL)) != NULL) {
			json_object_set_new(
			    value, "ended", json_integer(new->since));
			json_object_set_new(
			    value, "moment", moment_encode(&new->moment));
			store_put(txn, key, value);
			json_decref(value);
		}
	}
	if (new->id == old->id || new->id == 0)
		return;
	instance_name(inst, name);
	key_format_id(id, new->id);
	key_format(key, "instance/%s/%s", inst->app, id);
	value = json_pack("{s:s, s:i, s:I, s:i}", "name", name, "version",
	    (int)inst->version, "created", (json_int_t) new->since, "slot",
	    (int)new->slot);
	if (value != NULL)
		store_put_new(txn, key, value);
	json_decref(value);
}

/* One line a change; the words depend on where it comes from. */
static void
event_note(const struct instance *inst, enum instance_event event,
    struct store_txn *txn)
{
	const struct instance_record *old = &inst->rec, *new = &inst->next;
	const char *kind = instance_state_name(new->state);
	char name[INSTANCE_NAME_MAX];

	instance_name(inst, name);
	switch (new->state) {
	case INSTANCE_STARTING:
		store_event(txn, inst->app, kind, "%s is starting%s, v%u%s",
		    name, new->restarts > 0 ? " again" : "", inst->version,
		    event == INSTANCE_LOST ? ": it was not running any more"
		    : inst->woken          ? ": requests wait for it"
					   : "");
		break;
	case INSTANCE_READY:
		if (old->state == INSTANCE_UNHEALTHY)
			store_event(
			    txn, inst->app, kind, "%s answers again", name);
		else
			store_event(txn, inst->app, kind,
			    "%s is ready after %.1f s", name,
			    (double)(new->since - old->since) / 1e6);
		break;
	case INSTANCE_UNHEALTHY:
		store_event(txn, inst->app, kind, "%s does not answer: %s",
		    name, new->reason);
		break;
	case INSTANCE_DRAINING:
		store_event(txn, inst->app, kind,
		    "%s gets no new requests and ends those it has", name);
		break;
	case INSTANCE_STOPPING:
		store_event(txn, inst->app, kind, "%s is stopping%s", name,
		    event == INSTANCE_EXIT ? ": it ended by itself" : "");
		break;
	case INSTANCE_CRASHED:
		store_event(
		    txn, inst->app, kind, "%s crashed: %s", name, new->reason);
		break;
	case INSTANCE_BACKOFF:
		store_event(txn, inst->app, kind,
		    "%s crashed %u times in a row: it starts again in %u s",
		    name, new->restarts,
		    (unsigned)((new->until - new->since) / 1000000));
		break;
	case INSTANCE_FAILED:
		store_event(txn, inst->app, kind, "%s is not started again: %s",
		    name, new->reason);
		break;
	case INSTANCE_GONE:
		store_event(txn, inst->app, kind,
		    old->state == INSTANCE_CREATED
			? "%s is gone: it was not started yet"
			: "%s has stopped",
		    name);
		break;
	case INSTANCE_CREATED: /* the scheduler's: "created", as it assigns */
	case INSTANCE_STATES:
		break;
	}
}

struct store_txn *
instance_txn(const struct instance *inst, enum instance_action action,
    enum instance_event event)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *app, *value = NULL;

	if (action != INSTANCE_FORGET && (value = record_make(inst)) == NULL)
		return NULL;
	txn = store_begin(inst->node->store);
	key_format(key, "actual/" KEY_NODE_LOCAL "/%s", inst->assignment);
	store_if(txn, key, inst->rev);
	if (action == INSTANCE_FORGET)
		store_del(txn, key);
	else
		store_put(txn, key, value);
	json_decref(value);

	/* What begins must be wanted at the moment of the commit. */
	key_format(key, "assign/" KEY_NODE_LOCAL "/%s", inst->assignment);
	if (action == INSTANCE_BEGIN || inst->rec.state == INSTANCE_CREATED)
		store_if(txn, key, inst->assign_rev);

	/* Of an app that was destroyed, nothing new is written. */
	key_format(key, "app/%s", inst->app);
	app = store_get(inst->node->store, key, NULL);
	if (app != NULL && action != INSTANCE_FORGET) {
		files_note(inst, txn);
		event_note(inst, event, txn);
	}
	json_decref(app);
	return txn;
}
