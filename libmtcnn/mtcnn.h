/* mtcnn.h - face detection with the multi-task cascaded networks of Zhang et al. (2016), exact to
 * the Python package mtcnn 0.1.x, and the cutting out of faces.
 *
 * Typical use:
 *
 *     mtcnn_weights_load(NULL, "mtcnn.safetensors", &weights, &err);    once
 *     mtcnn_detector_create(NULL, weights, NULL, &detector, &err);      per thread
 *     mtcnn_detect(detector, &image, &faces, &count);                   per picture
 *     mtcnn_crop_face(detector, &image, &faces[0], NULL, pixels);       per face
 *     mtcnn_detector_free(detector);
 *     mtcnn_weights_free(weights);
 *
 * Pictures     Borrowed pixel buffers (nbase_image). The library decodes no file.
 * Coordinates  Pixels of that buffer: x to the right, y down, (0,0) the outer corner of the first
 *              pixel.
 * Errors       Every call that can fail returns an nbase_status. The text is in `err`, or, for
 *              calls with a detector, in mtcnn_detector_error.
 * Threads      Any number of threads may share an mtcnn_weights. An mtcnn_detector belongs to one
 *              thread at a time. The results are the same bits for any num_threads.
 * Memory       Every allocation goes through the nbase_env of the create or load call. A detection
 *              allocates nothing after the first of its size. Beside what the networks need, a
 *              detector keeps a copy of each picture of a batch, in 4 bytes per pixel, for the next
 *              one; none of a picture that would take more than 64 MB. */
#ifndef MTCNN_H
#define MTCNN_H

#include "nbase.h"

