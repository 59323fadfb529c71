/*
 * The command line as data.  One table of verbs and one of options; parsing,
 * help, completion and the man page are all made from them.
 */
#ifndef PAAS_CLI_GRAMMAR_H
#define PAAS_CLI_GRAMMAR_H

#include <stddef.h>

#include "common/conf.h"

struct cli;

/* What a value is: for completion only. */
enum grammar_kind {
	KIND_TEXT,
	KIND_APP,
	KIND_FILE,
	KIND_FOLDER,
	KIND_VERB,
	KIND_SHELL,
	KIND_TYPE /* web.1, or web=3 */
};

enum grammar_count {
	COUNT_ONE = 1,
	COUNT_OPTIONAL,
	COUNT_SOME, /* one or more */
	COUNT_ANY   /* none or more */
};

struct grammar_arg {
	const char *name; /* NULL ends a list */
	enum grammar_count count;
	enum grammar_kind kind;
};

enum grammar_option_id {
	OPT_NONE,
	OPT_APP,
	OPT_JSON,
	OPT_SOCKET,
	OPT_HELP,
	OPT_VERSION,
	OPT_CONFIRM,
	OPT_CREATE,
	OPT_DETACH,
	OPT_MANIFEST,
	OPT_NO_MANIFEST,
	OPT_VARS_FILE,
	OPT_VAR,
	OPT_IMAGE,
	OPT_HERE,
	OPT_NAMES,
	OPT_SHELL,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_PS,
	OPT_SOURCE,
	OPT_SINCE,
	OPT_FILTER,
	OPT_LIMIT,
	OPT_ENV,
	OPT_TTL,
	OPT_NO_TTY,
	OPT_PATH,
	OPT_STRIP,
	OPT_BALANCE,
	OPT_OUTSIDE,
	OPT_NAME,
	OPT_PLATFORM,
	OPT_DEFAULT,
	OPT_REMOTE,
	OPT_SCOPE,
	OPT_ROLE,
	OPT_TEAM,
	OPT_SETUP,
	OPT_FINGERPRINT,
	OPT_SUSPEND,
	OPT_RESUME,
	OPT_EXPIRES,
	OPT_INDEX,
	OPT_SSH,
	OPT_OVERLAP,
	OPT_BODY,
	OPT_MDOC,
	OPT_MAX
};

struct grammar_option {
	enum grammar_option_id id;
	char letter;       /* 0 for none */
	const char *name;  /* --name */
	const char *alias; /* another long name, not shown; or NULL */
	const char *value; /* name of its value; NULL for a switch */
	enum grammar_kind kind;
	const char *help;
};

#define GRAMMAR_ARGS    3
#define GRAMMAR_OPTIONS 9

#define VERB_APP   0x01 /* works on an app: takes -a */
#define VERB_LOCAL 0x02 /* never talks to the manager */
#define VERB_SELF  0x08 /* finds out by itself whom it talks to */
#define VERB_COMMAND \
	0x04 /* no option counts from its last argument on: a command's */

struct grammar_verb {
	const char *name;
	const char *aliases; /* blank-separated, or NULL */
	const char *group;   /* heading in `paas help` */
	unsigned flags;
	struct grammar_arg args[GRAMMAR_ARGS + 1];
	enum grammar_option_id options[GRAMMAR_OPTIONS + 1];
	const char *help;   /* one line, no full stop */
	const char *detail; /* sentences, or NULL */
	const char *example;
	int (*run)(struct cli *); /* returns an exit status */
};

/* Ends with a verb without a name. */
extern const struct grammar_verb grammar_verbs[];

/* Indexed by enum grammar_option_id. */
extern const struct grammar_option grammar_options[OPT_MAX];

/* What a command line said.  All strings belong to argv. */
struct grammar_words {
	const struct grammar_verb *verb; /* NULL: none was named */
	const char *option[OPT_MAX];     /* "" for a switch that is set */
	const char **args;
	int nargs;
	struct grammar_given *given; /* of options that may be given again */
	size_t ngiven;
};

struct grammar_given {
	enum grammar_option_id id;
	const char *value;
};

/*
 * Reads argv (argv[0] is skipped).  args points into a list of argc + 1
 * pointers that grammar_free releases.  Returns 0; -1 with a sentence in err
 * for a usage error, and then verb is set if it was known and *unknown to the
 * mistyped word if it was not.
 */
int grammar_parse(struct grammar_words *, int argc, char *const argv[],
    const char **unknown, char err[PAAS_ERRLEN]);
void grammar_free(struct grammar_words *);

/* The nth value, from 0, of an option that may be given again; or NULL. */
const char *grammar_value(
    const struct grammar_words *, enum grammar_option_id, size_t nth);

/* By name or alias; NULL if there is none. */
const struct grammar_verb *grammar_find(const char *name);

/* Whether the verb takes the option; those of every verb included. */
int grammar_takes(const struct grammar_verb *, enum grammar_option_id);

/* Before a verb is known, only what concerns all of them can be given. */
int grammar_allows(const struct grammar_words *, enum grammar_option_id);

/*
 * How many letters have to be put in, taken out, changed or swapped to come
 * from one word to the other; 64: they are too long to tell.
 */
unsigned grammar_distance(const char *, const char *);

/* Might somebody have meant that name who has typed the word? */
int grammar_is_near(const char *word, const char *name);

/* The option that a mistyped one may have been, or NULL. */
const char *grammar_near_option(
    const struct grammar_words *, const char *name, size_t len);

/*
 * The verbs nearest to a mistyped one, best first: at most max of them.
 * Returns their number.
 */
size_t grammar_suggest(
    const char *word, const struct grammar_verb **out, size_t max);

/* "ps:scale TYPE=COUNT... [-a APP]" without the program's name. */
void grammar_usage(const struct grammar_verb *, char *buf, size_t len);

#endif
