/*
 * The half of the store that no backend has to know: what a transaction may
 * hold, how transactions queue, and who is told of what in which order.
 */
#include "store/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"

/*
 * What is committed in one go: enough to share an fsync among many, little
 * enough that the dirty pages, which LMDB keeps for good, stay few.
 */
#define GROUP_CHANGES 512
#define GROUP_BYTES   (1024 * 1024)

/* Behind requests: api/http/door.c. */
#define PRIORITY_LATER (SD_EVENT_PRIORITY_NORMAL + 15)

const char *
store_strerror(enum store_result result)
{
	switch (result) {
	case STORE_OK:
		return "done";
	case STORE_CONFLICT:
		return "someone else changed the same at the same time; try "
		       "again";
	case STORE_TOO_LARGE:
		return "the change is too large for one commit";
	case STORE_FULL:
		return "the disk of the state directory is full; free some "
		       "space and try again";
	case STORE_ERROR:
		break;
	}
	return "the store refused the change; the manager's log says why";
}

/* ---- transactions ------------------------------------------------------ */

struct store_txn *
store_begin(struct store *st)
{
	struct store_txn *txn;

	if ((txn = calloc(1, sizeof(*txn))) == NULL)
		log_fatal("store: out of memory");
	txn->store = st;
	txn->stuck = STORE_OK;
	STAILQ_INIT(&txn->ops);
	return txn;
}

static void
txn_free(struct store_txn *txn)
{
	struct store_op *op;

	while ((op = STAILQ_FIRST(&txn->ops)) != NULL) {
		STAILQ_REMOVE_HEAD(&txn->ops, entry);
		free(op->text);
		free(op);
	}
	free(txn);
}

void
store_abandon(struct store_txn *txn)
{
	if (txn != NULL)
		txn_free(txn);
}

/* etcd refuses a transaction that changes a key twice; so do we all. */
static int
changes_already(const struct store_txn *txn, const char *key)
{
	const struct store_op *op;

	STAILQ_FOREACH (op, &txn->ops, entry)
		if (op->kind != STORE_OP_IF && op->kind != STORE_OP_EVENT &&
		    strcmp(op->key, key) == 0)
			return 1;
	return 0;
}

static enum store_result
check_op(struct store_txn *txn, enum store_op_kind kind, const char *key)
{
	size_t most = STORE_OPS_MAX;

	if (*key == '\0' || strlen(key) > STORE_KEY_MAX) {
		log_err("store: a key of %zu bytes", strlen(key));
		return STORE_ERROR;
	}
	if (kind == STORE_OP_IF)
		return txn->nchecks < STORE_OPS_MAX ? STORE_OK
						    : STORE_TOO_LARGE;
	if (kind != STORE_OP_EVENT && changes_already(txn, key)) {
		log_err("store: %s is changed twice in one commit", key);
		return STORE_ERROR;
	}
	if (kind == STORE_OP_EVENT)
		most += STORE_EVENTS_ON_TOP;
	return txn->nchanges < most ? STORE_OK : STORE_TOO_LARGE;
}

static char *
value_text(json_t *value, size_t *len)
{
	char *text;

	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text != NULL)
		*len = strlen(text);
	return text;
}

static void
shut_op(const struct seal *seal, struct store_op *op)
{
	char *plain = op->text;
	size_t len = op->len;

	op->text = seal_shut(seal, op->key, plain, len, &op->len);
	explicit_bzero(plain, len);
	free(plain);
}

