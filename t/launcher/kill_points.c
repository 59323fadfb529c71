/*
 * The launcher, held at one of its steps: linked instead of the real calls by
 * -Wl,--wrap=step_run,--wrap=step_undo, everything else is the launcher's own.
 *
 *   paas-launcher --steps    all lists, "LIST STEP [undo]" a line
 *
 * With PAAS_POINT=FILE in the environment that file is read before and after
 * each step, and holds "before|after|undo|fail LIST STEP" a line.  Who comes by
 * such a point writes its pid to descriptor 250, and waits until 251 ends.
 */
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_step.h"

#define REACHED 250
#define HELD    251

extern const struct steps *const __start_launcher_steps[];
extern const struct steps *const __stop_launcher_steps[];

int __real_step_run(const struct steps *, size_t, void *);
void __real_step_undo(const struct steps *, size_t, void *);
int __wrap_step_run(const struct steps *, size_t, void *);
void __wrap_step_undo(const struct steps *, size_t, void *);

static int
listed(const char *when, const struct steps *s, size_t i)
{
	const char *path = getenv("PAAS_POINT");
	char text[512], line[160];
	ssize_t n;
	int fd;

	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	text[0] = '\n';
	n = read(fd, text + 1, sizeof(text) - 2);
	close(fd);
	if (n <= 0)
		return 0;
	text[n + 1] = '\0';
	snprintf(
	    line, sizeof(line), "\n%s %s %s\n", when, s->name, s->at[i].name);
	return strstr(text, line) != NULL;
}

static void
point(const char *when, const struct steps *s, size_t i)
{
	char text[16];
	int n;

	if (!listed(when, s, i))
		return;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (write(REACHED, text, (size_t)n) != n)
		err(3, "nobody waits");
	while (read(HELD, text, 1) == -1 && errno == EINTR)
		continue;
}

int
__wrap_step_run(const struct steps *s, size_t i, void *arg)
{
	int error;

	point("before", s, i);
	error = listed("fail", s, i) ? -EIO : __real_step_run(s, i, arg);
	if (error == 0)
		point("after", s, i);
	return error;
}

void
__wrap_step_undo(const struct steps *s, size_t i, void *arg)
{
	point("undo", s, i);
	__real_step_undo(s, i, arg);
}

static __attribute__((constructor)) void
steps_print(int argc, char **argv)
{
	const struct steps *const *s;
	size_t i;

	if (argc != 2 || strcmp(argv[1], "--steps") != 0)
		return;
	for (s = __start_launcher_steps; s != __stop_launcher_steps; s++) {
		for (i = 0; i < (*s)->n; i++)
			printf("%s\t%s\t%s\n", (*s)->name, (*s)->at[i].name,
			    (*s)->at[i].undo != NULL ? "undo" : "");
	}
	exit(fflush(stdout) == 0 ? 0 : 1);
}
