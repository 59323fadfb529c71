
/*
 * Certificates by SNI.
 */


#ifndef _NGX_HTTP_PAAS_CERT_H_INCLUDED_
#define _NGX_HTTP_PAAS_CERT_H_INCLUDED_


/* SSL_use_cert_and_key() and the callback of a ClientHello: OpenSSL 1.1.1. */

#if (NGX_HTTP_SSL && defined SSL_CLIENT_HELLO_SUCCESS)
#define NGX_HTTP_PAAS_CERTS  1
#endif


#define NGX_HTTP_PAAS_CERTS_MAX  500    /* in a worker, about 20k each */


typedef struct ngx_http_paas_cert_s  ngx_http_paas_cert_t;
typedef struct ngx_http_paas_sni_s   ngx_http_paas_sni_t;


/* Of a worker, see ngx_http_paas_cert_cache.c. */

typedef struct {
    ngx_http_paas_db_t          db;        /* first */
    ngx_uint_t                  max;       /* certificates kept */
    ngx_queue_t                 certs;     /* last used first */
    ngx_queue_t                 names;
    ngx_uint_t                  ncerts;
    ngx_uint_t                  nnames;
    ngx_http_paas_cert_t      **cert_buckets;
    ngx_http_paas_sni_t       **name_buckets;
    ngx_uint_t                  cert_mask;
    ngx_uint_t                  name_mask;
    u_char                     *pem;       /* of one that is being read */
    ngx_event_t                 tick;
    ngx_connection_t            dummy;     /* for the debug log */
    unsigned                    open:1;    /* in this process */
} ngx_http_paas_certs_t;


#if (NGX_HTTP_PAAS_CERTS)


/* What was parsed; the id never stands for anything else. */

struct ngx_http_paas_cert_s {
    ngx_queue_t                 queue;
    ngx_http_paas_cert_t       *next;      /* in the bucket */
    uint64_t                    id;
    X509                       *leaf;      /* NULL: it can't be used */
    EVP_PKEY                   *key;
    STACK_OF(X509)             *chain;     /* behind the leaf */
    time_t                      expires;
    time_t                      used;
};


/* A name that was asked for. */

struct ngx_http_paas_sni_s {
    ngx_queue_t                 queue;
    ngx_http_paas_sni_t        *next;      /* in the bucket */
    uint64_t                    key;       /* hash of the name */
    uint64_t                    stamp;     /* of the database */
    uint64_t                    ids[PAAS_ROUTEDB_CERTS_MAX];  /* 0: none */
    size_t                      len;
    u_char                      name[1];
};


/* What one read of the database is to find. */

typedef struct {
    ngx_http_paas_certs_t      *certs;
    ngx_str_t                  *name;
    uint64_t                    ids[PAAS_ROUTEDB_CERTS_MAX];
    uint64_t                    id;        /* of them, in certs->pem; or 0 */
    size_t                      chain;     /* bytes there */
    size_t                      key;       /* the same, behind the chain */
} ngx_http_paas_cert_read_t;


/* ngx_http_paas_cert.c */

char *ngx_http_paas_set_certs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_paas_init_certs(ngx_conf_t *cf);
ngx_int_t ngx_http_paas_parse_cert(ngx_http_paas_cert_t *cert, u_char *chain,
    size_t chain_len, u_char *key, size_t key_len);


/* ngx_http_paas_resume.c */

ngx_int_t ngx_http_paas_bind_sessions(ngx_conf_t *cf,
    ngx_http_core_main_conf_t *cmcf);


/* ngx_http_paas_cert_cache.c */

void ngx_http_paas_open_certs(ngx_http_paas_certs_t *certs, ngx_log_t *log);
void ngx_http_paas_close_certs(ngx_http_paas_certs_t *certs);
ngx_http_paas_sni_t *ngx_http_paas_lookup_name(
    ngx_http_paas_certs_t *certs, uint64_t key, ngx_str_t *name);
ngx_http_paas_cert_t *ngx_http_paas_lookup_cert(
    ngx_http_paas_certs_t *certs, uint64_t id);
void ngx_http_paas_store_name(ngx_http_paas_certs_t *certs,
    ngx_http_paas_sni_t *sni, uint64_t key, ngx_str_t *name, uint64_t *ids);
ngx_int_t ngx_http_paas_store_cert(ngx_http_paas_certs_t *certs,
    ngx_http_paas_cert_read_t *read, ngx_log_t *log);


/* ngx_http_paas_cert_find.c */

ngx_uint_t ngx_http_paas_find_certs(ngx_http_paas_certs_t *certs,
    ngx_str_t *name, ngx_http_paas_cert_t **found, ngx_log_t *log);
ngx_int_t ngx_http_paas_reread_cert(ngx_http_paas_db_t *db,
    void *data);


#endif


#endif /* _NGX_HTTP_PAAS_CERT_H_INCLUDED_ */
