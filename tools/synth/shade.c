#include "shade.h"

#include <stdlib.h>

#include "skin.h"

enum { SHADOW = 320 };
static const float SHADOW_REACH = 1.9f; /* half the side of the shadow map, units */

bool renderer_create(renderer *r, person *sizes, int max_width, int max_height)
{
    *r = (renderer){.max_width = max_width, .max_height = max_height};
    bool ok = raster_create(&r->samples, 2 * max_width, 2 * max_height, false) &&
              raster_create(&r->shadow, SHADOW, SHADOW, true);
    for (int i = 0; i < PARTS; i++) {
        const surface *s = person_part(sizes, i);
        size_t bytes =
            (size_t)surface_mesh_width(s) * (size_t)surface_mesh_height(s) * 3 * sizeof(float);
        r->camera[i] = malloc(bytes);
        r->screen[i] = malloc(bytes);
        r->lit[i] = malloc(bytes);
        ok = ok && r->camera[i] && r->screen[i] && r->lit[i];
    }
    if (ok) return true;
    renderer_free(r);
    return false;
}

void renderer_free(renderer *r)
{
    raster_free(&r->samples);
    raster_free(&r->shadow);
    for (int i = 0; i < PARTS; i++) {
        free(r->camera[i]);
        free(r->screen[i]);
        free(r->lit[i]);
    }
    *r = (renderer){0};
}

/* ---- geometry ---- */

typedef struct rotation {
    vec3 x, y, z; /* rows */
} rotation;

/* Roll after pitch after yaw. */
static rotation rotation_of(float yaw, float pitch, float roll)
{
    float cy = approx_cos(yaw), sy = approx_sin(yaw), cp = approx_cos(pitch),
          sp = approx_sin(pitch), cr = approx_cos(roll), sr = approx_sin(roll);
    /* pitch * yaw */
    vec3 a = {cy, 0, sy}, b = {sp * sy, cp, -sp * cy}, c = {-cp * sy, sp, cp * cy};
    return (rotation){v_add(v_scale(a, cr), v_scale(b, sr)), v_sub(v_scale(b, cr), v_scale(a, sr)),
                      c};
}

static vec3 rotate(const rotation *r, vec3 p)
{
    return (vec3){v_dot(r->x, p), v_dot(r->y, p), v_dot(r->z, p)};
}

typedef struct scene {
    person *who;
    const pose *pose;
    const lighting *light;
    rotation head, body;
    vec3 light_x, light_y;
    float tint[3]; /* of skin */
} scene;

static const rotation *part_rotation(const scene *s, int part)
{
    return part == PART_BODY ? &s->body : &s->head;
}

/* The head turns about the neck, which lies under and behind its middle; the body follows only a
 * little. */
static const vec3 PIVOT = {0, -0.8f, -0.3f};

static void place_part(renderer *r, const scene *s, int part)
{
    const surface *f = person_part(s->who, part);
    const rotation *turn = part_rotation(s, part);
    const float *smile = part == PART_HEAD ? s->who->head.smile : NULL;
    int w = surface_mesh_width(f), h = surface_mesh_height(f);
    float *camera = r->camera[part], *screen = r->screen[part], *lit = r->lit[part],
          focal = 2 * s->pose->scale * s->pose->distance;
    vec3 shift = part == PART_BODY ? (vec3){0, 0, 0} : v_sub(PIVOT, rotate(turn, PIVOT));
    float to_map = SHADOW / (2 * SHADOW_REACH);
    for (int j = 0; j < h; j++) {
        for (int i = 0; i < w; i++) {
            const float *at = surface_pos(f, i * f->step, j * f->step);
            vec3 p = {at[0], at[1], at[2]};
            if (smile) {
                const float *m =
                    smile + 2 * ((size_t)(j * f->step) * HEAD_WIDTH + (size_t)(i * f->step));
                p.x += s->pose->smile * m[0];
                p.y += s->pose->smile * m[1];
            }
            vec3 q = v_add(rotate(turn, p), shift);
            size_t k = 3 * ((size_t)j * (size_t)w + (size_t)i);
            float depth = s->pose->distance - q.z;
            camera[k] = q.x, camera[k + 1] = q.y, camera[k + 2] = q.z;
            screen[k] = 2 * s->pose->x + focal * q.x / depth,
            screen[k + 1] = 2 * s->pose->y - focal * q.y / depth, screen[k + 2] = depth;
            lit[k] = SHADOW / 2 + to_map * v_dot(q, s->light_x),
            lit[k + 1] = SHADOW / 2 - to_map * v_dot(q, s->light_y),
            lit[k + 2] = -v_dot(q, s->light->key);
        }
    }
}

static void draw_parts(renderer *r, scene *s, int width, int height)
{
    raster_clear(&r->samples, 2 * width, 2 * height);
    raster_clear(&r->shadow, SHADOW, SHADOW);
    for (int i = 0; i < PARTS; i++) {
        const surface *f = person_part(s->who, i);
        place_part(r, s, i);
        if (i == PART_HAIR && s->who->id.hair == HAIR_SHAVED) continue;
        raster_draw(&r->samples, f, (uint8_t)(i + 1), r->screen[i], 1);
        raster_draw(&r->shadow, f, (uint8_t)(i + 1), r->lit[i], i < PART_EAR_LEFT ? 2 : 1);
    }
}

