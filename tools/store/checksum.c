#ifdef HAVE_CURL
#include "checksum.h"

#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

const char *const checksum_algorithms[] = {"sha256", "sha1", "crc64nvme", "crc32c", "crc32", NULL};

/* A CRC whose bits go from low to high, with ones before and after. */
static uint64_t crc(uint64_t polynomial, int bits, const unsigned char *data, size_t size)
{
    uint64_t table[256], sum = ~(uint64_t)0 >> (64 - bits), ones = sum;
    for (unsigned i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? polynomial : 0);
    }
    for (size_t i = 0; i < size; i++) sum = sum >> 8 ^ table[(sum ^ data[i]) & 255];
    return sum ^ ones;
}

/* The number's bytes, the highest first. Returns their count. */
static size_t put_number(uint64_t n, size_t bytes, unsigned char *out)
{
    for (size_t i = 0; i < bytes; i++) out[i] = (unsigned char)(n >> 8 * (bytes - 1 - i));
    return bytes;
}

/* The raw checksum. Returns its size; 0 for an unknown algorithm. */
static size_t compute(const char *algorithm, const void *data, size_t size, unsigned char out[32])
{
    if (!strcmp(algorithm, "crc32")) return put_number(crc(0xEDB88320u, 32, data, size), 4, out);
    if (!strcmp(algorithm, "crc32c")) return put_number(crc(0x82F63B78u, 32, data, size), 4, out);
    if (!strcmp(algorithm, "crc64nvme"))
        return put_number(crc(0x9A6C9329AC4BC9B5u, 64, data, size), 8, out);
    gnutls_digest_algorithm_t digest = !strcmp(algorithm, "sha256") ? GNUTLS_DIG_SHA256
                                       : !strcmp(algorithm, "sha1") ? GNUTLS_DIG_SHA1
                                                                    : GNUTLS_DIG_UNKNOWN;
    if (digest == GNUTLS_DIG_UNKNOWN) return 0;
    gnutls_hash_fast(digest, size ? data : "", size, out);
    return gnutls_hash_get_len(digest);
}

checksum_result checksum_of(const char *algorithm, const char *base64, const void *data,
                            size_t size)
{
    unsigned char raw[32];
    size_t n = compute(algorithm, data, size, raw);
    gnutls_datum_t text = {(unsigned char *)base64, (unsigned)strlen(base64)}, sent = {0};
    if (!n || strchr(base64, '-') || gnutls_base64_decode2(&text, &sent) < 0)
        return CHECKSUM_SILENT;
    checksum_result result = sent.size != n                   ? CHECKSUM_SILENT
                             : memcmp(sent.data, raw, n) == 0 ? CHECKSUM_HOLDS
                                                              : CHECKSUM_BROKEN;
    gnutls_free(sent.data);
    return result;
}
#endif
