/* safetensors.h - internal: the reader of .safetensors. */
#ifndef NBASE_SAFETENSORS_H
#define NBASE_SAFETENSORS_H

#include "archive.h"

/* Appends every tensor and the metadata of the file to the archive. On failure some may have been
 * added. */
nbase_status nbase__safetensors_read(nbase_archive *a, const nbase__source *source,
                                     nbase_error *err);

#endif
