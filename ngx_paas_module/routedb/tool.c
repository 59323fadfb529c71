/*
 * paas-routedb: a route database from and to text, for tests, for scripts and
 * for a look at what the router sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

static const char usage[] =
    "usage: paas-routedb load [--add] DIR [FILE]\n"
    "       paas-routedb follow [--add] DIR\n"
    "       paas-routedb dump DIR [FOLDER]\n"
    "       paas-routedb get DIR HOST [PATH]\n"
    "       paas-routedb verify DIR\n"
    "\n"
    "DIR is the route database that paas_routes names in nginx.conf.  load\n"
    "replaces all of it by FILE or standard input; --add keeps what FILE does\n"
    "not name.  follow does so with each file that a line of standard input\n"
    "names, as soon as it is read, and prints ok.  dump prints what load takes; certificates go to FOLDER.  get\n"
    "prints what a request would be routed by.  verify reads every record.\n"
    "\n"
    "  pool 10 app=hello type=web\n"
    "  instance 10 1 127.0.0.1:9001\n"
    "  host hello.example.com pool=10\n"
    "  host *.example.com pool=10:90,11:10 path=/shop strip\n"
    "  host example.com to=www.example.com\n"
    "  pattern 10 pr-(?<number>\\d+)\\.example\\.com pool=10\n"
    "  host * pool=11\n"
    "  cert 7 chain=example.com.pem key=example.com.key\n"
    "  certhost *.example.com 7\n";

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "paas-routedb: %s: %s\n", what, why);
	return 1;
}

static int
fail_db(const char *dir, int error)
{
	return fail(dir, error == PAAS_ROUTEDB_ESYS
			     ? strerror(errno)
			     : paas_routedb_strerror(error));
}

/* A truncated file ends in the middle of a page that is mapped. */
static void
on_fault(int sig)
{
	static const char msg[] =
	    "paas-routedb: the database is truncated or its pages are "
	    "damaged: load it anew into an empty directory\n";

	(void)sig;
	(void)!write(STDERR_FILENO, msg, sizeof(msg) - 1);
	_exit(1);
}

/* ---- load -------------------------------------------------------------- */

static int
read_all(int fd, paas_routedb_str_t *text)
{
	size_t size = 1 << 16, len = 0;
	uint8_t *data = malloc(size), *more;
	ssize_t n;

	while (data != NULL) {
		n = read(fd, data + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			*text = (paas_routedb_str_t){data, len};
			return (int)n;
		}
		len += (size_t)n;
		if (len < size)
			continue;
		more = realloc(data, size *= 2);
		if (more == NULL)
			free(data);
		data = more;
	}
	return -1;
}

static int
map_file(const char *name, paas_routedb_str_t *text, int *mapped)
{
	struct stat st;
	void *p;
	int fd, rc;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ,
		    MAP_PRIVATE | MAP_POPULATE, fd, 0);
		*text = (paas_routedb_str_t){p, (size_t)st.st_size};
		rc = p == MAP_FAILED ? -1 : 0;
		*mapped = 1;
	} else {
		rc = read_all(fd, text);
	}
	close(fd);
	return rc;
}

/* NULL for standard input.  What to exit with. */
static int
load_file(paas_routedb_writer_t **w, const char *dir, const char *file, int add)
{
	const char *name = file != NULL ? file : "standard input";
	char err[TOOL_ERRLEN];
	paas_routedb_str_t text;
	int rc, mapped = 0;

	if ((file != NULL ? map_file(file, &text, &mapped)
			  : read_all(STDIN_FILENO, &text)) == -1)
		return fail(name, strerror(errno));
	rc = tool_load(w, dir, name, text, add, err);
	if (mapped)
		munmap((void *)(uintptr_t)text.data, text.len);
	else
		free((void *)(uintptr_t)text.data);
	if (rc == -1)
		fprintf(stderr, "paas-routedb: %s\n", err);
	return rc == -1;
}

static int
command_load(int argc, char **argv)
{
	paas_routedb_writer_t *w = NULL;
	int add = argc > 0 && strcmp(argv[0], "--add") == 0;
	int rc;

	argc -= add;
	argv += add;
	if (argc < 1 || argc > 2)
		return -1;
	rc = load_file(&w, argv[0],
	    argc == 2 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL, add);
	paas_routedb_writer_close(w);
	return rc;
}

/* The writer stays: only its first commit has to wait for readers. */
static int
command_follow(int argc, char **argv)
{
	paas_routedb_writer_t *w = NULL;
	int add = argc > 0 && strcmp(argv[0], "--add") == 0;
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	argc -= add;
	argv += add;
	if (argc != 1)
		return -1;
	while (rc == 0 && getline(&line, &size, stdin) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (load_file(&w, argv[0], line, add) != 0)
			puts("failed");
		else
			puts("ok");
		if (fflush(stdout) != 0)
			rc = fail("standard output", strerror(errno));
	}
	free(line);
	paas_routedb_writer_close(w);
	return rc;
}

/* ---- dump, get, verify ------------------------------------------------- */

/* 0 and a reader, begun if txn is wanted; or what to exit with. */
static int
open_reader(paas_routedb_reader_t **reader, const char *dir, int begin)
{
	uint64_t txn;
	int rc;

	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	rc = paas_routedb_reader_open_locked(reader, dir);
	if (rc == PAAS_ROUTEDB_OK && begin)
		rc = paas_routedb_begin(*reader, &txn);
	return rc == PAAS_ROUTEDB_OK ? 0 : fail_db(dir, rc);
}

static int
dump_pool(const paas_routedb_pool_t *pool, void *out)
{
	tool_print_pool(out, pool);
	return ferror(out);
}

