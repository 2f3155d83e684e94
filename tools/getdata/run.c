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
#include "fail.h"
#include "fileio.h"
#include "getdata.h"
#include "journal.h"
#include "labelled.h"
#include "lock.h"
#include "progress.h"
#include "store/store.h"
#include "user_ids.h"

#define MAX_RECORDS ((size_t)64 << 20)

typedef struct session {
    const getdata_options *o;
    store *source;
    judges judges;
    judge *builtin, *service;
    override_list *overrides;
    user_ids users;
    size_t done, before; /* users finished, and how many of them by an earlier run */
    outfile out, review;
    journal journal;
    output_lock out_lock, review_lock;
    bool check_images;
    size_t with_repeated; /* users of this run who have a photo in several records */
    size_t fates[FATE_COUNT], labels[2], lost_images, by_hand, images;
} session;

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
static bool settings_key(const session *r, char *key, size_t size, nbase_error *err)
{
    const getdata_options *o = r->o;
    size_t bytes = 0;
    char *by_hand = o->overrides ? file_read(o->overrides, (size_t)1 << 30, &bytes, err) : NULL;
    if (o->overrides && !by_hand) return false;
    uint64_t h =
        digest(digest(0xcbf29ce484222325u, r->users.ids, r->users.count * sizeof *r->users.ids),
               by_hand ? by_hand : "", bytes);
    free(by_hand);
    h = digest(digest(h, o->source, strlen(o->source) + 1), o->only_language,
               strlen(o->only_language) + 1);
    snprintf(key, size, "skin-getdata 1 %016" PRIx64 " %s %s %zu %zu %zu %d %d", h,
             r->judges.language->name, r->judges.sentiment->name, o->min_images, o->frames,
             o->note_bytes, r->check_images, o->review != NULL);
    return true;
}

