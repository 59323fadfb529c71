#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "git/hook.h"

#define HEADS "refs/heads/"

/* As Heroku: whichever of the two is pushed is deployed. */
static const char *const branches[] = {"main", "master"};

int
hook_refuse(char *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, PAAS_ERRLEN, fmt, args);
	va_end(args);
	return -1;
}

static int
is_oid(const char *text, size_t len)
{
	return (len == 40 || len == 64) &&
	       strspn(text, "0123456789abcdef") >= len;
}

static int
is_zero(const char *oid)
{
	return oid[strspn(oid, "0")] == '\0';
}

static size_t
copy(char *out, const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	memcpy(out, from, len);
	out[len] = '\0';
	return len;
}

/* text has a newline at its end; -1: git never writes such. */
static int
parse(struct hook_ref *ref, const char *text, const char *end)
{
	const char *a, *b;

	if ((a = memchr(text, ' ', (size_t)(end - text))) == NULL ||
	    (b = memchr(a + 1, ' ', (size_t)(end - a - 1))) == NULL ||
	    !is_oid(text, (size_t)(a - text)) ||
	    !is_oid(a + 1, (size_t)(b - a - 1)) || end - b <= 1 ||
	    end - b - 1 >= HOOK_REF_MAX)
		return -1;
	(void)copy(ref->from, text, a);
	(void)copy(ref->to, a + 1, b);
	(void)copy(ref->name, b + 1, end);
	return 0;
}

static int
deploys(const char *name)
{
	if (strncmp(name, HEADS, strlen(HEADS)) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++)
		if (strcmp(name + strlen(HEADS), branches[i]) == 0)
			return 1;
	return 0;
}

const char *
hook_branch(const struct hook_ref *ref)
{
	return strncmp(ref->name, HEADS, strlen(HEADS)) == 0
		   ? ref->name + strlen(HEADS)
		   : ref->name;
}

int
hook_read_refs(struct hook_ref *ref, const char *text, size_t len, char *err)
{
	const char *end = memchr(text, '\n', len);

	if (end == NULL || memchr(text, '\0', len) != NULL ||
	    parse(ref, text, end) == -1)
		return hook_refuse(
		    err, "Nothing that could be deployed was pushed.");
	if ((size_t)(end + 1 - text) != len)
		return hook_refuse(err,
		    "Several branches or tags were pushed at once, and one "
		    "branch deploys: push only that, as in git push paas "
		    "main.");
	if (!deploys(ref->name))
		return hook_refuse(err,
		    "\"%.100s\" does not deploy; main and master do. Push "
		    "another branch as one of them: git push paas "
		    "BRANCH:main.",
		    hook_branch(ref));
	if (is_zero(ref->to))
		return hook_refuse(err,
		    "The branch %s can't be deleted: it is what was "
		    "deployed. paas apps:destroy takes the app away.",
		    hook_branch(ref));
	return 0;
}
