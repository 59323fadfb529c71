/*
 * Makes trees of archives, one after the other: what an interrupted one left
 * is discarded, a sandbox unpacks and verifies, the launcher gives the tree its
 * name.  Nothing of that is remembered: killed anywhere, the next start of an
 * instance asks again, and begins with the discarding.
 */
#include "node/tree.h"

#include <bsd/string.h>
#include <bsd/sys/queue.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/places.h"
#include "common/unpack.h"
#include "node/launch.h"
#include "node/node_impl.h"
#include "store/keys.h"

#define RETRY_US   (50 * 1000ULL)
#define SECONDS    600  /* for one, after which it is ended */
#define TREE_TRIES 1200 /* of RETRY: a minute */

/* Bytes that it may use, and the limits of an archive like a build's. */
#define TREE_MEMORY (256ULL * 1024 * 1024)
#define TREE_TMP    (16ULL * 1024 * 1024)

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	tree_cb cb;
	void *arg;
};

enum tree_phase {
	TREE_QUEUED,
	TREE_DISCARD, /* what an earlier one left */
	TREE_TAKE,
	TREE_NOTE,
	TREE_UNPACK,
	TREE_SEAL,
	TREE_BLAME /* notes that the archive is damaged */
};

struct tree {
	TAILQ_ENTRY(tree) entry;
	struct trees *all;
	char app[KEY_NAME_MAX + 1];
	uint64_t number;
	uint8_t hash[LAUNCH_HASH];
	char hex[2 * LAUNCH_HASH + 1];
	enum tree_phase phase;
	unsigned tries;
	int late;
	char why[200];
	TAILQ_HEAD(waiter_list, waiter) waiters;
};

struct trees {
	struct node *node;
	struct run *run; /* of the first one */
	int sweeping;    /* what is left of the last one is taken away */
	int swept;       /* nothing is left of it */
	sd_event_source *timer;
	sd_event_source *deadline;
	TAILQ_HEAD(tree_list, tree) list; /* the first one is being made */
};

static void tree_step(struct tree *);
static void trees_sweep(struct trees *);

/* ---- records --------------------------------------------------------- */

char *
tree_key(char key[STORE_KEY_MAX + 1], const char *hash)
{
	return key_format(key, TREE_PREFIX "%s", hash);
}

json_t *
tree_record(void)
{
	return json_pack("{s:I}", "created", (json_int_t)node_realtime());
}

int
tree_damaged(struct store *store, const char *hash)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record = store_get(store, tree_key(key, hash), NULL);
	int damaged = json_object_get(record, "damaged") != NULL;

	json_decref(record);
	return damaged;
}

/* ---- the end of one -------------------------------------------------- */

static void
tree_free(struct tree *tree)
{
	struct waiter *w, *next;

	TAILQ_FOREACH_SAFE (w, &tree->waiters, entry, next)
		free(w);
	TAILQ_REMOVE(&tree->all->list, tree, entry);
	free(tree);
}

static void
tree_over(struct tree *tree)
{
	struct trees *all = tree->all;
	const char *why = tree->why[0] != '\0' ? tree->why : NULL;
	struct waiter *w, *next;

	launch_forget(all->node->launch, tree);
	run_finish(all->run);
	all->run = NULL;
	all->deadline = sd_event_source_disable_unref(all->deadline);
	if (why != NULL)
		log_err("slug %.12s of %s: %s", tree->hex, tree->app, why);
	/* It makes them due, no more: none of them goes or asks again in it. */
	TAILQ_FOREACH_SAFE (w, &tree->waiters, entry, next)
		w->cb(why, w->arg);
	tree_free(tree);
	tree = TAILQ_FIRST(&all->list);
	if (tree == NULL)
		trees_sweep(all);
	else if (tree->phase == TREE_QUEUED)
		tree_step(tree);
}

static void __attribute__((format(printf, 2, 3)))
tree_fail(struct tree *tree, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(tree->why, sizeof(tree->why), fmt, ap);
	va_end(ap);
	tree_over(tree);
}

