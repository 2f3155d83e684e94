/* leak.h - leaks that the files of a split alone do not show: photos that two parts share, and a
 * model judged on the people it has learned from. */
#ifndef SKIN_DATA_LEAK_H
#define SKIN_DATA_LEAK_H

#include "fingerprint.h"

/* False, with a message for each pair, if people of different parts share a photo (mirrored or
 * not). */
bool leak_photos(fingerprints *prints, const char *data);
/* Writes RUN/people.json, who is in the training and validation parts: {"train": {"id": "person",
 * ...}, "validation": {...}}. */
bool leak_note_people(const char *run, const data_split *split);
/* False, with a message, if people of `part` are in the training part of the people.json that lies
 * beside the model (or, for the test, in its validation part, by which the model was chosen). True
 * if there is no such file, or `part` is training itself. */
bool leak_trained_on(const char *model, const data_split *split, data_part part);

#endif
