
/*
 * Hosts and pools in use, parsed, so that a request for one of them costs no
 * search in the database.  Bounded in bytes; an entry is good as long as its
 * stamp is the database's.  A replaced or evicted one stays until the last
 * request that holds it has ended.
 */


#include "ngx_http_paas_module.h"


static int ngx_http_paas_measure_host(const paas_routedb_host_t *record,
    size_t *size, uint32_t *npaths);
static int ngx_http_paas_fill_path(ngx_http_paas_path_t *path, u_char **p,
    const paas_routedb_path_t *record);
static int ngx_http_paas_fill_pool(ngx_http_paas_pool_t *pool,
    const paas_routedb_pool_t *record, ngx_http_paas_pool_t *old);
static void ngx_http_paas_inherit_pool(ngx_http_paas_pool_t *pool,
    ngx_http_paas_pool_t *old);
static void ngx_http_paas_fill_inst(ngx_http_paas_inst_t *inst,
    const paas_routedb_instance_t *record);


ngx_http_paas_pool_t *
ngx_http_paas_cached_pool(ngx_http_paas_cache_t *cache, uint64_t id)
{
    uint64_t                key;
    ngx_http_paas_entry_t  *e;

    key = ngx_http_paas_hash((u_char *) &id, sizeof(uint64_t));

    for (e = cache->buckets[key & cache->mask]; e; e = e->next) {

        if (e->key == key && e->pool
            && ((ngx_http_paas_pool_t *) e)->id == id)
        {
            e->used = 1;
            return (ngx_http_paas_pool_t *) e;
        }
    }

    return NULL;
}


/*
 * Parses a host in the place of the one that may be cached.  record is NULL
 * if there is no such host: that is worth knowing, too.  NULL if there is no
 * memory, or if the record is damaged; *error tells.
 */

ngx_http_paas_host_t *
ngx_http_paas_cache_host(ngx_http_paas_cache_t *cache, uint64_t stamp,
    uint64_t key, ngx_str_t *name, const paas_routedb_host_t *record,
    int *error)
{
    u_char                *p;
    size_t                 size;
    uint32_t               i, npaths;
    paas_routedb_path_t    path;
    ngx_http_paas_host_t  *host, *old;

    *error = PAAS_ROUTEDB_OK;

    size = sizeof(ngx_http_paas_host_t) + name->len;
    npaths = 0;

    if (record) {
        *error = ngx_http_paas_measure_host(record, &size, &npaths);

        if (*error != PAAS_ROUTEDB_OK) {
            return NULL;
        }
    }

    host = ngx_calloc(size, ngx_cycle->log);
    if (host == NULL) {
        *error = PAAS_ROUTEDB_ESYS;
        return NULL;
    }

    host->entry.key = key;
    host->entry.stamp = stamp;
    host->entry.size = size;
    host->npaths = npaths;
    host->paths = (ngx_http_paas_path_t *) (host + 1);

    p = (u_char *) (host->paths + npaths);

    for (i = 0; i < npaths; i++) {
        *error = paas_routedb_get_path(record, i, &path);

        if (*error == PAAS_ROUTEDB_OK) {
            *error = ngx_http_paas_fill_path(&host->paths[i], &p, &path);
        }

        if (*error != PAAS_ROUTEDB_OK) {
            ngx_free(host);
            return NULL;
        }
    }

    host->name.data = p;
    host->name.len = name->len;
    ngx_memcpy(p, name->data, name->len);

    old = ngx_http_paas_cached_host(cache, key, name);

    ngx_http_paas_link_entry(cache, &host->entry, old ? &old->entry : NULL);

    return host;
}


