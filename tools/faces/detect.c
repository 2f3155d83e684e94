/* skin-faces --detect: what is found in each picture, a line each, in the order of the command
 * line. */
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
#include "workers.h"

typedef struct run {
    const faces_options *o;
    extract_options extract;
    extractor **extractors; /* one a worker */
    char **drawn;           /* where each picture with its boxes goes, or null */
    pthread_mutex_t lock;   /* guards what follows, and the messages */
    char **lines;           /* finished, not yet printed */
    size_t printed, failed, done;
    progress bar;
} run;

/* ---- what is said of a picture ---- */

/* File names may hold any bytes, JSON only UTF-8. */
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

static char *describe_json(const char *name, const extract_result *r, bool with_rotation)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) json_array_append_new(list, face_json(&r->faces[i]));
    json_t *all = json_pack("{s:o,s:I,s:I,s:o}", "image", json_name(name), "width",
                            (json_int_t)r->picture->width, "height", (json_int_t)r->picture->height,
                            "faces", list);
    if (with_rotation) json_object_set_new(all, "rotation", json_integer(r->rotation));
    char *text = json_dumps(all, JSON_REAL_PRECISION(9));
    json_decref(all);
    return text;
}

static char *describe_text(const char *name, const extract_result *r)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fprintf(f, "%s: %zux%zu, %zu face%s", name, r->picture->width, r->picture->height, r->count,
            r->count == 1 ? "" : "s");
    if (r->rotation) fprintf(f, ", turned %d degrees", r->rotation);
    for (size_t i = 0; i < r->count; i++) {
        const mtcnn_face *face = &r->faces[i];
        fprintf(f, "\n  %dx%d at %d,%d  score %.4f", face->box[2], face->box[3], face->box[0],
                face->box[1], face->score);
    }
    fclose(f);
    return text;
}

static char *describe_failure(const char *name, const char *error)
{
    json_t *all = json_pack("{s:o,s:s}", "image", json_name(name), "error", error);
    char *text = json_dumps(all, 0);
    json_decref(all);
    return text;
}

/* ---- one picture ---- */

/* The picture as it was searched, with what was found. */
static bool draw(const run *r, size_t item, const extract_result *found)
{
    if (!r->drawn) return true;
    picture copy;
    nbase_error err;
    if (!picture_turned(found->picture, 1, &copy)) return false;
    draw_faces(&copy, found->faces, found->count, found->chosen);
    bool ok = picture_write_jpeg(r->drawn[item], copy.pixels, copy.width, copy.height, 92, 0, &err);
    picture_free(&copy);
    return ok || cli_report(&err);
}

/* The whole pixels of the corners, inside the picture. */
static void clip_box(mtcnn_face *f, const picture *p)
{
    float x1 = fmaxf(f->x1, 0), y1 = fmaxf(f->y1, 0), x2 = fminf(f->x2, (float)p->width),
          y2 = fminf(f->y2, (float)p->height);
    f->box[0] = (int)x1, f->box[1] = (int)y1, f->box[2] = (int)(x2 - x1),
    f->box[3] = (int)(y2 - y1);
}

/* What was found in a picture that was decoded reduced, in pixels of the whole one: `faces` has
 * room for all, *whole gets the size. */
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

/* The line about a picture; null: no memory. */
static char *describe(const run *r, const char *name, const picture *p, const extract_result *found)
{
    picture whole;
    mtcnn_face *faces = p->divisor > 1 ? malloc((found->count + 1) * sizeof *faces) : NULL;
    if (p->divisor > 1 && !faces) return NULL;
    extract_result all = p->divisor > 1 ? enlarged(found, p, faces, &whole) : *found;
    char *line = r->o->json ? describe_json(name, &all, r->extract.mtcnn.retry_rotated)
                            : describe_text(name, &all);
    free(faces);
    return line;
}

static bool look(run *r, int worker, size_t item, char **line, nbase_error *err)
{
    extractor **e = &r->extractors[worker];
    const char *name = r->o->pictures[item];
    if (!*e && !(*e = extractor_create(r->o->weights, &r->extract, err))) return false;
    picture p;
    extract_result found;
    if (!picture_read_reduced(name, r->extract.mtcnn.max_side, &p, err)) return false;
    bool ok = extract_detect(*e, &p, &found, err);
    if (ok) *line = describe(r, name, &p, &found);
    if (ok && !draw(r, item, &found))
        ok = tool_fail(err, NBASE_ERR_IO, "the picture with its boxes could not be written");
    picture_free(&p);
    return ok;
}

/* Prints the finished lines up to the first that is still missing. Called under the lock. */
static void print_ready(run *r)
{
    for (char *line; r->printed < r->o->picture_count && (line = r->lines[r->printed]);
         r->printed++) {
        progress_end(&r->bar);
        if (*line) puts(line);
        free(line);
        r->lines[r->printed] = NULL;
    }
    fflush(stdout);
}

static void work(void *ctx, int worker, size_t item)
{
    run *r = ctx;
    nbase_error err = {0};
    char *line = NULL;
    const char *name = r->o->pictures[item];
    bool ok = look(r, worker, item, &line, &err);
    pthread_mutex_lock(&r->lock);
    if (!ok) {
        progress_end(&r->bar);
        cli_error("%s: %s", name, err.text);
        if (!line) line = r->o->json ? describe_failure(name, err.text) : strdup("");
    }
    r->failed += !ok || !line;
    r->lines[item] = line ? line : strdup("");
    progress_update(&r->bar, ++r->done, name);
    print_ready(r);
    pthread_mutex_unlock(&r->lock);
}

/* ---- all pictures ---- */

/* DIR/<name without its ending>.jpg for each picture; a name that is taken gets a number. */
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

static bool prepare(run *r, int workers)
{
    const faces_options *o = r->o;
    r->extract = o->extract;
    /* more threads than pictures: the rest go into each detection */
    r->extract.mtcnn.num_threads = workers_count(SIZE_MAX, o->threads) / workers;
    r->extractors = calloc((size_t)workers, sizeof *r->extractors);
    r->lines = calloc(o->picture_count, sizeof *r->lines);
    nbase_error err;
    if (o->draw_dir && !file_make_dirs(o->draw_dir, &err)) return cli_report(&err);
    if (o->draw_dir) r->drawn = drawn_names(o);
    if (r->extractors && r->lines && (r->drawn || !o->draw_dir)) return true;
    cli_error("out of memory");
    return false;
}

int faces_detect(const faces_options *o)
{
    run r = {.o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    int workers = workers_count(o->picture_count, o->threads);
    bool ok = prepare(&r, workers);
    if (ok) {
        progress_start(&r.bar, "pictures", o->picture_count);
        workers_run(o->picture_count, o->threads, work, &r);
        progress_end(&r.bar);
        if (cli_interrupted())
            cli_error("interrupted after %zu of %zu pictures", r.printed, o->picture_count);
        if (r.failed)
            cli_error("%zu of %zu pictures skipped, for the reasons above", r.failed,
                      o->picture_count);
        ok = !r.failed && !cli_interrupted();
    }
    for (int i = 0; r.extractors && i < workers; i++) extractor_free(r.extractors[i]);
    for (size_t i = 0; i < o->picture_count; i++) {
        if (r.lines) free(r.lines[i]);
        if (r.drawn) free(r.drawn[i]);
    }
    free(r.extractors);
    free(r.lines);
    free(r.drawn);
    return ok ? CLI_OK : CLI_FAILURE;
}
