/* sources: manager/node/proc.c manager/node/logfile.c manager/launcher/launcher_record.c manager/common/log.c; libs: -lsystemd -lbsd */
/*
 * What is read back from files: exit records, the launcher's records and the
 * lines of logs.  The first byte of an input chooses.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/places.h"
#include "launcher/launcher_record.h"
#include "node/logfile_read.h"
#include "node/proc.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char run_dir[] = "/tmp/paas-fuzz-XXXXXX";
static char exit_dir[64], exit_path[128], boot[64];

static void
places_remove(void)
{
	(void)unlink(exit_path);
	(void)rmdir(exit_dir);
	(void)rmdir(run_dir);
}

static void
places_make(void)
{
	MUST(mkdtemp(run_dir) != NULL);
	snprintf(exit_dir, sizeof(exit_dir), "%s/" PLACE_EXIT, run_dir);
	MUST(mkdir(exit_dir, 0700) == 0);
	snprintf(exit_path, sizeof(exit_path), "%s/%016x", exit_dir, 0x1234U);
	MUST(boot_id_read(boot) == 0);
	atexit(places_remove);
}

/* The boot id stands in front, or nothing would ever get past it. */
static void
fuzz_exit(const char *text, size_t len)
{
	struct proc_exit record;
	char said[128];
	int fd;

	fd = open(exit_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd != -1);
	MUST(write(fd, boot, strlen(boot)) == (ssize_t)strlen(boot));
	MUST(write(fd, text, len) == (ssize_t)len);
	close(fd);
	if (proc_exit_read(run_dir, 0x1234, &record) == 0)
		MUST((record.how == CLD_EXITED || record.how == CLD_KILLED ||
			 record.how == CLD_DUMPED) &&
		     record.status >= 0 && record.status <= 255 &&
		     (record.oom == 0 || record.oom == 1) && record.time >= 0);
	else
		MUST(record.how == 0 && record.status == 0);
	proc_exit_text(&record, 1 << 20, said, sizeof(said));
	MUST(memchr(said, '\0', sizeof(said)) != NULL && said[0] != '\0');
}

/* What is believed is what we would have written, byte by byte. */
static void
fuzz_record(const char *text, size_t len)
{
	char copy[RECORD_TEXT], again[RECORD_TEXT];
	struct record record;

	if (len >= sizeof(copy))
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (record_parse(&record, copy) != 0)
		return;
	MUST(record.launch.id != 0 && record.launch.pid > 1);
	MUST(record_format(again, &record) == strlen(copy));
	MUST(strcmp(again, copy) == 0);
}

struct reading {
	const char *text; /* of the whole file */
	size_t len;
	size_t bytes;
	int stop_after;
};

static int
line_seen(const struct logfile_line *line, void *arg)
{
	struct reading *reading = arg;

	MUST(strchr("oep", line->stream) != NULL && line->stream != '\0');
	MUST(line->len <= LOGFILE_LINE_MAX);
	MUST(memchr(line->text, '\n', line->len) == NULL);
	reading->bytes += line->len;
	MUST(reading->bytes <= reading->len);
	return --reading->stop_after == 0 ? 7 : 0;
}

static void
fuzz_lines(const char *text, size_t len, int stop_after)
{
	struct reading reading = {text, len, 0, stop_after};
	int64_t offset = 0, before;
	int fd, r, stopped;

	fd = memfd_create("log", MFD_CLOEXEC);
	MUST(fd != -1 && write(fd, text, len) == (ssize_t)len);
	do {
		before = offset;
		r = logfile_lines(
		    fd, &offset, -1, 64, line_seen, &reading, &stopped);
		MUST(r >= 0 && r <= 2 && offset >= before &&
		     offset <= (int64_t)len);
		MUST((r == 2) == (stopped == 7));
		/* Or a reader would ask for ever. */
		MUST(r == 0 || offset > before);
	} while (r != 0);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + 1;

	if (boot[0] == '\0')
		places_make();
	if (len == 0)
		return 0;
	switch (data[0] & 3) {
	case 0:
		fuzz_exit(text, len - 1);
		break;
	case 1:
		fuzz_record(text, len - 1);
		break;
	default:
		fuzz_lines(text, len - 1, data[0] >> 2);
		break;
	}
	return 0;
}
