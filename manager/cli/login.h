/*
 * Platforms elsewhere: where they are, and the tokens that they have given.
 */
#ifndef PAAS_CLI_LOGIN_H
#define PAAS_CLI_LOGIN_H

#include "common/conf.h"

#define LOGIN_URL   300
#define LOGIN_TOKEN 128

struct login {
	char url[LOGIN_URL]; /* "https://api.example.com" */
	char token[LOGIN_TOKEN];
};

/*
 * PAAS_HOST and PAAS_TOKEN, else of what paas login has kept in ~/.config/paas
 * that of PAAS_HOST, else the latest.  0; -1: there is none, and nothing was
 * said.
 */
int login_load(struct login *);

/* The one that was kept of that platform: 0, or -1. */
int login_find(const char *url, struct login *);

/* PAAS_HOST if that names a platform, for whose login login_load looks. */
const char *login_named(void);

/* The latest from now on; 0, or -1 with errno. */
int login_save(const struct login *);
int login_forget(const char *url);

/*
 * The address of the API of "example.com", "api.example.com:8080" or a URL:
 * https, but for hosts of this machine.  0, or -1 if it is none.
 */
int login_url(char url[LOGIN_URL], const char *host);

/* "git.example.com:8443" of "https://api.example.com:8443": 0, or -1. */
int login_git_host(char host[LOGIN_URL], const char *url);

struct cli;

#define LOGIN_LINE 300

/*
 * A line from the terminal, unseen if it is secret; else one of standard
 * input.  0, or -1 after a complaint that it is missing.
 */
int login_ask(
    struct cli *, const char *prompt, int secret, char line[LOGIN_LINE]);

/*
 * Finds out whether what answers at a URL is to be believed, and asks where
 * only a person can tell: EXIT_OK, or an exit status after a complaint.
 */
int login_trust(struct cli *, const char *url);

/* Makes a token useless on its server: 0, or -1 with a sentence. */
int login_end(const char *url, const char *token, char err[PAAS_ERRLEN]);

#endif
