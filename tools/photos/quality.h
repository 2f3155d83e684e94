/* quality.h - how good a photo of a face is, and whether it is good enough: a poor photo is masked
 * with its reasons, not silently used.
 *
 * Measured by photo_quality_measure for each photo with a face, into face_series.quality:
 *
 *   sharpness   rms of the Laplacian over the deviation of the brightness, within the ellipse of
 *               the face, in the crop at half its size: 0 is flat, 0.8 sharp, 0.18 a blur with a
 *               deviation of 2 % of the face's width. Numerator and denominator both scale with
 *               light and contrast, so that the ratio does not
 *   brightness  mean of the same pixels, 0..255 (ITU-R BT.601 luma)
 *   highlights  the brightness that only 1 % of them exceed: low in a dark photo, but not on dark
 *               skin in good light, which is why the limit `dark` is for it and not for the mean
 *   clipped     share of them that is nearly black or nearly white, 0..1
 *   side        the shorter side of the face's box in the photo, pixels
 *   yaw, roll   of the head, from the landmarks, degrees: to the viewer's right, clockwise as seen
 *   rival       side of the largest other face over that of the chosen one; 0: nobody else */
#ifndef SKIN_PHOTOS_QUALITY_H
#define SKIN_PHOTOS_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

#include "data/dataset.h"

/* Bits of face_series.reason, in the order of quality_reason_names. */
enum {
    QUALITY_UNREADABLE = 1 << 0,
    QUALITY_FACELESS = 1 << 1,
    QUALITY_BLURRED = 1 << 2,
    QUALITY_DARK = 1 << 3,
    QUALITY_BRIGHT = 1 << 4,
    QUALITY_CLIPPING = 1 << 5,
    QUALITY_SMALL = 1 << 6,
    QUALITY_TURNED = 1 << 7, /* yaw */
    QUALITY_TILTED = 1 << 8, /* roll */
    QUALITY_SEVERAL = 1 << 9,
    QUALITY_OTHER_SCALE = 1 << 10, /* nearer or farther than the same person's other photos */
    QUALITY_OTHER_POSE = 1 << 11,  /* turned otherwise than in the same person's other photos */
    QUALITY_REASONS = 12
};
enum { QUALITY_NO_FACE = QUALITY_UNREADABLE | QUALITY_FACELESS };

/* "unreadable", "no_face", "blurred", ... */
extern const char *const quality_reason_names[QUALITY_REASONS];

/* The names of the bits in `reason`, as in "blurred, dark", cut to `size`. */
void quality_reasons_text(int32_t reason, char *out, size_t size);

/* A photo is poor beyond these. The last two need three faces in the series. */
typedef struct quality_limits {
    bool off; /* only frames without a face are masked */
    double sharpness, dark, bright, clipped, side, yaw, roll, rival;
    double scale; /* factor between this face's share of the photo and the series' median share */
    double pose;  /* degrees between this yaw or roll and the series' median */
} quality_limits;

void quality_limits_defaults(quality_limits *limits);

/* Reads "off", or "name=value,..." with the names above, over the limits that are there. */
bool quality_limits_parse(const char *text, quality_limits *limits, nbase_error *err);

/* Measures frame i of the series, whose crop, box and landmarks are there, into its row of
 * `quality`. */
void photo_quality_measure(face_series *s, size_t i, double rival);

/* Sets the reasons of every frame and masks the poor ones. Adds to reasons[] how many frames have
 * each, and to *poor how many were masked that show a face. False: out of memory, and the series is
 * as it was. */
bool photo_quality_judge(const quality_limits *limits, face_series *s,
                         size_t reasons[QUALITY_REASONS], size_t *poor);

#endif
