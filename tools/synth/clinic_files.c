#include "clinic_files.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "fileio.h"
#include "jsonio.h"

enum { TIME_TEXT = 24 };

/* ISO 8601, UTC. */
static const char *iso_time(int64_t seconds, char text[TIME_TEXT])
{
    time_t t = (time_t)seconds;
    struct tm parts;
    gmtime_r(&t, &parts);
    strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/* ---- follow-up ---- */

static json_t *message_record(const patient *p, const note *n)
{
    char when[TIME_TEXT];
    return json_pack("{s:s, s:I, s:s, s:s, s:n}", "entry_type", "DrMessage", "userId",
                     (json_int_t)p->number, "created_at", iso_time(n->sent, when), "dr_note",
                     n->text, "image_path");
}

static json_t *photo_record(const patient *p, const photo *f)
{
    char when[TIME_TEXT];
    return json_pack("{s:s, s:I, s:s, s:n, s:s}", "entry_type", "Annotation", "userId",
                     (json_int_t)p->number, "created_at", iso_time(f->taken, when), "dr_note",
                     "image_path", f->name);
}

/* Notes and photos in time order; every third file is newest first, so that readers must sort. */
bool clinic_write_followup(const char *folder, const patient *p, nbase_error *err)
{
    json_t *list = json_array();
    bool ok = list != NULL, newest_first = p->index % 3 == 2;
    for (int k = 0, n = 0; ok && (k < p->photo_count || n < p->note_count);) {
        bool message =
            n < p->note_count && (k == p->photo_count || p->notes[n].sent < p->photos[k].taken);
        json_t *record =
            message ? message_record(p, &p->notes[n++]) : photo_record(p, &p->photos[k++]);
        ok = (newest_first ? json_array_insert_new(list, 0, record)
                           : json_array_append_new(list, record)) == 0;
    }
    char name[40];
    snprintf(name, sizeof name, "user_%012" PRIu64 ".json", p->number);
    char *path = file_join(folder, name, NULL);
    if (ok && path) {
        ok = jsonio_write(path, list, JSON_INDENT(1) | JSON_REAL_PRECISION(6), err);
    } else {
        ok = tool_no_memory(err);
        json_decref(list);
    }
    free(path);
    return ok;
}

bool clinic_write_stats(const char *path, const patient *patients, size_t count, nbase_error *err)
{
    outfile out;
    if (!outfile_open(&out, path, err)) return false;
    fputs("user_id,message_count,last_message_at\n", out.stream);
    for (size_t i = 0; i < count; i++) {
        const patient *p = &patients[i];
        char when[TIME_TEXT];
        fprintf(out.stream, "%" PRIu64 ",%d,%s\n", p->number, p->note_count,
                iso_time(p->notes[p->note_count - 1].sent, when));
    }
    return outfile_commit(&out, err);
}

/* ---- truth ---- */

static json_t *triple(const float v[3]) { return json_pack("[f,f,f]", v[0], v[1], v[2]); }

static json_t *identity_truth(const identity *id)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:s, s:o, s:o, s:{s:f, s:f, s:f, "
                     "s:f, s:f, s:f, s:f, s:f, s:f, s:f}}",
                     "man", id->man, "age", id->age, "tone", id->tone, "undertone", id->undertone,
                     "ruddy", id->ruddy, "freckles", id->freckles, "stubble", id->stubble, "moles",
                     id->moles, "hair", hair_style_names[id->hair], "hair_rgb",
                     triple(id->hair_rgb), "iris_rgb", triple(id->iris), "shape", "length",
                     id->length, "jaw", id->jaw, "chin_width", id->chin_width, "eye_x", id->eye_x,
                     "eye_open", id->eye_open, "nose_length", id->nose_length, "nose_width",
                     id->nose_width, "nose_height", id->nose_height, "mouth_width", id->mouth_width,
                     "brow_y", id->brow_y);
}

static json_t *course_truth(const trajectory *t)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "shape", course_shape_names[t->shape],
                     "first", t->first, "last", t->last, "days", t->days, "flare", t->flare,
                     "flare_at", t->flare_at);
}

static json_t *photo_truth(const photo *f)
{
    char when[TIME_TEXT];
    const face_box *b = &f->box;
    json_t *t = json_pack("{s:s, s:s, s:f, s:i, s:i, s:i, s:b, s:b, s:f, s:i}", "image_path",
                          f->name, "created_at", iso_time(f->taken, when), "day", f->day, "width",
                          f->width, "height", f->height, "orientation",
                          f->capture.orientation ? f->capture.orientation : 1, "exif",
                          f->capture.orientation != 0, "face", f->face, "severity", f->severity,
                          "lesions", f->lesions);
    if (!t) return NULL;
    if (!f->face) {
        json_object_set_new(t, "shows", json_string(still_names[f->still]));
        return t;
    }
    json_object_set_new(t, "box", json_pack("[f,f,f,f]", b->x, b->y, b->width, b->height));
    json_object_set_new(t, "pose",
                        json_pack("{s:f, s:f, s:f, s:f}", "yaw", f->pose.yaw, "pitch",
                                  f->pose.pitch, "roll", f->pose.roll, "smile", f->pose.smile));
    json_object_set_new(t, "drift",
                        json_pack("{s:f, s:f, s:f, s:o}", "tan", f->pose.tan, "flush",
                                  f->pose.flush, "exposure", f->capture.exposure, "white",
                                  triple(f->capture.white)));
    return t;
}

static json_t *patient_truth(const patient *p)
{
    char when[TIME_TEXT];
    json_t *photos = json_array();
    for (int k = 0; k < p->photo_count; k++)
        json_array_append_new(photos, photo_truth(&p->photos[k]));
    json_t *t = json_pack(
        "{s:I, s:i, s:s, s:b, s:o, s:o, s:i, s:s, s:o}", "user_id", (json_int_t)p->number, "label",
        p->label, "planted", plant_names[p->plant], "kept", plant_is_kept(p->plant), "identity",
        identity_truth(&p->id), "course", course_truth(&p->course), "notes", p->note_count,
        "language", note_language_names[p->notes[0].language], "photos", photos);
    if (t && p->decisive >= 0)
        json_object_set_new(t, "decisive_note",
                            json_pack("{s:s, s:s}", "created_at",
                                      iso_time(p->notes[p->decisive].sent, when), "dr_note",
                                      p->notes[p->decisive].text));
    return t;
}

bool clinic_write_truth(const char *path, const clinic_options *o, const patient *patients,
                        size_t count, nbase_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, patient_truth(&patients[i]));
    json_t *root = json_pack("{s:s, s:I, s:f, s:f, s:o}", "format", "skin-synth 1", "seed",
                             (json_int_t)o->seed, "effect", o->effect, "no_face", o->no_face,
                             "patients", list);
    return jsonio_write(path, root, JSON_INDENT(1) | JSON_REAL_PRECISION(6), err);
}
