/*
 * The answer of paas-inspect.  The program is ours, but it ran beside a
 * stranger's tree: what it says is checked as if the stranger said it.
 */
#include "build/room.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <bsd/string.h>

#define TYPES_MAX   32
#define COMMAND_MAX 4096
#define VARS_MAX    64
#define VARS_BYTES  32768

static int
check_hash(json_t *answer, struct inspection *found)
{
	const char *hex = json_string_value(json_object_get(answer, "hash"));
	size_t len;

	if (hex == NULL || strlen(hex) != 2 * LAUNCH_HASH ||
	    strspn(hex, "0123456789abcdef") != 2 * LAUNCH_HASH)
		return -1;
	strlcpy(found->hash, hex, sizeof(found->hash));
	return sodium_hex2bin(found->digest, sizeof(found->digest), hex,
	    strlen(hex), NULL, &len, NULL);
}

static int
check_types(json_t *types)
{
	const char *name, *command;
	json_t *value;

	if (!json_is_object(types) || json_object_size(types) == 0 ||
	    json_object_size(types) > TYPES_MAX)
		return -1;
	json_object_foreach (types, name, value) {
		command = json_string_value(value);
		if (!key_app_valid(name) || command == NULL ||
		    command[0] == '\0' || strlen(command) > COMMAND_MAX ||
		    strlen(command) != json_string_length(value))
			return -1;
	}
	return 0;
}

/* None is fine. */
static int
check_config(json_t *config)
{
	const char *name;
	json_t *value;

	if (config == NULL)
		return 0;
	if (!json_is_object(config) || json_object_size(config) > VARS_MAX ||
	    json_dumpb(config, NULL, 0, JSON_COMPACT) > VARS_BYTES)
		return -1;
	json_object_foreach (config, name, value)
		if (name[0] == '\0' ||
		    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				      "mnopqrstuvwxyz_0123456789")] != '\0' ||
		    json_string_value(value) == NULL ||
		    strlen(json_string_value(value)) !=
			json_string_length(value))
			return -1;
	return 0;
}

/* Of what a process is started with each part is what it should be. */
static int
check_image(json_t *image)
{
	json_t *argv = json_object_get(image, "argv"), *value;
	json_t *env = json_object_get(image, "env");
	json_int_t uid = json_integer_value(json_object_get(image, "uid"));
	json_t *port = json_object_get(image, "port");
	const char *name;
	size_t i;

	if (!json_is_object(image) || json_array_size(argv) == 0 ||
	    !json_is_object(env) ||
	    !json_is_string(json_object_get(image, "cwd")) ||
	    !json_is_string(json_object_get(image, "home")) || uid < 1 ||
	    uid >= INT32_MAX ||
	    (port != NULL && (json_integer_value(port) < 1 ||
				 json_integer_value(port) > 65535)))
		return -1;
	json_array_foreach (argv, i, value)
		if (!json_is_string(value))
			return -1;
	json_object_foreach (env, name, value)
		if (!json_is_string(value))
			return -1;
	return 0;
}

static int
check_answer(json_t *answer, struct inspection *found)
{
	json_t *bytes = json_object_get(answer, "bytes");
	json_t *entries = json_object_get(answer, "entries");
	json_t *types = json_object_get(answer, "types");
	json_t *buildpack = json_object_get(answer, "buildpack");
	json_t *config = json_object_get(answer, "config");
	json_t *settings = json_object_get(answer, "settings");

	json_t *image = json_object_get(answer, "image");
	json_t *archive = json_object_get(answer, "archive");

	if ((image != NULL && check_image(image) == -1) ||
	    check_hash(answer, found) == -1 || !json_is_integer(bytes) ||
	    !json_is_integer(entries) || !json_is_string(buildpack) ||
	    (archive != NULL && json_integer_value(archive) < 1) ||
	    check_types(types) == -1 || check_config(config) == -1 ||
	    (settings != NULL && !json_is_object(settings)))
		return -1;
	found->bytes = json_integer_value(bytes);
	found->entries = json_integer_value(entries);
	found->archive = json_integer_value(archive);
	text_clean(found->buildpack, sizeof(found->buildpack),
	    json_string_value(buildpack), json_string_length(buildpack));
	if (found->bytes < 0 || found->entries < 0)
		return -1;
	json_decref(found->types);
	found->types = json_incref(types);
	json_decref(found->config);
	found->config = json_incref(config);
	json_decref(found->settings);
	found->settings = json_incref(settings);
	json_decref(found->image);
	found->image = json_incref(image);
	return 0;
}

int
inspect_parse(const char *text, size_t len, struct inspection *found,
    char err[BUILD_REASON_MAX])
{
	json_t *answer = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *error = json_object_get(answer, "error");
	int result = -1;

	if (json_is_string(error))
		text_clean(err, BUILD_REASON_MAX, json_string_value(error),
		    json_string_length(error));
	else if (!json_is_object(answer) || check_answer(answer, found) == -1)
		snprintf(err, BUILD_REASON_MAX,
		    "The inspection of the build gave no answer that makes "
		    "sense. Push again.");
	else
		result = 0;
	json_decref(answer);
	return result;
}
