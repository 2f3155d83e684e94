/* course.h - what a model would have said after each further photo of a person: the same series,
 * seen as it grew. Computed as a stream (convlstm.h), one step per photo; the last point has the
 * bits of the whole series judged at once. */
#ifndef SKIN_SCORE_COURSE_H
#define SKIN_SCORE_COURSE_H

#include "feed/source.h"
#include "sequence.h"

/* What was said after a valid frame. */
typedef struct course_point {
    size_t frame; /* its place in the series, masked frames counted, from 0 */
    float negative, positive;
} course_point;

typedef struct course {
    course_point *points; /* one for each valid frame */
    size_t count;
} course;

/* Follows one sequence (batch 1). *out is freed with course_free. NBASE_ERR_UNSUPPORTED: the
 * network looks at frames to come, so that it cannot be asked before the last one; *out is then
 * empty, as after every failure. */
nbase_status course_follow(convlstm_session *session, const sequence *s, course *out);

/* Leaves it empty; safe on an empty one. */
void course_free(course *c);

/* Follows everyone of a source of people. *out gets a course for each item, in the source's order;
 * freed with courses_free. Null if the network cannot be asked before the last frame, which is no
 * failure. Ctrl-C is one (NBASE_ERR_CANCELLED).
 *
 * what  for the progress line; null: none */
bool courses_of_source(const convlstm_model *m, const source *s, int threads, const char *what,
                       course **out, nbase_error *err);

/* Null is allowed. */
void courses_free(course *courses, size_t count);

/* The person's score (metrics.h) after the share `seen` of their valid photos, at least one of
 * them: 0 .. 1. */
double course_score(const course *c, double seen);

#endif
