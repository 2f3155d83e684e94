#include "clinic.h"

#include <stdlib.h>
#include <string.h>

#include "approx.h"
#include "chance.h"

const char *const plant_names[PLANTS] = {"none", "other_language", "few_photos", "mixed_language",
                                         "long_note"};
const char *const course_shape_names[SHAPES] = {"steady", "smooth", "early", "late"};

static const double IMPROVED_SHARE = 0.7;
static const struct {
    plant what;
    double share;
} PLANTED[] = {{PLANT_OTHER_LANGUAGE, 0.05},
               {PLANT_FEW_PHOTOS, 0.04},
               {PLANT_MIXED_LANGUAGE, 0.05},
               {PLANT_LONG_NOTE, 0.02}};
enum { PLANTED_KINDS = sizeof PLANTED / sizeof PLANTED[0], PLANTED_FROM = 8 /* patients */ };

bool plant_is_kept(plant p) { return p != PLANT_OTHER_LANGUAGE && p != PLANT_FEW_PHOTOS; }

static nbase_rng stream_of(const clinic_options *o, size_t patient_index, int which)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, o->seed, patient_stream(patient_index, which));
    return rng;
}

/* ---- enrolment ---- */

static void shuffle(nbase_rng *rng, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = nbase_rng_below(rng, (uint32_t)i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

static uint64_t draw_number(nbase_rng *rng, const patient *patients, size_t enrolled)
{
    for (;;) {
        uint64_t number = 100000 + nbase_rng_below(rng, 900000000);
        size_t i = 0;
        while (i < enrolled && patients[i].number != number) i++;
        if (i == enrolled) return number;
    }
}

static void plant_some(const clinic_options *o, patient *patients, const size_t *order)
{
    size_t next = 0;
    for (int k = 0; k < PLANTED_KINDS && o->patients >= PLANTED_FROM; k++) {
        size_t n = (size_t)(PLANTED[k].share * (double)o->patients + 0.5);
        for (n = n ? n : 1; n > 0; n--) patients[order[next++]].plant = PLANTED[k].what;
    }
}

/* The share holds among the patients who stay, so that the training data has it. */
static void label_all(nbase_rng *rng, patient *patients, const size_t *order, size_t n)
{
    size_t kept = 0, seen = 0;
    for (size_t i = 0; i < n; i++) kept += plant_is_kept(patients[i].plant);
    size_t improved = (size_t)(IMPROVED_SHARE * (double)kept + 0.5);
    if (improved == kept && kept > 1) improved--;
    for (size_t i = 0; i < n; i++) {
        patient *p = &patients[order[i]];
        p->label = plant_is_kept(p->plant) ? seen++ < improved : chance_of(rng, IMPROVED_SHARE);
    }
}

bool clinic_enrol(const clinic_options *o, patient *patients)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, o->seed, 0);
    size_t *order = malloc((o->patients + 1) * sizeof *order);
    if (!order) return false;
    for (size_t i = 0; i < o->patients; i++) {
        order[i] = i;
        patients[i] = (patient){.index = i, .number = draw_number(&rng, patients, i)};
    }
    shuffle(&rng, order, o->patients);
    plant_some(o, patients, order);
    shuffle(&rng, order, o->patients);
    label_all(&rng, patients, order, o->patients);
    free(order);
    return true;
}

/* ---- the course ---- */

/* Any severity that leaves room for the change is as likely as any other. Patients who improve and
 * patients who get worse pass through the same pairs of severities, in opposite directions. */
static void draw_course(const clinic_options *o, patient *p, nbase_rng *rng)
{
    trajectory *t = &p->course;
    float change = clampf((float)o->effect * chance_range(rng, 0.36f, 0.48f), 0, 0.9f);
    float high = chance_range(rng, change, 1), low = high - change;
    t->first = p->label ? high : low;
    t->last = p->label ? low : high;
    t->shape = (course_shape)nbase_rng_below(rng, SHAPES);
    for (int k = 0; k < 2; k++) {
        t->wave[k] = chance_range(rng, 0, k ? 0.025f : 0.05f);
        t->turns[k] = chance_range(rng, k ? 2.5f : 0.8f, k ? 6 : 2);
        t->phase[k] = chance_range(rng, 0, 2 * PI_F);
    }
    t->flare = chance_of(rng, 0.4) ? chance_range(rng, -0.12f, 0.18f) : 0;
    t->flare_at = chance_range(rng, 0.2f, 0.8f);
    t->flare_width = chance_range(rng, 0.04f, 0.1f);
}

