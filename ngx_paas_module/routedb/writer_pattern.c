/*
 * Patterns: few, and each worker compiles them all after a change, so that
 * writing one as it is already must be no change.
 */
#include "writer.h"

/* Is there one already? */
static int
writer_has(paas_routedb_writer_t *w, const uint8_t *key, size_t keylen)
{
	MDB_val value;

	return paas_routedb_fetch(&w->in, key, keylen, &value) ==
	       PAAS_ROUTEDB_OK;
}

int
paas_routedb_put_pattern(paas_routedb_writer_t *w, uint32_t order,
    paas_routedb_str_t text, const paas_routedb_path_t *paths, uint32_t npaths)
{
	uint8_t key[1 + sizeof(order)];
	size_t keylen = paas_routedb_key_pattern(key, order), len;
	int isnew, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_pattern(text, paths, npaths);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	if (w->head.meta.npatterns >= PAAS_ROUTEDB_PATTERNS_MAX &&
	    !writer_has(w, key, keylen))
		return PAAS_ROUTEDB_EINVAL;
	len = paas_routedb_encode_pattern(w->record, text, paths, npaths);
	rc = paas_routedb_writer_change(
	    w, key, keylen, w->record, len, &isnew, &w->patterns);
	if (rc == PAAS_ROUTEDB_OK && isnew)
		w->head.meta.npatterns++;
	return rc;
}

int
paas_routedb_del_pattern(paas_routedb_writer_t *w, uint32_t order)
{
	uint8_t key[1 + sizeof(order)];
	int rc = paas_routedb_writer_ready(w);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_writer_del(
		    w, key, paas_routedb_key_pattern(key, order));
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	w->head.meta.npatterns--;
	w->patterns = 1;
	return PAAS_ROUTEDB_OK;
}
