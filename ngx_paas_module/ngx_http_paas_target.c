
/*
 * One instance by its name: asked for with the header X-Paas-Instance, as
 * "web.3" or by its id, and told in the response where the pool wants that.
 * Who asks for one gets that one, or an error.
 */


#include "ngx_http_paas_module.h"


#define NGX_HTTP_PAAS_ID_LEN  16    /* hexadecimal digits */


static ngx_int_t ngx_http_paas_parse_name(ngx_http_paas_ctx_t *ctx,
    ngx_str_t *value);


/* One of the client's X-Paas-* headers, before it is dropped. */

void
ngx_http_paas_note_target(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_http_paas_ctx_t  *ctx;

    if (h->key.len != sizeof("X-Paas-Instance") - 1
        || ngx_strncasecmp(h->key.data, (u_char *) "X-Paas-Instance",
                           sizeof("X-Paas-Instance") - 1)
           != 0)
    {
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_paas_module);

    /* two of them are one too many */

    if (ctx->wanted || ngx_http_paas_parse_name(ctx, &h->value) != NGX_OK) {
        ctx->misnamed = 1;
    }

    ctx->wanted = 1;
}


static ngx_int_t
ngx_http_paas_parse_name(ngx_http_paas_ctx_t *ctx, ngx_str_t *value)
{
    u_char     *p, *dot, *last, c;
    ngx_int_t   n;

    last = value->data + value->len;

    ctx->wanted_id = 0;

    if (value->len == NGX_HTTP_PAAS_ID_LEN) {

        for (p = value->data; p < last; p++) {

            n = ngx_hextoi(p, 1);

            if (n == NGX_ERROR) {
                break;
            }

            ctx->wanted_id = ctx->wanted_id << 4 | n;
        }

        if (p == last) {
            return ctx->wanted_id ? NGX_OK : NGX_ERROR;
        }

        ctx->wanted_id = 0;
    }

    for (dot = last; dot > value->data && dot[-1] != '.'; dot--) {
        /* void */
    }

    if (dot - value->data < 2 || dot - value->data > PAAS_ROUTEDB_NAME_MAX
        || dot == last || *dot == '0')
    {
        return NGX_ERROR;
    }

    for (p = value->data; p < dot; p++) {
        c = *p | 0x20;

        if ((c < 'a' || c > 'z') && (*p < '0' || *p > '9')
            && *p != '-' && *p != '_' && *p != '.')
        {
            return NGX_ERROR;
        }
    }

    n = ngx_atoi(dot, last - dot);

    if (n == NGX_ERROR || n > 65535) {
        return NGX_ERROR;
    }

    ctx->wanted_number = n;
    ctx->wanted_type.data = value->data;
    ctx->wanted_type.len = dot - 1 - value->data;

    return NGX_OK;
}


/* The active instance of that name; of two in a deploy the newer one. */

ngx_http_paas_inst_t *
ngx_http_paas_find_wanted(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_pool_t *pool)
{
    uint32_t               i;
    ngx_http_paas_inst_t  *inst, *found;

    if (ctx->wanted_id) {
        return ngx_http_paas_find_inst(pool, ctx->wanted_id);
    }

    if (pool->type.len != ctx->wanted_type.len
        || ngx_memcmp(pool->type.data, ctx->wanted_type.data, pool->type.len)
           != 0)
    {
        return NULL;
    }

    found = NULL;

    for (i = 0; i < pool->nactive; i++) {
        inst = &pool->insts[i];

        if (inst->number == ctx->wanted_number
            && (found == NULL || inst->id > found->id))
        {
            found = inst;
        }
    }

    return found;
}


/*
 * Of a split the target that has the instance, or is not read yet and may
 * have it; NULL if none has.
 */

ngx_http_paas_target_t *
ngx_http_paas_wanted_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path)
{
    uint32_t                 i;
    ngx_http_paas_target_t  *target;

    for (i = 0; i < path->ntargets; i++) {
        target = &path->targets[i];

        if (target->pool == NULL
            || ngx_http_paas_find_wanted(ctx, target->pool))
        {
            return target;
        }
    }

    return NULL;
}


ngx_http_paas_inst_t *
ngx_http_paas_find_inst(ngx_http_paas_pool_t *pool, uint64_t id)
{
    uint32_t  i;

    for (i = 0; i < pool->nactive; i++) {
        if (pool->insts[i].id == id) {
            return &pool->insts[i];
        }
    }

    return NULL;
}


/* X-Paas-App and X-Paas-Instance of the instance that has answered. */

ngx_int_t
ngx_http_paas_name_instance(ngx_http_paas_ctx_t *ctx)
{
    u_char                *p;
    ngx_str_t              name;
    ngx_http_paas_pool_t  *pool;
    ngx_http_paas_inst_t  *inst;

    pool = ctx->pool;

    inst = ngx_http_paas_find_inst(pool, ctx->instance);

    p = ngx_pnalloc(ctx->request->pool,
                    pool->type.len + NGX_HTTP_PAAS_ID_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name.data = p;

    p = inst && inst->number
        ? ngx_sprintf(p, "%V.%uD", &pool->type, (uint32_t) inst->number)
        : ngx_sprintf(p, "%016xL", ctx->instance);

    name.len = p - name.data;

    if (ngx_http_paas_add_header(ctx->request, "X-Paas-App", &pool->app)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_paas_add_header(ctx->request, "X-Paas-Instance", &name);
}
