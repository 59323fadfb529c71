/*
 * Parsing by the tables of verbs.c: options may stand anywhere, as getopt_long
 * has it, "--" ends them, and what is missing is named.
 */
#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/grammar.h"

static int __attribute__((format(printf, 2, 3)))
grammar_fail(char err[PAAS_ERRLEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, PAAS_ERRLEN, fmt, ap);
	va_end(ap);
	return -1;
}

static int
grammar_has_alias(const struct grammar_verb *verb, const char *name)
{
	size_t len = strlen(name), n;
	const char *p;

	for (p = verb->aliases; p != NULL && *p != '\0'; p += n) {
		p += strspn(p, " ");
		n = strcspn(p, " ");
		if (n == len && memcmp(p, name, n) == 0)
			return 1;
	}
	return 0;
}

const struct grammar_verb *
grammar_find(const char *name)
{
	const struct grammar_verb *verb;

	if (*name == '\0')
		return NULL;
	for (verb = grammar_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, name) == 0 ||
		    grammar_has_alias(verb, name))
			return verb;
	}
	return NULL;
}

int
grammar_takes(const struct grammar_verb *verb, enum grammar_option_id id)
{
	size_t i;

	switch (id) {
	case OPT_NONE:
		return 0;
	case OPT_JSON:
	case OPT_SOCKET:
		return !(verb->flags & VERB_LOCAL);
	case OPT_HELP:
		return 1;
	case OPT_APP:
		if ((verb->flags & VERB_APP) != 0)
			return 1;
		/* FALLTHROUGH */
	default:
		for (i = 0; i < GRAMMAR_OPTIONS; i++) {
			if (verb->options[i] == id)
				return 1;
		}
		return 0;
	}
}

int
grammar_allows(const struct grammar_words *words, enum grammar_option_id id)
{
	if (words->verb != NULL)
		return grammar_takes(words->verb, id);
	return id == OPT_APP || id == OPT_JSON || id == OPT_SOCKET ||
	       id == OPT_HELP || id == OPT_VERSION;
}

static const struct grammar_option *
grammar_long(const struct grammar_words *words, const char *name, size_t len)
{
	const struct grammar_option *opt;
	size_t i;

	for (i = 1; i < OPT_MAX; i++) {
		opt = &grammar_options[i];
		if (!grammar_allows(words, opt->id))
			continue;
		if (strlen(opt->name) == len && !memcmp(opt->name, name, len))
			return opt;
		if (opt->alias != NULL && strlen(opt->alias) == len &&
		    !memcmp(opt->alias, name, len))
			return opt;
	}
	return NULL;
}

static const struct grammar_option *
grammar_letter(const struct grammar_words *words, char letter)
{
	size_t i;

	for (i = 1; i < OPT_MAX; i++) {
		if (grammar_options[i].letter == letter &&
		    grammar_allows(words, grammar_options[i].id))
			return &grammar_options[i];
	}
	return NULL;
}

/* May it be given several times? */
static int
grammar_is_many(enum grammar_option_id id)
{
	return id == OPT_VARS_FILE || id == OPT_VAR;
}

static int
grammar_set(struct grammar_words *words, const struct grammar_option *opt,
    const char *value, char err[PAAS_ERRLEN])
{
	if (opt->value != NULL && value == NULL)
		return grammar_fail(
		    err, "--%s needs a value: %s", opt->name, opt->value);
	if (opt->value != NULL && *value == '\0')
		return grammar_fail(
		    err, "--%s is empty: it needs a %s", opt->name, opt->value);
	if (grammar_is_many(opt->id) && value != NULL) {
		words->given[words->ngiven].id = opt->id;
		words->given[words->ngiven++].value = value;
	} else if (words->option[opt->id] != NULL && opt->value != NULL)
		return grammar_fail(err, "--%s is given twice", opt->name);
	words->option[opt->id] = value != NULL ? value : "";
	return 0;
}

/* "--name", "--name=value", "--name value"; *i moves on past the value. */
static int
grammar_parse_long(struct grammar_words *words, int argc, char *const argv[],
    int *i, char err[PAAS_ERRLEN])
{
	const char *name = argv[*i] + 2, *value, *near;
	const struct grammar_option *opt;
	size_t len = strcspn(name, "=");

	opt = grammar_long(words, name, len);
	if (opt == NULL && (near = grammar_near_option(words, name, len)))
		return grammar_fail(err,
		    "unknown option --%.*s: did you mean --%s?", (int)len, name,
		    near);
	if (opt == NULL)
		return grammar_fail(
		    err, "unknown option --%.*s", (int)len, name);
	value = name[len] == '=' ? name + len + 1 : NULL;
	if (opt->value == NULL && value != NULL)
		return grammar_fail(err, "--%s takes no value", opt->name);
	if (opt->value != NULL && value == NULL && *i + 1 < argc)
		value = argv[++*i];
	return grammar_set(words, opt, value, err);
}

