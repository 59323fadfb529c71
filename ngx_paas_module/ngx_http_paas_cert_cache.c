
/*
 * Certificates in use, parsed, by their ids, and names by which they were
 * asked for, those that have none included.  A name is good as long as its
 * stamp is the database's; an id is good for ever.  Both are bounded, and
 * what was not used for an hour goes: a key that was taken out of the
 * database should not stay in memory.
 */


#include "ngx_http_paas_module.h"


#if (NGX_HTTP_PAAS_CERTS)


#define NGX_HTTP_PAAS_CERT_NAMES  16      /* names, for each certificate */
#define NGX_HTTP_PAAS_CERT_IDLE   3600    /* s */
#define NGX_HTTP_PAAS_CERT_TICK   100     /* ms */
#define NGX_HTTP_PAAS_CERT_TRIES  3       /* of a read that took too long */


struct ngx_http_paas_sni_s {
    ngx_queue_t                 queue;
    ngx_http_paas_sni_t        *next;      /* in the bucket */
    uint64_t                    key;       /* hash of the name */
    uint64_t                    stamp;     /* of the database */
    uint64_t                    id;        /* 0: there is none for it */
    size_t                      len;
    u_char                      name[1];
};


/* What one read of the database is to find. */

typedef struct {
    ngx_http_paas_certs_t      *certs;
    ngx_str_t                  *name;
    uint64_t                    id;
    size_t                      chain;     /* bytes in certs->pem, or 0 */
    size_t                      key;       /* the same, behind the chain */
} ngx_http_paas_cert_read_t;


static void ngx_http_paas_tick_certs(ngx_event_t *ev);
static ngx_int_t ngx_http_paas_read_cert_name(ngx_http_paas_db_t *db,
    void *data);
static ngx_int_t ngx_http_paas_reread_cert(ngx_http_paas_db_t *db,
    void *data);
static ngx_http_paas_cert_t *ngx_http_paas_load_cert(
    ngx_http_paas_certs_t *certs, ngx_http_paas_sni_t *sni, uint64_t key,
    ngx_str_t *name, ngx_log_t *log);
static ngx_http_paas_sni_t *ngx_http_paas_lookup_name(
    ngx_http_paas_certs_t *certs, uint64_t key, ngx_str_t *name);
static ngx_http_paas_cert_t *ngx_http_paas_lookup_cert(
    ngx_http_paas_certs_t *certs, uint64_t id);
static void ngx_http_paas_store_name(ngx_http_paas_certs_t *certs,
    ngx_http_paas_sni_t *sni, uint64_t key, ngx_str_t *name, uint64_t id);
static ngx_http_paas_cert_t *ngx_http_paas_store_cert(
    ngx_http_paas_certs_t *certs, ngx_http_paas_cert_read_t *read,
    ngx_log_t *log);
static void ngx_http_paas_free_name(ngx_http_paas_certs_t *certs,
    ngx_http_paas_sni_t *sni);
static void ngx_http_paas_free_cert(ngx_http_paas_certs_t *certs,
    ngx_http_paas_cert_t *cert);


/* Once in a worker; without the memory nginx's own certificates are served. */

