
/*
 * The status page as JSON.
 */


#include "ngx_http_paas_status.h"


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


void
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
