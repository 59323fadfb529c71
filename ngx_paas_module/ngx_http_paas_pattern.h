
/*
 * Patterns, as a worker has compiled them.
 */


#ifndef _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_
#define _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_


#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH  8
#endif

#include <pcre2.h>


#define NGX_HTTP_PAAS_GROUPS  32           /* the whole match included */


typedef struct {
    uint32_t                    order;
    ngx_str_t                   text;
    pcre2_code                 *code;      /* NULL: none */
    size_t                      size;
    unsigned                    slow:1;    /* has run into the limit */
} ngx_http_paas_pattern_t;


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
    pcre2_match_context        *context;
    pcre2_match_data           *data;
    unsigned                    failed:1;  /* to read them */
} ngx_http_paas_patterns_t;


/* ngx_http_paas_pattern.c */

ngx_int_t ngx_http_paas_load_patterns(ngx_http_paas_main_conf_t *pmcf,
    ngx_log_t *log);
void ngx_http_paas_close_patterns(ngx_http_paas_patterns_t *patterns);
int ngx_http_paas_match_pattern(ngx_http_paas_main_conf_t *pmcf,
    ngx_str_t *host, paas_routedb_host_t *record);

/* Are those of the database compiled, if there are any? */

#define ngx_http_paas_has_patterns(pmcf)                                      \
    (((pmcf)->patterns.generation == (pmcf)->db.meta.patterns                 \
      && (pmcf)->patterns.opened == (pmcf)->db.opened)                        \
     || ((pmcf)->db.meta.npatterns == 0 && (pmcf)->patterns.n == 0))


/* All of them, if they can't even be read. */

#define ngx_http_paas_count_bad(patterns)                                     \
    ((patterns)->bad + ((patterns)->failed ? (patterns)->n - (patterns)->bad  \
                                           : 0))


/* ngx_http_paas_capture.c */

ngx_int_t ngx_http_paas_keep_captures(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_host_t *host);
ngx_int_t ngx_http_paas_add_captures(ngx_conf_t *cf);


#endif /* _NGX_HTTP_PAAS_PATTERN_H_INCLUDED_ */
