
/*
 * Which certificates a name has: by the cache, else by the database, and then
 * in the cache.
 */


#include "ngx_http_paas_module.h"


#if (NGX_HTTP_PAAS_CERTS)


/* Those of a name are read one after the other; some reads take too long. */

#define NGX_HTTP_PAAS_CERT_TRIES  (PAAS_ROUTEDB_CERTS_MAX + 3)


static ngx_uint_t ngx_http_paas_has_certs(ngx_http_paas_certs_t *certs,
    uint64_t *ids);
static ngx_uint_t ngx_http_paas_collect_certs(ngx_http_paas_certs_t *certs,
    uint64_t *ids, ngx_http_paas_cert_t **found);
static ngx_int_t ngx_http_paas_load_certs(ngx_http_paas_certs_t *certs,
    ngx_str_t *name, ngx_http_paas_cert_read_t *read, ngx_log_t *log);
static ngx_int_t ngx_http_paas_read_cert_name(ngx_http_paas_db_t *db,
    void *data);


/*
 * The certificates for a canonical name, "." for those who don't say whom they
 * want: how many are in found, with keys of different kinds.  0 if there is
 * none: the server's own is served.
 */

ngx_uint_t
ngx_http_paas_find_certs(ngx_http_paas_certs_t *certs, ngx_str_t *name,
    ngx_http_paas_cert_t **found, ngx_log_t *log)
{
    uint64_t                    key;
    ngx_http_paas_sni_t        *sni;
    ngx_http_paas_cert_read_t   read;

    if (!certs->open) {
        return 0;
    }

    (void) ngx_http_paas_check_db(&certs->db, log);

    key = ngx_http_paas_hash(name->data, name->len);
    sni = ngx_http_paas_lookup_name(certs, key, name);

    if (sni && sni->stamp == certs->db.stamp
        && ngx_http_paas_has_certs(certs, sni->ids))
    {
        return ngx_http_paas_collect_certs(certs, sni->ids, found);
    }

    if (ngx_http_paas_load_certs(certs, name, &read, log) == NGX_OK) {
        ngx_http_paas_store_name(certs, sni, key, name, read.ids);
        return ngx_http_paas_collect_certs(certs, read.ids, found);
    }

    /* what is known goes on */

    return sni ? ngx_http_paas_collect_certs(certs, sni->ids, found) : 0;
}


static ngx_uint_t
ngx_http_paas_has_certs(ngx_http_paas_certs_t *certs, uint64_t *ids)
{
    ngx_uint_t  i;

    for (i = 0; i < PAAS_ROUTEDB_CERTS_MAX && ids[i]; i++) {

        if (ngx_http_paas_lookup_cert(certs, ids[i]) == NULL) {
            return 0;
        }
    }

    return 1;
}


/*
 * Those of them that can be served.  One that has expired is served only where
 * there is no other: who renews one may forget the other one.
 */

static ngx_uint_t
ngx_http_paas_collect_certs(ngx_http_paas_certs_t *certs, uint64_t *ids,
    ngx_http_paas_cert_t **found)
{
    ngx_uint_t             i, n;
    ngx_http_paas_cert_t  *cert, *expired;

    n = 0;
    expired = NULL;

    for (i = 0; i < PAAS_ROUTEDB_CERTS_MAX && ids[i]; i++) {

        cert = ngx_http_paas_lookup_cert(certs, ids[i]);

        if (cert == NULL || cert->leaf == NULL) {
            continue;
        }

        if (cert->expires > ngx_time()) {
            found[n++] = cert;

        } else if (expired == NULL) {
            expired = cert;
        }
    }

    if (n == 0 && expired) {
        found[n++] = expired;
    }

    return n;
}


/* Reads what the name has now, and those of it that are not known yet. */

static ngx_int_t
ngx_http_paas_load_certs(ngx_http_paas_certs_t *certs, ngx_str_t *name,
    ngx_http_paas_cert_read_t *read, ngx_log_t *log)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    for (n = 0; n < NGX_HTTP_PAAS_CERT_TRIES; n++) {

        ngx_memzero(read, sizeof(ngx_http_paas_cert_read_t));

        read->certs = certs;
        read->name = name;

        rc = ngx_http_paas_read_db(&certs->db, ngx_http_paas_read_cert_name,
                                   read, log);

        if (rc == NGX_AGAIN) {
            continue;
        }

        if (rc != NGX_OK) {

            if (rc == NGX_DECLINED) {
                ngx_http_paas_damage_db(&certs->db, name, log);
            }

            return NGX_ERROR;
        }

        if (read->id == 0) {
            return NGX_OK;
        }

        if (ngx_http_paas_store_cert(certs, read, log) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_ERROR;
}


/*
 * In a transaction: copies the PEM of the first one out that is not known,
 * which is parsed behind it; the next one has its turn then.  NGX_DECLINED if
 * a record is damaged.
 */

static ngx_int_t
ngx_http_paas_read_cert_name(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_cert_read_t *read = data;

    int                  error;
    uint64_t             ids[PAAS_ROUTEDB_CERTS_MAX];
    ngx_uint_t           i, n;
    paas_routedb_cert_t  cert;

    error = paas_routedb_find_cert_host(db->reader, (char *) read->name->data,
                                        read->name->len, ids);

    if (error == PAAS_ROUTEDB_ENOTFOUND) {
        return NGX_OK;
    }

    if (error != PAAS_ROUTEDB_OK) {
        return NGX_DECLINED;
    }

    for (i = 0, n = 0; i < PAAS_ROUTEDB_CERTS_MAX && ids[i]; i++) {

        if (read->certs
            && (read->id
                || ngx_http_paas_lookup_cert(read->certs, ids[i]) != NULL))
        {
            read->ids[n++] = ids[i];
            continue;
        }

        error = paas_routedb_find_cert(db->reader, ids[i], &cert);

        if (error == PAAS_ROUTEDB_ENOTFOUND) {
            continue;
        }

        if (error != PAAS_ROUTEDB_OK) {
            return NGX_DECLINED;
        }

        read->ids[n++] = ids[i];

        if (read->certs) {
            read->id = ids[i];
            read->chain = cert.chain.len;
            read->key = cert.key.len;

            ngx_memcpy(read->certs->pem, cert.chain.data, cert.chain.len);
            ngx_memcpy(read->certs->pem + cert.chain.len, cert.key.data,
                       cert.key.len);
        }
    }

    return NGX_OK;
}


/* Is the name that had a damaged record well again? */

ngx_int_t
ngx_http_paas_reread_cert(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_cert_read_t  read;

    ngx_memzero(&read, sizeof(ngx_http_paas_cert_read_t));

    read.name = &db->bad;

    return ngx_http_paas_read_cert_name(db, &read);
}


#endif
