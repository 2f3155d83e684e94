/* mtcnn_random.h - MTCNN's networks with random weights. */
#ifndef MTCNN_RANDOM_H
#define MTCNN_RANDOM_H

#include "mtcnn.h"

/* Every layer keeps the variance of its input about as it is. Ends the program if that fails. */
mtcnn_weights *random_mtcnn_weights(uint64_t seed);

#endif
