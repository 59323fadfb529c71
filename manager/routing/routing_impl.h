/*
 * What the files of this room share.
 *
 *   routing.c          what was touched, the commits
 *   routing_watch.c    changes of the store -> what they touch
 *   routing_walk.c     the comparison of everything
 *   routing_app.c      an app's records -> its pool
 *   routing_backend.c  route/HOST -> its pools and paths
 *   setting.c          what can be set of a pool or a path
 *   routing_pattern.c  pattern/ORDER, likewise
 *   routing_keys.c     the keys of the sticky cookie
 *   routing_import.c   imported routes, where nothing else has the host
 *   import*.c          how they come
 *   routing_host.c     what a host leads to
 *   routing_owner.c    whose a host is
 *   cert_stage.c       certificates: what was touched, the commits
 *   cert_index.c       which names they have
 *   cert_choose.c      which one is for a host
 *   cert_write.c       what is written of them
 *   routing_file.c     where the route database is, and when it is made anew
 *   routing_write.c    what is written to it
 */
#ifndef PAAS_ROUTING_IMPL_H
#define PAAS_ROUTING_IMPL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "paas_routedb.h"
#include "store/keys.h"
#include "store/store.h"

/* ---- the route database (routing_file.c, routing_write.c) ---------------- */

/* state_dir and "/routes" or "/certs". */
#define ROUTING_DIR_MAX (sizeof(((struct conf *)0)->state_dir) + 16)

#define ROUTING_STAMP_MAX 40

/* Of routing_file.c and what writes to it alone. */
struct routing_db {
	const char *what; /* "route database" */
	paas_routedb_writer_t *writer;
	paas_routedb_reader_t *reader;
	char dir[ROUTING_DIR_MAX];
	char stamp[ROUTING_STAMP_MAX]; /* of what this program would write */
	int trusted;                   /* the database bears the same one */
	int stamped;                   /* or another one */
	int building;
	int primed;     /* it has a head, which its reader can't do without */
	int reading;    /* for as long as the transaction lasts */
	int error;      /* the first of this transaction */
	size_t changes; /* of this transaction */
};

/*
 * Opens a folder of state_dir.  After a boot, or if what is there can't be
 * read, a new database is made beside it and takes its place with
 * routing_db_built(); until then readers keep the old one.
 */
struct routing_db *routing_db_open(const struct conf *, const char *folder,
    const char *what, uint32_t epoch, char err[PAAS_ERRLEN]);
void routing_db_close(struct routing_db *);

/* Starts one anew, in place of one that turned out to be damaged. */
void routing_db_rebuild(struct routing_db *);

/* The writer of a new one, beside the one that readers have. */
int routing_db_open_new(struct routing_db *);

/* Is it one that is being made anew, and empty to begin with? */
int routing_db_building(const struct routing_db *);

/* It has everything now: readers get it.  -1 with a sentence in err. */
int routing_db_built(struct routing_db *, char err[PAAS_ERRLEN]);

/*
 * Records of the store up to this revision are in it, as this program and
 * these settings write them; 0 if that can't be told.
 */
uint64_t routing_db_base(struct routing_db *);

/* It is about to be written to, or has been compared with the whole store. */
void routing_db_distrust(struct routing_db *);
void routing_db_trust(struct routing_db *);

/* Milliseconds until it may be written. */
int routing_db_wait(const struct routing_db *);

/*
 * One transaction.  Errors stick to it and come with the commit, which
 * returns a PAAS_ROUTEDB_E*.  What is there already is not written again.
 * begin goes on with one that is open: of a database that nobody reads yet,
 * commits may be few and large.
 */
int routing_db_begin(struct routing_db *);
int routing_db_commit(struct routing_db *, uint64_t revision);
void routing_db_abort(struct routing_db *);
size_t routing_db_changes(const struct routing_db *);

void routing_db_put_pool(struct routing_db *, const paas_routedb_pool_t *,
    const paas_routedb_instance_t *);
void routing_db_del_pool(struct routing_db *, uint64_t id);

/* Those of the pools that none of the paths leads to any more. */
void routing_db_del_left(struct routing_db *, const uint64_t *pools, size_t n,
    const paas_routedb_path_t *, uint32_t npaths);

void routing_db_put_host(struct routing_db *, const char *host,
    const paas_routedb_path_t *, uint32_t npaths);
/* One of many of a pool, that is known not to be there: without a look. */
void routing_db_put_new_host(struct routing_db *, const char *host,
    const paas_routedb_path_t *, uint32_t npaths);
void routing_db_del_host(struct routing_db *, const char *host);

/* Does the record of the host lead to this pool? */
int routing_db_host_has(struct routing_db *, const char *host, uint64_t pool);

