/* tones.h - the skin tones of everyone in a folder of face crops, as a table. */
#ifndef SKIN_PHOTOS_TONES_H
#define SKIN_PHOTOS_TONES_H

#include <stdbool.h>
#include <stdio.h>

#include "nbase.h"

/* Writes id,group,angle,photos for each FACES/<id>.npz, by id: a table that skin-evaluate --groups
 * takes. The group is the name of the tone (skin_tone.h), or empty where no photo could be
 * measured. A file that cannot be read is an error, after a warning for each and all the others.
 *
 * faces  a folder or s3://BUCKET/PREFIX, of skin-faces without --align, --square and --margin */
bool tones_print(FILE *out, const char *faces, nbase_error *err);

#endif
