#include "lesions.h"

#include "chance.h"
#include "noise.h"
#include "skin.h"

/* ---- where ---- */

/* How likely a lesion is at face coordinates, 0..1: not in the eyes, brows and lips. */
static float zone(const skin_course *c, const identity *id, float x, float y)
{
    float ax = fabsf(x);
    if (y > id->hairline - 0.16f || y < -1.5f || ax > 0.95f) return 0;
    if (fabsf(y - 0.02f) < 0.2f && fabsf(ax - id->eye_x) < 0.36f) return 0;
    if (fabsf(y - face_brow(id, x)) < 0.09f && ax > 0.1f && ax < 0.72f) return 0;
    if (fabsf(y + id->mouth_y) < 0.2f && ax < id->mouth_width + 0.06f) return 0;
    if (ax < 0.2f && y < -id->nose_length - 0.02f && y > -id->nose_length - 0.12f) return 0;
    if (y > 0.3f) return c->forehead;
    if (ax < 0.22f && y > -id->nose_length) return c->nose;
    if (y < -1.12f && ax < 0.35f) return c->chin;
    if (y < -0.95f) return c->jaw;
    return 1;
}

/* Area that a grid cell covers on the head, in units squared. */
static float cell_area(const head *h, int i, int j)
{
    const float *p = surface_pos(&h->skin, i, j), *r = surface_pos(&h->skin, i + 1, j),
                *d = surface_pos(&h->skin, i, j + 1);
    vec3 a = {r[0] - p[0], r[1] - p[1], r[2] - p[2]}, b = {d[0] - p[0], d[1] - p[1], d[2] - p[2]},
         n = v_cross(a, b);
    return sqrtf(v_dot(n, n));
}

static void draw_place(skin_course *c, const head *h, const identity *id, lesion *l)
{
    const float LARGEST = 1.1e-4f; /* cell on the face */
    for (int attempt = 0; attempt < 4000; attempt++) {
        int i = chance_int(&c->rng, HEAD_WIDTH / 8, HEAD_WIDTH - 1 - HEAD_WIDTH / 8),
            j = chance_int(&c->rng, HEAD_HEIGHT / 8, HEAD_HEIGHT - 2);
        const float *f = head_face(h, i, j);
        float keep = zone(c, id, f[0], f[1]);
        if (keep <= 0 || nbase_rng_uniform(&c->rng) > keep * cell_area(h, i, j) / LARGEST) continue;
        l->i = (float)i;
        l->j = (float)j;
        return;
    }
    l->i = HEAD_WIDTH / 2;
    l->j = HEAD_HEIGHT / 2;
}

/* ---- when ---- */

static void draw_lesion(skin_course *c, const head *h, const identity *id, lesion *l)
{
    *l = (lesion){.seed = nbase_rng_u32(&c->rng)};
    l->kind = chance_of(&c->rng, c->pustules) ? LESION_PUSTULE : LESION_PAPULE;
    draw_place(c, h, id, l);
    l->size = c->size * chance_range(&c->rng, 0.032f, 0.06f);
    if (chance_of(&c->rng, 0.12)) l->size *= 1.5f;
    l->depth = c->depth * chance_range(&c->rng, 0.75f, 1.2f);
    l->ripen = chance_range(&c->rng, 1.5f, 4);
    l->last = chance_range(&c->rng, 7, 20);
    l->heal = chance_range(&c->rng, 3, 7);
}

int course_active(const skin_course *c)
{
    int n = 0;
    for (int k = 0; k < c->count; k++) n += c->lesions[k].level >= 0.5f;
    return n;
}

static void age_lesion(const skin_course *c, lesion *l)
{
    l->age += 1;
    if (l->age > l->last) l->healing = true;
    l->level = clampf(l->level + (l->healing ? -1 / l->heal : 1 / l->ripen), 0, 1);
    l->mark = maxf(l->mark * approx_exp(-1 / c->fading), 0.9f * c->scarring * l->level);
}

/* Lets the oldest lesion start to heal. */
static void heal_oldest(skin_course *c)
{
    lesion *oldest = NULL;
    for (int k = 0; k < c->count; k++)
        if (!c->lesions[k].healing && (!oldest || c->lesions[k].age > oldest->age))
            oldest = &c->lesions[k];
    if (oldest) oldest->healing = true;
}

void course_day(skin_course *c, const head *h, const identity *id, float severity)
{
    int thriving = 0, target = (int)(severity * (float)c->capacity + 0.5f);
    for (int k = 0; k < c->count; k++) {
        age_lesion(c, &c->lesions[k]);
        thriving += !c->lesions[k].healing;
    }
    for (; thriving > target; thriving--) heal_oldest(c);
    int kept = 0;
    for (int k = 0; k < c->count; k++)
        if (!c->lesions[k].healing || c->lesions[k].level > 0 || c->lesions[k].mark > 0.06f)
            c->lesions[kept++] = c->lesions[k];
    c->count = kept;
    for (; thriving < target && c->count < LESIONS_MAX; thriving++)
        draw_lesion(c, h, id, &c->lesions[c->count++]);
    for (int k = 0; k < c->patch_count; k++) {
        lesion *p = &c->patches[k];
        float wish = clampf(severity * p->depth + 0.04f * chance_bell(&c->rng), 0, 1.3f);
        p->level += 0.25f * (wish - p->level);
    }
}