void
store_add(struct store_txn *txn, enum store_op_kind kind, const char *key,
    uint64_t rev, json_t *value)
{
	struct store_op *op;

	if (txn->stuck != STORE_OK)
		return;
	if ((txn->stuck = check_op(txn, kind, key)) != STORE_OK)
		return;
	if ((op = calloc(1, sizeof(*op))) == NULL)
		log_fatal("store: out of memory");
	op->kind = kind;
	op->rev = rev;
	op->stem = strlcpy(op->key, key, sizeof(op->key));
	STAILQ_INSERT_TAIL(&txn->ops, op, entry);
	if (kind == STORE_OP_IF)
		txn->nchecks++;
	else
		txn->nchanges++;
	if (kind == STORE_OP_IF || kind == STORE_OP_DEL)
		return;
	if ((op->text = value_text(value, &op->len)) == NULL) {
		log_err("store: the value for %s is no JSON", key);
		txn->stuck = STORE_ERROR;
		return;
	}
	if (txn->store->seal != NULL && seal_covers(key))
		shut_op(txn->store->seal, op);
	txn->bytes += strlen(key) + op->len;
	if (txn->bytes > STORE_BYTES_MAX)
		txn->stuck = STORE_TOO_LARGE;
}

void
store_if(struct store_txn *txn, const char *key, uint64_t rev)
{
	store_add(txn, STORE_OP_IF, key, rev, NULL);
}

void
store_put(struct store_txn *txn, const char *key, json_t *value)
{
	store_add(txn, STORE_OP_PUT, key, 0, value);
}

void
store_put_new(struct store_txn *txn, const char *key, json_t *value)
{
	store_add(txn, STORE_OP_PUT_NEW, key, 0, value);
}

void
store_del(struct store_txn *txn, const char *key)
{
	store_add(txn, STORE_OP_DEL, key, 0, NULL);
}

/* ---- the queue of commits ---------------------------------------------- */

