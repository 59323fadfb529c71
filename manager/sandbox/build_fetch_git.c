/*
 * A buildpack from a git server.  The repository in the store holds one
 * commit, and git asks the server for what is new: usually one question.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD       "refs/paas/pack"
#define HEAD_LOCK  "refs/paas/pack.lock"
#define COMMIT_MAX 128
#define ARGV_MAX   24
#define LOCK_FILES 5

struct git {
	const struct build_places *places;
	char repository[700];
	char index[700];
	struct env env;
};

/* Nothing of anybody's settings, no question to anybody, no other protocol. */
static void
git_env(struct git *git)
{
	static const char *const set[][2] = {
	    {"GIT_CONFIG_NOSYSTEM", "1"},
	    {"GIT_CONFIG_GLOBAL", "/dev/null"},
	    {"GIT_TERMINAL_PROMPT", "0"},
	    {"GIT_ASKPASS", "/bin/false"},
	    {"GIT_ALLOW_PROTOCOL", "https:http"},
	};

	env_of_packs(&git->env);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		env_set(&git->env, set[i][0], set[i][1]);
	env_set(&git->env, "GIT_DIR", git->repository);
	env_set(&git->env, "GIT_INDEX_FILE", git->index);
}

/* words end with NULL. */
static int
git_run(struct git *git, const char *const *words, struct run_output *output,
    char err[SANDBOX_ERRLEN])
{
	static const char *const first[] = {"/usr/bin/git", "-c",
	    "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c",
	    "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=20", "-c",
	    "advice.detachedHead=false"};
	char *argv[ARGV_MAX];
	struct run run = {.argv = argv,
	    .envp = git->env.v,
	    .cwd = "/",
	    .output = output,
	    .max = COMMIT_MAX,
	    .seconds = FETCH_SECONDS,
	    .file_max = FETCH_BYTES_MAX};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		argv[n++] = (char *)(uintptr_t)first[i];
	while (*words != NULL && n < ARGV_MAX - 1)
		argv[n++] = (char *)(uintptr_t)*words++;
	argv[n] = NULL;
	return run_program(git->places->guard, &run, err);
}

/* Of a build that was killed; there is only one at a time. */
static void
git_unlock(const struct git *git)
{
	static const char *const locks[LOCK_FILES] = {"shallow.lock",
	    "HEAD.lock", "config.lock", "packed-refs.lock", HEAD_LOCK};
	char path[800];

	for (size_t i = 0; i < LOCK_FILES; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", git->repository, locks[i]);
		(void)unlink(path);
	}
	(void)unlink(git->index);
}

static void
git_remove(struct git *git)
{
	char err[SANDBOX_ERRLEN];
	char *argv[] = {(char *)(uintptr_t) "/bin/rm",
	    (char *)(uintptr_t) "-rf", (char *)(uintptr_t) "--",
	    git->repository, NULL};
	struct run run = {.argv = argv, .envp = git->env.v, .cwd = "/"};

	(void)run_program(git->places->guard, &run, err);
}

static int
git_init(struct git *git, char err[SANDBOX_ERRLEN])
{
	const char *const words[] = {"init", "-q", "--bare", NULL};
	int status = git_run(git, words, NULL, err);

	if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "git can't make a repository in the cache (exit %d).",
		    status);
	return status == 0 ? 0 : -1;
}

/* The commit that a name stands for: 1 and its hex, 0 if there is none. */
static int
git_resolve(struct git *git, const char *name, char commit[COMMIT_MAX + 1],
    char err[SANDBOX_ERRLEN])
{
	char what[COMMIT_MAX + 16];
	const char *const words[] = {
	    "rev-parse", "--verify", "--quiet", "--end-of-options", what, NULL};
	struct run_output output;
	int status;

	snprintf(what, sizeof(what), "%.*s^{commit}", COMMIT_MAX, name);
	status = git_run(git, words, &output, err);
	if (status == -1)
		return -1;
	output.text[strcspn(output.text, "\n")] = '\0';
	snprintf(commit, COMMIT_MAX + 1, "%s", output.text);
	free(output.text);
	return status == 0;
}

static int
is_commit(const char *ref)
{
	size_t len = strlen(ref);

	return (len == 40 || len == 64) &&
	       strspn(ref, "0123456789abcdef") == len;
}

/* What git check-ref-format forbids, and more, of which no ref needs any. */
static int
is_ref(const char *ref)
{
	size_t len = strlen(ref);

	return len > 0 && len <= 200 && ref[0] != '-' && ref[0] != '/' &&
	       strstr(ref, "..") == NULL &&
	       strspn(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
			   "xyz0123456789._/+-") == len;
}

