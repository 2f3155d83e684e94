/* assets.h - the files of the page, built into the program. */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include <stddef.h>

typedef struct asset {
    const char *path;        /* of the request */
    const char *type;        /* Content-Type */
    const char *begin, *end; /* the file's bytes; a zero byte follows them */
} asset;

/* The file at this path of a request, or null. */
const asset *asset_find(const char *path);

#endif
