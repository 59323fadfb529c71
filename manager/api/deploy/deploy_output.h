/*
 * What a release process prints, for the one who waits for the release.
 */
#ifndef PAAS_API_DEPLOY_OUTPUT_H
#define PAAS_API_DEPLOY_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct api;
struct deploy_output;

/* Non-zero: no more until deploy_output_resume. */
typedef int (*deploy_output_cb)(const char *text, size_t len, void *arg);

/*
 * From the first line on, as they come, never from within.  app is a number,
 * id that of the instance.  NULL: no memory.
 */
struct deploy_output *deploy_output_open(
    struct api *, uint64_t app, uint64_t id, deploy_output_cb, void *arg);
void deploy_output_resume(struct deploy_output *);

/* It has ended: what was not told yet is told now, bounded. */
void deploy_output_finish(struct deploy_output *);
void deploy_output_close(struct deploy_output *); /* NULL is fine */

#endif
