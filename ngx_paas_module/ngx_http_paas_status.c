
/*
 * paas_status: JSON, or Prometheus text where the path ends in "/metrics".
 * "?instance=ID" answers for that instance alone: the manager asks this way
 * whether a draining one has come to zero.
 */


#include "ngx_http_paas_status.h"


#define NGX_HTTP_PAAS_CHUNK  16384
#define NGX_HTTP_PAAS_PRINT  2048    /* at once, at most */


static ngx_int_t ngx_http_paas_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_paas_parse_instance(ngx_http_request_t *r,
    uint64_t *id);


/* paas_status; */

char *
ngx_http_paas_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_paas_main_conf_t  *pmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_paas_status_handler;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_paas_module);
    pmcf->on = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_paas_status_handler(ngx_http_request_t *r)
{
    uint64_t                    id;
    ngx_int_t                   rc;
    ngx_uint_t                  metrics;
    ngx_http_paas_out_t         out;
    ngx_http_paas_main_conf_t  *pmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_paas_parse_instance(r, &id) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_paas_module);

    (void) ngx_http_paas_check_db(&pmcf->db, r->connection->log);
    (void) ngx_http_paas_load_patterns(pmcf, r->connection->log);

    if (pmcf->certs) {
        (void) ngx_http_paas_check_db(&pmcf->certs->db, r->connection->log);
    }

    ngx_memzero(&out, sizeof(ngx_http_paas_out_t));

    out.pool = r->pool;
    out.last = &out.first;

    metrics = (r->uri.len >= 8
               && ngx_memcmp(r->uri.data + r->uri.len - 8, "/metrics", 8)
                  == 0);

    if (metrics) {
        ngx_http_paas_print_metrics(&out, pmcf);
        ngx_str_set(&r->headers_out.content_type,
                    "text/plain; version=0.0.4; charset=utf-8");

    } else {
        ngx_http_paas_print_json(&out, pmcf, id);
        ngx_str_set(&r->headers_out.content_type, "application/json");
    }

    if (out.failed || out.buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    out.buf->last_buf = (r == r->main) ? 1 : 0;
    out.buf->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = out.size;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out.first);
}


/* 0 if it isn't asked for; ids are never 0. */

static ngx_int_t
ngx_http_paas_parse_instance(ngx_http_request_t *r, uint64_t *id)
{
    u_char      c;
    ngx_str_t   value;
    ngx_uint_t  i;

    *id = 0;

    if (ngx_http_arg(r, (u_char *) "instance", 8, &value) != NGX_OK) {
        return NGX_OK;
    }

    if (value.len == 0 || value.len > 16) {
        return NGX_ERROR;
    }

    for (i = 0; i < value.len; i++) {
        c = value.data[i] | 0x20;

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else if (c >= 'a' && c <= 'f') {
            c -= 'a' - 10;

        } else {
            return NGX_ERROR;
        }

        *id = *id << 4 | c;
    }

    return *id ? NGX_OK : NGX_ERROR;
}


void
ngx_http_paas_print(ngx_http_paas_out_t *out, const char *fmt, ...)
{
    u_char       *p;
    va_list       args;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = out->buf;

    if (b == NULL || b->end - b->last < NGX_HTTP_PAAS_PRINT) {

        b = ngx_create_temp_buf(out->pool, NGX_HTTP_PAAS_CHUNK);
        cl = ngx_alloc_chain_link(out->pool);

        if (b == NULL || cl == NULL) {
            out->failed = 1;
            return;
        }

        cl->buf = b;
        cl->next = NULL;

        *out->last = cl;
        out->last = &cl->next;
        out->buf = b;
    }

    p = b->last;

    va_start(args, fmt);
    b->last = ngx_vslprintf(p, b->end, fmt, args);
    va_end(args);

    out->size += b->last - p;
}


/* 0 if the slot is nobody's, or was given away while it was read. */

ngx_uint_t
ngx_http_paas_sample_slot(ngx_http_paas_zone_t *zone, uint32_t i,
    ngx_http_paas_sample_t *s)
{
    u_char                *p;
    ngx_http_paas_slot_t  *slot;

    slot = ngx_http_paas_get_slot(zone, i);

    s->id = slot->id;

    if (s->id == 0) {
        return 0;
    }

    ngx_memory_barrier();

    s->active = ngx_http_paas_slot_active(zone, slot);
    ngx_memcpy(&s->stats, &slot->stats, sizeof(ngx_http_paas_stats_t));

    s->app.data = s->data;
    p = (u_char *) ngx_escape_json(s->data, slot->app,
                                   ngx_min(slot->app_len,
                                           NGX_HTTP_PAAS_NAME_LEN));
    s->app.len = p - s->app.data;

    s->type.data = p;
    p = (u_char *) ngx_escape_json(p, slot->type,
                                   ngx_min(slot->type_len,
                                           NGX_HTTP_PAAS_NAME_LEN));
    s->type.len = p - s->type.data;

    ngx_memory_barrier();

    return s->id == slot->id;
}


/* 0 if nobody waits there, or it became another pool's meanwhile. */

ngx_uint_t
ngx_http_paas_sample_queue(ngx_http_paas_zone_t *zone, uint32_t i,
    ngx_http_paas_wait_t *w)
{
    u_char                 *p;
    ngx_http_paas_queue_t  *queue;

    queue = ngx_http_paas_get_queue(zone, i);

    w->pool = zone->pools[i];
    w->requests = ngx_http_paas_queue_length(zone, i);

    if (w->pool == 0 || w->requests == 0) {
        return 0;
    }

    ngx_memory_barrier();

    w->app.data = w->data;
    p = (u_char *) ngx_escape_json(w->data, queue->app,
                                   ngx_min(queue->app_len,
                                           NGX_HTTP_PAAS_NAME_LEN));
    w->app.len = p - w->app.data;

    w->type.data = p;
    p = (u_char *) ngx_escape_json(p, queue->type,
                                   ngx_min(queue->type_len,
                                           NGX_HTTP_PAAS_NAME_LEN));
    w->type.len = p - w->type.data;

    ngx_memory_barrier();

    return w->pool == zone->pools[i];
}
