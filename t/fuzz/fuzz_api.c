/* sources: manager/api/http/check.c manager/api/http/uri.c; libs: -ljansson -lbsd */
/*
 * What the API makes of a stranger's path and JSON.  The first byte of an
 * input chooses.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/check.h"
#include "api/http/uri.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
valid_text(const char *text)
{
	return text[0] != 'x';
}

static const struct check_field fields[] = {
    {.name = "name",
	.type = CHECK_STRING,
	.flags = CHECK_REQUIRED,
	.min = 1,
	.max = 30,
	.valid = valid_text,
	.form = "without an x in front"},
    {.name = "quantity", .type = CHECK_NUMBER, .min = 0, .max = 500},
    {.name = "weight", .type = CHECK_INT, .min = -5, .max = 5},
    {.name = "flag", .type = CHECK_BOOL, .flags = CHECK_NULLABLE},
    {.name = "map", .type = CHECK_OBJECT},
    {.name = "list", .type = CHECK_ARRAY, .min = 1, .max = 3},
    {.name = NULL},
};

static void
must_be_bounded(const char err[PAAS_ERRLEN])
{
	MUST(memchr(err, '\0', PAAS_ERRLEN) != NULL && err[0] != '\0');
}

static void
fuzz_check(const char *text, size_t len)
{
	char err[PAAS_ERRLEN];
	json_t *json;
	int64_t n;

	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return;
	memset(err, 'x', sizeof(err));
	if (check_object(json, fields, "", err) == -1) {
		must_be_bounded(err);
	} else {
		n = check_number(json_object_get(json, "quantity"));
		MUST(n >= 0 && n <= 500);
		MUST(json_string_length(json_object_get(json, "name")) <= 30);
	}
	memset(err, 'x', sizeof(err));
	if (check_object(json, fields, "updates[0]", err) == -1)
		must_be_bounded(err);
	json_decref(json);
}

/* Nothing that is found in a path can be a separator or a control byte. */
static void
fuzz_uri(const char *text, size_t len)
{
	char *path = malloc(len + 1);
	const char *segment;
	struct uri uri;

	MUST(path != NULL);
	memcpy(path, text, len);
	path[len] = '\0';
	if (uri_split(&uri, path) == 0) {
		MUST(uri.count <= URI_SEGMENTS_MAX);
		for (size_t i = 0; i < uri.count; i++) {
			segment = uri.segments[i];
			MUST(segment[0] != '\0' && strlen(segment) <= len);
			for (; *segment != '\0'; segment++)
				MUST((unsigned char)*segment >= 0x20 &&
				     *segment != 0x7f);
		}
	}
	uri_free(&uri);
	(void)uri_decode(path);
	free(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] & 1)
		fuzz_check((const char *)data + 1, len - 1);
	else
		fuzz_uri((const char *)data + 1, len - 1);
	return 0;
}
