/* keras_readers.h - the readers of each kind of file; keras.c chooses among them. */
#ifndef SKIN_KERAS_READERS_H
#define SKIN_KERAS_READERS_H

#include "keras_file.h"

/* They fill an empty keras_file whose archive is there. `what` names the source in messages. */
bool keras_read_hdf5(const void *bytes, size_t size, const char *what, keras_file *out,
                     nbase_error *err);
bool keras_read_zip(const void *bytes, size_t size, const char *what, keras_file *out,
                    nbase_error *err);
bool keras_read_checkpoint(const char *prefix, keras_file *out, nbase_error *err);

#endif
