#include "routing/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

static const char *const balances[] = {
    [PAAS_ROUTEDB_TWO_CHOICES] = "two_choices",
    [PAAS_ROUTEDB_ROUND_ROBIN] = "round_robin",
    [PAAS_ROUTEDB_LEAST_CONN] = "least_conn",
    [PAAS_ROUTEDB_EWMA] = "ewma",
    [PAAS_ROUTEDB_HASH] = "hash",
    NULL,
};

static const char *const protocols[] = {
    [PAAS_ROUTEDB_HTTP] = "http",
    [PAAS_ROUTEDB_HTTPS] = "https",
    [PAAS_ROUTEDB_H2C] = "h2c",
    NULL,
};

static const char *const retries[] = {"safe", "put", "none", NULL};

static const uint16_t retry_flags[] = {
    0, PAAS_ROUTEDB_RETRY_PUT, PAAS_ROUTEDB_NO_RETRY};

#define POOL (SETTING_APP | SETTING_OUTSIDE)

/* clang-format off */
const struct setting settings[] = {
	{"balance", SETTING_WORD, POOL, 0, 0, balances,
	    "two_choices, round_robin, least_conn, ewma or hash",
	    "two_choices"},
	{"hash", SETTING_HASH, POOL, 0, 0, NULL,
	    "address, header:NAME or cookie:NAME", "address"},
	{"sticky", SETTING_BOOL, POOL, 0, 0, NULL, "on or off", "off"},
	{"concurrency", SETTING_INT, POOL, 0, 100000, NULL,
	    "0 to 100000 requests at once, 0 for no limit", "0"},
	{"queue", SETTING_INT, POOL, 0, 100000, NULL,
	    "0 to 100000 requests that wait", "0"},
	{"slow_start", SETTING_INT, POOL, 0, 3600, NULL,
	    "0 to 3600 seconds", "0"},
	{"hold", SETTING_INT, POOL, 0, 600, NULL, "0 to 600 seconds", "0"},
	{"retry", SETTING_WORD, POOL, 0, 0, retries, "safe, put or none",
	    "safe"},
	{"retry_budget", SETTING_INT, POOL, 1, 100, NULL,
	    "1 to 100 percent of the requests", "20"},
	{"name_instance", SETTING_BOOL, POOL, 0, 0, NULL, "on or off", "off"},
	{"protocol", SETTING_WORD, POOL, 0, 0, protocols,
	    "http, https or h2c", "http"},
	{"strip", SETTING_BOOL, SETTING_PATH, 0, 0, NULL, "on or off", "off"},
	{"to_https", SETTING_BOOL, SETTING_PATH | SETTING_APP, 0, 0, NULL,
	    "on or off", "off"},
	{"to_host", SETTING_HOST, SETTING_PATH | SETTING_APP, 0, 0, NULL,
	    "a host, as www.example.com", NULL},
	{NULL, SETTING_BOOL, 0, 0, 0, NULL, NULL, NULL},
};
/* clang-format on */

static const struct {
	const char *text;
	int on;
} switches[] = {
    {"on", 1},
    {"true", 1},
    {"yes", 1},
    {"off", 0},
    {"false", 0},
    {"no", 0},
};
#define SWITCHES (sizeof(switches) / sizeof(switches[0]))

/* People write two-choices as often as two_choices. */
static void
underscore(char *out, size_t len, const char *text)
{
	strlcpy(out, text, len);
	for (; *out != '\0'; out++)
		if (*out == '-')
			*out = '_';
}

const struct setting *
setting_find(const char *name, unsigned int of)
{
	const struct setting *setting;
	char word[32];

	underscore(word, sizeof(word), name);
	for (setting = settings; setting->name != NULL; setting++)
		if ((setting->of & of) != 0 && strcmp(setting->name, word) == 0)
			return setting;
	return NULL;
}

void
setting_names(unsigned int of, char *text, size_t len)
{
	const struct setting *setting;
	const char *between = "";

	*text = '\0';
	for (setting = settings; setting->name != NULL; setting++) {
		if ((setting->of & of) == 0)
			continue;
		strlcat(text, between, len);
		strlcat(text, setting->name, len);
		between = ", ";
	}
}

/* ---- values ------------------------------------------------------------ */

/* The place of a word in its list, or -1. */
static int
find_word(const char *const *words, const char *text)
{
	char word[32];
	int i;

	if (text == NULL)
		return -1;
	underscore(word, sizeof(word), text);
	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

/* The canonical token of a header or cookie (RFC 9110, 5.6.2), not empty. */
static int
is_token(const char *text)
{
	size_t len = strspn(text,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "!#$%&'*+-.^_`|~");

	return len > 0 && len <= PAAS_ROUTEDB_NAME_MAX && text[len] == '\0';
}

/* Where the name begins in header:NAME; NULL for anything else. */
static const char *
hash_name(const char *text, uint8_t *on)
{
	static const struct {
		const char *prefix;
		uint8_t on;
	} inputs[] = {
	    {"header:", PAAS_ROUTEDB_ON_HEADER},
	    {"cookie:", PAAS_ROUTEDB_ON_COOKIE},
	};
	size_t i, len;

	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		len = strlen(inputs[i].prefix);
		if (strncmp(text, inputs[i].prefix, len) != 0 ||
		    !is_token(text + len))
			continue;
		*on = inputs[i].on;
		return text + len;
	}
	return NULL;
}

static json_t *
parse_bool(const json_t *given, const char *text)
{
	size_t i;

	if (json_is_boolean(given))
		return json_boolean(json_is_true(given));
	for (i = 0; text != NULL && i < SWITCHES; i++)
		if (strcmp(switches[i].text, text) == 0)
			return json_boolean(switches[i].on);
	return NULL;
}

