/* How severe a course is on a day. */
#include <math.h>

#include "approx.h"
#include "clinic.h"

float trajectory_at(const trajectory *t, float day)
{
    float u = t->days > 0 ? clampf(day / t->days, 0, 1) : 0, way = u;
    if (t->shape == SHAPE_SMOOTH) way = smoothstep(0, 1, u);
    if (t->shape == SHAPE_EARLY) way = 1 - (1 - u) * sqrtf(1 - u);
    if (t->shape == SHAPE_LATE) way = u * sqrtf(u);
    /* ups and downs do not touch the ends */
    float middle = 4 * u * (1 - u), s = mixf(t->first, t->last, way);
    for (int k = 0; k < 2; k++)
        s += middle * t->wave[k] * approx_sin(2 * PI_F * t->turns[k] * u + t->phase[k]);
    s += middle * t->flare * bump((u - t->flare_at) / t->flare_width, 0);
    return clampf(s, 0, 1);
}
