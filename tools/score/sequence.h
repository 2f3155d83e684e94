/* sequence.h - the frames of a person over time as a model takes them, and what the model says.
 * Shared by skin-predict and skin-serve. */
#ifndef SKIN_SCORE_SEQUENCE_H
#define SKIN_SCORE_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convlstm.h"
#include "data/dataset.h"

/* Fails if a network does not judge people: colour photos in, a vector of two probabilities out.
 * `name` is its file's. */
bool model_judges_people(const convlstm_model *m, const char *name, nbase_error *err);

/* Whether this machine can run the network: a small file can ask for images of any size. Costs no
 * more than preparing its weights. name: for the message. */
bool model_runs(const convlstm_model *m, const char *name, nbase_error *err);

/* The name of a model by its file: 16 digits of a hash of the bytes (FNV-1a, 64 bits). */
void model_id(const void *bytes, size_t size, char id[17]);

typedef struct sequence {
    size_t batch, frames, height, width;
    float *img;    /* (batch,frames,height,width,3), 0..1; zeros where the mask is 0 */
    uint8_t *mask; /* (batch,frames) 1: valid */
} sequence;

/* Empty frames (zeros, masked) of the size that the model was trained on; the caller frees them
 * with sequence_free. NBASE_ERR_NOMEM. */
nbase_status sequence_create(const convlstm_model *m, size_t batch, size_t frames, sequence *out);

/* The same, of frames of height x width. */
nbase_status sequence_create_sized(size_t batch, size_t frames, size_t height, size_t width,
                                   sequence *out);

/* Puts a picture (height,width,3) into frame i of batch*frames, resized to the sequence's size
 * (bilinear, half-pixel centres), and marks the frame valid. */
nbase_status sequence_put_u8(sequence *s, size_t i, const uint8_t *frame, size_t height,
                             size_t width);

/* The same for floats in 0..1. */
nbase_status sequence_put_f32(sequence *s, size_t i, const float *frame, size_t height,
                              size_t width);

/* A sequence from pixels; the caller frees it with sequence_free. Frames of another size than the
 * model's are resized (bilinear, half-pixel centres) if the model is tied to one. No frames at all
 * are allowed. NBASE_ERR_ARG for a side of 0, NBASE_ERR_NOMEM.
 *
 * img   (batch,frames,height,width,3)
 * mask  (batch,frames), non-zero: valid; or null: frames that are all zeros are masked */
nbase_status sequence_from_u8(const convlstm_model *m, const uint8_t *img, const uint8_t *mask,
                              size_t batch, size_t frames, size_t height, size_t width,
                              sequence *out);

/* The same from floats in 0..1; NBASE_ERR_NUMERIC if a value is not finite. */
nbase_status sequence_from_f32(const convlstm_model *m, const float *img, const uint8_t *mask,
                               size_t batch, size_t frames, size_t height, size_t width,
                               sequence *out);

/* A sequence from all face crops of a series, at the size that the model was trained on, as
 * training sees them. */
nbase_status sequence_from_series(const convlstm_model *m, const face_series *s, sequence *out);

/* Leaves the sequence empty; safe on an empty one. */
void sequence_free(sequence *s);

typedef struct verdict {
    nbase_status status; /* NBASE_OK, or why there is none: NBASE_ERR_NO_VALID_FRAMES */
    int prob_class;      /* 0 deteriorated, 1 improved: the more probable one */
    float negative_prob, positive_prob;
} verdict;

/* Runs the model, which must judge people, on the sequence. NBASE_OK if each item was judged or
 * has no valid frame; otherwise convlstm_session_error says what failed. verdicts: (batch). */
nbase_status sequence_judge(convlstm_session *session, const sequence *s, verdict *verdicts);

#define VERDICT_JSON_SIZE 120

/* Writes {"prob_class": 1, "negative_prob": ..., "positive_prob": ...} with numbers
 * as short as they read back as the same floats, or {"error": "NO_VALID_FRAMES"}. */
void verdict_json(const verdict *v, char out[VERDICT_JSON_SIZE]);

#endif
