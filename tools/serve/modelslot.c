#include "modelslot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/colours.h"
#include "fail.h"
#include "fileio.h"
#include "report/model_card.h"
#include "score/sequence.h"
#include "serve_limits.h"

/* ---- from a file to a model ---- */

/* The file is read once, and id, metadata and weights all come from these bytes: somebody may
 * exchange the file meanwhile. */
typedef struct model_file {
    const char *path;
    char *bytes;
    size_t size;
} model_file;

static bool read_metadata(const nbase_archive *a, const char *path, served_model *m,
                          nbase_error *err)
{
    const char *note = nbase_archive_meta(a, CALIBRATION_NOTE_META);
    if (!calibration_parse(nbase_archive_meta(a, CALIBRATION_META), &m->calibration))
        return tool_fail(
            err, NBASE_ERR_FORMAT,
            "%s: the metadata '%s' must be {\"slope\": number above 0, \"offset\": number}", path,
            CALIBRATION_META);
    if (!conformal_parse(nbase_archive_meta(a, CONFORMAL_META), &m->measured))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: the metadata '%s' must hold two lists of rising numbers", path,
                         CONFORMAL_META);
    if (note && strlen(note) >= sizeof m->note)
        return tool_fail(err, NBASE_ERR_LIMIT, "%s: the metadata '%s' is longer than %zu bytes",
                         path, CALIBRATION_NOTE_META, sizeof m->note - 1);
    snprintf(m->note, sizeof m->note, "%s", note ? note : "");
    m->as_stored = colours_of_model(a) == COLOURS_AS_STORED;
    return true;
}

static bool read_model(const nbase_archive *a, const char *path, served_model *m, nbase_error *err)
{
    nbase_error why = {0};
    nbase_status status = convlstm_model_from_archive(NULL, a, NULL, &m->model, &why);
    if (status)
        return tool_fail(err, status, "%s: %.300s; skin-train and skin-import write models", path,
                         why.text);
    convlstm_model_get_info(m->model, &m->info);
    if (!model_judges_people(m->model, path, err) || !model_runs(m->model, path, err)) return false;
    if (!familiar_read(a, path, m->model, &m->known, err)) return false;
    m->card = model_card_of(a, path, m->model, &why);
    if (why.text[0] && err) *err = why;
    return !why.text[0];
}

static bool load(const char *path, served_model *m, nbase_error *err)
{
    model_file f = {.path = path};
    nbase_archive *a = NULL;
    f.bytes = file_read(path, SERVE_MAX_MODEL, &f.size, err);
    bool ok = f.bytes && nbase_archive_parse(NULL, f.bytes, f.size, path, &a, err) == NBASE_OK &&
              read_metadata(a, path, m, err) && read_model(a, path, m, err);
    if (ok) model_id(f.bytes, f.size, m->id);
    nbase_archive_free(a);
    free(f.bytes);
    return ok;
}

/* ---- the slot ---- */

bool model_slot_load(model_slot *slot, const char *path, nbase_error *err)
{
    served_model *m = calloc(1, sizeof *m);
    if (!m) return tool_no_memory(err);
    atomic_init(&m->users, 1);
    if (!load(path, m, err)) {
        served_model_release(m);
        return false;
    }
    pthread_mutex_lock(&slot->lock);
    served_model *previous = slot->current;
    m->generation = ++slot->generation;
    slot->current = m;
    pthread_mutex_unlock(&slot->lock);
    if (previous) served_model_release(previous);
    return true;
}

served_model *model_slot_get(model_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    served_model *m = slot->current;
    if (m) atomic_fetch_add(&m->users, 1);
    pthread_mutex_unlock(&slot->lock);
    return m;
}

void served_model_release(served_model *m)
{
    if (atomic_fetch_sub(&m->users, 1) > 1) return;
    familiar_free(&m->known);
    convlstm_model_free(m->model);
    conformal_free(&m->measured);
    json_decref(m->card);
    free(m);
}

void model_slot_clear(model_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    served_model *last = slot->current;
    slot->current = NULL;
    pthread_mutex_unlock(&slot->lock);
    if (last) served_model_release(last);
}
