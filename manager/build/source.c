/*
 * An archive that comes before the build that names it:
 *
 *   uploads/OWNER-ID.part       while it comes
 *   uploads/OWNER-ID.SHA256     once it is all there
 *   uploads/OWNER-ID.used       empty: a build has it, and no other comes
 *
 * No record tells of it: it is there or it is not.  The build gives the file
 * another name, and takes this one away once it is noted; of one that was
 * killed in between there are two names, if it was noted, after the first
 * sweep.  What nobody takes goes after an hour, in which its URL ends, too,
 * and what was there before the machine started at once, for of that no byte
 * may be on the disk.
 */
#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build/room.h"
#include "common/log.h"

#define SOURCE_LIFE  3600               /* s */
#define SOURCE_EVERY (300 * 1000000ULL) /* us, between looks for old ones */
#define PART         "part"
#define USED         "used"
#define FILE_NAME    33 /* bytes, to the '.' */

struct build_incoming {
	struct build *build;
	struct spool spool;
	struct build_source source;
	crypto_hash_sha256_state hash;
};

/* ---- names ------------------------------------------------------------- */

static void
source_name(struct build_source *source, const char *end)
{
	snprintf(source->file, sizeof(source->file),
	    "%016" PRIx64 "-%016" PRIx64 ".%s", source->owner, source->id, end);
}

/* 0 and what follows the '.', or -1: it is none of these files. */
static int
source_parse(const char *name, struct build_source *source, const char **end)
{
	char text[34];

	if (strlcpy(text, name, sizeof(text)) < sizeof(text) - 1 ||
	    text[16] != '-' || name[33] != '.')
		return -1;
	text[16] = '\0';
	*end = name + 34;
	return key_parse_id(text, &source->owner) == 0 &&
		       key_parse_id(text + 17, &source->id) == 0 &&
		       (strcmp(*end, PART) == 0 || strcmp(*end, USED) == 0 ||
			   strlen(*end) == 64)
		   ? 0
		   : -1;
}

