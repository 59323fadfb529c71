#include <sys/socket.h>
#include <sys/un.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check/check_impl.h"
#include "common/log.h"
#include "common/places.h"

#define LOOKS    8 /* while a manager is at work */
#define PAUSE_NS 500000000

const char *
check_text(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

int64_t
check_number_of(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void
add(char ***list, size_t *n, const char *fmt, va_list ap)
{
	char **more = reallocarray(*list, *n + 1, sizeof(**list));

	if (more == NULL || vasprintf(&more[*n], fmt, ap) == -1)
		log_fatal("out of memory");
	*list = more;
	++*n;
}

void
check_line(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(&c->lines, &c->nlines, fmt, ap);
	va_end(ap);
}

void
check_off(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(&c->off, &c->noff, fmt, ap);
	va_end(ap);
}

int
check_folder(
    const char *path, void (*cb)(const char *name, void *arg), void *arg)
{
	struct dirent *e;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.')
			cb(e->d_name, arg);
	}
	closedir(dir);
	return 0;
}

/* ---- one look ---------------------------------------------------------- */

static void
list_free(char **list, size_t n)
{
	while (n-- > 0)
		free(list[n]);
	free(list);
}

static void
look_free(struct check *c)
{
	list_free(c->lines, c->nlines);
	list_free(c->off, c->noff);
	free(c->known);
	free(c->records);
	memset(c, 0, sizeof(*c));
}

static int
look(struct check *c, const struct conf *conf, char err[PAAS_ERRLEN])
{
	char dir[PATH_MAX], key_file[PATH_MAX];

	memset(c, 0, sizeof(*c));
	c->conf = conf;
	snprintf(dir, sizeof(dir), "%s/" PLACE_STORE, conf->state_dir);
	conf_key_file(conf, key_file, sizeof(key_file));
	if ((c->store = store_open_lmdb_look(dir, key_file, err)) == NULL)
		return -1;
	check_store(c);
	check_machine(c);
	check_routes(c);
	check_files(c);
	return 0;
}

/* ---- who is at work ---------------------------------------------------- */

static int
manager_works(const struct conf *conf)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, works;

	strlcpy(sun.sun_path, conf->run_dir, sizeof(sun.sun_path));
	strlcat(sun.sun_path, "/" PLACE_MANAGER_SOCK, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return 0;
	works = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	close(fd);
	return works;
}

static int
launcher_works(const struct conf *conf)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int fd, works;

	snprintf(path, sizeof(path), "%s/launcher.lock", conf->run_dir);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return -1; /* only root may know */
	works = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return works;
}

/* ---- the whole --------------------------------------------------------- */

/* Of both lists: what is off in each look. */
static void
keep_common(char **was, size_t *nwas, char **is, size_t nis)
{
	size_t i, j, n = 0;

	for (i = 0; i < *nwas; i++) {
		for (j = 0; j < nis && strcmp(was[i], is[j]) != 0;)
			j++;
		if (j < nis)
			was[n++] = was[i];
		else
			free(was[i]);
	}
	*nwas = n;
}

static const char *
answer(int yes)
{
	return yes == -1 ? "only root can tell" : yes ? "at work" : "not there";
}

static void
report(const struct check *c, char **off, size_t noff, int manager)
{
	size_t i;

	printf("manager    %s\nlauncher   %s\n", answer(manager),
	    answer(launcher_works(c->conf)));
	for (i = 0; i < c->nlines; i++)
		printf("%s\n", c->lines[i]);
	printf("%zu assigned, %zu records, %zu cgroups, %zu processes, %zu "
	       "interfaces, %zu routed, %zu hosts, %zu slugs\n",
	    c->nassigned, c->nrecords, c->ncgroups, c->nprocesses,
	    c->ninterfaces, c->nrouted, c->nhosts, c->nslugs);
	for (i = 0; i < noff; i++)
		printf("off: %s\n", off[i]);
	printf(noff == 0 ? "all is as it should be\n" : "%zu differ\n", noff);
}

int
check_print(const struct conf *conf)
{
	static const struct timespec pause = {0, PAUSE_NS};
	struct check c;
	char err[PAAS_ERRLEN], **off = NULL;
	size_t noff = 0;
	int i, manager = manager_works(conf);

	for (i = 0; i < LOOKS; i++) {
		if (look(&c, conf, err) == -1) {
			fprintf(stderr, "paas-manager: %s\n", err);
			list_free(off, noff);
			return 2;
		}
		if (i == 0) {
			off = c.off;
			noff = c.noff;
			c.off = NULL;
			c.noff = 0;
		} else
			keep_common(off, &noff, c.off, c.noff);
		if (noff == 0 || !manager || i == LOOKS - 1)
			break;
		store_close(c.store);
		look_free(&c);
		nanosleep(&pause, NULL);
	}
	report(&c, off, noff, manager);
	store_close(c.store);
	look_free(&c);
	list_free(off, noff);
	return noff == 0 ? 0 : 1;
}
