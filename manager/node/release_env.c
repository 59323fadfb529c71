#include "node/release_env.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/keys.h"

#define CPU_WEIGHT 100

static const char *const fixed[] = {
    "PORT", "DYNO", "PAAS_APP", "PAAS_INSTANCE", "PAAS_RELEASE"};

int
release_env_fixed(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (strcmp(fixed[i], name) == 0)
			return 1;
	}
	return 0;
}

static void
env_add(json_t *env, json_t *vars)
{
	const char *key;
	json_t *value;

	json_object_foreach (vars, key, value) {
		if (json_is_string(value) && *key != '\0' &&
		    strchr(key, '=') == NULL && !release_env_fixed(key))
			json_object_set(env, key, value);
	}
}

/* The whole environment, as {"NAME": "value"}. */
static json_t *
env_make(const struct release_process *proc, json_t *config)
{
	char id[17], release[16], port[8], memory[24];
	json_t *env;

	key_format_id(id, proc->id);
	snprintf(release, sizeof(release), "v%u", proc->version);
	snprintf(port, sizeof(port), "%d", LAUNCH_PORT);
	snprintf(memory, sizeof(memory), "%" PRIu64 "m",
	    proc->memory / (1024 * 1024));
	env = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "PORT",
	    port, "DYNO", proc->name, "HOME", "/app", "PATH",
	    "/usr/local/bin:/usr/bin:/bin", "LANG", "C.UTF-8", "PAAS_APP",
	    proc->app, "PAAS_INSTANCE", id, "PAAS_RELEASE", release,
	    "MEMORY_LIMIT", memory);
	if (env == NULL)
		return NULL;
	env_add(env, config);
	env_add(env, proc->more);
	return env;
}

void
release_env_free(char **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

char **
release_env(const struct release_process *proc, json_t *config)
{
	json_t *env = env_make(proc, config), *value;
	const char *key;
	char **list;
	size_t n = 0;

	list = calloc(json_object_size(env) + 1, sizeof(*list));
	if (env == NULL || list == NULL) {
		json_decref(env);
		free(list);
		return NULL;
	}
	json_object_foreach (env, key, value) {
		if (asprintf(&list[n], "%s=%s", key,
			json_string_value(value)) == -1) {
			list[n] = NULL;
			release_env_free(list);
			list = NULL;
			break;
		}
		n++;
	}
	json_decref(env);
	return list;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
release_slug(const char *text, uint8_t slug[LAUNCH_HASH])
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

void
release_limits(
    struct launch_start *start, const struct conf *conf, uint64_t memory)
{
	start->kind = LAUNCH_APP;
	start->memory = memory;
	start->tmp = conf->instance_tmp;
	start->log_max = conf->log_max;
	start->log_rate = conf->log_rate;
	start->cpu_weight = CPU_WEIGHT;
	start->pids = conf->instance_pids;
	start->files = conf->instance_files;
}
