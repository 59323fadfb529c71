/*
 * Who has changed what, from where: a record in the commit of each change.
 * They are events of "-", the platform, in the store (store_event.c): the
 * newest thousand of them there, older ones in a file.
 */
#ifndef PAAS_API_AUDIT_H
#define PAAS_API_AUDIT_H

struct request;
struct store_txn;

/* Of the request, to the commit that it makes. */
void audit_add(struct request *, struct store_txn *);

/* In a commit of its own, where somebody else makes that. */
void audit_note(struct request *);

#endif
