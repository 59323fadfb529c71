/*
 * Reading certificates.
 */
#include "internal.h"

/* ---- bytes -------------------------------------------------------------- */

int
paas_routedb_decode_cert_host(
    const MDB_val *key, const MDB_val *value, uint64_t *ids)
{
	const uint8_t *v = value->mv_data;
	int two = value->mv_size == CERT_HOST_SIZE_MAX;

	if (key->mv_size < 2 || (!two && value->mv_size != CERT_HOST_SIZE) ||
	    !paas_routedb_sealed(
		key, value, PAAS_ROUTEDB_TAG_CERT_HOST, value->mv_size))
		return PAAS_ROUTEDB_EDAMAGED;
	ids[0] = paas_routedb_u64(v + CERT_HOST_ID);
	ids[1] = two ? paas_routedb_u64(v + CERT_HOST_ID + 8) : 0;
	return ids[0] != 0 && ids[0] != ids[1] && (!two || ids[1] != 0)
		   ? PAAS_ROUTEDB_OK
		   : PAAS_ROUTEDB_EDAMAGED;
}

int
paas_routedb_decode_cert(
    const MDB_val *key, const MDB_val *value, paas_routedb_cert_t *cert)
{
	const uint8_t *v = value->mv_data;
	size_t len = value->mv_size - CERT_SIZE;

	if (key->mv_size != 1 + sizeof(cert->id) ||
	    value->mv_size > CERT_SIZE + PAAS_ROUTEDB_CERT_MAX ||
	    !paas_routedb_sealed(key, value, PAAS_ROUTEDB_TAG_CERT, CERT_SIZE))
		return PAAS_ROUTEDB_EDAMAGED;
	memcpy(&cert->id, (const uint8_t *)key->mv_data + 1, sizeof(cert->id));
	cert->id = be64toh(cert->id);
	cert->chain.data = v + CERT_SIZE;
	cert->chain.len = paas_routedb_u32(v + CERT_CHAIN);
	if (cert->id == 0 || cert->chain.len == 0 || cert->chain.len >= len)
		return PAAS_ROUTEDB_EDAMAGED;
	cert->key.data = cert->chain.data + cert->chain.len;
	cert->key.len = len - cert->chain.len;
	return PAAS_ROUTEDB_OK;
}

/* ---- one ---------------------------------------------------------------- */

static int
reader_get_cert_host(
    paas_routedb_reader_t *reader, paas_routedb_str_t name, uint64_t *ids)
{
	uint8_t bytes[PAAS_ROUTEDB_KEY_MAX];
	MDB_val key = {paas_routedb_key_cert_host(bytes, name), bytes}, value;
	int rc = paas_routedb_fetch(reader, bytes, key.mv_size, &value);

	return rc != PAAS_ROUTEDB_OK
		   ? rc
		   : paas_routedb_decode_cert_host(&key, &value, ids);
}

int
paas_routedb_find_cert_host(paas_routedb_reader_t *reader, const char *host,
    size_t len, uint64_t ids[PAAS_ROUTEDB_CERTS_MAX])
{
	paas_routedb_str_t name = {(const uint8_t *)host, len};
	const uint8_t *dot;
	int rc;

	if (len == 0 || len > PAAS_ROUTEDB_HOST_MAX)
		return PAAS_ROUTEDB_ENOTFOUND;
	rc = reader_get_cert_host(reader, name, ids);
	dot = memchr(name.data, '.', len);
	if (rc == PAAS_ROUTEDB_ENOTFOUND && dot != NULL && dot > name.data) {
		name.len -= (size_t)(dot - name.data);
		name.data = dot;
		rc = reader_get_cert_host(reader, name, ids);
	}
	if (rc == PAAS_ROUTEDB_ENOTFOUND) {
		name = (paas_routedb_str_t){(const uint8_t *)".", 1};
		rc = reader_get_cert_host(reader, name, ids);
	}
	return rc;
}

int
paas_routedb_find_cert(
    paas_routedb_reader_t *reader, uint64_t id, paas_routedb_cert_t *out)
{
	uint8_t bytes[1 + sizeof(id)];
	MDB_val key = {paas_routedb_key_cert(bytes, id), bytes}, value;
	int rc = paas_routedb_fetch(reader, bytes, key.mv_size, &value);

	return rc != PAAS_ROUTEDB_OK
		   ? rc
		   : paas_routedb_decode_cert(&key, &value, out);
}

/* ---- all ---------------------------------------------------------------- */

struct each_cert_host {
	int (*cb)(paas_routedb_str_t, const uint64_t *, void *);
	void *arg;
};

static int
each_cert_host(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_cert_host *each = arg;
	paas_routedb_str_t name;
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];
	int rc = paas_routedb_decode_cert_host(key, value, ids);

	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	name.data = (const uint8_t *)key->mv_data + 1;
	name.len = key->mv_size - 1;
	return each->cb(name, ids, each->arg);
}

int
paas_routedb_each_cert_host(paas_routedb_reader_t *reader,
    int (*cb)(paas_routedb_str_t name, const uint64_t *ids, void *), void *arg)
{
	struct each_cert_host each = {cb, arg};

	return paas_routedb_each(
	    reader, PAAS_ROUTEDB_TAG_CERT_HOST, each_cert_host, &each);
}

struct each_cert {
	int (*cb)(const paas_routedb_cert_t *, void *);
	void *arg;
};

static int
each_cert(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_cert *each = arg;
	paas_routedb_cert_t cert;
	int rc = paas_routedb_decode_cert(key, value, &cert);

	return rc != PAAS_ROUTEDB_OK ? rc : each->cb(&cert, each->arg);
}

int
paas_routedb_each_cert(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_cert_t *, void *), void *arg)
{
	struct each_cert each = {cb, arg};

	return paas_routedb_each(
	    reader, PAAS_ROUTEDB_TAG_CERT, each_cert, &each);
}
