#include "routing/cert_index.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static int
compare_entries(struct cert_entry *a, struct cert_entry *b)
{
	return strcmp(a->key, b->key);
}

static int
compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* Of those with the same name and owner the better one is the lesser. */
static int
compare_names(struct cert_name *a, struct cert_name *b)
{
	int rc;

	if ((rc = strcmp(a->name, b->name)) != 0 ||
	    (rc = strcmp(a->cert->owner, b->cert->owner)) != 0 ||
	    (rc = compare_numbers(b->cert->expires, a->cert->expires)) != 0 ||
	    (rc = compare_numbers(b->cert->created, a->cert->created)) != 0)
		return rc;
	return strcmp(a->cert->key, b->cert->key);
}

RB_GENERATE_INTERNAL(cert_entries, cert_entry, entry, compare_entries,
    __attribute__((__unused__)) static)
RB_GENERATE_INTERNAL(cert_names, cert_name, entry, compare_names,
    __attribute__((__unused__)) static)

/* ---- entries ----------------------------------------------------------- */

static void
free_entry(struct cert_entry *cert)
{
	free(cert->names);
	free(cert);
}

/* The texts of its names stand behind the entry. */
static struct cert_entry *
new_entry(const json_t *names)
{
	struct cert_entry *cert;
	size_t i, bytes = 0;
	json_t *name;
	char *text;

	json_array_foreach (names, i, name)
		bytes += json_string_length(name) + 1;
	if ((cert = calloc(1, sizeof(*cert) + bytes)) == NULL ||
	    (cert->names = calloc(
		 json_array_size(names) + 1, sizeof(*cert->names))) == NULL)
		log_fatal("routing: out of memory");
	text = (char *)(cert + 1);
	json_array_foreach (names, i, name) {
		if (json_string_length(name) == 0)
			continue;
		memcpy(text, json_string_value(name),
		    json_string_length(name) + 1);
		cert->names[cert->nnames].name = text;
		cert->names[cert->nnames++].cert = cert;
		text += json_string_length(name) + 1;
	}
	return cert;
}

static int64_t
number(const json_t *record, const char *field)
{
	return json_integer_value(json_object_get(record, field));
}

/* NULL if the record makes no sense. */
static struct cert_entry *
read_entry(const char *key, const json_t *record)
{
	const char *content =
	    json_string_value(json_object_get(record, "content"));
	const char *uuid = json_string_value(json_object_get(record, "id"));
	const char *type = json_string_value(json_object_get(record, "type"));
	struct cert_entry *cert;
	uint64_t id;

	if (content == NULL || key_parse_id(content, &id) == -1 || id == 0) {
		log_warn("routing: %s makes no sense", key);
		return NULL;
	}
	cert = new_entry(json_object_get(record, "names"));
	cert->id = id;
	cert->expires = number(record, "expires");
	cert->created = number(record, "created");
	cert->is_default = json_is_true(json_object_get(record, "default"));
	cert->is_rsa = type != NULL && strncmp(type, "RSA", 3) == 0;
	strlcpy(cert->uuid, uuid != NULL ? uuid : "", sizeof(cert->uuid));
	strlcpy(cert->key, key, sizeof(cert->key));
	if (key_part(key, 1, cert->owner, sizeof(cert->owner)) == 0)
		return cert;
	free_entry(cert);
	return NULL;
}

static void
insert(struct cert_index *index, struct cert_entry *cert)
{
	size_t i;

	RB_INSERT(cert_entries, &index->entries, cert);
	for (i = 0; i < cert->nnames; i++)
		if (RB_INSERT(cert_names, &index->names, &cert->names[i]) !=
		    NULL)
			cert->names[i].cert = NULL; /* twice in one */
}

static void
extract(struct cert_index *index, struct cert_entry *cert)
{
	size_t i;

	RB_REMOVE(cert_entries, &index->entries, cert);
	for (i = 0; i < cert->nnames; i++)
		if (cert->names[i].cert != NULL)
			RB_REMOVE(cert_names, &index->names, &cert->names[i]);
}

