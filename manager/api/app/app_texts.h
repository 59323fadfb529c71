/*
 * What lists say of each app, as text that is kept until one of the records
 * that it was made of changes: to make that of a page of 200 takes 5 ms, in
 * which nobody else has an answer.
 *
 * What pages go by is there of all apps, some 350 bytes of each; of the texts,
 * a kilobyte each, up to APP_TEXTS_BYTES (text_cache.h).  Both are made after
 * a start while there is nothing else to do.
 */
#ifndef PAAS_API_APP_TEXTS_H
#define PAAS_API_APP_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "api/http/respond.h"
#include "common/conf.h"

#define APP_TEXTS_BYTES (8 * 1024 * 1024)

struct api;
struct app_texts;
struct range_rows;

/* NULL with a sentence in err. */
struct app_texts *app_texts_open(struct api *, char err[PAAS_ERRLEN]);
void app_texts_close(struct app_texts *);

/*
 * Calls back for each app, in the order of its key; the row is good until the
 * next turn of the loop.
 */
typedef void (*app_texts_cb)(const char *key, const void *row, void *arg);
void app_texts_each(struct app_texts *, app_texts_cb, void *arg);

/* What such rows have: the rest of *rows is the caller's. */
void app_texts_describe(struct range_rows *);

/* The JSON of an array of these, as respond_text_cb; arg is the app_texts. */
char *app_texts_join(const void *const *rows, size_t n, size_t *len,
    uint8_t tag[RESPOND_TAG], void *arg);

#endif
