/* The run over all users of dr_msg_stats.csv: their files are fetched ahead (store.h), one file is
 * in memory at a time, and its line is written at once. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "data/table.h"
#include "fail.h"
#include "fileio.h"
#include "getdata.h"
#include "journal.h"
#include "lock.h"
#include "progress.h"
#include "shown.h"
#include "store/store.h"

#define STATS_FILE "dr_msg_stats.csv"
#define MAX_STATS ((size_t)1 << 30)
#define MAX_RECORDS ((size_t)64 << 20)

typedef struct session {
    const getdata_options *o;
    store *source;
    judges judges;
    judge *builtin, *service;
    override_list *overrides;
    nbase_error err; /* of a callback, which cannot pass it on */
    uint64_t *ids;
    size_t id_count, id_room;
    size_t done, before; /* users finished, and how many of them by an earlier run */
    outfile out, review;
    journal journal;
    output_lock out_lock, review_lock;
    bool check_images, failed;
    size_t fates[FATE_COUNT], labels[2], repeats, bad_rows, lost_images, by_hand, images;
} session;

/* ---- the list of users ---- */

static bool add_id(void *ctx, size_t row, const char *const *v)
{
    session *r = ctx;
    uint64_t id;
    if (!v[0] || !table_whole_number(v[0], &id)) {
        char text[SHOWN_SIZE];
        cli_error("%s/%s: row %zu: user_id '%s' is not a whole number; row skipped",
                  store_place(r->source), STATS_FILE, row,
                  v[0] ? shown(v[0], strlen(v[0]), text) : "");
        r->bad_rows++;
        return true;
    }
    if (r->id_count == r->id_room) {
        size_t room = 2 * r->id_room + 1024;
        uint64_t *grown = realloc(r->ids, room * sizeof *grown);
        if (!grown) return tool_no_memory(&r->err);
        r->ids = grown;
        r->id_room = room;
    }
    r->ids[r->id_count++] = id;
    return true;
}

static bool out_of_memory(void)
{
    cli_error("out of memory");
    return false;
}

typedef struct placed_id {
    uint64_t id;
    size_t place;
} placed_id;

