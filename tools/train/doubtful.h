/* doubtful.h - training with labels that are probably wrong: --review names the table in which
 * skin-evaluate --folds marked them, --doubtful says what becomes of them. */
#ifndef SKIN_TRAIN_DOUBTFUL_H
#define SKIN_TRAIN_DOUBTFUL_H

#include <jansson.h>

#include "data/dataset.h"
#include "feed/source.h"
#include "options.h"

/* Takes the people with a doubtful label out of the training part, with their flipped copies
 * (--doubtful out), or finds out how far to believe each label (soften). *belief gets an object
 * id -> probability of the label for the latter, to be released with json_decref; else null.
 *
 * Fails if the table is not of these labels: whoever is in it must have the same label there. */
bool doubtful_take(const train_options *o, data_split *split, json_t **belief, nbase_error *err);

/* Moves the labels of those in `belief` (may be null) towards one half: a label that is believed by
 * w becomes w times itself plus 1 - w times one half, so that it pulls w times as hard and the rest
 * says that nothing is known. */
void doubtful_soften(const json_t *belief, source *people);

#endif
