#include "identity.h"

#include "approx.h"
#include "chance.h"

const char *const hair_style_names[HAIR_STYLES] = {"shaved", "short", "tied", "curly",
                                                   "bob",    "long",  "scarf"};

static float linear_of(int level)
{
    float v = (float)level / 255;
    return v <= 0.04045f ? v / 12.92f : approx_pow((v + 0.055f) / 1.055f, 2.4f);
}

void linear_rgb(float out[3], int r, int g, int b)
{
    out[0] = linear_of(r);
    out[1] = linear_of(g);
    out[2] = linear_of(b);
}

/* Around `mean`, deviation `spread`, never further than two and a half of them. */
static float around(nbase_rng *rng, float mean, float spread)
{
    return mean + spread * clampf(chance_bell(rng), -2.5f, 2.5f);
}

static void draw_shape(identity *id, nbase_rng *rng)
{
    float m = id->man;
    id->length = around(rng, 1.0f, 0.035f);
    id->jaw = around(rng, 0.95f + 0.08f * m, 0.035f);
    id->chin_width = around(rng, 0.9f + 0.2f * m, 0.1f);
    id->chin_length = around(rng, 0.97f + 0.06f * m, 0.03f);
    id->cheek = around(rng, 1.0f, 0.35f);
    id->forehead = around(rng, 1.0f, 0.025f);
    id->depth = around(rng, 1.0f, 0.03f);
    id->skew = around(rng, 0, 0.4f);
    id->eye_x = around(rng, 0.435f, 0.018f);
    id->eye_width = around(rng, 0.2f, 0.01f);
    id->eye_open = around(rng, 0.92f - 0.08f * m, 0.09f);
    id->eye_tilt = around(rng, 0.05f, 0.06f);
    id->eye_depth = around(rng, 0.9f + 0.2f * m, 0.2f);
    id->lid_fold = clampf(around(rng, 0.6f, 0.35f), 0, 1);
    id->brow_y = around(rng, 0.30f - 0.04f * m, 0.025f);
    id->brow_thick = around(rng, 0.047f + 0.018f * m, 0.008f);
    id->brow_arch = around(rng, 0.07f - 0.035f * m, 0.02f);
    id->brow_ridge = around(rng, 0.3f + 0.7f * m, 0.2f);
    id->nose_length = around(rng, 0.55f + 0.02f * m, 0.035f);
    id->nose_width = around(rng, 0.97f + 0.1f * m, 0.12f);
    id->nose_height = around(rng, 0.95f + 0.1f * m, 0.12f);
    id->nose_bridge = around(rng, 0.9f + 0.2f * m, 0.2f);
    id->nose_tip = around(rng, 1.0f, 0.15f);
    id->mouth_y = around(rng, 0.955f, 0.025f);
    id->mouth_width = around(rng, 0.345f, 0.025f);
    id->lip_upper = around(rng, 0.11f - 0.02f * m, 0.018f);
    id->lip_lower = around(rng, 0.145f - 0.02f * m, 0.025f);
    id->ear = around(rng, 1.0f, 0.08f);
}

static void draw_skin(identity *id, nbase_rng *rng)
{
    id->tone = (float)nbase_rng_uniform(rng); /* the whole range, evenly */
    id->undertone = clampf(around(rng, 0, 0.5f), -1, 1);
    id->ruddy = chance_range(rng, 0, 1);
    id->freckles = id->tone < 0.35f && chance_of(rng, 0.3) ? chance_range(rng, 0.3f, 1) : 0;
    id->oil = chance_range(rng, 0, 1);
    id->stubble = id->man > 0.6f && chance_of(rng, 0.6) ? chance_range(rng, 0.15f, 1) : 0;
    id->moles = chance_int(rng, 0, 5);
}

static void draw_colours(identity *id, nbase_rng *rng)
{
    static const unsigned char irises[][3] = {{62, 38, 22},   {48, 30, 20},  {84, 54, 28},
                                              {105, 90, 50},  {92, 110, 84}, {88, 118, 142},
                                              {110, 128, 138}};
    static const unsigned char hairs[][3] = {{22, 18, 17},  {30, 23, 19},   {44, 30, 22},
                                             {66, 44, 28},  {98, 68, 40},   {150, 110, 64},
                                             {116, 56, 30}, {140, 136, 132}};
    static const unsigned char cloths[][3] = {{230, 230, 228}, {40, 44, 52},   {52, 74, 120},
                                              {130, 40, 44},   {70, 96, 74},   {190, 170, 140},
                                              {90, 80, 110},   {214, 176, 60}, {110, 160, 180},
                                              {200, 120, 130}, {20, 20, 22},   {150, 150, 155}};
    /* Fair people have any colour of eyes and hair, dark people dark ones. */
    int iris =
        id->tone < 0.4f ? chance_int(rng, 0, 6) : chance_int(rng, 0, id->tone < 0.6f ? 3 : 1);
    int hair =
        id->tone < 0.4f ? chance_int(rng, 0, 6) : chance_int(rng, 0, id->tone < 0.6f ? 2 : 1);
    if (id->age > 48 && chance_of(rng, 0.5)) hair = 7;
    int cloth = chance_int(rng, 0, (int)(sizeof cloths / sizeof cloths[0]) - 1);
    linear_rgb(id->iris, irises[iris][0], irises[iris][1], irises[iris][2]);
    linear_rgb(id->hair_rgb, hairs[hair][0], hairs[hair][1], hairs[hair][2]);
    linear_rgb(id->cloth, cloths[cloth][0], cloths[cloth][1], cloths[cloth][2]);
    for (int c = 0; c < 3; c++) id->cloth[c] *= chance_range(rng, 0.85f, 1.1f);
}

static void draw_hair(identity *id, nbase_rng *rng)
{
    static const hair_style men[] = {HAIR_SHORT,  HAIR_SHORT, HAIR_SHORT, HAIR_SHORT,
                                     HAIR_SHAVED, HAIR_CURLY, HAIR_TIED,  HAIR_BOB};
    static const hair_style women[] = {HAIR_LONG, HAIR_LONG, HAIR_LONG,  HAIR_BOB,   HAIR_BOB,
                                       HAIR_TIED, HAIR_TIED, HAIR_CURLY, HAIR_SCARF, HAIR_SHORT};
    id->hair = id->man > 0.5f ? men[chance_int(rng, 0, 7)] : women[chance_int(rng, 0, 9)];
    id->hair_thick = chance_range(rng, 0.7f, 1.3f);
    id->hair_curl =
        id->hair == HAIR_CURLY ? chance_range(rng, 0.6f, 1) : chance_range(rng, 0, 0.5f);
    id->hairline = around(rng, 0.86f + (id->man > 0.5f && id->age > 40 ? 0.08f : 0), 0.04f);
    id->parting = chance_range(rng, -0.5f, 0.5f);
    id->fringe = id->hair != HAIR_TIED && id->hair != HAIR_CURLY && chance_of(rng, 0.25)
                     ? chance_range(rng, 0.1f, 0.3f)
                     : 0;
    id->neckline = chance_range(rng, 0, 1);
}

void identity_draw(identity *id, nbase_rng *rng)
{
    *id = (identity){.seed = nbase_rng_u32(rng)};
    id->man = chance_of(rng, 0.5) ? chance_range(rng, 0.65f, 1) : chance_range(rng, 0, 0.35f);
    id->age = chance_range(rng, 16, 55);
    draw_shape(id, rng);
    draw_skin(id, rng);
    draw_colours(id, rng);
    draw_hair(id, rng);
}
