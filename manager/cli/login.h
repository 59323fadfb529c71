/*
 * A platform elsewhere: where it is, and the token that it has given.
 */
#ifndef PAAS_CLI_LOGIN_H
#define PAAS_CLI_LOGIN_H

#define LOGIN_URL   300
#define LOGIN_TOKEN 128

struct login {
	char url[LOGIN_URL]; /* "https://api.example.com" */
	char token[LOGIN_TOKEN];
};

/*
 * PAAS_HOST and PAAS_TOKEN, else what paas login has kept in ~/.config/paas.
 * 0; -1: there is none, and nothing was said.
 */
int login_load(struct login *);

/* 0, or -1 with errno. */
int login_save(const struct login *);
void login_forget(void);

/*
 * The address of the API of "example.com", "api.example.com:8080" or a URL:
 * https, but for hosts of this machine.  0, or -1 if it is none.
 */
int login_url(char url[LOGIN_URL], const char *host);

#endif
