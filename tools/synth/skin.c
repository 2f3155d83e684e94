#include "skin.h"

#include "chance.h"
#include "noise.h"

/* Six skins from the fairest to the darkest (sRGB), about the Fitzpatrick types. */
static const unsigned char TONES[6][3] = {{240, 205, 186}, {228, 184, 158}, {206, 157, 127},
                                          {172, 122, 92},  {128, 86, 64},   {84, 57, 45}};

void skin_tone(float rgb[3], float tone, float undertone)
{
    float t = clampf(tone, 0, 1) * 5;
    int k = t < 4 ? (int)t : 4;
    float low[3], high[3];
    linear_rgb(low, TONES[k][0], TONES[k][1], TONES[k][2]);
    linear_rgb(high, TONES[k + 1][0], TONES[k + 1][1], TONES[k + 1][2]);
    for (int c = 0; c < 3; c++) rgb[c] = mixf(low[c], high[c], t - (float)k);
    skin_absorb(rgb, -0.12f * undertone, 0.05f * undertone);
}

/* How strongly blood and pigment take away red, green and blue: blood absorbs green most and red
 * hardly at all, melanin blue more than red. */
void skin_absorb(float rgb[3], float blood, float pigment)
{
    static const float BLOOD[3] = {0.08f, 0.95f, 0.72f}, PIGMENT[3] = {0.55f, 0.85f, 1.1f};
    for (int c = 0; c < 3; c++) rgb[c] *= approx_exp(-(blood * BLOOD[c] + pigment * PIGMENT[c]));
}

/* ---- parts, each 0..1 at face coordinates ---- */

static float lips_mask(const identity *id, float x, float y)
{
    if (fabsf(x) > id->mouth_width || fabsf(y + id->mouth_y) > 0.3f) return 0;
    float soft = 0.012f;
    return smoothstep(-soft, soft, face_lip_top(id, x) - y) *
           smoothstep(-soft, soft, y - face_lip_bottom(id, x));
}

/* Hairs of the brow: streaks along it, densest in the middle. */
static float brow_mask(const identity *id, float x, float y)
{
    float u = (fabsf(x) - 0.14f) / 0.52f;
    if (u < -0.1f || u > 1.1f || fabsf(y - id->brow_y) > 0.25f) return 0;
    float thick =
        id->brow_thick * smoothstep(-0.12f, 0.15f, u) * (1 - 0.65f * smoothstep(0.45f, 1.1f, u));
    float d = (y - face_brow(id, x)) / maxf(thick, 0.004f);
    if (fabsf(d) > 1.6f) return 0;
    float slant = 1.4f - 1.5f * clampf(u, 0, 1); /* upright inside, lying outside */
    float streak = noise_value((fabsf(x) - slant * y) * 95, (y + 0.3f * fabsf(x)) * 22,
                               id->seed + (x > 0 ? 11 : 12));
    return clampf(smoothstep(1.5f, 0.3f, fabsf(d)) * (0.78f + 0.5f * streak), 0, 1);
}

static float beard_mask(const identity *id, float x, float y)
{
    float ax = fabsf(x);
    float jaw =
        smoothstep(-0.62f, -1.05f,
                   y + 0.35f * smoothstep(0.3f, 0.9f, ax) - 0.12f * bump((ax - 0.85f) / 0.15f, 0));
    float cheek = smoothstep(0.3f, 0.45f, ax) * smoothstep(-0.75f, -0.9f, y + 0.25f * ax);
    float lip =
        smoothstep(0.06f, 0.02f, fabsf(y - face_lip_top(id, minf(ax, 0.3f)) - 0.085f) - 0.04f) *
        smoothstep(0.38f, 0.3f, ax);
    float chin = smoothstep(-1.12f, -1.2f, y);
    return clampf(maxf(maxf(jaw * cheek, chin), lip) * (1 - lips_mask(id, x, y)), 0, 1);
}

