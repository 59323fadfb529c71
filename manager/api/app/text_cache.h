/*
 * Texts that took some work to make, up to so many bytes of them.
 *
 * Of more than that, the one that was not used for longest goes.  Most new
 * ones are the first to go, unless they are used once more: who reads all of a
 * set that is too large, again and again, then finds as much of it as there is
 * room for, in place of nothing (BIP, in Qureshi et al., "Adaptive Insertion
 * Policies for High Performance Caching", ISCA 2007).
 */
#ifndef PAAS_API_TEXT_CACHE_H
#define PAAS_API_TEXT_CACHE_H

#include <bsd/sys/queue.h>
#include <stddef.h>

/* In whatever it is of; all zeros to begin with. */
struct text {
	TAILQ_ENTRY(text) entry;
	char *text; /* NULL: to be made */
	size_t len;
};

struct text_cache {
	TAILQ_HEAD(text_list, text) texts; /* the next one to go is the last */
	size_t bytes, most;
	unsigned int added;
};

void text_cache_init(struct text_cache *, size_t bytes);

/*
 * Takes the chars, which were allocated.  Others may go, and this one itself if
 * there is no room for it: then text->text is NULL.
 */
void text_keep(struct text_cache *, struct text *, char *chars, size_t len);

/* It has been of use. */
void text_used(struct text_cache *, struct text *);

/* It is not right any more; one that is not there is fine. */
void text_drop(struct text_cache *, struct text *);

#endif
