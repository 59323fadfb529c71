/* sources: manager/api/route/cert_pair.c manager/api/route/cert_check.c ngx_paas_module/routedb/host.c; libs: -lssl -lcrypto -ljansson -lbsd */
/*
 * What the API makes of a stranger's certificate and key: an input is the
 * chain, a NUL and the key.
 */
#include <stdlib.h>
#include <string.h>

#include "api/route/cert_pair.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char err[PAAS_ERRLEN] = "", *chain;
	struct cert_pair pair;
	const char *key;

	if ((chain = malloc(len + 2)) == NULL)
		return 0;
	if (len > 0)
		memcpy(chain, data, len);
	chain[len] = chain[len + 1] = '\0';
	key = chain + strlen(chain) + 1;
	if (cert_pair_read(&pair, chain, key, err) == 0) {
		MUST(pair.id > 1 && json_array_size(pair.names) > 0);
		MUST(strlen(pair.chain) + strlen(pair.key) <= CERT_BYTES_MAX);
		MUST(strstr(pair.chain, "PRIVATE KEY") == NULL);
	} else
		MUST(strncmp(err, "certificate_chain", 17) == 0 ||
		     strncmp(err, "private_key", 11) == 0);
	cert_pair_free(&pair);
	free(chain);
	return 0;
}
