/*
 * The image's configuration as this platform has it.  result.json gets
 *
 *   "image": {"argv": [...], "command": "argv for people", "env": {...},
 *             "cwd": "/srv", "uid": 1000, "home": "/home/node", "port": 8080}
 *
 * uid and home are image_fit_root's; port is there if the image exposes one.
 */
#include "sandbox/image.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define ARGS_BYTES (32 * 1024) /* of argv, and of env */
#define RUN_BYTES  (48 * 1024) /* of all: the manager reads it in a log */

const char *
image_architecture(void)
{
	static const struct {
		const char *machine, *name;
	} names[] = {
	    {"x86_64", "amd64"},
	    {"aarch64", "arm64"},
	    {"armv7l", "arm"},
	    {"i686", "386"},
	    {"ppc64le", "ppc64le"},
	    {"s390x", "s390x"},
	    {"riscv64", "riscv64"},
	};
	struct utsname u;

	if (uname(&u) == -1)
		return "unknown";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].machine, u.machine) == 0)
			return names[i].name;
	return "unknown";
}

static const char *
text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static int
wrong(char err[SANDBOX_ERRLEN], const char *what)
{
	snprintf(err, SANDBOX_ERRLEN, "The image's configuration is wrong: %s.",
	    what);
	return -1;
}

/* Appends the strings of list to argv; 0, or -1 if there are others. */
static int
add_args(json_t *argv, json_t *list, size_t *bytes)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (!json_is_string(one) ||
		    strlen(json_string_value(one)) != json_string_length(one))
			return -1;
		*bytes += json_string_length(one) + 1;
		json_array_append(argv, one);
	}
	return json_is_array(list) || list == NULL || json_is_null(list) ? 0
									 : -1;
}

/* A word as a shell would take it, if it is short and plain. */
static void
add_word(char *out, size_t len, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%";
	size_t room = strlen(word) * 4 + 1;
	char *text, one[2] = "";
	const char *p;

	if (out[0] != '\0')
		strlcat(out, " ", len);
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		strlcat(out, word, len);
		return;
	}
	if ((text = malloc(room)) == NULL)
		abort();
	/* What is not for a terminal is shown, and no shell's word then. */
	if (!types_command_valid(word, strlen(word)))
		word = text_escape(text, room, word);
	strlcat(out, "'", len);
	for (p = word; *p != '\0'; p++) {
		one[0] = *p;
		strlcat(out, *p == '\'' ? "'\\''" : one, len);
	}
	strlcat(out, "'", len);
	free(text);
}

static int
read_command(json_t *config, json_t *run, char err[SANDBOX_ERRLEN])
{
	char text[SANDBOX_COMMAND_MAX / 2] = "";
	json_t *argv = json_array(), *one;
	size_t bytes = 0, i;

	json_object_set_new(run, "argv", argv);
	if (add_args(argv, json_object_get(config, "Entrypoint"), &bytes) ==
		-1 ||
	    add_args(argv, json_object_get(config, "Cmd"), &bytes) == -1)
		return wrong(
		    err, "Entrypoint and Cmd have to be lists of text");
	if (json_array_size(argv) == 0 ||
	    json_string_length(json_array_get(argv, 0)) == 0)
		return wrong(err, "it has no Entrypoint and no Cmd, so that "
				  "there is nothing to run");
	if (bytes > ARGS_BYTES)
		return wrong(
		    err, "Entrypoint and Cmd have more than 32 KiB together");
	json_array_foreach (argv, i, one)
		add_word(text, sizeof(text), json_string_value(one));
	/* It may have been cut within a character. */
	for (i = strlen(text); !types_command_valid(text, i) && i > 0; i--)
		text[i - 1] = '\0';
	json_object_set_new(run, "command", json_string(text));
	return 0;
}

static int
read_env(json_t *config, json_t *run, char err[SANDBOX_ERRLEN])
{
	json_t *env = json_object(), *list = json_object_get(config, "Env");
	json_t *one;
	const char *text;
	char name[256];
	size_t bytes = 0, i, len;

	json_object_set_new(run, "env", env);
	json_array_foreach (list, i, one) {
		text = json_string_value(one);
		len = text != NULL ? strcspn(text, "=") : 0;
		if (len == 0 || len >= sizeof(name) || text[len] != '=' ||
		    strlen(text) != json_string_length(one))
			return wrong(err, "Env has something that is not "
					  "NAME=VALUE");
		bytes += strlen(text) + 1;
		memcpy(name, text, len);
		name[len] = '\0';
		json_object_set_new(env, name, json_string(text + len + 1));
	}
	return bytes <= ARGS_BYTES ? 0 : wrong(err, "Env is over 32 KiB");
}

/* The lowest one, if there are several: as Cloud Foundry has it. */
static void
read_port(json_t *config, json_t *run)
{
	const char *key, *why;
	char digits[8];
	json_t *value;
	long long least = 65536, port;
	size_t len;

	json_object_foreach (
	    json_object_get(config, "ExposedPorts"), key, value) {
		len = strcspn(key, "/");
		if (len >= sizeof(digits) ||
		    (key[len] != '\0' && strcmp(key + len, "/tcp") != 0))
			continue;
		memcpy(digits, key, len);
		digits[len] = '\0';
		port = strtonum(digits, 1, 65535, &why);
		if (why == NULL && port < least)
			least = port;
	}
	if (least < 65536)
		json_object_set_new(run, "port", json_integer(least));
}

int
image_read_config(struct image *image, char err[SANDBOX_ERRLEN])
{
	json_t *config = json_object_get(image->config, "config");
	const char *arch = text_of(image->config, "architecture");
	const char *cwd = text_of(config, "WorkingDir");
	const char *os = text_of(image->config, "os");
	const char *user = text_of(config, "User");
	char text[80];

	if (strcmp(os, "linux") != 0 ||
	    strcmp(arch, image_architecture()) != 0) {
		char machine[80];

		snprintf(machine, sizeof(machine), "%.30s/%.40s", os, arch);
		snprintf(err, SANDBOX_ERRLEN,
		    "The image is for %s, and this machine is linux/%s.",
		    text_escape(text, sizeof(text), machine),
		    image_architecture());
		return -1;
	}
	if (strlcpy(image->user, user, sizeof(image->user)) >=
	    sizeof(image->user))
		return wrong(err, "User is too long");
	if (strlen(cwd) >= 4096 || (cwd[0] != '\0' && cwd[0] != '/'))
		return wrong(err, "WorkingDir is no absolute path");
	image->run = json_object();
	json_object_set_new(
	    image->run, "cwd", json_string(cwd[0] != '\0' ? cwd : "/"));
	if (read_command(config, image->run, err) == -1 ||
	    read_env(config, image->run, err) == -1)
		return -1;
	read_port(config, image->run);
	/* With what control bytes become in JSON. */
	return json_dumpb(image->run, NULL, 0, JSON_COMPACT) <= RUN_BYTES
		   ? 0
		   : wrong(err, "it is over 48 KiB as JSON");
}
