/* buffer.c - memory that grows and is kept. */
#include "internal.h"

#include <string.h>

bool mtcnn__reserve(const nbase_env *env, mtcnn__buffer *b, size_t count, size_t size)
{
    size_t bytes;
    if (!nbase__mul(count, size, &bytes)) return false;
    if (b->data && bytes <= b->bytes) return true;
    mtcnn__release(env, b);
    /* A quarter more than asked, so that photos of slowly growing sizes do not allocate each
     * time. */
    size_t roomy = bytes <= SIZE_MAX / 2 ? bytes + bytes / 4 : bytes;
    b->data = nbase__alloc(env, roomy);
    b->bytes = b->data ? roomy : 0;
    return b->data != NULL;
}

bool mtcnn__extend(const nbase_env *env, mtcnn__buffer *b, size_t used, size_t count, size_t size)
{
    size_t bytes;
    if (!nbase__mul(count, size, &bytes)) return false;
    if (b->data && bytes <= b->bytes) return true;
    mtcnn__buffer larger = {NULL, 0};
    if (!mtcnn__reserve(env, &larger, count, size)) return false;
    if (used) memcpy(larger.data, b->data, used * size);
    mtcnn__release(env, b);
    *b = larger;
    return true;
}

void mtcnn__release(const nbase_env *env, mtcnn__buffer *b)
{
    nbase__free(env, b->data);
    b->data = NULL;
    b->bytes = 0;
}
