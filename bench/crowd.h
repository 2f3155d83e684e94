/* crowd.h - a picture with several faces for whole detections, drawn by the simulated clinic's
 * renderer: the same pixels everywhere. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "pictures/images.h"

/* 1200 x 630 pixels, six people of different sizes in a blurred room. False, with a message,
 * without memory. */
bool crowd_draw(picture *out);

#endif
