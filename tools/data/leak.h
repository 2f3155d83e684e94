/* leak.h - leaks that the files of a split alone do not show: photos that two parts share, and a
 * model judged on the people it has learned from. */
#ifndef SKIN_DATA_LEAK_H
#define SKIN_DATA_LEAK_H

#include "fingerprint.h"

/* All of these name the first few leaks, one warning (cli_warn) each, and fail with an error that
 * says how many there are and what to do. */

/* Fails if people of different parts share a photo (mirrored or not). `data` names the split in
 * messages. Sorts the prints. */
bool leak_photos(fingerprints *prints, const char *data, nbase_error *err);

/* The metadata of a model file that holds the digest of the people it was trained on. */
#define PEOPLE_META "people"
enum { PEOPLE_DIGEST_SIZE = 17 };

/* Writes RUN/people.json, which lists the people of the training and validation parts:
 * {"train": {"id": "person", ...}, "validation": {...}}. `digest` gets a digest of the list, 16 hex
 * digits, for the model's file. */
bool leak_write_people(const char *run, const data_split *split, char digest[PEOPLE_DIGEST_SIZE],
                       nbase_error *err);

/* Fails if the people.json beside the model file is not the one that belongs to the model, or if
 * people of `part` are in its training part (or, for the test, in its validation part, by which the
 * model was chosen). True if there is no such file, or if `part` is the training part itself. */
bool leak_trained_on(const char *model, const data_split *split, data_part part, nbase_error *err);

/* For a file `out` that holds several models: writes people.json beside it, which lists everyone
 * that one of them was trained on or chosen by; `digest` gets that of the list, for the file. Fails
 * if a people.json of others is there. Where the list of a model is missing nothing is written,
 * `digest` gets "", and a warning says so: nobody then keeps known people from being judged. */
bool leak_merge_people(const char *const *models, size_t count, const char *out,
                       char digest[PEOPLE_DIGEST_SIZE], nbase_error *err);

#endif
