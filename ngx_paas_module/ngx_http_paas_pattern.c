
/*
 * Patterns for hosts that have no record, in the order of their numbers.
 *
 * A worker compiles them when meta.patterns has changed, and of those only
 * the ones that it has not compiled yet.  A match is cached with the host, so
 * that the price is paid once for each host and commit, and it is bounded:
 * by PCRE2's own limit for a pattern, and in the number of those that may run
 * into it.
 */


#include "ngx_http_paas_module.h"


/*
 * What PCRE2 counts: with the JIT about 60 us at most, 500 without.  Three
 * ".*" in a host of 253 bytes need less.
 */

#define NGX_HTTP_PAAS_MATCH_LIMIT  50000
#define NGX_HTTP_PAAS_HEAP_LIMIT   1024    /* KiB, without the JIT */
#define NGX_HTTP_PAAS_SLOW         8       /* patterns, for a host */

#define NGX_HTTP_PAAS_CODE_MAX     (8 * 1024 * 1024)  /* of all patterns */
#define NGX_HTTP_PAAS_AGAIN        1000    /* ms, after a failure */


typedef struct {
    ngx_http_paas_pattern_t    *list;
    ngx_uint_t                  n;
    size_t                      len;       /* of all texts */
    u_char                     *last;      /* behind the last one */
} ngx_http_paas_pattern_list_t;


static ngx_int_t ngx_http_paas_copy_patterns(ngx_http_paas_db_t *db,
    void *data);
static int ngx_http_paas_copy_pattern(uint32_t order,
    const paas_routedb_host_t *record, void *data);
static ngx_int_t ngx_http_paas_take_patterns(
    ngx_http_paas_patterns_t *patterns, ngx_http_paas_pattern_list_t *next,
    ngx_log_t *log);
static ngx_int_t ngx_http_paas_init_pcre(ngx_http_paas_patterns_t *patterns);
static void ngx_http_paas_compile_pattern(ngx_http_paas_patterns_t *patterns,
    ngx_http_paas_pattern_t *pattern, ngx_log_t *log);
static void ngx_http_paas_free_patterns(ngx_http_paas_patterns_t *patterns);


/*
 * Compiles what has changed.  NGX_ERROR if the patterns can't be read, or if
 * there is no memory: then it is no use to ask before a second has gone by.
 */

ngx_int_t
ngx_http_paas_load_patterns(ngx_http_paas_main_conf_t *pmcf, ngx_log_t *log)
{
    ngx_int_t                      rc;
    ngx_http_paas_db_t            *db;
    ngx_http_paas_patterns_t      *patterns;
    ngx_http_paas_pattern_list_t   next;

    db = &pmcf->db;
    patterns = &pmcf->patterns;

    if (ngx_http_paas_has_patterns(pmcf)) {
        return NGX_OK;
    }

    if (patterns->failed
        && ngx_current_msec - patterns->tried < NGX_HTTP_PAAS_AGAIN)
    {
        return NGX_ERROR;
    }

    patterns->tried = ngx_current_msec;

    /* compiled outside of the read, which must not last nor be jumped out of */

    next.list = ngx_alloc(PAAS_ROUTEDB_PATTERNS_MAX
                          * (sizeof(ngx_http_paas_pattern_t)
                             + PAAS_ROUTEDB_PATTERN_MAX), log);
    if (next.list == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_paas_read_db(db, ngx_http_paas_copy_patterns, &next, log);

    if (rc == NGX_OK) {
        patterns->generation = db->meta.patterns;
        patterns->opened = db->opened;

        rc = ngx_http_paas_take_patterns(patterns, &next, log);
    }

    ngx_free(next.list);

    if (rc == NGX_OK) {

        if (patterns->failed) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0,
                          "patterns of \"%V\" are readable again", &db->path);
        }

    } else if (rc == NGX_AGAIN) {
        return NGX_ERROR;

    } else if (!patterns->failed) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "patterns of \"%V\" can't be read; hosts that have no "
                      "record get 503", &db->path);
    }

    patterns->failed = (rc != NGX_OK);

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_paas_copy_patterns(ngx_http_paas_db_t *db, void *data)
{
    ngx_http_paas_pattern_list_t *next = data;

    next->n = 0;
    next->len = 0;
    next->last = (u_char *) (next->list + PAAS_ROUTEDB_PATTERNS_MAX);

    return paas_routedb_each_pattern(db->reader, ngx_http_paas_copy_pattern,
                                     next)
           == PAAS_ROUTEDB_OK ? NGX_OK : NGX_ERROR;
}


