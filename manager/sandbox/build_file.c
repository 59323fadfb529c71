#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
read_all(int fd, const char *name, size_t max, struct file *file,
    char err[SANDBOX_ERRLEN])
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		snprintf(err, SANDBOX_ERRLEN,
		    "%s is not a file: make it a text file, or take it away.",
		    name);
		return -1;
	}
	if ((file->text = malloc(max + 1)) == NULL)
		abort();
	while (file->len <= max &&
	       (n = read(fd, file->text + file->len, max + 1 - file->len)) > 0)
		file->len += (size_t)n;
	if (n == -1)
		snprintf(err, SANDBOX_ERRLEN, "%s can't be read: %s.", name,
		    strerror(errno));
	else if (file->len > max)
		snprintf(err, SANDBOX_ERRLEN, "%s is larger than %zu KiB.",
		    name, max / 1024);
	else
		return 1;
	free(file->text);
	file->text = NULL;
	return -1;
}

int
file_read(const char *dir, const char *name, size_t max, struct file *file,
    char err[SANDBOX_ERRLEN])
{
	char path[4096];
	int fd, result;

	memset(file, 0, sizeof(*file));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* A pipe of that name must not keep the build waiting. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be read: %s.", name,
		    strerror(errno));
		return -1;
	}
	result = read_all(fd, name, max, file, err);
	close(fd);
	return result;
}
