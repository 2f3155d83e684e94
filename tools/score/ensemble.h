/* ensemble.h - several models as one: a network whose branches are the networks of the others, side
 * by side on the same frames, and whose outputs are the mean of theirs (deep ensembles:
 * Lakshminarayanan, Pritzel and Blundell 2017). To the tools it is a model like any other: it is
 * judged, calibrated, served, exported and followed photo by photo as one. */
#ifndef SKIN_ENSEMBLE_H
#define SKIN_ENSEMBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

/* A merging layer takes as many (docs/formats.md). */
enum { ENSEMBLE_LEAST = 2, ENSEMBLE_MOST = 32 };

/* Writes the mean of `count` model files to `out`.
 *
 * They must take frames of the same size and give two probabilities with the same labels. The file
 * says how each was trained, and people.json beside it has everyone that one of them has seen
 * (data/leak.h). A calibration, a promise or a model card of theirs is not taken over: it is about
 * other outputs. Fails if something does not fit; the message names the file. */
bool ensemble_write(const char *const *models, size_t count, const char *out, nbase_error *err);

#endif
