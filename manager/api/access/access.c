#include "api/access/access.h"

#include <bsd/stdlib.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access_impl.h"
#include "api/model.h"
#include "api/access/peer.h"
#include "api/http/request.h"
#include "api/http/respond.h"

#define KEY_RECORD "secret/push"

/* ---- open and close -------------------------------------------------- */

/* One that is missing asks for nothing. */
static uid_t
access_uid(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	return entry != NULL ? entry->pw_uid : (uid_t)-1;
}

/* Tokens of pushes under way are good over a restart. */
static void
access_load_key(struct access *a)
{
	struct store *store = a->api->store;
	json_t *record = store_get(store, KEY_RECORD, NULL);
	const char *hex = model_text(record, "key");
	char text[2 * PUSH_TOKEN_KEY + 1];
	struct store_txn *txn;
	size_t n = 0;

	if (sodium_hex2bin(a->key, sizeof(a->key), hex, strlen(hex), NULL, &n,
		NULL) != 0 ||
	    n != sizeof(a->key)) {
		arc4random_buf(a->key, sizeof(a->key));
		(void)sodium_bin2hex(
		    text, sizeof(text), a->key, sizeof(a->key));
		json_decref(record);
		record = json_pack("{s:s}", "key", text);
		txn = store_begin(store);
		store_put(txn, KEY_RECORD, record);
		store_commit(txn, NULL, NULL);
	}
	json_decref(record);
}

struct access *
access_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct access *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->limit = limit_new()) == NULL) {
		free(a);
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	a->api = api;
	a->router = access_uid(api->conf->user_router);
	a->git = access_uid(api->conf->user_git);
	access_load_key(a);
	return a;
}

void
access_close(struct access *a)
{
	if (a == NULL)
		return;
	limit_free(a->limit);
	sodium_memzero(a->key, sizeof(a->key));
	free(a);
}

/* ---- the process ----------------------------------------------------- */

int
access_greets(const struct access *a, int fd)
{
	uid_t uid = (uid_t)-1;

	return peer_is_admin(fd, a->api->admins, &uid) ||
	       (uid != (uid_t)-1 && (uid == a->router || uid == a->git));
}

int
access_peer(struct request *r)
{
	const struct access *a = r->api->access;
	const struct conf *conf = r->api->conf;
	const union MHD_ConnectionInfo *info;
	int admin;

	info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	admin = info != NULL &&
		peer_is_admin(info->connect_fd, r->api->admins, &r->uid);
	if (admin)
		return 1;
	if (r->door->kind == DOOR_PEOPLE)
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only root and members of the group '%s' may use this "
		    "socket: usermod -aG %s USER, then log in again",
		    conf->user_manager, conf->user_manager);
	else if (info != NULL && (r->uid == a->router || r->uid == a->git))
		return 1;
	else
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only nginx and git may use this socket: ask on %s",
		    r->api->doors[DOOR_PEOPLE].addr.sun_path);
	return 0;
}
