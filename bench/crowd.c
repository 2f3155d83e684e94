#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synth/approx.h"
#include "synth/backdrop.h"
#include "synth/camera.h"
#include "synth/shade.h"
#include "synth/skin.h"

enum { WIDTH = 1200, HEIGHT = 630, PEOPLE = 6 };

/* Where the people stand: middle of the head, pixels per unit of the head, turn. Back row first. */
static const pose places[PEOPLE] = {
    {.x = 375, .y = 190, .scale = 50, .distance = 9, .yaw = 0.3f},
    {.x = 775, .y = 180, .scale = 45, .distance = 9, .pitch = -0.1f},
    {.x = 1140, .y = 200, .scale = 40, .distance = 9, .yaw = -0.3f},
    {.x = 170, .y = 360, .scale = 95, .distance = 7, .roll = 0.1f},
    {.x = 560, .y = 380, .scale = 120, .distance = 7, .smile = 0.6f},
    {.x = 970, .y = 370, .scale = 100, .distance = 7, .yaw = -0.2f},
};

static void draw_people(person *who, renderer *r, float *rgb)
{
    lighting light = {.key = v_unit((vec3){0.3f, 0.4f, 0.9f}),
                      .fill = v_unit((vec3){-0.5f, 0.1f, 0.9f}),
                      .softness = 0.6f};
    for (int c = 0; c < 3; c++)
        light.key_rgb[c] = 0.9f, light.fill_rgb[c] = 0.3f, light.sky_rgb[c] = 0.6f,
        light.ground_rgb[c] = 0.3f;
    nbase_rng rng;
    nbase_rng_seed(&rng, 4, 0);
    for (int i = 0; i < PEOPLE; i++) {
        identity id;
        identity_draw(&id, &rng);
        person_build(who, &id);
        memcpy(who->head.skin.tex, who->bare,
               (size_t)HEAD_WIDTH * HEAD_HEIGHT * TEXEL * sizeof(float));
        eyes_paint(&who->head, &id, 0, 0, who->head.skin.tex);
        render_person(r, who, &places[i], &light, WIDTH, HEIGHT, rgb);
    }
}

bool crowd_draw(picture *out)
{
    size_t values = (size_t)WIDTH * HEIGHT * 3;
    person who = {0};
    renderer r = {0};
    float *rgb = malloc(values * sizeof *rgb), *scratch = malloc(values * sizeof *scratch);
    *out = (picture){.pixels = malloc(values), .width = WIDTH, .height = HEIGHT, .orientation = 1};
    bool ok = rgb && scratch && out->pixels && person_create(&who) &&
              renderer_create(&r, &who, WIDTH, HEIGHT);
    if (ok) {
        backdrop_paint(12, WIDTH, HEIGHT, rgb);
        draw_people(&who, &r, rgb);
        capture c = {.exposure = 1,
                     .white = {1, 1, 1},
                     .blur_x = 0.6f,
                     .blur_y = 0.6f,
                     .noise = 0.01f,
                     .contrast = 1,
                     .seed = 1};
        camera_develop(&c, WIDTH, HEIGHT, rgb, scratch, out->pixels);
    } else {
        fprintf(stderr, "bench: out of memory for the picture\n");
        picture_free(out);
    }
    renderer_free(&r);
    person_free(&who);
    free(rgb);
    free(scratch);
    return ok;
}
