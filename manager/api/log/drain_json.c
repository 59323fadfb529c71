/*
 * {"id", "url", "token", ...}: where the log of an app goes.  "status" is what
 * became of it since the manager's start.
 */
#include "api/log/drain.h"
#include "api/http/id.h"
#include "node/logdrain.h"
#include "node/node.h"

json_t *
model_drain(struct api *api, const char *name, json_t *app, const char *id,
    json_t *drain)
{
	json_t *status = logdrains_state(node_drains(api->node), id);

	return json_pack("{s:s, s:s, s:s, s:o, s:n, s:n, s:o, s:o, s:o}", "id",
	    id, "token", model_text(drain, "token"), "url",
	    model_text(drain, "url"), "app", model_app_ref(name, app), "addon",
	    "extended", "status", status != NULL ? status : json_null(),
	    "created_at", id_time_of(drain, "created"), "updated_at",
	    id_time_of(drain, "created"));
}
