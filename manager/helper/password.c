/*
 * paas-password: makes and checks hashes of passwords, one a process, since
 * that takes a tenth of a second and 64 MiB on purpose.
 *
 * On its standard input, a socket, it reads up to the end
 *
 *   H PASSWORD NUL             the answer is its hash, argon2id
 *   C HASH NUL PASSWORD NUL    the answer is "yes" or "no"
 *   c HASH NUL PASSWORD NUL    the same of a stranger's, behind all others
 *
 * without the blanks, and answers there.  Nothing of it is in its arguments.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MAX 1024
#define SECONDS     20
#define NICE        5

static size_t
read_all(char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(0, buf + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

/* The next text that ends with NUL, NULL if there is none. */
static const char *
next_text(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul == NULL)
		return NULL;
	*at = nul + 1;
	return text;
}

static int
answer(const char *text)
{
	size_t len = strlen(text);

	return write(0, text, len) == (ssize_t)len ? 0 : 1;
}

static int
serve(const char *at, const char *end)
{
	char hash[crypto_pwhash_STRBYTES];
	const char *first, *second;
	char verb;

	if (at == end)
		return 1;
	verb = *at++;
	if ((first = next_text(&at, end)) == NULL)
		return 1;
	if (verb == 'H') {
		if (crypto_pwhash_str(hash, first, strlen(first),
			crypto_pwhash_OPSLIMIT_INTERACTIVE,
			crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
			return 1;
		return answer(hash);
	}
	if (verb == 'c')
		(void)setpriority(PRIO_PROCESS, 0, NICE);
	else if (verb != 'C')
		return 1;
	if ((second = next_text(&at, end)) == NULL)
		return 1;
	return answer(
	    crypto_pwhash_str_verify(first, second, strlen(second)) == 0
		? "yes"
		: "no");
}

int
main(void)
{
	const struct rlimit none = {0, 0};
	char buf[REQUEST_MAX];
	size_t len;
	int status;

	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)alarm(SECONDS);
	if (sodium_init() < 0)
		return 1;
	len = read_all(buf, sizeof(buf));
	status = serve(buf, buf + len);
	sodium_memzero(buf, sizeof(buf));
	return status;
}
