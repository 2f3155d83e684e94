/* skin-serve's streaming JSON reader: a text cut into pieces tells the same events as the text
 * whole. */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "serve/jsonstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct digest {
    uint64_t sum;
    json_event last;
} digest;

static bool consume(void *ctx, json_event event, const json_value *v)
{
    digest *d = ctx;
    uint8_t mark = (uint8_t)event;
    /* where a text is cut is the reader's affair */
    bool goes_on = event == ON_STRING_PART && d->last == ON_STRING_PART;
    if (event == ON_STRING_PART && v->size == 0) return true;
    if (!goes_on) digest_mix(&d->sum, &mark, 1);
    if (event == ON_KEY || event == ON_STRING_PART) digest_mix(&d->sum, v->text, v->size);
    if (event == ON_NUMBER)
        digest_mix(&d->sum, &v->number, sizeof v->number),
            digest_mix(&d->sum, &v->whole, sizeof v->whole);
    d->last = event;
    return true;
}

static bool read_in(const uint8_t *data, size_t size, size_t piece, digest *d)
{
    json_stream s;
    *d = (digest){.sum = DIGEST_START, .last = ON_NULL};
    json_stream_init(&s, consume, d);
    for (size_t at = 0; at < size; at += piece)
        json_stream_feed(&s, (const char *)data + at, size - at < piece ? size - at : piece);
    return json_stream_end(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    digest whole, single, some;
    bool ok = read_in(data, size, size ? size : 1, &whole);
    if (read_in(data, size, 1, &single) != ok || read_in(data, size, 7, &some) != ok) abort();
    if (ok && (whole.sum != single.sum || whole.sum != some.sum)) abort();
    return 0;
}
