/* Photos that show no face, as people send them by mistake. Each is a signed distance to an
 * outline, rounded off and lit from one side. */
#include "approx.h"
#include "backdrop.h"
#include "chance.h"
#include "noise.h"
#include "skin.h"

const char *const still_names[STILLS] = {"wall", "hand", "cup", "bottles", "skin", "curtain"};

/* Distance to a capsule from (ax, ay) to (bx, by); negative inside. */
static float capsule(float x, float y, float ax, float ay, float bx, float by, float radius)
{
    float px = x - ax, py = y - ay, dx = bx - ax, dy = by - ay,
          t = clampf((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1);
    return sqrtf(squaref(px - t * dx) + squaref(py - t * dy)) - radius;
}

static float box(float x, float y, float half_width, float half_height, float round)
{
    float dx = fabsf(x) - half_width + round, dy = fabsf(y) - half_height + round;
    return sqrtf(squaref(maxf(dx, 0)) + squaref(maxf(dy, 0))) + minf(maxf(dx, dy), 0) - round;
}

/* One smooth outline of two: blends within k. */
static float join(float a, float b, float k)
{
    float h = maxf(k - fabsf(a - b), 0) / k;
    return minf(a, b) - h * h * k * 0.25f;
}

static float hand_distance(float x, float y, float spread)
{
    /* tip x, y, radius */
    static const float FINGER[4][3] = {{-0.21f, -0.33f, 0.050f},
                                       {-0.075f, -0.42f, 0.054f},
                                       {0.065f, -0.40f, 0.052f},
                                       {0.20f, -0.29f, 0.044f}};
    float d = box(x, y - 0.16f, 0.2f, 0.22f, 0.12f);
    for (int k = 0; k < 4; k++) {
        float root = -0.14f + 0.095f * (float)k;
        d = join(d, capsule(x, y, root, 0.02f, FINGER[k][0] * spread, FINGER[k][1], FINGER[k][2]),
                 0.04f);
    }
    d = join(d, capsule(x, y, 0.14f, 0.22f, 0.36f, 0.0f, 0.055f), 0.07f);
    return join(d, capsule(x, y, 0, 0.3f, 0.02f, 0.9f, 0.14f), 0.08f);
}

typedef struct view {
    still what;
    uint32_t seed;
    float x, y, turn_cos, turn_sin, scale, spread, light_x, light_y;
    float rgb[3][3];
} view;

/* Distance to the object's outline (negative inside) and its colour there, in the object's own
 * coordinates. */
static float outline(const view *v, float x, float y, float rgb[3])
{
    float d = 1;
    memcpy(rgb, v->rgb[0], sizeof v->rgb[0]);
    if (v->what == STILL_HAND) {
        d = hand_distance(x, y, v->spread);
        float crease =
            bump((y - 0.1f - 0.3f * x) / 0.012f, 0) + bump((y - 0.2f - 0.12f * x) / 0.012f, 0);
        skin_absorb(rgb, 0.25f + 0.1f * noise_sum(x * 9, y * 9, 3, v->seed) + 0.2f * crease,
                    0.25f * crease);
    } else if (v->what == STILL_CUP) {
        float cup = box(x, y, 0.24f - 0.05f * y, 0.28f, 0.05f);
        float handle =
            fabsf(sqrtf(squaref((x - 0.26f) / 0.8f) + squaref(y + 0.02f)) - 0.16f) - 0.035f;
        d = minf(cup, x > 0.2f ? handle : 1);
        if (fabsf(y + 0.12f) < 0.03f) memcpy(rgb, v->rgb[1], sizeof v->rgb[1]);
    } else if (v->what == STILL_BOTTLES) {
        for (int k = 0; k < 3; k++) {
            float cx = -0.32f + 0.31f * (float)k,
                  tall = 0.22f + 0.06f * (float)((k + (int)(v->seed % 3)) % 3);
            float one = minf(box(x - cx, y - 0.3f + tall, 0.11f, tall, 0.03f),
                             box(x - cx, y - 0.26f + 2 * tall, 0.05f, 0.07f, 0.015f));
            if (one < d) memcpy(rgb, v->rgb[k], sizeof v->rgb[k]);
            if (one < d && fabsf(y - 0.3f + 0.8f * tall) < 0.35f * tall)
                for (int c = 0; c < 3; c++)
                    rgb[c] = 0.8f -
                             0.25f * (noise_value(x * 40, floorf(y * 60), v->seed) > 0.2f ? 1 : 0);
            d = minf(d, one);
        }
    }
    return d;
}

static void paint_object(const view *v, float px, float py, float pixel, float rgb[3])
{
    float x = ((px - v->x) * v->turn_cos + (py - v->y) * v->turn_sin) / v->scale,
          y = ((py - v->y) * v->turn_cos - (px - v->x) * v->turn_sin) / v->scale;
    float own[3], ignored[3], d = outline(v, x, y, own), e = 0.01f;
    float shadow =
        0.45f * smoothstep(0.12f, -0.05f, outline(v, x + 0.04f * v->light_x, y - 0.05f, ignored));
    for (int c = 0; c < 3; c++) rgb[c] *= 1 - shadow;
    float cover = smoothstep(pixel / v->scale, -pixel / v->scale, d);
    if (cover <= 0) return;
    float gx = (outline(v, x + e, y, ignored) - outline(v, x - e, y, ignored)) / (2 * e),
          gy = (outline(v, x, y + e, ignored) - outline(v, x, y - e, ignored)) / (2 * e);
    float rim = smoothstep(-0.09f, 0, d);
    float light = 0.95f + rim * (0.5f * (gx * v->light_x + gy * v->light_y) - 0.25f);
    for (int c = 0; c < 3; c++) rgb[c] = mixf(rgb[c], own[c] * light, cover);
}

static void paint_skin(const view *v, float x, float y, float rgb[3])
{
    memcpy(rgb, v->rgb[0], sizeof v->rgb[0]);
    float curve = 1 - 0.5f * squaref(x - 0.5f - 0.3f * v->light_x) - 0.3f * squaref(y - 0.6f);
    float spots = 0;
    for (int k = 0; k < 9; k++) {
        float cx = 0.5f + 0.5f * noise_at(k, 1, v->seed),
              cy = 0.65f + 0.6f * noise_at(k, 2, v->seed),
              size = 0.02f + 0.015f * noise_at(k, 3, v->seed);
        spots += bump((x - cx) / size, (y - cy) / size);
    }
    skin_absorb(rgb, 0.15f + 0.12f * noise_sum(x * 6, y * 6, 4, v->seed) + 0.9f * minf(spots, 1),
                0.08f * noise_sum(x * 60, y * 60, 2, v->seed + 1));
    for (int c = 0; c < 3; c++) rgb[c] *= curve;
}

static void paint_curtain(const view *v, float x, float y, float rgb[3])
{
    float wave = x * 9 + 0.6f * noise_sum(x * 3, y * 1.2f, 2, v->seed),
          fold = approx_sin(wave * 2 * PI_F);
    for (int c = 0; c < 3; c++)
        rgb[c] = v->rgb[0][c] * (0.75f + 0.25f * fold) *
                 (1 + 0.04f * noise_value(x * 150, y * 150, v->seed));
}

void still_paint(still what, const identity *who, uint32_t seed, int width, int height, float *rgb)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 902);
    float unit = 1 / (float)(width < height ? width : height),
          turn = chance_range(&rng, -0.4f, 0.4f) * (what == STILL_HAND ? 2 : 0.3f);
    view v = {
        .what = what, .seed = seed, .turn_cos = approx_cos(turn), .turn_sin = approx_sin(turn)};
    v.x = chance_range(&rng, 0.4f, 0.6f) * (float)width * unit;
    v.y = chance_range(&rng, 0.45f, 0.6f) * (float)height * unit;
    v.scale = chance_range(&rng, 0.75f, 1.1f);
    v.spread = chance_range(&rng, 0.9f, 1.25f);
    v.light_x = chance_range(&rng, -1, 1);
    v.light_y = -0.6f;
    for (int k = 0; k < 3; k++) {
        int base = chance_int(&rng, 60, 230);
        int tint[3];
        for (int c = 0; c < 3; c++)
            tint[c] = (int)clampf((float)base * chance_range(&rng, 0.6f, 1.3f), 5, 250);
        linear_rgb(v.rgb[k], tint[0], tint[1], tint[2]);
    }
    if (what == STILL_HAND || what == STILL_SKIN) skin_tone(v.rgb[0], who->tone, who->undertone);
    backdrop_paint(seed, width, height, rgb);
    if (what == STILL_WALL) return;
    for (int j = 0; j < height; j++) {
        for (int i = 0; i < width; i++) {
            float x = (float)i * unit, y = (float)j * unit,
                  *out = rgb + 3 * ((size_t)j * (size_t)width + (size_t)i);
            if (what == STILL_SKIN)
                paint_skin(&v, x, y, out);
            else if (what == STILL_CURTAIN)
                paint_curtain(&v, x, y, out);
            else
                paint_object(&v, x, y, unit, out);
        }
    }
}
