/*
 * Idempotency-Key of a POST: who sends the same request twice gets one change
 * and the same answer twice.
 *
 * The answer is kept in the commit of the change, for a day, in
 * idem/HOUR/OWNER/HASH.  It may hold what is told only once, so it is encrypted
 * by a key that is made of the Idempotency-Key, which is not kept; HASH is of
 * it, too, and of method, path and account.  Whoever sends one that was
 * used with another body is told so.
 *
 * A route that is open looks once it knows who asks, so that nobody has the
 * answer of a log-in without its password, nor gets round the limits on wrong
 * ones.  Where only a secret in the body says who that is, it stands for the
 * account.
 */
#ifndef PAAS_API_IDEMPOTENCY_H
#define PAAS_API_IDEMPOTENCY_H

#include <jansson.h>

struct request;
struct store_txn;

#define IDEMPOTENCY_KEY_MAX 255 /* bytes that a client may send */
#define IDEMPOTENCY_HOURS   24  /* that an answer is kept */
#define IDEMPOTENCY_MAX     500 /* of an account in an hour */

/* Notes the body of a request, before it is parsed. */
void idempotency_body(struct request *);

/*
 * Before the verb: 1 to go on, 0 after an answer.  Of an open route the verb
 * asks again, as soon as r->who or r->known_by_body is set.
 */
int idempotency_look(struct request *);

/*
 * The same of an upload, which has a record of its own: what that has as
 * "again", "" for none, and as "body", of what was read before; NULL where
 * nothing compares that.  0, or -1 after an answer.
 */
#define IDEMPOTENCY_HASH 33
int idempotency_upload(
    struct request *, char hash[IDEMPOTENCY_HASH], char body[IDEMPOTENCY_HASH]);

/*
 * With the change: its answer, borrowed.  0, or -1 after another answer, if
 * there are too many.
 */
int idempotency_add(
    struct request *, struct store_txn *, unsigned int status, json_t *reply);

/* Whether the answer is to be kept, though nothing changes. */
int idempotency_given(struct request *);

/* For one who added it, and then did nothing: the key is free again. */
void idempotency_forget(struct request *);

#endif
