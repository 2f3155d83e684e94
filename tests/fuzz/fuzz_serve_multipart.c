/* skin-serve's multipart reader: a body cut into pieces gives the same parts as the body whole.
 * The boundary is "b". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "serve/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct digest {
    uint64_t sum;
    bool open;
} digest;

static bool begin(void *ctx, const char *name, multipart_kind kind)
{
    digest *d = ctx;
    if (d->open || strlen(name) >= MULTIPART_NAME) abort();
    d->open = true;
    digest_mix(&d->sum, kind == MULTIPART_VALUE ? "<v" : kind == MULTIPART_FILE ? "<F" : "<n", 2);
    digest_mix(&d->sum, name, strlen(name) + 1);
    return true;
}

static bool part(void *ctx, const char *bytes, size_t size)
{
    digest *d = ctx;
    if (!d->open) abort();
    digest_mix(&d->sum, bytes, size);
    return true;
}

static bool end(void *ctx)
{
    digest *d = ctx;
    if (!d->open) abort();
    d->open = false;
    digest_mix(&d->sum, ">", 1);
    return true;
}

static bool read_in(const uint8_t *data, size_t size, size_t piece, digest *d)
{
    multipart m;
    *d = (digest){.sum = DIGEST_START};
    if (!multipart_init(&m, "multipart/form-data; boundary=b",
                        (multipart_sink){begin, part, end, d}))
        abort();
    for (size_t at = 0; at < size; at += piece)
        multipart_feed(&m, (const char *)data + at, size - at < piece ? size - at : piece);
    return multipart_end(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    digest whole, single, some;
    bool ok = read_in(data, size, size ? size : 1, &whole);
    if (read_in(data, size, 1, &single) != ok || read_in(data, size, 5, &some) != ok) abort();
    if (ok && (whole.open || whole.sum != single.sum || whole.sum != some.sum)) abort();
    return 0;
}
