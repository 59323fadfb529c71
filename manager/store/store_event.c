/*
 * The timeline of each app.
 *
 * An event is event/APP/SEQ, SEQ being 16 hex digits of the commit's revision
 * and 2 of its place in that commit, so that the order of keys is the order
 * of commits.  The newest STORE_EVENTS_KEPT of an app stay in the store.
 * Older ones go to the file events/APP beside it, one JSON object a line,
 *
 *   {"seq":"000000000000002a00","at":1795350000000000,"kind":..,"text":..}
 *
 * first written and synced, then deleted from the store: a crash in between
 * leaves some lines twice, told by their seq.  At FILE_MAX bytes a file
 * becomes APP.1, in place of the one before.  Both go with the app.
 */
#include <sys/stat.h>
#include <sys/time.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/log.h"
#include "store/backend.h"
#include "store/keys.h"

#define FILE_MAX (1024 * 1024)
#define TEXT_MAX 1024

/* How many an app may have in the store; a hint, counted once, then kept. */
struct count {
	RB_ENTRY(count) entry;
	unsigned int n;
	int moving; /* a commit that deletes some is under way */
	struct store_timeline *timeline;
	char app[KEY_NAME_MAX + 1];
};
RB_HEAD(counts, count);

struct store_timeline {
	struct store *store;
	struct store_watch *apps;
	struct counts counts;
	int dir_fd;
};

static int
compare_counts(struct count *a, struct count *b)
{
	return strcmp(a->app, b->app);
}

RB_GENERATE_INTERNAL(
    counts, count, entry, compare_counts, __attribute__((__unused__)) static)

/* ---- adding ------------------------------------------------------------ */

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Text comes from people and programs: what is no UTF-8 becomes '?'. */
static json_t *
safe_string(char *text)
{
	json_t *value;
	char *p;

	if ((value = json_string(text)) != NULL)
		return value;
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(text);
}

void
store_event(struct store_txn *txn, const char *app, const char *kind,
    const char *fmt, ...)
{
	char key[STORE_KEY_MAX + 1], text[TEXT_MAX];
	json_t *value;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	value = json_pack("{s:I, s:s, s:o}", "at", (json_int_t)now_us(), "kind",
	    kind, "text", safe_string(text));
	store_add(
	    txn, STORE_OP_EVENT, key_format(key, "event/%s/", app), 0, value);
	json_decref(value);
}

void
store_event_record(
    struct store_txn *txn, const char *app, json_t *record, const char *words)
{
	char key[STORE_KEY_MAX + 1], text[TEXT_MAX];

	strlcpy(text, words, sizeof(text));
	json_object_set_new(record, "at", json_integer(now_us()));
	json_object_set_new(record, "text", safe_string(text));
	store_add(
	    txn, STORE_OP_EVENT, key_format(key, "event/%s/", app), 0, record);
}

void
store_event_key(struct store_op *op, uint64_t rev, unsigned int n)
{
	snprintf(op->key + op->stem, sizeof(op->key) - op->stem, "%016llx%02x",
	    (unsigned long long)rev, n & 0xff);
}

/* ---- moving old ones to files ------------------------------------------ */

struct move {
	FILE *file;
	struct store_txn *txn;
	unsigned int left;
};

static int
count_one(
    const char *key, const char *text, size_t len, uint64_t rev, void *arg)
{
	(void)key, (void)text, (void)len, (void)rev;
	++*(unsigned int *)arg;
	return 0;
}

static unsigned int
count_events(struct store *st, const char *app)
{
	char prefix[STORE_KEY_MAX + 1];
	unsigned int n = 0;

	key_format(prefix, "event/%s/", app);
	st->ops->each(st->be, prefix, prefix, 0, count_one, &n);
	return n;
}

static int
move_one(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct move *move = arg;
	json_t *line;
	char *text;

	line = json_pack("{s:s}", "seq", strrchr(key, '/') + 1);
	json_object_update(line, event);
	if ((text = json_dumps(line, JSON_COMPACT)) != NULL)
		fprintf(move->file, "%s\n", text);
	free(text);
	json_decref(line);
	store_if(move->txn, key, rev);
	store_del(move->txn, key);
	return --move->left == 0;
}