/* 0, the exit status of git, RUN_TIMEOUT, or -1 with err. */
static int
git_fetch(
    struct git *git, const char *url, const char *ref, char err[SANDBOX_ERRLEN])
{
	char spec[300];
	const char *const shallow[] = {"fetch", "-q", "--no-tags", "--force",
	    "--no-recurse-submodules", "--depth", "1", "--end-of-options", url,
	    spec, NULL};
	const char *const whole[] = {"fetch", "-q", "--no-tags", "--force",
	    "--no-recurse-submodules", "--end-of-options", url, spec, NULL};
	int status;

	snprintf(spec, sizeof(spec), "%s:" HEAD, ref);
	status = git_run(git, shallow, NULL, err);
	/* A server of plain files knows no depth. */
	if (status > 0 && status < 128 + 64)
		status = git_run(git, whole, NULL, err);
	return status;
}

/* Gets the repository up to date; commit is what is to be used. */
static int
git_update(struct git *git, const char *url, const char *ref,
    char commit[COMMIT_MAX + 1], char err[SANDBOX_ERRLEN])
{
	int found, status;

	if (ref != NULL && is_commit(ref) &&
	    (found = git_resolve(git, ref, commit, err)) != 0)
		return found == 1 ? 0 : -1;
	status = git_fetch(git, url, ref != NULL ? ref : "HEAD", err);
	if (status == -1 || (found = git_resolve(git, HEAD, commit, err)) == -1)
		return -1;
	if (status == 0 && found)
		return 0;
	if (found) {
		printf(" !     %s could not be fetched: the copy of an "
		       "earlier build is used\n",
		    url);
		return 0;
	}
	if (status == RUN_TIMEOUT)
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack %.300s could not be fetched within %d s.",
		    url, FETCH_SECONDS);
	else
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack %.200s could not be fetched: the lines "
		    "above say why. Check the address%s.",
		    url,
		    ref != NULL ? ", and that behind # is a branch, a tag or "
				  "a whole commit"
				: "");
	return -1;
}

static int
git_export(struct git *git, const char *url, const char *dir,
    const char *commit, char err[SANDBOX_ERRLEN])
{
	const char *const words[] = {
	    "checkout", "-q", "-f", commit, "--", ".", NULL};
	char path[700];
	int status;

	if (mkdir(dir, 0755) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be made: %s.", dir,
		    strerror(errno));
		return -1;
	}
	env_set(&git->env, "GIT_WORK_TREE", dir);
	status = git_run(git, words, NULL, err);
	if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack %.300s could not be unpacked: the lines "
		    "above say why.",
		    url);
	if (status != 0)
		return -1;
	printf("       %s at %.12s\n", url, commit);
	snprintf(path, sizeof(path), "%s/.gitmodules", dir);
	if (access(path, F_OK) == 0)
		printf(
		    " !     %s has submodules, which are not fetched\n", url);
	return 0;
}

static int
git_get(struct git *git, const char *url, const char *ref, const char *dir,
    char err[SANDBOX_ERRLEN])
{
	char commit[COMMIT_MAX + 1];

	if (access(git->repository, F_OK) == 0)
		git_unlock(git);
	else if (git_init(git, err) == -1)
		return -1;
	if (git_update(git, url, ref, commit, err) == 0 &&
	    git_export(git, url, dir, commit, err) == 0)
		return 0;
	/* Whatever is wrong with it, the next build begins anew. */
	git_remove(git);
	return -1;
}

int
fetch_git(const struct build_places *places, const char *url, const char *ref,
    const char *store, const char *dir, char err[SANDBOX_ERRLEN])
{
	struct git git = {.places = places};
	char name[100];
	int result;

	if (ref != NULL && !is_ref(ref)) {
		snprintf(err, SANDBOX_ERRLEN,
		    "\"%s\" behind # is no branch, tag or commit of a "
		    "buildpack.",
		    text_escape(name, sizeof(name), ref));
		return -1;
	}
	if (access("/usr/bin/git", X_OK) == -1) {
		snprintf(err, SANDBOX_ERRLEN,
		    "git is not installed on this machine: its owner can run "
		    "'apt-get install git'.");
		return -1;
	}
	snprintf(git.repository, sizeof(git.repository), "%s/git", store);
	snprintf(git.index, sizeof(git.index), "%s/index", store);
	git_env(&git);
	result = git_get(&git, url, ref, dir, err);
	(void)unlink(git.index);
	env_free(&git.env);
	return result;
}
