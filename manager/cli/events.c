#include "cli/events.h"

#include <bsd/err.h>
#include <stdlib.h>
#include <string.h>

/* The value of a field, if that is what the line is; its length goes down. */
static const char *
events_value(const char *field, const char *line, size_t *len)
{
	size_t n = strlen(field);

	if (*len < n || memcmp(line, field, n) != 0)
		return NULL;
	*len -= n;
	return line + n;
}

static void
events_copy(char *out, size_t size, const char *value, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(out, value, len);
	out[len] = '\0';
}

/* A CR in what the app has said ends a field: another one goes on. */
static void
events_append(struct events *e, const char *value, size_t len)
{
	if (e->text == NULL && (e->text = malloc(LINES_MAX)) == NULL)
		err(1, NULL);
	if (e->some && e->len < LINES_MAX)
		e->text[e->len++] = '\r';
	if (len > LINES_MAX - e->len)
		len = LINES_MAX - e->len;
	memcpy(e->text + e->len, value, len);
	e->len += len;
	e->some = 1;
}

static void
events_begin(struct events *e)
{
	e->next[0] = e->name[0] = '\0';
	e->len = 0;
	e->some = 0;
}

static int
events_whole(struct events *e)
{
	int rc = 0;

	if (e->some)
		rc = e->event(e->name, e->text, e->len, e->arg);
	if (rc == 0 && e->next[0] != '\0')
		memcpy(e->last, e->next, sizeof(e->last));
	events_begin(e);
	return rc;
}

static int
events_line(const char *line, size_t len, void *arg)
{
	struct events *e = arg;
	const char *value;

	if (len == 0)
		return events_whole(e);
	if ((value = events_value("data: ", line, &len)) != NULL)
		events_append(e, value, len);
	else if ((value = events_value("id: ", line, &len)) != NULL)
		events_copy(e->next, sizeof(e->next), value, len);
	else if ((value = events_value("event: ", line, &len)) != NULL)
		events_copy(e->name, sizeof(e->name), value, len);
	return 0;
}

int
events_feed(struct events *e, const char *data, size_t len)
{
	e->lines.line = events_line;
	e->lines.arg = e;
	return lines_feed(&e->lines, data, len);
}

void
events_end(struct events *e)
{
	(void)lines_end(&e->lines);
	events_begin(e);
	free(e->text);
	e->text = NULL;
}
