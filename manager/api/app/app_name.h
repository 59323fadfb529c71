/*
 * Names of apps: made up, and had by one app at a time (store/names.h).
 */
#ifndef PAAS_API_APP_NAME_H
#define PAAS_API_APP_NAME_H

#include "api/model.h"

#define APP_NAME_FORM "1 to 30 of a-z, 0-9 and '-', starting with a letter"

/* "quiet-river-4711"; not checked against those taken. */
void app_name_make(char name[MODEL_NAME_MAX]);

/*
 * Whether a valid name can be had: 0, or -1 after an answer.  rev is what
 * app/NAME has to have still in the commit, for which an app that has another
 * name by now may be there.
 */
int app_name_check(struct request *, const char *name, uint64_t *rev);

/* Whether an app is, or was, in keys of that name. */
int app_name_is_key(struct api *, const char *name);

/*
 * Gives the app of a request another name, which was checked: changes its new
 * record and adds to txn all that a name is.  0, or -1 after an answer.
 */
int app_rename(struct request *, struct store_txn *, json_t *app,
    const char *name, uint64_t rev);

#endif
