#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "cli/push/glob.h"

/*
 * GLOB_END: text ran out, so that no later start of an outer "*" can match;
 * GLOB_SLASH: a "*" met a slash, only a "**" outside can go on.  Both keep
 * the search from trying again what cannot succeed.
 */
enum glob_result { GLOB_YES, GLOB_NO, GLOB_END, GLOB_SLASH };

static int
glob_in_class(const char *name, size_t len, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
	    {"alnum", isalnum},
	    {"alpha", isalpha},
	    {"blank", isblank},
	    {"cntrl", iscntrl},
	    {"digit", isdigit},
	    {"graph", isgraph},
	    {"lower", islower},
	    {"print", isprint},
	    {"punct", ispunct},
	    {"space", isspace},
	    {"upper", isupper},
	    {"xdigit", isxdigit},
	};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) == len &&
		    memcmp(classes[i].name, name, len) == 0)
			return c < 0x80 && classes[i].is(c) != 0;
	}
	return -1;
}

/* One byte of a bracket expression, "\" taken off; NULL at the end. */
static const char *
glob_bracket_byte(const char *p, unsigned char *c)
{
	if (*p == '\\')
		p++;
	*c = (unsigned char)*p;
	return *p != '\0' ? p + 1 : NULL;
}

/*
 * p stands behind "[".  Returns what follows the "]", NULL if there is none
 * or a class has no meaning; *hit says whether c is meant.
 */
static const char *
glob_bracket(const char *p, unsigned char c, int *hit)
{
	int negated = *p == '!' || *p == '^', first = 1, is;
	unsigned char low, high;
	const char *end;

	*hit = 0;
	for (p += negated; first || *p != ']'; first = 0) {
		if (p[0] == '[' && p[1] == ':') {
			end = strchr(p + 2, ']');
			if (end == NULL)
				return NULL;
			if (end[-1] == ':' && end - p >= 3) {
				is = glob_in_class(
				    p + 2, (size_t)(end - p - 3), c);
				if (is == -1)
					return NULL;
				*hit |= is;
				p = end + 1;
				continue;
			}
		}
		if ((p = glob_bracket_byte(p, &low)) == NULL)
			return NULL;
		high = low;
		if (p[0] == '-' && p[1] != ']' && p[1] != '\0' &&
		    (p = glob_bracket_byte(p + 1, &high)) == NULL)
			return NULL;
		*hit |= c >= low && c <= high;
	}
	*hit ^= negated;
	return p + 1;
}

static enum glob_result glob_try(
    const char *start, const char *p, const char *t, unsigned flags);

/* p stands at the first "*". */
static enum glob_result
glob_star(const char *start, const char *p, const char *t, unsigned flags)
{
	const char *next = p + strspn(p, "*");
	int any = !(flags & GLOB_PATH);
	enum glob_result result;

	if ((flags & GLOB_PATH) && next - p >= 2 &&
	    (p == start || p[-1] == '/') && (*next == '\0' || *next == '/')) {
		/* "a/", two stars, "/b" matches "a/b" as well */
		if (*next == '/' &&
		    glob_try(next + 1, next + 1, t, flags) == GLOB_YES)
			return GLOB_YES;
		any = 1;
	}
	if (*next == '\0')
		return any || strchr(t, '/') == NULL ? GLOB_YES : GLOB_NO;
	for (;; t++) {
		result = glob_try(next, next, t, flags);
		if (result == GLOB_YES || result == GLOB_END)
			return result;
		if (result == GLOB_SLASH && !any)
			return result;
		if (*t == '\0')
			return GLOB_END;
		if (*t == '/' && !any)
			return GLOB_SLASH;
	}
}

static enum glob_result
glob_try(const char *start, const char *p, const char *t, unsigned flags)
{
	int hit;

	for (; *p != '\0'; t++) {
		if (*p == '*')
			return glob_star(start, p, t, flags);
		if (*t == '\0')
			return GLOB_END;
		switch (*p) {
		case '?':
			if (*t == '/' && (flags & GLOB_PATH))
				return GLOB_NO;
			p++;
			break;
		case '[':
			p = glob_bracket(p + 1, (unsigned char)*t, &hit);
			if (p == NULL)
				return GLOB_END;
			if (!hit || (*t == '/' && (flags & GLOB_PATH)))
				return GLOB_NO;
			break;
		case '\\':
			p++;
			/* FALLTHROUGH */
		default:
			if (*p == '\0' || *p != *t)
				return GLOB_NO;
			p++;
		}
	}
	return *t == '\0' ? GLOB_YES : GLOB_NO;
}

int
glob_match(const char *pattern, const char *text, unsigned flags)
{
	return glob_try(pattern, pattern, text, flags) == GLOB_YES;
}
