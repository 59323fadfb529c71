/*
 * Paths and links of an archive: what may be created, and where a link may
 * lead.  The words are checked before anything is made, what they lead to
 * once everything is there: "a -> ." and "b -> a/.." stay inside by their
 * words, but not together.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum path_result
path_clean(const char *path, char *out)
{
	size_t len, used = 0;

	if (path == NULL || path[0] == '\0')
		return PATH_NONE;
	if (path[0] == '/')
		return PATH_ABSOLUTE;
	while (*path != '\0') {
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return PATH_DOTDOT;
		if (len > NAME_MAX)
			return PATH_LONG;
		if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (used + 1 + len + 1 > PATH_MAX)
				return PATH_LONG;
			if (used > 0)
				out[used++] = '/';
			memcpy(out + used, path, len);
			used += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	out[used] = '\0';
	return PATH_OK;
}

int
path_link_stays(const char *path, const char *target)
{
	size_t len;
	long depth = 0;

	if (target[0] == '/' || target[0] == '\0')
		return 0;
	for (; *path != '\0'; path++)
		if (*path == '/')
			depth++;
	while (*target != '\0') {
		len = strcspn(target, "/");
		if (len == 2 && memcmp(target, "..", 2) == 0)
			depth--;
		else if (len > 0 && !(len == 1 && target[0] == '.'))
			depth++;
		if (depth < 0)
			return 0;
		target += len;
		target += strspn(target, "/");
	}
	return 1;
}

int
path_resolves(int root, const char *path)
{
	struct open_how how;
	int fd;

	memset(&how, 0, sizeof(how));
	how.flags = O_PATH | O_CLOEXEC;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	do
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd == -1 && (errno == EAGAIN || errno == EINTR));
	if (fd != -1) {
		close(fd);
		return 1;
	}
	/* Nowhere, or in a circle: it does not leave the tree. */
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
	       errno == EACCES;
}
