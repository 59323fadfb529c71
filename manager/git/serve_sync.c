/*
 * git makes what it writes durable (core.fsync), but not the folders that the
 * files are in: after a power cut a branch could be where it was before a push
 * that has been acknowledged.  The hook reference-transaction is run when a
 * branch has been moved, and before that is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "git/serve.h"

/* Where receive-pack puts what it was sent; objects/pack also when it is new.
 */
static const char *const folders[] = {
    "objects/pack", "objects", "refs/heads", "refs", "."};

int
serve_sync(const char *state)
{
	size_t i;
	int fd, rc = 0;

	if (strcmp(state, "committed") != 0)
		return 0;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		fd = open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1 || fsync(fd) == -1) {
			log_err("%s: %s", folders[i], strerror(errno));
			rc = 1;
		}
		if (fd != -1)
			(void)close(fd);
	}
	return rc;
}
