/*
 * Certificates of the store by the names that they have: what decides which
 * one is for a host.  Kept in memory, without chains and keys.
 */
#ifndef PAAS_CERT_INDEX_H
#define PAAS_CERT_INDEX_H

#include <bsd/sys/tree.h>
#include <jansson.h>
#include <stdint.h>

#include "store/keys.h"

struct cert_entry;

/* One name of one certificate; name belongs to the entry. */
struct cert_name {
	RB_ENTRY(cert_name) entry;
	struct cert_entry *cert;
	const char *name; /* "" as a bound of a search */
};

struct cert_entry {
	RB_ENTRY(cert_entry) entry;
	uint64_t id; /* of the contents */
	int64_t expires, created;
	int is_default, is_rsa;
	char uuid[37]; /* what people call it by */
	size_t nnames;
	struct cert_name *names;
	char owner[KEY_NAME_MAX + 1]; /* an app, or KEY_PLATFORM */
	char key[STORE_KEY_MAX + 1];  /* of its record */
};
RB_HEAD(cert_entries, cert_entry);
RB_HEAD(cert_names, cert_name);

struct cert_index {
	struct cert_entries entries; /* by key */
	struct cert_names names;     /* by name, owner, the best one first */
};

void cert_index_init(struct cert_index *);
void cert_index_clear(struct cert_index *);

/*
 * Takes the record of a key in, in the place of an older one; NULL takes it
 * out.  touch is called for each name that the old or the new one has; see
 * cert_index_each_name().  A record that makes no sense counts as none.
 */
typedef void (*cert_name_cb)(
    const struct cert_entry *, const char *name, void *arg);
void cert_index_set(struct cert_index *, const char *key, const json_t *record,
    cert_name_cb touch, void *arg);

void cert_index_each(struct cert_index *,
    void (*cb)(const struct cert_entry *, void *arg), void *arg);

/* All names of all, or of one owner if that is not NULL. */
void cert_index_each_name(
    struct cert_index *, const char *owner, cert_name_cb, void *arg);

/*
 * The best of an owner's that has this very name: the one that expires last,
 * then the newest.  NULL: none.
 */
const struct cert_entry *cert_index_find(
    struct cert_index *, const char *name, const char *owner);

/*
 * The best of the same owner's that has the name as well and a key of another
 * kind: beside RSA anything else, and RSA beside that.  NULL: none.
 */
const struct cert_entry *cert_index_find_beside(
    struct cert_index *, const char *name, const struct cert_entry *);

/* The one of that uuid, if it has the name and the owner. */
const struct cert_entry *cert_index_find_id(
    struct cert_index *, const char *name, const char *owner, const char *uuid);

/* Whether anybody's has this very name. */
int cert_index_has(struct cert_index *, const char *name);

/* The platform's default, or NULL. */
const struct cert_entry *cert_index_default(struct cert_index *);

#endif
