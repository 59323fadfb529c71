
/*
 * Errors of the router itself, as opposed to those of an app.  One table:
 * what is not in it is not said.  The name goes into X-Paas-Error and
 * $paas_error; the code beside it is the one that Heroku uses for the same
 * trouble, where it has one.
 */


#include "ngx_http_paas_module.h"


static ngx_uint_t ngx_http_paas_wants_json(ngx_http_request_t *r);


/* In the order of ngx_http_paas_code_e. */

static const ngx_http_paas_error_t  ngx_http_paas_errors[] = {

    { ngx_null_string, 200, ngx_null_string,
      ngx_null_string, ngx_null_string },

    { ngx_string("bad_host"), 400, ngx_string(""),
      ngx_string("Not a host"),
      ngx_string("The request's Host is not a valid host name.") },

    { ngx_string("no_route"), 404, ngx_string(""),
      ngx_string("Nothing here yet"),
      ngx_string("There is no app at this address.") },

    { ngx_string("bad_instance"), 400, ngx_string(""),
      ngx_string("Not an instance"),
      ngx_string("X-Paas-Instance is neither a name, such as web.1, nor an id "
                 "of 16 hexadecimal digits.") },

    { ngx_string("no_such_instance"), 404, ngx_string(""),
      ngx_string("No such instance"),
      ngx_string("The app has no instance of the name or id in "
                 "X-Paas-Instance.") },

    { ngx_string("no_instance"), 503, ngx_string("H14"),
      ngx_string("No instance is running"),
      ngx_string("This app has no process that could answer.") },

    { ngx_string("app_crashed"), 503, ngx_string("H10"),
      ngx_string("The app has crashed"),
      ngx_string("If it is yours, its log says why.") },

    { ngx_string("app_stopped"), 503, ngx_string("H14"),
      ngx_string("The app is stopped"),
      ngx_string("It answers again once it is started.") },

    { ngx_string("asleep"), 503, ngx_string("H14"),
      ngx_string("The app is asleep"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("booting"), 503, ngx_string("H20"),
      ngx_string("The app is starting"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("maintenance"), 503, ngx_string("H80"),
      ngx_string("Down for maintenance"),
      ngx_string("The app is being worked on and will be back soon.") },

    { ngx_string("hold_full"), 503, ngx_string("H11"),
      ngx_string("Too many requests are waiting"),
      ngx_string("Please try again in a moment.") },

    { ngx_string("hold_timeout"), 503, ngx_string("H20"),
      ngx_string("The app is not ready"),
      ngx_string("This request has waited for as long as it may.") },

    { ngx_string("routes_unavailable"), 503, ngx_string("H99"),
      ngx_string("Routes are unavailable"),
      ngx_string("The platform can't tell at the moment which app this is "
                 "for.") },

    { ngx_string("protocol_mismatch"), 502, ngx_string(""),
      ngx_string("The app can't be spoken to"),
      ngx_string("It wants https, for which the router is not set up here.") },

    { ngx_string("connect_failed"), 502, ngx_string("H21"),
      ngx_string("The app can't be reached"),
      ngx_string("Its process refused the connection.") },

    { ngx_string("connect_timeout"), 504, ngx_string("H19"),
      ngx_string("The app can't be reached"),
      ngx_string("Its process did not accept the connection in time.") },

    { ngx_string("closed"), 502, ngx_string("H13"),
      ngx_string("The app gave no answer"),
      ngx_string("Its process closed the connection without a response.") },

    { ngx_string("bad_response"), 502, ngx_string("H17"),
      ngx_string("The app's answer makes no sense"),
      ngx_string("Its process sent something that is not an HTTP "
                 "response.") },

    { ngx_string("timeout"), 504, ngx_string("H12"),
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


/* X-Paas-Error, and that nobody may keep the page. */

ngx_int_t
ngx_http_paas_add_error_header(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error)
{
    static ngx_str_t  nostore = ngx_string("no-cache, no-store");

    if (ngx_http_paas_add_header(r, "X-Paas-Error",
                                 (ngx_str_t *) &error->name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_paas_add_header(r, "Cache-Control", &nostore);
}


/* To the response; key ends with NUL, and both stay where they are. */

ngx_int_t
ngx_http_paas_add_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value = *value;

    return NGX_OK;
}


/* The page in a last buffer, and its type. */

ngx_int_t
ngx_http_paas_make_page(ngx_http_request_t *r,
    const ngx_http_paas_error_t *error, ngx_str_t *type, ngx_buf_t **page)
{
    size_t      len;
    ngx_buf_t  *b;
    ngx_str_t   code;

    static const char  html[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>%V</title>\n"
        "<style>\n"
        "body { font: 18px/1.5 system-ui, sans-serif; color: #234;\n"
        "       max-width: 34em; margin: 18vh auto; padding: 0 1.5em; }\n"
        "h1 { font-size: 1.6em; margin: 0 0 .5em; }\n"
        "small { color: #678; }\n"
        "</style>\n"
        "<h1>%V</h1>\n"
        "<p>%V</p>\n"
        "<p><small>%ui %V%s%V</small></p>\n"
        "</html>\n";

    static const char  json[] =
        "{\"id\":\"%V\",\"status\":%ui,\"code\":\"%V\","
        "\"message\":\"%V. %V\"}\n";

    len = sizeof(html) + 2 * error->title.len + 2 * error->text.len
          + error->name.len + NGX_INT_T_LEN + 16;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    code = error->hcode;

    if (ngx_http_paas_wants_json(r)) {
        ngx_str_set(type, "application/json");
        b->last = ngx_snprintf(b->last, len, json, &error->name,
                               error->status, &code, &error->title,
                               &error->text);

    } else {
        ngx_str_set(type, "text/html; charset=utf-8");
        b->last = ngx_snprintf(b->last, len, html, &error->title,
                               &error->title, &error->text, error->status,
                               &error->name, code.len ? " " : "", &code);
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    *page = b;

    return NGX_OK;
}


/* Asked for by name, and no browser, which would ask for HTML. */

static ngx_uint_t
ngx_http_paas_wants_json(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != sizeof("Accept") - 1
            || ngx_strncasecmp(h[i].key.data, (u_char *) "Accept",
                               sizeof("Accept") - 1)
               != 0)
        {
            continue;
        }

        if (ngx_strlcasestrn(h[i].value.data,
                             h[i].value.data + h[i].value.len,
                             (u_char *) "text/html", 9 - 1))
        {
            return 0;
        }

        if (ngx_strlcasestrn(h[i].value.data,
                             h[i].value.data + h[i].value.len,
                             (u_char *) "application/json", 16 - 1))
        {
            return 1;
        }
    }
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