void
ngx_http_paas_open_certs(ngx_http_paas_certs_t *certs, ngx_log_t *log)
{
    ngx_uint_t  n;

    for (n = 16; n < certs->max; n *= 2) { /* void */ }

    certs->cert_mask = n - 1;
    certs->name_mask = n * NGX_HTTP_PAAS_CERT_NAMES / 4 - 1;

    certs->pem = ngx_alloc(PAAS_ROUTEDB_CERT_MAX, log);
    certs->cert_buckets = ngx_calloc(n * sizeof(ngx_http_paas_cert_t *), log);
    certs->name_buckets = ngx_calloc((certs->name_mask + 1)
                                     * sizeof(ngx_http_paas_sni_t *), log);

    ngx_queue_init(&certs->certs);
    ngx_queue_init(&certs->names);

    if (certs->pem == NULL || certs->cert_buckets == NULL
        || certs->name_buckets == NULL)
    {
        ngx_http_paas_close_certs(certs);
        return;
    }

    certs->open = 1;
    certs->db.reread = ngx_http_paas_reread_cert;

    ngx_http_paas_init_db(&certs->db, log);

    certs->dummy.fd = (ngx_socket_t) -1;
    certs->dummy.data = certs;

    certs->tick.data = &certs->dummy;
    certs->tick.handler = ngx_http_paas_tick_certs;
    certs->tick.log = log;
    certs->tick.cancelable = 1;

    ngx_add_timer(&certs->tick, NGX_HTTP_PAAS_CERT_TICK);
}


static void
ngx_http_paas_tick_certs(ngx_event_t *ev)
{
    ngx_queue_t            *q;
    ngx_connection_t       *dummy;
    ngx_http_paas_cert_t   *cert;
    ngx_http_paas_certs_t  *certs;

    dummy = ev->data;
    certs = dummy->data;

    ngx_http_paas_watch_db(&certs->db, ev->log);

    if (!ngx_queue_empty(&certs->certs)) {
        q = ngx_queue_last(&certs->certs);
        cert = ngx_queue_data(q, ngx_http_paas_cert_t, queue);

        if (ngx_time() - cert->used > NGX_HTTP_PAAS_CERT_IDLE) {
            ngx_http_paas_free_cert(certs, cert);
        }
    }

    ngx_add_timer(ev, NGX_HTTP_PAAS_CERT_TICK);
}


void
ngx_http_paas_close_certs(ngx_http_paas_certs_t *certs)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&certs->certs)) {
        q = ngx_queue_head(&certs->certs);
        ngx_http_paas_free_cert(certs, ngx_queue_data(q, ngx_http_paas_cert_t,
                                                      queue));
    }

    while (!ngx_queue_empty(&certs->names)) {
        q = ngx_queue_head(&certs->names);
        ngx_http_paas_free_name(certs, ngx_queue_data(q, ngx_http_paas_sni_t,
                                                      queue));
    }

    ngx_http_paas_close_db(&certs->db);

    ngx_free(certs->cert_buckets);
    ngx_free(certs->name_buckets);
    ngx_free(certs->pem);

    certs->open = 0;
}


/*
 * The certificate for a canonical name, "." for those who don't say whom they
 * want.  NULL if there is none: the server's own is served.
 */

ngx_http_paas_cert_t *
ngx_http_paas_find_cert(ngx_http_paas_certs_t *certs, ngx_str_t *name,
    ngx_log_t *log)
{
    uint64_t               key;
    ngx_http_paas_sni_t   *sni;
    ngx_http_paas_cert_t  *cert;

    if (!certs->open) {
        return NULL;
    }

    (void) ngx_http_paas_check_db(&certs->db, log);

    key = ngx_http_paas_hash(name->data, name->len);
    sni = ngx_http_paas_lookup_name(certs, key, name);

    if (sni == NULL || sni->stamp != certs->db.stamp) {
        return ngx_http_paas_load_cert(certs, sni, key, name, log);
    }

    if (sni->id == 0) {
        return NULL;
    }

    cert = ngx_http_paas_lookup_cert(certs, sni->id);

    return cert ? cert : ngx_http_paas_load_cert(certs, sni, key, name, log);
}


/* Reads what the name has now, and what that is if it is not known yet. */

