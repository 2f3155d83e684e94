/* colours.h - how the colour profiles of photos were treated (docs/photos.md): converted into sRGB,
 * or left as stored (skin-faces --no-icc). The same skin has other numbers in either, so a model
 * and its photos must agree. Photos without a profile that matters are the same either way. */
#ifndef SKIN_DATA_COLOURS_H
#define SKIN_DATA_COLOURS_H

#include "dataset.h"

/* Bits of what was done to one photo or many; 0: there was nothing to do. */
enum { COLOURS_CONVERTED = 1, COLOURS_AS_STORED = 2 };

/* The metadata of a model file that says how the photos were treated that it was trained on:
 * "converted" or "as stored". Without it there was nothing to do. */
#define COLOURS_META "photo_colours"

/* The bits of a series' valid frames. */
unsigned colours_of_series(const face_series *s);

/* The value of the metadata for these bits; null for 0. */
const char *colours_name(unsigned colours);

/* The bits that a model's file states; 0 for other values, or none. */
unsigned colours_of_model(const nbase_archive *a);

/* The same for the file at `path`; false if it cannot be read. */
bool colours_of_file(const char *path, unsigned *colours, nbase_error *err);

/* Fails if both were done. `what` names the photos in the message. */
bool colours_agree(unsigned colours, const char *what, nbase_error *err);

#endif
