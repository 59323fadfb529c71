/*
 * The manager's door to an instance: it connects, sends one message with
 * descriptors, and what it sent goes on to paas-init.  Who may connect is a
 * matter of the socket's mode, which is the manager's alone.  Nothing of it
 * is read here but the type.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/shim.h"

void
shim_attach_accept(int *client)
{
	*client =
	    accept4(SHIM_FD_ATTACH, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void
shim_attach_read(int *client)
{
	struct shim_message m;
	int fds[SHIM_FDS_MAX];
	ssize_t got;
	size_t n;

	got = shim_message_read(*client, &m, fds, &n);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0 && (m.type == SHIM_ATTACH || m.type == SHIM_EXEC))
		(void)shim_message_send(SHIM_FD_CONTROL, &m, fds, n);
	/* That they are closed is what its client sees of a failure. */
	shim_fds_close(fds, n);
	close(*client);
	*client = -1;
}
