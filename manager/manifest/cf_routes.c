#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/cf.h"

#define HOST_LEN 255

/* Whether it may be a host; the manager says whose it can be. */
static int
host_fits(const char *host)
{
	size_t len = strlen(host);

	return len > 0 && len <= HOST_LEN &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789.-_*") == len &&
	       host[0] != '.' &&
	       (strchr(host, '*') == NULL ||
		   (strncmp(host, "*.", 2) == 0 &&
		       strchr(host + 1, '*') == NULL));
}

static void
read_route(struct reading *r, const struct node *node)
{
	const char *route = node->text, *end;
	struct note_value shown;
	char host[HOST_LEN + 1];
	size_t len;

	if (strstr(route, "://") != NULL) {
		refuse(r, node,
		    "a route is a host, as www.example.com, not the URL \"%s\"",
		    note_value(&shown, route));
		return;
	}
	len = strcspn(route, "/:");
	end = route + len;
	if (len <= HOST_LEN)
		memcpy(host, route, len);
	host[len <= HOST_LEN ? len : 0] = '\0';
	if (*end == ':')
		refuse(r, node,
		    "the route \"%s\" has a port: there are no TCP routes here",
		    note_value(&shown, route));
	else if (!host_fits(host))
		refuse(r, node,
		    "\"%s\" is not a host: letters, digits and '-' in labels "
		    "of at most 63 bytes, as www.example.com or *.example.com",
		    note_value(&shown, route));
	else if (*end == '/' && end[1] != '\0')
		refuse(r, node,
		    "the route \"%s\" has a path: take it out, and use `paas "
		    "routes:add HOST app:APP --path PATH`",
		    note_value(&shown, route));
	else
		put_host(r, host, node->at);
}

static void
route_protocol(struct reading *r, const struct key *key, const struct value *v)
{
	struct note_value shown;
	const char *text = v->node->text;

	(void)key;
	if (strcmp(text, "http2") == 0)
		note(r->notes, NOTE_WARNING, v->node->at,
		    "protocol http2 is not set by a route: use `paas http:set "
		    "protocol=h2c`");
	else if (strcmp(text, "http1") != 0)
		refuse(r, v->node,
		    "protocol has to be http1 or http2, not \"%s\"",
		    note_value(&shown, text));
}

static const struct key route_keys[] = {
    {"route", TAKES_NOTHING, 0, 0, NULL, NULL, NULL}, /* read by itself */
    {"protocol", TAKES_TEXT, 0, 0, route_protocol, NULL, NULL},
    {"options", TAKES_NOTHING, 0, 0, NULL,
	"of a route have no effect: see `paas http:set`", NULL},
    {0},
};

void
cf_routes(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *item, *route;

	(void)key;
	for (size_t i = 0; i < v->node->n; i++) {
		item = v->node->v[i];
		route = node_get(item, "route");
		if (route == NULL || route->kind != NODE_TEXT) {
			refuse(r, item,
			    "each of routes is a map, as \"- route: "
			    "www.example.com\"");
			continue;
		}
		read_map(r, route_keys, item);
		read_route(r, route);
	}
}

/* ---- of before there were routes --------------------------------------- */

/* Texts of a list and of a key for one, as hosts and host: how many. */
static size_t
read_names(struct reading *r, const struct node *app, const char *one,
    const char *many, const struct node *names[MANIFEST_HOSTS_MAX])
{
	const struct node *single = node_get(app, one);
	const struct node *list = node_get(app, many);
	size_t n = 0;

	if (single != NULL && single->kind == NODE_TEXT)
		names[n++] = single;
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (list->kind == NODE_LIST && n < MANIFEST_HOSTS_MAX &&
		    text_of(r, one, list->v[i]) != NULL)
			names[n++] = list->v[i];
	return n;
}

static void
put_joined(struct reading *r, const char *host, const char *domain,
    struct node_place at)
{
	char joined[2 * HOST_LEN];
	struct note_value shown;

	snprintf(joined, sizeof(joined), "%.250s%s%.250s", host,
	    host[0] != '\0' && domain[0] != '\0' ? "." : "", domain);
	if (host_fits(joined))
		put_host(r, joined, at);
	else
		note(r->notes, NOTE_ERROR, at, "\"%s\" is not a host",
		    note_value(&shown, joined));
}

void
cf_hosts(struct reading *r, const struct node *app)
{
	const struct node *hosts[MANIFEST_HOSTS_MAX];
	const struct node *domains[MANIFEST_HOSTS_MAX];
	const struct node *bare = node_get(app, "no-hostname");
	const char *name = json_string_value(json_object_get(r->app, "name"));
	size_t nhosts = read_names(r, app, "host", "hosts", hosts);
	size_t ndomains = read_names(r, app, "domain", "domains", domains);

	if (bare != NULL && bare->kind == NODE_TEXT &&
	    strcasecmp(bare->text, "true") == 0)
		name = "";
	for (size_t d = 0; d < ndomains; d++) {
		for (size_t h = 0; h < nhosts; h++)
			put_joined(
			    r, hosts[h]->text, domains[d]->text, hosts[h]->at);
		if (nhosts == 0)
			put_joined(r, name, domains[d]->text, domains[d]->at);
	}
	/* Of the platform's domain: only the app's own name can be had. */
	for (size_t h = 0; h < nhosts && ndomains == 0; h++)
		put_joined(r, hosts[h]->text, "", hosts[h]->at);
}
