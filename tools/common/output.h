/* output.h - where an output goes: the one policy of every writer. A link is followed, so that what
 * it names is replaced and not the link; what exists and is no regular file (a device, a pipe, a
 * folder) is refused; a file that is replaced keeps its mode and owner. */
#ifndef SKIN_OUTPUT_H
#define SKIN_OUTPUT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "nbase.h"

typedef struct output_target {
    char *path;  /* the file's own name, behind all links */
    bool exists; /* then `old` describes it */
    struct stat old;
} output_target;

/* Finds the target of `path`. False with an error; the caller frees it with output_target_free. */
bool output_target_find(output_target *target, const char *path, nbase_error *err);
void output_target_free(output_target *target);

typedef enum output_mode {
    OUTPUT_NEW, /* one of that name is EEXIST */
    OUTPUT_LEFT /* one of that name is opened as a killed process left it; not through a link */
} output_mode;

/* Creates the file `name` that is to replace the target, for writing: with its mode and owner, or
 * with the usual mode for a new one. Returns the descriptor, or -1 with errno. */
int output_create(const output_target *target, const char *name, output_mode mode);

/* From now on this process creates files for their owner alone (0600): for tools whose outputs show
 * a person or hold notes. A file that is replaced keeps its mode all the same. Windows has no such
 * mode: there a new file has the rights of its folder, and one that is replaced does, too. */
void output_keep_private(void);

#endif