static int by_id(const void *a, const void *b)
{
    const placed_id *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const placed_id *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* A table of messages names a user once per message. Each user counts once, at the first place. */
static bool drop_repeats(session *r)
{
    placed_id *p = malloc((r->id_count + 1) * sizeof *p);
    if (!p) return out_of_memory();
    size_t n = 0;
    for (size_t i = 0; i < r->id_count; i++) p[i] = (placed_id){r->ids[i], i};
    qsort(p, r->id_count, sizeof *p, by_id);
    for (size_t i = 0; i < r->id_count; i++)
        if (n == 0 || p[n - 1].id != p[i].id) p[n++] = p[i];
    qsort(p, n, sizeof *p, by_place);
    for (size_t i = 0; i < n; i++) r->ids[i] = p[i].id;
    r->repeats = r->id_count - n;
    r->id_count = n;
    free(p);
    return true;
}

static bool read_ids(session *r)
{
    static const char *const columns[] = {"user_id", NULL};
    size_t size;
    bool missing;
    char *bytes = store_read(r->source, STATS_FILE, MAX_STATS, &size, &missing, &r->err);
    if (!bytes) {
        if (missing) tool_fail_advice(&r->err, "; SRC must hold " STATS_FILE " and followup_data/");
        return cli_report(&r->err);
    }
    char what[300];
    snprintf(what, sizeof what, "%s/%s", store_place(r->source), STATS_FILE);
    bool ok = table_read(bytes, size, what, columns, 1, add_id, r, &r->err);
    free(bytes);
    if (!ok) return cli_report(&r->err);
    if (!drop_repeats(r)) return false;
    if (!r->id_count) cli_error("%s: no user in it", what);
    return r->id_count > 0;
}

/* Reduces the list to the users of this shard. */
static bool keep_shard(session *r)
{
    size_t first = r->o->start < r->id_count ? r->o->start : r->id_count,
           end = r->o->end < r->id_count ? r->o->end : r->id_count;
    if (first == end)
        cli_error("%s: it has only %zu users; --start %zu is after them", STATS_FILE, r->id_count,
                  r->o->start);
    r->id_count = end - first;
    memmove(r->ids, r->ids + first, r->id_count * sizeof *r->ids);
    return first < end;
}

/* ---- resuming a run that was stopped ---- */

/* What the journal keeps: how many users are done, the lengths of the files, and the counts of the
 * summary. */
enum {
    DONE,
    OUT_BYTES,
    REVIEW_BYTES,
    LOST,
    BY_HAND,
    IMAGES,
    LABELS,
    FATES = LABELS + 2,
    NUMBERS = FATES + FATE_COUNT
};

static uint64_t digest(uint64_t h, const void *data, size_t size) /* FNV-1a */
{
    for (size_t i = 0; i < size; i++) h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return h;
}

/* Describes everything that the output depends on, except the users' own files. */
static bool settings_key(const session *r, char *key, size_t size)
{
    const getdata_options *o = r->o;
    size_t bytes = 0;
    nbase_error err;
    char *by_hand = o->overrides ? file_read(o->overrides, (size_t)1 << 30, &bytes, &err) : NULL;
    if (o->overrides && !by_hand) return cli_report(&err);
    uint64_t h = digest(digest(0xcbf29ce484222325u, r->ids, r->id_count * sizeof *r->ids),
                        by_hand ? by_hand : "", bytes);
    free(by_hand);
    h = digest(digest(h, o->source, strlen(o->source) + 1), o->only_language,
               strlen(o->only_language) + 1);
    snprintf(key, size, "skin-getdata 1 %016" PRIx64 " %s %s %zu %zu %zu %d %d", h,
             r->judges.language->name, r->judges.sentiment->name, o->min_images, o->frames,
             o->note_bytes, r->check_images, o->review != NULL);
    return true;
}

static bool cannot_write(const char *path)
{
    cli_error("%s: cannot write: %s", path, strerror(errno));
    return false;
}

/* Records in the journal that one more user is done. False with a printed error. */
static bool note_done(session *r)
{
    uint64_t v[NUMBERS] = {
        [DONE] = r->done,     [LOST] = r->lost_images, [BY_HAND] = r->by_hand,
        [IMAGES] = r->images, [LABELS] = r->labels[0], [LABELS + 1] = r->labels[1]};
    for (int f = 0; f < FATE_COUNT; f++) v[FATES + f] = r->fates[f];
    if (fflush(r->out.stream)) return cannot_write(r->o->out);
    if (r->review.stream && fflush(r->review.stream)) return cannot_write(r->o->review);
    v[OUT_BYTES] = (uint64_t)ftell(r->out.stream);
    v[REVIEW_BYTES] = r->review.stream ? (uint64_t)ftell(r->review.stream) : 0;
    nbase_error err;
    return journal_note(&r->journal, v, NUMBERS, &err) || cli_report(&err);
}

static void restore(session *r, const uint64_t *v)
{
    r->done = r->before = v[DONE];
    r->lost_images = v[LOST];
    r->by_hand = v[BY_HAND];
    r->images = v[IMAGES];
    for (int i = 0; i < 2; i++) r->labels[i] = v[LABELS + i];
    for (int f = 0; f < FATE_COUNT; f++) r->fates[f] = v[FATES + f];
    /* these entries have been used */
    for (size_t i = 0; i < r->done; i++) overrides_find(r->overrides, r->ids[i]);
    if (r->done)
        cli_note("resuming after the %zu users that an earlier run finished (--force starts again)",
                 r->done);
}

/* Opens the files of the run, at its beginning or where an earlier run was stopped. Returns 1; 0 if
 * the remains of that run do not fit together; -1 with a printed error. */
static int open_files(session *r, const char *key)
{
    uint64_t v[NUMBERS];
    nbase_error err;
    if (!journal_open(&r->journal, r->o->out, key, v, NUMBERS, &err)) {
        cli_report(&err);
        return -1;
    }
    int whole = v[DONE] <= r->id_count ? outfile_resume(&r->out, r->o->out, v[OUT_BYTES], &err) : 0;
    if (whole == 1 && r->o->review)
        whole = outfile_resume(&r->review, r->o->review, v[REVIEW_BYTES], &err);
    if (whole < 0) cli_report(&err);
    if (whole != 1) return whole;
    restore(r, v);
    if (r->review.stream && !v[REVIEW_BYTES]) review_header(r->review.stream);
    return 1;
}

static bool open_outputs(session *r)
{
    char key[300];
    if (!settings_key(r, key, sizeof key)) return false;
    int opened = r->o->force ? 0 : open_files(r, key);
    if (opened) return opened == 1;
    outfile_discard(&r->out);
    outfile_discard(&r->review);
    journal_remove(&r->journal);
    char *old = NULL;
    struct stat s;
    if (asprintf(&old, "%s.journal", r->o->out) < 0) return out_of_memory();
    if (lstat(old, &s) == 0 && S_ISREG(s.st_mode)) unlink(old);
    free(old);
    return open_files(r, key) == 1;
}

/* ---- one user ---- */

/* A photo that is not there is left out: the series consists of what can be read. */
static bool drop_lost_images(session *r, uint64_t id, user_records *u, nbase_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->image_count; i++) {
        char name[1200];
        int n = snprintf(name, sizeof name, "images/%s", u->images[i].text);
        int there = n > 0 && (size_t)n < sizeof name ? store_exists(r->source, name, err) : 0;
        if (there < 0) return false;
        if (there) {
            u->images[kept++] = u->images[i];
        } else {
            if (++r->lost_images <= 10)
                cli_warn("user %" PRIu64 ": %s/%.200s is not there; left out", id,
                         store_place(r->source), name);
            if (r->lost_images == 10) cli_warn("further lost photos are only counted");
        }
    }
    u->image_count = kept;
    return true;
}

