/* detect.c - skin-faces --detect: reports what it finds in each picture, in the order of the
 * command line. */
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "draw.h"
#include "faces.h"
#include "fail.h"
#include "fileio.h"
#include "progress.h"
#include "system.h"
#include "workers.h"

/* The pictures of a command line and what is shared by the workers. */
typedef struct detection {
    const faces_options *o;
    extract_options extract;
    extractor **extractors; /* one per worker, created at its first picture */
    char **drawn;           /* where each picture with its boxes goes, or null */

    pthread_mutex_t lock; /* guards what follows, and the messages */
    progress bar;

    /* ---- of rank 0 ---- */
    char **lines; /* finished, not yet printed */
    size_t printed, failed, done;
} detection;

/* ---- the report on a picture ---- */

/* A file name as a JSON string. Names may hold any bytes, JSON only UTF-8. */
static json_t *json_name(const char *name)
{
    json_t *value = json_string(name);
    char *copy = value ? NULL : strdup(name);
    if (!copy) return value;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

static json_t *face_json(const mtcnn_face *f)
{
    static const char *const names[5] = {"left_eye", "right_eye", "nose", "mouth_left",
                                         "mouth_right"};
    json_t *landmarks = json_object();
    for (int k = 0; k < 5; k++)
        json_object_set_new(landmarks, names[k],
                            json_pack("[ff]", f->landmarks[k].x, f->landmarks[k].y));
    return json_pack("{s:[iiii],s:[ffff],s:f,s:o}", "box", f->box[0], f->box[1], f->box[2],
                     f->box[3], "corners", f->x1, f->y1, f->x2, f->y2, "score", f->score,
                     "landmarks", landmarks);
}

static char *describe_json(const char *name, const extract_result *r, bool with_rotation,
                           const char *note)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) json_array_append_new(list, face_json(&r->faces[i]));
    json_t *all = json_pack("{s:o,s:I,s:I,s:o}", "image", json_name(name), "width",
                            (json_int_t)r->picture->width, "height", (json_int_t)r->picture->height,
                            "faces", list);
    if (with_rotation) json_object_set_new(all, "rotation", json_integer(r->rotation));
    if (note[0]) json_object_set_new(all, "note", json_string(note));
    char *text = json_dumps(all, JSON_REAL_PRECISION(9));
    json_decref(all);
    return text;
}

static char *describe_text(const char *name, const extract_result *r, const char *note)
{
    system_buffer b;
    if (!system_buffer_open(&b)) return NULL;
    FILE *f = b.stream;
    fprintf(f, "%s: %zux%zu, %zu face%s", name, r->picture->width, r->picture->height, r->count,
            r->count == 1 ? "" : "s");
    if (r->rotation) fprintf(f, ", turned %d degrees", r->rotation);
    if (note[0]) fprintf(f, " (%s)", note);
    for (size_t i = 0; i < r->count; i++) {
        const mtcnn_face *face = &r->faces[i];
        fprintf(f, "\n  %dx%d at %d,%d  score %.4f", face->box[2], face->box[3], face->box[0],
                face->box[1], face->score);
    }
    return system_buffer_close(&b) ? b.bytes : NULL;
}

static char *describe_failure(const char *name, const char *error)
{
    json_t *all = json_pack("{s:o,s:s}", "image", json_name(name), "error", error);
    char *text = json_dumps(all, 0);
    json_decref(all);
    return text;
}

/* ---- one picture ---- */

/* Writes the picture as it was searched, with what was found, if --draw asks for it. */
static bool write_drawn(const detection *d, size_t item, const extract_result *found,
                        nbase_error *err)
{
    if (!d->drawn) return true;
    picture copy;
    if (!picture_turned(found->picture, 1, &copy)) return tool_no_memory(err);
    draw_faces(&copy, found->faces, found->count, found->chosen);
    bool ok = picture_write_jpeg(d->drawn[item], copy.pixels, copy.width, copy.height, 92, 0, err);
    picture_free(&copy);
    return ok;
}

