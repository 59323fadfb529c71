#include "api/log_filter.h"

#include <string.h>

#include "api/log_lines.h"
#include "api/request.h"
#include "api/respond.h"
#include "store/keys.h"

int
log_filter_read(struct request *r, struct log_filter *filter)
{
	char source[16], type[MODEL_NAME_MAX];
	const char *value;
	uint32_t index;

	filter->app = filter->paas = 1;
	value =
	    request_query(r, "ps", filter->process, sizeof(filter->process));
	if (value == NULL)
		filter->process[0] = '\0';
	else if (!key_app_valid(value) &&
		 model_parse_dyno(value, type, &index) == -1)
		respond_invalid(
		    r, "?ps= has to be a process, as web.1, or a type, as web");
	value = request_query(r, "source", source, sizeof(source));
	if (value != NULL) {
		filter->app = strcmp(value, "app") == 0;
		filter->paas = strcmp(value, "paas") == 0;
		if (!filter->app && !filter->paas)
			respond_invalid(r, "?source= has to be app or paas");
	}
	return respond_given(r) ? -1 : 0;
}

int
log_filter_takes_process(const struct log_filter *filter, const char *name)
{
	size_t len = strlen(filter->process);

	if (len == 0 || strcmp(filter->process, name) == 0)
		return 1;
	return strncmp(filter->process, name, len) == 0 && name[len] == '.';
}

char *
log_filter_line(const struct log_filter *filter, const char *process,
    const struct logfile_line *line, size_t *len)
{
	int ours = line->stream == 'p'; /* the shim's words */

	if (ours ? !filter->paas : !filter->app)
		return NULL;
	return log_line_make(line->time, ours ? "paas" : "app", process,
	    line->text, line->len, len);
}

char *
log_filter_event(
    const struct log_filter *filter, json_t *event, int64_t *at, size_t *len)
{
	const char *text = model_text(event, "text");

	if (!filter->paas || filter->process[0] != '\0')
		return NULL;
	*at = model_number(event, "at");
	return log_line_make(
	    *at, "paas", model_text(event, "kind"), text, strlen(text), len);
}
