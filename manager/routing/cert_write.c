#include "routing/cert_write.h"

#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"

static int
compare_hosts(struct cert_host *a, struct cert_host *b)
{
	return strcmp(a->name, b->name);
}

static int
compare_ids(struct cert_id *a, struct cert_id *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(cert_hosts, cert_host, entry, compare_hosts,
    __attribute__((__unused__)) static)
RB_GENERATE_INTERNAL(
    cert_ids, cert_id, entry, compare_ids, __attribute__((__unused__)) static)

/* ---- the copy ---------------------------------------------------------- */

static struct cert_host *
find_host(struct cert_db *db, const char *name)
{
	union {
		struct cert_host host;
		char
		    bytes[sizeof(struct cert_host) + PAAS_ROUTEDB_HOST_MAX + 1];
	} sought;

	if (strlcpy(sought.bytes + offsetof(struct cert_host, name), name,
		PAAS_ROUTEDB_HOST_MAX + 1) > PAAS_ROUTEDB_HOST_MAX)
		return NULL;
	return RB_FIND(cert_hosts, &db->hosts, &sought.host);
}

static void
note_host(struct cert_db *db, const char *name, size_t len, const uint64_t *ids)
{
	struct cert_host *host;

	if ((host = calloc(1, sizeof(*host) + len + 1)) == NULL)
		log_fatal("routing: out of memory");
	memcpy(host->name, name, len);
	memcpy(host->ids, ids, sizeof(host->ids));
	if (RB_INSERT(cert_hosts, &db->hosts, host) != NULL)
		free(host);
}

static struct cert_id *
find_id(struct cert_db *db, uint64_t id)
{
	struct cert_id sought = {.id = id};

	return RB_FIND(cert_ids, &db->ids, &sought);
}

static void
note_id(struct cert_db *db, uint64_t id)
{
	struct cert_id *item;

	if ((item = calloc(1, sizeof(*item))) == NULL)
		log_fatal("routing: out of memory");
	item->id = id;
	if (RB_INSERT(cert_ids, &db->ids, item) != NULL)
		free(item);
}

void
cert_db_clear(struct cert_db *db)
{
	struct cert_host *host;
	struct cert_id *id;

	while ((host = RB_MIN(cert_hosts, &db->hosts)) != NULL) {
		RB_REMOVE(cert_hosts, &db->hosts, host);
		free(host);
	}
	while ((id = RB_MIN(cert_ids, &db->ids)) != NULL) {
		RB_REMOVE(cert_ids, &db->ids, id);
		free(id);
	}
}

static int
load_host(paas_routedb_str_t name, const uint64_t *ids, void *arg)
{
	note_host(arg, (const char *)name.data, name.len, ids);
	return 0;
}

static int
load_id(const paas_routedb_cert_t *cert, void *arg)
{
	note_id(arg, cert->id);
	return 0;
}

int
cert_db_load(struct cert_db *db)
{
	paas_routedb_reader_t *reader = db->file->reader;
	uint64_t txn;
	int rc;

	cert_db_clear(db);
	if (routing_db_building(db->file))
		return PAAS_ROUTEDB_OK;
	rc = paas_routedb_begin(reader, &txn);
	if (rc == PAAS_ROUTEDB_EMISSING)
		return PAAS_ROUTEDB_OK; /* nothing was ever committed */
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	rc = paas_routedb_each_cert_host(reader, load_host, db);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_each_cert(reader, load_id, db);
	if (paas_routedb_end(reader) != PAAS_ROUTEDB_OK &&
	    rc == PAAS_ROUTEDB_OK)
		rc = PAAS_ROUTEDB_EAGAIN;
	return rc;
}

int
cert_db_has_host(struct cert_db *db, const char *host)
{
	return find_host(db, host) != NULL;
}

void
cert_db_each_host(
    struct cert_db *db, void (*cb)(const char *host, void *arg), void *arg)
{
	struct cert_host *host;

	RB_FOREACH (host, cert_hosts, &db->hosts)
		cb(host->name, arg);
}

/* ---- changes ----------------------------------------------------------- */

/* What breaks a rule concerns that record only; the rest sticks. */
static int
note(struct cert_db *db, int rc, const char *what)
{
	if (rc == PAAS_ROUTEDB_OK || rc == PAAS_ROUTEDB_ENOTFOUND) {
		db->file->changes++;
		return 0;
	}
	if (rc == PAAS_ROUTEDB_EINVAL)
		log_warn(
		    "routing: %s is refused by the certificate database", what);
	else if (db->file->error == PAAS_ROUTEDB_OK)
		db->file->error = rc;
	return -1;
}

static paas_routedb_str_t
str_of(const char *text)
{
	paas_routedb_str_t s = {(const uint8_t *)text, strlen(text)};

	return s;
}

/*
 * An id that no certificate has: readers who find none behind a name serve
 * what they serve where there is no name.
 */
#define NOBODYS_ID 1
const struct cert_entry cert_nobodys = {.id = NOBODYS_ID};

/* From records that may have been changed since the index took them in. */
static int
put_cert(struct cert_db *db, const struct cert_entry *entry)
{
	char key[STORE_KEY_MAX + 1], content[17];
	json_t *record, *secret;
	paas_routedb_cert_t cert = {.id = entry->id};
	const char *chain, *pem, *now;
	int rc = -1;

	if (entry->id == NOBODYS_ID || find_id(db, entry->id) != NULL)
		return 0;
	record = store_get(db->store, entry->key, NULL);
	secret = store_get(db->store,
	    key_format(key, "certkey/%s", strchr(entry->key, '/') + 1), NULL);
	chain = json_string_value(json_object_get(record, "chain"));
	now = json_string_value(json_object_get(record, "content"));
	pem = json_string_value(json_object_get(secret, "key"));
	key_format_id(content, entry->id);
	if (chain == NULL || pem == NULL)
		log_warn("routing: %s has no chain or no key", entry->key);
	else if (now != NULL && strcmp(now, content) == 0) {
		cert.chain = str_of(chain);
		cert.key = str_of(pem);
		rc = note(db, paas_routedb_put_cert(db->file->writer, &cert),
		    entry->key);
	}
	json_decref(record);
	json_decref(secret);
	if (rc == 0)
		note_id(db, entry->id);
	return rc;
}

static void
drop_host(struct cert_db *db, struct cert_host *host)
{
	if (note(db,
		paas_routedb_del_cert_host(
		    db->file->writer, str_of(host->name)),
		host->name) == -1)
		return;
	RB_REMOVE(cert_hosts, &db->hosts, host);
	free(host);
}

/* One that can't be written is no reason to do without the other. */
static void
put_choice(struct cert_db *db, struct cert_choice choice, uint64_t *ids)
{
	const struct cert_entry *entries[] = {choice.first, choice.second};
	int i, n = 0;

	for (i = 0; i < PAAS_ROUTEDB_CERTS_MAX; i++)
		if (entries[i] != NULL && put_cert(db, entries[i]) == 0)
			ids[n++] = entries[i]->id;
}

void
cert_db_set_host(
    struct cert_db *db, const char *name, struct cert_choice choice)
{
	struct cert_host *host = find_host(db, name);
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX] = {0};

	put_choice(db, choice, ids);
	if (host != NULL && memcmp(host->ids, ids, sizeof(ids)) == 0)
		return;
	if (ids[0] == 0) {
		if (host != NULL)
			drop_host(db, host);
		return;
	}
	if (note(db,
		paas_routedb_put_cert_host(db->file->writer, str_of(name), ids),
		name) == -1)
		return;
	if (host != NULL)
		memcpy(host->ids, ids, sizeof(ids));
	else
		note_host(db, name, strlen(name), ids);
}

static void
want(const struct cert_entry *entry, void *arg)
{
	struct cert_id *id = find_id(arg, entry->id);

	if (id != NULL)
		id->wanted = 1;
}

void
cert_db_sweep(struct cert_db *db, struct cert_index *index)
{
	struct cert_id *id, *next;

	RB_FOREACH (id, cert_ids, &db->ids)
		id->wanted = 0;
	cert_index_each(index, want, db);
	RB_FOREACH_SAFE (id, cert_ids, &db->ids, next) {
		if (id->wanted ||
		    note(db, paas_routedb_del_cert(db->file->writer, id->id),
			"the end of a certificate") == -1)
			continue;
		RB_REMOVE(cert_ids, &db->ids, id);
		free(id);
	}
}