static bool cannot_write(const char *path, nbase_error *err)
{
    return tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

/* Records in the journal that one more user is done. */
static bool note_done(session *r, nbase_error *err)
{
    uint64_t v[NUMBERS] = {
        [DONE] = r->done,     [LOST] = r->lost_images, [BY_HAND] = r->by_hand,
        [IMAGES] = r->images, [LABELS] = r->labels[0], [LABELS + 1] = r->labels[1]};
    for (int f = 0; f < FATE_COUNT; f++) v[FATES + f] = r->fates[f];
    if (fflush(r->out.stream)) return cannot_write(r->o->out, err);
    if (r->review.stream && fflush(r->review.stream)) return cannot_write(r->o->review, err);
    v[OUT_BYTES] = (uint64_t)ftell(r->out.stream);
    v[REVIEW_BYTES] = r->review.stream ? (uint64_t)ftell(r->review.stream) : 0;
    return journal_note(&r->journal, v, NUMBERS, err);
}

static void restore(session *r, const uint64_t *v)
{
    r->done = r->before = v[DONE];
    r->lost_images = v[LOST];
    r->by_hand = v[BY_HAND];
    r->images = v[IMAGES];
    for (int i = 0; i < 2; i++) r->labels[i] = v[LABELS + i];
    for (int f = 0; f < FATE_COUNT; f++) r->fates[f] = v[FATES + f];
    for (size_t i = 0; i < r->done; i++) overrides_mark_used(r->overrides, r->users.ids[i]);
    if (r->done)
        cli_note("resuming after the %zu users that an earlier run finished (--force starts again)",
                 r->done);
}

/* Opens the files of the run, at its beginning or where an earlier run was stopped. Returns 1; 0 if
 * the remains of that run do not fit together; -1 with an error. */
static int open_files(session *r, const char *key, nbase_error *err)
{
    uint64_t v[NUMBERS];
    if (!journal_open(&r->journal, r->o->out, key, v, NUMBERS, err)) return -1;
    int whole =
        v[DONE] <= r->users.count ? outfile_resume(&r->out, r->o->out, v[OUT_BYTES], err) : 0;
    if (whole == 1 && r->o->review)
        whole = outfile_resume(&r->review, r->o->review, v[REVIEW_BYTES], err);
    if (whole != 1) return whole;
    restore(r, v);
    if (r->review.stream && !v[REVIEW_BYTES]) review_header(r->review.stream);
    return 1;
}

static bool open_outputs(session *r, nbase_error *err)
{
    char key[300];
    if (!settings_key(r, key, sizeof key, err)) return false;
    int opened = r->o->force ? 0 : open_files(r, key, err);
    if (opened) return opened == 1;
    outfile_discard(&r->out);
    outfile_discard(&r->review);
    journal_remove(&r->journal);
    char *old = NULL;
    struct stat s;
    if (asprintf(&old, "%s.journal", r->o->out) < 0) return tool_no_memory(err);
    if (lstat(old, &s) == 0 && S_ISREG(s.st_mode)) unlink(old);
    free(old);
    return open_files(r, key, err) == 1;
}

/* ---- one user ---- */

static void warn_of_repeated(session *r, uint64_t id, const labelled *u)
{
    if (!u->repeated) return;
    if (++r->with_repeated <= LABELLED_LOST)
        cli_warn("user %" PRIu64 ": %zu records have a photo that another has, too; it is taken "
                 "once, at its earliest time",
                 id, u->repeated);
    if (r->with_repeated == LABELLED_LOST) cli_warn("further repeated photos are not reported");
}

static void warn_of_lost(session *r, uint64_t id, const labelled *u)
{
    for (size_t i = 0; i < u->lost; i++) {
        if (++r->lost_images <= LABELLED_LOST)
            cli_warn("user %" PRIu64 ": %s/%.200s is not there; left out", id,
                     store_place(r->source), i < LABELLED_LOST ? u->lost_names[i] : "");
        if (r->lost_images == LABELLED_LOST) cli_warn("further lost photos are only counted");
    }
}

/* Writes and counts what became of the next user. */
static bool record_user(session *r, const labelled *u, progress *bar, nbase_error *err)
{
    uint64_t id = r->users.ids[r->done];
    bool kept = u->fate == FATE_KEPT;
    overrides_mark_used(r->overrides, id);
    warn_of_repeated(r, id, u);
    warn_of_lost(r, id, u);
    if (u->error[0]) cli_error("%s; user %" PRIu64 " skipped", u->error, id);
    if (u->line && fputs(u->line, r->out.stream) == EOF) return cannot_write(r->o->out, err);
    if (u->review && r->review.stream) fputs(u->review, r->review.stream);
    r->labels[u->label] += kept;
    r->by_hand += kept && u->by_hand;
    r->images += kept ? u->images : 0;
    r->fates[u->fate]++;
    r->done++;
    if (!note_done(r, err)) return false;
    progress_update(bar, r->done, NULL);
    return true;
}

static labeller labeller_of(const session *r)
{
    return (labeller){r->o, r->source, &r->judges, r->overrides, r->check_images};
}

/* How many users' names are held at a time: all of them would be gigabytes of text for a big
 * clinic. */
enum { STRETCH = 4096, NAME_SIZE = 56 };

typedef char user_file[NAME_SIZE];

static void name_files(const session *r, size_t first, size_t count, user_file *names,
                       const char **pointers)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], NAME_SIZE, "followup_data/user_%012" PRIu64 ".json",
                 r->users.ids[first + i]);
        pointers[i] = names[i];
    }
}

/* The next user of a batch of files. */
static bool label_next(const session *r, store_batch *batch, uint64_t id, const char *file,
                       labelled *out, nbase_error *err)
{
    const labeller l = labeller_of(r);
    size_t size = 0;
    bool missing;
    char *bytes = store_batch_next(batch, &size, &missing, err);
    bool ok = label_user(&l, id, file, bytes, size, out, err);
    free(bytes);
    return ok;
}

/* ---- all users, one after the other ---- */

static bool process_stretch(session *r, size_t first, size_t count, user_file *names,
                            const char **pointers, progress *bar, nbase_error *err)
{
    name_files(r, first, count, names, pointers);
    store_batch *batch = store_batch_begin(r->source, pointers, count, MAX_RECORDS);
    bool ok = batch || tool_no_memory(err);
    for (size_t i = 0; ok && i < count && !cli_interrupted(); i++) {
        labelled u;
        ok = label_next(r, batch, r->users.ids[first + i], names[i], &u, err) &&
             record_user(r, &u, bar, err);
        labelled_free(&u);
    }
    store_batch_end(batch);
    return ok;
}

static bool process_alone(session *r, progress *bar, nbase_error *err)
{
    user_file *names = malloc(STRETCH * sizeof *names);
    const char **pointers = malloc(STRETCH * sizeof *pointers);
    bool ok = (names && pointers) || tool_no_memory(err);
    for (size_t first = r->done; ok && first < r->users.count && !cli_interrupted();
         first += STRETCH) {
        size_t left = r->users.count - first;
        ok = process_stretch(r, first, left < STRETCH ? left : STRETCH, names, pointers, bar, err);
    }
    free(names);
    free(pointers);
    return ok;
}

