/*
 * paas-build: unpacks standard input, has the buildpacks compile it and
 * writes down what can run.  Its output is read by the person who pushes.
 *
 *   paas-build --max-bytes N --max-entries N [--max-output N] [--max-disk N]
 *       [--list | --fetch BYTES] [--buildpack NAME|URL|./PATH]...
 *   paas-build --max-bytes N --max-entries N [--max-output N] [--max-disk N]
 *       [--list] --image
 *   paas-build --max-bytes N --max-entries N [--max-output N] [--max-disk N]
 *       --slug --type NAME=COMMAND...
 *
 * With --list the upload is one of common/push.h, with --fetch it tells where
 * a tar is, else it is a tar; with --image it has an OCI image layout, with
 * --slug it is what another build has made.  The places are the sandbox's
 * unless options name others.  Exit 0; with the reason as the last line 1,
 * PUSH_EXIT_REFUSED or PUSH_EXIT_MISSING.
 */
#include "sandbox/build.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/push.h"
#include "sandbox/image.h"

struct build {
	struct build_places places;
	struct unpack_limits limits;
	char *wanted[PACKS_MAX];
	size_t nwanted;
	int list;
	int image;
	int slug;
	uint64_t fetch_max; /* bytes; 0: the archive is there */
	int exit;           /* if a step fails */
	struct guard guard;
	struct packs packs;
	struct build_manifest manifest;
	struct types declared;          /* by the Procfile */
	struct types given;             /* with a slug */
	struct release release;         /* what the pack says */
	double unpack, detect, compile; /* seconds */
};

static const struct option options[] = {
    {"max-bytes", required_argument, NULL, 'b'},
    {"max-entries", required_argument, NULL, 'n'},
    {"list", no_argument, NULL, 'l'},
    {"fetch", required_argument, NULL, 'f'},
    {"max-output", required_argument, NULL, 'o'},
    {"max-disk", required_argument, NULL, 'd'},
    {"image", no_argument, NULL, 'i'},
    {"slug", no_argument, NULL, 's'},
    {"type", required_argument, NULL, 't'},
    {"buildpack", required_argument, NULL, 'p'},
    {"app", required_argument, NULL, 'A'},
    {"cache", required_argument, NULL, 'C'},
    {"env", required_argument, NULL, 'E'},
    {"packs", required_argument, NULL, 'P'},
    {"work", required_argument, NULL, 'W'},
    {"out", required_argument, NULL, 'O'},
    {NULL, 0, NULL, 0},
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t
option_number(const char *name, const char *value)
{
	const char *why = NULL;
	uint64_t n;

	n = (uint64_t)strtonum(value, 1, INT64_MAX, &why);
	if (why != NULL) {
		fprintf(stderr, "paas-build: --%s: %s\n", name, why);
		exit(2);
	}
	return n;
}

static void
option_type(struct build *b, const char *text)
{
	char err[SANDBOX_ERRLEN];

	if (slug_add_type(&b->given, text, err) == 0)
		return;
	printf(" !     %s\n", err);
	exit(PUSH_EXIT_REFUSED);
}

static void
parse_options(struct build *b, int argc, char **argv)
{
	int c, nth = 0;

	while ((c = getopt_long(argc, argv, "", options, &nth)) != -1)
		switch (c) {
		case 'b':
			b->limits.bytes = option_number("max-bytes", optarg);
			break;
		case 'n':
			b->limits.entries =
			    option_number("max-entries", optarg);
			break;
		case 'l':
			b->list = 1;
			break;
		case 'f':
			b->fetch_max = option_number("fetch", optarg);
			break;
		case 'o':
			b->guard.output_max =
			    option_number("max-output", optarg);
			break;
		case 'd':
			b->guard.disk_max = option_number("max-disk", optarg);
			break;
		case 'i':
			b->image = 1;
			break;
		case 's':
			b->slug = 1;
			break;
		case 't':
			option_type(b, optarg);
			break;
		case 'p':
			if (b->nwanted == PACKS_MAX)
				exit(2);
			b->wanted[b->nwanted++] = optarg;
			break;
		case 'A':
			b->places.app = optarg;
			break;
		case 'C':
			b->places.cache = optarg;
			break;
		case 'E':
			b->places.env = optarg;
			break;
		case 'P':
			b->places.packs = optarg;
			break;
		case 'W':
			b->places.work = optarg;
			break;
		case 'O':
			b->places.out = optarg;
			break;
		default:
			exit(2);
		}
	if (optind != argc || b->limits.bytes == 0 || b->limits.entries == 0) {
		fprintf(stderr,
		    "usage: paas-build --max-bytes N --max-entries N "
		    "[--max-output N] [--max-disk N] [--list | --fetch N] "
		    "[--buildpack NAME|URL|./PATH]... < upload\n");
		exit(2);
	}
}

/* A cache that leaves no room for the build would fail all that follow. */
static int
step_cache(struct build *b, char err[SANDBOX_ERRLEN])
{
	char *argv[] = {(char *)(uintptr_t) "/usr/bin/find",
	    (char *)(uintptr_t)b->places.cache, (char *)(uintptr_t) "-mindepth",
	    (char *)(uintptr_t) "1", (char *)(uintptr_t) "-delete", NULL};
	struct env env = {0};
	struct run run = {.argv = argv, .cwd = "/"};
	uint64_t most = b->guard.disk_max;
	uint64_t size = most == 0 ? 0 : guard_disk(b->places.cache);
	int status;

	if (size <= most / 2)
		return 0;
	printf(" !     The cache has %llu MiB, more than half of what the "
	       "build may write (build_disk in paas.conf): it is emptied\n",
	    (unsigned long long)(size / (1024 * 1024)));
	env_of_packs(&env);
	run.envp = env.v;
	b->guard.disk_max = 0;
	status = run_program(&b->guard, &run, err);
	b->guard.disk_max = most;
	env_free(&env);
	return status == -1 ? -1 : 0;
}

static int
step_unpack(struct build *b, char err[SANDBOX_ERRLEN])
{
	struct unpack_stats stats;
	double start = now();
	int dir, result;

	dir = open(b->places.app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be opened: %s.",
		    b->places.app, strerror(errno));
		return -1;
	}
	if (b->list)
		result = resources_unpack(STDIN_FILENO, dir, b->places.cache,
		    &b->limits, &stats, err);
	else if (b->fetch_max > 0)
		result = source_unpack(
		    &b->places, b->fetch_max, &b->limits, &stats, err);
	else if (b->slug)
		result = slug_unpack(
		    &b->places, STDIN_FILENO, dir, &b->limits, &stats, err);
	else
		result =
		    unpack_stream(STDIN_FILENO, dir, &b->limits, &stats, err);
	close(dir);
	b->exit = result > 0 ? result : PUSH_EXIT_REFUSED;
	if (result != 0)
		return -1;
	b->exit = 1;
	result = b->slug ? 0 : ignore_remove(b->places.app, err);
	b->unpack = now() - start;
	return result;
}

