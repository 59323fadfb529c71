
/*
 * The zone: counters that all workers share, of this configuration and of
 * those that are still at work after a reload.  A row belongs to one worker
 * process, known by its pid and start time; the counts in the row of a dead
 * one are taken out by whoever notices first.
 *
 * All memory is laid out at init: a worker killed while it holds the slab's
 * mutex must not leave a half-made list behind.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_MAGIC      0x70616137
#define NGX_HTTP_PAAS_MIN_ZONE   (1024 * 1024)
#define NGX_HTTP_PAAS_MIN_ROWS   32
#define NGX_HTTP_PAAS_MAX_ROWS   4096
#define NGX_HTTP_PAAS_MIN_QUEUES 16
#define NGX_HTTP_PAAS_MAX_QUEUES 4096
#define NGX_HTTP_PAAS_BIRTHDAY   1000  /* ms between looks at start times */


static ngx_int_t ngx_http_paas_init_zone(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_http_paas_forbid_resize(ngx_shm_zone_t *shm_zone);
static ngx_int_t ngx_http_paas_layout_zone(ngx_http_paas_zone_t *zone,
    ngx_log_t *log);
static void ngx_http_paas_map_zone(ngx_http_paas_zone_t *zone);
static ngx_uint_t ngx_http_paas_is_alive(ngx_http_paas_row_t *row,
    ngx_uint_t birthday);
static uint64_t ngx_http_paas_start_time(ngx_pid_t pid);
static void ngx_http_paas_clear_row(ngx_http_paas_zone_t *zone,
    ngx_uint_t index);


/* paas_zone NAME SIZE [workers=N]; */

char *
ngx_http_paas_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_main_conf_t *pmcf = conf;

    ssize_t                size;
    ngx_int_t              n;
    ngx_str_t             *value;
    ngx_http_paas_zone_t  *zone;

    if (pmcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[2]);

    if (value[1].len == 0 || size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_PAAS_MIN_ZONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, it needs 1m at least",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_paas_zone_t));
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 4) {

        n = ngx_strncmp(value[3].data, "workers=", 8) == 0
            ? ngx_atoi(value[3].data + 8, value[3].len - 8) : NGX_ERROR;

        if (n < 1 || n > NGX_HTTP_PAAS_MAX_ROWS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it may be "
                               "\"workers=1\" to \"workers=4096\"",
                               &value[3]);
            return NGX_CONF_ERROR;
        }

        zone->wanted = n;
    }

    zone->cycle = cf->cycle;

    zone->shm_zone = ngx_shared_memory_add(cf, &value[1], size,
                                           &ngx_http_paas_module);
    if (zone->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->shm_zone->init = ngx_http_paas_init_zone;
    zone->shm_zone->data = zone;

    pmcf->zone = zone;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_paas_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_paas_zone_t *ozone = data;

    ngx_core_conf_t       *ccf;
    ngx_http_paas_zone_t  *zone;

    zone = shm_zone->data;
    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (ozone || shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;
        ngx_http_paas_map_zone(zone);
        return NGX_OK;
    }

    if (ngx_http_paas_forbid_resize(shm_zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (zone->wanted == 0) {

        /* room for the workers of some reloads one after the other */

        ccf = (ngx_core_conf_t *) ngx_get_conf(zone->cycle->conf_ctx,
                                               ngx_core_module);

        zone->wanted = 8 * ngx_max(ccf->worker_processes, 1);
        zone->wanted = ngx_max(zone->wanted, NGX_HTTP_PAAS_MIN_ROWS);
        zone->wanted = ngx_min(zone->wanted, NGX_HTTP_PAAS_MAX_ROWS);
    }

    return ngx_http_paas_layout_zone(zone, shm_zone->shm.log);
}


/* With a second zone, old and new workers would not see each other's counts. */

static ngx_int_t
ngx_http_paas_forbid_resize(ngx_shm_zone_t *shm_zone)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_shm_zone_t   *old;

    part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
    old = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return NGX_OK;
            }

            part = part->next;
            old = part->elts;
            i = 0;
        }

        if (old[i].tag == &ngx_http_paas_module && old[i].shm.addr
            && old[i].shm.addr != shm_zone->shm.addr)
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "name and size of paas_zone \"%V\" can't be changed "
                          "by a reload: restart nginx", &old[i].shm.name);
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_paas_layout_zone(ngx_http_paas_zone_t *zone, ngx_log_t *log)
{
    size_t                   size, head, queue, slot;
    uint32_t                 n, queues, buckets;
    ngx_http_paas_shared_t  *sh;

    /* what the slab allocator leaves, but for its pages' own descriptions */

    size = (zone->shpool->end - zone->shpool->start) / 64 * 63
           - 16 * ngx_pagesize;

    head = ngx_align(sizeof(ngx_http_paas_shared_t), 128)
           + zone->wanted * sizeof(ngx_http_paas_row_t);

    /* a sixteenth for requests that wait */

    queue = sizeof(uint64_t)
            + ngx_align(offsetof(ngx_http_paas_queue_t, places)
                        + zone->wanted * sizeof(ngx_http_paas_place_t), 64);

    queues = ngx_min(size / 16 / queue, NGX_HTTP_PAAS_MAX_QUEUES);
    queues = ngx_max(queues, NGX_HTTP_PAAS_MIN_QUEUES);
    queues = ngx_align(queues, 8);

    head += queues * queue;

    slot = ngx_align(offsetof(ngx_http_paas_slot_t, active)
                     + zone->wanted * sizeof(uint32_t), 64);

    if (head + 64 * slot > size) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "paas_zone \"%V\" is too small for %ui workers",
                      &zone->shm_zone->shm.name, zone->wanted);
        return NGX_ERROR;
    }

    slot += sizeof(ngx_http_paas_link_t);

    /* slots begin a cache line */

    head += 64;

    n = ngx_min((size - head) / (slot + 8), 0x7fffffff);

    /* more of them than slots: a walk through a bucket waits for memory */

    for (buckets = 256; buckets / 4 < n; buckets *= 2) { /* void */ }

    while (head + buckets * sizeof(uint32_t) + (size_t) n * slot > size) {
        n--;
    }

    sh = ngx_slab_calloc(zone->shpool, size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    sh->magic = NGX_HTTP_PAAS_MAGIC;
    sh->rows = zone->wanted;
    sh->queues = queues;
    sh->slots = n;
    sh->filled = 1;                        /* number 0 is shared */
    sh->hand = 1;
    sh->mask = buckets - 1;

    zone->shpool->data = sh;
    zone->shpool->log_nomem = 0;
    zone->sh = sh;

    ngx_http_paas_map_zone(zone);

    return NGX_OK;
}


