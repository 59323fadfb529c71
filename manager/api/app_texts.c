#include "api/app_texts.h"

#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/model.h"
#include "api/server.h"
#include "common/log.h"
#include "store/keys.h"
#include "store/names.h"

#define SLUG_SIZE 65 /* a hash in hex */

struct kept {
	RB_ENTRY(kept) entry;
	json_t *brief;
	char *text; /* as it is in a list; NULL: to be made */
	size_t len;
	char slug[SLUG_SIZE]; /* what text says a size of, or "" */
	int64_t size;
	int64_t archive;
	char key[MODEL_NAME_MAX];
};
RB_HEAD(kept_tree, kept);

struct app_texts {
	struct api *api;
	struct store_watch *watches[3];
	struct kept_tree tree;
	size_t n;
	int filled; /* all are there */
};

static int
compare_kept(struct kept *a, struct kept *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    kept_tree, kept, entry, compare_kept, __attribute__((__unused__)) static)

/* ---- one of them ------------------------------------------------------- */

static struct kept *
kept_find(struct app_texts *at, const char *name)
{
	struct kept find;

	strlcpy(find.key, name, sizeof(find.key));
	return RB_FIND(kept_tree, &at->tree, &find);
}

static void
kept_drop_text(struct kept *kept)
{
	free(kept->text);
	kept->text = NULL;
}

static void
kept_free(struct app_texts *at, struct kept *kept)
{
	RB_REMOVE(kept_tree, &at->tree, kept);
	at->n--;
	json_decref(kept->brief);
	free(kept->text);
	free(kept);
}

static void
free_all(struct app_texts *at)
{
	struct kept *kept, *next;

	RB_FOREACH_SAFE (kept, kept_tree, &at->tree, next)
		kept_free(at, kept);
	at->filled = 0;
}

static void
kept_set(struct app_texts *at, const char *name, json_t *app)
{
	struct kept *kept = kept_find(at, name);

	if (kept == NULL) {
		if ((kept = calloc(1, sizeof(*kept))) == NULL)
			log_fatal("api: out of memory");
		strlcpy(kept->key, name, sizeof(kept->key));
		RB_INSERT(kept_tree, &at->tree, kept);
		at->n++;
	}
	kept_drop_text(kept);
	json_decref(kept->brief);
	kept->brief = json_pack("{s:s, s:s, s:s, s:o, s:o}", "key", name,
	    "name", names_in(name, app), "id", model_text(app, "id"),
	    "created_at", id_time_of(app, "created"), "updated_at",
	    id_time_of(app, "updated"));
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the tree has it */
}

/* ---- what changes them ------------------------------------------------- */

/* app/APP */
static void
on_app(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct app_texts *at = arg;
	char name[MODEL_NAME_MAX];
	struct kept *kept;

	(void)rev;
	if (!at->filled || key_part(key, 1, name, sizeof(name)) == -1)
		return;
	if (app != NULL)
		kept_set(at, name, app);
	else if ((kept = kept_find(at, name)) != NULL)
		kept_free(at, kept);
	if (at->n > APP_TEXTS_MAX)
		free_all(at);
}

/* release/APP/VERSION */
static void
on_release(const char *key, json_t *release, uint64_t rev, void *arg)
{
	char name[MODEL_NAME_MAX];
	struct kept *kept;

	(void)release;
	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0 &&
	    (kept = kept_find(arg, name)) != NULL)
		kept_drop_text(kept);
}

/* slug/HASH: whoever uses one again writes it as it was. */
static void
on_slug(const char *key, json_t *slug, uint64_t rev, void *arg)
{
	const char *hash = strchr(key, '/') + 1;
	struct app_texts *at = arg;
	struct kept *kept;

	(void)rev;
	RB_FOREACH (kept, kept_tree, &at->tree)
		if (strcmp(kept->slug, hash) == 0 &&
		    (slug == NULL || kept->size != model_number(slug, "size") ||
			kept->archive != model_number(slug, "archive")))
			kept_drop_text(kept);
}

/* ---- texts ------------------------------------------------------------- */

