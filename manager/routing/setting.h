/*
 * What can be set of a pool, or of a path of a host: one table, which the API
 * checks by, the routing obeys, and imported routes are read by.
 *
 * In the store a setting is a member of an object, with its canonical value:
 * true or false, a whole number, or a word.  One that is not there has its
 * default.
 */
#ifndef PAAS_ROUTING_SETTING_H
#define PAAS_ROUTING_SETTING_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "paas_routedb.h"

enum setting_kind {
	SETTING_BOOL,
	SETTING_INT,
	SETTING_WORD,
	SETTING_HASH, /* address, header:NAME, cookie:NAME */
	SETTING_HOST
};

/* What it can be set of. */
#define SETTING_APP     0x1U /* a process type */
#define SETTING_OUTSIDE 0x2U /* addresses that are no app's */
#define SETTING_PATH    0x4U /* a path of a host */

struct setting {
	const char *name; /* NULL ends the table */
	enum setting_kind kind;
	unsigned int of;
	int64_t min, max;         /* of INT */
	const char *const *words; /* of WORD, NULL ends them */
	const char *form;         /* "has to be FORM" */
	const char *otherwise;    /* where it is not set; NULL: none */
};

extern const struct setting settings[];

/* By its name, '-' for '_' allowed, among those of any of these; or NULL. */
const struct setting *setting_find(const char *name, unsigned int of);

/* "balance, sticky, ...": for who named one that there is not. */
void setting_names(unsigned int of, char *text, size_t len);

/*
 * The canonical value, a new reference, of what somebody gave: the value
 * itself, or its text, "on" and "10".  NULL with a sentence in err.
 */
json_t *setting_parse(
    const struct setting *, const json_t *given, char err[PAAS_ERRLEN]);

/* Each of them with what counts, set or not: a new object. */
json_t *setting_show(const json_t *object, unsigned int of);

/*
 * What an object of settings says about a pool; the rest of it is left alone.
 * Strings stay the object's.  Values that are none are passed over.
 */
void setting_apply(const json_t *object, paas_routedb_pool_t *);

/* The same for a path: its flags and where it redirects to. */
void setting_apply_path(const json_t *object, paas_routedb_path_t *);

#endif