/* The sizes are those of the zone's maker, whatever this configuration says. */

static void
ngx_http_paas_map_zone(ngx_http_paas_zone_t *zone)
{
    u_char  *p;

    p = (u_char *) zone->sh;

    p += ngx_align(sizeof(ngx_http_paas_shared_t), 128);
    zone->rows = (ngx_http_paas_row_t *) p;

    zone->queue_size = ngx_align(offsetof(ngx_http_paas_queue_t, places)
                                 + zone->sh->rows
                                   * sizeof(ngx_http_paas_place_t), 64);

    p += zone->sh->rows * sizeof(ngx_http_paas_row_t);
    zone->pools = (uint64_t *) p;

    p += zone->sh->queues * sizeof(uint64_t);
    zone->queues = p;

    p += zone->sh->queues * zone->queue_size;
    zone->buckets = (uint32_t *) p;

    p += (zone->sh->mask + 1) * sizeof(uint32_t);
    zone->links = (ngx_http_paas_link_t *) p;

    p += zone->sh->slots * sizeof(ngx_http_paas_link_t);
    zone->slots = ngx_align_ptr(p, 64);

    zone->slot_size = ngx_align(offsetof(ngx_http_paas_slot_t, active)
                                + zone->sh->rows * sizeof(uint32_t), 64);
}


/*
 * A row for this worker.  The last one is for those that find none: its counts
 * are right, but stay if such a worker is killed.
 */

