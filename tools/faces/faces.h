/* faces.h - the two modes of skin-faces. */
#ifndef SKIN_FACES_FACES_H
#define SKIN_FACES_FACES_H

#include <stdbool.h>
#include <stddef.h>

#include "photos/extract.h"
#include "photos/quality.h"

typedef struct faces_options {
    mtcnn_weights *weights;
    extract_options extract;
    int threads; /* 0: all processors */
    bool json;
    /* users */
    const char *list, *images_dir, *out_dir; /* the last two: folders or s3:// places */
    quality_limits limits;
    size_t start, end; /* lines of the list, counted from 0, end exclusive */
    size_t size;       /* side of a crop */
    bool force;
    const char *sheet_dir; /* for contact sheets, or null */
    /* detect */
    char **pictures;
    size_t picture_count;
    const char *draw_dir; /* or null */
} faces_options;

/* Both return the exit status and print what they did. */
int faces_users(const faces_options *o);
int faces_detect(const faces_options *o);

#endif
