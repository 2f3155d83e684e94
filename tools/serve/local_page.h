/* local_page.h - the files of the page that analyses photos in the browser, from a folder that
 * `make wasm` wrote (docs/browser.md). They are read once and kept in memory. */
#ifndef SERVE_LOCAL_PAGE_H
#define SERVE_LOCAL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

enum { LOCAL_FILES = 16 };

typedef struct local_page {
    bool there; /* false: this server does not offer it */
    struct local_file {
        char *bytes;
        size_t size;
    } files[LOCAL_FILES];
} local_page;

typedef struct local_file local_file;

/* Reads the files of a folder. The error names the one that is missing. On failure and at the end
 * local_page_free. */
bool local_page_load(local_page *p, const char *folder, nbase_error *err);

/* Safe on zeros, and more than once. */
void local_page_free(local_page *p);

/* The file at a path of a request, "/local/" and what follows, and its Content-Type; or null. */
const local_file *local_page_find(const local_page *p, const char *path, const char **type);

#endif
