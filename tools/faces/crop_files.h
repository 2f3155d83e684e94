/* crop_files.h - the face crops as pictures beside the .npz: FACES/<user>/<photo>.png. */
#ifndef SKIN_FACES_CROP_FILES_H
#define SKIN_FACES_CROP_FILES_H

#include "data/dataset.h"

typedef enum crops_kind { CROPS_NONE, CROPS_PNG, CROPS_JPG } crops_kind;

/* Writes a crop of photo i of a user.
 *
 * face        counts the faces of a photo from 1, the chosen one; the others have "_2", "_3", ...
 *             behind the photo's name
 * rgb, side   the crop, (side,side,3)
 *
 * <photo> is the photo's path without the user's own folder and without its ending. Where two of
 * the user's photos differ in nothing but that, the ending stays: 1.jpg.png and 1.heic.png. */
bool crop_write(store *faces, const user_record *user, size_t i, size_t face, crops_kind kind,
                const uint8_t *rgb, size_t side, nbase_error *err);

/* Whether no crop of the user would be written into a folder where a photo of the user is: it could
 * replace a photo of the same name. False with an error that names the folder. */
bool crops_apart(const store *photos, const store *faces, const user_record *user, crops_kind kind,
                 nbase_error *err);

/* Whether the crops of a finished user seem to be there: that of the first frame with a face is. */
bool crops_finished(store *faces, const user_record *user, const face_series *s, crops_kind kind);

#endif
