#include "api/api_table.h"

#include <bsd/string.h>
#include <string.h>

#include "api/verbs.h"

static const struct api_upload build_upload = {
    build_upload_head, build_upload_data};
static const struct api_upload import_upload = {
    import_upload_head, import_upload_data};

#define APP      API_APP
#define BODY     API_BODY
#define APP_BODY (API_APP | API_BODY)
#define DEPLOY   (API_APP | API_DEPLOY)
#define DEP_BODY (API_APP | API_DEPLOY | API_BODY)
#define PUSH     &build_upload
#define IMPORT   &import_upload

/* clang-format off */
const struct api_route api_routes[] = {
{"GET",    "/health",                       health,           0,        NULL},
{"GET",    "/apps",                         app_list,         0,        NULL},
{"POST",   "/apps",                         app_create,       BODY,     NULL},
{"GET",    "/apps/:",                       app_info,         DEPLOY,   NULL},
{"PATCH",  "/apps/:",                       app_update,       APP_BODY, NULL},
{"DELETE", "/apps/:",                       app_destroy,      APP,      NULL},
{"POST",   "/apps/:/actions/:",             app_action,       APP_BODY, NULL},
{"GET",    "/apps/:/formation",             formation_list,   APP,      NULL},
{"PATCH",  "/apps/:/formation",             formation_batch,  APP_BODY, NULL},
{"GET",    "/apps/:/formation/:",           formation_info,   APP,      NULL},
{"PATCH",  "/apps/:/formation/:",           formation_update, APP_BODY, NULL},
{"PUT",    "/apps/:/formation/:/health",    health_put,       APP_BODY, NULL},
{"DELETE", "/apps/:/formation/:/health",    health_delete,    APP,      NULL},
{"PATCH",  "/apps/:/formation/:/limits",    limits_update,    APP_BODY, NULL},
{"GET",    "/apps/:/formation/:/autoscale", autoscale_info,   APP,      NULL},
{"PUT",    "/apps/:/formation/:/autoscale", autoscale_put,    APP_BODY, NULL},
{"DELETE", "/apps/:/formation/:/autoscale", autoscale_delete, APP,      NULL},
{"GET",    "/apps/:/sleep",                 sleep_info,       APP,      NULL},
{"PUT",    "/apps/:/sleep",                 sleep_put,        APP_BODY, NULL},
{"DELETE", "/apps/:/sleep",                 sleep_delete,     APP,      NULL},
{"GET",    "/apps/:/http",                  http_info,        APP,      NULL},
{"PATCH",  "/apps/:/http",                  http_update,      APP_BODY, NULL},
{"GET",    "/apps/:/dynos",                 dyno_list,        APP,      NULL},
{"POST",   "/apps/:/dynos",                 dyno_create,      APP_BODY, NULL},
{"DELETE", "/apps/:/dynos",                 dyno_restart_all, APP,      NULL},
{"GET",    "/apps/:/dynos/:",               dyno_info,        APP,      NULL},
{"DELETE", "/apps/:/dynos/:",               dyno_restart,     APP,      NULL},
{"POST",   "/apps/:/dynos/:/actions/stop",  dyno_restart,     APP_BODY, NULL},
{"GET",    "/apps/:/dynos/:/attach",        dyno_attach,      APP,      NULL},
{"POST",   "/apps/:/dynos/:/exec",          dyno_exec,        APP_BODY, NULL},
{"GET",    "/apps/:/config-vars",           config_info,      APP,      NULL},
{"PATCH",  "/apps/:/config-vars",           config_update,    APP_BODY, NULL},
{"GET",    "/apps/:/buildpack-installations", buildpack_list, APP,      NULL},
{"PUT",    "/apps/:/buildpack-installations", buildpack_put,  APP_BODY, NULL},
{"GET",    "/apps/:/domains",               domain_list,      APP,      NULL},
{"POST",   "/apps/:/domains",               domain_create,    APP_BODY, NULL},
{"GET",    "/apps/:/domains/:",             domain_info,      APP,      NULL},
{"PATCH",  "/apps/:/domains/:",             domain_update,    APP_BODY, NULL},
{"DELETE", "/apps/:/domains/:",             domain_delete,    APP,      NULL},
{"GET",    "/apps/:/sni-endpoints",         cert_list,        APP,      NULL},
{"POST",   "/apps/:/sni-endpoints",         cert_create,      APP_BODY, NULL},
{"GET",    "/apps/:/sni-endpoints/:",       cert_info,        APP,      NULL},
{"PATCH",  "/apps/:/sni-endpoints/:",       cert_update,      APP_BODY, NULL},
{"DELETE", "/apps/:/sni-endpoints/:",       cert_delete,      APP,      NULL},
{"GET",    "/apps/:/releases",              release_list,     APP,      NULL},
{"POST",   "/apps/:/releases",              release_rollback, APP_BODY, NULL},
{"GET",    "/apps/:/releases/:",            release_info,     DEPLOY,   NULL},
{"GET",    "/apps/:/releases/:/config-vars", release_config,  APP,      NULL},
{"GET",    "/apps/:/rollout",               rollout_info,     APP,      NULL},
{"PATCH",  "/apps/:/rollout",               rollout_update,   APP_BODY, NULL},
{"POST",   "/apps/:/rollout/promote",       rollout_promote,  APP_BODY, NULL},
{"POST",   "/apps/:/rollout/abort",         rollout_abort,    APP_BODY, NULL},
{"GET",    "/apps/:/builds",                build_list,       APP,      NULL},
{"POST",   "/apps/:/builds",                build_create,     DEPLOY,   PUSH},
{"GET",    "/apps/:/builds/:",              build_info,       DEPLOY,   NULL},
{"GET",    "/apps/:/builds/:/log",          build_log,        DEPLOY,   NULL},
{"POST",   "/apps/:/resources",             resource_match,   DEP_BODY, NULL},
{"POST",   "/apps/:/settings",              settings_create,  APP_BODY, NULL},
{"GET",    "/apps/:/logs",                  log_tail,         APP,      NULL},
{"GET",    "/apps/:/timeline",              timeline_list,    APP,      NULL},
{"GET",    "/tokens",                       token_list,       0,        NULL},
{"POST",   "/tokens",                       token_create,     BODY,     NULL},
{"GET",    "/tokens/:",                     token_info,       0,        NULL},
{"DELETE", "/tokens/:",                     token_delete,     0,        NULL},
{"GET",    "/account/keys",                 key_list,         0,        NULL},
{"POST",   "/account/keys",                 key_create,       BODY,     NULL},
{"GET",    "/account/keys/:",               key_info,         0,        NULL},
{"DELETE", "/account/keys/:",               key_delete,       0,        NULL},
{"GET",    "/account/keys/:/login",         key_login,        0,        NULL},
{"GET",    "/git/:/:",                      git_access,       API_GIT,  NULL},
{"GET",    "/routes",                       route_list,       0,        NULL},
{"GET",    "/routes/:",                     route_info,       0,        NULL},
{"PUT",    "/routes/:",                     route_put,        BODY,     NULL},
{"PATCH",  "/routes/:",                     route_patch,      BODY,     NULL},
{"DELETE", "/routes/:",                     route_delete,     0,        NULL},
{"GET",    "/patterns",                     pattern_list,     0,        NULL},
{"GET",    "/patterns/:",                   pattern_info,     0,        NULL},
{"PUT",    "/patterns/:",                   pattern_put,      BODY,     NULL},
{"DELETE", "/patterns/:",                   pattern_delete,   0,        NULL},
{"GET",    "/imports/routes",               import_info,      0,        NULL},
{"PUT",    "/imports/routes",               import_put,       0,        IMPORT},
{"DELETE", "/imports/routes",               import_delete,    0,        NULL},
{"GET",    "/imports/routes/file",          import_file,      0,        NULL},
{"GET",    "/certificates",                 cert_list,        0,        NULL},
{"POST",   "/certificates",                 cert_create,      BODY,     NULL},
{"GET",    "/certificates/:",               cert_info,        0,        NULL},
{"PATCH",  "/certificates/:",               cert_update,      BODY,     NULL},
{"DELETE", "/certificates/:",               cert_delete,      0,        NULL},
{NULL, NULL, NULL, 0, NULL},
};
/* clang-format on */

static int
api_path_matches(const char *path, const struct uri *uri, const char **params)
{
	size_t i, len, n = 0;

	for (i = 0; i < uri->count; i++) {
		if (*path++ != '/')
			return 0;
		len = strcspn(path, "/");
		if (len == 1 && *path == ':')
			params[n++] = uri->segments[i];
		else if (strlen(uri->segments[i]) != len ||
			 memcmp(uri->segments[i], path, len) != 0)
			return 0;
		path += len;
	}
	return *path == '\0';
}

static void
api_allow(char *allow, size_t len, const char *method)
{
	if (allow[0] != '\0')
		strlcat(allow, ", ", len);
	strlcat(allow, method, len);
}

enum api_match
api_match(const char *method, const struct uri *uri,
    const struct api_route **route, const char *params[API_PARAMS_MAX],
    char *allow, size_t len)
{
	const struct api_route *r;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	allow[0] = '\0';
	for (r = api_routes; r->method != NULL; r++) {
		if (!api_path_matches(r->path, uri, params))
			continue;
		if (strcmp(method, r->method) == 0) {
			*route = r;
			return API_FOUND;
		}
		api_allow(allow, len, r->method);
	}
	return allow[0] == '\0' ? API_NO_PATH : API_NO_METHOD;
}
