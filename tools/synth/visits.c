/* How each photo is taken: pose, light, camera, place. None of it depends on the patient's label or
 * severity. */
#include <stdio.h>

#include "approx.h"
#include "chance.h"
#include "clinic.h"

/* What changes slowly: a phone, a room, and drifts over the weeks. */
typedef struct habits {
    float blur, noise, warm, green, contrast; /* of the phone */
    int quality;
    /* drifts from the first photo to the last */
    float tan_from, tan_to, exposure_from, exposure_to, warm_from, warm_to;
    uint32_t rooms[3];
    int long_side, new_phone; /* a new phone from that photo on */
    float frame;              /* share of the width that the face takes */
} habits;

static void draw_phone(habits *h, nbase_rng *rng)
{
    h->blur = chance_range(rng, 0.3f, 0.8f);
    h->noise = chance_range(rng, 0.004f, 0.025f);
    h->warm = 0.02f * chance_bell(rng);
    h->green = 0.008f * chance_bell(rng);
    h->contrast = chance_range(rng, 0.92f, 1.1f);
    h->quality = chance_int(rng, 70, 95);
}

static void draw_habits(habits *h, const clinic_options *o, const patient *p, nbase_rng *rng)
{
    draw_phone(h, rng);
    h->tan_from = chance_range(rng, -0.06f, 0.06f);
    h->tan_to = chance_range(rng, -0.06f, 0.06f);
    h->exposure_from = 0.07f * chance_bell(rng);
    h->exposure_to = 0.07f * chance_bell(rng);
    h->warm_from = 0.012f * chance_bell(rng);
    h->warm_to = 0.012f * chance_bell(rng);
    for (int k = 0; k < 3; k++) h->rooms[k] = nbase_rng_u32(rng);
    h->long_side = chance_int(rng, o->size_min, o->size_max);
    h->new_phone = chance_of(rng, 0.3) ? chance_int(rng, 1, PHOTOS_MAX) : PHOTOS_MAX;
    if (h->new_phone > p->photo_count) h->new_phone = PHOTOS_MAX;
    h->frame = chance_range(rng, 0.44f, 0.58f);
}

static void draw_size(photo *f, const clinic_options *o, const habits *h, nbase_rng *rng)
{
    int side = h->long_side + chance_int(rng, -20, 20), format = chance_int(rng, 0, 9);
    side = side < o->size_min ? o->size_min : side > o->size_max ? o->size_max : side;
    f->height = side;
    f->width = format == 0 ? side : format == 1 ? side * 9 / 16 : side * 3 / 4;
    if (format == 2) { /* landscape */
        f->width = side;
        f->height = side * 3 / 4;
    }
}

static void draw_pose(photo *f, const habits *h, nbase_rng *rng)
{
    pose *q = &f->pose;
    float room = minf((float)f->width, 0.75f * (float)f->height),
          share = h->frame * chance_range(rng, 0.9f, 1.1f);
    q->yaw = clampf(0.19f * chance_bell(rng), -0.4f, 0.4f);
    /* a phone is usually held a little high */
    q->pitch = clampf(0.065f * chance_bell(rng) - 0.02f, -0.17f, 0.13f);
    q->roll = clampf(0.07f * chance_bell(rng), -0.2f, 0.2f);
    q->distance = chance_range(rng, 5.5f, 8.5f);
    q->scale = 0.5f * share * room;
    q->x = (float)f->width * (0.5f + 0.025f * clampf(chance_bell(rng), -2, 2));
    q->y = (float)f->height * (0.5f + 0.02f * clampf(chance_bell(rng), -2, 2)) - 0.3f * q->scale;
    q->smile = chance_of(rng, 0.3) ? chance_range(rng, 0.2f, 1) : chance_range(rng, 0, 0.15f);
    f->gaze_x = clampf(-q->yaw + 0.1f * chance_bell(rng), -0.6f, 0.6f);
    f->gaze_y = clampf(-q->pitch + 0.1f * chance_bell(rng), -0.5f, 0.5f);
}