static int
ngx_http_paas_measure_host(const paas_routedb_host_t *record, size_t *size,
    uint32_t *npaths)
{
    int                  error;
    uint32_t             i;
    paas_routedb_path_t  path;

    for (i = 0; i < record->npaths; i++) {

        error = paas_routedb_get_path(record, i, &path);

        if (error != PAAS_ROUTEDB_OK) {
            return error;
        }

        *size += sizeof(ngx_http_paas_path_t)
                 + path.ntargets * sizeof(ngx_http_paas_target_t)
                 + ngx_align(path.prefix.len + path.redirect_host.len, 8);
    }

    *npaths = record->npaths;

    return PAAS_ROUTEDB_OK;
}


static int
ngx_http_paas_fill_path(ngx_http_paas_path_t *path, u_char **p,
    const paas_routedb_path_t *record)
{
    uint32_t  i;

    path->flags = record->flags;
    path->ntargets = record->ntargets;
    path->targets = (ngx_http_paas_target_t *) *p;

    for (i = 0; i < record->ntargets; i++) {
        path->targets[i].id = record->targets[i].pool;
        path->targets[i].weight = record->targets[i].weight;
        path->total += record->targets[i].weight;
    }

    *p += record->ntargets * sizeof(ngx_http_paas_target_t);

    path->prefix.data = *p;
    path->prefix.len = record->prefix.len;
    ngx_memcpy(*p, record->prefix.data, record->prefix.len);

    path->redirect.data = *p + record->prefix.len;
    path->redirect.len = record->redirect_host.len;
    ngx_memcpy(path->redirect.data, record->redirect_host.data,
               record->redirect_host.len);

    *p += ngx_align(record->prefix.len + record->redirect_host.len, 8);

    return path->total ? PAAS_ROUTEDB_OK
           : record->flags & (PAAS_ROUTEDB_TO_HOST|PAAS_ROUTEDB_TO_HTTPS)
           ? PAAS_ROUTEDB_OK : PAAS_ROUTEDB_EDAMAGED;
}


/*
 * Parses a pool in the place of the one that may be cached, from which it
 * takes over the turn of round robin and the places in the zone.
 */

ngx_http_paas_pool_t *
ngx_http_paas_cache_pool(ngx_http_paas_cache_t *cache, uint64_t stamp,
    const paas_routedb_pool_t *record, int *error)
{
    size_t                 size;
    u_char                *p;
    ngx_uint_t             hashed;
    ngx_http_paas_pool_t  *pool, *old;

    size = sizeof(ngx_http_paas_pool_t)
           + record->ninstances * sizeof(ngx_http_paas_inst_t)
           + record->app.len + record->type.len + record->hash_name.len;

    hashed = (record->balance == PAAS_ROUTEDB_HASH);

    if (hashed) {
        size += record->ninstances * sizeof(ngx_http_paas_key_t);
    }

    pool = ngx_calloc(size, ngx_cycle->log);
    if (pool == NULL) {
        *error = PAAS_ROUTEDB_ESYS;
        return NULL;
    }

    pool->entry.pool = 1;
    pool->entry.key = ngx_http_paas_hash((u_char *) &record->id,
                                         sizeof(uint64_t));
    pool->entry.stamp = stamp;
    pool->entry.size = size;

    pool->id = record->id;
    pool->state = record->state;
    pool->protocol = record->protocol;
    pool->balance = record->balance;
    pool->flags = record->flags;
    pool->concurrency = record->concurrency;
    pool->waiting = record->queue;
    pool->hold = record->hold;
    pool->slow_start = record->slow_start;
    pool->reshare = ngx_current_msec;
    pool->retry_budget = record->retry_budget;
    pool->spent = ngx_current_msec;
    pool->timed = (record->balance == PAAS_ROUTEDB_EWMA);
    pool->marks = ((record->flags & (PAAS_ROUTEDB_STICKY
                                     |PAAS_ROUTEDB_NAME_INSTANCE))
                   != 0);
    pool->hash_on = record->hash_on;
    pool->summed = ngx_current_msec - 1000;
    pool->insts = (ngx_http_paas_inst_t *) (pool + 1);

    p = (u_char *) (pool->insts + record->ninstances);

    if (hashed) {
        pool->keys = (ngx_http_paas_key_t *) p;
        p = (u_char *) (pool->keys + record->ninstances);
    }

    pool->app.data = p;
    pool->app.len = record->app.len;
    p = ngx_cpymem(p, record->app.data, record->app.len);

    pool->type.data = p;
    pool->type.len = record->type.len;
    p = ngx_cpymem(p, record->type.data, record->type.len);

    pool->hash_name.data = p;
    pool->hash_name.len = record->hash_name.len;
    ngx_memcpy(p, record->hash_name.data, record->hash_name.len);

    old = ngx_http_paas_cached_pool(cache, record->id);

    *error = ngx_http_paas_fill_pool(pool, record, old);

    if (*error != PAAS_ROUTEDB_OK) {
        ngx_free(pool);
        return NULL;
    }

    ngx_http_paas_link_entry(cache, &pool->entry, old ? &old->entry : NULL);

    return pool;
}