/* ---- days and notes ---- */

static void draw_days(const clinic_options *o, patient *p, nbase_rng *rng)
{
    /* squared: most patients send few photos, some send many */
    float many = chance_range(rng, 0, 1);
    p->photo_count =
        o->photos_min + (int)((float)(o->photos_max - o->photos_min + 1) * many * many);
    if (p->plant == PLANT_FEW_PHOTOS) p->photo_count = chance_int(rng, 1, 5);
    int64_t start = 1483228800 + (int64_t)nbase_rng_below(rng, 900) * 86400; /* from 2017-01-01 */
    int gap_max = chance_int(rng, 4, 10), day = 0;
    for (int k = 0; k < p->photo_count; k++) {
        if (k) day += chance_int(rng, 2, gap_max);
        int64_t second = chance_int(rng, 7 * 3600, 22 * 3600);
        p->photos[k].day = (float)day;
        p->photos[k].taken = start + (int64_t)day * 86400 + second;
    }
    p->course.days = (float)day;
}

static bool add_note(patient *p, nbase_rng *rng, int64_t sent, note_language language,
                     note_kind kind, bool leaflet)
{
    note *n = &p->notes[p->note_count++];
    n->sent = sent;
    n->language = language;
    n->text = leaflet ? note_write_leaflet(rng) : note_write(rng, language, kind);
    if (language == NOTE_ENGLISH && !leaflet) p->decisive = p->note_count - 1;
    return n->text != NULL;
}

/* A first message, some on the way, and after the last photo the one that decides; for some
 * patients one more that must not count. */
static bool draw_notes(patient *p, nbase_rng *rng)
{
    note_language foreign = (note_language)chance_int(rng, 1, NOTE_LANGUAGES - 1);
    note_language own = p->plant == PLANT_OTHER_LANGUAGE ? foreign : NOTE_ENGLISH;
    const photo *first = &p->photos[0], *last = &p->photos[p->photo_count - 1];
    int64_t sent = first->taken + chance_int(rng, 1800, 90000),
            end = last->taken + chance_int(rng, 3600, 200000);
    p->decisive = -1;
    bool ok = add_note(p, rng, sent, own, NOTE_WELCOME, false);
    for (int64_t gap = chance_int(rng, 9, 30) * (int64_t)86400;
         ok && sent + gap < end - 86400 && p->note_count < NOTES_MAX - 2;) {
        sent += gap + chance_int(rng, -30000, 30000);
        ok = add_note(p, rng, sent, own, NOTE_PROGRESS, false);
    }
    ok = ok && add_note(p, rng, end > sent ? end : sent + 3600, own,
                        p->label ? NOTE_IMPROVED : NOTE_WORSE, false);
    int64_t later = p->notes[p->note_count - 1].sent + chance_int(rng, 3600, 300000);
    if (ok && p->plant == PLANT_MIXED_LANGUAGE)
        ok = add_note(p, rng, later, foreign, p->label ? NOTE_IMPROVED : NOTE_WORSE, false);
    if (ok && p->plant == PLANT_LONG_NOTE)
        ok = add_note(p, rng, later, NOTE_ENGLISH, NOTE_WELCOME, true);
    return ok;
}

bool clinic_plan(const clinic_options *o, patient *p)
{
    nbase_rng rng = stream_of(o, p->index, STREAM_IDENTITY);
    identity_draw(&p->id, &rng);
    rng = stream_of(o, p->index, STREAM_COURSE);
    draw_course(o, p, &rng);
    rng = stream_of(o, p->index, STREAM_VISITS);
    draw_days(o, p, &rng);
    visits_plan(o, p, &rng);
    rng = stream_of(o, p->index, STREAM_NOTES);
    return draw_notes(p, &rng);
}

void patient_free(patient *p)
{
    for (int k = 0; k < p->note_count; k++) free(p->notes[k].text);
    p->note_count = 0;
}
