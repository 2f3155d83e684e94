/* assets.h - the page's files, part of the program. */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include <stddef.h>

typedef struct asset {
    const char *path, *type;
    const char *begin, *end;
} asset;

/* By the path of the request, or null. */
const asset *asset_find(const char *path);

#endif
