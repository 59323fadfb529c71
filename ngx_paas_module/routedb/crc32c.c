/*
 * CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, start and end
 * inverted: RFC 3720, appendix B.4.  "123456789" gives 0xe3069283.
 */
#include "internal.h"

#define POLYNOMIAL 0x82f63b78U

/* Four bits at a time: 64 bytes of table do for machines without SSE 4.2. */
uint32_t
paas_routedb_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede,
	    0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
	    0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	const uint8_t *p = data;

	crc = ~crc;
	while (len-- > 0) {
		crc ^= *p++;
		crc = nibble[crc & 15] ^ (crc >> 4);
		crc = nibble[crc & 15] ^ (crc >> 4);
	}
	return ~crc;
}

#if defined(__x86_64__)
static inline uint64_t
eight(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = crc;
	uint32_t four;

	for (; len >= 32; p += 32, len -= 32) {
		wide = __builtin_ia32_crc32di(wide, eight(p));
		wide = __builtin_ia32_crc32di(wide, eight(p + 8));
		wide = __builtin_ia32_crc32di(wide, eight(p + 16));
		wide = __builtin_ia32_crc32di(wide, eight(p + 24));
	}
	for (; len >= 8; p += 8, len -= 8)
		wide = __builtin_ia32_crc32di(wide, eight(p));
	crc = (uint32_t)wide;
	if (len >= sizeof(four)) {
		memcpy(&four, p, sizeof(four));
		crc = __builtin_ia32_crc32si(crc, four);
		p += sizeof(four);
		len -= sizeof(four);
	}
	while (len-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

uint32_t
paas_routedb_crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_sse42(~crc, data, len);
#endif
	return paas_routedb_crc32c_portable(crc, data, len);
}

/* Starts with the key, and inverts nothing in between. */
uint32_t
paas_routedb_record_crc(
    const uint8_t *value, size_t len, const uint8_t *key, size_t keylen)
{
	value += META_VERSION;
	len -= META_VERSION;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_sse42(crc_sse42(~0U, key, keylen), value, len);
#endif
	return paas_routedb_crc32c_portable(
	    paas_routedb_crc32c_portable(0, key, keylen), value, len);
}
