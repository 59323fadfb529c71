/*
 * What the files of this room share.
 *
 *   routing.c          what was touched, the commits
 *   routing_scan.c     the first comparison
 *   routing_app.c      an app's records -> its pool
 *   routing_backend.c  route/HOST -> its pools and paths
 *   routing_host.c     whose a host is
 *   routing_owner.c    the same with wildcards, for certificates
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

/* state_dir and "/routes". */
#define ROUTING_DIR_MAX (sizeof(((struct conf *)0)->state_dir) + 16)

/* Of routing_file.c and routing_write.c alone. */
struct routing_db {
	paas_routedb_writer_t *writer;
	paas_routedb_reader_t *reader;
	char dir[ROUTING_DIR_MAX];
	int building;
	int primed;  /* it has a head, which its reader can't do without */
	int reading; /* for as long as the transaction lasts */
	int error;   /* the first of this transaction */
};

/*
 * Opens state_dir/routes.  After a boot, or if what is there can't be read, a
 * new database is made beside it and takes its place with routing_db_built();
 * until then readers keep the old one.
 */
struct routing_db *routing_db_open(const struct conf *, char err[PAAS_ERRLEN]);
void routing_db_close(struct routing_db *);

/* Starts one anew, in place of one that turned out to be damaged. */
void routing_db_rebuild(struct routing_db *);

/* The writer of a new one, beside the one that readers have. */
int routing_db_open_new(struct routing_db *);

/* Is it one that is being made anew, and empty to begin with? */
int routing_db_building(const struct routing_db *);

/* It has everything now: readers get it.  -1 with a sentence in err. */
int routing_db_built(struct routing_db *, char err[PAAS_ERRLEN]);

/* Milliseconds until it may be written. */
int routing_db_wait(const struct routing_db *);

/*
 * One transaction.  Errors stick to it and come with the commit, which
 * returns a PAAS_ROUTEDB_E*.  What is there already is not written again.
 */
int routing_db_begin(struct routing_db *);
int routing_db_commit(struct routing_db *, uint64_t revision);

void routing_db_put_pool(struct routing_db *, const paas_routedb_pool_t *,
    const paas_routedb_instance_t *);
void routing_db_del_pool(struct routing_db *, uint64_t id);
void routing_db_put_host(struct routing_db *, const char *host,
    const paas_routedb_path_t *, uint32_t npaths);
void routing_db_del_host(struct routing_db *, const char *host);

/*
 * The pools of route/HOST that the record of the host names now: how many, at
 * most max.
 */
size_t routing_db_route_pools(
    struct routing_db *, const char *host, uint64_t *pools, size_t max);

/*
 * Of what was last committed.  counts: 0 if the number of hosts or pools is
 * another one.  each calls back with the names of hosts and with pools.
 */
int routing_db_counts(struct routing_db *, uint64_t hosts, uint64_t pools);
uint64_t routing_db_revision(struct routing_db *);
int routing_db_each(struct routing_db *,
    void (*host)(const char *host, void *arg),
    void (*pool)(const paas_routedb_pool_t *, void *arg), void *arg);

/* ---- what was touched (routing.c, routing_scan.c) ------------------------ */

/* Apps and hosts in one commit: a few ms of work. */
#define BATCH_MAX 256

enum touch_kind {
	TOUCH_APP, /* before the hosts: a pool is put before what names it */
	TOUCH_HOST
};

/* Something that may differ from the route database. */
struct touch {
	RB_ENTRY(touch) entry;
	TAILQ_ENTRY(touch) queue;
	enum touch_kind kind;
	char name[];
};
RB_HEAD(touches, touch);
TAILQ_HEAD(touch_queue, touch);

/* Prefixes of the store that the first comparison walks through. */
#define ROUTING_SCAN_END 3

#define WATCHES 6

struct routing {
	struct store *store;
	const struct conf *conf;
	struct routing_db *db;
	struct touches touches;
	struct touch_queue queue; /* the same ones, in order */
	size_t ntouches;
	int stale;       /* the revision in the database is an old one */
	uint64_t obeyed; /* the revision that was last committed as reached */
	sd_event_source *run;
	sd_event_source *timer;
	unsigned int retry; /* ms; 0: all is well */
	struct store_watch *watches[WATCHES];

	size_t scan; /* of ROUTING_SCAN_END; one more: it is over */
	char scan_from[STORE_KEY_MAX + 2];
	uint64_t scan_hosts, scan_pools; /* that there should be */
	int scan_moved; /* records came or went meanwhile: don't trust these */
};

/* name is copied; touching twice is touching once. */
void routing_touch(struct routing *, enum touch_kind, const char *name);

/* From the beginning, taking turns with all else. */
void routing_scan_start(struct routing *);

/* Touches the next slice. */
void routing_scan_some(struct routing *);

/* What the database has too much: PAAS_ROUTEDB_OK or an error. */
int routing_scan_sweep(struct routing *);

/* ---- records to routes -------------------------------------------------- */

/* The first 8 bytes of SHA-256("OWNER/NAME"), never 0. */
uint64_t routing_pool_id(const char *owner, const char *name, size_t namelen);

/* An app's pool is put, or taken out if there is no such app. */
void routing_app_apply(
    struct store *, const struct conf *, struct routing_db *, const char *app);

/* The pool that serves a host of an app; 0 if there is no such app. */
uint64_t routing_app_pool(struct store *, const char *app);

/*
 * The pools of route/HOST are put and its paths, routing_backend_count() of
 * them, filled in.  Strings in paths belong to value.  -1 if the
 * record can't be understood: then nothing is to be changed.
 */
int routing_backend_apply(struct routing_db *, const char *host,
    const json_t *value, paas_routedb_path_t *paths, uint32_t *npaths);
size_t routing_backend_count(const json_t *value);
uint64_t routing_backend_pool(
    const char *host, const char *prefix, size_t prefixlen);

/* Does the route still have this pool? */
int routing_backend_owns(const char *host, const json_t *value, uint64_t pool);

/*
 * A host is put with whatever it leads to, or taken out if nobody has it.
 */
void routing_host_apply(
    struct store *, const struct conf *, struct routing_db *, const char *host);

/* Does anything in the store want this host, or this pool? */
int routing_host_owned(struct store *, const struct conf *, const char *host);
int routing_pool_owned(struct store *, const paas_routedb_pool_t *);

/* APP of a host that is APP.domain, and back; -1 if it is not, or too long. */
int routing_host_app(
    const struct conf *, const char *host, char app[KEY_NAME_MAX + 1]);
int routing_host_format(
    const struct conf *, const char *app, char host[PAAS_ROUTEDB_HOST_MAX + 1]);

#endif
