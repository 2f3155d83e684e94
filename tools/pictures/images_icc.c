/* The only file that includes lcms2. */
#include "images_icc.h"

#include "cmyk.h"
#include "fail.h"

#ifdef HAVE_LCMS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>

/* lcms2 takes want of memory for a damaged profile, or uses what it did not get: a picture would
 * have other colours without a word, or end the process. Asked beforehand, the memory is there: for
 * what the profile holds, twice, and a table of 23 steps in each of four inks, which has 1.7 MB. */
static bool memory_suffices(const stored_picture *p)
{
    enum { LCMS_BYTES = 4 << 20 };
    void *room = malloc(LCMS_BYTES + 2 * p->icc_size);
    free(room);
    return room != NULL;
}

/* A conversion of one picture. The context keeps lcms2 from sharing anything between threads. */
typedef struct conversion {
    cmsContext context;
    cmsHPROFILE from, to;
    cmsHTRANSFORM transform;
    cmsColorSpaceSignature space;
} conversion;

/* ---- profiles ---- */

/* ITU-T H.273, table 2: red, green, blue and white in the plane of CIE 1931, of the primaries that
 * phones write. */
static bool known_primaries(int code, cmsCIExyYTRIPLE *primaries, cmsCIExyY *white)
{
    *white = (cmsCIExyY){0.3127, 0.3290, 1};
    switch (code) {
    case 9: /* BT.2020 */
        *primaries = (cmsCIExyYTRIPLE){{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}};
        return true;
    case 12: /* Display P3 */
        *primaries = (cmsCIExyYTRIPLE){{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
        return true;
    default: return false;
    }
}

/* A profile of these primaries with the curve of sRGB; null for others. */
static cmsHPROFILE profile_of_primaries(cmsContext context, int code)
{
    cmsCIExyYTRIPLE primaries;
    cmsCIExyY white;
    static const cmsFloat64Number srgb[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    if (!known_primaries(code, &primaries, &white)) return NULL;
    cmsToneCurve *curve = cmsBuildParametricToneCurve(context, 4, srgb);
    cmsToneCurve *const curves[3] = {curve, curve, curve};
    cmsHPROFILE profile =
        curve ? cmsCreateRGBProfileTHR(context, &white, &primaries, curves) : NULL;
    cmsFreeToneCurve(curve);
    return profile;
}

/* Whether the profile describes pictures, of this picture's kind. */
static bool fits(const conversion *c, const stored_picture *p)
{
    cmsProfileClassSignature kind = cmsGetDeviceClass(c->from);
    bool describes = kind == cmsSigInputClass || kind == cmsSigDisplayClass ||
                     kind == cmsSigOutputClass || kind == cmsSigColorSpaceClass;
    if (c->space == cmsSigCmykData) return describes && p->channels == 4;
    if (c->space == cmsSigGrayData) return describes && p->grey;
    return describes && c->space == cmsSigRgbData && p->channels == 3;
}

static void close_conversion(conversion *c)
{
    if (c->transform) cmsDeleteTransform(c->transform);
    if (c->from) cmsCloseProfile(c->from);
    if (c->to) cmsCloseProfile(c->to);
    if (c->context) cmsDeleteContext(c->context);
}

/* False: it cannot be had. To be closed in either case. */
static bool open_conversion(conversion *c, const stored_picture *p)
{
    *c = (conversion){.context = cmsCreateContext(NULL, NULL)};
    if (!c->context) return false;
    c->from = p->icc ? cmsOpenProfileFromMemTHR(c->context, p->icc, (cmsUInt32Number)p->icc_size)
                     : profile_of_primaries(c->context, p->primaries);
    c->to = cmsCreate_sRGBProfileTHR(c->context);
    if (!c->from || !c->to) return false;
    c->space = cmsGetColorSpace(c->from);
    cmsUInt32Number format = c->space == cmsSigCmykData   ? TYPE_CMYK_8_REV
                             : c->space == cmsSigGrayData ? TYPE_GRAY_8
                                                          : TYPE_RGB_8;
    if (fits(c, p))
        c->transform = cmsCreateTransformTHR(c->context, c->from, format, c->to, TYPE_RGB_8,
                                             INTENT_RELATIVE_COLORIMETRIC, 0);
    return c->transform != NULL;
}

/* ---- pixels ---- */

/* Whether the conversion leaves every colour within one level: then it says what sRGB says, and the
 * pixels stay as they are. */
static bool changes_nothing(const conversion *c)
{
    enum { STEPS = 9, STEP = 255 / (STEPS - 1) };
    uint8_t from[3], to[3];
    if (c->space == cmsSigCmykData) return false;
    for (int i = 0; i < STEPS * STEPS * STEPS; i++) {
        for (int k = 0, at = i; k < 3; k++, at /= STEPS) from[k] = (uint8_t)(at % STEPS * STEP);
        if (c->space == cmsSigGrayData) from[1] = from[2] = from[0];
        cmsDoTransform(c->transform, from, to, 1);
        for (int k = 0; k < 3; k++)
            if (abs(from[k] - to[k]) > 1) return false;
    }
    return true;
}

/* Row by row, each through a copy of what it was: one value for each pixel of grey, three, or
 * four. */
static bool convert(const conversion *c, stored_picture *p)
{
    size_t row = p->width * (size_t)p->channels;
    int step = c->space == cmsSigGrayData ? p->channels : 1;
    uint8_t *copy = malloc(row);
    if (!copy) return false;
    for (size_t y = 0; y < p->height; y++) {
        const uint8_t *from = p->pixels + y * row;
        for (size_t i = 0; i * (size_t)step < row; i++) copy[i] = from[i * (size_t)step];
        cmsDoTransform(c->transform, copy, p->pixels + y * p->width * 3, (cmsUInt32Number)p->width);
    }
    free(copy);
    p->channels = 3;
    return true;
}

static void note_profile(stored_picture *p, const char *what)
{
    size_t used = strlen(p->note);
    snprintf(p->note + used, PICTURE_NOTE - used, "%s%s", used ? ", " : "", what);
}

/* False: no memory. */
static bool by_profile(stored_picture *p, bool ignore, picture_colour *colour)
{
    conversion c;
    bool converted = true;
    if (!memory_suffices(p)) return false;
    if (!open_conversion(&c, p)) {
        if (p->icc) note_profile(p, "a colour profile that cannot be used");
    } else if (!changes_nothing(&c)) {
        *colour = ignore ? COLOUR_AS_STORED : COLOUR_CONVERTED;
        converted = ignore || convert(&c, p);
    }
    close_conversion(&c);
    return converted;
}
#else
static bool by_profile(stored_picture *p, bool ignore, picture_colour *colour)
{
    (void)ignore;
    if (p->icc) *colour = COLOUR_AS_STORED;
    return true;
}
#endif

bool icc_apply(stored_picture *p, bool ignore, picture_colour *colour, nbase_error *err)
{
    *colour = COLOUR_PLAIN;
    if ((p->icc || p->primaries) && !by_profile(p, ignore, colour)) return tool_no_memory(err);
    if (p->channels == 4) cmyk_to_rgb(p);
    return true;
}
