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
#include "node/health.h"
#include "node/instance.h"
#include "node/release_env.h"
#include "store/keys.h"

static json_t *
release_get(const struct instance *inst)
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

char *
instance_health_path(const struct instance *inst)
{
	char key[STORE_KEY_MAX + 1], *path = NULL;
	const char *text;
	json_t *formation;

	key_format(key, "formation/%s/%s", inst->app, inst->type);
	formation = store_get(inst->node->store, key, NULL);
	text = json_string_value(
	    json_object_get(json_object_get(formation, "health"), "path"));
	if (text != NULL && health_path_valid(text))
		path = strdup(text);
	json_decref(formation);
	return path;
}

static void
refuse(struct instance *inst, const char *why)
{
	strlcpy(inst->refusal, why, sizeof(inst->refusal));
	instance_life_set(inst, INSTANCE_LIFE_EXITED);
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
	if (error != 0) {
		snprintf(why, sizeof(why), "%s: %s",
		    launch_step_name(reply != NULL ? reply->step : 0),
		    strerror(error));
		refuse(inst, why);
		return;
	}
	instance_listed(inst, &reply->record);
}

static void
start_send(struct instance *inst, json_t *release, const char *command)
{
	char *argv[] = {
	    (char *)SANDBOX_LIBEXEC "/run", (char *)(uintptr_t)command, NULL};
	struct launch_start start = {
	    .id = inst->rec.id, .app = inst->appnumber, .slot = inst->rec.slot};
	struct launch_argv what = {.cwd = "/app", .argv = argv};
	char **list, name[INSTANCE_NAME_MAX];
	struct release_process proc = {
	    inst->app, name, inst->rec.id, inst->version, inst->memory, NULL};
	int error;

	release_limits(&start, inst->node->conf, inst->memory);
	if (release_slug(json_string_value(json_object_get(release, "slug")),
		start.slug) == -1) {
		refuse(inst, "its release has no slug: push the app again");
		return;
	}
	instance_name(inst, name);
	list = release_env(&proc, json_object_get(release, "config"));
	what.envp = list;
	error = list == NULL ? -ENOMEM
			     : launch_start(inst->node->launch, &start, &what,
				   launched, inst);
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
	json_t *release = release_get(inst);
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
