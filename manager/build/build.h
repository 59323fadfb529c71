/*
 * The build room: from an upload to a release.  An upload becomes a file, a
 * sandbox builds it, another one inspects what came out, the launcher seals
 * that as a slug, and one commit makes it the release that the app is asked
 * to run.  What fails on the way changes nothing of the app.
 */
#ifndef PAAS_BUILD_H
#define PAAS_BUILD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "store/store.h"

struct build;
struct build_upload;
struct build_follow;
struct node;

enum build_code {
	BUILD_NOT_FOUND = 1, /* no such app or build */
	BUILD_RUNNING,       /* another build of the app; the text names it */
	BUILD_TOO_LARGE,     /* more than upload_max */
	BUILD_EMPTY,
	BUILD_INVALID, /* not in the form that it says */
	BUILD_FULL,    /* disk */
	BUILD_MANY,    /* of what waits */
	BUILD_BUSY,    /* try again in a second */
	BUILD_FAILED   /* anything else */
};

/* text is one sentence for the person who pushes. */
struct build_error {
	enum build_code code;
	char text[PAAS_ERRLEN];
};

/*
 * Takes up what a crash interrupted.  All arguments are borrowed and must
 * outlive it.  NULL with a sentence in err.  build_close leaves builds
 * running: the next start adopts them.
 */
struct build *build_open(struct store *, struct node *, const struct conf *,
    sd_event *, char err[PAAS_ERRLEN]);
void build_close(struct build *);

/* Where the source came from: for the records of the build and its release. */
struct build_origin {
	const char *user;
	const char *source; /* "git" or "upload" */
	const char *commit; /* in hex; "" if it is not known */
	uint64_t push;      /* that names the push; 0 for none */
	const char *again;  /* what a second one like it has; "" for nothing */
	const char *body;   /* and which it is of those; or NULL */
	json_t *blob;       /* what the client says of it, kept; or NULL */
	int list;           /* it begins with a list: common/push.h */
	int image;          /* it is an OCI image layout */
	int fetch;          /* it tells where the archive is: build_order() */

	/* It was built elsewhere: the id of that slug, and an object of what it
	   runs, kept; or "" and NULL. */
	const char *draft;
	const char *description; /* of its release; or NULL */
	json_t *types;

	/* Of settings/APP/ID, in hex; "none" for none at all; "" for those of
	   the tree. */
	const char *settings;
	int claims; /* who pushes may give the app hosts */
};

/*
 * Which of n files the platform has from the last push of the app of this
 * number: sets known.  A file of another app is never known.
 */
struct build_resource {
	uint8_t hash[32]; /* SHA-256 */
	uint64_t size;
	int known;
};
void build_match(
    struct build *, uint64_t app, struct build_resource *, size_t n);

/* Whether nothing is built or pushed; else -1 with who does. */
int build_is_free(struct build *, const char *app, struct build_error *);

/*
 * The cache of the app of this number goes, be it alone or with the app: none
 * of its files is known any more.
 */
void build_forget(struct build *, uint64_t app);

/*
 * An upload: begin, any number of appends, then finish or abort, which both
 * end it.  From its begin on the app takes no other one.  The bytes go to
 * state_dir/uploads at once and are not looked at, but for a list.
 *
 * The strings are copied.  NULL with err.
 */
struct build_upload *build_upload_begin(struct build *, const char *app,
    const struct build_origin *, struct build_error *err);

/* 0, or -1 with err: abort it then. */
int build_upload_append(
    struct build_upload *, const void *data, size_t len, struct build_error *);

/*
 * Called once, never from within: err is NULL and the build is under way, or
 * nothing is left of it.
 */
typedef void (*build_begun_cb)(
    const struct build_error *err, uint64_t id, void *arg);
void build_upload_finish(struct build_upload *, build_begun_cb, void *arg);
void build_upload_abort(struct build_upload *);

/*
 * An archive that waits for the build that names it, for an hour.  Its owner
 * and id are the caller's to choose; of an owner BUILD_SOURCES_MAX wait.
 */
#define BUILD_SOURCES_MAX 8
#define BUILD_SHA256_HEX  65

struct build_source {
	uint64_t owner;
	uint64_t id;
	uint64_t size;
	char sha256[BUILD_SHA256_HEX];
	char file[112]; /* the room's own */
};

/*
 * begin (NULL: err), any number of appends, then finish or abort, which both
 * end it; finish fills in the source.
 */
struct build_incoming;
struct build_incoming *build_source_begin(
    struct build *, uint64_t owner, uint64_t id, struct build_error *);
int build_source_append(
    struct build_incoming *, const void *, size_t, struct build_error *);
int build_source_finish(
    struct build_incoming *, struct build_source *, struct build_error *);
void build_source_abort(struct build_incoming *);

/* 0, or -1: there is none, or none any more. */
int build_source_find(
    struct build *, uint64_t owner, uint64_t id, struct build_source *);

/*
 * An upload that is all there, to be finished or aborted: once it is finished
 * the source is taken, and makes no other build.  NULL with err: it waits on.
 */
struct build_upload *build_upload_source(struct build *, const char *app,
    const struct build_origin *, const struct build_source *,
    struct build_error *err);

/*
 * What is uploaded in place of an archive that the build's sandbox is to get
 * from elsewhere: sha256 in hex, or "".  To be freed; NULL: out of memory.
 */
char *build_order(const char *url, const char *sha256);

/*
 * Ends a build before it is a release, with a reason for people.  1 if it is
 * over or about to be; 0 if it can't be ended at this moment: try again.
 */
int build_stop(
    struct build *, const char *app, uint64_t id, const char *reason);

/*
 * The output of a build, from its first line, as it comes; then done, once,
 * with the final record of build/APP/ID (borrowed; NULL if the app was
 * destroyed meanwhile), after which the follow is gone.  text has no newline
 * and is raw bytes of programs that strangers chose.  A line callback that
 * returns non-zero gets no more until build_follow_resume.
 *
 * Never calls back from within.  NULL if there is no such build.
 */
typedef int (*build_line_cb)(const char *text, size_t len, void *arg);
typedef void (*build_done_cb)(json_t *build, void *arg);
struct build_follow *build_follow(struct build *, const char *app, uint64_t id,
    build_line_cb, build_done_cb, void *arg);
void build_follow_resume(struct build_follow *);

/* Before done: nothing is called any more.  May be called from line. */
void build_follow_close(struct build_follow *);

#endif
