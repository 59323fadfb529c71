#include "api/app/app_texts.h"

#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/text_cache.h"
#include "api/access/roles.h"
#include "api/http/id.h"
#include "api/http/range.h"
#include "api/model.h"
#include "api/server.h"
#include "common/log.h"
#include "store/keys.h"
#include "store/names.h"

#define SLUG_SIZE 65 /* a hash in hex */
#define TIME_SIZE 32

/* In one go, when there is nothing else to do: less than half a ms. */
#define WARM_APPS  32
#define WARM_TEXTS 8

struct kept {
	RB_ENTRY(kept) entry;
	struct text text;          /* as it is in a list */
	uint8_t hash[RESPOND_TAG]; /* of it */
	char slug[SLUG_SIZE];      /* what text says a size of, or "" */
	int64_t size;
	int64_t archive;
	char name[MODEL_NAME_MAX];
	char id[40];
	char created[TIME_SIZE];
	char updated[TIME_SIZE];
	char key[MODEL_NAME_MAX];
};
RB_HEAD(kept_tree, kept);

struct app_texts {
	struct api *api;
	struct store_watch *watches[4];
	struct kept_tree tree;
	struct text_cache cache;
	sd_event_source *warm;
	char read[STORE_KEY_MAX + 1]; /* app/APP: up to there all are there */
	int filled;                   /* they are, up to the last one */
	char warmed[MODEL_NAME_MAX];  /* up to there texts have been made */
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
kept_free(struct app_texts *at, struct kept *kept)
{
	RB_REMOVE(kept_tree, &at->tree, kept);
	text_drop(&at->cache, &kept->text);
	free(kept);
}

static void
kept_set_time(char out[TIME_SIZE], json_t *app, const char *field)
{
	json_t *text = id_time_of(app, field);

	strlcpy(out, json_is_string(text) ? json_string_value(text) : "",
	    TIME_SIZE);
	json_decref(text);
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
	}
	text_drop(&at->cache, &kept->text);
	strlcpy(kept->name, names_in(name, app), sizeof(kept->name));
	strlcpy(kept->id, model_text(app, "id"), sizeof(kept->id));
	kept_set_time(kept->created, app, "created");
	kept_set_time(kept->updated, app, "updated");
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
	/* What comes behind is still to be read. */
	if ((!at->filled && strcmp(key, at->read) > 0) ||
	    key_part(key, 1, name, sizeof(name)) == -1)
		return;
	if (app != NULL)
		kept_set(at, name, app);
	else if ((kept = kept_find(at, name)) != NULL)
		kept_free(at, kept);
}

/* release/APP/VERSION */
static void
on_release(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct app_texts *at = arg;
	char name[MODEL_NAME_MAX];
	struct kept *kept;

	(void)release;
	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0 &&
	    (kept = kept_find(at, name)) != NULL)
		text_drop(&at->cache, &kept->text);
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
			text_drop(&at->cache, &kept->text);
}

/* teamname/NAME: its apps say what a team is called. */
static void
on_team_name(const char *key, json_t *leads, uint64_t rev, void *arg)
{
	struct app_texts *at = arg;
	struct kept *kept;

	(void)key, (void)rev;
	if (leads == NULL)
		return;
	RB_FOREACH (kept, kept_tree, &at->tree)
		if (strcmp(roles_team_of(at->api->roles, kept->key),
			model_text(leads, "team")) == 0)
			text_drop(&at->cache, &kept->text);
}

/* ---- texts ------------------------------------------------------------- */

/* shown is as model_app() shows the app: what it read of the slug is noted. */
static void
kept_note_slug(
    struct app_texts *at, struct kept *kept, json_t *app, json_t *shown)
{
	json_t *release =
	    model_get_release(at->api, kept->key, model_number(app, "version"));

	strlcpy(kept->slug, model_text(release, "slug"), sizeof(kept->slug));
	kept->size = model_number(shown, "repo_size");
	kept->archive = model_number(shown, "slug_size");
	json_decref(release);
}

/*
 * Its text as it is in a list, for the caller to keep or to free; NULL without
 * memory.  jansson indents what is inside of an array as it has to be there.
 */
static char *
kept_make_text(struct app_texts *at, struct kept *kept, size_t *len)
{
	char key[STORE_KEY_MAX + 1], *text;
	json_t *app, *list;

	app = store_get(
	    at->api->store, key_format(key, "app/%s", kept->key), NULL);
	list = json_array();
	json_array_append_new(list, model_app(at->api, kept->key, app));
	text = json_dumps(list, JSON_INDENT(2));
	if (text != NULL) {
		kept_note_slug(at, kept, app, json_array_get(list, 0));
		*len = strlen(text) - strlen("[\n\n]");
		memmove(text, text + strlen("[\n"), *len);
		(void)crypto_generichash(kept->hash, sizeof(kept->hash),
		    (const uint8_t *)text, *len, NULL, 0);
	}
	json_decref(list);
	json_decref(app);
	return text;
}

struct joined {
	char *text;
	size_t len, room;
};

/* There is always room for two more bytes behind it. */
static int
joined_add(struct joined *joined, const char *text, size_t len)
{
	size_t room = joined->room;
	char *larger;

	while (room < joined->len + len + 2)
		room *= 2;
	if (room != joined->room) {
		if ((larger = realloc(joined->text, room)) == NULL)
			return -1;
		joined->text = larger;
		joined->room = room;
	}
	memcpy(joined->text + joined->len, text, len);
	joined->len += len;
	return 0;
}

