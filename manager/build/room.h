/*
 * What the files of the build room share.
 *
 *   upload.c    a push becomes a file, by spool.c
 *   source.c    so does an archive that waits for its build
 *   resources.c which files of an app are here already
 *   job.c       drives a build through the table, with (beside node/run.h)
 *     sandbox.c what runs in it and what it said
 *     inspect.c the inspection's answer, checked
 *     commit.c  the records, each change with its event
 *   follow.c    the output, for those who watch
 *   gc.c        slugs and trees that no release needs, gc_keep.c: which do
 */
#ifndef PAAS_BUILD_ROOM_H
#define PAAS_BUILD_ROOM_H

#include <bsd/sys/queue.h>

#include <stdint.h>

#include "build/build.h"
#include "build/table.h"
#include "launcher/protocol.h"
#include "node/node.h"
#include "node/proc.h"
#include "node/run.h"
#include "store/keys.h"

#define BUILD_APP_MAX    31 /* of an app's name, with the NUL */
#define BUILD_REASON_MAX 400
#define BUILD_HASH_MAX   65 /* hex, with the NUL */

/* Bytes that an inspection may use: names of one folder at a time. */
#define CHECK_MEMORY (256ULL * 1024 * 1024)

struct gc;
struct job;

TAILQ_HEAD(job_list, job);
TAILQ_HEAD(upload_list, build_upload);
TAILQ_HEAD(follow_list, build_follow);

struct build {
	struct store *store;
	struct node *node;
	const struct conf *conf;
	sd_event *loop;
	int uploads; /* folder */
	struct store_watch *apps;
	struct store_watch *builds;
	struct store_watch *releases;
	struct store_watch *assignments;
	struct job_list jobs;
	struct upload_list pushes;
	struct follow_list follows;
	struct gc *gc;
	sd_event_source *sources; /* a look for old ones */
};

/* What paas-inspect found. */
struct inspection {
	char hash[BUILD_HASH_MAX];
	uint8_t digest[LAUNCH_HASH];
	int64_t bytes;
	int64_t entries;
	int64_t archive;  /* bytes of the one made of it; 0: it was known */
	json_t *types;    /* owned */
	json_t *config;   /* config vars of a first release, owned; or NULL */
	json_t *settings; /* what the tree says of itself, owned; or NULL */
	json_t *image;    /* owned; NULL: /usr is the machine's */
	char buildpack[80];
};

struct job {
	TAILQ_ENTRY(job) entry;
	struct build *build;
	char app[BUILD_APP_MAX];
	uint64_t number; /* of the app: another one may get its name */
	uint64_t id;
	enum job_state state;
	enum job_event event; /* to be taken; JOB_EVENTS for none */
	int driving;
	int appgone;
	json_t *record; /* of build/APP/ID, as committed */
	uint64_t rev;
	struct run *runner; /* of the build */
	struct run *checker;
	struct inspection found;
	char reason[BUILD_REASON_MAX];
	int anew;         /* no archive is taken for known */
	const char *code; /* for programs: what kind of failure; or NULL */
	sd_event_source *timer; /* an attempt to come */
	sd_event_source *deadline;
	sd_event_source *disk; /* looks how full it is while it runs */
	unsigned tries;
};

/* ---- job.c */

/* Takes up the build of a committed record, borrowed. */
void job_resume(struct build *, const char *app, json_t *record, uint64_t rev);

/* An upload without a record of its build: takes away what is there. */
void job_sweep(struct build *, const char *app, uint64_t id);

struct job *job_of_app(struct build *, const char *app);

/* May free the job, but not while a state of its is being entered. */
void job_event(struct job *, enum job_event);

/* JOB_AGAIN in so many microseconds, unless something else comes before. */
void job_retry_in(struct job *, uint64_t us);

/* The reason of a failure, the first one given; a sentence. */
void job_blame(struct job *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Its upload is one of common/push.h. */
int job_has_list(const struct job *);

void job_free(struct job *);

/* ---- commit.c: each makes one commit and then one event of the job */

void commit_instance(struct job *, struct run *, const char *state);
void commit_slug(struct job *);
void commit_release(struct job *);
void commit_failure(struct job *);
void commit_clean(struct job *); /* the last trace of the upload */

/* Now, in microseconds since the epoch. */
int64_t commit_now(void);

/* ---- sandbox.c */

void sandbox_build(struct job *, struct run *);
void sandbox_check(struct job *, struct run *);

/* Why it failed: its own last " !     " line, or how it ended. */
void sandbox_reason(struct job *, const struct proc_exit *);

/* ---- inspect.c */

/*
 * Checks the one line that paas-inspect printed.  0, or -1 with a sentence
 * in err; found->types and found->config are to be freed.
 */
int inspect_parse(const char *text, size_t len, struct inspection *found,
    char err[BUILD_REASON_MAX]);

/* ---- settings_job.c */

/*
 * The settings that count for a build: those of its push or of its tree.  A
 * new reference, or NULL for none.  0, or -1 after job_blame.
 */
int job_settings(struct job *, json_t **settings);

/* What the sandbox is to know of them, to be freed; NULL for nothing. */
char *job_settings_text(struct job *);

/* ---- text.c */

/* Control bytes out, at most len - 1 bytes, valid UTF-8 at the end. */
void text_clean(char *out, size_t outlen, const char *text, size_t len);

/* ---- spool.c */

struct spool {
	int fd;
	uint64_t size;
	uint64_t flushed;
};

/* Each that can fail: 0, or -1 with err; at most upload_max bytes. */
int spool_open(struct spool *, int dir, const char *name, struct build_error *);
int spool_append(struct spool *, const struct conf *, const void *data,
    size_t len, struct build_error *);
void spool_close(struct spool *);

void spool_fail(struct build_error *, enum build_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void spool_fail_errno(struct build_error *, int error);
int spool_large(const struct conf *, struct build_error *); /* -1 */

/* ---- source.c */

/* Takes away what nobody came back for; also from time to time. */
void source_start(struct build *);
void source_stop(struct build *);

/* A build has that file: it goes, and nothing comes in its place. */
void source_used(struct build *, const char *file);

/* ---- upload.c */

void upload_path(char *out, size_t len, uint64_t id); /* in `uploads` */

/* ---- resources.c: see there for the files */

struct resources;

enum resources_result {
	RESOURCES_WRONG = 1, /* no list, or no record */
	RESOURCES_MANY,
	RESOURCES_ERRNO
};

/* NULL with errno. */
struct resources *resources_open(struct build *, uint64_t id);
void resources_close(struct resources *); /* NULL is fine */

/* The next bytes of an upload; 0, or an enum resources_result. */
int resources_feed(
    struct resources *, const char *data, size_t len, uint64_t max_entries);

/* The list was read to its end. */
int resources_done(const struct resources *);

/* The store of the job's app has now what its list names. */
void resources_settle(struct job *);

void resources_list_path(char *out, size_t len, uint64_t id);
void resources_known_path(char *out, size_t len, uint64_t app);

/* ---- upload.c again */

/* Files of no record: of uploads that a crash cut short. */
void upload_sweep(struct build *);
void upload_free_all(struct build *);

/* ---- follow.c */

/* The build's record changed, or went. */
void follow_changed(struct build *, uint64_t id);
void follow_free_all(struct build *);

/* ---- gc.c */

struct gc *gc_open(struct build *);
void gc_close(struct gc *);

/* Something may be superfluous: look, soon. */
void gc_wake(struct gc *);

/* While it drops something, nothing may be sealed. */
int gc_busy(const struct gc *);

#endif
