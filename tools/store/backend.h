/* backend.h - what a kind of store implements; callers see store.h. Names have been checked before
 * they get here. */
#ifndef SKIN_STORE_BACKEND_H
#define SKIN_STORE_BACKEND_H

#include "store.h"

typedef struct store_backend {
    size_t window; /* how many transfers should run ahead of the reader; 0: none */
    void (*close)(void *self);
    char *(*read)(void *self, const char *name, size_t max_bytes, size_t *size, bool *missing,
                  char *error, size_t error_size);
    bool (*write)(void *self, const char *name, const void *data, size_t size, char *error,
                  size_t error_size);
    int (*exists)(void *self, const char *name, char *error, size_t error_size);
    bool (*list)(void *self, const char *folder,
                 bool (*each)(void *ctx, const char *name, size_t size), void *ctx, char *error,
                 size_t error_size);
} store_backend;

extern const store_backend store_folder, store_s3;
void *store_folder_open(const char *path, char *error, size_t error_size);
void *store_s3_open(const char *url, char *error, size_t error_size);

#endif
