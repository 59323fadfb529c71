
/*
 * The status page as Prometheus text.
 */


#include "ngx_http_paas_status.h"


static void ngx_http_paas_print_series(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone, ngx_uint_t n);
static void ngx_http_paas_print_latency(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone);
static void ngx_http_paas_print_waiting(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone);
static void ngx_http_paas_print_router(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf);


static const char  *ngx_http_paas_le[NGX_HTTP_PAAS_BUCKETS] = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5",
    "10", "+Inf"
};


/* Counters that are one number an instance. */

static const struct {
    const char                 *name;
    const char                 *help;
    size_t                      offset;
} ngx_http_paas_series[] = {
    { "paas_requests_total", "Attempts that have ended.",
      offsetof(ngx_http_paas_stats_t, requests) },
    { "paas_retries_total", "Attempts that another one had failed before.",
      offsetof(ngx_http_paas_stats_t, retries) },
    { "paas_retries_denied_total", "Retries that the budget refused.",
      offsetof(ngx_http_paas_stats_t, denied) },
    { "paas_failures_total", "Attempts that failed by the instance's fault.",
      offsetof(ngx_http_paas_stats_t, failures) },
    { "paas_ejections_total", "Times that it got nothing for a while.",
      offsetof(ngx_http_paas_stats_t, ejections) },
    { "paas_bytes_in_total", "Bytes sent to it.",
      offsetof(ngx_http_paas_stats_t, bytes_in) },
    { "paas_bytes_out_total", "Bytes received from it.",
      offsetof(ngx_http_paas_stats_t, bytes_out) }
};


/* https://prometheus.io/docs/instrumenting/exposition_formats/ */

void
ngx_http_paas_print_metrics(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf)
{
    ngx_uint_t              n, k;
    uint32_t                i;
    ngx_http_paas_zone_t   *zone;
    ngx_http_paas_sample_t  s;

    zone = pmcf->zone;

    ngx_http_paas_print_router(out, pmcf);
    ngx_http_paas_print_waiting(out, zone);

    ngx_http_paas_print(out, "# HELP paas_in_flight Requests it is working "
                        "on.\n# TYPE paas_in_flight gauge\n");

    for (i = 0; i < zone->sh->filled; i++) {
        if (ngx_http_paas_sample_slot(zone, i, &s)) {
            ngx_http_paas_print(out, "paas_in_flight{app=\"%V\",type=\"%V\","
                                "instance=\"%016xL\"} %ui\n", &s.app, &s.type,
                                s.id, s.active);
        }
    }

    n = sizeof(ngx_http_paas_series) / sizeof(ngx_http_paas_series[0]);

    for (k = 0; k < n; k++) {
        ngx_http_paas_print_series(out, zone, k);
    }

    ngx_http_paas_print(out, "# HELP paas_responses_total Responses by class "
                        "of status.\n# TYPE paas_responses_total counter\n");

    for (i = 0; i < zone->sh->filled; i++) {

        if (!ngx_http_paas_sample_slot(zone, i, &s)) {
            continue;
        }

        for (k = 0; k < 6; k++) {
            ngx_http_paas_print(out, "paas_responses_total{app=\"%V\","
                                "type=\"%V\",instance=\"%016xL\","
                                "class=\"%s\"} %uA\n", &s.app, &s.type, s.id,
                                ngx_http_paas_classes[k], s.stats.classes[k]);
        }
    }

    ngx_http_paas_print_latency(out, zone);
}


static void
ngx_http_paas_print_waiting(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone)
{
    uint32_t              i;
    ngx_http_paas_wait_t  w;

    ngx_http_paas_print(out, "# HELP paas_held_total Requests that had to "
                        "wait.\n# TYPE paas_held_total counter\n"
                        "paas_held_total %uA\n"
                        "# HELP paas_held Requests that wait.\n"
                        "# TYPE paas_held gauge\n", zone->sh->holds);

    for (i = 0; i < zone->sh->queued; i++) {
        if (ngx_http_paas_sample_queue(zone, i, &w)) {
            ngx_http_paas_print(out, "paas_held{app=\"%V\",type=\"%V\","
                                "pool=\"%016xL\"} %ui\n", &w.app, &w.type,
                                w.pool, w.requests);
        }
    }
}