static ngx_http_paas_cert_t *
ngx_http_paas_load_cert(ngx_http_paas_certs_t *certs, ngx_http_paas_sni_t *sni,
    uint64_t key, ngx_str_t *name, ngx_log_t *log)
{
    ngx_int_t                   rc;
    ngx_uint_t                  n;
    ngx_http_paas_cert_t       *cert;
    ngx_http_paas_cert_read_t   read;

    for (n = 0; n < NGX_HTTP_PAAS_CERT_TRIES; n++) {

        ngx_memzero(&read, sizeof(ngx_http_paas_cert_read_t));

        read.certs = certs;
        read.name = name;

        rc = ngx_http_paas_read_db(&certs->db, ngx_http_paas_read_cert_name,
                                   &read, log);

        if (rc != NGX_AGAIN) {
            break;
        }
    }

    if (rc != NGX_OK) {

        if (rc == NGX_DECLINED) {
            ngx_http_paas_damage_db(&certs->db, name, log);
        }

        /* what is known goes on */

        return (sni && sni->id) ? ngx_http_paas_lookup_cert(certs, sni->id)
                                : NULL;
    }

    ngx_http_paas_store_name(certs, sni, key, name, read.id);

    if (read.id == 0) {
        return NULL;
    }

    cert = ngx_http_paas_lookup_cert(certs, read.id);

    return cert ? cert : ngx_http_paas_store_cert(certs, &read, log);
}


/*
 * In a transaction: copies the PEM out, which is parsed behind it.
 * NGX_DECLINED if a record is damaged.
 */

static ngx_int_t
ngx_http_paas_read_cert_name(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_cert_read_t *read = data;

    int                  error;
    paas_routedb_cert_t  cert;

    error = paas_routedb_find_cert_host(db->reader, (char *) read->name->data,
                                        read->name->len, &read->id);

    if (error == PAAS_ROUTEDB_OK
        && (read->certs == NULL
            || ngx_http_paas_lookup_cert(read->certs, read->id) == NULL))
    {
        error = paas_routedb_find_cert(db->reader, read->id, &cert);

        if (error == PAAS_ROUTEDB_OK) {
            read->chain = cert.chain.len;
            read->key = cert.key.len;
        }

        if (error == PAAS_ROUTEDB_OK && read->certs) {
            ngx_memcpy(read->certs->pem, cert.chain.data, cert.chain.len);
            ngx_memcpy(read->certs->pem + cert.chain.len, cert.key.data,
                       cert.key.len);
        }
    }

    if (error == PAAS_ROUTEDB_ENOTFOUND) {
        read->id = 0;
        return NGX_OK;
    }

    return (error == PAAS_ROUTEDB_OK) ? NGX_OK : NGX_DECLINED;
}


/* Is the name that had a damaged record well again? */

static ngx_int_t
ngx_http_paas_reread_cert(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_cert_read_t  read;

    ngx_memzero(&read, sizeof(ngx_http_paas_cert_read_t));

    read.name = &db->bad;

    return ngx_http_paas_read_cert_name(db, &read);
}


static ngx_http_paas_sni_t *
ngx_http_paas_lookup_name(ngx_http_paas_certs_t *certs, uint64_t key,
    ngx_str_t *name)
{
    ngx_http_paas_sni_t  *sni;

    sni = certs->name_buckets[key & certs->name_mask];

    for ( /* void */ ; sni; sni = sni->next) {

        if (sni->key == key && sni->len == name->len
            && ngx_memcmp(sni->name, name->data, name->len) == 0)
        {
            ngx_queue_remove(&sni->queue);
            ngx_queue_insert_head(&certs->names, &sni->queue);

            return sni;
        }
    }

    return NULL;
}


static ngx_http_paas_cert_t *
ngx_http_paas_lookup_cert(ngx_http_paas_certs_t *certs, uint64_t id)
{
    ngx_http_paas_cert_t  *cert;

    /* the id is bits of a hash already */

    cert = certs->cert_buckets[id & certs->cert_mask];

    for ( /* void */ ; cert; cert = cert->next) {

        if (cert->id == id) {
            ngx_queue_remove(&cert->queue);
            ngx_queue_insert_head(&certs->certs, &cert->queue);
            cert->used = ngx_time();

            return cert;
        }
    }

    return NULL;
}


