/* faces.h - the two modes of skin-faces. */
#ifndef SKIN_FACES_FACES_H
#define SKIN_FACES_FACES_H

#include <stdbool.h>
#include <stddef.h>

#include "crop_files.h"
#include "photos/extract.h"
#include "photos/quality.h"
#include "ranks/ranks.h"

typedef struct faces_options {
    ranks *ranks; /* that share the work, or null */
    mtcnn_weights *weights;
    extract_options extract;
    int threads; /* of this rank; 0: all processors */
    bool json;
    bool no_icc; /* leave the colours as stored, whatever profile a photo embeds */

    /* ---- users ---- */
    /* user_data.txt; null: every folder in images_dir is a user (people.h) */
    const char *list;
    const char *images_dir, *out_dir; /* folders or s3:// places */
    crops_kind crops;                 /* also write the crops as pictures */
    bool all_faces;                   /* those of the faces that were not chosen, too */
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
 * stderr. Returns the exit status. The list is read by rank 0 alone. */
int faces_users(const faces_options *o);

/* Prints what it finds in each picture, the same on all ranks. Returns the exit status. */
int faces_detect(const faces_options *o);

#endif
