/*
 * What paas-inspect --unpack tells of an archive by its exit status: between
 * the sandbox and the node.
 */
#ifndef PAAS_UNPACK_H
#define PAAS_UNPACK_H

#define UNPACK_DAMAGED 3 /* nothing, or not what its name promises */
#define UNPACK_FULL    4 /* the disk */

#endif
