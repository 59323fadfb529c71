#include "api/api_table.h"

#include <bsd/string.h>
#include <string.h>

#include "api/verbs.h"

static const struct api_upload build_upload = {
    build_upload_head, build_upload_data};
static const struct api_upload source_upload = {
    source_upload_head, source_upload_data};
static const struct api_upload import_upload = {
    import_upload_head, import_upload_data};

#define APP      API_APP
#define BODY     API_BODY
#define APP_BODY (API_APP | API_BODY)
#define UPLOAD   &build_upload
#define SOURCE   &source_upload
#define IMPORT   &import_upload

/* Needs: in api_table.h what they are. */
#define OPEN        API_OPEN
#define SELF        API_SELF
#define SELF_CHANGE API_SELF_CHANGE
#define LIST        API_LIST
#define CREATE      API_CREATE
#define STATE       API_STATE
#define VIEW        API_VIEW
#define PUSH        API_PUSH
#define CHANGE      API_CHANGE
#define SECRETS     API_SECRETS
#define SET_SECRETS API_SET_SECRETS
#define OWN         API_OWN
#define WATCH       API_WATCH
#define ADMIN       API_ADMIN
#define TEAM_VIEW   API_TEAM_VIEW
#define TEAM_SELF   API_TEAM_SELF
#define TEAM_OWN    API_TEAM_OWN
#define LOCAL       API_LOCAL
#define GIT         API_GIT

