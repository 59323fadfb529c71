#include <bsd/err.h>
#include <stdlib.h>
#include <string.h>

#include "cli/push/glob.h"
#include "cli/push/ignore.h"

#define RULE_NEGATED 0x01 /* "!" stood before it */
#define RULE_DIR     0x02 /* "/" stood behind it: folders only */
#define RULE_NAME    0x04 /* no "/" in it: any depth below its file */

struct rule {
	char *base;
	size_t baselen;
	char *pattern;
	size_t len;
	size_t literal; /* bytes before the first special one */
	unsigned flags;
};

struct ignore {
	struct rule *rules;
	size_t n, size;
};

struct ignore *
ignore_new(void)
{
	struct ignore *ig = calloc(1, sizeof(*ig));

	if (ig == NULL)
		err(1, NULL);
	return ig;
}

void
ignore_free(struct ignore *ig)
{
	ignore_pop(ig, 0);
	free(ig->rules);
	free(ig);
}

size_t
ignore_mark(const struct ignore *ig)
{
	return ig->n;
}

void
ignore_pop(struct ignore *ig, size_t mark)
{
	while (ig->n > mark) {
		ig->n--;
		free(ig->rules[ig->n].base);
		free(ig->rules[ig->n].pattern);
	}
}

/* Blanks at the end do not count unless a backslash stands before them. */
static size_t
ignore_trim(const char *line, size_t len)
{
	size_t i, end = 0;

	for (i = 0; i < len; i++) {
		if (line[i] == '\\' && i + 1 < len)
			end = ++i + 1;
		else if (line[i] != ' ')
			end = i + 1;
	}
	return end;
}

static void
ignore_add(struct ignore *ig, const char *base, const char *line, size_t len)
{
	struct rule *rule;

	if (ig->n == ig->size) {
		ig->size = ig->size == 0 ? 32 : 2 * ig->size;
		ig->rules =
		    reallocarray(ig->rules, ig->size, sizeof(*ig->rules));
		if (ig->rules == NULL)
			err(1, NULL);
	}
	rule = &ig->rules[ig->n];
	memset(rule, 0, sizeof(*rule));
	if (len > 0 && line[0] == '!') {
		rule->flags |= RULE_NEGATED;
		line++;
		len--;
	}
	if (len > 0 && line[len - 1] == '/') {
		rule->flags |= RULE_DIR;
		len--;
	}
	if (memchr(line, '/', len) == NULL)
		rule->flags |= RULE_NAME;
	else if (line[0] == '/') {
		line++;
		len--;
	}
	rule->base = strdup(base);
	rule->pattern = strndup(line, len);
	if (rule->base == NULL || rule->pattern == NULL)
		err(1, NULL);
	rule->baselen = strlen(base);
	rule->len = strlen(rule->pattern);
	rule->literal = strcspn(rule->pattern, "*?[\\");
	ig->n++;
}

void
ignore_push(struct ignore *ig, const char *base, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
	const char *end;
	size_t n;

	if (len >= 3 && memcmp(text, mark, 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0) {
		end = memchr(text, '\n', len);
		n = end != NULL ? (size_t)(end - text) : len;
		if (n > 0 && text[0] != '#') {
			size_t line = n;

			if (text[n - 1] == '\r')
				line--;
			line = ignore_trim(text, line);
			if (line > 0)
				ignore_add(ig, base, text, line);
		}
		n += end != NULL;
		text += n;
		len -= n;
	}
}

/*
 * The literal start is compared as it is and only the rest is a pattern:
 * git does so too, and a "**" right behind the literal start then stands at
 * the start of a pattern.
 */
static int
ignore_matches(const struct rule *rule, const char *path, int is_dir)
{
	const char *slash;

	if ((rule->flags & RULE_DIR) && !is_dir)
		return 0;
	if (rule->baselen > 0) {
		if (strncmp(path, rule->base, rule->baselen) != 0 ||
		    path[rule->baselen] != '/')
			return 0;
		path += rule->baselen + 1;
	}
	if (rule->flags & RULE_NAME) {
		slash = strrchr(path, '/');
		path = slash != NULL ? slash + 1 : path;
		return glob_match(rule->pattern, path, 0);
	}
	if (strncmp(path, rule->pattern, rule->literal) != 0)
		return 0;
	return glob_match(
	    rule->pattern + rule->literal, path + rule->literal, GLOB_PATH);
}

enum ignore_verdict
ignore_check(const struct ignore *ig, const char *path, int is_dir)
{
	size_t i;

	for (i = ig->n; i-- > 0;) {
		if (ignore_matches(&ig->rules[i], path, is_dir))
			return ig->rules[i].flags & RULE_NEGATED
				   ? IGNORE_INCLUDE
				   : IGNORE_EXCLUDE;
	}
	return IGNORE_NONE;
}
