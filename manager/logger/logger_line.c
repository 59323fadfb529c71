/*
 * Format paas of paas_log.conf, in which nginx escapes quotes and control
 * bytes, to
 *
 *   at=info method=GET path="/" host=a.test request_id=... fwd="192.0.2.1"
 *   dyno=0000010000000001 connect=1ms service=18ms status=200 bytes=13
 *   protocol=https
 *
 * in one line: dyno is an instance, that readers know the name of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logger/logger.h"

#define PATH_SHOWN 4096 /* of a path */
#define TEXT_SHOWN 256  /* of a host and the like */

struct part {
	const char *text;
	size_t len;
};

enum value {
	VALUE_HOST,
	VALUE_APP,
	VALUE_INSTANCE,
	VALUE_CONNECT,
	VALUE_TOTAL,
	VALUE_ERROR,
	VALUE_CODE,
	VALUE_PROTO,
	VALUE_ID,
	VALUE_MSEC,
	VALUES
};

static const char *const names[VALUES] = {
    [VALUE_HOST] = "host",
    [VALUE_APP] = "app",
    [VALUE_INSTANCE] = "instance",
    [VALUE_CONNECT] = "connect",
    [VALUE_TOTAL] = "total",
    [VALUE_ERROR] = "error",
    [VALUE_CODE] = "code",
    [VALUE_PROTO] = "proto",
    [VALUE_ID] = "id",
    [VALUE_MSEC] = "msec",
};

struct fields {
	struct part address, method, path, status, bytes;
	struct part value[VALUES];
};

/* Up to `end`, which is skipped: 0, or -1 if it is not there. */
static int
part_take(struct part *rest, const char *end, struct part *part)
{
	const char *at = memmem(rest->text, rest->len, end, strlen(end));

	if (at == NULL)
		return -1;
	part->text = rest->text;
	part->len = (size_t)(at - rest->text);
	rest->len -= part->len + strlen(end);
	rest->text = at + strlen(end);
	return 0;
}

/* "GET /x HTTP/1.1", or whatever a client sent in its place. */
static void
request_split(struct part request, struct fields *f)
{
	struct part rest = request;

	if (part_take(&rest, " ", &f->method) == -1) {
		f->method.text = "-";
		f->method.len = 1;
		f->path = request;
		return;
	}
	f->path = rest;
	if (rest.len > 9 && memcmp(rest.text + rest.len - 9, " HTTP/", 6) == 0)
		f->path.len -= 9;
}

static void
values_take(struct part rest, struct fields *f)
{
	struct part word;
	size_t i, name;

	while (rest.len > 0) {
		if (part_take(&rest, " ", &word) == -1) {
			word = rest;
			rest.len = 0;
		}
		for (i = 0; i < VALUES; i++) {
			name = strlen(names[i]);
			if (word.len > name && word.text[name] == '=' &&
			    memcmp(word.text, names[i], name) == 0)
				break;
		}
		if (i == VALUES)
			continue;
		f->value[i].text = word.text + name + 1;
		f->value[i].len = word.len - name - 1;
		/* nginx's word for nothing. */
		if (f->value[i].len == 1 && f->value[i].text[0] == '-')
			f->value[i].len = 0;
	}
}

static int
fields_take(const char *line, size_t len, struct fields *f)
{
	struct part rest = {line, len}, request, time;

	memset(f, 0, sizeof(*f));
	if (part_take(&rest, " [", &f->address) == -1 ||
	    part_take(&rest, "] \"", &time) == -1 ||
	    part_take(&rest, "\" ", &request) == -1 ||
	    part_take(&rest, " ", &f->status) == -1 ||
	    part_take(&rest, " ", &f->bytes) == -1)
		return -1;
	request_split(request, f);
	values_take(rest, f);
	return f->value[VALUE_APP].len > 0 ? 0 : -1;
}

/* Seconds with three places, "1763812800.123", in milliseconds; -1. */
static long long
milliseconds(const struct part *part)
{
	char text[32];
	char *end;
	double value;

	if (part->len == 0 || part->len >= sizeof(text))
		return -1;
	memcpy(text, part->text, part->len);
	text[part->len] = '\0';
	value = strtod(text, &end);
	if (end == text || value < 0 || value > 1e13)
		return -1;
	return (long long)(value * 1000 + 0.5);
}

static void
duration_format(char out[24], const struct part *part)
{
	long long ms = milliseconds(part);

	if (ms == -1)
		out[0] = '\0';
	else
		snprintf(out, 24, "%lldms", ms);
}

static int
shown(const struct part *part, size_t most)
{
	return (int)(part->len < most ? part->len : most);
}

/* For "%.*s". */
#define SHOWN(part) shown(&(part), TEXT_SHOWN), (part).text ? (part).text : ""

static int
text_format(struct logger_request *request, const struct fields *f)
{
	const struct part *v = f->value;
	char at[2 * TEXT_SHOWN + 32] = "at=info", connect[24], service[24];

	if (v[VALUE_ERROR].len > 0)
		snprintf(at, sizeof(at), "at=error code=%.*s desc=\"%.*s\"",
		    SHOWN(v[VALUE_CODE]), SHOWN(v[VALUE_ERROR]));
	duration_format(connect, &v[VALUE_CONNECT]);
	duration_format(service, &v[VALUE_TOTAL]);
	return snprintf(request->text, sizeof(request->text),
	    "%s method=%.*s path=\"%.*s%s\" host=%.*s request_id=%.*s "
	    "fwd=\"%.*s\" dyno=%.*s connect=%s service=%s status=%.*s "
	    "bytes=%.*s protocol=%.*s",
	    at, SHOWN(f->method), shown(&f->path, PATH_SHOWN), f->path.text,
	    f->path.len > PATH_SHOWN ? "..." : "", SHOWN(v[VALUE_HOST]),
	    SHOWN(v[VALUE_ID]), SHOWN(f->address), SHOWN(v[VALUE_INSTANCE]),
	    connect, service, SHOWN(f->status), SHOWN(f->bytes),
	    SHOWN(v[VALUE_PROTO]));
}

int
logger_line_parse(const char *line, size_t len, struct logger_request *request)
{
	struct fields f;
	long long ms;
	int n;

	if (fields_take(line, len, &f) == -1 ||
	    (ms = milliseconds(&f.value[VALUE_MSEC])) <= 0)
		return -1;
	n = text_format(request, &f);
	if (n < 0 || (size_t)n >= sizeof(request->text))
		return -1;
	request->len = (size_t)n;
	request->app = f.value[VALUE_APP].text;
	request->app_len = f.value[VALUE_APP].len;
	request->at.tv_sec = (time_t)(ms / 1000);
	request->at.tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}