/* Those that the app has been given, then those that it asks for. */
static int
detect(struct build *b, char err[SANDBOX_ERRLEN])
{
	if (b->nwanted > 0)
		return packs_detect(
		    &b->places, b->wanted, b->nwanted, &b->packs, err);
	if (b->manifest.binary && b->manifest.npacks == 0)
		return 0;
	return packs_detect(
	    &b->places, b->manifest.packs, b->manifest.npacks, &b->packs, err);
}

/* A Procfile with a mistake is told before minutes of compiling. */
static int
step_detect(struct build *b, char err[SANDBOX_ERRLEN])
{
	double start = now();
	int result;

	if (procfile_read(b->places.app, &b->declared, err) == -1 ||
	    manifest_load(b->places.app, &b->manifest, err) == -1 ||
	    env_write_dir(b->places.env, err) == -1)
		return -1;
	runtime_print(b->places.app);
	mkdir("/tmp/home", 0700);
	result = detect(b, err);
	b->detect = now() - start;
	if (result == 0 && b->packs.n == 0 && b->manifest.commands.n > 0) {
		puts("-----> The manifest's command runs what is there");
	} else if (result == 0 && b->packs.n == 0 && b->declared.n == 0) {
		snprintf(err, SANDBOX_ERRLEN,
		    "No buildpack fits this app: add a Procfile with a line "
		    "like \"web: COMMAND\", or what its language has in the "
		    "folder that you push: package.json, requirements.txt, "
		    "Gemfile, composer.json, go.mod, pom.xml, CMakeLists.txt, "
		    "Makefile or index.html.");
		return -1;
	}
	return result;
}

static int
step_compile(struct build *b, char err[SANDBOX_ERRLEN])
{
	double start = now();
	int result = packs_compile(&b->places, &b->packs, err);

	b->compile = now() - start;
	return result;
}

