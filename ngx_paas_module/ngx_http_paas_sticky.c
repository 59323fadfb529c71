
/*
 * Sticky sessions: a cookie that names an instance, with a MAC of ours.
 *
 *     paas_sticky = base64url(key 4, pool 8, instance 8, MAC 16)
 *
 * Numbers are little endian; the MAC is BLAKE2b with the key of that number
 * over pool and instance (libsodium's crypto_generichash).  The keys are a
 * record of the route database: the first one signs, all of them verify, so
 * that a new one logs nobody out.
 *
 * What does not verify, or is of a pool that the route has not, is as good as
 * no cookie; so is one whose instance is gone, draining or ejected.
 */


#include "ngx_http_paas_module.h"

#include <sodium.h>


#define NGX_HTTP_PAAS_MAC_LEN     16
#define NGX_HTTP_PAAS_TOKEN_LEN   (4 + 8 + 8 + NGX_HTTP_PAAS_MAC_LEN)

#define NGX_HTTP_PAAS_ENCODED_LEN (NGX_HTTP_PAAS_TOKEN_LEN / 3 * 4)


static ngx_str_t  ngx_http_paas_sticky_name = ngx_string("paas_sticky");


static void ngx_http_paas_find_sticky(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path);
static ngx_uint_t ngx_http_paas_verify_token(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path, ngx_str_t *value);
static void ngx_http_paas_make_mac(u_char *mac, const u_char *data,
    const paas_routedb_key_t *key);
static void ngx_http_paas_print_token(ngx_str_t *value,
    ngx_http_paas_ctx_t *ctx);
static u_char *ngx_http_paas_put_number(u_char *p, uint64_t n, size_t len);
static uint64_t ngx_http_paas_get_number(const u_char *p, size_t len);
static u_char *ngx_http_paas_print_path(u_char *p, ngx_str_t *prefix);


/* Without it the library works as well, but with its plainest code. */

void
ngx_http_paas_init_sticky(ngx_log_t *log)
{
    if (sodium_init() == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, 0, "sodium_init() failed");
    }
}


void
ngx_http_paas_close_sticky(ngx_http_paas_main_conf_t *pmcf)
{
    sodium_memzero(&pmcf->keys, sizeof(ngx_http_paas_keys_t));
}


/*
 * Within a read of the database, of which there is at least one after each
 * commit.  If the record is damaged, the old one stays.
 */

void
ngx_http_paas_refresh_keys(ngx_http_paas_main_conf_t *pmcf)
{
    uint32_t               n;
    ngx_http_paas_db_t    *db;
    ngx_http_paas_keys_t  *keys;
    paas_routedb_key_t     read[PAAS_ROUTEDB_KEYS_MAX];

    db = &pmcf->db;
    keys = &pmcf->keys;

    if (keys->generation == db->meta.keys && keys->opened == db->opened) {
        return;
    }

    if (paas_routedb_get_keys(db->reader, read, &n) != PAAS_ROUTEDB_OK) {
        return;
    }

    ngx_memcpy(keys->keys, read, n * sizeof(paas_routedb_key_t));

    keys->n = n;
    keys->generation = db->meta.keys;
    keys->opened = db->opened;

    sodium_memzero(read, sizeof(read));
}


/*
 * Of a split the target that a cookie names, if its pool still wants cookies
 * or is not read yet; else NULL.
 */

ngx_http_paas_target_t *
ngx_http_paas_sticky_target(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path)
{
    uint32_t               i;
    ngx_http_paas_pool_t  *pool;

    ngx_http_paas_find_sticky(ctx, path);

    for (i = 0; ctx->stuck && i < path->ntargets; i++) {

        if (path->targets[i].id != ctx->sticky.pool) {
            continue;
        }

        pool = path->targets[i].pool;

        return pool == NULL || (pool->flags & PAAS_ROUTEDB_STICKY)
               ? &path->targets[i] : NULL;
    }

    return NULL;
}


/*
 * The instance of ctx->pool that a cookie names, if it can be used; else NULL.
 * One that is only busy keeps its clients, though others serve them meanwhile.
 */

ngx_http_paas_inst_t *
ngx_http_paas_sticky_instance(ngx_http_paas_ctx_t *ctx)
{
    ngx_http_paas_inst_t  *inst;
    ngx_http_paas_pool_t  *pool;

    pool = ctx->pool;

    ctx->detour = 0;

    ngx_http_paas_find_sticky(ctx, ctx->path);

    if (!ctx->stuck || ctx->sticky.pool != pool->id) {
        return NULL;
    }

    inst = ngx_http_paas_find_inst(pool, ctx->sticky.instance);

    if (inst == NULL) {
        return NULL;
    }

    if (ngx_http_paas_is_usable(ctx, inst, 0)) {
        return inst;
    }

    ctx->detour = (pool->concurrency
                   && ngx_http_paas_instance_active(ctx->pmcf->zone, pool,
                                                    inst)
                      >= pool->concurrency);

    return NULL;
}


/* The first cookie that is ours, and of a pool of this path; looks once. */

static void
ngx_http_paas_find_sticky(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path)
{
    ngx_str_t              value;
    ngx_http_paas_crumb_t  crumb;

    if (ctx->looked && ctx->sticky.path == path) {
        return;
    }

    ctx->looked = 1;
    ctx->stuck = 0;
    ctx->sticky.path = path;

    if (ctx->pmcf->keys.n == 0) {
        return;
    }

    ngx_http_paas_first_cookie(ctx->request, &crumb);

    while (ngx_http_paas_next_cookie(&crumb, &ngx_http_paas_sticky_name,
                                     &value))
    {
        if (ngx_http_paas_verify_token(ctx, path, &value)) {
            ctx->stuck = 1;
            return;
        }
    }
}


