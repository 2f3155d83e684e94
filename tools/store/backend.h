/* backend.h - what a kind of store implements; callers see store.h. Names have been checked before
 * they get here. */
#ifndef SKIN_STORE_BACKEND_H
#define SKIN_STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct store_backend {
    size_t window; /* how many transfers should run ahead of the reader; 0: none */
    void (*close)(void *self);
    char *(*read)(void *self, const char *name, size_t max_bytes, size_t *size, bool *missing,
                  nbase_error *err);
    bool (*write)(void *self, const char *name, const void *data, size_t size, nbase_error *err);
    int (*exists)(void *self, const char *name, nbase_error *err);
    bool (*list)(void *self, const char *folder,
                 bool (*each)(void *ctx, const char *name, size_t size), void *ctx,
                 nbase_error *err);
} store_backend;

/* The kinds of store. Opening returns null with an error. */
extern const store_backend store_folder, store_s3;
void *store_folder_open(const char *path, nbase_error *err);
void *store_s3_open(const char *url, nbase_error *err);

#endif
