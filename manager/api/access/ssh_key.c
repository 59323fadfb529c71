/*
 * A key is TYPE BASE64 COMMENT (sshd(8), AUTHORIZED_KEYS FILE FORMAT), what is
 * in base64 a list of strings: TYPE once more, then what RFC 4253, 6.6, RFC
 * 5656, 3.1, RFC 8709, 4 and OpenSSH's PROTOCOL.u2f say.
 */
#include "api/access/ssh_key.h"

#include <bsd/string.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "common/log.h"
#include "store/keys.h"

#define PRINT_PREFIX "SHA256:"
#define BLOB_MAX     (SSH_KEY_TEXT / 4 * 3)
#define RSA_BITS_MIN 2048
#define BLANKS       " \t\r\n"

/* size: of its last string in bytes, 0 for any. */
static const struct kind {
	const char *type;
	int strings;
	size_t size;
} kinds[] = {
    {"ssh-ed25519", 1, 32},
    {"ssh-rsa", 2, 0},
    {"ecdsa-sha2-nistp256", 2, 65},
    {"ecdsa-sha2-nistp384", 2, 97},
    {"ecdsa-sha2-nistp521", 2, 133},
    {"sk-ssh-ed25519@openssh.com", 2, 0},
    {"sk-ecdsa-sha2-nistp256@openssh.com", 3, 0},
};

static int fail(char *, const char *, ...) PAAS_PRINTF(2, 3);

static int
fail(char *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, PAAS_ERRLEN, fmt, args);
	va_end(args);
	return -1;
}

static const struct kind *
find_kind(const char *type, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].type) == len &&
		    memcmp(kinds[i].type, type, len) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- what is in base64 ------------------------------------------------- */

/* The next string; NULL if there is no whole one. */
static const uint8_t *
next_string(const uint8_t **at, const uint8_t *end, size_t *len)
{
	const uint8_t *p = *at;

	if (end - p < 4)
		return NULL;
	*len =
	    (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	p += 4;
	if ((size_t)(end - p) < *len)
		return NULL;
	*at = p + *len;
	return p;
}

/* Of a number as RFC 4251, 5 has it: the sign's byte in front is none. */
static size_t
count_bits(const uint8_t *number, size_t len)
{
	size_t bits;

	while (len > 0 && *number == 0) {
		number++;
		len--;
	}
	if (len == 0)
		return 0;
	bits = len * 8;
	for (unsigned int top = *number; (top & 0x80) == 0; top <<= 1)
		bits--;
	return bits;
}

static int
check_blob(const struct kind *kind, const uint8_t *blob, size_t len, char *err)
{
	const uint8_t *at = blob, *end = blob + len, *text;
	size_t n = 0;
	int i;

	text = next_string(&at, end, &n);
	if (text == NULL || n != strlen(kind->type) ||
	    memcmp(text, kind->type, n) != 0)
		return fail(err, "public_key is damaged: it is no %s inside",
		    kind->type);
	for (i = 0; i < kind->strings; i++)
		if ((text = next_string(&at, end, &n)) == NULL || n == 0)
			return fail(err,
			    "public_key is damaged: some of it is missing");
	if (at != end || (kind->size != 0 && n != kind->size))
		return fail(err, "public_key is damaged: it is no whole %s",
		    kind->type);
	if (strcmp(kind->type, "ssh-rsa") == 0 &&
	    count_bits(text, n) < RSA_BITS_MIN)
		return fail(err,
		    "public_key has %zu bits, and %d are needed: ssh-keygen "
		    "-t ed25519 makes a better one",
		    count_bits(text, n), RSA_BITS_MIN);
	return 0;
}

static void
make_hash(char out[SSH_KEY_HASH], const uint8_t *blob, size_t len)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(hash, blob, len);
	(void)sodium_bin2hex(out, SSH_KEY_HASH, hash, sizeof(hash));
}

/* ---- the line ---------------------------------------------------------- */

static int
take_comment(struct ssh_key *key, const char *text, char *err)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return fail(err, "public_key has to be one line, as in "
					 "id_ed25519.pub");
	if (len >= sizeof(key->comment))
		return fail(err, "the comment of public_key has over %zu bytes",
		    sizeof(key->comment) - 1);
	memcpy(key->comment, text, len);
	key->comment[len] = '\0';
	return 0;
}

