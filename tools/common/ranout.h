/* ranout.h - whether memory ran out where that shows only as something missing: a member of a JSON
 * value, a figure that is NaN. The calls that put JSON together (json_pack, json_object_set_new)
 * are nested so deep that nobody checks each, and a statistic has no better answer than none.
 * Without this such an output would pass for a whole one. */
#ifndef SKIN_RANOUT_H
#define SKIN_RANOUT_H

#include <stdbool.h>

/* From now on failures of jansson's are noted. Called once, before any JSON is touched. */
void ranout_watch_json(void);

/* Memory has run out. */
void ranout_note(void);

/* Whether that was ever noted in this process. Nothing that was put together since can be trusted:
 * no file is committed (outfile_commit), and the exit status is 1. */
bool ranout_ever(void);

/* Whether it was noted in this thread since the last call. For servers, which go on. */
bool ranout_take(void);

#endif
