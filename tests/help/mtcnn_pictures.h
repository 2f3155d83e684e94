/* mtcnn_pictures.h - the pictures of tests/goldens/make_mtcnn_goldens.py, made again in C. */
#ifndef TESTS_MTCNN_PICTURES_H
#define TESTS_MTCNN_PICTURES_H

#include <stdbool.h>

#include "mtcnn.h"
#include "pictures/images.h"

/* Byte i of the hash noise with a seed: what hashed() of the script gives. */
uint8_t hashed_byte(uint64_t i, uint64_t seed);
/* A noise picture; freed by picture_free. */
picture hashed_picture(size_t width, size_t height, uint64_t seed);
/* A picture of the script by name. False if a file of python3-skimage that it needs is not
 * installed. */
bool golden_picture(const char *name, picture *out);

/* The archive tests/goldens/<name>; ends the test program if it can't be read. */
nbase_archive *golden_archive(const char *name);
/* Array by name; ends the program if it is missing or of another type. */
const nbase_array *golden_array(const nbase_archive *a, const char *name, nbase_dtype dtype);
/* The pretrained weights, or null if weights/mtcnn.safetensors is not there (`make weights`). */
mtcnn_weights *pretrained_weights(void);

#endif
