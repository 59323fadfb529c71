#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/launch.h"

static int
list_measure(char *const *list, uint32_t *count, size_t *bytes)
{
	size_t len;

	for (*count = 0; list[*count] != NULL; (*count)++) {
		len = strlen(list[*count]) + 1;
		if (len > LAUNCH_ARGS_MAX - *bytes)
			return -1;
		*bytes += len;
	}
	return 0;
}

static char *
text_append(char *at, const char *text)
{
	size_t len = strlen(text) + 1;

	memcpy(at, text, len);
	return at + len;
}

void *
launch_args_pack(const struct launch_argv *what, size_t *len)
{
	struct launch_args head = {
	    .magic = LAUNCH_ARGS_MAGIC, .flags = what->flags};
	size_t bytes = sizeof(head);
	char *blob, *at;
	uint32_t i;

	if (what->cwd == NULL || what->argv == NULL || what->argv[0] == NULL ||
	    what->envp == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (strlen(what->cwd) >= LAUNCH_ARGS_MAX - bytes) {
		errno = E2BIG;
		return NULL;
	}
	bytes += strlen(what->cwd) + 1;
	if (list_measure(what->argv, &head.argc, &bytes) == -1 ||
	    list_measure(what->envp, &head.envc, &bytes) == -1) {
		errno = E2BIG;
		return NULL;
	}
	if ((blob = malloc(bytes)) == NULL)
		return NULL;
	memcpy(blob, &head, sizeof(head));
	at = text_append(blob + sizeof(head), what->cwd);
	for (i = 0; i < head.argc; i++)
		at = text_append(at, what->argv[i]);
	for (i = 0; i < head.envc; i++)
		at = text_append(at, what->envp[i]);
	*len = bytes;
	return blob;
}
