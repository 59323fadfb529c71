/*
 * Changes to the record of an app: what a dozen verbs have in common.
 */
#ifndef PAAS_API_APP_CHANGE_H
#define PAAS_API_APP_CHANGE_H

#include <jansson.h>

struct request;
struct store_txn;

/*
 * A transaction that fails with a conflict, so that the verb runs again, if
 * the app has changed since this run of it read r->app.
 */
struct store_txn *app_change_begin(struct request *);

/*
 * Puts the new record of the app and answers status with the app.  Takes the
 * reference.
 */
void app_change_commit(
    struct request *, struct store_txn *, unsigned int status, json_t *app);

#endif
