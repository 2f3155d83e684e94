/* settings.h - what shaped the numbers of a run, as names and texts: a restored run must have the
 * same. */
#ifndef SKIN_SETTINGS_H
#define SKIN_SETTINGS_H

#include <jansson.h>

#include "feed/source.h"
#include "options.h"

/* Options, network and data (the people in order with their labels and frame counts, as a hash). A
 * new reference, or null if memory runs out. */
json_t *train_settings(const train_options *o, const convlstm_trainer_options *trainer,
                       const convlstm_model *m, const source *train, const source *validation,
                       size_t total_steps);

#endif
