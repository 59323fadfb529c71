#include "node/logtail.h"

#include <stdlib.h>
#include <string.h>

#include "node/logfile.h"

#define LOG_TAIL_LINES 20
#define LOG_TAIL_BYTES 4096

/* The app's bytes as text that JSON can carry, or NULL. */
static json_t *
text_clean(const char *text, size_t len)
{
	char *copy;
	json_t *value;
	size_t i;

	if ((copy = malloc(len + 1)) == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (i = 0; i < len; i++) {
		if (((unsigned char)copy[i] < ' ' && copy[i] != '\t') ||
		    copy[i] == 127)
			copy[i] = '?';
	}
	if ((value = json_stringn(copy, len)) == NULL) {
		for (i = 0; i < len; i++) {
			if ((unsigned char)copy[i] > 127)
				copy[i] = '?';
		}
		value = json_stringn(copy, len);
	}
	free(copy);
	return value;
}

static int
log_tail_line(const struct logfile_line *line, void *arg)
{
	json_array_append_new(arg, text_clean(line->text, line->len));
	return 0;
}

json_t *
logtail(const char *log_dir, uint64_t app, uint64_t id)
{
	json_t *lines = json_array();

	if (lines != NULL && id != 0)
		(void)logfile_tail(log_dir, app, id, LOG_TAIL_LINES,
		    LOG_TAIL_BYTES, NULL, log_tail_line, lines);
	return lines;
}
