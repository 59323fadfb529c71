/*
 * The folders that git keeps what is pushed in: state_dir/git/APP.git.  The
 * launcher makes them when the manager asks, and takes them away with the
 * app.
 */
#ifndef PAAS_API_REPOSITORY_H
#define PAAS_API_REPOSITORY_H

#include <stdint.h>

#include "common/conf.h"

struct api;
struct repositories;

struct repositories *repositories_open(struct api *, char err[PAAS_ERRLEN]);
void repositories_close(struct repositories *); /* calls nobody back */

/* Whether the app of that number has one, or may have one in a moment. */
int repository_exists(struct repositories *, uint64_t app);

/*
 * Makes one unless it is there; error is an errno, 0 if it is.  Called once,
 * perhaps from within.
 */
typedef void (*repository_cb)(int error, void *arg);
void repository_need(
    struct repositories *, uint64_t app, repository_cb, void *arg);

#endif
