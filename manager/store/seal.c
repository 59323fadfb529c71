#include "store/seal.h"

#include <sys/stat.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define KEY_BYTES   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_BYTES  (1 + SEAL_ID)
#define VERSION     1
#define KEYS_MAX    8
#define FILE_MAX    4096

_Static_assert(SEAL_OVERHEAD == HEAD_BYTES + NONCE_BYTES + TAG_BYTES,
    "what a sealed text is longer by");

struct seal_key {
	uint8_t id[SEAL_ID];
	uint8_t key[KEY_BYTES];
};

struct seal {
	size_t count;
	struct seal_key keys[KEYS_MAX];
};

/* Records that hold config vars, credentials or keys: keys.h. */
static const char *const covered[] = {"certkey/", "config/", "drain/", "idem/",
    "keys/", "release/", "run/", "secret/", "settings/"};

int
seal_covers(const char *key)
{
	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]); i++)
		if (strncmp(key, covered[i], strlen(covered[i])) == 0)
			return 1;
	return 0;
}

const char *
seal_prefix(size_t n)
{
	return n < sizeof(covered) / sizeof(covered[0]) ? covered[n] : NULL;
}

/* ---- the file ---------------------------------------------------------- */

static void
key_identify(struct seal_key *key)
{
	uint8_t hash[32];

	(void)crypto_generichash(
	    hash, sizeof(hash), key->key, sizeof(key->key), NULL, 0);
	memcpy(key->id, hash, sizeof(key->id));
}

/* One line; empty ones and comments are none. */
static int
seal_line(struct seal *seal, char *line)
{
	struct seal_key *key = &seal->keys[seal->count];
	size_t n = 0;

	line[strcspn(line, "#\r\n")] = '\0';
	line[strcspn(line, " \t")] = '\0';
	if (*line == '\0')
		return 0;
	if (seal->count == KEYS_MAX || strlen(line) != 2 * KEY_BYTES ||
	    sodium_hex2bin(key->key, sizeof(key->key), line, strlen(line), NULL,
		&n, NULL) != 0 ||
	    n != sizeof(key->key))
		return -1;
	key_identify(key);
	seal->count++;
	return 0;
}

static int
seal_parse(struct seal *seal, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (seal_line(seal, line) == -1)
			return -1;
	return seal->count > 0 ? 0 : -1;
}

/* What the file says, into text of FILE_MAX bytes; its length, or -1. */
static ssize_t
seal_read(const char *path, char *text, int *missing, char err[PAAS_ERRLEN])
{
	struct stat st;
	ssize_t len = -1;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1) {
		*missing = errno == ENOENT;
		snprintf(err, PAAS_ERRLEN, "cannot read the key file %s: %s",
		    path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		snprintf(err, PAAS_ERRLEN, "the key file %s is no file", path);
	else if ((st.st_mode & 077) != 0)
		snprintf(err, PAAS_ERRLEN,
		    "others may read the key file %s: chmod 600 %s", path,
		    path);
	else if ((len = read(fd, text, FILE_MAX - 1)) == -1)
		snprintf(err, PAAS_ERRLEN, "cannot read the key file %s: %s",
		    path, strerror(errno));
	(void)close(fd);
	if (len >= 0)
		text[len] = '\0';
	return len;
}

struct seal *
seal_load(const char *path, int *missing, char err[PAAS_ERRLEN])
{
	char text[FILE_MAX];
	struct seal *seal;

	*missing = 0;
	if ((seal = calloc(1, sizeof(*seal))) == NULL)
		log_fatal("store: out of memory");
	if (seal_read(path, text, missing, err) == -1) {
		free(seal);
		return NULL;
	}
	if (seal_parse(seal, text) == -1) {
		/* Not a word of what is there. */
		snprintf(err, PAAS_ERRLEN,
		    "the key file %s is damaged: it takes 1 to %d lines of %zu "
		    "hex digits",
		    path, KEYS_MAX, (size_t)(2 * KEY_BYTES));
		seal_free(seal);
		seal = NULL;
	}
	sodium_memzero(text, sizeof(text));
	return seal;
}

void
seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	sodium_memzero(seal, sizeof(*seal));
	free(seal);
}

static int
seal_sync_dir(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	strlcpy(copy, path, sizeof(copy));
	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1)
		return -1;
	rc = fsync(fd);
	(void)close(fd);
	return rc;
}

static int
seal_write_fd(int fd, const struct seal *seal)
{
	char line[2 * KEY_BYTES + 2];
	int rc = 0;

	for (size_t i = 0; i < seal->count && rc == 0; i++) {
		(void)sodium_bin2hex(
		    line, sizeof(line), seal->keys[i].key, KEY_BYTES);
		line[2 * KEY_BYTES] = '\n';
		if (write(fd, line, sizeof(line) - 1) !=
		    (ssize_t)sizeof(line) - 1)
			rc = -1;
	}
	sodium_memzero(line, sizeof(line));
	return rc == 0 ? fsync(fd) : -1;
}

