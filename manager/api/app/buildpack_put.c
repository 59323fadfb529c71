/*
 * PUT /apps/APP/buildpack-installations {"updates": [{"buildpack": URL}]}:
 * all of them, in order.  They count from the next build on.
 *
 * A pack is a URL of a git repository or an archive, a path in the app, or
 * the name of one of the platform's own.  It is the build that fetches it.
 */
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/app/buildpack.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define PACKS_MAX 16 /* as paas-build has it */
#define URL_MAX   1024
#define NAME_MAX  64

static const struct check_field fields[] = {
    {"updates", CHECK_ARRAY, CHECK_REQUIRED, 0, PACKS_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field update_fields[] = {
    {"buildpack", CHECK_STRING, CHECK_REQUIRED, 1, URL_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* Characters that a URL has, and none that a terminal or a shell minds. */
static int
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f ||
		    strchr("\"'<>\\`", *text) != NULL)
			return 0;
	return 1;
}

static int
is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_/:.");

	return len <= NAME_MAX && text[len] == '\0' && text[0] != '.' &&
	       text[0] != '/' && strstr(text, "..") == NULL &&
	       strstr(text, "//") == NULL;
}

static int
is_app_path(const char *text)
{
	return strncmp(text, "./", 2) == 0 && text[2] != '\0' &&
	       strstr(text, "..") == NULL;
}

/* What follows https://, up to the path. */
static const char *
url_host(const char *text)
{
	if (strncmp(text, "https://", 8) == 0)
		return text + 8;
	return strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

/* Answers if it is wrong. */
static int
check_pack(struct request *r, size_t nth, const char *pack)
{
	const char *host = url_host(pack);

	if (!is_plain(pack))
		respond_invalid(r,
		    "updates[%zu].buildpack has a blank, a quote or another "
		    "character that no URL has",
		    nth);
	else if (host != NULL &&
		 memchr(host, '@', strcspn(host, "/?#")) != NULL)
		respond_invalid(r,
		    "updates[%zu].buildpack has a user or password in it, "
		    "which many would see: put the pack into a folder of the "
		    "app, and name that (./FOLDER)",
		    nth);
	else if (host != NULL ? strcspn(host, "/?#") == 0
			      : !is_app_path(pack) && !is_name(pack))
		respond_invalid(r,
		    "updates[%zu].buildpack has to be https://HOST/PATH[#REF] "
		    "of a git repository or a .tgz, ./PATH in the app, or the "
		    "name of one of the platform's own",
		    nth);
	return respond_given(r) ? -1 : 0;
}

/* The list as the record has it; NULL after an answer. */
static json_t *
read_packs(struct request *r)
{
	char err[PAAS_ERRLEN], where[32];
	json_t *packs, *update, *updates;
	size_t i;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return NULL;
	}
	updates = json_object_get(r->json, "updates");
	packs = json_array();
	json_array_foreach (updates, i, update) {
		snprintf(where, sizeof(where), "updates[%zu]", i);
		if (check_object(update, update_fields, where, err) == -1)
			respond_invalid(r, "%s", err);
		else if (check_pack(r, i,
			     json_string_value(
				 json_object_get(update, "buildpack"))) == 0) {
			json_array_append(
			    packs, json_object_get(update, "buildpack"));
			continue;
		}
		json_decref(packs);
		return NULL;
	}
	return packs;
}

static void
note_event(struct request *r, struct store_txn *txn, json_t *packs)
{
	size_t n = json_array_size(packs);

	if (n == 0)
		store_event(txn, r->name, "buildpacks",
		    "buildpacks cleared: the one that fits is used");
	else
		store_event(txn, r->name, "buildpacks",
		    "buildpacks set: %.200s%s",
		    json_string_value(json_array_get(packs, 0)),
		    n > 1 ? ", and more" : "");
}

void
buildpack_put(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *app, *packs, *reply;

	if ((packs = read_packs(r)) == NULL)
		return;
	reply = buildpack_shape(packs);
	if (json_equal(packs, json_object_get(r->app, "buildpacks"))) {
		respond_json(r, MHD_HTTP_OK, reply);
		json_decref(packs);
		return;
	}
	app = model_touch(r->app);
	json_object_set(app, "buildpacks", packs);
	txn = app_change_begin(r);
	note_event(r, txn, packs);
	store_put(txn, key_format(key, "app/%s", r->name), app);
	json_decref(app);
	json_decref(packs);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
