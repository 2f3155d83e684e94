/* Ears, neck and shoulders. */
#include "noise.h"
#include "person.h"
#include "skin.h"

enum { EAR = 33, BODY_WIDTH = 257, BODY_HEIGHT = 257 };

static void set_skin(const identity *id, float *t, float blood, float ambient)
{
    float rgb[3];
    skin_tone(rgb, id->tone, id->undertone);
    skin_absorb(rgb, blood, 0.03f);
    memcpy(t, rgb, sizeof rgb);
    t[TEX_GLOSS] = 0.25f;
    t[TEX_AMBIENT] = ambient;
}

bool ear_create(surface *s)
{
    if (!surface_create(s, EAR, EAR, 1, false)) return false;
    s->material = MATERIAL_SKIN;
    s->two_sided = true;
    return true;
}

/* An ear is a bent plate with a rim and a hollow: columns run around it, rows from its middle to
 * the edge and to the back. */
void ear_shape(surface *s, const identity *id, float side)
{
    for (int j = 0; j < EAR; j++) {
        float polar = 2.2f * (float)j / (EAR - 1), c = approx_cos(polar), r = approx_sin(polar);
        for (int i = 0; i < EAR; i++) {
            float around = 2 * PI_F * (float)i / (EAR - 1), y = r * approx_cos(around),
                  z = r * approx_sin(around);
            float rim = bump((polar - 1.25f) / 0.3f, 0), hollow = bump((polar - 0.35f) / 0.55f, 0);
            float x = 0.05f * c + 0.035f * rim - 0.05f * hollow;
            float narrow = 0.72f + 0.28f * smoothstep(-1, 0.4f, y), pos_z = 0.19f * z * narrow,
                  *pos = surface_pos(s, i, j), *t = surface_tex(s, i, j);
            pos[0] = side * (1.02f + x - 0.42f * pos_z);
            pos[1] = -0.12f + 0.31f * id->ear * y;
            pos[2] = -0.2f + pos_z * id->ear;
            set_skin(id, t, 0.35f + 0.1f * noise_value(y * 3, z * 3, id->seed),
                     clampf(1 - 0.65f * hollow, 0.2f, 1));
        }
    }
    surface_normals(s);
}

bool body_create(surface *s)
{
    if (!surface_create(s, BODY_WIDTH, BODY_HEIGHT, 4, false)) return false;
    s->material = MATERIAL_SKIN;
    return true;
}

static const loft_row TRUNK[] = {
    {-0.9f, 0.5f, 0.55f, 0.6f, 0, 1},      {-1.3f, 0.52f, 0.56f, 0.6f, 0, 1},
    {-1.65f, 0.52f, 0.58f, 0.62f, 0, 1},   {-1.95f, 0.53f, 0.66f, 0.66f, 0.12f, 1},
    {-2.2f, 0.6f, 1.05f, 0.7f, 0.2f, 1},   {-2.42f, 0.72f, 1.75f, 0.75f, 0.16f, 1},
    {-2.75f, 0.85f, 2.1f, 0.8f, 0.05f, 1}, {-3.3f, 0.95f, 2.15f, 0.8f, 0, 1},
    {-4.2f, 1.0f, 2.1f, 0.8f, 0, 1},
};
enum { TRUNK_ROWS = sizeof TRUNK / sizeof TRUNK[0] };

void body_shape(surface *s, const identity *id)
{
    float broad = 0.9f + 0.15f * id->man;
    for (int j = 0; j < BODY_HEIGHT; j++) {
        loft_row r = loft_at(TRUNK, TRUNK_ROWS, (TRUNK_ROWS - 1) * (float)j / (BODY_HEIGHT - 1));
        r.width *= broad;
        for (int i = 0; i < BODY_WIDTH; i++) {
            float a = PI_F * (2 * (float)i / (BODY_WIDTH - 1) - 1), *pos = surface_pos(s, i, j);
            vec3 p = loft_point(&r, a, -0.35f);
            pos[0] = p.x;
            pos[1] = p.y;
            pos[2] = p.z;
        }
    }
    surface_normals(s);
    for (int j = 0; j < BODY_HEIGHT; j++) {
        for (int i = 0; i < BODY_WIDTH; i++) {
            const float *p = surface_pos(s, i, j);
            float *t = surface_tex(s, i, j), under_chin = smoothstep(-2.0f, -1.5f, p[1]);
            set_skin(id, t, 0.08f + 0.08f * noise_sum(p[0] * 3, p[1] * 3, 2, id->seed + 61),
                     1 - 0.6f * under_chin);
            float edge = -2.0f - 0.5f * id->neckline * bump(p[0] / 0.5f, 0) * (p[2] > 0 ? 1 : 0);
            if (p[1] > edge) continue;
            float fold = noise_value(p[0] * 3, p[1] * 2, id->seed + 62);
            for (int c = 0; c < 3; c++)
                t[TEX_R + c] =
                    id->cloth[c] * (1 + 0.05f * noise_value(p[0] * 60, p[1] * 60, id->seed + 63));
            t[TEX_GLOSS] = 0;
            t[TEX_NX] += 0.25f * fold;
            t[TEX_NY] += 0.25f * noise_value(p[0] * 2, p[1] * 4, id->seed + 64);
        }
    }
}
