/*
 * The Heroku buildpack API
 * (https://devcenter.heroku.com/articles/buildpack-api): bin/compile
 * BUILD_DIR CACHE_DIR ENV_DIR, `export`, which a pack writes for the packs
 * after it, and bin/release BUILD_DIR.
 */
#include "sandbox/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELEASE_MAX (64 * 1024)

/* Sources each export that is there, then becomes the pack's program. */
static const char compile_script[] =
    "while [ \"$1\" != -- ]; do "
    "if [ -f \"$1\" ]; then . \"$1\"; fi; shift; done; shift; exec \"$@\"";

static int
compile_run(const struct build_places *places, const struct packs *packs,
    size_t nth, char err[SANDBOX_ERRLEN])
{
	char exports[PACKS_MAX][600], program[600], *argv[PACKS_MAX + 12];
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = places->app};
	size_t n = 0;
	int status;

	snprintf(program, sizeof(program), "%s/bin/compile", packs->v[nth].dir);
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
	env_of_packs(&env);
	supply_env(places, packs, nth, &env);
	run.envp = env.v;
	status = run_program(places->guard, &run, err);
	env_free(&env);
	return status;
}

static int
compile_one(const struct build_places *places, const struct packs *packs,
    size_t nth, char err[SANDBOX_ERRLEN])
{
	const struct pack *pack = &packs->v[nth];
	int status;

	if (pack->foundry)
		return supply_pack(places, packs, nth, err);
	if (!pack_has(pack->dir, "compile")) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack \"%s\" has no bin/compile.", pack->id);
		return -1;
	}
	status = compile_run(places, packs, nth, err);
	if (status > 128)
		snprintf(err, SANDBOX_ERRLEN,
		    "The %s buildpack was ended by signal %d%s.", pack->name,
		    status - 128,
		    status == 137 ? ", most likely for want of memory "
				    "(build_memory in paas.conf)"
				  : "");
	else if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "The %s buildpack failed (exit %d): the lines above say "
		    "why. Nothing was changed.",
		    pack->name, status);
	return status == 0 ? 0 : -1;
}

int
packs_compile(const struct build_places *places, struct packs *packs,
    char err[SANDBOX_ERRLEN])
{
	if (supply_prepare(places, packs, err) == -1)
		return -1;
	for (size_t i = 0; i < packs->n; i++)
		if (compile_one(places, packs, i, err) == -1)
			return -1;
	return supply_finish(places, packs, err);
}

int
packs_release(const struct build_places *places, const struct packs *packs,
    struct release *release, char err[SANDBOX_ERRLEN])
{
	char why[SANDBOX_ERRLEN];
	const struct pack *pack;
	struct run_output output;
	int status;

	if (packs->n == 0)
		return 0;
	pack = &packs->v[packs->n - 1];
	if (!pack_has(pack->dir, "release"))
		return 0;
	status = pack_run(places, pack, "release", RELEASE_MAX, &output, err);
	if (status == -1)
		return -1;
	if (status != 0) {
		snprintf(why, sizeof(why), "exit %d", status);
		status = -1;
	} else
		status = release_parse(output.text, output.len, release, why);
	if (status == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "bin/release of the %s buildpack is wrong: %.300s",
		    pack->name, why);
	free(output.text);
	return status;
}
