#include "launcher/launcher_nft.h"

#include <string.h>
#include <unistd.h>

#define TRIES    10
#define PAUSE_US 50000

int
nft_run(struct nft_ctx *nft, const char *commands)
{
	int rc, tries = TRIES;

	while ((rc = nft_run_cmd_from_buffer(nft, commands)) != 0 &&
	       --tries > 0 &&
	       strstr(nft_ctx_get_error_buffer(nft),
		   "cache initialization failed") != NULL)
		(void)usleep(PAUSE_US);
	return rc;
}
