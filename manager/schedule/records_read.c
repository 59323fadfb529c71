#include <sys/time.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/string.h>

#include "node/limits.h"
#include "node/oneoff.h"
#include "schedule/records.h"
#include "store/formation.h"
#include "store/scale.h"

/* More of one type than any setting allows; guards the memory of a pass. */
#define QUANTITY_MAX 100000

static const char *const actual_names[] = {
    [PLACE_NONE] = "none",
    [PLACE_STARTING] = "starting",
    [PLACE_READY] = "ready",
    [PLACE_UNHEALTHY] = "unhealthy",
    [PLACE_DRAINING] = "draining",
    [PLACE_STOPPING] = "stopping",
    [PLACE_CRASHED] = "crashed",
    [PLACE_BACKOFF] = "backoff",
    [PLACE_FAILED] = "failed",
    [PLACE_GONE] = "gone",
};

uint32_t
records_assignment_app(uint64_t assignment)
{
	return (uint32_t)(assignment >> 32);
}

static uint64_t
get_number(const json_t *value, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(value, name));

	return n > 0 ? (uint64_t)n : 0;
}

static const char *
get_string(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text : "";
}

static enum place_actual
parse_actual(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(actual_names) / sizeof(actual_names[0]); i++)
		if (strcmp(name, actual_names[i]) == 0)
			return (enum place_actual)i;
	return PLACE_STARTING; /* unknown: there is something, not ready */
}

/* ---- the app ----------------------------------------------------------- */

/* The release process that was begun last. */
static void
read_run(struct store *st, struct records *rec)
{
	struct place_input *in = &rec->in;
	struct oneoff_end end;

	if (in->rollout.run == 0)
		return;
	switch (oneoff_look(st, rec->app, in->rollout.run, &end)) {
	case ONEOFF_NONE:
		in->run = PLACE_RUN_NONE;
		break;
	case ONEOFF_GOING:
		in->run = PLACE_RUN_GOING;
		break;
	case ONEOFF_ENDED:
		in->run = PLACE_RUN_ENDED;
		in->run_code = end.code;
		in->run_instance = end.instance;
		strlcpy(in->run_reason, end.reason, sizeof(in->run_reason));
		break;
	}
}

static void
read_app(struct store *st, struct records *rec)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t number;
	json_t *app, *rollout;

	app = store_get(st, key_format(key, "app/%s", rec->app), &rec->app_rev);
	rec->in.exists =
	    app != NULL &&
	    key_parse_id(get_string(app, "number"), &number) == 0 &&
	    number == rec->number;
	if (rec->in.exists) {
		rec->in.version = (uint32_t)get_number(app, "version");
		rec->in.stopped = json_is_true(json_object_get(app, "stopped"));
		rec->in.generation = get_number(app, "generation");
		strategy_decode(&rec->in.how, json_object_get(app, "rollout"));
		rec->in.promoted = (uint32_t)get_number(app, "promoted");
		rec->in.aborted = (uint32_t)get_number(app, "aborted");
		strlcpy(rec->in.aborter, get_string(app, "aborter"),
		    sizeof(rec->in.aborter));
		rollout = store_get(st, key_format(key, "rollout/%s", rec->app),
		    &rec->rollout_rev);
		rollout_decode(&rec->in.rollout, rollout);
		json_decref(rollout);
		read_run(st, rec);
		rec->record = json_incref(app);
		rec->scale = scale_get(st, rec->app, NULL);
		rec->in.asleep = scale_asleep(app, rec->scale);
	}
	json_decref(app);
}

/* ---- releases ---------------------------------------------------------- */

/* web runs once unless the formation says otherwise, all else does not. */
static uint32_t
get_quantity(const char *type, const json_t *formation)
{
	uint64_t n;

	if (json_object_get(formation, "quantity") == NULL)
		return strcmp(type, "web") == 0;
	n = get_number(formation, "quantity");
	return n < QUANTITY_MAX ? (uint32_t)n : QUANTITY_MAX;
}

static int
read_process(struct store *st, const struct records *rec, json_t *release,
    const char *type, struct place_process *proc)
{
	char index[16];
	json_t *formation, *generations;
	uint32_t i;

	formation = formation_get(st, rec->app, type, release, NULL);
	strlcpy(proc->type, type, sizeof(proc->type));
	proc->quantity = scale_sleeps(rec->record, rec->scale, type)
			     ? 0
			     : scale_quantity(formation, rec->scale, type,
				   get_quantity(type, formation));
	proc->memory = get_number(formation, "memory");
	proc->limits = limits_own(formation);
	proc->generations =
	    calloc(proc->quantity + 1, sizeof(*proc->generations));
	if (proc->generations == NULL) {
		json_decref(formation);
		return -1;
	}
	generations = json_object_get(formation, "generations");
	for (i = 0; i < proc->quantity; i++) {
		snprintf(index, sizeof(index), "%u", i + 1);
		proc->generations[i] =
		    rec->in.generation + get_number(generations, index);
	}
	json_decref(formation);
	return 0;
}

static int
read_processes(struct store *st, struct records *rec, struct place_release *rel,
    json_t *release)
{
	json_t *command, *types = json_object_get(release, "types");
	const char *type;

	rel->processes =
	    calloc(json_object_size(types) + 1, sizeof(*rel->processes));
	if (rel->processes == NULL)
		return -1;
	json_object_foreach (types, type, command) {
		if (strcmp(type, "release") == 0)
			rel->releases = 1;
		if (!key_app_valid(type) || strcmp(type, "release") == 0)
			continue;
		if (read_process(st, rec, release, type,
			&rel->processes[rel->nprocesses++]) == -1)
			return -1;
	}
	return 0;
}

