/*
 * paas-inspect: one JSON line about a build,
 *
 *   {"hash": 64 hex digits, "bytes": N, "entries": N,
 *    "archive": bytes of the archive it made of the tree; not if --known,
 *    "types": {"web": "command"}, "buildpack": "Node.js",
 *    "config": {"RACK_ENV": "production"},
 *    "settings": {what manifest.yml or app.json of the tree says},
 *    "image": as image_config.c has it, of a push of one}
 *
 * or {"error": "a sentence"} and exit 1.
 *
 *   paas-inspect --max-bytes N --max-entries N [--work DIR] [--out DIR]
 *       [--known HASH]: of a tree whose archive is there already
 *   paas-inspect --max-bytes N --max-entries N --unpack HASH: the archive on
 *       standard input, to /app
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

struct task {
	const char *work;
	const char *out;
	int known;  /* is there a hash of which the archive is there? */
	int unpack; /* and not inspect */
	uint8_t hash[TREE_HASH_LEN];
	struct tree_limits limits;
};

static const struct option options[] = {
    {"max-bytes", required_argument, NULL, 'b'},
    {"max-entries", required_argument, NULL, 'n'},
    {"work", required_argument, NULL, 'W'},
    {"out", required_argument, NULL, 'O'},
    {"known", required_argument, NULL, 'k'},
    {"unpack", required_argument, NULL, 'u'},
    {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr, "usage: paas-inspect --max-bytes N --max-entries N "
			"[--work DIR] [--out DIR] [--known HASH] | "
			"--unpack HASH\n");
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

static void
option_hash(const char *value, uint8_t hash[TREE_HASH_LEN])
{
	size_t len = 0;

	if (sodium_hex2bin(hash, TREE_HASH_LEN, value, strlen(value), NULL,
		&len, NULL) == -1 ||
	    len != TREE_HASH_LEN)
		usage();
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

/* Of a tree that is known, the archive is there. */
static int
archive_new(const struct task *task, int app, const uint8_t *hash,
    uint64_t *bytes, char err[SANDBOX_ERRLEN])
{
	int out, result;

	*bytes = 0;
	if ((out = open_part(AT_FDCWD, task->out, err)) == -1)
		return -1;
	/* What an inspection that was cut short left must not pass for one. */
	if (task->known && memcmp(hash, task->hash, TREE_HASH_LEN) == 0)
		result = unlinkat(out, ARCHIVE_NAME, 0) == -1 && errno != ENOENT
			     ? tree_wrong_errno(err, ARCHIVE_NAME)
			     : 0;
	else
		result = archive_tree(app, out, &task->limits, bytes, err);
	close(out);
	return result;
}

static json_t *
answer(const struct inspect_found *found, const uint8_t *hash,
    const struct tree_stats *stats, uint64_t archive)
{
	char hex[2 * TREE_HASH_LEN + 1];
	json_t *map = json_object(), *result;

	sodium_bin2hex(hex, sizeof(hex), hash, TREE_HASH_LEN);
	for (size_t i = 0; i < found->types.n; i++)
		json_object_set_new(map, found->types.v[i].name,
		    json_string(found->types.v[i].command));
	result = json_pack("{s:s, s:I, s:I, s:o, s:s, s:O*, s:O*, s:O*}",
	    "hash", hex, "bytes", (json_int_t)stats->bytes, "entries",
	    (json_int_t)stats->entries, "types", map, "buildpack",
	    found->buildpack, "config", found->config, "settings",
	    found->settings, "image", found->image);
	if (archive > 0)
		json_object_set_new(
		    result, "archive", json_integer((json_int_t)archive));
	return result;
}

static json_t *
inspect(const struct task *task, char err[SANDBOX_ERRLEN])
{
	uint8_t hash[TREE_HASH_LEN];
	struct inspect_found found = {.config = NULL};
	struct tree_stats stats;
	json_t *result = NULL;
	uint64_t archive;
	int work, app = -1, out = -1;

	work = open_part(AT_FDCWD, task->work, err);
	if (work != -1 && (out = open_part(work, "out", err)) != -1 &&
	    (app = open_part(work, "app", err)) != -1 &&
	    inspect_result(out, &found, err) == 0 &&
	    (found.image == NULL ||
		inspect_image(app, found.image, err) == 0) &&
	    tree_hash(app, &task->limits, &stats, hash, err) == 0 &&
	    archive_new(task, app, hash, &archive, err) == 0)
		result = answer(&found, hash, &stats, archive);
	inspect_free(&found);
	if (app != -1)
		close(app);
	if (out != -1)
		close(out);
	if (work != -1)
		close(work);
	return result;
}

static int
unpack(const struct task *task)
{
	char err[SANDBOX_ERRLEN] = "";
	int result;

	if (chdir("/app") == -1) {
		fprintf(stderr, "/app: %s\n", strerror(errno));
		return 2;
	}
	result = archive_unpack(STDIN_FILENO, &task->limits, task->hash, err);
	if (result != 0)
		fprintf(stderr, "%s\n", err);
	return result;
}

static void
read_options(struct task *task, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'b':
			task->limits.bytes = option_number(optarg);
			break;
		case 'n':
			task->limits.entries = option_number(optarg);
			break;
		case 'W':
			task->work = optarg;
			break;
		case 'O':
			task->out = optarg;
			break;
		case 'k':
			task->known = 1;
			option_hash(optarg, task->hash);
			break;
		case 'u':
			task->unpack = 1;
			option_hash(optarg, task->hash);
			break;
		default:
			usage();
		}
	if (optind != argc || task->limits.bytes == 0 ||
	    task->limits.entries == 0)
		usage();
}

int
main(int argc, char **argv)
{
	struct task task = {.work = "/work", .out = "/out"};
	char err[SANDBOX_ERRLEN] = "";
	json_t *result;
	int status = 0;

	if (sodium_init() == -1)
		return 2;
	read_options(&task, argc, argv);
	if (task.unpack)
		return unpack(&task);
	result = inspect(&task, err);
	if (result == NULL) {
		result = json_pack("{s:s}", "error", err);
		status = 1;
	}
	json_dumpf(result, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(result);
	return fflush(stdout) == 0 ? status : 2;
}
