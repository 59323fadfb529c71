
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
static void ngx_http_paas_print_json(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf, uint64_t id);
static void ngx_http_paas_print_routes(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf);
static void ngx_http_paas_print_certs(ngx_http_paas_out_t *out,
    ngx_http_paas_certs_t *certs);
static void ngx_http_paas_print_workers(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone);
static void ngx_http_paas_print_held(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone);
static void ngx_http_paas_print_stats(ngx_http_paas_out_t *out,
    ngx_http_paas_stats_t *stats);
static void ngx_http_paas_sum_stats(ngx_http_paas_stats_t *to,
    ngx_http_paas_stats_t *from);


const char  *ngx_http_paas_classes[6] = {
    "none", "1xx", "2xx", "3xx", "4xx", "5xx"
};

static const char  *ngx_http_paas_limits[NGX_HTTP_PAAS_BUCKETS] = {
    "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000",
    "10000", "inf"
};


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


static void
ngx_http_paas_print_json(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf, uint64_t id)
{
    uint32_t                i;
    ngx_uint_t              n;
    ngx_http_paas_zone_t   *zone;
    ngx_http_paas_slot_t   *slot;
    ngx_http_paas_stats_t   total;
    ngx_http_paas_sample_t  s;

    zone = pmcf->zone;

    ngx_http_paas_print(out, "{\"version\":1,");
    ngx_http_paas_print_routes(out, pmcf);

    if (id) {

        /*
         * Requests that could not be told apart, as the zone was full, might
         * be this one's.
         */

        slot = ngx_http_paas_look_slot(zone, id);

        n = ngx_http_paas_slot_active(zone, ngx_http_paas_get_slot(zone, 0));
        n += slot ? ngx_http_paas_slot_active(zone, slot) : 0;

        ngx_http_paas_print_workers(out, zone);
        ngx_http_paas_print(out, ",\n\"instances\":[{\"id\":\"%016xL\","
                            "\"in_flight\":%ui,\"requests\":%uA}],\n"
                            "\"held\":{\"requests\":%ui,\"total\":%uA}}\n",
                            id, n, slot ? slot->stats.requests : 0,
                            ngx_http_paas_count_held(zone), zone->sh->holds);
        return;
    }

    if (pmcf->certs) {
        ngx_http_paas_print_certs(out, pmcf->certs);
    }

    ngx_http_paas_print_workers(out, zone);

    ngx_memzero(&total, sizeof(ngx_http_paas_stats_t));
    ngx_http_paas_sum_stats(&total, &zone->sh->gone);

    ngx_http_paas_print(out, ",\n\"instances\":[");

    for (i = 0, n = 0; i < zone->sh->filled; i++) {

        if (!ngx_http_paas_sample_slot(zone, i, &s)) {
            continue;
        }

        ngx_http_paas_sum_stats(&total, &s.stats);

        ngx_http_paas_print(out, "%s\n{\"id\":\"%016xL\",\"app\":\"%V\","
                            "\"type\":\"%V\",\"in_flight\":%ui,",
                            n++ ? "," : "", s.id, &s.app, &s.type, s.active);
        ngx_http_paas_print_stats(out, &s.stats);
        ngx_http_paas_print(out, "}");
    }

    for (i = 0, n = 0; i < zone->sh->high; i++) {
        n += zone->rows[i].active;
    }

    n += zone->rows[zone->sh->rows - 1].active;

    ngx_http_paas_print(out, "],\n\"totals\":{\"in_flight\":%ui,", n);
    ngx_http_paas_print_stats(out, &total);
    ngx_http_paas_print(out, ",\"errors\":{");

    for (i = 1; i < ngx_http_paas_count_errors(); i++) {
        ngx_http_paas_print(out, "%s\"%V\":%uA", i > 1 ? "," : "",
                            &ngx_http_paas_get_error(i)->name,
                            zone->sh->errors[i]);
    }

    ngx_http_paas_print(out, "}}");
    ngx_http_paas_print_held(out, zone);
    ngx_http_paas_print(out, "}\n");
}


