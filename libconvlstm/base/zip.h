/* zip.h - internal: the layout of a zip (PKWARE APPNOTE 6.3), and its reader. zip_write.c holds the
 * public calls that write one.
 *
 *     local header, name, extra fields, data    once per entry
 *     data descriptor                           if FLAG_DESCRIPTOR is set
 *     ...
 *     directory: a record per entry
 *     zip64 end record and locator              where a number does not fit the end record
 *     end record
 *
 * All numbers are little-endian. A number that does not fit its field is all ones there, and stands
 * in a zip64 extra field instead. */
#ifndef NBASE_ZIP_H
#define NBASE_ZIP_H

#include "archive.h"

#define ZIP_LOCAL_SIGNATURE 0x04034b50u
#define ZIP_CENTRAL_SIGNATURE 0x02014b50u
#define ZIP_END_SIGNATURE 0x06054b50u
#define ZIP_END64_SIGNATURE 0x06064b50u
#define ZIP_LOCATOR64_SIGNATURE 0x07064b50u
#define ZIP_DESCRIPTOR_SIGNATURE 0x08074b50u

/* Bytes of each record before its texts of variable length. */
enum {
    ZIP_LOCAL_SIZE = 30,
    ZIP_CENTRAL_SIZE = 46,
    ZIP_END_SIZE = 22,
    ZIP_END64_SIZE = 56,
    ZIP_LOCATOR64_SIZE = 20
};

enum {
    ZIP_FLAG_ENCRYPTED = 1,
    ZIP_FLAG_DESCRIPTOR = 8,
    ZIP_FLAG_UTF8 = 0x800,
    ZIP_FLAGS_KNOWN = ZIP_FLAG_DESCRIPTOR | ZIP_FLAG_UTF8 | 6 /* deflate's level */
};
enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

/* What a field of 32 or 16 bits holds when its number is in the zip64 field. */
#define ZIP_SATURATED32 0xffffffffu
#define ZIP_SATURATED16 0xffffu

/* Appends every entry of the zip to the archive, in the order of its directory.
 *
 * npz true: every entry must be a .npy; its array is named as the entry, without ".npy".
 * npz false: each entry becomes an array of bytes (n) under its whole name; folders are skipped.
 *
 * Strict: entries lie in the order of the directory and touch each other, each local header agrees
 * with the directory, no entry is encrypted, no byte belongs to nothing. On failure some arrays may
 * have been added. */
nbase_status nbase__zip_read(nbase_archive *a, const nbase__source *source, bool npz,
                             nbase_error *err);

#endif
