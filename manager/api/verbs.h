/*
 * Every verb of the API, one a file: VERB(app_create) is app_create.c.  The
 * table in api_table.c says which method and path lead to it.
 *
 * A verb answers (respond.h) before it returns, or hands the request to
 * something that will: request_commit(), stream_open(), a build.  It may be
 * run again from the start when a commit met another change.
 */
#ifndef PAAS_API_VERBS_H
#define PAAS_API_VERBS_H

#define API_VERBS(VERB)          \
	VERB(health)             \
	VERB(schema)             \
	VERB(app_create)         \
	VERB(app_list)           \
	VERB(app_info)           \
	VERB(app_update)         \
	VERB(app_destroy)        \
	VERB(app_action)         \
	VERB(region_list)        \
	VERB(stack_list)         \
	VERB(stack_available)    \
	VERB(rate_limit_info)    \
	VERB(grant_update)       \
	VERB(grant_regenerate)   \
	VERB(formation_list)     \
	VERB(formation_info)     \
	VERB(formation_update)   \
	VERB(formation_batch)    \
	VERB(health_put)         \
	VERB(health_delete)      \
	VERB(limits_update)      \
	VERB(readiness_put)      \
	VERB(readiness_delete)   \
	VERB(http_info)          \
	VERB(http_update)        \
	VERB(dyno_list)          \
	VERB(dyno_info)          \
	VERB(dyno_create)        \
	VERB(dyno_attach)        \
	VERB(dyno_exec)          \
	VERB(type_restart)       \
	VERB(dyno_restart)       \
	VERB(dyno_restart_all)   \
	VERB(config_info)        \
	VERB(config_update)      \
	VERB(buildpack_list)     \
	VERB(buildpack_known)    \
	VERB(buildpack_lookup)   \
	VERB(addon_list)         \
	VERB(feature_list)       \
	VERB(buildpack_put)      \
	VERB(domain_check)       \
	VERB(domain_list)        \
	VERB(domain_info)        \
	VERB(domain_create)      \
	VERB(domain_update)      \
	VERB(domain_delete)      \
	VERB(cert_list)          \
	VERB(cert_info)          \
	VERB(cert_create)        \
	VERB(cert_update)        \
	VERB(cert_delete)        \
	VERB(release_list)       \
	VERB(release_info)       \
	VERB(release_config)     \
	VERB(release_create)     \
	VERB(resource_match)     \
	VERB(rollout_info)       \
	VERB(rollout_update)     \
	VERB(cron_list)          \
	VERB(cron_create)        \
	VERB(cron_info)          \
	VERB(cron_delete)        \
	VERB(slug_create)        \
	VERB(slug_info)          \
	VERB(sleep_info)         \
	VERB(sleep_put)          \
	VERB(sleep_delete)       \
	VERB(autoscale_info)     \
	VERB(autoscale_put)      \
	VERB(autoscale_delete)   \
	VERB(rollout_promote)    \
	VERB(rollout_abort)      \
	VERB(build_create)       \
	VERB(build_list)         \
	VERB(source_create)      \
	VERB(source_put)         \
	VERB(settings_create)    \
	VERB(build_info)         \
	VERB(build_cache_delete) \
	VERB(build_log)          \
	VERB(build_result)       \
	VERB(stream_get)         \
	VERB(log_tail)           \
	VERB(log_session)        \
	VERB(log_limits_info)    \
	VERB(log_limits_set)     \
	VERB(drain_list)         \
	VERB(drain_info)         \
	VERB(drain_create)       \
	VERB(drain_delete)       \
	VERB(timeline_list)      \
	VERB(key_list)           \
	VERB(key_info)           \
	VERB(key_create)         \
	VERB(key_delete)         \
	VERB(key_login)          \
	VERB(git_access)         \
	VERB(account_info)       \
	VERB(account_update)     \
	VERB(audit_list)         \
	VERB(browser_create)     \
	VERB(browser_delete)     \
	VERB(browser_info)       \
	VERB(browser_list)       \
	VERB(grant_create)       \
	VERB(grant_delete)       \
	VERB(grant_info)         \
	VERB(grant_list)         \
	VERB(member_create)      \
	VERB(member_delete)      \
	VERB(member_info)        \
	VERB(member_list)        \
	VERB(member_update)      \
	VERB(setup_create)       \
	VERB(setup_redeem)       \
	VERB(user_create)        \
	VERB(user_delete)        \
	VERB(user_info)          \
	VERB(user_list)          \
	VERB(user_update)        \
	VERB(team_create)        \
	VERB(team_delete)        \
	VERB(team_info)          \
	VERB(team_list)          \
	VERB(team_update)        \
	VERB(team_app_list)      \
	VERB(team_app_update)    \
	VERB(app_team_delete)    \
	VERB(app_team_list)      \
	VERB(app_team_put)       \
	VERB(teammate_create)    \
	VERB(teammate_delete)    \
	VERB(teammate_info)      \
	VERB(teammate_list)      \
	VERB(teammate_put)       \
	VERB(teammate_update)    \
	VERB(team_permissions)   \
	VERB(app_transfer)       \
	VERB(token_create)       \
	VERB(token_list)         \
	VERB(token_info)         \
	VERB(token_delete)       \
	VERB(route_list)         \
	VERB(route_info)         \
	VERB(route_put)          \
	VERB(route_patch)        \
	VERB(route_delete)       \
	VERB(pattern_list)       \
	VERB(pattern_info)       \
	VERB(pattern_put)        \
	VERB(pattern_delete)     \
	VERB(import_info)        \
	VERB(import_put)         \
	VERB(import_delete)      \
	VERB(import_file)

struct request;

#define VERB_DECLARE(name) void name(struct request *);
API_VERBS(VERB_DECLARE)
#undef VERB_DECLARE

/* The body of a push, as it comes: build_create.c. */
void build_upload_head(struct request *);
void build_upload_data(struct request *, const void *data, size_t len);

/* And that of an import of routes: import_put.c. */
void import_upload_head(struct request *);
void import_upload_data(struct request *, const void *data, size_t len);

/* That of a source: source_create.c. */
void source_upload_head(struct request *);
void source_upload_data(struct request *, const void *, size_t);

#endif
