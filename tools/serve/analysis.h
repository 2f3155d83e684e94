/* analysis.h - what /v1/analyze tells beyond the verdict: what became of each photo, one
 * probability, and which frames and regions mattered. */
#ifndef SERVE_ANALYSIS_H
#define SERVE_ANALYSIS_H

#include "photos.h"
#include "photos/extract.h"
#include "photos/quality.h"
#include "score/calibration.h"
#include "score/sequence.h"

/* Why a photo is not used, for machines: what cannot be judged, or what skin-faces masks as poor
 * (../photos/quality.h). */
#define REASON_UNSUPPORTED "UNSUPPORTED_IMAGE"
#define REASON_TOO_LARGE "TOO_LARGE_IMAGE"
#define REASON_NO_FACE "NO_FACE"
extern const char *const analysis_reasons[QUALITY_REASONS]; /* by bit */

typedef struct photo_report {
    size_t index; /* place in the request */
    char date[PHOTO_DATE];
    const char *reason; /* null: used */
    /* bits of analysis_reasons, where a face was found and the photo is not good enough */
    int32_t poor;
    char detail[300];
    size_t width, height, faces;
    /* degrees to the right by which the photo was turned before the face was found; width, height,
     * box and landmarks are after that turn */
    int rotation;
    bool has_face; /* then what follows is filled */
    int box[4];    /* x, y, width, height */
    float score, landmarks[10], quality[QUALITY_MEASURES];
} photo_report;

enum { EXPLAIN_GRID = 5 };

typedef struct analysis {
    photo_report *photos; /* in the order judged */
    size_t count, used;
    double probability; /* that the skin improved */
    bool explained;
    double low, high;    /* least and greatest probability when any one photo is left out */
    float *frame_effect; /* (count) probability minus that without this photo; 0 where unused */
    /* probability minus that with this part of every crop greyed, rows from the top */
    float region_effect[EXPLAIN_GRID * EXPLAIN_GRID];
} analysis;

/* Asked between two steps of a long work: false, with the problem set, when it is not worth going
 * on. */
typedef struct work_guard {
    bool (*go_on)(void *ctx);
    void *ctx;
} work_guard;

/* Decodes, finds faces, cuts: crops (its frames in the order of the list) and a->photos. The
 * photos' bytes are released one by one. Bad photos are only reported; false with a problem when
 * memory is out or the guard says no. Photos too poor to be judged are masked, as skin-faces does
 * it. */
bool analysis_read(analysis *a, extractor *e, photo_list *photos, size_t max_pixels,
                   size_t crop_side, face_series *crops, work_guard guard, problem *p);

/* Fills range and effects of the sequence (batch 1) that was judged: one more judgement a frame and
 * a region. a->probability is set before. */
bool analysis_explain(analysis *a, convlstm_session *session, const sequence *s,
                      const calibration *c, work_guard guard, problem *p);

void analysis_free(analysis *a);

#endif