/* Each file, until one is not 0: that, or 0 for none, or -1 with errno. */
static int
source_each(struct build *b,
    int (*each)(struct build *, const char *name, const char *end,
	struct build_source *, void *),
    void *arg)
{
	struct build_source source = {0};
	struct dirent *entry;
	const char *end;
	int fd, result = 0;
	DIR *dir;

	fd = openat(b->uploads, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (source_parse(entry->d_name, &source, &end) == 0)
			result = each(b, entry->d_name, end, &source, arg);
	closedir(dir);
	return result;
}

/* ---- old ones ---------------------------------------------------------- */

/* Of the clock that files have. */
static time_t
booted(void)
{
	struct timespec since, now;

	clock_gettime(CLOCK_BOOTTIME, &since);
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - since.tv_sec;
}

void
source_used(struct build *b, const char *file)
{
	char name[FILE_NAME + sizeof("." USED)];
	int fd;

	snprintf(name, sizeof(name), "%.*s." USED, FILE_NAME, file);
	fd = openat(b->uploads, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		log_warn("build: uploads/%s can't be made: %s", name,
		    strerror(errno));
	else
		close(fd);
	(void)unlinkat(b->uploads, file, 0);
}

static int
sweep_one(struct build *b, const char *name, const char *end,
    struct build_source *source, void *starting)
{
	struct stat st;
	time_t oldest = time(NULL) - SOURCE_LIFE;
	int part = strcmp(end, PART) == 0;

	(void)source;
	if (booted() > oldest && strcmp(end, USED) != 0)
		oldest = booted();
	if (fstatat(b->uploads, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	if (starting != NULL && st.st_nlink > 1)
		source_used(b, name);
	else if ((st.st_mtime < oldest || (starting != NULL && part)) &&
		 unlinkat(b->uploads, name, 0) == -1)
		log_warn("build: uploads/%s can't be removed: %s", name,
		    strerror(errno));
	return 0;
}

static int
sweep_again(sd_event_source *timer, uint64_t now, void *arg)
{
	struct build *b = arg;

	(void)source_each(b, sweep_one, NULL);
	(void)sd_event_source_set_time(timer, now + SOURCE_EVERY);
	(void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return 0;
}

void
source_start(struct build *b)
{
	if (source_each(b, sweep_one, b) == -1)
		log_warn("build: uploads can't be read: %s", strerror(errno));
	if (sd_event_add_time_relative(b->loop, &b->sources, CLOCK_BOOTTIME,
		SOURCE_EVERY, SOURCE_EVERY, sweep_again, b) < 0)
		log_fatal("build: no timer");
}

void
source_stop(struct build *b)
{
	sd_event_source_disable_unref(b->sources);
}

/* ---- one that comes ---------------------------------------------------- */

struct count {
	const struct build_source *source;
	unsigned int n;
};

/* Whether it is there, or was; and how many its owner has. */
static int
count_one(struct build *b, const char *name, const char *end,
    struct build_source *source, void *arg)
{
	struct count *count = arg;

	(void)b;
	(void)name;
	count->n +=
	    source->owner == count->source->owner && strcmp(end, USED) != 0;
	return source->owner == count->source->owner &&
	       source->id == count->source->id;
}

static int
source_fits(
    struct build *b, const struct build_source *source, struct build_error *err)
{
	struct count count = {source, 0};

	switch (source_each(b, count_one, &count)) {
	case 0:
		if (count.n < BUILD_SOURCES_MAX)
			return 0;
		spool_fail(err, BUILD_MANY,
		    "You have %u sources that no build has used: build them, "
		    "or wait an hour.",
		    count.n);
		return -1;
	case 1:
		spool_fail(err, BUILD_RUNNING,
		    "The source was uploaded already, or is just now: a new "
		    "one takes a new URL, by POST /sources.");
		return -1;
	default:
		spool_fail_errno(err, errno);
		return -1;
	}
}

struct build_incoming *
build_source_begin(
    struct build *b, uint64_t owner, uint64_t id, struct build_error *err)
{
	struct build_incoming *incoming = calloc(1, sizeof(*incoming));

	if (incoming == NULL) {
		spool_fail_errno(err, ENOMEM);
		return NULL;
	}
	incoming->build = b;
	incoming->source.owner = owner;
	incoming->source.id = id;
	source_name(&incoming->source, PART);
	(void)crypto_hash_sha256_init(&incoming->hash);
	if (source_fits(b, &incoming->source, err) == 0 &&
	    spool_open(
		&incoming->spool, b->uploads, incoming->source.file, err) == 0)
		return incoming;
	free(incoming);
	return NULL;
}

int
build_source_append(struct build_incoming *incoming, const void *data,
    size_t len, struct build_error *err)
{
	(void)crypto_hash_sha256_update(&incoming->hash, data, len);
	return spool_append(
	    &incoming->spool, incoming->build->conf, data, len, err);
}

void
build_source_abort(struct build_incoming *incoming)
{
	spool_close(&incoming->spool);
	(void)unlinkat(incoming->build->uploads, incoming->source.file, 0);
	free(incoming);
}

int
build_source_finish(struct build_incoming *incoming,
    struct build_source *source, struct build_error *err)
{
	uint8_t digest[crypto_hash_sha256_BYTES];
	int dir = incoming->build->uploads;

	*source = incoming->source;
	source->size = incoming->spool.size;
	(void)crypto_hash_sha256_final(&incoming->hash, digest);
	(void)sodium_bin2hex(
	    source->sha256, sizeof(source->sha256), digest, sizeof(digest));
	source_name(source, source->sha256);
	if (source->size == 0)
		spool_fail(err, BUILD_EMPTY,
		    "The source is empty: send a tar or tar.gz archive.");
	else if (renameat(dir, incoming->source.file, dir, source->file) == -1)
		spool_fail_errno(err, errno);
	else {
		spool_close(&incoming->spool);
		free(incoming);
		return 0;
	}
	build_source_abort(incoming);
	return -1;
}

/* ---- and is used ------------------------------------------------------- */

static int
find_one(struct build *b, const char *name, const char *end,
    struct build_source *source, void *arg)
{
	struct build_source *wanted = arg;
	struct stat st;

	if (source->owner != wanted->owner || source->id != wanted->id ||
	    strcmp(end, PART) == 0 || strcmp(end, USED) == 0 ||
	    fstatat(b->uploads, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	wanted->size = (uint64_t)st.st_size;
	strlcpy(wanted->sha256, end, sizeof(wanted->sha256));
	source_name(wanted, end);
	return 1;
}

int
build_source_find(
    struct build *b, uint64_t owner, uint64_t id, struct build_source *source)
{
	memset(source, 0, sizeof(*source));
	source->owner = owner;
	source->id = id;
	return source_each(b, find_one, source) == 1 ? 0 : -1;
}

char *
build_order(const char *url, const char *sha256)
{
	char *text;

	return asprintf(&text, "%s\n%s\n", url, sha256) == -1 ? NULL : text;
}
