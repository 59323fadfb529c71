#include "api/http/range.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/check.h"

/* The first of them that a list has is what its pages go by. */
static const char *const fields[] = {"version", "name", "hostname", "id",
    "type", "email", "host", "order", "ordinal", "created_at", "updated_at",
    "started_at", "expires_at"};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* ---- the header -------------------------------------------------------- */

static const char *
range_skip(const char *text)
{
	return text + strspn(text, " \t");
}

/* What stands before one of the ends: where that is; NULL if too long. */
static const char *
range_take(const char *text, const char *ends, char *out, size_t size)
{
	size_t len = strcspn(text, ends);
	const char *end = text + len;

	while (len > 0 && strchr(" \t", text[len - 1]) != NULL)
		len--;
	if (len >= size)
		return NULL;
	memcpy(out, text, len);
	out[len] = '\0';
	return end;
}

/* max=10 or order=desc */
static int
range_option(struct range *range, const char *word)
{
	int64_t max;

	if (strncmp(word, "max=", 4) == 0) {
		if (check_digits(word + 4, &max) == -1 || max < 1 ||
		    max > RANGE_MAX)
			return -1;
		range->max = (size_t)max;
		return 0;
	}
	if (strcmp(word, "order=asc") != 0 && strcmp(word, "order=desc") != 0)
		return -1;
	range->descending = strcmp(word, "order=desc") == 0;
	return 0;
}

int
range_parse(struct range *range, const char *text)
{
	const char *at = range_skip(text), *dots;
	char both[2 * RANGE_VALUE + 2], word[32];

	memset(range, 0, sizeof(*range));
	range->max = RANGE_DEFAULT;
	at = range_take(at, " \t", range->field, sizeof(range->field));
	if (at == NULL || range->field[0] == '\0')
		return -1;
	at = range_skip(at);
	if ((at = range_take(at, ";", both, sizeof(both))) == NULL ||
	    (dots = strstr(both, "..")) == NULL)
		return -1;
	range->exclusive = both[0] == ']';
	if ((size_t)(dots - both) >= sizeof(range->first) ||
	    strlcpy(range->last, range_skip(dots + 2), sizeof(range->last)) >=
		sizeof(range->last))
		return -1;
	memcpy(range->first, both + range->exclusive,
	    (size_t)(dots - both) - (size_t)range->exclusive);
	while (*at == ';' || *at == ',') {
		at = range_take(range_skip(at + 1), ";,", word, sizeof(word));
		if (at == NULL)
			return -1;
		if (word[0] != '\0' && range_option(range, word) == -1)
			return -1;
	}
	return 0;
}

/* ---- values ------------------------------------------------------------ */

struct item {
	const char *text; /* or NULL */
	int64_t number;
	size_t at; /* where it was */
	int descending;
};

static int
value_compare(const struct item *a, const struct item *b)
{
	if (a->text == NULL || b->text == NULL) {
		if (a->text != b->text)
			return a->text == NULL ? -1 : 1;
		return a->number < b->number ? -1 : a->number > b->number;
	}
	return strcmp(a->text, b->text);
}

static int
item_compare(const void *one, const void *two)
{
	const struct item *a = one, *b = two;
	int order = value_compare(a, b);

	if (order == 0)
		return a->at < b->at ? -1 : 1;
	return a->descending ? -order : order;
}

static void
item_read(struct item *item, json_t *json, const char *field)
{
	json_t *value = json_object_get(json, field);

	item->text = json_string_value(value);
	item->number = json_integer_value(value);
}

/* A bound in the type that the list has. */
static void
item_bound(struct item *bound, const char *text, const struct item *like)
{
	memset(bound, 0, sizeof(*bound));
	if (like->text != NULL)
		bound->text = text;
	else if (check_digits(text, &bound->number) == -1)
		bound->number = 0;
}

static const char *
item_print(const struct item *item, char out[RANGE_VALUE])
{
	if (item->text != NULL)
		strlcpy(out, item->text, RANGE_VALUE);
	else
		snprintf(out, RANGE_VALUE, "%" PRId64, item->number);
	return out;
}

/* ---- the list ---------------------------------------------------------- */

/*
 * Whether Next-Range can say it, and be read again: what people call
 * themselves may be "Ada; max=7", or no ASCII.
 */
static int
value_fits(json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL)
		return json_is_integer(value);
	if (len == 0 || len >= RANGE_VALUE || text[0] == ' ' ||
	    text[0] == ']' || text[len - 1] == ' ' || text[len - 1] == '.' ||
	    strstr(text, "..") != NULL)
		return 0;
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~' || *text == ';')
			return 0;
	return 1;
}

/* Each item has it; an empty list has all. */
static int
list_has(json_t *list, const char *field)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!value_fits(json_object_get(item, field)))
			return 0;
	return 1;
}

static void
accept_add(struct range_said *said, const char *field)
{
	if (said->accept[0] != '\0')
		strlcat(said->accept, ", ", sizeof(said->accept));
	strlcat(said->accept, field, sizeof(said->accept));
}

