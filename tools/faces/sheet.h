/* sheet.h - a contact sheet: all face crops of a user in one picture, in the order of time. */
#ifndef SKIN_FACES_SHEET_H
#define SKIN_FACES_SHEET_H

#include "data/dataset.h"

/* Writes the sheet as a JPEG, whole or not at all: rows of at most 8 crops, each with its frame's
 * number in the corner (from 0, as in user_data.txt).
 *
 * A frame without a face is an empty field with a cross; over the crop of a poor photo, which is
 * masked too, lies a cross. */
bool sheet_write(const char *path, const face_series *s, nbase_error *err);

#endif
