
/*
 * Tells whoever starts instances that requests wait for one: a datagram
 * "APP POOL", with the id of the pool as 16 hexadecimal digits, when the first
 * request begins to wait and again each second as long as any does.  Nobody
 * has to be there to hear it.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_AGAIN  1000  /* ms */


/* paas_wake unix:PATH; */

char *
ngx_http_paas_set_wake(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_paas_main_conf_t *pmcf = conf;

    ngx_url_t   u;
    ngx_str_t  *value;

    if (pmcf->hold.wake) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = value[1];
    u.no_resolve = 1;

    if (u.url.len < 6 || ngx_strncmp(u.url.data, "unix:", 5) != 0
        || ngx_parse_url(cf->pool, &u) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid socket \"%V\"%s%s, it is \"unix:PATH\"",
                           &value[1], u.err ? ": " : "", u.err ? u.err : "");
        return NGX_CONF_ERROR;
    }

    pmcf->hold.wake = u.addrs;

    return NGX_CONF_OK;
}


/* Never waits; what could not be sent is sent again a second later. */

void
ngx_http_paas_wake_pool(ngx_http_paas_main_conf_t *pmcf,
    ngx_http_paas_pool_t *pool, uint32_t number, ngx_log_t *log)
{
    u_char                 *p;
    ngx_addr_t             *addr;
    ngx_atomic_uint_t       last;
    ngx_http_paas_queue_t  *queue;
    u_char                  text[PAAS_ROUTEDB_NAME_MAX + 1 + 16];

    addr = pmcf->hold.wake;

    if (addr == NULL) {
        return;
    }

    queue = ngx_http_paas_get_queue(pmcf->zone, number);
    last = queue->woken;

    if ((last && ngx_current_msec - last < NGX_HTTP_PAAS_AGAIN)
        || !ngx_atomic_cmp_set(&queue->woken, last, ngx_current_msec))
    {
        return;
    }

    if (pmcf->hold.fd == (ngx_socket_t) -1) {

        pmcf->hold.fd = socket(AF_UNIX,
                               SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

        if (pmcf->hold.fd == (ngx_socket_t) -1) {
            ngx_log_error(NGX_LOG_ALERT, log, ngx_socket_errno,
                          ngx_socket_n " failed");
            return;
        }
    }

    p = ngx_snprintf(text, sizeof(text), "%*s %016xL",
                     ngx_min(pool->app.len, PAAS_ROUTEDB_NAME_MAX),
                     pool->app.data, pool->id);

    if (sendto(pmcf->hold.fd, text, p - text, MSG_DONTWAIT|MSG_NOSIGNAL,
               addr->sockaddr, addr->socklen)
        == -1)
    {
        ngx_log_error(NGX_LOG_INFO, log, ngx_socket_errno,
                      "nobody could be told at \"%V\" that app \"%V\" is "
                      "waited for", &addr->name, &pool->app);
    }
}
