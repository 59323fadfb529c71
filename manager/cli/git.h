/*
 * Running git, and the token that it gets from us.
 */
#ifndef PAAS_CLI_GIT_H
#define PAAS_CLI_GIT_H

#include <stddef.h>
#include <time.h>

/* The remote that git:remote sets if none is named. */
#define GIT_REMOTE "paas"

/*
 * Runs git with a list of words that ends with NULL, argv[0] among them, and
 * with quiet drops what it prints.  Its exit status, 127 if there is none.
 */
int git_run(const char *const *argv, int quiet);

struct cli;

/*
 * The words of a credential helper that is git:credentials, as git's config
 * has them: 0, or -1.
 */
int git_helper(struct cli *, char *out, size_t size);

/*
 * Names git:credentials to the repository here, for the host alone that a URL
 * is of.  0, or -1.
 */
int git_set_helper(struct cli *, const char *url);

/* ---- git_token.c: one file a host, in ~/.config/paas/git, 0600 */

#define GIT_TOKEN_MAX 128

/* "git.example.org:8080": letters, digits, '.', '-' and a port. */
int git_host_valid(const char *host);

/* 0 and the token, good for a while yet; -1 if there is none. */
int git_token_load(const char *host, char token[GIT_TOKEN_MAX]);

/* 0, or -1 with errno; expires is 0 for never. */
int git_token_save(const char *host, const char *token, time_t expires);
void git_token_forget(const char *host);

#endif
