/* The simulated clinic's parts: functions, plans, notes, orientation, and that a rendered face
 * shows what was planned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "synth/approx.h"
#include "synth/clinic.h"
#include "synth/lesions.h"
#include "synth/skin.h"

static void test_functions(void **state)
{
    (void)state;
    for (float x = -20; x < 20; x += 0.0137f) {
        assert_true(fabs(approx_exp(x) / exp((double)x) - 1) < 4e-6);
        assert_true(fabs(approx_sin(x) - sin((double)x)) < 2e-6 &&
                    fabs(approx_cos(x) - cos((double)x)) < 2e-6);
        if (x > 0) assert_true(fabs(approx_pow(x, 2.4f) / pow((double)x, 2.4) - 1) < 4e-6);
    }
    assert_true(approx_pow(0, 0.5f) == 0 && approx_exp(-1000) < 1e-37f);
}

/* ---- the plan ---- */

static patient *plan(clinic_options *o, size_t patients, uint64_t seed)
{
    *o = (clinic_options){.patients = patients,
                          .seed = seed,
                          .photos_min = 6,
                          .photos_max = 29,
                          .size_min = 400,
                          .size_max = 600,
                          .effect = 1,
                          .no_face = 0.03,
                          .exif = true};
    patient *p = calloc(patients, sizeof *p);
    assert_non_null(p);
    assert_true(clinic_enrol(o, p));
    for (size_t i = 0; i < patients; i++) assert_true(clinic_plan(o, &p[i]));
    return p;
}

static void forget(patient *p, size_t patients)
{
    for (size_t i = 0; i < patients; i++) patient_free(&p[i]);
    free(p);
}

static void test_enrolment(void **state)
{
    (void)state;
    enum { N = 200 };
    clinic_options o;
    patient *p = plan(&o, N, 4);
    int plants[PLANTS] = {0}, kept = 0, improved = 0;
    for (int i = 0; i < N; i++) {
        plants[p[i].plant]++;
        kept += plant_is_kept(p[i].plant);
        improved += plant_is_kept(p[i].plant) && p[i].label;
        for (int k = 0; k < i; k++) assert_true(p[k].number != p[i].number);
    }
    assert_int_equal(plants[PLANT_OTHER_LANGUAGE], 10);
    assert_int_equal(plants[PLANT_FEW_PHOTOS], 8);
    assert_int_equal(plants[PLANT_MIXED_LANGUAGE], 10);
    assert_int_equal(plants[PLANT_LONG_NOTE], 4);
    assert_int_equal(kept, 182);
    assert_int_equal(improved, 127); /* 70 % of them, rounded */
    forget(p, N);
}

static void test_patients(void **state)
{
    (void)state;
    enum { N = 300 };
    clinic_options o;
    patient *p = plan(&o, N, 9);
    double first[2] = {0, 0}, exposure[2] = {0, 0}, people[2] = {0, 0};
    int middling[2] = {0, 0}, faceless = 0, photos = 0, orientations = 0;
    for (int i = 0; i < N; i++) {
        const patient *q = &p[i];
        assert_true(q->photo_count >= (q->plant == PLANT_FEW_PHOTOS ? 1 : 6) &&
                    q->photo_count <= (q->plant == PLANT_FEW_PHOTOS ? 5 : 29));
        float change = q->course.last - q->course.first,
              ends = trajectory_at(&q->course, q->course.days);
        assert_true((q->label ? -change : change) > 0.35f && (q->label ? -change : change) < 0.5f);
        assert_true(fabsf(ends - q->course.last) < 1e-5f || q->course.days == 0);
        for (int k = 0; k < q->photo_count; k++) {
            assert_true(q->photos[k].severity >= 0 && q->photos[k].severity <= 1);
            assert_true(k == 0 || q->photos[k].taken > q->photos[k - 1].taken);
            faceless += !q->photos[k].face;
            orientations |= 1 << q->photos[k].capture.orientation;
            photos++;
        }
        for (int k = 1; k < q->note_count; k++)
            assert_true(q->notes[k].sent > q->notes[k - 1].sent);
        assert_true(q->notes[q->note_count - 1].sent > q->photos[q->photo_count - 1].taken);
        assert_true((q->decisive >= 0) == (q->plant != PLANT_OTHER_LANGUAGE));
        bool last = q->plant != PLANT_MIXED_LANGUAGE && q->plant != PLANT_LONG_NOTE &&
                    q->plant != PLANT_OTHER_LANGUAGE;
        assert_true(!last || q->decisive == q->note_count - 1);
        if (q->plant == PLANT_LONG_NOTE)
            assert_true(strlen(q->notes[q->note_count - 1].text) >= 5000);
        first[q->label] += q->course.first;
        exposure[q->label] +=
            log(q->photos[q->photo_count - 1].capture.exposure / q->photos[0].capture.exposure);
        people[q->label] += 1;
        middling[q->label] += q->course.last > 0.4f && q->course.last < 0.6f;
    }
    assert_int_equal(orientations & 0x1ff, 0x1ff); /* 0: no tag, and all eight */
    assert_true(faceless > photos / 60 && faceless < photos / 20);
    /* Both kinds end in the middle too, and the light drifts the same way for both. */
    assert_true(middling[0] > people[0] / 20 && middling[1] > people[1] / 20);
    assert_true(fabs(exposure[0] / people[0] - exposure[1] / people[1]) < 0.06);
    forget(p, N);
}

