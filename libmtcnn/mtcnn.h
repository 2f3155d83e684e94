/* mtcnn.h - face detection with the multi-task cascaded networks of Zhang et al. (2016), exact to
 * the Python package mtcnn 0.1.x.
 *
 * Input is a borrowed pixel buffer (nbase_image); the library decodes no file. Coordinates are
 * pixels of that buffer: x to the right, y down, (0,0) the outer corner of the first pixel.
 *
 * Threads: mtcnn_weights may be shared by any number of threads; an mtcnn_detector belongs to one
 * thread at a time. The results are the same bits for any num_threads. */
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

/* From the .safetensors that skin-import writes (docs/formats.md). *out is owned by the caller and
 * immutable. */
nbase_status mtcnn_weights_load(const nbase_env *env, const char *path, mtcnn_weights **out,
                                nbase_error *err);
nbase_status mtcnn_weights_from_archive(const nbase_env *env, const nbase_archive *archive,
                                        mtcnn_weights **out, nbase_error *err);
void mtcnn_weights_free(mtcnn_weights *w); /* null is allowed */

/* Published versions of the cascade, each with its resizing, padding, rounding, suppression and
 * thresholds (docs/mtcnn.md). */
typedef enum mtcnn_profile {
    MTCNN_IPAZC_0_1 = 0,       /* the Python package mtcnn 0.1.x */
    MTCNN_1_0 = 1,             /* the Python package mtcnn 1.0 */
    MTCNN_FACENET_PYTORCH = 2, /* the Python package facenet-pytorch */
    MTCNN_CAFFE = 3            /* the authors' MATLAB code for Caffe */
} mtcnn_profile;

typedef struct mtcnn_options {
    int num_threads;       /* 0: all processors */
    double min_face;       /* smallest face side in pixels; 20 */
    double factor;         /* scale step of the pyramid, 0.1..0.97; 0.709 */
    double threshold[3];   /* of P-, R- and O-Net; 0.6, 0.7, 0.7 (mtcnn-1.0: 0.8) */
    size_t max_candidates; /* cap on boxes that leave P-Net, best first; 0: 20000 */
    mtcnn_profile profile; /* set by mtcnn_options_profile; MTCNN_IPAZC_0_1 */
    /* smallest face side as a part of the picture's short side, if that is more than min_face; 0 */
    double min_face_fraction;
    /* a picture with a longer side is first reduced to it (OpenCV's INTER_AREA), and min_face
     * counts there; 0: never */
    size_t max_side;
    /* 1: if there is no face, the picture is searched turned by 90, 180 and 270 degrees, and the
     * turn with the surest face counts; 0 */
    int retry_rotated;
    /* 1: drop faces whose landmarks do not lie as in a face (mtcnn_landmarks_plausible); 0 */
    int check_landmarks;
    /* 1: faces that were found in a turned picture have their coordinates in the turned one; 0: in
     * the picture as it was given */
    int turned_frame;
} mtcnn_options;

/* Fills the defaults of profile ipazc-0.1. */
void mtcnn_options_defaults(mtcnn_options *options);
/* Fills the defaults of a profile by name: "ipazc-0.1", "mtcnn-1.0", "facenet-pytorch", "caffe".
 * NBASE_ERR_UNSUPPORTED for another name. */
nbase_status mtcnn_options_profile(mtcnn_options *options, const char *name);
/* The name, or null if there is no such profile: counting up from 0 lists them all. Static
 * storage. */
const char *mtcnn_profile_name(mtcnn_profile profile);

typedef struct mtcnn_point {
    float x, y;
} mtcnn_point;

typedef struct mtcnn_face {
    float x1, y1, x2, y2; /* box as computed, may leave the picture */
    /* x, y, width, height as the profile rounds them, then clipped to the picture */
    int box[4];
    float score; /* O-Net's face probability */
    /* left eye, right eye, nose, mouth left, mouth right; left as seen in the (upright) picture */
    mtcnn_point landmarks[5];
} mtcnn_face;

/* The weights must outlive the detector. `options` may be null. */
nbase_status mtcnn_detector_create(const nbase_env *env, const mtcnn_weights *w,
                                   const mtcnn_options *options, mtcnn_detector **out,
                                   nbase_error *err);
void mtcnn_detector_free(mtcnn_detector *d); /* null is allowed */
const char *mtcnn_detector_error(const mtcnn_detector *d);

/* Finds faces, in the order of the package. *faces is owned by the detector and valid until its
 * next call. A picture too small to hold a face gives none and NBASE_OK. */
nbase_status mtcnn_detect(mtcnn_detector *d, const nbase_image *image, const mtcnn_face **faces,
                          size_t *count);

