/* known_networks.h - networks that many people run, as descriptions (docs/formats.md): what
 * `bench --set networks` measures, beside Keras and PyTorch in bench/peers.py. */
#ifndef BENCH_KNOWN_NETWORKS_H
#define BENCH_KNOWN_NETWORKS_H

#include "bench.h"
#include "convlstm.h"

typedef struct known_network {
    const char *json;
    size_t frames, height, width, channels; /* of a sequence */
    /* A smaller size of frame for the comparison with plain loops, where the network takes any;
     * 0: it takes only its own. */
    size_t check_side;
    convlstm_loss loss;
    /* Multiplications of its convolutions done directly, for one frame: all, and those of the
     * layers that take the images, to which training sends no gradient. */
    double products, first_products;
} known_network;

/* Of a descriptor of one of the kinds UCF50, ANOMALY, FORECASTER and TWO_WAYS. */
const known_network *known_network_of(descriptor_kind kind);

/* Writes the network that is measured, a model with its first weights, to a file; false, with a
 * message on stderr, if it cannot. */
bool known_network_write(const descriptor *d, const char *path);

#endif
