/* model.h - internal: a network's description and weights. */
#ifndef CONVLSTM_MODEL_H
#define CONVLSTM_MODEL_H

#include "../layers/layer.h"
#include "convlstm.h"

#define CONVLSTM__MAX_LAYERS 256
#define CONVLSTM__MAX_LABELS 64
#define CONVLSTM__TEXT 64                      /* bytes of a name or label, its end included */
#define CONVLSTM__MAX_FLOATS ((size_t)1 << 32) /* of one tensor or frame */

struct convlstm_model {
    nbase_env env;
    char *json; /* canonical */
    char name[CONVLSTM__TEXT], crop[CONVLSTM__TEXT];
    size_t height, width, channels; /* of an image */
    bool any_size;
    convlstm__shape output;
    char (*labels)[CONVLSTM__TEXT];
    size_t label_count;
    convlstm__layer **layers;
    size_t layer_count;
    convlstm__tensor *tensors;
    size_t tensor_count;
    /* counts changes of the weights: who derived something from them looks whether it is still
     * good */
    uint64_t version;
};

/* ---- description.c ---- */

/* A model without tensors' values: layers, shapes and tensors as `json` says. On failure *out is
 * null. */
nbase_status convlstm__describe(const nbase_env *env, const char *json, convlstm_model **out,
                                nbase_error *err);
/* Writes m->json anew from the layers. */
nbase_status convlstm__describe_again(convlstm_model *m);
/* Shapes for another image size: *out of layer `layer` from its input; fills err with the layer's
 * name. */
nbase_status convlstm__layer_shape(const convlstm_model *m, size_t layer, const convlstm__shape *in,
                                   convlstm__shape *out, nbase_error *err);
/* The shape of a sequence of images. */
convlstm__shape convlstm__image_shape(const convlstm_model *m, size_t height, size_t width);

/* ---- init.c ---- */

/* Fresh weights; tensor i draws from stream i of the seed. NBASE_ERR_NOMEM only. */
nbase_status convlstm__initialise(convlstm_model *m, uint64_t seed);

/* ---- model.c ---- */

convlstm__tensor *convlstm__model_tensor(const convlstm_model *m, const char *name); /* or null */
/* Checks an archive for every tensor of the model, of its shape and float32, without copying. */
nbase_status convlstm__check_tensors(const convlstm_model *m, const nbase_archive *archive,
                                     const char *what, nbase_error *err);
void convlstm__copy_tensors(convlstm_model *m, const nbase_archive *archive);
/* A new archive with the description and the tensors; `path` is for the message. */
nbase_status convlstm__model_archive(const convlstm_model *m, const char *path, nbase_archive **out,
                                     nbase_error *err);

#endif
