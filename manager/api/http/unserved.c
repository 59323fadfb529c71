/*
 * Paths of the Heroku Platform API that lead nowhere here, and what people
 * who came by one can do instead: clients show them the message.
 */
#include "api/http/unserved.h"

#include <string.h>

static const char webhooks[] =
    "there are no webhooks: GET /apps/APP/timeline?follow=1 tells of each "
    "change, and log drains send the logs on";
static const char pipelines[] = "there are no pipelines yet";
static const char addons[] =
    "there are no add-ons yet: paas config:set gives an app the address of a "
    "service";
static const char acm[] =
    "certificates are asked for on the machine, as root, by paas-acme -a APP "
    "HOST, and renewed from then on; paas certs:add brings one";
static const char features[] =
    "there are no features to switch on: sticky sessions are paas http:set "
    "sticky=on, and a command in a running process is paas ps:exec";
static const char spaces[] =
    "there are no private spaces: each app has a network of its own as it is";
static const char clients[] =
    "there are no OAuth clients: paas tokens:create makes a token with a "
    "scope";
static const char sessions[] =
    "there are no OAuth sessions: paas tokens lists what is logged in, and "
    "paas tokens:revoke ends one";
static const char transfers[] =
    "transfers wait for nobody's consent: POST /account/app-transfers gives "
    "an app away at once";
static const char setups[] =
    "an app with an app.json is set up by paas push --create in its folder";
static const char telemetry[] =
    "there are no telemetry drains: paas drains:add sends the logs on";
static const char images[] = "an image is released by paas push --image";

/* A ':' stands for any one segment; what is below a path is it, too. */
static const struct unserved {
	const char *path;
	const char *instead;
} table[] = {
    {"/apps/:/webhooks", webhooks},
    {"/apps/:/webhook-events", webhooks},
    {"/apps/:/webhook-deliveries", webhooks},
    {"/apps/:/pipeline-couplings", pipelines},
    {"/apps/:/review-apps", pipelines},
    {"/pipelines", pipelines},
    {"/pipeline-couplings", pipelines},
    {"/pipeline-promotions", pipelines},
    {"/review-apps", pipelines},
    {"/test-runs", pipelines},
    {"/apps/:/addons", addons},
    {"/apps/:/addon-attachments", addons},
    {"/addons", addons},
    {"/addon-attachments", addons},
    {"/addon-services", addons},
    {"/actions/addons", addons},
    {"/actions/addon-attachments", addons},
    {"/apps/:/acm", acm},
    {"/apps/:/features", features},
    {"/account/features", features},
    {"/spaces", spaces},
    {"/oauth/clients", clients},
    {"/oauth/sessions", sessions},
    {"/account/app-transfers", transfers},
    {"/app-setups", setups},
    {"/telemetry-drains", telemetry},
    {"/apps/:/telemetry-drains", telemetry},
    {"/apps/:/oci-images", images},
};

static int
leads(const char *path, const struct uri *uri)
{
	size_t i, len;

	for (i = 0; *path == '/'; i++, path += len) {
		len = strcspn(++path, "/");
		if (i == uri->count)
			return 0;
		if (len == 1 && *path == ':')
			continue;
		if (strlen(uri->segments[i]) != len ||
		    memcmp(uri->segments[i], path, len) != 0)
			return 0;
	}
	return 1;
}

const char *
unserved_instead(const struct uri *uri)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (leads(table[i].path, uri))
			return table[i].instead;
	return NULL;
}
