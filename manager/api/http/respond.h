/*
 * Answers.  Each function gives the request its one answer and sends a
 * waiting one on its way; on a request that has one already, or whose client
 * has gone, it does nothing.
 */
#ifndef PAAS_API_RESPOND_H
#define PAAS_API_RESPOND_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdint.h>

#include "common/log.h"

struct range_rows;
struct request;

/* Takes the reference to body. */
void respond_json(struct request *, unsigned int status, json_t *body);

#define RESPOND_TAG 16 /* bytes */

/*
 * A GET of a list by what its pages go by: text() makes JSON of the rows that
 * are asked for, to be freed, with one byte to spare behind *len, and a tag
 * that is another one whenever the JSON is.
 */
typedef char *(*respond_text_cb)(const void *const *rows, size_t n, size_t *len,
    uint8_t tag[RESPOND_TAG], void *arg);
void respond_rows(
    struct request *, struct range_rows *, respond_text_cb, void *arg);

/* 200 with JSON that outlives the request, or 304 for who has it already. */
void respond_constant(struct request *, const char *text, size_t len);

/* {"id": id, "message": ...}; the text is for people, with the way out. */
void respond_error(struct request *, unsigned int status, const char *id,
    const char *fmt, ...) PAAS_PRINTF(4, 5);

/* The common ones. */
void respond_invalid(struct request *, const char *fmt, ...) PAAS_PRINTF(2, 3);
void respond_missing(struct request *, const char *fmt, ...) PAAS_PRINTF(2, 3);
void respond_conflict(struct request *, const char *fmt, ...) PAAS_PRINTF(2, 3);
void respond_broken(struct request *, const char *fmt, ...) PAAS_PRINTF(2, 3);

/* Any other answer: takes the response over. */
void respond_with(struct request *, unsigned int status, struct MHD_Response *);

int respond_given(const struct request *);

/* Adds a header to the answer that was given. */
void respond_header(struct request *, const char *name, const char *value);

#endif
