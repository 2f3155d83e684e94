/* records.h - the clinic's files beside the photos: the original's CSV and JSON, and the truth
 * behind them (docs/synth.md). */
#ifndef SYNTH_RECORDS_H
#define SYNTH_RECORDS_H

#include "clinic.h"

/* Each prints its own error. */

/* FOLDER/user_%012d.json: an array of DrMessage and Annotation records. */
bool records_write_followup(const char *folder, const patient *p);
/* dr_msg_stats.csv: a line a patient who has messages. */
bool records_write_stats(const char *path, const patient *patients, size_t count);
/* truth.json. */
bool records_write_truth(const char *path, const clinic_options *o, const patient *patients,
                         size_t count);

#endif
