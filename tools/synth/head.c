#include "head.h"

#include <stdlib.h>

/* Front view and profile of an average skull with its flesh, without features, after the usual
 * proportions of anthropometry (eyes at half height, breadth to height about 2 : 3, nose and mouth
 * at the thirds), from the crown to where the chin meets the neck. */
static const loft_row SKULL[] = {
    /*   y    front  width  back  lift  flat */
    {1.64f, 0.03f, 0.03f, 0.03f, 0, 1},          {1.54f, 0.58f, 0.50f, 0.62f, 0, 0.95f},
    {1.24f, 1.03f, 0.86f, 1.12f, 0, 0.88f},      {0.88f, 1.23f, 0.97f, 1.28f, 0, 0.82f},
    {0.62f, 1.30f, 1.01f, 1.32f, 0, 0.78f},      {0.40f, 1.32f, 1.02f, 1.32f, 0, 0.76f},
    {0.20f, 1.32f, 1.02f, 1.28f, 0, 0.76f},      {0.00f, 1.29f, 1.01f, 1.22f, 0, 0.77f},
    {-0.20f, 1.27f, 0.99f, 1.15f, 0.00f, 0.78f}, {-0.40f, 1.25f, 0.955f, 1.05f, 0.01f, 0.80f},
    {-0.60f, 1.24f, 0.91f, 0.96f, 0.03f, 0.83f}, {-0.80f, 1.23f, 0.86f, 0.88f, 0.07f, 0.87f},
    {-1.00f, 1.22f, 0.81f, 0.80f, 0.15f, 0.92f}, {-1.20f, 1.19f, 0.765f, 0.72f, 0.27f, 0.98f},
    {-1.38f, 1.15f, 0.70f, 0.66f, 0.38f, 1.0f},  {-1.50f, 1.08f, 0.62f, 0.60f, 0.42f, 1.0f},
    {-1.57f, 0.94f, 0.54f, 0.54f, 0.38f, 1},     {-1.54f, 0.62f, 0.46f, 0.48f, 0.28f, 1},
};
enum { SKULL_ROWS = sizeof SKULL / sizeof SKULL[0] };
static const float AXIS = -0.1f;

bool head_create(head *h)
{
    *h = (head){0};
    size_t n = (size_t)HEAD_WIDTH * HEAD_HEIGHT;
    bool ok = surface_create(&h->skin, HEAD_WIDTH, HEAD_HEIGHT, HEAD_STEP, false);
    h->face = calloc(n, 2 * sizeof(float));
    h->smile = calloc(n, 2 * sizeof(float));
    h->skin.material = MATERIAL_SKIN;
    if (ok && h->face && h->smile) return true;
    head_free(h);
    return false;
}

void head_free(head *h)
{
    surface_free(&h->skin);
    free(h->face);
    free(h->smile);
    *h = (head){0};
}

float head_azimuth(int i)
{
    float s = 2 * (float)i / (HEAD_WIDTH - 1) - 1;
    return 2.5f * (0.5f * s + 0.5f * s * s * s);
}

/* ---- layout ---- */

float face_eye_line(const identity *id, float out) { return id->eye_tilt * out; }

float face_upper_lid(const identity *id, float out)
{
    float v = (out + 0.02f) / id->eye_width, r = 1 - squaref(out / id->eye_width);
    return r <= 0 ? 0 : 0.084f * id->eye_open * approx_pow(r, 0.7f) * (1 - 0.08f * v);
}

float face_lower_lid(const identity *id, float out)
{
    float r = 1 - squaref(out / id->eye_width);
    return r <= 0
               ? 0
               : -0.056f * id->eye_open * approx_pow(r, 0.85f) * (1 + 0.15f * out / id->eye_width);
}

float face_mouth_line(const identity *id, float x)
{
    float u = x / id->mouth_width;
    return -id->mouth_y - 0.012f * bump(x / 0.06f, 0) + 0.006f * minf(u * u, 1);
}

float face_lip_top(const identity *id, float x)
{
    float u = fabsf(x) / id->mouth_width;
    if (u >= 1) return face_mouth_line(id, x);
    return face_mouth_line(id, x) + id->lip_upper * (1 - approx_pow(u, 1.5f)) -
           0.022f * bump(x / 0.045f, 0);
}

float face_lip_bottom(const identity *id, float x)
{
    float u = x / id->mouth_width;
    if (u * u >= 1) return face_mouth_line(id, x);
    return face_mouth_line(id, x) - id->lip_lower * approx_pow(1 - u * u, 0.75f);
}

float face_brow(const identity *id, float x)
{
    float u = (fabsf(x) - 0.14f) / 0.52f; /* 0 inner end .. 1 outer end */
    return id->brow_y + id->brow_arch * (1 - squaref((u - 0.62f) / 0.62f)) - 0.02f * u;
}

/* ---- relief ---- */

