/*
 * What somebody has meant who has mistyped a verb, an option or a name.
 */
#include <string.h>

#include "cli/grammar.h"

/*
 * Optimal string alignment distance: Damerau, "A technique for computer
 * detection and correction of spelling errors", CACM 7(3), 1964.
 */
unsigned
grammar_distance(const char *a, const char *b)
{
	unsigned row[3][64], best, cost;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la >= 64 || lb >= 64)
		return 64;
	for (j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3];

		now[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			cost = a[i - 1] != b[j - 1];
			best = up[j - 1] + cost;
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    row[(i + 1) % 3][j - 2] + 1 < best)
				best = row[(i + 1) % 3][j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

/* How far a word is from a verb; 64 for not worth naming. */
static unsigned
grammar_far(const char *word, const struct grammar_verb *verb)
{
	char alias[64];
	const char *p, *tail;
	unsigned best = grammar_distance(word, verb->name), d;
	size_t n, len = strlen(word);

	for (p = verb->aliases; p != NULL && *p != '\0'; p += n) {
		p += strspn(p, " ");
		n = strcspn(p, " ");
		if (n >= sizeof(alias))
			continue;
		memcpy(alias, p, n);
		alias[n] = '\0';
		d = grammar_distance(word, alias);
		best = d < best ? d : best;
	}
	/* "add" is near to domains:add, "rel" to releases */
	tail = strchr(verb->name, ':');
	if (tail != NULL && (d = grammar_distance(word, tail + 1) + 1) < best)
		best = d;
	if (len >= 2 && strncmp(verb->name, word, len) == 0 && best > 1)
		best = 1;
	return best <= 1 + len / 4 ? best : 64;
}

size_t
grammar_suggest(const char *word, const struct grammar_verb **out, size_t max)
{
	const struct grammar_verb *verb;
	size_t n = 0;
	unsigned d;

	for (d = 0; d < 64; d++) {
		for (verb = grammar_verbs; verb->name != NULL; verb++) {
			if (n < max && grammar_far(word, verb) == d)
				out[n++] = verb;
		}
	}
	return n;
}

/* Of so long a word so many letters may be wrong. */
static unsigned
most_wrong(size_t len)
{
	return 1 + (unsigned)len / 4;
}

const char *
grammar_near_option(
    const struct grammar_words *words, const char *name, size_t len)
{
	const struct grammar_option *opt;
	const char *best = NULL;
	char word[64];
	unsigned d, least;
	size_t i;

	if (len < 2 || len >= sizeof(word))
		return NULL;
	memcpy(word, name, len);
	word[len] = '\0';
	least = most_wrong(len) + 1;
	for (i = 1; i < OPT_MAX; i++) {
		opt = &grammar_options[i];
		if (!grammar_allows(words, opt->id))
			continue;
		/* "--foll" is the beginning of one */
		d = strncmp(opt->name, word, len) == 0
			? 1
			: grammar_distance(word, opt->name);
		if (d < least) {
			least = d;
			best = opt->name;
		}
	}
	return best;
}

int
grammar_is_near(const char *word, const char *name)
{
	return grammar_distance(word, name) <= most_wrong(strlen(word));
}
