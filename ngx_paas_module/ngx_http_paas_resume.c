
/*
 * Which TLS sessions clients may resume.  OpenSSL compares a session's context
 * before it resumes it; nginx's are of a server, which has any number of names
 * here.  Ours are of the name, and of how clients are verified: what a session
 * has shown of a client was judged by what was trusted then.
 */


#include "ngx_http_paas_module.h"

#include <ngx_sha1.h>


#if (NGX_HTTP_PAAS_CERTS)


#define NGX_HTTP_PAAS_CONTEXT  20     /* bytes, of SHA-1 */


static ngx_int_t ngx_http_paas_bind_server(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, u_char *trust);
static ngx_int_t ngx_http_paas_digest_trust(ngx_conf_t *cf,
    ngx_http_core_main_conf_t *cmcf, u_char *trust);
static void ngx_http_paas_add_rules(ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf, ngx_sha1_t *sha1);
static ngx_int_t ngx_http_paas_add_trusted(SSL_CTX *ctx, ngx_sha1_t *sha1);
static int ngx_http_paas_client_hello(ngx_ssl_conn_t *ssl_conn, int *ad,
    void *arg);


/*
 * The callback of a ClientHello is that of the first server of an address, so
 * all of them get it.
 */

ngx_int_t
ngx_http_paas_bind_sessions(ngx_conf_t *cf, ngx_http_core_main_conf_t *cmcf)
{
    u_char                      trust[NGX_HTTP_PAAS_CONTEXT];
    ngx_uint_t                  s;
    ngx_http_core_srv_conf_t  **cscfp;

    if (ngx_http_paas_digest_trust(cf, cmcf, trust) != NGX_OK) {
        return NGX_ERROR;
    }

    cscfp = cmcf->servers.elts;

    for (s = 0; s < cmcf->servers.nelts; s++) {

        if (ngx_http_paas_bind_server(cf, cscfp[s], trust) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_bind_server(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf,
    u_char *trust)
{
    u_char                   *salt;
    ngx_sha1_t                sha1;
    ngx_http_ssl_srv_conf_t  *sscf;

    sscf = cscf->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    if (sscf->ssl.ctx == NULL) {
        return NGX_OK;
    }

    salt = ngx_palloc(cf->pool, NGX_HTTP_PAAS_CONTEXT);
    if (salt == NULL) {
        return NGX_ERROR;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, trust, NGX_HTTP_PAAS_CONTEXT);
    ngx_sha1_update(&sha1, cscf->file_name, ngx_strlen(cscf->file_name));
    ngx_sha1_update(&sha1, &cscf->line, sizeof(cscf->line));
    ngx_sha1_final(salt, &sha1);

    SSL_CTX_set_client_hello_cb(sscf->ssl.ctx, ngx_http_paas_client_hello,
                                salt);

    return NGX_OK;
}


/*
 * Of all servers that verify clients: whom a name belongs to is not known
 * before a session is resumed, and may change as well.
 */

static ngx_int_t
ngx_http_paas_digest_trust(ngx_conf_t *cf, ngx_http_core_main_conf_t *cmcf,
    u_char *trust)
{
    ngx_uint_t                  s;
    ngx_sha1_t                  sha1;
    ngx_http_ssl_srv_conf_t    *sscf;
    ngx_http_core_srv_conf_t  **cscfp;

    ngx_sha1_init(&sha1);

    cscfp = cmcf->servers.elts;

    for (s = 0; s < cmcf->servers.nelts; s++) {

        sscf = cscfp[s]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        if (sscf->ssl.ctx == NULL || !sscf->verify) {
            continue;
        }

        ngx_http_paas_add_rules(cscfp[s], sscf, &sha1);

        if (ngx_http_paas_add_trusted(sscf->ssl.ctx, &sha1) != NGX_OK) {
            ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                          "what \"ssl_client_certificate\" names can't be "
                          "read, in the server in %s:%ui",
                          cscfp[s]->file_name, cscfp[s]->line);
            return NGX_ERROR;
        }
    }

    ngx_sha1_final(trust, &sha1);

    return NGX_OK;
}


static void
ngx_http_paas_add_rules(ngx_http_core_srv_conf_t *cscf,
    ngx_http_ssl_srv_conf_t *sscf, ngx_sha1_t *sha1)
{
    ngx_uint_t               n, rules[4];
    ngx_http_server_name_t  *name;

    rules[0] = cscf->server_names.nelts;
    rules[1] = sscf->verify;
    rules[2] = sscf->verify_depth;
    rules[3] = sscf->ocsp;

    ngx_sha1_update(sha1, rules, sizeof(rules));

    name = cscf->server_names.elts;

    for (n = 0; n < cscf->server_names.nelts; n++) {
        ngx_sha1_update(sha1, &name[n].name.len, sizeof(size_t));
        ngx_sha1_update(sha1, name[n].name.data, name[n].name.len);
    }
}


/* The certificates themselves, as names may be the same, and the CRLs. */

static ngx_int_t
ngx_http_paas_add_trusted(SSL_CTX *ctx, ngx_sha1_t *sha1)
{
    int                      i, rc;
    u_char                   buf[EVP_MAX_MD_SIZE];
    unsigned int             len;
    X509_OBJECT             *object;
    STACK_OF(X509_OBJECT)   *objects;

    objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {

        object = sk_X509_OBJECT_value(objects, i);

        switch (X509_OBJECT_get_type(object)) {

        case X509_LU_X509:
            rc = X509_digest(X509_OBJECT_get0_X509(object), EVP_sha256(),
                             buf, &len);
            break;

        case X509_LU_CRL:
            rc = X509_CRL_digest(X509_OBJECT_get0_X509_CRL(object),
                                 EVP_sha256(), buf, &len);
            break;

        default:
            continue;
        }

        if (rc != 1) {
            return NGX_ERROR;
        }

        ngx_sha1_update(sha1, buf, len);
    }

    return NGX_OK;
}


static int
ngx_http_paas_client_hello(ngx_ssl_conn_t *ssl_conn, int *ad, void *arg)
{
    size_t                len;
    u_char                c, id[NGX_HTTP_PAAS_CONTEXT];
    ngx_sha1_t            sha1;
    const unsigned char  *p, *last;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, arg, sizeof(id));

    /* the length of the list, a type, the length of the name, the name */

    if (SSL_client_hello_get0_ext(ssl_conn, TLSEXT_TYPE_server_name, &p, &len)
        && len > 5)
    {
        last = p + len;

        for (p += 5; p < last; p++) {
            c = ngx_tolower(*p);
            ngx_sha1_update(&sha1, &c, 1);
        }
    }

    ngx_sha1_final(id, &sha1);

    (void) SSL_set_session_id_context(ssl_conn, id, sizeof(id));

#if (nginx_version >= 1029002)
    return ngx_ssl_client_hello_callback(ssl_conn, ad, NULL);
#else
    return SSL_CLIENT_HELLO_SUCCESS;
#endif
}


#endif
