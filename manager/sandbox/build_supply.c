/*
 * Cloud Foundry's buildpack interface
 * (https://docs.cloudfoundry.org/buildpacks/understand-buildpacks.html):
 * bin/supply BUILD CACHE DEPS INDEX of each pack, and of the last one, behind
 * it, bin/finalize BUILD CACHE DEPS INDEX PROFILE.  A pack that supplies
 * leaves DEPS/INDEX/bin, lib, include, env/NAME and profile.d/NAME.sh.
 *
 * DEPS is in the app, at the same place when it runs, and named by DEPS_DIR;
 * PROFILE is .profile.d.  Config vars are in the environment.
 */
#include "sandbox/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPS      ".paas/deps"
#define PROFILE   ".profile.d"
#define CACHES    ".paas/foundry" /* of CACHE_DIR: one a pack */
#define VALUE_MAX (64 * 1024)

/* What one level of a path at `at` lacks is made. */
static int
make_dirs(const char *at, const char *path, char err[SANDBOX_ERRLEN])
{
	char full[1024];
	size_t base = strlen(at);
	char *slash;

	snprintf(full, sizeof(full), "%s/%s/", at, path);
	for (slash = strchr(full + base + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) == -1 && errno != EEXIST) {
			snprintf(err, SANDBOX_ERRLEN,
			    "%.300s can't be made: %s.", full, strerror(errno));
			return -1;
		}
		*slash = '/';
	}
	return 0;
}

static int
any_foundry(const struct packs *packs)
{
	for (size_t i = 0; i < packs->n; i++)
		if (packs->v[i].foundry)
			return 1;
	return 0;
}

int
supply_prepare(const struct build_places *places, const struct packs *packs,
    char err[SANDBOX_ERRLEN])
{
	char path[64];

	if (!any_foundry(packs))
		return 0;
	for (size_t i = 0; i < packs->n; i++) {
		snprintf(path, sizeof(path), DEPS "/%zu", i);
		if (make_dirs(places->app, path, err) == -1)
			return -1;
	}
	return make_dirs(places->app, PROFILE, err);
}

/* ---- what they run with ---------------------------------------------- */

static void
env_of_foundry(const struct build_places *places, struct env *env)
{
	char deps[512], *app;

	env_of_packs(env);
	env_add_config(env);
	snprintf(deps, sizeof(deps), "%s/" DEPS, places->app);
	env_set(env, "DEPS_DIR", deps);
	env_set(env, "USER", "app");
	env_set(env, "TMPDIR", "/tmp");
	if (getenv(ENV_CONFIG "CF_STACK") == NULL)
		env_set(env, "CF_STACK", "cflinuxfs4");
	/* The name is [a-z0-9-]. */
	if (asprintf(&app, "{\"application_name\":\"%s\",\"name\":\"%s\"}",
		getenv("PAAS_APP") != NULL ? getenv("PAAS_APP") : "app",
		getenv("PAAS_APP") != NULL ? getenv("PAAS_APP") : "app") == -1)
		abort();
	env_set(env, "VCAP_APPLICATION", app);
	free(app);
	if (getenv(ENV_CONFIG "VCAP_SERVICES") == NULL)
		env_set(env, "VCAP_SERVICES", "{}");
}

static int
run_phase(const struct build_places *places, const struct packs *packs,
    size_t nth, const char *phase, char err[SANDBOX_ERRLEN])
{
	const struct pack *pack = &packs->v[nth];
	char program[600], cache[600], deps[600], profile[600], index[24];
	char *argv[] = {program, (char *)(uintptr_t)places->app, cache, deps,
	    index, strcmp(phase, "finalize") == 0 ? profile : NULL, NULL};
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = places->app};
	int status;

	snprintf(program, sizeof(program), "%s/bin/%s", pack->dir, phase);
	snprintf(cache, sizeof(cache), CACHES "/%s", pack->id);
	if (make_dirs(places->cache, cache, err) == -1)
		return -1;
	snprintf(
	    cache, sizeof(cache), "%s/" CACHES "/%s", places->cache, pack->id);
	snprintf(deps, sizeof(deps), "%s/" DEPS, places->app);
	snprintf(profile, sizeof(profile), "%s/" PROFILE, places->app);
	snprintf(index, sizeof(index), "%zu", nth);
	env_of_foundry(places, &env);
	run.envp = env.v;
	status = run_program(places->guard, &run, err);
	env_free(&env);
	if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "bin/%s of the %s buildpack failed (%s %d): the lines "
		    "above say why. Nothing was changed.",
		    phase, pack->name, status > 128 ? "signal" : "exit",
		    status > 128 ? status - 128 : status);
	return status == 0 ? 0 : -1;
}