/* Sets the box to the corners in whole pixels, inside the picture. */
static void clip_box(mtcnn_face *f, const picture *p)
{
    float x1 = fmaxf(f->x1, 0), y1 = fmaxf(f->y1, 0), x2 = fminf(f->x2, (float)p->width),
          y2 = fminf(f->y2, (float)p->height);
    f->box[0] = (int)x1, f->box[1] = (int)y1, f->box[2] = (int)(x2 - x1),
    f->box[3] = (int)(y2 - y1);
}

/* What was found in a picture that was decoded reduced, in pixels of the whole one. `faces` has
 * room for all of them; *whole gets the size of the whole picture. */
static extract_result enlarged(const extract_result *found, const picture *p, mtcnn_face *faces,
                               picture *whole)
{
    extract_result out = *found;
    bool aside = found->rotation % 180 != 0;
    *whole = (picture){.width = aside ? p->full_height : p->full_width,
                       .height = aside ? p->full_width : p->full_height};
    float across = (float)whole->width / (float)found->picture->width,
          down = (float)whole->height / (float)found->picture->height;
    for (size_t i = 0; i < found->count; i++) {
        mtcnn_face f = found->faces[i];
        f.x1 *= across, f.x2 *= across, f.y1 *= down, f.y2 *= down;
        for (int k = 0; k < 5; k++) f.landmarks[k].x *= across, f.landmarks[k].y *= down;
        clip_box(&f, whole);
        faces[i] = f;
    }
    out.faces = faces;
    out.picture = whole;
    return out;
}

/* The line about a picture; null if there is no memory. */
static char *describe(const detection *d, const char *name, const picture *p,
                      const extract_result *found)
{
    picture whole;
    mtcnn_face *faces = p->divisor > 1 ? malloc((found->count + 1) * sizeof *faces) : NULL;
    if (p->divisor > 1 && !faces) return NULL;
    extract_result all = p->divisor > 1 ? enlarged(found, p, faces, &whole) : *found;
    char *line = d->o->json ? describe_json(name, &all, d->extract.mtcnn.retry_rotated, p->note)
                            : describe_text(name, &all, p->note);
    free(faces);
    return line;
}

/* Searches one picture. *line gets its report, also when only the drawing failed. */
static bool search_picture(detection *d, int worker, size_t item, char **line, nbase_error *err)
{
    extractor **e = &d->extractors[worker];
    const char *name = d->o->pictures[item];
    if (!*e && !(*e = extractor_create(d->o->weights, &d->extract, err))) return false;
    picture p;
    extract_result found;
    const picture_options options = {.side = d->extract.mtcnn.max_side, .no_icc = d->o->no_icc};
    if (!picture_read_with(name, &options, &p, err)) return false;
    bool ok = extract_detect(*e, &p, &found, err);
    if (ok && !(*line = describe(d, name, &p, &found))) ok = tool_no_memory(err);
    ok = ok && write_drawn(d, item, &found, err);
    picture_free(&p);
    return ok;
}

/* Prints the finished lines up to the first that is still missing. */
static void print_ready(detection *d)
{
    for (char *line; d->printed < d->o->picture_count && (line = d->lines[d->printed]);
         d->printed++) {
        progress_end(&d->bar);
        if (*line) puts(line);
        free(line);
        d->lines[d->printed] = NULL;
    }
    fflush(stdout);
}

/* One picture, on any rank (ranks/ranks.h). */
static bool detect_item(void *ctx, int worker, size_t item, size_t count, parcel *result,
                        nbase_error *err)
{
    (void)count; /* one at a time */
    (void)err;
    detection *d = ctx;
    nbase_error why = {0};
    char *line = NULL;
    const char *name = d->o->pictures[item];
    bool ok = search_picture(d, worker, item, &line, &why);
    if (!ok) {
        pthread_mutex_lock(&d->lock);
        progress_end(&d->bar);
        cli_error("%s: %s", name, why.text);
        pthread_mutex_unlock(&d->lock);
        if (!line) line = d->o->json ? describe_failure(name, why.text) : NULL;
    }
    parcel_put(result, &ok, sizeof ok);
    parcel_put_text(result, line ? line : "");
    free(line);
    return true;
}