static void test_repeats(void **state)
{
    (void)state;
    clinic_options o, same;
    patient *a = plan(&o, 20, 77), *b = plan(&same, 20, 77);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(a[i].number, b[i].number);
        assert_memory_equal(&a[i].course, &b[i].course, sizeof a[i].course);
        assert_int_equal(a[i].note_count, b[i].note_count);
        for (int k = 0; k < a[i].note_count; k++)
            assert_string_equal(a[i].notes[k].text, b[i].notes[k].text);
    }
    forget(a, 20);
    forget(b, 20);
}

/* ---- notes ---- */

static void test_notes(void **state)
{
    (void)state;
    nbase_rng rng;
    nbase_rng_seed(&rng, 3, 1);
    char *before = strdup("");
    int same = 0;
    for (int i = 0; i < 4000; i++) {
        char *text =
            note_write(&rng, (note_language)(i % 3 ? NOTE_ENGLISH : i / 3 % NOTE_LANGUAGES),
                       (note_kind)(i % 4));
        assert_non_null(text);
        assert_null(strpbrk(text, "{}")); /* a name that the grammar lacks */
        assert_true(strlen(text) >= 10 && strlen(text) < 1500);
        assert_true(text[0] != ' ' && !strstr(text, "  ") && !strstr(text, " ."));
        same += !strcmp(text, before);
        free(before);
        before = text;
    }
    free(before);
    assert_true(same < 5);
}

/* ---- pixels ---- */

static void test_orientation(void **state)
{
    (void)state;
    /* What a viewer does with each tag, written down from the names of the operations, undoes
     * camera_store. */
    enum { W = 5, H = 3 };
    uint8_t upright[W * H * 3], stored[W * H * 3];
    for (int i = 0; i < W * H * 3; i++) upright[i] = (uint8_t)(7 * i + 1);
    for (int tag = 1; tag <= 8; tag++) {
        int w, h;
        camera_store(tag, W, H, upright, stored, &w, &h);
        assert_int_equal(w, tag < 5 ? W : H);
        for (int y = 0; y < H; y++) {
            for (int x = 0; x < W; x++) {
                int i = x, j = y;            /* where the viewer finds upright (x, y) */
                if (tag == 2) i = W - 1 - x; /* mirrored */
                if (tag == 3) i = W - 1 - x, j = H - 1 - y; /* half a turn */
                if (tag == 4) j = H - 1 - y;                /* upside down, mirrored */
                if (tag == 5) i = y, j = x;                 /* transposed */
                if (tag == 6) i = y, j = W - 1 - x;         /* needs a quarter turn clockwise */
                if (tag == 7) i = H - 1 - y, j = W - 1 - x; /* transverse */
                /* needs a quarter turn anticlockwise */
                if (tag == 8) i = H - 1 - y, j = x;
                assert_memory_equal(stored + 3 * (j * w + i), upright + 3 * (y * W + x), 3);
            }
        }
    }
}

/* Mean of log red - log green in the face's box. */
static double redness(const float *rgb, int width, const face_box *b)
{
    double sum = 0;
    for (int y = (int)(b->y + 0.2f * b->height); y < (int)(b->y + 0.8f * b->height); y++)
        for (int x = (int)(b->x + 0.2f * b->width); x < (int)(b->x + 0.8f * b->width); x++) {
            const float *p = rgb + 3 * (y * width + x);
            sum += log((p[0] + 0.01) / (p[1] + 0.01));
        }
    return sum / (0.36 * b->width * b->height);
}

static void test_face(void **state)
{
    (void)state;
    enum { W = 200, H = 240 };
    static float rgb[W * H * 3];
    static skin_course skin;
    clinic_options o;
    patient *p = plan(&o, 3, 21);
    person who;
    renderer r;
    assert_true(person_create(&who) && renderer_create(&r, &who, W, H));
    for (int i = 0; i < 3; i++) {
        double red[2];
        pose at = {
            .yaw = 0.3f * (float)(i - 1), .distance = 7, .scale = 55, .x = W / 2, .y = H / 2 - 15};
        person_build(&who, &p[i].id);
        for (int sick = 0; sick < 2; sick++) {
            memset(rgb, 0, sizeof rgb);
            memcpy(who.head.skin.tex, who.bare, sizeof(float) * TEXEL * HEAD_WIDTH * HEAD_HEIGHT);
            course_begin(&skin, &who.head, &who.id, 5, (uint64_t)i, (float)sick);
            assert_int_equal(course_active(&skin) > 15, sick);
            course_paint(&skin, &who.head, &who.id, who.head.skin.tex);
            eyes_paint(&who.head, &who.id, 0, 0, who.head.skin.tex);
            rendered_face face = render_person(&r, &who, &at, &p[i].photos[0].light, W, H, rgb);
            face_box box = face.box;
            assert_true(box.width > 70 && box.width < 130 && box.height > 130 && box.height < 175);
            assert_true(box.x > 20 && box.x + box.width < W - 20 && box.y > 20 &&
                        box.y + box.height < H - 10);
            assert_true(face.mean_green > 0.005f && face.mean_green < 3);
            for (int k = 0; k < W * H * 3; k++) assert_true(rgb[k] >= 0 && rgb[k] < 100);
            red[sick] = redness(rgb, W, &box);
        }
        assert_true(red[1] > red[0] + 0.05);
    }
    renderer_free(&r);
    person_free(&who);
    forget(p, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions), cmocka_unit_test(test_enrolment),
        cmocka_unit_test(test_patients),  cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_notes),     cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_face),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