int
supply_pack(const struct build_places *places, const struct packs *packs,
    size_t nth, char err[SANDBOX_ERRLEN])
{
	const struct pack *pack = &packs->v[nth];
	int last = nth + 1 == packs->n;

	if (!last && !pack_has(pack->dir, "supply")) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack \"%s\" has no bin/supply: it can only be "
		    "the last one.",
		    pack->id);
		return -1;
	}
	if (pack_has(pack->dir, "supply") &&
	    run_phase(places, packs, nth, "supply", err) == -1)
		return -1;
	if (last && pack_has(pack->dir, "finalize"))
		return run_phase(places, packs, nth, "finalize", err);
	return 0;
}

/* ---- what they supplied ---------------------------------------------- */

/* DEPS/INDEX/SUB before what NAME is, if the folder is there. */
static void
supply_path(const char *dep, const char *sub, const char *name, struct env *env)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s", dep, sub);
	if (access(path, F_OK) == 0)
		env_prepend(env, name, path);
}

/* A file of env/ is a variable: its content is the value. */
static void
supply_var(int dir, const char *name, struct env *env)
{
	char *value = calloc(1, VALUE_MAX + 1);
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (value == NULL)
		abort();
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read(fd, value, VALUE_MAX) > 0 && strchr(name, '=') == NULL)
		env_set(env, name, value);
	if (fd != -1)
		close(fd);
	free(value);
}

static void
supply_vars(const char *dep, struct env *env)
{
	char path[700];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/env", dep);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			supply_var(dirfd(dir), entry->d_name, env);
	closedir(dir);
}

static const char *const paths[][2] = {
    {"bin", "PATH"},
    {"lib", "LD_LIBRARY_PATH"},
    {"lib", "LIBRARY_PATH"},
    {"include", "CPATH"},
    {"pkgconfig", "PKG_CONFIG_PATH"},
};

void
supply_env(const struct build_places *places, const struct packs *packs,
    size_t nth, struct env *env)
{
	char dep[600];

	if (!any_foundry(packs))
		return;
	snprintf(dep, sizeof(dep), "%s/" DEPS, places->app);
	env_set(env, "DEPS_DIR", dep);
	for (size_t i = 0; i < nth; i++) {
		snprintf(dep, sizeof(dep), "%s/" DEPS "/%zu", places->app, i);
		for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++)
			supply_path(dep, paths[j][0], paths[j][1], env);
		supply_vars(dep, env);
	}
}

/*
 * bin/finalize of the last pack makes what is supplied known to the app that
 * runs.  Where the last pack has none, this does the same.
 */
static const char profile_head[] = "export DEPS_DIR=\"$HOME/" DEPS "\"\n";
static const char profile_deps[] =
    "for paas_dep in \"$DEPS_DIR\"/*; do\n"
    "    if [ -d \"$paas_dep/bin\" ]; then\n"
    "        export PATH=\"$paas_dep/bin:$PATH\"\n"
    "    fi\n"
    "    if [ -d \"$paas_dep/lib\" ]; then\n"
    "        export LD_LIBRARY_PATH="
    "\"$paas_dep/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"\n"
    "    fi\n"
    "    for paas_file in \"$paas_dep\"/profile.d/*.sh; do\n"
    "        if [ -f \"$paas_file\" ]; then . \"$paas_file\"; fi\n"
    "    done\n"
    "done\n"
    "unset paas_dep paas_file\n";

int
supply_finish(const struct build_places *places, const struct packs *packs,
    char err[SANDBOX_ERRLEN])
{
	char path[600];
	const struct pack *last;
	FILE *file;
	int fd, result = 0;

	if (!any_foundry(packs))
		return 0;
	last = &packs->v[packs->n - 1];
	for (size_t i = 0; i < packs->n; i++) {
		/* Only those that are empty go. */
		snprintf(path, sizeof(path), "%s/" DEPS "/%zu", places->app, i);
		(void)rmdir(path);
	}
	snprintf(path, sizeof(path), "%s/" PROFILE "/000_deps.sh", places->app);
	(void)unlink(path);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1 || (file = fdopen(fd, "w")) == NULL)
		result = -1;
	else {
		fputs(profile_head, file);
		if (!last->foundry || !pack_has(last->dir, "finalize"))
			fputs(profile_deps, file);
		if (fclose(file) == EOF)
			result = -1;
	}
	if (result == -1)
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be written: %s.",
		    path, strerror(errno));
	return result;
}