static float relief_eyes(const identity *id, float x, float y)
{
    float ax = fabsf(x), out = ax - id->eye_x;
    if (fabsf(y) > 0.7f) return 0;
    float h = -0.115f * id->eye_depth * bump(out / 0.23f, (y - 0.02f) / 0.15f);
    h -= 0.05f * id->eye_depth * bump((ax - 0.19f) / 0.09f, (y - 0.05f) / 0.12f);
    float ball = 1 - squaref(out / (id->eye_width * 1.2f)) -
                 squaref((y - face_eye_line(id, out) - 0.012f) / 0.17f);
    if (ball > 0) h += 0.10f * sqrtf(ball) * smoothstep(0, 0.35f, ball);
    /* The lids stand out from the eye, and the fold of the upper lid lies above. */
    float up = y - face_eye_line(id, out) - face_upper_lid(id, out),
          low = y - face_eye_line(id, out) - face_lower_lid(id, out);
    float inside = smoothstep(1.1f, 0.85f, fabsf(out) / id->eye_width);
    h += inside *
         (0.016f * bump((up - 0.022f) / 0.022f, 0) + 0.007f * bump((low + 0.018f) / 0.02f, 0));
    h -= 0.022f * id->lid_fold * smoothstep(1.25f, 0.7f, fabsf(out) / id->eye_width) *
         bump((up - 0.062f) / 0.016f, 0);
    /* brow ridge, and the hollow of the tears */
    h += 0.055f * id->brow_ridge * bump((ax - 0.36f) / 0.3f, (y - face_brow(id, x) + 0.03f) / 0.1f);
    h -= 0.010f * bump((out + 0.08f) / 0.18f, (y + 0.15f + 0.25f * out) / 0.045f);
    return h;
}

static float relief_nose(const identity *id, float x, float y)
{
    float ax = fabsf(x), nl = id->nose_length, w = id->nose_width;
    if (ax > 0.7f || y > 0.6f || y < -1) return 0;
    float t = (0.1f - y) / (nl + 0.1f);
    float rise = t < 0 ? 0.055f * bump(t / 0.25f, 0)
                       : 0.055f + 0.04f * id->nose_bridge * minf(t * 2, 1) +
                             0.21f * approx_pow(minf(t, 1.1f), 1.35f);
    float side = w * (0.068f + 0.05f * clampf(t, 0, 1));
    float cut = smoothstep(-nl - 0.125f, -nl + 0.01f, y - 0.35f * minf(ax, 0.12f));
    float h = id->nose_height * rise * cut *
              (0.72f * bump(x / side, 0) + 0.28f * bump(x / (side * 1.9f), 0));
    h += 0.075f * id->nose_tip * cut * bump(x / (0.1f * w), (y + nl - 0.015f) / 0.1f);
    h += 0.145f * smoothstep(-nl - 0.095f, -nl - 0.03f, y) *
         bump((ax - 0.16f * w) / 0.06f, (y + nl) / 0.075f);
    /* fold behind the wing */
    h -= 0.02f * bump((ax - 0.245f * w) / 0.03f, (y + nl - 0.01f) / 0.09f);
    h -= 0.10f * bump((ax - 0.082f * w) / 0.045f, (y + nl + 0.058f) / 0.026f);
    return h;
}

static float relief_mouth(const identity *id, float x, float y)
{
    if (y > -0.3f) return 0;
    float ax = fabsf(x), top = face_lip_top(id, x), line = face_mouth_line(id, x),
          low = face_lip_bottom(id, x);
    float h = 0.075f * bump(x / 0.46f, (y + id->mouth_y) / 0.3f);
    float in = smoothstep(1.06f, 0.6f, ax / id->mouth_width);
    if (y >= line)
        h += 0.05f * in * bump((y - mixf(line, top, 0.55f)) / (0.55f * (top - line) + 0.03f), 0);
    else
        h += 0.065f * in * bump((y - mixf(line, low, 0.5f)) / (0.55f * (line - low) + 0.03f), 0);
    h -= 0.04f * smoothstep(1.15f, 0.9f, ax / id->mouth_width) * bump((y - line) / 0.016f, 0);
    h -= 0.03f * bump((ax - id->mouth_width - 0.02f) / 0.045f, (y - line) / 0.06f);
    h -= 0.014f * bump(x / 0.035f, (y - top - 0.08f) / 0.07f);
    h -= 0.05f * bump(x / 0.27f, (y + id->mouth_y + id->lip_lower + 0.075f) / 0.06f);
    return h;
}

static float relief_cheeks(const identity *id, float x, float y)
{
    float ax = fabsf(x);
    float h = 0.05f * id->cheek * bump((ax - 0.52f) / 0.27f, (y + 0.33f) / 0.24f);
    h -= 0.03f * bump((ax - 0.62f) / 0.22f, (y + 0.85f) / 0.25f);
    /* from the wing of the nose to the corner of the mouth */
    float t = clampf((-y - 0.55f) / 0.42f, 0, 1), fold = 0.25f + 0.17f * t;
    float depth = 0.008f + 0.02f * clampf((id->age - 20) / 40, 0, 1);
    h -= depth * bump((ax - fold) / 0.035f, 0) * smoothstep(-1.02f, -0.85f, y) *
         smoothstep(-0.5f, -0.62f, y);
    h += 0.085f * id->chin_length *
         bump(x / (0.2f * id->chin_width), (y + 1.37f * id->length) / 0.14f);
    return h;
}

