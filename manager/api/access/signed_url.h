/*
 * What is to be had without a token, by a path that is signed and ends some
 * time: /streams/TEXT_MAC.  The text begins with what it is for.
 */
#ifndef PAAS_API_SIGNED_URL_H
#define PAAS_API_SIGNED_URL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/access/access.h"
#include "api/api_table.h"
#include "api/model.h"

struct request;

#define SIGNED_PREFIX_MAX 8 /* of a text, with its '_' */

/*
 * What the one who asks came with, for a text that ends with that: it is good
 * for no more, and no longer.  With the NUL.
 */
#define SIGNED_BASIS 21
void signed_basis(const struct request *, char basis[SIGNED_BASIS + 1]);

/*
 * And back: r->who, r->name and r->app, which is that of the number, if all of
 * it is there still, and may see the app.  0, or -1.
 */
int signed_open(struct request *, uint64_t app, const char *basis);

/*
 * Whether what it was made with may do what takes that need, still: of the app
 * of that number, 0 for none.  r->who and r->app stay as they are.
 */
int signed_may(
    struct request *, const char *basis, uint64_t app, enum api_need);

/*
 * The URL of a text, which ends with '_', at the host that the request was
 * made to; query, "?..." or "", goes behind it.  null if no host was named.
 */
json_t *signed_url(const struct request *, const char *text, const char *query);

/* How much of a segment is the text, if it is one that we signed; else 0. */
size_t signed_text(const struct request *, const char *segment);

/* The 16 hex digits at `at`: 0, or -1. */
int signed_number(const char *at, uint64_t *number);

#endif