void
range_accept(json_t *list, struct range_said *said)
{
	size_t i;

	memset(said, 0, sizeof(*said));
	for (i = 0; i < FIELDS; i++)
		if (list_has(list, fields[i]))
			accept_add(said, fields[i]);
}

void
range_accept_rows(const struct range_rows *rows, struct range_said *said)
{
	size_t i;

	memset(said, 0, sizeof(*said));
	for (i = 0; rows->fields[i] != NULL; i++)
		accept_add(said, rows->fields[i]);
}

static const char *
range_field(json_t *list, const char *wanted)
{
	size_t i;

	for (i = 0; i < FIELDS; i++)
		if ((wanted[0] == '\0' || strcmp(fields[i], wanted) == 0) &&
		    list_has(list, fields[i]))
			return fields[i];
	return NULL;
}

static int
range_has(const struct range *range, const struct item *item)
{
	int way = range->descending ? -1 : 1, order;
	struct item bound;

	if (range->first[0] != '\0') {
		item_bound(&bound, range->first, item);
		order = way * value_compare(item, &bound);
		if (order < 0 || (order == 0 && range->exclusive))
			return 0;
	}
	if (range->last[0] == '\0')
		return 1;
	item_bound(&bound, range->last, item);
	return way * value_compare(item, &bound) <= 0;
}

static size_t
range_fill(json_t *list, const struct range *range, const char *field,
    struct item *items)
{
	json_t *json;
	size_t i, n = 0;

	json_array_foreach (list, i, json) {
		items[n] = (struct item){.at = i};
		items[n].descending = range->descending;
		item_read(&items[n], json, field);
		if (range_has(range, &items[n]))
			n++;
	}
	return n;
}

/* Most lists come in the order that they are asked for in. */
static void
range_sort(struct item *items, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (item_compare(&items[i - 1], &items[i]) > 0) {
			qsort(items, n, sizeof(*items), item_compare);
			return;
		}
}

static void
range_say(const struct range *range, const char *field,
    const struct item *items, size_t n, size_t all, struct range_said *said)
{
	char first[RANGE_VALUE], last[RANGE_VALUE], more[64];

	if (n == 0)
		return;
	snprintf(more, sizeof(more), "max=%zu%s", range->max,
	    range->descending ? ", order=desc" : "");
	item_print(&items[0], first);
	item_print(&items[n - 1], last);
	snprintf(said->content, sizeof(said->content), "%s %s..%s; %s", field,
	    first, last, more);
	if (n < all)
		snprintf(said->next, sizeof(said->next), "%s ]%s..%s; %s",
		    field, last, range->last, more);
}

/* How many of the items that are in the range make the page. */
static size_t
range_page(const struct range *range, const char *field, struct item *items,
    size_t all, struct range_said *said)
{
	size_t n = all < range->max ? all : range->max;

	range_sort(items, all);
	/* The next page begins behind this value: all that have it are here. */
	while (n > 0 && n < all && value_compare(&items[n - 1], &items[n]) == 0)
		n++;
	range_say(range, field, items, n, all, said);
	return n;
}

json_t *
range_cut(json_t *list, const struct range *range, struct range_said *said)
{
	struct item *items = calloc(json_array_size(list) + 1, sizeof(*items));
	const char *field = range_field(list, range->field);
	json_t *part;
	size_t i, n;

	range_accept(list, said);
	if (field == NULL || items == NULL) {
		free(items);
		return NULL;
	}
	n = range_fill(list, range, field, items);
	n = range_page(range, field, items, n, said);
	part = json_array();
	for (i = 0; i < n; i++)
		json_array_append(part, json_array_get(list, items[i].at));
	free(items);
	return part;
}

/* ---- rows ---------------------------------------------------------------- */

static int
rows_field(const struct range_rows *rows, const char *wanted)
{
	int i;

	if (wanted[0] == '\0')
		return 0;
	for (i = 0; rows->fields[i] != NULL; i++)
		if (strcmp(rows->fields[i], wanted) == 0)
			return i;
	return -1;
}

static size_t
rows_fill(const struct range_rows *rows, const struct range *range,
    size_t field, struct item *items)
{
	size_t i, n = 0;

	for (i = 0; i < rows->n; i++) {
		items[n] =
		    (struct item){.text = rows->value(rows->rows[i], field),
			.at = i,
			.descending = range->descending};
		if (range_has(range, &items[n]))
			n++;
	}
	return n;
}

int
range_cut_rows(
    struct range_rows *rows, const struct range *range, struct range_said *said)
{
	struct item *items = calloc(rows->n + 1, sizeof(*items));
	const void **part = calloc(rows->n + 1, sizeof(*part));
	int field = rows_field(rows, range->field);
	size_t i, n;

	range_accept_rows(rows, said);
	if (field == -1 || items == NULL || part == NULL) {
		free(items);
		free(part);
		return -1;
	}
	n = rows_fill(rows, range, (size_t)field, items);
	n = range_page(range, rows->fields[field], items, n, said);
	for (i = 0; i < n; i++)
		part[i] = rows->rows[items[i].at];
	if (n > 0) /* without rows there is no place for them */
		memcpy(rows->rows, part, n * sizeof(*part));
	rows->n = n;
	free(items);
	free(part);
	return 0;
}
