/*
 * What the two ways to a build share: an archive as the body, and JSON that
 * names one.
 */
#ifndef PAAS_API_BUILD_WAY_H
#define PAAS_API_BUILD_WAY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "build/build.h"

struct request;

#define BUILD_COMMIT_MAX 65 /* of git, with the NUL */

/* Answers with what the build room refuses. */
void build_refuse(struct request *, const struct build_error *);

/* 40 or 64 hex digits. */
int build_is_commit(const char *text);

/* "SHA256:" and 64 hex digits. */
#define BUILD_CHECKSUM     "SHA256:"
#define BUILD_CHECKSUM_LEN (sizeof(BUILD_CHECKSUM) - 1 + BUILD_SHA256_HEX - 1)
int build_is_checksum(const char *text);

/* A token of one push makes one build: 0 after an answer. */
int build_is_first(struct request *);

/*
 * The record of the app's last build that has this text in a field, a new
 * reference, with its id; NULL: there is none.
 */
json_t *build_search(
    struct request *, const char *field, const char *is, uint64_t *id);

/* ---- build_order.c: JSON */

int build_order_is(struct request *);
void build_order_head(struct request *);
void build_order_create(struct request *);

#endif