/* ---- all users, dealt out to ranks ---- */

enum {
    BLOCK = 32,  /* users that a rank gets at a time */
    AHEAD = 8192 /* users that may be labelled before their turn to be written has come */
};

/* What is shared with the callbacks; items count from the first user that an earlier run has not
 * finished. */
typedef struct dealt_users {
    session *r;
    size_t before;
    parcel *waiting; /* (users) labelled, and not yet written */
    progress *bar;
} dealt_users;

static bool label_block(void *ctx, int worker, size_t first, size_t count, parcel *result,
                        nbase_error *err)
{
    const dealt_users *d = ctx;
    const session *r = d->r;
    user_file names[BLOCK];
    const char *pointers[BLOCK] = {0};
    (void)worker; /* the only one */
    name_files(r, d->before + first, count, names, pointers);
    store_batch *batch = store_batch_begin(r->source, pointers, count, MAX_RECORDS);
    bool ok = batch || tool_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) {
        labelled u;
        ok = label_next(r, batch, r->users.ids[d->before + first + i], names[i], &u, err);
        if (ok) labelled_pack(&u, result);
        labelled_free(&u);
        if (ok && cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    }
    store_batch_end(batch);
    return ok;
}

static bool record_block(session *r, size_t count, parcel *block, progress *bar, nbase_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        labelled u;
        ok = labelled_unpack(block, &u, err) && record_user(r, &u, bar, err);
        labelled_free(&u);
    }
    return ok;
}

/* Writes the blocks whose turn has come. */
static bool keep_block(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    dealt_users *d = ctx;
    session *r = d->r;
    (void)count;
    d->waiting[first / BLOCK] = *result;
    *result = (parcel){0};
    for (parcel *next; r->done < r->users.count;) {
        size_t left = r->users.count - r->done;
        next = &d->waiting[(r->done - d->before) / BLOCK];
        if (!next->data) break;
        bool ok = record_block(r, left < BLOCK ? left : BLOCK, next, d->bar, err);
        parcel_free(next);
        if (!ok) return false;
    }
    return true;
}

static bool process_dealt(session *r, progress *bar, nbase_error *err)
{
    size_t left = r->users.count - r->done, blocks = left / BLOCK + 1;
    dealt_users d = {.r = r, .before = r->done, .bar = bar};
    d.waiting = calloc(blocks, sizeof *d.waiting);
    const deal_job job = {.count = left,
                          .block = BLOCK,
                          .ahead = AHEAD,
                          .threads = 1,
                          .work = label_block,
                          .collect = keep_block,
                          .ctx = &d};
    bool ok = ranks_agree(r->o->ranks, d.waiting || tool_no_memory(err), err) &&
              ranks_deal(r->o->ranks, &job, err);
    for (size_t i = 0; d.waiting && i < blocks; i++) parcel_free(&d.waiting[i]);
    free(d.waiting);
    return ok;
}

static bool process_all(session *r, nbase_error *err)
{
    progress bar;
    progress_start(&bar, "users", r->users.count);
    bar.before = r->done;
    bool ok = (ranks_size(r->o->ranks) > 1 ? process_dealt : process_alone)(r, &bar, err);
    progress_end(&bar);
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
        (json_int_t)r->users.count, "kept", (json_int_t)r->fates[FATE_KEPT], "positive",
        (json_int_t)r->labels[1], "negative", (json_int_t)r->labels[0], "images",
        (json_int_t)r->images, "dropped", dropped, "errors", (json_int_t)r->fates[FATE_ERROR],
        "bad_rows", (json_int_t)r->users.bad_rows, "lost_images", (json_int_t)r->lost_images,
        "repeated_rows", (json_int_t)r->users.repeats, "by_hand", (json_int_t)r->by_hand,
        "language_by", r->judges.language->name, "sentiment_by", r->judges.sentiment->name);
    if (all) json_dumpf(all, stdout, 0);
    putchar('\n');
    json_decref(all);
}

