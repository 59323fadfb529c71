
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


static void ngx_http_paas_tick_certs(ngx_event_t *ev);
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


ngx_http_paas_sni_t *
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


ngx_http_paas_cert_t *
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


void
ngx_http_paas_store_name(ngx_http_paas_certs_t *certs,
    ngx_http_paas_sni_t *sni, uint64_t key, ngx_str_t *name, uint64_t *ids)
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

    ngx_memcpy(sni->ids, ids, sizeof(sni->ids));
    sni->stamp = certs->db.stamp;
}


/*
 * Parses what was read.  One that can't be used is kept as such, so that it
 * is neither parsed nor complained about with each handshake.
 */

ngx_int_t
ngx_http_paas_store_cert(ngx_http_paas_certs_t *certs,
    ngx_http_paas_cert_read_t *read, ngx_log_t *log)
{
    ngx_int_t              rc;
    ngx_queue_t           *q;
    ngx_http_paas_cert_t  *cert, **bucket;

    cert = ngx_calloc(sizeof(ngx_http_paas_cert_t), log);
    if (cert == NULL) {
        return NGX_ERROR;
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

    return NGX_OK;
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
