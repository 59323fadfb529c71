#include "api/app/text_cache.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* One in so many new ones is not the first to go. */
#define STAYS 32

/* What the allocator needs for it, too. */
static size_t
size_of(const struct text *text)
{
	return malloc_usable_size(text->text) + sizeof(size_t);
}

void
text_cache_init(struct text_cache *cache, size_t bytes)
{
	memset(cache, 0, sizeof(*cache));
	TAILQ_INIT(&cache->texts);
	cache->most = bytes;
}

void
text_drop(struct text_cache *cache, struct text *text)
{
	if (text->text == NULL)
		return;
	TAILQ_REMOVE(&cache->texts, text, entry);
	cache->bytes -= size_of(text);
	free(text->text);
	text->text = NULL;
	text->len = 0;
}

/* The new one is in the list already: it may be the one that goes. */
void
text_keep(struct text_cache *cache, struct text *text, char *chars, size_t len)
{
	struct text *last;

	text_drop(cache, text);
	text->text = chars;
	text->len = len;
	cache->bytes += size_of(text);
	if (cache->added++ % STAYS == 0)
		TAILQ_INSERT_HEAD(&cache->texts, text, entry);
	else
		TAILQ_INSERT_TAIL(&cache->texts, text, entry);
	while (cache->bytes > cache->most &&
	       (last = TAILQ_LAST(&cache->texts, text_list)) != NULL)
		text_drop(cache, last);
}

void
text_used(struct text_cache *cache, struct text *text)
{
	TAILQ_REMOVE(&cache->texts, text, entry);
	TAILQ_INSERT_HEAD(&cache->texts, text, entry);
}
