#include "build/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "build/room.h"
#include "common/config_name.h"
#include "common/health_rule.h"

#define FILE_MAX    120
#define COMMAND_MAX 4096 /* bytes of one that is run once */
#define MIB         (1024 * 1024)

int
settings_say(json_t *settings, const char *path, char err[SETTINGS_ERRLEN],
    const char *fmt, ...)
{
	const char *file = json_string_value(json_object_get(settings, "file"));
	const char *at = json_string_value(
	    json_object_get(json_object_get(settings, "at"), path));
	char name[FILE_MAX + 1], place[24], text[SETTINGS_ERRLEN];
	va_list ap;

	file = file != NULL ? file : "the manifest";
	at = at != NULL ? at : "";
	text_clean(name, sizeof(name), file, strlen(file));
	text_clean(place, sizeof(place), at, strlen(at));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(err, SETTINGS_ERRLEN, "%s%s%s: %.*s", name,
	    place[0] != '\0' ? ":" : "", place,
	    (int)(SETTINGS_ERRLEN - sizeof(name) - sizeof(place) - 8), text);
	return -1;
}

static int
malformed(json_t *settings, const char *what, char err[SETTINGS_ERRLEN])
{
	return settings_say(
	    settings, "", err, "%s is not as settings have it", what);
}

/* ---- numbers of a process ---------------------------------------------- */

static uint64_t
scale_max(const struct conf *conf)
{
	return conf->scale_max;
}

static uint64_t
memory_max(const struct conf *conf)
{
	return conf->memory_max > conf->instance_memory ? conf->memory_max
							: conf->instance_memory;
}

static uint64_t
hour(const struct conf *conf)
{
	(void)conf;
	return HEALTH_SECONDS_MAX;
}

static uint64_t
log_rate_max(const struct conf *conf)
{
	(void)conf;
	return CONF_LOG_RATE_MOST;
}

static const struct number {
	const char *name;
	const char *unit;
	json_int_t each; /* bytes of the unit */
	json_int_t min;
	uint64_t (*max)(const struct conf *);
	const char *setting; /* of paas.conf, which bounds it */
} numbers[] = {
    {"quantity", "", 1, 0, scale_max, " (scale_max in paas.conf)"},
    {"memory", "M", MIB, 16 * MIB, memory_max, " (memory_max in paas.conf)"},
    {"disk", "M", MIB, MIB, memory_max, " (memory_max in paas.conf)"},
    {"log_rate", "", 1, CONF_LOG_RATE_LEAST, log_rate_max, ""},
    {"drain_timeout", " s", 1, 0, hour, ""},
    {"stop_timeout", " s", 1, 0, hour, ""},
};

/* Defaults of elsewhere are cut to what there is. */
static int
check_number(json_t *settings, const char *type, json_t *process,
    const struct number *n, const struct conf *conf, char err[SETTINGS_ERRLEN])
{
	json_t *value = json_object_get(process, n->name);
	json_int_t max = (json_int_t)n->max(conf), is;
	char path[128];

	if (value == NULL)
		return 0;
	snprintf(path, sizeof(path), "processes.%s.%s", type, n->name);
	if (!json_is_integer(value))
		return malformed(settings, path, err);
	is = json_integer_value(value);
	if (is >= n->min && is <= max)
		return 0;
	if (is > max && json_is_true(json_object_get(settings, "defaults"))) {
		json_integer_set(value, max);
		return 0;
	}
	return settings_say(settings, path, err,
	    "%s of %s has to be %lld%s to %lld%s%s, not %lld%s", n->name, type,
	    (long long)(n->min / n->each), n->unit, (long long)(max / n->each),
	    n->unit, n->setting, (long long)(is / n->each), n->unit);
}

