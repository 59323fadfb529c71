/*
 * Columns two blanks apart, and on a terminal as wide as the widest cell; no
 * blanks at the end of a line.
 */
#include <bsd/err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

struct cell {
	char *text; /* clean */
	unsigned columns;
	enum out_colour colour;
};

struct table {
	const struct table_column *column;
	size_t ncolumns;
	struct cell *cells; /* row by row */
	size_t ncells;
};

struct table *
table_new(const struct table_column *column)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		err(1, NULL);
	t->column = column;
	while (column[t->ncolumns].heading != NULL)
		t->ncolumns++;
	return t;
}

void
table_cell(struct table *t, enum out_colour colour, const char *fmt, ...)
{
	struct cell *cell;
	va_list ap;
	char *text;
	int len;

	if ((t->ncells & (t->ncells + 1)) == 0) {
		t->cells = reallocarray(
		    t->cells, 2 * (t->ncells + 1), sizeof(*t->cells));
		if (t->cells == NULL)
			err(1, NULL);
	}
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len == -1)
		err(1, NULL);
	cell = &t->cells[t->ncells++];
	cell->text = out_clean(text, (size_t)len, 0);
	cell->columns = out_columns(cell->text);
	cell->colour = colour;
	free(text);
}

/* Shortens a cell to so many columns, with an ellipsis as the last one. */
static void
table_cut(struct cell *cell, unsigned columns)
{
	size_t len = strlen(cell->text);

	if (cell->columns <= columns || columns < 2)
		return;
	while (len > 0 && out_columns(cell->text) > columns - 1) {
		len--;
		while (((unsigned char)cell->text[len] & 0xc0) == 0x80)
			len--;
		cell->text[len] = '\0';
	}
	cell->text = realloc(cell->text, len + sizeof("\u2026"));
	if (cell->text == NULL)
		err(1, NULL);
	memcpy(cell->text + len, "\u2026", sizeof("\u2026"));
	cell->columns = out_columns(cell->text);
}

/* Blanks are held back until something follows them: none end a line. */
static void
table_row(const struct table *t, const struct out *out, struct cell *row,
    const unsigned *width)
{
	unsigned used = 0, blanks = 0, pad;
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		struct cell *cell = &row[i];

		if (i + 1 == t->ncolumns && out->width > used)
			table_cut(cell, out->width - used);
		pad = out->tty && width[i] > cell->columns
			  ? width[i] - cell->columns
			  : 0;
		used += width[i] + 2;
		if (t->column[i].right)
			blanks += pad;
		if (cell->columns > 0) {
			fprintf(out->file, "%*s%s%s%s", (int)blanks, "",
			    cell->colour != OUT_NONE
				? out_sgr(out, cell->colour)
				: "",
			    cell->text,
			    cell->colour != OUT_NONE ? out_sgr(out, OUT_NONE)
						     : "");
			blanks = 0;
		}
		blanks += 2 + (t->column[i].right ? 0 : pad);
	}
	fputc('\n', out->file);
}

static void
table_heading(
    const struct table *t, const struct out *out, const unsigned *width)
{
	struct cell *row = calloc(t->ncolumns, sizeof(*row));
	size_t i;

	if (row == NULL)
		err(1, NULL);
	for (i = 0; i < t->ncolumns; i++) {
		row[i].text = strdup(t->column[i].heading);
		if (row[i].text == NULL)
			err(1, NULL);
		row[i].columns = out_columns(row[i].text);
		row[i].colour = OUT_BOLD;
	}
	table_row(t, out, row, width);
	for (i = 0; i < t->ncolumns; i++)
		free(row[i].text);
	free(row);
}

static void
table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void
table_print(struct table *t, struct out *out, const char *none)
{
	unsigned *width;
	size_t i;

	if (t->ncells < t->ncolumns) {
		out_line(out, "%s", none);
		table_free(t);
		return;
	}
	width = calloc(t->ncolumns, sizeof(*width));
	if (width == NULL)
		err(1, NULL);
	for (i = 0; i < t->ncolumns; i++)
		width[i] = out_columns(t->column[i].heading);
	for (i = 0; i < t->ncells; i++) {
		if (t->cells[i].columns > width[i % t->ncolumns])
			width[i % t->ncolumns] = t->cells[i].columns;
	}
	table_heading(t, out, width);
	for (i = 0; i + t->ncolumns <= t->ncells; i += t->ncolumns)
		table_row(t, out, &t->cells[i], width);
	free(width);
	table_free(t);
}
