/* images.h - pictures from files and memory, upright. */
#ifndef SKIN_IMAGES_H
#define SKIN_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container.h"
#include "images_icc.h"
#include "nbase.h"
#include "stored.h"

/* How files are decoded. All zeros: whole, and in the colours that the file means. */
typedef struct picture_options {
    /* A JPEG whose longer side is at least 2, 4 or 8 times this may be decoded at 1/2, 1/4 or 1/8
     * of its size, which takes a part of the time; 0: never. */
    size_t side;
    bool no_icc; /* leave the numbers as stored, whatever colour profile the file embeds */
    /* Memory of the caller's where the pixels may be put, at its beginning, which saves a copy.
     * Whether they were is to be seen from the picture's `pixels`. Null: they are allocated. */
    uint8_t *room;
    size_t room_size;
} picture_options;

/* A decoded picture, RGB, rows packed. */
typedef struct picture {
    uint8_t *pixels; /* width*height*3 bytes, freed by picture_free unless borrowed */
    bool borrowed;   /* they are at the beginning of picture_options.room */
    size_t width, height;
    int orientation; /* as EXIF counts, 1..8, already applied; 1 if none */
    /* decoded at 1/divisor of the size (1, 2, 4, 8); 0 or 1: whole */
    unsigned divisor;
    size_t full_width, full_height; /* of the file, upright; 0 in pictures that are from no file */
    picture_colour colour;
    char note[PICTURE_NOTE]; /* what was odd about the file, as in "no end mark"; "": nothing */
} picture;

#define PICTURE_MAX_BYTES ((size_t)64 << 20) /* of a file */
/* checked in the header, before anything is decoded */
#define PICTURE_MAX_PIXELS ((size_t)64 << 20)
#define PICTURE_MAX_WRITTEN_SIDE 65535 /* what a JPEG file can say */

/* Loads what decoders would otherwise load with the first picture that needs them: what a library
 * reads from files or asks the system about belongs here. For a process that will not be allowed to
 * open files or to start threads, before that (fence/spawner.h); others need not call it. Decoders
 * start no threads. */
void pictures_prepare(void);

/* The media types that this build reads, from 0 on: "image/jpeg", ...; null behind the last. */
const char *picture_media_type(size_t i);

/* Decodes a picture, recognised by its content, and turns it upright by all eight orientations
 * (marks.h says where they are looked for); the caller frees it with picture_free. The error says
 * what is wrong, without the file's name: "not a JPEG, PNG, ... picture", "a GIF picture, which is
 * not read", "truncated JPEG: 36 % of its rows are missing", "60000 x 60000 pixels are over the
 * limit of ...". On failure *out is empty. */
bool picture_decode(const void *bytes, size_t size, picture *out, nbase_error *err);

/* The same with options.
 *
 * Decoding at a part needs libjpeg-turbo, which decodes every JPEG if it was there at build time,
 * unless the environment variable SKIN_JPEG is "stb". Otherwise stb_image is used, which needs an
 * end mark and does not notice that data are missing before it. Their pixels differ by a few units
 * where colour is stored at half the size. */
bool picture_decode_with(const void *bytes, size_t size, const picture_options *options,
                         picture *out, nbase_error *err);

/* The same for a file of at most PICTURE_MAX_BYTES that container_survey found whole already; `c`
 * is what it found. For callers that want to know the size before they decode. */
bool picture_decode_surveyed(const void *bytes, size_t size, const container *c,
                             const picture_options *options, picture *out, nbase_error *err);

/* The most bytes that picture_decode_surveyed allocates at one time for a file of `size` bytes,
 * among them the pixels that it returns. */
size_t picture_decode_memory(const container *c, size_t size);

/* picture_decode_with of a file. */
bool picture_read_with(const char *path, const picture_options *options, picture *out,
                       nbase_error *err);

/* picture_decode of a file. */
bool picture_read(const char *path, picture *out, nbase_error *err);

/* When a photo was taken, as its EXIF says: "2024:05:31 10:30:00", or "" if it does not. Nothing is
 * decoded. */
void picture_taken(const void *bytes, size_t size, char taken[EXIF_DATE]);

/* Leaves the picture empty; safe on an empty one. */
void picture_free(picture *p);

/* A new picture, turned as an EXIF orientation of 1..8 asks for: 6 by a quarter to the right, 3 by
 * a half, 8 by a quarter to the left. False: out of memory. */
bool picture_turned(const picture *p, int orientation, picture *out);

/* The picture as the libraries take it; it borrows the pixels. */
nbase_image picture_view(const picture *p);

/* Write a picture through an outfile (fileio.h); the error names the file. `rgb` is
 * (height,width,3).
 *
 * quality           of the JPEG encoder, 1 to 100
 * exif_orientation  1 to 8: an EXIF block with that tag; 0: none */
bool picture_write_jpeg(const char *path, const uint8_t *rgb, size_t width, size_t height,
                        int quality, int exif_orientation, nbase_error *err);
bool picture_write_png(const char *path, const uint8_t *rgb, size_t width, size_t height,
                       nbase_error *err);

/* The same into memory, which the caller frees with free(); *size gets its bytes. Null: out of
 * memory. The sides must be 1 to PICTURE_MAX_WRITTEN_SIDE. */
uint8_t *picture_encode_jpeg(const uint8_t *rgb, size_t width, size_t height, int quality,
                             size_t *size);
uint8_t *picture_encode_png(const uint8_t *rgb, size_t width, size_t height, size_t *size);

#endif