static bool write_line(session *r, uint64_t id, const user_records *u, const decision *d)
{
    char name[24];
    snprintf(name, sizeof name, "%" PRIu64, id);
    const char *note = d->deciding == SIZE_MAX ? "" : u->notes[d->deciding].text;
    json_t *line = json_pack("[sss]", name, d->label ? "1" : "0", note);
    for (size_t i = 0; line && i < u->image_count; i++)
        json_array_append_new(line, json_string(u->images[i].text));
    bool ok = line && json_array_size(line) == u->image_count + 3 &&
              json_dumpf(line, r->out.stream, 0) == 0 && fputc('\n', r->out.stream) != EOF;
    json_decref(line);
    return ok;
}

static void give_up(session *r, const nbase_error *err)
{
    cli_report(err);
    r->failed = true;
}

/* Labels one user from the file's bytes; null bytes: it could not be read, and *err says why. */
static void process_user(session *r, uint64_t id, const char *file, const char *bytes, size_t size,
                         nbase_error *err)
{
    user_records u = {0};
    decision d = {.fate = FATE_ERROR};
    override_kind by_hand = overrides_find(r->overrides, id);
    nbase_error inner;
    bool ok = bytes != NULL;
    /* Says nothing about the user: the next run may succeed. */
    if (!ok && err->status == NBASE_ERR_NOMEM) {
        give_up(r, err);
        return;
    }
    if (ok && !user_records_parse(bytes, size, id, &u, &inner))
        ok = tool_fail(err, inner.status, "%s/%s: %s", store_place(r->source), file, inner.text);
    if (!ok && err->status == NBASE_ERR_NOMEM) {
        give_up(r, err);
        user_records_free(&u);
        return;
    }
    if (ok && r->check_images) ok = drop_lost_images(r, id, &u, err);
    if (ok) {
        d.opinions = calloc(u.note_count + 1, sizeof *d.opinions);
        ok = d.opinions ? decide(r->o, &r->judges, &u, by_hand, &d, err) : tool_no_memory(err);
        /* A judge that fails once fails for every user: give up, and keep no user whom it did not
         * judge. */
        if (!ok) {
            give_up(r, err);
            free(d.opinions);
            user_records_free(&u);
            return;
        }
    }
    if (ok && d.fate == FATE_KEPT && !write_line(r, id, &u, &d)) {
        cannot_write(r->o->out);
        r->failed = true;
    }
    if (ok) {
        if (r->review.stream) review_user(r->review.stream, id, &u, &d);
        r->labels[d.label] += d.fate == FATE_KEPT;
        r->by_hand += d.fate == FATE_KEPT && d.by_hand;
        r->images += d.fate == FATE_KEPT ? u.image_count : 0;
    } else {
        d.fate = FATE_ERROR;
        cli_error("%s; user %" PRIu64 " skipped", err->text, id);
        if (r->review.stream) review_error(r->review.stream, id, err->text);
    }
    r->fates[d.fate]++;
    free(d.opinions);
    user_records_free(&u);
}

