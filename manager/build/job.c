/*
 * Drives a build.  What a state does is done when it is entered; what comes
 * of that arrives as an event, and table.c says where it leads.
 */
#include "build/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/places.h"
#include "common/push.h"
#include "node/launch.h"
#include "node/logfile.h"

#define RETRY_SOON_US (50 * 1000)
#define RETRY_US      (1000 * 1000)
#define TAKE_TRIES    1200 /* of RETRY_SOON: a minute */
#define DISK_US       (200 * 1000)
#define ANSWER_LINES  20
#define ANSWER_BYTES  (128 * 1024)

static const char no_launcher[] =
    "The launcher has not answered for a minute: `paas status` tells when it "
    "does, and scripts/up starts it. Push again then.";

void
job_blame(struct job *job, const char *fmt, ...)
{
	char text[BUILD_REASON_MAX];
	va_list ap;

	if (job->reason[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(job->reason, sizeof(job->reason), text, strlen(text));
}

int
job_has_list(const struct job *job)
{
	return json_is_true(json_object_get(job->record, "list"));
}

/* ---- time ------------------------------------------------------------ */

static int
on_retry(sd_event_source *source, uint64_t now, void *arg)
{
	struct job *job = arg;

	(void)source;
	(void)now;
	job->timer = sd_event_source_disable_unref(job->timer);
	job_event(job, JOB_AGAIN);
	return 0;
}

void
job_retry_in(struct job *job, uint64_t us)
{
	job->timer = sd_event_source_disable_unref(job->timer);
	if (sd_event_add_time_relative(job->build->loop, &job->timer,
		CLOCK_MONOTONIC, us, us / 10, on_retry, job) < 0)
		log_fatal("build: no timer");
}

static int
on_deadline(sd_event_source *source, uint64_t now, void *arg)
{
	struct job *job = arg;

	(void)source;
	(void)now;
	if (!table_takes(job->state, JOB_LATE))
		return 0;
	if (!launch_answers(node_launch(job->build->node)))
		job_blame(job, "%s", no_launcher);
	job_blame(job,
	    "The build took longer than %u s and was ended (build_timeout "
	    "in paas.conf).",
	    job->build->conf->build_timeout);
	job_event(job, JOB_LATE);
	return 0;
}

/*
 * What a build writes lands on the disk that the store is on, too, and it has
 * no bound of its own: before the disk is full, it ends.
 */
static int
on_disk(sd_event_source *source, uint64_t now, void *arg)
{
	struct job *job = arg;
	const struct conf *conf = job->build->conf;
	struct statvfs fs;
	char path[300];

	(void)now;
	if (!table_takes(job->state, JOB_LATE))
		return 0;
	snprintf(path, sizeof(path), "%s/" PLACE_BUILDS, conf->state_dir);
	if (statvfs(path, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < conf->disk_reserve) {
		job_blame(job,
		    "The build was ended: less than %" PRIu64 " MiB of the "
		    "disk are left (disk_reserve in paas.conf). Free some "
		    "space and push again.",
		    conf->disk_reserve / (1024 * 1024));
		job_event(job, JOB_LATE);
		return 0;
	}
	if (sd_event_source_set_time_relative(source, DISK_US) < 0 ||
	    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
		log_fatal("build: no timer");
	return 0;
}

static void
watch_disk(struct job *job)
{
	job->disk = sd_event_source_disable_unref(job->disk);
	if (sd_event_add_time_relative(job->build->loop, &job->disk,
		CLOCK_MONOTONIC, 0, DISK_US / 10, on_disk, job) < 0)
		log_fatal("build: no timer");
}

/* From when the record says that it started: a start of ours changes it not. */
static void
set_deadline(struct job *job)
{
	int64_t started, left;

	started = json_integer_value(json_object_get(job->record, "started"));
	left = started + (int64_t)job->build->conf->build_timeout * 1000000 -
	       commit_now();
	if (left < 1)
		left = 1;
	job->deadline = sd_event_source_disable_unref(job->deadline);
	if (sd_event_add_time_relative(job->build->loop, &job->deadline,
		CLOCK_BOOTTIME, (uint64_t)left, 0, on_deadline, job) < 0)
		log_fatal("build: no timer");
	watch_disk(job);
}

/* ---- what came of a sandbox ------------------------------------------ */

/* Its one line, which the shim splits if it is long. */
struct answer {
	size_t len;
	char text[ANSWER_BYTES];
};

static int
answer_part(const struct logfile_line *line, void *arg)
{
	struct answer *answer = arg;

	if (line->stream != 'o')
		return 0;
	if (line->len > sizeof(answer->text) - answer->len)
		return 1;
	memcpy(answer->text + answer->len, line->text, line->len);
	answer->len += line->len;
	return 0;
}

static enum job_event
read_answer(struct job *job, const struct proc_exit *exit)
{
	char dir[300], err[BUILD_REASON_MAX];
	struct answer *answer = calloc(1, sizeof(*answer));
	int result = -1;

	if (answer == NULL)
		log_fatal("build: out of memory");
	snprintf(
	    dir, sizeof(dir), "%s/" PLACE_LOG, job->build->conf->state_dir);
	if (logfile_tail(dir, job->number, run_id(job->checker), ANSWER_LINES,
		sizeof(answer->text) * 2, NULL, answer_part, answer) == 0 &&
	    answer->len > 0)
		result =
		    inspect_parse(answer->text, answer->len, &job->found, err);
	else
		proc_exit_text(exit, CHECK_MEMORY, err, sizeof(err));
	if (result == 0 && exit->how == CLD_EXITED && exit->status == 0) {
		free(answer);
		return JOB_OK;
	}
	if (answer->len > 0)
		job_blame(job, "%s", err);
	else
		job_blame(job,
		    "The build could not be inspected: the "
		    "inspection %s. Push again.",
		    err);
	job->found.hash[0] = '\0';
	free(answer);
	return JOB_BAD;
}

/* Of the app's store its list can be believed again, or what it lacked. */
static void
after_build(struct job *job, const struct proc_exit *exit)
{
	if (exit->how != CLD_EXITED || !job_has_list(job))
		return;
	if (exit->status == PUSH_EXIT_MISSING)
		job->code = "resources_missing";
	else if (exit->status != PUSH_EXIT_REFUSED)
		resources_settle(job);
}

static enum job_event
after_exit(struct job *job, const struct proc_exit *exit)
{
	if (job->state == JOB_CHECK || job->state == JOB_ADOPT_CHECK)
		return read_answer(job, exit);
	after_build(job, exit);
	if (exit->how == CLD_EXITED && exit->status == 0)
		return JOB_OK;
	sandbox_reason(job, exit);
	return JOB_BAD;
}

static void
on_ran(
    enum run_end end, const struct proc_exit *exit, const char *why, void *arg)
{
	struct job *job = arg;
	enum job_event event = JOB_BAD;

	if (end == RUN_STARTED)
		return;
	if (job->state == JOB_STOP)
		event = JOB_OK;
	else if (end == RUN_EXITED)
		event = after_exit(job, exit);
	else if (end == RUN_AGAIN)
		event = JOB_AGAIN;
	else if (end == RUN_REFUSED)
		job_blame(job, "%s", why);
	else
		job_blame(
		    job, "The machine restarted during the build: push again.");
	job_event(job, event);
}

/* ---- what each state does when it is entered ------------------------- */

/* Not before the launcher answers: what it is sent would wait with no word. */
static void
take(struct job *job, struct run **run)
{
	if (launch_answers(node_launch(job->build->node)) &&
	    (*run = run_take(job->build->node, on_ran, job)) != NULL) {
		job->tries = 0;
		job_event(job, JOB_OK);
	} else if (++job->tries < TAKE_TRIES)
		job_retry_in(job, RETRY_SOON_US);
	else if (!launch_answers(node_launch(job->build->node))) {
		job_blame(job, "%s", no_launcher);
		job_event(job, JOB_BAD);
	} else {
		job_blame(job,
		    "Every address for an instance is in use: "
		    "scale something down, or wait ten minutes after doing "
		    "so.");
		job_event(job, JOB_BAD);
	}
}

static void
adopt(struct job *job, struct run **run)
{
	const char *text =
	    json_string_value(json_object_get(job->record, "instance"));
	uint64_t id;

	set_deadline(job);
	if (text == NULL || key_parse_id(text, &id) == -1 ||
	    (*run = run_adopt(job->build->node, id, 0, on_ran, job)) == NULL) {
		job_blame(job, "The build got lost: push again.");
		job_event(job, JOB_BAD);
	}
}

static void
enter_pending(struct job *job)
{
	take(job, &job->runner);
}

static void
enter_note_build(struct job *job)
{
	commit_instance(job, job->runner, "running");
}

static void
enter_build(struct job *job)
{
	set_deadline(job);
	/* From its start on the app's store is in motion. */
	if (job_has_list(job))
		build_forget(job->build, job->number);
	sandbox_build(job, job->runner);
}

static void
enter_adopt_build(struct job *job)
{
	adopt(job, &job->runner);
}

static void
enter_want_check(struct job *job)
{
	run_finish(job->checker);
	job->checker = NULL;
	take(job, &job->checker);
}

static void
enter_note_check(struct job *job)
{
	commit_instance(job, job->checker, "inspecting");
}

/* Only now can nobody come back to the sandbox that built it. */
static void
enter_check(struct job *job)
{
	run_finish(job->runner);
	job->runner = NULL;
	set_deadline(job);
	sandbox_check(job, job->checker);
}

static void
enter_adopt_check(struct job *job)
{
	adopt(job, &job->checker);
}

static void
enter_name(struct job *job)
{
	job->deadline = sd_event_source_disable_unref(job->deadline);
	if (gc_busy(job->build->gc))
		job_retry_in(job, RETRY_SOON_US);
	else
		commit_slug(job);
}

static void
on_sealed(int error, const struct launch_reply *reply, void *arg)
{
	struct job *job = arg;

	(void)reply;
	if (error == 0) {
		job_event(job, JOB_OK);
	} else if (error == ENODATA && !job->anew) {
		/* The archive that was said to be there is not. */
		job->anew = 1;
		job_event(job, JOB_ANEW);
	} else if (error == ECONNRESET || error == EBUSY) {
		job_retry_in(job, RETRY_SOON_US);
	} else {
		if (error == ENOSPC || error == EDQUOT)
			job_blame(job,
			    "The disk is full: the slug could not "
			    "be stored. Free some space and push again.");
		else
			job_blame(job, "The slug could not be stored: %s.",
			    strerror(error));
		job_event(job, JOB_BAD);
	}
}

static void
enter_seal(struct job *job)
{
	if (launch_seal(node_launch(job->build->node), job->id,
		job->found.digest, on_sealed, job) < 0)
		job_retry_in(job, RETRY_US);
}

static void
enter_stop(struct job *job)
{
	run_kill(job->checker != NULL ? job->checker : job->runner);
}

static void
enter_fail(struct job *job)
{
	job->deadline = sd_event_source_disable_unref(job->deadline);
	commit_failure(job);
}

static void
on_discarded(int error, const struct launch_reply *reply, void *arg)
{
	struct job *job = arg;
	char name[32];

	(void)reply;
	if (error != 0 && error != ENOENT) {
		if (error != ECONNRESET && error != EBUSY)
			log_warn("build: the tree of %016" PRIx64
				 " can't be removed: %s",
			    job->id, strerror(error));
		job_retry_in(job, RETRY_US);
		return;
	}
	upload_path(name, sizeof(name), job->id);
	if (unlinkat(job->build->uploads, name, 0) == -1 && errno != ENOENT)
		log_warn("build: uploads/%s can't be removed: %s", name,
		    strerror(errno));
	resources_list_path(name, sizeof(name), job->id);
	(void)unlinkat(job->build->uploads, name, 0);
	commit_clean(job);
}

static void
enter_clean(struct job *job)
{
	job->deadline = sd_event_source_disable_unref(job->deadline);
	run_finish(job->runner);
	run_finish(job->checker);
	job->runner = job->checker = NULL;
	if (launch_discard(
		node_launch(job->build->node), job->id, on_discarded, job) < 0)
		job_retry_in(job, RETRY_US);
}

static void (*const enter[JOB_STATES])(struct job *) = {
    [JOB_PENDING] = enter_pending,
    [JOB_NOTE_BUILD] = enter_note_build,
    [JOB_BUILD] = enter_build,
    [JOB_ADOPT_BUILD] = enter_adopt_build,
    [JOB_WANT_CHECK] = enter_want_check,
    [JOB_NOTE_CHECK] = enter_note_check,
    [JOB_CHECK] = enter_check,
    [JOB_ADOPT_CHECK] = enter_adopt_check,
    [JOB_NAME] = enter_name,
    [JOB_SEAL] = enter_seal,
    [JOB_RELEASE] = commit_release,
    [JOB_STOP] = enter_stop,
    [JOB_FAIL] = enter_fail,
    [JOB_CLEAN] = enter_clean,
};

/* ---- the machine ----------------------------------------------------- */

/* Enters the states that follow; an entry may give the next event itself. */
static void
drive(struct job *job)
{
	job->driving = 1;
	while (job->event != JOB_EVENTS) {
		enum job_event event = job->event;

		job->event = JOB_EVENTS;
		if (!table_takes(job->state, event))
			continue;
		job->timer = sd_event_source_disable_unref(job->timer);
		job->state = table_next(job->state, event);
		if (job->appgone && table_takes(job->state, JOB_APPGONE))
			job->state = table_next(job->state, JOB_APPGONE);
		if (job->state == JOB_DONE)
			break;
		enter[job->state](job);
	}
	job->driving = 0;
	if (job->state == JOB_DONE) {
		gc_wake(job->build->gc);
		job_free(job);
	}
}

void
job_event(struct job *job, enum job_event event)
{
	job->event = event;
	if (!job->driving)
		drive(job);
}

static struct job *
job_new(struct build *b, const char *app, uint64_t id)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		log_fatal("build: out of memory");
	job->build = b;
	job->id = id;
	job->event = JOB_EVENTS;
	strlcpy(job->app, app, sizeof(job->app));
	TAILQ_INSERT_TAIL(&b->jobs, job, entry);
	return job;
}

static void
job_begin(struct job *job, enum job_state state)
{
	job->state = state;
	job->driving = 1;
	enter[state](job);
	drive(job);
}

void
job_resume(struct build *b, const char *app, json_t *record, uint64_t rev)
{
	const char *id = json_string_value(json_object_get(record, "id"));
	const char *number =
	    json_string_value(json_object_get(record, "appnumber"));
	const char *state = json_string_value(json_object_get(record, "state"));
	uint64_t build;
	struct job *job;

	if (id == NULL || state == NULL || key_parse_id(id, &build) == -1)
		return;
	job = job_new(b, app, build);
	if (number == NULL || key_parse_id(number, &job->number) == -1)
		job->appgone = 1;
	job->record = json_incref(record);
	job->rev = rev;
	job_begin(job, table_resume(state));
}

void
job_sweep(struct build *b, const char *app, uint64_t id)
{
	struct job *job = job_new(b, app, id);

	job->appgone = 1;
	job_begin(job, JOB_CLEAN);
}

struct job *
job_of_app(struct build *b, const char *app)
{
	struct job *job;

	TAILQ_FOREACH (job, &b->jobs, entry)
		if (strcmp(job->app, app) == 0 && job->state < JOB_CLEAN &&
		    !job->appgone)
			return job;
	return NULL;
}

/* Where nothing runs that could be stopped, the next state is soon there. */
int
build_stop(struct build *b, const char *app, uint64_t id, const char *reason)
{
	struct job *job = job_of_app(b, app);

	if (job == NULL || job->id != id || job->state >= JOB_RELEASE)
		return 1;
	if (!table_takes(job->state, JOB_LATE))
		return 0;
	job_blame(job, "%s", reason);
	job_event(job, JOB_LATE);
	return 1;
}

void
job_free(struct job *job)
{
	launch_forget(node_launch(job->build->node), job);
	sd_event_source_disable_unref(job->timer);
	sd_event_source_disable_unref(job->deadline);
	sd_event_source_disable_unref(job->disk);
	json_decref(job->record);
	json_decref(job->found.types);
	json_decref(job->found.config);
	json_decref(job->found.settings);
	json_decref(job->found.image);
	TAILQ_REMOVE(&job->build->jobs, job, entry);
	free(job);
}
