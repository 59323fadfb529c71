/*
 * Lists in pages, as Heroku has it:
 *
 *   Range: version ]12..; max=10, order=desc
 *
 * is "what comes after 12".  FIRST..LAST are values of that field, each or both
 * left out; ']' before FIRST leaves that one out.  In descending order FIRST is
 * the greater one.  Of more than max (200 if not said, 1000 at most) the first
 * come with 206 and a Next-Range.
 *
 * A list comes whole to who asks neither for a range nor for version 3.
 */
#ifndef PAAS_API_RANGE_H
#define PAAS_API_RANGE_H

#include <jansson.h>
#include <stddef.h>

#define RANGE_DEFAULT 200
#define RANGE_MAX     1000
#define RANGE_VALUE   256 /* bytes of FIRST or LAST */
#define RANGE_TEXT    700

struct range {
	char field[32]; /* "": the best there is */
	char first[RANGE_VALUE], last[RANGE_VALUE];
	int exclusive;
	int descending;
	size_t max;
};

/* What comes with the list; "" is left out. */
struct range_said {
	char accept[RANGE_TEXT];
	char content[RANGE_TEXT];
	char next[RANGE_TEXT];
};

/* Reads a Range header: 0, or -1 if it is none. */
int range_parse(struct range *, const char *text);

/* "id, name": what the items of a list can be asked for by. */
void range_accept(json_t *list, struct range_said *);

/*
 * The same of a list that is no JSON: its fields, the first one of which its
 * pages go by, and the value of the n-th one of a row.
 */
struct range_rows {
	const void **rows;
	size_t n;
	const char *const *fields; /* up to a NULL */
	const char *(*value)(const void *row, size_t field);
};
void range_accept_rows(const struct range_rows *, struct range_said *);

/* That part of them takes their place; -1 if there is no such field. */
int range_cut_rows(
    struct range_rows *, const struct range *, struct range_said *);

/*
 * That part of a list: a new reference, or NULL if it has no such field, which
 * accept says.  In said is what the client is told.
 */
json_t *range_cut(json_t *list, const struct range *, struct range_said *);

#endif