/*
 * The pools of route/HOST that the record of the host names now: how many, at
 * most max.
 */
size_t routing_db_route_pools(
    struct routing_db *, const char *host, uint64_t *pools, size_t max);

void routing_db_put_pattern(struct routing_db *, uint32_t order,
    const char *text, const paas_routedb_path_t *, uint32_t npaths);
void routing_db_del_pattern(struct routing_db *, uint32_t order);
size_t routing_db_pattern_pools(struct routing_db *, uint32_t order,
    const char *owner, uint64_t *pools, size_t max);
int routing_db_each_pattern(
    struct routing_db *, int (*cb)(uint32_t order, void *arg), void *arg);

void routing_db_put_keys(
    struct routing_db *, const paas_routedb_key_t *, uint32_t n);

/* The revision that the database says it obeys. */
uint64_t routing_db_revision(struct routing_db *);

/*
 * The names of hosts behind one (or of all for ""), and the ids of pools from
 * one on, until cb returns non-zero, which comes back; else a PAAS_ROUTEDB_E*.
 */
int routing_db_each_host(struct routing_db *, const char *after,
    int (*cb)(paas_routedb_str_t name, void *arg), void *arg);
int routing_db_each_id(struct routing_db *, uint64_t from,
    int (*cb)(uint64_t id, void *arg), void *arg);

/* Calls back with the pool, if it is there; the strings end with the call. */
void routing_db_show_pool(struct routing_db *, uint64_t id,
    void (*cb)(const paas_routedb_pool_t *, void *arg), void *arg);

/* ---- what was touched (routing.c, routing_walk.c) ------------------------ */

enum touch_kind {
	TOUCH_APP, /* before the hosts: a pool is put before what names it */
	TOUCH_HOST,
	TOUCH_POOL,    /* its id; taken out if nothing in the store has it */
	TOUCH_PATTERN, /* its order, ten digits */
	TOUCH_KEYS,    /* all of them, "" */
	TOUCH_KINDS
};

/* A change has just been committed, or something is looked at once more. */
enum touch_when { TOUCH_NOW, TOUCH_LATER };

/* Something that may differ from the route database. */
struct touch {
	RB_ENTRY(touch) entry;
	TAILQ_ENTRY(touch) queue;
	enum touch_kind kind;
	enum touch_when when;
	char name[];
};
RB_HEAD(touches, touch);
TAILQ_HEAD(touch_list, touch);

struct touch_queue {
	struct touch_list list;
	size_t n;
};

#define ROUTING_WATCHES 13

struct cert_stage;
struct routing_import;
struct routing_walk;

struct routing {
	struct store *store;
	const struct conf *conf;
	struct routing_db *db;
	struct touches touches;
	struct touch_queue queues[TOUCH_LATER + 1]; /* the same ones */
	struct routing_import *import;
	struct routing_walk *walk; /* NULL: everything was compared */
	int stale;       /* the revision in the database is an old one */
	uint64_t obeyed; /* the revision that was last committed as reached */
	sd_event_source *now;   /* what was touched by a change */
	sd_event_source *later; /* the walk and what it touches */
	sd_event_source *nudge; /* for the latter to have its turn, too */
	sd_event_source *timer;
	sd_event_source *keys; /* looks at how old they are */
	unsigned int retry;    /* ms; 0: all is well */
	struct store_watch *watches[ROUTING_WATCHES];
	struct cert_stage *certs;
};

/* name is copied; touching twice is touching once, and as soon as asked. */
void routing_touch(
    struct routing *, enum touch_kind, const char *name, enum touch_when);

/* All domains of an app. */
void routing_touch_domains(struct routing *, const char *app, enum touch_when);

/* Something was committed: the database's revision is to follow. */
void routing_changed(struct routing *);

/* Watches everything that routes are made of. */
void routing_watch(struct routing *);

/* Writes what becomes of it, within a transaction. */
void routing_apply(struct routing *, enum touch_kind, const char *name);

/* us of CLOCK_MONOTONIC. */
uint64_t routing_now(void);

/* Records up to base are in the database; 0: none is. */
struct routing_walk *routing_walk_new(uint64_t base);
void routing_walk_free(struct routing_walk *);

/* Something was written beside it: what it has read ahead may be old. */
void routing_walk_forget(struct routing_walk *);

/*
 * The next slice, until the time `end`: writes what may differ, within a
 * transaction, or touches it.  At the end it calls routing_walk_over().
 */
int routing_walk_some(struct routing *, int writing, uint64_t end);
void routing_walk_over(struct routing *);

/* Compares everything, or what has changed since the database's revision. */
void routing_walk_start(struct routing *);

/* ---- imported routes (routing_import.c) ---------------------------------- */

