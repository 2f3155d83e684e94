/* settings.h - everything that shapes the numbers of a run, as names and texts: a restored run must
 * have the same. A new option that changes the numbers belongs here. */
#ifndef SKIN_SETTINGS_H
#define SKIN_SETTINGS_H

#include <jansson.h>

#include "feed/source.h"
#include "options.h"

/* The options, the network and the data (a hash of the people in order, their labels and masks). A
 * new reference; null: out of memory. */
json_t *train_settings(const train_options *o, const convlstm_trainer_options *trainer,
                       const convlstm_model *m, const source *train, const source *validation,
                       size_t total_steps);

#endif