static void summary_text(const session *r)
{
    size_t kept = r->fates[FATE_KEPT];
    printf("%zu users in %s\n", r->users.count, USER_IDS_FILE);
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
        cli_error("interrupted%s; %s is unchanged; run the same command again to resume",
                  ranks_interrupted_by(r->o->ranks), r->o->out);
        return CLI_FAILURE;
    }
    if (!r->fates[FATE_KEPT]) {
        cli_error("none of %zu users passed the filters; %s is not written%s", r->users.count,
                  r->o->out,
                  r->o->review ? "; the review file says why" : "; --review FILE reports why");
        if (r->review.stream) commit(&r->review);
        return CLI_FAILURE;
    }
    if (!commit(&r->out)) return CLI_FAILURE;
    if (r->review.stream && !commit(&r->review)) return CLI_FAILURE;
    if (r->o->json)
        summary_json(r);
    else if (!r->o->quiet)
        summary_text(r);
    if (overrides_unused(r->overrides))
        cli_warn("%s: %zu users in it are not in %s", r->o->overrides,
                 overrides_unused(r->overrides), USER_IDS_FILE);
    if (r->lost_images) cli_warn("%zu photos are not there and were left out", r->lost_images);
    if (!r->fates[FATE_ERROR] && !r->users.bad_rows) return CLI_OK;
    cli_error("%zu users and %zu rows skipped because of errors; the others are in %s",
              r->fates[FATE_ERROR], r->users.bad_rows, r->o->out);
    return CLI_FAILURE;
}

static bool open_judges(session *r, nbase_error *err)
{
    const getdata_options *o = r->o;
    bool some_builtin = !o->language_by_service || !o->sentiment_by_service,
         some_service = o->language_by_service || o->sentiment_by_service;
    if ((some_builtin && !(r->builtin = judge_builtin(err))) ||
        (some_service && !(r->service = judge_comprehend(o->cache, err))))
        return false;
    r->judges = (judges){o->language_by_service ? r->service : r->builtin,
                         o->sentiment_by_service ? r->service : r->builtin};
    return true;
}

static bool lock_outputs(session *r, nbase_error *err)
{
    return output_lock_file(&r->out_lock, r->o->out, err) &&
           (!r->o->review || output_lock_file(&r->review_lock, r->o->review, err));
}

static bool read_overrides(session *r, nbase_error *err)
{
    if (!r->o->overrides) return true;
    r->overrides = overrides_read(r->o->overrides, err);
    return r->overrides != NULL;
}

static bool read_users(session *r, nbase_error *err)
{
    return user_ids_read(&r->users, r->source, err) &&
           user_ids_keep(&r->users, r->o->start, r->o->end, err);
}

/* The users of rank 0, and how many of them are done, become those of all. */
static bool share_users(session *r, nbase_error *err)
{
    parcel p = {0};
    bool first = !ranks_rank(r->o->ranks);
    if (first) {
        parcel_put_size(&p, r->done);
        parcel_put_size(&p, r->users.count);
        parcel_put(&p, r->users.ids, r->users.count * sizeof *r->users.ids);
    }
    bool ok = ranks_share(r->o->ranks, &p, err);
    if (ok && !first) {
        r->done = parcel_take_size(&p);
        r->users.count = parcel_take_size(&p);
        r->users.ids = malloc((r->users.count + 1) * sizeof *r->users.ids);
        if (r->users.ids) parcel_take(&p, r->users.ids, r->users.count * sizeof *r->users.ids);
        ok = (r->users.ids && !parcel_failed(&p)) || tool_no_memory(err);
    }
    parcel_free(&p);
    return ranks_agree(r->o->ranks, ok, err);
}

/* Every rank's beginning. Rank 0 alone reads the table, and writes. */
static bool begin_session(session *r, nbase_error *err)
{
    ranks *all = r->o->ranks;
    bool first = !ranks_rank(all);
    bool ok = (!first || lock_outputs(r, err)) && open_judges(r, err) && read_overrides(r, err) &&
              (!first || read_users(r, err));
    if (!ranks_agree(all, ok, err)) return false;
    ok = !first || open_outputs(r, err);
    return ranks_agree(all, ok, err) && (ranks_size(all) == 1 || share_users(r, err));
}

int getdata_run(const getdata_options *o)
{
    nbase_error err;
    session r = {.o = o};
    r.source = store_open(o->source, &err);
    if (!ranks_agree(o->ranks, r.source != NULL, &err)) {
        store_close(r.source);
        cli_report(&err);
        return CLI_FAILURE;
    }
    r.check_images = o->check_images == 1 || (o->check_images == 0 && !store_is_remote(o->source));
    bool ok = (begin_session(&r, &err) && process_all(&r, &err)) || cli_report(&err);
    int status = ok && !ranks_rank(o->ranks) ? finish(&r) : CLI_FAILURE;
    /* stopped halfway */
    if (r.out.stream && !ferror(r.out.stream) && r.done > 0 && r.done < r.users.count) {
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
    user_ids_free(&r.users);
    store_close(r.source);
    return status;
}
