
/*
 * Errors of the router itself, as opposed to those of an app.  One table:
 * what is not in it is not said.  The name goes into X-Paas-Error and
 * $paas_error; the code beside it is the one that Heroku uses for the same
 * trouble, where it has one.
 */


#include "ngx_http_paas_module.h"


/* In the order of ngx_http_paas_code_e. */

static const ngx_http_paas_error_t  ngx_http_paas_errors[] = {

    { ngx_null_string, 200, ngx_null_string, ngx_null_string,
      ngx_null_string, ngx_null_string },

    { ngx_string("bad_host"), 400, ngx_string(""), ngx_null_string,
      ngx_string("Not a host"),
      ngx_string("The request's Host is not a valid host name.") },

    { ngx_string("no_route"), 404, ngx_string(""), ngx_null_string,
      ngx_string("Nothing here yet"),
      ngx_string("There is no app at this address.") },

    { ngx_string("bad_instance"), 400, ngx_string(""), ngx_null_string,
      ngx_string("Not an instance"),
      ngx_string("X-Paas-Instance is neither a name, such as web.1, nor an id "
                 "of 16 hexadecimal digits.") },

    { ngx_string("no_such_instance"), 404, ngx_string(""), ngx_null_string,
      ngx_string("No such instance"),
      ngx_string("The app has no instance of the name or id in "
                 "X-Paas-Instance.") },

    { ngx_string("no_instance"), 503, ngx_string("H14"), ngx_string("5"),
      ngx_string("No instance is running"),
      ngx_string("This app has no process that could answer.") },

    { ngx_string("app_crashed"), 503, ngx_string("H10"), ngx_null_string,
      ngx_string("The app has crashed"),
      ngx_string("If it is yours, its log says why.") },

    { ngx_string("app_stopped"), 503, ngx_string("H14"), ngx_null_string,
      ngx_string("The app is stopped"),
      ngx_string("It answers again once it is started.") },

    { ngx_string("asleep"), 503, ngx_string("H14"), ngx_string("5"),
      ngx_string("The app is asleep"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("booting"), 503, ngx_string("H20"), ngx_string("5"),
      ngx_string("The app is starting"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("maintenance"), 503, ngx_string("H80"), ngx_string("60"),
      ngx_string("Down for maintenance"),
      ngx_string("The app is being worked on and will be back soon.") },

    { ngx_string("hold_full"), 503, ngx_string("H11"), ngx_string("1"),
      ngx_string("Too many requests are waiting"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("hold_timeout"), 503, ngx_string("H20"), ngx_string("5"),
      ngx_string("The app is not ready"),
      ngx_string("This request has waited for as long as it may.") },

    { ngx_string("routes_unavailable"), 503, ngx_string("H99"), ngx_string("5"),
      ngx_string("Routes are unavailable"),
      ngx_string("The platform can't tell at the moment which app this is "
                 "for.") },

    { ngx_string("protocol_mismatch"), 502, ngx_string(""), ngx_null_string,
      ngx_string("The app can't be spoken to"),
      ngx_string("It wants https, for which the router is not set up here.") },

    { ngx_string("connect_failed"), 502, ngx_string("H21"), ngx_null_string,
      ngx_string("The app can't be reached"),
      ngx_string("Its process refused the connection.") },

    { ngx_string("connect_timeout"), 504, ngx_string("H19"), ngx_null_string,
      ngx_string("The app can't be reached"),
      ngx_string("Its process did not accept the connection in time.") },

    { ngx_string("closed"), 502, ngx_string("H13"), ngx_null_string,
      ngx_string("The app gave no answer"),
      ngx_string("Its process closed the connection without a response.") },

    { ngx_string("bad_response"), 502, ngx_string("H17"), ngx_null_string,
      ngx_string("The app's answer makes no sense"),
      ngx_string("Its process sent something that is not an HTTP "
                 "response.") },

    { ngx_string("timeout"), 504, ngx_string("H12"), ngx_null_string,
      ngx_string("The app took too long"),
      ngx_string("Its process did not answer in time.") }
};


const ngx_http_paas_error_t *
ngx_http_paas_get_error(ngx_http_paas_code_e e)
{
    return &ngx_http_paas_errors[e];
}


ngx_uint_t
ngx_http_paas_count_errors(void)
{
    return sizeof(ngx_http_paas_errors) / sizeof(ngx_http_paas_error_t);
}


/* Once for a refusal, whatever page tells of it. */

void
ngx_http_paas_count_error(ngx_http_paas_ctx_t *ctx)
{
    if (ctx->error && !ctx->counted) {
        ctx->counted = 1;

        (void) ngx_atomic_fetch_add(&ctx->pmcf->zone->sh->errors[ctx->error],
                                    1);
    }
}
