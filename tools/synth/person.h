/* person.h - a whole simulated person: head, hair or scarf, ears, neck and shoulders, ready to be
 * rendered in any pose. */
#ifndef SYNTH_PERSON_H
#define SYNTH_PERSON_H

#include "head.h"
#include "identity.h"
#include "surface.h"

enum { PART_HEAD, PART_HAIR, PART_EAR_LEFT, PART_EAR_RIGHT, PART_BODY, PARTS };

/* About 45 MB; allocated once per thread and filled again for each person. */
typedef struct person {
    identity id;
    head head;
    surface hair, ears[2], body;
    float *bare; /* the head's texels without eyes and lesions: each photo starts from these */
} person;

bool person_create(person *p);
void person_free(person *p);

/* Builds everything for `id`. */
void person_build(person *p, const identity *id);

/* Part i of PARTS. */
surface *person_part(person *p, int part);

/* hair.c: the hair's mesh, and its root on the scalp (texels of the head). */
bool hair_create(surface *s);
void hair_shape(surface *s, const identity *id);
void hair_paint_roots(const head *h, const identity *id, float *tex);

/* body.c */
bool ear_create(surface *s);
void ear_shape(surface *s, const identity *id, float side);
bool body_create(surface *s);
void body_shape(surface *s, const identity *id);

#endif
