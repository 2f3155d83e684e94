/* lesions.h - acne on a face: lesions appear, ripen, heal and leave marks; the severity sets how
 * many there are at a time. */
#ifndef SYNTH_LESIONS_H
#define SYNTH_LESIONS_H

#include "head.h"
#include "nbase.h"

typedef enum lesion_kind { LESION_PAPULE, LESION_PUSTULE, LESION_PATCH } lesion_kind;

typedef struct lesion {
    lesion_kind kind;
    float i, j;              /* where on the head's grid */
    float size;              /* radius of the core, units */
    float level;             /* 0 not there .. 1 ripe */
    float mark;              /* 0..1 strength of the flat mark that it leaves */
    float depth;             /* how strong its colour is, around 1 */
    float ripen, last, heal; /* days to ripen, days it then lasts, days to heal */
    float age;               /* days; from `last` on it heals */
    bool healing;
    uint32_t seed;
} lesion;

enum { LESIONS_MAX = 600, PATCHES_MAX = 8 };

/* The skin condition of one patient. What is drawn once for a person: how many lesions severity 1
 * means, where they are, how they look. */
typedef struct skin_course {
    nbase_rng rng;
    int capacity;                    /* active lesions at severity 1 */
    float pustules;                  /* share */
    float size, depth;               /* factors */
    float scarring;                  /* 0..1 strength of marks */
    float fading;                    /* days in which a mark fades to a third */
    float forehead, nose, chin, jaw; /* how much the zones take part, beside the cheeks */
    int count;
    lesion lesions[LESIONS_MAX];
    int patch_count;
    /* patches of redness: they stay in place and follow the severity */
    lesion patches[PATCHES_MAX];
} skin_course;

/* Draws the patient's kind of acne, and lets days pass at `severity` until it is steady. */
void course_begin(skin_course *c, const head *h, const identity *id, uint64_t seed, uint64_t stream,
                  float severity);

/* Lets one day pass at this severity. */
void course_day(skin_course *c, const head *h, const identity *id, float severity);

/* The number of visible lesions (half ripe or more). */
int course_active(const skin_course *c);

/* Paints the lesions on the head's texels. */
void course_paint(const skin_course *c, const head *h, const identity *id, float *tex);

#endif
