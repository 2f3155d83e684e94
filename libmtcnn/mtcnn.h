/* mtcnn.h - face detection with the multi-task cascaded networks of Zhang et al. (2016), exact to the Python package mtcnn 0.1.x.
 *
 * Input is a borrowed pixel buffer (nbase_image); the library decodes no file. Coordinates are pixels of that buffer: x to the right, y
 * down, (0,0) the outer corner of the first pixel.
 *
 * Threads: mtcnn_weights may be shared by any number of threads; an mtcnn_detector belongs to one thread at a time. The results are the same bits
 * for any num_threads.
 */
#ifndef MTCNN_H
#define MTCNN_H

#include "nbase.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest side of a picture, in pixels. */
#define MTCNN_MAX_SIDE 65500

typedef struct mtcnn_weights mtcnn_weights;
typedef struct mtcnn_detector mtcnn_detector;

/* From the .safetensors that skin-import writes (docs/formats.md). *out is owned by the caller and immutable. */
nbase_status mtcnn_weights_load(const nbase_env *env, const char *path, mtcnn_weights **out, nbase_error *err);
nbase_status mtcnn_weights_from_archive(const nbase_env *env, const nbase_archive *archive, mtcnn_weights **out, nbase_error *err);
void mtcnn_weights_free(mtcnn_weights *w); /* null is allowed */

typedef struct mtcnn_options {
    int num_threads;       /* 0: all processors */
    double min_face;       /* smallest face side in pixels; 20 */
    double factor;         /* scale step of the pyramid, 0 < factor < 1; 0.709 */
    double threshold[3];   /* of P-, R- and O-Net; 0.6, 0.7, 0.7 */
    size_t max_candidates; /* cap on boxes that leave P-Net, best first; 0: 20000 */
} mtcnn_options;

/* Fills the defaults of profile ipazc-0.1. */
void mtcnn_options_defaults(mtcnn_options *options);

typedef struct mtcnn_point {
    float x, y;
} mtcnn_point;

typedef struct mtcnn_face {
    float x1, y1, x2, y2;     /* box as computed, may leave the picture */
    int box[4];               /* x, y, width, height as the profile rounds them, then clipped to the picture */
    float score;              /* O-Net's face probability */
    mtcnn_point landmarks[5]; /* left eye, right eye, nose, mouth left, mouth right; left as seen in the picture */
} mtcnn_face;

/* The weights must outlive the detector. `options` may be null. */
nbase_status mtcnn_detector_create(const nbase_env *env, const mtcnn_weights *w, const mtcnn_options *options, mtcnn_detector **out,
                                   nbase_error *err);
void mtcnn_detector_free(mtcnn_detector *d); /* null is allowed */
const char *mtcnn_detector_error(const mtcnn_detector *d);

/* Finds faces, in the order of the package. *faces is owned by the detector and valid until its next call. A picture too small to hold a
 * face gives none and NBASE_OK. */
nbase_status mtcnn_detect(mtcnn_detector *d, const nbase_image *image, const mtcnn_face **faces, size_t *count);

/* What the last detection did. */
typedef struct mtcnn_stats {
    size_t levels;   /* of the pyramid */
    size_t cells;    /* of P-Net at or above its threshold, all levels */
    size_t proposed; /* boxes that left P-Net: after suppression and the cap */
    size_t refined;  /* boxes that left R-Net */
    size_t found;    /* faces */
} mtcnn_stats;
mtcnn_stats mtcnn_detector_stats(const mtcnn_detector *d); /* all 0 for null */

typedef enum mtcnn_choice { MTCNN_LARGEST = 0, MTCNN_MOST_PROBABLE = 1, MTCNN_MOST_CENTRAL = 2, MTCNN_FIRST = 3 } mtcnn_choice;
/* Index of the chosen face among `count` (> 0) faces of a picture of width x height. */
size_t mtcnn_choose(const mtcnn_face *faces, size_t count, size_t width, size_t height, mtcnn_choice choice);

/* Cuts box (x, y, width, height; clipped to the picture) out and resizes it to size x size RGB (size*size*3 bytes at out): bicubic with
 * antialiasing as Pillow's Image.resize(BICUBIC). NBASE_ERR_ARG if nothing of the box lies in the picture. */
nbase_status mtcnn_crop(mtcnn_detector *d, const nbase_image *image, const int box[4], size_t size, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