static int
check_health(json_t *settings, const char *type, json_t *process,
    const char *name, char err[SETTINGS_ERRLEN])
{
	json_t *health = json_object_get(process, name);
	const char *field, *form;
	char path[160];

	if (health == NULL ||
	    health_check(
		health, strcmp(name, "readiness") == 0, &field, &form) == 0)
		return 0;
	snprintf(
	    path, sizeof(path), "processes.%s.%s.%.40s", type, name, field);
	return settings_say(
	    settings, path, err, "%s.%.40s of %s %s", name, field, type, form);
}

static int
check_process(json_t *settings, const char *type, json_t *process,
    const struct conf *conf, char err[SETTINGS_ERRLEN])
{
	json_t *command = json_object_get(process, "command");

	if (!key_app_valid(type) || !json_is_object(process) ||
	    (command != NULL && !json_is_string(command)))
		return malformed(settings, "a process", err);
	if (check_health(settings, type, process, "health", err) == -1 ||
	    check_health(settings, type, process, "readiness", err) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (check_number(
			settings, type, process, &numbers[i], conf, err) == -1)
			return -1;
	return 0;
}

/* ---- the whole --------------------------------------------------------- */

static int
check_names(json_t *settings, const char *field, char err[SETTINGS_ERRLEN])
{
	json_t *list = json_object_get(settings, field), *name;
	size_t i;

	if (list == NULL)
		return 0;
	if (!json_is_array(list))
		return malformed(settings, field, err);
	json_array_foreach (list, i, name)
		if (!json_is_string(name) ||
		    !config_name_valid(json_string_value(name)) ||
		    config_name_reserved(json_string_value(name)))
			return malformed(settings, field, err);
	return 0;
}

static int
check_env(json_t *settings, char err[SETTINGS_ERRLEN])
{
	json_t *env = json_object_get(settings, "env"), *value;
	const char *name;
	char path[160];

	if (env != NULL && !json_is_object(env))
		return malformed(settings, "env", err);
	json_object_foreach (env, name, value) {
		if (!config_name_valid(name) || config_name_reserved(name) ||
		    (!json_is_string(value) && !json_is_null(value)))
			return malformed(settings, "env", err);
		snprintf(path, sizeof(path), "env.%s", name);
		if (json_string_length(value) > CONFIG_VALUE_MAX)
			return settings_say(settings, path, err,
			    "%s is over %d bytes", name, CONFIG_VALUE_MAX);
	}
	return 0;
}

static int
check_postdeploy(json_t *settings, char err[SETTINGS_ERRLEN])
{
	json_t *command = json_object_get(settings, "postdeploy");

	if (command != NULL && !json_is_string(command))
		return malformed(settings, "postdeploy", err);
	if (json_string_length(command) > COMMAND_MAX)
		return settings_say(settings, "", err,
		    "postdeploy is over %d bytes: put it into a file of the app",
		    COMMAND_MAX);
	return 0;
}

static int
check_hosts(json_t *settings, char err[SETTINGS_ERRLEN])
{
	json_t *hosts = json_object_get(settings, "hosts"), *host;
	size_t i;

	if (hosts == NULL)
		return 0;
	if (!json_is_array(hosts))
		return malformed(settings, "hosts", err);
	if (json_array_size(hosts) > SETTINGS_HOSTS)
		return settings_say(settings, "hosts.0", err,
		    "more than %d routes: add them with `paas domains:add`",
		    SETTINGS_HOSTS);
	json_array_foreach (hosts, i, host)
		if (!json_is_string(host))
			return malformed(settings, "hosts", err);
	return 0;
}

int
settings_check(
    json_t *settings, const struct conf *conf, char err[SETTINGS_ERRLEN])
{
	json_t *processes, *process;
	const char *type;

	processes = json_object_get(settings, "processes");
	if (!json_is_object(settings) ||
	    (processes != NULL && !json_is_object(processes)) ||
	    json_object_size(processes) > 32)
		return malformed(settings, "what came", err);
	json_object_foreach (processes, type, process)
		if (check_process(settings, type, process, conf, err) == -1)
			return -1;
	if (check_env(settings, err) == -1 ||
	    check_postdeploy(settings, err) == -1 ||
	    check_names(settings, "secrets", err) == -1 ||
	    check_names(settings, "required", err) == -1 ||
	    check_hosts(settings, err) == -1)
		return -1;
	return 0;
}

int
settings_fit(json_t *settings, json_t *types, char err[SETTINGS_ERRLEN])
{
	json_t *process;
	const char *type;
	char path[64];

	if (json_is_true(json_object_get(settings, "defaults")))
		return 0;
	json_object_foreach (
	    json_object_get(settings, "processes"), type, process) {
		if (json_object_get(types, type) != NULL)
			continue;
		snprintf(path, sizeof(path), "processes.%s.quantity", type);
		return settings_say(settings, path, err,
		    "the process %s has no command: give it one, here or in "
		    "the Procfile",
		    type);
	}
	return 0;
}

/* ---- effects ----------------------------------------------------------- */

static void
make_secrets(json_t *settings, json_t *config, int *changed)
{
	unsigned char bytes[32];
	char hex[2 * sizeof(bytes) + 1];
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(settings, "secrets"), i, name) {
		if (json_object_get(config, json_string_value(name)) != NULL)
			continue;
		arc4random_buf(bytes, sizeof(bytes));
		sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
		json_object_set_new(
		    config, json_string_value(name), json_string(hex));
		*changed = 1;
	}
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(hex, sizeof(hex));
}

