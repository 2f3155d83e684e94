/* checksum.h - the checksums that S3 keeps with objects and sends as x-amz-checksum-ALGORITHM. */
#ifndef SKIN_CHECKSUM_H
#define SKIN_CHECKSUM_H

#include <stddef.h>

typedef enum checksum_result {
    CHECKSUM_SILENT, /* it is not of the whole object, or of an unknown form: it proves nothing */
    CHECKSUM_HOLDS,
    CHECKSUM_BROKEN
} checksum_result;

/* The algorithms by their names in headers, null-ended: "sha256", "sha1", "crc64nvme", ... */
extern const char *const checksum_algorithms[];

/* Compares bytes with a checksum in base64. One of a multipart upload that was put together from
 * those of its parts ("...-3") is silent. */
checksum_result checksum_of(const char *algorithm, const char *base64, const void *data,
                            size_t size);

#endif
