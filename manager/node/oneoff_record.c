/*
 * The records of one-off processes, run/APP/INDEX and ran/APP/INDEX, each
 * change with its line in the timeline.
 */
#include <bsd/string.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/limits.h"
#include "node/oneoff_impl.h"
#include "store/formation.h"

#define COMMAND_SHOWN 80 /* bytes of a command in the timeline */
#define FORGET_MAX    8  /* older ones that one commit takes away */

static const char *const state_names[] = {
    [ONEOFF_STARTING] = "starting",
    [ONEOFF_RUNNING] = "running",
    [ONEOFF_OVER] = "ended",
};

static const struct {
	int how;
	const char *name;
} hows[] = {
    {CLD_EXITED, "exited"},
    {CLD_KILLED, "killed"},
    {CLD_DUMPED, "dumped"},
};

static const char *
text_of(json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text != NULL ? text : "";
}

static int64_t
number_of(json_t *record, const char *name)
{
	return json_integer_value(json_object_get(record, name));
}

static char *
ran_key(char key[STORE_KEY_MAX + 1], const char *app, uint32_t index)
{
	return key_format(key, "ran/%s/%08" PRIu32, app, index);
}

static char *
run_key(char key[STORE_KEY_MAX + 1], const char *app, uint32_t index)
{
	return key_format(key, "run/%s/%08" PRIu32, app, index);
}

/* ---- for those who want one -------------------------------------------- */

static int
first_seen(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char digits[12];

	(void)value;
	(void)rev;
	if (key_part(key, 2, digits, sizeof(digits)) == 0)
		*(uint32_t *)arg = (uint32_t)strtoul(digits, NULL, 10);
	return 1;
}

json_t *
oneoff_add(struct store *st, struct store_txn *txn,
    const struct oneoff_want *want, uint32_t *index)
{
	char key[STORE_KEY_MAX + 1], number[17];
	json_t *release, *formation, *value;

	/* The newest one is never taken away, so that no name comes again. */
	*index = 0;
	(void)store_each_last(
	    st, key_format(key, "run/%s/", want->app), first_seen, index);
	++*index;
	key_format_id(number, want->number);
	/* As they are now, whatever is set while it runs. */
	release = store_get(st,
	    key_format(key, "release/%s/%08" PRIu32, want->app, want->version),
	    NULL);
	formation = formation_get(st, want->app, want->type, release, NULL);
	json_decref(release);
	value = json_pack("{s:s, s:s, s:I, s:s, s:O?, s:I, s:o, s:I, s:b, s:b, "
			  "s:s, s:I, s:s}",
	    "appnumber", number, "type", want->type, "version",
	    (json_int_t)want->version, "command", want->command, "env",
	    want->env, "memory", number_of(formation, "memory"), "limits",
	    limits_own(formation), "timeout", (json_int_t)want->timeout,
	    "attach", want->attach, "tty", want->tty, "user", want->user,
	    "created", (json_int_t)node_realtime(), "goal", "run");
	json_decref(formation);
	if (value == NULL)
		return NULL;
	store_put_new(txn, run_key(key, want->app, *index), value);
	store_event(txn, want->app, "run",
	    "%s.%" PRIu32 " of v%" PRIu32 " asked for by %s: %.*s%s",
	    want->type, *index, want->version, want->user, COMMAND_SHOWN,
	    want->command, strlen(want->command) > COMMAND_SHOWN ? "..." : "");
	return value;
}

static int
end_code(json_t *ran)
{
	const char *how = text_of(ran, "how");
	int status = (int)number_of(ran, "status");

	if (strcmp(how, "exited") == 0)
		return status;
	return strcmp(how, "killed") == 0 || strcmp(how, "dumped") == 0
		   ? 128 + status
		   : -1;
}

enum oneoff_fate
oneoff_look(
    struct store *st, const char *app, uint32_t index, struct oneoff_end *end)
{
	char key[STORE_KEY_MAX + 1];
	json_t *run, *ran;
	enum oneoff_fate fate;

	run = store_get(st, run_key(key, app, index), NULL);
	ran = store_get(st, ran_key(key, app, index), NULL);
	if (run == NULL)
		fate = ONEOFF_NONE;
	else if (strcmp(text_of(ran, "state"), "ended") != 0)
		fate = ONEOFF_GOING;
	else
		fate = ONEOFF_ENDED;
	if (fate == ONEOFF_ENDED && end != NULL) {
		memset(end, 0, sizeof(*end));
		end->code = end_code(ran);
		strlcpy(
		    end->reason, text_of(ran, "reason"), sizeof(end->reason));
		if (key_parse_id(text_of(ran, "instance"), &end->instance) ==
		    -1)
			end->instance = 0;
	}
	json_decref(run);
	json_decref(ran);
	return fate;
}

