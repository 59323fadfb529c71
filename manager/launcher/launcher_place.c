#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/string.h>

#include "launcher/launcher.h"

enum who { WHO_ROOT, WHO_MANAGER, WHO_LOG };

/*
 * Trees of slugs hold what tenants built, setuid bits included: nobody but
 * root comes near them outside of a sandbox.
 */
static const struct {
	enum launcher_place place, in;
	const char *name;
	mode_t mode;
	enum who who;
} places[] = {
    {AT_UPLOADS, AT_STATE, PLACE_UPLOADS, 0700, WHO_MANAGER},
    {AT_BUILDS, AT_STATE, PLACE_BUILDS, 0700, WHO_ROOT},
    {AT_SLUGS, AT_STATE, PLACE_SLUGS, 0700, WHO_ROOT},
    {AT_ARCHIVES, AT_STATE, PLACE_ARCHIVES, 0700, WHO_ROOT},
    {AT_CACHES, AT_STATE, PLACE_CACHES, 0700, WHO_ROOT},
    {AT_GIT, AT_STATE, PLACE_GIT, 0711, WHO_ROOT},
    {AT_LOG, AT_STATE, PLACE_LOG, 02750, WHO_LOG},
    {AT_INST, AT_RUN, PLACE_INST, 0755, WHO_ROOT},
    {AT_EXIT, AT_RUN, PLACE_EXIT, 02750, WHO_LOG},
    {AT_ATTACH, AT_RUN, PLACE_ATTACH, 0711, WHO_ROOT},
    {AT_STAGE, AT_RUN, "stage", 0755, WHO_ROOT},
};

#define NPLACES (sizeof(places) / sizeof(places[0]))

void
id_format(char out[ID_TEXT], uint64_t id)
{
	snprintf(out, ID_TEXT, "%016" PRIx64, id);
}

int
id_parse(const char *text, uint64_t *id)
{
	size_t i;

	for (i = 0; i < ID_TEXT - 1; i++) {
		if (!isxdigit((unsigned char)text[i]) ||
		    isupper((unsigned char)text[i]))
			return 0;
	}
	*id = strtoull(text, NULL, 16);
	return text[i] == '\0';
}

