/* convlstm_ref_value.h - what flows in the oracle of convlstm_ref.h, and its layers that look at
 * frames one by one or at neighbours (convlstm_ref_layers.c). */
#ifndef CONVLSTM_REF_VALUE_H
#define CONVLSTM_REF_VALUE_H

#include <jansson.h>

#include "convlstm_ref.h"

/* (batch, frames, height, width, channels); frames 1 once a layer gave one output only. */
typedef struct value {
    size_t batch, frames, height, width, channels;
    bool sequence, reversed, every; /* every: the mask does not hold yet, or no longer */
    double *data;
} value;

static inline size_t frame_size(const value *v) { return v->height * v->width * v->channels; }
static inline double *frame(const value *v, size_t b, size_t t)
{
    return v->data + (b * v->frames + t) * frame_size(v);
}
value ref_make(size_t batch, size_t frames, size_t height, size_t width, size_t channels,
               bool sequence);
/* Whether sample b has a valid frame at all. */
bool ref_used(const ref_batch *batch, size_t b);
/* Whether frame t of a sequence, or sample b of one that gave a single output, is valid. */
bool ref_valid(const value *v, const ref_batch *batch, size_t b, size_t t);

const char *ref_text(json_t *layer, const char *key);
size_t ref_pair(json_t *layer, const char *key, size_t i);
double *ref_layer_weights(ref_net *r, json_t *layer, const char *name);
/* z (outputs a pixel) += cross-correlation of in with w (kh, kw, channels, outputs). */
void ref_convolve(const double *in, size_t height, size_t width, size_t channels, const double *w,
                  size_t kh, size_t kw, const size_t stride[2], const size_t dilation[2],
                  const size_t pad[2], double *z, size_t out_height, size_t out_width,
                  size_t outputs);
size_t ref_out_length(size_t length, size_t kernel, size_t stride, size_t dilation, bool valid,
                      size_t *pad);

/* What the net gives. `move`: the moving statistics move. *logits (may be null): what the last
 * activation is applied to, else a copy of the output; malloc'ed. */
value ref_run(ref_net *r, const ref_batch *b, bool train, bool move, double **logits);

/* A new value for layers that work on each frame alone and change its size; data null for any other
 * type. */
value ref_moving_layer(ref_net *r, json_t *layer, const value *in);

/* A new value for layers that see several frames of a sequence, with its own mask and direction;
 * data null for any other type. */
value ref_time_layer(ref_net *r, json_t *layer, const value *in, const ref_batch *batch);

/* A copy in which masked frames repeat the one before them; zeros before the first. */
value ref_filled(const value *in, const ref_batch *batch);

/* A new value for these types; data null for any other type. */
value ref_frame_layer(ref_net *r, json_t *layer, const value *in, const ref_batch *batch,
                      bool train);

/* A new value for layers that merge their `count` inputs; data null for any other type. */
value ref_merge(json_t *layer, const value *const *ins, size_t count);

#endif
