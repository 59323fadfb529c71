/*
 * The keys that sign the sticky cookie: one record.
 */
#include "writer.h"

int
paas_routedb_put_keys(
    paas_routedb_writer_t *w, const paas_routedb_key_t *keys, uint32_t n)
{
	uint8_t key[1];
	size_t len;
	int isnew, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_keys(keys, n);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	paas_routedb_key_keys(key);
	if (n > 0) {
		len = paas_routedb_encode_keys(w->record, keys, n);
		return paas_routedb_writer_change(
		    w, key, sizeof(key), w->record, len, &isnew, &w->keys);
	}
	rc = paas_routedb_writer_del(w, key, sizeof(key));
	if (rc == PAAS_ROUTEDB_OK)
		w->keys = 1;
	return rc == PAAS_ROUTEDB_ENOTFOUND ? PAAS_ROUTEDB_OK : rc;
}
