#include "decode.h"

#include "decode_fenced.h"
#include "fail.h"
#include "job.h"
#include "pictures/container.h"

/* The most bytes that are allocated at one time on the way from a file to upright pixels here: the
 * decoder's, its copy of the file, and the pixels in the memory that is shared. Rounded up to a
 * large page, these take up to 2 MiB more, which the decoder's fixed part has room for. */
static size_t decode_needs(const container *c, size_t size)
{
    return size + picture_decode_memory(c, size) + 3 * c->width * c->height;
}

static decode_result too_large(decoded_photo *out, size_t max_pixels)
{
    tool_fail(&out->error, NBASE_ERR_LIMIT,
              "%zu x %zu pixels; this server accepts up to %zu in all", out->width, out->height,
              max_pixels);
    return DECODE_TOO_LARGE;
}

/* Takes memory for a photo from the budget. */
static decode_result charge(budget *memory, size_t needs, job *j, decoded_photo *out)
{
    if (needs > memory->limit) {
        tool_fail(&out->error, NBASE_ERR_LIMIT,
                  "%zu x %zu pixels take up to %zu bytes to decode; this server has %zu for all "
                  "requests",
                  out->width, out->height, needs, memory->limit);
        return DECODE_TOO_LARGE;
    }
    if (!budget_take(memory, needs)) {
        problem_full(&j->problem);
        return DECODE_STOPPED;
    }
    out->charged = needs;
    return DECODE_OK;
}

decode_result decode_photo(photo_decoder *d, const uint8_t *bytes, size_t size, job *j,
                           decoded_photo *out)
{
    const decode_settings *s = d->settings;
    container c;
    *out = (decoded_photo){0};
    if (size == 0) {
        tool_fail(&out->error, NBASE_ERR_FORMAT, "the file is empty");
        return DECODE_UNSUPPORTED;
    }
    if (!container_survey(bytes, size, &c, &out->error)) return DECODE_UNSUPPORTED;
    out->width = c.width, out->height = c.height;
    if (c.height && c.width > s->max_pixels / c.height) return too_large(out, s->max_pixels);
    size_t needs = decode_needs(&c, size);
    decode_result charged = charge(s->memory, needs, j, out);
    if (charged != DECODE_OK) return charged;
    if (s->spawner) return decode_fenced(d, bytes, size, &c, needs, j, out);
    bool ok = picture_decode_surveyed(bytes, size, &c, &d->options, &out->picture, &out->error);
    return ok ? DECODE_OK : DECODE_UNSUPPORTED;
}

void decoded_photo_free(const photo_decoder *d, decoded_photo *photo)
{
    picture_free(&photo->picture);
    budget_return(d->settings->memory, photo->charged);
    photo->charged = 0;
}

void photo_decoder_forget(photo_decoder *d)
{
    if (d->settings && d->settings->spawner) spawner_end(d->settings->spawner, &d->process);
}
