/* inputs.h - internal: the member "input" of a description, or "inputs". */
#ifndef CONVLSTM_INPUTS_H
#define CONVLSTM_INPUTS_H

#include "model.h"

/* Names go into tensor names and messages. What they are made of, for messages; %d: the limit. */
#define CONVLSTM__NAME_RULE "a name of letters, digits, '_', '-' and '.', under %d bytes"
bool convlstm__plain_name(const char *text, bool empty_too);

/* Whether a layer that was read has the name. */
bool convlstm__name_taken(const convlstm_model *m, const char *name);

/* Reads it into m, and makes room for the layers, of which several inputs are the first. */
nbase_status convlstm__read_inputs(const nbase__json *root, convlstm_model *m, nbase_error *err);

/* Writes the member. */
void convlstm__write_inputs(const convlstm_model *m, nbase__text *t);

#endif
