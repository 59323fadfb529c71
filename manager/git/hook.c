#include "git/hook.h"

#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "git/serve.h"

/* More refs than this are not one branch, whatever they are. */
#define INPUT_MAX (16 * 1024)

/* What git says; a longer list is cut, and has several lines then anyway. */
static size_t
read_input(char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(STDIN_FILENO, buf + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return len;
}

/*
 * The lock is that of the whole push: its descriptor is shared with git, and
 * open in there until the branch is moved.
 */
static int
take_turn(const char *app, char *err)
{
	const char *text = getenv(SERVE_LOCK);
	int fd = text != NULL ? atoi(text) : -1;

	if (fd <= STDERR_FILENO || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd > STDERR_FILENO ? 0 : -1;
	snprintf(err, PAAS_ERRLEN,
	    "Another push to %s is under way: wait for it, fetch, and push "
	    "again.",
	    app);
	return -1;
}

static int
hook_run(struct hook *hook, char *err)
{
	const char *conf = getenv(SERVE_CONF);
	char input[INPUT_MAX];
	size_t len;

	hook->app = getenv(SERVE_APP);
	hook->token = getenv(SERVE_TOKEN);
	if (conf == NULL || hook->app == NULL || hook->token == NULL) {
		snprintf(err, PAAS_ERRLEN, "This hook works for paas-git.");
		return -1;
	}
	if (conf_load(&hook->conf, conf, err) == -1)
		return -1;
	len = read_input(input, sizeof(input));
	if (hook_read_refs(&hook->ref, input, len, err) == -1 ||
	    take_turn(hook->app, err) == -1 ||
	    hook_check_commit(&hook->ref, hook->conf.unpack_entries, err) == -1)
		return -1;
	return hook_build(hook);
}

int
main(void)
{
	char err[PAAS_ERRLEN] = "The push has no lock: push again.";
	struct hook hook;
	int rc;

	/* Who does not push any more does not want it built. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	setlocale(LC_CTYPE, "C.UTF-8");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	memset(&hook, 0, sizeof(hook));
	rc = hook_run(&hook, err);
	if (rc == -1) {
		hook_complain("%s", err);
		rc = 1;
	}
	curl_global_cleanup();
	return rc;
}
