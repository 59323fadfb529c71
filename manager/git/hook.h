/*
 * paas-git-hook: the pre-receive hook of every repository.  It hands the tree
 * of the pushed commit to the manager as a build, shows what that prints to
 * the person pushing, and lets the push be accepted if the release runs.
 *
 *   hook_refs.c    what may be pushed
 *   hook_git.c     what git knows of it
 *   hook_build.c   the build, and its end over a restart of the manager
 *   hook_say.c     lines for people
 */
#ifndef PAAS_GIT_HOOK_H
#define PAAS_GIT_HOOK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/conf.h"

#define HOOK_OID_MAX 65 /* SHA-256 in hex, with the NUL */
#define HOOK_REF_MAX 256

/* One line of git's: "OLD NEW REF". */
struct hook_ref {
	char from[HOOK_OID_MAX];
	char to[HOOK_OID_MAX];
	char name[HOOK_REF_MAX];
};

/* ---- hook_refs.c */

/*
 * Reads what is pushed, len bytes of git's.  0 if it is one branch that
 * deploys; -1 with a sentence in err for whoever pushes.
 */
int hook_read_refs(struct hook_ref *, const char *text, size_t len, char *err);

/* -1, with a sentence in err, of PAAS_ERRLEN. */
int hook_refuse(char *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "main", of "refs/heads/main". */
const char *hook_branch(const struct hook_ref *);

/* ---- hook_git.c: each 0, or -1 with a sentence in err */

/*
 * The push is of a commit, without submodules, of so many files and folders at
 * most, and on top of what was said.
 */
int hook_check_commit(const struct hook_ref *, uint64_t entries, char *err);

/* git archive of a commit: a tar to read.  hook_archive_end says if it is
 * whole. */
int hook_archive(const char *commit, pid_t *pid);
int hook_archive_end(pid_t);

/* ---- hook_build.c */

struct hook {
	struct conf conf;
	const char *app;
	const char *token;
	struct hook_ref ref;
};

/* Builds and deploys it.  The exit status: 0 if it runs. */
int hook_build(struct hook *);

/* ---- hook_say.c */

/* A line as it is, but for control bytes and colours. */
void hook_say(const char *text, size_t len);

/* " !     " and the text in lines that fit. */
void hook_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
