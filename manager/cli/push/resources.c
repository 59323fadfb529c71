#include <bsd/err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/push/resources.h"
#include "cli/push/walk.h"
#include "common/push.h"

#define ASK_MAX    4000 /* in one request, whose body may have 1 MiB */
#define READ_BYTES (128 * 1024)

struct resource {
	struct push_record record; /* path and target are ours */
	int known;                 /* or another entry brings it */
};

struct resources {
	int fd; /* the folder */
	struct resource *v;
	size_t n, room;
	struct resource **sorted; /* files that are not empty, by hash */
	size_t files;
	unsigned long long read; /* bytes, so far */
	size_t at;               /* of the tar, in sorted */
	struct stat st;
	int file; /* of the tar's entry */
	char name[2 * PUSH_HASH + 1];
	unsigned char block[READ_BYTES];
};

/* Who is told, and who may end it. */
struct reading {
	struct progress *progress;
	const volatile sig_atomic_t *stop;
};

static char *
copy(const char *text)
{
	char *out = strdup(text);

	if (out == NULL)
		err(1, NULL);
	return out;
}

/* The size is that of what was read: it may grow meanwhile. */
static int
hash_file(struct resources *r, const struct walk_entry *e,
    struct push_record *record, const struct reading *reading,
    char why[PAAS_ERRLEN])
{
	crypto_hash_sha256_state state;
	ssize_t n;

	record->size = 0;
	crypto_hash_sha256_init(&state);
	while ((n = read(e->fd, r->block, sizeof(r->block))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			snprintf(why, PAAS_ERRLEN, "cannot read %.300s: %s",
			    e->path, strerror(errno));
			return -1;
		}
		crypto_hash_sha256_update(&state, r->block, (size_t)n);
		record->size += (uint64_t)n;
		r->read += (unsigned long long)n;
		progress_update(reading->progress, r->read, 0);
		if (*reading->stop) {
			snprintf(why, PAAS_ERRLEN, "interrupted");
			return -1;
		}
	}
	if (record->size < (uint64_t)e->st->st_size) {
		snprintf(why, PAAS_ERRLEN,
		    "cannot pack %.300s: it became shorter while it was read; "
		    "push again",
		    e->path);
		return -1;
	}
	crypto_hash_sha256_final(&state, record->hash);
	return 0;
}

static int
add(struct resources *r, const struct walk_entry *e,
    const struct reading *reading, char why[PAAS_ERRLEN])
{
	struct push_record *record;

	if (r->n == r->room) {
		r->room = r->room == 0 ? 256 : 2 * r->room;
		r->v = reallocarray(r->v, r->room, sizeof(*r->v));
		if (r->v == NULL)
			err(1, NULL);
	}
	memset(&r->v[r->n], 0, sizeof(r->v[r->n]));
	record = &r->v[r->n].record;
	record->kind = S_ISREG(e->st->st_mode)   ? 'f'
		       : S_ISDIR(e->st->st_mode) ? 'd'
						 : 'l';
	record->mode = e->st->st_mode & 0777;
	record->mtime = e->st->st_mtime;
	if (record->kind == 'f' && hash_file(r, e, record, reading, why) == -1)
		return -1;
	record->path = copy(e->path);
	record->target = e->target != NULL ? copy(e->target) : NULL;
	r->n++;
	return 0;
}

static int
by_hash(const void *a, const void *b)
{
	const struct resource *const *x = a, *const *y = b;
	int order = memcmp(
	    (*x)->record.hash, (*y)->record.hash, sizeof((*x)->record.hash));

	/* The order of the walk, so that it does not depend on qsort. */
	return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

static void
sort(struct resources *r)
{
	r->sorted = calloc(r->n + 1, sizeof(*r->sorted));
	if (r->sorted == NULL)
		err(1, NULL);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].record.kind == 'f' && r->v[i].record.size > 0)
			r->sorted[r->files++] = &r->v[i];
	if (r->files > 0)
		qsort(r->sorted, r->files, sizeof(*r->sorted), by_hash);
}

/* Of equal ones the first is the one that is sent. */
void
resources_forget(struct resources *r)
{
	for (size_t i = 0; i < r->files; i++)
		r->sorted[i]->known =
		    i > 0 && memcmp(r->sorted[i]->record.hash,
				 r->sorted[i - 1]->record.hash, PUSH_HASH) == 0;
}

struct resources *
resources_read(const char *folder, int flags, struct progress *progress,
    const volatile sig_atomic_t *stop, char why[PAAS_ERRLEN])
{
	const struct reading reading = {progress, stop};
	struct resources *r = calloc(1, sizeof(*r));
	struct walk *walk = walk_open(folder, flags, why);
	struct walk_entry e;
	int rc = walk == NULL ? -1 : 1;

	if (r == NULL || sodium_init() == -1)
		err(1, NULL);
	r->file = -1;
	r->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (rc == 1 && (rc = walk_next(walk, &e, 1, why)) == 1) {
		if (!e.skipped && add(r, &e, &reading, why) == -1)
			rc = -1;
	}
	if (walk != NULL)
		walk_close(walk);
	if (rc == 0 && r->fd == -1) {
		snprintf(why, PAAS_ERRLEN, "cannot push %.300s: %s", folder,
		    strerror(errno));
		rc = -1;
	}
	if (rc == -1) {
		resources_free(r);
		return NULL;
	}
	sort(r);
	resources_forget(r);
	return r;
}

void
resources_free(struct resources *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free((char *)(uintptr_t)r->v[i].record.path);
		free((char *)(uintptr_t)r->v[i].record.target);
	}
	free(r->v);
	free(r->sorted);
	if (r->file != -1)
		close(r->file);
	if (r->fd != -1)
		close(r->fd);
	free(r);
}

