#include "schedule/strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000

enum form { FORM_WORD, FORM_PART, FORM_NUMBER };

static const struct setting {
	const char *name;
	enum form form;
	const char *otherwise;
	uint32_t min, max; /* of NUMBER */
	const char *text;  /* "has to be TEXT" */
} table[] = {
    {"strategy", FORM_WORD, "rolling", 0, 0, "rolling, blue-green or canary"},
    {"max_surge", FORM_PART, "25%", 0, 0, "0 to 1000, or 0% to 100%"},
    {"max_unavailable", FORM_PART, "0", 0, 0, "0 to 1000, or 0% to 100%"},
    {"canary_weight", FORM_NUMBER, "10", 1, 99, "1 to 99 percent"},
    {"deadline", FORM_NUMBER, "600", 5, 86400, "5 to 86400 seconds"},
    {"release_timeout", FORM_NUMBER, "600", 1, 86400, "1 to 86400 seconds"},
};
#define SETTINGS (sizeof(table) / sizeof(table[0]))

static const char *const kinds[] = {
    [STRATEGY_ROLLING] = "rolling",
    [STRATEGY_BLUE_GREEN] = "blue-green",
    [STRATEGY_CANARY] = "canary",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- words -------------------------------------------------------------- */

static int
parse_kind(const char *text, enum strategy_kind *kind)
{
	size_t i;

	/* People write it either way. */
	if (strcmp(text, "blue_green") == 0)
		text = kinds[STRATEGY_BLUE_GREEN];
	for (i = 0; i < KINDS; i++) {
		if (strcmp(text, kinds[i]) != 0)
			continue;
		*kind = (enum strategy_kind)i;
		return 0;
	}
	return -1;
}

/* Digits, and what stands behind them: at most `max`. */
static int
parse_digits(const char *text, uint32_t max, uint32_t *number, char **end)
{
	unsigned long n;

	if (*text < '0' || *text > '9' || strlen(text) > 6)
		return -1;
	n = strtoul(text, end, 10);
	if (n > max)
		return -1;
	*number = (uint32_t)n;
	return 0;
}

static int
parse_part(const char *text, struct strategy_part *part)
{
	char *end;

	if (parse_digits(text, NUMBER_MAX, &part->number, &end) == -1)
		return -1;
	part->percent = strcmp(end, "%") == 0;
	if (!part->percent && *end != '\0')
		return -1;
	return part->percent && part->number > 100 ? -1 : 0;
}

static void
format_part(char *text, size_t len, const struct strategy_part *part)
{
	snprintf(text, len, "%u%s", part->number, part->percent ? "%" : "");
}

static const struct setting *
find_setting(const char *name)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

int
strategy_has(const char *name)
{
	return find_setting(name) != NULL;
}

static json_t *
parse_text(const struct setting *setting, const char *text)
{
	struct strategy_part part;
	enum strategy_kind kind;
	uint32_t number;
	char *end, word[16];

	switch (setting->form) {
	case FORM_WORD:
		return parse_kind(text, &kind) == 0 ? json_string(kinds[kind])
						    : NULL;
	case FORM_PART:
		if (parse_part(text, &part) == -1)
			return NULL;
		format_part(word, sizeof(word), &part);
		return json_string(word);
	case FORM_NUMBER:
		if (parse_digits(text, setting->max, &number, &end) == -1 ||
		    number < setting->min)
			return NULL;
		/* A percentage may be written as one. */
		if (*end != '\0' &&
		    (setting->max != 99 || strcmp(end, "%") != 0))
			return NULL;
		return json_integer(number);
	}
	return NULL;
}

json_t *
strategy_parse(const char *name, const json_t *given, char err[PAAS_ERRLEN])
{
	const struct setting *setting = find_setting(name);
	const char *text = json_string_value(given);
	json_t *value = NULL;
	char digits[24];

	if (setting == NULL) {
		snprintf(err, PAAS_ERRLEN,
		    "%.60s is no setting of roll-outs: there are strategy, "
		    "max_surge, max_unavailable, canary_weight, deadline and "
		    "release_timeout",
		    name);
		return NULL;
	}
	if (json_is_integer(given)) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(given));
		text = digits;
	}
	if (text != NULL && (value = parse_text(setting, text)) != NULL)
		return value;
	if (text != NULL)
		snprintf(err, PAAS_ERRLEN, "%s has to be %s, not \"%.60s\"",
		    setting->name, setting->text, text);
	else
		snprintf(err, PAAS_ERRLEN, "%s has to be %s", setting->name,
		    setting->text);
	return NULL;
}

