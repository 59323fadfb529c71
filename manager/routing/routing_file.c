/*
 * Where a database is, of routes or of certificates, and when it is made anew.
 *
 * Commits don't wait for the disk.  The file is whole as long as the kernel
 * is; the file "boot" beside it holds the id of the boot that wrote it, and
 * after another one it is made anew in new/ and moved into place.  Within one
 * boot the revision in it says up to where it mirrors the store, as long as
 * the same program with the same settings has written it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "routing/routing_impl.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* In the order in which they move: readers look at data.mdb alone. */
static const char *const files[] = {"writer.lock", "lock.mdb", "data.mdb"};
#define FILES (sizeof(files) / sizeof(files[0]))

/* ---- the files --------------------------------------------------------- */

static int
read_line(const char *path, char *line, size_t len)
{
	FILE *file;
	int rc = -1;

	if ((file = fopen(path, "re")) == NULL)
		return -1;
	if (fgets(line, (int)len, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		rc = 0;
	}
	fclose(file);
	return rc;
}

/*
 * What this program writes is a matter of its records, of the program itself
 * and of some settings.  The program is told by its file: a new version is
 * another one.
 */
static void
make_stamp(struct routing_db *db, const struct conf *conf, uint32_t epoch)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char text[512];
	struct stat sb;
	int len;

	if (stat("/proc/self/exe", &sb) == -1)
		memset(&sb, 0, sizeof(sb));
	len = snprintf(text, sizeof(text), "%lld %lld.%ld %u %u %s",
	    (long long)sb.st_size, (long long)sb.st_mtim.tv_sec,
	    sb.st_mtim.tv_nsec, epoch, conf->hold_time, conf->domain);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
	    (size_t)len, NULL, 0);
	sodium_bin2hex(db->stamp, sizeof(db->stamp), hash, sizeof(hash));
}

/*
 * "boot" has the id of the boot that the file was written in, then the stamp
 * of who has compared it with the whole store.
 */
static int
read_boot(const struct routing_db *db, char boot[64], char stamp[64])
{
	char path[ROUTING_DIR_MAX + 16];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/boot", db->dir);
	if ((file = fopen(path, "re")) == NULL)
		return -1;
	stamp[0] = '\0';
	n = fscanf(file, "%63s %63s", boot, stamp);
	fclose(file);
	return n >= 1 ? 0 : -1;
}

/* Was the file written since the machine came up? */
static int
is_of_this_boot(struct routing_db *db)
{
	char now[64], then[64], stamp[64];

	if (read_line(BOOT_ID, now, sizeof(now)) == -1 ||
	    read_boot(db, then, stamp) == -1 || strcmp(now, then) != 0)
		return 0;
	db->stamped = stamp[0] != '\0';
	db->trusted = strcmp(stamp, db->stamp) == 0;
	return 1;
}

static int
write_boot(const struct routing_db *db, const char *stamp)
{
	char path[ROUTING_DIR_MAX + 16], tmp[ROUTING_DIR_MAX + 24], now[64];
	FILE *file;
	int rc;

	if (read_line(BOOT_ID, now, sizeof(now)) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/boot", db->dir);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if ((file = fopen(tmp, "we")) == NULL)
		return -1;
	rc = fprintf(file, "%s\n%s\n", now, stamp) < 0 ? -1 : 0;
	if (fclose(file) != 0 || rc == -1)
		return -1;
	return rename(tmp, path);
}

static void
mark(struct routing_db *db, int trusted)
{
	if (db->building || (trusted ? db->trusted : !db->stamped))
		return;
	db->trusted = db->stamped = trusted;
	if (write_boot(db, trusted ? db->stamp : "") == -1)
		log_warn("routing: cannot write %s/boot: %s; the next start "
			 "compares all of it anew",
		    db->dir, strerror(errno));
}

void
routing_db_distrust(struct routing_db *db)
{
	mark(db, 0);
}

void
routing_db_trust(struct routing_db *db)
{
	mark(db, 1);
}

uint64_t
routing_db_base(struct routing_db *db)
{
	if (db->building || !db->trusted)
		return 0;
	return routing_db_revision(db);
}

static int
open_writer(struct routing_db *db, const char *path)
{
	int rc;

	rc = paas_routedb_writer_open(&db->writer, path, 0);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_writer_nosync(db->writer, 1);
	if (rc == PAAS_ROUTEDB_OK)
		db->reader = paas_routedb_writer_reader(db->writer);
	return rc;
}

/* OK if what is there can be read at all, as an empty one can. */
static int
try_reading(struct routing_db *db)
{
	uint64_t txn;
	int rc;

	rc = paas_routedb_begin(db->reader, &txn);
	if (rc == PAAS_ROUTEDB_OK)
		(void)paas_routedb_end(db->reader);
	return rc == PAAS_ROUTEDB_EMISSING ? PAAS_ROUTEDB_OK : rc;
}

/* In a folder of its own, made by the writer; what a crash left there goes. */
int
routing_db_open_new(struct routing_db *db)
{
	char dir[ROUTING_DIR_MAX + 8], path[ROUTING_DIR_MAX + 32];
	size_t i;

	snprintf(dir, sizeof(dir), "%s/new", db->dir);
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (unlink(path) == -1 && errno != ENOENT && errno != ENOTDIR)
			return PAAS_ROUTEDB_ESYS;
	}
	db->building = 1;
	return open_writer(db, dir);
}

