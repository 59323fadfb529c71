#include "common/health_rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const types[HEALTH_TYPES] = {
    [HEALTH_PORT] = "port",
    [HEALTH_HTTP] = "http",
    [HEALTH_PROCESS] = "process",
    [HEALTH_COMMAND] = "command",
};

const char *
health_type_name(enum health_type type)
{
	return types[type];
}

int
health_type_parse(const char *name)
{
	int i;

	for (i = 0; i < HEALTH_TYPES; i++) {
		if (strcmp(types[i], name) == 0)
			return i;
	}
	return -1;
}

enum health_type
health_type_of(json_t *health)
{
	const char *name = json_string_value(json_object_get(health, "type"));
	int type;

	if (name != NULL && (type = health_type_parse(name)) != -1)
		return (enum health_type)type;
	if (json_object_get(health, "path") != NULL)
		return HEALTH_HTTP;
	if (json_object_get(health, "command") != NULL)
		return HEALTH_COMMAND;
	return HEALTH_PORT;
}

int
health_path_valid(const char *path)
{
	size_t i;

	if (path[0] != '/')
		return 0;
	for (i = 0; path[i] != '\0'; i++) {
		if (i >= HEALTH_PATH_MAX || path[i] <= ' ' || path[i] >= 127 ||
		    path[i] == '#')
			return 0;
	}
	return 1;
}

/* Three digits, at *at, which moves behind them; -1 if they are none. */
static long
status_take(const char **at)
{
	long status = 0;
	int i;

	for (i = 0; i < 3; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		status = status * 10 + (**at - '0');
	}
	return status >= 100 && status <= 599 ? status : -1;
}

/* The next range of a list; 0 if that is none. */
static int
range_take(const char **at, long *from, long *to)
{
	if ((*from = *to = status_take(at)) == -1)
		return 0;
	if (**at == '-') {
		(*at)++;
		if ((*to = status_take(at)) < *from)
			return 0;
	}
	if (**at == ',')
		return *++(*at) != '\0';
	return **at == '\0';
}

int
health_status_valid(const char *list)
{
	long from, to;

	if (*list == '\0' || strlen(list) > HEALTH_STATUS_MAX)
		return 0;
	while (*list != '\0') {
		if (!range_take(&list, &from, &to))
			return 0;
	}
	return 1;
}

int
health_status_has(const char *list, long status)
{
	long from, to;

	while (*list != '\0' && range_take(&list, &from, &to)) {
		if (status >= from && status <= to)
			return 1;
	}
	return 0;
}

int
health_header_valid(const char *name, const char *value)
{
	size_t len = strlen(name);
	const char *at;

	if (len == 0 || *value == '\0' ||
	    len + strlen(value) > HEALTH_HEADER_MAX)
		return 0;
	for (at = name; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) &&
		    strchr("-_.!#$%&'*+^`|~", *at) == NULL)
			return 0;
	}
	for (at = value; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 127)
			return 0;
	}
	/* Those say where a request ends. */
	return strcasecmp(name, "content-length") != 0 &&
	       strcasecmp(name, "transfer-encoding") != 0;
}

int
health_command_valid(const char *command)
{
	size_t i;

	for (i = 0; command[i] != '\0'; i++) {
		if (i >= HEALTH_COMMAND_MAX ||
		    ((unsigned char)command[i] < ' ' && command[i] != '\t') ||
		    command[i] == 127)
			return 0;
	}
	return i > 0;
}

/* ---- a check as a whole ------------------------------------------------ */

static int
type_valid(const char *type)
{
	return health_type_parse(type) != -1;
}

static int
headers_valid(json_t *headers)
{
	const char *name, *text;
	json_t *value;

	if (!json_is_object(headers) ||
	    json_object_size(headers) > HEALTH_HEADERS_MAX)
		return 0;
	json_object_foreach (headers, name, value) {
		text = json_string_value(value);
		if (text == NULL || strlen(text) != json_string_length(value) ||
		    !health_header_valid(name, text))
			return 0;
	}
	return 1;
}