/* ---- light ---- */

/* Share of the key light that reaches p: 3 x 3 tests of the shadow map around it. */
static float key_reaches(const renderer *r, const scene *s, vec3 p)
{
    float to_map = SHADOW / (2 * SHADOW_REACH), spread = 1 + 2.2f * s->light->softness;
    float x = SHADOW / 2 + to_map * v_dot(p, s->light_x),
          y = SHADOW / 2 - to_map * v_dot(p, s->light_y), z = -v_dot(p, s->light->key) - 0.035f;
    int open = 0;
    for (int k = 0; k < 9; k++) {
        int ix = (int)(x + spread * (float)(k % 3 - 1)),
            iy = (int)(y + spread * (float)(k / 3 - 1));
        open +=
            ix < 0 || iy < 0 || ix >= SHADOW || iy >= SHADOW || r->shadow.z[iy * SHADOW + ix] > z;
    }
    return (float)open * (1.0f / 9);
}

/* A peak at 1 that is the narrower the larger n: Schlick's stand-in for c^n ("An inexpensive BRDF
 * model", 1994). */
static float peak(float c, float n) { return c <= 0 ? 0 : c / (n - n * c + c); }

/* A point of a surface, and the light that it gets. */
typedef struct lit_point {
    vec3 normal, view; /* unit vectors; view points to the camera */
    float texel[TEXEL];
    material material;
    float diffuse[3]; /* to be multiplied by the albedo */
    float shine[3];   /* reflected */
} lit_point;

/* Adds the light of one lamp, of which the share `reach` gets to the point. */
static void add_lamp(lit_point *p, vec3 to_light, const float lamp[3], float reach)
{
    const float *t = p->texel;
    material m = p->material;
    vec3 n = p->normal;
    /* light below the skin comes out red at the edge of a shadow */
    static const float WRAP[3] = {0.22f, 0.10f, 0.07f};
    float facing = v_dot(n, to_light);
    for (int c = 0; c < 3; c++) {
        float wrap = m == MATERIAL_SKIN && t[TEX_GLOSS] < EYE_GLOSS * 0.6f ? WRAP[c]
                     : m == MATERIAL_HAIR                                  ? 0.3f
                                                                           : 0.02f;
        p->diffuse[c] += lamp[c] * reach * maxf(0, (facing + wrap) / (1 + wrap));
    }
    if (facing <= 0 || t[TEX_GLOSS] <= 0) return;
    vec3 half = v_unit(v_add(to_light, p->view));
    float c = v_dot(n, half), s;
    if (m == MATERIAL_HAIR) {
        vec3 strand = v_unit(v_sub((vec3){0, -1, 0.2f}, v_scale(n, -n.y + 0.2f * n.z)));
        float along = v_dot(strand, half);
        s = 0.07f * peak(sqrtf(maxf(0, 1 - along * along)), 80) * t[TEX_GLOSS];
    } else if (t[TEX_GLOSS] > EYE_GLOSS * 0.6f) {
        s = 6 * squaref(peak(c, 700));
    } else {
        float graze = 1 - clampf(v_dot(n, p->view), 0, 1);
        s = (0.10f * peak(c, 14) + 0.14f * peak(c, 70)) * t[TEX_GLOSS] *
            (0.7f + 1.5f * graze * graze * graze);
    }
    for (int k = 0; k < 3; k++) p->shine[k] += lamp[k] * reach * s;
}

static void sample_texel(const surface *f, float u, float v, float out[TEXEL])
{
    int i = (int)u, j = (int)v;
    if (i > f->width - 2) i = f->width - 2;
    if (j > f->height - 2) j = f->height - 2;
    float a = u - (float)i, b = v - (float)j, w00 = (1 - a) * (1 - b), w10 = a * (1 - b),
          w01 = (1 - a) * b, w11 = a * b;
    const float *top = surface_tex(f, i, j), *low = top + (size_t)TEXEL * (size_t)f->width;
    for (int k = 0; k < TEXEL; k++)
        out[k] = w00 * top[k] + w10 * top[TEXEL + k] + w01 * low[k] + w11 * low[TEXEL + k];
}

/* Where a ray through the picture meets the person. */
typedef struct hit {
    int part;
    float u, v;  /* on the part's grid */
    float x, y;  /* in the picture, pixels */
    float depth; /* from the camera */
} hit;

