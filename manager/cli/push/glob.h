/*
 * Patterns of gitignore(5): "*", "?", "[a-z]" with classes, "\" and, in
 * paths, "**" for any number of folders.
 */
#ifndef PAAS_CLI_GLOB_H
#define PAAS_CLI_GLOB_H

#define GLOB_PATH 0x01 /* "*", "?" and "[...]" never match a "/" */

/* Whether the whole of text matches. */
int glob_match(const char *pattern, const char *text, unsigned flags);

#endif