/* Reads import/routes, and maps the file that it names. */
struct routing_import *routing_import_load(struct store *, const struct conf *);
void routing_import_free(struct routing_import *);

/* The revision of the record, 0 for none. */
uint64_t routing_import_rev(const struct routing_import *);

/* Is it known what is imported?  If not, nothing may be taken for gone. */
int routing_import_known(const struct routing_import *);

/* The lines of this host, or of the next one: where they begin, or the end. */
size_t routing_import_seek(const struct routing_import *, const char *host);

/*
 * The host whose lines begin there, which ends at *len; *next is where those
 * of the following one do.  NULL at the end.
 */
const char *routing_import_host(
    const struct routing_import *, size_t at, size_t *len, size_t *next);

/*
 * Its paths, at most PAAS_ROUTEDB_PATHS_MAX.  Strings belong to the import;
 * their number comes back, 0 if the lines can't be understood.
 */
uint32_t routing_import_paths(
    struct routing_import *, size_t at, paas_routedb_path_t *paths);

/* Puts pools from the n-th on, until the time `end`; 0 after the last. */
size_t routing_import_put_pools(
    struct routing_import *, struct routing_db *, size_t from, uint64_t end);

/* Is it one of them? */
int routing_import_owns(const struct routing_import *, uint64_t pool);

/* Calls back with the ids of pools of imports before this one. */
void routing_import_each_old(
    struct routing_import *, void (*cb)(uint64_t id, void *arg), void *arg);

/* Everything of it is in the route database: files before it may go. */
void routing_import_sweep(struct routing_import *);

/* ---- records to routes -------------------------------------------------- */

/* The first 8 bytes of SHA-256("OWNER/NAME"), never 0. */
uint64_t routing_pool_id(const char *owner, const char *name, size_t namelen);

/* An app's pool is put, or taken out if there is no such app. */
void routing_app_apply(
    struct store *, const struct conf *, struct routing_db *, const char *app);

/*
 * The pool that serves an app; 0 if there is none of that name, and of that
 * number (NULL: of any).
 */
uint64_t routing_app_pool(struct store *, const char *app, const char *number);

/*
 * The pools of a record of paths are put and its paths, at most
 * routing_backend_count() of them, filled in.  owner is the record's key, home
 * the host that stands for its pools, or "".  Strings in paths belong to
 * value.  -1 if the record can't be understood: then nothing is to be changed.
 */
int routing_backend_apply(struct store *, struct routing_db *,
    const char *owner, const char *home, const json_t *value,
    paas_routedb_path_t *paths, uint32_t *npaths);
size_t routing_backend_count(const json_t *value);
uint64_t routing_backend_pool(
    const char *owner, const char *prefix, size_t prefixlen);

/* Does the record still have this pool? */
int routing_backend_owns(const char *owner, const json_t *value, uint64_t pool);

/* One pool of addresses, of a record of paths or of imported ones. */
int routing_backend_put_pool(
    struct routing_db *, const char *home, uint64_t id, const json_t *value);

/*
 * A host is put with whatever it leads to, or taken out if nobody has it.
 */
void routing_host_apply(struct routing *, const char *host);

/* The same with what it leads to; without paths it is taken out. */
void routing_host_put(struct routing *, const char *host,
    const paas_routedb_path_t *, uint32_t npaths);

/*
 * The same for certificates, in a database of their own (cert_stage.c): NULL
 * with a sentence in err.
 */
struct cert_stage *cert_stage_open(
    struct store *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);
void cert_stage_close(struct cert_stage *);

/* What is served for a host, or NULL for none; see cert_choose(). */
struct cert_entry;
const struct cert_entry *cert_stage_find(struct cert_stage *, const char *host);

/* A pattern is put with whatever it leads to, or taken out. */
void routing_pattern_apply(struct routing *, const char *order);

/* Does a record of a pattern have this pool? */
int routing_pattern_owns(struct routing *, uint64_t pool);

/* Each that there is a record of, or that the database has: OK or an error. */
typedef void (*routing_found_cb)(
    struct routing *, enum touch_kind, const char *name);
int routing_pattern_each(struct routing *, routing_found_cb);

/* The keys of the sticky cookie: makes them, and looks at their age. */
int routing_keys_start(struct routing *, sd_event *);
void routing_keys_apply(struct routing *);

/* A pool is taken out if nothing in the store has it. */
void routing_pool_apply(struct routing *, uint64_t id);

/*
 * The name in a host that is NAME.domain, and back; -1 if it is not, or too
 * long.
 */
int routing_host_name(
    const struct conf *, const char *host, char name[KEY_NAME_MAX + 1]);
int routing_host_format(const struct conf *, const char *name,
    char host[PAAS_ROUTEDB_HOST_MAX + 1]);

#endif
