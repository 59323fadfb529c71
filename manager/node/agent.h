/*
 * What is assigned here, what is written as actual and what the launcher
 * has: brought together.  What each instance then does is instance.h's.
 */
#ifndef PAAS_AGENT_H
#define PAAS_AGENT_H

#include <stdint.h>

#include "common/conf.h"

struct agent;
struct instance;
struct node;

/* Reads all records, then waits for the launcher's list. */
struct agent *agent_open(struct node *, char err[PAAS_ERRLEN]);
void agent_close(struct agent *);

/* The launcher is connected (again). */
void agent_up(struct agent *);

/* Has the launcher said what runs?  Until then, nothing new is begun. */
int agent_listed(const struct agent *);

/* How many times it has been asked. */
uint64_t agent_lists(const struct agent *);

/* Ask it again soon: of some instance it isn't known what became of it. */
void agent_ask(struct agent *);

/* The instance has something to do: now, or in a while since it failed. */
void agent_due(struct agent *, struct instance *);
void agent_due_later(struct agent *, struct instance *);
void agent_all_due(struct agent *);

/* Requests wait for the app: what is in back-off may start early. */
void agent_wake(struct agent *, const char *app);

/* It has neither assignment nor record: its memory goes. */
void agent_remove(struct agent *, struct instance *);

/* Is this an id of an instance that is not gone? */
int agent_has_id(const struct agent *, uint64_t id);

#endif
