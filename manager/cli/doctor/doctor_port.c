/* Who listens on a port: /proc/net/tcp says which socket, /proc/PID/fd whose.
 */
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"

#define PORT_LISTENS 0x0a /* TCP_LISTEN */
#define PORT_SOCKETS 16

/* Their inodes, of one of the files of proc(5); how many there are. */
static size_t
port_sockets(const char *file, uint32_t port, unsigned long *out, size_t max)
{
	unsigned int at, state;
	unsigned long inode;
	char line[512];
	FILE *from = fopen(file, "re");
	size_t n = 0;

	while (
	    from != NULL && n < max && fgets(line, sizeof(line), from) != NULL)
		if (sscanf(line,
			" %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x "
			"%*x:%*x %*x %*u %*u %lu",
			&at, &state, &inode) == 3 &&
		    at == port && state == PORT_LISTENS)
			out[n++] = inode;
	if (from != NULL)
		fclose(from);
	return n;
}

static int
process_has(const char *link, const unsigned long *sockets, size_t n)
{
	char to[64], want[64];
	ssize_t len = readlink(link, to, sizeof(to) - 1);
	size_t i;

	if (len <= 0)
		return 0;
	to[len] = '\0';
	for (i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "socket:[%lu]", sockets[i]);
		if (strcmp(to, want) == 0)
			return 1;
	}
	return 0;
}

static void
process_name(pid_t pid, char name[64])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(name, 64, "?");
	if ((file = fopen(path, "re")) == NULL)
		return;
	if (fgets(name, 64, file) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

void
doctor_port_holder(uint32_t port, pid_t *pid, char name[64])
{
	unsigned long sockets[2 * PORT_SOCKETS];
	size_t n, i;
	glob_t fds;
	pid_t holder;

	*pid = 0;
	name[0] = '\0';
	n = port_sockets("/proc/net/tcp", port, sockets, PORT_SOCKETS);
	n += port_sockets("/proc/net/tcp6", port, sockets + n, PORT_SOCKETS);
	if (n == 0 || glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &fds) != 0)
		return;
	for (i = 0; i < fds.gl_pathc; i++) {
		if (!process_has(fds.gl_pathv[i], sockets, n))
			continue;
		holder = (pid_t)atoi(fds.gl_pathv[i] + strlen("/proc/"));
		/* of master and workers the master */
		if (*pid == 0 || holder < *pid)
			*pid = holder;
	}
	globfree(&fds);
	if (*pid != 0)
		process_name(*pid, name);
}
