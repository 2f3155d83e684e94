/* The eyes: what shows between the lids, the lids' edges and the lashes. */
#include "noise.h"
#include "skin.h"

static void blend(float *t, float r, float g, float b, float amount)
{
    t[TEX_R] = mixf(t[TEX_R], r, amount);
    t[TEX_G] = mixf(t[TEX_G], g, amount);
    t[TEX_B] = mixf(t[TEX_B], b, amount);
}

/* Paints white, iris and pupil at (out, y) from the eye's middle, the iris displaced by (gx,
 * gy). */
static void paint_ball(const identity *id, float out, float y, float gx, float gy, float open,
                       float *t)
{
    const float IRIS = 0.083f, PUPIL = 0.034f;
    float v = out / id->eye_width, corner = smoothstep(0.55f, 1, fabsf(v)),
          vein = 0.04f * noise_value(out * 60, y * 90, id->seed + 21);
    float r = 0.56f - 0.10f * corner + vein, g = 0.50f - 0.20f * corner - vein,
          b = 0.47f - 0.20f * corner - vein;
    float dx = out - gx, dy = y - gy, d = sqrtf(dx * dx + dy * dy);
    float iris = smoothstep(IRIS + 0.006f, IRIS - 0.006f, d), rim = smoothstep(0.6f, 1, d / IRIS),
          pupil = smoothstep(PUPIL + 0.006f, PUPIL - 0.004f, d);
    float fibre =
        1 + 0.35f * noise_value(dx / (d + 0.01f) * 9, dy / (d + 0.01f) * 9, id->seed + 22);
    float light = (1.1f - 0.75f * rim * rim) * fibre;
    r = mixf(mixf(r, id->iris[0] * light, iris), 0.006f, pupil);
    g = mixf(mixf(g, id->iris[1] * light, iris), 0.006f, pupil);
    b = mixf(mixf(b, id->iris[2] * light, iris), 0.006f, pupil);
    blend(t, r, g, b, open);
    t[TEX_GLOSS] = mixf(t[TEX_GLOSS], EYE_GLOSS, open);
    /* The eyeball has normals of its own, with the cornea standing out. */
    vec3 n = v_unit((vec3){out * 2.6f + 1.2f * dx * iris, y * 2.6f + 1.2f * dy * iris, 1});
    t[TEX_NX] = n.x;
    t[TEX_NY] = n.y;
    t[TEX_NZ] = n.z;
}

static void paint_point(const identity *id, float side, float x, float y, float gaze_x,
                        float gaze_y, float *t)
{
    float out = side * x - id->eye_x, line = y - face_eye_line(id, out);
    float up = face_upper_lid(id, out), low = face_lower_lid(id, out),
          v = fabsf(out) / id->eye_width;
    float open =
        v < 1 ? smoothstep(-0.004f, 0.006f, up - line) * smoothstep(-0.004f, 0.006f, line - low)
              : 0;
    if (open > 0) {
        float keep_x = t[TEX_NX];
        paint_ball(id, out, line - 0.012f, side * gaze_x * 0.06f, gaze_y * 0.035f, open, t);
        if (side < 0) t[TEX_NX] = -t[TEX_NX];
        if (open < 0.5f) t[TEX_NX] = keep_x;
        t[TEX_AMBIENT] = mixf(
            t[TEX_AMBIENT],
            0.85f - 0.55f * bump((up - line) / 0.04f, 0) - 0.25f * smoothstep(0.7f, 1, v), open);
    }
    /* Wet inner corner, the lower lid's edge, lashes. */
    float edge = smoothstep(1.12f, 0.95f, v);
    blend(t, t[TEX_R] * 0.9f + 0.05f, t[TEX_G] * 0.6f, t[TEX_B] * 0.6f,
          0.7f * bump((out + id->eye_width * 0.97f) / 0.025f, (line - 0.002f) / 0.022f));
    blend(t, t[TEX_R] * 0.8f, t[TEX_G] * 0.55f, t[TEX_B] * 0.55f,
          0.6f * edge * bump((line - low + 0.006f) / 0.011f, 0));
    float thick = 0.011f + 0.012f * smoothstep(-0.15f, 0.2f, out) + 0.006f * (1 - id->man);
    float comb = 0.85f + 0.25f * noise_value(out * 110 - line * 60, line * 20, id->seed + 23);
    float lash = edge * comb * bump((line - up - 0.004f) / thick, 0) +
                 0.3f * edge * bump((line - low + 0.012f) / 0.01f, 0) * (0.5f + 0.5f * comb);
    float wing = (1 - 0.6f * id->man) *
                 bump((out - id->eye_width - 0.015f) / 0.03f, (line - 0.02f) / 0.014f);
    float dark = clampf(lash + 0.6f * wing, 0, 0.93f);
    blend(t, 0.012f, 0.009f, 0.008f, dark);
    if (open < 0.5f) t[TEX_GLOSS] *= 1 - dark;
    /* the fold over the lid */
    blend(t, t[TEX_R] * 0.45f, t[TEX_G] * 0.38f, t[TEX_B] * 0.36f,
          0.55f * id->lid_fold * smoothstep(1.2f, 0.8f, v) *
              bump((line - up - 0.058f) / 0.010f, 0));
}

void eyes_paint(const head *h, const identity *id, float gaze_x, float gaze_y, float *tex)
{
    for (size_t p = 0; p < (size_t)HEAD_WIDTH * HEAD_HEIGHT; p++) {
        float x = h->face[2 * p], y = h->face[2 * p + 1], ax = fabsf(x);
        if (fabsf(y) > 0.2f || fabsf(ax - id->eye_x) > 0.32f) continue;
        paint_point(id, x > 0 ? 1 : -1, x, y, gaze_x, gaze_y, tex + TEXEL * p);
    }
}
