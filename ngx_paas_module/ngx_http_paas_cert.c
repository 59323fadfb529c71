
/*
 * Certificates by SNI: chosen in OpenSSL's callback for certificates, which
 * neither waits nor opens a file, in place of those of "ssl_certificate".
 */


#include "ngx_http_paas_module.h"


#if (NGX_HTTP_PAAS_CERTS)


static char *ngx_http_paas_set_certs_cache(ngx_conf_t *cf,
    ngx_http_paas_certs_t *certs, ngx_str_t *value);
static ngx_int_t ngx_http_paas_init_server_certs(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static int ngx_http_paas_select_cert(ngx_ssl_conn_t *ssl_conn, void *arg);
static ngx_int_t ngx_http_paas_parse_chain(ngx_http_paas_cert_t *cert,
    BIO *bio);
static ngx_int_t ngx_http_paas_parse_expiry(ngx_http_paas_cert_t *cert);
static int ngx_http_paas_no_password(char *buf, int size, int rwflag,
    void *data);


/*
 * Runs before a certificate is chosen, and not at all where a session is
 * resumed.  1: go on, with the server's own certificate if nothing was done.
 */

static int
ngx_http_paas_select_cert(ngx_ssl_conn_t *ssl_conn, void *arg)
{
    ngx_http_paas_certs_t *certs = arg;

    int                    n;
    char                   buf[PAAS_ROUTEDB_HOST_MAX + 1];
    ngx_str_t              name;
    ngx_uint_t             i, ncerts;
    const char            *servername;
    ngx_connection_t      *c;
    ngx_http_paas_cert_t  *found[PAAS_ROUTEDB_CERTS_MAX];

    c = ngx_ssl_get_connection(ssl_conn);

    servername = SSL_get_servername(ssl_conn, TLSEXT_NAMETYPE_host_name);

    n = servername ? paas_routedb_canonical((u_char *) servername,
                                            ngx_strlen(servername), 0, buf)
                   : 0;

    if (n <= 0) {
        ngx_memcpy(buf, ".", sizeof("."));
        n = 1;
    }

    name.data = (u_char *) buf;
    name.len = n;

    ncerts = ngx_http_paas_find_certs(certs, &name, found, c->log);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "paas certificates for \"%V\": %ui", &name, ncerts);

    if (ncerts == 0) {
        return 1;
    }

    /*
     * The server's own may be of another kind of key: it would be left
     * beside this one, and be served to who prefers that.
     */

    SSL_certs_clear(ssl_conn);

    for (i = 0; i < ncerts; i++) {

        if (SSL_use_cert_and_key(ssl_conn, found[i]->leaf, found[i]->key,
                                 found[i]->chain, 1)
            != 1)
        {
            ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                          "the certificate %016xL for \"%V\" can't be used",
                          found[i]->id, &name);
            return 0;
        }
    }

    return 1;
}


/*
 * Fills leaf, key and chain from PEM.  On failure the leaf is NULL, and
 * nothing is said: OpenSSL's words might quote the key.
 */

ngx_int_t
ngx_http_paas_parse_cert(ngx_http_paas_cert_t *cert, u_char *chain,
    size_t chain_len, u_char *key, size_t key_len)
{
    BIO        *bio;
    ngx_int_t   rc;

    rc = NGX_ERROR;

    bio = BIO_new_mem_buf(chain, chain_len);

    if (bio) {
        rc = ngx_http_paas_parse_chain(cert, bio);
        BIO_free(bio);
    }

    bio = BIO_new_mem_buf(key, key_len);

    if (bio) {
        cert->key = PEM_read_bio_PrivateKey(bio, NULL,
                                            ngx_http_paas_no_password, NULL);
        BIO_free(bio);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_paas_parse_expiry(cert);
    }

    if (rc != NGX_OK || cert->key == NULL
        || X509_check_private_key(cert->leaf, cert->key) != 1)
    {
        X509_free(cert->leaf);
        cert->leaf = NULL;

        rc = NGX_ERROR;
    }

    ERR_clear_error();

    return rc;
}


