/*
 * A buildpack from an archive: of a web server, which is asked whether what
 * the store has is still right, or of the app.
 */
#include "sandbox/build.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNPACK_BLOCK  65536
#define NOT_MODIFIED  "304"
#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* ---- unpacking ------------------------------------------------------- */

static int
unpack_fail(const char *what, const char *why, char err[SANDBOX_ERRLEN])
{
	char text[200];

	snprintf(err, SANDBOX_ERRLEN,
	    "The buildpack %.200s can't be unpacked: %s.", what,
	    text_escape(text, sizeof(text), why != NULL ? why : "no reason"));
	return -1;
}

/* Of names that lead out of its folder, libarchive refuses each. */
static int
unpack_entries(struct archive *in, struct archive *out, const char *what,
    char err[SANDBOX_ERRLEN])
{
	struct archive_entry *entry;
	uint64_t bytes = 0, entries = 0;
	int r;

	while ((r = archive_read_next_header(in, &entry)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN)
			return unpack_fail(what, archive_error_string(in), err);
		bytes += (uint64_t)archive_entry_size(entry);
		if (++entries > FETCH_ENTRIES || bytes > FETCH_BYTES_MAX)
			return unpack_fail(what, "it is too large", err);
		archive_entry_set_perm(
		    entry, (archive_entry_perm(entry) & 0755) | 0600);
		if (archive_read_extract2(in, entry, out) < ARCHIVE_WARN)
			return unpack_fail(what, archive_error_string(in), err);
	}
	return 0;
}

static int
unpack_into(int fd, const char *dir, const char *what, char err[SANDBOX_ERRLEN])
{
	struct archive *in = archive_read_new();
	struct archive *out = archive_write_disk_new();
	int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result = -1;

	if (in == NULL || out == NULL)
		abort();
	archive_read_support_filter_all(in);
	archive_read_support_format_tar(in);
	archive_read_support_format_zip(in);
	archive_write_disk_set_options(
	    out, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
		     ARCHIVE_EXTRACT_SECURE_NODOTDOT |
		     ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	if (before == -1 || mkdir(dir, 0755) == -1 || chdir(dir) == -1)
		unpack_fail(what, strerror(errno), err);
	else if (archive_read_open_fd(in, fd, UNPACK_BLOCK) != ARCHIVE_OK)
		unpack_fail(what, archive_error_string(in), err);
	else
		result = unpack_entries(in, out, what, err);
	archive_read_free(in);
	archive_write_free(out);
	if (before != -1) {
		if (fchdir(before) == -1)
			result = unpack_fail(what, strerror(errno), err);
		close(before);
	}
	return result;
}

int
fetch_only_folder(const char *dir, char *name, size_t len)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int n = 0;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		n += entry->d_type == DT_DIR ? 1 : 2;
		snprintf(name, len, "%s", entry->d_name);
	}
	if (d != NULL)
		closedir(d);
	return n == 1;
}

int
fetch_unpack(
    int fd, const char *dir, const char *what, char err[SANDBOX_ERRLEN])
{
	char raw[600], only[256], from[900];
	int result;

	snprintf(raw, sizeof(raw), "%s.unpacked", dir);
	if (unpack_into(fd, raw, what, err) == -1)
		return -1;
	snprintf(from, sizeof(from), "%s/bin", raw);
	if (access(from, F_OK) == -1 &&
	    fetch_only_folder(raw, only, sizeof(only)))
		snprintf(from, sizeof(from), "%s/%s", raw, only);
	else
		snprintf(from, sizeof(from), "%s", raw);
	result = rename(from, dir);
	(void)rmdir(raw);
	return result == 0 ? 0 : unpack_fail(what, strerror(errno), err);
}

/* ---- fetching -------------------------------------------------------- */

struct kept {
	char archive[700];
	char fresh[700];
	char tag[700];
	char fresh_tag[700];
};

