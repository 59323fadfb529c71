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
#include "store/keys.h"

#define CPU_WEIGHT 100

/* What the app cannot choose: who it is, and where it listens. */
static const char *const fixed[] = {
    "PORT", "DYNO", "PAAS_APP", "PAAS_INSTANCE", "PAAS_RELEASE"};

static int
name_fixed(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (strcmp(fixed[i], name) == 0)
			return 1;
	}
	return 0;
}

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

/* The whole environment, as {"NAME": "value"}. */
static json_t *
env_make(const struct instance *inst, json_t *config)
{
	char name[INSTANCE_NAME_MAX], id[17], release[16], port[8];
	const char *key;
	json_t *env, *value;

	instance_name(inst, name);
	key_format_id(id, inst->rec.id);
	snprintf(release, sizeof(release), "v%u", inst->version);
	snprintf(port, sizeof(port), "%d", LAUNCH_PORT);
	env = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "PORT",
	    port, "DYNO", name, "HOME", "/app", "PATH",
	    "/usr/local/bin:/usr/bin:/bin", "LANG", "C.UTF-8", "PAAS_APP",
	    inst->app, "PAAS_INSTANCE", id, "PAAS_RELEASE", release);
	if (env == NULL)
		return NULL;
	json_object_foreach (config, key, value) {
		if (json_is_string(value) && *key != '\0' &&
		    strchr(key, '=') == NULL && !name_fixed(key))
			json_object_set(env, key, value);
	}
	return env;
}

static void
list_free(char **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static char **
env_list(json_t *env)
{
	const char *key;
	json_t *value;
	char **list;
	size_t n = 0;

	if ((list = calloc(json_object_size(env) + 1, sizeof(*list))) == NULL)
		return NULL;
	json_object_foreach (env, key, value) {
		if (asprintf(&list[n], "%s=%s", key,
			json_string_value(value)) == -1) {
			list[n] = NULL;
			list_free(list);
			return NULL;
		}
		n++;
	}
	return list;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
slug_parse(const char *text, uint8_t slug[LAUNCH_HASH])
{
	int hi, lo, i;

	if (text == NULL || strlen(text) != 2 * LAUNCH_HASH)
		return -1;
	for (i = 0; i < LAUNCH_HASH; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return -1;
		slug[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
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
start_fill(const struct instance *inst, struct launch_start *start)
{
	const struct conf *conf = inst->node->conf;

	start->id = inst->rec.id;
	start->app = inst->appnumber;
	start->kind = LAUNCH_APP;
	start->slot = inst->rec.slot;
	start->memory = inst->memory;
	start->tmp = conf->instance_tmp;
	start->log_max = conf->log_max;
	start->log_rate = conf->log_rate;
	start->cpu_weight = CPU_WEIGHT;
	start->pids = conf->instance_pids;
	start->files = conf->instance_files;
}

static void
start_send(struct instance *inst, json_t *release, const char *command)
{
	char *argv[] = {
	    (char *)SANDBOX_LIBEXEC "/run", (char *)(uintptr_t)command, NULL};
	struct launch_start start = {0};
	struct launch_argv what = {.cwd = "/app", .argv = argv};
	char **list;
	json_t *env;
	int error;

	start_fill(inst, &start);
	if (slug_parse(json_string_value(json_object_get(release, "slug")),
		start.slug) == -1) {
		refuse(inst, "its release has no slug: push the app again");
		return;
	}
	env = env_make(inst, json_object_get(release, "config"));
	list = env_list(env);
	what.envp = list;
	error = list == NULL ? -ENOMEM
			     : launch_start(inst->node->launch, &start, &what,
				   launched, inst);
	list_free(list);
	json_decref(env);
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