static int
on_retry(sd_event_source *source, uint64_t now, void *arg)
{
	struct trees *all = arg;

	(void)source;
	(void)now;
	all->timer = sd_event_source_disable_unref(all->timer);
	if (!TAILQ_EMPTY(&all->list))
		tree_step(TAILQ_FIRST(&all->list));
	else if (!all->swept)
		trees_sweep(all);
	return 0;
}

static void
trees_later(struct trees *all)
{
	if (all->timer != NULL)
		return;
	if (sd_event_add_time_relative(all->node->event, &all->timer,
		CLOCK_MONOTONIC, RETRY_US, RETRY_US / 10, on_retry, all) < 0)
		log_fatal("node: no timer");
}

static void
tree_later(struct tree *tree)
{
	trees_later(tree->all);
}

/* ---- the archive is no good ------------------------------------------ */

static void
on_blamed(enum store_result result, uint64_t rev, void *arg)
{
	struct tree *tree = arg;

	(void)rev;
	if (result == STORE_ERROR || result == STORE_FULL)
		log_err("slug %.12s: %s", tree->hex, store_strerror(result));
	tree_over(tree);
}

/* A push of the same content makes another archive, then. */
static void
step_blame(struct tree *tree)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *record;

	if (tree_damaged(tree->all->node->store, tree->hex)) {
		tree_over(tree);
		return;
	}
	record = tree_record();
	json_object_set_new(record, "damaged", json_string(tree->why));
	txn = store_begin(tree->all->node->store);
	store_put(txn, tree_key(key, tree->hex), record);
	store_event(
	    txn, tree->app, "slug", "slug %.12s: %s", tree->hex, tree->why);
	store_commit(txn, on_blamed, tree);
	json_decref(record);
}

static void
tree_blame(struct tree *tree, const char *what)
{
	snprintf(tree->why, sizeof(tree->why),
	    "the archive of its slug %s, and it can't be started on this "
	    "machine: push its code again",
	    what);
	tree->phase = TREE_BLAME;
	tree_step(tree);
}

/* ---- the steps ------------------------------------------------------- */

static void
tree_next(struct tree *tree, enum tree_phase phase)
{
	tree->phase = phase;
	tree->tries = 0;
	tree_step(tree);
}

static void
on_discarded(int error, const struct launch_reply *reply, void *arg)
{
	struct tree *tree = arg;

	(void)reply;
	if (error == 0 || error == ENOENT) {
		tree->all->swept = 1;
		tree_next(tree, TREE_TAKE);
	} else if (++tree->tries < TREE_TRIES) {
		tree_later(tree); /* one from before may still be running */
	} else {
		tree_fail(tree, "there is no room to unpack its slug: %s",
		    strerror(error));
	}
}

static void
step_discard(struct tree *tree)
{
	if (tree->all->sweeping || launch_discard(tree->all->node->launch,
				       TREE_BUILD, on_discarded, tree) < 0)
		tree_later(tree);
}

static void
after_exit(struct tree *tree, const struct proc_exit *exit)
{
	char how[128];

	if (exit->how == CLD_EXITED && exit->status == 0) {
		tree_next(tree, TREE_SEAL);
	} else if (exit->how == CLD_EXITED && exit->status == UNPACK_DAMAGED) {
		tree_blame(tree, "is damaged");
	} else if (exit->how == CLD_EXITED && exit->status == UNPACK_FULL) {
		tree_fail(
		    tree, "its slug could not be unpacked: the disk is full");
	} else if (tree->late) {
		tree_fail(tree, "unpacking its slug took over %d s", SECONDS);
	} else {
		proc_exit_text(exit, TREE_MEMORY, how, sizeof(how));
		tree_fail(tree, "its slug could not be unpacked: that %s", how);
	}
}

static void
on_run(
    enum run_end end, const struct proc_exit *exit, const char *why, void *arg)
{
	struct trees *all = arg;
	struct tree *tree = TAILQ_FIRST(&all->list);

