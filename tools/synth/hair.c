/* Hair: a shell around the skull that is cut out where no hair grows. Also the scarf, which is the
 * same shell of cloth. */
#include "noise.h"
#include "person.h"

enum { WIDTH = 385, HEIGHT = 385, STEP = 3 };

bool hair_create(surface *s)
{
    if (!surface_create(s, WIDTH, HEIGHT, STEP, true)) return false;
    s->two_sided = true;
    return true;
}

static float azimuth(int i)
{
    float s = 2 * (float)i / (WIDTH - 1) - 1;
    return PI_F * (0.55f * s + 0.45f * s * s * s);
}

/* The shell's lower end, by style. */
static float end_height(const identity *id)
{
    switch (id->hair) {
    case HAIR_BOB: return -1.15f;
    case HAIR_LONG: return -2.5f;
    case HAIR_SCARF: return -2.05f;
    default: return -0.95f;
    }
}

/* Lower edge of the hair at azimuth a: forehead, temples, then sideburns, over the ear and nape; or
 * straight down in front of the ear. */
static float lower_edge(const identity *id, float a)
{
    float b = fabsf(a), top = id->hairline - id->fringe * smoothstep(0.95f, 0.6f, b);
    float temple = top + 0.04f * bump((b - 0.55f) / 0.2f, 0) * (0.3f + id->man) -
                   0.05f * bump(b / 0.25f, 0) * (id->fringe > 0 ? 0 : 1);
    if (id->hair == HAIR_LONG || id->hair == HAIR_BOB) {
        float side = mixf(temple, 0.25f, smoothstep(0.7f, 1.02f, b));
        return mixf(side, -5, smoothstep(1.02f, 1.2f, b));
    }
    float burn = id->man > 0.5f ? -0.18f : 0.05f;
    float edge = mixf(temple, burn, smoothstep(0.72f, 1.18f, b));
    edge = mixf(edge, 0.16f, smoothstep(1.3f, 1.42f, b));
    return mixf(edge, -0.85f, smoothstep(1.75f, 2.1f, b));
}

/* How far inside the hair a point is (negative: outside), in units of height. */
static float depth_inside(const identity *id, float a, float y)
{
    if (id->hair == HAIR_SCARF) {
        float r = sqrtf(squaref(a / 1.02f) + squaref((y + 0.42f) / 1.2f));
        return (r - 1) * 0.8f;
    }
    float ragged = 0.05f * noise_value(a * 26, y * 3, id->seed + 41) +
                   0.03f * noise_value(a * 75, y * 5, id->seed + 42);
    if (id->fringe > 0) ragged *= 1.8f;
    return y - lower_edge(id, a) + ragged;
}

static const loft_row SHELL[] = {
    {1.64f, 0.03f, 0.03f, 0.03f, 0, 1},        {1.54f, 0.58f, 0.50f, 0.62f, 0, 0.95f},
    {1.24f, 1.03f, 0.86f, 1.12f, 0, 0.9f},     {0.88f, 1.23f, 0.97f, 1.28f, 0, 0.85f},
    {0.62f, 1.30f, 1.01f, 1.32f, 0, 0.82f},    {0.35f, 1.32f, 1.03f, 1.32f, 0, 0.8f},
    {0.05f, 1.30f, 1.04f, 1.25f, 0, 0.8f},     {-0.25f, 1.27f, 1.03f, 1.12f, 0, 0.8f},
    {-0.55f, 1.25f, 1.00f, 1.0f, 0.02f, 0.8f}, {-0.9f, 1.23f, 0.97f, 0.9f, 0.05f, 0.85f},
    {-1.3f, 1.2f, 0.98f, 0.85f, 0.1f, 0.9f},   {-1.7f, 1.0f, 1.02f, 0.9f, 0.1f, 1},
    {-2.1f, 0.85f, 1.1f, 0.95f, 0.05f, 1},     {-2.6f, 0.8f, 1.15f, 0.95f, 0, 1},
};
enum { SHELL_ROWS = sizeof SHELL / sizeof SHELL[0] };

static float shell_thickness(const identity *id, float inside, float a, float y)
{
    static const float BY_STYLE[HAIR_STYLES] = {0.02f, 0.10f, 0.06f, 0.30f, 0.12f, 0.12f, 0.10f};
    float full = BY_STYLE[id->hair] * id->hair_thick,
          root = smoothstep(0, id->hair == HAIR_CURLY ? 0.45f : 0.25f, inside);
    float locks = 1 + (0.15f + 0.5f * id->hair_curl) * noise_value(a * (3 + 5 * id->hair_curl),
                                                                   y * (1.5f + 5 * id->hair_curl),
                                                                   id->seed + 43);
    /* cut close on the sides */
    if (id->hair == HAIR_SHORT) root *= 0.35f + 0.65f * smoothstep(0.1f, 0.9f, y);
    if (id->hair == HAIR_SCARF) locks = 1 + 0.25f * (locks - 1);
    return 0.022f + full * root * locks;
}

