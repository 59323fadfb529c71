/*
 * What version 3 of Heroku's API says of every request, in one place: its
 * version, the pages of lists, how many requests are left.
 */
#ifndef PAAS_API_PROTOCOL_H
#define PAAS_API_PROTOCOL_H

#include <jansson.h>

#include "api/http/range.h"

struct request;

/*
 * The version that Accept asks for: 1, or 0 after an answer if there is none
 * such.  r->version3 says whether it asked for one.
 */
int protocol_version(struct request *);

/* Counts a request of r->who: 1, or 0 after an answer if it was one too many.
 */
int protocol_rate(struct request *);

/*
 * The page of a list that was asked for, in place of body, whose reference is
 * taken; status may change with it.  NULL after another answer.
 */
json_t *protocol_page(
    struct request *, unsigned int *status, json_t *body, struct range_said *);

/* The same of rows, in their place: 0, or -1 after another answer. */
int protocol_page_rows(struct request *, unsigned int *status,
    struct range_rows *, struct range_said *);

#endif
