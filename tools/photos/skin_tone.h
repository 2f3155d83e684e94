/* skin_tone.h - the tone of a person's skin, from their photos: the individual typology angle, by
 * which dermatology orders skins from light to dark (Chardon, Cretois and Hourseau 1991), and its
 * six classes (Del Bino and Bernerd 2013).
 *
 * The angle is atan((L* - 50) / b*) of the lit cheek in CIE L*a*b*. A photo's colours depend on
 * light and exposure, so the cheek is first divided by the white of the eyes in the same photo,
 * which is much the same in everyone. Photos whose eyes show no white are left out. It is a coarse
 * measure, for comparing groups; it says nothing reliable about a single person. */
#ifndef SKIN_PHOTOS_TONE_H
#define SKIN_PHOTOS_TONE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/dataset.h"

enum { SKIN_TONES = 6 };

/* "very light", "light", "intermediate", "tan", "brown", "dark". */
extern const char *const skin_tone_names[SKIN_TONES];

typedef struct skin_tone {
    double angle;  /* degrees: 90 the lightest, -90 the darkest */
    int tone;      /* 0 .. SKIN_TONES - 1, of the angle */
    size_t photos; /* from which it was measured */
} skin_tone;

/* The class of an angle: above 55, 41, 28, 10, -30 degrees, or below. */
int skin_tone_class(double angle);

/* The median over the series' valid frames. The crops must be those of the faces' boxes, as
 * skin-faces cuts them without --align, --square and --margin, and have their landmarks. 1; 0 if no
 * photo could be measured; -1 without memory. */
int skin_tone_of_series(const face_series *s, skin_tone *out);

#endif
