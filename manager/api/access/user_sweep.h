/*
 * Takes away what users that are gone have left, a slice a commit.
 */
#ifndef PAAS_API_USER_SWEEP_H
#define PAAS_API_USER_SWEEP_H

#include "common/conf.h"

struct api;
struct user_sweep;

struct user_sweep *user_sweep_open(struct api *, char err[PAAS_ERRLEN]);
void user_sweep_close(struct user_sweep *); /* NULL is fine */

#endif
