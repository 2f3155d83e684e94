#include "colours.h"

#include <string.h>

#include "fail.h"

unsigned colours_of_series(const face_series *s)
{
    unsigned colours = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->mask[i]) colours |= (unsigned)s->colour[i];
    return colours & (COLOURS_CONVERTED | COLOURS_AS_STORED);
}

const char *colours_name(unsigned colours)
{
    return colours == COLOURS_CONVERTED   ? "converted"
           : colours == COLOURS_AS_STORED ? "as stored"
                                          : NULL;
}

unsigned colours_of_model(const nbase_archive *a)
{
    const char *text = nbase_archive_meta(a, COLOURS_META);
    if (!text) return 0;
    return !strcmp(text, "converted")   ? COLOURS_CONVERTED
           : !strcmp(text, "as stored") ? COLOURS_AS_STORED
                                        : 0;
}

bool colours_of_file(const char *path, unsigned *colours, nbase_error *err)
{
    nbase_archive *a = NULL;
    *colours = 0;
    if (nbase_archive_read(NULL, path, &a, err) != NBASE_OK) return false;
    *colours = colours_of_model(a);
    nbase_archive_free(a);
    return true;
}

bool colours_agree(unsigned colours, const char *what, nbase_error *err)
{
    return colours != (COLOURS_CONVERTED | COLOURS_AS_STORED) ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: the colours of some photos were converted by their profiles, those of "
                     "others left as stored; run skin-faces again with --force, with --no-icc or "
                     "without it for everyone",
                     what);
}
