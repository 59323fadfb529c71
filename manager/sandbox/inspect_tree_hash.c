/* Hashes what is in a tree; inspect.h has the formula. */
#include "sandbox/inspect.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
add_record(crypto_hash_sha256_state *manifest, const struct tree_entry *entry,
    const char *content)
{
	char head[128];
	int n;

	n = snprintf(head, sizeof(head), "%c %o %llu %s", entry->kind,
	    entry->mode, (unsigned long long)entry->size, content);
	crypto_hash_sha256_update(
	    manifest, (unsigned char *)head, (size_t)n + 1);
	crypto_hash_sha256_update(manifest, (const unsigned char *)entry->path,
	    strlen(entry->path) + 1);
	if (entry->target != NULL)
		crypto_hash_sha256_update(manifest,
		    (const unsigned char *)entry->target,
		    strlen(entry->target) + 1);
}

/* Nothing else is running, but the size is what was read, not promised. */
static int
hash_file(const struct tree_entry *entry, char hex[2 * TREE_HASH_LEN + 1],
    char err[SANDBOX_ERRLEN])
{
	static unsigned char block[128 * 1024];
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	uint64_t size = 0;
	ssize_t n;

	crypto_hash_sha256_init(&state);
	while ((n = read(entry->fd, block, sizeof(block))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return tree_wrong_errno(err, entry->path);
		size += (uint64_t)n;
		crypto_hash_sha256_update(&state, block, (size_t)n);
	}
	if (size != entry->size)
		return tree_wrong(
		    err, entry->path, "which changed while it was read");
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex, 2 * TREE_HASH_LEN + 1, digest, sizeof(digest));
	return 0;
}

static int
visit(void *arg, const struct tree_entry *entry, char err[SANDBOX_ERRLEN])
{
	char hex[2 * TREE_HASH_LEN + 1] = "-";

	if (entry->kind == 'f' && hash_file(entry, hex, err) == -1)
		return -1;
	add_record(arg, entry, hex);
	return 0;
}

int
tree_hash(int dirfd, const struct tree_limits *limits, struct tree_stats *stats,
    uint8_t hash[TREE_HASH_LEN], char err[SANDBOX_ERRLEN])
{
	static const char head[] = "paas-tree 1\n";
	crypto_hash_sha256_state manifest;
	int result;

	crypto_hash_sha256_init(&manifest);
	crypto_hash_sha256_update(
	    &manifest, (const unsigned char *)head, sizeof(head) - 1);
	result = tree_walk(dirfd, limits, stats, visit, &manifest, err);
	crypto_hash_sha256_final(&manifest, hash);
	return result;
}