static int
ngx_http_paas_copy_pattern(uint32_t order, const paas_routedb_host_t *record,
    void *data)
{
    ngx_http_paas_pattern_list_t *next = data;

    ngx_http_paas_pattern_t  *pattern;

    if (next->n == PAAS_ROUTEDB_PATTERNS_MAX
        || record->name.len > PAAS_ROUTEDB_PATTERN_MAX)
    {
        return PAAS_ROUTEDB_EDAMAGED;
    }

    pattern = &next->list[next->n++];

    ngx_memzero(pattern, sizeof(ngx_http_paas_pattern_t));

    pattern->order = order;
    pattern->text.data = next->last;
    pattern->text.len = record->name.len;

    next->last = ngx_cpymem(next->last, record->name.data, record->name.len);
    next->len += record->name.len;

    return PAAS_ROUTEDB_OK;
}


/* What stays keeps its code; the rest is compiled. */

static ngx_int_t
ngx_http_paas_take_patterns(ngx_http_paas_patterns_t *patterns,
    ngx_http_paas_pattern_list_t *next, ngx_log_t *log)
{
    u_char                   *p;
    ngx_uint_t                i, k;
    ngx_http_paas_pattern_t  *list, *old;

    if (ngx_http_paas_init_pcre(patterns) != NGX_OK) {
        return NGX_ERROR;
    }

    list = ngx_alloc(next->n * sizeof(ngx_http_paas_pattern_t) + next->len + 1,
                     log);
    if (list == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(list, next->list, next->n * sizeof(ngx_http_paas_pattern_t));
    p = (u_char *) (list + next->n);

    for (i = 0; i < next->n; i++) {
        ngx_memcpy(p, list[i].text.data, list[i].text.len);
        list[i].text.data = p;
        p += list[i].text.len;

        for (k = 0; k < patterns->n; k++) {
            old = &patterns->list[k];

            if (old->code && old->text.len == list[i].text.len
                && ngx_memcmp(old->text.data, list[i].text.data,
                              old->text.len)
                   == 0)
            {
                list[i].code = old->code;
                list[i].size = old->size;
                list[i].slow = old->slow;

                old->code = NULL;
                break;
            }
        }
    }

    ngx_http_paas_free_patterns(patterns);

    patterns->list = list;
    patterns->n = next->n;

    for (i = 0; i < next->n; i++) {
        patterns->size += list[i].size;
    }

    for (i = 0; i < next->n; i++) {

        if (list[i].code == NULL) {
            ngx_http_paas_compile_pattern(patterns, &list[i], log);
        }

        if (list[i].code == NULL) {
            patterns->bad++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_paas_init_pcre(ngx_http_paas_patterns_t *patterns)
{
    if (patterns->data) {
        return NGX_OK;
    }

    patterns->context = pcre2_match_context_create(NULL);
    if (patterns->context == NULL) {
        return NGX_ERROR;
    }

    pcre2_set_match_limit(patterns->context, NGX_HTTP_PAAS_MATCH_LIMIT);
    pcre2_set_heap_limit(patterns->context, NGX_HTTP_PAAS_HEAP_LIMIT);

    patterns->data = pcre2_match_data_create(NGX_HTTP_PAAS_GROUPS, NULL);

    if (patterns->data == NULL) {
        pcre2_match_context_free(patterns->context);
        patterns->context = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_paas_compile_pattern(ngx_http_paas_patterns_t *patterns,
    ngx_http_paas_pattern_t *pattern, ngx_log_t *log)
{
    int          error;
    size_t       at, code, jit;
    PCRE2_UCHAR  why[128];

    pattern->code = pcre2_compile(pattern->text.data, pattern->text.len,
                                  PCRE2_ANCHORED|PCRE2_ENDANCHORED, &error,
                                  &at, NULL);

    if (pattern->code == NULL) {
        (void) pcre2_get_error_message(error, why, sizeof(why));

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "pattern %uD \"%V\" is skipped: %s at byte %uz",
                      pattern->order, &pattern->text, why, at);
        return;
    }

    /* where there is no JIT, it goes without */

    (void) pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);

    code = 0;
    jit = 0;

    (void) pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &code);
    (void) pcre2_pattern_info(pattern->code, PCRE2_INFO_JITSIZE, &jit);

    pattern->size = code + jit;

    if (patterns->size + pattern->size > NGX_HTTP_PAAS_CODE_MAX) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "pattern %uD \"%V\" is skipped: compiled, the patterns "
                      "have more than %ui bytes", pattern->order,
                      &pattern->text, (ngx_uint_t) NGX_HTTP_PAAS_CODE_MAX);

        pcre2_code_free(pattern->code);
        pattern->code = NULL;
        pattern->size = 0;
        return;
    }

    patterns->size += pattern->size;
}


static void
ngx_http_paas_free_patterns(ngx_http_paas_patterns_t *patterns)
{
    ngx_uint_t  i;

    for (i = 0; i < patterns->n; i++) {
        pcre2_code_free(patterns->list[i].code);
    }

    if (patterns->list) {
        ngx_free(patterns->list);
    }

    patterns->list = NULL;
    patterns->n = 0;
    patterns->bad = 0;
    patterns->size = 0;
}


void
ngx_http_paas_close_patterns(ngx_http_paas_patterns_t *patterns)
{
    ngx_http_paas_free_patterns(patterns);

    pcre2_match_data_free(patterns->data);
    pcre2_match_context_free(patterns->context);

    patterns->data = NULL;
    patterns->context = NULL;
}


/*
 * Within a read: the record of the first pattern that matches a canonical
 * host.  PAAS_ROUTEDB_EAGAIN if the patterns have to be loaded first.
 */

int
ngx_http_paas_match_pattern(ngx_http_paas_main_conf_t *pmcf, ngx_str_t *host,
    paas_routedb_host_t *record)
{
    int                        rc;
    ngx_uint_t                 i, slow;
    ngx_http_paas_pattern_t   *pattern;
    ngx_http_paas_patterns_t  *patterns;

    patterns = &pmcf->patterns;

    if (!ngx_http_paas_has_patterns(pmcf)) {
        return PAAS_ROUTEDB_EAGAIN;
    }

    slow = 0;

    for (i = 0; i < patterns->n && slow < NGX_HTTP_PAAS_SLOW; i++) {
        pattern = &patterns->list[i];

        if (pattern->code == NULL) {
            continue;
        }

        rc = pcre2_match(pattern->code, host->data, host->len, 0, 0,
                         patterns->data, patterns->context);

        if (rc >= 0) {
            patterns->matched = i;
            patterns->groups = rc ? rc : NGX_HTTP_PAAS_GROUPS;

            return paas_routedb_find_pattern(pmcf->db.reader, pattern->order,
                                             record);
        }

        if (rc == PCRE2_ERROR_NOMATCH) {
            continue;
        }

        slow++;

        if (!pattern->slow) {
            pattern->slow = 1;

            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "pattern %uD \"%V\" takes too long on host \"%V\", "
                          "which counts as no match", pattern->order,
                          &pattern->text, host);
        }
    }

    return PAAS_ROUTEDB_ENOTFOUND;
}
