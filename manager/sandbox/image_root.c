/*
 * What umoci left is all ours, but for its modes.  Here it is made what an
 * instance can run from: readable by the one uid there is, nothing setuid,
 * no link where something is mounted, and a name for that uid.
 */
#include "sandbox/image.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD_MAX (1024 * 1024)
#define NFTW_FILES 32

static int
fail(char err[SANDBOX_ERRLEN], const char *what)
{
	snprintf(err, SANDBOX_ERRLEN, "The image's /%s can't be made: %s.",
	    what, strerror(errno));
	return -1;
}

/* ---- modes ----------------------------------------------------------- */

/* A folder comes before what is in it, so that it can be entered then. */
static int
fit_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	mode_t mode = st->st_mode & 0777;

	(void)ftw;
	if (type == FTW_SL || type == FTW_SLN)
		return 0;
	mode |= S_ISDIR(st->st_mode) ? 0700 : 0400;
	if ((st->st_mode & 07777) != mode && chmod(path, mode) == -1)
		return -1;
	/* One that could not be listed can be now. */
	return type == FTW_DNR ? nftw(path, fit_mode, NFTW_FILES, FTW_PHYS) : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* ---- what is mounted upon -------------------------------------------- */

/* A real folder; what is in its place and is none goes, as would a link. */
static int
need_dir(int root, const char *path, char err[SANDBOX_ERRLEN])
{
	struct stat st;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		if (unlinkat(root, path, 0) == -1)
			return fail(err, path);
	}
	return mkdirat(root, path, 0755) == 0 ? 0 : fail(err, path);
}

static int
need_file(int root, const char *path, char err[SANDBOX_ERRLEN])
{
	struct stat st;
	int fd;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		if (unlinkat(root, path,
			S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == -1)
			return fail(err, path);
	}
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1)
		return fail(err, path);
	close(fd);
	return 0;
}

/* As launcher_root.c wants them. */
static int
need_all(int root, char err[SANDBOX_ERRLEN])
{
	static const char *const dirs[] = {
	    "proc", "dev", "tmp", "etc", ".paas"};
	static const char *const files[] = {
	    "etc/hosts", "etc/hostname", "etc/resolv.conf"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (need_dir(root, dirs[i], err) == -1)
			return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (need_file(root, files[i], err) == -1)
			return -1;
	return 0;
}

/* ---- who ------------------------------------------------------------- */

/* The text of a file of the image, NUL at its end; "" if there is none. */
static char *
read_text(int root, const char *path)
{
	char *text = calloc(1, PASSWD_MAX + 1);
	int fd =
	    openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = 0;
	size_t len = 0;

	if (text == NULL)
		abort();
	while (fd != -1 && len < PASSWD_MAX &&
	       (n = read(fd, text + len, PASSWD_MAX - len)) > 0)
		len += (size_t)n;
	if (fd != -1)
		close(fd);
	text[len] = '\0';
	return text;
}

struct entry {
	char name[64];
	uint32_t id;
	char home[256]; /* of passwd */
};

/* NAME:x:ID:..., of passwd or group; 0 if the line is none. */
static int
parse_entry(const char *line, size_t len, struct entry *e)
{
	char copy[1024], *fields[7] = {NULL}, *at = copy;
	const char *why;
	size_t n = 0;

	if (len >= sizeof(copy))
		return 0;
	memcpy(copy, line, len);
	copy[len] = '\0';
	while (n < 7 && at != NULL)
		fields[n++] = strsep(&at, ":");
	if (n < 3)
		return 0;
	e->id = (uint32_t)strtonum(fields[2], 0, UINT32_MAX, &why);
	strlcpy(e->name, fields[0], sizeof(e->name));
	strlcpy(e->home, n > 5 ? fields[5] : "", sizeof(e->home));
	return why == NULL;
}

/* By name, or if that is NULL by id: 1 if it is there. */
static int
find_entry(const char *text, const char *name, uint32_t id, struct entry *e)
{
	size_t len;

	for (; *text != '\0'; text += len, text += *text == '\n') {
		len = strcspn(text, "\n");
		if (parse_entry(text, len, e) &&
		    (name != NULL ? strcmp(e->name, name) == 0 : e->id == id))
			return 1;
	}
	return 0;
}

/* The image's User, NAME or ID, with or without ":GROUP". */
static int
find_user(struct image *image, const char *passwd, char err[SANDBOX_ERRLEN])
{
	char user[sizeof(image->user)], text[200];
	struct entry e = {.home = ""};
	const char *why;
	int found;

	strlcpy(user, image->user[0] != '\0' ? image->user : "0", sizeof(user));
	user[strcspn(user, ":")] = '\0';
	image->uid = (uint32_t)strtonum(user, 0, INT32_MAX - 1, &why);
	found = find_entry(passwd, why == NULL ? NULL : user, image->uid, &e);
	if (why != NULL && !found && strcmp(user, "root") != 0) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The image's user \"%s\" is not in its /etc/passwd.",
		    text_escape(text, sizeof(text), user));
		return -1;
	}
	if (why != NULL)
		image->uid = found ? e.id : 0;
	strlcpy(image->home,
	    found && e.home[0] == '/' ? e.home
	    : image->uid == 0         ? "/root"
				      : "/",
	    sizeof(image->home));
	/* Nobody is root here: programs would try what only root may. */
	if (image->uid == 0 || image->uid > INT32_MAX - 1)
		image->uid = IMAGE_UID;
	return 0;
}