/* Height over the skull, towards the viewer, at face coordinates. */
static float relief(const identity *id, float x, float y)
{
    return relief_eyes(id, x, y) + relief_nose(id, x, y) + relief_mouth(id, x, y) +
           relief_cheeks(id, x, y);
}

/* ---- the whole head ---- */

static loft_row person_row(const identity *id, float t)
{
    loft_row r = loft_at(SKULL, SKULL_ROWS, t);
    float low = smoothstep(-0.4f, -1.2f, r.y), high = smoothstep(0.3f, 0.9f, r.y), y = r.y;
    r.y *= y < 0 ? id->length : 1;
    r.width *= mixf(1, id->jaw, low) * mixf(1, id->forehead, high);
    r.front *= mixf(1, id->depth, 0.5f);
    /* A broad chin keeps the row low for longer: the sides rise later. */
    r.lift *= mixf(1, 2 - id->chin_width, 0.5f);
    return r;
}

/* Ambient light that reaches a point falls with its depth under the mean height around it: two box
 * blurs of the relief. */
static void shade_hollows(head *h, const float *height, float *scratch)
{
    enum { R = 16 };
    int w = HEAD_WIDTH, n = HEAD_HEIGHT;
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < w; i++) {
            float sum = 0;
            for (int k = -R; k <= R; k += 2)
                sum += height[(size_t)j * (size_t)w + (size_t)(i + k < 0    ? 0
                                                               : i + k >= w ? w - 1
                                                                            : i + k)];
            scratch[(size_t)j * (size_t)w + (size_t)i] = sum / (R + 1);
        }
    }
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < w; i++) {
            float sum = 0;
            for (int k = -R; k <= R; k += 2)
                sum += scratch[(size_t)(j + k < 0    ? 0
                                        : j + k >= n ? n - 1
                                                     : j + k) *
                                   (size_t)w +
                               (size_t)i];
            float deep = sum / (R + 1) - height[(size_t)j * (size_t)w + (size_t)i];
            surface_tex(&h->skin, i, j)[TEX_AMBIENT] = clampf(1 - 5 * deep, 0.25f, 1.1f);
        }
    }
}

static void place_point(head *h, const identity *id, const loft_row *r, int i, int j, float *height)
{
    float a = head_azimuth(i), *pos = surface_pos(&h->skin, i, j),
          *face = h->face + 2 * ((size_t)j * HEAD_WIDTH + (size_t)i);
    vec3 p = loft_point(r, a, AXIS);
    float x = p.x + 0.015f * id->skew * (p.y + 0.4f), y = p.y / (p.y < 0 ? id->length : 1);
    float front = smoothstep(1.45f, 1.0f, fabsf(a));
    *height = front > 0 ? front * relief(id, x, y) : 0;
    p.z += *height;
    /* Flesh of the cheekbones stands out to the sides too. */
    float side = 0.03f * id->cheek * bump((fabsf(a) - 0.9f) / 0.45f, (y + 0.2f) / 0.3f) -
                 0.03f * bump((fabsf(a) - 1.1f) / 0.3f, (y - 0.35f) / 0.25f);
    p.x += side * (p.x > 0 ? 1 : -1);
    pos[0] = p.x;
    pos[1] = p.y;
    pos[2] = p.z;
    /* behind the ears: coordinates far from every feature */
    face[0] = fabsf(a) < 1.5707f ? x : x > 0 ? 2 : -2;
    face[1] = y;
}

static void shape_smile(head *h, const identity *id)
{
    for (int j = 0; j < HEAD_HEIGHT; j += HEAD_STEP) {
        for (int i = 0; i < HEAD_WIDTH; i += HEAD_STEP) {
            const float *f = head_face(h, i, j);
            float *s = h->smile + 2 * ((size_t)j * HEAD_WIDTH + (size_t)i),
                  side = f[0] > 0 ? 1 : -1;
            float corner =
                bump((fabsf(f[0]) - id->mouth_width) / 0.2f, (f[1] + id->mouth_y) / 0.2f);
            float cheek = bump((fabsf(f[0]) - 0.5f) / 0.22f, (f[1] + 0.5f) / 0.2f);
            s[0] = side * 0.06f * corner;
            s[1] = 0.045f * corner + 0.03f * cheek;
        }
    }
}

void head_shape(head *h, const identity *id)
{
    size_t n = (size_t)HEAD_WIDTH * HEAD_HEIGHT;
    float *height = h->smile; /* two scratch planes; the smile is written last */
    for (int j = 0; j < HEAD_HEIGHT; j++) {
        loft_row r = person_row(id, (SKULL_ROWS - 1) * (float)j / (HEAD_HEIGHT - 1));
        for (int i = 0; i < HEAD_WIDTH; i++)
            place_point(h, id, &r, i, j, &height[(size_t)j * HEAD_WIDTH + (size_t)i]);
    }
    shade_hollows(h, height, height + n);
    surface_normals(&h->skin);
    shape_smile(h, id);
}