static const struct {
	const char *name;
	int (*text)(const char *); /* NULL: a number, or the headers */
	json_int_t max;            /* from min to max; 0: the headers */
	json_int_t min;
	unsigned only; /* of this type, a bit; 0: of each */
	int life;      /* not of readiness */
	const char *form;
} fields[] = {
    {"type", type_valid, 0, 0, 0, 0,
	"has to be port, http, process or command"},
    {"path", health_path_valid, 0, 0, 1U << HEALTH_HTTP, 0,
	"has to be a path of printable ASCII, as /healthz, 200 bytes at most, "
	"of a check of type http"},
    {"status", health_status_valid, 0, 0, 1U << HEALTH_HTTP, 0,
	"has to be statuses, as 200-299,304, of a check of type http"},
    {"headers", NULL, 0, 0, 1U << HEALTH_HTTP, 0,
	"have to be at most 10 names with a text, 256 bytes each at most, of "
	"a check of type http"},
    {"command", health_command_valid, 0, 0, 1U << HEALTH_COMMAND, 0,
	"has to be one line of shell, 4096 bytes at most, of a check of type "
	"command"},
    {"timeout", NULL, HEALTH_SECONDS_MAX, 1, 0, 0,
	"has to be 1 to 3600 seconds"},
    {"interval", NULL, HEALTH_SECONDS_MAX, 1, 0, 0,
	"has to be 1 to 3600 seconds"},
    {"failures", NULL, HEALTH_TIMES_MAX, 1, 0, 0, "has to be 1 to 1000"},
    {"restart", NULL, HEALTH_TIMES_MAX, 0, 0, 1,
	"has to be 1 to 1000, or 0 for never; only health has it"},
    {"start_timeout", NULL, HEALTH_SECONDS_MAX, 1, 0, 1,
	"has to be 1 to 3600 seconds; only health has it"},
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static int
field_fine(size_t i, json_t *value, unsigned type, int readiness)
{
	const char *text = json_string_value(value);

	if ((readiness && fields[i].life) ||
	    (fields[i].only != 0 && (fields[i].only & type) == 0))
		return 0;
	if (fields[i].text != NULL)
		return text != NULL &&
		       strlen(text) == json_string_length(value) &&
		       fields[i].text(text);
	if (fields[i].max == 0)
		return headers_valid(value);
	return json_is_integer(value) &&
	       json_integer_value(value) >= fields[i].min &&
	       json_integer_value(value) <= fields[i].max;
}

static int
known_only(json_t *health, const char **field, const char **form)
{
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach (health, name, value) {
		for (i = 0; i < NFIELDS && strcmp(fields[i].name, name) != 0;)
			i++;
		if (i < NFIELDS)
			continue;
		*field = name;
		*form = "is not known: a check has type, path, status, "
			"headers, command, timeout, interval, failures, "
			"restart and start_timeout";
		return -1;
	}
	return 0;
}

int
health_check(
    json_t *health, int readiness, const char **field, const char **form)
{
	unsigned type = 1U << health_type_of(health);
	json_t *value;
	size_t i;

	if (!json_is_object(health)) {
		*field = readiness ? "readiness" : "health";
		*form = "has to be an object";
		return -1;
	}
	for (i = 0; i < NFIELDS; i++) {
		if ((value = json_object_get(health, fields[i].name)) == NULL)
			continue;
		if (!field_fine(i, value, type, readiness)) {
			*field = fields[i].name;
			*form = fields[i].form;
			return -1;
		}
	}
	if (type == 1U << HEALTH_COMMAND &&
	    json_object_get(health, "command") == NULL) {
		*field = "command";
		*form = "is what a check of type command runs";
		return -1;
	}
	return known_only(health, field, form);
}
