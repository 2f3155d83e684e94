/* camera.h - from light to a file's pixels: optics, sensor, processing, and how the phone was
 * held. */
#ifndef SYNTH_CAMERA_H
#define SYNTH_CAMERA_H

#include <stdint.h>

typedef struct capture {
    float exposure;       /* factor on light */
    float white[3];       /* white balance: factors on red, green, blue */
    float blur_x, blur_y; /* deviation of the blur, pixels */
    float noise;          /* deviation at mid grey, share of full scale */
    float vignette;       /* loss of light in the corners, 0..1 */
    float contrast;       /* around 1 */
    int quality;          /* JPEG */
    /* EXIF 1..8: how the stored pixels must be turned to be upright; 0: upright, no tag */
    int orientation;
    uint32_t seed; /* of the noise */
} capture;

/* Develops rgb (height,width,3; linear, upright; overwritten) into `out` (height,width,3), upright.
 * `scratch` holds as much as rgb. */
void camera_develop(const capture *c, int width, int height, float *rgb, float *scratch,
                    uint8_t *out);

/* Turns an upright picture into the one that a camera stores with this orientation tag.
 * *stored_width, *stored_height: its size. */
void camera_store(int orientation, int width, int height, const uint8_t *upright, uint8_t *stored,
                  int *stored_width, int *stored_height);

#endif
