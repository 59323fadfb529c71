#include "node/release_env.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/places.h"
#include "node/launch.h"
#include "node/limits.h"
#include "store/keys.h"

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

uint16_t
release_port(json_t *release)
{
	json_t *port =
	    json_object_get(json_object_get(release, "image"), "port");

	return port != NULL ? (uint16_t)json_integer_value(port) : LAUNCH_PORT;
}

/* What is so unless image or config say otherwise. */
static json_t *
env_defaults(json_t *image)
{
	if (image == NULL)
		return json_pack("{s:s, s:s, s:s}", "HOME", "/app", "PATH",
		    "/usr/local/bin:/usr/bin:/bin", "LANG", "C.UTF-8");
	return json_pack("{s:O?, s:s}", "HOME", json_object_get(image, "home"),
	    "PATH",
	    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

/* The whole environment, as {"NAME": "value"}. */
static json_t *
env_make(const struct release_process *proc)
{
	json_t *image = json_object_get(proc->record, "image");
	char id[17], release[16], port[8], memory[24];
	json_t *env, *own;

	key_format_id(id, proc->id);
	snprintf(release, sizeof(release), "v%u", proc->version);
	snprintf(port, sizeof(port), "%u", release_port(proc->record));
	snprintf(memory, sizeof(memory), "%" PRIu64 "m",
	    proc->memory / (1024 * 1024));
	if ((env = env_defaults(image)) == NULL)
		return NULL;
	json_object_set_new(env, "MEMORY_LIMIT", json_string(memory));
	env_add(env, json_object_get(image, "env"));
	env_add(env, json_object_get(proc->record, "config"));
	env_add(env, proc->more);
	own = json_pack("{s:s, s:s, s:s, s:s, s:s}", "PORT", port, "DYNO",
	    proc->name, "PAAS_APP", proc->app, "PAAS_INSTANCE", id,
	    "PAAS_RELEASE", release);
	if (json_object_update(env, own) == -1) {
		json_decref(env);
		env = NULL;
	}
	json_decref(own);
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
release_env(const struct release_process *proc)
{
	json_t *env = env_make(proc), *value;
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

/* An image's own command, whatever it is, word by word; there may be no sh. */
static char **
image_argv(json_t *image, struct launch_argv *what)
{
	json_t *list = json_object_get(image, "argv"), *one;
	char **argv = calloc(json_array_size(list) + 1, sizeof(*argv));
	size_t i;

	what->cwd = json_string_value(json_object_get(image, "cwd"));
	json_array_foreach (list, i, one)
		if (argv != NULL)
			argv[i] = (char *)(uintptr_t)json_string_value(one);
	return argv;
}

static char **
shell_argv(json_t *image, const char *command, struct launch_argv *what)
{
	char **argv = calloc(4, sizeof(*argv));

	what->cwd = image == NULL
			? "/app"
			: json_string_value(json_object_get(image, "cwd"));
	if (argv == NULL)
		return NULL;
	if (image == NULL) {
		argv[0] = (char *)(uintptr_t)SANDBOX_LIBEXEC "/run";
		argv[1] = (char *)(uintptr_t)command;
	} else {
		argv[0] = (char *)(uintptr_t) "/bin/sh";
		argv[1] = (char *)(uintptr_t) "-c";
		argv[2] = (char *)(uintptr_t)command;
	}
	return argv;
}

int
release_argv(json_t *release, const char *type, const char *command,
    struct launch_argv *what, struct launch_start *start)
{
	json_t *image = json_object_get(release, "image");
	char **argv;

	if (image != NULL && type != NULL && strcmp(type, "web") == 0)
		argv = image_argv(image, what);
	else
		argv = shell_argv(image, command, what);
	start->root_uid =
	    (uint32_t)json_integer_value(json_object_get(image, "uid"));
	what->argv = argv;
	return argv != NULL && what->cwd != NULL ? 0 : -1;
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
release_limits(struct launch_start *start, const struct conf *conf,
    uint64_t memory, const json_t *own)
{
	start->kind = LAUNCH_APP;
	start->memory = memory;
	start->log_max = conf->log_max;
	limits_apply(start, conf, own);
}
