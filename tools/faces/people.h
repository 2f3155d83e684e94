/* people.h - a folder of photos as a list of users: each folder in it is a person. */
#ifndef SKIN_FACES_PEOPLE_H
#define SKIN_FACES_PEOPLE_H

#include "data/dataset.h"

/* The people in `folder`, sorted by name, with their photos, also those in deeper folders, in the
 * order in which they were taken (photos/photo_folder.h). The caller frees the list with
 * user_list_free; on failure *out is empty.
 *
 * The id is the folder's name, in which characters that an id cannot have become '_'. A folder
 * without folders is one person; photos beside folders are nobody's, and left out with a warning.
 * Labels are 0 and mean nothing. */
bool people_from_folder(store *folder, user_list *out, nbase_error *err);

#endif