static int
read_release(struct store *st, struct records *rec, uint32_t version)
{
	char key[STORE_KEY_MAX + 1];
	struct place_release *rel;
	const char *slug;
	json_t *value;
	size_t i;
	int rc;

	for (i = 0; i < rec->in.nreleases; i++)
		if (rec->in.releases[i].version == version)
			return 0;
	if (version == 0)
		return 0;
	value = store_get(
	    st, key_format(key, "release/%s/%08u", rec->app, version), NULL);
	if (value == NULL)
		return 0;
	rel = &rec->in.releases[rec->in.nreleases++];
	rel->version = version;
	slug = json_string_value(json_object_get(value, "slug"));
	if (slug != NULL && (rel->slug = strdup(slug)) == NULL) {
		json_decref(value);
		return -1;
	}
	/* Without a slug there is nothing to run yet. */
	rc = read_processes(st, rec, rel, slug != NULL ? value : NULL);
	json_decref(value);
	return rc;
}

/* ---- assignments ------------------------------------------------------- */

struct list {
	struct records *rec;
	size_t size;
};

static int
add_assignment(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct place_input *in = &list->rec->in;
	struct place_assignment *as;
	uint64_t number, id;

	if (key_parse_id(strrchr(key, '/') + 1, &id) == -1 ||
	    key_parse_id(get_string(value, "appnumber"), &number) == -1 ||
	    number != list->rec->number)
		return 0;
	if (in->nassignments == list->size) {
		list->size = list->size * 2 + 16;
		as = reallocarray(in->assignments, list->size, sizeof(*as));
		if (as == NULL)
			return -1;
		in->assignments = as;
	}
	as = &in->assignments[in->nassignments++];
	memset(as, 0, sizeof(*as));
	as->id = id;
	as->rev = rev;
	strlcpy(as->type, get_string(value, "type"), sizeof(as->type));
	as->index = (uint32_t)get_number(value, "index");
	as->version = (uint32_t)get_number(value, "version");
	as->generation = get_number(value, "generation");
	as->memory = get_number(value, "memory");
	as->limits = json_incref(json_object_get(value, "limits"));
	as->stop = strcmp(get_string(value, "goal"), "stop") == 0;
	as->routed = json_is_true(json_object_get(value, "routed"));
	return 0;
}

static int
compare_id(const void *id, const void *as)
{
	uint64_t a = *(const uint64_t *)id;
	uint64_t b = ((const struct place_assignment *)as)->id;

	return a < b ? -1 : a > b;
}

static int
add_actual(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct place_input *in = &((struct list *)arg)->rec->in;
	struct place_assignment *as;
	const char *reason;
	uint64_t id;

	if (key_parse_id(strrchr(key, '/') + 1, &id) == -1 ||
	    in->nassignments == 0)
		return 0;
	as = bsearch(&id, in->assignments, in->nassignments,
	    sizeof(in->assignments[0]), compare_id);
	if (as == NULL)
		return 0;
	as->actual_rev = rev;
	as->state = parse_actual(get_string(value, "state"));
	as->restarts = (uint32_t)get_number(value, "restarts");
	as->log = json_incref(json_object_get(value, "last_log"));
	reason = get_string(value, "reason");
	if (*reason != '\0' && (as->reason = strdup(reason)) == NULL)
		return -1;
	return 0;
}

static int
read_assignments(struct store *st, struct records *rec)
{
	char prefix[STORE_KEY_MAX + 1];
	struct list list = {rec, 0};
	uint32_t low = (uint32_t)rec->number;

	key_format(prefix, "assign/" KEY_NODE_LOCAL "/%08x", low);
	if (store_each(st, prefix, add_assignment, &list) != 0)
		return -1;
	key_format(prefix, "actual/" KEY_NODE_LOCAL "/%08x", low);
	return store_each(st, prefix, add_actual, &list);
}

/* ---- all of it --------------------------------------------------------- */

int
records_read(struct store *st, const struct conf *conf, const char *app,
    uint64_t number, struct records *rec)
{
	struct timespec now;

	memset(rec, 0, sizeof(*rec));
	strlcpy(rec->app, app, sizeof(rec->app));
	rec->number = number;
	rec->memory = conf->instance_memory;
	rec->conf = conf;
	clock_gettime(CLOCK_REALTIME, &now);
	rec->in.now = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	rec->in.moment = moment_now();
	read_app(st, rec);
	if (rec->in.exists &&
	    (read_release(st, rec, rec->in.version) == -1 ||
		read_release(st, rec, rec->in.rollout.live) == -1 ||
		read_release(st, rec, rec->in.rollout.target) == -1))
		return -1;
	return read_assignments(st, rec);
}

void
records_free(struct records *rec)
{
	struct place_release *rel;
	size_t i, k;

	for (i = 0; i < rec->in.nreleases; i++) {
		rel = &rec->in.releases[i];
		for (k = 0; k < rel->nprocesses; k++) {
			free(rel->processes[k].generations);
			json_decref(rel->processes[k].limits);
		}
		free(rel->processes);
		free(rel->slug);
	}
	for (i = 0; i < rec->in.nassignments; i++) {
		free(rec->in.assignments[i].reason);
		json_decref(rec->in.assignments[i].log);
		json_decref(rec->in.assignments[i].limits);
	}
	free(rec->in.assignments);
	json_decref(rec->record);
	json_decref(rec->scale);
	memset(rec, 0, sizeof(*rec));
}
