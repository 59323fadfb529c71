/*
 * What runs in the sandboxes of a build, and what is read of their output.
 */
#include "build/room.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/places.h"
#include "node/launch.h"
#include "node/logfile.h"
#include "node/tree.h"
#include "store/names.h"

/* Config vars reach buildpacks as files, so they come under a prefix. */
#define CONFIG_PREFIX "PAAS_CONFIG_"

#define CHECK_TMP    (16ULL * 1024 * 1024)
#define REASON_LINES 50
#define REASON_BYTES (256 * 1024)

struct args {
	char **argv;
	size_t argc;
	char **envp;
	size_t envc;
};

static void __attribute__((format(printf, 2, 3)))
args_add(struct args *args, const char *fmt, ...)
{
	va_list ap;

	args->argv =
	    reallocarray(args->argv, args->argc + 2, sizeof(*args->argv));
	va_start(ap, fmt);
	if (args->argv == NULL ||
	    vasprintf(&args->argv[args->argc++], fmt, ap) == -1)
		log_fatal("build: out of memory");
	va_end(ap);
	args->argv[args->argc] = NULL;
}

static void
args_env(
    struct args *args, const char *prefix, const char *name, const char *value)
{
	args->envp =
	    reallocarray(args->envp, args->envc + 2, sizeof(*args->envp));
	if (args->envp == NULL || asprintf(&args->envp[args->envc++], "%s%s=%s",
				      prefix, name, value) == -1)
		log_fatal("build: out of memory");
	args->envp[args->envc] = NULL;
}

static void
args_free(struct args *args)
{
	size_t i;

	for (i = 0; i < args->argc; i++)
		free(args->argv[i]);
	free(args->argv);
	for (i = 0; i < args->envc; i++)
		free(args->envp[i]);
	free(args->envp);
}

static void
args_limits(struct args *args, const struct conf *conf)
{
	args_add(args, "--max-bytes");
	args_add(args, "%" PRIu64, conf->unpack_max);
	args_add(args, "--max-entries");
	args_add(args, "%" PRIu64, conf->unpack_entries);
}

static void
args_config(struct args *args, struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	const char *name;
	json_t *config, *value;

	config = store_get(
	    job->build->store, key_format(key, "config/%s", job->app), NULL);
	json_object_foreach (config, name, value)
		if (json_is_string(value))
			args_env(args, CONFIG_PREFIX, name,
			    json_string_value(value));
	json_decref(config);
}

/* By those that the app asked for, in order. */
static void
args_packs(struct args *args, struct job *job)
{
	json_t *pack;
	size_t i;

	json_array_foreach (
	    json_object_get(job->record, "buildpacks"), i, pack) {
		args_add(args, "--buildpack");
		args_add(args, "%s", json_string_value(pack));
	}
}

/* What the app runs now need not be archived once more. */
static void
args_known(struct args *args, struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	struct store *store = job->build->store;
	const char *hash;
	json_t *app, *release, *slug;

	app = store_get(store, key_format(key, "app/%s", job->app), NULL);
	release = store_get(store,
	    key_format(key, "release/%s/%08" JSON_INTEGER_FORMAT, job->app,
		json_integer_value(json_object_get(app, "version"))),
	    NULL);
	hash = json_string_value(json_object_get(release, "slug"));
	if (hash != NULL && !job->anew && !tree_damaged(store, hash)) {
		slug = store_get(store, key_format(key, "slug/%s", hash), NULL);
		if (json_object_get(slug, "archive") != NULL) {
			args_add(args, "--known");
			args_add(args, "%s", hash);
		}
		json_decref(slug);
	}
	json_decref(release);
	json_decref(app);
}

static void
fill_start(struct launch_start *start, const struct job *job, uint32_t kind)
{
	const struct conf *conf = job->build->conf;

	memset(start, 0, sizeof(*start));
	start->app = job->number;
	start->build = job->id;
	start->kind = kind;
	start->log_max = conf->log_max;
	start->log_rate = conf->log_rate;
	start->files = conf->instance_files;
}

static void
args_start(const struct args *args, struct run *run, struct launch_start *start)
{
	struct launch_argv what = {
	    .cwd = "/", .argv = args->argv, .envp = args->envp};

	run_start(run, start, &what);
}

/* Of a slug: it has been built, and is told what it runs. */
static void
args_types(struct args *args, struct job *job)
{
	const char *type;
	json_t *command;

	args_add(args, "--slug");
	json_object_foreach (
	    json_object_get(job->record, "types"), type, command) {
		args_add(args, "--type");
		args_add(args, "%s=%s", type, json_string_value(command));
	}
}

