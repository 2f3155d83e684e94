/* index.h - internal: from a text to a number in constant time (open addressing, linear probing),
 * so that a file with very many names costs no more a name than one with few. Keys are borrowed:
 * they must outlive the index. */
#ifndef NBASE_INDEX_H
#define NBASE_INDEX_H

#include "core.h"

#define NBASE__INDEX_NONE SIZE_MAX

typedef struct nbase__index {
    const nbase_env *env;
    struct nbase__index_slot {
        const char *key; /* null: free */
        size_t value;
    } * slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} nbase__index;

/* `env` with its defaults filled in; it must outlive the index */
void nbase__index_init(nbase__index *index, const nbase_env *env);
void nbase__index_free(nbase__index *index);
/* NBASE__INDEX_NONE if it is not there. */
size_t nbase__index_find(const nbase__index *index, const char *key);
/* The key must be a new one. False without memory; the index is then as before. */
bool nbase__index_add(nbase__index *index, const char *key, size_t value);

#endif
