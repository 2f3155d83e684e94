#include "studio.h"

#include <stdlib.h>
#include <string.h>

#include "approx.h"
#include "fail.h"
#include "fileio.h"
#include "pictures/images.h"
#include "skin.h"

bool studio_create(studio *s, int max_side)
{
    size_t n = (size_t)max_side * (size_t)max_side * 3;
    *s = (studio){.max_side = max_side};
    bool ok = person_create(&s->who) && renderer_create(&s->render, &s->who, max_side, max_side);
    s->rgb = malloc(n * sizeof(float));
    s->scratch = malloc(n * sizeof(float));
    s->upright = malloc(n);
    s->stored = malloc(n);
    if (ok && s->rgb && s->scratch && s->upright && s->stored) return true;
    studio_free(s);
    return false;
}

void studio_free(studio *s)
{
    person_free(&s->who);
    renderer_free(&s->render);
    free(s->rgb);
    free(s->scratch);
    free(s->upright);
    free(s->stored);
    *s = (studio){0};
}

/* A phone meters the face and moves its brightness part of the way to a target: dark skin stays
 * darker. */
static float metered(float mean)
{
    return mean > 0 ? approx_pow(0.28f / maxf(mean, 0.01f), 0.65f) : 1;
}

static void paint_room(studio *s, const photo *f)
{
    size_t n = (size_t)f->width * (size_t)f->height * 3;
    if (f->face)
        backdrop_paint(f->room, f->width, f->height, s->rgb);
    else
        still_paint(f->still, &s->who.id, f->capture.seed, f->width, f->height, s->rgb);
    for (size_t i = 0; i < n; i++) s->rgb[i] *= f->room_light;
}

static bool shoot(studio *s, photo *f, const char *folder, nbase_error *err)
{
    paint_room(s, f);
    float mean = 0.28f; /* no face: unchanged */
    if (f->face) {
        person *who = &s->who;
        memcpy(who->head.skin.tex, who->bare,
               (size_t)HEAD_WIDTH * HEAD_HEIGHT * TEXEL * sizeof(float));
        course_paint(&s->skin, &who->head, &who->id, who->head.skin.tex);
        eyes_paint(&who->head, &who->id, f->gaze_x, f->gaze_y, who->head.skin.tex);
        rendered_face face =
            render_person(&s->render, who, &f->pose, &f->light, f->width, f->height, s->rgb);
        f->box = face.box;
        mean = face.mean_green;
    }
    capture c = f->capture;
    c.exposure *= metered(mean);
    camera_develop(&c, f->width, f->height, s->rgb, s->scratch, s->upright);
    int width, height;
    camera_store(c.orientation, f->width, f->height, s->upright, s->stored, &width, &height);
    char *path = file_join(folder, f->name, err);
    bool ok = path && picture_write_jpeg(path, s->stored, (size_t)width, (size_t)height, c.quality,
                                         c.orientation, err);
    free(path);
    return ok;
}

bool studio_shoot(studio *s, const clinic_options *o, patient *p, const char *folder,
                  bool (*stop)(void), nbase_error *err)
{
    person_build(&s->who, &p->id);
    course_begin(&s->skin, &s->who.head, &p->id, o->seed, patient_stream(p->index, STREAM_LESIONS),
                 trajectory_at(&p->course, 0));
    int day = 0;
    for (int k = 0; k < p->photo_count; k++) {
        photo *f = &p->photos[k];
        while (day < (int)f->day)
            course_day(&s->skin, &s->who.head, &p->id, trajectory_at(&p->course, (float)++day));
        f->lesions = course_active(&s->skin);
        if (stop()) return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
        if (!shoot(s, f, folder, err)) return false;
    }
    return true;
}
