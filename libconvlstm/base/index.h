/* index.h - internal: from a text to a number in constant time (open addressing, linear probing),
 * so that an entry of a file with very many names costs no more than one of a small file. */
#ifndef NBASE_INDEX_H
#define NBASE_INDEX_H

#include "core.h"

#define NBASE__INDEX_NONE SIZE_MAX

struct nbase__index_slot {
    const char *key; /* borrowed; null: the slot is free */
    size_t value;
};

typedef struct nbase__index {
    const nbase_env *env;
    struct nbase__index_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} nbase__index;

/* `env` has its defaults filled in (nbase__env) and must outlive the index. */
void nbase__index_init(nbase__index *index, const nbase_env *env);

void nbase__index_free(nbase__index *index);

/* The number of the key, or NBASE__INDEX_NONE. */
size_t nbase__index_find(const nbase__index *index, const char *key);

/* Adds a key that is not in the index yet; the text must outlive the index. False if there is no
 * memory; the index is then as before. */
bool nbase__index_add(nbase__index *index, const char *key, size_t value);

#endif
