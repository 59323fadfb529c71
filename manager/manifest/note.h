/*
 * What there is to say about a file: errors, which refuse it, and warnings.
 */
#ifndef PAAS_MANIFEST_NOTE_H
#define PAAS_MANIFEST_NOTE_H

#include <stddef.h>

#include "manifest/node.h"

#define NOTES_MAX  20
#define NOTE_LEN   600
#define NOTE_FILE  120
#define NOTE_VALUE 64 /* of a value in a sentence */

enum note_kind { NOTE_ERROR, NOTE_WARNING };

/* "manifest.yml:3:14: a sentence", fit for a terminal. */
struct note {
	enum note_kind kind;
	char text[NOTE_LEN];
};

struct notes {
	char file[NOTE_FILE];
	size_t errors; /* also those that found no room */
	size_t n;
	struct note v[NOTES_MAX];
};

/* An empty list about a file. */
void notes_begin(struct notes *, const char *file);

/* Texts of strangers stand in the arguments as note_value makes them. */
void note(struct notes *, enum note_kind, struct node_place, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* The first error, "" for none. */
const char *notes_first(const struct notes *);

/* A text as it may stand in a sentence: escaped, and cut. */
struct note_value {
	char text[NOTE_VALUE];
};
const char *note_value(struct note_value *, const char *text);

#endif
