/* hidden.h - the last hidden layer of a network that judges people: what it makes of a person,
 * before the two outputs. */
#ifndef SKIN_SCORE_HIDDEN_H
#define SKIN_SCORE_HIDDEN_H

#include <stdbool.h>

#include "convlstm.h"

/* A network with the same weights that ends in what the last dense layer of `m` takes: of an
 * average of several networks (ensemble.h) in what theirs take, one after the other. The caller
 * frees *out with convlstm_model_free. *out is null, which is no failure, if it does not end so, or
 * if the layer has more than HIDDEN_MOST units. */
bool hidden_network(const convlstm_model *m, convlstm_model **out, nbase_error *err);

enum { HIDDEN_MOST = 512 };

#endif
