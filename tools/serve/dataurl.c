#include "dataurl.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "data:", coding[] = ";base64";

enum { SCHEME = sizeof scheme - 1, CODING = sizeof coding - 1 };

/* No data URL: what was kept back is base64, too. */
static bool begin_bare(data_url *d, uint8_t *out, size_t *n)
{
    d->state = DATA_URL_BODY;
    return base64_feed(&d->base64, d->head, d->head_size, out, n);
}

/* One character before the body. */
static bool in_head(data_url *d, char c, uint8_t *out, size_t *n)
{
    if (d->head_size == sizeof d->head) return false;
    if (d->state == DATA_URL_HEAD && c == ',') {
        d->state = DATA_URL_BODY;
        return d->head_size >= SCHEME + CODING &&
               strncasecmp(d->head + d->head_size - CODING, coding, CODING) == 0;
    }
    d->head[d->head_size++] = c;
    if (d->state == DATA_URL_HEAD) return true;
    if (strncasecmp(d->head, scheme, d->head_size) != 0) return begin_bare(d, out, n);
    if (d->head_size == SCHEME) d->state = DATA_URL_HEAD;
    return true;
}

bool data_url_feed(data_url *d, const char *text, size_t size, uint8_t *out, size_t *n)
{
    size_t at = 0;
    while (at < size && d->state != DATA_URL_BODY)
        if (!in_head(d, text[at++], out, n)) return false;
    return base64_feed(&d->base64, text + at, size - at, out, n);
}

bool data_url_end(data_url *d, uint8_t *out, size_t *n)
{
    if (d->state == DATA_URL_HEAD) return false;
    if (d->state == DATA_URL_MAYBE && !begin_bare(d, out, n)) return false;
    return base64_end(&d->base64, out, n);
}