void
hash_format(char out[2 * LAUNCH_HASH + 1], const uint8_t hash[LAUNCH_HASH])
{
	size_t i;

	for (i = 0; i < LAUNCH_HASH; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void
archive_format(char out[ARCHIVE_TEXT], const uint8_t hash[LAUNCH_HASH])
{
	hash_format(out, hash);
	strlcat(out, ".tar.zst", ARCHIVE_TEXT);
}

int
place_beneath(int dir, const char *path, uint64_t flags)
{
	struct open_how how = {
	    .flags = flags | O_CLOEXEC,
	    .resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	return fd == -1 ? -errno : (int)fd;
}

static int
place_settle(int fd, struct owner owner, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (st.st_uid != owner.uid && st.st_uid != 0)
		return -EPERM;
	if (st.st_uid == owner.uid && st.st_gid == owner.gid &&
	    (st.st_mode & 07777) == mode)
		return 0;
	return fchown(fd, owner.uid, owner.gid) == 0 && fchmod(fd, mode) == 0
		   ? 0
		   : -errno;
}

/*
 * A directory that somebody else made is not taken over: what it holds could
 * pass for ours afterwards.
 */
int
place_make(int dir, const char *name, struct owner owner, mode_t mode)
{
	int error, fd;

	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return -errno;
	if ((fd = place_beneath(dir, name, O_RDONLY | O_DIRECTORY)) < 0)
		return fd;
	if ((error = place_settle(fd, owner, mode)) == 0)
		return fd;
	close(fd);
	return error;
}

static int
user_find(const char *name, struct owner *out, char err[PAAS_ERRLEN])
{
	struct passwd *pw;

	if ((pw = getpwnam(name)) == NULL || pw->pw_uid == 0) {
		snprintf(err, PAAS_ERRLEN,
		    "there is no user %s; scripts/lib/users makes it", name);
		return -1;
	}
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	return 0;
}

static struct owner
owner_of(const struct launcher *l, enum who who)
{
	static const struct owner root;
	struct owner both;

	switch (who) {
	case WHO_MANAGER:
		return l->manager;
	case WHO_LOG:
		/* Written by the shim, read by the manager. */
		both.uid = l->log.uid;
		both.gid = l->manager.gid;
		return both;
	default:
		return root;
	}
}

/* state_dir or run_dir itself, root's; paas makes sockets in run_dir. */
static int
place_top(struct launcher *l, enum launcher_place at, const char *path,
    mode_t mode, gid_t gid, char err[PAAS_ERRLEN])
{
	struct stat st;
	int fd;

	if (mkdir(path, 0755) == -1 && errno != EEXIST) {
		snprintf(err, PAAS_ERRLEN, "%s: %s", path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 || fstat(fd, &st) == -1 ||
	    (st.st_uid != 0 && (errno = EPERM)) || fchown(fd, 0, gid) == -1 ||
	    fchmod(fd, mode) == -1) {
		snprintf(err, PAAS_ERRLEN, "%s: %s", path,
		    errno == EPERM ? "must belong to root" : strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	l->at[at] = fd;
	return 0;
}

int
place_open(struct launcher *l, char err[PAAS_ERRLEN])
{
	const char *parent;
	size_t i;
	int fd;

	for (i = 0; i < AT_PLACES; i++)
		l->at[i] = -1;
	if (user_find(l->conf.user_manager, &l->manager, err) == -1 ||
	    user_find(l->conf.user_log, &l->log, err) == -1 ||
	    user_find(l->conf.user_slug, &l->slug, err) == -1 ||
	    user_find(l->conf.user_git, &l->git, err) == -1)
		return -1;
	if (place_top(l, AT_STATE, l->conf.state_dir, 0755, 0, err) == -1 ||
	    place_top(l, AT_RUN, l->conf.run_dir, 01775, l->manager.gid, err) ==
		-1)
		return -1;
	for (i = 0; i < NPLACES; i++) {
		fd = place_make(l->at[places[i].in], places[i].name,
		    owner_of(l, places[i].who), places[i].mode);
		if (fd < 0) {
			parent = places[i].in == AT_RUN ? l->conf.run_dir
							: l->conf.state_dir;
			snprintf(err, PAAS_ERRLEN, "%s/%s: %s", parent,
			    places[i].name, strerror(-fd));
			return -1;
		}
		l->at[places[i].place] = fd;
	}
	return 0;
}

void
place_close(struct launcher *l)
{
	size_t i;

	for (i = 0; i < AT_PLACES; i++) {
		if (l->at[i] != -1)
			close(l->at[i]);
		l->at[i] = -1;
	}
}

int
place_upload(const struct launcher *l, uint64_t build)
{
	char name[ID_TEXT + 4];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%016" PRIx64 ".tar", build);
	/* O_NONBLOCK: a fifo of that name must not hold us up. */
	fd = place_beneath(l->at[AT_UPLOADS], name, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_uid == l->manager.uid && fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	close(fd);
	return -EPERM;
}

int
place_archive(const struct launcher *l, const uint8_t hash[LAUNCH_HASH])
{
	char name[ARCHIVE_TEXT];

	archive_format(name, hash);
	return place_beneath(l->at[AT_ARCHIVES], name, O_RDONLY);
}

/* By the number of a descriptor: what is above may be moved by the manager. */
int
place_listen(const struct launcher *l, uint64_t id)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char name[ID_TEXT];
	mode_t mask;
	int error = 0, fd;

	id_format(name, id);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s",
	    l->at[AT_ATTACH], name);
	(void)unlinkat(l->at[AT_ATTACH], name, 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    fchownat(l->at[AT_ATTACH], name, l->manager.uid, l->manager.gid,
		AT_SYMLINK_NOFOLLOW) == -1 ||
	    listen(fd, 4) == -1)
		error = -errno;
	(void)umask(mask);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

void
place_unlisten(const struct launcher *l, uint64_t id)
{
	char name[ID_TEXT];

	id_format(name, id);
	(void)unlinkat(l->at[AT_ATTACH], name, 0);
}

void
repository_format(char out[REPOSITORY_TEXT], uint64_t app)
{
	snprintf(out, REPOSITORY_TEXT, "%016" PRIx64 ".git", app);
}

static int
repository_make(void *arg)
{
	const struct asked *a = arg;
	char name[REPOSITORY_TEXT];
	int fd;

	repository_format(name, a->q->u.id);
	fd = place_make(a->l->at[AT_GIT], name, a->l->git, 0700);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static const struct step repository_rows[] = {
    {"make", repository_make, NULL, 0},
};
STEPS(repository);