static void
ngx_http_paas_print_series(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone, ngx_uint_t n)
{
    uint32_t                i;
    const char             *name;
    ngx_atomic_t           *value;
    ngx_http_paas_sample_t  s;

    name = ngx_http_paas_series[n].name;

    ngx_http_paas_print(out, "# HELP %s %s\n# TYPE %s counter\n", name,
                        ngx_http_paas_series[n].help, name);

    for (i = 0; i < zone->sh->filled; i++) {

        if (!ngx_http_paas_sample_slot(zone, i, &s)) {
            continue;
        }

        value = (ngx_atomic_t *) ((u_char *) &s.stats
                                  + ngx_http_paas_series[n].offset);

        ngx_http_paas_print(out, "%s{app=\"%V\",type=\"%V\","
                            "instance=\"%016xL\"} %uA\n", name, &s.app,
                            &s.type, s.id, *value);
    }
}


static void
ngx_http_paas_print_latency(ngx_http_paas_out_t *out,
    ngx_http_paas_zone_t *zone)
{
    uint32_t                i;
    ngx_uint_t              k, n;
    ngx_http_paas_sample_t  s;

    ngx_http_paas_print(out, "# HELP paas_latency_seconds Time of an attempt."
                        "\n# TYPE paas_latency_seconds histogram\n");

    for (i = 0; i < zone->sh->filled; i++) {

        if (!ngx_http_paas_sample_slot(zone, i, &s)) {
            continue;
        }

        for (k = 0, n = 0; k < NGX_HTTP_PAAS_BUCKETS; k++) {
            n += s.stats.latency[k];

            ngx_http_paas_print(out, "paas_latency_seconds_bucket{"
                                "app=\"%V\",type=\"%V\",instance=\"%016xL\","
                                "le=\"%s\"} %ui\n", &s.app, &s.type, s.id,
                                ngx_http_paas_le[k], n);
        }

        ngx_http_paas_print(out, "paas_latency_seconds_sum{app=\"%V\","
                            "type=\"%V\",instance=\"%016xL\"} %uA.%03uA\n",
                            &s.app, &s.type, s.id,
                            s.stats.latency_sum / 1000,
                            s.stats.latency_sum % 1000);

        ngx_http_paas_print(out, "paas_latency_seconds_count{app=\"%V\","
                            "type=\"%V\",instance=\"%016xL\"} %ui\n",
                            &s.app, &s.type, s.id, n);
    }
}


static void
ngx_http_paas_print_router(ngx_http_paas_out_t *out,
    ngx_http_paas_main_conf_t *pmcf)
{
    uint32_t              i;
    ngx_http_paas_db_t   *db;
    ngx_http_paas_row_t  *row;

    db = &pmcf->db;

    ngx_http_paas_print(out,
        "# HELP paas_routes_ok Whether the route database is in order.\n"
        "# TYPE paas_routes_ok gauge\npaas_routes_ok %d\n"
        "# HELP paas_routes_generation Commits of the route database.\n"
        "# TYPE paas_routes_generation gauge\npaas_routes_generation %uL\n"
        "# HELP paas_routes_hosts Hosts in it.\n"
        "# TYPE paas_routes_hosts gauge\npaas_routes_hosts %uL\n"
        "# HELP paas_routes_bad_patterns Patterns that are skipped.\n"
        "# TYPE paas_routes_bad_patterns gauge\n"
        "paas_routes_bad_patterns %ui\n"
        "# HELP paas_worker_generation Generation that a worker has seen.\n"
        "# TYPE paas_worker_generation gauge\n",
        db->state == NGX_HTTP_PAAS_DB_OK, db->meta.generation,
        db->meta.nhosts, ngx_http_paas_count_bad(&pmcf->patterns));

    for (i = 0; i < pmcf->zone->sh->high; i++) {
        row = &pmcf->zone->rows[i];

        if (row->pid) {
            ngx_http_paas_print(out, "paas_worker_generation{pid=\"%P\"} "
                                "%uL\n", (ngx_pid_t) row->pid,
                                row->generation);
        }
    }

    if (pmcf->certs) {
        db = &pmcf->certs->db;

        ngx_http_paas_print(out,
            "# HELP paas_certificates_ok Whether the certificate database is "
            "in order.\n"
            "# TYPE paas_certificates_ok gauge\npaas_certificates_ok %d\n"
            "# HELP paas_certificates Certificates in it.\n"
            "# TYPE paas_certificates gauge\npaas_certificates %uL\n",
            db->state == NGX_HTTP_PAAS_DB_OK, db->meta.ncerts);
    }

    ngx_http_paas_print(out, "# HELP paas_errors_total Requests answered by "
                        "the router itself.\n"
                        "# TYPE paas_errors_total counter\n");

    for (i = 1; i < ngx_http_paas_count_errors(); i++) {
        ngx_http_paas_print(out, "paas_errors_total{error=\"%V\"} %uA\n",
                            &ngx_http_paas_get_error(i)->name,
                            pmcf->zone->sh->errors[i]);
    }
}
