#include "schedule/pace_setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#define DAY (24 * 3600)

enum form { FORM_NUMBER, FORM_SECONDS, FORM_MS, FORM_SWITCH };

/* min 0 and otherwise 0: it need not be set, and 0 is that. */
static const struct setting {
	enum pace_group group;
	enum form form;
	const char *name;
	int32_t otherwise; /* -1: it has to be given */
	int32_t min, max;
	const char *text; /* "has to be TEXT" */
} table[] = {
    {PACE_SLEEP, FORM_SECONDS, "after", -1, 1, 30 * DAY,
	"a time from 1s to 30d, as 30m"},
    {PACE_SLEEP, FORM_SWITCH, "all", 0, 0, 1, "on or off"},
    {PACE_AUTOSCALE, FORM_NUMBER, "min", 1, 1, 100000,
	"a number from 1 on: for none at all, let the app sleep"},
    {PACE_AUTOSCALE, FORM_NUMBER, "max", -1, 1, 100000, "a number from 1 on"},
    {PACE_AUTOSCALE, FORM_NUMBER, "concurrency", 0, 1, 100000,
	"how many requests at once an instance should have, from 1 on"},
    {PACE_AUTOSCALE, FORM_MS, "p95", 0, 1, 600000,
	"a time from 1ms to 10m, as 200ms"},
    {PACE_AUTOSCALE, FORM_SECONDS, "window", 300, 10, DAY,
	"a time from 10s to 1d, as 5m"},
};
#define SETTINGS (sizeof(table) / sizeof(table[0]))

static const struct {
	const char *suffix;
	int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000},
    {"d", (int64_t)DAY * 1000}};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* ---- reading ------------------------------------------------------------- */

/* "90s" in ms; digits alone are in the setting's own unit. */
static int64_t
parse_time(const char *text, int64_t own)
{
	char *end;
	long long n;
	size_t i;

	if (*text < '0' || *text > '9' || strlen(text) > 12)
		return -1;
	n = strtoll(text, &end, 10);
	if (*end == '\0')
		return n * own;
	for (i = 0; i < UNITS; i++)
		if (strcmp(end, units[i].suffix) == 0)
			return n > INT64_MAX / units[i].ms ? -1
							   : n * units[i].ms;
	return -1;
}

static int64_t
parse_text(const struct setting *setting, const char *text)
{
	int64_t n;
	char *end;

	switch (setting->form) {
	case FORM_SWITCH:
		return strcmp(text, "on") == 0    ? 1
		       : strcmp(text, "off") == 0 ? 0
						  : -1;
	case FORM_SECONDS:
		n = parse_time(text, 1000);
		return n == -1 || n % 1000 != 0 ? -1 : n / 1000;
	case FORM_MS:
		return parse_time(text, 1);
	case FORM_NUMBER:
		if (*text < '0' || *text > '9' || strlen(text) > 9)
			return -1;
		n = strtol(text, &end, 10);
		return *end == '\0' ? n : -1;
	}
	return -1;
}

/* -1 with a sentence in err. */
static int64_t
read_one(
    const struct setting *setting, const json_t *given, char err[PAAS_ERRLEN])
{
	const char *text = json_string_value(given);
	int64_t n = -1;

	if (json_is_null(given) && setting->otherwise != -1)
		return setting->otherwise;
	if (json_is_boolean(given) && setting->form == FORM_SWITCH)
		n = json_is_true(given);
	else if (json_is_integer(given) && setting->form != FORM_SWITCH)
		n = json_integer_value(given);
	else if (text != NULL)
		n = parse_text(setting, text);
	if (n >= setting->min && n <= setting->max)
		return n;
	if (text != NULL)
		snprintf(err, PAAS_ERRLEN, "%s has to be %s, not \"%.60s\"",
		    setting->name, setting->text, text);
	else
		snprintf(err, PAAS_ERRLEN, "%s has to be %s", setting->name,
		    setting->text);
	return -1;
}

