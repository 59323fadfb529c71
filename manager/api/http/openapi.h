/*
 * The API as an OpenAPI 3 document: what schema/ says of paths, bodies and
 * answers, with what api_table.c knows.  GET /schema shows it, and bodies are
 * checked by it before their verb runs: a field that it does not name can't
 * reach one.
 */
#ifndef PAAS_API_OPENAPI_H
#define PAAS_API_OPENAPI_H

#include <jansson.h>
#include <stddef.h>

#include "common/conf.h"

struct api_route;

struct openapi {
	json_t *document;
	json_t *schemas; /* of its components; borrowed, as are the bodies */
	json_t **bodies; /* for each of api_routes; NULL where none is told */
	char *text;      /* of the document, with its length */
	size_t len;
};

/* NULL with a sentence in err: a file of schema/ is damaged. */
struct openapi *openapi_open(char err[PAAS_ERRLEN]);
void openapi_close(struct openapi *);

/*
 * Is the body one that the route takes?  0, or -1 with a sentence in err,
 * which names the field.
 */
int openapi_check(const struct openapi *, const struct api_route *,
    json_t *body, char err[PAAS_ERRLEN]);

/*
 * The same of a value by a schema among those of its components; where names
 * it in messages, "" is the body.
 *
 * Of JSON Schema it obeys $ref, type, nullable, enum of texts, minimum,
 * maximum, minLength, maxLength (bytes), minItems, maxItems, items, required,
 * properties, maxProperties, additionalProperties, and anyOf by the type of
 * the value.  x-unit is ours, what a number is of: "seconds".  What else a
 * schema says (pattern, format) the verb looks at.
 */
int openapi_check_value(json_t *schemas, json_t *schema, json_t *value,
    const char *where, char err[PAAS_ERRLEN]);

/* ---- openapi_files.c */

/* The files of schema/, the frame first. */
struct openapi_file {
	const char *name; /* NULL ends them */
	const char *text;
	const char *end;
};

extern const struct openapi_file openapi_files[];

#endif