static void draw_light(photo *f, nbase_rng *rng)
{
    lighting *l = &f->light;
    float around = clampf(0.5f * chance_bell(rng), -1.1f, 1.1f),
          height = chance_range(rng, -0.1f, 0.9f), key = chance_range(rng, 0.5f, 1.5f);
    float warm = chance_range(rng, -0.03f, 0.03f), sky = chance_range(rng, 0.4f, 0.8f);
    l->key = v_unit((vec3){approx_sin(around) * approx_cos(height), approx_sin(height),
                           approx_cos(around) * approx_cos(height)});
    l->fill = v_unit((vec3){-0.8f * approx_sin(around), 0.1f, 0.9f});
    l->softness = chance_range(rng, 0.2f, 1);
    for (int c = 0; c < 3; c++) {
        float tint = 1 - warm * (float)(c - 1);
        l->key_rgb[c] = key * tint;
        l->fill_rgb[c] = 0.3f;
        l->sky_rgb[c] = sky * (1 + 0.04f * (float)(c - 1));
        l->ground_rgb[c] = 0.55f * sky * (1 - 0.08f * (float)(c - 1));
    }
    f->room_light = sky + 0.45f * key * chance_range(rng, 0.4f, 1);
}

static void draw_capture(photo *f, const clinic_options *o, const habits *h, float u,
                         nbase_rng *rng)
{
    capture *c = &f->capture;
    float warm = h->warm + mixf(h->warm_from, h->warm_to, u) + 0.01f * chance_bell(rng),
          green = h->green + 0.004f * chance_bell(rng);
    float exposure = mixf(h->exposure_from, h->exposure_to, u) + 0.05f * chance_bell(rng);
    c->exposure = approx_exp(exposure);
    c->white[0] = 1 + warm;
    c->white[1] = 1 + green;
    c->white[2] = 1 - warm;
    c->blur_x = c->blur_y = h->blur;
    if (chance_of(rng, 0.15)) c->blur_x += chance_range(rng, 0.3f, 1.2f); /* a shaken hand */
    /* out of focus */
    if (chance_of(rng, 0.10)) c->blur_y = c->blur_x += chance_range(rng, 0.2f, 0.8f);
    c->noise = h->noise * chance_range(rng, 0.8f, 1.6f);
    c->vignette = chance_range(rng, 0, 0.25f);
    c->contrast = h->contrast * chance_range(rng, 0.97f, 1.03f);
    c->quality = h->quality;
    c->seed = nbase_rng_u32(rng);
    int turned = chance_int(rng, 2, 8), tag = chance_int(rng, 0, 99);
    c->orientation = !o->exif ? 0 : tag < 20 ? turned : tag < 55 ? 1 : 0;
}

void visits_plan(const clinic_options *o, patient *p, nbase_rng *rng)
{
    habits h;
    draw_habits(&h, o, p, rng);
    for (int k = 0; k < p->photo_count; k++) {
        photo *f = &p->photos[k];
        float u = p->course.days > 0 ? f->day / p->course.days : 0;
        if (k == h.new_phone) draw_phone(&h, rng);
        snprintf(f->name, sizeof f->name, "%012llu_%02d.jpg", (unsigned long long)p->number, k);
        f->face = !chance_of(rng, o->no_face);
        f->still = (still)nbase_rng_below(rng, STILLS);
        draw_size(f, o, &h, rng);
        draw_pose(f, &h, rng);
        draw_light(f, rng);
        f->pose.tan = mixf(h.tan_from, h.tan_to, u) + 0.01f * chance_bell(rng);
        f->pose.flush = chance_of(rng, 0.2) ? chance_range(rng, 0, 0.06f) : 0;
        f->room = h.rooms[nbase_rng_below(rng, 3)];
        if (chance_of(rng, 0.2)) f->room = nbase_rng_u32(rng); /* somewhere else */
        draw_capture(f, o, &h, u, rng);
        f->severity = trajectory_at(&p->course, f->day);
    }
}