static FILE *
open_file(struct store_timeline *tl, const char *app)
{
	char old[KEY_NAME_MAX + 3];
	struct stat sb;
	FILE *file = NULL;
	int fd;

	snprintf(old, sizeof(old), "%s.1", app);
	if (fstatat(tl->dir_fd, app, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_size >= FILE_MAX)
		renameat(tl->dir_fd, app, tl->dir_fd, old);
	fd = openat(tl->dir_fd, app,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd != -1 && (file = fdopen(fd, "a")) == NULL)
		close(fd);
	return file;
}

static void
moved(enum store_result result, uint64_t rev, void *arg)
{
	struct count *count = arg;

	(void)rev;
	count->moving = 0;
	if (result != STORE_OK)
		log_warn("store: old events of %s stay for now: %s", count->app,
		    store_strerror(result));
	count->n = count_events(count->timeline->store, count->app);
}

/* The oldest STORE_OPS_MAX of an app: to its file, then out of the store. */
static void
move_old(struct store_timeline *tl, struct count *count)
{
	char prefix[STORE_KEY_MAX + 1];
	struct move move = {NULL, NULL, STORE_OPS_MAX};
	int failed;

	if ((move.file = open_file(tl, count->app)) == NULL) {
		log_warn("store: cannot write the old events of %s: %s",
		    count->app, strerror(errno));
		return;
	}
	move.txn = store_begin(tl->store);
	key_format(prefix, "event/%s/", count->app);
	store_each(tl->store, prefix, move_one, &move);
	failed = fflush(move.file) != 0 || fsync(fileno(move.file)) != 0;
	if (fclose(move.file) != 0 || failed) {
		log_warn("store: cannot write the old events of %s: %s",
		    count->app, strerror(errno));
		store_abandon(move.txn);
		return;
	}
	count->moving = 1;
	store_commit(move.txn, moved, count);
}

static struct count *
find_count(struct store_timeline *tl, const char *app)
{
	struct count find, *count;

	strlcpy(find.app, app, sizeof(find.app));
	if ((count = RB_FIND(counts, &tl->counts, &find)) != NULL) {
		count->n++;
		return count;
	}
	if ((count = calloc(1, sizeof(*count))) == NULL)
		log_fatal("store: out of memory");
	count->timeline = tl;
	strlcpy(count->app, app, sizeof(count->app));
	count->n = count_events(tl->store, app);
	RB_INSERT(counts, &tl->counts, count);
	return count;
}

/* Called for each event once it is in the store. */
void
store_timeline_added(struct store_timeline *tl, const char *key)
{
	char app[KEY_NAME_MAX + 1];
	struct count *count;

	if (key_part(key, 1, app, sizeof(app)) == -1)
		return;
	count = find_count(tl, app);
	if (!count->moving && count->n >= STORE_EVENTS_KEPT + STORE_OPS_MAX)
		move_old(tl, count);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): in tree */
}

/* ---- apps that are gone ------------------------------------------------ */

static void
remove_files(struct store_timeline *tl, const char *app)
{
	char old[KEY_NAME_MAX + 3];

	snprintf(old, sizeof(old), "%s.1", app);
	unlinkat(tl->dir_fd, app, 0);
	unlinkat(tl->dir_fd, old, 0);
}

static void
app_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct store_timeline *tl = arg;
	struct count find, *count;

	(void)rev;
	if (value != NULL || key_part(key, 1, find.app, sizeof(find.app)) == -1)
		return;
	remove_files(tl, find.app);
	count = RB_FIND(counts, &tl->counts, &find);
	if (count != NULL && !count->moving) {
		RB_REMOVE(counts, &tl->counts, count);
		free(count);
	}
}

/* After a crash between the deletion of an app and that of its files. */
static void
sweep_files(struct store_timeline *tl)
{
	char app[KEY_NAME_MAX + 1], key[STORE_KEY_MAX + 1];
	struct dirent *entry;
	json_t *value;
	DIR *dir;
	int fd;

	if ((fd = dup(tl->dir_fd)) == -1 || (dir = fdopendir(fd)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		strlcpy(app, entry->d_name, sizeof(app));
		app[strcspn(app, ".")] = '\0';
		if (!key_app_valid(app))
			continue;
		value =
		    store_get(tl->store, key_format(key, "app/%s", app), NULL);
		if (value == NULL)
			remove_files(tl, app);
		json_decref(value);
	}
	closedir(dir);
}

/* ---- open and close ---------------------------------------------------- */

struct store_timeline *
store_timeline_open(struct store *st, const char *dir, char err[PAAS_ERRLEN])
{
	struct store_timeline *tl;

	if ((tl = calloc(1, sizeof(*tl))) == NULL)
		log_fatal("store: out of memory");
	tl->store = st;
	RB_INIT(&tl->counts);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		snprintf(err, PAAS_ERRLEN, "cannot make the folder %s: %s", dir,
		    strerror(errno));
		free(tl);
		return NULL;
	}
	tl->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tl->dir_fd == -1) {
		snprintf(err, PAAS_ERRLEN, "cannot open the folder %s: %s", dir,
		    strerror(errno));
		free(tl);
		return NULL;
	}
	sweep_files(tl);
	tl->apps = store_watch(st, "app/", app_changed, tl);
	return tl;
}

void
store_timeline_close(struct store_timeline *tl)
{
	struct count *count, *next;

	if (tl == NULL)
		return;
	store_unwatch(tl->apps);
	RB_FOREACH_SAFE (count, counts, &tl->counts, next) {
		RB_REMOVE(counts, &tl->counts, count);
		free(count);
	}
	close(tl->dir_fd);
	free(tl);
}
