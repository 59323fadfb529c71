/* sources: manager/sandbox/build_procfile.c manager/sandbox/build_file.c manager/sandbox/build_release.c manager/sandbox/build_paths.c manager/sandbox/common_types.c manager/sandbox/common_text.c; libs: -lyaml -ljansson -lbsd */
/*
 * What a push says about itself: its Procfile, the YAML of bin/release, and
 * the names in its archive.  The first byte of an input chooses.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/build.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
types_must_be_valid(const struct types *types)
{
	size_t bytes = 0;

	MUST(types->n <= SANDBOX_TYPES_MAX);
	for (size_t i = 0; i < types->n; i++) {
		const char *name = types->v[i].name;
		const char *command = types->v[i].command;

		MUST(types_name_valid(name, strlen(name)));
		MUST(types_command_valid(command, strlen(command)));
		MUST(types_find(types, name) == command);
		bytes += strlen(command);
	}
	MUST(bytes <= SANDBOX_COMMANDS_MAX);
}

/* What is said goes to a terminal. */
static void
text_must_be_printable(const char *text, size_t size)
{
	size_t n, len = strnlen(text, size);

	MUST(len > 0 && len < size);
	for (; len > 0; text += n, len -= n) {
		n = text_utf8(text, len);
		MUST(
		    n > 0 && (unsigned char)text[0] >= 0x20 && text[0] != 0x7f);
	}
}

static void
fuzz_types(const char *text, size_t len, int yaml)
{
	char err[SANDBOX_ERRLEN] = "";
	struct release release = {.config = NULL};
	struct types types = {0};
	char *copy = malloc(len + 1);
	int r;

	MUST(copy != NULL);
	memcpy(copy, text, len);
	copy[len] = '\0';
	r = yaml ? release_parse(copy, len, &release, err)
		 : procfile_parse(copy, len, &types, err);
	types_must_be_valid(yaml ? &release.types : &types);
	if (r == -1)
		text_must_be_printable(err, sizeof(err));
	release_free(&release);
	types_free(&types);
	free(copy);
}

/* A clean path stays below where it starts. */
static void
fuzz_path(const char *text, size_t len)
{
	char clean[PATH_MAX], again[PATH_MAX];
	char *copy = malloc(len + 1);

	MUST(copy != NULL);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (path_clean(copy, clean) == PATH_OK) {
		MUST(clean[0] != '/' && strlen(clean) < PATH_MAX);
		MUST(strcmp(clean, "..") != 0 && strncmp(clean, "../", 3) != 0);
		MUST(strstr(clean, "/../") == NULL &&
		     strstr(clean, "//") == NULL);
		MUST(path_clean(clean, again) == PATH_OK || clean[0] == '\0');
		if (clean[0] != '\0')
			MUST(strcmp(clean, again) == 0);
		(void)path_link_stays(clean, copy);
	}
	(void)path_link_stays("a/b", copy);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + 1;

	if (len == 0)
		return 0;
	switch (data[0] & 3) {
	case 0:
		fuzz_path(text, len - 1);
		break;
	case 1:
		fuzz_types(text, len - 1, 1);
		break;
	default:
		fuzz_types(text, len - 1, 0);
		break;
	}
	return 0;
}
