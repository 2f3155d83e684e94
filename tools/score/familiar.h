/* familiar.h - are these photos like those that the model was measured on? An answer about a
 * drawing or an animal is a number like any other; only this tells them apart.
 *
 * Three things are compared with the people of the calibration (mahalanobis.h): the last hidden
 * layer of the network (hidden.h; Lee et al., "A Simple Unified Framework for Detecting
 * Out-of-Distribution Samples", 2018), what the photos look like, and where on them it is light and
 * dark (look.h). A series is unfamiliar where one of these is as far away as at most one in sixty
 * of those people. So of new people like those at most one in twenty is called unfamiliar, on
 * average. */
#ifndef SKIN_FAMILIAR_H
#define SKIN_FAMILIAR_H

#include "feed/source.h"
#include "look.h"
#include "mahalanobis.h"
#include "sequence.h"

/* Of each of the three; and how many people it takes until anything can be so rare. */
#define FAMILIAR_RARE (1.0 / 60)
enum { FAMILIAR_LEAST = 59 };

/* What is known of people. Arrays "familiar/..." of a model file (docs/formats.md). */
typedef struct familiar {
    mahalanobis look, shape; /* size 0: nothing is known */
    mahalanobis hidden;      /* size 0: the network is not compared */
    size_t height, width;    /* of the frames that were measured */
    convlstm_model *network; /* hidden.h; null: the network is not compared */
} familiar;

/* Leaves it empty; safe on an empty one. */
void familiar_free(familiar *f);

/* Measures the people of a source, at least FAMILIAR_LEAST; fewer leave *out empty. Freed with
 * familiar_free. what: for the progress line; null: none. */
bool familiar_fit(const convlstm_model *m, const source *s, int threads, const char *what,
                  familiar *out, nbase_error *err);

/* Writes it into a model's archive, where none is yet. */
nbase_status familiar_write(const familiar *f, nbase_archive *a);

/* Whether an array of a model's file belongs to it. */
bool familiar_is_part(const char *name);

/* Reads what a model's archive knows; empty if that is nothing. `path` names it in messages. */
bool familiar_read(const nbase_archive *a, const char *path, const convlstm_model *m, familiar *out,
                   nbase_error *err);
bool familiar_of_file(const char *path, const convlstm_model *m, familiar *out, nbase_error *err);

/* ---- judging ---- */

typedef enum familiar_reason {
    UNFAMILIAR_SHARPNESS, /* as the measures of look.h */
    UNFAMILIAR_BRIGHTNESS,
    UNFAMILIAR_CONTRAST,
    UNFAMILIAR_REDNESS,
    UNFAMILIAR_BLUENESS,
    UNFAMILIAR_RED_RANGE,
    UNFAMILIAR_BLUE_RANGE,
    UNFAMILIAR_SYMMETRY,
    UNFAMILIAR_SHAPE,
    UNFAMILIAR_NETWORK,
    UNFAMILIAR_REASONS
} familiar_reason;

/* For machines, and as a sentence. */
extern const char *const familiar_reasons[UNFAMILIAR_REASONS];
extern const char *const familiar_sentences[UNFAMILIAR_REASONS];

typedef struct familiarity {
    bool known;      /* false: the model's file cannot tell */
    bool unfamiliar; /* then there is a reason: what is furthest away */
    familiar_reason reason;
    double p; /* how rare the series is among the people measured, the rarest of the three */
} familiarity;

/* A session for the network of f; *out stays null without one. Freed with convlstm_session_free. */
bool familiar_session(const familiar *f, int threads, convlstm_session **out, nbase_error *err);

/* Judges item 0 of a sequence, which has a valid frame. `session`: of familiar_session. Nothing is
 * known if f is empty. */
nbase_status familiar_judge(const familiar *f, convlstm_session *session, const sequence *s,
                            familiarity *out);

/* Everyone of a source; the caller frees *out with free(). Null if f is empty. */
bool familiar_judge_source(const familiar *f, const source *s, int threads, const char *what,
                           familiarity **out, nbase_error *err);

#endif
