/*
 * Buildpacks of others, fetched in the sandbox, over the network that the
 * build has:
 *
 *   https://HOST/PATH[.git][#REF]  git: a branch, a tag or a whole commit
 *   https://HOST/PATH.tgz          an archive: tar or zip, however compressed
 *   ./PATH                         a folder or an archive in the app itself
 *
 * What was fetched stays in the app's cache, by the SHA-256 of the URL.
 */
#include "sandbox/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STORE      ".paas/packs"
#define STORE_DAYS 30 /* one that no build has used since goes */
#define URL_MAX    1024

int
fetch_is_foreign(const char *wanted)
{
	return strncmp(wanted, "./", 2) == 0 || strstr(wanted, "://") != NULL;
}

static int
is_archive(const char *path)
{
	static const char *const suffixes[] = {".tgz", ".tar.gz", ".tar",
	    ".tar.xz", ".txz", ".tar.zst", ".tar.bz2", ".zip"};
	size_t len = strlen(path), n;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		n = strlen(suffixes[i]);
		if (len > n && strcmp(path + len - n, suffixes[i]) == 0)
			return 1;
	}
	return 0;
}

/* The last component without its suffix, of letters that need no care. */
static void
set_id(const char *path, char id[SANDBOX_PACK_MAX + 1])
{
	const char *end = path + strlen(path), *start;
	size_t len, n = 0;

	while (end > path && end[-1] == '/')
		end--;
	for (start = end; start > path && start[-1] != '/'; start--)
		;
	len = (size_t)(end - start);
	if (len > 4 && strncmp(end - 4, ".git", 4) == 0)
		len -= 4;
	else if (is_archive(path))
		len = strcspn(start, ".");
	for (size_t i = 0; i < len && n < SANDBOX_PACK_MAX; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
			   "yz0123456789-_.",
			start[i]) != NULL &&
		    (n > 0 || start[i] != '.'))
			id[n++] = start[i];
	id[n] = '\0';
	if (n == 0)
		memcpy(id, "pack", sizeof("pack"));
}

/* ---- in the app ------------------------------------------------------ */

static int
copy_folder(const struct build_places *places, const char *from,
    const char *dir, char err[SANDBOX_ERRLEN])
{
	char *argv[] = {(char *)(uintptr_t) "/bin/cp", (char *)(uintptr_t) "-R",
	    (char *)(uintptr_t) "--", (char *)(uintptr_t)from,
	    (char *)(uintptr_t)dir, NULL};
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = places->app};
	int status;

	env_of_packs(&env);
	run.envp = env.v;
	status = run_program(places->guard, &run, err);
	env_free(&env);
	if (status > 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "A buildpack can't be copied to %s.", places->work);
	return status == 0 ? 0 : -1;
}