static float freckle_mask(float x, float y, uint32_t seed)
{
    float gx = x * 26, gy = y * 26, fx = floorf(gx), fy = floorf(gy);
    uint32_t h = noise_hash((int32_t)fx, (int32_t)fy, seed);
    float cx = fx + 0.25f + 0.5f * (float)(h & 255) / 255,
          cy = fy + 0.25f + 0.5f * (float)(h >> 8 & 255) / 255,
          size = 0.12f + 0.16f * (float)(h >> 16 & 255) / 255;
    return (h >> 24) < 130 ? bump((gx - cx) / size, (gy - cy) / size) : 0;
}

/* ---- painting ---- */

typedef struct dye { /* what is added to bare skin at a point */
    float blood, pigment, dark, gloss;
} dye;

/* `arc` runs around the head as x does in front, so that grain does not stretch on the sides. */
static dye dye_at(const identity *id, float x, float y, float arc)
{
    float ax = fabsf(x), nl = id->nose_length;
    float cheek = bump((ax - 0.5f) / 0.28f, (y + 0.42f) / 0.26f),
          nose = bump(x / 0.2f, (y + nl) / 0.16f);
    float socket = bump((ax - id->eye_x) / 0.26f, (y + 0.13f) / 0.07f);
    dye d = {.gloss = 0.3f};
    d.blood = 0.10f + 0.16f * cheek + 0.20f * nose + id->ruddy * (0.22f * cheek + 0.2f * nose) +
              0.12f * bump(x / 0.3f, (y + 1.35f) / 0.15f);
    d.pigment = 0.16f * socket + 0.08f * bump((ax - id->eye_x) / 0.22f, (y - 0.1f) / 0.06f);
    d.blood += 0.08f * socket;
    d.blood += 0.10f * noise_sum(arc * 5 + 3, y * 5, 3, id->seed + 1);
    d.pigment += 0.09f * noise_sum(arc * 2.2f, y * 2.2f + 7, 3, id->seed + 2) +
                 0.05f * noise_value(arc * 40, y * 40, id->seed + 3);
    if (id->freckles > 0)
        d.pigment += 0.55f * id->freckles * freckle_mask(arc, y, id->seed + 4) *
                     (cheek + nose + 0.6f * bump(x / 0.5f, (y + 0.3f) / 0.3f) + 0.25f);
    d.gloss += id->oil * 0.5f *
               (bump(x / 0.35f, (y - 0.6f) / 0.25f) + bump(x / 0.13f, (y + nl - 0.15f) / 0.4f) +
                0.6f * cheek + 0.5f * bump(x / 0.18f, (y + 1.4f) / 0.1f));
    return d;
}

static void paint_mouth(const identity *id, float x, float y, dye *d)
{
    if (fabsf(y + id->mouth_y) > 0.35f || fabsf(x) > 0.6f) return;
    float lips = lips_mask(id, x, y);
    if (lips > 0) {
        float lines = noise_value(x * 70, y * 8, id->seed + 5);
        float upper = y > face_mouth_line(id, x) ? 0.14f : 0;
        d->blood += lips * (0.85f - 0.25f * id->tone + 0.06f * lines + upper);
        d->pigment += lips * (0.12f + 0.1f * id->man + 0.05f * lines + 0.5f * upper);
        d->gloss = mixf(d->gloss, 0.75f, lips);
    }
    float line = fabsf(y - face_mouth_line(id, x)), corner = fabsf(x) / id->mouth_width;
    d->dark += 0.8f * bump(line / 0.012f, 0) * smoothstep(1.06f, 0.9f, corner);
    d->dark +=
        0.25f * bump((fabsf(x) - id->mouth_width) / 0.035f, (y - face_mouth_line(id, x)) / 0.025f);
}