void course_begin(skin_course *c, const head *h, const identity *id, uint64_t seed, uint64_t stream,
                  float severity)
{
    enum { SETTLING = 70 };
    *c = (skin_course){0};
    nbase_rng_seed(&c->rng, seed, stream);
    c->capacity = (int)(30 * approx_exp(chance_range(&c->rng, 0, 1.1f)));
    c->pustules = chance_range(&c->rng, 0.1f, 0.5f);
    c->size = chance_range(&c->rng, 0.85f, 1.25f);
    c->depth = chance_range(&c->rng, 0.85f, 1.15f);
    c->scarring = chance_range(&c->rng, 0.2f, 0.8f);
    c->fading = chance_range(&c->rng, 12, 35);
    c->forehead = chance_range(&c->rng, 0.2f, 1);
    c->nose = chance_range(&c->rng, 0.2f, 0.7f);
    c->chin = chance_range(&c->rng, 0.3f, 1);
    c->jaw = chance_range(&c->rng, 0.3f, 1);
    c->patch_count = chance_int(&c->rng, 6, PATCHES_MAX);
    for (int k = 0; k < c->patch_count; k++) {
        lesion *p = &c->patches[k];
        draw_lesion(c, h, id, p);
        p->kind = LESION_PATCH;
        p->size = chance_range(&c->rng, 0.22f, 0.4f);
        p->depth = chance_range(&c->rng, 0.8f, 1.15f);
        p->level = severity * p->depth;
    }
    for (int day = 0; day < SETTLING; day++) course_day(c, h, id, severity);
}

/* ---- how it looks ---- */

typedef struct stamp { /* a lesion that is painted onto the texels */
    const lesion *l;
    float reach; /* radius beyond which nothing changes, units */
    float tone;
} stamp;

/* Colour and slope at distance d (units) from the middle; edge is a noise of about -1..1 that makes
 * outlines irregular. */
static void stamp_texel(const stamp *s, float d, vec3 away, float edge, float *t)
{
    const lesion *l = s->l;
    float r = d / (l->size * (1 + 0.22f * edge)), dark = 0.25f + 0.35f * s->tone;
    if (l->kind == LESION_PATCH) {
        if (r >= 1) return;
        float amount = l->level * smoothstep(1, 0.25f, r) * (0.8f + 0.3f * edge);
        skin_absorb(t, 1.1f * amount, 0.15f * dark * amount);
        return;
    }
    float core = smoothstep(1.15f, 0.55f, r), halo = bump(r / 1.7f, 0), a = l->level * l->depth;
    skin_absorb(t, a * (0.75f * core + 0.55f * halo) + 0.30f * l->mark * core,
                dark * (0.5f * a * core + 1.1f * l->mark * core));
    if (l->level <= 0.02f) return;
    /* a dome: its side tilts the normal outwards */
    float tilt = 0.55f * l->level * bump((r - 0.75f) / 0.4f, 0);
    vec3 n = v_unit(v_add((vec3){t[TEX_NX], t[TEX_NY], t[TEX_NZ]}, v_scale(away, tilt)));
    t[TEX_NX] = n.x;
    t[TEX_NY] = n.y;
    t[TEX_NZ] = n.z;
    t[TEX_GLOSS] = minf(1, t[TEX_GLOSS] + 0.25f * l->level * core);
    if (l->kind != LESION_PUSTULE) return;
    float head_share = smoothstep(0.5f, 0.25f, r) * smoothstep(0.5f, 0.9f, l->level) * 0.75f;
    static const float PUS[3] = {0.72f, 0.58f, 0.34f};
    for (int c = 0; c < 3; c++) t[c] = mixf(t[c], PUS[c] * (1 - 0.7f * s->tone), head_share);
}

static void apply(const head *h, const stamp *s, float *tex)
{
    int ci = (int)s->l->i, cj = (int)s->l->j;
    const float *at = surface_pos(&h->skin, ci, cj), *right = surface_pos(&h->skin, ci + 1, cj),
                *below = surface_pos(&h->skin, ci, cj + 1);
    float wide = sqrtf(squaref(right[0] - at[0]) + squaref(right[2] - at[2])),
          high = maxf(0.002f, fabsf(at[1] - below[1]));
    int di = (int)(s->reach / maxf(wide, 0.002f) * 1.4f) + 2,
        dj = (int)(s->reach / high * 1.3f) + 2;
    vec3 centre = {at[0], at[1], at[2]};
    for (int j = cj - dj < 0 ? 0 : cj - dj; j <= cj + dj && j < HEAD_HEIGHT; j++) {
        for (int i = ci - di < 0 ? 0 : ci - di; i <= ci + di && i < HEAD_WIDTH; i++) {
            const float *p = surface_pos(&h->skin, i, j);
            vec3 away = v_sub((vec3){p[0], p[1], p[2]}, centre);
            float d2 = v_dot(away, away);
            if (d2 > s->reach * s->reach) continue;
            float d = sqrtf(d2), grain = 1.6f / s->l->size,
                  edge =
                      noise_value(away.x * grain + 5, away.y * grain + away.z * grain, s->l->seed);
            stamp_texel(s, d, v_scale(away, d > 1e-6f ? 1 / d : 0), edge,
                        tex + TEXEL * ((size_t)j * HEAD_WIDTH + (size_t)i));
        }
    }
}

void course_paint(const skin_course *c, const head *h, const identity *id, float *tex)
{
    for (int k = 0; k < c->patch_count; k++)
        apply(h, &(stamp){&c->patches[k], c->patches[k].size * 1.25f, id->tone}, tex);
    for (int k = 0; k < c->count; k++) {
        const lesion *l = &c->lesions[k];
        apply(h, &(stamp){l, l->size * (l->level > 0.02f ? 2.9f : 1.4f), id->tone}, tex);
    }
}
