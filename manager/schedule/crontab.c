#include "schedule/crontab.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <bsd/string.h>

#define TEXT_MAX 200
#define DAY      (24 * 60)         /* minutes */
#define LATEST   (8LL * 366 * DAY) /* two leap days, 1900s aside */

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {
    "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
	const char *name;
	unsigned int min, max;
	const char *const *names; /* of min and those after it */
} fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, months},
    {"day of the week", 0, 7, weekdays},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const struct {
	const char *name, *text;
} shorthands[] = {
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* ---- parsing ------------------------------------------------------------- */

/* A number, or a name where there are some; -1 if it is neither. */
static int
parse_value(const struct field *field, const char **p, unsigned int *value)
{
	char *end;
	size_t i;

	for (i = 0; field->names != NULL && field->names[i] != NULL; i++) {
		if (strncasecmp(*p, field->names[i], 3) != 0 ||
		    isalpha((unsigned char)(*p)[3]))
			continue;
		*value = field->min + (unsigned int)i;
		*p += 3;
		return 0;
	}
	if (!isdigit((unsigned char)**p) || strspn(*p, "0123456789") > 4)
		return -1;
	*value = (unsigned int)strtoul(*p, &end, 10);
	*p = end;
	return *value >= field->min && *value <= field->max ? 0 : -1;
}

/* "*", "5", "5-9", each with "/3" behind it; a lone "5/3" goes to the end. */
static int
parse_part(const struct field *field, const char *p, uint64_t *bits)
{
	unsigned int from = field->min, to = field->max, step = 1, i;
	char *end;

	if (*p == '*')
		p++;
	else if (parse_value(field, &p, &from) == -1)
		return -1;
	else if (*p == '-') {
		p++;
		if (parse_value(field, &p, &to) == -1)
			return -1;
		if (to == 0 && field->max == 7)
			to = 7; /* fri-sun */
		if (to < from)
			return -1;
	} else if (*p != '/')
		to = from;
	if (*p == '/') {
		p++;
		if (!isdigit((unsigned char)*p) || strlen(p) > 4)
			return -1;
		step = (unsigned int)strtoul(p, &end, 10);
		p = end;
		if (step == 0 || step > field->max)
			return -1;
	}
	if (*p != '\0')
		return -1;
	for (i = from; i <= to; i += step)
		*bits |= 1ULL << i;
	return 0;
}

static int
parse_field(const struct field *field, char *text, uint64_t *bits)
{
	char *part;

	*bits = 0;
	while ((part = strsep(&text, ",")) != NULL)
		if (parse_part(field, part, bits) == -1)
			return -1;
	return 0;
}

static const char *
expand(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
		if (strcasecmp(text, shorthands[i].name) == 0)
			return shorthands[i].text;
	return text;
}

static int
refuse(char err[PAAS_ERRLEN], const char *text)
{
	snprintf(err, PAAS_ERRLEN,
	    "\"%.60s\" has to be five fields, minute, hour, day of the month, "
	    "month and day of the week, as \"*/5 * * * *\"; or @hourly, "
	    "@daily, @weekly, @monthly or @yearly",
	    text);
	return -1;
}

int
crontab_parse(struct crontab *tab, const char *text, char err[PAAS_ERRLEN])
{
	char copy[TEXT_MAX], shown[TEXT_MAX], *rest = copy, *word;
	uint64_t bits[FIELDS];
	size_t n = 0;

	memset(tab, 0, sizeof(*tab));
	if (*expand(text) == '@' ||
	    strlcpy(copy, expand(text), sizeof(copy)) >= sizeof(copy))
		return refuse(err, text);
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (n == FIELDS)
			return refuse(err, text);
		strlcpy(shown, word, sizeof(shown));
		if (parse_field(&fields[n], word, &bits[n]) == -1) {
			snprintf(err, PAAS_ERRLEN,
			    "the %s \"%.60s\" is none: %u to %u, *, lists "
			    "and ranges of them, and steps, as 1-5,10 or */3",
			    fields[n].name, shown, fields[n].min,
			    fields[n].max);
			return -1;
		}
		if (n == 2)
			tab->any_day = *shown == '*';
		if (n == 4)
			tab->any_weekday = *shown == '*';
		n++;
	}
	if (n != FIELDS)
		return refuse(err, text);
	tab->minutes = bits[0];
	tab->hours = (uint32_t)bits[1];
	tab->days = (uint32_t)bits[2];
	tab->months = (uint32_t)bits[3];
	tab->weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f);
	return 0;
}

/* ---- the calendar -------------------------------------------------------- */

static int
day_matches(const struct crontab *tab, const struct tm *tm)
{
	int day = (tab->days >> tm->tm_mday & 1) != 0;
	int weekday = (tab->weekdays >> tm->tm_wday & 1) != 0;

	if ((tab->months >> (tm->tm_mon + 1) & 1) == 0)
		return 0;
	/* crontab(5): of two that are restricted, either is enough. */
	return tab->any_day || tab->any_weekday ? day && weekday
						: day || weekday;
}

static int
split(int64_t minute, struct tm *tm)
{
	time_t at = (time_t)(minute * 60);

	return gmtime_r(&at, tm) != NULL ? 0 : -1;
}

int
crontab_due(const struct crontab *tab, int64_t minute)
{
	struct tm tm;

	return split(minute, &tm) == 0 && (tab->minutes >> tm.tm_min & 1) &&
	       (tab->hours >> tm.tm_hour & 1) && day_matches(tab, &tm);
}

int64_t
crontab_next(const struct crontab *tab, int64_t minute)
{
	int64_t at, end = minute + LATEST;
	struct tm tm;

	/* Whole days and hours in which it can't be are stepped over. */
	for (at = minute + 1; at < end;) {
		if (split(at, &tm) == -1)
			return -1;
		if (!day_matches(tab, &tm))
			at += DAY - (tm.tm_hour * 60 + tm.tm_min);
		else if ((tab->hours >> tm.tm_hour & 1) == 0)
			at += 60 - tm.tm_min;
		else if ((tab->minutes >> tm.tm_min & 1) == 0)
			at++;
		else
			return at;
	}
	return -1;
}