/* Its text is kept only once it was added: there may be no room for it. */
static int
joined_add_app(struct joined *joined, struct app_texts *at, struct kept *kept)
{
	size_t len;
	char *text;
	int rc;

	if (kept->text.text != NULL) {
		text_used(&at->cache, &kept->text);
		return joined_add(joined, kept->text.text, kept->text.len);
	}
	if ((text = kept_make_text(at, kept, &len)) == NULL)
		return -1;
	rc = joined_add(joined, text, len);
	text_keep(&at->cache, &kept->text, text, len);
	return rc;
}

char *
app_texts_join(const void *const *rows, size_t n, size_t *len,
    uint8_t tag[RESPOND_TAG], void *arg)
{
	struct joined joined = {NULL, 0, n * 1024 + 16};
	crypto_generichash_state state;
	struct app_texts *at = arg;
	struct kept *kept;

	(void)crypto_generichash_init(&state, NULL, 0, RESPOND_TAG);
	joined.text = malloc(joined.room);
	for (size_t i = 0; i < n && joined.text != NULL; i++) {
		kept = (struct kept *)(uintptr_t)rows[i];
		if (joined_add(&joined, i == 0 ? "[\n" : ",\n", 2) == -1 ||
		    joined_add_app(&joined, at, kept) == -1) {
			free(joined.text);
			joined.text = NULL;
			break;
		}
		(void)crypto_generichash_update(
		    &state, kept->hash, sizeof(kept->hash));
	}
	if (joined.text == NULL)
		return NULL;
	(void)crypto_generichash_final(&state, tag, RESPOND_TAG);
	(void)joined_add(&joined, n > 0 ? "\n]" : "[]", 2);
	*len = joined.len;
	return joined.text;
}

/* ---- all of them ------------------------------------------------------- */

struct fill {
	struct app_texts *at;
	int left; /* 0: no end */
};

static int
fill_one(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct fill *fill = arg;
	char name[MODEL_NAME_MAX];

	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0)
		kept_set(fill->at, name, app);
	strlcpy(fill->at->read, key, sizeof(fill->at->read));
	return fill->left > 0 && --fill->left == 0;
}

/* So many more apps, 0 for all; the last one before them is read again. */
static void
fill_some(struct app_texts *at, int n)
{
	struct fill fill = {at, n};

	if (!at->filled)
		at->filled = store_each_from(at->api->store, "app/", at->read,
				 fill_one, &fill) == 0;
}

/* Texts of the next apps, as long as there is room; 0 after the last one. */
static int
warm_some(struct app_texts *at, int n)
{
	struct kept find, *kept;
	size_t len;
	char *text;

	strlcpy(find.key, at->warmed, sizeof(find.key));
	for (kept = RB_NFIND(kept_tree, &at->tree, &find); n > 0; n--) {
		if (kept == NULL || at->cache.bytes > at->cache.most / 2)
			return 0;
		strlcpy(at->warmed, kept->key, sizeof(at->warmed));
		if (kept->text.text == NULL &&
		    (text = kept_make_text(at, kept, &len)) != NULL)
			text_keep(&at->cache, &kept->text, text, len);
		kept = RB_NEXT(kept_tree, &at->tree, kept);
	}
	return 1;
}

static int
on_warm(sd_event_source *source, void *arg)
{
	struct app_texts *at = arg;

	if (!at->filled)
		fill_some(at, WARM_APPS);
	else if (!warm_some(at, WARM_TEXTS))
		return 0;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void
app_texts_each(struct app_texts *at, app_texts_cb cb, void *arg)
{
	struct kept *kept;

	fill_some(at, 0);
	RB_FOREACH (kept, kept_tree, &at->tree)
		cb(kept->key, kept, arg);
}

static const char *
value_of(const void *row, size_t field)
{
	const struct kept *kept = row;
	const char *const values[] = {
	    kept->name, kept->id, kept->created, kept->updated};

	return values[field];
}

void
app_texts_describe(struct range_rows *rows)
{
	static const char *const fields[] = {
	    "name", "id", "created_at", "updated_at", NULL};

	rows->fields = fields;
	rows->value = value_of;
}

struct app_texts *
app_texts_open(struct api *api, char err[PAAS_ERRLEN])
{
	static const struct {
		const char *prefix;
		store_watch_cb cb;
	} watched[] = {{"app/", on_app}, {"release/", on_release},
	    {"slug/", on_slug}, {"teamname/", on_team_name}};
	struct app_texts *at = calloc(1, sizeof(*at));
	size_t i;

	if (at == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	at->api = api;
	RB_INIT(&at->tree);
	text_cache_init(&at->cache, APP_TEXTS_BYTES);
	for (i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		at->watches[i] = store_watch(
		    api->store, watched[i].prefix, watched[i].cb, at);
	if (sd_event_add_defer(api->event, &at->warm, on_warm, at) < 0 ||
	    sd_event_source_set_priority(at->warm, SD_EVENT_PRIORITY_IDLE) <
		0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the list of apps to the event loop");
		app_texts_close(at);
		return NULL;
	}
	return at;
}

void
app_texts_close(struct app_texts *at)
{
	struct kept *kept, *next;
	size_t i;

	if (at == NULL)
		return;
	for (i = 0; i < sizeof(at->watches) / sizeof(at->watches[0]); i++)
		store_unwatch(at->watches[i]);
	sd_event_source_disable_unref(at->warm);
	RB_FOREACH_SAFE (kept, kept_tree, &at->tree, next)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it unlinks */
		kept_free(at, kept);
	free(at);
}
