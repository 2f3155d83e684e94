#include "mtcnn_random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void must(nbase_status status, const char *what)
{
    if (status == NBASE_OK) return;
    fprintf(stderr, "random_mtcnn_weights: %s: %s\n", what, nbase_status_name(status));
    exit(99);
}

/* An archive with the names and shapes of docs/formats.md. */
mtcnn_weights *random_mtcnn_weights(uint64_t seed)
{
    static const struct {
        const char *name;
        size_t side, in, out;
        int prelu;
    } layers[] = {
        {"pnet/conv1", 3, 3, 10, 1},       {"pnet/conv2", 3, 10, 16, 1},
        {"pnet/conv3", 3, 16, 32, 1},      {"pnet/class", 1, 32, 2, 0},
        {"pnet/box", 1, 32, 4, 0},         {"rnet/conv1", 3, 3, 28, 1},
        {"rnet/conv2", 3, 28, 48, 1},      {"rnet/conv3", 2, 48, 64, 1},
        {"rnet/dense1", 0, 576, 128, 1},   {"rnet/class", 0, 128, 2, 0},
        {"rnet/box", 0, 128, 4, 0},        {"onet/conv1", 3, 3, 32, 1},
        {"onet/conv2", 3, 32, 64, 1},      {"onet/conv3", 3, 64, 64, 1},
        {"onet/conv4", 2, 64, 128, 1},     {"onet/dense1", 0, 1152, 256, 1},
        {"onet/class", 0, 256, 2, 0},      {"onet/box", 0, 256, 4, 0},
        {"onet/landmarks", 0, 256, 10, 0},
    };
    nbase_archive *a;
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 1);
    must(nbase_archive_create(NULL, &a), "archive");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        size_t side = layers[i].side, out = layers[i].out,
               shape[4] = {side, side, layers[i].in, out};
        static const char *const parts[] = {"kernel", "bias", "prelu"};
        double spread[3] = {sqrt(3.0 / (double)(layers[i].in * (side ? side * side : 1))), 0.3,
                            0.5};
        for (int j = 0; j < 2 + layers[i].prelu; j++) {
            char name[64];
            nbase_array *array;
            snprintf(name, sizeof name, "%s/%s", layers[i].name, parts[j]);
            bool dense = !side;
            int ndim = j ? 1 : dense ? 2 : 4;
            must(nbase_archive_add(a, name, NBASE_F32, ndim, j ? &out : shape + (dense ? 2 : 0),
                                   NULL, &array),
                 name);
            for (size_t k = 0; k < array->count; k++)
                ((float *)array->data)[k] = (float)(spread[j] * (2 * nbase_rng_uniform(&rng) - 1));
        }
    }
    mtcnn_weights *w;
    nbase_error why = {0};
    must(mtcnn_weights_from_archive(NULL, a, &w, &why), why.text);
    nbase_archive_free(a);
    return w;
}
