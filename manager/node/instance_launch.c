/*
 * How an instance is started: command and environment of its release.
 */
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/places.h"
#include "node/instance.h"
#include "node/release_env.h"
#include "store/formation.h"
#include "store/keys.h"
#include "store/names.h"

json_t *
instance_release(const struct instance *inst)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "release/%s/%08u", inst->app, inst->version);
	return store_get(inst->node->store, key, NULL);
}

int
instance_release_live(const struct instance *inst)
{
	char key[STORE_KEY_MAX + 1];
	json_t *rollout;
	int live;

	key_format(key, "rollout/%s", inst->app);
	rollout = store_get(inst->node->store, key, NULL);
	live = json_integer_value(json_object_get(rollout, "live")) ==
	       (json_int_t)inst->version;
	json_decref(rollout);
	return live;
}

uint16_t
instance_port(const struct instance *inst)
{
	json_t *release = instance_release(inst);
	uint16_t port = release_port(release);

	json_decref(release);
	return port;
}

json_t *
instance_formation(const struct instance *inst)
{
	json_t *release = instance_release(inst), *formation;

	formation = formation_get(
	    inst->node->store, inst->app, inst->type, release, NULL);
	json_decref(release);
	return formation;
}

static void
refuse(struct instance *inst, const char *why)
{
	strlcpy(inst->refusal, why, sizeof(inst->refusal));
	instance_life_set(inst, INSTANCE_LIFE_EXITED);
}

static void
tree_made(const char *why, void *arg)
{
	struct instance *inst = arg;

	if (why != NULL)
		refuse(inst, why);
	else
		instance_life_set(inst, INSTANCE_LIFE_UNBORN);
}

/* Nothing was started: the same id may be, once the tree is there. */
static void
tree_want(struct instance *inst)
{
	struct tree_owner owner = {inst->app, inst->appnumber};
	json_t *release = instance_release(inst);
	uint8_t slug[LAUNCH_HASH];

	if (release_slug(json_string_value(json_object_get(release, "slug")),
		slug) == -1 ||
	    tree_make(inst->node, &owner, slug, tree_made, inst) == -1)
		refuse(inst, "its slug could not be unpacked");
	json_decref(release);
}

/*
 * Not its fault: descriptors or memory of ours are used up.  Told once, and
 * asked for again until there are some.
 */
static void
launch_later(struct instance *inst, const char *why)
{
	char name[INSTANCE_NAME_MAX];
	struct store_txn *txn;

	if (strcmp(inst->refusal, why) != 0) {
		strlcpy(inst->refusal, why, sizeof(inst->refusal));
		instance_name(inst, name);
		log_err(
		    "%s %s cannot be started now: %s", inst->app, name, why);
		txn = store_begin(inst->node->store);
		store_event(txn, inst->app,
		    instance_state_name(INSTANCE_STARTING),
		    "%s cannot be started now: %s; it is tried again", name,
		    why);
		store_commit(txn, NULL, NULL);
	}
	inst->life = INSTANCE_LIFE_UNBORN;
	agent_due_later(inst->node->agent, inst);
}

static void
launched(int error, const struct launch_reply *reply, void *arg)
{
	struct instance *inst = arg;
	char why[200];

	if (reply == NULL && error == ECONNRESET) {
		instance_life_set(inst, INSTANCE_LIFE_UNKNOWN);
		return;
	}
	if (error == ENOENT && reply != NULL &&
	    reply->step == LAUNCH_STEP_SLUG) {
		tree_want(inst);
		return;
	}
	if (error != 0) {
		snprintf(why, sizeof(why), "%s: %s",
		    launch_step_name(reply != NULL ? reply->step : 0),
		    strerror(error));
		if (error == EMFILE || error == ENFILE)
			launch_later(inst, why);
		else
			refuse(inst, why);
		return;
	}
	inst->refusal[0] = '\0';
	instance_listed(inst, &reply->record);
}

/* As its assignment says: so all see what it was started with. */
static void
limits_set(const struct instance *inst, struct launch_start *start)
{
	char key[STORE_KEY_MAX + 1];
	json_t *assign;

	key_format(key, "assign/" KEY_NODE_LOCAL "/%s", inst->assignment);
	assign = store_get(inst->node->store, key, NULL);
	release_limits(start, inst->node->conf, inst->memory,
	    json_object_get(assign, "limits"));
	json_decref(assign);
}

static void
start_send(struct instance *inst, json_t *release, const char *command)
{
	struct launch_start start = {
	    .id = inst->rec.id, .app = inst->appnumber, .slot = inst->rec.slot};
	struct launch_argv what = {0};
	char app[KEY_NAME_MAX + 1], **list, name[INSTANCE_NAME_MAX];
	struct release_process proc = {
	    names_of(inst->node->store, inst->app, app), name, inst->rec.id,
	    inst->version, inst->memory, NULL, release};
	int error;

	limits_set(inst, &start);
	if (release_slug(json_string_value(json_object_get(release, "slug")),
		start.slug) == -1) {
		refuse(inst, "its release has no slug: push the app again");
		return;
	}
	instance_name(inst, name);
	list = release_env(&proc);
	what.envp = list;
	error = -ENOMEM;
	if (release_argv(release, inst->type, command, &what, &start) == 0 &&
	    list != NULL)
		error = launch_start(
		    inst->node->launch, &start, &what, launched, inst);
	free((void *)(uintptr_t)what.argv);
	release_env_free(list);
	if (error == 0)
		instance_life_set(inst, INSTANCE_LIFE_LAUNCH);
	else if (error == -E2BIG)
		refuse(inst, "its config vars exceed 1 MiB in all");
	else
		refuse(inst, strerror(-error));
}

void
instance_launch(struct instance *inst)
{
	json_t *release = instance_release(inst);
	const char *command;
	char why[128];

	command = json_string_value(
	    json_object_get(json_object_get(release, "types"), inst->type));
	if (release == NULL) {
		snprintf(
		    why, sizeof(why), "there is no release v%u", inst->version);
		refuse(inst, why);
	} else if (command == NULL) {
		snprintf(why, sizeof(why), "release v%u has no process type %s",
		    inst->version, inst->type);
		refuse(inst, why);
	} else {
		start_send(inst, release, command);
	}
	json_decref(release);
}