static ngx_int_t
ngx_http_paas_parse_chain(ngx_http_paas_cert_t *cert, BIO *bio)
{
    X509  *x509;

    cert->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    cert->chain = sk_X509_new_null();

    if (cert->leaf == NULL || cert->chain == NULL) {
        return NGX_ERROR;
    }

    for ( ;; ) {
        x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (x509 == NULL) {
            break;
        }

        if (sk_X509_push(cert->chain, x509) == 0) {
            X509_free(x509);
            return NGX_ERROR;
        }
    }

    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_paas_parse_expiry(ngx_http_paas_cert_t *cert)
{
    struct tm  tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert->leaf), &tm) != 1) {
        return NGX_ERROR;
    }

    cert->expires = timegm(&tm);

    return NGX_OK;
}


/* OpenSSL would ask at the terminal. */

static int
ngx_http_paas_no_password(char *buf, int size, int rwflag, void *data)
{
    return 0;
}


/* Where a server has it, its contexts of TLS exist by now. */

ngx_int_t
ngx_http_paas_init_certs(ngx_conf_t *cf)
{
    ngx_uint_t                   s;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_paas_main_conf_t   *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);

    if (pmcf->certs == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    for (s = 0; s < cmcf->servers.nelts; s++) {

        if (ngx_http_paas_init_server_certs(cf, cscfp[s]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_paas_bind_sessions(cf, cmcf);
}


static ngx_int_t
ngx_http_paas_init_server_certs(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_paas_srv_conf_t  *pscf;

    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
    pscf = cscf->ctx->srv_conf[ngx_http_paas_module.ctx_index];

    if (sscf->ssl.ctx == NULL) {

        if (pscf->certs == NULL || pscf->inherited) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"paas_certs\" needs \"ssl_certificate\" in the "
                      "server in %s:%ui: it is served where the database "
                      "has none", cscf->file_name, cscf->line);
        return NGX_ERROR;
    }

    if (pscf->certs && sscf->certificate_values) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"paas_certs\" and variables in \"ssl_certificate\" "
                      "exclude each other, in the server in %s:%ui",
                      cscf->file_name, cscf->line);
        return NGX_ERROR;
    }

    if (pscf->certs && sscf->certificates) {
        SSL_CTX_set_cert_cb(sscf->ssl.ctx, ngx_http_paas_select_cert,
                            pscf->certs);
    }

    return NGX_OK;
}


/* paas_certs FOLDER [cache=NUMBER] | off; */

char *
ngx_http_paas_set_certs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_srv_conf_t *pscf = conf;

    ngx_str_t                  *value, path;
    ngx_http_paas_certs_t      *certs;
    ngx_http_paas_main_conf_t  *pmcf;

    if (pscf->certs != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        pscf->certs = NULL;
        return NGX_CONF_OK;
    }

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);
    path = value[1];

    if (path.len == 0) {
        return "needs the folder of the certificate database";
    }

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    certs = pmcf->certs;

    if (certs == NULL) {
        certs = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_certs_t));
        if (certs == NULL) {
            return NGX_CONF_ERROR;
        }

        certs->db.name = "certificate database";
        certs->db.effect = "names in the cache go on, others get the "
                           "server's own certificate";

        if (ngx_http_paas_set_db(cf, &certs->db, &path) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        certs->max = NGX_HTTP_PAAS_CERTS_MAX;
        pmcf->certs = certs;

    } else if (certs->db.path.len != path.len
               || ngx_memcmp(certs->db.path.data, path.data, path.len) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"paas_certs\" names \"%V\" elsewhere, and has "
                           "to name the same folder everywhere",
                           &certs->db.path);
        return NGX_CONF_ERROR;
    }

    pscf->certs = certs;

    return (cf->args->nelts == 3)
           ? ngx_http_paas_set_certs_cache(cf, certs, &value[2])
           : NGX_CONF_OK;
}


static char *
ngx_http_paas_set_certs_cache(ngx_conf_t *cf, ngx_http_paas_certs_t *certs,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = NGX_ERROR;

    if (ngx_strncmp(value->data, "cache=", 6) == 0) {
        n = ngx_atoi(value->data + 6, value->len - 6);
    }

    if (n < 1 || n > 100000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it may be "
                           "\"cache=NUMBER\" of 1 to 100000 certificates",
                           value);
        return NGX_CONF_ERROR;
    }

    /* those of one name have to fit */

    certs->max = ngx_max(n, PAAS_ROUTEDB_CERTS_MAX);

    return NGX_CONF_OK;
}


#endif