	if (tree == NULL || tree->phase != TREE_UNPACK)
		return;
	switch (end) {
	case RUN_STARTED:
		break;
	case RUN_EXITED:
		after_exit(tree, exit);
		break;
	case RUN_REFUSED:
		tree_fail(tree, "%s", why);
		break;
	case RUN_NO_SLUG:
		tree_blame(tree, "is gone");
		break;
	case RUN_AGAIN:
		tree_later(tree);
		break;
	case RUN_LOST:
		tree_fail(tree, "unpacking its slug was interrupted");
		break;
	}
}

static void
step_take(struct tree *tree)
{
	struct trees *all = tree->all;

	if (launch_answers(all->node->launch) &&
	    (all->run = run_take(all->node, on_run, all)) != NULL)
		tree_next(tree, TREE_NOTE);
	else if (++tree->tries < TREE_TRIES)
		tree_later(tree);
	else
		tree_fail(
		    tree, "there is no address free to unpack its slug with");
}

static void
on_noted(enum store_result result, uint64_t rev, void *arg)
{
	struct tree *tree = arg;

	(void)rev;
	if (result == STORE_OK || result == STORE_CONFLICT)
		tree_next(tree, TREE_UNPACK);
	else
		tree_fail(tree, "its slug can't be unpacked: %s",
		    store_strerror(result));
}

/* Anew even if it is there: whoever is about to drop it sees a change. */
static void
step_note(struct tree *tree)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *record;

	if (tree_damaged(tree->all->node->store, tree->hex)) {
		tree_next(tree, TREE_UNPACK);
		return;
	}
	txn = store_begin(tree->all->node->store);
	record = tree_record();
	store_put(txn, tree_key(key, tree->hex), record);
	store_commit(txn, on_noted, tree);
	json_decref(record);
}

static int
on_deadline(sd_event_source *source, uint64_t now, void *arg)
{
	struct trees *all = arg;
	struct tree *tree = TAILQ_FIRST(&all->list);

	(void)source;
	(void)now;
	if (tree != NULL && tree->phase == TREE_UNPACK) {
		tree->late = 1;
		run_kill(all->run);
	}
	return 0;
}

static void
step_unpack(struct tree *tree)
{
	struct trees *all = tree->all;
	const struct conf *conf = all->node->conf;
	char bytes[24], entries[24];
	char program[] = SANDBOX_LIBEXEC "/paas-inspect";
	char *argv[] = {program, "--max-bytes", bytes, "--max-entries", entries,
	    "--unpack", tree->hex, NULL};
	char *envp[] = {"LANG=C.UTF-8", NULL};
	struct launch_argv what = {.cwd = "/", .argv = argv, .envp = envp};
	struct launch_start start = {.app = tree->number,
	    .build = TREE_BUILD,
	    .kind = LAUNCH_UNPACK,
	    .memory = TREE_MEMORY,
	    .tmp = TREE_TMP,
	    .log_max = conf->log_max,
	    .log_rate = conf->log_rate,
	    .cpu_weight = 100,
	    .pids = conf->instance_pids,
	    .files = conf->instance_files};

	snprintf(bytes, sizeof(bytes), "%" PRIu64, conf->unpack_max);
	snprintf(entries, sizeof(entries), "%" PRIu64, conf->unpack_entries);
	memcpy(start.slug, tree->hash, sizeof(start.slug));
	if (all->deadline == NULL &&
	    sd_event_add_time_relative(all->node->event, &all->deadline,
		CLOCK_BOOTTIME, SECONDS * 1000000ULL, 0, on_deadline, all) < 0)
		log_fatal("node: no timer");
	run_start(all->run, &start, &what);
}

static void
on_sealed(int error, const struct launch_reply *reply, void *arg)
{
	struct tree *tree = arg;

	(void)reply;
	if (error == 0) {
		log_info("slug %.12s unpacked for %s", tree->hex, tree->app);
		tree_over(tree);
	} else if ((error == ECONNRESET || error == EBUSY || error == EAGAIN) &&
		   ++tree->tries < TREE_TRIES) {
		tree_later(tree);
	} else {
		tree_fail(tree, "its slug could not be unpacked: %s",
		    strerror(error));
	}
}

