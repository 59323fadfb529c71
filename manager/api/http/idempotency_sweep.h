/*
 * Takes away the answers that are kept no longer, every ten minutes, a slice a
 * commit.
 */
#ifndef PAAS_API_IDEMPOTENCY_SWEEP_H
#define PAAS_API_IDEMPOTENCY_SWEEP_H

#include "common/conf.h"

struct api;
struct idempotency_sweep;

struct idempotency_sweep *idempotency_sweep_open(
    struct api *, char err[PAAS_ERRLEN]);
void idempotency_sweep_close(struct idempotency_sweep *); /* NULL is fine */

#endif
