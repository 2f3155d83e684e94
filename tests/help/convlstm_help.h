/* convlstm_help.h - what the ConvLSTM tests share: small models, random batches, an allocator that
 * counts and fails on demand. */
#ifndef CONVLSTM_HELP_H
#define CONVLSTM_HELP_H

#include "convlstm.h"

/* Description of a preset with 3, 2 and 5 in place of its 20 and 10 filters and 32 units; `changes`
 * is pairs of texts to replace, ended by null; null: none. To be freed with free(). */
char *help_preset(const char *preset, size_t height, size_t width, const char *const *changes);
/* Replaces every `from` in the text (malloc'ed; the result is, too). */
char *help_replace(char *text, const char *from, const char *to);
/* A model whose one-dimensional tensors (biases, gamma, moving statistics) are random too. Fails
 * the test on an error. */
convlstm_model *help_model(const nbase_env *env, const char *json, uint64_t seed);
/* A small preset at a size. */
convlstm_model *help_small(const nbase_env *env, const char *preset, size_t height, size_t width);
/* `count` uniform numbers in 0..1, never 0; malloc'ed. */
float *help_uniform(size_t count, uint64_t seed);
/* Same bits in all tensors of both. */
int help_same_weights(const convlstm_model *a, const convlstm_model *b);

/* Counts allocations; the one numbered fail_at (from 1; 0: none) and all after it fail if
 * `forever`, else it alone. Fresh memory is filled with NaNs. */
typedef struct help_memory {
    size_t calls, live, fail_at;
    int forever;
} help_memory;
nbase_env help_env(help_memory *memory);

#endif