/* As model_app() shows the app; what it read of the slug is noted. */
static void
kept_note_slug(struct app_texts *at, struct kept *kept, json_t *app)
{
	json_t *release =
	    model_get_release(at->api, kept->key, model_number(app, "version"));
	char key[STORE_KEY_MAX + 1];
	json_t *slug = NULL;

	strlcpy(kept->slug, model_text(release, "slug"), sizeof(kept->slug));
	if (kept->slug[0] != '\0')
		slug = store_get(at->api->store,
		    key_format(key, "slug/%s", kept->slug), NULL);
	kept->size = model_number(slug, "size");
	kept->archive = model_number(slug, "archive");
	json_decref(slug);
	json_decref(release);
}

/* jansson indents what is inside of an array as it has to be in a list. */
static int
kept_make_text(struct app_texts *at, struct kept *kept)
{
	char key[STORE_KEY_MAX + 1], *text;
	json_t *app, *list;

	app = store_get(
	    at->api->store, key_format(key, "app/%s", kept->key), NULL);
	list = json_array();
	json_array_append_new(list, model_app(at->api, kept->key, app));
	text = json_dumps(list, JSON_INDENT(2));
	if (text != NULL) {
		kept_note_slug(at, kept, app);
		kept->len = strlen(text) - strlen("[\n\n]");
		memmove(text, text + strlen("[\n"), kept->len);
		kept->text = text;
	}
	json_decref(list);
	json_decref(app);
	return text != NULL ? 0 : -1;
}

static struct kept *
kept_of(struct app_texts *at, json_t *brief)
{
	struct kept *kept = kept_find(at, model_text(brief, "key"));

	if (kept == NULL ||
	    (kept->text == NULL && kept_make_text(at, kept) == -1))
		return NULL;
	return kept;
}

char *
app_texts_join(struct app_texts *at, json_t *briefs, size_t *len)
{
	size_t i, room = sizeof("[\n]");
	char *joined, *end;
	struct kept *kept;
	json_t *brief;

	json_array_foreach (briefs, i, brief) {
		if ((kept = kept_of(at, brief)) == NULL)
			return NULL;
		room += kept->len + strlen(",\n");
	}
	if ((joined = malloc(room)) == NULL)
		return NULL;
	end = joined;
	*end++ = '[';
	json_array_foreach (briefs, i, brief) {
		kept = kept_of(at, brief);
		*end++ = i == 0 ? '\n' : ',';
		if (i > 0)
			*end++ = '\n';
		end = mempcpy(end, kept->text, kept->len);
	}
	if (i > 0)
		*end++ = '\n';
	*end++ = ']';
	*len = (size_t)(end - joined);
	return joined;
}

/* ---- all of them ------------------------------------------------------- */

static int
fill_one(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct app_texts *at = arg;
	char name[MODEL_NAME_MAX];

	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0)
		kept_set(at, name, app);
	return at->n > APP_TEXTS_MAX;
}

int
app_texts_each(struct app_texts *at, app_texts_cb cb, void *arg)
{
	struct kept *kept;

	if (!at->filled) {
		free_all(at);
		if (store_each(at->api->store, "app/", fill_one, at) != 0) {
			free_all(at);
			return -1;
		}
		at->filled = 1;
	}
	RB_FOREACH (kept, kept_tree, &at->tree)
		cb(kept->key, kept->brief, arg);
	return 0;
}

struct app_texts *
app_texts_open(struct api *api, char err[PAAS_ERRLEN])
{
	static const struct {
		const char *prefix;
		store_watch_cb cb;
	} watched[] = {
	    {"app/", on_app}, {"release/", on_release}, {"slug/", on_slug}};
	struct app_texts *at = calloc(1, sizeof(*at));
	size_t i;

	if (at == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	at->api = api;
	RB_INIT(&at->tree);
	for (i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		at->watches[i] = store_watch(
		    api->store, watched[i].prefix, watched[i].cb, at);
	return at;
}

void
app_texts_close(struct app_texts *at)
{
	size_t i;

	if (at == NULL)
		return;
	for (i = 0; i < sizeof(at->watches) / sizeof(at->watches[0]); i++)
		store_unwatch(at->watches[i]);
	free_all(at);
	free(at);
}