static const struct setting *
find_setting(enum pace_group group, const char *name)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (table[i].group == group && strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static int
check_names(enum pace_group group, const json_t *given, char err[PAAS_ERRLEN])
{
	char known[128] = "";
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(given)) {
		snprintf(err, PAAS_ERRLEN, "the body has to be an object");
		return -1;
	}
	for (i = 0; i < SETTINGS; i++) {
		if (table[i].group != group)
			continue;
		if (known[0] != '\0')
			strlcat(known, ", ", sizeof(known));
		strlcat(known, table[i].name, sizeof(known));
	}
	/* jansson has no loop over an object that is const. */
	json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
		if (find_setting(group, name) != NULL)
			continue;
		snprintf(err, PAAS_ERRLEN,
		    "%.60s is no setting of this: there are %s", name, known);
		return -1;
	}
	return 0;
}

static int64_t
get(const json_t *set, const char *name)
{
	return json_integer_value(json_object_get(set, name));
}

/* Do they go together? */
static int
check_autoscale(const json_t *set, uint32_t most, char err[PAAS_ERRLEN])
{
	int64_t min = get(set, "min"), max = get(set, "max");

	if (max > (int64_t)most)
		snprintf(err, PAAS_ERRLEN,
		    "max has to be at most %u, not %lld (scale_max in "
		    "paas.conf)",
		    most, (long long)max);
	else if (min > max)
		snprintf(err, PAAS_ERRLEN,
		    "min has to be at most max, which is %lld, not %lld",
		    (long long)max, (long long)min);
	else if (get(set, "concurrency") == 0 && get(set, "p95") == 0)
		snprintf(err, PAAS_ERRLEN,
		    "concurrency or p95 has to be given: what to scale by");
	else
		return 0;
	return -1;
}

json_t *
pace_setting_read(enum pace_group group, const json_t *given, uint32_t most,
    char err[PAAS_ERRLEN])
{
	json_t *set, *value;
	int64_t n;
	size_t i;

	if (check_names(group, given, err) == -1)
		return NULL;
	set = json_object();
	for (i = 0; i < SETTINGS; i++) {
		if (table[i].group != group)
			continue;
		value = json_object_get(given, table[i].name);
		if (value == NULL && table[i].otherwise == -1) {
			snprintf(err, PAAS_ERRLEN, "%s has to be given: %s",
			    table[i].name, table[i].text);
			n = -1;
		} else
			n = value == NULL ? table[i].otherwise
					  : read_one(&table[i], value, err);
		if (n == -1)
			goto fail;
		json_object_set_new(set, table[i].name,
		    table[i].form == FORM_SWITCH ? json_boolean(n)
						 : json_integer(n));
	}
	if (group != PACE_AUTOSCALE || check_autoscale(set, most, err) == 0)
		return set;
fail:
	json_decref(set);
	return NULL;
}

/* ---- for people ---------------------------------------------------------- */

static void
format_time(char *text, size_t len, int64_t ms)
{
	size_t i = UNITS - 1;

	while (i > 0 && (ms == 0 || ms % units[i].ms != 0))
		i--;
	snprintf(text, len, "%lld%s", (long long)(ms / units[i].ms),
	    units[i].suffix);
}

static void
format_one(
    const struct setting *setting, const json_t *value, char *text, size_t len)
{
	int64_t n = json_integer_value(value);

	switch (setting->form) {
	case FORM_SWITCH:
		strlcpy(text, json_is_true(value) ? "on" : "off", len);
		break;
	case FORM_SECONDS:
		format_time(text, len, n * 1000);
		break;
	case FORM_MS:
		format_time(text, len, n);
		break;
	case FORM_NUMBER:
		snprintf(text, len, "%lld", (long long)n);
		break;
	}
}

void
pace_setting_describe(
    enum pace_group group, const json_t *set, char *text, size_t len)
{
	const json_t *value;
	char word[32];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < SETTINGS; i++) {
		value = json_object_get(set, table[i].name);
		if (table[i].group != group || value == NULL ||
		    (json_is_integer(value) && json_integer_value(value) == 0))
			continue;
		format_one(&table[i], value, word, sizeof(word));
		if (text[0] != '\0')
			strlcat(text, " ", len);
		strlcat(text, table[i].name, len);
		strlcat(text, "=", len);
		strlcat(text, word, len);
	}
}
