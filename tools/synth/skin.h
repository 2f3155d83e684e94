/* skin.h - the colour, gloss and fine structure of a head's skin, and its eyes. */
#ifndef SYNTH_SKIN_H
#define SYNTH_SKIN_H

#include "head.h"

/* Colour of bare skin, linear RGB. */
void skin_tone(float rgb[3], float tone, float undertone);

/* Multiplies a colour by what `blood` (redness) and `pigment` (brownness) more than usual absorb
 * (Beer-Lambert). Negative amounts make it lighter. */
void skin_absorb(float rgb[3], float blood, float pigment);

/* Paints all of the head but the eyes: tone, ruddiness, lips, brows, nostrils, freckles, moles,
 * stubble, pores. `tex` is the head's texel grid. */
void skin_paint(const head *h, const identity *id, float *tex);

/* Paints both eyes, looking (gaze_x, gaze_y) away from straight ahead (-1..1 each). */
void eyes_paint(const head *h, const identity *id, float gaze_x, float gaze_y, float *tex);

#endif
