/*
 * paas-git: what fcgiwrap runs for a request to git.DOMAIN, and paas-git-ssh
 * for a session, as paas-git.  It checks every word that nginx or the other
 * hands over, puts the app's repository in order, and has git do the rest in
 * an environment of its own making: serve_env.c, serve_repository.c,
 * serve_pump.c.
 */
#ifndef PAAS_GIT_SERVE_H
#define PAAS_GIT_SERVE_H

#include <stdint.h>

#include "common/conf.h"

/* nginx, paas-git-ssh and paas-git agree on these. */
#define SERVE_CONF       "PAAS_CONF"           /* the platform's paas.conf */
#define SERVE_REPOSITORY "PAAS_GIT_REPOSITORY" /* the app's number */
#define SERVE_APP        "PAAS_GIT_APP"        /* its name */
#define SERVE_USER       "PAAS_GIT_USER"       /* who asks */
#define SERVE_TOKEN      "PAAS_GIT_TOKEN"      /* of this push */
#define SERVE_SERVICE    "PAAS_GIT_SERVICE"    /* "info/refs", ... */
#define SERVE_LOCK       "PAAS_GIT_LOCK"       /* for the hook: a descriptor */

/* In place of GET and POST: a session over SSH. */
#define SERVE_SSH "SSH"

struct serve {
	struct conf conf;
	char conf_path[256];
	char repository[17];
	char app[31];
	char user[64];
	char token[160];
	char service[24];
	char method[8];
	char query[40];
	char type[64];
	char length[24];
	char encoding[8];
	char protocol[64];
	char address[48];
	int push; /* receive-pack, or its announcement */
	int ssh;
};

/* ---- serve_env.c */

/*
 * Reads the request by get, which is getenv but for tests.  0, or the HTTP
 * status of a refusal, with a sentence in err.
 */
int serve_read(struct serve *, char *(*get)(const char *), char *err);

/*
 * The environment of git, all of it: NAME=VALUE, ended by NULL; NULL if out
 * of memory.  libexec is the folder of the platform's programs.
 */
char **serve_environment(const struct serve *, const char *libexec, int lock);

/* ---- serve_repository.c */

/* Where it is: PATH_MAX bytes. */
void serve_path(char *path, const struct serve *);

struct serve_locks {
	int busy; /* of whoever works in the repository, its holders' children
		     included */
	int push; /* for the hook, which takes it: see hook.c */
};

/*
 * Makes what is missing of a bare repository, takes away what a push that was
 * killed has left if nobody else works there, and keeps others from doing so
 * as long as busy is open, by anybody.  0, or -1 with a sentence in err.
 */
int serve_prepare(const struct serve *, struct serve_locks *, char *err);

/* Takes away what is left, at the end: the last one there does it for all. */
void serve_tidy(const struct serve *, const struct serve_locks *);

/* ---- serve_sync.c */

/*
 * The hook reference-transaction of every repository, in which it runs; state
 * is git's word for how far that is.  Returns an exit status.
 */
#define SERVE_SYNC_HOOK "reference-transaction"
int serve_sync(const char *state);

/* ---- serve_pump.c */

/*
 * Reads what who sends by HTTP still has to say, within a bound, and throws it
 * away: fcgiwrap says 502 of its own to who sends to a program that has ended.
 */
void serve_drain(void);

/*
 * Runs argv[0] with its input ours, as long as it takes any: who sends by HTTP
 * should get the answer, not a broken pipe.  Who pushes is told if it ends
 * badly, and it ends if nobody reads its answer any more.  Returns its exit
 * status.
 */
int serve_pump(
    const struct serve *, const char *const *argv, char *const *environment);

#endif
