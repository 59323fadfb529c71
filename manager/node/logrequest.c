#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logfile.h"
#include "store/keys.h"

#define DIGITS 16

char *
logfile_request(const struct logfile_line *line, logfile_name_cb name,
    void *arg, char process[LOGFILE_NAME_MAX], size_t *len)
{
	static const char mark[] = "\" dyno=";
	const char *at, *found = NULL;
	char *text, digits[DIGITS + 1];
	size_t head = line->len, n;
	uint64_t id;

	/* A client's quotes are escaped: this one is paas-logger's. */
	at = memmem(line->text, line->len, mark, sizeof(mark) - 1);
	if (at != NULL)
		head = (size_t)(at - line->text) + sizeof(mark) - 1;
	if (line->len - head > DIGITS) {
		memcpy(digits, line->text + head, DIGITS);
		digits[DIGITS] = '\0';
		if (key_parse_id(digits, &id) == 0)
			found = name(id, arg);
	}
	snprintf(process, LOGFILE_NAME_MAX, "%s", found ? found : "");
	if ((text = malloc(line->len + LOGFILE_NAME_MAX + 1)) == NULL)
		return NULL;
	memcpy(text, line->text, head);
	n = head;
	if (found != NULL) {
		n +=
		    (size_t)snprintf(text + n, LOGFILE_NAME_MAX, "%s", process);
		head += DIGITS;
	}
	memcpy(text + n, line->text + head, line->len - head);
	*len = n + line->len - head;
	return text;
}

void
logfile_event_process(const char *text, char process[LOGFILE_NAME_MAX])
{
	size_t len = strcspn(text, " ");
	char *dot;

	process[0] = '\0';
	if (len >= LOGFILE_NAME_MAX)
		return;
	memcpy(process, text, len);
	process[len] = '\0';
	if ((dot = strchr(process, '.')) != NULL) {
		*dot = '\0';
		if (key_app_valid(process) && dot[1] != '\0' &&
		    dot[1 + strspn(dot + 1, "0123456789")] == '\0') {
			*dot = '.';
			return;
		}
	}
	process[0] = '\0';
}
