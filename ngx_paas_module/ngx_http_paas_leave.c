
/*
 * A worker that leaves on a reload, without a request being lost.
 *
 * nginx closes idle client connections the moment that a worker is told to
 * leave, though the next request may be on its way; and it closes the others
 * after their response without having said so in it.  Here a response of a
 * worker that leaves says "Connection: close", and an idle connection gets
 * some time more for one last request.  (nginx has this for itself since
 * 1.27.4, as keepalive_min_timeout.)
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_LINGER  1000  /* ms */


static void ngx_http_paas_read_channel(ngx_event_t *ev);
static void ngx_http_paas_keep_idle(ngx_event_t *ev);


static ngx_event_handler_pt  ngx_http_paas_next_channel;
static ngx_event_t           ngx_http_paas_ordered;


/*
 * The order to leave comes by the master's channel, that is, as an event; and
 * it is carried out only after the events were processed: there is no other
 * place between the two.  The channel is opened after init_process, so this is
 * called by the worker's tick, until it is found.
 */

void
ngx_http_paas_watch_leave(void)
{
    ngx_uint_t         i;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    if (ngx_http_paas_next_channel || ngx_process != NGX_PROCESS_WORKER) {
        return;
    }

    c = ngx_cycle->connections;

    for (i = 0; i < ngx_cycle->connection_n; i++) {

        if (c[i].fd != ngx_channel || c[i].read == NULL) {
            continue;
        }

        rev = c[i].read;

        ngx_http_paas_next_channel = rev->handler;
        rev->handler = ngx_http_paas_read_channel;

        return;
    }
}


static void
ngx_http_paas_read_channel(ngx_event_t *ev)
{
    ngx_http_paas_next_channel(ev);

    if (ngx_quit && !ngx_exiting) {

        /* those that become idle with the events beside this one, too */

        ngx_http_paas_ordered.handler = ngx_http_paas_keep_idle;
        ngx_http_paas_ordered.log = ngx_cycle->log;

        ngx_post_event(&ngx_http_paas_ordered, &ngx_posted_events);
    }
}


/* Connections to upstreams have nothing to lose, and no listening socket. */

static void
ngx_http_paas_keep_idle(ngx_event_t *ev)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = ngx_cycle->connections;

    for (i = 0; i < ngx_cycle->connection_n; i++) {

        if (c[i].fd == (ngx_socket_t) -1 || !c[i].idle
            || c[i].listening == NULL)
        {
            continue;
        }

        c[i].idle = 0;
        ngx_add_timer(c[i].read, NGX_HTTP_PAAS_LINGER);
    }
}