int
ssh_key_parse(struct ssh_key *key, const char *text, char err[PAAS_ERRLEN])
{
	uint8_t blob[BLOB_MAX];
	const struct kind *kind;
	size_t type, len, n = 0;
	const char *data;

	memset(key, 0, sizeof(*key));
	text += strspn(text, BLANKS);
	if (strstr(text, "PRIVATE KEY-") != NULL)
		return fail(err,
		    "that is a private key, which is nobody's but yours: send "
		    "the public one, which ends in .pub");
	type = strcspn(text, BLANKS);
	if ((kind = find_kind(text, type)) == NULL)
		return fail(err,
		    "public_key has to be a line as in id_ed25519.pub, which "
		    "begins with ssh-ed25519, ssh-rsa or another type of key");
	data = text + type + strspn(text + type, " \t");
	len = strcspn(data, BLANKS);
	if (type + len + 2 > sizeof(key->line) ||
	    sodium_base642bin(blob, sizeof(blob), data, len, NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return fail(err, "public_key is damaged: it is no base64");
	if (check_blob(kind, blob, n, err) == -1)
		return -1;
	snprintf(key->line, sizeof(key->line), "%s %.*s", kind->type, (int)len,
	    data);
	make_hash(key->hash, blob, n);
	return take_comment(key, data + len + strspn(data + len, " \t"), err);
}

/* ---- names of it ------------------------------------------------------- */

void
ssh_key_print(char out[SSH_KEY_PRINT], const char *hash)
{
	uint8_t bytes[crypto_hash_sha256_BYTES];

	memset(bytes, 0, sizeof(bytes));
	(void)sodium_hex2bin(
	    bytes, sizeof(bytes), hash, strlen(hash), NULL, NULL, NULL);
	strlcpy(out, PRINT_PREFIX, SSH_KEY_PRINT);
	(void)sodium_bin2base64(out + strlen(PRINT_PREFIX),
	    SSH_KEY_PRINT - strlen(PRINT_PREFIX), bytes, sizeof(bytes),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

int
ssh_key_unprint(char hash[SSH_KEY_HASH], const char *print)
{
	uint8_t bytes[crypto_hash_sha256_BYTES];
	size_t n;

	if (strncmp(print, PRINT_PREFIX, strlen(PRINT_PREFIX)) != 0)
		return -1;
	print += strlen(PRINT_PREFIX);
	if (sodium_base642bin(bytes, sizeof(bytes), print, strlen(print), NULL,
		&n, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    n != sizeof(bytes))
		return -1;
	(void)sodium_bin2hex(hash, SSH_KEY_HASH, bytes, sizeof(bytes));
	return 0;
}

uint64_t
ssh_key_number(const char *hash)
{
	uint64_t number = 0;
	char hex[17];

	strlcpy(hex, hash, sizeof(hex));
	(void)key_parse_id(hex, &number);
	return number;
}

static int
take_first(const char *key, json_t *record, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	*(json_t **)arg = json_incref(record);
	return 1;
}

json_t *
ssh_key_find(struct store *store, uint64_t number)
{
	char prefix[STORE_KEY_MAX + 1], hex[17];
	json_t *record = NULL;

	key_format_id(hex, number);
	(void)store_each(
	    store, key_format(prefix, "sshkey/%s", hex), take_first, &record);
	return record;
}

json_t *
model_ssh_key(const char *hash, json_t *record)
{
	char id[37], print[SSH_KEY_PRINT];
	const char *comment = model_text(record, "comment");

	id_derive(id, "account", "sshkey", hash);
	ssh_key_print(print, hash);
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:{s:s}, s:o, s:o, s:o}",
	    "id", id, "fingerprint", print, "comment", comment, "public_key",
	    json_sprintf("%s%s%s", model_text(record, "key"),
		*comment != '\0' ? " " : "", comment),
	    "email", model_text(record, "user"), "user", "email",
	    model_text(record, "user"), "created_at",
	    id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "created"), "last_used_at",
	    id_time_of(record, "used"));
}