static const char *
reason(int rc)
{
	return rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
				       : paas_routedb_strerror(rc);
}

struct routing_db *
routing_db_open(const struct conf *conf, const char *folder, const char *what,
    uint32_t epoch, char err[PAAS_ERRLEN])
{
	struct routing_db *db;
	int rc = PAAS_ROUTEDB_EDAMAGED;

	if ((db = calloc(1, sizeof(*db))) == NULL)
		log_fatal("routing: out of memory");
	db->what = what;
	snprintf(db->dir, sizeof(db->dir), "%s/%s", conf->state_dir, folder);
	make_stamp(db, conf, epoch);
	if (mkdir(db->dir, 0750) == -1 && errno != EEXIST) {
		snprintf(err, PAAS_ERRLEN, "cannot make the folder %s: %s",
		    db->dir, strerror(errno));
		free(db);
		return NULL;
	}
	if (is_of_this_boot(db)) {
		rc = open_writer(db, db->dir);
		if (rc == PAAS_ROUTEDB_ESYS && errno == EBUSY)
			goto fail;
		if (rc == PAAS_ROUTEDB_OK)
			rc = try_reading(db);
		if (rc == PAAS_ROUTEDB_OK)
			return db;
		log_warn(
		    "routing: the %s: %s, and is made anew", what, reason(rc));
		paas_routedb_writer_close(db->writer);
		db->writer = NULL;
	}
	rc = routing_db_open_new(db);
	if (rc == PAAS_ROUTEDB_OK)
		return db;
fail:
	snprintf(err, PAAS_ERRLEN, "cannot open the %s %s: %s", what, db->dir,
	    reason(rc));
	routing_db_close(db);
	return NULL;
}

/* The next transaction opens it. */
void
routing_db_rebuild(struct routing_db *db)
{
	paas_routedb_writer_close(db->writer);
	db->writer = NULL;
	db->primed = 0;
	db->reading = 0;
	db->building = 1;
}

void
routing_db_close(struct routing_db *db)
{
	if (db == NULL)
		return;
	paas_routedb_writer_close(db->writer);
	free(db);
}

int
routing_db_building(const struct routing_db *db)
{
	return db->building;
}

int
routing_db_built(struct routing_db *db, char err[PAAS_ERRLEN])
{
	char from[ROUTING_DIR_MAX + 32], to[ROUTING_DIR_MAX + 32];
	size_t i;

	for (i = 0; i < FILES; i++) {
		snprintf(from, sizeof(from), "%s/new/%s", db->dir, files[i]);
		snprintf(to, sizeof(to), "%s/%s", db->dir, files[i]);
		if (rename(from, to) == -1 && errno != ENOENT) {
			snprintf(err, PAAS_ERRLEN, "cannot move %s to %s: %s",
			    files[i], db->dir, strerror(errno));
			return -1;
		}
	}
	db->building = 0;
	snprintf(from, sizeof(from), "%s/new", db->dir);
	rmdir(from);
	db->trusted = db->stamped = 0;
	if (write_boot(db, "") == -1)
		log_warn("routing: cannot write %s/boot: %s; the next start "
			 "makes it anew",
		    db->dir, strerror(errno));
	return 0;
}