/* All that is in the queue may wait for requests, or no longer. */
static void
set_lazy(struct store *st, int lazy)
{
	if (st->lazy == lazy)
		return;
	st->lazy = lazy;
	sd_event_source_set_priority(
	    st->flush, lazy ? PRIORITY_LATER : SD_EVENT_PRIORITY_NORMAL);
	if (lazy)
		sd_event_source_set_time_relative(st->late, st->later_us);
	sd_event_source_set_enabled(
	    st->late, lazy ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void
enqueue(struct store_txn *txn, store_done_cb done, void *arg, int lazy)
{
	struct store *st = txn->store;

	txn->done = done;
	txn->arg = arg;
	if (STAILQ_EMPTY(&st->queue)) {
		st->turn_over = 0;
		sd_event_source_set_enabled(st->flush, SD_EVENT_ONESHOT);
		set_lazy(st, lazy);
	} else if (!lazy)
		set_lazy(st, 0);
	STAILQ_INSERT_TAIL(&st->queue, txn, entry);
}

void
store_commit(struct store_txn *txn, store_done_cb done, void *arg)
{
	enqueue(txn, done, arg, 0);
}

void
store_commit_later(struct store_txn *txn, store_done_cb done, void *arg)
{
	enqueue(txn, done, arg, 1);
}

static int
on_late(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	set_lazy(arg, 0);
	return 0;
}

static void
take_group(struct store *st, struct store_group *group)
{
	struct store_txn *txn;
	size_t changes = 0, bytes = 0;

	STAILQ_INIT(group);
	while ((txn = STAILQ_FIRST(&st->queue)) != NULL) {
		changes += txn->nchanges;
		bytes += txn->bytes;
		if (!STAILQ_EMPTY(group) &&
		    (changes > GROUP_CHANGES || bytes > GROUP_BYTES))
			break;
		STAILQ_REMOVE_HEAD(&st->queue, entry);
		STAILQ_INSERT_TAIL(group, txn, entry);
	}
}

/*
 * The first call only waits for one more iteration of the loop: sources of
 * one priority are served in the order in which they became pending, so
 * whatever was pending when the first transaction came has then had its turn
 * and shares the fsync, and nothing can put the commit off for longer.
 */
static int
on_flush(sd_event_source *source, void *arg)
{
	struct store *st = arg;
	struct store_group group;

	if (!st->turn_over) {
		st->turn_over = 1;
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	take_group(st, &group);
	st->ops->commit(st->be, &group);
	if (!STAILQ_EMPTY(&st->queue)) {
		st->turn_over = 1;
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	} else
		set_lazy(st, 0);
	return 0;
}

/* ---- values -------------------------------------------------------------- */

/* A parser's own words would quote the value, which may be a secret. */
static json_t *
decode(const struct store *st, const char *key, const char *text, size_t len)
{
	char *plain = NULL;
	json_t *value = NULL;

	if (!seal_is(text, len))
		value = json_loadb(text, len, JSON_DECODE_ANY, NULL);
	else if ((plain = seal_open(st->seal, key, text, len, &len)) != NULL) {
		value = json_loadb(plain, len, JSON_DECODE_ANY, NULL);
		explicit_bzero(plain, len);
		free(plain);
	}
	if (value == NULL)
		log_fatal("store: the value of %s is damaged, or sealed by a "
			  "key that is not here; restore the store from a "
			  "backup",
		    key);
	return value;
}

/* ---- watches ----------------------------------------------------------- */

struct store_watch *
store_watch(struct store *st, const char *prefix, store_watch_cb cb, void *arg)
{
	struct store_watch *watch;

	if ((watch = calloc(1, sizeof(*watch))) == NULL)
		log_fatal("store: out of memory");
	watch->store = st;
	watch->cb = cb;
	watch->arg = arg;
	watch->len = strlcpy(watch->prefix, prefix, sizeof(watch->prefix));
	TAILQ_INSERT_TAIL(&st->watches, watch, entry);
	return watch;
}

void
store_unwatch(struct store_watch *watch)
{
	struct store *st;

	if (watch == NULL || (st = watch->store) == NULL)
		return;
	watch->store = NULL;
	if (st->telling == 0) {
		TAILQ_REMOVE(&st->watches, watch, entry);
		free(watch);
	}
}

static void
sweep_watches(struct store *st)
{
	struct store_watch *watch, *next;

	for (watch = TAILQ_FIRST(&st->watches); watch != NULL; watch = next) {
		next = TAILQ_NEXT(watch, entry);
		if (watch->store == NULL) {
			TAILQ_REMOVE(&st->watches, watch, entry);
			free(watch);
		}
	}
}

static void
tell(struct store *st, const struct store_op *op, uint64_t rev)
{
	struct store_watch *watch;
	json_t *value = NULL;

	TAILQ_FOREACH (watch, &st->watches, entry) {
		if (watch->store == NULL ||
		    strncmp(op->key, watch->prefix, watch->len) != 0)
			continue;
		if (value == NULL && op->text != NULL)
			value = decode(st, op->key, op->text, op->len);
		watch->cb(op->key, value, rev, watch->arg);
	}
	json_decref(value);
}

/* A transaction has ended: its watches, then its owner, then its memory. */
void
store_settled(struct store *st, struct store_txn *txn)
{
	struct store_op *op;

	if (txn->result == STORE_OK) {
		st->telling++;
		STAILQ_FOREACH (op, &txn->ops, entry) {
			if (!op->changed)
				continue;
			tell(st, op, txn->rev);
			if (op->kind == STORE_OP_EVENT)
				store_timeline_added(st->timeline, op->key);
		}
		if (--st->telling == 0)
			sweep_watches(st);
	}
	if (txn->done != NULL)
		txn->done(txn->result, txn->rev, txn->arg);
	txn_free(txn);
}

/* ---- reads ------------------------------------------------------------- */

struct get {
	const struct store *st;
	json_t *value;
	uint64_t rev;
};

static int
got(const char *key, const char *text, size_t len, uint64_t rev, void *arg)
{
	struct get *get = arg;

	get->value = decode(get->st, key, text, len);
	get->rev = rev;
	return 0;
}

json_t *
store_get(struct store *st, const char *key, uint64_t *rev)
{
	struct get get = {st, NULL, 0};

	st->ops->get(st->be, key, got, &get);
	if (rev != NULL)
		*rev = get.rev;
	return get.value;
}

struct each {
	const struct store *st;
	store_each_cb cb;
	void *arg;
};

static int
each_text(
    const char *key, const char *text, size_t len, uint64_t rev, void *arg)
{
	struct each *each = arg;
	json_t *value = decode(each->st, key, text, len);
	int rc;

	rc = each->cb(key, value, rev, each->arg);
	json_decref(value);
	return rc;
}

int
store_each(struct store *st, const char *prefix, store_each_cb cb, void *arg)
{
	struct each each = {st, cb, arg};

	return st->ops->each(st->be, prefix, prefix, 0, each_text, &each);
}

int
store_each_from(struct store *st, const char *prefix, const char *from,
    store_each_cb cb, void *arg)
{
	struct each each = {st, cb, arg};

	if (strcmp(from, prefix) < 0)
		from = prefix;
	return st->ops->each(st->be, prefix, from, 0, each_text, &each);
}

int
store_each_last(
    struct store *st, const char *prefix, store_each_cb cb, void *arg)
{
	struct each each = {st, cb, arg};

	return st->ops->each(st->be, prefix, NULL, 1, each_text, &each);
}

uint64_t
store_revision(const struct store *st)
{
	return st->ops->revision(st->be);
}

uint32_t
store_epoch(const struct store *st)
{
	return st->ops->epoch(st->be);
}

struct each_key {
	store_key_cb cb;
	void *arg;
};

static int
each_key(const char *key, const char *text, size_t len, uint64_t rev, void *arg)
{
	struct each_key *each = arg;

	(void)text, (void)len;
	return each->cb(key, rev, each->arg);
}

int
store_each_key(struct store *st, const char *prefix, const char *from,
    store_key_cb cb, void *arg)
{
	struct each_key each = {cb, arg};

	if (strcmp(from, prefix) < 0)
		from = prefix;
	return st->ops->each(st->be, prefix, from, 0, each_key, &each);
}

/* ---- open and close ---------------------------------------------------- */

struct store *
store_new(const struct store_backend *ops, void *be, struct seal *seal,
    sd_event *event, const char *events_dir, char err[PAAS_ERRLEN])
{
	struct store *st;
	int rc;

	if ((st = calloc(1, sizeof(*st))) == NULL)
		log_fatal("store: out of memory");
	st->ops = ops;
	st->be = be;
	st->seal = seal;
	st->later_us = STORE_LATER_US;
	STAILQ_INIT(&st->queue);
	TAILQ_INIT(&st->watches);
	rc = sd_event_add_defer(event, &st->flush, on_flush, st);
	if (rc >= 0)
		rc = sd_event_add_time_relative(event, &st->late,
		    CLOCK_MONOTONIC, STORE_LATER_US, 1000, on_late, st);
	if (rc < 0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the store to the "
		    "event loop: %s",
		    strerror(-rc));
		store_close(st);
		return NULL;
	}
	sd_event_source_set_enabled(st->flush, SD_EVENT_OFF);
	sd_event_source_set_enabled(st->late, SD_EVENT_OFF);
	sd_event_source_set_description(st->flush, "store-flush");
	st->timeline = store_timeline_open(st, events_dir, err);
	if (st->timeline == NULL) {
		store_close(st);
		return NULL;
	}
	return st;
}

struct store *
store_new_look(const struct store_backend *ops, void *be, struct seal *seal)
{
	struct store *st;

	if ((st = calloc(1, sizeof(*st))) == NULL)
		log_fatal("store: out of memory");
	st->ops = ops;
	st->be = be;
	st->seal = seal;
	STAILQ_INIT(&st->queue);
	TAILQ_INIT(&st->watches);
	return st;
}

/* What is still queued was never acknowledged: it is dropped, uncalled. */
void
store_close(struct store *st)
{
	struct store_txn *txn;
	struct store_watch *watch;

	if (st == NULL)
		return;
	sd_event_source_disable_unref(st->flush);
	sd_event_source_disable_unref(st->late);
	if (st->timeline != NULL)
		store_timeline_close(st->timeline);
	while ((txn = STAILQ_FIRST(&st->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&st->queue, entry);
		txn_free(txn);
	}
	while ((watch = TAILQ_FIRST(&st->watches)) != NULL) {
		TAILQ_REMOVE(&st->watches, watch, entry);
		free(watch);
	}
	st->ops->close(st->be);
	seal_free(st->seal);
	free(st);
}
