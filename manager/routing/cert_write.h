/*
 * The certificate database as the stage writes it, with a copy in memory of
 * which host has which certificate there.
 */
#ifndef PAAS_CERT_WRITE_H
#define PAAS_CERT_WRITE_H

#include "routing/cert_index.h"
#include "routing/routing_impl.h"

struct cert_host {
	RB_ENTRY(cert_host) entry;
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];
	char name[];
};

struct cert_id {
	RB_ENTRY(cert_id) entry;
	uint64_t id;
	int wanted;
};
RB_HEAD(cert_hosts, cert_host);
RB_HEAD(cert_ids, cert_id);

struct cert_db {
	struct routing_db *file;
	struct store *store;
	struct cert_hosts hosts;
	struct cert_ids ids;
};

/*
 * The copy, read anew: before a first transaction, and after one that failed.
 * PAAS_ROUTEDB_OK, or an error.
 */
int cert_db_load(struct cert_db *);
void cert_db_clear(struct cert_db *);

int cert_db_has_host(struct cert_db *, const char *host);

/* Calls back for each host in it; the callback must not change it. */
void cert_db_each_host(
    struct cert_db *, void (*cb)(const char *host, void *arg), void *arg);

/* For a host; the second one, or NULL, has a key of another kind. */
struct cert_choice {
	const struct cert_entry *first, *second;
};

/*
 * In a transaction: the host gets those certificates, whose chains and keys
 * are read from the store if they are not there yet; or none, for NULL, so
 * that it gets that of the wildcard over it or the default.  With cert_nobodys
 * it gets neither, but the server's own.
 */
extern const struct cert_entry cert_nobodys;
void cert_db_set_host(struct cert_db *, const char *host, struct cert_choice);

/* In a transaction: certificates that the index does not have go. */
void cert_db_sweep(struct cert_db *, struct cert_index *);

/* ---- cert_choose.c ------------------------------------------------------ */

/*
 * What is to be served for a canonical host, for ".example.com" what is below
 * it, or for "." all else.  NULL: it has no certificate of its own.
 */
struct cert_choice cert_choose(
    struct cert_index *, struct store *, const struct conf *, const char *host);

#endif
