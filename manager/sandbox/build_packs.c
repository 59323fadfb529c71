/*
 * The Heroku buildpack API
 * (https://devcenter.heroku.com/articles/buildpack-api): bin/detect
 * BUILD_DIR, bin/compile BUILD_DIR CACHE_DIR ENV_DIR, bin/release BUILD_DIR,
 * and `export`, which a pack writes for the packs after it.
 *
 * The packs' folder is read only and packs write into their own, so that a
 * copy of each one in use is what runs.
 */
#include "sandbox/build.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKS_LISTED_MAX 256
#define DETECT_MAX       1024
#define RELEASE_MAX      (64 * 1024)

/* Sources each export that is there, then becomes the pack's program. */
static const char compile_script[] =
    "while [ \"$1\" != -- ]; do "
    "if [ -f \"$1\" ]; then . \"$1\"; fi; shift; done; shift; exec \"$@\"";

struct listing {
	size_t n;
	char *id[PACKS_LISTED_MAX];
};

/* A pack is named like a folder, and by nothing that leads elsewhere. */
static int
is_id(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= SANDBOX_PACK_MAX && id[0] != '.' &&
	       strchr(id, '/') == NULL;
}

static void
list_add(struct listing *list, const char *id)
{
	if (list->n == PACKS_LISTED_MAX || !is_id(id))
		return;
	if ((list->id[list->n++] = strdup(id)) == NULL)
		abort();
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
list_from_order(FILE *order, struct listing *list)
{
	char line[256];

	while (fgets(line, sizeof(line), order) != NULL) {
		line[strcspn(line, " \t\r\n#")] = '\0';
		if (line[0] != '\0')
			list_add(list, line);
	}
	return 0;
}

/* In the order of the file `order`, else of their names. */
static int
list_packs(const char *packs, struct listing *list, char err[SANDBOX_ERRLEN])
{
	char path[512];
	struct dirent *entry;
	FILE *order;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/order", packs);
	if ((order = fopen(path, "re")) != NULL) {
		list_from_order(order, list);
		fclose(order);
		return 0;
	}
	if ((dir = opendir(packs)) == NULL) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpacks in %s can't be read: %s.", packs,
		    strerror(errno));
		return -1;
	}
	while ((entry = readdir(dir)) != NULL)
		list_add(list, entry->d_name);
	closedir(dir);
	qsort(list->id, list->n, sizeof(list->id[0]), by_name);
	return 0;
}

static int
has_program(const char *dir, const char *program)
{
	char path[1024];
	int n;

	n = snprintf(path, sizeof(path), "%s/bin/%s", dir, program);
	return (size_t)n < sizeof(path) && access(path, X_OK) == 0;
}

/* The first line of what bin/detect printed is the pack's name. */
static void
set_name(struct pack *pack, char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
	text_escape(pack->name, sizeof(pack->name), text);
	if (pack->name[0] == '\0')
		memcpy(pack->name, pack->id, sizeof(pack->name));
}

/* 1 if it fits, 0 if not, -1 with err. */
static int
detect_one(const struct build_places *places, const char *id, struct pack *pack,
    char err[SANDBOX_ERRLEN])
{
	char program[1024], *argv[3];
	struct run_output output;
	int status;

	memset(pack, 0, sizeof(*pack));
	snprintf(pack->id, sizeof(pack->id), "%s", id);
	snprintf(pack->dir, sizeof(pack->dir), "%s/%s", places->packs, id);
	if (!has_program(pack->dir, "detect"))
		return 0;
	snprintf(program, sizeof(program), "%s/bin/detect", pack->dir);
	argv[0] = program;
	argv[1] = (char *)(uintptr_t)places->app;
	argv[2] = NULL;
	status = run_program(
	    argv, env_of_packs(), places->app, &output, DETECT_MAX, err);
	if (status == -1)
		return -1;
	if (status == 0)
		set_name(pack, output.text);
	free(output.text);
	return status == 0;
}

/* A pack writes `export` beside its bin/: give it a folder where it can. */
static int
copy_pack(const struct build_places *places, struct pack *pack,
    char err[SANDBOX_ERRLEN])
{
	char from[512], *argv[6];
	int status;

	memcpy(from, pack->dir, sizeof(from));
	snprintf(pack->dir, sizeof(pack->dir), "%s/%s", places->work, pack->id);
	argv[0] = (char *)(uintptr_t) "/bin/cp";
	argv[1] = (char *)(uintptr_t) "-RL";
	argv[2] = (char *)(uintptr_t) "--";
	argv[3] = from;
	argv[4] = pack->dir;
	argv[5] = NULL;
	status = run_program(argv, env_of_packs(), "/", NULL, 0, err);
	if (status == 0)
		return 0;
	if (status != -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack \"%s\" can't be copied to %s.", pack->id,
		    places->work);
	return -1;
}

static int
use_pack(const struct build_places *places, struct packs *packs,
    struct pack *pack, char err[SANDBOX_ERRLEN])
{
	if (packs->n == PACKS_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "More than %d buildpacks are asked for.", PACKS_MAX);
		return -1;
	}
	printf("-----> %s app detected\n", pack->name);
	if (copy_pack(places, pack, err) == -1)
		return -1;
	packs->v[packs->n++] = *pack;
	return 0;
}

