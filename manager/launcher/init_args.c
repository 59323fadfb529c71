#include "launcher/init_args.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/protocol.h"

/* n strings from *at on; NULL if they don't all end before `end`. */
static char **
list_read(char **at, char *end, uint32_t n)
{
	char **list, *nul;
	uint32_t i;

	/* Each string has at least its NUL. */
	if (n > (size_t)(end - *at) ||
	    (list = calloc((size_t)n + 1, sizeof(*list))) == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		if ((nul = memchr(*at, '\0', (size_t)(end - *at))) == NULL) {
			free(list);
			return NULL;
		}
		list[i] = *at;
		*at = nul + 1;
	}
	return list;
}

const char *
init_args_parse(struct init_args *args, char *bytes, size_t len)
{
	struct launch_args head;
	char *at = bytes + sizeof(head), *end = bytes + len;
	char **list;

	if (len < sizeof(head) || len > LAUNCH_ARGS_MAX)
		return "the arguments have a wrong size";
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != LAUNCH_ARGS_MAGIC || head.argc == 0)
		return "the arguments are of another version";
	args->flags = head.flags;
	if ((list = list_read(&at, end, 1)) == NULL)
		return "the arguments are cut off";
	args->cwd = list[0];
	free(list);
	args->argv = list_read(&at, end, head.argc);
	args->envp = list_read(&at, end, head.envc);
	if (args->argv != NULL && args->envp != NULL)
		return NULL;
	free(args->argv);
	free(args->envp);
	args->argv = args->envp = NULL;
	return "the arguments are cut off";
}

void
init_args_free(struct init_args *args)
{
	free(args->argv);
	free(args->envp);
	free(args->text);
}

const char *
init_args_read(struct init_args *args, int fd)
{
	struct stat st;
	const char *wrong;
	size_t len;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 ||
	    st.st_size > LAUNCH_ARGS_MAX)
		return "the arguments have a wrong size";
	len = (size_t)st.st_size;
	if ((args->text = malloc(len)) == NULL)
		return "out of memory";
	wrong = pread(fd, args->text, len, 0) == (ssize_t)len
		    ? init_args_parse(args, args->text, len)
		    : "the arguments can't be read";
	if (wrong != NULL)
		free(args->text);
	return wrong;
}
