/*
 * The source of a build from elsewhere: fetched here, in the sandbox, over the
 * network that the build has, so that nothing is reached which the app could
 * not reach.  The URL may hold a secret: it is in no argument list, no line of
 * the build's output, and no file that what an earlier build left in the cache
 * could lead elsewhere.
 */
#include "sandbox/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define URL_MAX    2000
#define HEX        (2 * crypto_hash_sha256_BYTES)
#define HASH_BLOCK 65536
#define FOLDER     ".paas-source"

struct source {
	char url[URL_MAX + 2];
	char sha256[HEX + 2];
	char host[200]; /* with its scheme: what people may see */
	char archive[600];
};

/* ---- what it is -------------------------------------------------------- */

static int
source_read(struct source *s, char err[SANDBOX_ERRLEN])
{
	const char *host, *at;

	if (fgets(s->url, sizeof(s->url), stdin) == NULL ||
	    fgets(s->sha256, sizeof(s->sha256), stdin) == NULL ||
	    s->url[strcspn(s->url, "\n")] == '\0' ||
	    s->sha256[strcspn(s->sha256, "\n")] == '\0') {
		snprintf(err, SANDBOX_ERRLEN,
		    "The upload does not tell where the source is.");
		return -1;
	}
	s->url[strcspn(s->url, "\n")] = '\0';
	s->sha256[strcspn(s->sha256, "\n")] = '\0';
	host = strstr(s->url, "://");
	host = host != NULL ? host + 3 : s->url;
	/* A password may have one in it. */
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (at != NULL)
		host = at + 1;
	text_escape(s->host, sizeof(s->host), host);
	s->host[strcspn(s->host, "/?#")] = '\0';
	return 0;
}

/*
 * curl's own form: the API lets no quote and no backslash in.  A descriptor
 * that curl inherits, or -1.
 */
static int
source_config(const struct source *s, char err[SANDBOX_ERRLEN])
{
	int fd = memfd_create("source", 0);

	if (fd != -1 && dprintf(fd, "url = \"%s\"\n", s->url) > 0)
		return fd;
	snprintf(err, SANDBOX_ERRLEN,
	    "There is no memory for the URL of the source: %s.",
	    strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

/* ---- fetched ----------------------------------------------------------- */

static int
source_failed(const struct source *s, int result, const char *status,
    uint64_t max, char err[SANDBOX_ERRLEN])
{
	static const int too_large = 63; /* curl's CURLE_FILESIZE_EXCEEDED */

	if (result == RUN_TIMEOUT)
		snprintf(err, SANDBOX_ERRLEN,
		    "The source could not be fetched from %s within %d s.",
		    s->host, FETCH_SECONDS);
	else if (result == too_large)
		snprintf(err, SANDBOX_ERRLEN,
		    "The source at %s is larger than %llu MiB (upload_max in "
		    "paas.conf).",
		    s->host, (unsigned long long)(max / (1024 * 1024)));
	else
		snprintf(err, SANDBOX_ERRLEN,
		    "The source could not be fetched from %s%s%s: check "
		    "source_blob.url.",
		    s->host, status[0] > '0' ? ", HTTP " : "",
		    status[0] > '0' ? status : "");
	return -1;
}

static int
source_fetch(const struct build_places *places, const struct source *s,
    uint64_t max, char err[SANDBOX_ERRLEN])
{
	char config[32], status[FETCH_STATUS_MAX + 1] = "";
	struct fetch fetch = {.tls = strncmp(s->url, "https:", 6) == 0,
	    .output = s->archive,
	    .max = max,
	    .options = {"--config", config}};
	int fd = source_config(s, err), result;

	if (fd == -1)
		return -1;
	snprintf(config, sizeof(config), "/proc/self/fd/%d", fd);
	printf("-----> Fetching the source from %s\n", s->host);
	fflush(stdout);
	result = fetch_curl(places, &fetch, status, err);
	close(fd);
	if (result == 0 || result == -1)
		return result;
	return source_failed(s, result, status, max, err);
}

/* 0 if it is the archive that was meant. */
static int
source_check(const struct source *s, int fd, char err[SANDBOX_ERRLEN])
{
	static uint8_t block[HASH_BLOCK];
	uint8_t digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	char hex[HEX + 1];
	ssize_t n;

	if (s->sha256[0] == '\0')
		return 0;
	(void)crypto_hash_sha256_init(&state);
	while ((n = read(fd, block, sizeof(block))) > 0)
		(void)crypto_hash_sha256_update(&state, block, (size_t)n);
	(void)crypto_hash_sha256_final(&state, digest);
	(void)sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	if (n == 0 && strcmp(hex, s->sha256) == 0)
		return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
	snprintf(err, SANDBOX_ERRLEN,
	    "What %s sent is not the archive of source_blob.checksum: its "
	    "SHA-256 is %s.",
	    s->host, hex);
	return -1;
}

/* ---- unpacked ---------------------------------------------------------- */

int
source_lift(const char *app, char err[SANDBOX_ERRLEN])
{
	char only[256], from[600], to[900];
	struct dirent *entry;
	int failed = 0, error;
	DIR *dir;

	if (!fetch_only_folder(app, only, sizeof(only)))
		return 0;
	/* Nothing that is in it has the name of what it is in. */
	snprintf(to, sizeof(to), "%s/%s", app, only);
	snprintf(from, sizeof(from), "%s/" FOLDER, app);
	if (rename(to, from) == -1 || (dir = opendir(from)) == NULL) {
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be opened: %s.",
		    from, strerror(errno));
		return -1;
	}
	while (!failed && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(to, sizeof(to), "%s/%s", app, entry->d_name);
		failed =
		    renameat(dirfd(dir), entry->d_name, AT_FDCWD, to) == -1;
	}
	error = errno;
	closedir(dir);
	if (!failed && rmdir(from) == 0)
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "The folder of the source can't be left: "
	    "%s.",
	    strerror(failed ? error : errno));
	return -1;
}

static int
source_open(const struct build_places *places, const struct source *s,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	int fd = open(s->archive, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int dir = open(places->app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = -1;

	if (fd == -1 || dir == -1)
		snprintf(err, SANDBOX_ERRLEN, "The source can't be read: %s.",
		    strerror(errno));
	else if (source_check(s, fd, err) == 0)
		result = unpack_stream(fd, dir, limits, stats, err);
	if (fd != -1)
		close(fd);
	if (dir != -1)
		close(dir);
	return result == 0 ? source_lift(places->app, err) : -1;
}

int
source_unpack(const struct build_places *places, uint64_t max,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	struct source s = {0};
	int result;

	if (source_read(&s, err) == -1)
		return -1;
	(void)snprintf(
	    s.archive, sizeof(s.archive), "%s/.paas-source", places->cache);
	(void)unlink(s.archive);
	result = source_fetch(places, &s, max, err);
	if (result == 0)
		result = source_open(places, &s, limits, stats, err);
	(void)unlink(s.archive);
	sodium_memzero(s.url, sizeof(s.url));
	return result;
}
