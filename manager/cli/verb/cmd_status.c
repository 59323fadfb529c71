/* status: the manager, the router and what runs, on one page. */
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/places.h"
#include "cli/cli.h"

static void
status_line(struct cli *cli, const char *label, enum out_colour colour,
    const char *word, const char *more)
{
	char *a = out_clean(word, strlen(word), 0);
	char *b = out_clean(more, strlen(more), 0);

	fprintf(cli->out.file, "%-10s %s%s%s%s%s\n", label,
	    out_sgr(&cli->out, colour), a, out_sgr(&cli->out, OUT_NONE),
	    *b != '\0' ? "  " : "", b);
	free(a);
	free(b);
}

/*
 * The router's own status page: nginx serves it on a socket beside the
 * manager's, and does so with the manager dead.  NULL if nobody answers.
 */
static json_t *
status_ask_router(struct cli *cli)
{
	struct http_call call = {.method = "GET", .path = "/status"};
	struct http_answer answer;
	char path[108], *slash;
	struct http *http;

	strlcpy(path, http_socket(cli->http), sizeof(path));
	slash = strrchr(path, '/');
	if (slash == NULL)
		return NULL;
	slash[1] = '\0';
	if (strlcat(path, PLACE_STATUS_SOCK, sizeof(path)) >= sizeof(path) ||
	    (http = http_open(path)) == NULL)
		return NULL;
	if (http_do(http, &call, &answer) != HTTP_OK)
		answer.json = NULL;
	http_close(http);
	return answer.json;
}

/* The same of a platform elsewhere, as its manager has been told. */
static json_t *
status_far_router(const json_t *health)
{
	json_t *routes = json_object_get(health, "router"), *workers;

	if (!json_is_object(routes))
		return NULL;
	workers = json_array();
	for (long long n = cli_int(routes, "workers"); n > 0; n--)
		json_array_append_new(workers, json_null());
	return json_pack("{s:O, s:{s:I}, s:o}", "routes", routes, "held",
	    "requests", (json_int_t)cli_int(routes, "held"), "workers",
	    workers);
}

/* {"up": 5, "crashed": 1} over all apps; an app that goes meanwhile: none. */
static json_t *
status_count_processes(struct cli *cli, const json_t *apps)
{
	json_t *counts = json_object(), *app, *dyno;
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = "GET", .path = path};
	struct http_answer answer;
	struct cli_text text;
	const char *state;
	size_t i, j;

	json_array_foreach (apps, i, app) {
		http_path(path, "/apps/%s/dynos", cli_text(app, "name", &text));
		if (http_do(cli->http, &call, &answer) != HTTP_OK)
			continue;
		json_array_foreach (answer.json, j, dyno) {
			state = cli_text(dyno, "state", &text);
			json_object_set_new(counts, state,
			    json_integer(cli_int(counts, state) + 1));
		}
		json_decref(answer.json);
	}
	return counts;
}

static void
status_print_router(struct cli *cli, const json_t *router)
{
	struct cli_text text;
	const char *state = cli_text(router, "routes.state", &text);
	char more[160];

	if (router == NULL) {
		status_line(cli, "Router", OUT_RED, "does not answer",
		    "is nginx running? `scripts/up` starts it");
		return;
	}
	snprintf(more, sizeof(more),
	    "%lld hosts, %lld pools, %zu workers, %lld held, revision %lld, "
	    "generation %lld",
	    cli_int(router, "routes.hosts"), cli_int(router, "routes.pools"),
	    json_array_size(json_object_get(router, "workers")),
	    cli_int(router, "held.requests"),
	    cli_int(router, "routes.revision"),
	    cli_int(router, "routes.generation"));
	status_line(cli, "Router",
	    strcmp(state, "ok") == 0 ? OUT_GREEN : OUT_RED, state, more);
}

static void
status_print_processes(struct cli *cli, json_t *counts)
{
	char more[256] = "", one[64];
	const char *state;
	long long all = 0;
	json_t *count;

	json_object_foreach (counts, state, count) {
		all += json_integer_value(count);
		snprintf(one, sizeof(one), "%s%lld %.40s",
		    more[0] != '\0' ? ", " : "",
		    (long long)json_integer_value(count), state);
		strlcat(more, one, sizeof(more));
	}
	snprintf(one, sizeof(one), "%lld", all);
	status_line(cli, "Processes", OUT_NONE, one, more);
}

/* A manager of before tells nothing of it. */
static void
status_print_launcher(struct cli *cli, const json_t *manager)
{
	const json_t *launcher = json_object_get(manager, "launcher");

	if (launcher == NULL)
		return;
	if (json_is_true(launcher))
		status_line(cli, "Launcher", OUT_GREEN, "ok", "");
	else
		status_line(cli, "Launcher", OUT_RED, "does not answer",
		    "what runs goes on, but nothing can be built or started; "
		    "`scripts/up` starts it");
}

/* By what manager and router say; the same with --json. */
static int
status_exit(const json_t *all)
{
	const json_t *manager = json_object_get(all, "manager");
	struct cli_text text;

	return strcmp(cli_text(manager, "status", &text), "ok") == 0 &&
		       !json_is_false(json_object_get(manager, "launcher")) &&
		       strcmp(cli_text(all, "router.routes.state", &text),
			   "ok") == 0
		   ? EXIT_OK
		   : EXIT_REFUSED;
}

static void
status_print(struct cli *cli, const json_t *all)
{
	const json_t *router = json_object_get(all, "router");
	struct cli_text text;
	const char *state = cli_text(all, "manager.status", &text);
	char more[64];
	int good = strcmp(state, "ok") == 0;

	snprintf(more, sizeof(more), "revision %lld",
	    cli_int(all, "manager.revision"));
	status_line(cli, "Manager", good ? OUT_GREEN : OUT_RED, state, more);
	status_print_launcher(cli, json_object_get(all, "manager"));
	status_print_router(cli, json_is_object(router) ? router : NULL);
	snprintf(more, sizeof(more), "%lld", cli_int(all, "apps"));
	status_line(cli, "Apps", OUT_NONE, more, "");
	status_print_processes(cli, json_object_get(all, "processes"));
}

int
cmd_status(struct cli *cli)
{
	json_t *health, *apps, *router, *all;
	int rc;

	rc = cli_call(cli, "GET", NULL, &health, "/health");
	if (rc != EXIT_OK)
		return rc;
	rc = cli_call(cli, "GET", NULL, &apps, "/apps");
	if (rc != EXIT_OK) {
		json_decref(health);
		return rc;
	}
	router = http_socket(cli->http) != NULL ? status_ask_router(cli)
						: status_far_router(health);
	all = json_pack("{s:o, s:o, s:I, s:o}", "manager", health, "router",
	    router != NULL ? router : json_null(), "apps",
	    (json_int_t)json_array_size(apps), "processes",
	    status_count_processes(cli, apps));
	json_decref(apps);
	rc = status_exit(all);
	if (cli->json)
		out_json(&cli->out, all);
	else
		status_print(cli, all);
	json_decref(all);
	return rc;
}
