/* sheet.h - a contact sheet: all face crops of a user on one picture, in time order. */
#ifndef SKIN_FACES_SHEET_H
#define SKIN_FACES_SHEET_H

#include "data/dataset.h"

/* A JPEG: rows of at most 8 crops, each with its frame's number in the corner (from 0, as in
 * user_data.txt); crossed out where it is masked: empty without a face, a cross over the crop of a
 * poor photo. Atomic; prints its own error. */
bool sheet_write(const char *path, const face_series *s);

#endif
