/* decode.h - the one place where skin-serve turns the bytes of a photo into pixels. What comes from
 * strangers goes through this door and no other.
 *
 * Behind it the decoding itself is done by a process behind a fence (decode_fenced.h), which serves
 * one request and is replaced when it dies, or, with --decoder inline, by the calling thread. */
#ifndef SERVE_DECODE_H
#define SERVE_DECODE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "fence/spawner.h"
#include "pictures/images.h"

struct job; /* job.h */

/* The same for all workers; not changed while they run. */
typedef struct decode_settings {
    size_t max_pixels;          /* of a photo */
    budget *memory;             /* takes what a photo unpacks to */
    spawner *spawner;           /* starts decoders; null: the calling thread decodes */
    unsigned seconds;           /* of processor time for the photos of one request */
    _Atomic uint64_t *restarts; /* counts decoders that died or had to be killed */
} decode_settings;

/* One worker's decoder. Zero but for the settings: nothing is running. */
typedef struct photo_decoder {
    const decode_settings *settings;
    picture_options options; /* as the model's photos were decoded */
    fenced process;
} photo_decoder;

typedef enum decode_result {
    DECODE_OK,
    DECODE_TOO_LARGE,   /* more pixels or memory than allowed, by its header: it was not decoded */
    DECODE_UNSUPPORTED, /* no whole photo, or damaged, or its decoder did not survive it */
    DECODE_STOPPED      /* the request ends: its job has the problem */
} decode_result;

typedef struct decoded_photo {
    picture picture;      /* upright; with DECODE_OK only */
    size_t width, height; /* as its header says; 0 where that could not be read */
    size_t charged;       /* bytes taken from the budget */
    nbase_error error;    /* what is wrong, where it is TOO_LARGE or UNSUPPORTED */
} decoded_photo;

/* Decodes a photo. Its size is read in the header, and memory for its pixels taken from the
 * budget, before anything is decoded.
 *   j    while the decoder works: asked again and again whether to continue, and if not, the
 *        decoder is killed; gets the problem with DECODE_STOPPED
 *   out  overwritten; freed by decoded_photo_free, whatever the result. Its pixels may stand in
 *        memory of the decoder's, until it decodes another photo or is forgotten */
decode_result decode_photo(photo_decoder *d, const uint8_t *bytes, size_t size, struct job *j,
                           decoded_photo *out);

/* Frees the picture and returns what the budget was charged. */
void decoded_photo_free(const photo_decoder *d, decoded_photo *photo);

/* Ends the process that decoded the photos of a request, so that nothing of them meets the next
 * one. Safe if there is none. */
void photo_decoder_forget(photo_decoder *d);

#endif
