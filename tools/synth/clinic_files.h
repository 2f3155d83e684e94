/* clinic_files.h - the clinic's files beside the photos: CSV and JSON as the original has them, and
 * the truth behind them (docs/synth.md). */
#ifndef SYNTH_CLINIC_FILES_H
#define SYNTH_CLINIC_FILES_H

#include "clinic.h"
#include "nbase.h"

/* FOLDER/user_%012d.json: an array of DrMessage and Annotation records. */
bool clinic_write_followup(const char *folder, const patient *p, nbase_error *err);

/* dr_msg_stats.csv: one line per patient who has messages. */
bool clinic_write_stats(const char *path, const patient *patients, size_t count, nbase_error *err);

/* truth.json. */
bool clinic_write_truth(const char *path, const clinic_options *o, const patient *patients,
                        size_t count, nbase_error *err);

#endif