static void
print_types(
    const char *title, const struct types *types, const struct types *but)
{
	size_t shown = 0;

	for (size_t i = 0; i < types->n; i++) {
		if (but != NULL && types_find(but, types->v[i].name) != NULL)
			continue;
		printf("%s%s", shown++ == 0 ? title : ", ", types->v[i].name);
	}
	if (shown > 0)
		putchar('\n');
}

static void
add_types(struct types *all, const struct types *types)
{
	for (size_t i = 0; i < types->n; i++)
		(void)types_add(all, types->v[i].name, strlen(types->v[i].name),
		    types->v[i].command, strlen(types->v[i].command), 0);
}

/*
 * The manifest's commands; of the Procfile's types those that it does not
 * name, and of the pack's those that neither does.
 */
static int
step_types(struct build *b, char err[SANDBOX_ERRLEN])
{
	struct types all = {0};
	int result = -1;

	/* A pack may have written or changed it. */
	types_free(&b->declared);
	if (procfile_read(b->places.app, &b->declared, err) == -1 ||
	    packs_release(&b->places, &b->packs, &b->release, err) == -1)
		return -1;
	add_types(&all, &b->manifest.commands);
	add_types(&all, &b->declared);
	add_types(&all, &b->release.types);
	puts("-----> Discovering process types");
	print_types("       The manifest's commands     -> ",
	    &b->manifest.commands, NULL);
	print_types(
	    "       Procfile declares           -> ", &b->declared, NULL);
	print_types("       Defaults of the buildpack   -> ", &b->release.types,
	    &b->declared);
	if (b->release.addons[0] != '\0')
		printf(" !     The buildpack asks for add-ons, which are "
		       "yours to add: %s\n",
		    b->release.addons);
	if (all.n == 0)
		snprintf(err, SANDBOX_ERRLEN,
		    "This app does not say what to run: add a Procfile with a "
		    "line like \"web: COMMAND\" and push again.");
	else
		result = result_write(b->places.out,
		    b->packs.n > 0 ? b->packs.v[b->packs.n - 1].name : "none",
		    &all, b->manifest.from_tree ? b->manifest.settings : NULL,
		    b->release.config, err);
	types_free(&all);
	return result;
}

static int
build_image(struct build *b, double start)
{
	char err[SANDBOX_ERRLEN] = "";
	int status = b->exit;

	if (step_cache(b, err) == 0)
		status = image_build(
		    STDIN_FILENO, b->list, &b->places, &b->limits, err);
	if (status != 0)
		printf(" !     %s\n", err);
	else
		printf("-----> Done in %.1fs\n", now() - start);
	return status;
}

/* It has been built: what it runs is all there is to say of it. */
static int
build_slug(struct build *b, double start)
{
	char err[SANDBOX_ERRLEN] = "";

	puts("-----> Unpacking the slug");
	if (step_cache(b, err) == 0 && step_unpack(b, err) == 0) {
		print_types("-----> Its process types are ", &b->given, NULL);
		if (result_write(b->places.out, "none", &b->given, NULL, NULL,
			err) == 0) {
			printf("-----> Done in %.1fs\n", now() - start);
			types_free(&b->given);
			return 0;
		}
	}
	printf(" !     %s\n", err);
	return b->exit;
}

int
main(int argc, char **argv)
{
	struct build b = {
	    .places = {"/app", "/cache", "/tmp/env", "/buildpacks",
		"/tmp/packs", "/out", NULL},
	    .exit = 1,
	};
	char err[SANDBOX_ERRLEN] = "";
	double start = now();

	/* Names of files are UTF-8, whatever the environment says. */
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(022);
	parse_options(&b, argc, argv);
	b.places.guard = &b.guard;
	b.guard.dirs[0] = b.places.app;
	b.guard.dirs[1] = b.places.cache;
	b.guard.dirs[2] = b.places.out;
	/* One stream, or a reader sees its lines out of order. */
	if (dup2(STDOUT_FILENO, STDERR_FILENO) == -1)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (b.image)
		return build_image(&b, start);
	if (b.slug)
		return build_slug(&b, start);
	if (step_cache(&b, err) == -1 || step_unpack(&b, err) == -1 ||
	    step_detect(&b, err) == -1 || step_compile(&b, err) == -1 ||
	    step_types(&b, err) == -1) {
		printf(" !     %s\n", err);
		return b.exit;
	}
	printf("-----> Done in %.1fs (unpack %.1fs, detect %.1fs, "
	       "compile %.1fs)\n",
	    now() - start, b.unpack, b.detect, b.compile);
	types_free(&b.declared);
	release_free(&b.release);
	manifest_free(&b.manifest);
	return 0;
}