/* clang-format off */
const struct api_route api_routes[] = {
{"GET",    "/health",                     health,           LIST,        0,        NULL},
{"GET",    "/schema",                     schema,           OPEN,        0,        NULL},
{"GET",    "/apps",                       app_list,         LIST,        0,        NULL},
{"POST",   "/apps",                       app_create,       CREATE,      BODY,     NULL},
{"GET",    "/apps/:",                     app_info,         STATE,       APP,      NULL},
{"PATCH",  "/apps/:",                     app_update,       CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:",                     app_destroy,      OWN,         APP,      NULL},
{"POST",   "/apps/:/actions/:",           app_action,       CHANGE,      APP_BODY, NULL},
{"GET",    "/regions",                    region_list,      LIST,        0,        NULL},
{"GET",    "/regions/:",                  region_list,      LIST,        0,        NULL},
{"GET",    "/stacks",                     stack_list,       LIST,        0,        NULL},
{"GET",    "/stacks/:",                   stack_list,       LIST,        0,        NULL},
{"GET",    "/apps/:/available-stacks",    stack_available,  VIEW,        APP,      NULL},
{"GET",    "/apps/:/formation",           formation_list,   VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/formation",           formation_batch,  CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/formation/:",         formation_info,   VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/formation/:",         formation_update, CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/formations/:",        type_restart,     CHANGE,      APP,      NULL},
{"POST",   "/apps/:/formations/:/actions/stop", type_restart,  CHANGE,      APP_BODY, NULL},
{"PUT",    "/apps/:/formation/:/health",  health_put,       CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/formation/:/health",  health_delete,    CHANGE,      APP,      NULL},
{"PUT",    "/apps/:/formation/:/readiness", readiness_put,    CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/formation/:/readiness", readiness_delete, CHANGE,      APP,      NULL},
{"PATCH",  "/apps/:/formation/:/limits",  limits_update,    CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/formation/:/autoscale", autoscale_info,   VIEW,        APP,      NULL},
{"PUT",    "/apps/:/formation/:/autoscale", autoscale_put,    CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/formation/:/autoscale", autoscale_delete, CHANGE,      APP,      NULL},
{"GET",    "/apps/:/sleep",               sleep_info,       VIEW,        APP,      NULL},
{"PUT",    "/apps/:/sleep",               sleep_put,        CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/sleep",               sleep_delete,     CHANGE,      APP,      NULL},
{"GET",    "/apps/:/cron",                cron_list,        VIEW,        APP,      NULL},
{"POST",   "/apps/:/cron",                cron_create,      CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/cron/:",              cron_info,        VIEW,        APP,      NULL},
{"DELETE", "/apps/:/cron/:",              cron_delete,      CHANGE,      APP,      NULL},
{"GET",    "/apps/:/http",                http_info,        VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/http",                http_update,      CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/dynos",               dyno_list,        VIEW,        APP,      NULL},
{"POST",   "/apps/:/dynos",               dyno_create,      CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/dynos",               dyno_restart_all, CHANGE,      APP,      NULL},
{"GET",    "/apps/:/dynos/:",             dyno_info,        VIEW,        APP,      NULL},
{"DELETE", "/apps/:/dynos/:",             dyno_restart,     CHANGE,      APP,      NULL},
{"POST",   "/apps/:/dynos/:/actions/stop", dyno_restart,     CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/dynos/:/attach",      dyno_attach,      CHANGE,      APP,      NULL},
{"POST",   "/apps/:/dynos/:/exec",        dyno_exec,        CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/config-vars",         config_info,      SECRETS,     APP,      NULL},
{"PATCH",  "/apps/:/config-vars",         config_update,    SET_SECRETS, APP_BODY, NULL},
{"GET",    "/apps/:/buildpack-installations", buildpack_list,   VIEW,        APP,      NULL},
{"PUT",    "/apps/:/buildpack-installations", buildpack_put,    CHANGE,      APP_BODY, NULL},
{"GET",    "/buildpacks",                 buildpack_known,  LIST,        0,        NULL},
{"GET",    "/buildpacks/:",               buildpack_lookup, LIST,        0,        NULL},
{"GET",    "/addons",                     addon_list,       LIST,        0,        NULL},
{"GET",    "/addon-attachments",          addon_list,       LIST,        0,        NULL},
{"GET",    "/addon-services",             addon_list,       LIST,        0,        NULL},
{"GET",    "/apps/:/addons",              addon_list,       VIEW,        APP,      NULL},
{"GET",    "/apps/:/addon-attachments",   addon_list,       VIEW,        APP,      NULL},
{"GET",    "/apps/:/features",            feature_list,     VIEW,        APP,      NULL},
{"GET",    "/apps/:/domains",             domain_list,      VIEW,        APP,      NULL},
{"POST",   "/apps/:/domains",             domain_create,    CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/domains/:",           domain_info,      VIEW,        APP,      NULL},
{"GET",    "/apps/:/domains/:/check",     domain_check,     VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/domains/:",           domain_update,    CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/domains/:",           domain_delete,    CHANGE,      APP,      NULL},
{"GET",    "/apps/:/sni-endpoints",       cert_list,        VIEW,        APP,      NULL},
{"POST",   "/apps/:/sni-endpoints",       cert_create,      CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/sni-endpoints/:",     cert_info,        VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/sni-endpoints/:",     cert_update,      CHANGE,      APP_BODY, NULL},
{"DELETE", "/apps/:/sni-endpoints/:",     cert_delete,      CHANGE,      APP,      NULL},
{"GET",    "/apps/:/releases",            release_list,     VIEW,        APP,      NULL},
{"POST",   "/apps/:/releases",            release_create,   CHANGE,      APP_BODY, NULL},
{"POST",   "/apps/:/slugs",               slug_create,      CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/slugs/:",             slug_info,        VIEW,        APP,      NULL},
{"GET",    "/apps/:/releases/:",          release_info,     STATE,       APP,      NULL},
{"GET",    "/apps/:/releases/:/config-vars", release_config,   SECRETS,     APP,      NULL},
{"GET",    "/apps/:/rollout",             rollout_info,     VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/rollout",             rollout_update,   CHANGE,      APP_BODY, NULL},
{"POST",   "/apps/:/rollout/promote",     rollout_promote,  CHANGE,      APP_BODY, NULL},
{"POST",   "/apps/:/rollout/abort",       rollout_abort,    CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/builds",              build_list,       VIEW,        APP,      NULL},
{"POST",   "/apps/:/builds",              build_create,     PUSH,        APP_BODY, UPLOAD},
{"GET",    "/apps/:/builds/:",            build_info,       STATE,       APP,      NULL},
{"GET",    "/apps/:/builds/:/log",        build_log,        STATE,       APP,      NULL},
{"GET",    "/apps/:/builds/:/result",     build_result,     STATE,       APP,      NULL},
{"DELETE", "/apps/:/build-cache",         build_cache_delete, CHANGE,      APP,      NULL},
{"POST",   "/apps/:/sources",             source_create,    PUSH,        APP,      NULL},
{"POST",   "/sources",                    source_create,    CREATE,      0,        NULL},
{"PUT",    "/streams/:",                  source_put,       OPEN,        0,        SOURCE},
{"GET",    "/streams/:",                  stream_get,       OPEN,        0,        NULL},
{"POST",   "/apps/:/resources",           resource_match,   PUSH,        APP_BODY, NULL},
{"POST",   "/apps/:/settings",            settings_create,  CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/logs",                log_tail,         VIEW,        APP,      NULL},
{"POST",   "/apps/:/log-sessions",        log_session,      VIEW,        APP_BODY, NULL},
{"GET",    "/apps/:/log-limits",          log_limits_info,  VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/log-limits",          log_limits_set,   CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/log-drains",         drain_list,       SECRETS,     APP,      NULL},
{"POST",   "/apps/:/log-drains",         drain_create,     CHANGE,      APP_BODY, NULL},
{"GET",    "/apps/:/log-drains/:",       drain_info,       SECRETS,     APP,      NULL},
{"DELETE", "/apps/:/log-drains/:",       drain_delete,     CHANGE,      APP,      NULL},
{"GET",    "/apps/:/timeline",            timeline_list,    VIEW,        APP,      NULL},
{"GET",    "/apps/:/collaborators",       member_list,      VIEW,        APP,      NULL},
{"POST",   "/apps/:/collaborators",       member_create,    OWN,         APP_BODY, NULL},
{"GET",    "/apps/:/collaborators/:",     member_info,      VIEW,        APP,      NULL},
{"PATCH",  "/apps/:/collaborators/:",     member_update,    OWN,         APP_BODY, NULL},
{"DELETE", "/apps/:/collaborators/:",     member_delete,    OWN,         APP,      NULL},
{"GET",    "/apps/:/teams",               app_team_list,  VIEW,        APP,      NULL},
{"PUT",    "/apps/:/teams/:",             app_team_put,   OWN,         APP_BODY, NULL},
{"DELETE", "/apps/:/teams/:",             app_team_delete, OWN,         APP,      NULL},
{"GET",    "/teams",                      team_list,        LIST,        0,        NULL},
{"POST",   "/teams",                      team_create,      SELF_CHANGE, BODY,     NULL},
{"GET",    "/teams/permissions",          team_permissions, LIST,        0,        NULL},
{"POST",   "/teams/apps",                 app_create,       CREATE,      BODY,     NULL},
{"GET",    "/teams/apps/:",               app_info,         STATE,       APP,      NULL},
{"PATCH",  "/teams/apps/:",               team_app_update,  OWN,         APP_BODY, NULL},
{"GET",    "/teams/apps/:/collaborators", member_list,      VIEW,        APP,      NULL},
{"POST",   "/teams/apps/:/collaborators", member_create,    OWN,         APP_BODY, NULL},
{"GET",    "/teams/apps/:/collaborators/:", member_info,      VIEW,        APP,      NULL},
{"PATCH",  "/teams/apps/:/collaborators/:", member_update,    OWN,         APP_BODY, NULL},
{"DELETE", "/teams/apps/:/collaborators/:", member_delete,    OWN,         APP,      NULL},
{"GET",    "/teams/:",                    team_info,        TEAM_VIEW,   0,        NULL},
{"PATCH",  "/teams/:",                    team_update,      TEAM_OWN,    BODY,     NULL},
{"DELETE", "/teams/:",                    team_delete,      TEAM_OWN,    0,        NULL},
{"GET",    "/teams/:/apps",               team_app_list,    TEAM_VIEW,   0,        NULL},
{"GET",    "/teams/:/features",           feature_list,     TEAM_VIEW,   0,        NULL},
{"GET",    "/teams/:/members",            teammate_list, TEAM_VIEW,   0,        NULL},
{"POST",   "/teams/:/members",            teammate_create, TEAM_OWN,    BODY,     NULL},
{"PUT",    "/teams/:/members",            teammate_put,  TEAM_OWN,    BODY,     NULL},
{"PATCH",  "/teams/:/members",            teammate_update, TEAM_OWN,    BODY,     NULL},
{"GET",    "/teams/:/members/:",          teammate_info, TEAM_VIEW,   0,        NULL},
{"DELETE", "/teams/:/members/:",          teammate_delete, TEAM_SELF,   0,        NULL},
{"GET",    "/tokens",                     token_list,       SELF,        0,        NULL},
{"POST",   "/tokens",                     token_create,     SELF_CHANGE, BODY,     NULL},
{"GET",    "/tokens/:",                   token_info,       SELF,        0,        NULL},
{"DELETE", "/tokens/:",                   token_delete,     SELF_CHANGE, 0,        NULL},
{"GET",    "/account",                    account_info,     SELF,        0,        NULL},
{"PATCH",  "/account",                    account_update,   SELF_CHANGE, BODY,     NULL},
{"GET",    "/account/rate-limits",        rate_limit_info,  SELF,        0,        NULL},
{"POST",   "/account/app-transfers",      app_transfer, CREATE,      BODY,     NULL},
{"GET",    "/account/features",           feature_list,     SELF,        0,        NULL},
{"GET",    "/account/keys",               key_list,         SELF,        0,        NULL},
{"POST",   "/account/keys",               key_create,       SELF_CHANGE, BODY,     NULL},
{"GET",    "/account/keys/:",             key_info,         SELF,        0,        NULL},
{"DELETE", "/account/keys/:",             key_delete,       SELF_CHANGE, 0,        NULL},
{"GET",    "/account/keys/:/login",       key_login,        LOCAL,       0,        NULL},
{"GET",    "/users",                      user_list,        ADMIN,       0,        NULL},
{"POST",   "/users",                      user_create,      ADMIN,       BODY,     NULL},
{"GET",    "/users/~/apps",               app_list,         LIST,        0,        NULL},
{"GET",    "/users/:",                    user_info,        SELF,        0,        NULL},
{"PATCH",  "/users/:",                    user_update,      ADMIN,       BODY,     NULL},
{"DELETE", "/users/:",                    user_delete,      ADMIN,       0,        NULL},
{"POST",   "/setup-tokens",               setup_create,     ADMIN,       BODY,     NULL},
{"POST",   "/setup",                      setup_redeem,     OPEN,        BODY,     NULL},
{"GET",    "/oauth/authorizations",       grant_list,       SELF,        0,        NULL},
{"POST",   "/oauth/authorizations",       grant_create,     OPEN,        BODY,     NULL},
{"GET",    "/oauth/authorizations/:",     grant_info,       SELF,        0,        NULL},
{"PATCH",  "/oauth/authorizations/:",     grant_update,     SELF_CHANGE, BODY,     NULL},
{"DELETE", "/oauth/authorizations/:",     grant_delete,     SELF,        0,        NULL},
{"POST",   "/oauth/authorizations/:/actions/regenerate-tokens", grant_regenerate, SELF_CHANGE, BODY, NULL},
{"GET",    "/sessions",                   browser_list,     SELF,        0,        NULL},
{"POST",   "/sessions",                   browser_create,   OPEN,        BODY,     NULL},
{"GET",    "/sessions/:",                 browser_info,     SELF,        0,        NULL},
{"DELETE", "/sessions/:",                 browser_delete,   SELF,        0,        NULL},
{"GET",    "/audit",                      audit_list,       ADMIN,       0,        NULL},
{"GET",    "/git/:/:",                    git_access,       GIT,         0,        NULL},
{"GET",    "/routes",                     route_list,       WATCH,       0,        NULL},
{"GET",    "/routes/:",                   route_info,       WATCH,       0,        NULL},
{"PUT",    "/routes/:",                   route_put,        ADMIN,       BODY,     NULL},
{"PATCH",  "/routes/:",                   route_patch,      ADMIN,       BODY,     NULL},
{"DELETE", "/routes/:",                   route_delete,     ADMIN,       0,        NULL},
{"GET",    "/patterns",                   pattern_list,     WATCH,       0,        NULL},
{"GET",    "/patterns/:",                 pattern_info,     WATCH,       0,        NULL},
{"PUT",    "/patterns/:",                 pattern_put,      ADMIN,       BODY,     NULL},
{"DELETE", "/patterns/:",                 pattern_delete,   ADMIN,       0,        NULL},
{"GET",    "/imports/routes",             import_info,      WATCH,       0,        NULL},
{"PUT",    "/imports/routes",             import_put,       ADMIN,       0,        IMPORT},
{"DELETE", "/imports/routes",             import_delete,    ADMIN,       0,        NULL},
{"GET",    "/imports/routes/file",        import_file,      WATCH,       0,        NULL},
{"GET",    "/certificates",               cert_list,        WATCH,       0,        NULL},
{"POST",   "/certificates",               cert_create,      ADMIN,       BODY,     NULL},
{"GET",    "/certificates/:",             cert_info,        WATCH,       0,        NULL},
{"PATCH",  "/certificates/:",             cert_update,      ADMIN,       BODY,     NULL},
{"DELETE", "/certificates/:",             cert_delete,      ADMIN,       0,        NULL},
{NULL, NULL, NULL, OPEN, 0, NULL},
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
	const struct api_route *r, *first = NULL;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	allow[0] = '\0';
	for (r = api_routes; r->method != NULL; r++) {
		/* A word of ours stands before a name that would fit as well.
		 */
		if ((first != NULL && strcmp(first->path, r->path) != 0) ||
		    !api_path_matches(r->path, uri, params))
			continue;
		first = r;
		if (strcmp(method, r->method) == 0) {
			*route = r;
			return API_FOUND;
		}
		api_allow(allow, len, r->method);
	}
	return allow[0] == '\0' ? API_NO_PATH : API_NO_METHOD;
}