void
sandbox_build(struct job *job, struct run *run)
{
	const struct conf *conf = job->build->conf;
	const char *commit =
	    json_string_value(json_object_get(job->record, "commit"));
	struct launch_start start;
	struct args args = {.argc = 0};
	char name[KEY_NAME_MAX + 1], *settings;

	args_add(&args, SANDBOX_LIBEXEC "/paas-build");
	args_limits(&args, conf);
	if (job_has_list(job))
		args_add(&args, "--list");
	if (json_is_true(json_object_get(job->record, "fetch"))) {
		args_add(&args, "--fetch");
		args_add(&args, "%" PRIu64, conf->upload_max);
	}
	if (json_is_true(json_object_get(job->record, "image")))
		args_add(&args, "--image");
	args_add(&args, "--max-output");
	args_add(&args, "%" PRIu64, conf->build_output);
	args_add(&args, "--max-disk");
	args_add(&args, "%" PRIu64, conf->build_disk);
	if (json_object_get(job->record, "draft") != NULL)
		args_types(&args, job);
	else
		args_packs(&args, job);
	args_env(&args, "", "PATH", "/usr/local/bin:/usr/bin:/bin");
	args_env(&args, "", "LANG", "C.UTF-8");
	args_env(
	    &args, "", "PAAS_APP", names_of(job->build->store, job->app, name));
	args_env(&args, "", "REQUEST_ID",
	    json_string_value(json_object_get(job->record, "id")));
	if (commit != NULL)
		args_env(&args, "", "SOURCE_VERSION", commit);
	if ((settings = job_settings_text(job)) != NULL)
		args_env(&args, "", "PAAS_SETTINGS", settings);
	free(settings);
	args_config(&args, job);
	fill_start(&start, job, LAUNCH_BUILD);
	start.memory = conf->build_memory;
	start.tmp = conf->build_memory / 2 > conf->instance_tmp
			? conf->build_memory / 2
			: conf->instance_tmp;
	start.cpu_weight = 50; /* what runs goes before what is built */
	start.pids = conf->build_pids;
	args_start(&args, run, &start);
	args_free(&args);
}

void
sandbox_check(struct job *job, struct run *run)
{
	struct launch_start start;
	struct args args = {.argc = 0};

	args_add(&args, SANDBOX_LIBEXEC "/paas-inspect");
	args_limits(&args, job->build->conf);
	args_known(&args, job);
	args_env(&args, "", "LANG", "C.UTF-8");
	fill_start(&start, job, LAUNCH_INSPECT);
	start.memory = CHECK_MEMORY;
	start.tmp = CHECK_TMP;
	start.cpu_weight = 100;
	start.pids = job->build->conf->instance_pids;
	args_start(&args, run, &start);
	args_free(&args);
}

/* ---- why it failed --------------------------------------------------- */

struct reason {
	char text[BUILD_REASON_MAX];
};

/* The form of an error that all buildpacks share. */
static int
reason_line(const struct logfile_line *line, void *arg)
{
	static const char mark[] = " !  ";
	struct reason *reason = arg;
	const char *text = line->text;
	size_t len = line->len;

	if (line->stream == 'p' || len < sizeof(mark) ||
	    memcmp(text, mark, sizeof(mark) - 1) != 0)
		return 0;
	text += sizeof(mark) - 1;
	len -= sizeof(mark) - 1;
	while (len > 0 && *text == ' ') {
		text++;
		len--;
	}
	text_clean(reason->text, sizeof(reason->text), text, len);
	return 0;
}

void
sandbox_reason(struct job *job, const struct proc_exit *exit)
{
	const struct conf *conf = job->build->conf;
	struct reason reason = {.text = ""};
	char how[128], dir[300];

	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, conf->state_dir);
	if (exit->how == CLD_EXITED)
		(void)logfile_tail(dir, job->number, run_id(job->runner),
		    REASON_LINES, REASON_BYTES, NULL, reason_line, &reason);
	if (reason.text[0] != '\0') {
		job_blame(job, "%s", reason.text);
		return;
	}
	if (exit->oom) {
		job_blame(job,
		    "The build ran out of memory: it may have %" PRIu64
		    " MiB (build_memory in paas.conf).",
		    conf->build_memory / (1024 * 1024));
		return;
	}
	proc_exit_text(exit, conf->build_memory, how, sizeof(how));
	job_blame(job, "The build did not come to its end: it %s.", how);
}
