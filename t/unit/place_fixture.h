/* What is placed, and what is decided of it, as text. */
#ifndef PAAS_PLACE_FIXTURE_H
#define PAAS_PLACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "schedule/place.h"

/*
 * Both sides of a decision as text.
 *
 *   releases     "1: web=2 worker=1; 2: web=2 web.2^1"
 *                web.2^1: that index was restarted once
 *   assignments  "web.1/1 ready, web.2/1^0 starting, web.3/1 stop gone"
 *                TYPE.INDEX/VERSION^GENERATION [stop] [routed] STATE
 *                [restarts=N]
 *   plan         "+web.3/1 >web.2/2 -web.2/1(scale) xweb.1/1", in order
 *   how          "rolling 1 0": strategy, surge and unavailable
 */

static const char *const state_names[] = {"none", "starting", "ready",
    "unhealthy", "draining", "stopping", "crashed", "backoff", "failed",
    "gone"};

static const char *const why_names[] = {
    "scale", "release", "failed", "restart", "stopped", "asleep", "deleted"};

/* ---- text to input ----------------------------------------------------- */

static inline void
add_process(struct place_release *rel, const char *word, uint64_t generation)
{
	struct place_process *proc;
	char type[KEY_NAME_MAX + 1];
	unsigned int index, raise, quantity, i;

	if (sscanf(word, "%30[a-z].%u^%u", type, &index, &raise) == 3) {
		proc = &rel->processes[rel->nprocesses - 1];
		assert_string_equal(type, proc->type);
		proc->generations[index - 1] += raise;
		return;
	}
	assert_int_equal(2, sscanf(word, "%30[a-z]=%u", type, &quantity));
	proc = &rel->processes[rel->nprocesses++];
	strlcpy(proc->type, type, sizeof(proc->type));
	proc->quantity = quantity;
	proc->generations = calloc(quantity + 1, sizeof(*proc->generations));
	for (i = 0; i < quantity; i++)
		proc->generations[i] = generation;
}

static inline void
add_releases(struct place_input *in, const char *text)
{
	char *copy = strdup(text), *part, *word, *rest = copy, *words;
	struct place_release *rel;

	while ((part = strsep(&rest, ";")) != NULL) {
		if (*part == '\0')
			continue;
		rel = &in->releases[in->nreleases++];
		rel->version = (uint32_t)strtoul(part, &words, 10);
		rel->processes = calloc(8, sizeof(*rel->processes));
		words++;
		while ((word = strsep(&words, " ")) != NULL)
			if (*word != '\0')
				add_process(rel, word, in->generation);
	}
	free(copy);
}

static inline void
add_word(struct place_assignment *as, const char *word)
{
	unsigned int i, n;

	if (strcmp(word, "stop") == 0) {
		as->stop = 1;
		return;
	}
	if (strcmp(word, "routed") == 0) {
		as->routed = 1;
		return;
	}
	if (sscanf(word, "restarts=%u", &n) == 1) {
		as->restarts = n;
		return;
	}
	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (strcmp(word, state_names[i]) == 0) {
			as->state = (enum place_actual)i;
			return;
		}
	}
	fail_msg("what is \"%s\"?", word);
}

static inline void
add_assignments(struct place_input *in, const char *text)
{
	char *copy = strdup(text), *rest = copy, *part, *word;
	struct place_assignment *as;
	unsigned int index, version;
	unsigned long long generation;

	in->assignments = calloc(64, sizeof(*in->assignments));
	while ((part = strsep(&rest, ",")) != NULL) {
		part += strspn(part, " ");
		if (*part == '\0')
			continue;
		as = &in->assignments[in->nassignments++];
		as->id = in->nassignments;
		word = strsep(&part, " ");
		generation = 0;
		assert_in_range(sscanf(word, "%30[a-z].%u/%u^%llu", as->type,
				    &index, &version, &generation),
		    3, 4);
		as->index = index;
		as->version = version;
		as->generation = generation;
		while ((word = strsep(&part, " ")) != NULL)
			add_word(as, word);
	}
	free(copy);
}

static inline void
free_input(struct place_input *in)
{
	size_t i, k;

	for (i = 0; i < in->nreleases; i++) {
		for (k = 0; k < in->releases[i].nprocesses; k++)
			free(in->releases[i].processes[k].generations);
		free(in->releases[i].processes);
	}
	free(in->assignments);
}

/* ---- plan to text ------------------------------------------------------ */

static inline void
write_plan(const struct place_plan *plan, char *text, size_t size)
{
	const struct place_change *change;
	char word[96];
	size_t i;

	*text = '\0';
	for (i = 0; i < plan->nchanges; i++) {
		change = &plan->changes[i];
		if (change->kind == PLACE_CREATE)
			snprintf(word, sizeof(word), "+%s.%u/%u",
			    change->process->type, change->index,
			    change->release->version);
		else if (change->kind == PLACE_ROUTE)
			snprintf(word, sizeof(word), ">%s.%u/%u",
			    change->old->type, change->old->index,
			    change->old->version);
		else if (change->kind == PLACE_STOP)
			snprintf(word, sizeof(word), "-%s.%u/%u(%s)",
			    change->old->type, change->old->index,
			    change->old->version, why_names[change->why]);
		else
			snprintf(word, sizeof(word), "x%s.%u/%u",
			    change->old->type, change->old->index,
			    change->old->version);
		if (i > 0)
			strlcat(text, " ", size);
		strlcat(text, word, size);
	}
}

static inline void
set_how(struct strategy *how, const char *text)
{
	char kind[16], surge[16], unavailable[16], err[PAAS_ERRLEN];
	json_t *set;

	assert_int_equal(
	    3, sscanf(text, "%15s %15s %15s", kind, surge, unavailable));
	set = json_pack("{s:s, s:s, s:s}", "strategy", kind, "max_surge", surge,
	    "max_unavailable", unavailable);
	assert_int_equal(0, strategy_check(set, err));
	strategy_decode(how, set);
	json_decref(set);
}

#endif
