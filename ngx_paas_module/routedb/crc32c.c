/*
 * CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, start and end
 * inverted: RFC 3720, appendix B.4.  "123456789" gives 0xe3069283.
 */
#include "internal.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* Four bits at a time: 64 bytes of table do for machines without more. */
static uint32_t
crc_portable(uint32_t crc, const uint8_t *p, size_t len)
{
	static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede,
	    0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
	    0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	while (len-- > 0) {
		crc ^= *p++;
		crc = nibble[crc & 15] ^ (crc >> 4);
		crc = nibble[crc & 15] ^ (crc >> 4);
	}
	return crc;
}

/* ---- instructions for it ------------------------------------------------- */

#if defined(__x86_64__)

#define TARGET          __attribute__((target("sse4.2")))
#define CRC(type, c, v) ((c) = __builtin_ia32_crc32##type(c, v))
#define CRC8(c, v)      CRC(di, c, v)
#define CRC4(c, v)      CRC(si, c, v)
#define CRC1(c, v)      CRC(qi, c, v)

static int
crc_is_built_in(void)
{
	return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__)

#define TARGET
#define CRC(op, c, v) \
	__asm__(".arch_extension crc\n\tcrc32c" op : "+r"(c) : "r"(v))
#define CRC8(c, v) CRC("x %w0, %w0, %x1", c, le64toh(v))
#define CRC4(c, v) CRC("w %w0, %w0, %w1", c, le32toh(v))
#define CRC1(c, v) CRC("b %w0, %w0, %w1", c, v)

static int
crc_is_built_in(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#else

#define TARGET
#define CRC8(c, v) ((void)(v))
#define CRC4(c, v) ((void)(v))
#define CRC1(c, v) ((void)(v))

static int
crc_is_built_in(void)
{
	return 0;
}

#endif

TARGET static uint32_t
crc_built_in(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = crc, eight[4];
	uint32_t four;

	for (; len >= 32; p += 32, len -= 32) {
		for (int i = 0; i < 4; i++) {
			memcpy(&eight[i], p + 8 * i, 8);
			CRC8(wide, eight[i]);
		}
	}
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(eight, p, 8);
		CRC8(wide, eight[0]);
	}
	crc = (uint32_t)wide;
	if (len >= 4) {
		memcpy(&four, p, 4);
		CRC4(crc, four);
		p += 4;
		len -= 4;
	}
	for (; len > 0; p++, len--)
		CRC1(crc, *p);
	return crc;
}

/* ---- what others call ---------------------------------------------------- */

uint32_t
paas_routedb_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	return ~crc_portable(~crc, data, len);
}

uint32_t
paas_routedb_crc32c(uint32_t crc, const void *data, size_t len)
{
	return crc_is_built_in() ? ~crc_built_in(~crc, data, len)
				 : paas_routedb_crc32c_portable(crc, data, len);
}

uint32_t
paas_routedb_record_crc(
    const uint8_t *value, size_t len, const uint8_t *key, size_t keylen)
{
	value += META_VERSION;
	len -= META_VERSION;
	return crc_is_built_in()
		   ? ~crc_built_in(crc_built_in(~0U, key, keylen), value, len)
		   : ~crc_portable(crc_portable(~0U, key, keylen), value, len);
}
