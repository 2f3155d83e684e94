/* index.c - a hash table from texts to numbers. */
#include "index.h"

#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static size_t hash(const char *key)
{
    uint64_t h = 14695981039346656037u;
    for (const unsigned char *p = (const unsigned char *)key; *p; p++)
        h = (h ^ *p) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds the key, or the free one where it belongs. At least one slot is free. */
static struct nbase__index_slot *locate(struct nbase__index_slot *slots, size_t capacity,
                                        const char *key)
{
    size_t i = hash(key) & (capacity - 1);
    while (slots[i].key && strcmp(slots[i].key, key)) i = (i + 1) & (capacity - 1);
    return &slots[i];
}

void nbase__index_init(nbase__index *index, const nbase_env *env)
{
    memset(index, 0, sizeof *index);
    index->env = env;
}

void nbase__index_free(nbase__index *index)
{
    nbase__free(index->env, index->slots);
    index->slots = NULL;
    index->capacity = index->count = 0;
}

size_t nbase__index_find(const nbase__index *index, const char *key)
{
    if (!index->capacity) return NBASE__INDEX_NONE;
    const struct nbase__index_slot *slot = locate(index->slots, index->capacity, key);
    return slot->key ? slot->value : NBASE__INDEX_NONE;
}

static bool grow(nbase__index *index)
{
    size_t capacity = index->capacity ? index->capacity * 2 : 16;
    struct nbase__index_slot *slots = nbase__calloc(index->env, capacity, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].key) *locate(slots, capacity, index->slots[i].key) = index->slots[i];
    nbase__free(index->env, index->slots);
    index->slots = slots;
    index->capacity = capacity;
    return true;
}

bool nbase__index_add(nbase__index *index, const char *key, size_t value)
{
    if (index->count * 2 >= index->capacity && !grow(index)) return false;
    struct nbase__index_slot *slot = locate(index->slots, index->capacity, key);
    slot->key = key;
    slot->value = value;
    index->count++;
    return true;
}