static void
ngx_http_paas_store_name(ngx_http_paas_certs_t *certs,
    ngx_http_paas_sni_t *sni, uint64_t key, ngx_str_t *name, uint64_t id)
{
    ngx_queue_t          *q;
    ngx_http_paas_sni_t  **bucket;

    if (sni == NULL) {

        while (certs->nnames >= certs->max * NGX_HTTP_PAAS_CERT_NAMES) {
            q = ngx_queue_last(&certs->names);
            ngx_http_paas_free_name(certs, ngx_queue_data(q,
                                                  ngx_http_paas_sni_t, queue));
        }

        sni = ngx_alloc(sizeof(ngx_http_paas_sni_t) + name->len,
                        ngx_cycle->log);
        if (sni == NULL) {
            return;
        }

        sni->key = key;
        sni->len = name->len;
        ngx_memcpy(sni->name, name->data, name->len);

        bucket = &certs->name_buckets[key & certs->name_mask];

        sni->next = *bucket;
        *bucket = sni;

        ngx_queue_insert_head(&certs->names, &sni->queue);
        certs->nnames++;
    }

    sni->id = id;
    sni->stamp = certs->db.stamp;
}


/*
 * Parses what was read.  One that can't be used is kept as such, so that it
 * is neither parsed nor complained about with each handshake.
 */

static ngx_http_paas_cert_t *
ngx_http_paas_store_cert(ngx_http_paas_certs_t *certs,
    ngx_http_paas_cert_read_t *read, ngx_log_t *log)
{
    ngx_int_t              rc;
    ngx_queue_t           *q;
    ngx_http_paas_cert_t  *cert, **bucket;

    cert = ngx_calloc(sizeof(ngx_http_paas_cert_t), log);
    if (cert == NULL) {
        return NULL;
    }

    rc = ngx_http_paas_parse_cert(cert, certs->pem, read->chain,
                                  certs->pem + read->chain, read->key);

    OPENSSL_cleanse(certs->pem, read->chain + read->key);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "%s \"%V\": the certificate %016xL for \"%V\" can't be "
                      "used", certs->db.name, &certs->db.path, read->id,
                      read->name);
    }

    while (certs->ncerts >= certs->max) {
        q = ngx_queue_last(&certs->certs);
        ngx_http_paas_free_cert(certs, ngx_queue_data(q, ngx_http_paas_cert_t,
                                                      queue));
    }

    cert->id = read->id;
    cert->used = ngx_time();

    bucket = &certs->cert_buckets[cert->id & certs->cert_mask];

    cert->next = *bucket;
    *bucket = cert;

    ngx_queue_insert_head(&certs->certs, &cert->queue);
    certs->ncerts++;

    return cert;
}


static void
ngx_http_paas_free_name(ngx_http_paas_certs_t *certs, ngx_http_paas_sni_t *sni)
{
    ngx_http_paas_sni_t  **p;

    p = &certs->name_buckets[sni->key & certs->name_mask];

    while (*p != sni) {
        p = &(*p)->next;
    }

    *p = sni->next;

    ngx_queue_remove(&sni->queue);
    certs->nnames--;

    ngx_free(sni);
}


/* Handshakes that are under way hold references of their own. */

static void
ngx_http_paas_free_cert(ngx_http_paas_certs_t *certs,
    ngx_http_paas_cert_t *cert)
{
    ngx_http_paas_cert_t  **p;

    p = &certs->cert_buckets[cert->id & certs->cert_mask];

    while (*p != cert) {
        p = &(*p)->next;
    }

    *p = cert->next;

    ngx_queue_remove(&cert->queue);
    certs->ncerts--;

    X509_free(cert->leaf);
    EVP_PKEY_free(cert->key);
    sk_X509_pop_free(cert->chain, X509_free);

    ngx_free(cert);
}


#endif
