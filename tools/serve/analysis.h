/* analysis.h - what /v1/analyze answers besides the verdict: what happened to each photo, one
 * probability, and which photos and parts of the face mattered. */
#ifndef SERVE_ANALYSIS_H
#define SERVE_ANALYSIS_H

#include "decode.h"
#include "job.h"
#include "photos.h"
#include "photos/extract.h"
#include "photos/quality.h"
#include "score/calibration.h"
#include "score/course.h"
#include "score/explain.h"
#include "score/sequence.h"

/* Why a photo is not used, for machines: it cannot be judged, or it is as poor as those that
 * skin-faces masks before training (photos/quality.h). */
#define REASON_UNSUPPORTED "UNSUPPORTED_IMAGE"
#define REASON_TOO_LARGE "TOO_LARGE_IMAGE"
#define REASON_NO_FACE "NO_FACE"
extern const char *const analysis_reasons[QUALITY_REASONS]; /* by bit */

typedef struct photo_report {
    size_t index; /* place in the request */
    char date[PHOTO_DATE];
    const char *reason; /* null: the photo is used */
    int32_t poor;       /* bits of analysis_reasons, where a face was found but the photo is poor */
    char detail[300];   /* the reason as a sentence */
    size_t width, height;
    size_t faces; /* how many were found */
    /* Where another photo of the request, which is judged before this one, has the same pixels:
     * its place in the request; else `index`. */
    size_t same_as;
    /* Degrees to the right by which the photo was turned before the face was found. width, height,
     * box and landmarks are after that turn. */
    int rotation;
    bool has_face; /* then the rest is filled */
    int box[4];    /* x, y, width, height */
    float score, landmarks[10], quality[QUALITY_MEASURES];
} photo_report;

typedef struct analysis {
    photo_report *photos; /* (count) in the order in which they are judged */
    size_t count, used;
    double probability; /* that the skin improved */
    /* (count) the same after each photo, had there been no others behind it; NaN where the photo is
     * not used. Null: the network cannot be asked before the last photo */
    double *course;
    bool explained; /* then the explanation is complete, frame by photo */
    explanation explanation;
} analysis;

/* Decodes the photos, finds the faces and cuts them out.
 *   a       out: `photos`, `count` and `used`; freed by analysis_free. Zeros at first; after a
 *           pause what the call before left
 *   d       decodes them
 *   photos  in the order to judge them; the bytes of each are freed after it was read
 *   crops   out: one frame per photo; those without a face and those too poor to be judged are
 *           masked, as skin-faces does it. Freed by face_series_free. As `a` between two calls
 *   j       asked between two photos, and while one is decoded, whether to continue; gets the
 *           problem
 * A photo that cannot be used is only reported. JOB_FAILED when memory is out or the job is not to
 * be continued; JOB_PAUSED after a photo that is not the last, while jobs of others wait. */
job_progress analysis_read(analysis *a, extractor *e, photo_decoder *d, photo_list *photos,
                           face_series *crops, job *j);

/* Fills the course; a network that cannot be asked early leaves it null, which is no failure.
 *   s  the sequence that was judged, batch 1, a frame for each photo */
bool analysis_follow(analysis *a, convlstm_session *session, const sequence *s,
                     const calibration *c, problem *p);

/* Fills the range and the effects: judges the sequence once more without each frame and with each
 * region greyed.
 *   a->probability  set before
 *   s               the sequence that was judged, batch 1
 *   j               asked between two calls of the model whether to continue; gets the problem */
bool analysis_explain(analysis *a, convlstm_session *session, const sequence *s,
                      const calibration *c, job *j);

void analysis_free(analysis *a);

#endif
