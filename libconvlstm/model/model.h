/* model.h - internal: a network's description and weights. */
#ifndef CONVLSTM_MODEL_H
#define CONVLSTM_MODEL_H

#include "convlstm.h"
#include "layers/layer.h"

#define CONVLSTM__MAX_LAYERS 256
#define CONVLSTM__MAX_LABELS 64
#define CONVLSTM__TEXT 64 /* bytes of a name or label, its end included */
/* Of one tensor or frame: what a computation of 32 bits can address, or what a file may hold. */
#define CONVLSTM__MAX_FLOATS ((size_t)1 << (sizeof(size_t) > 4 ? 32 : 29))

_Static_assert(CONVLSTM__OUTPUTS == CONVLSTM_MAX_OUTPUTS, "one limit under two names");

struct convlstm_model {
    nbase_env env;
    char *json; /* canonical */
    char name[CONVLSTM__TEXT], crop[CONVLSTM__TEXT];
    size_t height, width, channels; /* of an image; of several inputs, of a frame of the first */
    /* Of several inputs: how many, the first layers of the list; and the values of a frame of all
     * of them. 0: the images alone. */
    size_t input_count, input_floats;
    size_t frames;           /* of a sequence, where it must have so many; 0: any number */
    convlstm__clocks clocks; /* of its sequences */
    bool any_size;
    size_t outputs[CONVLSTM__OUTPUTS], output_count; /* layers that give what the network gives */
    convlstm__shape output;                          /* of the first */
    char (*labels)[CONVLSTM__TEXT];
    size_t label_count;
    convlstm__layer **layers;
    size_t layer_count;
    convlstm__tensor *tensors;
    size_t tensor_count;
    /* Of the tensors, and of those of layers that share another's once more (first_gradient). */
    size_t gradient_count;
    /* Counts changes of the weights, so that whoever derived something from them can see whether it
     * still holds. */
    uint64_t version;
};

/* ---- description.c ---- */

/* A model as `json` describes it: layers, shapes and tensors, whose values are not set. The caller
 * frees *out with convlstm_model_free; on failure it is null. */
nbase_status convlstm__describe(const nbase_env *env, const char *json, convlstm_model **out,
                                nbase_error *err);

/* Writes m->json again from the layers. NBASE_ERR_NOMEM only, and then it is as it was. */
nbase_status convlstm__describe_again(convlstm_model *m);

/* ---- shapes.c ---- */

/* The shapes of a model whose layers were read, and its tensors, whose values are not set. */
nbase_status convlstm__infer_shapes(convlstm_model *m, nbase_error *err);

/* Values of a frame of what a network takes, `height` and `width` being an image's. */
size_t convlstm__image_floats(const convlstm_model *m, size_t height, size_t width);

/* The shape of a sequence of images. */
convlstm__shape convlstm__image_shape(const convlstm_model *m, size_t height, size_t width);

/* Whether sequences of so many frames fit the network.
 *
 * NBASE_ERR_SHAPE: it takes another number of them, or a layer has none left. what: begins the
 * message, or "". */
nbase_status convlstm__check_frames(const convlstm_model *m, size_t frames, const char *what,
                                    nbase_error *err);

/* The shapes that all layers give for images of a size. err gets a text with the layer's name. */
nbase_status convlstm__layer_shapes(const convlstm_model *m, size_t height, size_t width,
                                    convlstm__shape shapes[CONVLSTM__MAX_LAYERS], nbase_error *err);

/* The shape of an input of a layer, of those of the images and of the layers. */
convlstm__shape convlstm__input_shape(const convlstm_model *m, size_t layer, size_t input,
                                      const convlstm__shape *images, const convlstm__shape *shapes);

/* Whether a layer takes the output of the layer before it, and that alone. */
bool convlstm__layer_follows(const convlstm_model *m, size_t layer);

/* ---- init.c ---- */

/* Fresh weights. Tensor i draws from stream i of the seed. NBASE_ERR_NOMEM only. */
nbase_status convlstm__initialise(convlstm_model *m, uint64_t seed);
/* Glorot and Bengio 2010: uniform in +-sqrt(6 / (fan in + fan out)), each fan times the kernel's
 * area. */
void convlstm__glorot_uniform(const nbase_array *a, nbase_rng *rng);

/* ---- model.c ---- */

/* The tensor of a name, or null. */
convlstm__tensor *convlstm__model_tensor(const convlstm_model *m, const char *name);

/* Checks that an archive has every tensor of the model, float32 and of its shape. Copies nothing.
 * what: begins the message. */
nbase_status convlstm__check_tensors(const convlstm_model *m, const nbase_archive *archive,
                                     const char *what, nbase_error *err);

/* Takes the values from an archive that passed the check. */
void convlstm__copy_tensors(convlstm_model *m, const nbase_archive *archive);

/* A new archive with the description and the tensors; the caller frees it with nbase_archive_free.
 * path: for the message. NBASE_ERR_NOMEM only. */
nbase_status convlstm__model_archive(const convlstm_model *m, const char *path, nbase_archive **out,
                                     nbase_error *err);

#endif
