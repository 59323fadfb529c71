/*
 * Checks what people send, by a table of fields.  A body is fine as a whole
 * or refused as a whole, with one sentence that names the field and says what
 * it should be.
 */
#ifndef PAAS_API_CHECK_H
#define PAAS_API_CHECK_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

enum check_type {
	CHECK_STRING, /* min and max: bytes */
	CHECK_BOOL,
	CHECK_INT,    /* min and max: its value */
	CHECK_NUMBER, /* as CHECK_INT, or its digits in a string: "3" */
	CHECK_OBJECT,
	CHECK_ARRAY /* min and max: elements */
};

#define CHECK_REQUIRED 0x01U
#define CHECK_NULLABLE 0x02U

struct check_field {
	const char *name; /* NULL ends a table */
	enum check_type type;
	unsigned int flags;
	int64_t min;
	int64_t max;
	int (*valid)(const char *); /* of a string; NULL takes any */
	const char *form; /* what it has to look like: ends the sentence */
};

/*
 * where names the object in messages ("updates[2]"), "" for the body itself.
 * Returns 0, or -1 with a sentence in err.
 */
int check_object(json_t *, const struct check_field *, const char *where,
    char err[PAAS_ERRLEN]);

/* The value of a CHECK_NUMBER that was found fine. */
int64_t check_number(const json_t *);

/* A whole number, no sign but '-', nothing round it: 0, or -1. */
int check_digits(const char *, int64_t *);

#endif
