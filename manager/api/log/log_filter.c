#include "api/log/log_filter.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/log/log_lines.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

#define SECOND     1000000LL
#define SINCE_LAST (10LL * 365 * 86400) /* seconds back */

const char *
log_filter_set_process(struct log_filter *filter, const char *value)
{
	char type[MODEL_NAME_MAX];
	uint32_t index;

	filter->process[0] = '\0';
	if (value == NULL || *value == '\0')
		return NULL;
	if (!key_app_valid(value) &&
	    model_parse_dyno(value, type, &index) == -1)
		return "has to be a process, as web.1, or a type, as web";
	strlcpy(filter->process, value, sizeof(filter->process));
	return NULL;
}

const char *
log_filter_set_dyno(struct log_filter *filter, const char *value)
{
	int router = strcmp(value, "router") == 0;

	if (!router && strcmp(value, "api") != 0)
		return log_filter_set_process(filter, value);
	filter->process[0] = '\0';
	filter->only = router ? 'r' : 'a';
	return NULL;
}

/* Heroku has what was done to an app under "app". */
const char *
log_filter_set_source(struct log_filter *filter, const char *value)
{
	static const struct {
		const char *name;
		int app, router, paas, api, api_logplex;
	} sources[] = {
	    {"", 1, 1, 1, 1, 1},
	    {"app", 1, 0, 0, 0, 1},
	    {"router", 0, 1, 0, 0, 0},
	    {"paas", 0, 0, 1, 1, 1},
	    {"heroku", 0, 1, 1, 1, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i].name, value != NULL ? value : "") != 0)
			continue;
		filter->app = sources[i].app && filter->only == '\0';
		filter->router = sources[i].router && filter->only != 'a';
		filter->paas = sources[i].paas && filter->only == '\0';
		filter->api = (filter->logplex ? sources[i].api_logplex
					       : sources[i].api) &&
			      filter->only != 'r';
		return NULL;
	}
	return "has to be app, router or paas";
}

const char *
log_filter_set_since(struct log_filter *filter, const char *value)
{
	struct tm tm = {0};
	const char *rest;
	int64_t seconds;
	int hours, minutes;
	char sign;

	filter->since = 0;
	if (value == NULL || *value == '\0')
		return NULL;
	if (check_digits(value, &seconds) == 0 && seconds >= 0 &&
	    seconds <= SINCE_LAST) {
		filter->since = id_now() - seconds * SECOND;
		return NULL;
	}
	if ((rest = strptime(value, "%Y-%m-%dT%H:%M:%S", &tm)) != NULL) {
		filter->since = (int64_t)timegm(&tm) * SECOND;
		if (*rest == '.')
			rest += 1 + strspn(rest + 1, "0123456789");
		if (strcmp(rest, "Z") == 0)
			return NULL;
		if (strlen(rest) == 6 &&
		    sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3 &&
		    (sign == '+' || sign == '-')) {
			seconds = hours * 3600 + minutes * 60;
			filter->since -=
			    (sign == '+' ? seconds : -seconds) * SECOND;
			return NULL;
		}
	}
	filter->since = 0;
	return "has to be seconds, as 600, or a time, as 2026-11-22T12:00:00Z";
}

int
log_filter_read(struct request *r, struct log_filter *filter)
{
	static const struct {
		const char *name;
		const char *(*set)(struct log_filter *, const char *);
	} words[] = {
	    {"ps", log_filter_set_process},
	    {"source", log_filter_set_source},
	    {"since", log_filter_set_since},
	};
	char value[64];
	const char *bad;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		bad = words[i].set(filter,
		    request_query(r, words[i].name, value, sizeof(value)));
		if (bad != NULL)
			respond_invalid(r, "?%s= %s", words[i].name, bad);
		if (respond_given(r))
			return -1;
	}
	if (request_query(r, "filter", filter->text, sizeof(filter->text)) ==
	    NULL)
		filter->text[0] = '\0';
	return respond_given(r) ? -1 : 0;
}

