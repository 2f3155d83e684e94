/* decode_child.h - decoding in a process behind the fence: the process's side, and what the two
 * sides say to each other. */
#ifndef SERVE_DECODE_CHILD_H
#define SERVE_DECODE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fence/spawner.h"
#include "pictures/images.h"
#include "pictures/stored.h"

/* The server to the process: a photo's bytes are at the beginning of the shared memory. */
typedef struct decode_question {
    size_t size;
    container shape; /* what container_survey found */
    picture_options options;
} decode_question;

/* The process to the server. */
typedef struct decode_answer {
    bool ok; /* the pixels, RGB, rows packed, are at decode_pixels_at(size) of the memory */
    size_t width, height; /* upright */
    int orientation;
    char note[PICTURE_NOTE]; /* what was odd about the file (images.h) */
    char error[300];         /* if not ok */
} decode_answer;

/* Where the pixels of a photo of so many bytes begin: its bytes are kept, on lines of their own. */
static inline size_t decode_pixels_at(size_t size) { return (size + 63) & ~(size_t)63; }

/* Readies the decoders' libraries outside the fence, and answers questions behind it until the
 * channel is closed. */
extern const fenced_work decode_child;

#endif
