#include "cli/amount.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

void
amount_format(char *out, size_t len, enum amount form, long long value)
{
	static const char units[] = "KMGT";
	size_t i = 0;

	if (form == AMOUNT_PERCENT) {
		if (value == 0)
			snprintf(out, len, "none");
		else
			snprintf(out, len, "%lld%%", value);
		return;
	}
	while (
	    form == AMOUNT_SIZE && value != 0 && value % 1024 == 0 && i < 4) {
		value /= 1024;
		i++;
	}
	snprintf(out, len, i > 0 ? "%lld%c" : "%lld", value,
	    i > 0 ? units[i - 1] : ' ');
}

/* "512M" in bytes, "50%" as 50; -1: it is neither. */
static long long
value_parse(const char *text, enum amount form)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *bad = NULL, *unit = NULL;
	char digits[24];
	long long n;

	if (len == 0 || len >= sizeof(digits))
		return -1;
	if (form == AMOUNT_SIZE)
		unit = strchr(units, text[len - 1]);
	if (unit != NULL || (form == AMOUNT_PERCENT && text[len - 1] == '%'))
		len--;
	memcpy(digits, text, len);
	digits[len] = '\0';
	n = strtonum(digits, 0, INT64_MAX >> 40, &bad);
	if (bad != NULL)
		return -1;
	return unit != NULL ? n << (10 * (unit - units + 1)) : n;
}

int
amount_take(struct cli *cli, json_t *body, const char *word,
    enum amount (*form_of)(const char *name))
{
	const char *value = strchr(word, '=');
	char name[32];
	long long n;

	if (value == NULL || (size_t)(value - word) >= sizeof(name)) {
		cli_usage(cli, "'%s' is not LIMIT=VALUE, as memory=1G", word);
		return -1;
	}
	memcpy(name, word, (size_t)(value - word));
	name[value - word] = '\0';
	value++;
	if (strcmp(value, "default") == 0) {
		json_object_set_new(body, name, json_null());
		return 0;
	}
	if (strcmp(value, "none") == 0 && form_of(name) == AMOUNT_PERCENT)
		value = "0";
	if ((n = value_parse(value, form_of(name))) == -1) {
		cli_usage(cli, "%s: '%s' is not %s, nor the word default", name,
		    value,
		    form_of(name) == AMOUNT_SIZE ? "a size, as 512M"
		    : form_of(name) == AMOUNT_PERCENT
			? "a percentage of one CPU, as 50%"
			: "a number");
		return -1;
	}
	json_object_set_new(body, name, json_integer((json_int_t)n));
	return 0;
}