static json_t *
parse_int(const struct setting *setting, const json_t *given, const char *text)
{
	json_int_t value = json_integer_value(given);
	char *end;

	if (text != NULL) {
		if (*text < '0' || *text > '9' || strlen(text) > 9)
			return NULL;
		value = strtoll(text, &end, 10);
		if (*end != '\0')
			return NULL;
	} else if (!json_is_integer(given))
		return NULL;
	if (value < setting->min || value > setting->max)
		return NULL;
	return json_integer(value);
}

static json_t *
parse_host(const char *text)
{
	char host[PAAS_ROUTEDB_HOST_MAX + 1];

	if (text == NULL || paas_routedb_canonical((const uint8_t *)text,
				strlen(text), 0, host) <= 0)
		return NULL;
	return json_string(host);
}

static json_t *
parse_hash(const char *text)
{
	uint8_t on;

	if (text == NULL ||
	    (strcmp(text, "address") != 0 && hash_name(text, &on) == NULL))
		return NULL;
	return json_string(text);
}

static json_t *
parse_word(const struct setting *setting, const char *text)
{
	int i = find_word(setting->words, text);

	/* What HAProxy and nginx call it. */
	if (i == -1 && text != NULL && setting->words == balances)
		i = find_word(
		    balances, strcmp(text, "least") == 0 ? "least_conn" : "");
	return i == -1 ? NULL : json_string(setting->words[i]);
}

json_t *
setting_parse(
    const struct setting *setting, const json_t *given, char err[PAAS_ERRLEN])
{
	const char *text = json_string_value(given);
	json_t *value = NULL;

	switch (setting->kind) {
	case SETTING_BOOL:
		value = parse_bool(given, text);
		break;
	case SETTING_INT:
		value = parse_int(setting, given, text);
		break;
	case SETTING_WORD:
		value = parse_word(setting, text);
		break;
	case SETTING_HASH:
		value = parse_hash(text);
		break;
	case SETTING_HOST:
		value = parse_host(text);
		break;
	}
	if (value != NULL)
		return value;
	if (text != NULL)
		snprintf(err, PAAS_ERRLEN, "%s has to be %s, not \"%.60s\"",
		    setting->name, setting->form, text);
	else if (json_is_integer(given))
		snprintf(err, PAAS_ERRLEN,
		    "%s has to be %s, not %" JSON_INTEGER_FORMAT, setting->name,
		    setting->form, json_integer_value(given));
	else
		snprintf(err, PAAS_ERRLEN, "%s has to be %s", setting->name,
		    setting->form);
	return NULL;
}

json_t *
setting_show(const json_t *object, unsigned int of)
{
	const struct setting *setting;
	json_t *all = json_object(), *value, *text;
	char err[PAAS_ERRLEN];

	for (setting = settings; setting->name != NULL; setting++) {
		if ((setting->of & of) == 0)
			continue;
		value = json_incref(json_object_get(object, setting->name));
		if (value == NULL && setting->otherwise != NULL) {
			text = json_string(setting->otherwise);
			value = setting_parse(setting, text, err);
			json_decref(text);
		}
		json_object_set_new(
		    all, setting->name, value != NULL ? value : json_null());
	}
	return all;
}

/* ---- obeying ----------------------------------------------------------- */

static paas_routedb_str_t
str_of(const char *text)
{
	paas_routedb_str_t s = {(const uint8_t *)text, strlen(text)};

	return s;
}

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static uint8_t
word_of(const json_t *object, const char *name, const char *const *words)
{
	int i = find_word(words, text_of(object, name));

	return i == -1 ? 0 : (uint8_t)i;
}

/* Only ever a value that was checked: outside of the range it is none. */
static void
number_of(const json_t *object, const char *name, uint32_t *out, uint32_t unit)
{
	const struct setting *setting = setting_find(name, ~0U);
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_integer_value(value);

	if (json_is_integer(value) && number >= setting->min &&
	    number <= setting->max)
		*out = (uint32_t)number * unit;
}

static uint16_t
flag_of(const json_t *object, const char *name, uint16_t flag)
{
	return json_is_true(json_object_get(object, name)) ? flag : 0;
}

void
setting_apply(const json_t *object, paas_routedb_pool_t *pool)
{
	const char *name, *hash = text_of(object, "hash");
	uint32_t budget = 0;

	pool->balance = word_of(object, "balance", balances);
	pool->protocol = word_of(object, "protocol", protocols);
	if (pool->balance == PAAS_ROUTEDB_HASH && hash != NULL &&
	    (name = hash_name(hash, &pool->hash_on)) != NULL)
		pool->hash_name = str_of(name);
	number_of(object, "concurrency", &pool->concurrency, 1);
	number_of(object, "queue", &pool->queue, 1);
	number_of(object, "slow_start", &pool->slow_start, 1000);
	number_of(object, "hold", &pool->hold, 1000);
	number_of(object, "retry_budget", &budget, 1);
	pool->retry_budget = (uint16_t)budget;
	pool->flags |=
	    flag_of(object, "sticky", PAAS_ROUTEDB_STICKY) |
	    flag_of(object, "name_instance", PAAS_ROUTEDB_NAME_INSTANCE) |
	    retry_flags[word_of(object, "retry", retries)];
}

void
setting_apply_path(const json_t *object, paas_routedb_path_t *path)
{
	const char *host = text_of(object, "to_host");

	path->flags |= flag_of(object, "strip", PAAS_ROUTEDB_STRIP) |
		       flag_of(object, "to_https", PAAS_ROUTEDB_TO_HTTPS);
	if (host == NULL)
		return;
	path->flags |= PAAS_ROUTEDB_TO_HOST;
	path->redirect_host = str_of(host);
}