static void
step_seal(struct tree *tree)
{
	if (launch_seal(tree->all->node->launch, TREE_BUILD, tree->hash,
		on_sealed, tree) < 0)
		tree_later(tree);
}

static void
tree_step(struct tree *tree)
{
	static void (*const steps[])(struct tree *) = {
	    [TREE_DISCARD] = step_discard,
	    [TREE_TAKE] = step_take,
	    [TREE_NOTE] = step_note,
	    [TREE_UNPACK] = step_unpack,
	    [TREE_SEAL] = step_seal,
	    [TREE_BLAME] = step_blame,
	};

	if (tree->phase == TREE_QUEUED)
		tree->phase = TREE_DISCARD;
	steps[tree->phase](tree);
}

/* ---- who wants one --------------------------------------------------- */

static struct tree *
tree_find(struct trees *all, const uint8_t *hash)
{
	struct tree *tree;

	TAILQ_FOREACH (tree, &all->list, entry)
		if (memcmp(tree->hash, hash, LAUNCH_HASH) == 0)
			return tree;
	return NULL;
}

int
tree_make(struct node *node, const struct tree_owner *owner,
    const uint8_t hash[LAUNCH_HASH], tree_cb cb, void *arg)
{
	struct trees *all = node->trees;
	struct waiter *w = calloc(1, sizeof(*w));
	struct tree *tree = tree_find(all, hash);
	int made = tree == NULL;

	if (w == NULL || (made && (tree = calloc(1, sizeof(*tree))) == NULL)) {
		free(w);
		return -1;
	}
	w->cb = cb;
	w->arg = arg;
	if (made) {
		tree->all = all;
		tree->number = owner->number;
		strlcpy(tree->app, owner->app, sizeof(tree->app));
		memcpy(tree->hash, hash, LAUNCH_HASH);
		sodium_bin2hex(tree->hex, sizeof(tree->hex), hash, LAUNCH_HASH);
		TAILQ_INIT(&tree->waiters);
		TAILQ_INSERT_TAIL(&all->list, tree, entry);
	}
	TAILQ_INSERT_TAIL(&tree->waiters, w, entry);
	/* Begun from the loop: nobody is called back from within. */
	if (tree == TAILQ_FIRST(&all->list) && made)
		tree_later(tree);
	return 0;
}

void
tree_forget(struct node *node, const void *arg)
{
	struct waiter *w, *next;
	struct tree *tree;

	TAILQ_FOREACH (tree, &node->trees->list, entry)
		TAILQ_FOREACH_SAFE (w, &tree->waiters, entry, next) {
			if (w->arg != arg)
				continue;
			TAILQ_REMOVE(&tree->waiters, w, entry);
			free(w);
		}
}

static void
on_swept(int error, const struct launch_reply *reply, void *arg)
{
	struct trees *all = arg;

	(void)reply;
	all->sweeping = 0;
	all->swept = error == 0 || error == ENOENT;
	if (!all->swept)
		trees_later(all);
}

/* What unpacks there belongs to nothing, and is ended by the agent. */
static void
trees_sweep(struct trees *all)
{
	all->swept = 0;
	all->sweeping =
	    launch_discard(all->node->launch, TREE_BUILD, on_swept, all) == 0;
	if (!all->sweeping)
		trees_later(all);
}

struct trees *
trees_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct trees *all = calloc(1, sizeof(*all));

	if (all == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	all->node = node;
	TAILQ_INIT(&all->list);
	trees_sweep(all);
	return all;
}

void
trees_close(struct trees *all)
{
	struct tree *tree, *next;

	if (all == NULL)
		return;
	launch_forget(all->node->launch, all);
	TAILQ_FOREACH_SAFE (tree, &all->list, entry, next) {
		launch_forget(all->node->launch, tree);
		tree_free(tree);
	}
	sd_event_source_disable_unref(all->timer);
	sd_event_source_disable_unref(all->deadline);
	free(all);
}