/* The ones asked for: each must be there, and must fit. */
static int
detect_wanted(const struct build_places *places, char *const *wanted,
    size_t nwanted, struct packs *packs, char err[SANDBOX_ERRLEN])
{
	char name[160], dir[512];
	struct pack pack;
	int fits;

	for (size_t i = 0; i < nwanted; i++) {
		text_escape(name, sizeof(name), wanted[i]);
		snprintf(dir, sizeof(dir), "%s/%s", places->packs, wanted[i]);
		if (!is_id(wanted[i]) || !has_program(dir, "detect")) {
			snprintf(err, SANDBOX_ERRLEN,
			    "There is no buildpack \"%s\".", name);
			return -1;
		}
		fits = detect_one(places, wanted[i], &pack, err);
		if (fits == 0)
			snprintf(err, SANDBOX_ERRLEN,
			    "The buildpack \"%s\" does not fit this app: "
			    "choose another one, or none to have it detected.",
			    name);
		if (fits != 1 || use_pack(places, packs, &pack, err) == -1)
			return -1;
	}
	return 0;
}

int
packs_detect(const struct build_places *places, char *const *wanted,
    size_t nwanted, struct packs *packs, char err[SANDBOX_ERRLEN])
{
	struct listing list = {0};
	struct pack pack;
	int fits = 0, result = 0;

	packs->n = 0;
	if (mkdir(places->work, 0755) == -1 && errno != EEXIST) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be made: %s.",
		    places->work, strerror(errno));
		return -1;
	}
	if (nwanted > 0)
		return detect_wanted(places, wanted, nwanted, packs, err);
	if (list_packs(places->packs, &list, err) == -1)
		return -1;
	for (size_t i = 0; i < list.n && fits == 0; i++)
		fits = detect_one(places, list.id[i], &pack, err);
	if (fits == 1)
		result = use_pack(places, packs, &pack, err);
	else if (fits == -1)
		result = -1;
	for (size_t i = 0; i < list.n; i++)
		free(list.id[i]);
	return result;
}

static int
compile_one(const struct build_places *places, struct packs *packs, size_t nth,
    char err[SANDBOX_ERRLEN])
{
	static char exports[PACKS_MAX][600];
	char program[600], *argv[PACKS_MAX + 12];
	struct pack *pack = &packs->v[nth];
	size_t n = 0;
	int status;

	if (!has_program(pack->dir, "compile")) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack \"%s\" has no bin/compile.", pack->id);
		return -1;
	}
	snprintf(program, sizeof(program), "%s/bin/compile", pack->dir);
	argv[n++] = (char *)(uintptr_t) "/bin/bash";
	argv[n++] = (char *)(uintptr_t) "-c";
	argv[n++] = (char *)(uintptr_t)compile_script;
	argv[n++] = (char *)(uintptr_t) "paas-build";
	for (size_t i = 0; i < nth; i++) {
		snprintf(exports[i], sizeof(exports[i]), "%s/export",
		    packs->v[i].dir);
		argv[n++] = exports[i];
	}
	argv[n++] = (char *)(uintptr_t) "--";
	argv[n++] = program;
	argv[n++] = (char *)(uintptr_t)places->app;
	argv[n++] = (char *)(uintptr_t)places->cache;
	argv[n++] = (char *)(uintptr_t)places->env;
	argv[n] = NULL;
	status = run_program(argv, env_of_packs(), places->app, NULL, 0, err);
	if (status == 0)
		return 0;
	if (status > 128)
		snprintf(err, SANDBOX_ERRLEN,
		    "The %s buildpack was ended by signal %d%s.", pack->name,
		    status - 128,
		    status == 137 ? ", most likely for want of memory" : "");
	else if (status != -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The %s buildpack failed (exit %d): the lines above say "
		    "why. Nothing was changed.",
		    pack->name, status);
	return -1;
}

int
packs_compile(const struct build_places *places, struct packs *packs,
    char err[SANDBOX_ERRLEN])
{
	for (size_t i = 0; i < packs->n; i++)
		if (compile_one(places, packs, i, err) == -1)
			return -1;
	return 0;
}

int
packs_release(const struct build_places *places, const struct packs *packs,
    struct types *types, char err[SANDBOX_ERRLEN])
{
	char program[600], why[SANDBOX_ERRLEN], *argv[3];
	const struct pack *pack;
	struct run_output output;
	int status;

	if (packs->n == 0)
		return 0;
	pack = &packs->v[packs->n - 1];
	if (!has_program(pack->dir, "release"))
		return 0;
	snprintf(program, sizeof(program), "%s/bin/release", pack->dir);
	argv[0] = program;
	argv[1] = (char *)(uintptr_t)places->app;
	argv[2] = NULL;
	status = run_program(
	    argv, env_of_packs(), places->app, &output, RELEASE_MAX, err);
	if (status == -1)
		return -1;
	if (status != 0) {
		snprintf(why, sizeof(why), "exit %d", status);
		status = -1;
	} else
		status = release_parse(output.text, output.len, types, why);
	if (status == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "bin/release of the %s buildpack is wrong: %.300s",
		    pack->name, why);
	free(output.text);
	return status;
}