static void paint_hairs(const identity *id, float x, float y, float arc, dye *d, float rgb[3])
{
    float brow = brow_mask(id, x, y) * 0.95f;
    if (brow > 0)
        for (int c = 0; c < 3; c++) rgb[c] = mixf(rgb[c], id->hair_rgb[c] * 0.7f, brow);
    d->gloss *= 1 - 0.7f * brow;
    if (id->stubble <= 0) return;
    if (y > -0.4f) return;
    float beard = beard_mask(id, x, y) * id->stubble;
    float speck = 0.55f + 0.6f * noise_value(arc * 130, y * 110, id->seed + 6);
    float amount = clampf(beard * speck, 0, 0.9f);
    for (int c = 0; c < 3; c++)
        rgb[c] = mixf(rgb[c], id->hair_rgb[c] * 0.8f + 0.01f * (float)c, amount);
    d->gloss *= 1 - 0.6f * amount;
}

static void paint_moles(const head *h, const identity *id, float *tex)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, id->seed, 77);
    for (int m = 0; m < id->moles; m++) {
        float cx = chance_range(&rng, -0.8f, 0.8f), cy = chance_range(&rng, -1.3f, 0.6f),
              size = chance_range(&rng, 0.012f, 0.028f);
        for (size_t p = 0; p < (size_t)HEAD_WIDTH * HEAD_HEIGHT; p++) {
            float dx = (h->face[2 * p] - cx) / size, dy = (h->face[2 * p + 1] - cy) / size;
            if (dx * dx + dy * dy < 4)
                skin_absorb(tex + TEXEL * p, 0.2f * bump(dx, dy), 1.5f * bump(dx, dy));
        }
    }
}

/* Pores and fine lines tilt the normal a little; lips have upright furrows. */
static void roughen(const identity *id, float arc, float y, float lips, float *t)
{
    float fine = 0.045f * (1 - lips);
    t[TEX_NX] += fine * noise_value(arc * 48, y * 48, id->seed + 7) +
                 0.03f * noise_value(arc * 30, y * 30, id->seed + 8) +
                 lips * 0.1f * noise_value(arc * 60, y * 6, id->seed + 9);
    t[TEX_NY] += fine * noise_value(arc * 48 + 31, y * 48, id->seed + 10) +
                 0.03f * noise_value(arc * 30, y * 30 + 13, id->seed + 8);
    vec3 n = v_unit((vec3){t[TEX_NX], t[TEX_NY], t[TEX_NZ]});
    t[TEX_NX] = n.x;
    t[TEX_NY] = n.y;
    t[TEX_NZ] = n.z;
}

void skin_paint(const head *h, const identity *id, float *tex)
{
    float base[3];
    skin_tone(base, id->tone, id->undertone);
    for (int j = 0; j < HEAD_HEIGHT; j++) {
        for (int i = 0; i < HEAD_WIDTH; i++) {
            const float *f = head_face(h, i, j);
            float *t = tex + TEXEL * ((size_t)j * HEAD_WIDTH + (size_t)i),
                  rgb[3] = {base[0], base[1], base[2]};
            float x = f[0], y = f[1], ax = fabsf(x), arc = head_azimuth(i);
            dye d = dye_at(id, x, y, arc);
            paint_mouth(id, x, y, &d);
            float nostril = bump((ax - 0.083f * id->nose_width) / 0.042f,
                                 (y + id->nose_length + 0.06f) / 0.024f);
            d.dark += 0.85f * minf(1, 1.5f * nostril);
            skin_absorb(rgb, d.blood, d.pigment);
            for (int c = 0; c < 3; c++)
                rgb[c] *= 1 - clampf(d.dark, 0, 0.92f) * (c == 0 ? 0.85f : 1);
            paint_hairs(id, x, y, arc, &d, rgb);
            t[TEX_R] = rgb[0];
            t[TEX_G] = rgb[1];
            t[TEX_B] = rgb[2];
            t[TEX_GLOSS] = clampf(d.gloss, 0, 1) * (1 - clampf(d.dark, 0, 1));
            roughen(id, arc, y, lips_mask(id, x, y), t);
        }
    }
    paint_moles(h, id, tex);
}
