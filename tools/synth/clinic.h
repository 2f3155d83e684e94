/* clinic.h - the plan of a simulated clinic: patients, their courses, photos and notes. Nothing
 * here draws a pixel. */
#ifndef SYNTH_CLINIC_H
#define SYNTH_CLINIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backdrop.h"
#include "camera.h"
#include "identity.h"
#include "notes.h"
#include "shade.h"

enum { PHOTOS_MAX = 29, NOTES_MAX = 12, PHOTO_NAME = 40 };

typedef struct clinic_options {
    size_t patients;
    uint64_t seed;
    int photos_min, photos_max; /* per patient, 6..29 */
    int size_min, size_max;     /* longer side of a photo, pixels */
    double effect;              /* factor on the change of severity */
    double no_face;             /* share of photos without a face */
    bool exif;                  /* write orientation tags and rotated pixels */
} clinic_options;

/* The special case that a patient stands for. */
typedef enum plant {
    PLANT_NONE,
    PLANT_OTHER_LANGUAGE, /* every note in another language: to be dropped */
    PLANT_FEW_PHOTOS,     /* five photos or less: to be dropped */
    PLANT_MIXED_LANGUAGE, /* the latest note in another language, the latest English one decides */
    /* the latest note too long for a language service, the one before decides */
    PLANT_LONG_NOTE,
    PLANTS
} plant;
extern const char *const plant_names[PLANTS];

/* Whether a pipeline that works like the original keeps such a patient. */
bool plant_is_kept(plant p);

/* Severity over time: from first to last on a path of its own, with noise. */
typedef enum course_shape {
    SHAPE_STEADY,
    SHAPE_SMOOTH,
    SHAPE_EARLY,
    SHAPE_LATE,
    SHAPES
} course_shape;
extern const char *const course_shape_names[SHAPES];
typedef struct trajectory {
    course_shape shape;
    float first, last;                 /* 0..1 */
    float days;                        /* from the first photo to the last */
    float wave[2], turns[2], phase[2]; /* slow ups and downs */
    /* one passing worsening or relief; `at` and `width` as shares of the whole time */
    float flare, flare_at, flare_width;
} trajectory;

/* Severity on a day, 0..1. */
float trajectory_at(const trajectory *t, float day);

typedef struct photo {
    int64_t taken; /* seconds since 1970, UTC */
    float day;     /* since the first photo */
    char name[PHOTO_NAME];
    int width, height; /* upright */
    bool face;
    still still; /* when there is no face */
    pose pose;
    lighting light;
    float room_light, gaze_x, gaze_y;
    uint32_t room;
    capture capture;
    /* known when it is rendered */
    float severity;
    int lesions;
    face_box box;
} photo;

typedef struct note {
    int64_t sent;
    note_language language;
    char *text;
} note;

typedef struct patient {
    uint64_t number; /* the user id */
    size_t index;    /* in the clinic: the stream of its random numbers */
    int label;       /* 1 improved, 0 deteriorated */
    plant plant;
    identity id;
    trajectory course;
    int photo_count, note_count;
    photo photos[PHOTOS_MAX];
    note notes[NOTES_MAX]; /* in time order */
    /* index of the latest English note of usual length, -1 if there is none */
    int decisive;
} patient;

/* Streams of random numbers: one for the clinic and a block for each patient, so that patients can
 * be computed in any order. */
enum {
    STREAM_IDENTITY,
    STREAM_COURSE,
    STREAM_VISITS,
    STREAM_NOTES,
    STREAM_LESIONS,
    STREAMS_A_PATIENT = 8
};
static inline uint64_t patient_stream(size_t index, int which)
{
    return 16 + STREAMS_A_PATIENT * (uint64_t)index + (uint64_t)which;
}

/* Draws ids, labels (70 % improved, at least one of each) and special cases of all patients; the
 * rest of each is left empty. False without memory. */
bool clinic_enrol(const clinic_options *o, patient *patients);

/* Draws everything else about one patient. Depends only on the options, the seed and p->index.
 * False without memory. */
bool clinic_plan(const clinic_options *o, patient *p);
void patient_free(patient *p);

/* visits.c: the photos of a patient, when the days are known. */
void visits_plan(const clinic_options *o, patient *p, nbase_rng *rng);

#endif