static ngx_uint_t
ngx_http_paas_verify_token(ngx_http_paas_ctx_t *ctx,
    ngx_http_paas_path_t *path, ngx_str_t *value)
{
    u_char                 token[NGX_HTTP_PAAS_TOKEN_LEN + 4];
    u_char                 mac[NGX_HTTP_PAAS_MAC_LEN];
    uint32_t               i, id;
    uint64_t               pool;
    ngx_str_t              decoded;
    ngx_http_paas_keys_t  *keys;

    decoded.data = token;

    if (value->len != NGX_HTTP_PAAS_ENCODED_LEN
        || ngx_decode_base64url(&decoded, value) != NGX_OK)
    {
        return 0;
    }

    id = ngx_http_paas_get_number(token, 4);
    pool = ngx_http_paas_get_number(token + 4, 8);

    for (i = 0; path->targets[i].id != pool; i++) {
        if (i + 1 >= path->ntargets) {
            return 0;
        }
    }

    keys = &ctx->pmcf->keys;

    for (i = 0; i < keys->n; i++) {

        if (keys->keys[i].id != id) {
            continue;
        }

        ngx_http_paas_make_mac(mac, token + 4, &keys->keys[i]);

        if (sodium_memcmp(mac, token + 20, NGX_HTTP_PAAS_MAC_LEN) == 0) {
            ctx->sticky.pool = pool;
            ctx->sticky.instance = ngx_http_paas_get_number(token + 12, 8);
            ctx->sticky.old = (i != 0);
            return 1;
        }
    }

    return 0;
}


/* Over pool and instance. */

static void
ngx_http_paas_make_mac(u_char *mac, const u_char *data,
    const paas_routedb_key_t *key)
{
    (void) crypto_generichash(mac, NGX_HTTP_PAAS_MAC_LEN, data, 16,
                              key->key, sizeof(key->key));
}


/*
 * Adds Set-Cookie to a response of ctx->instance, unless the client has that
 * cookie already, or the instance was asked for by name.
 */

ngx_int_t
ngx_http_paas_send_sticky(ngx_http_paas_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   cookie, token;

    if (ctx->pmcf->keys.n == 0 || ctx->wanted) {
        return NGX_OK;
    }

    ngx_http_paas_find_sticky(ctx, ctx->path);

    if (ctx->stuck && ctx->sticky.pool == ctx->pool->id && !ctx->sticky.old
        && (ctx->sticky.instance == ctx->instance || ctx->detour))
    {
        return NGX_OK;
    }

    p = ngx_pnalloc(ctx->request->pool,
                    ngx_http_paas_sticky_name.len + 1
                    + NGX_HTTP_PAAS_ENCODED_LEN
                    + sizeof("; Path=; HttpOnly; SameSite=Lax; Secure")
                    + 3 * ctx->path->prefix.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cookie.data = p;

    p = ngx_cpymem(p, ngx_http_paas_sticky_name.data,
                   ngx_http_paas_sticky_name.len);
    *p++ = '=';

    token.data = p;
    ngx_http_paas_print_token(&token, ctx);
    p += token.len;

    p = ngx_cpymem(p, "; Path=", sizeof("; Path=") - 1);
    p = ngx_http_paas_print_path(p, &ctx->path->prefix);
    p = ngx_cpymem(p, "; HttpOnly; SameSite=Lax",
                   sizeof("; HttpOnly; SameSite=Lax") - 1);

    if (ngx_http_paas_is_https(ctx->request)) {
        p = ngx_cpymem(p, "; Secure", sizeof("; Secure") - 1);
    }

    cookie.len = p - cookie.data;

    return ngx_http_paas_add_header(ctx->request, "Set-Cookie", &cookie);
}


/* Where only its key is old, the cookie stays that of its instance. */

static void
ngx_http_paas_print_token(ngx_str_t *value, ngx_http_paas_ctx_t *ctx)
{
    u_char               *p, token[NGX_HTTP_PAAS_TOKEN_LEN];
    uint64_t              instance;
    ngx_str_t             plain;
    paas_routedb_key_t   *key;

    key = &ctx->pmcf->keys.keys[0];

    instance = (ctx->stuck && ctx->detour) ? ctx->sticky.instance
                                           : ctx->instance;

    p = ngx_http_paas_put_number(token, key->id, 4);
    p = ngx_http_paas_put_number(p, ctx->pool->id, 8);
    p = ngx_http_paas_put_number(p, instance, 8);

    ngx_http_paas_make_mac(p, token + 4, key);

    plain.data = token;
    plain.len = NGX_HTTP_PAAS_TOKEN_LEN;

    ngx_encode_base64url(value, &plain);
}


static u_char *
ngx_http_paas_put_number(u_char *p, uint64_t n, size_t len)
{
    for ( /* void */ ; len; len--) {
        *p++ = (u_char) n;
        n >>= 8;
    }

    return p;
}


static uint64_t
ngx_http_paas_get_number(const u_char *p, size_t len)
{
    uint64_t  n;

    for (n = 0; len; len--) {
        n = n << 8 | p[len - 1];
    }

    return n;
}


/* As a browser has it in its URL; ';' would end the attribute. */

static u_char *
ngx_http_paas_print_path(u_char *p, ngx_str_t *prefix)
{
    u_char  c;
    size_t  i;

    if (prefix->len <= 1) {
        *p++ = '/';
        return p;
    }

    for (i = 0; i < prefix->len; i++) {
        c = prefix->data[i];

        if (c > ' ' && c < 0x7f && ngx_strchr("\"#%;<>?\\^`{|}", c) == NULL) {
            *p++ = c;

        } else {
            p = ngx_sprintf(p, "%%%02Xd", (ngx_uint_t) c);
        }
    }

    return p;
}
