
/*
 * Patterns, as a worker has compiled them.
 */


#ifndef _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_
#define _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_


typedef struct ngx_http_paas_pattern_s  ngx_http_paas_pattern_t;


typedef struct {
    ngx_http_paas_pattern_t    *list;      /* in order */
    ngx_uint_t                  n;
    ngx_uint_t                  bad;       /* of them are skipped */
    ngx_uint_t                  matched;   /* the last one that did, */
    ngx_uint_t                  groups;    /* and groups it has set */
    size_t                      size;      /* of their code */
    uint64_t                    generation;  /* meta.patterns, of the */
    ngx_uint_t                  opened;    /* file that is db->opened */
    ngx_msec_t                  tried;
    void                       *context;   /* of PCRE2 */
    void                       *data;
    unsigned                    failed:1;  /* to read them */
} ngx_http_paas_patterns_t;


#endif /* _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_ */