/* Whole or not at all; `fresh`: only where there is none. */
static int
seal_write(
    const struct seal *seal, const char *path, int fresh, char err[PAAS_ERRLEN])
{
	char next[PATH_MAX];
	int fd, rc = -1;

	snprintf(next, sizeof(next), "%s.new", path);
	(void)unlink(next); /* of one that was killed */
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1) {
		rc = seal_write_fd(fd, seal);
		if (close(fd) == -1)
			rc = -1;
	}
	if (rc == 0 && fresh) {
		rc = link(next, path);
		if (rc == -1 && errno == EEXIST)
			rc = 0;
		(void)unlink(next);
	} else if (rc == 0)
		rc = rename(next, path);
	if (rc == 0)
		rc = seal_sync_dir(path);
	if (rc == -1)
		snprintf(err, PAAS_ERRLEN, "cannot write the key file %s: %s",
		    path, strerror(errno));
	return rc;
}

int
seal_make(const char *path, char err[PAAS_ERRLEN])
{
	struct seal seal = {.count = 1};
	char dir[PATH_MAX];
	int rc;

	strlcpy(dir, path, sizeof(dir));
	if (mkdir(dirname(dir), 0700) == -1 && errno != EEXIST) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot make the folder of the key file %s: %s", path,
		    strerror(errno));
		return -1;
	}
	arc4random_buf(seal.keys[0].key, KEY_BYTES);
	rc = seal_write(&seal, path, 1, err);
	sodium_memzero(&seal, sizeof(seal));
	return rc;
}

int
seal_rotate(const char *path, char err[PAAS_ERRLEN])
{
	struct seal *seal;
	int missing, rc;

	if ((seal = seal_load(path, &missing, err)) == NULL)
		return -1;
	if (seal->count == KEYS_MAX) {
		snprintf(err, PAAS_ERRLEN,
		    "%s has %d keys already: start paas-manager, which seals "
		    "all with the first one and forgets the others",
		    path, KEYS_MAX);
		seal_free(seal);
		return -1;
	}
	memmove(seal->keys + 1, seal->keys, seal->count * sizeof(*seal->keys));
	seal->count++;
	arc4random_buf(seal->keys[0].key, KEY_BYTES);
	rc = seal_write(seal, path, 0, err);
	seal_free(seal);
	return rc;
}

int
seal_forget_old(struct seal *seal, const char *path, char err[PAAS_ERRLEN])
{
	sodium_memzero(
	    seal->keys + 1, sizeof(seal->keys) - sizeof(*seal->keys));
	seal->count = 1;
	return seal_write(seal, path, 0, err);
}

int
seal_has_old(const struct seal *seal)
{
	return seal->count > 1;
}

/* ---- a text ------------------------------------------------------------ */

static const struct seal_key *
seal_find(const struct seal *seal, const uint8_t id[SEAL_ID])
{
	for (size_t i = 0; seal != NULL && i < seal->count; i++)
		if (memcmp(seal->keys[i].id, id, SEAL_ID) == 0)
			return &seal->keys[i];
	return NULL;
}

int
seal_is(const char *text, size_t len)
{
	return len >= SEAL_OVERHEAD && text[0] == VERSION;
}

int
seal_has(const struct seal *seal, const uint8_t id[SEAL_ID])
{
	return seal_find(seal, id) != NULL;
}

const uint8_t *
seal_id(const struct seal *seal)
{
	return seal->keys[0].id;
}

int
seal_is_current(const struct seal *seal, const char *text, size_t len)
{
	return seal_is(text, len) &&
	       memcmp(text + 1, seal->keys[0].id, SEAL_ID) == 0;
}

char *
seal_shut(const struct seal *seal, const char *key, const char *text,
    size_t len, size_t *outlen)
{
	unsigned char *out = malloc(len + SEAL_OVERHEAD), *nonce;

	if (out == NULL)
		log_fatal("store: out of memory");
	out[0] = VERSION;
	memcpy(out + 1, seal->keys[0].id, SEAL_ID);
	nonce = out + HEAD_BYTES;
	arc4random_buf(nonce, NONCE_BYTES);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES,
	    NULL, (const unsigned char *)text, len, (const unsigned char *)key,
	    strlen(key), NULL, nonce, seal->keys[0].key);
	*outlen = len + SEAL_OVERHEAD;
	return (char *)out;
}

char *
seal_open(const struct seal *seal, const char *key, const char *text,
    size_t len, size_t *outlen)
{
	const unsigned char *in = (const unsigned char *)text, *nonce;
	const struct seal_key *with;
	unsigned char *out;

	if (!seal_is(text, len) || (with = seal_find(seal, in + 1)) == NULL)
		return NULL;
	nonce = in + HEAD_BYTES;
	*outlen = len - SEAL_OVERHEAD;
	if ((out = malloc(*outlen + 1)) == NULL)
		log_fatal("store: out of memory");
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		nonce + NONCE_BYTES, len - HEAD_BYTES - NONCE_BYTES,
		(const unsigned char *)key, strlen(key), nonce, with->key) == 0)
		return (char *)out;
	free(out);
	return NULL;
}
