/* calibrated.h - a copy of a model file with a calibration that was fitted on predictions
 * (../score/calibration.h). */
#ifndef SKIN_CALIBRATED_H
#define SKIN_CALIBRATED_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "score/calibration.h"
#include "score/conformal.h"
#include "score/familiar.h"
#include "score/metrics.h"

/* Fits on the `n` people and writes the file `out`, which may be the model's own. The file keeps
 * their evidence, without their ids, for answers with a promise (../score/conformal.h), and what is
 * known of them (may be empty), by which it tells unfamiliar photos. `note` (null: as it was)
 * becomes the sentence that is shown beside the model's answers. *fitted gets the curve. Fails for
 * too few people, and for scores that do not rise with the truth. */
bool calibrated_write(const char *model, const prediction *p, size_t n, const familiar *known,
                      const char *note, const char *out, calibration *fitted, nbase_error *err);

#endif
