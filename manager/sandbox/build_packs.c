/*
 * Which buildpacks build the app: those that were asked for, or else the
 * first of ours whose bin/detect says that it fits.
 *
 * Packs write into their own folder, so that a copy of each one in use is
 * what runs.
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

int
pack_has(const char *dir, const char *program)
{
	char path[1024];
	int n;

	n = snprintf(path, sizeof(path), "%s/bin/%s", dir, program);
	return (size_t)n < sizeof(path) && access(path, X_OK) == 0;
}

int
pack_run(const struct build_places *places, const struct pack *pack,
    const char *program, size_t max, struct run_output *output,
    char err[SANDBOX_ERRLEN])
{
	char path[1024], *argv[] = {path, (char *)(uintptr_t)places->app, NULL};
	struct env env = {0};
	struct run run = {
	    .argv = argv, .cwd = places->app, .output = output, .max = max};
	int status;

	snprintf(path, sizeof(path), "%s/bin/%s", pack->dir, program);
	env_of_packs(&env);
	run.envp = env.v;
	status = run_program(places->guard, &run, err);
	env_free(&env);
	return status;
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
detect_one(const struct build_places *places, struct pack *pack,
    char err[SANDBOX_ERRLEN])
{
	struct run_output output;
	int status;

	if (!pack_has(pack->dir, "detect"))
		return 0;
	status = pack_run(places, pack, "detect", DETECT_MAX, &output, err);
	if (status == -1)
		return -1;
	if (status == 0)
		set_name(pack, output.text);
	free(output.text);
	return status == 0;
}

/* Takes it for use: pack->dir is another one then. */
static int
copy_pack(const struct build_places *places, struct pack *pack, const char *dir,
    char err[SANDBOX_ERRLEN])
{
	char *argv[] = {(char *)(uintptr_t) "/bin/cp",
	    (char *)(uintptr_t) "-RL", (char *)(uintptr_t) "--", pack->dir,
	    (char *)(uintptr_t)dir, NULL};
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = "/"};
	int status;

	env_of_packs(&env);
	run.envp = env.v;
	status = run_program(places->guard, &run, err);
	env_free(&env);
	if (status == 0) {
		snprintf(pack->dir, sizeof(pack->dir), "%s", dir);
		return 0;
	}
	if (status != -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack \"%s\" can't be copied to %s.", pack->id,
		    places->work);
	return -1;
}

static void
work_dir(const struct build_places *places, size_t nth, char *out, size_t len)
{
	snprintf(out, len, "%s/%zu", places->work, nth);
}

static void
set_ours(const struct build_places *places, const char *id, struct pack *pack)
{
	memset(pack, 0, sizeof(*pack));
	snprintf(pack->id, sizeof(pack->id), "%s", id);
	snprintf(pack->dir, sizeof(pack->dir), "%s/%s", places->packs, id);
}

/* ---- the ones asked for ---------------------------------------------- */

/*
 * Ours by the names that Heroku and Cloud Foundry have for theirs:
 * heroku/nodejs, urn:buildpack:heroku/nodejs, nodejs_buildpack.
 */
static int
name_ours(const char *wanted, char id[SANDBOX_PACK_MAX + 1])
{
	static const char *const prefixes[] = {"urn:buildpack:", "heroku/"};
	static const char *const others[][2] = {
	    {"staticfile", "static"}, {"binary", "procfile"}};
	static const char suffix[] = "_buildpack";
	size_t len;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(wanted, prefixes[i], strlen(prefixes[i])) == 0)
			wanted += strlen(prefixes[i]);
	len = strlen(wanted);
	if (len > sizeof(suffix) - 1 &&
	    strcmp(wanted + len - (sizeof(suffix) - 1), suffix) == 0)
		len -= sizeof(suffix) - 1;
	if (len > SANDBOX_PACK_MAX)
		return -1;
	memcpy(id, wanted, len);
	id[len] = '\0';
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(id, others[i][0]) == 0)
			snprintf(id, SANDBOX_PACK_MAX + 1, "%s", others[i][1]);
	return is_id(id) ? 0 : -1;
}

