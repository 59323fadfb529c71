#include "manifest/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/sandbox.h"

void
notes_begin(struct notes *notes, const char *file)
{
	memset(notes, 0, sizeof(*notes));
	text_escape(notes->file, sizeof(notes->file), file);
}

void
note(struct notes *notes, enum note_kind kind, struct node_place at,
    const char *fmt, ...)
{
	char where[NOTE_FILE + 32], text[400];
	struct note *n;
	va_list ap;

	if (kind == NOTE_ERROR)
		notes->errors++;
	if (notes->n == NOTES_MAX)
		return;
	if (at.line > 0)
		snprintf(where, sizeof(where), "%s:%u:%u", notes->file, at.line,
		    at.column);
	else
		snprintf(where, sizeof(where), "%s", notes->file);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = &notes->v[notes->n++];
	n->kind = kind;
	snprintf(n->text, sizeof(n->text), "%s: %s", where, text);
}

const char *
notes_first(const struct notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		if (notes->v[i].kind == NOTE_ERROR)
			return notes->v[i].text;
	return "";
}

const char *
note_value(struct note_value *value, const char *text)
{
	return text_escape(value->text, sizeof(value->text), text);
}
