/* What the timeline tells of an event. */
#ifndef PAAS_API_TIMELINE_H
#define PAAS_API_TIMELINE_H

#include <jansson.h>

struct request;

/* A new object of the event at event/APP/SEQ; NULL: that is no such key. */
json_t *timeline_json(const char *key, json_t *event);

/*
 * Answers with a stream: the latest events, as many as limit says, or those
 * behind Last-Event-ID, and all that come.
 */
void timeline_follow(struct request *, unsigned int limit);

#endif