static void shade(const renderer *r, const scene *s, const hit *at, float rgb[3])
{
    const surface *f = person_part(s->who, at->part);
    const lighting *l = s->light;
    float depth = at->depth, per = depth / (s->pose->scale * s->pose->distance);
    lit_point lit = {.material = f->material};
    float *t = lit.texel;
    sample_texel(f, at->u, at->v, t);
    if (f->material == MATERIAL_SKIN && t[TEX_GLOSS] < EYE_GLOSS * 0.6f)
        for (int c = 0; c < 3; c++) t[TEX_R + c] *= s->tint[c];
    vec3 p = {(at->x - s->pose->x) * per, (s->pose->y - at->y) * per, s->pose->distance - depth};
    lit.view = v_unit((vec3){-p.x, -p.y, depth});
    vec3 n = v_unit(rotate(part_rotation(s, at->part), (vec3){t[TEX_NX], t[TEX_NY], t[TEX_NZ]}));
    if (f->two_sided && v_dot(n, lit.view) < 0) n = v_scale(n, -1);
    lit.normal = n;
    float sky = 0.5f + 0.5f * n.y;
    for (int c = 0; c < 3; c++)
        lit.diffuse[c] = t[TEX_AMBIENT] * mixf(l->ground_rgb[c], l->sky_rgb[c], sky);
    add_lamp(&lit, l->key, l->key_rgb, key_reaches(r, s, p));
    add_lamp(&lit, l->fill, l->fill_rgb, t[TEX_AMBIENT]);
    for (int c = 0; c < 3; c++) rgb[c] = t[TEX_R + c] * lit.diffuse[c] + lit.shine[c];
}

/* ---- picture ---- */

/* Computes a pixel from its four samples: shaded once where they agree, one by one along edges.
 * Returns the share that the person covers. */
static float shade_pixel(const renderer *r, const scene *s, int x, int y, float rgb[3])
{
    const raster *g = &r->samples;
    size_t at[4];
    at[0] = (size_t)(2 * y) * (size_t)g->width + (size_t)(2 * x);
    at[1] = at[0] + 1;
    at[2] = at[0] + (size_t)g->width;
    at[3] = at[2] + 1;
    uint8_t id = g->id[at[0]];
    float px = (float)x + 0.5f, py = (float)y + 0.5f;
    bool same = id == g->id[at[1]] && id == g->id[at[2]] && id == g->id[at[3]];
    if (same && !id) return 0;
    if (same && fabsf(g->u[at[0]] - g->u[at[3]]) < 9 && fabsf(g->v[at[0]] - g->v[at[3]]) < 9) {
        float u = 0, v = 0, z = 0;
        for (int k = 0; k < 4; k++) u += g->u[at[k]], v += g->v[at[k]], z += g->z[at[k]];
        shade(r, s, &(hit){id - 1, u / 4, v / 4, px, py, z / 4}, rgb);
        return 1;
    }
    float covered = 0;
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int k = 0; k < 4; k++) {
        if (!g->id[at[k]]) continue;
        float one[3];
        hit h = {g->id[at[k]] - 1, g->u[at[k]], g->v[at[k]], px, py, g->z[at[k]]};
        shade(r, s, &h, one);
        for (int c = 0; c < 3; c++) rgb[c] += one[c];
        covered += 1;
    }
    for (int c = 0; c < 3; c++) rgb[c] /= covered;
    return covered / 4;
}

static bool in_face(const person *p, float u, float v)
{
    const float *f = head_face(&p->head, (int)(u + 0.5f), (int)(v + 0.5f));
    return fabsf(f[0]) < 0.93f && f[1] > -1.56f && f[1] < 0.85f;
}

rendered_face render_person(renderer *r, person *p, const pose *at, const lighting *light,
                            int width, int height, float *rgb)
{
    scene s = {.who = p, .pose = at, .light = light, .tint = {1, 1, 1}};
    s.head = rotation_of(at->yaw, at->pitch, at->roll);
    s.body = rotation_of(0.35f * at->yaw, 0, 0.15f * at->roll);
    skin_absorb(s.tint, at->flush, at->tan);
    s.light_x = v_unit(v_cross((vec3){0.1f, 1, 0.05f}, light->key));
    s.light_y = v_cross(light->key, s.light_x);
    draw_parts(r, &s, width, height);
    int x0 = width, x1 = -1, y0 = height, y1 = -1;
    double sum = 0, count = 0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            float one[3], share = shade_pixel(r, &s, x, y, one),
                          *out = rgb + 3 * ((size_t)y * (size_t)width + (size_t)x);
            if (share == 0) continue;
            for (int c = 0; c < 3; c++) out[c] = mixf(out[c], one[c], share);
            size_t first = (size_t)(2 * y) * (size_t)r->samples.width + (size_t)(2 * x);
            if (r->samples.id[first] != PART_HEAD + 1 ||
                !in_face(p, r->samples.u[first], r->samples.v[first]))
                continue;
            if (x < x0) x0 = x;
            if (x > x1) x1 = x;
            if (y < y0) y0 = y;
            y1 = y;
            sum += one[1];
            count += 1;
        }
    }
    rendered_face face = {.mean_green = count > 0 ? (float)(sum / count) : 0};
    if (x1 >= x0)
        face.box = (face_box){(float)x0, (float)y0, (float)(x1 - x0 + 1), (float)(y1 - y0 + 1)};
    return face;
}
