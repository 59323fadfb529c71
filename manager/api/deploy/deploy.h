/*
 * Watches a release come up, for the one who pushed it.
 */
#ifndef PAAS_API_DEPLOY_H
#define PAAS_API_DEPLOY_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

struct api;
struct deploy;

enum deploy_result {
	DEPLOY_LIVE,
	DEPLOY_CANARY,   /* it gets its share, until somebody decides */
	DEPLOY_FAILED,   /* the text says why */
	DEPLOY_REPLACED, /* a later release came before it was ready */
	DEPLOY_GONE      /* the app was destroyed */
};

struct deploy_owner {
	/*
	 * A line for people, without a newline: raw bytes of programs among
	 * them.  Non-zero: no more of the latter until deploy_resume.
	 */
	int (*line)(const char *text, size_t len, void *arg);
	/* The first of its instances is being started. */
	void (*started)(void *arg);
	/* Once; the deploy is gone then. */
	void (*done)(enum deploy_result, const char *text, void *arg);
};

/* number is that of the app.  Never calls back from within; NULL: no memory. */
struct deploy *deploy_open(struct api *, const char *name, uint64_t number,
    int64_t version, const struct deploy_owner *, void *arg);

void deploy_resume(struct deploy *);

/* Before done: nothing is called any more.  NULL is fine. */
void deploy_close(struct deploy *);

#endif
