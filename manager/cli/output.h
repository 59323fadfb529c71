/*
 * What goes to a terminal or a pipe.  Nothing that came from an app, the API
 * or the command line gets there raw: every function here cleans it.
 */
#ifndef PAAS_CLI_OUTPUT_H
#define PAAS_CLI_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

struct out {
	FILE *file;
	int tty;
	int colour;     /* a terminal, and NO_COLOR does not say otherwise */
	unsigned width; /* columns of the terminal, 0 for no limit */
};

enum out_colour { OUT_NONE, OUT_BOLD, OUT_DIM, OUT_RED, OUT_GREEN, OUT_YELLOW };

/* Looks at the file's terminal, TERM and NO_COLOR (https://no-color.org). */
void out_init(struct out *, FILE *);

/* What out_clean lets through beside printable text. */
#define OUT_TAB      0x01
#define OUT_SGR      0x02 /* ESC [ ... m: colours and weight */
#define OUT_DROP_SGR 0x04 /* SGR sequences vanish, not shown escaped */
#define OUT_JSON     0x08 /* escapes are those of JSON */

/*
 * A copy of text that is safe to print: UTF-8 is kept, control characters
 * (C0, DEL, C1), bytes that are not UTF-8 and what turns the direction of
 * text round (a name could pose as another one) are shown escaped: \n, \x1b,
 * \u202e.  With OUT_SGR a sequence of colours is closed at the end of the
 * text.  The caller frees it; it ends the program when memory is out.
 */
char *out_clean(const char *text, size_t len, unsigned let);

/* Columns of cleaned text on a terminal; colours take none. */
unsigned out_columns(const char *clean);

/* Formats, cleans the whole (newlines too), adds a newline. */
void out_line(struct out *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A line of a log or a build: colours of its own on a terminal. */
void out_log(struct out *, const char *text, size_t len);

/* "2026-11-22T12:00:00Z" as "3m ago", or as it is if it is not a time. */
void out_ago(char *buf, size_t len, const char *iso);

/* Bytes as "1.5 MiB". */
void out_bytes(char *buf, size_t len, unsigned long long bytes);

/* Indented, with the same care; takes no reference. */
void out_json(struct out *, const json_t *);

/* The sequence that starts a colour, "" without colours; OUT_NONE ends it. */
const char *out_sgr(const struct out *, enum out_colour);

/*
 * Columns, which are aligned on a terminal: there one to the right is for
 * numbers, and the last one is cut at the edge.  Cells are given row by row.
 */
struct table;
struct table_column {
	const char *heading; /* NULL ends the list */
	int right;
};

struct table *table_new(const struct table_column *);
void table_cell(struct table *, enum out_colour, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints and frees; an empty table prints the sentence `none` instead. */
void table_print(struct table *, struct out *, const char *none);

#endif
