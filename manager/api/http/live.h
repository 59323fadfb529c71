/*
 * What goes on after its answer has begun: as long as whoever asked for it may,
 * and of strangers' no more than the settings
 * api_streams and api_streams_account say.
 */
#ifndef PAAS_API_LIVE_H
#define PAAS_API_LIVE_H

#include "common/conf.h"

struct api;
struct live;
struct lives;
struct request;

/* NULL with a sentence in err. */
struct lives *lives_open(struct api *, char err[PAAS_ERRLEN]);

/* All of them have ended.  NULL is fine. */
void lives_close(struct lives *);

/*
 * One more, of a request that was found good.  `refused` is called once,
 * within a second or two of when its asker may no longer: the token or the
 * session revoked or expired, the user, the role or the app gone.  It must not
 * end it at once.  NULL after an answer: there are too many.
 */
struct live *live_begin(
    struct request *, void (*refused)(void *arg), void *arg);

/*
 * The same of what is no stream, is not counted as one, and has had its answer.
 * NULL if there is no memory.
 */
struct live *live_keep(struct request *, void (*refused)(void *arg), void *arg);

/*
 * Before anything is told: 1, or 0 if nothing is to be told any more.  It
 * costs nothing where no commit came between.
 */
int live_may(struct live *);

/* NULL is fine. */
void live_end(struct live *);

#endif
