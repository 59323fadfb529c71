/* Commands of nft(8). */
#ifndef PAAS_LAUNCHER_NFT_H
#define PAAS_LAUNCHER_NFT_H

#include <nftables/libnftables.h>

/*
 * Runs them as one transaction: 0, or not, and then the context, which buffers
 * its errors, says why.
 *
 * Before that libnftables reads what is loaded, which the kernel refuses for a
 * moment while others change it, or while nf_tables itself is being loaded
 * ("cache initialization failed: Invalid argument"): nothing was done then,
 * and it is tried again, for half a second at most.
 */
int nft_run(struct nft_ctx *, const char *commands);

#endif