#ifdef __cplusplus
extern "C" {
#endif
NBASE_API_BEGIN

/* Longest side of a picture, in pixels. */
#define MTCNN_MAX_SIDE 65500

/* ---------------------------------------------------------------------------------------------- */
/* Weights                                                                                        */
/* ---------------------------------------------------------------------------------------------- */

/* The parameters of the three networks. Immutable, so that any number of detectors may share it. */
typedef struct mtcnn_weights mtcnn_weights;

/* Reads the weights from a .safetensors file as skin-import writes it (docs/formats.md).
 *
 * env    memory and log; null for the defaults
 * *out   the weights; the caller frees them with mtcnn_weights_free. Null on failure
 * err    detail of a failure; may be null
 *
 * The errors of nbase_archive_read; NBASE_ERR_FORMAT if a tensor is missing, NBASE_ERR_SHAPE if one
 * has another shape, NBASE_ERR_NUMERIC if a value is not finite. */
nbase_status mtcnn_weights_load(const nbase_env *env, const char *path, mtcnn_weights **out,
                                nbase_error *err);

/* The same from an archive in memory, which is not needed afterwards. */
nbase_status mtcnn_weights_from_archive(const nbase_env *env, const nbase_archive *archive,
                                        mtcnn_weights **out, nbase_error *err);

/* Frees the weights. No detector may use them any more. Null is allowed. */
void mtcnn_weights_free(mtcnn_weights *w);

/* ---------------------------------------------------------------------------------------------- */
/* Options                                                                                        */
/* ---------------------------------------------------------------------------------------------- */

/* Published versions of the cascade, each with its resizing, padding, rounding, suppression and
 * thresholds (docs/mtcnn.md). */
typedef enum mtcnn_profile {
    MTCNN_IPAZC_0_1 = 0,       /* the Python package mtcnn 0.1.x */
    MTCNN_1_0 = 1,             /* the Python package mtcnn 1.0 */
    MTCNN_FACENET_PYTORCH = 2, /* the Python package facenet-pytorch */
    MTCNN_CAFFE = 3            /* the authors' MATLAB code for Caffe */
} mtcnn_profile;

/* How a detector searches. Defaults in brackets. */
typedef struct mtcnn_options {
    /* Threads of one detection; 0: all processors. [0] */
    int num_threads;

    /* Smallest side of a face that is found, in pixels, 1..MTCNN_MAX_SIDE. [20] */
    double min_face;

    /* Ratio of one pyramid level's scale to the one before it, 0.1..0.97. [0.709] */
    double factor;

    /* Scores that a candidate needs to pass P-, R- and O-Net, each 0..1.
     * [0.6, 0.7, 0.7; profile mtcnn-1.0: 0.6, 0.7, 0.8] */
    double threshold[3];

    /* Most boxes that leave P-Net, the best first, up to 1,000,000; 0: 20,000. [0] */
    size_t max_candidates;

    /* Whose results to reproduce; set by mtcnn_options_profile. [MTCNN_IPAZC_0_1] */
    mtcnn_profile profile;

    /* Smallest side of a face as a part of the picture's shorter side, 0..1. The larger of this and
     * min_face counts. [0] */
    double min_face_fraction;

    /* Longest side of a picture that is searched as it is, 12 or more. A larger picture is first
     * reduced to it (OpenCV's INTER_AREA), and min_face counts in the reduced one; coordinates come
     * back in the caller's. 0: never reduce. [0] */
    size_t max_side;

    /* 1: a picture without a face is searched again, turned by 90, 180 and 270 degrees; the turn
     * with the surest face counts, and mtcnn_stats.rotation reports it. [0] */
    int retry_rotated;

    /* 1: drop faces whose landmarks do not lie as in a face (mtcnn_landmarks_plausible). [0] */
    int check_landmarks;

    /* Where the coordinates are of faces that were found in a turned picture.
     * 0: in the picture as it was given.
     * 1: in that picture turned clockwise by mtcnn_stats.rotation, where the faces stand upright;
     *    `box` is rounded and clipped there. [0] */
    int turned_frame;
} mtcnn_options;

/* Fills in the defaults, of profile ipazc-0.1. */
void mtcnn_options_defaults(mtcnn_options *options);

/* Fills in the defaults of a profile by its name: "ipazc-0.1", "mtcnn-1.0", "facenet-pytorch" or
 * "caffe". For another name NBASE_ERR_UNSUPPORTED, and the options stay as they are. */
nbase_status mtcnn_options_profile(mtcnn_options *options, const char *name);

/* The name of a profile, or null if there is none of this number: counting up from 0 lists them
 * all. Static storage. */
const char *mtcnn_profile_name(mtcnn_profile profile);

/* ---------------------------------------------------------------------------------------------- */
/* Detector                                                                                       */
/* ---------------------------------------------------------------------------------------------- */

/* A detector with its buffers, for one thread at a time. */
typedef struct mtcnn_detector mtcnn_detector;

/* Creates a detector.
 *
 * env      memory and log; null for the defaults
 * w        must outlive the detector
 * options  copied; null for the defaults
 * *out     the detector; the caller frees it with mtcnn_detector_free. Null on failure
 * err      detail of a failure; may be null
 *
 * NBASE_ERR_ARG for an option out of range, NBASE_ERR_UNSUPPORTED for an unknown profile. */
nbase_status mtcnn_detector_create(const nbase_env *env, const mtcnn_weights *w,
                                   const mtcnn_options *options, mtcnn_detector **out,
                                   nbase_error *err);

/* Frees the detector and all faces and results it returned. Null is allowed. */
void mtcnn_detector_free(mtcnn_detector *d);

/* The text of the detector's last failure: one line, empty if there was none. Valid until the
 * detector's next call. */
const char *mtcnn_detector_error(const mtcnn_detector *d);

/* ---------------------------------------------------------------------------------------------- */
/* Detection                                                                                      */
/* ---------------------------------------------------------------------------------------------- */

typedef struct mtcnn_point {
    float x, y;
} mtcnn_point;

typedef struct mtcnn_face {
    /* The corners as computed; they may lie outside the picture. */
    float x1, y1, x2, y2;

    /* x, y, width, height: rounded as the profile does, then clipped to the picture. */
    int box[4];

    /* O-Net's probability of a face. */
    float score;

    /* Left eye, right eye, nose, left and right corner of the mouth. Left is the viewer's left when
     * the face stands upright. */
    mtcnn_point landmarks[5];
} mtcnn_face;

/* What a detection did. */
typedef struct mtcnn_stats {
    size_t levels;   /* levels of the pyramid */
    size_t cells;    /* cells above P-Net's threshold on all levels, before suppression */
    size_t proposed; /* boxes that left P-Net: after suppression and the cap */
    size_t refined;  /* boxes that left R-Net */
    size_t found;    /* faces */

    /* Degrees clockwise by which the picture had to be turned for its faces to stand upright: 0
     * (also without a face), 90, 180 or 270. */
    int rotation;
} mtcnn_stats;

/* Finds the faces of a picture, by falling score.
 *
 * *faces  the faces; they belong to the detector and are valid until its next detection
 * *count  their number. 0, with NBASE_OK, also for a picture too small to hold a face
 *
 * NBASE_ERR_ARG for a picture that is not valid, NBASE_ERR_LIMIT for one with a side over
 * MTCNN_MAX_SIDE or too large for so small a min_face. On failure *count is 0. */
nbase_status mtcnn_detect(mtcnn_detector *d, const nbase_image *image, const mtcnn_face **faces,
                          size_t *count);

/* What the last mtcnn_detect did. All 0 for null. */
mtcnn_stats mtcnn_detector_stats(const mtcnn_detector *d);

/* What was found in one picture of a batch. */
typedef struct mtcnn_result {
    nbase_status status; /* of this picture alone */
    const mtcnn_face *faces;
    size_t count;
    mtcnn_stats stats;
} mtcnn_result;

/* Finds the faces of `count` pictures of any sizes; the crops of all of them go through R- and
 * O-Net together. Each picture gives the same bits as with mtcnn_detect.
 *
 * *results  `count` entries; they belong to the detector and are valid until its next detection
 *
 * A picture that cannot be searched has its own status and no faces; it does not affect the others.
 * The call itself fails only for null arguments, more than 2^32 - 1 pictures, or lack of memory. */
nbase_status mtcnn_detect_batch(mtcnn_detector *d, const nbase_image *images, size_t count,
                                const mtcnn_result **results);

/* ---------------------------------------------------------------------------------------------- */
/* Faces                                                                                          */
/* ---------------------------------------------------------------------------------------------- */

/* 1 if the five landmarks lie as in a face, however it is turned:
 *
 *   - eyes and corners of the mouth form a convex quadrilateral in the right sense, none of its
 *     sides shorter than 5 % of the box's longer side;
 *   - the nose lies inside it, or outside by at most 10 % of the box's longer side;
 *   - all points lie in the box enlarged by a quarter of its longer side. */
int mtcnn_landmarks_plausible(const mtcnn_face *face);

typedef enum mtcnn_choice {
    MTCNN_LARGEST = 0,       /* by the area of box */
    MTCNN_MOST_PROBABLE = 1, /* by score */
    MTCNN_MOST_CENTRAL = 2,  /* by the distance of the box's middle from the picture's */
    MTCNN_FIRST = 3          /* the first in the list */
} mtcnn_choice;

/* Index of the chosen one among `count` (at least 1) faces of a picture of width x height pixels:
 * with turned_frame, of the turned picture. Of equal faces the first is chosen. */
size_t mtcnn_choose(const mtcnn_face *faces, size_t count, size_t width, size_t height,
                    mtcnn_choice choice);

/* ---------------------------------------------------------------------------------------------- */
/* Crops                                                                                          */
/* ---------------------------------------------------------------------------------------------- */

typedef enum mtcnn_crop_mode {
    /* The box, clipped to the picture and stretched to a square (as the original did). */
    MTCNN_CROP_STRETCH = 0,

    /* A square about the box's middle with its longer side; black outside the picture. */
    MTCNN_CROP_SQUARE = 1,

    /* The picture turned, scaled and moved so that the landmarks lie best on a template; black
     * outside the picture. The template is the one of ArcFace (Deng et al. 2019) for 112x112,
     * scaled to the size; the transform is the similarity with the least sum of squared distances
     * (Umeyama 1991). */
    MTCNN_CROP_ALIGNED = 2
} mtcnn_crop_mode;

typedef enum mtcnn_crop_filter {
    MTCNN_BICUBIC = 0,  /* with antialiasing: Pillow's Image.resize(BICUBIC) */
    MTCNN_BILINEAR = 1, /* OpenCV's INTER_LINEAR: no antialiasing */
    MTCNN_AREA = 2,     /* OpenCV's INTER_AREA */

    /* As in Pillow 12 and before: always along x first, then along y (docs/mtcnn.md). */
    MTCNN_BICUBIC_X_FIRST = 3
} mtcnn_crop_filter;

/* How a face is cut out. Defaults in brackets. */
typedef struct mtcnn_crop_options {
    /* [MTCNN_CROP_STRETCH] */
    mtcnn_crop_mode mode;

    /* Not for ALIGNED, where each value is the mean of bilinear samples no more than a pixel apart.
     * [MTCNN_BICUBIC] */
    mtcnn_crop_filter filter;

    /* Side of the result in pixels, 1..4096. [160] */
    size_t size;

    /* Added on each side, as a part of the side of the box (STRETCH, SQUARE) or of the template
     * (ALIGNED), -0.4..4. [0] */
    double margin;

    /* Degrees clockwise by which the result is turned: 0, 90, 180 or 270. With faces in the frame
     * of the picture as given, mtcnn_stats.rotation makes the result upright. Not for ALIGNED,
     * which is always upright. [0] */
    int rotation;
} mtcnn_crop_options;

/* Fills in the defaults. */
void mtcnn_crop_defaults(mtcnn_crop_options *options);

/* Cuts a face out of the picture.
 *
 * image    the picture in which the face's coordinates are: with turned_frame, the turned one
 * options  null for the defaults
 * out      size * size * 3 bytes: the rows of an RGB picture, from the top
 *
 * NBASE_ERR_ARG if nothing of the box lies in the picture, if the landmarks coincide (ALIGNED), or
 * for an option out of range. NBASE_ERR_LIMIT for a SQUARE of more than 10 times the picture's
 * longer side, or of more than 16384 pixels. On failure the content of out is undefined. */
nbase_status mtcnn_crop_face(mtcnn_detector *d, const nbase_image *image, const mtcnn_face *face,
                             const mtcnn_crop_options *options, uint8_t *out);

/* Cuts a box (x, y, width, height; clipped to the picture) out of the picture: what mtcnn_crop_face
 * does with a face of this box and the default options, but for the size. */
nbase_status mtcnn_crop(mtcnn_detector *d, const nbase_image *image, const int box[4], size_t size,
                        uint8_t *out);

NBASE_API_END
#ifdef __cplusplus
}
#endif
#endif
