/*
 * The kernel's own asynchronous I/O (io_submit(2), IOCB_CMD_FDSYNC, since
 * Linux 4.18), told by an eventfd: one call, which no library is needed for.
 */
#include "routing/import_sync.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

struct import_sync {
	aio_context_t context;
	struct iocb call;
	sd_event_source *source;
	int fd; /* the eventfd */
	import_sync_cb cb;
	void *arg;
};

static int
on_done(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct import_sync *sync = arg;
	struct io_event done;
	uint64_t count;
	long n;

	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	n = syscall(SYS_io_getevents, sync->context, 1L, 1L, &done, NULL);
	sync->cb(n == 1 ? (int)-done.res : EIO, sync->arg);
	return 0;
}

static int
submit(struct import_sync *sync, int fd)
{
	struct iocb *calls[1] = {&sync->call};

	sync->call.aio_lio_opcode = IOCB_CMD_FDSYNC;
	sync->call.aio_fildes = (uint32_t)fd;
	sync->call.aio_flags = IOCB_FLAG_RESFD;
	sync->call.aio_resfd = (uint32_t)sync->fd;
	if (syscall(SYS_io_setup, 1U, &sync->context) == -1)
		return -1;
	return syscall(SYS_io_submit, sync->context, 1L, calls) == 1 ? 0 : -1;
}

struct import_sync *
import_sync_begin(int fd, sd_event *event, import_sync_cb cb, void *arg)
{
	struct import_sync *sync;
	int rc;

	if ((sync = calloc(1, sizeof(*sync))) == NULL)
		return NULL;
	sync->cb = cb;
	sync->arg = arg;
	sync->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sync->fd == -1) {
		free(sync);
		return NULL;
	}
	rc = sd_event_add_io(
	    event, &sync->source, sync->fd, EPOLLIN, on_done, sync);
	if (rc < 0)
		errno = -rc;
	if (rc < 0 || submit(sync, fd) == -1) {
		rc = errno;
		import_sync_free(sync);
		errno = rc;
		return NULL;
	}
	return sync;
}

void
import_sync_free(struct import_sync *sync)
{
	if (sync == NULL)
		return;
	if (sync->context != 0)
		(void)syscall(SYS_io_destroy, sync->context);
	sd_event_source_disable_unref(sync->source);
	close(sync->fd);
	free(sync);
}
