
/*
 * Where the databases are.
 */


#include "ngx_http_paas_module.h"


/* paas_routes FOLDER [cache=SIZE]; */

char *
ngx_http_paas_set_routes(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_main_conf_t *pmcf = conf;

    ssize_t     size;
    ngx_str_t  *value, s;

    if (pmcf->db.path.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs the folder of the route database";
    }

    pmcf->db.path = value[1];
    pmcf->cache.max = 1024 * 1024;

    if (ngx_conf_full_name(cf->cycle, &pmcf->db.path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    pmcf->db.name = "route database";
    pmcf->db.effect = "hosts in the cache go on, others get 503";
    pmcf->db.reread = ngx_http_paas_reread_route;

    if (ngx_http_paas_set_db(cf, &pmcf->db, &pmcf->db.path) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "cache=", 6) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it may be "
                           "\"cache=SIZE\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    s.data = value[2].data + 6;
    s.len = value[2].len - 6;

    size = ngx_parse_size(&s);

    if (size < 64 * 1024) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid cache size \"%V\", it is 64k at least",
                           &s);
        return NGX_CONF_ERROR;
    }

    pmcf->cache.max = size;

    return NGX_CONF_OK;
}


/* The database's folder and file; path is a full name that ends with NUL. */

ngx_int_t
ngx_http_paas_set_db(ngx_conf_t *cf, ngx_http_paas_db_t *db, ngx_str_t *path)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, path->len + sizeof("/data.mdb"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    db->path = *path;
    db->file.data = p;
    db->file.len = ngx_sprintf(p, "%V/data.mdb%Z", path) - p - 1;

    return NGX_OK;
}