int
settings_config(
    json_t *settings, json_t *config, int *changed, char err[SETTINGS_ERRLEN])
{
	int defaults = json_is_true(json_object_get(settings, "defaults"));
	json_t *value, *is;
	const char *name;
	char path[160];
	size_t i;

	json_object_foreach (json_object_get(settings, "env"), name, value) {
		is = json_object_get(config, name);
		if ((defaults && is != NULL) ||
		    (is != NULL && json_equal(is, value)))
			continue;
		if (json_is_string(value))
			json_object_set(config, name, value);
		else if (json_object_del(config, name) == -1)
			continue;
		*changed = 1;
	}
	make_secrets(settings, config, changed);
	json_array_foreach (json_object_get(settings, "required"), i, value) {
		name = json_string_value(value);
		snprintf(path, sizeof(path), "required.%s", name);
		if (json_object_get(config, name) == NULL)
			return settings_say(settings, path, err,
			    "%s is required and not set: `paas config:set "
			    "%s=VALUE` first",
			    name, name);
	}
	if (*changed && json_dumpb(config, NULL, 0, JSON_COMPACT) >
			    (size_t)SETTINGS_CONFIG_MAX)
		return settings_say(settings, "", err,
		    "the config vars would be more than %d bytes in all",
		    SETTINGS_CONFIG_MAX);
	return 0;
}

json_t *
settings_formation(json_t *settings, const char *type)
{
	if (!json_is_true(json_object_get(settings, "defaults")))
		return NULL;
	return json_incref(
	    json_object_get(json_object_get(settings, "processes"), type));
}

/* What a process has beside its command, which is with the release's types. */
static json_t *
without_commands(json_t *processes)
{
	json_t *all = json_object(), *process;
	const char *type;

	json_object_foreach (processes, type, process) {
		process = json_copy(process);
		json_object_del(process, "command");
		if (json_object_size(process) > 0)
			json_object_set(all, type, process);
		json_decref(process);
	}
	return all;
}

json_t *
settings_release(json_t *settings, int64_t version, json_t *before)
{
	json_t *processes;

	if (settings == NULL ||
	    json_is_true(json_object_get(settings, "defaults")))
		return json_incref(json_object_get(before, "settings"));
	processes = without_commands(json_object_get(settings, "processes"));
	return json_pack("{s:I, s:o}", "version", (json_int_t)version,
	    "processes", processes);
}
