/*
 * Writing certificates.
 */
#include "writer.h"

/* ---- rules and bytes ----------------------------------------------------- */

int
paas_routedb_check_cert_host(paas_routedb_str_t name, const uint64_t *ids)
{
	return ids[0] != 0 && ids[0] != ids[1] &&
		       paas_routedb_check_name(name, PAAS_ROUTEDB_ANY_NAME)
		   ? PAAS_ROUTEDB_OK
		   : PAAS_ROUTEDB_EINVAL;
}

int
paas_routedb_check_cert(const paas_routedb_cert_t *cert)
{
	return cert->id != 0 && cert->chain.len > 0 && cert->key.len > 0 &&
		       cert->chain.len <= PAAS_ROUTEDB_CERT_MAX &&
		       cert->key.len <= PAAS_ROUTEDB_CERT_MAX - cert->chain.len
		   ? PAAS_ROUTEDB_OK
		   : PAAS_ROUTEDB_EINVAL;
}

size_t
paas_routedb_encode_cert_host(uint8_t *out, const uint64_t *ids)
{
	uint8_t *p = paas_routedb_put64(out + CERT_HOST_ID, ids[0]);

	if (ids[1] != 0)
		p = paas_routedb_put64(p, ids[1]);
	return (size_t)(p - out);
}

size_t
paas_routedb_encode_cert(uint8_t *out, const paas_routedb_cert_t *cert)
{
	uint8_t *p =
	    paas_routedb_put32(out + CERT_CHAIN, (uint32_t)cert->chain.len);

	p = paas_routedb_put_str(
	    paas_routedb_put_str(p, cert->chain), cert->key);
	return (size_t)(p - out);
}

/* ---- changes ------------------------------------------------------------- */

/* Is there a whole one with this id and other contents? */
static int
writer_contradicts(paas_routedb_writer_t *w, const paas_routedb_cert_t *cert)
{
	paas_routedb_cert_t old;

	return paas_routedb_find_cert(&w->in, cert->id, &old) ==
		   PAAS_ROUTEDB_OK &&
	       (paas_routedb_compare(old.chain, cert->chain) != 0 ||
		   paas_routedb_compare(old.key, cert->key) != 0);
}

int
paas_routedb_put_cert(paas_routedb_writer_t *w, const paas_routedb_cert_t *cert)
{
	uint8_t key[1 + sizeof(cert->id)];
	size_t len;
	int isnew, changed, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_cert(cert);
	if (rc == PAAS_ROUTEDB_OK && writer_contradicts(w, cert))
		rc = PAAS_ROUTEDB_EINVAL;
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	len = paas_routedb_encode_cert(w->record, cert);
	rc = paas_routedb_writer_change(w, key,
	    paas_routedb_key_cert(key, cert->id), w->record, len, &isnew,
	    &changed);
	if (rc == PAAS_ROUTEDB_OK && isnew)
		w->head.meta.ncerts++;
	return rc;
}

int
paas_routedb_del_cert(paas_routedb_writer_t *w, uint64_t id)
{
	uint8_t key[1 + sizeof(id)];
	int rc = paas_routedb_writer_ready(w);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_writer_del(
		    w, key, paas_routedb_key_cert(key, id));
	if (rc == PAAS_ROUTEDB_OK)
		w->head.meta.ncerts--;
	return rc;
}

int
paas_routedb_put_cert_host(paas_routedb_writer_t *w, paas_routedb_str_t name,
    const uint64_t ids[PAAS_ROUTEDB_CERTS_MAX])
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	size_t keylen, len;
	int isnew, changed, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_cert_host(name, ids);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	keylen = paas_routedb_key_cert_host(key, name);
	len = paas_routedb_encode_cert_host(w->record, ids);
	rc = paas_routedb_writer_change(
	    w, key, keylen, w->record, len, &isnew, &changed);
	if (rc == PAAS_ROUTEDB_OK && isnew)
		w->head.meta.ncerthosts++;
	return rc;
}

int
paas_routedb_del_cert_host(paas_routedb_writer_t *w, paas_routedb_str_t name)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	int rc = paas_routedb_writer_ready(w);

	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	if (name.len == 0 || name.len > PAAS_ROUTEDB_HOST_MAX)
		return PAAS_ROUTEDB_EINVAL;
	rc = paas_routedb_writer_del(
	    w, key, paas_routedb_key_cert_host(key, name));
	if (rc == PAAS_ROUTEDB_OK)
		w->head.meta.ncerthosts--;
	return rc;
}