static int
ngx_http_paas_fill_pool(ngx_http_paas_pool_t *pool,
    const paas_routedb_pool_t *record, ngx_http_paas_pool_t *old)
{
    int                       error;
    uint32_t                  i, k;
    paas_routedb_instance_t   r;
    ngx_http_paas_inst_t     *inst;

    pool->ninsts = record->ninstances;
    k = record->ninstances;

    /* those that get something new in front, the draining ones behind */

    for (i = 0; i < record->ninstances; i++) {

        error = paas_routedb_get_instance(record, i, &r);

        if (error != PAAS_ROUTEDB_OK) {
            return error;
        }

        inst = (r.flags & PAAS_ROUTEDB_DRAINING)
               ? &pool->insts[--k] : &pool->insts[pool->nactive++];

        ngx_http_paas_fill_inst(inst, &r);
    }

    for (i = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];

        pool->uneven |= (inst->weight != pool->insts[0].weight);
        pool->total += inst->weight;
        inst->upto = pool->total;
    }

    if (pool->keys) {
        ngx_http_paas_make_keys(pool);
    }

    if (old) {
        ngx_http_paas_inherit_pool(pool, old);

    } else if (pool->nactive) {

        /* where one worker begins the others must not, too */

        pool->next = ((uint32_t) ngx_pid * 0x9e3779b9U) % pool->nactive;
    }

    return PAAS_ROUTEDB_OK;
}


/* The order is as a rule the same, with some gone and some new. */

static void
ngx_http_paas_inherit_pool(ngx_http_paas_pool_t *pool,
    ngx_http_paas_pool_t *old)
{
    uint32_t               i, k, n;
    ngx_http_paas_inst_t  *inst;

    pool->next = old->next;
    pool->requests = old->requests;
    pool->budget = old->budget;
    pool->spent = old->spent;

    for (i = 0, k = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];

        for (n = k; n < old->nactive && n < k + 8; n++) {

            if (old->insts[n].id == inst->id) {
                inst->slot = old->insts[n].slot;
                inst->turn = old->insts[n].turn;
                k = n + 1;
                break;
            }
        }
    }
}


static void
ngx_http_paas_fill_inst(ngx_http_paas_inst_t *inst,
    const paas_routedb_instance_t *record)
{
    inst->id = record->id;
    inst->flags = record->flags;
    inst->weight = record->weight ? record->weight : 1;
    inst->share = inst->weight;
    inst->number = record->number;
    inst->since = record->since;
    inst->slot = NGX_HTTP_PAAS_NO_SLOT;

    inst->socklen = ngx_http_paas_copy_address(&inst->u.sockaddr, record);

    inst->name.data = inst->text;
    inst->name.len = (inst->u.sockaddr.sa_family == AF_INET)
                     ? ngx_http_paas_print_address(inst->text, record)
                     : ngx_sock_ntop(&inst->u.sockaddr, inst->socklen,
                                     inst->text, sizeof(inst->text), 1);
}