static void
ngx_http_paas_print_held(ngx_http_paas_out_t *out, ngx_http_paas_zone_t *zone)
{
    uint32_t              i;
    ngx_uint_t            n;
    ngx_http_paas_wait_t  w;

    ngx_http_paas_print(out, ",\n\"held\":{\"requests\":%ui,\"total\":%uA,"
                        "\"pools\":[", ngx_http_paas_count_held(zone),
                        zone->sh->holds);

    for (i = 0, n = 0; i < zone->sh->queued; i++) {

        if (ngx_http_paas_sample_queue(zone, i, &w)) {
            ngx_http_paas_print(out, "%s\n{\"id\":\"%016xL\",\"app\":\"%V\","
                                "\"type\":\"%V\",\"requests\":%ui}",
                                n++ ? "," : "", w.pool, &w.app, &w.type,
                                w.requests);
        }
    }

    ngx_http_paas_print(out, "]}");
}


static void
ngx_http_paas_print_routes(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf)
{
    ngx_http_paas_db_t  *db;

    db = &pmcf->db;

    ngx_http_paas_print(out, "\"routes\":{\"state\":\"%s\",\"generation\":%uL,"
                        "\"revision\":%uL,\"age_ms\":%M,\"hosts\":%uL,"
                        "\"pools\":%uL,\"patterns\":%uD,"
                        "\"bad_patterns\":%ui}", ngx_http_paas_db_state(db),
                        db->meta.generation, db->meta.revision,
                        ngx_current_msec - db->changed, db->meta.nhosts,
                        db->meta.npools, db->meta.npatterns,
                        ngx_http_paas_count_bad(&pmcf->patterns));
}


static void
ngx_http_paas_print_certs(ngx_http_paas_out_t *out,
    ngx_http_paas_certs_t *certs)
{
    ngx_http_paas_db_t  *db;

    db = &certs->db;

    ngx_http_paas_print(out, ",\n\"certificates\":{\"state\":\"%s\","
                        "\"generation\":%uL,\"revision\":%uL,"
                        "\"age_ms\":%M,\"names\":%uL,"
                        "\"certificates\":%uL,\"cached\":%ui}",
                        ngx_http_paas_db_state(db), db->meta.generation,
                        db->meta.revision, ngx_current_msec - db->changed,
                        db->meta.ncerthosts, db->meta.ncerts, certs->ncerts);
}


static void
ngx_http_paas_print_workers(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone)
{
    uint32_t              i;
    ngx_uint_t            n;
    ngx_http_paas_row_t  *row;

    ngx_http_paas_print(out, ",\n\"workers\":[");

    for (i = 0, n = 0; i < zone->sh->high; i++) {
        row = &zone->rows[i];

        if (row->pid == 0) {
            continue;
        }

        ngx_http_paas_print(out, "%s{\"pid\":%P,\"generation\":%uL,"
                            "\"active\":%uA,"
                            "\"oldest_active_generation\":%uL}",
                            n++ ? "," : "", (ngx_pid_t) row->pid,
                            row->generation, row->active, row->oldest);
    }

    ngx_http_paas_print(out, "]");
}


static void
ngx_http_paas_print_stats(ngx_http_paas_out_t *out,
    ngx_http_paas_stats_t *stats)
{
    ngx_uint_t  i;

    ngx_http_paas_print(out, "\"requests\":%uA,\"responses\":{",
                        stats->requests);

    for (i = 0; i < 6; i++) {
        ngx_http_paas_print(out, "%s\"%s\":%uA", i ? "," : "",
                            ngx_http_paas_classes[i], stats->classes[i]);
    }

    ngx_http_paas_print(out, "},\"bytes_in\":%uA,\"bytes_out\":%uA,"
                        "\"retries\":%uA,\"retries_denied\":%uA,"
                        "\"failures\":%uA,\"ejections\":%uA,"
                        "\"latency_ms\":{\"sum\":%uA,\"le\":{",
                        stats->bytes_in, stats->bytes_out, stats->retries,
                        stats->denied, stats->failures, stats->ejections,
                        stats->latency_sum);

    for (i = 0; i < NGX_HTTP_PAAS_BUCKETS; i++) {
        ngx_http_paas_print(out, "%s\"%s\":%uA", i ? "," : "",
                            ngx_http_paas_limits[i], stats->latency[i]);
    }

    ngx_http_paas_print(out, "}}");
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


static void
ngx_http_paas_sum_stats(ngx_http_paas_stats_t *to,
    ngx_http_paas_stats_t *from)
{
    ngx_uint_t     i;
    ngx_atomic_t  *a, *b;

    a = (ngx_atomic_t *) to;
    b = (ngx_atomic_t *) from;

    for (i = 0; i < sizeof(ngx_http_paas_stats_t) / sizeof(ngx_atomic_t); i++)
    {
        a[i] += b[i];
    }
}