static int
dump_host(const paas_routedb_host_t *host, void *out)
{
	paas_routedb_path_t path;
	int rc = PAAS_ROUTEDB_OK;

	for (uint32_t i = 0; i < host->npaths && rc == PAAS_ROUTEDB_OK; i++) {
		rc = paas_routedb_get_path(host, i, &path);
		if (rc == PAAS_ROUTEDB_OK)
			tool_print_host(out, host->name, &path);
	}
	return rc != PAAS_ROUTEDB_OK ? rc : ferror(out);
}

static int
dump_pattern(uint32_t order, const paas_routedb_host_t *pattern, void *out)
{
	paas_routedb_path_t path;
	int rc = PAAS_ROUTEDB_OK;

	for (uint32_t i = 0; i < pattern->npaths && rc == PAAS_ROUTEDB_OK;
	     i++) {
		rc = paas_routedb_get_path(pattern, i, &path);
		if (rc == PAAS_ROUTEDB_OK)
			tool_print_pattern(out, order, pattern->name, &path);
	}
	return rc != PAAS_ROUTEDB_OK ? rc : ferror(out);
}

static int
dump_keys(paas_routedb_reader_t *reader, FILE *out)
{
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	uint32_t n;
	int rc = paas_routedb_get_keys(reader, keys, &n);

	if (rc == PAAS_ROUTEDB_OK && n > 0)
		tool_print_keys(out, keys, n);
	return rc;
}

static int
dump_cert_host(paas_routedb_str_t name, const uint64_t *ids, void *out)
{
	tool_print_cert_host(out, name, ids);
	return ferror(out);
}

static int
dump_cert(const paas_routedb_cert_t *cert, void *folder)
{
	return tool_dump_cert(stdout, cert, folder) == 0 ? ferror(stdout)
							 : PAAS_ROUTEDB_ESYS;
}

static int
dump_all(paas_routedb_reader_t *reader, char *folder)
{
	paas_routedb_meta_t meta;
	int rc;

	paas_routedb_get_meta(reader, &meta);
	if (meta.revision != 0)
		tool_print_revision(stdout, meta.revision);
	rc = paas_routedb_each_pool(reader, dump_pool, stdout);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_each_host(reader, dump_host, stdout);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_each_pattern(reader, dump_pattern, stdout);
	if (rc == PAAS_ROUTEDB_OK)
		rc = dump_keys(reader, stdout);
	if (rc == PAAS_ROUTEDB_OK)
		rc =
		    paas_routedb_each_cert_host(reader, dump_cert_host, stdout);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_each_cert(reader, dump_cert, folder);
	return rc;
}

static int
command_dump(int argc, char **argv)
{
	char *folder = argc == 2 ? argv[1] : NULL;
	paas_routedb_reader_t *reader;
	int rc, end;

	if (argc < 1 || argc > 2)
		return -1;
	if (folder != NULL && mkdir(folder, 0700) == -1 && errno != EEXIST)
		return fail(folder, strerror(errno));
	if (open_reader(&reader, argv[0], 1) != 0)
		return 1;
	rc = dump_all(reader, folder);
	if (rc == PAAS_ROUTEDB_ESYS && folder != NULL)
		return fail(folder, strerror(errno));
	end = paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail("standard output", strerror(errno));
	if (rc == PAAS_ROUTEDB_OK && end == PAAS_ROUTEDB_EAGAIN)
		return fail(argv[0],
		    "took too long without lock.mdb, so the end may be wrong: "
		    "dump as the user who owns it");
	return rc == PAAS_ROUTEDB_OK ? 0 : fail_db(argv[0], rc);
}

static int
command_get(int argc, char **argv)
{
	char name[PAAS_ROUTEDB_HOST_MAX + 1];
	paas_routedb_reader_t *reader;
	int len, rc;

	if (argc < 2 || argc > 3)
		return -1;
	len = paas_routedb_canonical(
	    (const uint8_t *)argv[1], strlen(argv[1]), 0, name);
	if (len < 0)
		return fail("HOST", "must be a host name or an address");
	if (open_reader(&reader, argv[0], 1) != 0)
		return 1;
	rc = tool_get(reader, name, (size_t)len, argc == 3 ? argv[2] : "/");
	(void)paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	if (rc == PAAS_ROUTEDB_ENOTFOUND)
		return fail(name, "no route: see paas-routedb dump");
	return rc == PAAS_ROUTEDB_OK ? 0 : fail_db(argv[0], rc);
}

static int
command_verify(int argc, char **argv)
{
	char err[TOOL_ERRLEN];
	paas_routedb_reader_t *reader;
	paas_routedb_meta_t meta;
	int rc;

	if (argc != 1)
		return -1;
	if (open_reader(&reader, argv[0], 0) != 0)
		return 1;
	rc = paas_routedb_verify(reader, err, sizeof(err));
	paas_routedb_get_meta(reader, &meta);
	paas_routedb_reader_close(reader);
	if (rc != PAAS_ROUTEDB_OK)
		return fail(argv[0], err);
	printf("ok: %llu hosts, %llu pools, %u patterns, %llu names of %llu "
	       "certificates, generation %llu, revision %llu\n",
	    (unsigned long long)meta.nhosts, (unsigned long long)meta.npools,
	    meta.npatterns, (unsigned long long)meta.ncerthosts,
	    (unsigned long long)meta.ncerts,
	    (unsigned long long)meta.generation,
	    (unsigned long long)meta.revision);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv); /* -1 for wrong usage */
} commands[] = {{"load", command_load}, {"follow", command_follow},
    {"dump", command_dump}, {"get", command_get}, {"verify", command_verify}};

int
main(int argc, char **argv)
{
	int rc = -1;

	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0;
	     argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			rc = commands[i].run(argc - 2, argv + 2);
	if (rc != -1)
		return rc;
	fputs(usage, stderr);
	return 2;
}
