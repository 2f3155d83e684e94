/* mtcnn_containers.h - writes made-up MTCNN weights as each of the five containers hold the real
 * ones, so that their readers can be tested without them. */
#ifndef TEST_MTCNN_CONTAINERS_H
#define TEST_MTCNN_CONTAINERS_H

#include "import/mtcnn_import.h"

enum {
    CONTAINER_CAFFE,
    CONTAINER_FACENET,
    CONTAINER_JOBLIB,
    CONTAINER_TORCH,
    CONTAINER_PACKAGE,
    CONTAINERS
};

/* A growing piece of memory. */
typedef struct out_bytes {
    uint8_t *data;
    size_t size, capacity;
} out_bytes;

/* Canonical values (docs/formats.md) of a part: the same for the same seed. free() them. */
float *made_up_values(int layer, int part, uint64_t seed, size_t *count);

/* One file: net 0 to 2; CONTAINER_PACKAGE holds all three and ignores it. free() the data. */
out_bytes write_container(int container, int net, uint64_t seed);

#endif