/* What a detection did. */
typedef struct mtcnn_stats {
    size_t levels;   /* of the pyramid */
    size_t cells;    /* of P-Net that passed its threshold, all levels, before suppression */
    size_t proposed; /* boxes that left P-Net: after suppression and the cap */
    size_t refined;  /* boxes that left R-Net */
    size_t found;    /* faces */
    /* degrees, clockwise, by which the picture had to be turned for its faces to stand upright: 0
     * (no face too), 90, 180 or 270 */
    int rotation;
} mtcnn_stats;
/* Of the last mtcnn_detect; all 0 for null. */
mtcnn_stats mtcnn_detector_stats(const mtcnn_detector *d);

/* Outcome for one picture of a batch. */
typedef struct mtcnn_result {
    nbase_status status; /* of this picture alone */
    const mtcnn_face *faces;
    size_t count;
    mtcnn_stats stats;
} mtcnn_result;

/* Finds the faces of `count` pictures of any sizes; crops of all pictures go through R- and O-Net
 * together. Each picture gives the bits that mtcnn_detect gives. *results has `count` entries,
 * owned by the detector and valid until its next call. A picture that can't be searched has its
 * status and no faces, the others are not touched by that; the call itself fails only for null
 * arguments or lack of memory. */
nbase_status mtcnn_detect_batch(mtcnn_detector *d, const nbase_image *images, size_t count,
                                const mtcnn_result **results);

/* Whether the five landmarks lie as in a face, however it is turned: eyes and mouth corners form a
 * convex quadrilateral in the right sense with no side under 5 % of the box's longer one, the nose
 * lies inside it or at most 10 % of that outside, and all points lie within the box enlarged by a
 * quarter. */
int mtcnn_landmarks_plausible(const mtcnn_face *face);

typedef enum mtcnn_choice {
    MTCNN_LARGEST = 0,
    MTCNN_MOST_PROBABLE = 1,
    MTCNN_MOST_CENTRAL = 2,
    MTCNN_FIRST = 3
} mtcnn_choice;
/* Index of the chosen face among `count` (> 0) faces of a picture of width x height. */
size_t mtcnn_choose(const mtcnn_face *faces, size_t count, size_t width, size_t height,
                    mtcnn_choice choice);

/* Cuts box (x, y, width, height; clipped to the picture) out and resizes it to size x size RGB
 * (size*size*3 bytes at out): bicubic with antialiasing as Pillow's Image.resize(BICUBIC).
 * NBASE_ERR_ARG if nothing of the box lies in the picture. */
nbase_status mtcnn_crop(mtcnn_detector *d, const nbase_image *image, const int box[4], size_t size,
                        uint8_t *out);

typedef enum mtcnn_crop_mode {
    /* the box clipped to the picture; its sides are scaled apart (what the original did) */
    MTCNN_CROP_STRETCH = 0,
    /* a square about the box's middle with its longer side; black outside the picture */
    MTCNN_CROP_SQUARE = 1,
    /* turned, scaled and moved so that the landmarks lie best on a template; black outside the
     * picture */
    MTCNN_CROP_ALIGNED = 2
} mtcnn_crop_mode;

typedef enum mtcnn_crop_filter {
    MTCNN_BICUBIC = 0,  /* with antialiasing: Pillow's Image.resize(BICUBIC) */
    MTCNN_BILINEAR = 1, /* OpenCV's INTER_LINEAR: no antialiasing */
    MTCNN_AREA = 2,     /* OpenCV's INTER_AREA */
    /* as Pillow 12 and before: the passes always in the order x, y (docs/mtcnn.md) */
    MTCNN_BICUBIC_X_FIRST = 3
} mtcnn_crop_filter;

typedef struct mtcnn_crop_options {
    mtcnn_crop_mode mode;
    /* not for MTCNN_CROP_ALIGNED, which takes the mean of bilinear samples no more than a pixel
     * apart */
    mtcnn_crop_filter filter;
    size_t size; /* side of the result, 1..4096; 160 */
    /* added on each side, as a part of the box's (STRETCH, SQUARE) or the face template's (ALIGNED)
     * side, -0.4..4; 0 */
    double margin;
    /* degrees, clockwise, by which the result is turned: mtcnn_stats.rotation makes it upright; not
     * for ALIGNED, which is upright */
    int rotation;
} mtcnn_crop_options;

void mtcnn_crop_defaults(mtcnn_crop_options *options);

/* Cuts a face out to size x size RGB (size*size*3 bytes at out). `options` may be null. The
 * defaults give what mtcnn_crop gives of face->box. The template of ALIGNED is the one of ArcFace
 * (Deng et al. 2019) for 112x112, scaled to the size; the transform is the similarity with the
 * least squared distances (Umeyama 1991). NBASE_ERR_ARG if nothing of the box lies in the picture,
 * or if the landmarks coincide; NBASE_ERR_LIMIT for a SQUARE of more than 10 times the picture's
 * longer side, or of more than 16384 pixels. */
nbase_status mtcnn_crop_face(mtcnn_detector *d, const nbase_image *image, const mtcnn_face *face,
                             const mtcnn_crop_options *options, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
