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
    bool no_icc; /* leave the colours as stored, whatever profile a photo embeds */

    /* ---- users ---- */
    const char *list;                 /* user_data.txt */
    const char *images_dir, *out_dir; /* folders or s3:// places */
    quality_limits limits;
    size_t start, end;     /* lines of the list, counted from 0; end is exclusive */
    size_t size;           /* side of a crop in pixels */
    bool force;            /* replace finished files */
    const char *sheet_dir; /* for contact sheets, or null */

    /* ---- detect ---- */
    char **pictures;
    size_t picture_count;
    const char *draw_dir; /* or null */
} faces_options;

/* Writes FACES/<user>.npz for each user of the list. Prints its report to stdout and errors to
 * stderr. Returns the exit status. */
int faces_users(const faces_options *o);

/* Prints what it finds in each picture. Returns the exit status. */
int faces_detect(const faces_options *o);

#endif