int
fetch_curl(const struct build_places *places, const struct fetch *fetch,
    char status[FETCH_STATUS_MAX + 1], char err[SANDBOX_ERRLEN])
{
	char size[24];
	char *argv[FETCH_OPTIONS_MAX + 32] = {TEXT("/usr/bin/curl"), TEXT("-q"),
	    TEXT("--silent"), TEXT("--show-error"), TEXT("--fail"),
	    TEXT("--location"), TEXT("--max-redirs"), TEXT("5"),
	    TEXT("--proto"), TEXT("=http,https"), TEXT("--proto-redir"),
	    fetch->tls ? TEXT("=https") : TEXT("=http,https"),
	    TEXT("--globoff"), TEXT("--connect-timeout"), TEXT("15"),
	    TEXT("--speed-limit"), TEXT("1"), TEXT("--speed-time"), TEXT("20"),
	    TEXT("--max-filesize"), size, TEXT("--output"), TEXT(fetch->output),
	    TEXT("--write-out"), TEXT("%{http_code}")};
	struct run_output output;
	struct env env = {0};
	struct run run = {.argv = argv,
	    .cwd = "/",
	    .output = &output,
	    .max = FETCH_STATUS_MAX,
	    .seconds = FETCH_SECONDS,
	    .file_max = fetch->max};
	size_t n;
	int result;

	for (n = 0; argv[n] != NULL; n++)
		;
	for (size_t i = 0; fetch->options[i] != NULL; i++)
		argv[n++] = TEXT(fetch->options[i]);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)fetch->max);
	env_of_packs(&env);
	run.envp = env.v;
	result = run_program(places->guard, &run, err);
	env_free(&env);
	if (result != -1) {
		snprintf(status, FETCH_STATUS_MAX + 1, "%s", output.text);
		free(output.text);
	}
	return result;
}

static int
kept_fetch(const struct build_places *places, const char *url,
    const struct kept *kept, char status[FETCH_STATUS_MAX + 1],
    char err[SANDBOX_ERRLEN])
{
	struct fetch fetch = {.tls = strncmp(url, "https:", 6) == 0,
	    .output = kept->fresh,
	    .max = FETCH_BYTES_MAX,
	    .options = {"--etag-save", kept->fresh_tag, "--url", url}};

	if (access(kept->archive, F_OK) == 0 && access(kept->tag, F_OK) == 0) {
		fetch.options[4] = "--etag-compare";
		fetch.options[5] = kept->tag;
	}
	return fetch_curl(places, &fetch, status, err);
}

/* The archive takes the place of the one before, its tag follows. */
static int
kept_renew(const struct kept *kept, char err[SANDBOX_ERRLEN])
{
	(void)unlink(kept->tag);
	if (rename(kept->fresh, kept->archive) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be kept: %s.",
		    kept->archive, strerror(errno));
		return -1;
	}
	(void)rename(kept->fresh_tag, kept->tag);
	return 0;
}

static int
kept_update(const struct build_places *places, const char *url,
    const struct kept *kept, char err[SANDBOX_ERRLEN])
{
	char status[FETCH_STATUS_MAX + 1] = "";
	int result;

	(void)unlink(kept->fresh);
	(void)unlink(kept->fresh_tag);
	result = kept_fetch(places, url, kept, status, err);
	if (result == -1)
		return -1;
	if (result == 0 && strcmp(status, NOT_MODIFIED) == 0)
		return 0;
	if (result == 0 && access(kept->fresh, F_OK) == 0)
		return kept_renew(kept, err);
	if (access(kept->archive, F_OK) == 0) {
		printf(" !     %s could not be fetched: the copy of an "
		       "earlier build is used\n",
		    url);
		return 0;
	}
	if (result == RUN_TIMEOUT)
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack %.300s could not be fetched within %d s.",
		    url, FETCH_SECONDS);
	else
		snprintf(err, SANDBOX_ERRLEN,
		    "The buildpack %.200s could not be fetched%s%s: the lines "
		    "above say why. Check the address.",
		    url, status[0] != '\0' && status[0] != '0' ? ", HTTP " : "",
		    status[0] != '\0' && status[0] != '0' ? status : "");
	return -1;
}

int
fetch_archive(const struct build_places *places, const char *url,
    const char *store_dir, const char *dir, char err[SANDBOX_ERRLEN])
{
	struct kept kept;
	int fd, result = -1;

	snprintf(kept.archive, sizeof(kept.archive), "%s/archive", store_dir);
	snprintf(kept.fresh, sizeof(kept.fresh), "%s/fresh", store_dir);
	snprintf(kept.tag, sizeof(kept.tag), "%s/tag", store_dir);
	snprintf(
	    kept.fresh_tag, sizeof(kept.fresh_tag), "%s/freshtag", store_dir);
	if (kept_update(places, url, &kept, err) == -1)
		return -1;
	fd = open(kept.archive, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%.300s can't be read: %s.",
		    kept.archive, strerror(errno));
	} else {
		result = fetch_unpack(fd, dir, url, err);
		close(fd);
	}
	/* An archive that is no good is not kept. */
	if (result == -1)
		(void)unlink(kept.archive);
	else
		printf("       %s\n", url);
	return result;
}