/* path is clean, and nothing of it leads out of the app. */
static int
open_in_app(const struct build_places *places, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int app = open(places->app, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (app == -1)
		return -1;
	fd = (int)syscall(SYS_openat2, app, path, &how, sizeof(how));
	close(app);
	return fd;
}

static int
fetch_from_app(const struct build_places *places, const char *wanted,
    const char *dir, char err[SANDBOX_ERRLEN])
{
	char path[PATH_MAX], full[PATH_MAX + 512], name[160];
	struct stat st;
	int fd = -1, result = -1;

	text_escape(name, sizeof(name), wanted);
	if (path_clean(wanted, path) == PATH_OK && path[0] != '\0')
		fd = open_in_app(places, path);
	if (fd == -1 || fstat(fd, &st) == -1) {
		snprintf(err, SANDBOX_ERRLEN,
		    "There is no buildpack \"%s\" in the app: it names a "
		    "folder or an archive of what is pushed.",
		    name);
	} else if (S_ISDIR(st.st_mode)) {
		snprintf(full, sizeof(full), "%s/%s", places->app, path);
		result = copy_folder(places, full, dir, err);
	} else
		result = fetch_unpack(fd, dir, name, err);
	if (fd != -1)
		close(fd);
	return result;
}

/* ---- from elsewhere -------------------------------------------------- */

static int
make_store(const struct build_places *places, const char *url, char *out,
    size_t len, char err[SANDBOX_ERRLEN])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(digest) + 1];
	const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

	crypto_hash_sha256(digest, (const unsigned char *)url, strlen(url));
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	snprintf(out, len, "%s/.paas", places->cache);
	(void)mkdir(out, 0755);
	snprintf(out, len, "%s/" STORE, places->cache);
	(void)mkdir(out, 0755);
	snprintf(out, len, "%s/" STORE "/%.32s", places->cache, hex);
	if (mkdir(out, 0755) == -1 && errno != EEXIST) {
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be made: %s.", out,
		    strerror(errno));
		return -1;
	}
	(void)utimensat(AT_FDCWD, out, now, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* Which have not been used for long go; how it ends does not matter. */
static void
prune_stores(const struct build_places *places)
{
	char path[600], old[900], err[SANDBOX_ERRLEN];
	char *argv[] = {(char *)(uintptr_t) "/bin/rm",
	    (char *)(uintptr_t) "-rf", (char *)(uintptr_t) "--", old, NULL};
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = "/"};
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/" STORE, places->cache);
	if ((dir = opendir(path)) == NULL)
		return;
	env_of_packs(&env);
	run.envp = env.v;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == -1 ||
		    st.st_mtime > time(NULL) - STORE_DAYS * 86400L)
			continue;
		snprintf(old, sizeof(old), "%s/%s", path, entry->d_name);
		(void)run_program(places->guard, &run, err);
	}
	env_free(&env);
	closedir(dir);
}

static int
url_valid(const char *url, char err[SANDBOX_ERRLEN])
{
	char name[160];
	const char *host = strstr(url, "://") + 3, *p;

	text_escape(name, sizeof(name), url);
	for (p = url; *p > ' ' && *p < 0x7f && strchr("\"'<>\\`", *p) == NULL;)
		p++;
	if (*p != '\0' || strlen(url) > URL_MAX ||
	    (strncmp(url, "https://", 8) != 0 &&
		strncmp(url, "http://", 7) != 0) ||
	    strcspn(host, "/?#") == 0) {
		snprintf(err, SANDBOX_ERRLEN,
		    "\"%s\" is no URL of a buildpack: it has to begin with "
		    "https:// and a host.",
		    name);
		return -1;
	}
	if (memchr(host, '@', strcspn(host, "/?#")) != NULL) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The URL of a buildpack has a user or password in it, "
		    "which would be seen by many: put the pack into a folder "
		    "of the app, and name that (./FOLDER).");
		return -1;
	}
	return 0;
}

static int
fetch_url(const struct build_places *places, const char *wanted,
    const char *dir, char id[SANDBOX_PACK_MAX + 1], char err[SANDBOX_ERRLEN])
{
	char url[URL_MAX + 1], store[600], *ref;
	int result;

	if (url_valid(wanted, err) == -1)
		return -1;
	snprintf(url, sizeof(url), "%s", wanted);
	if ((ref = strchr(url, '#')) != NULL)
		*ref++ = '\0';
	set_id(url, id);
	if (make_store(places, wanted, store, sizeof(store), err) == -1)
		return -1;
	if (is_archive(url))
		result = fetch_archive(places, url, store, dir, err);
	else
		result = fetch_git(places, url,
		    ref != NULL && *ref != '\0' ? ref : NULL, store, dir, err);
	prune_stores(places);
	return result;
}

int
fetch_pack(const struct build_places *places, const char *wanted,
    const char *dir, char id[SANDBOX_PACK_MAX + 1], char err[SANDBOX_ERRLEN])
{
	if (strncmp(wanted, "./", 2) != 0)
		return fetch_url(places, wanted, dir, id, err);
	set_id(wanted, id);
	return fetch_from_app(places, wanted, dir, err);
}