int
oneoff_stop(struct store *st, struct store_txn *txn, const char *app,
    uint32_t index, const char *user)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t rev;
	json_t *run;

	if (oneoff_look(st, app, index, NULL) != ONEOFF_GOING)
		return -1;
	run = store_get(st, run_key(key, app, index), &rev);
	store_if(txn, key, rev);
	if (strcmp(text_of(run, "goal"), "stop") != 0) {
		json_object_set_new(run, "goal", json_string("stop"));
		store_put(txn, key, run);
		store_event(txn, app, "run",
		    "%s.%" PRIu32 " is to stop: asked for by %s",
		    text_of(run, "type"), index, user);
	}
	json_decref(run);
	return 0;
}

struct count {
	struct store *store;
	const char *app;
	uint32_t going;
};

static int
count_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct count *count = arg;
	uint32_t index = 0;

	(void)first_seen(key, value, rev, &index);
	count->going +=
	    oneoff_look(count->store, count->app, index, NULL) == ONEOFF_GOING;
	return 0;
}

uint32_t
oneoff_count(struct store *st, const char *app)
{
	struct count count = {st, app, 0};
	char key[STORE_KEY_MAX + 1];

	(void)store_each(
	    st, key_format(key, "run/%s/", app), count_one, &count);
	return count.going;
}

/* ---- reading ----------------------------------------------------------- */

void
oneoff_name(const struct oneoff *o, char name[ONEOFF_NAME_MAX])
{
	snprintf(name, ONEOFF_NAME_MAX, "%.30s.%" PRIu32,
	    text_of(o->want, "type"), o->index);
}

uint64_t
oneoff_memory(const struct oneoff *o)
{
	int64_t memory = number_of(o->want, "memory");

	return memory > 0 ? (uint64_t)memory
			  : o->all->node->conf->instance_memory;
}

uint64_t
oneoff_appnumber(const struct oneoff *o)
{
	uint64_t number;

	return key_parse_id(text_of(o->want, "appnumber"), &number) == 0
		   ? number
		   : 0;
}

void
oneoff_read(struct oneoff *o)
{
	char key[STORE_KEY_MAX + 1];
	json_t *ran;
	size_t i;

	ran = store_get(
	    o->all->node->store, ran_key(key, o->app, o->index), &o->rev);
	if (ran == NULL)
		return;
	o->state = ONEOFF_OVER;
	for (i = ONEOFF_STARTING; i <= ONEOFF_OVER; i++)
		if (strcmp(text_of(ran, "state"), state_names[i]) == 0)
			o->state = (enum oneoff_state)i;
	if (key_parse_id(text_of(ran, "instance"), &o->id) == -1)
		o->id = 0;
	o->slot = (uint32_t)number_of(ran, "slot");
	o->begun = number_of(ran, "begun");
	o->moment = moment_decode(json_object_get(ran, "moment"));
	if (o->moment.us == 0)
		o->moment = moment_now();
	strlcpy(o->boot, text_of(ran, "boot"), sizeof(o->boot));
	json_decref(ran);
}

/* ---- writing ----------------------------------------------------------- */

static json_t *
ran_make(const struct oneoff *o, enum oneoff_state state)
{
	char id[17], number[17];

	key_format_id(id, o->id);
	key_format_id(number, oneoff_appnumber(o));
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:o, s:I}", "state",
	    state_names[state], "appnumber", number, "instance", id, "slot",
	    (json_int_t)(state == ONEOFF_OVER ? 0 : o->slot), "boot", o->boot,
	    "begun", (json_int_t)o->begun, "moment", moment_encode(&o->moment),
	    "since", (json_int_t)node_realtime());
}

/* Is its app still the one that it was wanted for? */
static int
app_lives(const struct oneoff *o)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t number;
	json_t *app;
	int lives;

	app = store_get(
	    o->all->node->store, key_format(key, "app/%s", o->app), NULL);
	lives = key_parse_id(text_of(app, "number"), &number) == 0 &&
		number == oneoff_appnumber(o);
	json_decref(app);
	return lives;
}

static struct store_txn *
txn_make(const struct oneoff *o, json_t *ran)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;

	if (ran == NULL)
		return NULL;
	txn = store_begin(o->all->node->store);
	ran_key(key, o->app, o->index);
	store_if(txn, key, o->rev);
	store_put(txn, key, ran);
	json_decref(ran);
	return txn;
}

/* It has to be wanted at the moment of the commit. */
struct store_txn *
oneoff_txn_begin(const struct oneoff *o)
{
	char key[STORE_KEY_MAX + 1], id[17], name[ONEOFF_NAME_MAX];
	struct store_txn *txn;
	json_t *value;

	if ((txn = txn_make(o, ran_make(o, ONEOFF_STARTING))) == NULL)
		return NULL;
	store_if(txn, run_key(key, o->app, o->index), o->want_rev);
	oneoff_name(o, name);
	key_format_id(id, o->id);
	value = json_pack("{s:s, s:I, s:I, s:I}", "name", name, "version",
	    (json_int_t)number_of(o->want, "version"), "created",
	    (json_int_t)o->begun, "slot", (json_int_t)o->slot);
	if (value != NULL && app_lives(o))
		store_put_new(
		    txn, key_format(key, "instance/%s/%s", o->app, id), value);
	json_decref(value);
	return txn;
}