/* How many users' names are held at a time: all of them would be gigabytes of text for a big
 * clinic. */
enum { STRETCH = 4096, NAME_SIZE = 56 };

static void process_stretch(session *r, size_t first, size_t count, char (*names)[NAME_SIZE],
                            const char **pointers, progress *bar)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], NAME_SIZE, "followup_data/user_%012" PRIu64 ".json", r->ids[first + i]);
        pointers[i] = names[i];
    }
    store_batch *batch = store_batch_begin(r->source, pointers, count, MAX_RECORDS);
    if (!batch) r->failed = !out_of_memory();
    for (size_t i = 0; batch && i < count && !cli_interrupted() && !r->failed; i++) {
        nbase_error err;
        size_t size = 0;
        bool missing;
        char *bytes = store_batch_next(batch, &size, &missing, &err);
        process_user(r, r->ids[first + i], names[i], bytes, size, &err);
        free(bytes);
        if (r->failed) break;
        r->done = first + i + 1;
        if (!note_done(r)) r->failed = true;
        progress_update(bar, r->done, NULL);
    }
    store_batch_end(batch);
}

static bool process_all(session *r)
{
    char(*names)[NAME_SIZE] = malloc(STRETCH * sizeof *names);
    const char **pointers = malloc(STRETCH * sizeof *pointers);
    bool ok = names && pointers;
    if (!ok) out_of_memory();
    progress bar;
    progress_start(&bar, "users", r->id_count);
    bar.before = r->done;
    for (size_t first = r->done; ok && first < r->id_count && !cli_interrupted() && !r->failed;
         first += STRETCH)
        process_stretch(r, first, r->id_count - first < STRETCH ? r->id_count - first : STRETCH,
                        names, pointers, &bar);
    progress_end(&bar);
    free(names);
    free(pointers);
    return ok;
}

/* ---- the summary ---- */

static void summary_json(const session *r)
{
    json_t *dropped = json_object();
    for (int f = FATE_NO_NOTE; f < FATE_ERROR; f++)
        json_object_set_new(dropped, fate_names[f], json_integer((json_int_t)r->fates[f]));
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "users",
        (json_int_t)r->id_count, "kept", (json_int_t)r->fates[FATE_KEPT], "positive",
        (json_int_t)r->labels[1], "negative", (json_int_t)r->labels[0], "images",
        (json_int_t)r->images, "dropped", dropped, "errors", (json_int_t)r->fates[FATE_ERROR],
        "bad_rows", (json_int_t)r->bad_rows, "lost_images", (json_int_t)r->lost_images,
        "repeated_rows", (json_int_t)r->repeats, "by_hand", (json_int_t)r->by_hand, "language_by",
        r->judges.language->name, "sentiment_by", r->judges.sentiment->name);
    if (all) json_dumpf(all, stdout, 0);
    putchar('\n');
    json_decref(all);
}

static void summary_text(const session *r)
{
    size_t kept = r->fates[FATE_KEPT];
    printf("%zu users in %s\n", r->id_count, STATS_FILE);
    for (int f = FATE_NO_NOTE; f < FATE_COUNT; f++)
        if (r->fates[f]) printf("%8zu dropped: %s\n", r->fates[f], fate_reasons[f]);
    printf("%8zu kept with %zu photos: %zu improved (%.0f %%), %zu deteriorated", kept, r->images,
           r->labels[1], 100.0 * (double)r->labels[1] / (double)kept, r->labels[0]);
    if (r->by_hand) printf("; %zu labelled by hand", r->by_hand);
    printf("\nwritten: %s%s%s\n", r->o->out, r->o->review ? ", " : "",
           r->o->review ? r->o->review : "");
}