static void paint_strand(const identity *id, float a, float y, float inside, float *t)
{
    float wave = 0.12f * id->hair_curl * noise_value(y * 9, a * 4, id->seed + 44);
    float fine = noise_value((a + wave) * 95, y * 2.5f, id->seed + 45),
          lock = noise_value((a + wave) * 22, y * 1.6f, id->seed + 46);
    float curls = id->hair == HAIR_CURLY ? noise_sum(a * 13, y * 13, 2, id->seed + 47) : 0;
    float light = clampf(0.85f + 0.35f * fine + 0.25f * lock + 0.6f * curls, 0.15f, 1.6f);
    for (int c = 0; c < 3; c++) t[TEX_R + c] = id->hair_rgb[c] * light;
    t[TEX_GLOSS] = id->hair == HAIR_CURLY ? 0.15f : 0.6f;
    t[TEX_AMBIENT] = clampf(0.45f + 1.6f * inside, 0.35f, 1) * (0.9f + 0.2f * lock);
    t[TEX_NX] += 0.22f * fine * approx_cos(a) + 0.35f * curls;
    t[TEX_NZ] -= 0.22f * fine * approx_sin(a);
    t[TEX_NY] += 0.35f * curls;
}

static void paint_cloth(const identity *id, float a, float y, float inside, float *t)
{
    float fold = noise_value(a * 3 + y * 2, y * 5 - a, id->seed + 48),
          weave = noise_value(a * 120, y * 120, id->seed + 49);
    for (int c = 0; c < 3; c++) t[TEX_R + c] = id->cloth[c] * (0.95f + 0.06f * weave);
    t[TEX_AMBIENT] = clampf(0.6f + 0.8f * inside, 0.5f, 1) * (0.9f + 0.12f * fold);
    t[TEX_NX] += 0.3f * fold;
    t[TEX_NY] += 0.3f * noise_value(a * 2 - y * 3, y * 6, id->seed + 50);
}

void hair_shape(surface *s, const identity *id)
{
    float end = end_height(id);
    s->material = id->hair == HAIR_SCARF ? MATERIAL_CLOTH : MATERIAL_HAIR;
    for (int j = 0; j < HEIGHT; j++) {
        loft_row r = loft_at(SHELL, SHELL_ROWS, (SHELL_ROWS - 1) * (float)j / (HEIGHT - 1));
        if (r.y < 0) r.y *= id->length;
        for (int i = 0; i < WIDTH; i++) {
            float a = azimuth(i), inside = depth_inside(id, a, r.y),
                  thick = shell_thickness(id, inside, a, r.y);
            loft_row out = r;
            out.front = r.front * mixf(1, id->depth, 0.5f) + thick;
            out.width += thick;
            out.back += thick;
            out.y += thick * smoothstep(0.5f, 1.5f, r.y);
            vec3 p = loft_point(&out, a, -0.1f);
            float *pos = surface_pos(s, i, j), tips = 0.1f * noise_value(a * 40, 0, id->seed + 51);
            pos[0] = p.x;
            pos[1] = p.y;
            pos[2] = p.z;
            bool grows = id->hair != HAIR_SHAVED && inside > 0 &&
                         r.y > end + (id->hair == HAIR_SCARF ? 0 : tips);
            s->cover[(size_t)j * WIDTH + (size_t)i] = grows;
        }
    }
    surface_normals(s);
    for (int j = 0; j < HEIGHT; j++) {
        loft_row r = loft_at(SHELL, SHELL_ROWS, (SHELL_ROWS - 1) * (float)j / (HEIGHT - 1));
        for (int i = 0; i < WIDTH; i++) {
            float a = azimuth(i), inside = depth_inside(id, a, r.y), *t = surface_tex(s, i, j);
            if (id->hair == HAIR_SCARF)
                paint_cloth(id, a, r.y, inside, t);
            else
                paint_strand(id, a, r.y, inside, t);
        }
    }
}

void hair_paint_roots(const head *h, const identity *id, float *tex)
{
    if (id->hair == HAIR_SCARF) return;
    float most = id->hair == HAIR_SHAVED ? 0.6f : 0.92f;
    for (int j = 0; j < HEAD_HEIGHT; j++) {
        for (int i = 0; i < HEAD_WIDTH; i++) {
            const float *f = head_face(h, i, j);
            if (f[1] < -0.9f) break;
            float a = head_azimuth(i), inside = depth_inside(id, a, f[1]);
            if (inside < -0.1f) continue;
            float speck = 0.8f + 0.4f * noise_value(a * 110, f[1] * 90, id->seed + 52),
                  *t = tex + TEXEL * ((size_t)j * HEAD_WIDTH + (size_t)i);
            float amount = clampf(most * speck * smoothstep(-0.05f, 0.03f, inside), 0, 0.95f) *
                           smoothstep(-0.35f, -0.05f, f[1] + (fabsf(a) > 1.6f ? 1 : 0));
            for (int c = 0; c < 3; c++)
                t[TEX_R + c] = mixf(t[TEX_R + c], id->hair_rgb[c] * 0.8f, amount);
            t[TEX_GLOSS] *= 1 - 0.7f * amount;
        }
    }
}