struct store_txn *
oneoff_txn_running(const struct oneoff *o)
{
	struct store_txn *txn = txn_make(o, ran_make(o, ONEOFF_RUNNING));
	char name[ONEOFF_NAME_MAX];

	if (txn != NULL && app_lives(o)) {
		oneoff_name(o, name);
		store_event(txn, o->app, "run", "%s has started", name);
	}
	return txn;
}

/* From when on its slot rests. */
static void
slot_note(const struct oneoff *o, struct store_txn *txn)
{
	char key[STORE_KEY_MAX + 1], id[17];
	struct moment now;
	json_t *value;

	key_format_id(id, o->id);
	key_format(key, "instance/%s/%s", o->app, id);
	if ((value = store_get(o->all->node->store, key, NULL)) == NULL)
		return;
	now = moment_now();
	json_object_set_new(value, "ended", json_integer(node_realtime()));
	json_object_set_new(value, "moment", moment_encode(&now));
	store_put(txn, key, value);
	json_decref(value);
}

static void
end_note(const struct oneoff *o, json_t *ran)
{
	char reason[256];
	size_t i;

	strlcpy(reason, o->why, sizeof(reason));
	if (o->why[0] == '\0') {
		proc_exit_text(
		    &o->exit, oneoff_memory(o), reason, sizeof(reason));
		if (o->late)
			strlcat(reason, ", after the time that it had",
			    sizeof(reason));
		else if (o->stop)
			strlcat(reason, ", after it was asked to stop",
			    sizeof(reason));
	}
	for (i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		if (o->why[0] == '\0' && hows[i].how == o->exit.how)
			json_object_set_new(
			    ran, "how", json_string(hows[i].name));
	json_object_set_new(ran, "status", json_integer(o->exit.status));
	json_object_set_new(ran, "reason", json_string(reason));
}

static void
over_tell(const struct oneoff *o, struct store_txn *txn, const char *reason)
{
	char name[ONEOFF_NAME_MAX];

	oneoff_name(o, name);
	if (o->why[0] != '\0')
		store_event(
		    txn, o->app, "run", "%s did not run: %s", name, reason);
	else
		store_event(txn, o->app, "run", "%s ended after %.1f s: %s",
		    name, (double)(node_realtime() - o->begun) / 1e6, reason);
}

struct old {
	const struct oneoff *o;
	struct store_txn *txn;
	unsigned ended, over; /* of them, more than are kept */
};

static int
old_count(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct old *old = arg;

	(void)key;
	(void)rev;
	old->ended += strcmp(text_of(value, "state"), "ended") == 0;
	return 0;
}

static int
old_drop(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct old *old = arg;
	char run[STORE_KEY_MAX + 1];
	uint32_t index = 0;

	(void)rev;
	if (old->over == 0)
		return 1;
	if (strcmp(text_of(value, "state"), "ended") != 0)
		return 0;
	(void)first_seen(key, value, rev, &index);
	store_del(old->txn, key);
	store_del(old->txn, run_key(run, old->o->app, index));
	old->over--;
	return 0;
}

/* Of those that ended before, the oldest go. */
static void
old_forget(const struct oneoff *o, struct store_txn *txn)
{
	struct old old = {o, txn, 0, 0};
	char prefix[STORE_KEY_MAX + 1];

	key_format(prefix, "ran/%s/", o->app);
	(void)store_each(o->all->node->store, prefix, old_count, &old);
	if (old.ended < ONEOFFS_KEPT)
		return;
	old.over = old.ended - ONEOFFS_KEPT + 1;
	if (old.over > FORGET_MAX)
		old.over = FORGET_MAX;
	(void)store_each(o->all->node->store, prefix, old_drop, &old);
}

struct store_txn *
oneoff_txn_over(const struct oneoff *o)
{
	json_t *ran = ran_make(o, ONEOFF_OVER);
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;

	if (ran == NULL)
		return NULL;
	end_note(o, ran);
	json_incref(ran);
	txn = txn_make(o, ran);
	/* Deleted in this moment: then nothing shall be left of it. */
	store_if(txn, run_key(key, o->app, o->index), o->want_rev);
	slot_note(o, txn);
	old_forget(o, txn);
	if (app_lives(o))
		over_tell(o, txn, text_of(ran, "reason"));
	json_decref(ran);
	return txn;
}

struct store_txn *
oneoff_txn_forget(const struct oneoff *o)
{
	struct store_txn *txn = store_begin(o->all->node->store);
	char key[STORE_KEY_MAX + 1];

	store_del(txn, ran_key(key, o->app, o->index));
	if (o->state != ONEOFF_OVER)
		slot_note(o, txn);
	return txn;
}