static bool commit(outfile *out)
{
    nbase_error err;
    return outfile_commit(out, &err) || cli_report(&err);
}

static int finish(session *r)
{
    if (cli_interrupted()) {
        cli_error("interrupted; %s is unchanged; run the same command again to resume", r->o->out);
        return CLI_FAILURE;
    }
    if (!r->fates[FATE_KEPT] && !r->failed) {
        cli_error("none of %zu users passed the filters; %s is not written%s", r->id_count,
                  r->o->out,
                  r->o->review ? "; the review file says why" : "; --review FILE reports why");
        if (r->review.stream) commit(&r->review);
        return CLI_FAILURE;
    }
    if (r->failed) return CLI_FAILURE; /* the error is already printed */
    if (!commit(&r->out)) return CLI_FAILURE;
    if (r->review.stream && !commit(&r->review)) return CLI_FAILURE;
    if (r->o->json)
        summary_json(r);
    else if (!r->o->quiet)
        summary_text(r);
    if (overrides_unused(r->overrides))
        cli_warn("%s: %zu users in it are not in %s", r->o->overrides,
                 overrides_unused(r->overrides), STATS_FILE);
    if (r->lost_images) cli_warn("%zu photos are not there and were left out", r->lost_images);
    if (!r->fates[FATE_ERROR] && !r->bad_rows) return CLI_OK;
    cli_error("%zu users and %zu rows skipped because of errors; the others are in %s",
              r->fates[FATE_ERROR], r->bad_rows, r->o->out);
    return CLI_FAILURE;
}

static bool open_judges(session *r)
{
    const getdata_options *o = r->o;
    nbase_error err;
    bool some_builtin = !o->language_by_service || !o->sentiment_by_service,
         some_service = o->language_by_service || o->sentiment_by_service;
    if ((some_builtin && !(r->builtin = judge_builtin(&err))) ||
        (some_service && !(r->service = judge_comprehend(o->cache, &err))))
        return cli_report(&err);
    r->judges = (judges){o->language_by_service ? r->service : r->builtin,
                         o->sentiment_by_service ? r->service : r->builtin};
    return true;
}

static bool lock_outputs(session *r)
{
    nbase_error err;
    return (output_lock_file(&r->out_lock, r->o->out, &err) &&
            (!r->o->review || output_lock_file(&r->review_lock, r->o->review, &err))) ||
           cli_report(&err);
}

static bool read_overrides(session *r)
{
    nbase_error err;
    if (!r->o->overrides) return true;
    r->overrides = overrides_read(r->o->overrides, &err);
    return r->overrides || cli_report(&err);
}

int getdata_run(const getdata_options *o)
{
    nbase_error err;
    session r = {.o = o};
    r.source = store_open(o->source, &err);
    if (!r.source) {
        cli_report(&err);
        return CLI_FAILURE;
    }
    r.check_images = o->check_images == 1 || (o->check_images == 0 && !store_is_remote(o->source));
    bool ok = lock_outputs(&r) && open_judges(&r) && read_overrides(&r) && read_ids(&r) &&
              keep_shard(&r) && open_outputs(&r);
    int status = ok && process_all(&r) ? finish(&r) : CLI_FAILURE;
    /* stopped halfway */
    if (r.out.stream && !ferror(r.out.stream) && r.done > 0 && r.done < r.id_count) {
        outfile_keep(&r.out);
        outfile_keep(&r.review);
        journal_keep(&r.journal);
    }
    outfile_discard(&r.out);
    outfile_discard(&r.review);
    journal_remove(&r.journal);
    output_lock_release(&r.out_lock);
    output_lock_release(&r.review_lock);
    overrides_free(r.overrides);
    if (r.builtin) r.builtin->close(r.builtin);
    if (r.service) r.service->close(r.service);
    free(r.ids);
    store_close(r.source);
    return status;
}