/* ---- what is there --------------------------------------------------- */

static json_t *
question(struct resources *r, size_t from, size_t to)
{
	char hex[2 * PUSH_HASH + 1], mode[8];
	json_t *list = json_array();

	for (size_t i = from; i < to; i++) {
		if (r->sorted[i]->known)
			continue;
		push_hash_format(hex, r->sorted[i]->record.hash);
		snprintf(mode, sizeof(mode), "%o", r->sorted[i]->record.mode);
		json_array_append_new(list,
		    json_pack("{s:s, s:I, s:s}", "sha256", hex, "size",
			(json_int_t)r->sorted[i]->record.size, "mode", mode));
	}
	return json_pack("{s:o}", "resources", list);
}

static void
mark(struct resources *r, const json_t *known)
{
	struct resource key, *key_at = &key, **low, **high;
	const char *hex;
	json_t *one;
	size_t i;

	json_array_foreach (known, i, one) {
		hex = json_string_value(json_object_get(one, "sha256"));
		if (hex == NULL || strlen(hex) != 2 * PUSH_HASH ||
		    push_hash_parse(hex, key.record.hash) == -1)
			continue;
		/* The first one of that hash: it is the one not known yet. */
		low = r->sorted;
		high = low + r->files;
		while (low < high) {
			struct resource **mid = low + (high - low) / 2;

			if (memcmp((*mid)->record.hash, key_at->record.hash,
				PUSH_HASH) < 0)
				low = mid + 1;
			else
				high = mid;
		}
		if (low < r->sorted + r->files &&
		    memcmp((*low)->record.hash, key_at->record.hash,
			PUSH_HASH) == 0)
			(*low)->known = 1;
	}
}

int
resources_ask(struct cli *cli, struct resources *r)
{
	json_t *answer, *body, *known;
	size_t i, to;
	int none = 0, rc = EXIT_OK;

	for (i = 0; i < r->files && rc == EXIT_OK && !none; i = to) {
		to = r->files - i > ASK_MAX ? i + ASK_MAX : r->files;
		body = question(r, i, to);
		rc = cli_call(
		    cli, "POST", body, &answer, "/apps/%s/resources", cli->app);
		json_decref(body);
		known = json_object_get(answer, "resources");
		if (rc == EXIT_OK)
			mark(r, known);
		/* Hashes have no order: a question as good as any other. */
		none = json_array_size(known) == 0;
		json_decref(answer);
	}
	return rc;
}

void
resources_measure(const struct resources *r, struct resources_count *count)
{
	memset(count, 0, sizeof(*count));
	count->files = r->files;
	for (size_t i = 0; i < r->files; i++) {
		if (r->sorted[i]->known)
			continue;
		count->fresh++;
		count->bytes += r->sorted[i]->record.size;
	}
}

/* ---- the body -------------------------------------------------------- */

/* The folder's file, reached over no link: what was hashed had none. */
static int
open_file(const struct resources *r, const char *path)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
}

static int
next_file(void *arg, struct walk_entry *e, char why[PAAS_ERRLEN])
{
	struct resources *r = arg;
	const struct push_record *record;

	if (r->file != -1)
		close(r->file);
	r->file = -1;
	while (r->at < r->files && r->sorted[r->at]->known)
		r->at++;
	if (r->at == r->files)
		return 0;
	record = &r->sorted[r->at++]->record;
	r->file = open_file(r, record->path);
	if (r->file == -1 || fstat(r->file, &r->st) == -1 ||
	    !S_ISREG(r->st.st_mode) ||
	    (uint64_t)r->st.st_size != record->size) {
		snprintf(why, PAAS_ERRLEN,
		    "cannot pack %.300s: it changed while it was read; push "
		    "again",
		    record->path);
		return -1;
	}
	push_hash_format(r->name, record->hash);
	memset(e, 0, sizeof(*e));
	e->path = r->name;
	e->st = &r->st;
	e->fd = r->file;
	return 1;
}

static void
put(char **at, const char *text, size_t len)
{
	memcpy(*at, text, len);
	*at += len;
}

/* Head and list, to be freed. */
static char *
list_text(const struct resources *r, size_t *len)
{
	char head[PUSH_HEAD_MAX + 1], words[160], *text, *at;
	uint64_t bytes = 0;
	size_t i;
	int n;

	for (i = 0; i < r->n; i++) {
		const struct push_record *record = &r->v[i].record;

		bytes +=
		    (uint64_t)push_record_format(words, sizeof(words), record) +
		    1 + strlen(record->path) + 1;
		if (record->target != NULL)
			bytes += strlen(record->target) + 1;
	}
	n = push_head_format(head, sizeof(head), bytes);
	*len = (size_t)n + bytes;
	if ((text = at = malloc(*len)) == NULL)
		err(1, NULL);
	put(&at, head, (size_t)n);
	for (i = 0; i < r->n; i++) {
		const struct push_record *record = &r->v[i].record;

		n = push_record_format(words, sizeof(words), record);
		put(&at, words, (size_t)n + 1);
		put(&at, record->path, strlen(record->path) + 1);
		if (record->target != NULL)
			put(&at, record->target, strlen(record->target) + 1);
	}
	return text;
}

struct tar *
resources_tar(struct resources *r, char why[PAAS_ERRLEN])
{
	struct tar_source source = {next_file, r};
	struct tar *tar;
	size_t len;
	char *text = list_text(r, &len);

	r->at = 0;
	tar = tar_open_source(&source, text, len, why);
	free(text);
	return tar;
}
