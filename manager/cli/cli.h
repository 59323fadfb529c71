/*
 * What every verb is handed, and the handlers themselves: one file a family
 * of verbs, cmd_*.c.
 */
#ifndef PAAS_CLI_H
#define PAAS_CLI_H

#include <jansson.h>

#include "cli/grammar.h"
#include "cli/http.h"
#include "cli/output.h"

/* The build says; this is for those who compile a file by hand. */
#ifndef PAAS_VERSION
#define PAAS_VERSION "0"
#endif

/* Exit statuses, the same for every verb. */
enum cli_exit {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,     /* the platform or the system said no */
	EXIT_USAGE = 2,       /* the command line is wrong */
	EXIT_UNREACHABLE = 3, /* no manager answers */
	EXIT_STOPPED = 130    /* Ctrl-C, as shells have it */
};

#define CLI_APP_MAX 30

struct cli {
	struct grammar_words words;
	struct http *http; /* NULL for verbs that are VERB_LOCAL */
	struct out out;
	struct out err;
	int json;
	char app[CLI_APP_MAX + 1]; /* of verbs that are VERB_APP */
	char settings[17];         /* of a push: their id, "none", or "" */
};

/* "paas: MESSAGE" on stderr, control bytes escaped. */
void cli_error(struct cli *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, and "paas VERB --help" on the next line; returns EXIT_USAGE. */
int cli_usage(struct cli *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A verb that there is not, and those it may have been: EXIT_USAGE. */
int cli_mistyped(struct cli *, const char *word);

/*
 * One request with a JSON answer.  The path's %s are percent-encoded.  body
 * may be NULL and stays the caller's; *answer is the caller's to free, NULL
 * unless EXIT_OK is returned (and then too if there was no body).  Errors have
 * been reported when another status comes back.
 */
int cli_call(struct cli *, const char *method, const json_t *body,
    json_t **answer, const char *path, ...)
    __attribute__((format(printf, 5, 6)));

/* Reports what http_do came back with; returns the exit status for it. */
int cli_failed(struct cli *, enum http_result, const struct http_answer *);

/*
 * The text at a dotted path ("release.version") of an answer: "" where there
 * is none.  Numbers and booleans become text in buf.  Borrowed.
 */
struct cli_text {
	char buf[32];
};
const char *cli_text(const json_t *, const char *path, struct cli_text *);
long long cli_int(const json_t *, const char *path);

/* A switch: "" and NULL told apart. */
int cli_has(const struct cli *, enum grammar_option_id);

/*
 * "balance=ewma" into the body, as text: the API knows what it may be.  0, or
 * -1 after a complaint.
 */
int cli_is_setting(const char *word);
int cli_setting(struct cli *, json_t *body, const char *word);

/* All arguments from that one on: 0, or -1, and the body is gone. */
int cli_settings(struct cli *, json_t *body, int from);

/* Each argument is a name: {"NAME": null}. */
json_t *cli_unset(struct cli *);

/* How many of a list, as the API takes it; NULL after a complaint. */
const char *cli_limit(struct cli *);

/* "30d" in seconds; -1 after a complaint that names the option. */
long long cli_seconds(struct cli *, const char *option, const char *word);

#define CLI_COMMAND_MAX (128 * 1024)

/*
 * The arguments from `first` on as a line of shell.  0, or -1 after a
 * complaint.
 */
int cli_command(struct cli *, char *out, size_t len, int first);

/* "A=1;B=2" as {"A": "1", "B": "2"}; NULL after a complaint. */
json_t *cli_env(struct cli *, const char *list);

/* Prints the answer as the API gave it, frees it; returns EXIT_OK. */
int cli_print_json(struct cli *, json_t *);

int cmd_access(struct cli *);
int cmd_access_add(struct cli *);
int cmd_access_remove(struct cli *);
int cmd_access_update(struct cli *);
int cmd_api(struct cli *);
int cmd_api_schema(struct cli *);
int cmd_apps(struct cli *);
int cmd_apps_create(struct cli *);
int cmd_apps_destroy(struct cli *);
int cmd_apps_info(struct cli *);
int cmd_apps_rename(struct cli *);
int cmd_autoscale(struct cli *);
int cmd_autoscale_off(struct cli *);
int cmd_autoscale_set(struct cli *);
int cmd_audit(struct cli *);
int cmd_builds(struct cli *);
int cmd_builds_create(struct cli *);
int cmd_builds_purge(struct cli *);
int cmd_builds_info(struct cli *);
int cmd_builds_log(struct cli *);
int cmd_buildpacks(struct cli *);
int cmd_buildpacks_add(struct cli *);
int cmd_buildpacks_clear(struct cli *);
int cmd_buildpacks_known(struct cli *);
int cmd_buildpacks_remove(struct cli *);
int cmd_buildpacks_set(struct cli *);
int cmd_certs(struct cli *);
int cmd_certs_add(struct cli *);
int cmd_certs_info(struct cli *);
int cmd_certs_remove(struct cli *);
int cmd_certs_update(struct cli *);
int cmd_completion(struct cli *);
int cmd_config(struct cli *);
int cmd_config_get(struct cli *);
int cmd_config_set(struct cli *);
int cmd_config_unset(struct cli *);
int cmd_cron(struct cli *);
int cmd_cron_add(struct cli *);
int cmd_cron_remove(struct cli *);
int cmd_doctor(struct cli *);
int cmd_domains(struct cli *);
int cmd_domains_add(struct cli *);
int cmd_domains_check(struct cli *);
int cmd_domains_remove(struct cli *);
int cmd_drains(struct cli *);
int cmd_drains_add(struct cli *);
int cmd_drains_remove(struct cli *);
int cmd_git_credentials(struct cli *);
int cmd_git_remote(struct cli *);
int cmd_help(struct cli *);
int cmd_heroku(struct cli *);
int cmd_http(struct cli *);
int cmd_http_set(struct cli *);
int cmd_http_unset(struct cli *);
int cmd_keys(struct cli *);
int cmd_keys_add(struct cli *);
int cmd_keys_remove(struct cli *);
int cmd_login(struct cli *);
int cmd_logout(struct cli *);
int cmd_logs(struct cli *);
int cmd_maintenance(struct cli *);
int cmd_maintenance_off(struct cli *);
int cmd_maintenance_on(struct cli *);
int cmd_members(struct cli *);
int cmd_members_add(struct cli *);
int cmd_members_remove(struct cli *);
int cmd_members_set(struct cli *);
int cmd_patterns(struct cli *);
int cmd_patterns_add(struct cli *);
int cmd_patterns_remove(struct cli *);
int cmd_ps(struct cli *);
int cmd_ps_exec(struct cli *);
int cmd_ps_restart(struct cli *);
int cmd_ps_health(struct cli *);
int cmd_ps_limits(struct cli *);
int cmd_logs_limits(struct cli *);
int cmd_ps_readiness(struct cli *);
int cmd_ps_timeouts(struct cli *);
int cmd_ps_scale(struct cli *);
int cmd_ps_stop(struct cli *);
int cmd_push(struct cli *);
int cmd_regions(struct cli *);
int cmd_releases(struct cli *);
int cmd_releases_info(struct cli *);
int cmd_restart(struct cli *);
int cmd_rollback(struct cli *);
int cmd_rollout(struct cli *);
int cmd_rollout_abort(struct cli *);
int cmd_rollout_promote(struct cli *);
int cmd_rollout_set(struct cli *);
int cmd_rollout_unset(struct cli *);
int cmd_routes(struct cli *);
int cmd_routes_add(struct cli *);
int cmd_routes_export(struct cli *);
int cmd_routes_import(struct cli *);
int cmd_routes_imported(struct cli *);
int cmd_routes_info(struct cli *);
int cmd_routes_remove(struct cli *);
int cmd_routes_set(struct cli *);
int cmd_routes_split(struct cli *);
int cmd_routes_unimport(struct cli *);
int cmd_run(struct cli *);
int cmd_run_detached(struct cli *);
int cmd_sessions(struct cli *);
int cmd_sessions_end(struct cli *);
int cmd_sleep(struct cli *);
int cmd_sleep_off(struct cli *);
int cmd_sleep_set(struct cli *);
int cmd_setup(struct cli *);
int cmd_stacks(struct cli *);
int cmd_start(struct cli *);
int cmd_status(struct cli *);
int cmd_stop(struct cli *);
int cmd_teams(struct cli *);
int cmd_teams_create(struct cli *);
int cmd_teams_destroy(struct cli *);
int cmd_teams_info(struct cli *);
int cmd_teams_set(struct cli *);
int cmd_timeline(struct cli *);
int cmd_tokens(struct cli *);
int cmd_tokens_create(struct cli *);
int cmd_tokens_revoke(struct cli *);
int cmd_transfer(struct cli *);
int cmd_users(struct cli *);
int cmd_users_create(struct cli *);
int cmd_users_remove(struct cli *);
int cmd_users_set(struct cli *);
int cmd_whoami(struct cli *);

#endif
