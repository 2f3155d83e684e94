/* studio.h - takes the photos of planned patients. One studio per thread: it holds the buffers
 * (about 120 MB). */
#ifndef SYNTH_STUDIO_H
#define SYNTH_STUDIO_H

#include "clinic.h"
#include "lesions.h"

typedef struct studio {
    person who;
    renderer render;
    skin_course skin;
    float *rgb, *scratch;
    uint8_t *upright, *stored;
    int max_side;
} studio;

bool studio_create(studio *s, int max_side);
void studio_free(studio *s);

/* Renders the patient's photos in time order and writes them into the folder. Fills in what is only
 * known then (box, lesions). False with an error when a file cannot be written
 * or `stop` says so. */
bool studio_shoot(studio *s, const clinic_options *o, patient *p, const char *folder,
                  bool (*stop)(void), nbase_error *err);

#endif
