/* weights.c - parameters of the three networks from an archive (docs/formats.md). */
#include <math.h>
#include <string.h>

#include "internal.h"

typedef struct layer_spec {
    const char *name;
    size_t side, in, out;
    bool prelu;
} layer_spec;

/* In the order of the fields of mtcnn__params. */
static const layer_spec specs[] = {
    {"pnet/conv1", 3, 3, 10, true},    {"pnet/conv2", 3, 10, 16, true},  {"pnet/conv3", 3, 16, 32, true},     {"pnet/class", 1, 32, 2, false},
    {"pnet/box", 1, 32, 4, false},     {"rnet/conv1", 3, 3, 28, true},   {"rnet/conv2", 3, 28, 48, true},     {"rnet/conv3", 2, 48, 64, true},
    {"rnet/dense1", 1, 576, 128, true}, {"rnet/class", 1, 128, 2, false}, {"rnet/box", 1, 128, 4, false},      {"onet/conv1", 3, 3, 32, true},
    {"onet/conv2", 3, 32, 64, true},   {"onet/conv3", 3, 64, 64, true},  {"onet/conv4", 2, 64, 128, true},    {"onet/dense1", 1, 1152, 256, true},
    {"onet/class", 1, 256, 2, false},  {"onet/box", 1, 256, 4, false},   {"onet/landmarks", 1, 256, 10, false},
};
enum { LAYERS = sizeof specs / sizeof *specs };

static size_t kernel_count(const layer_spec *s) { return s->side * s->side * s->in * s->out; }

static size_t all_values(void)
{
    size_t n = 0;
    for (size_t i = 0; i < LAYERS; i++) n += kernel_count(&specs[i]) + s_out_times(&specs[i]);
    return n;
}
