/*
 * All that the launcher does to the machine is lists of steps.  It may be
 * killed between any two of them, and the next start of it has to bring about
 * what is to be: so every list is known by its section, and a test that kills
 * it at each step (t/launcher_steps.t) forgets none.
 */
#ifndef PAAS_LAUNCHER_STEP_H
#define PAAS_LAUNCHER_STEP_H

#include <stddef.h>

#include "launcher/protocol.h"

struct step {
	const char *name;
	int (*run)(void *);    /* 0 or a negative errno */
	void (*undo)(void *);  /* when a later one fails; or NULL */
	enum launch_step said; /* START: what the manager is told then */
};

struct steps {
	const char *name;
	const struct step *at;
	size_t n;
};

/* Defines `struct steps NAME_steps` of the rows `NAME_rows`. */
#define STEPS(list)                                                            \
	const struct steps list##_steps = {                                    \
	    #list, list##_rows, sizeof(list##_rows) / sizeof(list##_rows[0])}; \
	static const struct steps *const list##_listed                         \
	    __attribute__((used, section("launcher_steps"))) = &list##_steps

int step_run(const struct steps *, size_t i, void *);
void step_undo(const struct steps *, size_t i, void *);

/* In order, up to the first that fails; *done gets how many did not. */
static inline int
steps_run(const struct steps *s, void *arg, size_t *done)
{
	int error = 0;

	for (*done = 0; *done < s->n; ++*done) {
		if ((error = step_run(s, *done, arg)) != 0)
			break;
	}
	return error;
}

/* The first `done` of them, the last one first. */
static inline void
steps_undo(const struct steps *s, void *arg, size_t done)
{
	while (done-- > 0) {
		if (s->at[done].undo != NULL)
			step_undo(s, done, arg);
	}
}

#endif