static struct cert_entry *
find_entry(struct cert_index *index, const char *key)
{
	struct cert_entry sought;

	strlcpy(sought.key, key, sizeof(sought.key));
	return RB_FIND(cert_entries, &index->entries, &sought);
}

static void
each_of(const struct cert_entry *cert, cert_name_cb cb, void *arg)
{
	size_t i;

	for (i = 0; i < cert->nnames; i++)
		cb(cert, cert->names[i].name, arg);
}

/* ---- the index --------------------------------------------------------- */

void
cert_index_init(struct cert_index *index)
{
	RB_INIT(&index->entries);
	RB_INIT(&index->names);
}

void
cert_index_clear(struct cert_index *index)
{
	struct cert_entry *cert;

	while ((cert = RB_MIN(cert_entries, &index->entries)) != NULL) {
		extract(index, cert);
		free_entry(cert);
	}
}

void
cert_index_set(struct cert_index *index, const char *key, const json_t *record,
    cert_name_cb touch, void *arg)
{
	struct cert_entry *old = find_entry(index, key), *new = NULL;

	if (record != NULL)
		new = read_entry(key, record);
	if (old != NULL)
		extract(index, old);
	if (new != NULL)
		insert(index, new);
	if (old != NULL) {
		each_of(old, touch, arg);
		free_entry(old);
	}
	if (new != NULL)
		each_of(new, touch, arg);
}

void
cert_index_each(struct cert_index *index,
    void (*cb)(const struct cert_entry *, void *), void *arg)
{
	struct cert_entry *cert;

	RB_FOREACH (cert, cert_entries, &index->entries)
		cb(cert, arg);
}

void
cert_index_each_name(
    struct cert_index *index, const char *owner, cert_name_cb cb, void *arg)
{
	struct cert_entry *cert;

	RB_FOREACH (cert, cert_entries, &index->entries)
		if (owner == NULL || strcmp(cert->owner, owner) == 0)
			each_of(cert, cb, arg);
}

/* The first one from there on that has the name, whoever owns it. */
static struct cert_name *
find_from(struct cert_index *index, const char *name, const char *owner)
{
	struct cert_entry bound = {.expires = INT64_MAX, .created = INT64_MAX};
	struct cert_name sought = {.cert = &bound, .name = name};
	struct cert_name *found;

	strlcpy(bound.owner, owner, sizeof(bound.owner));
	found = RB_NFIND(cert_names, &index->names, &sought);
	return found != NULL && strcmp(found->name, name) == 0 ? found : NULL;
}

static int
is_of(const struct cert_name *found, const char *name, const char *owner)
{
	return found != NULL && strcmp(found->name, name) == 0 &&
	       strcmp(found->cert->owner, owner) == 0;
}

const struct cert_entry *
cert_index_find(struct cert_index *index, const char *name, const char *owner)
{
	struct cert_name *found = find_from(index, name, owner);

	return is_of(found, name, owner) ? found->cert : NULL;
}

const struct cert_entry *
cert_index_find_beside(
    struct cert_index *index, const char *name, const struct cert_entry *cert)
{
	struct cert_name *found = find_from(index, name, cert->owner);

	while (is_of(found, name, cert->owner)) {
		if (found->cert->is_rsa != cert->is_rsa)
			return found->cert;
		found = RB_NEXT(cert_names, &index->names, found);
	}
	return NULL;
}

const struct cert_entry *
cert_index_find_id(struct cert_index *index, const char *name,
    const char *owner, const char *uuid)
{
	struct cert_name *found = find_from(index, name, owner);

	while (is_of(found, name, owner)) {
		if (strcmp(found->cert->uuid, uuid) == 0)
			return found->cert;
		found = RB_NEXT(cert_names, &index->names, found);
	}
	return NULL;
}

int
cert_index_has(struct cert_index *index, const char *name)
{
	return find_from(index, name, "") != NULL;
}

const struct cert_entry *
cert_index_default(struct cert_index *index)
{
	struct cert_entry *cert, *best = NULL;

	RB_FOREACH (cert, cert_entries, &index->entries)
		if (cert->is_default &&
		    strcmp(cert->owner, KEY_PLATFORM) == 0 &&
		    (best == NULL || cert->created > best->created))
			best = cert;
	return best;
}
