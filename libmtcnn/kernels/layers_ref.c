#include "layers_ref.h"

#include <string.h>

static void prelu(const mtcnn__layer *l, size_t k, float *v, size_t n)
{
    if (!l->prelu) return;
    float slope = l->prelu[k];
    for (size_t i = 0; i < n; i++) v[i] = v[i] > 0 ? v[i] : slope * v[i];
}

void mtcnn__conv_ref(const mtcnn__layer *l, const float *in, size_t h, size_t w, float *out)
{
    size_t s = l->side, oh = h - s + 1, ow = w - s + 1;
    for (size_t k = 0; k < l->out; k++, out += oh * ow) {
        for (size_t i = 0; i < oh * ow; i++) out[i] = l->bias[k];
        for (size_t c = 0; c < l->in; c++)
            for (size_t dy = 0; dy < s; dy++)
                for (size_t dx = 0; dx < s; dx++) {
                    float weight = l->kernel[((dy * s + dx) * l->in + c) * l->out + k];
                    for (size_t y = 0; y < oh; y++) {
                        const float *from = in + (c * h + y + dy) * w + dx;
                        for (size_t x = 0; x < ow; x++) out[y * ow + x] += weight * from[x];
                    }
                }
        prelu(l, k, out, oh * ow);
    }
}

size_t mtcnn__pooled(size_t n, size_t side, bool partial)
{
    return partial ? (n - side + 1) / 2 + 1 : (n - side) / 2 + 1;
}

void mtcnn__pool_ref(const float *in, size_t channels, size_t h, size_t w, size_t side,
                     bool partial, float *out)
{
    size_t oh = mtcnn__pooled(h, side, partial), ow = mtcnn__pooled(w, side, partial);
    for (size_t c = 0; c < channels; c++, in += h * w)
        for (size_t y = 0; y < oh; y++)
            for (size_t x = 0; x < ow; x++) {
                float best = in[2 * y * w + 2 * x];
                for (size_t j = 2 * y; j < 2 * y + side && j < h; j++)
                    for (size_t i = 2 * x; i < 2 * x + side && i < w; i++)
                        if (in[j * w + i] > best) best = in[j * w + i];
                *out++ = best;
            }
}

void mtcnn__dense_ref(const mtcnn__layer *l, const float *in, float *out)
{
    memcpy(out, l->bias, l->out * sizeof *out);
    for (size_t i = 0; i < l->in; i++)
        for (size_t k = 0; k < l->out; k++) out[k] += in[i] * l->kernel[i * l->out + k];
    for (size_t k = 0; k < l->out; k++) prelu(l, k, out + k, 1);
}