int
strategy_check(const json_t *object, char err[PAAS_ERRLEN])
{
	struct strategy st;

	strategy_decode(&st, object);
	if (st.surge.number > 0 || st.unavailable.number > 0)
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "max_surge and max_unavailable can't both be 0: nothing could "
	    "ever be replaced");
	return -1;
}

json_t *
strategy_show(const json_t *object)
{
	json_t *all = json_object(), *text, *value;
	char err[PAAS_ERRLEN];
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		value = json_incref(json_object_get(object, table[i].name));
		if (value == NULL) {
			text = json_string(table[i].otherwise);
			value = strategy_parse(table[i].name, text, err);
			json_decref(text);
		}
		json_object_set_new(all, table[i].name, value);
	}
	return all;
}

/* ---- the record --------------------------------------------------------- */

static void
get_part(const json_t *object, const char *name, struct strategy_part *part)
{
	const char *text = json_string_value(json_object_get(object, name));
	struct strategy_part given = {0};

	if (text == NULL || parse_part(text, &given) == -1)
		(void)parse_part(find_setting(name)->otherwise, &given);
	*part = given;
}

static uint32_t
get_number(const json_t *object, const char *name)
{
	const struct setting *setting = find_setting(name);
	json_int_t n = json_integer_value(json_object_get(object, name));

	if (n >= setting->min && n <= setting->max)
		return (uint32_t)n;
	return (uint32_t)strtoul(setting->otherwise, NULL, 10);
}

void
strategy_decode(struct strategy *st, const json_t *object)
{
	const char *kind =
	    json_string_value(json_object_get(object, "strategy"));

	memset(st, 0, sizeof(*st));
	if (kind == NULL || parse_kind(kind, &st->kind) == -1)
		st->kind = STRATEGY_ROLLING;
	get_part(object, "max_surge", &st->surge);
	get_part(object, "max_unavailable", &st->unavailable);
	st->weight = get_number(object, "canary_weight");
	st->deadline = get_number(object, "deadline");
	st->release_timeout = get_number(object, "release_timeout");
}

json_t *
strategy_encode(const struct strategy *st)
{
	char surge[16], unavailable[16];

	format_part(surge, sizeof(surge), &st->surge);
	format_part(unavailable, sizeof(unavailable), &st->unavailable);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "strategy",
	    kinds[st->kind], "max_surge", surge, "max_unavailable", unavailable,
	    "canary_weight", (json_int_t)st->weight, "deadline",
	    (json_int_t)st->deadline, "release_timeout",
	    (json_int_t)st->release_timeout);
}

/* ---- arithmetic --------------------------------------------------------- */

static uint32_t
part_of(const struct strategy_part *part, uint32_t quantity, uint32_t round)
{
	if (!part->percent)
		return part->number;
	return (uint32_t)(((uint64_t)quantity * part->number + round) / 100);
}

uint32_t
strategy_unavailable(const struct strategy *st, uint32_t quantity)
{
	return part_of(&st->unavailable, quantity, 0);
}

uint32_t
strategy_surge(const struct strategy *st, uint32_t quantity)
{
	uint32_t surge = part_of(&st->surge, quantity, 99);

	if (surge == 0 && strategy_unavailable(st, quantity) == 0)
		return 1;
	return surge;
}

uint32_t
strategy_canaries(const struct strategy *st, uint32_t quantity)
{
	uint32_t n = (uint32_t)(((uint64_t)quantity * st->weight + 99) / 100);

	return n > 0 ? n : quantity > 0;
}
