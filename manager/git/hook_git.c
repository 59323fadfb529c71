/*
 * git is asked by argument lists, never by a shell.  It finds the pushed
 * objects, which nobody else sees yet, by what receive-pack has put into the
 * environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "git/hook.h"

#define GIT       "/usr/bin/git"
#define BLOCK     (64 * 1024)
#define PATH_LONG 4096 /* bytes; longer ones can't be unpacked */
#define SUBMODULE "160000 "
#define PATH_SHOW 200

/* ---- processes ------------------------------------------------------- */

/* Its output; -1 with errno. */
static int
git_start(char *const *argv, pid_t *pid)
{
	int fd[2], null;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	if ((*pid = fork()) == -1) {
		(void)close(fd[0]);
		(void)close(fd[1]);
		return -1;
	}
	if (*pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if ((null = open("/dev/null", O_RDONLY)) != -1 &&
		    dup2(null, STDIN_FILENO) != -1 &&
		    dup2(fd[1], STDOUT_FILENO) != -1)
			(void)execv(GIT, argv);
		_exit(127);
	}
	(void)close(fd[1]);
	return fd[0];
}

/* 0 if it ended well. */
static int
git_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* One line of output, without its newline, "" if there is none. */
static int
git_line(char *const *argv, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	int fd;

	if ((fd = git_start(argv, &pid)) == -1)
		return -1;
	while (
	    len + 1 < size && ((n = read(fd, out + len, size - len - 1)) > 0 ||
				  (n == -1 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	(void)close(fd);
	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return git_end(pid);
}

/* ---- the tree -------------------------------------------------------- */

/*
 * Entries of ls-tree -r -t -z, "MODE TYPE ID\tPATH\0", as they come.  A few
 * small objects make trees of any number of entries, and of any depth, when
 * folders share what is in them: what is too much ends the walk.
 */
struct entries {
	char text[64 + PATH_SHOW]; /* the entry's beginning */
	size_t len;                /* of all of it */
	uint64_t left;             /* how many more there may be */
	char found[PATH_SHOW];     /* the path of a submodule */
	const char *wrong;         /* what is too much */
};

static void
entry_end(struct entries *entries)
{
	size_t len = entries->len;
	const char *tab;

	if (len >= sizeof(entries->text))
		len = sizeof(entries->text) - 1;
	entries->text[len] = '\0';
	entries->len = 0;
	if (entries->left-- == 0)
		entries->wrong = "more files and folders than a push may have "
				 "(unpack_entries in paas.conf)";
	if (entries->found[0] != '\0' ||
	    strncmp(entries->text, SUBMODULE, strlen(SUBMODULE)) != 0 ||
	    (tab = strchr(entries->text, '\t')) == NULL)
		return;
	snprintf(entries->found, sizeof(entries->found), "%s", tab + 1);
}

static void
entries_feed(struct entries *entries, const char *data, size_t len)
{
	for (size_t i = 0; i < len && entries->wrong == NULL; i++) {
		if (data[i] == '\0') {
			entry_end(entries);
			continue;
		}
		if (entries->len < sizeof(entries->text))
			entries->text[entries->len] = data[i];
		if (entries->len++ == PATH_LONG)
			entries->wrong = "folders in each other so deep that "
					 "their paths are too long";
	}
}

/* Reads all of them, or until there is something wrong; 0 if git could. */
static int
entries_read(struct entries *entries, int fd, pid_t pid)
{
	char buf[BLOCK];
	ssize_t n = 0;

	while (
	    entries->wrong == NULL && ((n = read(fd, buf, sizeof(buf))) > 0 ||
					  (n == -1 && errno == EINTR)))
		if (n > 0)
			entries_feed(entries, buf, (size_t)n);
	(void)close(fd);
	if (entries->wrong != NULL)
		(void)kill(pid, SIGKILL);
	return git_end(pid);
}

static int
check_tree(const char *commit, uint64_t most, char *err)
{
	char *const argv[] = {"git", "ls-tree", "-r", "-t", "-z", "--full-tree",
	    (char *)(uintptr_t)commit, NULL};
	struct entries entries = {.left = most};
	pid_t pid;
	int fd, rc;

	if ((fd = git_start(argv, &pid)) == -1)
		return hook_refuse(
		    err, "git can't be run: %s.", strerror(errno));
	rc = entries_read(&entries, fd, pid);
	if (entries.wrong != NULL)
		return hook_refuse(
		    err, "The pushed commit has %s.", entries.wrong);
	if (rc == -1)
		return hook_refuse(err,
		    "The pushed commit is not whole: git fsck in your "
		    "repository tells what is missing.");
	if (entries.found[0] == '\0')
		return 0;
	return hook_refuse(err,
	    "\"%s\" is a submodule, and these are not deployed: the platform "
	    "does not fetch what a push does not have. Put its files into "
	    "the repository, or have your package manager fetch them.",
	    entries.found);
}

/* ---- the commit ------------------------------------------------------ */

/* Somebody else's push may have been accepted since this one began. */
static int
check_base(const struct hook_ref *ref, char *err)
{
	char *const argv[] = {"git", "rev-parse", "--verify", "--quiet",
	    (char *)(uintptr_t)ref->name, NULL};
	char now[HOOK_OID_MAX + 1];

	if (git_line(argv, now, sizeof(now)) == -1)
		now[0] = '\0';
	if (strcmp(now, ref->from) == 0 ||
	    (now[0] == '\0' && ref->from[strspn(ref->from, "0")] == '\0'))
		return 0;
	return hook_refuse(err,
	    "Another push to %s was faster: fetch what it has brought, and "
	    "push again.",
	    hook_branch(ref));
}

int
hook_check_commit(const struct hook_ref *ref, uint64_t entries, char *err)
{
	char *const argv[] = {
	    "git", "cat-file", "-t", (char *)(uintptr_t)ref->to, NULL};
	char type[16];

	if (git_line(argv, type, sizeof(type)) == -1)
		type[0] = '\0';
	if (strcmp(type, "commit") != 0)
		return hook_refuse(err,
		    "What was pushed to %s is not a commit but a %s: push "
		    "the commit that it stands for, as in git push paas "
		    "'NAME^{commit}:%s'.",
		    hook_branch(ref), type[0] != '\0' ? type : "riddle",
		    hook_branch(ref));
	if (check_base(ref, err) == -1)
		return -1;
	return check_tree(ref->to, entries, err);
}

int
hook_archive(const char *commit, pid_t *pid)
{
	char *const argv[] = {
	    "git", "archive", "--format=tar", (char *)(uintptr_t)commit, NULL};

	return git_start(argv, pid);
}

int
hook_archive_end(pid_t pid)
{
	return git_end(pid);
}