/* On rank 0. */
static bool note_item(void *ctx, size_t item, size_t count, parcel *result, nbase_error *err)
{
    (void)count;
    detection *d = ctx;
    bool ok;
    parcel_take(result, &ok, sizeof ok);
    const char *line = parcel_take_text(result);
    if (!(d->lines[item] = strdup(line ? line : ""))) return tool_no_memory(err);
    pthread_mutex_lock(&d->lock);
    d->failed += !ok;
    progress_update(&d->bar, ++d->done, d->o->pictures[item]);
    print_ready(d);
    pthread_mutex_unlock(&d->lock);
    return true;
}

/* ---- all pictures ---- */

/* DIR/<name without its ending>.jpg for each picture; of equal names the later ones get a number.
 * Null if there is no memory. */
static char **drawn_names(const faces_options *o)
{
    char **names = calloc(o->picture_count, sizeof *names);
    json_t *taken = json_object();
    for (size_t i = 0; names && i < o->picture_count; i++) {
        const char *base = strrchr(o->pictures[i], '/');
        base = base ? base + 1 : o->pictures[i];
        const char *dot = strrchr(base, '.');
        int stem = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
        char file[4096];
        snprintf(file, sizeof file, "%.*s.jpg", stem, base);
        for (int n = 2; json_object_get(taken, file); n++)
            snprintf(file, sizeof file, "%.*s-%d.jpg", stem, base, n);
        json_object_set_new_nocheck(taken, file, json_true());
        names[i] = file_join(o->draw_dir, file, NULL);
    }
    json_decref(taken);
    return names;
}

static bool prepare(detection *d, int workers, nbase_error *err)
{
    const faces_options *o = d->o;
    d->extract = o->extract;
    /* more threads than pictures: the rest go into each detection */
    d->extract.mtcnn.num_threads = workers_count(SIZE_MAX, o->threads) / workers;
    d->extractors = calloc((size_t)workers, sizeof *d->extractors);
    d->lines = calloc(o->picture_count, sizeof *d->lines);
    bool ok = (d->extractors && d->lines) || tool_no_memory(err);
    if (o->draw_dir)
        ok = ok && file_make_dirs(o->draw_dir, err) &&
             ((d->drawn = drawn_names(o)) || tool_no_memory(err));
    return ranks_agree(o->ranks, ok, err);
}

static bool detect_all(detection *d, int workers, nbase_error *err)
{
    const faces_options *o = d->o;
    const deal_job job = {.count = o->picture_count,
                          .block = 1,
                          .threads = workers,
                          .work = detect_item,
                          .collect = note_item,
                          .ctx = d};
    progress_start(&d->bar, "pictures", o->picture_count);
    bool dealt = ranks_deal(o->ranks, &job, err);
    progress_end(&d->bar);
    return dealt;
}

/* Prints what is wrong with a job that has come to its end. Returns whether nothing is. */
static bool report_faults(const detection *d)
{
    const faces_options *o = d->o;
    if (cli_interrupted())
        cli_error("interrupted after %zu of %zu pictures%s", d->printed, o->picture_count,
                  ranks_interrupted_by(o->ranks));
    if (d->failed)
        cli_error("%zu of %zu pictures skipped, for the reasons above", d->failed,
                  o->picture_count);
    return !d->failed && !cli_interrupted();
}

int faces_detect(const faces_options *o)
{
    detection d = {.o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    int workers = workers_count(o->picture_count, o->threads);
    nbase_error err;
    bool ok = prepare(&d, workers, &err) && detect_all(&d, workers, &err) ? report_faults(&d)
                                                                          : cli_report(&err);
    for (int i = 0; d.extractors && i < workers; i++) extractor_free(d.extractors[i]);
    for (size_t i = 0; i < o->picture_count; i++) {
        if (d.lines) free(d.lines[i]);
        if (d.drawn) free(d.drawn[i]);
    }
    free(d.extractors);
    free(d.lines);
    free(d.drawn);
    return ok ? CLI_OK : CLI_FAILURE;
}
