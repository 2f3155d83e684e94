/* torch_state.h - the state dict in a file of PyTorch's torch.save, read as data: nothing in it is
 * executed.
 *
 * Two kinds exist (torch/serialization.py). Since 1.6 a zip: NAME/data.pkl, a pickle of the state
 * dict, and NAME/data/KEY, the elements of a storage. Before, five pickles in a row: a magic
 * number, the protocol's version 1001, the machine's properties, the state dict, and the list of
 * storage keys; then for each key in the order of the list an int64 count and the elements.
 *
 * In both a tensor is _rebuild_tensor_v2(storage, offset, size, stride, ...) with the storage as a
 * persistent id ("storage", FloatStorage, key, "cpu", count, ...). Strides are those of the tensor
 * in memory, so a transposed one is not dense. */
#ifndef SKIN_TORCH_STATE_H
#define SKIN_TORCH_STATE_H

#include "import.h"

enum { TORCH_MAX_DIMS = 5 };

typedef struct torch_tensor {
    const char *name;
    int ndim;
    size_t shape[TORCH_MAX_DIMS], count;
    float *values; /* dense, row-major; float64, float16, bfloat16 and integers are converted */
} torch_tensor;

typedef struct torch_state {
    torch_tensor *items; /* in the file's order */
    size_t count;
} torch_state;

/* Whether the bytes begin like such a file (any zip does). */
bool torch_recognises(const uint8_t *bytes, size_t size);

/* Reads the state dict: the whole of the file, or what a checkpoint has under "state_dict",
 * "model_state_dict", "model", "net", "weights" or "params". "module." and "_orig_mod.", which
 * DataParallel and torch.compile put before every name, are left out. Everything lives in the
 * pool. */
bool torch_state_read(const uint8_t *bytes, size_t size, import_pool *pool, torch_state *out,
                      nbase_error *err);

/* The tensor of this name, or null. */
const torch_tensor *torch_find(const torch_state *s, const char *name);

/* The first name that ends in "." and this one, or null: where a trainer's object holds the
 * network, names begin with its own for it, as "model." */
const char *torch_longer_name(const torch_state *s, const char *name);

/* The name of a tensor that is there in place of this one, or null: pruning, weight and spectral
 * normalisation, and other parametrisations replace "weight" by "weight_orig", "weight_g" and
 * "weight_v", or "parametrizations.weight.original". */
const char *torch_replacement(const torch_state *s, const char *name);

#endif
