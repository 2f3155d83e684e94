/* mtcnn.c - libmtcnn's kernels of this machine against the plain ones, with random weights. Exit 1
 * on a difference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtcnn_kernel_check.h"
#include "os.h"

static uint32_t state = 1;

static float random_value(float size)
{
    state = state * 1664525u + 1013904223u;
    return size * ((float)(state >> 8) / 8388608.0f - 1);
}

static float *values(size_t n, float size)
{
    float *v = nbase__os_alloc(n * sizeof *v, 64);
    if (!v) exit(2);
    for (size_t i = 0; i < n; i++) v[i] = random_value(size);
    return v;
}

static mtcnn__layer layer(size_t side, size_t in, size_t out, bool prelu, mtcnn__toom toom)
{
    mtcnn__layer l = {.side = side, .in = in, .out = out};
    float *kernel = values(side * side * in * out, 1.5f / sqrtf((float)(side * side * in)));
    l.kernel = kernel;
    l.bias = values(out, 0.3f);
    if (prelu) l.prelu = values(out, 0.5f);
    if (toom) {
        float *to = values(mtcnn__toom_count(toom, in, out), 0);
        mtcnn__toom_transform(toom, in, out, kernel, to);
        l.toom = to;
    }
    return l;
}

static mtcnn__params random_params(void)
{
    return (mtcnn__params){
        .pconv = {layer(3, 3, 10, true, MTCNN__TOOM_4_3), layer(3, 10, 16, true, MTCNN__TOOM_4_3),
                  layer(3, 16, 32, true, MTCNN__TOOM_4_3)},
        .pclass = layer(1, 32, 2, false, 0),
        .pbox = layer(1, 32, 4, false, 0),
        .rconv = {layer(3, 3, 28, true, MTCNN__TOOM_4_3), layer(3, 28, 48, true, MTCNN__TOOM_3_3),
                  layer(2, 48, 64, true, MTCNN__TOOM_3_2)},
        .rdense = layer(1, 576, 128, true, 0),
        .rclass = layer(1, 128, 2, false, 0),
        .rbox = layer(1, 128, 4, false, 0),
        .oconv = {layer(3, 3, 32, true, MTCNN__TOOM_4_3), layer(3, 32, 64, true, MTCNN__TOOM_3_3),
                  layer(3, 64, 64, true, MTCNN__TOOM_4_3),
                  layer(2, 64, 128, true, MTCNN__TOOM_3_2)},
        .odense = layer(1, 1152, 256, true, 0),
        .oclass = layer(1, 256, 2, false, 0),
        .obox = layer(1, 256, 4, false, 0),
        .olandmarks = layer(1, 256, 10, false, 0),
    };
}

int main(void)
{
    mtcnn__params p = random_params();
    int failures = mtcnn_kernel_check(mtcnn__kernels_of(nbase_isa_active()), &p, 20240607);
    puts(failures ? "FAILED" : "all networks pass");
    return failures != 0;
}
