/*
 * What lists say of each app, as text that is kept until one of the records
 * that it was made of changes: to make that of a page of 200 takes 5 ms, in
 * which nobody else has an answer.
 *
 * Up to APP_TEXTS_MAX apps; of more, nothing is kept.
 */
#ifndef PAAS_API_APP_TEXTS_H
#define PAAS_API_APP_TEXTS_H

#include <jansson.h>

#include "common/conf.h"

#define APP_TEXTS_MAX 4096

struct api;
struct app_texts;

/* NULL with a sentence in err. */
struct app_texts *app_texts_open(struct api *, char err[PAAS_ERRLEN]);
void app_texts_close(struct app_texts *);

/*
 * Calls back for each app, in order of its key, with what pages go by: "id",
 * "name", "created_at", "updated_at", and "key".  0, or -1 if nothing is kept.
 */
typedef void (*app_texts_cb)(const char *key, json_t *brief, void *arg);
int app_texts_each(struct app_texts *, app_texts_cb, void *arg);

/*
 * The JSON of an array of these, to be freed, with one byte to spare behind
 * *len; NULL without memory.
 */
char *app_texts_join(struct app_texts *, json_t *briefs, size_t *len);

#endif