int
log_filter_searches(const struct log_filter *filter)
{
	return filter->text[0] != '\0' || !filter->app || !filter->paas ||
	       !filter->api || filter->process[0] != '\0';
}

int
log_filter_takes_process(const struct log_filter *filter, const char *name)
{
	size_t len = strlen(filter->process);

	if (len == 0 || strcmp(filter->process, name) == 0)
		return 1;
	return strncmp(filter->process, name, len) == 0 && name[len] == '.';
}

static int
takes_text(
    const struct log_filter *filter, int64_t time, const char *text, size_t len)
{
	if (time < filter->since)
		return 0;
	return filter->text[0] == '\0' ||
	       memmem(text, len, filter->text, strlen(filter->text)) != NULL;
}

/* As we name the sources, and as Heroku does. */
static const char *
name_paas(const struct log_filter *filter)
{
	return filter->logplex ? "heroku" : "paas";
}

char *
log_filter_line(const struct log_filter *filter, const char *process,
    const struct logfile_line *line, size_t *len)
{
	int ours = line->stream == 'p'; /* the shim's words */

	if ((ours ? !filter->paas : !filter->app) ||
	    !takes_text(filter, line->time, line->text, line->len))
		return NULL;
	return log_line_make(line->time, ours ? name_paas(filter) : "app",
	    process, line->text, line->len, len);
}

char *
log_filter_request(const struct log_filter *filter,
    const struct logfile_line *line, logfile_name_cb name, void *arg,
    size_t *len)
{
	char process[LOGFILE_NAME_MAX], *text, *made = NULL;
	size_t n;

	if (!filter->router)
		return NULL;
	/* What was dropped. */
	if (line->stream == 'p')
		return filter->process[0] != '\0' ||
			       !takes_text(
				   filter, line->time, line->text, line->len)
			   ? NULL
			   : log_line_make(line->time, name_paas(filter),
				 "router", line->text, line->len, len);
	if ((text = logfile_request(line, name, arg, process, &n)) == NULL)
		return NULL;
	if (log_filter_takes_process(filter, process) &&
	    takes_text(filter, line->time, text, n)) {
		if (filter->logplex)
			made = log_line_make(
			    line->time, "heroku", "router", text, n, len);
		else
			made = log_line_make(line->time, "router",
			    process[0] != '\0' ? process : "-", text, n, len);
	}
	free(text);
	return made;
}

int
log_filter_takes_builds(const struct log_filter *filter)
{
	return filter->api && filter->process[0] == '\0';
}

/* What is about the app as a whole. */
static char *
make_whole(const struct log_filter *filter, int64_t at, const char *kind,
    const char *text, size_t text_len, size_t *len)
{
	return log_line_make(at, filter->logplex ? "app" : "paas",
	    filter->logplex ? "api" : kind, text, text_len, len);
}

char *
log_filter_build(const struct log_filter *filter,
    const struct logfile_line *line, size_t *len)
{
	if (!takes_text(filter, line->time, line->text, line->len))
		return NULL;
	return make_whole(
	    filter, line->time, "build", line->text, line->len, len);
}

char *
log_filter_event(
    const struct log_filter *filter, json_t *event, int64_t *at, size_t *len)
{
	const char *text = model_text(event, "text");
	char process[LOGFILE_NAME_MAX];
	int whole;

	logfile_event_process(text, process);
	whole = process[0] == '\0';
	*at = model_number(event, "at");
	if ((whole ? !filter->api : !filter->paas) ||
	    !log_filter_takes_process(filter, process) ||
	    !takes_text(filter, *at, text, strlen(text)))
		return NULL;
	if (!whole)
		return log_line_make(
		    *at, name_paas(filter), process, text, strlen(text), len);
	return make_whole(
	    filter, *at, model_text(event, "kind"), text, strlen(text), len);
}