/* Cloud Foundry asks no pack that was named whether it fits. */
static int
check_foreign(const struct build_places *places, struct pack *pack,
    char err[SANDBOX_ERRLEN])
{
	pack->foundry =
	    pack_has(pack->dir, "supply") || pack_has(pack->dir, "finalize");
	if (pack->foundry) {
		memcpy(pack->name, pack->id, sizeof(pack->name));
		return 1;
	}
	if (!pack_has(pack->dir, "detect") || !pack_has(pack->dir, "compile")) {
		snprintf(err, SANDBOX_ERRLEN,
		    "\"%s\" is no buildpack: it has neither bin/detect and "
		    "bin/compile, as Heroku's, nor bin/supply or "
		    "bin/finalize, as Cloud Foundry's, that can be executed.",
		    pack->id);
		return -1;
	}
	return detect_one(places, pack, err);
}

static int
take_foreign(const struct build_places *places, const char *wanted,
    const char *dir, struct pack *pack, char err[SANDBOX_ERRLEN])
{
	memset(pack, 0, sizeof(*pack));
	snprintf(pack->dir, sizeof(pack->dir), "%s", dir);
	if (fetch_pack(places, wanted, dir, pack->id, err) == -1)
		return -1;
	return check_foreign(places, pack, err);
}

static int
take_ours(const struct build_places *places, const char *wanted,
    const char *dir, struct pack *pack, char err[SANDBOX_ERRLEN])
{
	char id[SANDBOX_PACK_MAX + 1], name[160];
	int fits;

	if (name_ours(wanted, id) == -1 ||
	    (set_ours(places, id, pack), !pack_has(pack->dir, "detect"))) {
		snprintf(err, SANDBOX_ERRLEN,
		    "There is no buildpack \"%s\": name one of this "
		    "platform's, or the URL of another one (paas "
		    "buildpacks:set).",
		    text_escape(name, sizeof(name), wanted));
		return -1;
	}
	fits = detect_one(places, pack, err);
	return fits == 1 && copy_pack(places, pack, dir, err) == -1 ? -1 : fits;
}

/* Each must be there, and must fit. */
static int
detect_wanted(const struct build_places *places, char *const *wanted,
    size_t nwanted, struct packs *packs, char err[SANDBOX_ERRLEN])
{
	char dir[512], name[160];
	struct pack *pack;
	int fits;

	if (nwanted > PACKS_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "More than %d buildpacks are asked for.", PACKS_MAX);
		return -1;
	}
	for (size_t i = 0; i < nwanted; i++) {
		pack = &packs->v[i];
		work_dir(places, i, dir, sizeof(dir));
		fits = fetch_is_foreign(wanted[i])
			   ? take_foreign(places, wanted[i], dir, pack, err)
			   : take_ours(places, wanted[i], dir, pack, err);
		if (fits == 0)
			snprintf(err, SANDBOX_ERRLEN,
			    "The buildpack \"%s\" does not fit this app: "
			    "choose another one, or none to have it detected.",
			    text_escape(name, sizeof(name), wanted[i]));
		if (fits != 1)
			return -1;
		printf("-----> %s %s\n", pack->name,
		    pack->foundry ? "buildpack" : "app detected");
		packs->n++;
	}
	return 0;
}

/* ---- ours, by what fits ---------------------------------------------- */

static int
detect_any(const struct build_places *places, struct packs *packs,
    char err[SANDBOX_ERRLEN])
{
	struct listing list = {0};
	struct pack *pack = &packs->v[0];
	char dir[512];
	int fits = 0;

	if (list_packs(places->packs, &list, err) == -1)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		if (fits == 0) {
			set_ours(places, list.id[i], pack);
			fits = detect_one(places, pack, err);
		}
		free(list.id[i]);
	}
	if (fits != 1)
		return fits;
	printf("-----> %s app detected\n", pack->name);
	work_dir(places, 0, dir, sizeof(dir));
	if (copy_pack(places, pack, dir, err) == -1)
		return -1;
	packs->n = 1;
	return 0;
}

int
packs_detect(const struct build_places *places, char *const *wanted,
    size_t nwanted, struct packs *packs, char err[SANDBOX_ERRLEN])
{
	packs->n = 0;
	if (mkdir(places->work, 0755) == -1 && errno != EEXIST) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be made: %s.",
		    places->work, strerror(errno));
		return -1;
	}
	return nwanted > 0 ? detect_wanted(places, wanted, nwanted, packs, err)
			   : detect_any(places, packs, err);
}
