/*
 * The app that a repository is pushed to, by its remote paas: as git:remote
 * sets it, https://git.DOMAIN/APP.git or ssh://git@git.DOMAIN/APP.git.
 */
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/git.h"
#include "cli/login.h"

static const char remote_key[] = "remote." GIT_REMOTE ".url";

/* The first line of what git says of the repository in dir; -1: nothing. */
static int
remote_ask(const char *dir, char *line, size_t size)
{
	const char *const argv[] = {
	    "git", "-C", dir, "config", "--get", remote_key, NULL};
	int fds[2], null, status;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)execvp("git", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	line[0] = '\0';
	if ((from = fdopen(fds[0], "r")) == NULL)
		close(fds[0]);
	else {
		if (fgets(line, (int)size, from) == NULL)
			line[0] = '\0';
		(void)fclose(from);
	}
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	line[strcspn(line, "\n")] = '\0';
	return line[0] != '\0' ? 0 : -1;
}

/*
 * A remote may be of another platform than the one that is asked, which may
 * have an app of that name: then it says nothing.  Ports differ by protocol.
 */
static int
remote_is_there(const char *host, size_t len)
{
	char git[LOGIN_URL];
	struct login login;
	int there;

	if (login_load(&login) == -1)
		return 1;
	there = login_git_host(git, login.url) == 0 &&
		strcspn(git, ":") == len && strncmp(git, host, len) == 0;
	explicit_bzero(&login, sizeof(login));
	return there;
}

static int
remote_parse(const char *url, int here, char name[CLI_APP_MAX + 1])
{
	const char *host = strstr(url, "://"), *at, *path;
	size_t len;

	if (host == NULL || (path = strchr(host += 3, '/')) == NULL)
		return -1;
	if ((at = memchr(host, '@', (size_t)(path - host))) != NULL)
		host = at + 1;
	if (strncmp(host, "git.", 4) != 0 ||
	    (!here && !remote_is_there(host, strcspn(host, ":/"))))
		return -1;
	len = strlen(++path);
	if (len <= 4 || len - 4 > CLI_APP_MAX ||
	    strcmp(path + len - 4, ".git") != 0)
		return -1;
	memcpy(name, path, len - 4);
	name[len - 4] = '\0';
	return app_name_valid(name) ? 0 : -1;
}

int
app_from_remote(const char *dir, int here, char name[CLI_APP_MAX + 1])
{
	char path[PATH_MAX], url[512];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/.git", dir) >=
		sizeof(path) ||
	    lstat(path, &st) == -1 || remote_ask(dir, url, sizeof(url)) == -1)
		return -1;
	return remote_parse(url, here, name);
}
