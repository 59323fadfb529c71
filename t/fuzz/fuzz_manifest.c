/* sources: manager/common/config_name.c manager/common/health_rule.c manager/manifest/[a-z]*.c manager/sandbox/common_[a-z]*.c; libs: -lyaml -ljansson -lbsd */
/*
 * manifest.yml, app.json and files of variables, as strangers push them.  The
 * first byte of an input chooses; variables stand before a NUL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_name.h"
#include "manifest/manifest.h"
#include "sandbox/sandbox.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is said goes to a terminal. */
static void
notes_must_be_printable(const struct notes *notes)
{
	const char *text;
	size_t n, len;

	for (size_t i = 0; i < notes->n; i++) {
		text = notes->v[i].text;
		len = strnlen(text, NOTE_LEN);
		MUST(len > 0 && len < NOTE_LEN);
		for (; len > 0; text += n, len -= n) {
			n = text_utf8(text, len);
			MUST(n > 0 && (unsigned char)text[0] >= 0x20 &&
			     text[0] != 0x7f);
		}
	}
}

static void
settings_must_be_valid(json_t *settings)
{
	const char *name;
	json_t *value, *at, *command;
	unsigned int line, column;

	MUST(json_is_object(settings));
	json_object_foreach (json_object_get(settings, "env"), name, value) {
		MUST(config_name_valid(name) && !config_name_reserved(name));
		MUST(json_is_string(value) || json_is_null(value));
	}
	json_object_foreach (
	    json_object_get(settings, "processes"), name, value) {
		MUST(types_name_valid(name, strlen(name)));
		command = json_object_get(value, "command");
		MUST(command == NULL ||
		     types_command_valid(json_string_value(command),
			 json_string_length(command)));
	}
	json_object_foreach (json_object_get(settings, "at"), name, at)
		MUST(sscanf(json_string_value(at), "%u:%u", &line, &column) ==
		     2);
}

/* A parent that has itself in it, or the text again. */
static char *
inherit(const char *name, size_t *len, struct node_place at,
    struct notes *notes, void *arg)
{
	(void)name;
	(void)at;
	(void)notes;
	*len = strlen(arg);
	return strdup(arg);
}

static void
fuzz_cf(char *text, size_t len)
{
	struct notes *notes = calloc(1, sizeof(*notes));
	struct vars vars = {0};
	struct manifest_input input = {.file = "manifest.yml",
	    .vars = &vars,
	    .vars_hint = "give it",
	    .inherit = inherit,
	    .arg = text};
	json_t *apps, *app;
	size_t i;

	MUST(notes != NULL);
	notes_begin(notes, "vars.yml");
	/* What stands before the NUL is variables, too. */
	(void)vars_add_file(&vars, text, strlen(text), notes);
	(void)vars_add(&vars, text);
	notes_must_be_printable(notes);
	notes_begin(notes, "manifest.yml");
	input.text = strlen(text) < len ? text + strlen(text) + 1 : text;
	input.len = len - (size_t)(input.text - text);
	apps = manifest_read(&input, notes);
	MUST((apps == NULL) == (notes->errors > 0));
	notes_must_be_printable(notes);
	json_array_foreach (apps, i, app)
		settings_must_be_valid(app);
	json_decref(apps);
	vars_free(&vars);
	free(notes);
}

static void
fuzz_heroku(const char *text, size_t len)
{
	struct notes *notes = calloc(1, sizeof(*notes));
	json_t *settings;

	MUST(notes != NULL);
	notes_begin(notes, "app.json");
	settings = appjson_read(text, len, notes);
	MUST((settings == NULL) == (notes->errors > 0));
	notes_must_be_printable(notes);
	if (settings != NULL)
		settings_must_be_valid(settings);
	json_decref(settings);
	free(notes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *copy;

	if (len == 0)
		return 0;
	copy = malloc(len);
	MUST(copy != NULL);
	memcpy(copy, data + 1, len - 1);
	copy[len - 1] = '\0';
	if (data[0] & 1)
		fuzz_cf(copy, len - 1);
	else
		fuzz_heroku(copy, len - 1);
	free(copy);
	return 0;
}