void
ngx_http_paas_take_row(ngx_http_paas_zone_t *zone, ngx_log_t *log)
{
    uint32_t              i, high;
    ngx_http_paas_row_t  *row;

    for (i = 0; i + 1 < zone->sh->rows; i++) {
        row = &zone->rows[i];

        if (row->pid || !ngx_atomic_cmp_set(&row->pid, 0, ngx_pid)) {
            continue;
        }

        row->started = ngx_http_paas_start_time(ngx_pid);
        row->generation = 0;
        row->oldest = 0;

        /* a row is summed up before anything is counted in it */

        do {
            high = zone->sh->high;
        } while (high <= i
                 && !__sync_bool_compare_and_swap(&zone->sh->high, high,
                                                  i + 1));

        zone->row = row;
        zone->index = i;
        zone->shared = 0;

        return;
    }

    zone->row = &zone->rows[i];
    zone->index = i;
    zone->shared = 1;

    ngx_log_error(NGX_LOG_ALERT, log, 0,
                  "paas_zone \"%V\" has no row left for this worker: "
                  "give it more by \"workers=\" and restart nginx",
                  &zone->shm_zone->shm.name);
}


/* Of a worker that exits; with requests left it is reaped like a dead one. */

void
ngx_http_paas_leave_row(ngx_http_paas_zone_t *zone)
{
    if (zone->row && !zone->shared && zone->row->active == 0
        && zone->row->held == 0)
    {
        zone->row->started = 0;
        ngx_memory_barrier();
        zone->row->pid = 0;
    }
}


/* Called by each worker's tick; one of them does it. */

void
ngx_http_paas_reap_rows(ngx_http_paas_zone_t *zone, ngx_log_t *log)
{
    uint32_t              i;
    ngx_pid_t             pid;
    ngx_uint_t            birthday;
    ngx_atomic_uint_t     last;
    ngx_http_paas_row_t  *row;

    last = zone->sh->reaped;

    if ((ngx_msec_int_t) (ngx_current_msec - last) < NGX_HTTP_PAAS_TICK
        || !ngx_atomic_cmp_set(&zone->sh->reaped, last, ngx_current_msec))
    {
        return;
    }

    birthday = (ngx_current_msec / NGX_HTTP_PAAS_BIRTHDAY
                != last / NGX_HTTP_PAAS_BIRTHDAY);

    for (i = 0; i < zone->sh->high; i++) {
        row = &zone->rows[i];
        pid = row->pid;

        if (pid == 0 || pid == ngx_pid
            || ngx_http_paas_is_alive(row, birthday))
        {
            continue;
        }

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "worker %P is gone, its %uA requests are not counted "
                      "any more", pid, row->active);

        ngx_http_paas_clear_row(zone, i);
    }
}


static ngx_uint_t
ngx_http_paas_is_alive(ngx_http_paas_row_t *row, ngx_uint_t birthday)
{
    if (kill(row->pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
        return 0;
    }

    /* another process may have got the number meanwhile */

    return !birthday || row->started == 0
           || ngx_http_paas_start_time(row->pid) == row->started;
}


/* Clock ticks after boot, as in proc(5); 0 if nobody knows. */

static uint64_t
ngx_http_paas_start_time(ngx_pid_t pid)
{
    char        *p;
    u_char       path[NGX_INT64_LEN + sizeof("/proc//stat")];
    ssize_t      n;
    ngx_fd_t     fd;
    ngx_uint_t   field;
    char         buf[1024];

    ngx_sprintf(path, "/proc/%P/stat%Z", pid);

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf) - 1);

    (void) ngx_close_file(fd);

    if (n <= 0) {
        return 0;
    }

    buf[n] = '\0';

    /* the name may have spaces and brackets in it; field 22 is what we want */

    p = strrchr(buf, ')');

    for (field = 2; p && field < 22; field++) {
        p = strchr(p + 1, ' ');
    }

    return p ? strtoull(p + 1, NULL, 10) : 0;
}


/* The pid goes last: killed in the middle, the next one does it again. */

static void
ngx_http_paas_clear_row(ngx_http_paas_zone_t *zone, ngx_uint_t index)
{
    uint32_t              i;
    ngx_http_paas_row_t  *row;

    row = &zone->rows[index];

    /* incremented before and decremented after any of the slots */

    if (row->active) {
        for (i = 0; i < zone->sh->filled; i++) {
            ngx_http_paas_get_slot(zone, i)->active[index] = 0;
        }
    }

    if (row->held) {
        ngx_http_paas_clear_queues(zone, index);
    }

    row->active = 0;
    row->held = 0;
    row->started = 0;

    ngx_memory_barrier();

    row->pid = 0;
}