/* "-f", "-fn 20", "-n20". */
static int
grammar_parse_short(struct grammar_words *words, int argc, char *const argv[],
    int *i, char err[PAAS_ERRLEN])
{
	const struct grammar_option *opt;
	const char *p, *value;

	for (p = argv[*i] + 1; *p != '\0'; p++) {
		opt = grammar_letter(words, *p);
		if (opt == NULL)
			return grammar_fail(err, "unknown option -%c", *p);
		if (opt->value == NULL) {
			if (grammar_set(words, opt, NULL, err) == -1)
				return -1;
			continue;
		}
		value = NULL;
		if (p[1] != '\0')
			value = p + 1;
		else if (*i + 1 < argc)
			value = argv[++*i];
		return grammar_set(words, opt, value, err);
	}
	return 0;
}

static int
grammar_check_args(const struct grammar_words *words, char err[PAAS_ERRLEN])
{
	const struct grammar_arg *arg;
	int left = words->nargs;

	for (arg = words->verb->args; arg->name != NULL; arg++) {
		if ((arg->count == COUNT_ONE || arg->count == COUNT_SOME) &&
		    left == 0)
			return grammar_fail(err, "%s is missing", arg->name);
		if (arg->count == COUNT_SOME || arg->count == COUNT_ANY)
			return 0;
		if (left > 0)
			left--;
	}
	if (left > 0)
		return grammar_fail(err, "too many arguments: %s",
		    words->args[words->nargs - left]);
	return 0;
}

int
grammar_parse(struct grammar_words *words, int argc, char *const argv[],
    const char **unknown, char err[PAAS_ERRLEN])
{
	int i, rc, options = 1;

	memset(words, 0, sizeof(*words));
	*unknown = NULL;
	err[0] = '\0';
	words->args = calloc((size_t)argc + 1, sizeof(*words->args));
	words->given = calloc((size_t)argc + 1, sizeof(*words->given));
	if (words->args == NULL || words->given == NULL)
		return grammar_fail(err, "out of memory");
	for (i = 1; i < argc; i++) {
		rc = 0;
		if (options && strcmp(argv[i], "--") == 0)
			options = 0;
		else if (options && strncmp(argv[i], "--", 2) == 0)
			rc = grammar_parse_long(words, argc, argv, &i, err);
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
			rc = grammar_parse_short(words, argc, argv, &i, err);
		else if (words->verb != NULL) {
			words->args[words->nargs++] = argv[i];
			if (words->verb->flags & VERB_COMMAND)
				options = 0;
		} else if ((words->verb = grammar_find(argv[i])) == NULL) {
			*unknown = argv[i];
			rc = grammar_fail(err, "there is no verb %s", argv[i]);
		}
		if (rc == -1)
			return -1;
	}
	if (words->verb == NULL || words->option[OPT_HELP] != NULL)
		return 0;
	for (i = 1; i < OPT_MAX; i++) {
		if (words->option[i] != NULL &&
		    !grammar_takes(words->verb, i) && i != OPT_VERSION &&
		    i != OPT_SOCKET)
			return grammar_fail(
			    err, "it takes no --%s", grammar_options[i].name);
	}
	return grammar_check_args(words, err);
}

void
grammar_free(struct grammar_words *words)
{
	free(words->args);
	words->args = NULL;
	free(words->given);
	words->given = NULL;
	words->ngiven = 0;
}

const char *
grammar_value(
    const struct grammar_words *words, enum grammar_option_id id, size_t nth)
{
	for (size_t i = 0; i < words->ngiven; i++)
		if (words->given[i].id == id && nth-- == 0)
			return words->given[i].value;
	return NULL;
}

/* More of a verb's own do not fit a line; its help has them below. */
#define USAGE_OPTIONS 6

static void
grammar_usage_option(const struct grammar_option *opt, char *buf, size_t len)
{
	char name[64], word[128];

	if (opt->letter != '\0')
		snprintf(name, sizeof(name), "-%c", opt->letter);
	else
		snprintf(name, sizeof(name), "--%s", opt->name);
	snprintf(word, sizeof(word), " [%s%s%s]", name,
	    opt->value != NULL ? " " : "",
	    opt->value != NULL ? opt->value : "");
	strlcat(buf, word, len);
}

void
grammar_usage(const struct grammar_verb *verb, char *buf, size_t len)
{
	static const char *const before[] = {"", " ", " [", " ", " ["};
	static const char *const after[] = {"", "", "]", "...", "...]"};
	const struct grammar_arg *arg;
	size_t i, n = 0;

	strlcpy(buf, verb->name, len);
	for (arg = verb->args; arg->name != NULL; arg++) {
		strlcat(buf, before[arg->count], len);
		strlcat(buf, arg->name, len);
		strlcat(buf, after[arg->count], len);
	}
	if (verb->flags & VERB_APP)
		grammar_usage_option(&grammar_options[OPT_APP], buf, len);
	while (verb->options[n] != OPT_NONE)
		n++;
	if (n > USAGE_OPTIONS) {
		strlcat(buf, " [OPTION...]", len);
		return;
	}
	for (i = 0; i < n; i++)
		grammar_usage_option(
		    &grammar_options[verb->options[i]], buf, len);
}
