/*
 * paas-git-ssh: what our sshd runs.  As AuthorizedKeysCommand, by paas, it says
 * who may come in with a key:
 *
 *	paas-git-ssh --keys CONF FINGERPRINT
 *
 * and as the shell of git's sessions, by paas-git, it does what the one git at
 * the other end asks of the other, and nothing else:
 *
 *	paas-git-ssh -c CONF	with SSH_ORIGINAL_COMMAND and PAAS_SSH_TOKEN
 *
 * CONF and the token of the session come from the answer of the former, by
 * command= and environment= of authorized_keys; there is no shell.
 */
#ifndef PAAS_GIT_SSH_H
#define PAAS_GIT_SSH_H

#include "common/conf.h"
#include "git/serve.h"

#define SSH_TOKEN   "PAAS_SSH_TOKEN"
#define SSH_APP_MAX 31 /* with the NUL */

struct ssh_command {
	const char *service; /* "git-receive-pack", "git-upload-pack" */
	char app[SSH_APP_MAX];
	int push;
};

/* ---- ssh_command.c */

/* What git has sent: 0, or -1 with a sentence in err. */
int ssh_read_command(struct ssh_command *, const char *text, char *err);

#endif
