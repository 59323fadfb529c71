/*
 * paas-inspect: one JSON line about a build,
 *
 *   {"hash": 64 hex digits, "bytes": N, "entries": N,
 *    "types": {"web": "command"}, "buildpack": "Node.js",
 *    "config": {"RACK_ENV": "production"},
 *    "settings": {what manifest.yml or app.json of the tree says},
 *    "image": as image_config.c has it, of a push of one}
 *
 * or {"error": "a sentence"} and exit 1.
 *
 *   paas-inspect --max-bytes N --max-entries N [--work DIR]
 */
#include "sandbox/inspect.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option options[] = {
    {"max-bytes", required_argument, NULL, 'b'},
    {"max-entries", required_argument, NULL, 'n'},
    {"work", required_argument, NULL, 'W'},
    {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "usage: paas-inspect --max-bytes N --max-entries N "
			"[--work DIR]\n");
	exit(2);
}

static uint64_t
option_number(const char *value)
{
	const char *why = NULL;
	uint64_t n;

	n = (uint64_t)strtonum(value, 1, INT64_MAX, &why);
	if (why != NULL)
		usage();
	return n;
}

static int
open_part(int work, const char *name, char err[SANDBOX_ERRLEN])
{
	int fd;

	fd =
	    openat(work, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's folder \"%s\" can't be opened: %s.", name,
		    strerror(errno));
	return fd;
}

static json_t *
inspect(const char *place, const struct tree_limits *limits,
    char err[SANDBOX_ERRLEN])
{
	char hex[2 * TREE_HASH_LEN + 1];
	uint8_t hash[TREE_HASH_LEN];
	struct inspect_found found = {.config = NULL};
	struct tree_stats stats;
	json_t *map, *result = NULL;
	int work, app = -1, out = -1;

	work = open_part(AT_FDCWD, place, err);
	if (work != -1 && (out = open_part(work, "out", err)) != -1 &&
	    (app = open_part(work, "app", err)) != -1 &&
	    inspect_result(out, &found, err) == 0 &&
	    (found.image == NULL ||
		inspect_image(app, found.image, err) == 0) &&
	    tree_hash(app, limits, &stats, hash, err) == 0) {
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		map = json_object();
		for (size_t i = 0; i < found.types.n; i++)
			json_object_set_new(map, found.types.v[i].name,
			    json_string(found.types.v[i].command));
		result = json_pack("{s:s, s:I, s:I, s:o, s:s}", "hash", hex,
		    "bytes", (json_int_t)stats.bytes, "entries",
		    (json_int_t)stats.entries, "types", map, "buildpack",
		    found.buildpack);
		if (found.config != NULL)
			json_object_set(result, "config", found.config);
		if (found.settings != NULL)
			json_object_set(result, "settings", found.settings);
		if (found.image != NULL)
			json_object_set(result, "image", found.image);
	}
	inspect_free(&found);
	if (app != -1)
		close(app);
	if (out != -1)
		close(out);
	if (work != -1)
		close(work);
	return result;
}

int
main(int argc, char **argv)
{
	struct tree_limits limits = {0};
	const char *work = "/work";
	char err[SANDBOX_ERRLEN] = "";
	json_t *result;
	int c, status = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'b':
			limits.bytes = option_number(optarg);
			break;
		case 'n':
			limits.entries = option_number(optarg);
			break;
		case 'W':
			work = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc || limits.bytes == 0 || limits.entries == 0)
		usage();
	if (sodium_init() == -1)
		return 2;
	result = inspect(work, &limits, err);
	if (result == NULL) {
		result = json_pack("{s:s}", "error", err);
		status = 1;
	}
	json_dumpf(result, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(result);
	return fflush(stdout) == 0 ? status : 2;
}