static int
add_line(int root, const char *path, const char *line, const char *text)
{
	size_t len = strlen(text);
	int fd = openat(root, path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0644);
	int result;

	/* A link to elsewhere, or a folder: the image's own affair. */
	if (fd == -1)
		return errno == ENOSPC || errno == EDQUOT ? -1 : 0;
	result = dprintf(fd, "%s%s",
		     len > 0 && text[len - 1] != '\n' ? "\n" : "", line) > 0
		     ? 0
		     : -1;
	close(fd);
	return result;
}

/* So that whoever asks who he is gets an answer. */
static int
name_user(
    struct image *image, int root, const char *passwd, char err[SANDBOX_ERRLEN])
{
	char line[512], *group;
	struct entry e;
	int result = 0;

	if (!find_entry(passwd, NULL, image->uid, &e)) {
		snprintf(line, sizeof(line), "%s:x:%u:%u::%s:/bin/sh\n",
		    find_entry(passwd, "app", 0, &e) ? "paas-app" : "app",
		    image->uid, image->uid, image->home);
		result = add_line(root, "etc/passwd", line, passwd);
	}
	group = read_text(root, "etc/group");
	if (result == 0 && !find_entry(group, NULL, image->uid, &e)) {
		snprintf(line, sizeof(line), "%s:x:%u:\n",
		    find_entry(group, "app", 0, &e) ? "paas-app" : "app",
		    image->uid);
		result = add_line(root, "etc/group", line, group);
	}
	free(group);
	return result == 0 ? 0 : fail(err, "etc/passwd");
}

int
image_fit_root(struct image *image, const char *path, char err[SANDBOX_ERRLEN])
{
	char dev[512], *passwd;
	int result = -1, root;

	if (nftw(path, fit_mode, NFTW_FILES, FTW_PHYS) != 0)
		return fail(err, "");
	snprintf(dev, sizeof(dev), "%s/dev", path);
	if (nftw(dev, remove_one, NFTW_FILES, FTW_DEPTH | FTW_PHYS) == -1 &&
	    errno != ENOENT)
		return fail(err, "dev");
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return fail(err, "");
	if (need_all(root, err) == 0) {
		passwd = read_text(root, "etc/passwd");
		if (find_user(image, passwd, err) == 0)
			result = name_user(image, root, passwd, err);
		free(passwd);
	}
	close(root);
	json_object_set_new(image->run, "uid", json_integer(image->uid));
	json_object_set_new(image->run, "home", json_string(image->home));
	return result;
}
