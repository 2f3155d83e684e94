/* quality.h - what can be said of a face crop before it is judged, so that people can take a better photo. Nothing here keeps a photo from being used. */
#ifndef SERVE_QUALITY_H
#define SERVE_QUALITY_H

#include <stddef.h>
#include <stdint.h>

typedef struct face_quality {
    int face_pixels;  /* the shorter side of the face in the photo */
    float sharpness;  /* variance of the Laplacian over the variance of the brightness, of the crop: the same for light and dark skin and for light and dark photos */
    float brightness; /* mean, 0..1 */
    float highlights; /* the brightness that only 1 % of the crop exceeds, 0..1: low in a dark photo, not on dark skin in good light */
    float blown_out;  /* share of the crop that is white without detail */
} face_quality;

/* crop (side,side,3) as it was cut; box x, y, width, height in the photo. */
void quality_measure(const uint8_t *crop, size_t side, const int box[4], face_quality *out);

enum { QUALITY_WARNINGS = 5 };
/* Names of what is amiss, static texts; their number. `faces`: how many were found in the photo. */
size_t quality_warnings(const face_quality *q, size_t faces, const char *names[QUALITY_WARNINGS]);

#endif
