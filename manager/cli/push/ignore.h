/*
 * The rules of .gitignore files, as gitignore(5) has them.
 *
 * A list of rules grows while a tree is walked down and shrinks on the way
 * up; the last rule that matches decides, so that deeper files win.  What
 * lies below an excluded folder is never asked about: the walk does not go
 * there, and so nothing in there can be included again.
 */
#ifndef PAAS_CLI_IGNORE_H
#define PAAS_CLI_IGNORE_H

#include <stddef.h>

struct ignore;

enum ignore_verdict {
	IGNORE_NONE, /* no rule matches */
	IGNORE_EXCLUDE,
	IGNORE_INCLUDE /* a "!" rule matches */
};

/* Ends the program when memory is out. */
struct ignore *ignore_new(void);
void ignore_free(struct ignore *);

/*
 * Adds the rules of a file that lies in folder base: "" for the top, else a
 * path from there without a slash at either end.  ignore_pop(mark) takes away
 * what was added since ignore_mark.
 */
void ignore_push(
    struct ignore *, const char *base, const char *text, size_t len);
size_t ignore_mark(const struct ignore *);
void ignore_pop(struct ignore *, size_t mark);

/* path is from the top, without a slash at either end. */
enum ignore_verdict ignore_check(
    const struct ignore *, const char *path, int is_dir);

#endif
